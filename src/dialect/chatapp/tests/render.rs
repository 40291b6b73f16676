//! Tests of what is rendered: every frame, its order of keys, and its bounds.

use serde_json::Value;

use crate::core::Status;
use crate::core::command::Admits;
use crate::core::event::{
    Door, Event, GroupRow, List, MessageRow, Notice, Reply, RoomRow, Row, UserKind, Warning,
};
use crate::core::name::{ItemName, UserName};
use crate::dialect::chatapp::Voice;
use crate::dialect::chatapp::render;
use crate::limits::{CHATAPP_DATA_BYTES_MAX, CHATAPP_FRAME_BYTES_MAX, SAID_BYTES_MAX};

/// 2026-02-01 03:04:05
const TIME: u64 = 1_769_915_045;

fn room(name: &str) -> ItemName {
    ItemName::new(name).unwrap()
}

fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

/// The bodies of the frames in `bytes`.
fn bodies(mut bytes: &[u8]) -> Vec<String> {
    let mut bodies = Vec::new();
    while !bytes.is_empty() {
        let (header, rest) = bytes.split_at(20);
        let header = str::from_utf8(header).unwrap();
        let length: usize = header.trim_end().parse().unwrap();
        assert_eq!(header, format!("{length:<20}"));
        assert!(length <= CHATAPP_FRAME_BYTES_MAX);
        let (body, rest) = rest.split_at(length);
        let body = str::from_utf8(body).unwrap();
        let _: Value = serde_json::from_str(body).unwrap();
        bodies.push(body.to_owned());
        bytes = rest;
    }
    bodies
}

fn event(event: &Event<'_>) -> Vec<String> {
    let mut out = Vec::new();
    render::event(&mut out, event);
    bodies(&out)
}

fn reply(connected: bool, reply: &Reply<'_>) -> Vec<String> {
    let mut out = Vec::new();
    render::reply(&mut out, Voice { connected }, reply);
    bodies(&out)
}

fn said(text: &str, stamp: Option<&str>) -> String {
    let (room, sender) = (room("Tea room"), user("amy"));
    let said =
        Event::Said { room: &room, sender: &sender, text, time: TIME, stamp, nickname: None };
    event(&said).concat()
}

#[test]
fn every_event_of_a_room_is_a_message_with_all_five_keys() {
    let (room, user) = (room("Tea room"), user("amy"));
    assert_eq!(
        said("hello", None),
        r#"{"__type__":"ChatMessage","timestamp":"01/02/2026 03:04:05","sender":"amy","dest":"Tea room","data":"hello"}"#
    );
    assert_eq!(
        said("hello", Some("half past nine")),
        r#"{"__type__":"ChatMessage","timestamp":"half past nine","sender":"amy","dest":"Tea room","data":"hello"}"#
    );
    assert_eq!(
        event(&Event::RoomMade { room: &room, time: TIME }),
        [
            r#"{"__type__":"CreateRoomMessage","timestamp":"01/02/2026 03:04:05","sender":"Server","dest":"ALL","data":"Tea room"}"#
        ]
    );
    assert_eq!(
        event(&Event::Entered { room: &room, user: &user, time: TIME }),
        [
            r#"{"__type__":"JoinMessage","timestamp":"01/02/2026 03:04:05","sender":"amy","dest":"Server","data":"Tea room"}"#
        ]
    );
    assert_eq!(
        event(&Event::Left { room: &room, user: &user, time: TIME }),
        [
            r#"{"__type__":"LeaveMessage","timestamp":"01/02/2026 03:04:05","sender":"amy","dest":"Server","data":"Tea room"}"#
        ]
    );
}

#[test]
fn the_directory_is_rooms_and_their_members_and_before_them_connected_if_that_is_wished() {
    let (room, member, reader) = (room("tea"), user("amy"), user("zoe"));
    let made = Row::Place { room: &room, member: None, reader: &reader, time: TIME };
    let joined = Row::Place { room: &room, member: Some(&member), reader: &reader, time: TIME };
    let first = r#"{"__type__":"ConnectionMessage","timestamp":"01/02/2026 03:04:05","sender":"Server","dest":"zoe","data":"CONNECTED"}"#;
    let second = r#"{"__type__":"CreateRoomMessage","timestamp":"01/02/2026 03:04:05","sender":"Server","dest":"zoe","data":"tea"}"#;
    let third = r#"{"__type__":"JoinMessage","timestamp":"01/02/2026 03:04:05","sender":"amy","dest":"zoe","data":"tea"}"#;
    assert_eq!(reply(false, &Reply::Row(made, 0)), [second]);
    assert_eq!(reply(true, &Reply::Row(made, 0)), [first, second]);
    for connected in [false, true] {
        assert_eq!(reply(connected, &Reply::Row(made, 1)), [second]);
        assert_eq!(reply(connected, &Reply::Row(joined, 1)), [third]);
        assert!(reply(connected, &Reply::List(List::Directory, 7)).is_empty());
        assert!(reply(connected, &Reply::End(List::Directory)).is_empty());
    }
}

#[test]
fn every_warning_that_closes_is_error_2_and_no_other_is_told() {
    let (room, owner) = (room("tea"), user("amy"));
    let warnings = [
        (Warning::LineTooLong, "a message was too long"),
        (Warning::TooManyLines, "a message was too long"),
        (Warning::LoginTimeout, "no CONNECT came in time"),
        (Warning::Idle, "nothing came for a long time"),
        (Warning::WrongPasswords, "too many wrong passwords"),
        (Warning::LoggedInElsewhere, "the user has logged in from somewhere else"),
        (Warning::ServerFull, "the server is full, please try again later"),
        (Warning::AddressFull, "too many connections from one address, please close one first"),
        (Warning::Stopping, "the server is stopping, please come back later"),
        (Warning::TooSlow, "what was sent was read too slowly, please connect again"),
    ];
    for (warning, sentence) in warnings {
        assert!(warning.is_last());
        let expected =
            format!(r#"{{"__type__":"Error","code":2,"data":"CONNECTION ERROR: {sentence}"}}"#);
        assert_eq!(event(&Event::Warning(warning)), [expected]);
    }
    let kicked = Warning::Kicked { room: &room, owner: &owner };
    assert!(event(&Event::Warning(kicked)).is_empty());
}

#[test]
fn what_the_dialect_has_no_words_for_is_not_told() {
    let (room, user) = (room("tea"), user("amy"));
    let events = [
        Event::Whispered { receiver: &user, sender: &user, text: "x", time: TIME, nickname: None },
        Event::PeerOffered { sender: &user, port: 1, address: "::1" },
        Event::PassedOn { before: "x", sender: &user, after: "y" },
        Event::Expelled { room: &room, user: &user },
        Event::Notice(Notice::Alive),
    ];
    for silent in events {
        assert!(event(&silent).is_empty(), "{silent:?}");
    }
    let (door, admits) = (Door::Public, Admits::Anonymous);
    let (name, owner) = (&room, &user);
    let message = MessageRow { name, owner, id: 1, parent: 0, replies: 0, seconds: 0 };
    let place = crate::core::record::Place { file: 0, offset: 0, bytes: 0 };
    let (users, seconds) = (0, 0);
    let replies = [
        Reply::Status(Status::Ok),
        Reply::WhoAmI { user: &user, room: &room, users, group: None },
        Reply::Row(Row::Room(RoomRow { name, owner: None, users, seconds, door, admits }), 0),
        Reply::Row(Row::User(&user, UserKind::Anonymous), 0),
        Reply::Row(Row::Stranger, 0),
        Reply::Row(
            Row::Group(GroupRow { name, owner, no: 1, messages: 0, users, seconds, door, admits }),
            0,
        ),
        Reply::Row(Row::Message(message), 0),
        Reply::Row(Row::Line { time: TIME, sender: &user, text: "x", stamp: None }, 0),
        Reply::Number(crate::core::command::Counter::Room, 1),
        Reply::Message { head: message, group: 1, parts: 1, place },
        Reply::Challenge([0; 16]),
    ];
    for silent in replies {
        assert!(reply(true, &silent).is_empty(), "{silent:?}");
    }
}

#[test]
fn texts_are_written_as_json_and_without_needless_escapes() {
    let text = "\"a\" \\ größe \u{1f600} \t \u{7f} </b>";
    let body = said(text, Some("\"now\"\\"));
    let value: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(value["data"], text);
    assert_eq!(value["timestamp"], "\"now\"\\");
    assert!(body.contains("größe \u{1f600} \\t \u{7f} </b>"), "{body}");
    let controls: String = ('\0'..' ').collect();
    let value: Value = serde_json::from_str(&said(&controls, None)).unwrap();
    assert_eq!(value["data"], controls.as_str());
    let odd = room("\"\\");
    let made = event(&Event::RoomMade { room: &odd, time: TIME }).concat();
    let value: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(value["data"], "\"\\");
}

#[test]
fn data_of_1000_bytes_is_whole_and_longer_data_is_cut_at_a_character() {
    let data = |text: &str| {
        let value: Value = serde_json::from_str(&said(text, None)).unwrap();
        value["data"].as_str().unwrap().to_owned()
    };
    let longest = "x".repeat(CHATAPP_DATA_BYTES_MAX);
    assert_eq!(data(&longest), longest);
    assert_eq!(data(&format!("{longest}y")), longest);
    assert_eq!(data(&"€".repeat(SAID_BYTES_MAX / 3)), "€".repeat(333));
    assert_eq!(data(&format!("{}\u{1f600}", "x".repeat(997))), "x".repeat(997));
}

#[test]
fn a_frame_is_never_longer_than_2000_bytes_however_much_is_escaped() {
    let name = "\"".repeat(30);
    let (room, sender) = (room(&name), user(&"`".repeat(30)));
    let stamp = "\\".repeat(64);
    for text in ["\"", "\\x", "\u{1}", "\u{1}\"€", "\u{1f600}\""] {
        let text = text.repeat(SAID_BYTES_MAX / text.len());
        let stamp = Some(stamp.as_str());
        let said = Event::Said {
            room: &room,
            sender: &sender,
            text: &text,
            time: TIME,
            stamp,
            nickname: None,
        };
        let body = event(&said).concat();
        let value: Value = serde_json::from_str(&body).unwrap();
        let data = value["data"].as_str().unwrap();
        assert!(text.starts_with(data) && !data.is_empty());
        let next = text[data.len()..].chars().next().unwrap();
        let longer = serde_json::to_string(&next.to_string()).unwrap().len() - 2;
        let full = data.len() + next.len_utf8() > CHATAPP_DATA_BYTES_MAX
            || body.len() + longer > CHATAPP_FRAME_BYTES_MAX;
        assert!(full, "no more is cut than has to be");
    }
    let left = CHATAPP_FRAME_BYTES_MAX - said("", None).len();
    let fitting = "x".repeat(left % 2) + &"\"".repeat(left / 2);
    assert_eq!(said(&fitting, None).len(), CHATAPP_FRAME_BYTES_MAX);
    assert_eq!(said(&format!("{fitting}\""), None), said(&fitting, None));
}
