//! Facts: what the log keeps, and how a fact is written as bytes (`docs/storage.md` gives the table).
//!
//! A record says what is now true, never what was asked for. Numbers are written in the LEB128 form (7 bits a byte,
//! low first), texts as their length and their bytes. The store seals the bytes and knows nothing of what they mean.

mod codec;
#[cfg(test)]
mod tests;

use crate::core::command::Admits;
use crate::core::manner::Lifetime;
use crate::core::name::{ItemName, UserName};

/// Where a record stands in the log. The store hands it out and takes it back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Place {
    /// Number of the log file, from 1.
    pub file: u32,
    /// Byte in the file at which the record's frame begins.
    pub offset: u32,
    /// Bytes of the frame.
    pub bytes: u32,
}

/// A person: an account, or one anonymous login. Never used twice, so that someone who later takes the same name is
/// somebody else. 0 is nobody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PersonNo(pub u32);

/// Who made something, and under which name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owner {
    /// The person.
    pub person: PersonNo,
    /// The name at that time.
    pub name: UserName,
}

/// How a password is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Secret<'a> {
    /// As it is, because a challenge cannot be checked otherwise.
    Recoverable(&'a str),
    /// As an Argon2id hash.
    Hashed {
        /// The salt.
        salt: [u8; 16],
        /// The hash.
        hash: [u8; 32],
    },
}

/// A fact.
#[derive(Clone, Debug)]
pub enum Record<'a> {
    /// This account exists; replaces what was said of the same person before.
    Account {
        /// Its person.
        person: PersonNo,
        /// Its name.
        name: UserName,
        /// Its password.
        secret: Secret<'a>,
        /// The person's name.
        real_name: &'a str,
        /// The person's address.
        email: &'a str,
    },
    /// This account's password is now another.
    Password {
        /// Its person.
        person: PersonNo,
        /// Its password.
        secret: Secret<'a>,
    },
    /// This account is gone.
    AccountRemoved {
        /// Its person.
        person: PersonNo,
    },
    /// This room exists; replaces what was said of it before.
    Room {
        /// Its number; never used twice. `Home` is 0 and has no record.
        no: u32,
        /// Its name.
        name: ItemName,
        /// Who made it.
        owner: Owner,
        /// Its password; empty for none.
        password: &'a str,
        /// Who may enter.
        admits: Admits,
        /// How long it outlives its last member.
        lifetime: Lifetime,
        /// Since when nobody is in it, in ms of the server's clock.
        idle_since: Option<u64>,
    },
    /// Somebody has entered an empty room, or the last one has left.
    RoomIdle {
        /// The room.
        no: u32,
        /// Since when nobody is in it.
        since: Option<u64>,
    },
    /// This room is gone.
    RoomRemoved {
        /// The room.
        no: u32,
    },
    /// This group exists; replaces what was said of it before.
    Group {
        /// Its number.
        no: u32,
        /// Its name.
        name: ItemName,
        /// Who made it.
        owner: Owner,
        /// Its password; empty for none.
        password: &'a str,
        /// Who may join.
        admits: Admits,
        /// When its time is over, in ms of the server's clock.
        deadline: u64,
        /// No message up to the one before this number may be numbered again.
        next_message: u32,
    },
    /// This group and its messages are gone.
    GroupRemoved {
        /// The group.
        no: u32,
    },
    /// This message was posted.
    Message {
        /// Its group.
        group: u32,
        /// Its number in the group.
        id: u32,
        /// The message it replies to; 0 for none.
        parent: u32,
        /// Its heading.
        name: ItemName,
        /// Who posted it.
        poster: Owner,
        /// When its time is over, in ms of the server's clock; 0 for a reply.
        deadline: u64,
        /// Lines of text.
        parts: u32,
        /// The lines, each with a `\n` behind it.
        text: &'a str,
    },
    /// This message and the replies below it are gone.
    MessageRemoved {
        /// Its group.
        group: u32,
        /// Its number.
        id: u32,
    },
    /// This was said in a room.
    Line {
        /// The room.
        room: u32,
        /// The line's number in the room; grows by one.
        line: u32,
        /// When, in seconds since 1970 by the wall clock.
        time: u64,
        /// Who.
        sender: UserName,
        /// What.
        text: &'a str,
        /// The sender's own words for the time.
        stamp: Option<&'a str>,
    },
    /// This account belongs to this room.
    Joined {
        /// The room.
        room: u32,
        /// The account.
        person: PersonNo,
    },
    /// It does not any more.
    Parted {
        /// The room.
        room: u32,
        /// The account.
        person: PersonNo,
    },
    /// This account is shown under another name too.
    Nickname {
        /// The account.
        person: PersonNo,
        /// That name; empty for none.
        nickname: &'a str,
    },
    /// This was said to an account that was not online, and waits for it.
    Letter {
        /// The account.
        to: PersonNo,
        /// The letter's number; grows while the account has letters.
        no: u32,
        /// When, in seconds since 1970 by the wall clock.
        time: u64,
        /// Who said it.
        sender: Owner,
        /// What.
        text: &'a str,
    },
    /// An account that was not online has been invited to a room, and is still to be told. Numbered with its letters.
    Invitation {
        /// The account.
        to: PersonNo,
        /// Its number.
        no: u32,
        /// When, in seconds since 1970 by the wall clock.
        time: u64,
        /// Who invited it.
        sender: Owner,
        /// The room.
        room: ItemName,
    },
    /// An account has got its letters and invitations up to a number.
    LettersGiven {
        /// The account.
        to: PersonNo,
        /// The number of the first that it has not got.
        before: u32,
    },
    /// How far the server's own numbers have come.
    Counters(Counters),
}

/// How far the server's own numbers have come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// The server's clock in ms.
    pub clock: u64,
    /// Status numbers below this one may have been given out.
    pub stamps: u32,
    /// The next person's number.
    pub next_person: u32,
    /// The next room's number.
    pub next_room: u32,
    /// The next group's number.
    pub next_group: u32,
}

/// The bytes are no record: written by another version, or damaged before they were sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

impl std::fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}
