//! The dialect as a whole: from bytes to requests wherever they are cut, and from what happens to objects.

use std::fmt::Write;

use crate::core::Standing;
use crate::core::event::{Event, Reply, Story, Warning};
use crate::core::name::{ItemName, UserName};
use crate::dialect::json::words::{Fault, Verb};
use crate::dialect::json::{MANNER, render};
use crate::dialect::tests::World;
use crate::dialect::{self, Context, Dialect, Input, Options, Reader, Request};
use crate::limits::OBJECT_BYTES_MAX;

/// One connection and what it reads with.
struct Desk {
    reader: Reader,
    world: World,
    standing: Standing,
}

impl Desk {
    fn new(standing: Standing) -> Self {
        let world = World::new(Options { host: "pi".into(), ..Options::default() });
        Self { reader: Reader::new(Dialect::Json.into(), 0), world, standing }
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Reader, &mut Context<'_>) -> T) -> T {
        act(&mut self.reader, &mut self.world.context())
    }

    /// What is asked for by a segment.
    fn read(&mut self, segment: &[u8]) -> Vec<String> {
        let (standing, mut requests) = (self.standing, Vec::new());
        let mut input = Input::new(segment);
        self.with(|reader, context| {
            while let Some(request) = reader.next(&mut input, standing, context) {
                requests.push(described(&request));
            }
        });
        assert!(input.rest.is_empty(), "reading ends with the segment");
        requests
    }

    fn due(&mut self, now_ms: u64) -> Option<String> {
        self.world.now_ms = now_ms;
        let standing = self.standing;
        self.with(|reader, context| {
            reader.due(standing, context).map(|request| described(&request))
        })
    }
}

/// A request in short: the command, or the words of the answer.
fn described(request: &Request<'_>) -> String {
    match request {
        Request::Answer(status, asked) => {
            let mut out = Vec::new();
            let next = asked.answer(&mut out, *status);
            format!("{} {next:?}", String::from_utf8(out).unwrap().trim_end())
        }
        Request::Do(command, _) => format!("{command:?}"),
        other => format!("{other:?}"),
    }
}

/// The word of the error that is the one answer to `text`.
fn error(standing: Standing, text: &str) -> String {
    let requests = Desk::new(standing).read(text.as_bytes());
    let [request] = requests.as_slice() else { panic!("{text}: {requests:?}") };
    let word = request.split_once("\"Error\":\"").and_then(|(_, rest)| rest.split_once('"'));
    word.map_or_else(|| request.clone(), |(word, _)| word.to_owned())
}

const CONVERSATIONS: [&str; 4] = [
    "{\"Command\":\"register\",\"Username\":\"amy\",\"Password\":\"s}e\\\"c{ret\"}\r\n\
     {\"command\":\"LOGIN\",\"username\":\"amy@PI\",\"password\":\"x\",\"since\":1.5}{\"Command\":\"ping\"}",
    "{\"Command\":\"msg\",\"To\":\"bob@pi\",\"Type\":\"pm\",\"Message\":\"gr\\u00fc\u{df}\\n\\\"Gott\\\"\"}\
     {\"Command\":\"msg\",\"Type\":\"chess club\",\"Message\":\"e4\"}\n\n\
     {\"Command\":\"invite\",\"User\":\"bob\",\"Group\":\"chess club\",\"From\":\"Amy\"}",
    "hello\n{\"Command\":\"history\",\"Group\":\"g\",\"N\":5} ] {}\n{\"Command\":\"leave\",\"Group\":\"g\"}\n\
     {\"a\":\"\n{\"Command\":\"update\",\"Nickname\":\"\",\"Status\":\"Offline\",\"Password\":\"p\"}",
    "{\"a\":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}{\"Command\":1}{}{\"Command\":\"dance\"}{\"Command\"}[",
];

#[test]
fn what_is_asked_does_not_depend_on_where_a_segment_ends() {
    for standing in [Standing::Stranger, Standing::User] {
        for text in CONVERSATIONS {
            let bytes = text.as_bytes();
            let whole = Desk::new(standing).read(bytes);
            assert!(whole.len() >= 3, "{whole:?}");
            let mut desk = Desk::new(standing);
            let single: Vec<_> = bytes.chunks(1).flat_map(|byte| desk.read(byte)).collect();
            assert_eq!(single, whole);
            for at in 0..bytes.len() {
                let mut desk = Desk::new(standing);
                let mut parts = desk.read(&bytes[..at]);
                parts.extend(desk.read(&bytes[at..]));
                assert_eq!(parts, whole, "at {at}");
            }
        }
    }
}

#[test]
fn what_is_wrong_is_told_in_the_order_of_the_page() {
    let table = [
        (r#"{"Command":"msg""#.to_owned() + "}}", "bad-json"),
        ("{}".into(), "missing-field"),
        (r#"{"Command":["msg"]}"#.into(), "bad-field"),
        (r#"{"Command":"dance"}"#.into(), "unknown-command"),
        (r#"{"Command":"msg","From":5}"#.into(), "bad-field"),
        (r#"{"Command":"msg","From":"a b"}"#.into(), "not-you"),
        (r#"{"Command":"msg","From":"amy@elsewhere"}"#.into(), "not-you"),
        (r#"{"Command":"msg","To":"g"}"#.into(), "missing-field"),
        (r#"{"Command":"msg","Type":"PM"}"#.into(), "missing-field"),
        (r#"{"Command":"msg","Type":"PM","To":"b b"}"#.into(), "missing-field"),
        (r#"{"Command":"msg","Type":"PM","To":"bob","Message":"\u0007"}"#.into(), "bad-field"),
        (r#"{"Command":"msg","Type":"PM","To":"b b","Message":"x"}"#.into(), "no-such-user"),
        (r#"{"Command":"msg","Type":"PM","To":"bob@x","Message":"x"}"#.into(), "no-such-user"),
        (r#"{"Command":"msg","Type":"group-message","Message":"x"}"#.into(), "missing-field"),
        (r#"{"Command":"msg","Type":"g","To":"h","Message":"x"}"#.into(), "bad-field"),
        (r#"{"Command":"msg","Type":" ","Message":"x"}"#.into(), "no-such-group"),
        (r#"{"Command":"msg","Type":"g","Message":""}"#.into(), "bad-field"),
        (r#"{"Command":"invite","Group":"g"}"#.into(), "missing-field"),
        (r#"{"Command":"invite","User":"b b","Group":""}"#.into(), "bad-name"),
        (r#"{"Command":"invite","User":"b b","Group":"g"}"#.into(), "no-such-user"),
        (r#"{"Command":"join"}"#.into(), "missing-field"),
        (r#"{"Command":"leave","Group":1}"#.into(), "bad-field"),
        (r#"{"Command":"history","Group":"g","N":"5"}"#.into(), "bad-field"),
        (r#"{"Command":"history","Group":"g","Since":-1}"#.into(), "bad-field"),
        (r#"{"Command":"update","Nickname":"a\u0007"}"#.into(), "bad-field"),
        (r#"{"Command":"update","Status":"away"}"#.into(), "bad-field"),
        (r#"{"Command":"update","Password":""}"#.into(), "bad-password"),
        (r#"{"Command":"login","Password":"x"}"#.into(), "missing-field"),
        (r#"{"Command":"login","Username":"b b","Password":"x"}"#.into(), "no-such-user"),
        (r#"{"Command":"login","Username":"b","Password":"x","From":"c"}"#.into(), "not-you"),
        (r#"{"Command":"register","Username":"b@x","Password":"x"}"#.into(), "bad-name"),
        (r#"{"Command":"register","Username":"b","Password":""}"#.into(), "bad-password"),
    ];
    for (text, word) in table {
        let text = if word == "bad-json" { text[..text.len() - 2].to_owned() + ",}" } else { text };
        assert_eq!(error(Standing::User, &text), word, "{text}");
    }
    for verb in Verb::ALL {
        let word = error(Standing::Stranger, &format!("{{\"Command\":\"{}\"}}", verb.word()));
        match verb {
            Verb::Ping => assert_eq!(word, "{\"Command\":\"ping\"} Stay"),
            Verb::Register | Verb::Login => assert_eq!(word, "missing-field"),
            _ => assert_eq!(word, "not-logged-in"),
        }
    }
}

#[test]
fn names_passwords_and_nicknames_are_taken_at_their_bounds_and_refused_past_them() {
    let update = |nickname: usize| {
        error(
            Standing::User,
            &format!("{{\"Command\":\"update\",\"Nickname\":\"{}\"}}", "x".repeat(nickname)),
        )
    };
    assert!(update(64).starts_with("Fellow") && update(0).starts_with("Fellow"));
    assert_eq!(update(65), "bad-field");
    let register = |name: usize, password: usize| {
        let (name, password) = ("n".repeat(name), "p".repeat(password));
        let object = format!(
            "{{\"Command\":\"register\",\"Username\":\"{name}\",\"Password\":\"{password}\"}}"
        );
        error(Standing::Stranger, &object)
    };
    assert!(register(30, 64).starts_with("Fellow"));
    assert_eq!(register(31, 64), "bad-name");
    assert_eq!(register(30, 65), "bad-password");
}

#[test]
fn an_object_that_is_too_long_ends_the_connection() {
    let object = |bytes: usize| {
        let mut object = "{\"Command\":\"msg\",\"Type\":\"g\",\"Message\":\"".to_owned();
        let rest = bytes - object.len() - 2;
        write!(object, "{}\"}}", "x".repeat(rest)).unwrap();
        object
    };
    let mut desk = Desk::new(Standing::User);
    assert!(desk.read(object(OBJECT_BYTES_MAX).as_bytes())[0].starts_with("Fellow"));
    let requests = desk.read((object(OBJECT_BYTES_MAX + 1) + "{}").as_bytes());
    assert_eq!(requests.len(), 1);
    assert!(requests[0].contains("\"too-long\"") && requests[0].ends_with("Close"), "{requests:?}");
    assert!(desk.read(b"{}").is_empty());
}

#[test]
fn who_is_silent_is_asked_and_then_closed() {
    let mut desk = Desk::new(Standing::User);
    desk.world.now_ms = 1000;
    desk.read(b" ");
    assert_eq!(desk.reader.deadline(Standing::User), Some(61_000));
    assert_eq!(desk.reader.deadline(Standing::Stranger), None);
    assert_eq!(desk.due(60_999), None);
    assert_eq!(desk.due(61_000).as_deref(), Some("{\"Command\":\"ping\"} Stay"));
    assert_eq!(desk.due(80_999), None);
    desk.read(b"{");
    assert_eq!(desk.reader.deadline(Standing::User), Some(140_999), "any byte will do");
    assert!(desk.due(140_999).is_some());
    assert_eq!(desk.due(160_999).as_deref(), Some("Close(Idle)"));
    assert_eq!(desk.due(u64::MAX), None);
}

#[test]
fn a_ping_is_answered_whatever_stands_in_from() {
    for (standing, from) in [(Standing::Stranger, "\"amy\""), (Standing::User, "1")] {
        let ping = format!("{{\"Command\":\"ping\",\"From\":{from}}}");
        assert_eq!(Desk::new(standing).read(ping.as_bytes()), ["{\"Command\":\"ping\"} Stay"]);
    }
}

#[test]
fn the_answer_to_a_ping_is_not_answered() {
    let (ping, pong) = (b"{\"Command\":\"ping\"}", "{\"Command\":\"ping\"} Stay");
    let mut desk = Desk::new(Standing::User);
    assert_eq!(desk.read(ping), [pong]);
    assert_eq!(desk.due(60_000).as_deref(), Some(pong));
    assert_eq!(desk.read(ping), ["Nothing"]);
    assert_eq!(desk.read(ping), [pong]);
}

#[test]
fn silence_is_allowed_where_the_options_say_so() {
    let mut desk = Desk::new(Standing::User);
    desk.world.options.json.ping_ms = None;
    desk.read(b"{}");
    assert_eq!(desk.reader.deadline(Standing::User), None);
    assert_eq!(desk.due(u64::MAX), None);
}

fn heard(event: &Event<'_>) -> String {
    let mut out = Vec::new();
    dialect::event(Dialect::Json, &mut out, event, "pi");
    String::from_utf8(out).unwrap()
}

#[test]
fn events_are_written_as_the_document_writes_its_object() {
    let (amy, bob) = (UserName::new("amy").unwrap(), UserName::new("bob").unwrap());
    let room = ItemName::new("a \"b\"").unwrap();
    let (room, sender, time) = (&room, &amy, 5);
    let said = Event::Said { room, sender, text: "x\ty", time, stamp: None, nickname: Some("A") };
    assert_eq!(
        heard(&said),
        "{\"Command\":\"msg\",\"To\":\"a \\\"b\\\"\",\"Type\":\"group-message\",\"Message\":\"x\\ty\",\
         \"From\":\"amy@pi\",\"Nickname\":\"A\",\"Time\":5}\n"
    );
    let receiver = &bob;
    let told = Event::Whispered { receiver, sender, text: "\u{1f600}", time, nickname: None };
    assert_eq!(
        heard(&told),
        "{\"Command\":\"msg\",\"To\":\"bob@pi\",\"Type\":\"PM\",\"Message\":\"\u{1f600}\",\
         \"From\":\"amy@pi\",\"Time\":5}\n"
    );
    let kicked = Event::Warning(Warning::Kicked { room, owner: &bob });
    assert_eq!(
        heard(&kicked),
        "{\"Command\":\"leave\",\"Group\":\"a \\\"b\\\"\",\"From\":\"bob@pi\"}\n"
    );
    let entered = Event::Entered { room, user: &amy, time };
    assert_eq!(heard(&entered), "");
}

#[test]
fn whoever_is_closed_is_told_why_without_re() {
    let closing = [
        (Warning::LineTooLong, "too-long"),
        (Warning::TooManyLines, "too-long"),
        (Warning::LoginTimeout, "login-timeout"),
        (Warning::Idle, "idle"),
        (Warning::WrongPasswords, "wrong-passwords"),
        (Warning::LoggedInElsewhere, "logged-in-elsewhere"),
        (Warning::ServerFull, "server-full"),
        (Warning::AddressFull, "address-full"),
        (Warning::Stopping, "stopping"),
        (Warning::TooSlow, "too-slow"),
    ];
    for (warning, word) in closing {
        assert!(warning.is_last());
        let told = heard(&Event::Warning(warning));
        let begin = format!("{{\"Command\":\"error\",\"Error\":\"{word}\",\"Message\":\"");
        assert!(told.starts_with(&begin) && told.ends_with(".\"}\n"), "{told}");
    }
}

#[test]
fn what_was_said_is_one_object_on_one_line() {
    let (amy, room) = (UserName::new("amy").unwrap(), ItemName::new("g").unwrap());
    let story = |lines: u32| {
        let mut out = Vec::new();
        let mut put = |piece| {
            render::reply(&mut out, super::Voice::default(), &Reply::Story(piece), "pi");
        };
        put(Story::Head(&room));
        for before in 0..lines {
            let nickname = (before == 1).then_some("A");
            put(Story::Line { before, time: 7, sender: &amy, nickname, text: "x" });
        }
        put(Story::End);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(story(0), "{\"Command\":\"history\",\"Group\":\"g\",\"Messages\":[]}\n");
    assert_eq!(
        story(2),
        "{\"Command\":\"history\",\"Group\":\"g\",\"Messages\":[\
         {\"From\":\"amy@pi\",\"Time\":7,\"Message\":\"x\"},\
         {\"From\":\"amy@pi\",\"Nickname\":\"A\",\"Time\":7,\"Message\":\"x\"}]}\n"
    );
}

#[test]
fn the_page_lists_just_the_words_there_are() {
    let page = include_str!("../../../docs/protocol-json.md");
    let section = |title: &str| {
        let (_, rest) = page.split_once(&format!("## {title}\n")).expect(title);
        rest.split("\n## ").next().unwrap_or_default().to_owned()
    };
    let first_words = |section: &str| -> Vec<String> {
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        rows.filter_map(|row| row.split_once('`')).map(|(word, _)| word.to_owned()).collect()
    };
    assert_eq!(first_words(&section("Errors")), Fault::ALL.map(Fault::word));
    assert_eq!(first_words(&section("Commands")), Verb::ALL.map(Verb::word));
}

#[test]
fn its_users_are_of_a_kin_of_their_own() {
    let others = Dialect::ALL.into_iter().filter(|&other| other != Dialect::Json);
    assert!(others.into_iter().all(|other| other.manner().kin != MANNER.kin));
}
