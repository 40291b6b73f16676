//! Rendering: answers in the words of the `crimp` dialect. It has none for events: its users ask for what was said.
//!
//! A list is rendered into one buffer from its head to its end, because a frame begins with its length.
//!
//! Invariant: what is rendered for one command is one frame, or ends as the command did.

use crate::core::Status;
use crate::core::event::{List, Reply, Row};
use crate::dialect::calendar;
use crate::dialect::crimp::cut::{Ending, HEADER_BYTES};
use crate::dialect::crimp::{Asked, Voice, What, modified};
use crate::limits::CRIMP_ANSWER_BYTES_MAX;

const ILLEGAL: &str = "ERR_ILLEGALCOMMAND";
const NO_SUCH_ROOM: &str = "ERR_NONEXISTENTROOM";

/// Appends the word that says how something has ended; nothing if no answer is due.
pub(super) fn answer(out: &mut Vec<u8>, asked: &Asked, status: Status) {
    if let Some(word) = word(asked.what, status) {
        let start = out.len();
        begin(out, asked.ending);
        out.extend_from_slice(word.as_bytes());
        end(out, start, asked.ending);
    }
}

/// Renders a part of a list behind the parts before it, of which `out` holds nothing else.
pub fn reply(out: &mut Vec<u8>, voice: Voice, reply: &Reply<'_>) {
    let ending = voice.ending;
    match *reply {
        Reply::List(..) => begin(out, ending),
        Reply::Row(ref row, _) => add(out, ending, row),
        Reply::End(list) => {
            leave_oldest_out(out, ending, CRIMP_ANSWER_BYTES_MAX);
            if out.len() == head_bytes(ending) {
                out.extend_from_slice(empty(list).as_bytes());
            }
            end(out, 0, ending);
        }
        // No command of this dialect comes to one of these.
        Reply::Status(_)
        | Reply::WhoAmI { .. }
        | Reply::Number(..)
        | Reply::Message { .. }
        | Reply::Challenge(_)
        | Reply::Story(_) => {}
    }
}

fn word(what: What, status: Status) -> Option<&'static str> {
    let done = match what {
        What::Disconnect => return None,
        What::Wordless => None,
        What::Create => Some("OK_CTRM"),
        What::Join => Some("OK_JOIN"),
        What::Leave => Some("OK_LEAV"),
        What::Post => Some("OK_POST"),
    };
    match status {
        Status::Ok => done,
        Status::NameInUse | Status::NameRegistered | Status::NotYou => Some("ERR_USERNAMEINUSE"),
        Status::RoomExists => Some("ERR_DUPLICATEROOM"),
        Status::NoRoom | Status::Banned => Some(NO_SUCH_ROOM),
        Status::AlreadyIn => Some("ERR_ALREADYJOINED"),
        Status::NotIn => Some("ERR_NOTINROOM"),
        Status::Unknown
        | Status::NoMemory
        | Status::NotFound
        | Status::InvalidName
        | Status::NotEmpty
        | Status::NoUserType
        | Status::NoAccount
        | Status::WrongPassword
        | Status::WrongRoomPassword
        | Status::NotOwner
        | Status::NoGroup
        | Status::WrongGroupPassword
        | Status::NoLogin
        | Status::NoAccess
        | Status::NoCommand
        | Status::Expired
        | Status::OwnerStays
        | Status::Oneself => Some(ILLEGAL),
    }
}

/// What a list without rows is.
fn empty(list: List) -> &'static str {
    match list {
        List::Rooms => "ERR_NOROOMS",
        List::Users => "ERR_ROOMEMPTY",
        List::History => "ERR_NOMESSAGES",
        List::Groups | List::Messages | List::Everyone | List::Directory => ILLEGAL,
    }
}

/// Bytes before the first of an answer's text.
fn head_bytes(ending: Ending) -> usize {
    match ending {
        Ending::Frame => HEADER_BYTES,
        Ending::Lf | Ending::CrLf | Ending::Silence => 0,
    }
}

fn begin(out: &mut Vec<u8>, ending: Ending) {
    out.resize(out.len() + head_bytes(ending), 0);
}

/// Ends what began at `start`.
fn end(out: &mut Vec<u8>, start: usize, ending: Ending) {
    match ending {
        Ending::Frame => {
            let length = u16::try_from(out.len() - start - HEADER_BYTES);
            let length = length.expect("an answer is bounded by what a frame takes");
            out[start..start + HEADER_BYTES].copy_from_slice(&length.to_be_bytes());
        }
        Ending::Lf => out.extend_from_slice(b"\n"),
        Ending::CrLf => out.extend_from_slice(b"\r\n"),
        Ending::Silence => {}
    }
}

/// Adds a row. A name for which there is no room is left out; a line makes room for itself.
fn add(out: &mut Vec<u8>, ending: Ending, row: &Row<'_>) {
    match *row {
        Row::Room(ref room) => add_name(out, ending, room.name.as_str()),
        Row::User(name, _) => add_name(out, ending, name.as_str()),
        Row::Line { time, sender, text, stamp: _ } => {
            add_line(out, ending, time, sender.as_str(), text);
        }
        // No command of this dialect lists these.
        Row::Stranger | Row::Place { .. } | Row::Group(_) | Row::Message(_) => {}
    }
}

fn add_name(out: &mut Vec<u8>, ending: Ending, name: &str) {
    let before = out.len();
    part(
        out,
        ending,
        match ending {
            Ending::Frame => "\n",
            Ending::Lf | Ending::CrLf | Ending::Silence => ", ",
        },
    );
    put(out, ending, name);
    if out.len() > head_bytes(ending) + CRIMP_ANSWER_BYTES_MAX {
        out.truncate(before);
    }
}

fn add_line(out: &mut Vec<u8>, ending: Ending, time: u64, sender: &str, text: &str) {
    part(
        out,
        ending,
        match ending {
            Ending::CrLf => "\r\n",
            Ending::Frame | Ending::Lf | Ending::Silence => "\n",
        },
    );
    out.push(b'[');
    out.extend_from_slice(&calendar::stamp(time));
    out.extend_from_slice(b"] ");
    put(out, ending, sender);
    out.extend_from_slice(b": ");
    // A line is one line, whatever other dialects let pass.
    put(out, ending, &text.replace(char::is_control, " "));
    // Seldom, because everything that stays has to be moved.
    if out.len() > head_bytes(ending) + 2 * CRIMP_ANSWER_BYTES_MAX {
        leave_oldest_out(out, ending, CRIMP_ANSWER_BYTES_MAX);
    }
}

/// Parts a row from the one before it.
fn part(out: &mut Vec<u8>, ending: Ending, separator: &str) {
    if out.len() > head_bytes(ending) {
        out.extend_from_slice(separator.as_bytes());
    }
}

fn put(out: &mut Vec<u8>, ending: Ending, text: &str) {
    match ending {
        Ending::Frame => modified::encode(out, text),
        Ending::Lf | Ending::CrLf | Ending::Silence => out.extend_from_slice(text.as_bytes()),
    }
}

/// Takes whole lines off the front until what is left is no longer than `bytes_max`.
fn leave_oldest_out(out: &mut Vec<u8>, ending: Ending, bytes_max: usize) {
    let head = head_bytes(ending);
    let Some(excess) = (out.len() - head).checked_sub(bytes_max).filter(|&excess| excess > 0)
    else {
        return;
    };
    // The end of a line may be the last byte of what is too much.
    let from = head + excess - 1;
    let end = memchr::memchr(b'\n', &out[from..]).expect("one line is never too long");
    out.drain(head..=from + end);
}
