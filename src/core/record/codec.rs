//! A record as bytes, and back. Kinds are never renumbered: a log outlives the program that wrote it.

use crate::core::command::Admits;
use crate::core::manner::Lifetime;
use crate::core::name::{ItemName, UserName};
use crate::core::record::{Counters, Malformed, Owner, PersonNo, Record, Secret};

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
const STAMPED_LINE: u8 = 13;
const JOINED: u8 = 14;
const PARTED: u8 = 15;
const NICKNAME: u8 = 16;
const LETTER: u8 = 17;
const INVITATION: u8 = 18;
const LETTERS_GIVEN: u8 = 19;

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
            Self::Room { no, name, owner, password, admits, lifetime, idle_since } => {
                w.kind(ROOM).number((*no).into()).text(name.as_str()).owner(owner).text(password);
                w.kind(admits_code(*admits) | lifetime_code(*lifetime)).moment(*idle_since);
            }
            Self::RoomIdle { no, since } => {
                w.kind(ROOM_IDLE).number((*no).into()).moment(*since);
            }
            Self::RoomRemoved { no } => {
                w.kind(ROOM_REMOVED).number((*no).into());
            }
            Self::Group { no, name, owner, password, admits, deadline, next_message } => {
                w.kind(GROUP).number((*no).into()).text(name.as_str()).owner(owner).text(password);
                w.kind(admits_code(*admits)).number(*deadline).number((*next_message).into());
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
            Self::Line { room, line, time, sender, text, stamp } => {
                w.kind(if stamp.is_some() { STAMPED_LINE } else { LINE });
                w.number((*room).into()).number((*line).into()).number(*time).text(sender.as_str());
                if let Some(stamp) = stamp {
                    w.text(stamp);
                }
                w.rest(text);
            }
            Self::Joined { .. }
            | Self::Parted { .. }
            | Self::Nickname { .. }
            | Self::Letter { .. }
            | Self::Invitation { .. }
            | Self::LettersGiven { .. } => w.of_an_account(self),
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

fn admits_code(admits: Admits) -> u8 {
    match admits {
        Admits::Anonymous => 0,
        Admits::Registered => 1,
        Admits::Invited => 2,
    }
}

/// Stands in the same byte as who may enter.
fn lifetime_code(lifetime: Lifetime) -> u8 {
    match lifetime {
        Lifetime::Short => 0,
        Lifetime::Long => 0x80,
    }
}

struct Writer<'o>(&'o mut Vec<u8>);

impl Writer<'_> {
    /// What is kept for an account beside itself.
    fn of_an_account(&mut self, record: &Record<'_>) {
        match record {
            Record::Joined { room, person } => {
                self.kind(JOINED).number((*room).into()).number(person.0.into());
            }
            Record::Parted { room, person } => {
                self.kind(PARTED).number((*room).into()).number(person.0.into());
            }
            Record::Nickname { person, nickname } => {
                self.kind(NICKNAME).number(person.0.into()).rest(nickname);
            }
            Record::Letter { to, no, time, sender, text } => {
                self.kind(LETTER).number(to.0.into()).number((*no).into()).number(*time);
                self.owner(sender).rest(text);
            }
            Record::Invitation { to, no, time, sender, room } => {
                self.kind(INVITATION).number(to.0.into()).number((*no).into()).number(*time);
                self.owner(sender).text(room.as_str());
            }
            Record::LettersGiven { to, before } => {
                self.kind(LETTERS_GIVEN).number(to.0.into()).number((*before).into());
            }
            _ => unreachable!("only records that belong to an account come here"),
        }
    }

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

fn admits(code: u8) -> Result<Admits, Malformed> {
    match code {
        0 => Ok(Admits::Anonymous),
        1 => Ok(Admits::Registered),
        2 => Ok(Admits::Invited),
        _ => Err(Malformed),
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
            ROOM => self.room()?,
            ROOM_IDLE => Record::RoomIdle { no: self.number()?, since: self.moment()? },
            ROOM_REMOVED => Record::RoomRemoved { no: self.number()? },
            GROUP => Record::Group {
                no: self.number()?,
                name: self.item_name()?,
                owner: self.owner()?,
                password: self.text()?,
                admits: admits(self.byte()?)?,
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
            kind @ (LINE | STAMPED_LINE) => Record::Line {
                room: self.number()?,
                line: self.number()?,
                time: self.long()?,
                sender: self.user_name()?,
                stamp: if kind == STAMPED_LINE { Some(self.text()?) } else { None },
                text: self.rest()?,
            },
            kind @ JOINED..=LETTERS_GIVEN => self.of_an_account(kind)?,
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

    /// What is kept for an account beside itself.
    fn of_an_account(&mut self, kind: u8) -> Result<Record<'a>, Malformed> {
        Ok(match kind {
            JOINED => Record::Joined { room: self.number()?, person: self.person()? },
            PARTED => Record::Parted { room: self.number()?, person: self.person()? },
            NICKNAME => Record::Nickname { person: self.person()?, nickname: self.rest()? },
            LETTER => Record::Letter {
                to: self.person()?,
                no: self.number()?,
                time: self.long()?,
                sender: self.owner()?,
                text: self.rest()?,
            },
            INVITATION => Record::Invitation {
                to: self.person()?,
                no: self.number()?,
                time: self.long()?,
                sender: self.owner()?,
                room: self.item_name()?,
            },
            LETTERS_GIVEN => Record::LettersGiven { to: self.person()?, before: self.number()? },
            _ => return Err(Malformed),
        })
    }

    fn room(&mut self) -> Result<Record<'a>, Malformed> {
        let (no, name, owner, password) =
            (self.number()?, self.item_name()?, self.owner()?, self.text()?);
        let code = self.byte()?;
        let lifetime = if code & 0x80 == 0 { Lifetime::Short } else { Lifetime::Long };
        let (admits, idle_since) = (admits(code & 0x7f)?, self.moment()?);
        Ok(Record::Room { no, name, owner, password, admits, lifetime, idle_since })
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
        // Most numbers are small.
        if let [byte @ ..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Ok((*byte).into());
        }
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
