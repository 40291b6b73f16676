//! Answers: how what was asked has ended, in the words of the authors' document (spec `dialects.md`, `helo`).

use crate::core::Status;
use crate::dialect::Next;

/// What was asked, with the words of it that its answer repeats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked<'a> {
    /// To log in under a name.
    Login(&'a str),
    /// To say something in `Home`.
    Call(&'a str),
    /// To say something to a group or a user; nothing tells that it was done.
    Message,
    /// To hand a line on to another client; nothing tells that it was done.
    Line,
    /// To make a group.
    Create(&'a str),
    /// To join a group.
    Join(&'a str),
    /// To leave a group.
    Leave(&'a str),
    /// To send somebody away from a group.
    Kick {
        /// The group.
        group: &'a str,
        /// Who has to go.
        name: &'a str,
    },
    /// To leave the server.
    Quit,
    /// Something that is answered by a list, or that nobody understands.
    Nothing,
    /// Nothing: it is time to ask whether the client is there.
    Ping,
    /// Nothing: the client has not said that it is there.
    Silence,
}

impl Asked<'_> {
    /// Appends the answer.
    pub fn answer(&self, out: &mut Vec<u8>, status: Status) -> Next {
        match status {
            Status::Ok => self.done(out),
            status => self.refused(out, status),
        }
    }

    fn done(&self, out: &mut Vec<u8>) -> Next {
        match *self {
            Self::Login(name) => line(out, &["+OK HELO ", name]),
            Self::Call(text) => line(out, &["+OK BCST ", text]),
            Self::Create(group) => line(out, &["+SUCCESS group \"", group, "\" has been created!"]),
            Self::Join(group) => {
                line(out, &["+SUCCESS you have successfully entered group \"", group, "\""]);
            }
            Self::Leave(group) => {
                line(out, &["+SUCCESS you have successfully left the group \"", group, "\""]);
            }
            Self::Kick { group, name } => {
                line(out, &["+SUCCESS user ", name, " has been kicked out of group ", group]);
            }
            Self::Quit => line(out, &["+OK Goodbye"]),
            Self::Ping => line(out, &["PING"]),
            Self::Silence => {
                line(out, &["DSCN Pong timeout"]);
                return Next::Close;
            }
            Self::Message | Self::Line | Self::Nothing => {}
        }
        Next::Stay
    }

    fn refused(&self, out: &mut Vec<u8>, status: Status) -> Next {
        if let Self::Login(_) = self {
            line(out, &["-ERR ", login_refusal(status)]);
            return Next::Close;
        }
        match (*self, status) {
            (Self::Kick { group, name }, Status::NotIn) => {
                line(out, &["-SOFT_ERR user ", name, " is not a member of group ", group]);
            }
            (_, status) => line(out, &["-SOFT_ERR ", self.refusal(status)]),
        }
        Next::Stay
    }

    /// Why something was not done.
    fn refusal(&self, status: Status) -> &'static str {
        match status {
            Status::NoLogin => "you are not logged in",
            Status::NotFound | Status::NoAccount => "no such user!",
            Status::NoRoom | Status::NoGroup | Status::Expired => "no such group!",
            Status::RoomExists => "a group with that name already exists!",
            Status::AlreadyIn if *self == Self::Line => "a file is already under way between you!",
            Status::AlreadyIn => "you are already a member of that group!",
            Status::Banned => "you are banned from that group!",
            Status::NotIn if matches!(self, Self::Leave(_)) => {
                "you are not a member of that group!"
            }
            Status::NotIn => "you are not allowed to write in that group!",
            Status::OwnerStays => "you are an admin, you can't leave the group!",
            Status::NotOwner => "you are not allowed to kick members out that group!",
            Status::Oneself if *self == Self::Line => "you can't send a file to yourself!",
            Status::Oneself => "why would you kick yourself out of your group :)?",
            Status::InvalidName => "a group name has 1 to 30 bytes!",
            Status::NoMemory => self.limit(),
            Status::Unknown if *self == Self::Message => "a message can't be empty!",
            Status::NoAccess
            | Status::NotYou
            | Status::NotEmpty
            | Status::WrongRoomPassword
            | Status::WrongGroupPassword => "you are not allowed to do that!",
            Status::Ok
            | Status::Unknown
            | Status::NoCommand
            | Status::NoUserType
            | Status::WrongPassword
            | Status::NameInUse
            | Status::NameRegistered => "unknown command",
        }
    }

    /// Which limit is reached.
    fn limit(&self) -> &'static str {
        match self {
            Self::Create(_) => "no more groups can be created!",
            Self::Join(_) => "you are a member of too many groups!",
            Self::Kick { .. } => "too many users are banned from that group!",
            Self::Message | Self::Line | Self::Call(_) => "that message is too long!",
            Self::Login(_)
            | Self::Leave(_)
            | Self::Quit
            | Self::Nothing
            | Self::Ping
            | Self::Silence => "the server has no room for that!",
        }
    }
}

fn login_refusal(status: Status) -> &'static str {
    if status == Status::InvalidName {
        "username has an invalid format (only characters, numbers and underscores are allowed)"
    } else {
        "user already logged in"
    }
}

/// Appends a line of these pieces.
pub(super) fn line(out: &mut Vec<u8>, pieces: &[&str]) {
    for piece in pieces {
        out.extend_from_slice(piece.as_bytes());
    }
    out.push(b'\n');
}

impl<'a> From<Asked<'a>> for crate::dialect::Asked<'a> {
    fn from(asked: Asked<'a>) -> Self {
        Self::Helo(asked)
    }
}
