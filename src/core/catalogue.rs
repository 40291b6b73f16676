//! What rooms and groups have in common: a number that grows, a name that is theirs alone, and a time that ends.
//!
//! Owns the slots, both indexes and the heap of deadlines. What an item is, and when its time runs, is its owner's
//! business.

use std::collections::BTreeMap;

use slab::Slab;

use crate::core::audit::ensure;
use crate::core::expiry::{Due, Expiry, NOWHERE};
use crate::core::name::{Folded, ItemName};

/// A thing with a number and a name. Neither changes.
pub(super) trait Item: Due {
    /// Its number: never used twice, and so the order of creation.
    fn no(&self) -> u32;
    /// Its name.
    fn name(&self) -> &ItemName;
    /// Since when its time has been over, or will be, if it may go then: it is then *marked*, and goes with the next
    /// sweep.
    fn marked_since(&self) -> Option<u64>;

    /// Whether it is marked.
    fn is_marked(&self, now: u64) -> bool {
        self.marked_since().is_some_and(|since| since <= now)
    }
}

/// All things of a kind.
#[derive(Debug)]
pub(super) struct Catalogue<T> {
    slots: Slab<T>,
    names: BTreeMap<Folded, u32>,
    numbers: BTreeMap<u32, u32>,
    expiry: Expiry,
}

impl<T: Item> Catalogue<T> {
    pub(super) fn new() -> Self {
        Self {
            slots: Slab::new(),
            names: BTreeMap::new(),
            numbers: BTreeMap::new(),
            expiry: Expiry::default(),
        }
    }

    /// Adds an item whose name and number are free; its time does not run yet.
    pub(super) fn add(&mut self, item: T) -> u32 {
        let (no, name) = (item.no(), item.name().folded());
        let slot = self.slots.insert(item) as u32;
        self.names.insert(name, slot);
        self.numbers.insert(no, slot);
        slot
    }

    /// Takes an item out.
    pub(super) fn remove(&mut self, slot: u32) -> T {
        self.unschedule(slot);
        let item = self.slots.remove(slot as usize);
        self.names.remove(&item.name().folded());
        self.numbers.remove(&item.no());
        item
    }

    pub(super) fn at(&self, slot: u32) -> &T {
        &self.slots[slot as usize]
    }

    pub(super) fn at_mut(&mut self, slot: u32) -> &mut T {
        &mut self.slots[slot as usize]
    }

    pub(super) fn named(&self, name: &ItemName) -> Option<u32> {
        self.names.get(&name.folded()).copied()
    }

    pub(super) fn numbered(&self, no: u32) -> Option<u32> {
        self.numbers.get(&no).copied()
    }

    pub(super) fn count(&self) -> usize {
        self.slots.len()
    }

    /// The first item whose number is at least `no`.
    pub(super) fn next(&self, no: u64) -> Option<&T> {
        let no = u32::try_from(no).ok()?;
        self.numbers.range(no..).next().map(|(_, &slot)| self.at(slot))
    }

    /// All items in order of creation.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.numbers.values().map(|&slot| self.at(slot))
    }

    /// The slots of all items in order of creation.
    pub(super) fn slots(&self) -> Vec<u32> {
        self.numbers.values().copied().collect()
    }

    /// How many items are marked.
    pub(super) fn marked(&self, now: u64) -> usize {
        match self.next_deadline() {
            Some(deadline) if deadline <= now => {
                self.iter().filter(|item| item.is_marked(now)).count()
            }
            _ => 0,
        }
    }

    /// Lets an item's time run to its deadline. It must not be running.
    pub(super) fn schedule(&mut self, slot: u32) {
        self.expiry.insert(&mut self.slots, slot);
    }

    /// Stops an item's time, if it runs.
    pub(super) fn unschedule(&mut self, slot: u32) {
        self.expiry.remove(&mut self.slots, slot);
    }

    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.expiry.first_deadline(&self.slots)
    }

    /// The item whose time has been over the longest.
    pub(super) fn first_due(&self, now: u64) -> Option<u32> {
        self.expiry.first().filter(|&slot| self.at(slot).deadline() <= now)
    }

    /// Whether indexes and deadlines say what the items say.
    ///
    /// # Errors
    /// What is wrong, for tests.
    pub(super) fn audit(&self) -> Result<(), String> {
        self.expiry.audit(&self.slots)?;
        for (slot, item) in &self.slots {
            let slot = slot as u32;
            let indexed =
                self.named(item.name()) == Some(slot) && self.numbered(item.no()) == Some(slot);
            ensure(indexed, || format!("indexes of {}", item.name()))?;
        }
        let count = self.slots.len();
        let whole = self.names.len() == count && self.numbers.len() == count;
        ensure(whole, || "an index has too many entries".into())?;
        let scheduled = self.slots.iter().filter(|(_, item)| item.position() != NOWHERE).count();
        ensure(self.expiry.count() == scheduled, || "the heap has too many entries".into())
    }
}
