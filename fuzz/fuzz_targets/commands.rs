//! Words and the decoding of every command: a line means what a naive reading of its words means, and what was read
//! can be written and read again.
//!
//! Input: a byte that chooses the command, a byte of variations, and what stands behind the command's name.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mecd::core::event::{Event, Reply, Row, UserKind};
use mecd::core::name::{ItemName, UserName};
use mecd::core::{Standing, Status};
use mecd::dialect::mec::render;
use mecd::dialect::mec::verbs::{Serves, VERBS, Verb, verb};
use mecd_fuzz::input::Input;
use mecd_fuzz::requests::Talk;
use mecd_fuzz::words::{Malformed, first, quoted, text, words};

const LINE_MAX: usize = 999;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let chosen = VERBS.get(input.below(VERBS.len() + 1));
    let variation = input.byte();
    let standing = if variation & 1 == 0 { Standing::User } else { Standing::Stranger };
    let name = chosen.map_or("", |verb| verb.name);
    let mut line = if variation & 2 == 0 { name.to_owned() } else { name.to_ascii_uppercase() };
    if variation & 4 != 0 {
        line = quoted(&line);
    }
    if variation & 8 == 0 {
        line.push(' ');
    }
    line.push_str(&String::from_utf8_lossy(input.0));
    // What the line cutter takes out is another target's business.
    line.retain(|c| !matches!(c, '\r' | '\n' | '\x08' | '\x7f' | '\x15' | '\x17'));
    let Some(line) = line.get(..line.floor_char_boundary(LINE_MAX)) else { return };

    let asked = asked(standing, line);
    match expected(standing, line) {
        Expected::Is(request) => assert_eq!(asked, request, "{line:?}"),
        Expected::Same(line) if line.len() > LINE_MAX => {}
        Expected::Same(other) => {
            assert_eq!(asked, self::asked(standing, &other), "{line:?} is {other:?}");
        }
    }
    for word in words(line).unwrap_or_default() {
        rendered_word_is_read_back(&word);
    }
});

/// What is asked for by a line, with its body if it wants one.
fn asked(standing: Standing, line: &str) -> String {
    let mut talk = Talk::new(standing);
    talk.read(format!("\n{line}\n").as_bytes());
    assert_eq!(talk.requests.len(), 2, "one request for each line");
    // A blank line asks for nothing; a line that still gives nothing wants a body.
    let mut lines = if first(line) == Ok(None) { 5 } else { 0 };
    while talk.requests[1..].iter().all(|request| request == "Nothing") && lines < 5 {
        talk.read(b" body\n");
        lines += 1;
    }
    let requests = talk.end();
    requests.last().expect("there is one").clone()
}

enum Expected {
    Is(String),
    /// The same as by this line, of which each word is quoted.
    Same(String),
}

fn refused(status: Status) -> Expected {
    Expected::Is(format!("Refuse({status:?})"))
}

/// The model: the checks in the order of the spec, section 4, as far as words go.
fn expected(standing: Standing, line: &str) -> Expected {
    let (name, rest) = match first(line) {
        Ok(None) => return Expected::Is("Nothing".to_owned()),
        Ok(Some(first)) => first,
        Err(Malformed) => return refused(Status::NoCommand),
    };
    let Some(verb) = verb(&name) else { return refused(Status::NoCommand) };
    if standing == Standing::Stranger && verb.serves == Serves::Users && verb.name != "#postmessage"
    {
        return refused(Status::NoLogin);
    }
    match canonical(verb, rest) {
        Ok(line) => Expected::Same(line),
        Err(Malformed) if standing == Standing::Stranger && verb.serves == Serves::Users => {
            refused(Status::NoLogin)
        }
        // The kind of user comes before everything else.
        Err(Malformed) if verb.name == "#login" => match first(rest) {
            Ok(Some((kind, _)))
                if kind.eq_ignore_ascii_case("anon") || kind.eq_ignore_ascii_case("regd") =>
            {
                refused(Status::Unknown)
            }
            Ok(_) | Err(Malformed) => refused(Status::NoUserType),
        },
        Err(Malformed) => refused(Status::Unknown),
    }
}

fn canonical(verb: &Verb, rest: &str) -> Result<String, Malformed> {
    let mut line = verb.name.to_owned();
    let mut push = |word: &str| {
        line.push(' ');
        line.push_str(&quoted(word));
    };
    let mut rest = rest;
    if verb.name == "#sendto" {
        let Some((name, behind)) = first(rest)? else { return Ok(line) };
        push(&name);
        rest = behind;
    }
    if matches!(verb.name, "#sendto" | "#broadcast") {
        if let Some(text) = text(rest)? {
            push(&text);
        }
        return Ok(line);
    }
    for word in words(rest)? {
        push(&word);
    }
    Ok(line)
}

/// Names and texts are sent so that a client reads them back by the rules of the spec, section 2.
fn rendered_word_is_read_back(word: &str) {
    let mut out = Vec::new();
    if let Ok(name) = ItemName::new(word)
        && let Ok(user) = UserName::new("amy")
    {
        let (user, room) = (&user, &name);
        render::reply(&mut out, &Reply::WhoAmI { user, room, users: 1, group: Some((&name, 2)) });
        assert_eq!(read_back(&mut out), ["@ret", "#whoami", "amy", word, "1", word, "2"]);
    }
    let clean: String = word.chars().filter(|c| !c.is_control() || *c == '\t').collect();
    if let Ok(name) = UserName::new(word) {
        let (receiver, sender, text) = (&name, &name, &*clean);
        let whispered = Event::Whispered { receiver, sender, text, time: 0, nickname: None };
        render::event(&mut out, &whispered);
        assert_eq!(read_back(&mut out), ["@mess", "#sendto", word, &clean]);
        render::reply(&mut out, &Reply::Row(Row::User(&name, UserKind::Anonymous), 0));
        assert_eq!(read_back(&mut out), [word, "anon"]);
    }
}

fn read_back(out: &mut Vec<u8>) -> Vec<String> {
    let line = String::from_utf8(std::mem::take(out)).expect("a line is UTF-8");
    let line = line.strip_suffix("\r\n").expect("a line ends with CRLF");
    words(line).expect("what is sent can be read")
}
