//! Rendering: answers, events and help as lines of the MEC dialect.
//!
//! Appends to a buffer and knows nothing of who reads it. Spec `mec.md` 1, 2 and 5 to 9.
//!
//! Invariants: every line ends with CRLF; the row count of a head is the number of lines that follow it. Nothing is
//! allocated but what the buffer grows by. Names have no control characters by construction; texts have none because
//! every dialect removes them from what its users send.

use memchr::memchr2_iter;

use crate::core::command::{Admits, Counter};
use crate::core::event::{
    Door, Event, GroupRow, List, MessageRow, Notice, Reply, RoomRow, Row, UserKind, Warning,
};
use crate::core::name::{ItemName, UserName};
use crate::dialect::mec::help;
use crate::dialect::mec::verbs::{VERBS, Verb};

/// Appends an answer, or a row of one. Of [`Reply::Message`] only the head: [`message`] is the whole of it.
pub fn reply(out: &mut Vec<u8>, reply: &Reply<'_>) {
    let line = Line(out);
    match *reply {
        Reply::Status(status) => line.raw("@status").signed(status.number()),
        Reply::WhoAmI { user, room, users, group } => {
            let line = line.raw("@ret #whoami ").name(user.as_str());
            let line = line.blank().name(room.as_str()).number(users).blank();
            match group {
                Some((name, no)) => line.name(name.as_str()).number(no),
                None => line.raw("- 0"),
            }
        }
        Reply::List(list, rows) => line.raw(list_head(list)).number(rows),
        Reply::Row(ref row, _) => line.row(row),
        Reply::End(_) | Reply::Story(_) => return,
        Reply::Number(counter, number) => line.raw(counter_head(counter)).digits(number.into()),
        Reply::Message { ref head, parts, group: _, place: _ } => line.message_head(head, parts),
        Reply::Challenge(nonce) => line.raw("@ret #challenge ").hex(&nonce),
    }
    .end();
}

/// Appends the answer to `#getmessage`: the head, and `parts` lines of `text`, which has a `\n` behind each.
pub fn message(out: &mut Vec<u8>, head: &MessageRow<'_>, parts: u32, text: &str) {
    Line(out).message_head(head, parts).end();
    // A client counts the lines, so there are as many as the head says, whatever the text is.
    let mut lines = text.split_terminator('\n');
    for _ in 0..parts {
        Line(out).raw(lines.next().unwrap_or_default()).end();
    }
}

/// Appends lines of a message's text, which has a `\n` behind each: the next piece of a long one.
pub fn lines(out: &mut Vec<u8>, text: &str) {
    for line in text.split_terminator('\n') {
        Line(out).raw(line).end();
    }
}

/// Appends an event.
pub fn event(out: &mut Vec<u8>, event: &Event<'_>) {
    let line = Line(out);
    match *event {
        Event::Said { sender, text, room: _, time: _, stamp: _, nickname: _ } => {
            line.raw("@mess #broadcast ").name(sender.as_str()).blank().quoted(text)
        }
        Event::Whispered { sender, text, receiver: _, time: _, nickname: _ } => {
            line.raw("@mess #sendto ").name(sender.as_str()).blank().quoted(text)
        }
        Event::PeerOffered { sender, port, address } => {
            let line = line.raw("@mess #peer2peer ").name(sender.as_str()).raw(" \"");
            line.number(u32::from(port)).blank().raw(address).raw("\"")
        }
        Event::Invited { .. }
        | Event::PassedOn { .. }
        | Event::Expelled { .. }
        | Event::RoomMade { .. }
        | Event::Entered { .. }
        | Event::Left { .. } => return,
        Event::Warning(warning) => line.warning(warning),
        Event::Notice(Notice::Alive) => line.raw("@mess #notice \"I am here.\""),
    }
    .end();
}

/// Appends the answer to `#help`, on one command or on all.
pub fn help(out: &mut Vec<u8>, verb: Option<&Verb>) {
    let Some(verb) = verb else {
        Line(out).raw("@ret #help").number(VERBS.len() as u32).end();
        for verb in &VERBS {
            Line(out).pieces(&help::line(verb)).end();
        }
        return;
    };
    let details = help::details(verb);
    Line(out).raw("@ret #help").number(1 + details.len() as u32).end();
    Line(out).pieces(&help::line(verb)).end();
    for detail in &details {
        Line(out).pieces(detail).end();
    }
}

fn list_head(list: List) -> &'static str {
    match list {
        List::Rooms => "@ret #listrooms",
        List::Users => "@ret #listusers",
        List::Groups => "@ret #listgroups",
        List::Messages => "@ret #listmessages",
        List::History => "@ret #history",
        List::Everyone | List::Directory => unreachable!("no MEC command asks for it"),
    }
}

fn counter_head(counter: Counter) -> &'static str {
    match counter {
        Counter::Architecture => "@ret #archstatus ",
        Counter::Room => "@ret #roomstatus ",
        Counter::User => "@ret #userstatus ",
        Counter::Group => "@ret #groupstatus ",
        Counter::Message => "@ret #messagestatus ",
    }
}

/// A line that is being written. Numbers put a blank before themselves, for they never come first.
struct Line<'o>(&'o mut Vec<u8>);

impl Line<'_> {
    fn end(self) {
        self.0.extend_from_slice(b"\r\n");
    }

    fn raw(self, text: &str) -> Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn pieces(self, pieces: &[&str]) -> Self {
        pieces.iter().fold(self, |line, piece| line.raw(piece))
    }

    fn blank(self) -> Self {
        self.0.push(b' ');
        self
    }

    /// A name, bare if it can be read back as one word.
    fn name(self, name: &str) -> Self {
        let has_blank = name.bytes().fold(false, |found, byte| found | (byte == b' '));
        if name.starts_with('"') || has_blank { self.quoted(name) } else { self.raw(name) }
    }

    fn quoted(self, text: &str) -> Self {
        self.raw("\"").escaped(text).raw("\"")
    }

    /// A text inside quotes.
    fn escaped(self, text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut from = 0;
        for at in memchr2_iter(b'"', b'\\', bytes) {
            self.0.extend_from_slice(&bytes[from..at]);
            self.0.push(b'\\');
            from = at;
        }
        self.0.extend_from_slice(&bytes[from..]);
        self
    }

    #[inline]
    fn number(self, number: u32) -> Self {
        self.long(number.into())
    }

    fn signed(self, number: i32) -> Self {
        let line = self.blank();
        let line = if number < 0 { line.raw("-") } else { line };
        line.digits(number.unsigned_abs().into())
    }

    #[inline]
    fn long(self, number: u64) -> Self {
        self.blank().digits(number)
    }

    fn digits(self, mut number: u64) -> Self {
        // As most numbers are.
        if number < 10 {
            self.0.push(b'0' + number as u8);
            return self;
        }
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.0.extend_from_slice(&digits[at..]);
        self
    }

    fn hex(self, bytes: &[u8]) -> Self {
        let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
        self.0.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
        self
    }

    fn row(self, row: &Row<'_>) -> Self {
        match *row {
            Row::Room(ref room) => self.room(room),
            Row::User(name, UserKind::Anonymous) => self.name(name.as_str()).raw(" anon"),
            Row::User(name, UserKind::Registered) => self.name(name.as_str()).raw(" regd"),
            Row::Stranger => self.raw("- none"),
            Row::Group(ref group) => self.group(group),
            Row::Message(ref message) => self.message(message),
            Row::Place { .. } => unreachable!("no MEC command asks for it"),
            Row::Line { time, sender, text, stamp: _ } => {
                self.digits(time).blank().name(sender.as_str()).blank().quoted(text)
            }
        }
    }

    fn room(self, room: &RoomRow<'_>) -> Self {
        let line = self.name(room.name.as_str()).blank();
        let line = line.name(room.owner.map_or("-", UserName::as_str));
        line.number(room.users).number(room.seconds).access(room.door, room.admits)
    }

    fn group(self, group: &GroupRow<'_>) -> Self {
        let line = self.name(group.name.as_str()).blank().name(group.owner.as_str());
        let line = line.number(group.no).number(group.messages).number(group.users);
        line.number(group.seconds).access(group.door, group.admits)
    }

    fn message(self, row: &MessageRow<'_>) -> Self {
        let line = self.name(row.name.as_str()).blank().name(row.owner.as_str());
        line.number(row.id).number(row.parent).number(row.replies).number(row.seconds)
    }

    fn message_head(self, row: &MessageRow<'_>, parts: u32) -> Self {
        let line = self.raw("@ret #getmessage ").name(row.name.as_str()).number(parts);
        line.number(row.id).number(row.parent).number(row.replies).number(row.seconds)
    }

    fn access(self, door: Door, admits: Admits) -> Self {
        let line = self.raw(match door {
            Door::Public => " pub",
            Door::Private => " priv",
        });
        line.raw(match admits {
            Admits::Anonymous => " anon",
            Admits::Registered | Admits::Invited => " regd",
        })
    }

    fn warning(self, warning: Warning<'_>) -> Self {
        let line = self.raw("@mess #warning \"");
        let line = match warning {
            Warning::Kicked { room, owner } => line.kicked(room, owner),
            Warning::LineTooLong => {
                line.raw("A line may not be longer than 1000 bytes. Closing the connection.")
            }
            Warning::TooManyLines => line
                .raw("That message has more lines than this server takes. Closing the connection."),
            Warning::LoginTimeout => {
                line.raw("You did not log in in time. Closing the connection.")
            }
            Warning::Idle => line.raw("You were silent for a long time. Closing the connection."),
            Warning::WrongPasswords => {
                line.raw("Too many wrong passwords. Closing the connection.")
            }
            Warning::LoggedInElsewhere => {
                line.raw("You have logged in from somewhere else. Closing this connection.")
            }
            Warning::ServerFull => line.raw("The server is full. Please try again later."),
            Warning::AddressFull => line
                .raw("There are too many connections from your address. Please close one first."),
            Warning::Stopping => line.raw("The server is stopping. Please come back later."),
            Warning::TooSlow => {
                line.raw("You read a list too slowly, and it has changed. Please connect again.")
            }
        };
        line.raw("\"")
    }

    fn kicked(self, room: &ItemName, owner: &UserName) -> Self {
        let line = self.escaped(owner.as_str()).raw(" owns the room ").escaped(room.as_str());
        line.raw(" and has sent you back to Home.")
    }
}
