//! What users do in rooms (spec `mec.md` 6, and `#history` and `#kick` of 9).

use crate::core::account::equal;
use crate::core::catalogue::Item;
use crate::core::command::{Admits, Password};
use crate::core::event::{Event, List, Reply, Row, UserKind, Warning};
use crate::core::history::Bounds;
use crate::core::history::Line;
use crate::core::listing::{GhostRow, ListKey};
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

    pub(super) fn create_room(
        &mut self,
        now: Now,
        id: SessionId,
        name: ItemName,
        password: Option<Password<'_>>,
        admits: Admits,
        out: &mut dyn Outbox,
    ) -> Outcome {
        self.may_create(id)?;
        if self.rooms.named(&name).is_some() {
            return Err(Status::RoomExists);
        }
        if self.rooms.count() > self.settings.rooms_max as usize {
            return Err(Status::NoMemory);
        }
        self.save_clock(now, out);
        let record = Record::Room {
            no: self.numbers.next_room(),
            name,
            owner: self.myself(id),
            password: password.map_or("", Password::as_str),
            admits,
            idle_since: Some(now.ms),
        };
        self.fact(&record, Purpose::Fact, out)?;
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
        let slot = self.find_room(now, name)?;
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
        let slot = self.find_room(now, name)?;
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
        let slot = self.room_of(id.index);
        let sender = &self.sessions.user(id.index).name;
        let room = self.rooms.at(slot);
        out.broadcast(room.members(), &Event::Said { room: &room.name, sender, text });
        let sender = sender.clone();
        self.remember(now, slot, sender, text);
        Ok(Answer::Given)
    }

    /// Keeps a line in the room's history, and has it written behind the chat.
    fn remember(&mut self, now: Now, slot: u32, sender: UserName, text: &str) {
        let bounds = self.history_bounds();
        if bounds.lines == 0 {
            return;
        }
        let room = self.rooms.at_mut(slot);
        let no = room.history.next_no();
        let line = Line { no, time: now.wall, sender, text: text.into(), place: None };
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
        id: SessionId,
        user: &UserName,
        text: &str,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let receiver = self.in_my_room(id, user)?;
        let sender = &self.sessions.user(id.index).name;
        out.send(self.sessions.at(receiver).id, &Event::Whispered { sender, text });
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
        let receiver = self.sessions.online(user).ok_or(Status::NotFound)?;
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
        let room = self.rooms.at(self.room_of(id.index));
        let lines = room.history.last(count.unwrap_or(HISTORY_LINES_DEFAULT) as usize);
        out.reply(id, &Reply::List(List::History, lines.len() as u32));
        for line in lines {
            let row = Row::Line { time: line.time, sender: &line.sender, text: &line.text };
            out.reply(id, &Reply::Row(row));
        }
        Ok(Answer::Given)
    }

    pub(super) fn kick(
        &mut self,
        now: Now,
        id: SessionId,
        user: &UserName,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let slot = self.room_of(id.index);
        let me = self.sessions.user(id.index);
        let owner = me.name.clone();
        if self.rooms.at(slot).owner != Some(me.person) {
            return Err(Status::NotOwner);
        }
        let kicked = self.in_my_room(id, user)?;
        if kicked == id.index {
            return Err(Status::Unknown);
        }
        if self.rooms.at(slot).bans.len() >= BANS_PER_ROOM_MAX {
            return Err(Status::NoMemory);
        }
        let banned = self.sessions.user(kicked).name.folded();
        self.rooms.at_mut(slot).bans.push(banned);
        self.leave_room(now, kicked, slot, out);
        if self.sessions.user(kicked).rooms.as_slice().is_empty() {
            self.enter_room(now, kicked, HOME, out);
        }
        let warning = Warning::Kicked { room: &self.rooms.at(slot).name, owner: &owner };
        out.send(self.sessions.at(kicked).id, &Event::Warning(warning));
        Ok(Answer::Done)
    }

    /// The session of a user who stands in the caller's room.
    fn in_my_room(&self, id: SessionId, user: &UserName) -> Result<u32, Status> {
        let room = self.room_of(id.index);
        let other = self.sessions.online(user).ok_or(Status::NotFound)?;
        let there =
            self.sessions.user(other).rooms.as_slice().iter().any(|presence| presence.room == room);
        if there { Ok(other) } else { Err(Status::NotFound) }
    }

    /// A room that can still be used.
    fn find_room(&self, now: Now, name: &ItemName) -> Result<u32, Status> {
        let slot = self.rooms.named(name).ok_or(Status::NoRoom)?;
        if self.rooms.at(slot).is_marked(now.ms) { Err(Status::Expired) } else { Ok(slot) }
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
