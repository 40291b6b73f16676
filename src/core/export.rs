//! Everything that survives, as records in an order in which each stands behind what it belongs to; and whether a
//! record that comes from elsewhere agrees with those before it.
//!
//! What memory knows only in part (accounts, messages) is read from the log by a closure, one record at a time, so
//! that an export needs no memory for what messages say. Knows nothing of how records are written down.

use zeroize::Zeroizing;

use crate::core::House;
use crate::core::account::Account;
use crate::core::catalogue::Item;
use crate::core::expiry::Due;
use crate::core::group::Group;
use crate::core::record::{Owner, PersonNo, Place, Record};
use crate::core::room::Room;

/// Reads the bytes of the record at a place.
pub type Fetch<'f, E> = &'f mut dyn FnMut(Place, &mut Vec<u8>) -> Result<(), E>;

/// Takes one record.
pub type Take<'t, E> = &'t mut dyn FnMut(&Record<'_>) -> Result<(), E>;

/// Why a record cannot stand behind those before it: a sentence.
pub type Contradiction = &'static str;

impl House {
    /// Hands `take` what is true now: accounts, nicknames, rooms, memberships, groups, messages, lines said, letters,
    /// and at last the server's own numbers. Rooms, groups and lines come in the order in which they were made. What is
    /// marked is left out: its time is over, and it only waits for a sweep.
    ///
    /// # Errors
    /// The first error of either closure.
    ///
    /// # Panics
    /// If `fetch` gives a record that does not stand at that place.
    pub fn export<E>(&self, fetch: Fetch<'_, E>, take: Take<'_, E>) -> Result<(), E> {
        let clock = self.clock();
        let rooms = || self.rooms.iter().filter(|room| !room.is_marked(clock));
        let groups = || self.groups.iter().filter(|group| !group.is_marked(clock));
        self.export_accounts(fetch, take)?;
        for (person, nickname, _) in self.nicknames.iter() {
            take(&Record::Nickname { person, nickname })?;
        }
        for room in rooms() {
            self.export_room(room, take)?;
        }
        for (room, person) in self.memberships.by_room() {
            take(&Record::Joined { room, person })?;
        }
        for group in groups() {
            take(&self.group_record(group))?;
        }
        for group in groups() {
            self.export_messages(group, fetch, take)?;
        }
        for room in rooms() {
            export_history(room, take)?;
        }
        self.export_letters(fetch, take)?;
        take(&Record::Counters(self.numbers.counters()))
    }

    /// Hands `take` all accounts with their present passwords, in order of creation.
    ///
    /// # Errors
    /// The first error of either closure.
    ///
    /// # Panics
    /// As [`House::export`].
    pub fn export_accounts<E>(&self, fetch: Fetch<'_, E>, take: Take<'_, E>) -> Result<(), E> {
        // Wiped, because the password that the account was made with is in it.
        let mut bytes = Zeroizing::new(Vec::new());
        for (person, account) in self.accounts.iter() {
            fetch(account.place, &mut bytes)?;
            take(&account_record(person, account, &bytes))?;
        }
        Ok(())
    }

    fn export_room<E>(&self, room: &Room, take: Take<'_, E>) -> Result<(), E> {
        // Nobody made `Home`: it is there without a record.
        let Some(owner) = room.owner else { return Ok(()) };
        take(&Record::Room {
            no: room.no,
            name: room.name.clone(),
            owner: self.persons.owner(owner),
            password: &room.password,
            admits: room.admits,
            lifetime: room.lifetime,
            idle_since: room.idle_since,
        })
    }

    fn group_record<'a>(&self, group: &'a Group) -> Record<'a> {
        Record::Group {
            no: group.no,
            name: group.name.clone(),
            owner: self.persons.owner(group.owner),
            password: &group.password,
            admits: group.admits,
            deadline: group.deadline(),
            next_message: group.next_message,
        }
    }

    fn export_messages<E>(
        &self,
        group: &Group,
        fetch: Fetch<'_, E>,
        take: Take<'_, E>,
    ) -> Result<(), E> {
        let clock = self.clock();
        let lives = |slot: &u32| !self.messages.is_marked(*slot, clock);
        let mut bytes = Vec::new();
        for slot in group.messages.slots().filter(lives) {
            fetch(self.messages.at(slot).place, &mut bytes)?;
            let record = Record::decode(&bytes).expect("what was opened can be read");
            assert!(matches!(record, Record::Message { .. }), "a message's place holds its record");
            take(&record)?;
        }
        Ok(())
    }

    fn export_letters<E>(&self, fetch: Fetch<'_, E>, take: Take<'_, E>) -> Result<(), E> {
        let mut bytes = Vec::new();
        for (_, _, place) in self.letters.iter() {
            fetch(place, &mut bytes)?;
            let record = Record::decode(&bytes).expect("what was opened can be read");
            let is_one = matches!(record, Record::Letter { .. } | Record::Invitation { .. });
            assert!(is_one, "a letter's place holds its record");
            take(&record)?;
        }
        Ok(())
    }

    /// Whether `record`, written elsewhere, agrees with what has been applied so far. A house that is given only
    /// records that do is one that could have come about by itself. Records that say that something is gone, or that
    /// change something, have no business in such a sequence.
    ///
    /// # Errors
    /// What it contradicts.
    pub fn agrees(&self, record: &Record<'_>) -> Result<(), Contradiction> {
        match record {
            Record::Account { person, name, .. } => {
                refuse(self.accounts.get(*person).is_some(), "this person has an account already")?;
                refuse(self.accounts.named(name).is_some(), "an account of this name is there")?;
                self.is_called(&Owner { person: *person, name: name.clone() })
            }
            Record::Room { no, name, owner, .. } => {
                refuse(self.rooms.numbered(*no).is_some(), "a room of this number is there")?;
                refuse(self.rooms.named(name).is_some(), "a room of this name is there")?;
                self.is_called(owner)
            }
            Record::Group { no, name, owner, .. } => {
                refuse(self.groups.numbered(*no).is_some(), "a group of this number is there")?;
                refuse(self.groups.named(name).is_some(), "a group of this name is there")?;
                self.is_called(owner)
            }
            Record::Message { group, id, parent, poster, .. } => {
                self.message_agrees(*group, *id, *parent)?;
                self.is_called(poster)
            }
            Record::Line { room, line, .. } => {
                let slot = self.rooms.numbered(*room).ok_or("there is no room of this number")?;
                let next = self.rooms.at(slot).history.next_no();
                refuse(*line < next, "a later line of this room stands before it")
            }
            Record::Nickname { person, .. } => {
                self.has_account(*person)?;
                refuse(self.nickname(*person).is_some(), "this person has a nickname already")
            }
            Record::Joined { room, person } => {
                self.rooms.numbered(*room).ok_or("there is no room of this number")?;
                self.has_account(*person)?;
                let again = self.memberships.has(*person, *room);
                refuse(again, "this person belongs to this room already")
            }
            Record::Letter { to, no, sender, .. } | Record::Invitation { to, no, sender, .. } => {
                self.has_account(*to)?;
                self.is_called(sender)?;
                let later = *no < self.letters.next_no(*to) && *no > 0;
                refuse(later, "a later letter to this person stands before it")
            }
            Record::Counters(_) => Ok(()),
            Record::Parted { .. }
            | Record::LettersGiven { .. }
            | Record::Password { .. }
            | Record::AccountRemoved { .. }
            | Record::RoomIdle { .. }
            | Record::RoomRemoved { .. }
            | Record::GroupRemoved { .. }
            | Record::MessageRemoved { .. } => Err("it is a change, and not what came of it"),
        }
    }

    fn message_agrees(&self, group: u32, id: u32, parent: u32) -> Result<(), Contradiction> {
        let slot = self.groups.numbered(group).ok_or("there is no group of this number")?;
        let group = self.groups.at(slot);
        refuse(group.messages.has(id), "a message of this number is in the group")?;
        refuse(id >= group.next_message, "its group says that no message has this number yet")?;
        let orphan = parent != 0 && (parent >= id || !group.messages.has(parent));
        refuse(orphan, "the message that it replies to does not stand before it")
    }

    fn has_account(&self, person: PersonNo) -> Result<(), Contradiction> {
        refuse(self.accounts.get(person).is_none(), "there is no account of this person")
    }

    /// A person has one name, for good.
    fn is_called(&self, owner: &Owner) -> Result<(), Contradiction> {
        let as_owner = self.persons.known(owner.person);
        let as_user = self.accounts.get(owner.person).map(|account| &account.name);
        let other = [as_owner, as_user].into_iter().flatten().any(|name| *name != owner.name);
        refuse(other, "this person has another name before")
    }
}

fn refuse(wrong: bool, why: Contradiction) -> Result<(), Contradiction> {
    if wrong { Err(why) } else { Ok(()) }
}

/// The record of an account: the names as they were written, the password as it is now.
fn account_record<'a>(person: PersonNo, account: &'a Account, bytes: &'a [u8]) -> Record<'a> {
    match Record::decode(bytes) {
        Ok(Record::Account { real_name, email, .. }) => {
            let (name, secret) = (account.name.clone(), account.kept.secret());
            Record::Account { person, name, secret, real_name, email }
        }
        Ok(_) | Err(_) => panic!("an account's place holds its record"),
    }
}

fn export_history<E>(room: &Room, take: Take<'_, E>) -> Result<(), E> {
    for line in room.history.lines() {
        take(&Record::Line {
            room: room.no,
            line: line.no,
            time: line.time,
            sender: line.sender.clone(),
            text: &line.text,
            stamp: line.stamp.as_deref(),
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::command::Admits;
    use crate::core::manner::Lifetime;
    use crate::core::name::{ItemName, UserName};
    use crate::core::record::{Counters, Secret};
    use crate::core::settings::Settings;

    /// A log in memory: a record's place is its number in it.
    #[derive(Default)]
    struct Log(Vec<Vec<u8>>);

    impl Log {
        fn write(&mut self, house: &mut House, record: &Record<'_>) {
            let place = Place { file: 1, offset: self.0.len() as u32, bytes: 1 };
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            house.apply(record, place);
            self.0.push(bytes);
        }

        fn export(&self, house: &House) -> Vec<Vec<u8>> {
            let mut out = Vec::new();
            let fetch = &mut |place: Place, bytes: &mut Vec<u8>| {
                bytes.clone_from(&self.0[place.offset as usize]);
                Ok::<(), ()>(())
            };
            let take = &mut |record: &Record<'_>| {
                let mut bytes = Vec::new();
                record.encode(&mut bytes);
                out.push(bytes);
                Ok(())
            };
            house.export(fetch, take).unwrap();
            out
        }
    }

    fn owner(person: u32, name: &str) -> Owner {
        Owner { person: PersonNo(person), name: UserName::new(name).unwrap() }
    }

    fn account<'a>(person: u32, name: &str, password: &'a str) -> Record<'a> {
        Record::Account {
            person: PersonNo(person),
            name: UserName::new(name).unwrap(),
            secret: Secret::Recoverable(password),
            real_name: "Amy A",
            email: "a@b",
        }
    }

    fn room(no: u32, name: &str) -> Record<'static> {
        Record::Room {
            no,
            name: ItemName::new(name).unwrap(),
            owner: owner(1, "amy"),
            password: "",
            admits: Admits::Anonymous,
            lifetime: Lifetime::Short,
            idle_since: Some(5),
        }
    }

    fn group(no: u32, name: &str) -> Record<'static> {
        Record::Group {
            no,
            name: ItemName::new(name).unwrap(),
            owner: owner(2, "bob"),
            password: "pw",
            admits: Admits::Registered,
            deadline: 1_000_000,
            next_message: 9,
        }
    }

    fn message(id: u32, parent: u32) -> Record<'static> {
        Record::Message {
            group: 3,
            id,
            parent,
            name: ItemName::new("news").unwrap(),
            poster: owner(2, "bob"),
            deadline: if parent == 0 { 900_000 } else { 0 },
            parts: 1,
            text: "hello\n",
        }
    }

    fn line(no: u32) -> Record<'static> {
        let sender = UserName::new("eve").unwrap();
        Record::Line { room: 0, line: no, time: 7, sender, text: "hi", stamp: None }
    }

    fn joined(room: u32, person: u32) -> Record<'static> {
        Record::Joined { room, person: PersonNo(person) }
    }

    fn nickname(person: u32, nickname: &str) -> Record<'_> {
        Record::Nickname { person: PersonNo(person), nickname }
    }

    fn letter(to: u32, no: u32) -> Record<'static> {
        Record::Letter { to: PersonNo(to), no, time: 7, sender: owner(2, "bob"), text: "hi" }
    }

    fn invitation(to: u32, no: u32) -> Record<'static> {
        let room = ItemName::new("chess").unwrap();
        Record::Invitation { to: PersonNo(to), no, time: 7, sender: owner(2, "bob"), room }
    }

    fn numbers() -> Record<'static> {
        let (next_person, next_room, next_group) = (40, 50, 60);
        Record::Counters(Counters { clock: 77, stamps: 88, next_person, next_room, next_group })
    }

    fn samples() -> Vec<Record<'static>> {
        let mut all = vec![account(1, "amy", "new"), nickname(1, "Amy A."), room(2, "chess")];
        all.extend([joined(0, 1), joined(2, 1), group(3, "board"), message(2, 0), message(4, 2)]);
        all.extend([line(6), line(8), letter(1, 3), invitation(1, 4), numbers()]);
        all
    }

    #[test]
    fn an_export_applied_to_an_empty_house_exports_the_same() {
        let (mut log, mut house) = (Log::default(), House::new(Settings::default()));
        log.write(&mut house, &account(1, "amy", "old"));
        let secret = Secret::Recoverable("new");
        log.write(&mut house, &Record::Password { person: PersonNo(1), secret });
        // What was so once, and is not any more.
        let gone = [account(5, "eve", "p"), joined(0, 5), nickname(5, "E"), letter(5, 1)];
        for record in gone.into_iter().chain([nickname(1, "A"), nickname(1, ""), letter(1, 1)]) {
            log.write(&mut house, &record);
        }
        log.write(&mut house, &Record::LettersGiven { to: PersonNo(1), before: 3 });
        log.write(&mut house, &Record::AccountRemoved { person: PersonNo(5) });
        // As compaction leaves them: a membership before its room, a letter before one written earlier, and what
        // belongs to nobody.
        for record in [joined(2, 1), joined(0, 1), joined(9, 1), joined(2, 8), letter(8, 1)] {
            log.write(&mut house, &record);
        }
        for record in [invitation(1, 4), letter(1, 3), nickname(8, "N"), nickname(1, "Amy A.")] {
            log.write(&mut house, &record);
        }
        // A reply before its parent, a line before the one said earlier.
        for record in [message(4, 2), line(8), line(6), room(2, "chess"), group(3, "board")] {
            log.write(&mut house, &record);
        }
        log.write(&mut house, &message(2, 0));
        log.write(&mut house, &numbers());
        house.open();
        let exported = log.export(&house);

        let (mut log, mut again) = (Log::default(), House::new(Settings::default()));
        for (bytes, wanted) in exported.iter().zip(samples()) {
            let record = Record::decode(bytes).unwrap();
            assert_eq!(again.agrees(&record), Ok(()), "{record:?}");
            log.write(&mut again, &record);
            let mut expected = Vec::new();
            wanted.encode(&mut expected);
            assert_eq!(*bytes, expected, "{record:?}");
        }
        again.open();
        assert_eq!(log.export(&again), exported);
        assert_eq!(exported.len(), samples().len());
    }

    #[test]
    fn what_is_over_is_left_out_with_all_that_belongs_to_it() {
        let (mut log, mut house) = (Log::default(), House::new(Settings::default()));
        for record in samples().into_iter().chain([room(4, "go")]) {
            log.write(&mut house, &record);
        }
        let kinds = |clock, log: &mut Log, house: &mut House| {
            let counters = Counters { clock, ..Counters::default() };
            log.write(house, &Record::Counters(counters));
            log.export(house).iter().map(|bytes| bytes[0]).collect::<Vec<_>>()
        };
        house.open();
        let mut at = |clock| {
            house.phase = crate::core::Phase::Loading;
            kinds(clock, &mut log, &mut house)
        };
        assert_eq!(at(899_999), [1, 16, 4, 4, 14, 14, 7, 9, 9, 11, 11, 17, 18, 12]);
        assert_eq!(at(900_000), [1, 16, 4, 4, 14, 14, 7, 11, 11, 17, 18, 12], "the thread is over");
        assert_eq!(at(1_000_000), [1, 16, 4, 4, 14, 14, 11, 11, 17, 18, 12], "the group is over");
        let last = [1, 16, 4, 14, 14, 11, 11, 17, 18, 12];
        assert_eq!(at(3_600_005), last, "the room is over to which nobody belongs");
    }

    #[test]
    fn what_contradicts_the_records_before_it_is_told() {
        let (mut log, mut house) = (Log::default(), House::new(Settings::default()));
        for record in samples() {
            log.write(&mut house, &record);
        }
        let contradictions = [
            account(1, "other", "p"),
            account(9, "AMY", "p"),
            account(2, "eve", "p"),
            room(2, "other"),
            room(0, "other"),
            room(9, "CHESS"),
            room(9, "home"),
            group(3, "other"),
            group(9, "Board"),
            message(2, 0),
            message(9, 0),
            message(5, 3),
            message(1, 2),
            line(7),
            Record::GroupRemoved { no: 3 },
            joined(2, 1),
            joined(9, 1),
            joined(2, 2),
            nickname(1, "again"),
            nickname(2, "N"),
            letter(2, 1),
            letter(1, 4),
            invitation(1, 4),
            Record::Parted { room: 2, person: PersonNo(1) },
            Record::LettersGiven { to: PersonNo(1), before: 9 },
        ];
        for record in contradictions {
            assert!(house.agrees(&record).is_err(), "{record:?}");
        }
        for record in
            [account(9, "eve", "p"), room(9, "go"), group(9, "go"), message(8, 4), letter(1, 5)]
        {
            assert_eq!(house.agrees(&record), Ok(()), "{record:?}");
        }
    }
}
