//! The roll of a group: the slots of its messages by number, which is the order of posting.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::{Entry, VacantEntry};

/// Slots of messages by number.
///
/// The tree has the last number first: within a node it is searched from the first key on, and most messages come
/// behind all others.
#[derive(Debug, Default)]
pub(super) struct Roll(BTreeMap<Reverse<u32>, u32>);

/// A number that is on no message yet.
pub(super) struct Free<'r>(VacantEntry<'r, Reverse<u32>, u32>);

impl Free<'_> {
    pub(super) fn take(self, slot: u32) {
        self.0.insert(slot);
    }
}

impl Roll {
    /// The place for a message of this number, or the slot of the one that has it.
    pub(super) fn place(&mut self, id: u32) -> Result<Free<'_>, u32> {
        match self.0.entry(Reverse(id)) {
            Entry::Occupied(there) => Err(*there.get()),
            Entry::Vacant(free) => Ok(Free(free)),
        }
    }

    pub(super) fn get(&self, id: u32) -> Option<u32> {
        self.0.get(&Reverse(id)).copied()
    }

    pub(super) fn has(&self, id: u32) -> bool {
        self.0.contains_key(&Reverse(id))
    }

    /// The first message whose number is at least `id`.
    pub(super) fn from(&self, id: u32) -> Option<u32> {
        self.0.range(..=Reverse(id)).next_back().map(|(_, &slot)| slot)
    }

    pub(super) fn remove(&mut self, id: u32) {
        self.0.remove(&Reverse(id));
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Numbers and slots, in order of posting.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (u32, u32)> + '_ {
        self.0.iter().rev().map(|(&Reverse(id), &slot)| (id, slot))
    }

    /// Slots, in order of posting.
    pub(super) fn slots(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        self.iter().map(|(_, slot)| slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stand_in_order_of_posting_whenever_they_come() {
        let mut roll = Roll::default();
        for id in [5, 2, 9, 7] {
            roll.place(id).unwrap_or_else(|_| panic!("{id} is free")).take(100 + id);
        }
        assert_eq!(roll.place(7).err(), Some(107), "a number is given once");
        assert_eq!(roll.slots().collect::<Vec<_>>(), [102, 105, 107, 109]);
        assert_eq!(
            [0, 2, 3, 9, 10].map(|id| roll.from(id)),
            [Some(102), Some(102), Some(105), Some(109), None]
        );
        roll.remove(5);
        assert_eq!(
            (roll.get(5), roll.has(5), roll.get(7), roll.count()),
            (None, false, Some(107), 3)
        );
        assert_eq!(roll.iter().next_back(), Some((9, 109)));
    }
}
