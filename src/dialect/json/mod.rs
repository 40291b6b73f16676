//! The `json` dialect: a stream of JSON objects (spec `dialects.md`, seed 004; `docs/protocol-json.md` for who writes a
//! client).
//!
//! The road of a byte: `frame` cuts objects, `object` reads one, `request` makes a command of it. `words` and `render`
//! go the other way. Nothing here knows a socket, or who else is there.
//!
//! Invariants: what is asked does not depend on where a segment ends. A connection between objects holds no memory but
//! its [`Reader`].

mod frame;
mod object;
pub mod render;
mod request;
#[cfg(test)]
mod tests;
pub mod words;

use crate::core::event::Warning;
use crate::core::manner::{Hearing, Kin, Lifetime, Manner, Sees, Stands};
use crate::core::{Standing, Status};
use crate::dialect::json::frame::{Cut, Frames};
use crate::dialect::json::object::Object;
use crate::dialect::json::request::{Want, wish};
use crate::dialect::json::words::{Fault, Verb};
use crate::dialect::{Context, Next, Request};

/// How its users live in the house.
pub const MANNER: Manner = Manner {
    stands: Stands::Nowhere,
    sees: Sees::Open,
    whispers: Hearing::Heard,
    echo: Hearing::Unheard,
    news: Hearing::Unheard,
    recalls: 0,
    rooms: Lifetime::Long,
    kin: Kin(4),
};

/// What the administrator decided about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// `json.ping_seconds`, in ms: silence after which a user is asked whether it is there; never if there is none.
    pub ping_ms: Option<u64>,
    /// `json.pong_seconds`, in ms: how long it then has to say anything.
    pub pong_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { ping_ms: Some(60_000), pong_ms: 20_000 }
    }
}

/// One connection's state between segments.
#[derive(Debug, Default)]
pub struct Reader {
    frames: Frames,
    /// What was asked last, from which its command borrows.
    object: Option<Box<Object>>,
    pulse: Pulse,
    phase: Phase,
}

/// What is known of whether anybody is there.
#[derive(Debug, Default)]
struct Pulse {
    /// Until when silence is allowed, in ms of the server's clock.
    due: Option<u64>,
    asked: Asking,
    echo: Echo,
}

/// Whether the server has asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Asking {
    /// It has not, or something has come since.
    #[default]
    NotYet,
    /// It has.
    Asked,
}

/// What a client's `ping` is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Echo {
    /// A question, to be answered.
    #[default]
    Owed,
    /// The answer to the server's question.
    Awaited,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Phase {
    #[default]
    Open,
    Closed,
}

/// What has to be known of a connection to word what it is told later than at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Voice {
    /// The command that is being answered.
    verb: Option<Verb>,
}

/// What was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// A command of the house.
    Command(Verb),
    /// Something that failed before it came to the house, and the command if there was one.
    Fault(Option<Verb>, Fault),
    /// Whether anybody is there.
    Ping,
}

impl Reader {
    /// See [`crate::dialect::Reader::next`].
    pub fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
        standing: Standing,
        context: &'a mut Context<'_>,
    ) -> Option<Request<'a>> {
        self.object = None;
        if self.phase == Phase::Closed {
            *input = &[];
            return None;
        }
        if !input.is_empty() {
            self.pulse.hear(context);
        }
        let object = match self.frames.cut(input)? {
            Cut::Whole(bytes) => Object::parse(bytes),
            Cut::Held => Object::parse(&self.frames.take()),
            Cut::TooDeep => return Some(refuse(Fault::TooDeep)),
            Cut::Malformed => return Some(refuse(Fault::BadJson)),
            Cut::TooLong => {
                self.phase = Phase::Closed;
                return Some(refuse(Fault::TooLong));
            }
        };
        let Ok(object) = object else { return Some(refuse(Fault::BadJson)) };
        let object = self.object.insert(Box::new(object));
        let (verb, want) = wish(object, standing, &context.options.host);
        Some(match (verb, want) {
            (Some(verb), Ok(Want::Command(command))) => {
                Request::Do(command, Asked::Command(verb).into())
            }
            (_, Ok(_)) => self.pulse.ping(),
            (verb, Err(fault)) => {
                Request::Answer(Status::Unknown, Asked::Fault(verb, fault).into())
            }
        })
    }

    /// See [`crate::dialect::Reader::deadline`].
    #[must_use]
    pub fn deadline(&self, standing: Standing) -> Option<u64> {
        match (standing, self.phase) {
            (Standing::User, Phase::Open) => self.pulse.due,
            // Who does not log in is closed for that.
            (Standing::Stranger, _) | (Standing::User, Phase::Closed) => None,
        }
    }

    /// See [`crate::dialect::Reader::due`].
    pub fn due<'a>(
        &'a mut self,
        standing: Standing,
        context: &'a mut Context<'_>,
    ) -> Option<Request<'a>> {
        self.deadline(standing).filter(|&due| due <= context.now_ms)?;
        if self.pulse.asked == Asking::Asked {
            self.phase = Phase::Closed;
            return Some(Request::Close(Warning::Idle));
        }
        self.pulse.ask(context);
        Some(Request::Answer(Status::Ok, Asked::Ping.into()))
    }
}

impl Pulse {
    fn hear(&mut self, context: &Context<'_>) {
        self.asked = Asking::NotYet;
        self.due = context.options.json.ping_ms.map(|ms| context.now_ms + ms);
    }

    fn ask(&mut self, context: &Context<'_>) {
        (self.asked, self.echo) = (Asking::Asked, Echo::Awaited);
        self.due = Some(context.now_ms + context.options.json.pong_ms);
    }

    /// A client's `ping`. Were the answer to the server's answered too, the two would go on for ever.
    fn ping(&mut self) -> Request<'static> {
        match std::mem::take(&mut self.echo) {
            Echo::Owed => Request::Answer(Status::Ok, Asked::Ping.into()),
            Echo::Awaited => Request::Nothing,
        }
    }
}

fn refuse<'a>(fault: Fault) -> Request<'a> {
    Request::Answer(Status::Unknown, Asked::Fault(None, fault).into())
}

impl Asked {
    /// Appends the answer: how what was asked has ended.
    pub fn answer(&self, out: &mut Vec<u8>, status: Status) -> Next {
        match *self {
            Self::Command(verb) => render::ended(out, Some(verb), status),
            Self::Fault(verb, fault) => render::fault(out, verb, fault),
            Self::Ping => render::ping(out),
        }
        match self {
            Self::Fault(_, Fault::TooLong) => Next::Close,
            Self::Command(_) | Self::Fault(..) | Self::Ping => Next::Stay,
        }
    }

    /// How the connection is spoken to from now on.
    #[must_use]
    pub fn voice(&self) -> Voice {
        match *self {
            Self::Command(verb) => Voice { verb: Some(verb) },
            Self::Fault(verb, _) => Voice { verb },
            Self::Ping => Voice { verb: Some(Verb::Ping) },
        }
    }
}

impl From<Asked> for crate::dialect::Asked<'_> {
    fn from(asked: Asked) -> Self {
        Self::Json(asked)
    }
}
