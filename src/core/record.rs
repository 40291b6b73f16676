//! Facts: what the log keeps, and how a fact is written as bytes (`docs/storage.md` gives the table).
//!
//! A record says what is now true, never what was asked for. Numbers are written in the LEB128 form (7 bits a byte,
//! low first), texts as their length and their bytes. The store seals the bytes and knows nothing of what they mean.

use crate::core::command::Admits;
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

const ACCOUNT: u8 = 1;
const PASSWORD: u8 = 2;
const ACCOUNT_REMOVED: u8 = 3;
const ROOM: u8 = 4;
const ROOM_IDLE: u8 = 5;
const ROOM_REMOVED: u8 = 6;
const GROUP: u8 = 7;
const GROUP_REMOVED: u8 = 8;
const MESSAGE: u8 = 9;
const MESSAGE_REMOVED: u8 = 10;
const LINE: u8 = 11;
const COUNTERS: u8 = 12;

impl Record<'_> {
    /// Appends the record's bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut w = Writer(out);
        match self {
            Self::Account { person, name, secret, real_name, email } => {
                w.kind(ACCOUNT).number(person.0.into()).text(name.as_str()).secret(*secret);
                w.text(real_name).text(email);
            }
            Self::Password { person, secret } => {
                w.kind(PASSWORD).number(person.0.into()).secret(*secret);
            }
            Self::AccountRemoved { person } => {
                w.kind(ACCOUNT_REMOVED).number(person.0.into());
            }
            Self::Room { no, name, owner, password, admits, idle_since } => {
                w.kind(ROOM).number((*no).into()).text(name.as_str()).owner(owner).text(password);
                w.admits(*admits).moment(*idle_since);
            }
            Self::RoomIdle { no, since } => {
                w.kind(ROOM_IDLE).number((*no).into()).moment(*since);
            }
            Self::RoomRemoved { no } => {
                w.kind(ROOM_REMOVED).number((*no).into());
            }
            Self::Group { no, name, owner, password, admits, deadline, next_message } => {
                w.kind(GROUP).number((*no).into()).text(name.as_str()).owner(owner).text(password);
                w.admits(*admits).number(*deadline).number((*next_message).into());
            }
            Self::GroupRemoved { no } => {
                w.kind(GROUP_REMOVED).number((*no).into());
            }
            Self::Message { group, id, parent, name, poster, deadline, parts, text } => {
                w.kind(MESSAGE)
                    .number((*group).into())
                    .number((*id).into())
                    .number((*parent).into());
                w.text(name.as_str())
                    .owner(poster)
                    .number(*deadline)
                    .number((*parts).into())
                    .rest(text);
            }
            Self::MessageRemoved { group, id } => {
                w.kind(MESSAGE_REMOVED).number((*group).into()).number((*id).into());
            }
            Self::Line { room, line, time, sender, text } => {
                w.kind(LINE).number((*room).into()).number((*line).into()).number(*time);
                w.text(sender.as_str()).rest(text);
            }
            Self::Counters(c) => {
                w.kind(COUNTERS)
                    .number(c.clock)
                    .number(c.stamps.into())
                    .number(c.next_person.into());
                w.number(c.next_room.into()).number(c.next_group.into());
            }
        }
    }
}

impl<'a> Record<'a> {
    /// Reads back what [`Record::encode`] wrote.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are not exactly one record.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut r = Reader(bytes);
        let record = r.record()?;
        if r.0.is_empty() { Ok(record) } else { Err(Malformed) }
    }
}

struct Writer<'o>(&'o mut Vec<u8>);

impl Writer<'_> {
    fn kind(&mut self, kind: u8) -> &mut Self {
        self.0.push(kind);
        self
    }

    fn number(&mut self, mut value: u64) -> &mut Self {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.number(text.len() as u64).rest(text)
    }

    fn rest(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn owner(&mut self, owner: &Owner) -> &mut Self {
        self.number(owner.person.0.into()).text(owner.name.as_str())
    }

    fn admits(&mut self, admits: Admits) -> &mut Self {
        self.kind(match admits {
            Admits::Anonymous => 0,
            Admits::Registered => 1,
        })
    }

    fn moment(&mut self, moment: Option<u64>) -> &mut Self {
        self.number(moment.map_or(0, |ms| ms + 1))
    }

    fn secret(&mut self, secret: Secret<'_>) -> &mut Self {
        match secret {
            Secret::Recoverable(password) => self.kind(0).text(password),
            Secret::Hashed { salt, hash } => {
                self.kind(1);
                self.0.extend_from_slice(&salt);
                self.0.extend_from_slice(&hash);
                self
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn record(&mut self) -> Result<Record<'a>, Malformed> {
        Ok(match self.byte()? {
            ACCOUNT => Record::Account {
                person: self.person()?,
                name: self.user_name()?,
                secret: self.secret()?,
                real_name: self.text()?,
                email: self.text()?,
            },
            PASSWORD => Record::Password { person: self.person()?, secret: self.secret()? },
            ACCOUNT_REMOVED => Record::AccountRemoved { person: self.person()? },
            ROOM => Record::Room {
                no: self.number()?,
                name: self.item_name()?,
                owner: self.owner()?,
                password: self.text()?,
                admits: self.admits()?,
                idle_since: self.moment()?,
            },
            ROOM_IDLE => Record::RoomIdle { no: self.number()?, since: self.moment()? },
            ROOM_REMOVED => Record::RoomRemoved { no: self.number()? },
            GROUP => Record::Group {
                no: self.number()?,
                name: self.item_name()?,
                owner: self.owner()?,
                password: self.text()?,
                admits: self.admits()?,
                deadline: self.long()?,
                next_message: self.number()?,
            },
            GROUP_REMOVED => Record::GroupRemoved { no: self.number()? },
            MESSAGE => Record::Message {
                group: self.number()?,
                id: self.number()?,
                parent: self.number()?,
                name: self.item_name()?,
                poster: self.owner()?,
                deadline: self.long()?,
                parts: self.number()?,
                text: self.rest()?,
            },
            MESSAGE_REMOVED => Record::MessageRemoved { group: self.number()?, id: self.number()? },
            LINE => Record::Line {
                room: self.number()?,
                line: self.number()?,
                time: self.long()?,
                sender: self.user_name()?,
                text: self.rest()?,
            },
            COUNTERS => Record::Counters(Counters {
                clock: self.long()?,
                stamps: self.number()?,
                next_person: self.number()?,
                next_room: self.number()?,
                next_group: self.number()?,
            }),
            _ => return Err(Malformed),
        })
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    fn long(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Malformed);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    fn number(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.long()?).map_err(|_| Malformed)
    }

    fn moment(&mut self) -> Result<Option<u64>, Malformed> {
        Ok(self.long()?.checked_sub(1))
    }

    fn person(&mut self) -> Result<PersonNo, Malformed> {
        self.number().map(PersonNo)
    }

    fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = usize::try_from(self.long()?).map_err(|_| Malformed)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| Malformed)
    }

    fn rest(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(std::mem::take(&mut self.0)).map_err(|_| Malformed)
    }

    fn user_name(&mut self) -> Result<UserName, Malformed> {
        UserName::new(self.text()?).map_err(|_| Malformed)
    }

    fn item_name(&mut self) -> Result<ItemName, Malformed> {
        ItemName::new(self.text()?).map_err(|_| Malformed)
    }

    fn owner(&mut self) -> Result<Owner, Malformed> {
        Ok(Owner { person: self.person()?, name: self.user_name()? })
    }

    fn admits(&mut self) -> Result<Admits, Malformed> {
        match self.byte()? {
            0 => Ok(Admits::Anonymous),
            1 => Ok(Admits::Registered),
            _ => Err(Malformed),
        }
    }

    fn secret(&mut self) -> Result<Secret<'a>, Malformed> {
        match self.byte()? {
            0 => Ok(Secret::Recoverable(self.text()?)),
            1 => {
                let salt = self.take(16)?.try_into().map_err(|_| Malformed)?;
                let hash = self.take(32)?.try_into().map_err(|_| Malformed)?;
                Ok(Secret::Hashed { salt, hash })
            }
            _ => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Record<'static>> {
        let bob = UserName::new("bob").unwrap();
        let owner = Owner { person: PersonNo(7), name: bob.clone() };
        let name = ItemName::new("chess club").unwrap();
        let clear = Secret::Recoverable("geheim");
        vec![
            Record::Account {
                person: PersonNo(300),
                name: bob.clone(),
                secret: clear,
                real_name: "Bob B",
                email: "b@b",
            },
            Record::Password {
                person: PersonNo(1),
                secret: Secret::Hashed { salt: [1; 16], hash: [2; 32] },
            },
            Record::AccountRemoved { person: PersonNo(u32::MAX) },
            Record::Room {
                no: 1,
                name: name.clone(),
                owner: owner.clone(),
                password: "",
                admits: Admits::Registered,
                idle_since: Some(0),
            },
            Record::RoomIdle { no: 9, since: None },
            Record::RoomRemoved { no: 9 },
            Record::Group {
                no: 2,
                name: name.clone(),
                owner: owner.clone(),
                password: "pw",
                admits: Admits::Anonymous,
                deadline: u64::MAX,
                next_message: 5,
            },
            Record::GroupRemoved { no: 2 },
            Record::Message {
                group: 2,
                id: 128,
                parent: 127,
                name,
                poster: owner,
                deadline: 0,
                parts: 2,
                text: "a\n\n",
            },
            Record::MessageRemoved { group: 2, id: 128 },
            Record::Line { room: 0, line: 1, time: 1_800_000_000, sender: bob, text: "hi" },
            Record::Counters(Counters {
                clock: 1,
                stamps: 2,
                next_person: 3,
                next_room: 4,
                next_group: 5,
            }),
        ]
    }

    fn encoded(record: &Record<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        bytes
    }

    #[test]
    fn every_kind_of_record_reads_back_as_written() {
        for record in samples() {
            let bytes = encoded(&record);
            let again = Record::decode(&bytes).unwrap();
            assert_eq!(encoded(&again), bytes, "{record:?}");
        }
    }

    #[test]
    fn a_record_cut_before_its_text_is_malformed_and_never_a_panic() {
        for record in samples() {
            let bytes = encoded(&record);
            for cut in 0..bytes.len() {
                let _ = Record::decode(&bytes[..cut]);
            }
            let mut longer = bytes.clone();
            longer.push(0xff);
            assert_eq!(Record::decode(&longer).err(), Some(Malformed), "{record:?}");
        }
    }

    #[test]
    fn a_posted_message_costs_less_than_a_hundred_bytes_beside_its_text() {
        let owner =
            Owner { person: PersonNo(100_000), name: UserName::new(&"n".repeat(12)).unwrap() };
        let record = Record::Message {
            group: 1000,
            id: 100_000,
            parent: 99_999,
            name: ItemName::new(&"x".repeat(20)).unwrap(),
            poster: owner,
            deadline: 365 * 86_400_000,
            parts: 100,
            text: "",
        };
        let seal = 4 + 16;
        assert!(encoded(&record).len() + seal <= 100, "{}", encoded(&record).len());
    }
}
