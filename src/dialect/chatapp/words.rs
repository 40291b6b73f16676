//! Words: the errors of the dialect, each a code and a sentence.
//!
//! The codes and their sentences are the document's (4.b). Where it has none, or where its sentence would tell a person
//! what is not so, the sentence is ours; programs go by the code.

use crate::core::Status;
use crate::core::event::Warning;
use crate::dialect::chatapp::message::Kind;
use crate::limits::{CHATAPP_DATA_BYTES_MAX, CHATAPP_FRAME_BYTES_MAX, NAME_BYTES_MAX};

/// What is wrong with a frame, as far as that is seen without the house.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flaw {
    /// The frame is too long.
    TooLong,
    /// The header says no length.
    NoLength,
    /// The body is no JSON object.
    NoObject,
    /// There is no such `__type__`.
    NoKind,
    /// What stands under this key is no text.
    NoText(&'static str),
    /// Something else came before the connection had a name.
    NotConnected,
    /// The connection has a name already.
    Connected,
    /// A connection message asks for nothing that there is.
    NoPurpose,
    /// A name or the data is empty.
    Empty,
    /// A name is too long.
    NameTooLong,
    /// A user cannot be called so.
    NoUserName,
    /// A room cannot be called so.
    NoRoomName,
    /// The sender is not the connection's user.
    NotYou,
    /// The data is too long.
    DataTooLong,
}

/// Who wanted what of which room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Subject<'a> {
    pub(super) kind: Kind,
    pub(super) user: &'a str,
    pub(super) room: &'a str,
    /// What is wrong with what was to be said there.
    pub(super) flaw: Option<Flaw>,
}

/// An error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Words {
    pub(super) code: u32,
    pub(super) sentence: String,
}

fn words(code: u32, sentence: impl Into<String>) -> Words {
    Words { code, sentence: sentence.into() }
}

/// The words for a flaw.
pub(super) fn flaw(flaw: Flaw) -> Words {
    match flaw {
        Flaw::TooLong => {
            words(4, format!("MSG ERROR: msg in message exceeds {CHATAPP_FRAME_BYTES_MAX}"))
        }
        Flaw::NoLength => {
            words(99, "ERROR: a header is 20 bytes: the length in digits, and then blanks")
        }
        Flaw::NoObject => words(99, "ERROR: the message is not a JSON object in UTF-8"),
        Flaw::NoKind => words(99, "ERROR: there is no such __type__"),
        Flaw::NoText(key) => words(99, format!("ERROR: {key} is not a string")),
        Flaw::NotConnected => {
            words(99, "ERROR: a ConnectionMessage with the data CONNECT must come first")
        }
        Flaw::Connected => words(99, "ERROR: this connection has its username already"),
        Flaw::NoPurpose => words(99, "ERROR: the data of a ConnectionMessage is CONNECT or QUIT"),
        Flaw::Empty => words(20, "ERROR: empty string submitted"),
        Flaw::NameTooLong => words(21, format!("ERROR: name exceeds MAX length {NAME_BYTES_MAX}")),
        Flaw::NoUserName => words(
            21,
            "ERROR: name has a character other than letters, digits and _ - . [ ] { } ^ | ~ ` ', \
             or begins with -",
        ),
        Flaw::NoRoomName => words(21, "ERROR: name has a control character, or nothing but blanks"),
        Flaw::NotYou => {
            words(23, "USER ERROR: username does not match username associated with connection")
        }
        Flaw::DataTooLong => {
            words(26, format!("MSG ERROR: data in message exceeds {CHATAPP_DATA_BYTES_MAX}"))
        }
    }
}

/// The words for a request that the house has refused.
pub(super) fn refusal(status: Status, subject: &Subject<'_>) -> Words {
    let Subject { kind, user, room, flaw: wrong } = *subject;
    match status {
        Status::NameInUse | Status::NameRegistered => {
            words(3, format!("CONNECTION ERROR: {user} username already in use"))
        }
        // The document has a code of its own for it, whose sentence there is about a name in use.
        Status::NoRoom if kind == Kind::Chat => {
            words(25, format!("ROOM ERROR: {room} does not exist"))
        }
        Status::NoRoom => words(22, format!("ROOM ERROR: {room} does not exist")),
        Status::AlreadyIn => {
            words(24, format!("ROOM ERROR: {user} username already joined to {room}"))
        }
        Status::RoomExists => words(25, format!("ROOM ERROR: {room} name already in use")),
        Status::NotIn => words(27, format!("ROOM ERROR: {user} username not joined to {room}")),
        Status::NotYou => flaw(Flaw::NotYou),
        Status::NoLogin => flaw(Flaw::NotConnected),
        Status::Banned => {
            words(99, format!("ROOM ERROR: {user} was sent away from {room} by its owner"))
        }
        Status::NoMemory => {
            words(99, "ERROR: a limit of this server is reached, or its disk is full")
        }
        Status::NoAccess => words(99, "ERROR: this server lets only registered users make rooms"),
        Status::Unknown => wrong.map_or_else(unspecified, flaw),
        // What no request of this dialect comes to.
        Status::Ok
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
        | Status::NoCommand
        | Status::Expired
        | Status::OwnerStays
        | Status::Oneself => unspecified(),
    }
}

fn unspecified() -> Words {
    words(99, "ERROR UNSPECIFIED")
}

/// Why a connection is closed. Nothing for what closes none.
pub(super) fn warning(warning: Warning<'_>) -> Option<Words> {
    let sentence = match warning {
        Warning::Kicked { .. } => return None,
        Warning::LoginTimeout => "no CONNECT came in time",
        Warning::Idle => "nothing came for a long time",
        Warning::ServerFull => "the server is full, please try again later",
        Warning::AddressFull => "too many connections from one address, please close one first",
        Warning::Stopping => "the server is stopping, please come back later",
        Warning::TooSlow => "what was sent was read too slowly, please connect again",
        Warning::LoggedInElsewhere => "the user has logged in from somewhere else",
        Warning::LineTooLong | Warning::TooManyLines => "a message was too long",
        Warning::WrongPasswords => "too many wrong passwords",
    };
    Some(words(2, format!("CONNECTION ERROR: {sentence}")))
}
