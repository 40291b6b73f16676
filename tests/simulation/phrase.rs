//! What clients say: commands of every kind, mostly well-formed, from a few names so that they meet.

use crate::random::Random;

const USERS: [&str; 9] = ["amy", "Amy", "bob", "BOB", "cat", "d.e-f", "\u{d8}rjan", "[x]", "eve"];
const ODD_USERS: [&str; 6] = ["", "-x", "a b", "abcdefghijklmnopqrstuvwxyz01234", "a\u{7}b", "#x"];
const ROOMS: [&str; 8] = ["lab", "LAB", "chess club", "Home", "home", "q\"r", "\"r", "back\\slash"];
const GROUPS: [&str; 6] = ["news", "News", "a b", "\"g\"", "\u{e9}t\u{e9}", "x"];
const ODD_ITEMS: [&str; 5] = ["", " ", "a\u{1}", "0123456789012345678901234567890", "\u{a0}"];
const TITLES: [&str; 5] = ["Hello there", "Re: x", "\"", "title", "\u{1f600}"];
const PASSWORDS: [&str; 5] = ["geheim", "p w", "\u{fc}\"\\", "secret", "x"];

/// Says things.
#[derive(Clone, Copy, Debug)]
pub struct Phrases {
    /// Lines of a message.
    pub body_lines_max: u64,
    /// No line of a message could be taken for a command.
    pub tame_bodies: bool,
}

impl Phrases {
    pub fn account(&self, random: &mut Random) -> (String, String) {
        (random.pick(&USERS[..5]).to_owned(), random.pick(&PASSWORDS[..2]).to_owned())
    }

    pub fn login(&self, random: &mut Random) -> Vec<u8> {
        let user = self.user(random);
        let words = if random.once_in(4) {
            vec!["#login".into(), "regd".into(), user, self.password(random)]
        } else {
            vec!["#login".into(), "anon".into(), user]
        };
        finished(random, &words)
    }

    /// A line, its end, and the body behind it.
    pub fn command(&self, random: &mut Random) -> Vec<u8> {
        match random.below(60) {
            0 => return odd_line(random),
            1 => return telnet(random),
            2..=4 => return self.login(random),
            5..=10 => return self.post(random),
            _ => {}
        }
        let verb = random.pick(&VERBS);
        let mut words = vec![spelled(random, verb)];
        words.extend(self.arguments(random, verb));
        match random.below(30) {
            0 => drop(words.pop()),
            1 => words.push("extra".to_owned()),
            2 => words.push(String::new()),
            _ => {}
        }
        if matches!(verb, "#broadcast" | "#sendto") && !random.once_in(4) {
            let last = words.pop().unwrap_or_default();
            let mut bytes = line(random, &words);
            bytes.push(b' ');
            bytes.extend(last.as_bytes());
            return ended(random, bytes);
        }
        finished(random, &words)
    }

    fn arguments(&self, random: &mut Random, verb: &str) -> Vec<String> {
        let few = |random: &mut Random| match random.below(12) {
            0 => "4294967296".to_owned(),
            1 => "-1".to_owned(),
            n => (n - 2).to_string(),
        };
        match verb {
            "#createlogin" => {
                let (user, password) = (self.user(random), self.password(random));
                let email = if random.once_in(9) { "x".repeat(65) } else { "a@b".into() };
                vec![user, password, "Real Name".into(), email]
            }
            "#changepass" => vec![self.password(random), self.password(random)],
            "#createroom" | "#rmroom" | "#changeroom" => {
                let mut words = vec![item(random, &ROOMS)];
                self.add_key(random, &mut words);
                words
            }
            "#creategroup" => {
                let mut words = vec![item(random, &GROUPS)];
                self.add_key(random, &mut words);
                if words.len() == 3 && random.once_in(2) {
                    words.push(random.choose(&["0", "1", "3", "50", "99999999"]).to_owned());
                }
                words
            }
            "#joingroup" | "#changegroup" | "#rmgroup" => {
                let mut words = vec![item(random, &GROUPS)];
                self.add_key(random, &mut words);
                words
            }
            "#broadcast" => vec![text(random)],
            "#sendto" => vec![self.user(random), text(random)],
            "#peer2peer" => {
                let port = random.choose(&["80", "65535", "0", "65536", "x"]).to_owned();
                let address = random.choose(&["10.0.0.1", "::1", "fe80::1%eth0", "1.2.3"]);
                vec![self.user(random), port, address.to_owned()]
            }
            "#kick" => vec![self.user(random)],
            "#listmessages" | "#history" if random.once_in(2) => Vec::new(),
            "#listmessages" | "#getmessage" | "#rmmessage" | "#history" => vec![few(random)],
            "#help" => [random.choose(&["", "login", "#QUIT", "nothing"]).to_owned()]
                .into_iter()
                .filter(|topic| !topic.is_empty())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// A password of a room or a group, and who may enter, each perhaps.
    fn add_key(&self, random: &mut Random, words: &mut Vec<String>) {
        if random.once_in(2) {
            return;
        }
        let key = match random.below(8) {
            0 => "p w".to_owned(),
            1 => "x".repeat(65),
            2 => "geheim".to_owned(),
            _ => String::new(),
        };
        words.push(key);
        if !random.once_in(3) {
            words.push(random.choose(&["anon", "ANON", "regd", "anon", "other"]).to_owned());
        }
    }

    fn post(&self, random: &mut Random) -> Vec<u8> {
        let mut words = vec![spelled(random, "#postmessage"), item(random, &TITLES)];
        let mut parts = 1;
        if !random.once_in(4) {
            words.push(random.choose(&["0", "0", "0", "1", "2", "5", "x"]).to_owned());
            if !random.once_in(3) {
                parts = random.below(self.body_lines_max + 1);
                if random.once_in(20) {
                    parts = self.body_lines_max + 1;
                }
                words.push(parts.to_string());
                if random.once_in(2) {
                    words.push(random.choose(&["0", "1", "4", "60", "99999999"]).to_owned());
                }
            }
        }
        let mut bytes = finished(random, &words);
        let sent = if random.once_in(10) { parts / 2 } else { parts };
        for _ in 0..sent {
            let line = match random.below(6) {
                0 => String::new(),
                1 if !self.tame_bodies => "#createroom never".to_owned(),
                2 => "@status 0".to_owned(),
                3 => "  blanks \u{1b}[31m and \u{85}".to_owned(),
                _ => text(random),
            };
            let tame = if self.tame_bodies { line.replace('#', "x") } else { line };
            bytes.extend(ended(random, tame.into_bytes()));
        }
        bytes
    }

    fn user(&self, random: &mut Random) -> String {
        if random.once_in(25) { random.pick(&ODD_USERS) } else { random.pick(&USERS) }.to_owned()
    }

    fn password(&self, random: &mut Random) -> String {
        match random.below(14) {
            0 => String::new(),
            1 => "p".repeat(65),
            2..=4 => random.pick(&PASSWORDS).to_owned(),
            _ => "geheim".to_owned(),
        }
    }
}

const VERBS: [&str; 37] = [
    "#createlogin",
    "#createlogin",
    "#changepass",
    "#rmlogin",
    "#challenge",
    "#whoami",
    "#listrooms",
    "#listusers",
    "#createroom",
    "#createroom",
    "#rmroom",
    "#changeroom",
    "#changeroom",
    "#changeroom",
    "#broadcast",
    "#broadcast",
    "#broadcast",
    "#sendto",
    "#peer2peer",
    "#history",
    "#kick",
    "#listgroups",
    "#creategroup",
    "#creategroup",
    "#joingroup",
    "#joingroup",
    "#changegroup",
    "#joingroup",
    "#leavegroup",
    "#rmgroup",
    "#listmessages",
    "#getmessage",
    "#rmmessage",
    "STATUS",
    "STATUS",
    "#help",
    "#quit",
];

/// A verb as somebody might type it.
fn spelled(random: &mut Random, verb: &str) -> String {
    let verb = match verb {
        "STATUS" => random.choose(&[
            "#archstatus",
            "#roomstatus",
            "#userstatus",
            "#groupstatus",
            "#messagestatus",
        ]),
        "#quit" if !random.once_in(6) => "#whoami",
        verb => verb,
    };
    match random.below(40) {
        0 => verb.to_ascii_uppercase(),
        1 => verb[1..].to_owned(),
        _ => verb.to_owned(),
    }
}

fn item(random: &mut Random, names: &[&str]) -> String {
    if random.once_in(25) { random.pick(&ODD_ITEMS) } else { random.pick(names) }.to_owned()
}

fn text(random: &mut Random) -> String {
    match random.below(12) {
        0 => "x".repeat(random.within(100, 980) as usize),
        1 => "quotes \" and \\ and \\\"".to_owned(),
        2 => "\t tab\u{7f} \u{9b}2J ".to_owned(),
        3 => "#quit".to_owned(),
        4 => "\u{fc}\u{f1}\u{ef} \u{1f600}".to_owned(),
        _ => format!("hello {}", random.below(1000)),
    }
}

/// Words as a line: bare or in quotes, with one blank or more.
fn line(random: &mut Random, words: &[String]) -> Vec<u8> {
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push_str(random.choose(&[" ", " ", " ", "  ", "\t"]));
        }
        let bare = !word.is_empty() && !word.starts_with('"') && !word.contains([' ', '\t']);
        if bare && !random.once_in(6) {
            line.push_str(word);
        } else {
            line.push_str(&crate::lines::quoted(word));
        }
    }
    if random.once_in(50) {
        line.push_str(random.choose(&[" \"", " \"a\"b", "\"", " \\"]));
    }
    line.into_bytes()
}

fn finished(random: &mut Random, words: &[String]) -> Vec<u8> {
    let line = line(random, words);
    ended(random, line)
}

/// A line with its end, and now and then with a byte in it that nobody expects.
fn ended(random: &mut Random, mut line: Vec<u8>) -> Vec<u8> {
    if random.once_in(25) {
        let at = random.below(line.len() as u64 + 1) as usize;
        let odd: &[u8] = random.choose(&[
            &b"x\x08"[..],
            b"\x7f",
            b"\x15",
            b"\x17",
            b"\xff\xf6",
            b"\xff\xfd\x06",
            b"\xff\xfb\x01",
            b"\xff\xff",
            b"\xc3",
            b"\xf0\x9f",
            b"\x00",
            b"\x1b",
            b"\xc2\x85",
            b"\xef\xbb\xbf",
            b"\x80",
        ]);
        line.splice(at..at, odd.iter().copied());
    }
    let end: &[u8] = random.choose(&[&b"\r\n"[..], b"\r\n", b"\r\n", b"\n", b"\n", b"\r\0", b"\r"]);
    line.extend_from_slice(end);
    line
}

fn odd_line(random: &mut Random) -> Vec<u8> {
    let line = match random.below(5) {
        0 => vec![b'x'; random.within(990, 1010) as usize],
        1 => (0..random.below(60)).map(|_| random.next() as u8).collect(),
        2 => b"  \t ".to_vec(),
        3 => b"\"#whoami\" x".to_vec(),
        _ => b"\"#whoami".to_vec(),
    };
    ended(random, line)
}

fn telnet(random: &mut Random) -> Vec<u8> {
    let option = random.next() as u8;
    match random.below(5) {
        0 => vec![255, 251, option],
        1 => vec![255, 253, option],
        2 => vec![255, 253, 6],
        3 => [&[255, 250, option][..], &[7; 40], &[255, 255, 1, 255, 240]].concat(),
        _ => vec![255, 246],
    }
}
