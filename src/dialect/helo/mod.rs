//! The `helo` dialect: lines that begin with a word in capitals (spec `dialects.md`; `docs/protocol-helo.md` for who
//! writes a client).
//!
//! The road of a byte: `line` cuts lines and cleans them, `words` names the command and takes its words apart. `answer`
//! and `render` go the other way, `pulse` knows when to ask whether the client is still there. Nothing here knows a
//! socket, or who else is there.
//!
//! Invariants: what is asked does not depend on where a segment ends. A connection between lines owns no memory but its
//! [`Reader`].

mod answer;
pub mod file;
mod line;
mod pulse;
pub mod render;
#[cfg(test)]
mod tests;
mod words;

pub use answer::Asked;

use crate::core::event::Warning;
use crate::core::manner::{Hearing, Kin, Lifetime, Manner, Sees, Stands};
use crate::core::name::UserName;
use crate::core::{Standing, Status};
use crate::dialect::helo::line::{Cut, Lines, copy, text};
use crate::dialect::helo::pulse::{Beat, Pulse};
use crate::dialect::{Context, Request};

/// How its users live in the house.
pub const MANNER: Manner = Manner {
    stands: Stands::AtHome,
    sees: Sees::OpenInOneWord,
    whispers: Hearing::Heard,
    echo: Hearing::Unheard,
    news: Hearing::Unheard,
    recalls: 0,
    rooms: Lifetime::Long,
    kin: Kin(1),
};

/// What a connection is greeted with.
pub const GREETING: &[u8] = b"HELO Welkom to WhatsUpp!\n";

/// What the administrator decided about this dialect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// `helo.ping_seconds`: how often a user is asked whether it is there; 0: never.
    pub ping_seconds: u32,
    /// `helo.pong_seconds`: how long the answer may take.
    pub pong_seconds: u32,
    /// `helo.file_bytes_max`: the largest file that users send each other.
    pub file_bytes_max: u64,
    /// `helo.file_seconds`: how long a file may stand still on its way.
    pub file_seconds: u32,
    /// `helo.file_ports`: the first and the last port that files are sent over; any free one if not set.
    pub file_ports: Option<(u16, u16)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ping_seconds: 10,
            pong_seconds: 3,
            file_bytes_max: 16 * 1024 * 1024,
            file_seconds: 60,
            file_ports: None,
        }
    }
}

/// One connection's state between segments.
#[derive(Debug, Default)]
pub struct Reader {
    lines: Lines,
    /// The line that was handed out last, if it could not be used as it came.
    text: String,
    pulse: Pulse,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Phase {
    #[default]
    Open,
    Closed,
}

/// Somebody is ready to take a file from another user: a port is to be opened for the two of them, and both are told
/// its number.
#[derive(Clone, Debug)]
pub struct Fetch<'a> {
    /// Who has the file.
    pub sender: UserName,
    /// What the sender knows it by, with a blank in front.
    file: &'a str,
}

impl Fetch<'_> {
    /// What stands before the receiver's name in the line to the sender.
    pub const BEFORE: &'static str = "READY_FOR_FILE @";

    /// What stands behind it.
    #[must_use]
    pub fn after(&self, port: u16) -> String {
        format!("{} {port}", self.file)
    }

    /// Appends the answer: the port is open.
    pub fn answer(&self, out: &mut Vec<u8>, port: u16) {
        answer::line(out, &["OPEN_PORT_TO_RECEIVE ", &port.to_string()]);
    }

    /// Appends the answer if there is no port.
    pub fn refuse(&self, out: &mut Vec<u8>, status: Status) {
        match status {
            Status::NoMemory => {
                answer::line(out, &["-SOFT_ERR too many files are under way, try again later!"]);
            }
            status => {
                Asked::Line.answer(out, status);
            }
        }
    }
}

impl Reader {
    /// See [`crate::dialect::Reader::next`].
    pub fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
        standing: Standing,
        context: &'a mut Context<'_>,
    ) -> Option<Request<'a>> {
        self.text = String::new();
        if self.phase == Phase::Closed {
            *input = &[];
            return None;
        }
        let line = match self.lines.cut(input)? {
            Cut::Whole(bytes) => text(bytes, &mut self.text),
            Cut::Parked => {
                copy(&self.lines.take_parked(), &mut self.text);
                self.text.as_str()
            }
            Cut::TooLong => {
                self.phase = Phase::Closed;
                return Some(Request::Close(Warning::LineTooLong));
            }
        };
        let (verb, rest) = words::parted(line);
        match (verb, standing) {
            ("HELO", Standing::Stranger) | (_, Standing::User) => {
                self.pulse.begin(context.now_ms, &context.options.helo);
            }
            (_, Standing::Stranger) => {}
        }
        if verb == "PONG" {
            self.pulse.heard();
        }
        Some(words::request(verb, rest, standing))
    }

    /// See [`crate::dialect::Reader::deadline`].
    #[must_use]
    pub fn deadline(&self, standing: Standing) -> Option<u64> {
        match standing {
            Standing::Stranger => None,
            Standing::User => self.pulse.deadline(),
        }
    }

    /// See [`crate::dialect::Reader::due`].
    pub fn due<'a>(
        &'a mut self,
        standing: Standing,
        context: &'a mut Context<'_>,
    ) -> Option<Request<'a>> {
        if standing == Standing::Stranger {
            return None;
        }
        let asked = match self.pulse.due(context.now_ms, &context.options.helo)? {
            Beat::Ping => Asked::Ping,
            Beat::Silent => Asked::Silence,
        };
        Some(Request::Answer(Status::Ok, asked.into()))
    }
}
