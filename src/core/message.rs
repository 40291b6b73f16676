//! Messages: their headers, the threads they form, and when a thread ends. Their text stays on disk.
//!
//! A header is 96 bytes, whatever the message says. Siblings are a ring in order of posting, so that replies are
//! listed and removed without looking at the rest of the group.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use slab::Slab;

use crate::core::audit::ensure;
use crate::core::expiry::{Due, Expiry, NOWHERE};
use crate::core::group::Group;
use crate::core::name::ItemName;
use crate::core::record::{PersonNo, Place};

/// A message's header.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) name: ItemName,
    pub(super) poster: PersonNo,
    /// The number of its group.
    pub(super) group: u32,
    pub(super) id: NonZeroU32,
    /// The number of the message it replies to; 0 at the top level.
    pub(super) parent: u32,
    /// Direct replies.
    pub(super) replies: u32,
    pub(super) parts: u32,
    pub(super) place: Place,
    /// When its time is over; 0 for a reply.
    pub(super) deadline: u64,
    position: u32,
    /// The top-level message of its thread, which stays for as long as the thread does.
    root: u32,
    first_reply: u32,
    next: u32,
    previous: u32,
}

/// No message.
const NONE: u32 = u32::MAX;

/// What a new message is made of.
#[derive(Debug)]
pub(super) struct NewMessage {
    pub(super) name: ItemName,
    pub(super) poster: PersonNo,
    pub(super) group: u32,
    pub(super) id: NonZeroU32,
    pub(super) parent: u32,
    pub(super) parts: u32,
    pub(super) place: Place,
    pub(super) deadline: u64,
}

impl Due for Message {
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

/// The messages of all groups.
#[derive(Debug, Default)]
pub(super) struct Messages {
    slots: Slab<Message>,
    expiry: Expiry,
}

impl Messages {
    /// Adds a message to its group, in no thread yet. If one of its number is there, that one's slot is the error.
    pub(super) fn add(&mut self, new: NewMessage, group: &mut Group) -> Result<u32, u32> {
        let id = new.id;
        let free = group.messages.place(id.get())?;
        let deadline = new.deadline;
        let slot = self.slots.insert(Message {
            name: new.name,
            poster: new.poster,
            group: new.group,
            id,
            parent: new.parent,
            replies: 0,
            parts: new.parts,
            place: new.place,
            deadline,
            position: NOWHERE,
            root: NONE,
            first_reply: NONE,
            next: NONE,
            previous: NONE,
        }) as u32;
        free.take(slot);
        group.next_message = group.next_message.max(id.get() + 1);
        if new.parent == 0 {
            self.expiry.insert(&mut self.slots, slot);
        }
        Ok(slot)
    }

    /// Puts a message into its thread, behind its siblings. False if there is no such parent (any more).
    pub(super) fn link(&mut self, slot: u32, group: &mut Group) -> bool {
        let parent = self.at(slot).parent;
        let first = if parent == 0 {
            self.at_mut(slot).root = slot;
            group.first
        } else {
            let Some(above) = group.messages.get(parent) else { return false };
            let above = &mut self.slots[above as usize];
            above.replies += 1;
            let root = above.root;
            let first = above.first_reply;
            if first == NONE {
                above.first_reply = slot;
            }
            self.slots[slot as usize].root = root;
            Some(first).filter(|&first| first != NONE)
        };
        match first {
            Some(first) => self.put_before(slot, first),
            None => {
                let message = self.at_mut(slot);
                message.next = slot;
                message.previous = slot;
                if parent == 0 {
                    group.first = Some(slot);
                }
            }
        }
        true
    }

    /// In a ring, before the first is behind the last.
    fn put_before(&mut self, slot: u32, first: u32) {
        let last = self.at(first).previous;
        self.at_mut(last).next = slot;
        self.at_mut(first).previous = slot;
        let message = self.at_mut(slot);
        message.previous = last;
        message.next = first;
    }

    /// Takes one message out of its thread and its group. Replies below it must have gone, or be about to.
    pub(super) fn remove(&mut self, slot: u32, group: &mut Group) -> Message {
        self.unlink(slot, group);
        self.expiry.remove(&mut self.slots, slot);
        let message = self.slots.remove(slot as usize);
        group.messages.remove(message.id.get());
        message
    }

    fn unlink(&mut self, slot: u32, group: &mut Group) {
        let Message { next, previous, parent, .. } = *self.at(slot);
        if next == NONE {
            return;
        }
        let heir = if next == slot { NONE } else { next };
        self.at_mut(previous).next = next;
        self.at_mut(next).previous = previous;
        if parent == 0 {
            if group.first == Some(slot) {
                group.first = Some(heir).filter(|&heir| heir != NONE);
            }
        } else if let Some(above) = group.messages.get(parent) {
            let above = self.at_mut(above);
            above.replies -= 1;
            if above.first_reply == slot {
                above.first_reply = heir;
            }
        }
    }

    /// A message and all that is below it, those below first.
    pub(super) fn thread(&self, root: u32) -> Vec<u32> {
        let mut thread = vec![root];
        let mut done = 0;
        while done < thread.len() {
            thread.extend(
                self.ring(Some(self.at(thread[done]).first_reply).filter(|&first| first != NONE)),
            );
            done += 1;
        }
        thread.reverse();
        thread
    }

    fn ring(&self, first: Option<u32>) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(first, move |&slot| {
            Some(self.at(slot).next).filter(|&next| Some(next) != first)
        })
    }

    /// The first message in `group` whose number is at least `id`; of those below `parent` only, if one is given.
    pub(super) fn next(&self, group: &Group, parent: Option<u32>, id: u64) -> Option<u32> {
        let id = u32::try_from(id).ok()?;
        match parent {
            None => group.messages.from(id),
            Some(parent) => {
                // Mostly the one before is there, and its sibling is what is looked for.
                let before = id.checked_sub(1).and_then(|before| group.messages.get(before));
                match before.filter(|&before| self.at(before).parent == parent) {
                    Some(before) => self.sibling(group, before),
                    None => self
                        .ring(self.first_below(group, parent))
                        .find(|&slot| self.at(slot).id.get() >= id),
                }
            }
        }
    }

    /// The sibling behind a message; none behind the last.
    pub(super) fn sibling(&self, group: &Group, slot: u32) -> Option<u32> {
        let message = self.at(slot);
        Some(message.next).filter(|&next| self.first_below(group, message.parent) != Some(next))
    }

    fn first_below(&self, group: &Group, parent: u32) -> Option<u32> {
        if parent == 0 {
            return group.first;
        }
        let above = group.messages.get(parent)?;
        Some(self.at(above).first_reply).filter(|&first| first != NONE)
    }

    pub(super) fn at(&self, slot: u32) -> &Message {
        &self.slots[slot as usize]
    }

    pub(super) fn at_mut(&mut self, slot: u32) -> &mut Message {
        &mut self.slots[slot as usize]
    }

    pub(super) fn count(&self) -> usize {
        self.slots.len()
    }

    /// Since when the thread of a message has been over or will be: the deadline of its top-level message.
    /// Nothing while threads are not tied together yet.
    pub(super) fn marked_since(&self, slot: u32) -> Option<u64> {
        let root = self.at(slot).root;
        (root != NONE).then(|| self.at(root).deadline)
    }

    pub(super) fn is_marked(&self, slot: u32, now: u64) -> bool {
        self.marked_since(slot).is_some_and(|since| since <= now)
    }

    /// Whether any message at all waits for the sweep.
    pub(super) fn any_marked(&self, now: u64) -> bool {
        self.next_deadline().is_some_and(|deadline| deadline <= now)
    }

    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.expiry.first_deadline(&self.slots)
    }

    /// The top-level message whose time is over the longest.
    pub(super) fn first_marked(&self, now: u64) -> Option<u32> {
        self.expiry.first().filter(|&slot| self.at(slot).deadline <= now)
    }
}

impl Messages {
    /// Whether counts, rings and deadlines say what the messages say.
    ///
    /// # Errors
    /// What is wrong, for tests.
    pub(super) fn audit<'g>(&self, groups: impl Iterator<Item = &'g Group>) -> Result<(), String> {
        self.expiry.audit(&self.slots)?;
        let (mut count, mut scheduled) = (0, 0);
        for group in groups {
            let mut below: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
            for (id, slot) in group.messages.iter() {
                let message = self.at(slot);
                let what = || format!("message {id} of group {}", group.no);
                ensure(message.id.get() == id && message.group == group.no, what)?;
                ensure((message.position != NOWHERE) == (message.parent == 0), what)?;
                count += 1;
                scheduled += usize::from(message.parent == 0);
                below.entry(message.parent).or_default().push(slot);
            }
            for (&parent, slots) in &below {
                let what = || format!("messages below {parent} in group {}", group.no);
                let ring: Vec<u32> = self.ring(self.first_below(group, parent)).collect();
                ensure(ring == *slots, what)?;
                ensure(parent == 0 || group.messages.has(parent), what)?;
            }
            for (id, slot) in group.messages.iter() {
                let replies = below.get(&id).map_or(0, Vec::len);
                let what = || format!("replies to message {id} of group {}", group.no);
                ensure(self.at(slot).replies as usize == replies, what)?;
            }
        }
        ensure(count == self.slots.len(), || "messages without a group".into())?;
        ensure(scheduled == self.expiry.count(), || "messages with a deadline".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_message_takes_at_most_128_bytes() {
        let slot = std::mem::size_of::<Slab<Message>>();
        assert!(slot < 100);
        // The slab's tag lies in the number, which is never 0; an entry of the group's tree is 8 bytes, half full.
        let header = std::mem::size_of::<Message>();
        let tagged = std::mem::size_of::<Option<Message>>();
        let tree = 8 * 11 / 6 + 2;
        let heap = 4;
        assert!(header.max(tagged) + tree + heap <= 128, "{header} {tagged}");
    }
}
