//! What a user has missed: the letters that were kept for it, and what was said in its rooms while it was away.
//!
//! Told after the login, as a list without head and end, at the pace of its reader. A letter is forgotten when the next
//! step is asked for, which means that the socket has taken it: a crash in between gives it twice, and never loses it.

use crate::core::event::{self, Reply, Story};
use crate::core::history::Line;
use crate::core::listing::Listing;
use crate::core::outbox::Purpose;
use crate::core::record::{PersonNo, Record};
use crate::core::{House, Now, Outbox, SessionId};
use crate::limits::{LETTERS_PER_STEP, LIST_ROWS_PER_STEP};

impl House {
    /// Tells a user who has just logged in what it has missed, of its rooms only if `since` says from when.
    pub(super) fn catch_up(
        &mut self,
        now: Now,
        id: SessionId,
        since: Option<u64>,
        out: &mut dyn Outbox,
    ) {
        let mut missed = self.missed(now, id, since);
        if !self.step_missed(&mut missed, out) {
            self.lists.open(missed);
        }
    }

    /// Hands over the next letters, or when there are none left the story of a few rooms. True when that is all.
    pub(super) fn step_missed(&self, missed: &mut Listing, out: &mut dyn Outbox) -> bool {
        let user = self.sessions.user(missed.reader.index);
        let from = u32::try_from(missed.next).expect("letters are numbered in 32 bits");
        let mut letters = self.letters.of(user.person, from).take(LETTERS_PER_STEP).peekable();
        if letters.peek().is_none() {
            return self.step_stories(missed, user.person, out);
        }
        for (no, header) in letters {
            let nickname = self.nickname(header.sender);
            let letter = event::Letter { place: header.place, receiver: &user.name, nickname };
            if !out.letter(missed.reader, &letter) {
                // It stays, with those behind it: the next login tries again.
                return true;
            }
            missed.next = u64::from(no) + 1;
        }
        false
    }

    /// Forgets the letters that a user has got: what was handed over in the step before has been taken by its socket.
    pub(super) fn forget_given(&mut self, missed: &Listing, out: &mut dyn Outbox) {
        let to = self.sessions.user(missed.reader.index).person;
        let before = u32::try_from(missed.next).expect("letters are numbered in 32 bits");
        if self.letters.of(to, 0).next().is_none_or(|(no, _)| no >= before) {
            return;
        }
        let record = Record::LettersGiven { to, before };
        match out.record(&record, Purpose::Upkeep) {
            Ok(place) => self.apply(&record, place),
            // A disk that cannot take it gives them once more after a restart.
            Err(_) => self.drop_letters(to, before),
        }
        self.bury_the_dead(out);
    }

    /// Tells what was said in the next rooms of an account. True when there are no more.
    fn step_stories(&self, missed: &mut Listing, person: PersonNo, out: &mut dyn Outbox) -> bool {
        let Some(since) = missed.since else { return true };
        let mut given = 0;
        let rooms = self.memberships.rooms_of(person).map(u64::from);
        for no in rooms.filter(|&no| no >= missed.within).collect::<Vec<_>>() {
            if given >= LIST_ROWS_PER_STEP {
                return false;
            }
            missed.within = no + 1;
            let no = u32::try_from(no).expect("it was a number of 32 bits");
            let slot = self.rooms.numbered(no).expect("a membership's room is there");
            if self.rooms.at(slot).history.lines().any(|line| line.time >= since) {
                given += self.story(missed.reader, slot, None, since, out);
            }
        }
        true
    }

    /// Tells the last lines said in a room from a time on; how many.
    pub(super) fn story(
        &self,
        reader: SessionId,
        slot: u32,
        count: Option<u64>,
        since: u64,
        out: &mut dyn Outbox,
    ) -> usize {
        let room = self.rooms.at(slot);
        let lines: Vec<&Line> = room.history.lines().filter(|line| line.time >= since).collect();
        let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
        let lines = &lines[lines.len().saturating_sub(count)..];
        out.reply(reader, &Reply::Story(Story::Head(&room.name)));
        for (before, line) in lines.iter().enumerate() {
            let sender = self.accounts.named(&line.sender);
            let line = Story::Line {
                before: before as u32,
                time: line.time,
                sender: &line.sender,
                nickname: sender.and_then(|person| self.nickname(person)),
                text: &line.text,
            };
            out.reply(reader, &Reply::Story(line));
        }
        out.reply(reader, &Reply::Story(Story::End));
        lines.len()
    }
}
