//! Memberships: which accounts belong to which rooms, whether online or not (spec `dialects.md`, `json`).
//!
//! Who stands in a room is there now (`room.rs`); who belongs to one is so until it leaves, is sent away, or the
//! account or the room goes. Users who may stand nowhere stand in all rooms that their account belongs to while they
//! are online.
//!
//! Invariants: both indexes say the same. A room with memberships does not expire.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::audit::ensure;
use crate::core::catalogue::Item;
use crate::core::command::{Admits, Then};
use crate::core::event::{Event, UserKind};
use crate::core::manner::{Lifetime, Stands};
use crate::core::name::{ItemName, UserName};
use crate::core::outbox::Purpose;
use crate::core::record::{PersonNo, Place, Record};
use crate::core::room::HOME;
use crate::core::session::State;
use crate::core::{Answer, House, Now, Outbox, Outcome, SessionId, Status};
use crate::limits::{MEMBERS_PER_ROOM_MAX, MEMBERSHIPS_PER_ACCOUNT_MAX};

/// Who belongs where. Rooms by number, which is never used twice.
#[derive(Debug, Default)]
pub(super) struct Memberships {
    rooms: BTreeMap<(PersonNo, u32), Place>,
    members: BTreeSet<(u32, PersonNo)>,
}

impl Memberships {
    /// Adds one. Where it was there already, gives the place at which the log had it.
    pub(super) fn add(&mut self, person: PersonNo, room: u32, place: Place) -> Option<Place> {
        self.members.insert((room, person));
        self.rooms.insert((person, room), place)
    }

    pub(super) fn remove(&mut self, person: PersonNo, room: u32) -> Option<Place> {
        self.members.remove(&(room, person));
        self.rooms.remove(&(person, room))
    }

    pub(super) fn has(&self, person: PersonNo, room: u32) -> bool {
        self.rooms.contains_key(&(person, room))
    }

    /// Where the log has it.
    pub(super) fn place(&self, person: PersonNo, room: u32) -> Option<Place> {
        self.rooms.get(&(person, room)).copied()
    }

    /// The rooms an account belongs to, oldest first.
    pub(super) fn rooms_of(&self, person: PersonNo) -> impl Iterator<Item = u32> + '_ {
        self.rooms.range((person, 0)..=(person, u32::MAX)).map(|(&(_, room), _)| room)
    }

    /// The accounts that belong to a room.
    pub(super) fn members_of(&self, room: u32) -> impl Iterator<Item = PersonNo> + '_ {
        let last = PersonNo(u32::MAX);
        self.members.range((room, PersonNo(0))..=(room, last)).map(|&(_, person)| person)
    }

    /// All of them, by account.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PersonNo, u32, Place)> + '_ {
        self.rooms.iter().map(|(&(person, room), &place)| (person, room, place))
    }

    /// All of them, by room.
    pub(super) fn by_room(&self) -> impl Iterator<Item = (u32, PersonNo)> + '_ {
        self.members.iter().copied()
    }
}

/// What users ask for.
impl House {
    pub(super) fn invite(
        &mut self,
        now: Now,
        id: SessionId,
        user: &UserName,
        name: &ItemName,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let me = self.registered(id.index)?;
        let Some(slot) = self.rooms.named(name) else {
            return self.invite_to_new(now, id, user, name, out);
        };
        if self.rooms.at(slot).is_marked(now.ms) {
            return Err(Status::NoRoom);
        }
        if self.sessions.user(id.index).name.folded() == user.folded() {
            // That a room is there which it may not enter shows: its name cannot be given to another one.
            self.visible_room(now, id, name).map_err(|_| Status::NotIn)?;
            return self.join(now, id, name, out);
        }
        let no = self.rooms.at(slot).no;
        if !self.memberships.has(me, no) {
            return Err(Status::NotIn);
        }
        let guest = self.accounts.named(user).ok_or(Status::NoAccount)?;
        self.may_belong(guest, slot)?;
        self.fact(&Record::Joined { room: no, person: guest }, Purpose::Fact, out)?;
        self.welcome(now, id, guest, slot, out);
        Ok(Answer::Done)
    }

    /// Makes a room for the caller and a guest, who may be the caller.
    fn invite_to_new(
        &mut self,
        now: Now,
        id: SessionId,
        user: &UserName,
        name: &ItemName,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let me = self.registered(id.index)?;
        let guest = self.accounts.named(user).ok_or(Status::NoAccount)?;
        self.has_membership_left(me)?;
        self.has_membership_left(guest)?;
        self.create_room(now, id, name.clone(), None, Admits::Invited, Then::Stay, out)?;
        let slot = self.rooms.named(name).expect("it has just been made");
        let room = self.rooms.at(slot).no;
        let both = if guest == me { vec![me] } else { vec![me, guest] };
        for person in both {
            let joined = self.fact(&Record::Joined { room, person }, Purpose::Fact, out);
            if let Err(status) = joined {
                self.abolish(slot, out);
                return Err(status);
            }
        }
        self.enter_room(now, id.index, slot, out);
        if guest != me {
            self.welcome(now, id, guest, slot, out);
        }
        Ok(Answer::Done)
    }

    /// Takes a room back in which nobody stands. A disk that cannot take that has an empty room, which expires.
    fn abolish(&mut self, slot: u32, out: &mut dyn Outbox) {
        let no = self.rooms.at(slot).no;
        self.drop_room(slot);
        if let Ok(place) = out.record(&Record::RoomRemoved { no }, Purpose::Upkeep) {
            self.dead.push(place);
        }
        self.bury_the_dead(out);
    }

    /// An account has come to belong to a room: it enters it if it can, and is told now or when it logs in.
    fn welcome(
        &mut self,
        now: Now,
        by: SessionId,
        guest: PersonNo,
        slot: u32,
        out: &mut dyn Outbox,
    ) {
        let account = self.accounts.get(guest).expect("an invited account is there");
        let receiver = account.name.clone();
        let online = self.sessions.online(&receiver).filter(|&other| self.is_fellow(other));
        let Some(other) = online else {
            return self.keep_invitation(now, by, guest, slot, out);
        };
        self.enter_room(now, other, slot, out);
        let me = self.sessions.user(by.index);
        let invited = Event::Invited {
            receiver: &receiver,
            room: &self.rooms.at(slot).name,
            sender: &me.name,
            nickname: self.nickname(me.person),
            time: now.wall,
        };
        out.send(self.sessions.at(other).id, &invited);
    }

    pub(super) fn join(
        &mut self,
        now: Now,
        id: SessionId,
        name: &ItemName,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let me = self.registered(id.index)?;
        let slot = self.visible_room(now, id, name)?;
        self.may_belong(me, slot)?;
        let room = self.rooms.at(slot).no;
        self.fact(&Record::Joined { room, person: me }, Purpose::Fact, out)?;
        self.enter_room(now, id.index, slot, out);
        Ok(Answer::Done)
    }

    pub(super) fn resign(
        &mut self,
        now: Now,
        id: SessionId,
        name: &ItemName,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let slot = self.my_room(now, id, name)?;
        self.end_membership(self.sessions.user(id.index).person, slot, out)?;
        self.leave_room(now, id.index, slot, out);
        Ok(Answer::Done)
    }

    /// Whether an account may come to belong to a room.
    fn may_belong(&self, person: PersonNo, slot: u32) -> Result<(), Status> {
        let room = self.rooms.at(slot);
        let account = self.accounts.get(person).expect("an account is asked about that is there");
        if self.memberships.has(person, room.no) {
            return Err(Status::AlreadyIn);
        }
        if room.bans.contains(&account.name.folded()) {
            return Err(Status::Banned);
        }
        self.has_membership_left(person)?;
        let members = self.memberships.members_of(room.no).count();
        if members < MEMBERS_PER_ROOM_MAX { Ok(()) } else { Err(Status::NoMemory) }
    }

    fn has_membership_left(&self, person: PersonNo) -> Result<(), Status> {
        let rooms = self.memberships.rooms_of(person).count();
        if rooms < MEMBERSHIPS_PER_ACCOUNT_MAX { Ok(()) } else { Err(Status::NoMemory) }
    }

    /// Writes that somebody does not belong to a room any more, if it does.
    pub(super) fn end_membership(
        &mut self,
        person: PersonNo,
        slot: u32,
        out: &mut dyn Outbox,
    ) -> Result<(), Status> {
        let room = self.rooms.at(slot).no;
        if !self.memberships.has(person, room) {
            return Ok(());
        }
        self.fact(&Record::Parted { room, person }, Purpose::Upkeep, out)
    }
}

/// What follows from memberships.
impl House {
    /// Whether the user of a session stands in the rooms that its account belongs to.
    pub(super) fn is_fellow(&self, index: u32) -> bool {
        match self.sessions.at(index).manner.stands {
            Stands::InOneRoom | Stands::AtHome => false,
            Stands::Nowhere => self.sessions.user(index).kind == UserKind::Registered,
        }
    }

    /// A user who has just come enters the rooms that its account belongs to.
    pub(super) fn enter_own_rooms(&mut self, now: Now, index: u32, out: &mut dyn Outbox) {
        if !self.is_fellow(index) {
            return;
        }
        let person = self.sessions.user(index).person;
        let rooms: Vec<u32> = self.memberships.rooms_of(person).collect();
        for no in rooms {
            let slot = self.rooms.numbered(no).expect("a membership's room is there");
            self.enter_room(now, index, slot, out);
        }
    }

    /// Whether a room has memberships: it does not expire then.
    pub(super) fn is_kept(&self, slot: u32) -> bool {
        self.memberships.members_of(self.rooms.at(slot).no).next().is_some()
    }

    pub(super) fn apply_membership(&mut self, record: &Record<'_>, place: Place) {
        match record {
            Record::Joined { room, person } => {
                self.dead.extend(self.memberships.add(*person, *room, place));
                self.restart_room_time(*room);
            }
            Record::Parted { room, person } => {
                self.dead.extend(self.memberships.remove(*person, *room));
                self.dead.push(place);
                self.restart_room_time(*room);
            }
            _ => unreachable!("only records of memberships come here"),
        }
    }

    fn restart_room_time(&mut self, no: u32) {
        if let Some(slot) = self.rooms.numbered(no) {
            self.start_room_time(slot);
        }
    }

    /// A room goes, and with it all its memberships.
    pub(super) fn drop_members(&mut self, room: u32) {
        let members: Vec<PersonNo> = self.memberships.members_of(room).collect();
        for person in members {
            self.dead.extend(self.memberships.remove(person, room));
        }
    }

    /// An account goes, and with it all its memberships.
    pub(super) fn drop_memberships(&mut self, person: PersonNo) {
        let rooms: Vec<u32> = self.memberships.rooms_of(person).collect();
        for room in rooms {
            self.dead.extend(self.memberships.remove(person, room));
            self.restart_room_time(room);
        }
    }

    /// The time of a room to which nobody belongs any more begins now, not when somebody was in it last.
    pub(super) fn desert(&mut self, now: Now, rooms: &[u32], out: &mut dyn Outbox) {
        for &no in rooms {
            let Some(slot) = self.rooms.numbered(no) else { continue };
            if slot != HOME && self.rooms.at(slot).users() == 0 && !self.is_kept(slot) {
                self.note_idle(now, slot, Some(now.ms), out);
            }
        }
    }

    /// All records have been applied: lets memberships go whose account or room is not there.
    pub(super) fn drop_stray_memberships(&mut self) {
        let is_stray = |person, room| {
            self.accounts.get(person).is_none() || self.rooms.numbered(room).is_none()
        };
        let all = self.memberships.iter().map(|(person, room, _)| (person, room));
        let stray: Vec<_> = all.filter(|&(person, room)| is_stray(person, room)).collect();
        for (person, room) in stray {
            self.dead.extend(self.memberships.remove(person, room));
            self.restart_room_time(room);
        }
    }

    /// Memberships agree both ways, with accounts, rooms and who stands where; and a room's time runs if nothing keeps
    /// it.
    pub(super) fn audit_memberships(&self) -> Result<(), String> {
        let mut by_room: Vec<_> =
            self.memberships.iter().map(|(person, room, _)| (room, person)).collect();
        by_room.sort_unstable();
        let agree = self.memberships.by_room().eq(by_room.iter().copied());
        ensure(agree, || "memberships by room and by account".into())?;
        for (person, room, _) in self.memberships.iter() {
            let there = self.accounts.get(person).is_some() && self.rooms.numbered(room).is_some();
            ensure(there, || format!("{person:?} belongs to room {room}"))?;
        }
        for id in self.sessions.ids() {
            let State::User(user) = &self.sessions.at(id.index).state else { continue };
            if !self.is_fellow(id.index) {
                continue;
            }
            let mut stands: Vec<u32> = user.rooms.as_slice().iter().map(|it| it.room).collect();
            let belongs = self.memberships.rooms_of(user.person);
            let mut belongs: Vec<u32> = belongs.filter_map(|no| self.rooms.numbered(no)).collect();
            stands.sort_unstable();
            belongs.sort_unstable();
            ensure(stands == belongs, || format!("{} stands where it belongs", user.name))?;
        }
        for slot in self.rooms.slots() {
            let room = self.rooms.at(slot);
            let mortal = room.no != HOME && room.users() == 0 && !self.is_kept(slot);
            let runs = room.marked_since().is_some();
            let may_rest = room.lifetime == Lifetime::Long;
            let agrees = runs == mortal || mortal && may_rest;
            ensure(agrees, || format!("deadline of room {}", room.name))?;
        }
        Ok(())
    }
}
