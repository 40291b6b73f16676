//! Manners: how the users of a dialect live in the house. What a dialect is called and how it looks is not known here.

use crate::core::command::Admits;
use crate::core::event::{Door, UserKind};
use crate::core::name::ItemName;

/// What the house has to know of a dialect to treat its users as they expect (spec `dialects.md`, "One house").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Manner {
    /// Where they stand.
    pub stands: Stands,
    /// The rooms they see.
    pub sees: Sees,
    /// Whether private messages reach them.
    pub whispers: Hearing,
    /// Whether they hear what they say in a room themselves.
    pub echo: Hearing,
    /// Whether they are told of every room that is made, entered or left, wherever they stand, beginning with all
    /// there is when they log in.
    pub news: Hearing,
    /// Lines of a room's history that they are told when they enter it.
    pub recalls: u32,
    /// How long the rooms that they make outlive their last member.
    pub rooms: Lifetime,
    /// Whom they exchange lines with that only clients of one kind understand.
    pub kin: Kin,
}

/// Where the users of a dialect stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stands {
    /// In exactly one room, which is `Home` at first.
    InOneRoom,
    /// In `Home` at first, and in any number of rooms later.
    AtHome,
    /// In any number of rooms, and in none at first.
    Nowhere,
}

/// Which rooms the users of a dialect can see and enter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sees {
    /// All but those that one has to be invited to: there are words for passwords.
    Doors,
    /// Those that are open to them.
    Open,
    /// Those of them whose name has no blank, because blanks part words.
    OpenInOneWord,
}

/// Whether something reaches somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hearing {
    /// It does.
    Heard,
    /// It does not.
    Unheard,
}

/// How long a room outlives its last member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lifetime {
    /// `rooms.expire_seconds`
    Short,
    /// `rooms.expire_seconds_other`
    Long,
}

/// Users of the same kin understand each other's lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kin(pub u8);

impl Sees {
    /// Whether a user of that kind sees such a room.
    pub(super) fn shows(self, kind: UserKind, name: &ItemName, door: Door, admits: Admits) -> bool {
        let is_admitted = match admits {
            Admits::Anonymous => true,
            Admits::Registered => kind == UserKind::Registered,
            Admits::Invited => false,
        };
        let is_open = is_admitted && door == Door::Public;
        match self {
            Self::Doors => admits != Admits::Invited,
            Self::Open => is_open,
            Self::OpenInOneWord => is_open && !name.as_str().contains(' '),
        }
    }
}
