//! The house checks itself: whether what is kept twice agrees, whether counts count, whether every deadline is
//! scheduled.
//!
//! For tests and simulation, which ask after each turn. Changes nothing. Each noun checks its own; here is what lies
//! between them.

use std::collections::BTreeMap;

use crate::core::House;
use crate::core::manner::Stands;
use crate::core::name::ItemName;
use crate::core::record::{PersonNo, Place};
use crate::core::room::Member;
use crate::core::session::State;
use crate::limits::ROOMS_PER_USER_MAX;

/// Says `what` if something does not hold.
pub(super) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

impl House {
    /// Whether the house agrees with itself.
    ///
    /// # Errors
    /// What does not, as a sentence for whoever reads a failed test.
    pub fn audit(&self) -> Result<(), String> {
        self.rooms.audit()?;
        self.groups.audit()?;
        self.messages.audit(self.groups.iter())?;
        self.sessions.audit()?;
        self.audit_presence()?;
        self.audit_persons()?;
        self.audit_memberships()?;
        self.audit_letters()?;
        let waiting =
            self.sessions.ids().filter(|id| self.sessions.at(id.index).attempt.is_some()).count();
        ensure(waiting == self.attempts, || "attempts are miscounted".into())?;
        ensure(self.unsaved.is_empty() == self.unsaved_due.is_none(), || {
            "lines wait to be written, and nobody will".into()
        })?;
        for reader in self.lists.readers() {
            let there = self.sessions.get(reader).is_some();
            ensure(there, || format!("a list for {reader:?}, who has gone"))?;
        }
        Ok(())
    }

    /// Bytes of the log's records that are still true, by file: what the store must count as in use.
    #[must_use]
    pub fn bytes_needed(&self) -> BTreeMap<u32, u64> {
        let rooms = self.rooms.iter().flat_map(|room| {
            let lines = room.history.lines().filter_map(|line| line.place);
            room.place.into_iter().chain(room.idle_place).chain(lines)
        });
        let groups = self.groups.iter().flat_map(|group| {
            let messages = group.messages.slots().map(|slot| self.messages.at(slot).place);
            messages.chain([group.place])
        });
        let accounts = self.accounts.iter();
        let accounts = accounts
            .flat_map(|(_, account)| [account.place].into_iter().chain(account.password_place));
        let nicknames = self.nicknames.iter().map(|(.., place)| place);
        let memberships = self.memberships.iter().map(|(.., place)| place);
        let letters = self.letters.iter().map(|(.., place)| place);
        let belongings = nicknames.chain(memberships).chain(letters);
        let mut bytes = BTreeMap::new();
        let dead = self.dead.iter().copied();
        for place in rooms.chain(groups).chain(accounts).chain(belongings).chain(dead) {
            let Place { file, bytes: count, .. } = place;
            *bytes.entry(file).or_insert(0) += u64::from(count);
        }
        bytes
    }

    /// Whether the log has all status numbers that were given out as used: a full disk may refuse their bound.
    #[must_use]
    pub fn are_numbers_reserved(&self) -> bool {
        self.numbers.left() > 0
    }

    /// Rooms of which the log does not know since when nobody is in them, or that somebody is.
    pub fn rooms_unrecorded(&self) -> impl Iterator<Item = &ItemName> {
        let slots = self.unrecorded_idle.iter().filter_map(|&no| self.rooms.numbered(no));
        slots.map(|slot| &self.rooms.at(slot).name)
    }

    /// Users know where they stand, and rooms and groups know who is there.
    fn audit_presence(&self) -> Result<(), String> {
        let mut present = 0;
        let mut in_group: BTreeMap<u32, u32> = BTreeMap::new();
        for id in self.sessions.ids() {
            let State::User(user) = &self.sessions.at(id.index).state else { continue };
            let presences = user.rooms.as_slice();
            let rooms = presences.len();
            let allowed = match self.sessions.at(id.index).manner.stands {
                Stands::InOneRoom => rooms == 1,
                Stands::AtHome | Stands::Nowhere => rooms <= ROOMS_PER_USER_MAX,
            };
            ensure(allowed, || format!("{} stands in {rooms} rooms", user.name))?;
            for presence in presences {
                let members = self.rooms.at(presence.room).members();
                let member = members.get(presence.position as usize);
                let there = member.is_some_and(|member| member.session == id.index);
                ensure(there, || format!("{} is not where it thinks", user.name))?;
                present += 1;
            }
            if let Some(slot) = user.group {
                *in_group.entry(self.groups.at(slot).no).or_insert(0) += 1;
            }
        }
        let members = self.rooms.iter().flat_map(|room| room.members());
        let members = members.filter(|member| member.session != Member::GONE).count();
        ensure(members == present, || "somebody stands where it does not know".into())?;
        for group in self.groups.iter() {
            let users = in_group.get(&group.no).copied().unwrap_or(0);
            ensure(group.users() == users, || format!("users of group {}", group.name))?;
        }
        Ok(())
    }

    /// Letters and nicknames are of accounts that are there.
    fn audit_letters(&self) -> Result<(), String> {
        let letters = self.letters.iter().map(|(to, ..)| to);
        for person in letters.chain(self.nicknames.iter().map(|(person, ..)| person)) {
            let there = self.accounts.get(person).is_some();
            ensure(there, || format!("something is kept for {person:?}, who is not there"))?;
        }
        Ok(())
    }

    /// Owners are known for as long as they own, and accounts by their names.
    fn audit_persons(&self) -> Result<(), String> {
        let mut held: BTreeMap<PersonNo, u32> = BTreeMap::new();
        let rooms = self.rooms.iter().filter_map(|room| room.owner);
        let groups = self.groups.iter().map(|group| group.owner);
        let slots = self.groups.iter().flat_map(|group| group.messages.slots());
        let posters = slots.map(|slot| self.messages.at(slot).poster);
        for person in rooms.chain(groups).chain(posters) {
            *held.entry(person).or_insert(0) += 1;
        }
        self.persons.audit(&held)?;
        for (person, account) in self.accounts.iter() {
            let named = self.accounts.named(&account.name) == Some(person);
            ensure(named, || format!("the name of the account {}", account.name))?;
        }
        Ok(())
    }
}
