//! Sessions: who is connected, who of them has logged in under which name, and where each one stands.
//!
//! Owns the slots of the sessions, the index of the names that are online, and the deadline of each session. It does
//! not know sockets: a session's slot is its connection's, and the generation tells the connections of a slot apart.

use std::collections::BTreeMap;
use std::net::IpAddr;

use zeroize::Zeroizing;

use crate::core::audit::ensure;
use crate::core::command::Afterwards;
use crate::core::event::UserKind;
use crate::core::expiry::{Expiry, NOWHERE, Timed};
use crate::core::manner::{Hearing, Manner};
use crate::core::name::{Folded, UserName};
use crate::core::record::PersonNo;
use crate::core::room::Member;
use crate::limits::NONCE_BYTES;

/// One session: the slot of its connection, and which of the connections that have had the slot it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SessionId {
    /// The slot.
    pub index: u32,
    /// How many connections had the slot before.
    pub generation: u32,
}

/// What a session may do: the dialects ask before they look at a request's arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Not logged in.
    Stranger,
    /// Logged in.
    User,
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) origin: IpAddr,
    pub(super) manner: &'static Manner,
    pub(super) state: State,
    pub(super) wrong_passwords: u32,
    /// The next nonce to be used, and until when it is good.
    pub(super) challenge: Option<Box<Challenge>>,
    /// A request that waits for the session's deadline; no other is taken meanwhile.
    pub(super) attempt: Option<Box<Attempt>>,
    deadline: u64,
    position: u32,
}

/// Whether a session has logged in.
#[derive(Debug)]
pub(super) enum State {
    /// It has not, and may not stay without for longer than `until`, in ms of the server's clock.
    Stranger { until: u64 },
    /// It has.
    User(User),
}

impl Session {
    pub(super) fn standing(&self) -> Standing {
        match self.state {
            State::Stranger { .. } => Standing::Stranger,
            State::User(_) => Standing::User,
        }
    }
}

/// A user who is online.
#[derive(Debug)]
pub(super) struct User {
    pub(super) name: UserName,
    pub(super) person: PersonNo,
    pub(super) kind: UserKind,
    pub(super) rooms: Presences,
    /// The slot of the message group the user is in.
    pub(super) group: Option<u32>,
}

/// A nonce that was given out.
#[derive(Debug)]
pub(super) struct Challenge {
    pub(super) nonce: [u8; NONCE_BYTES],
    pub(super) until: u64,
}

/// A request about passwords that is carried out later: after a delay, or when the processor has time for a hash.
#[derive(Debug)]
pub(super) enum Attempt {
    Login {
        name: UserName,
        password: Zeroizing<String>,
        nonce: Option<[u8; NONCE_BYTES]>,
        after: After,
    },
    Create {
        name: UserName,
        password: Zeroizing<String>,
        real_name: String,
        email: String,
        after: After,
    },
    Change {
        new: Zeroizing<String>,
        old: Zeroizing<String>,
    },
    Update {
        nickname: Option<String>,
        password: Option<Zeroizing<String>>,
        then: Afterwards,
    },
}

/// What follows when such a request has succeeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum After {
    /// Nothing: who makes an account stays who it is.
    Nothing,
    /// Who makes an account logs in to it; then the user is told what it has missed.
    CatchUp { since: Option<u64> },
}

/// One of the rooms a user stands in, and where in its list of members.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Presence {
    pub(super) room: u32,
    pub(super) position: u32,
}

/// The rooms a user stands in. One costs no allocation: MEC users are never in more.
#[derive(Debug)]
pub(super) enum Presences {
    One(Presence),
    Many(Vec<Presence>),
}

impl Presences {
    pub(super) fn none() -> Self {
        Self::Many(Vec::new())
    }

    pub(super) fn as_slice(&self) -> &[Presence] {
        match self {
            Self::One(presence) => std::slice::from_ref(presence),
            Self::Many(presences) => presences,
        }
    }

    pub(super) fn add(&mut self, presence: Presence) {
        match self {
            Self::One(first) => *self = Self::Many(vec![*first, presence]),
            Self::Many(presences) if presences.is_empty() => *self = Self::One(presence),
            Self::Many(presences) => presences.push(presence),
        }
    }

    pub(super) fn remove(&mut self, room: u32) -> Option<Presence> {
        match self {
            Self::One(presence) if presence.room == room => {
                let found = *presence;
                *self = Self::none();
                Some(found)
            }
            Self::One(_) => None,
            Self::Many(presences) => {
                let at = presences.iter().position(|presence| presence.room == room)?;
                Some(presences.remove(at))
            }
        }
    }

    pub(super) fn move_to(&mut self, room: u32, position: u32) {
        let presences = match self {
            Self::One(presence) => std::slice::from_mut(presence),
            Self::Many(presences) => presences.as_mut_slice(),
        };
        if let Some(presence) = presences.iter_mut().find(|presence| presence.room == room) {
            presence.position = position;
        }
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    slots: Slots,
    expiry: Expiry,
    online: BTreeMap<Folded, u32>,
    strangers: u32,
    /// The users who are told the news.
    listeners: Vec<Member>,
}

/// The slots, apart from the heap that orders them.
#[derive(Debug, Default)]
struct Slots(Vec<Option<Session>>);

impl Timed for Slots {
    fn deadline(&self, item: u32) -> u64 {
        self.at(item).deadline
    }

    fn position(&self, item: u32) -> u32 {
        self.at(item).position
    }

    fn set_position(&mut self, item: u32, position: u32) {
        self.at_mut(item).position = position;
    }
}

impl Slots {
    fn at(&self, index: u32) -> &Session {
        self.0[index as usize].as_ref().expect("a session that is referred to is there")
    }

    fn at_mut(&mut self, index: u32) -> &mut Session {
        self.0[index as usize].as_mut().expect("a session that is referred to is there")
    }
}

impl Sessions {
    /// A connection has come; its session may idle until `deadline` without logging in.
    pub(super) fn open(
        &mut self,
        id: SessionId,
        origin: IpAddr,
        manner: &'static Manner,
        deadline: u64,
    ) {
        let index = id.index as usize;
        if self.slots.0.len() <= index {
            self.slots.0.resize_with(index + 1, || None);
        }
        assert!(self.slots.0[index].is_none(), "a slot has one session at a time");
        self.slots.0[index] = Some(Session {
            id,
            origin,
            manner,
            state: State::Stranger { until: deadline },
            wrong_passwords: 0,
            challenge: None,
            attempt: None,
            deadline,
            position: NOWHERE,
        });
        self.strangers += 1;
        self.expiry.insert(&mut self.slots, id.index);
    }

    /// The session is over. It must be a stranger by now.
    pub(super) fn close(&mut self, index: u32) {
        assert!(
            matches!(self.at(index).state, State::Stranger { .. }),
            "a user leaves before the session does"
        );
        self.expiry.remove(&mut self.slots, index);
        self.slots.0[index as usize] = None;
        self.strangers -= 1;
    }

    /// The session `id`, if it is still there.
    #[inline]
    pub(super) fn get(&self, id: SessionId) -> Option<&Session> {
        self.slots.0.get(id.index as usize)?.as_ref().filter(|session| session.id == id)
    }

    pub(super) fn at(&self, index: u32) -> &Session {
        self.slots.at(index)
    }

    pub(super) fn at_mut(&mut self, index: u32) -> &mut Session {
        self.slots.at_mut(index)
    }

    /// The user of a session that is known to have logged in.
    pub(super) fn user(&self, index: u32) -> &User {
        match &self.at(index).state {
            State::User(user) => user,
            State::Stranger { .. } => panic!("only users get here"),
        }
    }

    pub(super) fn user_mut(&mut self, index: u32) -> &mut User {
        match &mut self.at_mut(index).state {
            State::User(user) => user,
            State::Stranger { .. } => panic!("only users get here"),
        }
    }

    /// The session that is online under a name.
    pub(super) fn online(&self, name: &UserName) -> Option<u32> {
        self.online.get(&name.folded()).copied()
    }

    /// The user online under a name who is of the same kin as the session in slot `index`.
    pub(super) fn kin(&self, index: u32, name: &UserName) -> Option<u32> {
        let kin = self.at(index).manner.kin;
        self.online(name).filter(|&other| self.at(other).manner.kin == kin)
    }

    /// The users who are told the news.
    pub(super) fn listeners(&self) -> &[Member] {
        &self.listeners
    }

    /// A user is told the news from now on.
    pub(super) fn listen(&mut self, index: u32) {
        if self.at(index).manner.news == Hearing::Heard {
            self.listeners.push(Member { session: index, entry: 0 });
        }
    }

    /// A user is not told the news any more.
    pub(super) fn stop_listening(&mut self, index: u32) {
        if self.at(index).manner.news == Hearing::Heard {
            self.listeners.retain(|member| member.session != index);
        }
    }

    /// Nobody is told the news any more.
    pub(super) fn stop_all_listening(&mut self) {
        self.listeners.clear();
    }

    /// The first session in a slot from `index` on.
    pub(super) fn next(&self, index: u64) -> Option<&Session> {
        let from = usize::try_from(index).ok()?;
        self.slots.0.get(from..)?.iter().flatten().next()
    }

    /// How many slots there are.
    pub(super) fn slots(&self) -> usize {
        self.slots.0.len()
    }

    /// Connections that have not logged in.
    pub(super) fn strangers(&self) -> u32 {
        self.strangers
    }

    /// Users online.
    pub(super) fn users(&self) -> usize {
        self.online.len()
    }

    /// A stranger becomes a user; nothing is waited for any more.
    pub(super) fn log_in(&mut self, index: u32, user: User) {
        let before = self.online.insert(user.name.folded(), index);
        assert!(before.is_none(), "a name is online once");
        let session = self.at_mut(index);
        assert!(matches!(session.state, State::Stranger { .. }), "the old identity leaves first");
        session.state = State::User(user);
        self.strangers -= 1;
        self.expiry.remove(&mut self.slots, index);
    }

    /// A user becomes a stranger, who may idle until `deadline`.
    pub(super) fn log_out(&mut self, index: u32, deadline: u64) -> User {
        let stranger = State::Stranger { until: deadline };
        let state = std::mem::replace(&mut self.at_mut(index).state, stranger);
        let State::User(user) = state else { panic!("only users get here") };
        self.online.remove(&user.name.folded());
        self.strangers += 1;
        self.set_deadline(index, Some(deadline));
        user
    }

    /// A request no longer waits: the session has the deadline again that it has without one.
    pub(super) fn restore_deadline(&mut self, index: u32) {
        let deadline = match self.at(index).state {
            State::Stranger { until } => Some(until),
            State::User(_) => None,
        };
        self.set_deadline(index, deadline);
    }

    /// When the session is to be looked at next, in ms of the server's clock.
    pub(super) fn set_deadline(&mut self, index: u32, deadline: Option<u64>) {
        self.expiry.remove(&mut self.slots, index);
        if let Some(deadline) = deadline {
            self.at_mut(index).deadline = deadline;
            self.expiry.insert(&mut self.slots, index);
        }
    }

    pub(super) fn deadline(&self, index: u32) -> u64 {
        self.at(index).deadline
    }

    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.expiry.first_deadline(&self.slots)
    }

    /// The session whose deadline is the soonest, if it is not after `now`.
    pub(super) fn first_due(&self, now: u64) -> Option<u32> {
        self.expiry.first().filter(|&index| self.slots.deadline(index) <= now)
    }

    /// Every session that is there.
    pub(super) fn ids(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.slots.0.iter().flatten().map(|session| session.id)
    }
}

impl Sessions {
    /// Whether counts, the names online and deadlines say what the sessions say.
    ///
    /// # Errors
    /// What is wrong, for tests.
    pub(super) fn audit(&self) -> Result<(), String> {
        self.expiry.audit(&self.slots)?;
        let (mut strangers, mut users, mut scheduled) = (0, 0, 0);
        for (index, session) in self.slots.0.iter().enumerate() {
            let Some(session) = session else { continue };
            let what = || format!("session {index}");
            ensure(session.id.index as usize == index, what)?;
            let waits = match &session.state {
                State::Stranger { .. } => {
                    strangers += 1;
                    true
                }
                State::User(user) => {
                    users += 1;
                    let online = self.online.get(&user.name.folded());
                    ensure(online == Some(&session.id.index), what)?;
                    session.attempt.is_some()
                }
            };
            ensure(waits == (session.position != NOWHERE), what)?;
            scheduled += usize::from(waits);
        }
        let listening = |session: &&Session| {
            session.manner.news == Hearing::Heard && matches!(session.state, State::User(_))
        };
        let listeners = self.slots.0.iter().flatten().filter(listening).count();
        ensure(listeners == self.listeners.len(), || "listeners are miscounted".into())?;
        ensure(strangers == self.strangers, || "strangers are miscounted".into())?;
        ensure(users == self.online.len(), || "a name is online without a user".into())?;
        ensure(scheduled == self.expiry.count(), || "sessions with a deadline".into())
    }
}
