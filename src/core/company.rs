//! What users do who may stand in many rooms at once (spec `dialects.md`). Rooms that they cannot see are to them as if
//! they were not there.

use crate::core::catalogue::Item;
use crate::core::command::{Claim, Company, Oneself, OwnerMay};
use crate::core::event::Event;
use crate::core::listing::ListKey;
use crate::core::name::{ItemName, UserName};
use crate::core::room::HOME;
use crate::core::{Answer, House, Now, Outbox, Outcome, SessionId, Status};
use crate::limits::ROOMS_PER_USER_MAX;

impl House {
    /// Carries out a request of a user.
    pub(super) fn keep_company(
        &mut self,
        now: Now,
        id: SessionId,
        request: Company<'_>,
        out: &mut dyn Outbox,
    ) -> Outcome {
        match request {
            Company::Enter { name, claim } => self.enter(now, id, &name, claim, out),
            Company::Leave { name, owner } => self.leave(now, id, &name, owner, out),
            Company::Say { room, claim, text, stamp } => {
                self.say(now, id, &room, claim, text, stamp, out)
            }
            Company::Call { text } => self.call(now, id, text, out),
            Company::Tell { user, text } => self.tell(now, id, &user, text, out),
            Company::PassOn { user, oneself, before, after } => {
                self.pass_on(id, &user, oneself, (before, after), out)
            }
            Company::Expel { room, user } => self.expel(now, id, &room, user.as_ref(), out),
            Company::ListEveryone => self.list(now, id, ListKey::Everyone, None, out),
            Company::ListMembers { room } => self.list_members(now, id, &room, out),
            Company::Recall { room } => self.recall(now, id, &room, out),
        }
    }

    fn enter(
        &mut self,
        now: Now,
        id: SessionId,
        name: &ItemName,
        claim: Claim,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let slot = self.visible_room(now, id, name)?;
        if self.stands_in(id.index, slot) {
            return Err(Status::AlreadyIn);
        }
        if self.rooms.at(slot).bans.contains(&self.sessions.user(id.index).name.folded()) {
            return Err(Status::Banned);
        }
        is_own(claim)?;
        self.has_room_for_another(id.index)?;
        self.enter_room(now, id.index, slot, out);
        self.remind(id, slot, out);
        Ok(Answer::Done)
    }

    /// Tells a newcomer what was said in a room of late, if that is the manner of its dialect.
    fn remind(&self, id: SessionId, slot: u32, out: &mut dyn Outbox) {
        let room = self.rooms.at(slot);
        let count = self.sessions.at(id.index).manner.recalls as usize;
        for line in room.history.last(count) {
            let said = Event::Said {
                room: &room.name,
                sender: &line.sender,
                text: &line.text,
                time: line.time,
                stamp: line.stamp.as_deref(),
                nickname: None,
            };
            out.recall(id, &said);
        }
    }

    fn leave(
        &mut self,
        now: Now,
        id: SessionId,
        name: &ItemName,
        owner: OwnerMay,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let slot = self.my_room(now, id, name)?;
        let owns = self.rooms.at(slot).owner == Some(self.sessions.user(id.index).person);
        if owns && owner == OwnerMay::NotGo {
            return Err(Status::OwnerStays);
        }
        self.leave_room(now, id.index, slot, out);
        Ok(Answer::Done)
    }

    /// Says something in a room that the caller stands in.
    #[expect(clippy::too_many_arguments, reason = "they are the words of the command")]
    pub(super) fn say(
        &mut self,
        now: Now,
        id: SessionId,
        room: &ItemName,
        claim: Claim,
        text: Result<&str, Status>,
        stamp: Option<&str>,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let slot = self.visible_room(now, id, room)?;
        is_own(claim)?;
        if !self.stands_in(id.index, slot) {
            return Err(Status::NotIn);
        }
        self.speak(now, id.index, slot, text?, stamp, out);
        Ok(Answer::Done)
    }

    fn call(&mut self, now: Now, id: SessionId, text: &str, out: &mut dyn Outbox) -> Outcome {
        self.speak(now, id.index, HOME, text, None, out);
        Ok(Answer::Done)
    }

    fn tell(
        &self,
        now: Now,
        id: SessionId,
        user: &UserName,
        text: &str,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let receiver = self.sessions.online(user).ok_or(Status::NotFound)?;
        self.whisper(now, id, receiver, text, out)
    }

    fn pass_on(
        &self,
        id: SessionId,
        user: &UserName,
        oneself: Oneself,
        (before, after): (&str, &str),
        out: &mut dyn Outbox,
    ) -> Outcome {
        let receiver = self.sessions.kin(id.index, user).ok_or(Status::NotFound)?;
        if receiver == id.index && oneself == Oneself::Refused {
            return Err(Status::Oneself);
        }
        let sender = &self.sessions.user(id.index).name;
        out.send(self.sessions.at(receiver).id, &Event::PassedOn { before, sender, after });
        Ok(Answer::Done)
    }

    fn expel(
        &mut self,
        now: Now,
        id: SessionId,
        room: &ItemName,
        user: Option<&UserName>,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let slot = self.visible_room(now, id, room)?;
        let me = self.sessions.user(id.index);
        if self.rooms.at(slot).owner != Some(me.person) {
            return Err(Status::NotOwner);
        }
        if user.is_some_and(|user| me.name.folded() == user.folded()) {
            return Err(Status::Oneself);
        }
        let other = user.and_then(|user| self.sessions.online(user));
        let other = other.filter(|&other| self.stands_in(other, slot));
        self.banish(now, id, other.ok_or(Status::NotIn)?, slot, out)
    }

    fn list_members(
        &mut self,
        now: Now,
        id: SessionId,
        room: &ItemName,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let slot = self.visible_room(now, id, room)?;
        self.list(now, id, ListKey::Users(self.rooms.at(slot).no), None, out)
    }

    fn recall(&self, now: Now, id: SessionId, room: &ItemName, out: &mut dyn Outbox) -> Outcome {
        let slot = self.my_room(now, id, room)?;
        self.recount(id, slot, usize::MAX, out);
        Ok(Answer::Given)
    }

    /// The session of the user who is online under a name and of the caller's kin.
    #[must_use]
    pub fn kin(&self, id: SessionId, user: &UserName) -> Option<SessionId> {
        self.sessions.get(id)?;
        self.sessions.kin(id.index, user).map(|other| self.sessions.at(other).id)
    }

    /// Whether a user may stand in one room more.
    pub(super) fn has_room_for_another(&self, index: u32) -> Result<(), Status> {
        let rooms = self.sessions.user(index).rooms.as_slice().len();
        if rooms < ROOMS_PER_USER_MAX { Ok(()) } else { Err(Status::NoMemory) }
    }

    /// A room that the caller stands in.
    pub(super) fn my_room(&self, now: Now, id: SessionId, name: &ItemName) -> Result<u32, Status> {
        let slot = self.visible_room(now, id, name)?;
        if self.stands_in(id.index, slot) { Ok(slot) } else { Err(Status::NotIn) }
    }

    /// A room that the caller sees, or stands in.
    pub(super) fn visible_room(
        &self,
        now: Now,
        id: SessionId,
        name: &ItemName,
    ) -> Result<u32, Status> {
        let slot = self.rooms.named(name).ok_or(Status::NoRoom)?;
        let room = self.rooms.at(slot);
        let kind = self.sessions.user(id.index).kind;
        let is_seen = room.is_shown(self.sessions.at(id.index).manner.sees, kind);
        let is_there = is_seen && !room.is_marked(now.ms) || self.stands_in(id.index, slot);
        if is_there { Ok(slot) } else { Err(Status::NoRoom) }
    }
}

fn is_own(claim: Claim) -> Result<(), Status> {
    match claim {
        Claim::Own => Ok(()),
        Claim::Another => Err(Status::NotYou),
    }
}
