//! News: who is told of every room that is made, entered or left, wherever it stands (spec `dialects.md`, `chatapp`).
//!
//! A newcomer is told all there is by a list, as fast as it reads. What happens meanwhile it is told afterwards, if it
//! concerns what the list has shown already; what it has not reached yet it will show as it then is.

use crate::core::event::{Event, UserKind};
use crate::core::listing::ListKey;
use crate::core::manner::Hearing;
use crate::core::name::UserName;
use crate::core::room::Member;
use crate::core::session::Presence;
use crate::core::{House, Now, Outbox};

impl House {
    /// A newcomer who wants to know is told which rooms there are, and who stands in them.
    pub(super) fn tell_what_is(&mut self, now: Now, index: u32, out: &mut dyn Outbox) {
        let session = self.sessions.at(index);
        if session.manner.news == Hearing::Heard {
            let given = self.list(now, session.id, ListKey::Directory, None, out);
            given.expect("a list is never refused");
        }
    }

    /// All are about to go: nobody is told of each of the others.
    pub fn hush(&mut self) {
        self.sessions.stop_all_listening();
    }

    /// A room has been made.
    pub(super) fn announce_room(&self, now: Now, slot: u32, out: &mut dyn Outbox) {
        let room = self.rooms.at(slot);
        let event = Event::RoomMade { room: &room.name, time: now.wall };
        self.announce(slot, None, &event, out);
    }

    /// A user has entered a room.
    pub(super) fn announce_arrival(
        &self,
        now: Now,
        index: u32,
        presence: Presence,
        out: &mut dyn Outbox,
    ) {
        if self.sessions.listeners().is_empty() {
            return;
        }
        let room = self.rooms.at(presence.room);
        let entry = room.members()[presence.position as usize].entry;
        let user = &self.sessions.user(index).name;
        let event = Event::Entered { room: &room.name, user, time: now.wall };
        self.announce(presence.room, Some(entry), &event, out);
    }

    /// A user has left a room, of which it was this entry.
    pub(super) fn announce_departure(
        &self,
        now: Now,
        user: &UserName,
        slot: u32,
        entry: u64,
        out: &mut dyn Outbox,
    ) {
        let event = Event::Left { room: &self.rooms.at(slot).name, user, time: now.wall };
        self.announce(slot, Some(entry), &event, out);
    }

    /// Tells everybody who listens and sees the room; of a member, who has been told of that one or will not be.
    fn announce(&self, slot: u32, entry: Option<u64>, event: &Event<'_>, out: &mut dyn Outbox) {
        let listeners = self.sessions.listeners();
        let Some(first) = listeners.first() else { return };
        let room = self.rooms.at(slot);
        // Who listens is anonymous and of one manner: what one sees all see.
        let sees = self.sessions.at(first.session).manner.sees;
        if !room.is_shown(sees, UserKind::Anonymous) {
            return;
        }
        if !self.lists.wants(ListKey::Directory) {
            return out.broadcast(listeners, None, event);
        }
        let is_past = |member: &&Member| self.lists.has_passed(member.session, room.no, entry);
        let told: Vec<Member> = listeners.iter().filter(is_past).copied().collect();
        out.broadcast(&told, None, event);
    }
}
