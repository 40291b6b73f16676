//! Compaction's questions: is this record still true, and if so, what is to be written in its stead?
//!
//! What memory knows whole (rooms, groups) is written anew; what it knows in part (accounts, messages, lines) is
//! copied. A removal is never copied: what it removes stood before it, and is gone with the file it stood in.

use crate::core::expiry::Due;
use crate::core::outbox::{Full, Purpose};
use crate::core::record::{Place, Record};
use crate::core::{House, Outbox};

impl House {
    /// Writes the record at `place` again if it is still true. Afterwards nothing refers to `place` any more.
    ///
    /// # Errors
    /// [`Full`] if the disk cannot take the copy; then nothing has changed.
    pub fn relocate(
        &mut self,
        record: &Record<'_>,
        place: Place,
        out: &mut dyn Outbox,
    ) -> Result<(), Full> {
        let result = match record {
            Record::Account { person, name, real_name, email, .. } => {
                match self.accounts.get(*person).filter(|account| account.place == place) {
                    None => Ok(()),
                    Some(account) => {
                        let secret = account.kept.secret();
                        let (person, name) = (*person, name.clone());
                        let record = Record::Account { person, name, secret, real_name, email };
                        let new = out.record(&record, Purpose::Copy)?;
                        let account = self.accounts.get_mut(person).expect("it was there");
                        account.place = new;
                        self.dead.push(place);
                        self.dead.extend(account.password_place.take());
                        Ok(())
                    }
                }
            }
            Record::Password { person, .. } => {
                let lives = self
                    .accounts
                    .get(*person)
                    .is_some_and(|account| account.password_place == Some(place));
                self.copy_if(lives, record, out)
            }
            Record::Room { no, .. } | Record::RoomIdle { no, .. } => {
                self.restate_room(*no, place, out)
            }
            Record::Group { no, .. } => self.restate_group(*no, place, out),
            Record::Message { group, id, .. } => {
                self.relocate_message(*group, *id, record, place, out)
            }
            Record::Line { room, line, .. } => self.relocate_line(*room, *line, record, place, out),
            Record::Joined { room, person } => {
                self.copy_if(self.memberships.place(*person, *room) == Some(place), record, out)
            }
            Record::Nickname { person, .. } => {
                let lives = self.nicknames.get(*person).is_some_and(|(_, at)| at == place);
                self.copy_if(lives, record, out)
            }
            Record::Letter { to, no, .. } | Record::Invitation { to, no, .. } => {
                let lives = self.letters.get(*to, *no).is_some_and(|it| it.place == place);
                self.copy_if(lives, record, out)
            }
            Record::Parted { .. }
            | Record::LettersGiven { .. }
            | Record::AccountRemoved { .. }
            | Record::RoomRemoved { .. }
            | Record::GroupRemoved { .. }
            | Record::MessageRemoved { .. }
            | Record::Counters(_) => Ok(()),
        };
        self.bury_the_dead(out);
        result
    }

    /// Copies a record by applying it at its new place.
    fn copy_if(
        &mut self,
        lives: bool,
        record: &Record<'_>,
        out: &mut dyn Outbox,
    ) -> Result<(), Full> {
        if lives {
            let new = out.record(record, Purpose::Copy)?;
            self.apply(record, new);
        }
        Ok(())
    }

    fn restate_room(&mut self, no: u32, place: Place, out: &mut dyn Outbox) -> Result<(), Full> {
        let Some(slot) = self.rooms.numbered(no) else { return Ok(()) };
        let room = self.rooms.at(slot);
        let Some(owner) = room.owner else { return Ok(()) };
        let lives = room.place == Some(place) || room.idle_place == Some(place);
        let password = room.password.clone();
        let record = Record::Room {
            no,
            name: room.name.clone(),
            owner: self.persons.owner(owner),
            password: &password,
            admits: room.admits,
            lifetime: room.lifetime,
            idle_since: room.idle_since,
        };
        self.copy_if(lives, &record, out)
    }

    fn restate_group(&mut self, no: u32, place: Place, out: &mut dyn Outbox) -> Result<(), Full> {
        match self.groups.numbered(no) {
            Some(slot) if self.groups.at(slot).place == place => self.write_group(slot, out),
            _ => Ok(()),
        }
    }

    fn write_group(&mut self, slot: u32, out: &mut dyn Outbox) -> Result<(), Full> {
        let group = self.groups.at(slot);
        let password = group.password.clone();
        let record = Record::Group {
            no: group.no,
            name: group.name.clone(),
            owner: self.persons.owner(group.owner),
            password: &password,
            admits: group.admits,
            deadline: group.deadline(),
            next_message: group.next_message,
        };
        let new = out.record(&record, Purpose::Copy)?;
        self.apply(&record, new);
        Ok(())
    }

    fn relocate_message(
        &mut self,
        group: u32,
        id: u32,
        record: &Record<'_>,
        place: Place,
        out: &mut dyn Outbox,
    ) -> Result<(), Full> {
        let Some(slot) = self.groups.numbered(group) else { return Ok(()) };
        match self.groups.at(slot).messages.get(id) {
            Some(message) if self.messages.at(message).place == place => {
                let new = out.record(record, Purpose::Copy)?;
                self.messages.at_mut(message).place = new;
                self.dead.push(place);
                Ok(())
            }
            // The last number given out must not be forgotten with its message.
            None if id + 1 == self.groups.at(slot).next_message => self.write_group(slot, out),
            Some(_) | None => Ok(()),
        }
    }

    fn relocate_line(
        &mut self,
        room: u32,
        no: u32,
        record: &Record<'_>,
        place: Place,
        out: &mut dyn Outbox,
    ) -> Result<(), Full> {
        let Some(slot) = self.rooms.numbered(room) else { return Ok(()) };
        let history = &mut self.rooms.at_mut(slot).history;
        if history.get(no).is_some_and(|line| line.place == Some(place)) {
            let new = out.record(record, Purpose::Copy)?;
            history.written(no, new);
            self.dead.push(place);
        }
        Ok(())
    }
}
