//! Rendering: answers and events as frames of the `chatapp` dialect.
//!
//! Appends to a buffer and knows nothing of who reads it. A frame is appended whole, header and body together, because
//! its readers take a header that arrives alone for a broken one.
//!
//! Invariants: no frame is longer than the document allows, whatever is said in other dialects: data that would make it
//! so is cut, at a character. Keys stand in the document's order.

use crate::core::event::{Event, Reply, Row};
use crate::dialect::calendar::stamp;
use crate::dialect::chatapp::Voice;
use crate::dialect::chatapp::frame::HEADER_BYTES;
use crate::dialect::chatapp::words::{self, Words};
use crate::limits::{CHATAPP_DATA_BYTES_MAX, CHATAPP_FRAME_BYTES_MAX};

/// The sender of what nobody else has sent.
const SERVER: &str = "Server";

/// The receiver of what everybody is told.
const ALL: &str = "ALL";

/// What ends a message.
const END: &[u8] = b"\"}";

/// What a message says.
struct Message<'a> {
    kind: &'static str,
    time: &'a str,
    sender: &'a str,
    dest: &'a str,
    data: &'a str,
}

/// Appends an answer that the house gives, or a row of one.
pub fn reply(out: &mut Vec<u8>, voice: Voice, reply: &Reply<'_>) {
    match *reply {
        Reply::Row(Row::Place { room, member, reader, time }, nth) => {
            let time = stamp(time);
            let time = text(&time);
            let (room, reader) = (room.as_str(), reader.as_str());
            if nth == 0 && voice.connected {
                let data = "CONNECTED";
                let kind = "ConnectionMessage";
                message(out, &Message { kind, time, sender: SERVER, dest: reader, data });
            }
            let (kind, sender) = match member {
                None => ("CreateRoomMessage", SERVER),
                Some(member) => ("JoinMessage", member.as_str()),
            };
            message(out, &Message { kind, time, sender, dest: reader, data: room });
        }
        // The directory is its rows, and nothing else is asked for in this dialect.
        Reply::List(..)
        | Reply::Row(
            Row::Room(_)
            | Row::User(..)
            | Row::Stranger
            | Row::Group(_)
            | Row::Message(_)
            | Row::Line { .. },
            _,
        )
        | Reply::End(_)
        | Reply::Status(_)
        | Reply::WhoAmI { .. }
        | Reply::Number(..)
        | Reply::Message { .. }
        | Reply::Challenge(_)
        | Reply::Story(_) => {}
    }
}

/// Appends an event; nothing if its users do not hear of such things.
pub fn event(out: &mut Vec<u8>, event: &Event<'_>) {
    match *event {
        Event::Said { room, sender, text: data, time, stamp: own, nickname: _ } => {
            let time = stamp(time);
            let time = own.unwrap_or_else(|| text(&time));
            let (sender, dest) = (sender.as_str(), room.as_str());
            message(out, &Message { kind: "ChatMessage", time, sender, dest, data });
        }
        Event::RoomMade { room, time } => {
            let (kind, time, data) = ("CreateRoomMessage", &stamp(time), room.as_str());
            message(out, &Message { kind, time: text(time), sender: SERVER, dest: ALL, data });
        }
        Event::Entered { room, user, time } => {
            let (kind, time) = ("JoinMessage", &stamp(time));
            let (sender, data) = (user.as_str(), room.as_str());
            message(out, &Message { kind, time: text(time), sender, dest: SERVER, data });
        }
        Event::Left { room, user, time } => {
            let (kind, time) = ("LeaveMessage", &stamp(time));
            let (sender, data) = (user.as_str(), room.as_str());
            message(out, &Message { kind, time: text(time), sender, dest: SERVER, data });
        }
        Event::Warning(warning) => {
            if let Some(words) = words::warning(warning) {
                error(out, &words);
            }
        }
        Event::Whispered { .. }
        | Event::PeerOffered { .. }
        | Event::PassedOn { .. }
        | Event::Invited { .. }
        | Event::Expelled { .. }
        | Event::Notice(_) => {}
    }
}

/// Appends an error.
pub(super) fn error(out: &mut Vec<u8>, words: &Words) {
    let start = begin(out);
    out.extend_from_slice(b"{\"__type__\":\"Error\",\"code\":");
    out.extend_from_slice(words.code.to_string().as_bytes());
    out.extend_from_slice(b",\"data\":\"");
    escaped(out, &words.sentence, CHATAPP_DATA_BYTES_MAX);
    out.extend_from_slice(END);
    end(out, start);
}

fn message(out: &mut Vec<u8>, message: &Message<'_>) {
    let Message { kind, time, sender, dest, data } = *message;
    let start = begin(out);
    out.push(b'{');
    for (key, text) in [("__type__", kind), ("timestamp", time), ("sender", sender), ("dest", dest)]
    {
        out.push(b'"');
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"\":\"");
        escaped(out, text, CHATAPP_DATA_BYTES_MAX);
        out.extend_from_slice(b"\",");
    }
    out.extend_from_slice(b"\"data\":\"");
    let left = CHATAPP_FRAME_BYTES_MAX - END.len() - (out.len() - start);
    escaped(out, shortened(data), left);
    out.extend_from_slice(END);
    end(out, start);
}

/// Leaves room for a header. Says where the body begins.
fn begin(out: &mut Vec<u8>) -> usize {
    out.extend_from_slice(&[b' '; HEADER_BYTES]);
    out.len()
}

/// Writes the header of the body that began at `start`.
fn end(out: &mut [u8], start: usize) {
    let length = (out.len() - start).to_string();
    out[start - HEADER_BYTES..][..length.len()].copy_from_slice(length.as_bytes());
}

/// As much of `data` as a message may have.
fn shortened(data: &str) -> &str {
    let mut end = data.len().min(CHATAPP_DATA_BYTES_MAX);
    while !data.is_char_boundary(end) {
        end -= 1;
    }
    &data[..end]
}

/// Appends as much of `text` as fits in `room` bytes, as the inside of a JSON string.
fn escaped(out: &mut Vec<u8>, text: &str, room: usize) {
    if text.len() <= room && !text.bytes().any(is_escaped) {
        return out.extend_from_slice(text.as_bytes());
    }
    let most = out.len() + room;
    for c in text.chars() {
        let before = out.len();
        match c {
            '"' | '\\' => out.extend_from_slice(&[b'\\', c as u8]),
            '\t' => out.extend_from_slice(b"\\t"),
            '\0'..' ' => out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
            _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        if out.len() > most {
            return out.truncate(before);
        }
    }
}

/// Whether a JSON string cannot hold the byte as it is.
fn is_escaped(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
}

fn text(stamp: &[u8]) -> &str {
    str::from_utf8(stamp).expect("a stamp is digits")
}
