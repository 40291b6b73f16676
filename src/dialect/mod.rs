//! The protocols that the server speaks, each a way to write the same commands, answers and events.
//!
//! A dialect turns bytes into what the core understands and the core's meanings into bytes. It knows no sockets, no
//! clock and no state of the house; what it needs to know of the session it is told ([`crate::core::Standing`]).
//! The set is closed: an enum and a `match`, so that the compiler lists what a new dialect has to provide.

pub mod calendar;
pub mod chatapp;
mod context;
pub mod crimp;
pub mod helo;
mod input;
pub mod json;
pub mod mec;
pub mod park;
#[cfg(test)]
mod tests;
mod text;
pub mod web;
mod wipe;

use crate::core::event::{Event, MessageRow, Notice, Reply, Warning};
use crate::core::manner::Manner;
use crate::core::{Command, Standing, Status};

pub use context::{Context, Shared};
pub use input::Input;
pub use wipe::wipe;

/// A protocol. Its number indexes the cache of rendered events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Dialect {
    /// The MEC chat protocol (spec `mec.md`).
    Mec,
    /// Lines that begin with a word in capitals (seed 001).
    Helo,
    /// JSON behind a header of 20 bytes (seed 002).
    Chatapp,
    /// Codes of four letters, in frames or lines (seed 003).
    Crimp,
    /// A stream of JSON objects (seed 004).
    Json,
    /// The MEC chat protocol in the frames of a WebSocket (spec `web.md`).
    Web,
}

impl Dialect {
    /// How many dialects there are.
    pub const COUNT: usize = 6;

    /// All of them, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Mec, Self::Helo, Self::Chatapp, Self::Crimp, Self::Json, Self::Web];

    /// The dialect's number: below [`Dialect::COUNT`], and its own.
    #[must_use]
    pub fn number(self) -> usize {
        match self {
            Self::Mec => 0,
            Self::Helo => 1,
            Self::Chatapp => 2,
            Self::Crimp => 3,
            Self::Json => 4,
            Self::Web => 5,
        }
    }

    /// The name by which the administrator knows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mec => "mec",
            Self::Helo => "helo",
            Self::Chatapp => "chatapp",
            Self::Crimp => "crimp",
            Self::Json => "json",
            Self::Web => "web",
        }
    }

    /// How its users live in the house.
    #[must_use]
    pub fn manner(self) -> &'static Manner {
        match self {
            Self::Mec | Self::Web => &mec::MANNER,
            Self::Helo => &helo::MANNER,
            Self::Chatapp => &chatapp::MANNER,
            Self::Crimp => &crimp::MANNER,
            Self::Json => &json::MANNER,
        }
    }

    /// What is said to a connection before it has said anything.
    #[must_use]
    pub fn greeting(self) -> &'static [u8] {
        match self {
            Self::Helo => helo::GREETING,
            Self::Mec | Self::Chatapp | Self::Crimp | Self::Json | Self::Web => b"",
        }
    }

    /// How a connection is spoken to that has asked nothing yet.
    #[must_use]
    pub fn voice(self) -> Voice {
        match self {
            Self::Mec => Voice::Mec,
            Self::Helo => Voice::Helo,
            Self::Chatapp => Voice::Chatapp(chatapp::Voice::default()),
            Self::Crimp => Voice::Crimp(crimp::Voice::default()),
            Self::Json => Voice::Json(json::Voice::default()),
            Self::Web => Voice::Web,
        }
    }
}

impl std::fmt::Display for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What can be had at an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Service {
    /// A dialect; of [`Dialect::Web`] first the page.
    Dialect(Dialect),
    /// Numbers for those who watch over the server.
    Metrics,
}

impl Service {
    /// How many services there are.
    pub const COUNT: usize = Dialect::COUNT + 1;

    /// All of them, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Dialect(Dialect::Mec),
        Self::Dialect(Dialect::Helo),
        Self::Dialect(Dialect::Chatapp),
        Self::Dialect(Dialect::Crimp),
        Self::Dialect(Dialect::Json),
        Self::Dialect(Dialect::Web),
        Self::Metrics,
    ];

    /// The service's number: below [`Service::COUNT`], and its own.
    #[must_use]
    pub fn number(self) -> usize {
        match self {
            Self::Dialect(dialect) => dialect.number(),
            Self::Metrics => Dialect::COUNT,
        }
    }

    /// As it stands before the `=` of `--listen`, and after the dot of `listen.`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dialect(dialect) => dialect.name(),
            Self::Metrics => "metrics",
        }
    }

    /// How a connection is spoken to that has asked nothing yet.
    #[must_use]
    pub fn voice(self) -> Voice {
        match self {
            Self::Dialect(dialect) => dialect.voice(),
            Self::Metrics => Voice::Web,
        }
    }

    /// Appends why a connection is not taken.
    pub fn refuse(self, out: &mut Vec<u8>, why: Warning<'_>) {
        match self {
            Self::Dialect(Dialect::Web) | Self::Metrics => web::http::unavailable(out),
            // Such a warning names nobody, and so no server.
            Self::Dialect(dialect) => event(dialect, out, &Event::Warning(why), ""),
        }
    }
}

impl From<Dialect> for Service {
    fn from(dialect: Dialect) -> Self {
        Self::Dialect(dialect)
    }
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What the administrator decided about dialects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// `limits.message_lines`
    pub message_lines_max: u32,
    /// The server's name: `server.name`, or what stands for it; what users of other servers would call it.
    pub host: Box<str>,
    /// What only `helo` obeys.
    pub helo: helo::Options,
    /// What only `chatapp` obeys.
    pub chatapp: chatapp::Options,
    /// What only `json` obeys.
    pub json: json::Options,
    /// What concerns browsers.
    pub web: WebOptions,
}

/// What the administrator decided about browsers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WebOptions {
    /// `web.origins`: pages of other hosts that may open a WebSocket here
    pub origins: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            message_lines_max: 100,
            host: "localhost".into(),
            helo: helo::Options::default(),
            chatapp: chatapp::Options::default(),
            json: json::Options::default(),
            web: WebOptions::default(),
        }
    }
}

/// One connection's state between segments.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is the reader of its dialect")]
pub enum Reader {
    Mec(mec::Reader),
    Helo(Box<helo::Reader>),
    Chatapp(Box<chatapp::Reader>),
    Crimp(Box<crimp::Reader>),
    Json(Box<json::Reader>),
    /// A browser that has not opened a WebSocket: nobody of the house.
    Http(Box<web::http::Reader>),
    Web(Box<web::Reader>),
}

/// What a connection asks for.
#[derive(Debug)]
pub enum Request<'a> {
    /// Nothing: a blank line, or a part of something longer.
    Nothing,
    /// A command of the house, and how its end is told.
    Do(Command<'a>, Asked<'a>),
    /// Nothing of the house: the dialect tells at once how it ended.
    Answer(Status, Asked<'a>),
    /// A port is to be opened over which another user sends a file.
    Fetch(helo::Fetch<'a>),
    /// The connection speaks HTTP, and this was taken of its first line.
    Http(&'a str),
    /// The connection becomes a WebSocket, which is answered with this.
    Upgrade([u8; web::http::ACCEPT_BYTES]),
    /// The numbers for those who watch over the server.
    Metrics(web::http::Asked),
    /// The connection is to be closed, and nothing said.
    Leave,
    /// This is to be said.
    Notice(Notice),
    /// This is to be said, and the connection closed. Nothing is read any more.
    Close(Warning<'static>),
}

/// What was asked, for who words the answer.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each is of its dialect")]
pub enum Asked<'a> {
    Mec(mec::Asked),
    Helo(helo::Asked<'a>),
    Chatapp(chatapp::Asked<'a>),
    Crimp(crimp::Asked),
    Json(json::Asked),
    Http(web::http::Asked),
    Web(web::Asked<'a>),
}

/// What has to be known of a connection to word what it is told later than at once: its dialect, and what in that
/// dialect depends on the connection or on what it asked last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each is of its dialect")]
pub enum Voice {
    Mec,
    Helo,
    Chatapp(chatapp::Voice),
    Crimp(crimp::Voice),
    Json(json::Voice),
    Web,
}

/// How the parts of a list leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lists {
    /// As they come.
    Streamed,
    /// All at once, when the list is complete: [`Voice::reply`] is given one buffer for the whole of it, which holds
    /// nothing else.
    Gathered,
}

/// Whether a connection lives on after an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// It does.
    Stay,
    /// It is closed.
    Close,
}

impl Reader {
    /// A connection of which nothing was read yet.
    #[must_use]
    pub fn new(service: Service, now_ms: u64) -> Self {
        let http = |site| Self::Http(Box::new(web::http::Reader::new(site, now_ms)));
        match service {
            Service::Dialect(Dialect::Mec) => Self::Mec(mec::Reader::default()),
            Service::Dialect(Dialect::Helo) => Self::Helo(Box::default()),
            Service::Dialect(Dialect::Chatapp) => Self::Chatapp(Box::default()),
            Service::Dialect(Dialect::Crimp) => Self::Crimp(Box::default()),
            Service::Dialect(Dialect::Json) => Self::Json(Box::default()),
            Service::Dialect(Dialect::Web) => http(web::http::Site::Page),
            Service::Metrics => http(web::http::Site::Metrics),
        }
    }

    /// Whether who is connected is, or may become, somebody of the house.
    #[must_use]
    pub fn is_of_the_house(&self) -> bool {
        match self {
            Self::Mec(_)
            | Self::Helo(_)
            | Self::Chatapp(_)
            | Self::Crimp(_)
            | Self::Json(_)
            | Self::Web(_) => true,
            Self::Http(_) => false,
        }
    }

    /// What was read for it, ready to be taken from.
    #[must_use]
    pub fn input<'i>(&self, read: &'i [u8]) -> Input<'i> {
        match self {
            Self::Mec(_) => Input::of_text(read),
            Self::Helo(_)
            | Self::Chatapp(_)
            | Self::Crimp(_)
            | Self::Json(_)
            | Self::Http(_)
            | Self::Web(_) => Input::new(read),
        }
    }

    /// Takes from `input` up to the end of one request, asked by a session of that `standing`. `None` when the input
    /// is used up; what is not complete is kept.
    #[inline]
    pub fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut Input<'i>,
        standing: Standing,
        context: &'a mut Context<'_>,
    ) -> Option<Request<'a>> {
        match self {
            Self::Mec(reader) => reader.next(input, standing, context),
            Self::Helo(reader) => reader.next(&mut input.rest, standing, context),
            Self::Chatapp(reader) => reader.next(&mut input.rest, standing, context),
            Self::Crimp(reader) => reader.next(&mut input.rest, standing, context),
            Self::Json(reader) => reader.next(&mut input.rest, standing, context),
            Self::Http(reader) => reader.next(&mut input.rest, context),
            Self::Web(reader) => reader.next(&mut input.rest, standing, context),
        }
    }

    /// When [`Reader::due`] is to be asked, in ms of the server's clock, if nothing is read before. Never, if there is
    /// nothing to wait for.
    #[must_use]
    pub fn deadline(&self, standing: Standing) -> Option<u64> {
        match self {
            Self::Mec(_) | Self::Chatapp(_) => None,
            Self::Helo(reader) => reader.deadline(standing),
            Self::Crimp(reader) => reader.deadline(),
            Self::Json(reader) => reader.deadline(standing),
            Self::Http(reader) => reader.deadline(),
            Self::Web(reader) => reader.deadline(),
        }
    }

    /// What the time has brought. Nothing if it is too early; asked again until there is nothing.
    pub fn due<'a>(
        &'a mut self,
        standing: Standing,
        context: &'a mut Context<'_>,
    ) -> Option<Request<'a>> {
        match self {
            Self::Mec(_) | Self::Chatapp(_) => None,
            Self::Helo(reader) => reader.due(standing, context),
            Self::Crimp(reader) => reader.due(standing, context),
            Self::Json(reader) => reader.due(standing, context),
            Self::Http(reader) => reader.due(context.now_ms),
            Self::Web(reader) => reader.due(context.now_ms),
        }
    }

    /// What it holds of a request to which no end will come, because the peer has sent all it will, and which is one as
    /// it stands. Asked again until there is nothing.
    pub fn finish<'a>(&'a mut self, standing: Standing) -> Option<Request<'a>> {
        match self {
            Self::Crimp(reader) => reader.finish(standing),
            Self::Mec(_)
            | Self::Helo(_)
            | Self::Chatapp(_)
            | Self::Json(_)
            | Self::Http(_)
            | Self::Web(_) => None,
        }
    }

    /// Frees a body whose command was handed out by the last call of [`Reader::next`], which else the next one does.
    #[inline]
    pub fn forget_delivered(&mut self, bodies_bytes: &mut usize) {
        match self {
            Self::Mec(reader) => reader.forget_delivered(bodies_bytes),
            Self::Chatapp(reader) => reader.forget_delivered(),
            Self::Web(reader) => reader.lines_mut().forget_delivered(bodies_bytes),
            Self::Helo(_) | Self::Crimp(_) | Self::Json(_) | Self::Http(_) => {}
        }
    }

    /// Bytes of the body that is being sent and may be given up.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        match self {
            Self::Mec(reader) => reader.body_bytes(),
            Self::Web(reader) => reader.lines().body_bytes(),
            Self::Helo(_) | Self::Chatapp(_) | Self::Crimp(_) | Self::Json(_) | Self::Http(_) => 0,
        }
    }

    /// Gives up the body that is being sent: it is still read to its end, and then refused.
    pub fn give_body_up(&mut self, bodies_bytes: &mut usize) {
        match self {
            Self::Mec(reader) => reader.give_body_up(bodies_bytes),
            Self::Web(reader) => reader.lines_mut().give_body_up(bodies_bytes),
            Self::Helo(_) | Self::Chatapp(_) | Self::Crimp(_) | Self::Json(_) | Self::Http(_) => {}
        }
    }

    /// Gives back what the connection holds of `context`, when it ends.
    pub fn release(&mut self, context: &mut Context<'_>) {
        match self {
            Self::Mec(reader) => reader.release(context),
            Self::Web(reader) => reader.release(context),
            // What these hold is their own.
            Self::Helo(_) | Self::Chatapp(_) | Self::Crimp(_) | Self::Json(_) | Self::Http(_) => {}
        }
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::Mec(mec::Reader::default())
    }
}

impl Asked<'_> {
    /// Appends the answer: how what was asked has ended.
    pub fn answer(&self, out: &mut Vec<u8>, status: Status) -> Next {
        match self {
            Self::Mec(asked) => asked.answer(out, status),
            Self::Helo(asked) => asked.answer(out, status),
            Self::Chatapp(asked) => asked.answer(out, status),
            Self::Crimp(asked) => asked.answer(out, status),
            Self::Json(asked) => asked.answer(out, status),
            Self::Http(asked) => asked.answer(out),
            Self::Web(asked) => asked.answer(out, status),
        }
    }

    /// How the connection is spoken to from now on.
    #[must_use]
    pub fn voice(&self) -> Voice {
        match self {
            Self::Mec(_) => Voice::Mec,
            Self::Helo(_) => Voice::Helo,
            Self::Chatapp(asked) => Voice::Chatapp(asked.voice()),
            Self::Crimp(asked) => Voice::Crimp(asked.voice()),
            Self::Json(asked) => Voice::Json(asked.voice()),
            Self::Http(_) | Self::Web(_) => Voice::Web,
        }
    }
}

impl Voice {
    /// The connection's dialect.
    #[must_use]
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Mec => Dialect::Mec,
            Self::Helo => Dialect::Helo,
            Self::Chatapp(_) => Dialect::Chatapp,
            Self::Crimp(_) => Dialect::Crimp,
            Self::Json(_) => Dialect::Json,
            Self::Web => Dialect::Web,
        }
    }

    /// Appends what ends a list of which no more rows follow, so that its reader takes what comes next for itself.
    pub fn cut_short(self, out: &mut Vec<u8>) {
        match self {
            Self::Helo => helo::render::cut_short(out),
            Self::Mec | Self::Chatapp(_) | Self::Crimp(_) | Self::Json(_) | Self::Web => {}
        }
    }

    /// How lists leave.
    #[must_use]
    pub fn lists(self) -> Lists {
        match self {
            Self::Mec | Self::Helo | Self::Chatapp(_) | Self::Json(_) | Self::Web => {
                Lists::Streamed
            }
            Self::Crimp(_) => Lists::Gathered,
        }
    }

    /// Appends an answer that the house of the server called `host` gives, or a row of one.
    #[inline]
    pub fn reply(self, out: &mut Vec<u8>, reply: &Reply<'_>, host: &str) {
        match self {
            Self::Mec => mec::render::reply(out, reply),
            Self::Helo => helo::render::reply(out, reply),
            Self::Chatapp(voice) => chatapp::render::reply(out, voice, reply),
            Self::Crimp(voice) => crimp::render::reply(out, voice, reply),
            Self::Json(voice) => json::render::reply(out, voice, reply, host),
            Self::Web => web::reply(out, reply),
        }
    }

    /// Appends a message with its text; see [`mec::render::message`]. Only users of MEC ask for one.
    pub fn message(self, out: &mut Vec<u8>, head: &MessageRow<'_>, parts: u32, text: &str) {
        match self {
            Self::Web => web::message(out, head, parts, text),
            Self::Mec | Self::Helo | Self::Chatapp(_) | Self::Crimp(_) | Self::Json(_) => {
                mec::render::message(out, head, parts, text);
            }
        }
    }

    /// Appends the next lines of a message's text.
    pub fn lines(self, out: &mut Vec<u8>, text: &str) {
        match self {
            Self::Web => web::lines(out, text),
            Self::Mec | Self::Helo | Self::Chatapp(_) | Self::Crimp(_) | Self::Json(_) => {
                mec::render::lines(out, text);
            }
        }
    }
}

/// Appends an event at the server called `host` in the words of a dialect; nothing if its users do not hear of such
/// things.
pub fn event(dialect: Dialect, out: &mut Vec<u8>, event: &Event<'_>, host: &str) {
    match dialect {
        Dialect::Mec => mec::render::event(out, event),
        Dialect::Helo => helo::render::event(out, event),
        Dialect::Chatapp => chatapp::render::event(out, event),
        // Its members ask for what was said.
        Dialect::Crimp => {}
        Dialect::Json => json::render::event(out, event, host),
        Dialect::Web => web::event(out, event),
    }
}
