//! Letters: what was said to accounts that were not online, and invitations that they have yet to be told.
//!
//! Memory holds where each stands in the log; what it says is read from there when it is handed over, which `missed.rs`
//! does, in order of their numbers.

use std::collections::BTreeMap;

use crate::core::name::UserName;
use crate::core::outbox::Purpose;
use crate::core::record::{PersonNo, Place, Record};
use crate::core::{Answer, House, Now, Outbox, Outcome, SessionId, Status};

/// What memory holds of a letter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) sender: PersonNo,
    pub(super) place: Place,
}

/// All letters, by receiver and number.
#[derive(Debug, Default)]
pub(super) struct Letters(BTreeMap<(PersonNo, u32), Header>);

impl Letters {
    /// The letters of an account from number `from` on.
    pub(super) fn of(
        &self,
        to: PersonNo,
        from: u32,
    ) -> impl DoubleEndedIterator<Item = (u32, Header)> + '_ {
        let range = self.0.range((to, from)..=(to, u32::MAX));
        range.map(|(&(_, no), &header)| (no, header))
    }

    /// The number that the next letter to an account gets.
    pub(super) fn next_no(&self, to: PersonNo) -> u32 {
        self.of(to, 0).next_back().map_or(1, |(no, _)| no.saturating_add(1))
    }

    pub(super) fn get(&self, to: PersonNo, no: u32) -> Option<Header> {
        self.0.get(&(to, no)).copied()
    }

    /// All letters: receiver, number and place.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PersonNo, u32, Place)> + '_ {
        self.0.iter().map(|(&(to, no), header)| (to, no, header.place))
    }
}

impl House {
    /// Says something to a user who is online, or keeps it for an account that is not.
    pub(super) fn write(
        &mut self,
        now: Now,
        id: SessionId,
        user: &UserName,
        text: &str,
        out: &mut dyn Outbox,
    ) -> Outcome {
        if let Some(receiver) = self.sessions.online(user) {
            return self.whisper(now, id, receiver, text, out);
        }
        let to = self.accounts.named(user).ok_or(Status::NotFound)?;
        self.has_letter_left(to)?;
        let (no, time, sender) = (self.letters.next_no(to), now.wall, self.myself(id));
        self.fact(&Record::Letter { to, no, time, sender, text }, Purpose::Fact, out)?;
        Ok(Answer::Done)
    }

    /// Keeps for an account that it was invited. Whose letters are as many as may be finds that out by itself.
    pub(super) fn keep_invitation(
        &mut self,
        now: Now,
        by: SessionId,
        to: PersonNo,
        slot: u32,
        out: &mut dyn Outbox,
    ) {
        let (no, time, sender) = (self.letters.next_no(to), now.wall, self.myself(by));
        let room = self.rooms.at(slot).name.clone();
        let record = Record::Invitation { to, no, time, sender, room };
        // The membership holds without it, so a disk that cannot take it refuses nothing.
        let _ = self.has_letter_left(to).and_then(|()| self.fact(&record, Purpose::Fact, out));
    }

    fn has_letter_left(&self, to: PersonNo) -> Result<(), Status> {
        let letters = self.letters.of(to, 0).count();
        if letters < self.settings.letters_max as usize { Ok(()) } else { Err(Status::NoMemory) }
    }

    pub(super) fn apply_letter(&mut self, record: &Record<'_>, place: Place) {
        match record {
            Record::Letter { to, no, sender, .. } | Record::Invitation { to, no, sender, .. } => {
                self.numbers.saw_person(sender.person);
                let header = Header { sender: sender.person, place };
                let old = self.letters.0.insert((*to, *no), header);
                self.dead.extend(old.map(|old| old.place));
            }
            Record::LettersGiven { to, before } => {
                self.drop_letters(*to, *before);
                self.dead.push(place);
            }
            _ => unreachable!("only records of letters come here"),
        }
    }

    /// Forgets the letters to an account up to the one before number `before`.
    pub(super) fn drop_letters(&mut self, to: PersonNo, before: u32) {
        let gone: Vec<u32> =
            self.letters.of(to, 0).map(|(no, _)| no).take_while(|&no| no < before).collect();
        for no in gone {
            self.dead.extend(self.letters.0.remove(&(to, no)).map(|header| header.place));
        }
    }

    /// All records have been applied: lets letters go whose receiver is not there.
    pub(super) fn drop_stray_letters(&mut self) {
        let receivers = self.letters.iter().map(|(to, ..)| to);
        let stray: Vec<_> = receivers.filter(|&to| self.accounts.get(to).is_none()).collect();
        for to in stray {
            self.drop_letters(to, u32::MAX);
        }
    }
}
