//! Ten people with a connection each, who read what comes unit by unit of their dialect, with times left out.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::common::framing::Speech;
use crate::model::Expected;

/// Who there is, and how they speak.
pub(crate) const PEOPLE: [(&str, Speech); 10] = [
    ("tel1", Speech::Mec),
    ("tel2", Speech::Mec),
    ("hel1", Speech::Helo),
    ("hel2", Speech::Helo),
    ("app1", Speech::Chatapp),
    ("app2", Speech::Chatapp),
    ("cri1", Speech::CrimpFrames),
    ("cri2", Speech::CrimpLines),
    ("jay1", Speech::Json),
    ("jay2", Speech::Json),
];

/// How somebody speaks.
pub(crate) fn speech(who: &str) -> Speech {
    PEOPLE.iter().find(|(name, _)| *name == who).expect("one of the ten").1
}

struct Person {
    socket: TcpStream,
    bytes: Vec<u8>,
}

/// All of them.
pub(crate) struct Crowd {
    addresses: Vec<SocketAddr>,
    people: BTreeMap<String, Person>,
}

impl Crowd {
    /// Nobody has come yet; the addresses stand in the order of the dialects.
    pub(crate) fn new(addresses: &[SocketAddr]) -> Self {
        Self { addresses: addresses.to_vec(), people: BTreeMap::new() }
    }

    /// The server has been killed, and listens elsewhere now.
    pub(crate) fn forget(&mut self, addresses: &[SocketAddr]) {
        *self = Self::new(addresses);
    }

    pub(crate) fn connect(&mut self, who: &str) {
        let at = self.addresses[speech(who).dialect().number()];
        let socket = TcpStream::connect(at).expect("the server listens");
        socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket takes a timeout");
        let before = self.people.insert(who.to_owned(), Person { socket, bytes: Vec::new() });
        assert!(before.is_none(), "{who} comes once");
        if speech(who) == Speech::Helo {
            assert!(self.next(who, "a greeting").starts_with("HELO "));
        }
    }

    pub(crate) fn send(&mut self, who: &str, text: &str) {
        let bytes = speech(who).encode(text).expect("it can be said");
        self.people.get_mut(who).expect(who).socket.write_all(&bytes).expect("the server reads");
    }

    /// Everybody receives what is expected. Where somebody receives several things at once whose order is nobody's
    /// concern, they may come in any.
    pub(crate) fn hear(&mut self, why: &str, expected: &Expected) {
        for (who, texts) in expected.by_person() {
            let mut wanted: Vec<String> = texts.clone();
            let mut heard: Vec<String> = texts.iter().map(|_| self.next(who, why)).collect();
            if expected.in_any_order {
                wanted.sort();
                heard.sort();
            }
            assert_eq!(heard, wanted, "{who}, after {why}");
        }
    }

    /// Everybody asks something that has one answer, and that is what comes next: so nothing else had come.
    pub(crate) fn nothing_else(&mut self, why: &str) {
        let names: Vec<String> = self.people.keys().cloned().collect();
        for who in &names {
            self.send(who, &nonsense(who));
        }
        for who in &names {
            let answer = self.next(who, why);
            assert!(answer.starts_with(retort(who)), "{who}, after {why}, was told {answer}");
        }
    }

    /// Somebody says good-bye, and reads up to the end.
    pub(crate) fn quit(&mut self, who: &str) {
        let (words, answer) = match speech(who) {
            Speech::Mec => ("#quit".to_owned(), "@status 0\r\n"),
            Speech::Helo => ("QUIT".to_owned(), "+OK Goodbye\n"),
            Speech::Chatapp => {
                (crate::model::frame("ConnectionMessage", who, "Server", "QUIT"), "")
            }
            Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => {
                (format!("{who} DSCT"), "")
            }
            Speech::Json => (
                r#"{"Command":"update","Status":"offline"}"#.to_owned(),
                "{\"Command\":\"ok\",\"Re\":\"update\"}\n",
            ),
        };
        self.send(who, &words);
        let mut person = self.people.remove(who).expect(who);
        person.socket.read_to_end(&mut person.bytes).expect("it ends in good order");
        assert_eq!(String::from_utf8_lossy(&person.bytes), answer, "{who} leaves");
    }

    /// The next thing that somebody receives, without times.
    fn next(&mut self, who: &str, why: &str) -> String {
        let person = self.people.get_mut(who).unwrap_or_else(|| panic!("{who} is not there"));
        let mut buffer = [0; 4096];
        loop {
            let text = speech(who)
                .take(&mut person.bytes)
                .unwrap_or_else(|wrong| panic!("{who}: {wrong}"));
            if let Some(text) = text {
                return timeless(speech(who), &text);
            }
            match person.socket.read(&mut buffer) {
                Ok(0) => panic!("{who}, after {why}, was closed"),
                Ok(count) => person.bytes.extend_from_slice(&buffer[..count]),
                Err(error) => panic!("{who}, after {why}, waits in vain: {error}"),
            }
        }
    }
}

/// What nobody understands.
fn nonsense(who: &str) -> String {
    match speech(who) {
        Speech::Mec => "#nonsense".to_owned(),
        Speech::Helo => "NONSENSE".to_owned(),
        Speech::Chatapp => crate::model::frame("JoinMessage", who, "Server", ""),
        Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => format!("{who} NONSENSE"),
        Speech::Json => r#"{"Command":"ping"}"#.to_owned(),
    }
}

/// How that is answered.
fn retort(who: &str) -> &'static str {
    match speech(who) {
        Speech::Mec => "@status 3502",
        Speech::Helo => "-SOFT_ERR unknown command",
        Speech::Chatapp => "{\"__type__\":\"Error\",\"code\":20,",
        Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => "ERR_ILLEGALCOMMAND",
        Speech::Json => "{\"Command\":\"ping\"}",
    }
}

/// A text with every time in it replaced.
fn timeless(speech: Speech, text: &str) -> String {
    match speech {
        Speech::Helo => text.to_owned(),
        Speech::Mec => match text.split_once(' ') {
            Some((time, rest)) if time.len() == 10 && time.parse::<u64>().is_ok() => {
                format!("T {rest}")
            }
            _ => text.to_owned(),
        },
        Speech::Chatapp => replaced(text, "\"timestamp\":\"", 19),
        Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => {
            text.lines().map(|line| replaced(line, "[", 19)).collect::<Vec<_>>().join("\n")
        }
        Speech::Json => replaced(text, "\"Time\":", 10),
    }
}

/// Puts a T in place of the `count` bytes behind each `mark`.
fn replaced(text: &str, mark: &str, count: usize) -> String {
    let mut pieces = text.split(mark);
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |done, piece| match piece.get(..count) {
        Some(time) if time.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("{done}{mark}T{}", &piece[count..])
        }
        _ => format!("{done}{mark}{piece}"),
    })
}
