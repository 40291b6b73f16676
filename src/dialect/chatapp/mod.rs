//! The `chatapp` dialect: from a connection's bytes to commands, and from answers and events to frames (spec
//! `dialects.md`, seed 002; `docs/protocol-chatapp.md` for who writes a client).
//!
//! The road of a byte: `frame` cuts bodies, `message` reads one as its texts, and here they become a command, with the
//! checks in the order of the spec. `words` has the errors; `render` goes the other way. Nothing here knows a socket,
//! or who else is there.
//!
//! Invariants: what is asked does not depend on where a segment ends. A connection between frames owns no memory but
//! its [`Reader`].

mod frame;
mod message;
pub mod render;
#[cfg(test)]
mod tests;
mod words;

use crate::core::command::{Admits, Claim, Company, OwnerMay, Then};
use crate::core::manner::{Hearing, Kin, Lifetime, Manner, Sees, Stands};
use crate::core::name::{ItemName, UserName};
use crate::core::{Command, Standing, Status};
use crate::dialect::chatapp::frame::{Cut, Frames};
use crate::dialect::chatapp::message::{Kind, Message};
use crate::dialect::chatapp::words::{Flaw, Subject};
use crate::dialect::text::harmless;
use crate::dialect::{Context, Next, Request};
use crate::limits::{CHATAPP_DATA_BYTES_MAX, NAME_BYTES_MAX};

/// How its users live in the house.
pub const MANNER: Manner = Manner {
    stands: Stands::Nowhere,
    sees: Sees::Open,
    whispers: Hearing::Unheard,
    echo: Hearing::Heard,
    news: Hearing::Heard,
    recalls: 10,
    rooms: Lifetime::Long,
    kin: Kin(2),
};

/// The code of the error by which a client says that it is going.
const LOST_CONNECTION: u64 = 2;

/// What the administrator decided about the dialect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// `chatapp.connected`
    pub connected: bool,
}

/// One connection's state between segments.
#[derive(Debug, Default)]
pub struct Reader {
    frames: Frames,
    phase: Phase,
    /// The name under which it connected.
    user: Option<UserName>,
    /// What the request that was read last borrows: the room, the text and the stamp of it.
    room: String,
    text: String,
    stamp: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Phase {
    #[default]
    Open,
    /// Nothing is read any more.
    Closed,
}

/// What has to be known of a connection to word what it is told later than at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Voice {
    /// Whether the directory begins with a word that the connection stands.
    pub connected: bool,
}

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    about: About<'a>,
    /// What follows an error.
    next: Next,
    voice: Voice,
}

/// What an answer is about.
#[derive(Clone, Copy, Debug)]
enum About<'a> {
    /// What the house was asked for.
    Request(Subject<'a>),
    /// What it was not asked for, because of this.
    Flaw(Flaw),
}

/// What a message asks for.
enum Wish {
    Nothing,
    Connect(UserName),
    Quit,
    Create(ItemName),
    Enter(ItemName, Claim),
    Leave(ItemName),
    Say(ItemName, Claim, Result<(), Flaw>),
}

/// A message that nothing comes of, and what follows.
struct Refused(Flaw, Next);

impl From<Flaw> for Refused {
    fn from(flaw: Flaw) -> Self {
        Self(flaw, Next::Stay)
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
        self.forget_delivered();
        if self.phase == Phase::Closed {
            *input = &[];
            return None;
        }
        let wish = match self.frames.cut(input)? {
            Cut::Body(body) => match Message::read(&body) {
                Some(message) => self.wish(&message, standing),
                None => Err(Refused(Flaw::NoObject, Next::Close)),
            },
            Cut::TooLong => Err(Refused(Flaw::TooLong, Next::Close)),
            Cut::NoLength => Err(Refused(Flaw::NoLength, Next::Close)),
        };
        let voice = Voice { connected: context.options.chatapp.connected };
        Some(match wish {
            Ok(wish) => self.request(wish, voice),
            Err(Refused(flaw, next)) => {
                if next == Next::Close {
                    self.phase = Phase::Closed;
                }
                let asked = Asked { about: About::Flaw(flaw), next, voice };
                Request::Answer(Status::Unknown, asked.into())
            }
        })
    }

    /// Frees what the last request has borrowed.
    pub fn forget_delivered(&mut self) {
        self.room = String::new();
        self.text = String::new();
        self.stamp = None;
    }

    /// What a message asks for. Nothing but to connect is asked for by who has not.
    fn wish(&mut self, message: &Message, standing: Standing) -> Result<Wish, Refused> {
        let kind = message.kind();
        if kind == Some(Kind::Error) && message.code() == Some(LOST_CONNECTION) {
            return Ok(Wish::Quit);
        }
        if kind == Some(Kind::Connection) {
            return self.connection(message, standing);
        }
        if standing == Standing::Stranger {
            return Err(Refused(Flaw::NotConnected, Next::Close));
        }
        match kind {
            Some(Kind::CreateRoom) => Ok(Wish::Create(self.room(message, "data")?)),
            Some(Kind::Join) => Ok(Wish::Enter(self.room(message, "data")?, self.claim(message))),
            Some(Kind::Leave) => self.leave(message),
            Some(Kind::Chat) => {
                let room = self.room(message, "dest")?;
                let text = self.said(message);
                Ok(Wish::Say(room, self.claim(message), text))
            }
            // Whoever answers an error by an error is never done with it.
            Some(Kind::Error) => Ok(Wish::Nothing),
            Some(Kind::Connection) | None => Err(Flaw::NoKind.into()),
        }
    }

    fn connection(&mut self, message: &Message, standing: Standing) -> Result<Wish, Refused> {
        let purpose = message.text("data").unwrap_or_default();
        match (purpose, standing) {
            ("QUIT", _) => Ok(Wish::Quit),
            ("CONNECT", Standing::Stranger) => {
                let name = user_name(message).map_err(|flaw| Refused(flaw, Next::Close))?;
                self.user = Some(name.clone());
                Ok(Wish::Connect(name))
            }
            ("CONNECT", Standing::User) => Err(Flaw::Connected.into()),
            (_, Standing::Stranger) => Err(Refused(Flaw::NotConnected, Next::Close)),
            (_, Standing::User) => Err(Flaw::NoPurpose.into()),
        }
    }

    fn leave(&mut self, message: &Message) -> Result<Wish, Refused> {
        not_empty(message.text("data")?)?;
        match self.claim(message) {
            Claim::Own => Ok(Wish::Leave(self.room(message, "data")?)),
            Claim::Another => Err(Flaw::NotYou.into()),
        }
    }

    /// In whose name a message was sent.
    fn claim(&self, message: &Message) -> Claim {
        let sender = message.text("sender").unwrap_or_default();
        if sender.eq_ignore_ascii_case(self.user()) { Claim::Own } else { Claim::Another }
    }

    /// The room that is named under a key.
    fn room(&mut self, message: &Message, key: &'static str) -> Result<ItemName, Flaw> {
        let text = not_empty(message.text(key)?)?;
        if text.len() > NAME_BYTES_MAX {
            return Err(Flaw::NameTooLong);
        }
        let name = ItemName::new(text).map_err(|_| Flaw::NoRoomName)?;
        self.room = text.to_owned();
        Ok(name)
    }

    /// Keeps what is said, and when. What is wrong with it is looked at when all else is right.
    fn said(&mut self, message: &Message) -> Result<(), Flaw> {
        let text = not_empty(message.text("data")?)?;
        if text.len() > CHATAPP_DATA_BYTES_MAX {
            return Err(Flaw::DataTooLong);
        }
        self.text = harmless(text);
        self.stamp = message.stamp();
        not_empty(&self.text).map(|_| ())
    }

    fn user(&self) -> &str {
        self.user.as_ref().map_or("", UserName::as_str)
    }

    /// The request to the house that a wish is.
    fn request(&self, wish: Wish, voice: Voice) -> Request<'_> {
        let (kind, flaw, command) = match wish {
            Wish::Nothing => return Request::Nothing,
            Wish::Connect(name) => (Kind::Connection, None, Command::LoginAnonymous { name }),
            Wish::Quit => (Kind::Connection, None, Command::Quit),
            Wish::Create(name) => {
                let (admits, then) = (Admits::Anonymous, Then::Stay);
                let command = Command::CreateRoom { name, password: None, admits, then };
                (Kind::CreateRoom, None, command)
            }
            Wish::Enter(name, claim) => {
                (Kind::Join, None, Command::Company(Company::Enter { name, claim }))
            }
            Wish::Leave(name) => {
                let owner = OwnerMay::Go;
                (Kind::Leave, None, Command::Company(Company::Leave { name, owner }))
            }
            Wish::Say(room, claim, said) => {
                let text = said.map(|()| self.text.as_str()).map_err(|_| Status::Unknown);
                let stamp = self.stamp.as_deref();
                let command = Command::Company(Company::Say { room, claim, text, stamp });
                (Kind::Chat, said.err(), command)
            }
        };
        let subject = Subject { kind, user: self.user(), room: &self.room, flaw };
        let next = if kind == Kind::Connection { Next::Close } else { Next::Stay };
        Request::Do(command, Asked { about: About::Request(subject), next, voice }.into())
    }
}

impl Asked<'_> {
    /// Appends the answer: an error, or nothing.
    pub fn answer(&self, out: &mut Vec<u8>, status: Status) -> Next {
        let words = match (&self.about, status) {
            (About::Request(_), Status::Ok) => return Next::Stay,
            (About::Request(subject), status) => words::refusal(status, subject),
            (About::Flaw(flaw), _) => words::flaw(*flaw),
        };
        render::error(out, &words);
        self.next
    }

    /// How the connection is spoken to from now on.
    #[must_use]
    pub fn voice(&self) -> Voice {
        self.voice
    }
}

impl<'a> From<Asked<'a>> for crate::dialect::Asked<'a> {
    fn from(asked: Asked<'a>) -> Self {
        Self::Chatapp(asked)
    }
}

/// The name that a message asks to connect under.
fn user_name(message: &Message) -> Result<UserName, Flaw> {
    let text = not_empty(message.text("sender")?)?;
    if text.len() > NAME_BYTES_MAX {
        return Err(Flaw::NameTooLong);
    }
    UserName::new(text).map_err(|_| Flaw::NoUserName)
}

fn not_empty(text: &str) -> Result<&str, Flaw> {
    if text.is_empty() { Err(Flaw::Empty) } else { Ok(text) }
}
