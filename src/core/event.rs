//! What the house has to say: answers to one session, and events that many sessions hear.
//!
//! These are meanings, not bytes: each dialect renders them in its own words, an event once for all its recipients.

use crate::core::command::{Admits, Counter};
use crate::core::name::{ItemName, UserName};
use crate::core::record::Place;
use crate::core::status::Status;
use crate::limits::NONCE_BYTES;

/// An answer, or one row of an answer, to the session that asked.
#[derive(Clone, Copy, Debug)]
pub enum Reply<'a> {
    /// How a command ended.
    Status(Status),
    /// The answer to [`crate::core::Command::WhoAmI`].
    WhoAmI {
        /// The caller.
        user: &'a UserName,
        /// The caller's room.
        room: &'a ItemName,
        /// Users in that room.
        users: u32,
        /// The caller's group and its number.
        group: Option<(&'a ItemName, u32)>,
    },
    /// The head of a list, and how many rows follow; of [`List::Everyone`] and [`List::Directory`] about how many.
    List(List, u32),
    /// A row of a list, and how many stood before it.
    Row(Row<'a>, u32),
    /// A list is complete.
    End(List),
    /// A status number.
    Number(Counter, u32),
    /// A message with its text, which is read from its place in the log when this is rendered.
    Message {
        /// What `#listmessages` says of it.
        head: MessageRow<'a>,
        /// The number of its group.
        group: u32,
        /// Lines of text.
        parts: u32,
        /// Where its record stands.
        place: Place,
    },
    /// A fresh nonce.
    Challenge([u8; NONCE_BYTES]),
    /// What was said in one of the rooms that the reader belongs to, piece by piece.
    Story(Story<'a>),
}

/// A piece of what was said in a room.
#[derive(Clone, Copy, Debug)]
pub enum Story<'a> {
    /// Its beginning: the room.
    Head(&'a ItemName),
    /// A line.
    Line {
        /// Lines before it.
        before: u32,
        /// When it was said: seconds since 1970 by the wall clock.
        time: u64,
        /// Who said it.
        sender: &'a UserName,
        /// How the sender is shown too.
        nickname: Option<&'a str>,
        /// What was said.
        text: &'a str,
    },
    /// Its end.
    End,
}

/// Something that was kept for an account and is handed over. The rest stands in the log.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Where its record stands.
    pub place: Place,
    /// Who gets it.
    pub receiver: &'a UserName,
    /// How its sender is shown too.
    pub nickname: Option<&'a str>,
}

/// The lists there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum List {
    /// `#listrooms`
    Rooms,
    /// `#listusers`
    Users,
    /// `#listgroups`
    Groups,
    /// `#listmessages`
    Messages,
    /// `#history`
    History,
    /// Everyone who is connected.
    Everyone,
    /// All rooms with their members.
    Directory,
}

/// A row of a list.
#[derive(Clone, Copy, Debug)]
pub enum Row<'a> {
    /// A room.
    Room(RoomRow<'a>),
    /// A user: of a room, or of all.
    User(&'a UserName, UserKind),
    /// A connection that has not logged in.
    Stranger,
    /// Of the directory: a room, or a member of it.
    Place {
        /// The room.
        room: &'a ItemName,
        /// The member.
        member: Option<&'a UserName>,
        /// Who asked.
        reader: &'a UserName,
        /// Now, in seconds since 1970 by the wall clock.
        time: u64,
    },
    /// A message group.
    Group(GroupRow<'a>),
    /// A message.
    Message(MessageRow<'a>),
    /// A line of a room's history.
    Line {
        /// When it was said: seconds since 1970 by the wall clock.
        time: u64,
        /// Who said it.
        sender: &'a UserName,
        /// What was said.
        text: &'a str,
        /// The sender's own words for the time.
        stamp: Option<&'a str>,
    },
}

/// How a user has logged in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UserKind {
    /// Under a free name.
    Anonymous,
    /// To an account.
    Registered,
}

/// A room as `#listrooms` shows it.
#[derive(Clone, Copy, Debug)]
pub struct RoomRow<'a> {
    /// Its name.
    pub name: &'a ItemName,
    /// Who made it; nobody made `Home`.
    pub owner: Option<&'a UserName>,
    /// Members.
    pub users: u32,
    /// Whole seconds until it expires; 0 while it does not.
    pub seconds: u32,
    /// Whether it asks for a password.
    pub door: Door,
    /// Who may enter.
    pub admits: Admits,
}

/// Whether a room or a group asks for a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Door {
    /// It asks for none.
    Public,
    /// It asks for one.
    Private,
}

/// A group as `#listgroups` shows it.
#[derive(Clone, Copy, Debug)]
pub struct GroupRow<'a> {
    /// Its name.
    pub name: &'a ItemName,
    /// Who made it.
    pub owner: &'a UserName,
    /// Its number.
    pub no: u32,
    /// Messages in it.
    pub messages: u32,
    /// Users in it.
    pub users: u32,
    /// Whole seconds left; 0 once its time is over.
    pub seconds: u32,
    /// Whether it asks for a password.
    pub door: Door,
    /// Who may join.
    pub admits: Admits,
}

/// A message as `#listmessages` shows it.
#[derive(Clone, Copy, Debug)]
pub struct MessageRow<'a> {
    /// Its heading.
    pub name: &'a ItemName,
    /// Who posted it.
    pub owner: &'a UserName,
    /// Its number in the group.
    pub id: u32,
    /// The number of the message it replies to; 0 at the top level.
    pub parent: u32,
    /// Direct replies.
    pub replies: u32,
    /// Whole seconds left; 0 for a reply.
    pub seconds: u32,
}

/// Something that one or many sessions hear without having asked.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Somebody spoke to a room.
    Said {
        /// The room.
        room: &'a ItemName,
        /// Who spoke.
        sender: &'a UserName,
        /// What was said.
        text: &'a str,
        /// When: seconds since 1970 by the wall clock.
        time: u64,
        /// The sender's own words for the time.
        stamp: Option<&'a str>,
        /// How the sender is shown too.
        nickname: Option<&'a str>,
    },
    /// Somebody spoke to this user alone.
    Whispered {
        /// Who hears it.
        receiver: &'a UserName,
        /// Who spoke.
        sender: &'a UserName,
        /// What was said.
        text: &'a str,
        /// When: seconds since 1970 by the wall clock.
        time: u64,
        /// How the sender is shown too.
        nickname: Option<&'a str>,
    },
    /// Somebody has made this user belong to a room.
    Invited {
        /// Who hears it.
        receiver: &'a UserName,
        /// The room.
        room: &'a ItemName,
        /// Who did.
        sender: &'a UserName,
        /// How the sender is shown too.
        nickname: Option<&'a str>,
        /// When: seconds since 1970 by the wall clock.
        time: u64,
    },
    /// Somebody offers an address to connect to.
    PeerOffered {
        /// Who offers.
        sender: &'a UserName,
        /// The port.
        port: u16,
        /// The address, as the sender wrote it.
        address: &'a str,
    },
    /// A line from a user of the same kin.
    PassedOn {
        /// What stands before the sender's name.
        before: &'a str,
        /// Who sent it.
        sender: &'a UserName,
        /// What stands behind the name.
        after: &'a str,
    },
    /// A member was sent away from a room.
    Expelled {
        /// The room.
        room: &'a ItemName,
        /// Who had to go.
        user: &'a UserName,
    },
    /// A room has been made.
    RoomMade {
        /// The room.
        room: &'a ItemName,
        /// When: seconds since 1970 by the wall clock.
        time: u64,
    },
    /// Somebody has entered a room.
    Entered {
        /// The room.
        room: &'a ItemName,
        /// Who.
        user: &'a UserName,
        /// When: seconds since 1970 by the wall clock.
        time: u64,
    },
    /// Somebody has left a room.
    Left {
        /// The room.
        room: &'a ItemName,
        /// Who.
        user: &'a UserName,
        /// When: seconds since 1970 by the wall clock.
        time: u64,
    },
    /// The server is about to close the connection, or has moved its user.
    Warning(Warning<'a>),
    /// The server has something else to say.
    Notice(Notice),
}

/// Why the server closes a connection or moves its user.
#[derive(Clone, Copy, Debug)]
pub enum Warning<'a> {
    /// 1000 bytes without an end of line.
    LineTooLong,
    /// A body of more lines than the server takes.
    TooManyLines,
    /// Not logged in within the time.
    LoginTimeout,
    /// Silent for longer than the administrator allows.
    Idle,
    /// Too many wrong passwords.
    WrongPasswords,
    /// The account logged in from elsewhere.
    LoggedInElsewhere,
    /// The room's owner sent the user to `Home`.
    Kicked {
        /// The room.
        room: &'a ItemName,
        /// Its owner.
        owner: &'a UserName,
    },
    /// No more connections are taken.
    ServerFull,
    /// No more connections are taken from this address.
    AddressFull,
    /// The server stops.
    Stopping,
    /// Too slow in reading a list that has changed too much since.
    TooSlow,
}

impl Warning<'_> {
    /// Whether the connection is closed after it.
    #[must_use]
    pub fn is_last(&self) -> bool {
        match self {
            Self::Kicked { .. } => false,
            Self::LineTooLong
            | Self::TooManyLines
            | Self::LoginTimeout
            | Self::Idle
            | Self::WrongPasswords
            | Self::LoggedInElsewhere
            | Self::ServerFull
            | Self::AddressFull
            | Self::Stopping
            | Self::TooSlow => true,
        }
    }
}

/// What the server says without closing anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// The answer to telnet's "are you there".
    Alive,
}
