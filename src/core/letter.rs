//! Letters: what was said to accounts that were not online, and invitations that they have yet to be told.
//!
//! Memory holds where each stands in the log; what it says is read from there when it is handed over, in order, after the
//! account has logged in. A letter is forgotten when the next step is asked for, which means that the socket has taken
//! it: a crash in between gives it twice, and never loses it.

use std::collections::BTreeMap;

use crate::core::event::{self, Reply, Story};
use crate::core::history::Line;
use crate::core::listing::Listing;
use crate::core::name::UserName;
use crate::core::outbox::Purpose;
use crate::core::record::{PersonNo, Place, Record};
use crate::core::{Answer, House, Now, Outbox, Outcome, SessionId, Status};
use crate::limits::{LETTERS_PER_STEP, LIST_ROWS_PER_STEP};

/// What memory holds of a letter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    sender: PersonNo,
    pub(super) place: Place,
}

/// All letters, by receiver and number.
#[derive(Debug, Default)]
pub(super) struct Letters(BTreeMap<(PersonNo, u32), Header>);

impl Letters {
    /// The letters of an account from number `from` on.
    fn of(&self, to: PersonNo, from: u32) -> impl DoubleEndedIterator<Item = (u32, Header)> + '_ {
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

    /// Tells a user who has just logged in what it has missed: its letters, and if `since` says from when, what was said
    /// in its rooms.
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
