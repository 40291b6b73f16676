//! Rendering: answers and events as objects of the `json` dialect.
//!
//! Invariants: an object is one line, compact, with a LF behind it; all of it is written at once, but for what was said
//! in a group, whose beginning, lines and end are given one after the other and never with anything between.

use crate::core::Status;
use crate::core::event::{Event, Reply, Story, Warning};
use crate::core::name::UserName;
use crate::dialect::json::Voice;
use crate::dialect::json::words::{Fault, Verb};

/// Appends an answer that the house gives, or a piece of one.
pub fn reply(out: &mut Vec<u8>, voice: Voice, reply: &Reply<'_>, host: &str) {
    match *reply {
        Reply::Status(status) => ended(out, voice.verb, status),
        Reply::Story(Story::Head(room)) => {
            let object = Object::begin(out, "history").text("Group", room.as_str());
            object.key("Messages").0.push(b'[');
        }
        Reply::Story(Story::Line { before, time, sender, nickname, text }) => {
            out.extend_from_slice(if before == 0 { b"{" } else { b",{" });
            Object(out)
                .first_key("From")
                .uid(sender, host)
                .nickname(nickname)
                .number("Time", time)
                .text("Message", text)
                .0
                .push(b'}');
        }
        Reply::Story(Story::End) => out.extend_from_slice(b"]}\n"),
        // Nothing that is asked here is answered by these.
        Reply::WhoAmI { .. }
        | Reply::List(..)
        | Reply::Row(..)
        | Reply::End(_)
        | Reply::Number(..)
        | Reply::Message { .. }
        | Reply::Challenge(_) => {}
    }
}

/// Appends how a command has ended.
pub(super) fn ended(out: &mut Vec<u8>, verb: Option<Verb>, status: Status) {
    match status {
        Status::Ok => Object::begin(out, "ok").re(verb).end(),
        status => fault(out, verb, Fault::of(status)),
    }
}

/// Appends why something has failed.
pub(super) fn fault(out: &mut Vec<u8>, verb: Option<Verb>, fault: Fault) {
    let object = Object::begin(out, "error").re(verb).text("Error", fault.word());
    let (sentence, field) = fault.sentence();
    match field {
        Some(field) => object.text("Message", &[sentence, field.key(), "."].concat()).end(),
        None => object.text("Message", sentence).end(),
    }
}

/// Appends the question whether anybody is there, or the answer to it.
pub(super) fn ping(out: &mut Vec<u8>) {
    Object::begin(out, "ping").end();
}

/// Appends an event; nothing if its users do not hear of such things.
pub fn event(out: &mut Vec<u8>, event: &Event<'_>, host: &str) {
    match *event {
        Event::Said { room, sender, text, time, stamp: _, nickname } => {
            let object = Object::begin(out, "msg").text("To", room.as_str());
            let object = object.text("Type", "group-message").text("Message", text);
            object.key("From").uid(sender, host).nickname(nickname).number("Time", time).end();
        }
        Event::Whispered { receiver, sender, text, time, nickname } => {
            let object = Object::begin(out, "msg").key("To").uid(receiver, host);
            let object = object.text("Type", "PM").text("Message", text);
            object.key("From").uid(sender, host).nickname(nickname).number("Time", time).end();
        }
        Event::Invited { receiver, room, sender, nickname, time } => {
            let object = Object::begin(out, "invite").key("User").uid(receiver, host);
            let object = object.text("Group", room.as_str()).key("From").uid(sender, host);
            object.nickname(nickname).number("Time", time).end();
        }
        Event::Warning(Warning::Kicked { room, owner }) => {
            let object = Object::begin(out, "leave").text("Group", room.as_str());
            object.key("From").uid(owner, host).end();
        }
        Event::Warning(ref warning) => {
            if let Some(why) = Fault::of_warning(warning) {
                fault(out, None, why);
            }
        }
        Event::PeerOffered { .. }
        | Event::PassedOn { .. }
        | Event::Expelled { .. }
        | Event::RoomMade { .. }
        | Event::Entered { .. }
        | Event::Left { .. }
        | Event::Notice(_) => {}
    }
}

/// An object that is being written.
struct Object<'o>(&'o mut Vec<u8>);

impl<'o> Object<'o> {
    fn begin(out: &'o mut Vec<u8>, command: &str) -> Self {
        out.push(b'{');
        let object = Self(out).first_key("Command");
        string(object.0, command);
        object
    }

    fn first_key(self, key: &str) -> Self {
        string(self.0, key);
        self.0.push(b':');
        self
    }

    fn key(self, key: &str) -> Self {
        self.0.push(b',');
        self.first_key(key)
    }

    fn text(self, key: &str, text: &str) -> Self {
        let object = self.key(key);
        string(object.0, text);
        object
    }

    fn number(self, key: &str, number: u64) -> Self {
        let object = self.key(key);
        object.0.extend_from_slice(number.to_string().as_bytes());
        object
    }

    /// The value of the key that was just written.
    fn uid(self, name: &UserName, host: &str) -> Self {
        string(self.0, &[name.as_str(), "@", host].concat());
        self
    }

    fn nickname(self, nickname: Option<&str>) -> Self {
        match nickname {
            Some(nickname) => self.text("Nickname", nickname),
            None => self,
        }
    }

    fn re(self, verb: Option<Verb>) -> Self {
        match verb {
            Some(verb) => self.text("Re", verb.word()),
            None => self,
        }
    }

    fn end(self) {
        self.0.extend_from_slice(b"}\n");
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a text can always be written to memory");
}
