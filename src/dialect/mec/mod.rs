//! The MEC dialect: from a connection's bytes to commands, and from answers and events to lines (spec `mec.md` 1 to 9;
//! `docs/protocol.md` for who writes a client).
//!
//! The road of a byte: `telnet` takes out its sequences, `line` cuts lines and carries out corrections, `words` parts a
//! line, `verbs` names the command, `arguments` checks it; `body` gathers the lines of a message. `render` and `help`
//! go the other way. Nothing here knows a socket, or who else is there.
//!
//! Invariants: what is asked does not depend on where a segment ends. A line that came whole and needs no cleaning is
//! never copied. A connection between lines owns no memory but its [`Reader`], unless it sends a message's body or has
//! offered telnet options.

mod arguments;
mod body;
pub mod help;
mod line;
pub mod render;
mod scan;
mod telnet;
#[cfg(test)]
mod tests;
pub mod verbs;
mod words;

use crate::core::command::Body;
use crate::core::event::{Notice, Reply, Warning};
use crate::core::manner::{Hearing, Kin, Lifetime, Manner, Sees, Stands};
use crate::core::{Command, Standing, Status};
use crate::dialect::mec::body::{Outcome, Post, Posting};
use crate::dialect::mec::line::{Cut, Lines};
use crate::dialect::mec::verbs::{Parse, Serves, Verb, verb};
use crate::dialect::mec::words::{Malformed, Words, decoded};
use crate::dialect::{Context, Input, Next, Request};
use crate::limits::TEXT_BYTES_MAX;

/// How its users live in the house.
pub const MANNER: Manner = Manner {
    stands: Stands::InOneRoom,
    sees: Sees::Doors,
    whispers: Hearing::Heard,
    echo: Hearing::Heard,
    news: Hearing::Unheard,
    recalls: 0,
    rooms: Lifetime::Short,
    kin: Kin(0),
};

/// How a browser begins.
const BROWSER: &str = "GET ";

/// One connection's state between segments. Small: what is rarely needed is behind a pointer.
#[derive(Debug, Default)]
pub struct Reader {
    lines: Lines,
    /// The body that is being sent, or was just delivered.
    posting: Option<Box<Posting>>,
    phase: Phase,
}

/// Room for lines and words that have to be copied: parked ones, and those with something to replace or remove. One is
/// enough for all connections; what stands in it holds until the next request is read.
#[derive(Debug)]
pub struct Scratch {
    line: Box<[u8]>,
    words: Box<[u8]>,
}

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub enum Asked {
    /// A command of the house.
    Command,
    /// Help on one command or on all.
    Help(Option<&'static Verb>),
    /// Telnet options, which are answered with these bytes.
    Telnet([u8; 3]),
}

impl Asked {
    /// Appends the answer.
    pub fn answer(&self, out: &mut Vec<u8>, status: Status) -> Next {
        match self {
            Self::Command => render::reply(out, &Reply::Status(status)),
            Self::Help(verb) => render::help(out, *verb),
            Self::Telnet(bytes) => out.extend_from_slice(bytes),
        }
        Next::Stay
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Phase {
    /// What has come may still become the beginning of a browser's.
    #[default]
    Fresh,
    Open,
    Closed,
}

impl Scratch {
    /// Room for one line of any length and kind.
    #[must_use]
    pub fn new() -> Self {
        let room = || vec![0; TEXT_BYTES_MAX].into_boxed_slice();
        Self { line: room(), words: room() }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A connection of which nothing was read yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A connection that is known to speak this dialect.
    #[must_use]
    pub fn bare() -> Self {
        Self { phase: Phase::Open, ..Self::default() }
    }

    /// Takes from `input` up to the end of one request, asked by a session of that `standing`. `None` when the input
    /// is used up; a partial line is parked.
    pub fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut Input<'i>,
        standing: Standing,
        context: &'a mut Context<'_>,
    ) -> Option<Request<'a>> {
        self.forget_delivered(context.bodies_bytes);
        match self.phase {
            Phase::Open => {}
            Phase::Fresh => {
                if let Some(taken) = self.taken_of_a_browser(input.rest) {
                    return Some(Request::Http(taken));
                }
            }
            Phase::Closed => {
                input.rest = &[];
                return None;
            }
        }
        let Scratch { line: room, words } = &mut *context.scratch;
        let line = match self.lines.cut(&mut input.rest, context.park)? {
            Cut::Whole(bytes) => match input.line(bytes.len()) {
                Some(line) => line,
                None => str::from_utf8(bytes).unwrap_or_else(|_| decoded(bytes, room)),
            },
            Cut::Parked => {
                let line = decoded(self.lines.parked(), room);
                self.lines.unpark(context.park);
                line
            }
            Cut::Answer(bytes) => {
                return Some(Request::Answer(Status::Ok, Asked::Telnet(bytes).into()));
            }
            Cut::AreYouThere => return Some(Request::Notice(Notice::Alive)),
            Cut::TooLong => return Some(self.close(Warning::LineTooLong)),
        };
        if self.posting.is_some() {
            return Some(self.body_line(line, context.bodies_bytes));
        }
        Some(self.request(line, standing, words, context.options.message_lines_max))
    }

    /// Gives back what the connection holds of `context`, when it ends.
    pub fn release(&mut self, context: &mut Context<'_>) {
        self.lines.unpark(context.park);
        if let Some(mut posting) = self.posting.take() {
            posting.free(context.bodies_bytes);
        }
        self.phase = Phase::Closed;
    }

    /// Bytes of the body that is being sent.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        self.posting.as_ref().map_or(0, |posting| posting.bytes())
    }

    /// Keeps no more of the body that is being sent: it is read to its end, and then refused.
    pub fn give_body_up(&mut self, bodies_bytes: &mut usize) {
        if let Some(posting) = &mut self.posting {
            posting.free(bodies_bytes);
        }
    }

    /// Of a browser (spec `web.md`), which begins with [`BROWSER`], what of that was taken already. Nothing while that
    /// may still come.
    fn taken_of_a_browser(&mut self, rest: &[u8]) -> Option<&'static str> {
        let (taken, missing) = BROWSER.split_at(self.lines.parked().len());
        if missing.len() > rest.len() && missing.as_bytes().starts_with(rest) {
            return None;
        }
        self.phase = Phase::Open;
        rest.starts_with(missing.as_bytes()).then_some(taken)
    }

    fn close(&mut self, warning: Warning<'static>) -> Request<'static> {
        self.phase = Phase::Closed;
        Request::Close(warning)
    }

    /// Reads a line, with the checks in the order of spec `mec.md` 4.
    // Within its caller, what it gives would be put together in one place and copied to another.
    #[inline(never)]
    fn request<'a>(
        &mut self,
        line: &'a str,
        standing: Standing,
        room: &'a mut [u8],
        message_lines_max: u32,
    ) -> Request<'a> {
        // Most of what is asked often is a command's name alone.
        let (verb, mut words) = match verb(line) {
            Some(verb) => (verb, Words::new("", room)),
            None => {
                let mut words = Words::new(line, room);
                let verb = match words.word() {
                    Ok(Some(word)) => verb(word),
                    Ok(None) => return Request::Nothing,
                    Err(Malformed) => None,
                };
                let Some(verb) = verb else { return refuse(Status::NoCommand) };
                (verb, words)
            }
        };
        let is_served = match (verb.serves, standing) {
            (Serves::Everybody, _) | (Serves::Users, Standing::User) => Ok(()),
            (Serves::Users, Standing::Stranger) => Err(Status::NoLogin),
        };
        match (verb.parse, is_served) {
            (Parse::Alone(command), Ok(())) => match words.end() {
                Ok(()) => Request::Do(command(), Asked::Command.into()),
                Err(malformed) => refuse(malformed.into()),
            },
            (Parse::Command(parse), Ok(())) => answer(parse(&mut words)),
            (Parse::Help, Ok(())) => help_request(&mut words).unwrap_or_else(refuse),
            (Parse::Alone(_) | Parse::Command(_) | Parse::Help, Err(status)) => refuse(status),
            (Parse::Post(parse), is_served) => match (parse(&mut words), is_served) {
                (Ok(post), Ok(())) => self.post(post, message_lines_max),
                (Ok(post), Err(status)) => {
                    let post = Post { outcome: Outcome::Refuse(status), ..post };
                    self.post(post, message_lines_max)
                }
                (Err(_), Err(status)) | (Err(status), Ok(())) => refuse(status),
            },
        }
    }

    /// Begins a body, or answers at once where there is none to wait for.
    fn post(&mut self, post: Post, message_lines_max: u32) -> Request<'static> {
        if post.parts > message_lines_max {
            return self.close(Warning::TooManyLines);
        }
        if post.parts == 0 {
            return answer(post.answer(Body::Lines { parts: 0, text: "" }));
        }
        self.posting = Some(Box::new(Posting::new(post)));
        Request::Nothing
    }

    fn body_line(&mut self, line: &str, bodies_bytes: &mut usize) -> Request<'_> {
        let posting = self.posting.as_mut().expect("asked only while a body is being sent");
        posting.line(line, bodies_bytes);
        if posting.is_complete() { answer(posting.answer()) } else { Request::Nothing }
    }

    /// Frees a body whose command was handed out by the last call of [`Reader::next`], which else the next one does.
    #[inline]
    pub fn forget_delivered(&mut self, bodies_bytes: &mut usize) {
        if let Some(mut posting) = self.posting.take_if(|posting| posting.is_complete()) {
            posting.free(bodies_bytes);
        }
    }
}

fn help_request(words: &mut Words<'_>) -> Result<Request<'static>, Status> {
    let [word] = words.take()?;
    match word {
        None => Ok(Request::Answer(Status::Ok, Asked::Help(None).into())),
        Some(word) => {
            let verb = help::topic(word).ok_or(Status::NotFound)?;
            Ok(Request::Answer(Status::Ok, Asked::Help(Some(verb)).into()))
        }
    }
}

fn answer(asked: Result<Command<'_>, Status>) -> Request<'_> {
    match asked {
        Ok(command) => Request::Do(command, Asked::Command.into()),
        Err(status) => refuse(status),
    }
}

fn refuse<'a>(status: Status) -> Request<'a> {
    Request::Answer(status, Asked::Command.into())
}

impl From<Asked> for crate::dialect::Asked<'_> {
    fn from(asked: Asked) -> Self {
        Self::Mec(asked)
    }
}
