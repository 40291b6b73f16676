//! What users do with message groups and messages (spec `mec.md` 7, and `#rmgroup` and `#rmmessage` of 9).

use crate::core::catalogue::Item;
use crate::core::chat::opens;
use crate::core::command::{Admits, Body, Password};
use crate::core::event::{Reply, UserKind};
use crate::core::listing::ListKey;
use crate::core::name::ItemName;
use crate::core::outbox::Purpose;
use crate::core::record::{Place, Record};
use crate::core::{Answer, House, Now, Outbox, Outcome, SessionId, Status};

impl House {
    #[expect(clippy::too_many_arguments, reason = "they are the words of the command")]
    pub(super) fn create_group(
        &mut self,
        now: Now,
        id: SessionId,
        name: ItemName,
        password: Option<Password<'_>>,
        admits: Admits,
        seconds: u32,
        out: &mut dyn Outbox,
    ) -> Outcome {
        self.may_create(id)?;
        if self.groups.named(&name).is_some() {
            return Err(Status::InvalidName);
        }
        if self.groups.count() >= self.settings.groups_max as usize {
            return Err(Status::NoMemory);
        }
        self.save_clock(now, out);
        let record = Record::Group {
            no: self.numbers.next_group(),
            name,
            owner: self.myself(id),
            password: password.map_or("", Password::as_str),
            admits,
            deadline: deadline(
                now,
                seconds,
                self.settings.group_seconds,
                self.settings.group_seconds_max,
            ),
            next_message: 1,
        };
        self.fact(&record, Purpose::Fact, out)?;
        Ok(Answer::Done)
    }

    pub(super) fn join_group(
        &mut self,
        now: Now,
        id: SessionId,
        name: &ItemName,
        password: Option<Password<'_>>,
    ) -> Outcome {
        let slot = self.find_group(now, name)?;
        let group = self.groups.at(slot);
        if group.admits == Admits::Registered
            && self.sessions.user(id.index).kind == UserKind::Anonymous
        {
            return Err(Status::NoAccess);
        }
        if !opens(&group.password, password) {
            return Err(Status::WrongGroupPassword);
        }
        let before = self.sessions.user_mut(id.index).group.replace(slot);
        if before != Some(slot) {
            self.groups.join(slot);
            if let Some(before) = before {
                self.groups.leave(before, now.ms);
            }
        }
        Ok(Answer::Done)
    }

    pub(super) fn leave_group(&mut self, now: Now, id: SessionId) -> Outcome {
        if let Some(slot) = self.sessions.user_mut(id.index).group.take() {
            self.groups.leave(slot, now.ms);
        }
        Ok(Answer::Done)
    }

    pub(super) fn remove_group(
        &mut self,
        now: Now,
        id: SessionId,
        name: &ItemName,
        password: Option<Password<'_>>,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let slot = self.find_group(now, name)?;
        let group = self.groups.at(slot);
        if group.owner != self.sessions.user(id.index).person {
            return Err(Status::NotOwner);
        }
        if !opens(&group.password, password) {
            return Err(Status::WrongGroupPassword);
        }
        if group.users() > 0 {
            return Err(Status::NotEmpty);
        }
        self.fact(&Record::GroupRemoved { no: group.no }, Purpose::Upkeep, out)?;
        Ok(Answer::Done)
    }

    pub(super) fn list_messages(
        &mut self,
        now: Now,
        id: SessionId,
        parent: Option<u32>,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let slot = self.group_of(id.index)?;
        if let Some(parent) = parent.filter(|&parent| parent != 0) {
            self.find_message(now, slot, parent)?;
        }
        self.list(now, id, ListKey::Messages(self.groups.at(slot).no), parent, out)
    }

    pub(super) fn get_message(
        &self,
        now: Now,
        id: SessionId,
        message: u32,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let group = self.group_of(id.index)?;
        let slot = self.find_message(now, group, message)?;
        let message = self.messages.at(slot);
        let head = self.message_row(now, slot);
        let group = message.group;
        out.reply(id, &Reply::Message { head, group, parts: message.parts, place: message.place });
        Ok(Answer::Given)
    }

    /// Where the log has a message now, if it is still there: compaction moves it while it is being read.
    #[must_use]
    pub fn place_of_message(&self, group: u32, id: u32) -> Option<Place> {
        let group = self.groups.at(self.groups.numbered(group)?);
        group.messages.get(id).map(|slot| self.messages.at(slot).place)
    }

    #[expect(clippy::too_many_arguments, reason = "they are the words of the command")]
    pub(super) fn post_message(
        &mut self,
        now: Now,
        id: SessionId,
        name: ItemName,
        parent: u32,
        seconds: u32,
        body: Body<'_>,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let slot = self.group_of(id.index)?;
        if parent != 0 {
            self.find_message(now, slot, parent)?;
        }
        let group = self.groups.at(slot);
        let Body::Lines { parts, text } = body else { return Err(Status::NoMemory) };
        let full = group.messages.count() >= self.settings.messages_per_group_max as usize;
        if full || group.next_message == u32::MAX {
            return Err(Status::NoMemory);
        }
        let longest = self.settings.message_seconds_max;
        let until = deadline(now, seconds, self.settings.message_seconds, longest);
        let record = Record::Message {
            group: group.no,
            id: group.next_message,
            parent,
            name,
            poster: self.myself(id),
            deadline: if parent == 0 { until } else { 0 },
            parts,
            text,
        };
        self.save_clock(now, out);
        self.fact(&record, Purpose::Fact, out)?;
        Ok(Answer::Done)
    }

    pub(super) fn remove_message(
        &mut self,
        now: Now,
        id: SessionId,
        message: u32,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let slot = self.group_of(id.index)?;
        let found = self.find_message(now, slot, message)?;
        let me = self.sessions.user(id.index).person;
        let group = self.groups.at(slot);
        if self.messages.at(found).poster != me && group.owner != me {
            return Err(Status::NotOwner);
        }
        self.fact(&Record::MessageRemoved { group: group.no, id: message }, Purpose::Upkeep, out)?;
        Ok(Answer::Done)
    }

    /// The group the user of a session is in.
    pub(super) fn group_of(&self, index: u32) -> Result<u32, Status> {
        self.sessions.user(index).group.ok_or(Status::NoGroup)
    }

    /// A group that can still be used.
    fn find_group(&self, now: Now, name: &ItemName) -> Result<u32, Status> {
        let slot = self.groups.named(name).ok_or(Status::NotFound)?;
        if self.groups.at(slot).is_marked(now.ms) { Err(Status::Expired) } else { Ok(slot) }
    }

    /// A message that can still be used.
    fn find_message(&self, now: Now, slot: u32, id: u32) -> Result<u32, Status> {
        let group = self.groups.at(slot);
        let message = group.messages.get(id).ok_or(Status::NotFound)?;
        if self.messages.is_marked(message, now.ms) { Err(Status::Expired) } else { Ok(message) }
    }
}

/// When a time that was asked for is over: 0 is the default, and no time is longer than `longest`.
fn deadline(now: Now, seconds: u32, default: u32, longest: u32) -> u64 {
    let seconds = if seconds == 0 { default } else { seconds };
    now.ms + u64::from(seconds.min(longest)) * 1000
}
