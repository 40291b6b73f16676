//! Rendering: lists and events as lines of the `helo` dialect.
//!
//! Appends to a buffer and knows nothing of who reads it.
//!
//! Invariants: every line ends with a line feed and has no other. Names have no control characters by construction;
//! texts have none because every dialect removes them from what its users send.

use crate::core::event::{Event, List, Notice, Reply, Row, Warning};
use crate::core::name::ItemName;
use crate::dialect::helo::answer::line;
use crate::limits::HELO_LINE_BYTES_MAX;

/// Appends an answer that the house gives, or a row of one. A list is one line.
pub fn reply(out: &mut Vec<u8>, reply: &Reply<'_>) {
    match *reply {
        Reply::List(List::Everyone | List::Rooms, _) => out.extend_from_slice(b"+SUCCESS ["),
        Reply::Row(ref row, nth) => {
            if nth > 0 {
                out.extend_from_slice(b", ");
            }
            out.extend_from_slice(name(row).as_bytes());
        }
        Reply::End(List::Everyone | List::Rooms) => out.extend_from_slice(b"]\n"),
        // No command of the dialect asks for any of these.
        Reply::List(_, _)
        | Reply::End(_)
        | Reply::Status(_)
        | Reply::WhoAmI { .. }
        | Reply::Number(_, _)
        | Reply::Message { .. }
        | Reply::Challenge(_)
        | Reply::Story(_) => {}
    }
}

/// Appends what ends a list before its time: it is a line without its bracket.
pub fn cut_short(out: &mut Vec<u8>) {
    out.push(b'\n');
}

/// What a list shows of somebody or something.
fn name<'a>(row: &Row<'a>) -> &'a str {
    match *row {
        Row::User(name, _) => name.as_str(),
        Row::Stranger => "unknown",
        Row::Room(room) => room.name.as_str(),
        Row::Place { room, .. } => room.as_str(),
        Row::Group(group) => group.name.as_str(),
        Row::Message(message) => message.name.as_str(),
        Row::Line { sender, .. } => sender.as_str(),
    }
}

/// Appends an event; nothing if its users do not hear of such things.
pub fn event(out: &mut Vec<u8>, event: &Event<'_>) {
    match *event {
        Event::Said { room, sender, text, time: _, stamp: _, nickname: _ } => {
            let verb = if is_home(room) { "BCST [" } else { "GROUP_MESSAGE [" };
            line(out, &[verb, sender.as_str(), "] ", text]);
        }
        Event::Whispered { receiver: _, sender, text, time: _, nickname: _ } => {
            line(out, &["PM ", sender.as_str(), " ", text]);
        }
        Event::PassedOn { before, sender, after } => {
            line(out, &[before, sender.as_str(), after]);
        }
        Event::Expelled { room, user } => {
            let (room, user) = (room.as_str(), user.as_str());
            line(out, &["GROUP_MESSAGE user ", user, " has been kicked out of group ", room]);
        }
        Event::Warning(Warning::Kicked { room, owner: _ }) => {
            line(out, &["+SUCCESS you have been kicked out of the group ", room.as_str()]);
        }
        Event::Warning(warning) => farewell(out, warning),
        Event::PeerOffered { .. }
        | Event::Invited { .. }
        | Event::RoomMade { .. }
        | Event::Entered { .. }
        | Event::Left { .. }
        | Event::Notice(Notice::Alive) => {}
    }
}

/// Appends the last line of a connection.
fn farewell(out: &mut Vec<u8>, warning: Warning<'_>) {
    let why = match warning {
        Warning::LineTooLong | Warning::TooManyLines => {
            let most = HELO_LINE_BYTES_MAX.to_string();
            return line(out, &["DSCN a line may not be longer than ", &most, " bytes"]);
        }
        Warning::LoginTimeout => "you did not log in in time",
        Warning::Idle => "you were silent for a long time",
        Warning::WrongPasswords => "too many wrong passwords",
        Warning::LoggedInElsewhere => "you have logged in from somewhere else",
        Warning::ServerFull => "the server is full, please try again later",
        Warning::AddressFull => "there are too many connections from your address",
        Warning::Stopping => "the server is stopping, please come back later",
        Warning::TooSlow => "you read a list too slowly",
        Warning::Kicked { .. } => return,
    };
    line(out, &["DSCN ", why]);
}

/// Whether what is said in a room is said to everyone.
fn is_home(room: &ItemName) -> bool {
    room.as_str().eq_ignore_ascii_case("Home")
}
