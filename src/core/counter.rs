//! The server's own numbers: status numbers (spec `mec.md` 8), and the next person, room and group.
//!
//! All status numbers are drawn from one sequence, so that no two states of anything share one. The log holds a bound
//! below which numbers may have been given out; a restart goes on from there.

use crate::core::record::{Counters, PersonNo};
use crate::limits::STAMPS_RESERVED;

/// Status numbers fit a signed 32-bit integer and are never negative.
const STAMP_MAX: u32 = i32::MAX as u32;

/// Numbers that one request may draw before the bound is looked at again.
const MARGIN: u32 = 1024;

const _: () = assert!(MARGIN < STAMPS_RESERVED / 2, "the bound moves before it is met");

/// The numbers, and what of them the log knows.
#[derive(Debug)]
pub(super) struct Numbers {
    stamp: u32,
    reserved: u32,
    /// `#archstatus`
    pub(super) architecture: u32,
    /// `#roomstatus`
    pub(super) room: u32,
    /// `#groupstatus`
    pub(super) group: u32,
    next_person: u32,
    next_room: u32,
    next_group: u32,
    /// The clock as the log last heard it.
    pub(super) clock_saved: u64,
}

impl Numbers {
    pub(super) fn new() -> Self {
        Self {
            stamp: 1,
            reserved: 1,
            architecture: 1,
            room: 1,
            group: 1,
            next_person: 1,
            next_room: 1,
            next_group: 1,
            clock_saved: 0,
        }
    }

    /// A status number that nobody has seen yet.
    pub(super) fn stamp(&mut self) -> u32 {
        self.stamp = if self.stamp >= STAMP_MAX { 1 } else { self.stamp + 1 };
        self.stamp
    }

    /// The status number of what has not changed since the start.
    pub(super) fn current(&self) -> u32 {
        self.stamp
    }

    /// The bound that the log has: numbers up to it may be given out.
    pub(super) fn reserved(&self) -> u32 {
        self.reserved
    }

    /// How many numbers the log still has as used that are not.
    pub(super) fn left(&self) -> u32 {
        // More than are ever reserved: the numbers have passed their bound, or begun again below it.
        Some(self.reserved.wrapping_sub(self.stamp))
            .filter(|&left| left <= STAMPS_RESERVED)
            .unwrap_or(0)
    }

    /// Whether the log has to hear of a new bound before another request is served.
    pub(super) fn short_of_stamps(&self) -> bool {
        self.left() <= MARGIN
    }

    /// What the log is told. The bound moves ahead of the numbers in use when half of them are given out, because each
    /// move costs a sync.
    pub(super) fn reserve(&mut self, clock: u64) -> Counters {
        if self.left() < STAMPS_RESERVED / 2 {
            if self.stamp >= STAMP_MAX - STAMPS_RESERVED {
                self.stamp = 1;
            }
            self.reserved = self.stamp + STAMPS_RESERVED;
        }
        self.clock_saved = clock;
        Counters {
            clock,
            stamps: self.reserved,
            next_person: self.next_person,
            next_room: self.next_room,
            next_group: self.next_group,
        }
    }

    /// How far the numbers have come, with nothing reserved ahead: an import goes on from there.
    pub(super) fn counters(&self) -> Counters {
        Counters {
            clock: self.clock_saved,
            stamps: self.stamp,
            next_person: self.next_person,
            next_room: self.next_room,
            next_group: self.next_group,
        }
    }

    /// The log could not take the bound, and has this one still.
    pub(super) fn unreserve(&mut self, reserved: u32) {
        self.reserved = reserved;
    }

    /// What the log said. The last word holds for the status numbers, the highest for the others.
    pub(super) fn restore(&mut self, counters: &Counters) {
        self.stamp = counters.stamps;
        self.reserved = counters.stamps;
        self.architecture = counters.stamps;
        self.room = counters.stamps;
        self.group = counters.stamps;
        self.clock_saved = self.clock_saved.max(counters.clock);
        self.next_person = self.next_person.max(counters.next_person);
        self.next_room = self.next_room.max(counters.next_room);
        self.next_group = self.next_group.max(counters.next_group);
    }

    pub(super) fn new_person(&mut self) -> PersonNo {
        let person = PersonNo(self.next_person);
        self.next_person += 1;
        person
    }

    /// The number the next room gets.
    pub(super) fn next_room(&self) -> u32 {
        self.next_room
    }

    /// The number the next group gets.
    pub(super) fn next_group(&self) -> u32 {
        self.next_group
    }

    pub(super) fn saw_person(&mut self, person: PersonNo) {
        self.next_person = self.next_person.max(person.0 + 1);
    }

    pub(super) fn saw_room(&mut self, no: u32) {
        self.next_room = self.next_room.max(no + 1);
    }

    pub(super) fn saw_group(&mut self, no: u32) {
        self.next_group = self.next_group.max(no + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_after_a_restart_are_none_that_were_given_out_before() {
        let mut before = Numbers::new();
        let written = before.reserve(0);
        let mut given = Vec::new();
        while !before.short_of_stamps() {
            given.push(before.stamp());
        }
        let mut after = Numbers::new();
        after.restore(&written);
        assert!(given.iter().all(|&number| number < after.current()));
        assert!(after.short_of_stamps(), "the first change reserves anew");
    }

    #[test]
    fn the_bound_moves_only_when_half_of_the_numbers_are_given_out() {
        let mut numbers = Numbers::new();
        let first = numbers.reserve(0).stamps;
        for _ in 0..STAMPS_RESERVED / 2 {
            assert_eq!(numbers.reserve(0).stamps, first);
            numbers.stamp();
        }
        numbers.stamp();
        assert_eq!(numbers.reserve(0).stamps, numbers.current() + STAMPS_RESERVED);
    }

    #[test]
    fn a_bound_that_was_refused_is_asked_for_again_when_numbers_run_short() {
        for start in [5, STAMP_MAX - 1] {
            let mut numbers = Numbers::new();
            numbers.restore(&Counters { stamps: start, ..Counters::default() });
            let before = numbers.reserved();
            numbers.reserve(0);
            numbers.unreserve(before);
            numbers.stamp();
            assert_eq!(numbers.left(), 0);
            assert!(numbers.short_of_stamps());
            assert_eq!(numbers.reserve(0).stamps, numbers.current() + STAMPS_RESERVED);
        }
    }

    #[test]
    fn numbers_wrap_before_they_turn_negative() {
        let mut numbers = Numbers::new();
        numbers.restore(&Counters { stamps: STAMP_MAX - 1, ..Counters::default() });
        assert!(numbers.reserve(0).stamps < STAMP_MAX);
        numbers.restore(&Counters { stamps: STAMP_MAX, ..Counters::default() });
        assert_eq!(numbers.stamp(), 1);
    }
}
