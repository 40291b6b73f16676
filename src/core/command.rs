//! What a user can ask of the house, whatever the dialect.
//!
//! A command borrows from the line it came in. Its names are valid, its numbers in range: the dialect has checked them
//! and answered in its own words if they were not.

use crate::core::name::{InvalidName, ItemName, UserName};
use crate::core::status::Status;
use crate::limits::{NICKNAME_BYTES_MAX, SECRET_BYTES_MAX};

/// A request by one session.
#[derive(Clone, Debug)]
pub enum Command<'a> {
    /// Log in under a free name (`mec.md` 5).
    LoginAnonymous {
        /// The name wished for.
        name: UserName,
    },
    /// Log in to an account (`mec.md` 5).
    LoginRegistered {
        /// The account.
        name: UserName,
        /// The password, or after [`Command::Challenge`] the digest.
        password: Password<'a>,
    },
    /// Make an account; the caller stays who it is (`mec.md` 5).
    CreateLogin {
        /// The account's name.
        name: UserName,
        /// Its password.
        password: Password<'a>,
        /// The person's name, 1 to 64 bytes.
        real_name: &'a str,
        /// The person's address, 1 to 64 bytes.
        email: &'a str,
    },
    /// Change the caller's password (`mec.md` 5). Both words unchecked: who the caller is comes first.
    ChangePassword {
        /// The new password.
        new: &'a str,
        /// The one that holds until then.
        old: &'a str,
    },
    /// Remove the caller's account (`mec.md` 5).
    RemoveLogin,
    /// Where do I stand? (`mec.md` 6)
    WhoAmI,
    /// List the rooms (`mec.md` 6).
    ListRooms,
    /// List the users of the caller's room (`mec.md` 6).
    ListUsers,
    /// Make a room (`mec.md` 6).
    CreateRoom {
        /// Its name.
        name: ItemName,
        /// Its password; without one it is public.
        password: Option<Password<'a>>,
        /// Who may enter.
        admits: Admits,
        /// Where the caller stands afterwards.
        then: Then,
    },
    /// Remove an empty room of one's own (`mec.md` 6).
    RemoveRoom {
        /// Its name.
        name: ItemName,
        /// Its password.
        password: Option<Password<'a>>,
    },
    /// Go to another room (`mec.md` 6).
    ChangeRoom {
        /// Its name.
        name: ItemName,
        /// Its password.
        password: Option<Password<'a>>,
    },
    /// Say something to everyone in the caller's room (`mec.md` 6).
    Broadcast {
        /// What is said; not empty.
        text: &'a str,
    },
    /// Say something to one user of the caller's room (`mec.md` 6).
    SendTo {
        /// The receiver.
        user: UserName,
        /// What is said; not empty.
        text: &'a str,
    },
    /// Offer a user an address to connect to (`mec.md` 6).
    PeerToPeer {
        /// The receiver, in any room.
        user: UserName,
        /// The port the caller listens on; not 0.
        port: u16,
        /// The address, as the caller wrote it; an IPv4 or IPv6 address.
        address: &'a str,
    },
    /// List the message groups (`mec.md` 7).
    ListGroups,
    /// Make a message group (`mec.md` 7).
    CreateGroup {
        /// Its name.
        name: ItemName,
        /// Its password; without one it is public.
        password: Option<Password<'a>>,
        /// Who may join.
        admits: Admits,
        /// Its time in seconds; 0 is the default.
        seconds: u32,
    },
    /// Join a message group, and leave any other (`mec.md` 7).
    JoinGroup {
        /// Its name.
        name: ItemName,
        /// Its password.
        password: Option<Password<'a>>,
    },
    /// Leave the message group, if any (`mec.md` 7).
    LeaveGroup,
    /// List the messages of the group (`mec.md` 7).
    ListMessages {
        /// Only those with this parent; 0 is the top level.
        parent: Option<u32>,
    },
    /// Read a message (`mec.md` 7).
    GetMessage {
        /// Its number.
        id: u32,
    },
    /// Post a message (`mec.md` 7).
    PostMessage {
        /// Its heading.
        name: ItemName,
        /// The message it replies to; 0 for none.
        parent: u32,
        /// Its time in seconds; 0 is the default. A reply has none of its own.
        seconds: u32,
        /// Its text.
        body: Body<'a>,
    },
    /// Ask a status number (`mec.md` 8).
    Number(Counter),
    /// Ask for a nonce, so that the next password does not cross the network (`mec.md` 9).
    Challenge,
    /// The last broadcasts of the room (`mec.md` 9).
    History {
        /// How many; 10 if not said.
        count: Option<u32>,
    },
    /// Remove an empty group of one's own (`mec.md` 9).
    RemoveGroup {
        /// Its name.
        name: ItemName,
        /// Its password.
        password: Option<Password<'a>>,
    },
    /// Remove a message and the replies below it (`mec.md` 9).
    RemoveMessage {
        /// Its number.
        id: u32,
    },
    /// Send a user of one's own room back to `Home` (`mec.md` 9).
    Kick {
        /// Who has to go.
        user: UserName,
    },
    /// Leave the server (`mec.md` 9).
    Quit,
    /// What only users ask who may stand in many rooms.
    Company(Company<'a>),
    /// What only users ask whose rooms, letters and nicknames are kept with their accounts.
    Fellow {
        /// In whose name this is asked, if that was said: [`Status::NotYou`] if it is not the caller's own.
        claim: Option<UserName>,
        /// What is asked.
        request: Fellow<'a>,
    },
}

/// A request of a user who belongs to rooms, whether online or not (spec `dialects.md`). A room that the caller neither
/// sees nor belongs to is to it as if it were not there.
#[derive(Clone, Debug)]
pub enum Fellow<'a> {
    /// Make an account and log in to it.
    Register {
        /// Its name.
        name: UserName,
        /// Its password.
        password: Password<'a>,
    },
    /// Log in to an account, and be told what one has missed: first letters, then what was said in one's rooms.
    Login {
        /// The account.
        name: UserName,
        /// Its password.
        password: Password<'a>,
        /// Only what was said from then on, in seconds since 1970; nothing that was said in rooms if there is none.
        since: Option<u64>,
    },
    /// Change something about oneself.
    Update {
        /// How one is shown too.
        nickname: Option<Nickname<'a>>,
        /// The password from now on.
        password: Option<Password<'a>>,
        /// Whether one leaves the server then.
        then: Afterwards,
    },
    /// Make an account belong to a room of one's own; a room that is not there is made. Whoever invites itself joins a
    /// room that is open to it.
    Invite {
        /// The account.
        user: UserName,
        /// The room.
        room: ItemName,
    },
    /// Belong to a room that is open to oneself.
    Join {
        /// The room.
        room: ItemName,
    },
    /// Belong to a room no longer.
    Resign {
        /// The room.
        room: ItemName,
    },
    /// Say something in a room that one belongs to.
    Say {
        /// The room.
        room: ItemName,
        /// What is said; not empty.
        text: &'a str,
    },
    /// Say something to one user, who need not be online if that is an account.
    Write {
        /// The receiver.
        user: UserName,
        /// What is said; not empty.
        text: &'a str,
    },
    /// What was said in a room that one belongs to.
    Recount {
        /// The room.
        room: ItemName,
        /// How many lines, the last ones; all that are kept if not said.
        count: Option<u64>,
        /// Only from then on, in seconds since 1970.
        since: Option<u64>,
    },
}

/// What becomes of somebody who has changed something about itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Afterwards {
    /// It stays.
    Stay,
    /// It leaves the server.
    Leave,
}

/// How an account is shown beside its name: up to 64 bytes without control characters; empty for not at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Nickname<'a>(&'a str);

/// A request of a user who may stand in many rooms (spec `dialects.md`). A room that the caller does not see is to it
/// as if it were not there.
#[derive(Clone, Debug)]
pub enum Company<'a> {
    /// Stand in another room too.
    Enter {
        /// Its name.
        name: ItemName,
        /// In whose name this is asked; looked at last.
        claim: Claim,
    },
    /// Stand in a room no longer.
    Leave {
        /// Its name.
        name: ItemName,
        /// Whether who owns the room may leave it.
        owner: OwnerMay,
    },
    /// Say something in a room that the caller stands in.
    Say {
        /// Its name.
        room: ItemName,
        /// In whose name this is asked; looked at when the room is known to be there.
        claim: Claim,
        /// What is said, or what is wrong with it, which is looked at last.
        text: Result<&'a str, Status>,
        /// The sender's own words for the time, for those who show them.
        stamp: Option<&'a str>,
    },
    /// Say something in `Home`, wherever the caller stands.
    Call {
        /// What is said; not empty.
        text: &'a str,
    },
    /// Say something to one user, wherever that one stands.
    Tell {
        /// The receiver.
        user: UserName,
        /// What is said; not empty.
        text: &'a str,
    },
    /// Hand a line on to a user of the caller's kin, with the caller's name in it.
    PassOn {
        /// The receiver.
        user: UserName,
        /// Whether that may be the caller.
        oneself: Oneself,
        /// What stands before the caller's name.
        before: &'a str,
        /// What stands behind it.
        after: &'a str,
    },
    /// Send a user away from a room of one's own, for good.
    Expel {
        /// The room.
        room: ItemName,
        /// Who has to go; nobody is called so if it cannot be a name, which is looked at last.
        user: Option<UserName>,
    },
    /// List everyone who is connected.
    ListEveryone,
    /// List the members of a room that the caller sees.
    ListMembers {
        /// The room.
        room: ItemName,
    },
    /// All that is kept of what was said in a room that the caller stands in.
    Recall {
        /// The room.
        room: ItemName,
    },
}

/// Where somebody stands who has made a room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// Where it stood before.
    Stay,
    /// In the new room too.
    Enter,
}

/// In whose name something is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// In the caller's own.
    Own,
    /// In somebody else's: [`Status::NotYou`].
    Another,
}

/// Whether who owns a room may leave it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OwnerMay {
    /// It may.
    Go,
    /// It may not: [`Status::OwnerStays`].
    NotGo,
}

/// Whether something may be done to oneself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Oneself {
    /// It may.
    Allowed,
    /// It may not: [`Status::Oneself`].
    Refused,
}

/// The text of a message that is being posted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body<'a> {
    /// Its lines, each with a `\n` behind it, and how many they are.
    Lines {
        /// The number of lines.
        parts: u32,
        /// The lines.
        text: &'a str,
    },
    /// Longer than the server keeps: it was read and thrown away.
    TooLong,
}

/// A password of 1 to 64 bytes. Prints as nothing but its type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password<'a>(&'a str);

/// What is wrong with a password, a real name or an e-mail address: its length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidLength;

impl<'a> Nickname<'a> {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`InvalidName`] if it is over 64 bytes or has a control character.
    pub fn new(text: &'a str) -> Result<Self, InvalidName> {
        if text.len() > NICKNAME_BYTES_MAX || text.contains(char::is_control) {
            return Err(InvalidName);
        }
        Ok(Self(text))
    }

    /// The nickname; empty for none.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

/// Who may enter a room or a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admits {
    /// Everybody.
    Anonymous,
    /// Users who logged in to an account.
    Registered,
    /// Users whom a member has invited.
    Invited,
}

/// The status numbers of `mec.md` 8.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counter {
    /// Rooms made and removed.
    Architecture,
    /// Users entering and leaving any room.
    Room,
    /// Users entering and leaving the caller's room.
    User,
    /// Groups made and removed.
    Group,
    /// Messages of the caller's group posted and deleted.
    Message,
}

impl<'a> Password<'a> {
    /// Checks the length of `text`.
    ///
    /// # Errors
    /// [`InvalidLength`] if it is not 1 to 64 bytes.
    pub fn new(text: &'a str) -> Result<Self, InvalidLength> {
        if (1..=SECRET_BYTES_MAX).contains(&text.len()) {
            Ok(Self(text))
        } else {
            Err(InvalidLength)
        }
    }

    /// The password in clear.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

impl std::fmt::Debug for Password<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}
