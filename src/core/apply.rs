//! The one way in which what survives changes: a record is applied, at start-up and ever after.
//!
//! At start-up records may come out of order, because compaction copies old ones behind newer ones: a message before
//! its group, a reply before its parent, a line before its room. They wait in [`Awaiting`] until what they belong to
//! is there. What waits in vain belonged to something whose time was over before its own record was copied. What is of
//! an account (memberships, letters, a nickname) is kept by its number alone, and [`House::open`] lets the stray go.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use crate::core::account::{Account, Kept};
use crate::core::catalogue::Item;
use crate::core::event::Door;
use crate::core::group::NewGroup;
use crate::core::history::Line;
use crate::core::listing::{GhostRow, ListKey};
use crate::core::manner::Lifetime;
use crate::core::message::NewMessage;
use crate::core::record::{Owner, Place, Record};
use crate::core::room::{HOME, NewRoom};
use crate::core::{House, Phase};

/// Records of the log that have come before what they belong to.
#[derive(Debug, Default)]
pub(super) struct Awaiting {
    messages: BTreeMap<u32, Vec<(NewMessage, Owner)>>,
    lines: BTreeMap<u32, Vec<Line>>,
}

impl House {
    /// Makes true what `record`, which stands at `place`, says. Allocates, but cannot fail.
    pub fn apply(&mut self, record: &Record<'_>, place: Place) {
        match record {
            Record::Account { .. } | Record::Password { .. } | Record::AccountRemoved { .. } => {
                self.apply_account(record, place);
            }
            Record::Room { .. } | Record::RoomIdle { .. } | Record::RoomRemoved { .. } => {
                self.apply_room(record, place);
            }
            Record::Group { .. } | Record::GroupRemoved { .. } => self.apply_group(record, place),
            Record::Message { .. } | Record::MessageRemoved { .. } => {
                self.apply_message(record, place)
            }
            Record::Line { room, line, time, sender, text, stamp } => {
                let line = Line {
                    no: *line,
                    time: *time,
                    sender: sender.clone(),
                    text: (*text).into(),
                    stamp: stamp.map(Into::into),
                    place: Some(place),
                };
                self.apply_line(*room, line);
            }
            Record::Joined { .. } | Record::Parted { .. } => self.apply_membership(record, place),
            Record::Nickname { person, nickname } => self.apply_nickname(*person, nickname, place),
            Record::Letter { .. } | Record::Invitation { .. } | Record::LettersGiven { .. } => {
                self.apply_letter(record, place);
            }
            Record::Counters(counters) => {
                if self.phase == Phase::Loading {
                    self.numbers.restore(counters);
                }
                self.dead.push(place);
            }
        }
    }

    fn apply_account(&mut self, record: &Record<'_>, place: Place) {
        match record {
            Record::Account { person, name, secret, .. } => {
                self.numbers.saw_person(*person);
                let kept = Kept::from_record(*secret);
                let account = Account { name: name.clone(), kept, place, password_place: None };
                let old = self.accounts.put(*person, account);
                self.dead.extend(
                    old.into_iter().flat_map(|old| [Some(old.place), old.password_place]).flatten(),
                );
            }
            Record::Password { person, secret } => match self.accounts.get_mut(*person) {
                Some(account) => {
                    account.kept = Kept::from_record(*secret);
                    self.dead.extend(account.password_place.replace(place));
                }
                None => self.dead.push(place),
            },
            Record::AccountRemoved { person } => {
                let old = self.accounts.remove(*person);
                self.drop_belongings(*person);
                self.dead.extend(
                    old.into_iter().flat_map(|old| [Some(old.place), old.password_place]).flatten(),
                );
                self.dead.push(place);
            }
            _ => unreachable!("only records of accounts come here"),
        }
    }

    fn apply_room(&mut self, record: &Record<'_>, place: Place) {
        match record {
            Record::Room { no, name, owner, password, admits, lifetime, idle_since } => {
                self.numbers.saw_room(*no);
                self.numbers.saw_person(owner.person);
                if let Some(slot) = self.rooms.numbered(*no) {
                    let room = self.rooms.at_mut(slot);
                    self.dead.extend(room.place.replace(place));
                    self.dead.extend(room.idle_place.take());
                    self.unrecorded_idle.remove(no);
                    self.set_idle(slot, *idle_since);
                    return;
                }
                if let Some(older) = self.rooms.named(name) {
                    // Its removal found no space in the log; that its name was free again is proof enough.
                    self.drop_room(older);
                }
                self.persons.hold(owner);
                let stamp = self.numbers.stamp();
                self.numbers.architecture = stamp;
                let (no, owner, place) = (*no, Some(owner.person), Some(place));
                let new = NewRoom {
                    no,
                    name: name.clone(),
                    owner,
                    password,
                    admits: *admits,
                    lifetime: *lifetime,
                    stamp,
                    place,
                };
                let slot = self.rooms.add(new);
                self.set_idle(slot, *idle_since);
                for line in self.awaiting.lines.remove(&no).into_iter().flatten() {
                    self.apply_line(no, line);
                }
            }
            Record::RoomIdle { no, since } => match self.rooms.numbered(*no) {
                Some(slot) => {
                    self.dead.extend(self.rooms.at_mut(slot).idle_place.replace(place));
                    self.unrecorded_idle.remove(no);
                    self.set_idle(slot, *since);
                }
                None => self.dead.push(place),
            },
            Record::RoomRemoved { no } => {
                if let Some(slot) = self.rooms.numbered(*no) {
                    self.drop_room(slot);
                }
                let lines = self.awaiting.lines.remove(no).into_iter().flatten();
                self.dead.extend(lines.filter_map(|line| line.place));
                self.dead.push(place);
            }
            _ => unreachable!("only records of rooms come here"),
        }
    }

    /// Takes an empty room out, with its history.
    pub(super) fn drop_room(&mut self, slot: u32) {
        let stamp = self.numbers.stamp();
        self.numbers.architecture = stamp;
        self.drop_members(self.rooms.at(slot).no);
        let room = self.rooms.remove(slot);
        let marked_since = room.marked_since();
        if self.lists.wants(ListKey::Rooms) {
            let owner = room.owner.map(|person| self.persons.name(person).clone());
            let (name, door, admits) = (room.name.clone(), room.door(), room.admits);
            let ghost = GhostRow::Room { name, owner, door, admits };
            self.too_slow.extend(self.lists.bury(
                ListKey::Rooms,
                u64::from(room.no),
                marked_since,
                ghost,
            ));
        }
        if let Some(owner) = room.owner {
            self.persons.release(owner);
        }
        self.dead.extend(room.place.into_iter().chain(room.idle_place));
        self.dead.extend(room.history.lines().filter_map(|line| line.place));
    }

    /// Since when nobody is in a room, and so when its time is over.
    pub(super) fn set_idle(&mut self, slot: u32, since: Option<u64>) {
        self.rooms.at_mut(slot).idle_since = since;
        self.start_room_time(slot);
    }

    /// Lets a room's time run as its emptiness and the options say.
    pub(super) fn start_room_time(&mut self, slot: u32) {
        let room = self.rooms.at(slot);
        let time = match room.lifetime {
            Lifetime::Short => Some(self.settings.room_expire_ms),
            Lifetime::Long => self.settings.other_room_expire_ms,
        };
        let idle_since = room.idle_since.filter(|_| !self.is_kept(slot));
        let deadline = idle_since.zip(time).map(|(since, time)| since + time);
        self.rooms.set_deadline(slot, deadline);
    }

    fn apply_line(&mut self, no: u32, line: Line) {
        match self.rooms.numbered(no) {
            Some(slot) => {
                let bounds = self.history_bounds();
                self.rooms.at_mut(slot).history.add(line, bounds, &mut self.dead);
            }
            None => self.awaiting.lines.entry(no).or_default().push(line),
        }
    }

    fn apply_group(&mut self, record: &Record<'_>, place: Place) {
        match record {
            Record::Group { no, name, owner, password, admits, deadline, next_message } => {
                self.numbers.saw_group(*no);
                self.numbers.saw_person(owner.person);
                if let Some(slot) = self.groups.numbered(*no) {
                    let group = self.groups.at_mut(slot);
                    group.next_message = group.next_message.max(*next_message);
                    self.dead.push(std::mem::replace(&mut group.place, place));
                    return;
                }
                if let Some(older) = self.groups.named(name) {
                    // As with rooms.
                    self.drop_group(older);
                }
                self.persons.hold(owner);
                let stamp = self.numbers.stamp();
                self.numbers.group = stamp;
                let slot = self.groups.add(NewGroup {
                    no: *no,
                    name: name.clone(),
                    owner: owner.person,
                    password,
                    admits: *admits,
                    deadline: *deadline,
                    next_message: *next_message,
                    stamp,
                    place,
                });
                for (message, poster) in self.awaiting.messages.remove(no).into_iter().flatten() {
                    self.add_message(slot, message, &poster);
                }
            }
            Record::GroupRemoved { no } => {
                if let Some(slot) = self.groups.numbered(*no) {
                    self.drop_group(slot);
                }
                let messages = self.awaiting.messages.remove(no).into_iter().flatten();
                self.dead.extend(messages.map(|(message, _)| message.place));
                self.dead.push(place);
            }
            _ => unreachable!("only records of groups come here"),
        }
    }

    /// Takes a group out that nobody is in, with its messages.
    pub(super) fn drop_group(&mut self, slot: u32) {
        let ids: Vec<u32> = self.groups.at(slot).messages.slots().rev().collect();
        for message in ids {
            self.drop_message(slot, message);
        }
        let stamp = self.numbers.stamp();
        self.numbers.group = stamp;
        let group = self.groups.remove(slot);
        if self.lists.wants(ListKey::Groups) {
            let ghost = GhostRow::Group {
                name: group.name.clone(),
                owner: self.persons.name(group.owner).clone(),
                no: group.no,
                messages: 0,
                door: if group.password.is_empty() { Door::Public } else { Door::Private },
                admits: group.admits,
            };
            let place = u64::from(group.no);
            self.too_slow.extend(self.lists.bury(
                ListKey::Groups,
                place,
                group.marked_since(),
                ghost,
            ));
        }
        self.persons.release(group.owner);
        self.dead.push(group.place);
    }

    fn apply_message(&mut self, record: &Record<'_>, place: Place) {
        match record {
            Record::Message { group, id, parent, name, poster, deadline, parts, .. } => {
                self.numbers.saw_person(poster.person);
                let new = NewMessage {
                    name: name.clone(),
                    poster: poster.person,
                    group: *group,
                    id: NonZeroU32::new(*id).expect("messages are numbered from 1"),
                    parent: *parent,
                    parts: *parts,
                    place,
                    deadline: *deadline,
                };
                match self.groups.numbered(*group) {
                    Some(slot) => self.add_message(slot, new, poster),
                    None => {
                        let awaiting = self.awaiting.messages.entry(*group).or_default();
                        awaiting.push((new, poster.clone()));
                    }
                }
            }
            Record::MessageRemoved { group, id } => {
                if let Some(slot) = self.groups.numbered(*group)
                    && let Some(message) = self.groups.at(slot).messages.get(*id)
                {
                    self.drop_thread(slot, message);
                }
                if let Some(awaiting) = self.awaiting.messages.get_mut(group) {
                    let gone = awaiting.extract_if(.., |(message, _)| message.id.get() == *id);
                    self.dead.extend(gone.map(|(message, _)| message.place));
                }
                self.dead.push(place);
            }
            _ => unreachable!("only records of messages come here"),
        }
    }

    fn add_message(&mut self, slot: u32, new: NewMessage, poster: &Owner) {
        let group = self.groups.at_mut(slot);
        let place = new.place;
        let message = match self.messages.add(new, group) {
            Ok(message) => message,
            Err(copied) => {
                // Compaction was cut short: the log has both the record and its copy.
                assert_eq!(self.phase, Phase::Loading, "a number is given once");
                self.dead.push(std::mem::replace(&mut self.messages.at_mut(copied).place, place));
                return;
            }
        };
        self.persons.hold(poster);
        if self.phase == Phase::Open {
            let linked = self.messages.link(message, group);
            assert!(linked, "a reply is posted to a message that is there");
            group.stamp = self.numbers.stamp();
        }
    }

    /// Takes a message out, and all replies below it.
    pub(super) fn drop_thread(&mut self, slot: u32, root: u32) {
        let marked_since = self.messages.marked_since(root);
        for message in self.messages.thread(root) {
            self.drop_message_of_thread(slot, message, marked_since);
        }
        self.groups.at_mut(slot).stamp = self.numbers.stamp();
    }

    fn drop_message(&mut self, slot: u32, message: u32) {
        self.drop_message_of_thread(slot, message, None);
    }

    fn drop_message_of_thread(&mut self, slot: u32, message: u32, marked_since: Option<u64>) {
        let group = self.groups.at_mut(slot);
        let message = self.messages.remove(message, group);
        let key = ListKey::Messages(group.no);
        if self.lists.wants(key) {
            let ghost = GhostRow::Message {
                name: message.name,
                owner: self.persons.name(message.poster).clone(),
                id: message.id.get(),
                parent: message.parent,
                replies: message.replies,
            };
            let place = u64::from(message.id.get());
            self.too_slow.extend(self.lists.bury(key, place, marked_since, ghost));
        }
        self.persons.release(message.poster);
        self.dead.push(message.place);
    }

    /// All records of the log have been applied: ties the threads together, lets go what belongs to nothing, and
    /// opens the doors. Says which records are no longer true.
    pub fn open(&mut self) -> Vec<Place> {
        let clock = self.clock();
        for slot in self.groups.slots() {
            self.tie_threads(slot);
        }
        let awaiting = std::mem::take(&mut self.awaiting);
        let messages = awaiting.messages.into_values().flatten();
        self.dead.extend(messages.map(|(message, _)| message.place));
        self.dead.extend(awaiting.lines.into_values().flatten().filter_map(|line| line.place));
        self.drop_stray_nicknames();
        self.drop_stray_memberships();
        self.drop_stray_letters();
        let stamp = self.numbers.current();
        for slot in self.rooms.slots() {
            self.rooms.at_mut(slot).stamp = stamp;
            if slot != HOME && self.rooms.at(slot).idle_since.is_none() {
                self.set_idle(slot, Some(clock));
                self.unrecorded_idle.insert(self.rooms.at(slot).no);
            }
        }
        for slot in self.groups.slots() {
            self.groups.at_mut(slot).stamp = stamp;
        }
        self.numbers.architecture = stamp;
        self.numbers.room = stamp;
        self.numbers.group = stamp;
        self.phase = Phase::Open;
        std::mem::take(&mut self.dead)
    }

    /// Links the messages of a group in order of posting. A reply without parent belongs to a thread that is over.
    fn tie_threads(&mut self, slot: u32) {
        let messages: Vec<u32> = self.groups.at(slot).messages.slots().collect();
        for message in messages {
            let linked = self.messages.link(message, self.groups.at_mut(slot));
            if !linked {
                self.drop_message(slot, message);
            }
        }
    }

    /// The server's clock as the log knows it, in ms: a restart goes on from there.
    #[must_use]
    pub fn clock(&self) -> u64 {
        self.numbers.clock_saved
    }
}
