//! Message groups: what they are and when they end. Their messages are in `message.rs`, what users do with both in
//! `board.rs`.

use zeroize::Zeroizing;

use crate::core::audit::ensure;
use crate::core::catalogue::{Catalogue, Item};
use crate::core::command::Admits;
use crate::core::event::Door;
use crate::core::expiry::{Due, NOWHERE};
use crate::core::name::ItemName;
use crate::core::record::{PersonNo, Place};
use crate::core::roll::Roll;
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
    /// Its messages.
    pub(super) messages: Roll,
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

    pub(super) fn door(&self) -> Door {
        door(&self.password)
    }

    /// Whole seconds left, at least 1; 0 once its time is over.
    pub(super) fn seconds_left(&self, now: u64) -> u32 {
        if self.deadline <= now { 0 } else { seconds_left(self.deadline, now) }
    }
}

impl Item for Group {
    fn no(&self) -> u32 {
        self.no
    }

    fn name(&self) -> &ItemName {
        &self.name
    }

    /// While users are in it, its end waits for them to leave.
    fn marked_since(&self) -> Option<u64> {
        (self.users == 0).then_some(self.deadline.max(self.empty_since))
    }
}

impl Due for Group {
    fn deadline(&self) -> u64 {
        self.deadline
    }

    fn position(&self) -> u32 {
        self.position
    }

    fn set_position(&mut self, position: u32) {
        self.position = position;
    }
}

/// All groups.
#[derive(Debug)]
pub(super) struct Groups(Catalogue<Group>);

impl std::ops::Deref for Groups {
    type Target = Catalogue<Group>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl std::ops::DerefMut for Groups {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
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
    /// None yet.
    pub(super) fn new() -> Self {
        Self(Catalogue::new())
    }

    /// Adds a group that nobody is in.
    pub(super) fn add(&mut self, new: NewGroup<'_>) -> u32 {
        let slot = self.0.add(Group {
            no: new.no,
            name: new.name,
            owner: new.owner,
            password: Zeroizing::new(new.password.into()),
            admits: new.admits,
            next_message: new.next_message,
            messages: Roll::default(),
            first: None,
            stamp: new.stamp,
            place: new.place,
            users: 0,
            empty_since: 0,
            deadline: new.deadline,
            position: NOWHERE,
        });
        self.schedule(slot);
        slot
    }

    /// Takes a group out that nobody is in.
    pub(super) fn remove(&mut self, slot: u32) -> Group {
        assert_eq!(self.at(slot).users, 0, "only an empty group goes");
        self.0.remove(slot)
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
                self.schedule(slot);
            }
        }
    }

    /// A group that is marked. One whose time is over with users in it waits outside the heap until they leave.
    pub(super) fn first_marked(&mut self, now: u64) -> Option<u32> {
        while let Some(slot) = self.first_due(now) {
            if self.at(slot).users == 0 {
                return Some(slot);
            }
            self.unschedule(slot);
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
        self.0.audit()?;
        for group in self.iter() {
            let name = group.name.as_str();
            // One whose time is over waits outside the heap until its users have left.
            let scheduled = group.position != NOWHERE;
            ensure(scheduled || group.users > 0, || format!("deadline of group {name}"))?;
            let last = group.messages.iter().next_back();
            let known = last.is_none_or(|(last, _)| last < group.next_message);
            ensure(known, || format!("numbers of messages of group {name}"))?;
        }
        Ok(())
    }
}
