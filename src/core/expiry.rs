//! Deadlines of one kind of item: a binary heap of slots, each item knowing its place in the heap.
//!
//! Costs 4 bytes an item here and 4 in the item; an item is taken out exactly, so nothing stale is ever left. What a
//! deadline means is the owner's business.

use slab::Slab;

use crate::core::audit::ensure;

/// Items that have a deadline, addressed by slot.
pub(super) trait Timed {
    /// The item's deadline in ms of the server's clock. Must not change while the item is in the heap.
    fn deadline(&self, item: u32) -> u64;
    /// Where the item stands in the heap; [`NOWHERE`] if it does not.
    fn position(&self, item: u32) -> u32;
    /// Remembers where the item stands.
    fn set_position(&mut self, item: u32, position: u32);
}

/// An item that keeps its deadline and its place in the heap itself.
pub(super) trait Due {
    /// When its time is over, in ms of the server's clock.
    fn deadline(&self) -> u64;
    /// Where it stands in the heap.
    fn position(&self) -> u32;
    /// Remembers where it stands.
    fn set_position(&mut self, position: u32);
}

impl<T: Due> Timed for Slab<T> {
    fn deadline(&self, item: u32) -> u64 {
        self[item as usize].deadline()
    }

    fn position(&self, item: u32) -> u32 {
        self[item as usize].position()
    }

    fn set_position(&mut self, item: u32, position: u32) {
        self[item as usize].set_position(position);
    }
}

/// The position of an item that is in no heap.
pub(super) const NOWHERE: u32 = u32::MAX;

/// A heap of items by deadline, the soonest first.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    heap: Vec<u32>,
}

impl Expiry {
    /// The item that is due next.
    pub(super) fn first(&self) -> Option<u32> {
        self.heap.first().copied()
    }

    /// The soonest deadline.
    pub(super) fn first_deadline(&self, items: &impl Timed) -> Option<u64> {
        self.first().map(|item| items.deadline(item))
    }

    /// Adds an item that is not in the heap.
    pub(super) fn insert(&mut self, items: &mut impl Timed, item: u32) {
        assert_eq!(items.position(item), NOWHERE, "an item is in the heap once");
        let position = self.heap.len();
        self.heap.push(item);
        items.set_position(item, position as u32);
        self.rise(items, position);
    }

    /// Takes an item out; nothing happens if it is not in.
    pub(super) fn remove(&mut self, items: &mut impl Timed, item: u32) {
        let position = items.position(item);
        if position == NOWHERE {
            return;
        }
        let position = position as usize;
        assert_eq!(self.heap[position], item, "an item knows its place in the heap");
        items.set_position(item, NOWHERE);
        self.heap.swap_remove(position);
        if position < self.heap.len() {
            items.set_position(self.heap[position], position as u32);
            self.rise(items, position);
            self.sink(items, position);
        }
    }

    /// Whether the heap is one, and every item in it knows its place.
    ///
    /// # Errors
    /// What is wrong, for tests.
    pub(super) fn audit(&self, items: &impl Timed) -> Result<(), String> {
        for (at, &item) in self.heap.iter().enumerate() {
            ensure(items.position(item) as usize == at, || format!("item {item} is not at {at}"))?;
            let above = self.heap[at.saturating_sub(1) / 2];
            let in_order = items.deadline(above) <= items.deadline(item);
            ensure(in_order, || format!("item {item} is due before the one above it"))?;
        }
        Ok(())
    }

    /// How many items have a deadline.
    pub(super) fn count(&self) -> usize {
        self.heap.len()
    }

    fn rise(&mut self, items: &mut impl Timed, mut position: usize) {
        while position > 0 {
            let above = (position - 1) / 2;
            if items.deadline(self.heap[above]) <= items.deadline(self.heap[position]) {
                break;
            }
            self.swap(items, above, position);
            position = above;
        }
    }

    fn sink(&mut self, items: &mut impl Timed, mut position: usize) {
        loop {
            let below = 2 * position + 1;
            let Some(soonest) = (below..self.heap.len().min(below + 2))
                .min_by_key(|&child| items.deadline(self.heap[child]))
            else {
                break;
            };
            if items.deadline(self.heap[position]) <= items.deadline(self.heap[soonest]) {
                break;
            }
            self.swap(items, position, soonest);
            position = soonest;
        }
    }

    fn swap(&mut self, items: &mut impl Timed, a: usize, b: usize) {
        self.heap.swap(a, b);
        items.set_position(self.heap[a], a as u32);
        items.set_position(self.heap[b], b as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Items(Vec<(u64, u32)>);

    impl Timed for Items {
        fn deadline(&self, item: u32) -> u64 {
            self.0[item as usize].0
        }
        fn position(&self, item: u32) -> u32 {
            self.0[item as usize].1
        }
        fn set_position(&mut self, item: u32, position: u32) {
            self.0[item as usize].1 = position;
        }
    }

    #[test]
    fn items_come_out_by_deadline_whatever_was_taken_out_in_between() {
        let mut items = Items((0..200_u64).map(|n| (n * 7919 % 211, NOWHERE)).collect());
        let mut expiry = Expiry::default();
        for item in 0..200 {
            expiry.insert(&mut items, item);
        }
        for item in (0..200).step_by(3) {
            expiry.remove(&mut items, item);
            expiry.remove(&mut items, item);
        }
        let mut last = 0;
        let mut count = 0;
        while let Some(item) = expiry.first() {
            let deadline = items.deadline(item);
            assert!(deadline >= last && item % 3 != 0);
            last = deadline;
            count += 1;
            expiry.remove(&mut items, item);
        }
        assert_eq!(count, 133);
    }
}
