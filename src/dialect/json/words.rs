//! The words of the `json` dialect: which commands there are, and how it says that one has failed.
//!
//! The words of `Error` are a closed list, which `docs/protocol-json.md` shows; what stands in `Message` is for people.

use crate::core::Status;
use crate::core::event::Warning;
use crate::dialect::json::object::{Field, Wrong};

/// The commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// Make an account and log in.
    Register,
    /// Log in.
    Login,
    /// Change something about oneself.
    Update,
    /// Make somebody belong to a group.
    Invite,
    /// Belong to a group that is open to oneself.
    Join,
    /// Belong to a group no longer.
    Leave,
    /// Say something to a group or to a user.
    Msg,
    /// What was said in a group.
    History,
    /// Is anybody there?
    Ping,
}

impl Verb {
    /// All of them, in the order of the protocol page.
    pub const ALL: [Self; 9] = [
        Self::Register,
        Self::Login,
        Self::Update,
        Self::Invite,
        Self::Join,
        Self::Leave,
        Self::Msg,
        Self::History,
        Self::Ping,
    ];

    /// As it stands in `Command`, and in `Re`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Login => "login",
            Self::Update => "update",
            Self::Invite => "invite",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Msg => "msg",
            Self::History => "history",
            Self::Ping => "ping",
        }
    }

    /// The command of that name, in either case.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word().eq_ignore_ascii_case(word))
    }
}

/// Why something has failed, or the connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It is not one JSON object.
    BadJson,
    /// It has more levels than may be.
    TooDeep,
    /// It is longer than may be; the connection ends.
    TooLong,
    /// There is no such command.
    UnknownCommand,
    /// Not logged in.
    NotLoggedIn,
    /// A field is not there.
    MissingField(Field),
    /// A field is not of its kind, or says nothing.
    BadField(Field),
    /// It cannot be a name.
    BadName,
    /// It cannot be a password.
    BadPassword,
    /// `From` is somebody else.
    NotYou,
    /// No such user.
    NoSuchUser,
    /// No such group, or none that the caller may know of.
    NoSuchGroup,
    /// The caller does not belong to the group.
    NotAMember,
    /// The user belongs to the group already.
    AlreadyAMember,
    /// The user was sent away from the group.
    Banned,
    /// The name belongs to somebody else.
    NameTaken,
    /// The wrong password.
    WrongPassword,
    /// Nobody may register.
    RegistrationClosed,
    /// A limit is reached, or the disk is full.
    Full,
    /// Anything else.
    Refused,
    /// The connection ends: not logged in within the time.
    LoginTimeout,
    /// The connection ends: silent for too long.
    Idle,
    /// The connection ends: too many wrong passwords.
    WrongPasswords,
    /// The connection ends: the account logged in from elsewhere.
    LoggedInElsewhere,
    /// The connection ends: there are too many.
    ServerFull,
    /// The connection ends: there are too many from this address.
    AddressFull,
    /// The connection ends: the server stops.
    Stopping,
    /// The connection ends: it reads too slowly.
    TooSlow,
}

impl Fault {
    /// One of each word, in the order of the protocol page.
    #[cfg(test)]
    pub(super) const ALL: [Self; 28] = [
        Self::BadJson,
        Self::TooDeep,
        Self::TooLong,
        Self::UnknownCommand,
        Self::NotLoggedIn,
        Self::MissingField(Field::Command),
        Self::BadField(Field::Command),
        Self::BadName,
        Self::BadPassword,
        Self::NotYou,
        Self::NoSuchUser,
        Self::NoSuchGroup,
        Self::NotAMember,
        Self::AlreadyAMember,
        Self::Banned,
        Self::NameTaken,
        Self::WrongPassword,
        Self::RegistrationClosed,
        Self::Full,
        Self::Refused,
        Self::LoginTimeout,
        Self::Idle,
        Self::WrongPasswords,
        Self::LoggedInElsewhere,
        Self::ServerFull,
        Self::AddressFull,
        Self::Stopping,
        Self::TooSlow,
    ];

    /// What stands in `Error`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::BadJson => "bad-json",
            Self::TooDeep => "too-deep",
            Self::TooLong => "too-long",
            Self::UnknownCommand => "unknown-command",
            Self::NotLoggedIn => "not-logged-in",
            Self::MissingField(_) => "missing-field",
            Self::BadField(_) => "bad-field",
            Self::BadName => "bad-name",
            Self::BadPassword => "bad-password",
            Self::NotYou => "not-you",
            Self::NoSuchUser => "no-such-user",
            Self::NoSuchGroup => "no-such-group",
            Self::NotAMember => "not-a-member",
            Self::AlreadyAMember => "already-a-member",
            Self::Banned => "banned",
            Self::NameTaken => "name-taken",
            Self::WrongPassword => "wrong-password",
            Self::RegistrationClosed => "registration-closed",
            Self::Full => "full",
            Self::Refused => "refused",
            Self::LoginTimeout => "login-timeout",
            Self::Idle => "idle",
            Self::WrongPasswords => "wrong-passwords",
            Self::LoggedInElsewhere => "logged-in-elsewhere",
            Self::ServerFull => "server-full",
            Self::AddressFull => "address-full",
            Self::Stopping => "stopping",
            Self::TooSlow => "too-slow",
        }
    }

    /// The sentence that stands in `Message`, and behind it the field that it speaks of.
    pub(super) fn sentence(self) -> (&'static str, Option<Field>) {
        let sentence = match self {
            Self::MissingField(field) => return ("This field is missing: ", Some(field)),
            Self::BadField(field) => return ("This field cannot be so: ", Some(field)),
            Self::BadJson => "That is not one JSON object.",
            Self::TooDeep => "An object has at most 16 levels.",
            Self::TooLong => "An object has at most 8192 bytes.",
            Self::UnknownCommand => "There is no such command.",
            Self::NotLoggedIn => "Log in or register first.",
            Self::BadName => "That cannot be a name.",
            Self::BadPassword => "A password has 1 to 64 bytes.",
            Self::NotYou => "From is not who you are.",
            Self::NoSuchUser => "There is no such user.",
            Self::NoSuchGroup => "There is no such group.",
            Self::NotAMember => "You are not a member of that group.",
            Self::AlreadyAMember => "That user is a member of that group already.",
            Self::Banned => "That user was sent away from that group.",
            Self::NameTaken => "That name is taken.",
            Self::WrongPassword => "That is not the password.",
            Self::RegistrationClosed => "Nobody may register here.",
            Self::Full => "A limit is reached, or the disk is full.",
            Self::Refused => "That cannot be done.",
            Self::LoginTimeout => "You have not logged in in time.",
            Self::Idle => "You have been silent for too long.",
            Self::WrongPasswords => "That were too many wrong passwords.",
            Self::LoggedInElsewhere => "You have logged in from elsewhere.",
            Self::ServerFull => "The server takes no more connections.",
            Self::AddressFull => "The server takes no more connections from your address.",
            Self::Stopping => "The server stops.",
            Self::TooSlow => "You read too slowly.",
        };
        (sentence, None)
    }

    /// What a command comes to that has not ended well.
    pub(super) fn of(status: Status) -> Self {
        match status {
            Status::NoLogin => Self::NotLoggedIn,
            Status::NoMemory => Self::Full,
            Status::InvalidName => Self::BadName,
            Status::NotFound | Status::NoAccount => Self::NoSuchUser,
            Status::NameInUse | Status::NameRegistered => Self::NameTaken,
            Status::WrongPassword => Self::WrongPassword,
            Status::NoRoom | Status::Expired => Self::NoSuchGroup,
            Status::NotIn => Self::NotAMember,
            Status::AlreadyIn => Self::AlreadyAMember,
            Status::Banned => Self::Banned,
            Status::NotYou => Self::NotYou,
            // Of what this dialect asks only registration is closed to anybody.
            Status::NoAccess => Self::RegistrationClosed,
            Status::Ok
            | Status::Unknown
            | Status::NotEmpty
            | Status::NoUserType
            | Status::WrongRoomPassword
            | Status::RoomExists
            | Status::NotOwner
            | Status::NoGroup
            | Status::WrongGroupPassword
            | Status::NoCommand
            | Status::OwnerStays
            | Status::Oneself => Self::Refused,
        }
    }

    /// Why the server ends a connection; nothing if it does not.
    pub(super) fn of_warning(warning: &Warning<'_>) -> Option<Self> {
        Some(match warning {
            Warning::LineTooLong | Warning::TooManyLines => Self::TooLong,
            Warning::LoginTimeout => Self::LoginTimeout,
            Warning::Idle => Self::Idle,
            Warning::WrongPasswords => Self::WrongPasswords,
            Warning::LoggedInElsewhere => Self::LoggedInElsewhere,
            Warning::ServerFull => Self::ServerFull,
            Warning::AddressFull => Self::AddressFull,
            Warning::Stopping => Self::Stopping,
            Warning::TooSlow => Self::TooSlow,
            Warning::Kicked { .. } => return None,
        })
    }
}

impl From<Wrong> for Fault {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Missing(field) => Self::MissingField(field),
            Wrong::Kind(field) => Self::BadField(field),
        }
    }
}
