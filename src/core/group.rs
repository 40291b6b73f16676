//! Message groups: what they are and when they end. Their messages are in `message.rs`, what users do with both in
//! `board.rs`.

use std::collections::BTreeMap;

use slab::Slab;
use zeroize::Zeroizing;

use crate::core::audit::ensure;
use crate::core::command::Admits;
use crate::core::event::Door;
use crate::core::expiry::{Expiry, NOWHERE, Timed};
use crate::core::name::{Folded, ItemName};
use crate::core::record::{PersonNo, Place};
use crate::core::room::{door, seconds_left};

/// A message group.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) no: u32,
    pub(super) name: ItemName,
    pub(super) owner: PersonNo,
    pub(super) password: Zeroizing<Box<str>>,
    pub(super) admits: Admits,
    /// The number the next message gets; grows only.
    pub(super) next_message: u32,
    /// The slots of its messages by number, which is the order of posting.
    pub(super) messages: BTreeMap<u32, u32>,
    /// The first message at the top level.
    pub(super) first: Option<u32>,
    /// `#messagestatus`
    pub(super) stamp: u32,
    pub(super) place: Place,
    users: u32,
    empty_since: u64,
    deadline: u64,
    position: u32,
}

impl Group {
    pub(super) fn users(&self) -> u32 {
        self.users
    }

    pub(super) fn deadline(&self) -> u64 {
        self.deadline
    }

    pub(super) fn door(&self) -> Door {
        door(&self.password)
    }

    /// Since when the group's time has been over with nobody in it: it is then marked, and goes with the next sweep.
    pub(super) fn marked_since(&self) -> Option<u64> {
        (self.users == 0).then_some(self.deadline.max(self.empty_since))
    }

    pub(super) fn is_marked(&self, now: u64) -> bool {
        self.marked_since().is_some_and(|since| since <= now)
    }

    /// Whole seconds left, at least 1; 0 once its time is over.
    pub(super) fn seconds_left(&self, now: u64) -> u32 {
        if self.deadline <= now { 0 } else { seconds_left(self.deadline, now) }
    }
}

impl Timed for Slab<Group> {
    fn deadline(&self, item: u32) -> u64 {
        self[item as usize].deadline
    }

    fn position(&self, item: u32) -> u32 {
        self[item as usize].position
    }

    fn set_position(&mut self, item: u32, position: u32) {
        self[item as usize].position = position;
    }
}

/// All groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    slots: Slab<Group>,
    names: BTreeMap<Folded, u32>,
    /// By number, which is the order of creation.
    numbers: BTreeMap<u32, u32>,
    expiry: Expiry,
}

/// What a new group is made of.
#[derive(Debug)]
pub(super) struct NewGroup<'a> {
    pub(super) no: u32,
    pub(super) name: ItemName,
    pub(super) owner: PersonNo,
    pub(super) password: &'a str,
    pub(super) admits: Admits,
    pub(super) deadline: u64,
    pub(super) next_message: u32,
    pub(super) stamp: u32,
    pub(super) place: Place,
}

impl Groups {
    /// Adds a group that nobody is in.
    pub(super) fn add(&mut self, new: NewGroup<'_>) -> u32 {
        let folded = new.name.folded();
        let slot = self.slots.insert(Group {
            no: new.no,
            name: new.name,
            owner: new.owner,
            password: Zeroizing::new(new.password.into()),
            admits: new.admits,
            next_message: new.next_message,
            messages: BTreeMap::new(),
            first: None,
            stamp: new.stamp,
            place: new.place,
            users: 0,
            empty_since: 0,
            deadline: new.deadline,
            position: NOWHERE,
        }) as u32;
        self.names.insert(folded, slot);
        self.numbers.insert(new.no, slot);
        self.expiry.insert(&mut self.slots, slot);
        slot
    }

    /// Takes a group out that nobody is in.
    pub(super) fn remove(&mut self, slot: u32) -> Group {
        assert_eq!(self.at(slot).users, 0, "only an empty group goes");
        self.expiry.remove(&mut self.slots, slot);
        let group = self.slots.remove(slot as usize);
        self.names.remove(&group.name.folded());
        self.numbers.remove(&group.no);
        group
    }

    pub(super) fn at(&self, slot: u32) -> &Group {
        &self.slots[slot as usize]
    }

    pub(super) fn at_mut(&mut self, slot: u32) -> &mut Group {
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

    /// The first group whose number is at least `no`.
    pub(super) fn next(&self, no: u64) -> Option<&Group> {
        let no = u32::try_from(no).ok()?;
        self.numbers.range(no..).next().map(|(_, &slot)| self.at(slot))
    }

    /// All groups in order of creation.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.numbers.values().map(|&slot| self.at(slot))
    }

    /// The slots of all groups in order of creation.
    pub(super) fn slots(&self) -> Vec<u32> {
        self.numbers.values().copied().collect()
    }

    /// How many groups are marked.
    pub(super) fn marked(&self, now: u64) -> usize {
        match self.next_deadline() {
            Some(deadline) if deadline <= now => {
                self.iter().filter(|group| group.is_marked(now)).count()
            }
            _ => 0,
        }
    }

    pub(super) fn join(&mut self, slot: u32) {
        self.at_mut(slot).users += 1;
    }

    /// One user fewer. The last one lets a group go whose time is over.
    pub(super) fn leave(&mut self, slot: u32, now: u64) {
        let group = self.at_mut(slot);
        group.users -= 1;
        if group.users == 0 {
            group.empty_since = now;
            if group.position == NOWHERE {
                self.expiry.insert(&mut self.slots, slot);
            }
        }
    }

    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.expiry.first_deadline(&self.slots)
    }

    /// A group that is marked. One whose time is over with users in it waits outside the heap until they leave.
    pub(super) fn first_marked(&mut self, now: u64) -> Option<u32> {
        while let Some(slot) = self.expiry.first().filter(|&slot| self.slots.deadline(slot) <= now)
        {
            if self.at(slot).users == 0 {
                return Some(slot);
            }
            self.expiry.remove(&mut self.slots, slot);
        }
        None
    }
}

impl Groups {
    /// Whether indexes and deadlines say what the groups say.
    ///
    /// # Errors
    /// What is wrong, for tests.
    pub(super) fn audit(&self) -> Result<(), String> {
        self.expiry.audit(&self.slots)?;
        let mut scheduled = 0;
        for (slot, group) in &self.slots {
            let (slot, name) = (slot as u32, group.name.as_str());
            let indexed =
                self.named(&group.name) == Some(slot) && self.numbered(group.no) == Some(slot);
            ensure(indexed, || format!("indexes of group {name}"))?;
            // One whose time is over waits outside the heap until its users have left.
            let is_scheduled = group.position != NOWHERE;
            ensure(is_scheduled || group.users > 0, || format!("deadline of group {name}"))?;
            scheduled += usize::from(is_scheduled);
            let last = group.messages.keys().next_back();
            let known = last.is_none_or(|&last| last < group.next_message);
            ensure(known, || format!("numbers of messages of group {name}"))?;
        }
        let count = self.slots.len();
        ensure(self.names.len() == count && self.numbers.len() == count, || {
            "groups by name".into()
        })?;
        ensure(self.expiry.count() == scheduled, || "groups with a deadline".into())
    }
}
