//! Lists under way: answers of many rows, given as fast as the reader takes them.
//!
//! The head of a list says how many rows follow, so a list is of what was there when it was asked for: what comes
//! later is not in it, and what goes before its row was sent leaves a ghost behind. Rows show the numbers (users,
//! seconds) of the moment in which they are sent.

use std::collections::BTreeMap;

use crate::core::catalogue::Item;
use crate::core::command::Admits;
use crate::core::event::{Door, GroupRow, List, MessageRow, Reply, RoomRow, Row, UserKind};
use crate::core::manner::Sees;
use crate::core::name::{ItemName, UserName};
use crate::core::outbox::Outbox;
use crate::core::room::{HOME, Member, seconds_left};
use crate::core::session::{SessionId, State};
use crate::core::{Answer, House, Now, Outcome};
use crate::limits::{GHOST_ROWS_MAX, LIST_ROWS_PER_STEP};

/// What is listed. Rooms and groups by number, which is never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum ListKey {
    Rooms,
    Users(u32),
    Groups,
    Messages(u32),
    /// Everyone who is connected, by slot; nobody counts on how many there are.
    Everyone,
    /// All rooms with their members (`directory.rs`).
    Directory,
    /// What a user has missed (`missed.rs`). It has no head and no end.
    Missed,
}

impl ListKey {
    /// Whether its head has promised how many rows follow.
    fn promises(self) -> bool {
        match self {
            Self::Rooms | Self::Users(_) | Self::Groups | Self::Messages(_) => true,
            Self::Everyone | Self::Directory | Self::Missed => false,
        }
    }
}

/// A list under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    pub(super) reader: SessionId,
    key: ListKey,
    /// Only messages with this parent.
    parent: Option<u32>,
    /// Only rooms that its reader sees.
    pub(super) sees: Sees,
    pub(super) user_kind: UserKind,
    /// Rows before this place in the list have been sent; rows from `end` on came later.
    pub(super) next: u64,
    /// In the directory: members before this place in the room at `next`, and the room itself, have been sent. Of what
    /// was missed: rooms before this number.
    pub(super) within: u64,
    /// Of what was missed in rooms: only from then on, in seconds since 1970.
    pub(super) since: Option<u64>,
    /// Rows that have been sent.
    pub(super) given: u32,
    end: u64,
    /// When it was asked for: what was marked by then is left out.
    at: u64,
    /// How many burials there had been.
    burials: u64,
    /// Rows for connections that have not logged in.
    strangers: u32,
}

/// A row whose item has gone.
#[derive(Debug)]
struct Ghost {
    burial: u64,
    marked_since: Option<u64>,
    row: GhostRow,
}

/// What a ghost still says.
#[derive(Debug)]
pub(super) enum GhostRow {
    Room { name: ItemName, owner: Option<UserName>, door: Door, admits: Admits },
    User { name: UserName, kind: UserKind },
    Group { name: ItemName, owner: UserName, no: u32, messages: u32, door: Door, admits: Admits },
    Message { name: ItemName, owner: UserName, id: u32, parent: u32, replies: u32 },
}

impl GhostRow {
    fn row(&self) -> Row<'_> {
        match self {
            Self::Room { name, owner, door, admits } => Row::Room(RoomRow {
                name,
                owner: owner.as_ref(),
                users: 0,
                seconds: 1,
                door: *door,
                admits: *admits,
            }),
            Self::User { name, kind } => Row::User(name, *kind),
            Self::Group { name, owner, no, messages, door, admits } => Row::Group(GroupRow {
                name,
                owner,
                no: *no,
                messages: *messages,
                users: 0,
                seconds: 1,
                door: *door,
                admits: *admits,
            }),
            Self::Message { name, owner, id, parent, replies } => Row::Message(MessageRow {
                name,
                owner,
                id: *id,
                parent: *parent,
                replies: *replies,
                seconds: u32::from(*parent == 0),
            }),
        }
    }

    fn is_below(&self, wanted: u32) -> bool {
        matches!(self, Self::Message { parent, .. } if *parent == wanted)
    }

    fn is_shown(&self, sees: Sees, kind: UserKind) -> bool {
        match self {
            Self::Room { name, door, admits, .. } => sees.shows(kind, name, *door, *admits),
            Self::User { .. } | Self::Group { .. } | Self::Message { .. } => true,
        }
    }
}

/// All lists under way, by the slot of their reader, and the ghosts they still have to show.
#[derive(Debug, Default)]
pub(super) struct Lists {
    open: BTreeMap<u32, Listing>,
    ghosts: BTreeMap<(ListKey, u64), Ghost>,
    burials: u64,
}

impl Lists {
    #[inline]
    pub(super) fn is_open(&self, session: u32) -> bool {
        // Asked for every request, and mostly there is none.
        !self.open.is_empty() && self.open.contains_key(&session)
    }

    /// Begins a list of which the first rows have been sent.
    pub(super) fn open(&mut self, listing: Listing) {
        self.open.insert(listing.reader.index, listing);
    }

    /// Who is being sent a list.
    pub(super) fn readers(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.open.values().map(|listing| listing.reader)
    }

    /// Whether a list under way would miss a row that goes now.
    pub(super) fn wants(&self, key: ListKey) -> bool {
        !self.open.is_empty() && self.open.values().any(|listing| listing.key == key)
    }

    /// Whether a session that is being sent a list has seen a room and the entry of a member in it.
    pub(super) fn has_passed(&self, session: u32, room: u32, entry: Option<u64>) -> bool {
        match self.open.get(&session) {
            Some(listing) if listing.key == ListKey::Directory => {
                listing.has_passed(u64::from(room), entry)
            }
            Some(_) | None => true,
        }
    }

    /// Keeps the row of an item that goes. Says whose list is to be given up when that is one too many.
    pub(super) fn bury(
        &mut self,
        key: ListKey,
        place: u64,
        marked_since: Option<u64>,
        row: GhostRow,
    ) -> Option<SessionId> {
        self.burials += 1;
        self.ghosts.insert((key, place), Ghost { burial: self.burials, marked_since, row });
        if self.ghosts.len() < GHOST_ROWS_MAX {
            return None;
        }
        let oldest = self.owing().min_by_key(|listing| listing.burials)?.reader;
        self.close(oldest.index);
        Some(oldest)
    }

    /// The list is over, or its reader has gone.
    pub(super) fn close(&mut self, session: u32) {
        if self.open.remove(&session).is_none() {
            return;
        }
        match self.owing().map(|listing| listing.burials).min() {
            None => self.ghosts.clear(),
            Some(needed) => self.ghosts.retain(|_, ghost| ghost.burial > needed),
        }
    }

    /// The lists that need ghosts.
    fn owing(&self) -> impl Iterator<Item = &Listing> {
        self.open.values().filter(|listing| listing.key.promises())
    }

    /// The ghosts that still belong into a list, in order.
    fn ghosts_of(&self, listing: &Listing) -> impl Iterator<Item = (u64, &Ghost)> + use<'_> {
        let Listing { key, next, parent, at, burials, sees, user_kind, .. } = *listing;
        // Nothing that was buried before a list began is in it: mostly that is everything.
        let end = if self.burials == burials { next } else { listing.end.max(next) };
        let ghosts = self.ghosts.range((key, next)..(key, end));
        ghosts.map(|(&(_, place), ghost)| (place, ghost)).filter(move |(_, ghost)| {
            ghost.burial > burials
                && ghost.marked_since.is_none_or(|since| since > at)
                && parent.is_none_or(|parent| ghost.row.is_below(parent))
                && ghost.row.is_shown(sees, user_kind)
        })
    }
}

/// A live item: its place in the list, and its slot (of a member: its position).
type Entry = (u64, u32);

impl House {
    /// Answers with a list, or its first rows.
    pub(super) fn list(
        &mut self,
        now: Now,
        reader: SessionId,
        key: ListKey,
        parent: Option<u32>,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let mut listing = self.listing(now, reader, key, parent);
        // Those who stand in one room are nowhere before they log in: who asks for all users asks in `Home`.
        if key == ListKey::Users(HOME) && listing.sees == Sees::Doors {
            listing.strangers = self.sessions.strangers();
        }
        let count = self.count(&listing) + listing.strangers;
        out.reply(reader, &Reply::List(kind(key), count));
        if !self.step(now, &mut listing, out) {
            self.lists.open(listing);
        }
        Ok(Answer::Given)
    }

    /// What a user has missed, none of which has been sent.
    pub(super) fn missed(&self, now: Now, reader: SessionId, since: Option<u64>) -> Listing {
        Listing { since, ..self.listing(now, reader, ListKey::Missed, None) }
    }

    fn listing(&self, now: Now, reader: SessionId, key: ListKey, parent: Option<u32>) -> Listing {
        Listing {
            reader,
            key,
            parent,
            sees: self.sessions.at(reader.index).manner.sees,
            user_kind: self.sessions.user(reader.index).kind,
            next: 0,
            within: 0,
            since: None,
            given: 0,
            end: self.end_of(key),
            at: now.ms,
            burials: self.lists.burials,
            strangers: 0,
        }
    }

    /// Gives the next rows of the list that `reader` is being sent, if any.
    pub fn resume(&mut self, now: Now, reader: SessionId, out: &mut dyn Outbox) {
        let Some(mut listing) = self.lists.open.get(&reader.index).copied() else { return };
        if listing.reader != reader {
            return;
        }
        if listing.key == ListKey::Missed {
            self.forget_given(&listing, out);
        }
        if self.step(now, &mut listing, out) {
            self.lists.close(reader.index);
        } else {
            self.lists.open(listing);
        }
    }

    /// Sends up to [`LIST_ROWS_PER_STEP`] rows. True when the list is finished.
    fn step(&self, now: Now, listing: &mut Listing, out: &mut dyn Outbox) -> bool {
        let is_finished = match listing.key {
            ListKey::Missed => return self.step_missed(listing, out),
            ListKey::Directory => self.step_directory(now, listing, out),
            _ => self.step_rows(now, listing, out),
        };
        if is_finished {
            out.reply(listing.reader, &Reply::End(kind(listing.key)));
        }
        is_finished
    }

    fn step_rows(&self, now: Now, listing: &mut Listing, out: &mut dyn Outbox) -> bool {
        let mut live = self.seek(listing);
        let mut ghosts = self.lists.ghosts_of(listing).peekable();
        for _ in 0..LIST_ROWS_PER_STEP {
            let row = match (live, ghosts.peek()) {
                (Some((place, slot)), ghost) if ghost.is_none_or(|(other, _)| place < *other) => {
                    listing.next = place + 1;
                    let row = self.row(now, listing.key, slot);
                    live = self.after(listing, (place, slot));
                    row
                }
                (_, Some(&(place, ghost))) => {
                    ghosts.next();
                    listing.next = place + 1;
                    ghost.row.row()
                }
                (_, None) if listing.strangers > 0 => {
                    listing.strangers -= 1;
                    Row::Stranger
                }
                (_, None) => return true,
            };
            out.reply(listing.reader, &Reply::Row(row, listing.given));
            listing.given += 1;
        }
        live.is_none() && listing.strangers == 0 && ghosts.peek().is_none()
    }

    /// The first live item from `listing.next` on.
    fn seek(&self, listing: &Listing) -> Option<Entry> {
        self.shown(listing, self.at_or_after(listing, listing.next))
    }

    /// The live item behind another.
    fn after(&self, listing: &Listing, item: Entry) -> Option<Entry> {
        self.shown(listing, self.behind(listing, item))
    }

    /// What stands behind an item, whether it is shown or not.
    fn behind(&self, listing: &Listing, (place, slot): Entry) -> Option<Entry> {
        match (listing.key, listing.parent) {
            (ListKey::Messages(no), Some(_)) => {
                let group = self.groups.at(self.groups.numbered(no)?);
                let slot = self.messages.sibling(group, slot)?;
                Some((u64::from(self.messages.at(slot).id.get()), slot))
            }
            _ => self.at_or_after(listing, place + 1),
        }
    }

    /// Passes over what is not in the list: marked when it was asked for, or added later.
    fn shown(&self, listing: &Listing, mut item: Option<Entry>) -> Option<Entry> {
        while let Some((place, slot)) = item {
            if place >= listing.end {
                return None;
            }
            if !self.is_left_out(listing, slot) {
                break;
            }
            item = self.behind(listing, (place, slot));
        }
        item
    }

    fn at_or_after(&self, listing: &Listing, place: u64) -> Option<Entry> {
        match listing.key {
            ListKey::Rooms => {
                let room = self.rooms.next(place)?;
                Some((u64::from(room.no), self.rooms.numbered(room.no)?))
            }
            ListKey::Users(no) => {
                let members = self.rooms.at(self.rooms.numbered(no)?).members();
                let from = members.partition_point(|member| member.entry < place);
                let at =
                    members[from..].iter().position(|member| member.session != Member::GONE)?;
                Some((members[from + at].entry, (from + at) as u32))
            }
            ListKey::Groups => {
                let group = self.groups.next(place)?;
                Some((u64::from(group.no), self.groups.numbered(group.no)?))
            }
            ListKey::Messages(no) => {
                let group = self.groups.at(self.groups.numbered(no)?);
                let slot = self.messages.next(group, listing.parent, place)?;
                Some((u64::from(self.messages.at(slot).id.get()), slot))
            }
            ListKey::Everyone => {
                let index = self.sessions.next(place)?.id.index;
                Some((u64::from(index), index))
            }
            ListKey::Directory | ListKey::Missed => None,
        }
    }

    /// Whether an item was marked when the list was asked for, or is not for its reader.
    fn is_left_out(&self, listing: &Listing, slot: u32) -> bool {
        match listing.key {
            ListKey::Rooms => {
                let room = self.rooms.at(slot);
                room.is_marked(listing.at) || !room.is_shown(listing.sees, listing.user_kind)
            }
            ListKey::Users(_) | ListKey::Everyone | ListKey::Directory | ListKey::Missed => false,
            ListKey::Groups => self.groups.at(slot).is_marked(listing.at),
            ListKey::Messages(_) => self.messages.is_marked(slot, listing.at),
        }
    }

    fn end_of(&self, key: ListKey) -> u64 {
        match key {
            ListKey::Rooms => u64::from(self.numbers.next_room()),
            ListKey::Users(no) => {
                self.rooms.numbered(no).map_or(0, |slot| self.rooms.at(slot).next_entry())
            }
            ListKey::Groups => u64::from(self.numbers.next_group()),
            ListKey::Messages(no) => {
                let slot = self.groups.numbered(no);
                slot.map_or(0, |slot| u64::from(self.groups.at(slot).next_message))
            }
            ListKey::Everyone => self.sessions.slots() as u64,
            ListKey::Directory | ListKey::Missed => 0,
        }
    }

    /// How many live rows a list that begins now has.
    fn count(&self, listing: &Listing) -> u32 {
        let count = match listing.key {
            ListKey::Rooms => {
                let shown = |slot: &u32| !self.is_left_out(listing, *slot);
                self.rooms.slots().iter().copied().filter(shown).count()
            }
            ListKey::Users(no) => {
                return self.rooms.numbered(no).map_or(0, |slot| self.rooms.at(slot).users());
            }
            ListKey::Groups => self.groups.count() - self.groups.marked(listing.at),
            ListKey::Everyone => self.sessions.users() + self.sessions.strangers() as usize,
            ListKey::Directory => self.rooms.count(),
            ListKey::Missed => 0,
            ListKey::Messages(no) => match self.groups.numbered(no) {
                Some(slot) if listing.parent.is_none() && !self.messages.any_marked(listing.at) => {
                    self.groups.at(slot).messages.count()
                }
                _ => {
                    let first = self.seek(listing);
                    std::iter::successors(first, |&item| self.after(listing, item)).count()
                }
            },
        };
        u32::try_from(count).expect("slots are counted in 32 bits")
    }

    fn row(&self, now: Now, key: ListKey, slot: u32) -> Row<'_> {
        match key {
            ListKey::Everyone => match &self.sessions.at(slot).state {
                State::User(user) => Row::User(&user.name, user.kind),
                State::Stranger { .. } => Row::Stranger,
            },
            ListKey::Directory | ListKey::Missed => unreachable!("it has its own steps"),
            ListKey::Rooms => Row::Room(self.room_row(now, slot)),
            ListKey::Users(no) => {
                let room =
                    self.rooms.at(self.rooms.numbered(no).expect("the room of a row is there"));
                let user = self.sessions.user(room.members()[slot as usize].session);
                Row::User(&user.name, user.kind)
            }
            ListKey::Groups => Row::Group(self.group_row(now, slot)),
            ListKey::Messages(_) => Row::Message(self.message_row(now, slot)),
        }
    }

    fn room_row(&self, now: Now, slot: u32) -> RoomRow<'_> {
        let room = self.rooms.at(slot);
        RoomRow {
            name: &room.name,
            owner: room.owner.map(|person| self.persons.name(person)),
            users: room.users(),
            seconds: room.seconds_left(now.ms),
            door: room.door(),
            admits: room.admits,
        }
    }

    fn group_row(&self, now: Now, slot: u32) -> GroupRow<'_> {
        let group = self.groups.at(slot);
        GroupRow {
            name: &group.name,
            owner: self.persons.name(group.owner),
            no: group.no,
            messages: group.messages.count() as u32,
            users: group.users(),
            seconds: group.seconds_left(now.ms),
            door: group.door(),
            admits: group.admits,
        }
    }

    pub(super) fn message_row(&self, now: Now, slot: u32) -> MessageRow<'_> {
        let message = self.messages.at(slot);
        MessageRow {
            name: &message.name,
            owner: self.persons.name(message.poster),
            id: message.id.get(),
            parent: message.parent,
            replies: message.replies,
            seconds: if message.parent == 0 { seconds_left(message.deadline, now.ms) } else { 0 },
        }
    }
}

fn kind(key: ListKey) -> List {
    match key {
        ListKey::Rooms => List::Rooms,
        ListKey::Users(_) => List::Users,
        ListKey::Groups => List::Groups,
        ListKey::Messages(_) => List::Messages,
        ListKey::Everyone => List::Everyone,
        ListKey::Directory => List::Directory,
        ListKey::Missed => unreachable!("it has no head"),
    }
}
