//! What happens by itself: log-in times, delayed attempts, the sweep of what has expired, history written behind.
//!
//! Each part is bounded per turn. [`House::next_deadline`] is exact, so that a house in which nothing is due never
//! wakes anybody.

use crate::core::event::Warning;
use crate::core::outbox::Purpose;
use crate::core::record::Record;
use crate::core::{House, Now, Outbox, sooner};
use crate::limits::{
    CLOCK_SAVE_INTERVAL_MS, HISTORY_WRITES_PER_TURN, IDLE_RETRY_MS, SESSIONS_PER_TURN,
    SWEEP_INTERVAL_MS, SWEEP_ITEMS_MAX,
};

impl House {
    /// Does what is due.
    pub fn tick(&mut self, now: Now, out: &mut dyn Outbox) {
        self.reserve_numbers(now, out);
        for reader in std::mem::take(&mut self.too_slow) {
            self.dismiss(now, reader, &Warning::TooSlow, out);
        }
        self.look_at_sessions(now, out);
        self.sweep(now, out);
        self.write_history(now, out);
        if now.ms >= self.idle_retry_at {
            self.record_idle(now, out);
        }
        if self.clock_due().is_some_and(|due| due <= now.ms) {
            self.save_numbers(now, out);
            // A full disk keeps the clock back, but must not keep the server awake.
            self.numbers.clock_saved = now.ms;
        }
        self.bury_the_dead(out);
    }

    /// When [`House::tick`] has something to do, in ms of the server's clock. Never, if nothing ever will be.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        let sweep = self.next_to_go().map(|due| due.max(self.sweep_at));
        let now = (!self.too_slow.is_empty()).then_some(0);
        let idle = (!self.unrecorded_idle.is_empty()).then_some(self.idle_retry_at);
        let kept = sooner(self.unsaved_due, sooner(self.clock_due(), idle));
        sooner(now, sooner(sweep, sooner(self.sessions.next_deadline(), kept)))
    }

    /// When the time of a room, a group or a message is over.
    fn next_to_go(&self) -> Option<u64> {
        let groups = sooner(self.groups.next_deadline(), self.messages.next_deadline());
        sooner(self.rooms.next_deadline(), groups)
    }

    /// When the clock has to be written: only while something waits for it.
    fn clock_due(&self) -> Option<u64> {
        self.next_to_go().map(|_| self.numbers.clock_saved + CLOCK_SAVE_INTERVAL_MS)
    }

    fn look_at_sessions(&mut self, now: Now, out: &mut dyn Outbox) {
        for _ in 0..SESSIONS_PER_TURN {
            let Some(index) = self.sessions.first_due(now.ms) else { return };
            let id = self.sessions.at(index).id;
            if self.sessions.at(index).attempt.is_none() {
                self.dismiss(now, id, &Warning::LoginTimeout, out);
            } else if self.attempt_again(now, id, out) {
                return;
            }
        }
    }

    fn sweep(&mut self, now: Now, out: &mut dyn Outbox) {
        if now.ms < self.sweep_at {
            return;
        }
        let messages = self.messages.count();
        let mut swept = 0;
        while swept < SWEEP_ITEMS_MAX && self.sweep_one(now, out) {
            swept += 1;
        }
        if self.messages.count() < messages {
            // That a thread is over follows from its own record and the clock: so the clock is what has to survive.
            self.save_numbers(now, out);
        }
        let goes_on =
            swept == SWEEP_ITEMS_MAX && self.next_to_go().is_some_and(|due| due <= now.ms);
        if swept > 0 && !goes_on {
            self.sweep_at = now.ms + SWEEP_INTERVAL_MS;
        }
    }

    /// Removes one thing whose time is over.
    fn sweep_one(&mut self, now: Now, out: &mut dyn Outbox) -> bool {
        if let Some(slot) = self.messages.first_marked(now.ms) {
            let group = self.messages.at(slot).group;
            let group = self.groups.numbered(group).expect("a message's group is there");
            self.drop_thread(group, slot);
        } else if let Some(slot) = self.groups.first_marked(now.ms) {
            let no = self.groups.at(slot).no;
            self.drop_group(slot);
            write_removal(&Record::GroupRemoved { no }, out);
        } else if let Some(slot) = self.rooms.first_due(now.ms) {
            let no = self.rooms.at(slot).no;
            self.drop_room(slot);
            write_removal(&Record::RoomRemoved { no }, out);
        } else {
            return false;
        }
        true
    }

    /// Tells the log what it does not know of when rooms became empty, until it is full again.
    fn record_idle(&mut self, now: Now, out: &mut dyn Outbox) {
        while let Some(no) = self.unrecorded_idle.pop_first() {
            let Some(slot) = self.rooms.numbered(no) else { continue };
            let since = self.rooms.at(slot).idle_since;
            self.note_idle(now, slot, since, out);
            if self.unrecorded_idle.contains(&no) {
                self.idle_retry_at = now.ms + IDLE_RETRY_MS;
                return;
            }
        }
    }

    fn write_history(&mut self, now: Now, out: &mut dyn Outbox) {
        if self.unsaved_due.is_none_or(|due| now.ms < due) {
            return;
        }
        for _ in 0..HISTORY_WRITES_PER_TURN {
            let Some((no, line)) = self.unsaved.pop_front() else { break };
            self.write_line(no, line, out);
        }
        // What is left goes in the next turn.
        self.unsaved_due = (!self.unsaved.is_empty()).then_some(now.ms);
    }

    /// Writes a line, unless it has left the ring already: so a busy room costs the card less.
    fn write_line(&mut self, room: u32, no: u32, out: &mut dyn Outbox) {
        let Some(slot) = self.rooms.numbered(room) else { return };
        let history = &mut self.rooms.at_mut(slot).history;
        let Some(line) = history.get(no) else { return };
        let (sender, text, stamp) = (line.sender.clone(), &line.text, line.stamp.as_deref());
        let record = Record::Line { room, line: no, time: line.time, sender, text, stamp };
        if let Ok(place) = out.record(&record, Purpose::Fact) {
            history.written(no, place);
        }
    }

    /// Writes what the log should know before the server stops: its clock, and every line said.
    pub fn stop(&mut self, now: Now, out: &mut dyn Outbox) {
        self.record_idle(now, out);
        while let Some((no, line)) = self.unsaved.pop_front() {
            self.write_line(no, line, out);
        }
        self.unsaved_due = None;
        self.save_numbers(now, out);
        self.bury_the_dead(out);
    }
}

/// Writes that something is gone. A disk that cannot take it loses nothing: the same deadline ends it again.
fn write_removal(record: &Record<'_>, out: &mut dyn Outbox) {
    if let Ok(place) = out.record(record, Purpose::Upkeep) {
        out.retire(place);
    }
}
