//! Tests of how each answer and event is written.

use crate::core::Status;
use crate::core::command::{Admits, Counter};
use crate::core::event::{
    Door, Event, GroupRow, List, MessageRow, Notice, Reply, RoomRow, Row, UserKind, Warning,
};
use crate::core::name::{ItemName, UserName};
use crate::core::record::Place;
use crate::dialect::mec::render::{event, help, message, reply};
use crate::dialect::mec::verbs::VERBS;
use crate::limits::LINE_BYTES_MAX;

fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

fn item(name: &str) -> ItemName {
    ItemName::new(name).unwrap()
}

/// What `write` appends, without the CRLF at its end.
fn lines(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    text.strip_suffix("\r\n").unwrap().to_owned()
}

fn replied(answer: &Reply<'_>) -> String {
    lines(|out| reply(out, answer))
}

fn heard(happened: Event<'_>) -> String {
    lines(|out| event(out, &happened))
}

fn row(row: Row<'_>) -> String {
    replied(&Reply::Row(row, 0))
}

#[test]
fn a_status_is_its_number() {
    for status in Status::ALL {
        assert_eq!(replied(&Reply::Status(status)), format!("@status {}", status.number()));
    }
}

#[test]
fn numbers_are_written_whole() {
    for number in [0, 9, 10, 99, 100, 2_147_483_647, u32::MAX] {
        let line = replied(&Reply::Number(Counter::Room, number));
        assert_eq!(line, format!("@ret #roomstatus {number}"));
    }
    let (amy, time) = (user("amy"), u64::MAX);
    assert!(
        row(Row::Line { time, sender: &amy, text: "", stamp: None }).starts_with(&time.to_string())
    );
}

#[test]
fn every_counter_has_its_command() {
    for (counter, name) in [
        (Counter::Architecture, "arch"),
        (Counter::Room, "room"),
        (Counter::User, "user"),
        (Counter::Group, "group"),
        (Counter::Message, "message"),
    ] {
        assert_eq!(replied(&Reply::Number(counter, 7)), format!("@ret #{name}status 7"));
    }
}

#[test]
fn every_list_has_its_head() {
    for (list, name) in [
        (List::Rooms, "#listrooms"),
        (List::Users, "#listusers"),
        (List::Groups, "#listgroups"),
        (List::Messages, "#listmessages"),
        (List::History, "#history"),
    ] {
        assert_eq!(replied(&Reply::List(list, 0)), format!("@ret {name} 0"));
    }
}

#[test]
fn whoami_without_a_group_has_a_dash_and_a_zero() {
    let (bob, home, club) = (user("bob"), item("Home"), item("chess club"));
    let answer = |group| replied(&Reply::WhoAmI { user: &bob, room: &home, users: 3, group });
    assert_eq!(answer(None), "@ret #whoami bob Home 3 - 0");
    assert_eq!(answer(Some((&club, 12))), "@ret #whoami bob Home 3 \"chess club\" 12");
}

#[test]
fn rooms_are_listed_with_their_owner_or_a_dash() {
    let (home, club, bob) = (item("Home"), item("chess club"), user("bob"));
    let (door, admits) = (Door::Public, Admits::Anonymous);
    let first = RoomRow { name: &home, owner: None, users: 2, seconds: 0, door, admits };
    assert_eq!(row(Row::Room(first)), "Home - 2 0 pub anon");
    let (door, admits) = (Door::Private, Admits::Registered);
    let second = RoomRow { name: &club, owner: Some(&bob), users: 0, seconds: 3600, door, admits };
    assert_eq!(row(Row::Room(second)), "\"chess club\" bob 0 3600 priv regd");
}

#[test]
fn users_are_listed_with_how_they_logged_in() {
    let bob = user("bob");
    assert_eq!(row(Row::User(&bob, UserKind::Anonymous)), "bob anon");
    assert_eq!(row(Row::User(&bob, UserKind::Registered)), "bob regd");
    assert_eq!(row(Row::Stranger), "- none");
}

#[test]
fn groups_are_listed_with_number_messages_users_and_seconds() {
    let (name, owner) = (item("news"), user("bob"));
    let group = GroupRow {
        name: &name,
        owner: &owner,
        no: 1,
        messages: 2,
        users: 3,
        seconds: 4,
        door: Door::Private,
        admits: Admits::Anonymous,
    };
    assert_eq!(row(Row::Group(group)), "news bob 1 2 3 4 priv anon");
}

#[test]
fn messages_are_listed_and_shown() {
    let (name, owner) = (item("re: news"), user("bob"));
    let head = MessageRow { name: &name, owner: &owner, id: 5, parent: 4, replies: 3, seconds: 2 };
    assert_eq!(row(Row::Message(head)), "\"re: news\" bob 5 4 3 2");
    let whole = Reply::Message { head, group: 1, parts: 2, place: Place::default() };
    assert_eq!(replied(&whole), "@ret #getmessage \"re: news\" 2 5 4 3 2");
    let shown = lines(|out| message(out, &head, 3, "a \"b\"\n\n c \n"));
    assert_eq!(shown, "@ret #getmessage \"re: news\" 3 5 4 3 2\r\na \"b\"\r\n\r\n c ");
    let empty = lines(|out| message(out, &head, 0, ""));
    assert_eq!(empty, "@ret #getmessage \"re: news\" 0 5 4 3 2");
}

#[test]
fn a_message_has_as_many_lines_as_its_head_says() {
    let (name, owner) = (item("n"), user("bob"));
    let head = MessageRow { name: &name, owner: &owner, id: 1, parent: 0, replies: 0, seconds: 1 };
    for text in ["", "a\n", "a\nb\nc\n"] {
        let shown = lines(|out| message(out, &head, 2, text));
        assert_eq!(shown.matches("\r\n").count(), 2, "{text:?}");
    }
}

#[test]
fn history_is_time_sender_and_quoted_text() {
    let bob = user("bob");
    let line = Row::Line { time: 1_800_000_000, sender: &bob, text: "a \"b\"", stamp: None };
    assert_eq!(row(line), "1800000000 bob \"a \\\"b\\\"\"");
}

#[test]
fn a_challenge_is_32_hex_digits() {
    let nonce = [0, 1, 0x9a, 0xbc, 0xde, 0xf0, 255, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    let expected = "@ret #challenge 00019abcdef0ff0708090a0b0c0d0e0f";
    assert_eq!(replied(&Reply::Challenge(nonce)), expected);
}

#[test]
fn a_name_is_quoted_only_if_it_could_not_be_read_back() {
    for (name, written) in [
        ("plain", "plain"),
        ("a b", "\"a b\""),
        ("a\\b", "a\\b"),
        ("a\"b", "a\"b"),
        ("\"a", "\"\\\"a\""),
        ("a \\ \"b\"", "\"a \\\\ \\\"b\\\"\""),
        ("a\u{a0}b", "a\u{a0}b"),
    ] {
        let (bob, room) = (user("bob"), item(name));
        let answer = Reply::WhoAmI { user: &bob, room: &room, users: 1, group: None };
        assert_eq!(replied(&answer), format!("@ret #whoami bob {written} 1 - 0"));
    }
}

#[test]
fn what_is_said_arrives_quoted() {
    let (bob, home) = (user("bob"), item("Home"));
    let said = |text| {
        heard(Event::Said { room: &home, sender: &bob, text, time: 0, stamp: None, nickname: None })
    };
    assert_eq!(said("hi"), "@mess #broadcast bob \"hi\"");
    assert_eq!(said("\\ \"x\" \\"), r#"@mess #broadcast bob "\\ \"x\" \\""#);
    let whispered =
        Event::Whispered { receiver: &bob, sender: &bob, text: "hé", time: 0, nickname: None };
    assert_eq!(heard(whispered), "@mess #sendto bob \"hé\"");
    let offered = Event::PeerOffered { sender: &bob, port: 4000, address: "10.0.0.1" };
    assert_eq!(heard(offered), "@mess #peer2peer bob \" 4000 10.0.0.1\"");
    assert_eq!(heard(Event::Notice(Notice::Alive)), "@mess #notice \"I am here.\"");
}

#[test]
fn every_warning_is_a_quoted_sentence() {
    for warning in [
        Warning::LineTooLong,
        Warning::TooManyLines,
        Warning::LoginTimeout,
        Warning::Idle,
        Warning::WrongPasswords,
        Warning::LoggedInElsewhere,
        Warning::ServerFull,
        Warning::AddressFull,
        Warning::Stopping,
        Warning::TooSlow,
    ] {
        let line = heard(Event::Warning(warning));
        let text = line.strip_prefix("@mess #warning \"").unwrap().strip_suffix(".\"").unwrap();
        assert!(!text.contains(['"', '\\']), "{line}");
    }
    let line = heard(Event::Warning(Warning::LineTooLong));
    assert!(line.contains(&LINE_BYTES_MAX.to_string()), "{line}");
}

#[test]
fn the_names_in_a_warning_are_escaped() {
    let (bob, room) = (user("bob"), item("the \"club\""));
    let kicked = Warning::Kicked { room: &room, owner: &bob };
    assert_eq!(
        heard(Event::Warning(kicked)),
        r#"@mess #warning "bob owns the room the \"club\" and has sent you back to Home.""#
    );
}

#[test]
fn help_has_as_many_lines_as_its_head_says() {
    let all = lines(|out| help(out, None));
    let (head, rows) = all.split_once("\r\n").unwrap();
    assert_eq!(head, format!("@ret #help {}", VERBS.len()));
    assert_eq!(rows.split("\r\n").count(), VERBS.len());
    assert!(rows.contains("#sendto USER TEXT - Says something to one user of your room.\r\n"));
    assert!(rows.contains("#whoami - Tells your name"));
    for verb in &VERBS {
        let one = lines(|out| help(out, Some(verb)));
        let (head, rows) = one.split_once("\r\n").unwrap();
        assert_eq!(head, format!("@ret #help {}", rows.split("\r\n").count()));
        assert!(rows.starts_with(verb.name) && rows.contains(verb.answers), "{one}");
    }
}
