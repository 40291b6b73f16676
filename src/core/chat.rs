//! What users do in rooms (spec `mec.md` 6, and `#history` and `#kick` of 9).

use crate::core::account::equal;
use crate::core::catalogue::Item;
use crate::core::command::{Admits, Password, Then};
use crate::core::event::{Event, List, Reply, Row, UserKind, Warning};
use crate::core::history::Bounds;
use crate::core::history::Line;
use crate::core::listing::{GhostRow, ListKey};
use crate::core::manner::{Hearing, Sees, Stands};
use crate::core::name::{ItemName, UserName};
use crate::core::outbox::{Full, Purpose};
use crate::core::record::{Owner, Record};
use crate::core::room::HOME;
use crate::core::{Answer, House, Now, Outbox, Outcome, SessionId, Status};
use crate::limits::{BANS_PER_ROOM_MAX, HISTORY_UNSAVED_MAX, IDLE_RETRY_MS};

/// Lines of history that are given when none are asked for.
const HISTORY_LINES_DEFAULT: u32 = 10;

impl House {
    pub(super) fn who_am_i(&self, id: SessionId, out: &mut dyn Outbox) -> Outcome {
        let user = self.sessions.user(id.index);
        let room = self.rooms.at(self.room_of(id.index));
        let group =
            user.group.map(|slot| self.groups.at(slot)).map(|group| (&group.name, group.no));
        let reply =
            Reply::WhoAmI { user: &user.name, room: &room.name, users: room.users(), group };
        out.reply(id, &reply);
        Ok(Answer::Given)
    }

    #[expect(clippy::too_many_arguments, reason = "they are the words of the command")]
    pub(super) fn create_room(
        &mut self,
        now: Now,
        id: SessionId,
        name: ItemName,
        password: Option<Password<'_>>,
        admits: Admits,
        then: Then,
        out: &mut dyn Outbox,
    ) -> Outcome {
        self.may_create(id)?;
        if self.rooms.named(&name).is_some() {
            return Err(Status::RoomExists);
        }
        if self.rooms.count() > self.settings.rooms_max as usize {
            return Err(Status::NoMemory);
        }
        if then == Then::Enter {
            self.has_room_for_another(id.index)?;
        }
        self.save_clock(now, out);
        let no = self.numbers.next_room();
        let record = Record::Room {
            no,
            name,
            owner: self.myself(id),
            password: password.map_or("", Password::as_str),
            admits,
            lifetime: self.sessions.at(id.index).manner.rooms,
            idle_since: Some(now.ms),
        };
        self.fact(&record, Purpose::Fact, out)?;
        let slot = self.rooms.numbered(no).expect("it has just been made");
        self.announce_room(now, slot, out);
        if then == Then::Enter {
            self.enter_room(now, id.index, slot, out);
        }
        Ok(Answer::Done)
    }

    pub(super) fn remove_room(
        &mut self,
        now: Now,
        id: SessionId,
        name: &ItemName,
        password: Option<Password<'_>>,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let slot = self.find_room(now, id, name)?;
        let room = self.rooms.at(slot);
        if room.owner != Some(self.sessions.user(id.index).person) {
            return Err(Status::NotOwner);
        }
        if !opens(&room.password, password) {
            return Err(Status::WrongRoomPassword);
        }
        if room.users() > 0 {
            return Err(Status::NotEmpty);
        }
        self.fact(&Record::RoomRemoved { no: room.no }, Purpose::Upkeep, out)?;
        Ok(Answer::Done)
    }

    pub(super) fn change_room(
        &mut self,
        now: Now,
        id: SessionId,
        name: &ItemName,
        password: Option<Password<'_>>,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let slot = self.find_room(now, id, name)?;
        let room = self.rooms.at(slot);
        let user = self.sessions.user(id.index);
        if room.admits == Admits::Registered && user.kind == UserKind::Anonymous {
            return Err(Status::NoAccess);
        }
        if room.bans.contains(&user.name.folded()) {
            return Err(Status::NoAccess);
        }
        if !opens(&room.password, password) {
            return Err(Status::WrongRoomPassword);
        }
        let here = self.room_of(id.index);
        if here != slot {
            self.leave_room(now, id.index, here, out);
            self.enter_room(now, id.index, slot, out);
        }
        Ok(Answer::Done)
    }

    pub(super) fn broadcast(
        &mut self,
        now: Now,
        id: SessionId,
        text: &str,
        out: &mut dyn Outbox,
    ) -> Outcome {
        self.speak(now, id.index, self.room_of(id.index), text, None, out);
        Ok(Answer::Given)
    }

    /// A user says something in a room.
    pub(super) fn speak(
        &mut self,
        now: Now,
        index: u32,
        slot: u32,
        text: &str,
        stamp: Option<&str>,
        out: &mut dyn Outbox,
    ) {
        let speaker = self.sessions.user(index);
        let (sender, nickname) = (&speaker.name, self.nickname(speaker.person));
        let room = self.rooms.at(slot);
        let except = match self.sessions.at(index).manner.echo {
            Hearing::Heard => None,
            Hearing::Unheard => Some(index),
        };
        let said = Event::Said { room: &room.name, sender, text, time: now.wall, stamp, nickname };
        out.broadcast(room.members(), except, &said);
        let sender = sender.clone();
        self.remember(now, slot, sender, text, stamp);
    }

    /// Keeps a line in the room's history, and has it written behind the chat.
    fn remember(&mut self, now: Now, slot: u32, sender: UserName, text: &str, stamp: Option<&str>) {
        let bounds = self.history_bounds();
        if bounds.lines == 0 {
            return;
        }
        let room = self.rooms.at_mut(slot);
        let no = room.history.next_no();
        let (text, stamp) = (text.into(), stamp.map(Into::into));
        let line = Line { no, time: now.wall, sender, text, stamp, place: None };
        room.history.add(line, bounds, &mut self.dead);
        if self.settings.history_saved {
            self.unsaved.push_back((room.no, no));
            if self.unsaved.len() > HISTORY_UNSAVED_MAX {
                self.unsaved.pop_front();
            }
            self.unsaved_due.get_or_insert(now.ms + self.settings.history_delay_ms);
        }
    }

    pub(super) fn history_bounds(&self) -> Bounds {
        Bounds { lines: self.settings.history_lines, bytes: self.settings.history_bytes }
    }

    pub(super) fn send_to(
        &self,
        now: Now,
        id: SessionId,
        user: &UserName,
        text: &str,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let receiver = self.in_my_room(id, user)?;
        self.whisper(now, id, receiver, text, out)
    }

    /// A user says something to another one alone.
    pub(super) fn whisper(
        &self,
        now: Now,
        id: SessionId,
        receiver: u32,
        text: &str,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let receiver = self.sessions.at(receiver);
        if receiver.manner.whispers == Hearing::Unheard {
            return Err(Status::NotFound);
        }
        let (to, me) = (self.sessions.user(receiver.id.index), self.sessions.user(id.index));
        let nickname = self.nickname(me.person);
        let (receiver, sender, to) = (&to.name, &me.name, receiver.id);
        out.send(to, &Event::Whispered { receiver, sender, text, time: now.wall, nickname });
        Ok(Answer::Done)
    }

    pub(super) fn peer_to_peer(
        &self,
        id: SessionId,
        user: &UserName,
        port: u16,
        address: &str,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let receiver = self.sessions.kin(id.index, user).ok_or(Status::NotFound)?;
        let sender = &self.sessions.user(id.index).name;
        out.send(self.sessions.at(receiver).id, &Event::PeerOffered { sender, port, address });
        Ok(Answer::Done)
    }

    pub(super) fn history(
        &self,
        id: SessionId,
        count: Option<u32>,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let count = count.unwrap_or(HISTORY_LINES_DEFAULT) as usize;
        self.recount(id, self.room_of(id.index), count, out);
        Ok(Answer::Given)
    }

    /// Answers with the last lines said in a room.
    pub(super) fn recount(&self, id: SessionId, slot: u32, count: usize, out: &mut dyn Outbox) {
        let lines = self.rooms.at(slot).history.last(count);
        out.reply(id, &Reply::List(List::History, lines.len() as u32));
        for (before, line) in lines.enumerate() {
            let (sender, stamp) = (&line.sender, line.stamp.as_deref());
            let row = Row::Line { time: line.time, sender, text: &line.text, stamp };
            out.reply(id, &Reply::Row(row, before as u32));
        }
        out.reply(id, &Reply::End(List::History));
    }

    pub(super) fn kick(
        &mut self,
        now: Now,
        id: SessionId,
        user: &UserName,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let slot = self.room_of(id.index);
        if self.rooms.at(slot).owner != Some(self.sessions.user(id.index).person) {
            return Err(Status::NotOwner);
        }
        let kicked = self.in_my_room(id, user)?;
        if kicked == id.index {
            return Err(Status::Unknown);
        }
        self.banish(now, id, kicked, slot, out)
    }

    /// Sends a member away from a room, for good. The other members are told.
    pub(super) fn banish(
        &mut self,
        now: Now,
        id: SessionId,
        kicked: u32,
        slot: u32,
        out: &mut dyn Outbox,
    ) -> Outcome {
        if self.rooms.at(slot).bans.len() >= BANS_PER_ROOM_MAX {
            return Err(Status::NoMemory);
        }
        self.end_membership(self.sessions.user(kicked).person, slot, out)?;
        let name = self.sessions.user(kicked).name.clone();
        self.rooms.at_mut(slot).bans.push(name.folded());
        self.leave_room(now, kicked, slot, out);
        if self.sessions.at(kicked).manner.stands == Stands::InOneRoom {
            self.enter_room(now, kicked, HOME, out);
        }
        let room = self.rooms.at(slot);
        let warning =
            Warning::Kicked { room: &room.name, owner: &self.sessions.user(id.index).name };
        out.send(self.sessions.at(kicked).id, &Event::Warning(warning));
        let expelled = Event::Expelled { room: &room.name, user: &name };
        out.broadcast(room.members(), Some(id.index), &expelled);
        Ok(Answer::Done)
    }

    /// The session of a user who stands in the caller's room.
    fn in_my_room(&self, id: SessionId, user: &UserName) -> Result<u32, Status> {
        let room = self.room_of(id.index);
        let other = self.sessions.online(user).ok_or(Status::NotFound)?;
        if self.stands_in(other, room) { Ok(other) } else { Err(Status::NotFound) }
    }

    /// Whether a user stands in a room.
    pub(super) fn stands_in(&self, index: u32, slot: u32) -> bool {
        self.sessions.user(index).rooms.as_slice().iter().any(|presence| presence.room == slot)
    }

    /// A room that the caller sees and that can still be used.
    fn find_room(&self, now: Now, id: SessionId, name: &ItemName) -> Result<u32, Status> {
        let slot = self.rooms.named(name).ok_or(Status::NoRoom)?;
        let room = self.rooms.at(slot);
        let kind = self.sessions.user(id.index).kind;
        if !room.is_shown(Sees::Doors, kind) {
            return Err(Status::NoRoom);
        }
        if room.is_marked(now.ms) { Err(Status::Expired) } else { Ok(slot) }
    }

    /// Whether the administrator lets this user make rooms and groups.
    pub(super) fn may_create(&self, id: SessionId) -> Result<(), Status> {
        match self.sessions.user(id.index).kind {
            UserKind::Anonymous if !self.settings.anonymous_may_create => Err(Status::NoAccess),
            UserKind::Anonymous | UserKind::Registered => Ok(()),
        }
    }

    /// The caller as an owner.
    pub(super) fn myself(&self, id: SessionId) -> Owner {
        let user = self.sessions.user(id.index);
        Owner { person: user.person, name: user.name.clone() }
    }

    pub(super) fn enter_room(&mut self, now: Now, index: u32, slot: u32, out: &mut dyn Outbox) {
        let stamp = self.numbers.stamp();
        self.numbers.room = stamp;
        let presence = self.rooms.enter(slot, index, stamp);
        self.sessions.user_mut(index).rooms.add(presence);
        self.announce_arrival(now, index, presence, out);
        if slot != HOME && self.rooms.at(slot).users() == 1 {
            self.note_idle(now, slot, None, out);
        }
    }

    pub(super) fn leave_room(&mut self, now: Now, index: u32, slot: u32, out: &mut dyn Outbox) {
        let user = self.sessions.user_mut(index);
        let presence = user.rooms.remove(slot).expect("a user leaves where it is");
        let (name, kind) = (user.name.clone(), user.kind);
        let stamp = self.numbers.stamp();
        self.numbers.room = stamp;
        let entry = self.rooms.leave(presence, stamp, &mut self.sessions);
        self.announce_departure(now, &name, slot, entry, out);
        let room = self.rooms.at(slot);
        let key = ListKey::Users(room.no);
        if self.lists.wants(key) {
            self.too_slow.extend(self.lists.bury(key, entry, None, GhostRow::User { name, kind }));
        }
        if slot != HOME && room.users() == 0 {
            self.note_idle(now, slot, Some(now.ms), out);
        }
    }

    /// Somebody entered an empty room, or the last one left. What the disk cannot take, it is told later.
    pub(super) fn note_idle(
        &mut self,
        now: Now,
        slot: u32,
        since: Option<u64>,
        out: &mut dyn Outbox,
    ) {
        self.save_clock(now, out);
        let no = self.rooms.at(slot).no;
        let record = Record::RoomIdle { no, since };
        match out.record(&record, Purpose::Upkeep) {
            Ok(place) => self.apply(&record, place),
            Err(Full) => {
                self.set_idle(slot, since);
                if self.unrecorded_idle.is_empty() {
                    self.idle_retry_at = now.ms + IDLE_RETRY_MS;
                }
                self.unrecorded_idle.insert(no);
            }
        }
        self.bury_the_dead(out);
    }
}

/// Whether what has this password opens to the one that was given.
pub(super) fn opens(password: &str, given: Option<Password<'_>>) -> bool {
    password.is_empty() || equal(password.as_bytes(), given.map_or("", Password::as_str).as_bytes())
}
