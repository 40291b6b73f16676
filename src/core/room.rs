//! Rooms: what they are, who is in them, when they expire. What users do with them is in `chat.rs`.
//!
//! A room's members stand in the order in which they came; one who leaves leaves a gap, and the gaps are closed when
//! they are more than the members, so that coming and going costs the same however full the room is.

use zeroize::Zeroizing;

use crate::core::audit::ensure;
use crate::core::catalogue::{Catalogue, Item};
use crate::core::command::Admits;
use crate::core::event::{Door, UserKind};
use crate::core::expiry::{Due, NOWHERE};
use crate::core::history::History;
use crate::core::manner::{Lifetime, Sees};
use crate::core::name::{Folded, ItemName};
use crate::core::record::{PersonNo, Place};
use crate::core::session::{Presence, Sessions};

/// A member of a room, or the gap one has left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member {
    /// The slot of the member's session; [`Member::GONE`] for a gap.
    pub session: u32,
    /// The number of the entry; grows from member to member of the room.
    pub entry: u64,
}

impl Member {
    /// The slot that stands for "nobody any more".
    pub const GONE: u32 = u32::MAX;
}

/// A room.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) no: u32,
    pub(super) name: ItemName,
    /// Who made it; nobody made `Home`.
    pub(super) owner: Option<PersonNo>,
    pub(super) password: Zeroizing<Box<str>>,
    pub(super) admits: Admits,
    pub(super) lifetime: Lifetime,
    members: Vec<Member>,
    users: u32,
    next_entry: u64,
    /// Since when nobody is in it; what the log knows of that.
    pub(super) idle_since: Option<u64>,
    pub(super) history: History,
    /// Who was kicked.
    pub(super) bans: Vec<Folded>,
    /// `#userstatus`
    pub(super) stamp: u32,
    pub(super) place: Option<Place>,
    pub(super) idle_place: Option<Place>,
    deadline: u64,
    position: u32,
}

/// The slot and the number of `Home`.
pub(super) const HOME: u32 = 0;

/// Gaps up to this many are left alone.
const GAPS_MIN: usize = 16;

impl Room {
    /// The members, gaps among them.
    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(super) fn users(&self) -> u32 {
        self.users
    }

    /// The number the next member's entry gets.
    pub(super) fn next_entry(&self) -> u64 {
        self.next_entry
    }

    /// Whole seconds until it expires, at least 1; 0 while it does not.
    pub(super) fn seconds_left(&self, now: u64) -> u32 {
        match self.marked_since() {
            Some(deadline) => seconds_left(deadline, now),
            None => 0,
        }
    }

    pub(super) fn door(&self) -> Door {
        door(&self.password)
    }

    /// Whether a user of that kind sees it.
    pub(super) fn is_shown(&self, sees: Sees, kind: UserKind) -> bool {
        sees.shows(kind, &self.name, self.door(), self.admits)
    }
}

/// Whether what has this password asks for one.
pub(super) fn door(password: &str) -> Door {
    if password.is_empty() { Door::Public } else { Door::Private }
}

/// Whole seconds from `now` to `deadline`, at least 1.
pub(super) fn seconds_left(deadline: u64, now: u64) -> u32 {
    let seconds = deadline.saturating_sub(now) / 1000;
    u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)
}

impl Item for Room {
    fn no(&self) -> u32 {
        self.no
    }

    fn name(&self) -> &ItemName {
        &self.name
    }

    fn marked_since(&self) -> Option<u64> {
        (self.position != NOWHERE).then_some(self.deadline)
    }
}

impl Due for Room {
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

/// All rooms.
#[derive(Debug)]
pub(super) struct Rooms(Catalogue<Room>);

impl std::ops::Deref for Rooms {
    type Target = Catalogue<Room>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl std::ops::DerefMut for Rooms {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// What a new room is made of.
#[derive(Debug)]
pub(super) struct NewRoom<'a> {
    pub(super) no: u32,
    pub(super) name: ItemName,
    pub(super) owner: Option<PersonNo>,
    pub(super) password: &'a str,
    pub(super) admits: Admits,
    pub(super) lifetime: Lifetime,
    pub(super) stamp: u32,
    pub(super) place: Option<Place>,
}

impl Rooms {
    /// Just `Home`.
    pub(super) fn new(stamp: u32) -> Self {
        let mut rooms = Self(Catalogue::new());
        let home = rooms.add(NewRoom {
            no: HOME,
            name: ItemName::new("Home").expect("the name is valid"),
            owner: None,
            password: "",
            admits: Admits::Anonymous,
            lifetime: Lifetime::Long,
            stamp,
            place: None,
        });
        assert_eq!(home, HOME, "Home has the first slot");
        rooms
    }

    /// Adds a room that nobody is in; its time does not run yet.
    pub(super) fn add(&mut self, new: NewRoom<'_>) -> u32 {
        self.0.add(Room {
            no: new.no,
            name: new.name,
            owner: new.owner,
            password: Zeroizing::new(new.password.into()),
            admits: new.admits,
            lifetime: new.lifetime,
            members: Vec::new(),
            users: 0,
            next_entry: 0,
            idle_since: None,
            history: History::default(),
            bans: Vec::new(),
            stamp: new.stamp,
            place: new.place,
            idle_place: None,
            deadline: 0,
            position: NOWHERE,
        })
    }

    /// Takes an empty room out.
    pub(super) fn remove(&mut self, slot: u32) -> Room {
        assert!(
            slot != HOME && self.at(slot).users == 0,
            "only an empty room goes, and never Home"
        );
        self.0.remove(slot)
    }

    /// Adds a member behind the others.
    pub(super) fn enter(&mut self, slot: u32, session: u32, stamp: u32) -> Presence {
        let room = self.0.at_mut(slot);
        let position = room.members.len() as u32;
        room.members.push(Member { session, entry: room.next_entry });
        room.next_entry += 1;
        room.users += 1;
        room.stamp = stamp;
        Presence { room: slot, position }
    }

    /// Takes a member out, and closes the gaps when they have become too many. Says which entry it was.
    pub(super) fn leave(&mut self, presence: Presence, stamp: u32, sessions: &mut Sessions) -> u64 {
        let room = self.0.at_mut(presence.room);
        let member = &mut room.members[presence.position as usize];
        assert!(member.session != Member::GONE, "a member leaves once");
        member.session = Member::GONE;
        let entry = member.entry;
        room.users -= 1;
        room.stamp = stamp;
        let gaps = room.members.len() - room.users as usize;
        if gaps > GAPS_MIN.max(room.users as usize) || room.users == 0 {
            close_gaps(room, presence.room, sessions);
        }
        entry
    }

    /// Lets the room's time run, to be over at `deadline`; or stops it.
    pub(super) fn set_deadline(&mut self, slot: u32, deadline: Option<u64>) {
        self.unschedule(slot);
        if let Some(deadline) = deadline {
            self.at_mut(slot).deadline = deadline;
            self.schedule(slot);
        }
    }
}

impl Rooms {
    /// Whether counts, indexes and deadlines say what the rooms say.
    ///
    /// # Errors
    /// What is wrong, for tests.
    pub(super) fn audit(&self) -> Result<(), String> {
        self.0.audit()?;
        for room in self.iter() {
            let name = room.name.as_str();
            let live = || room.members.iter().filter(|member| member.session != Member::GONE);
            ensure(live().count() == room.users as usize, || format!("users of room {name}"))?;
            let entries: Vec<u64> = room.members.iter().map(|member| member.entry).collect();
            let in_order = entries.is_sorted_by(|a, b| a < b);
            let known = entries.last().is_none_or(|&last| last < room.next_entry);
            ensure(in_order && known, || format!("entries of room {name}"))?;
            let empty = room.no != HOME && room.users == 0;
            ensure(room.idle_since.is_some() == empty, || format!("emptiness of room {name}"))?;
        }
        Ok(())
    }
}

fn close_gaps(room: &mut Room, slot: u32, sessions: &mut Sessions) {
    room.members.retain(|member| member.session != Member::GONE);
    for (position, member) in room.members.iter().enumerate() {
        sessions.user_mut(member.session).rooms.move_to(slot, position as u32);
    }
    if room.members.is_empty() {
        room.members = Vec::new();
    }
}
