//! The house: everything the server knows and decides.
//!
//! A function of its inputs: no sockets, files, clocks, randomness or logging in it. The time is an argument, what it
//! decides goes to an [`Outbox`], and [`House::next_deadline`] says when it wants to be woken. A change that must
//! survive is written as a [`Record`] and then applied; start-up applies the same records by the same function.

mod account;
mod apply;
mod audit;
mod board;
mod catalogue;
mod chat;
pub mod command;
mod company;
mod counter;
mod directory;
pub mod event;
mod expiry;
pub mod export;
mod fellow;
mod group;
mod guard;
mod history;
mod letter;
mod listing;
mod login;
pub mod manner;
mod membership;
mod message;
mod missed;
pub mod name;
mod news;
pub mod outbox;
pub mod record;
mod relocate;
mod roll;
mod room;
mod session;
pub mod settings;
pub mod status;
mod tick;

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

pub use account::hex;
use account::{Accounts, Hasher, Persons};
pub use command::Command;
use command::{Counter, Fellow};
use counter::Numbers;
use event::{Event, Reply, Warning};
use fellow::Nicknames;
use group::Groups;
use guard::Guard;
use letter::Letters;
use listing::{ListKey, Lists};
use manner::Manner;
use membership::Memberships;
use message::Messages;
pub use outbox::Outbox;
use outbox::{Full, Purpose};
use record::Place;
pub use record::Record;
pub use room::Member;
use room::Rooms;
use session::{Session, Sessions, State};
pub use session::{SessionId, Standing};
use settings::Settings;
pub use status::Status;

/// The time, read once per turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// The server's own clock in ms: counts only while the server is up, and goes on after a restart (`mec.md` 10).
    pub ms: u64,
    /// Seconds since 1970 by the wall clock; only for what people read.
    pub wall: u64,
}

/// The sooner of two times, as far as there are any.
#[inline]
#[must_use]
pub fn sooner(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// How a command was answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Answer {
    /// It is to be answered by [`Status::Ok`].
    Done,
    /// It has been answered, or needs no answer.
    Given,
}

/// What a command comes to. A refused command has changed nothing.
type Outcome = Result<Answer, Status>;

/// Whether the house is being rebuilt from the log, or lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Loading,
    Open,
}

/// How many of each thing there are, for those who watch over the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Census {
    /// Users online.
    pub users: usize,
    /// Connections that have not logged in.
    pub strangers: usize,
    /// Accounts.
    pub accounts: usize,
    /// Rooms, `Home` among them.
    pub rooms: usize,
    /// Message groups.
    pub groups: usize,
    /// Messages.
    pub messages: usize,
}

/// The state of the server.
#[derive(Debug)]
pub struct House {
    settings: Settings,
    phase: Phase,
    sessions: Sessions,
    rooms: Rooms,
    groups: Groups,
    messages: Messages,
    accounts: Accounts,
    persons: Persons,
    nicknames: Nicknames,
    memberships: Memberships,
    letters: Letters,
    numbers: Numbers,
    lists: Lists,
    guard: Guard,
    hasher: Hasher,
    /// Attempts that wait for their time.
    attempts: usize,
    /// Lines said that the log does not have yet: room and line number.
    unsaved: VecDeque<(u32, u32)>,
    unsaved_due: Option<u64>,
    /// Rooms of which the log does not know since when nobody is in them: occupied when the server was last killed, or
    /// the disk was full.
    unrecorded_idle: BTreeSet<u32>,
    /// The log is not told of them before this.
    idle_retry_at: u64,
    /// No sweep before this.
    sweep_at: u64,
    awaiting: apply::Awaiting,
    /// Places whose records are no longer true, until the log is told.
    dead: Vec<Place>,
    /// Readers of lists that changed too much.
    too_slow: Vec<SessionId>,
}

impl House {
    /// A house in which nothing has happened yet. Give it its records by [`House::apply`], then [`House::open`] it.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let numbers = Numbers::new();
        Self {
            settings,
            phase: Phase::Loading,
            sessions: Sessions::default(),
            rooms: Rooms::new(numbers.current()),
            groups: Groups::new(),
            messages: Messages::default(),
            accounts: Accounts::default(),
            persons: Persons::default(),
            nicknames: Nicknames::default(),
            memberships: Memberships::default(),
            letters: Letters::default(),
            numbers,
            lists: Lists::default(),
            guard: Guard::default(),
            hasher: Hasher::default(),
            attempts: 0,
            unsaved: VecDeque::new(),
            unsaved_due: None,
            unrecorded_idle: BTreeSet::new(),
            idle_retry_at: 0,
            sweep_at: 0,
            awaiting: apply::Awaiting::default(),
            dead: Vec::new(),
            too_slow: Vec::new(),
        }
    }

    /// A connection has come.
    pub fn connect(&mut self, now: Now, id: SessionId, origin: IpAddr, manner: &'static Manner) {
        assert_eq!(self.phase, Phase::Open, "nobody comes before the doors are open");
        self.sessions.open(id, origin, manner, self.login_deadline(now));
    }

    /// A connection has gone. Nothing happens if the house closed it itself.
    pub fn disconnect(&mut self, now: Now, id: SessionId, out: &mut dyn Outbox) {
        if self.sessions.get(id).is_none() {
            return;
        }
        self.reserve_numbers(now, out);
        self.give_attempt_up(now, id.index);
        if self.standing(id) == Some(Standing::User) {
            self.depart(now, id.index, out);
        }
        self.lists.close(id.index);
        self.sessions.close(id.index);
    }

    /// Whether the session has logged in; nothing if it is over.
    #[must_use]
    pub fn standing(&self, id: SessionId) -> Option<Standing> {
        self.sessions.get(id).map(Session::standing)
    }

    /// As what the session's next request is asked, if it need not wait for the answer to the last one. Who is nobody
    /// of the house is a stranger to it.
    #[inline]
    #[must_use]
    pub fn asks_as(&self, id: SessionId) -> Option<Standing> {
        let Some(session) = self.sessions.get(id) else { return Some(Standing::Stranger) };
        (!self.is_answering(session)).then(|| session.standing())
    }

    #[inline]
    fn is_answering(&self, session: &Session) -> bool {
        session.attempt.is_some() || self.lists.is_open(session.id.index)
    }

    /// Whether the session's last request is still being answered; the next one has to wait.
    #[inline]
    #[must_use]
    pub fn is_busy(&self, id: SessionId) -> bool {
        self.asks_as(id).is_none()
    }

    /// Whether the session's last answer is a list of which rows are still to come: [`House::resume`] gives them.
    #[must_use]
    pub fn is_listing(&self, id: SessionId) -> bool {
        self.lists.is_open(id.index)
    }

    /// Who is being sent a list of which rows are still to come.
    pub fn readers(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.lists.readers()
    }

    /// Carries out a request. Says how it ended, for its answer; nothing if it has been answered or will be later, by
    /// way of the outbox, or if no answer is due.
    pub fn handle(
        &mut self,
        now: Now,
        id: SessionId,
        command: Command<'_>,
        out: &mut dyn Outbox,
    ) -> Option<Status> {
        let session = self.sessions.get(id)?;
        let standing = session.standing();
        assert!(!self.is_answering(session), "one request of a session at a time");
        self.reserve_numbers(now, out);
        let outcome = match standing {
            Standing::Stranger if !serves_strangers(&command) => Err(Status::NoLogin),
            Standing::Stranger | Standing::User => self.dispatch(now, id, command, out),
        };
        self.bury_the_dead(out);
        status(outcome)
    }

    fn dispatch(
        &mut self,
        now: Now,
        id: SessionId,
        command: Command<'_>,
        out: &mut dyn Outbox,
    ) -> Outcome {
        match command {
            Command::LoginAnonymous { name } => self.login_anonymous(now, id, &name, out),
            Command::LoginRegistered { name, password } => {
                self.login_registered(now, id, name, password, out)
            }
            Command::CreateLogin { name, password, real_name, email } => {
                self.create_login(now, id, name, password, real_name, email, out)
            }
            Command::ChangePassword { new, old } => self.change_password(now, id, new, old, out),
            Command::RemoveLogin => self.remove_login(now, id, out),
            Command::WhoAmI => self.who_am_i(id, out),
            Command::ListRooms => self.list(now, id, ListKey::Rooms, None, out),
            Command::ListUsers => {
                let room = self.rooms.at(self.room_of(id.index)).no;
                self.list(now, id, ListKey::Users(room), None, out)
            }
            Command::CreateRoom { name, password, admits, then } => {
                self.create_room(now, id, name, password, admits, then, out)
            }
            Command::RemoveRoom { name, password } => {
                self.remove_room(now, id, &name, password, out)
            }
            Command::ChangeRoom { name, password } => {
                self.change_room(now, id, &name, password, out)
            }
            Command::Broadcast { text } => self.broadcast(now, id, text, out),
            Command::SendTo { user, text } => self.send_to(now, id, &user, text, out),
            Command::PeerToPeer { user, port, address } => {
                self.peer_to_peer(id, &user, port, address, out)
            }
            Command::ListGroups => self.list(now, id, ListKey::Groups, None, out),
            Command::CreateGroup { name, password, admits, seconds } => {
                self.create_group(now, id, name, password, admits, seconds, out)
            }
            Command::JoinGroup { name, password } => self.join_group(now, id, &name, password),
            Command::LeaveGroup => self.leave_group(now, id),
            Command::ListMessages { parent } => self.list_messages(now, id, parent, out),
            Command::GetMessage { id: message } => self.get_message(now, id, message, out),
            Command::PostMessage { name, parent, seconds, body } => {
                self.post_message(now, id, name, parent, seconds, body, out)
            }
            Command::Number(counter) => self.number(id, counter, out),
            Command::Challenge => self.challenge(now, id, out),
            Command::History { count } => self.history(id, count, out),
            Command::RemoveGroup { name, password } => {
                self.remove_group(now, id, &name, password, out)
            }
            Command::RemoveMessage { id: message } => self.remove_message(now, id, message, out),
            Command::Kick { user } => self.kick(now, id, &user, out),
            Command::Quit => self.quit(now, id, out),
            Command::Company(request) => self.keep_company(now, id, request, out),
            Command::Fellow { claim, request } => {
                self.serve_fellow(now, id, claim.as_ref(), request, out)
            }
        }
    }

    fn number(&self, id: SessionId, counter: Counter, out: &mut dyn Outbox) -> Outcome {
        let number = match counter {
            Counter::Architecture => self.numbers.architecture,
            Counter::Room => self.numbers.room,
            Counter::User => self.rooms.at(self.room_of(id.index)).stamp,
            Counter::Group => self.numbers.group,
            Counter::Message => self.groups.at(self.group_of(id.index)?).stamp,
        };
        out.reply(id, &Reply::Number(counter, number));
        Ok(Answer::Given)
    }

    fn quit(&mut self, now: Now, id: SessionId, out: &mut dyn Outbox) -> Outcome {
        self.disconnect(now, id, out);
        out.close(id);
        Ok(Answer::Done)
    }

    /// Tells a session why it has to go, and closes it.
    pub fn dismiss(
        &mut self,
        now: Now,
        id: SessionId,
        warning: &Warning<'_>,
        out: &mut dyn Outbox,
    ) {
        out.send(id, &Event::Warning(*warning));
        self.disconnect(now, id, out);
        out.close(id);
    }

    /// The sessions there are.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.sessions.ids()
    }

    /// The name under which a session is online, for the server's own log.
    #[must_use]
    pub fn user_name(&self, id: SessionId) -> Option<&name::UserName> {
        match &self.sessions.get(id)?.state {
            State::User(user) => Some(&user.name),
            State::Stranger { .. } => None,
        }
    }

    /// How many of each thing there are.
    #[must_use]
    pub fn census(&self) -> Census {
        Census {
            users: self.sessions.users(),
            strangers: self.sessions.strangers() as usize,
            accounts: self.accounts.count(),
            rooms: self.rooms.count(),
            groups: self.groups.count(),
            messages: self.messages.count(),
        }
    }

    /// Takes other options. Limits that are lower than what is there already only keep more from coming; but of what was
    /// said in rooms the oldest goes, as if more had come.
    pub fn configure(&mut self, settings: Settings, out: &mut dyn Outbox) {
        self.settings = settings;
        let bounds = self.history_bounds();
        for slot in self.rooms.slots() {
            self.start_room_time(slot);
            self.rooms.at_mut(slot).history.trim(bounds, &mut self.dead);
        }
        self.bury_the_dead(out);
    }

    /// The room the user of a session stands in; of a user who stands in several, the first.
    fn room_of(&self, index: u32) -> u32 {
        let presences = self.sessions.user(index).rooms.as_slice();
        presences.first().expect("a user stands in a room").room
    }

    fn login_deadline(&self, now: Now) -> u64 {
        now.ms + self.settings.login_ms
    }

    /// Writes a fact and applies it; nothing has changed if it could not be written.
    fn fact(
        &mut self,
        record: &Record<'_>,
        purpose: Purpose,
        out: &mut dyn Outbox,
    ) -> Result<(), Status> {
        let place = out.record(record, purpose).map_err(|Full| Status::NoMemory)?;
        self.apply(record, place);
        self.bury_the_dead(out);
        Ok(())
    }

    /// Brings the log's idea of the clock up to now, if it has fallen behind, so that a deadline that is written next
    /// means the same after a restart.
    fn save_clock(&mut self, now: Now, out: &mut dyn Outbox) {
        if now.ms >= self.numbers.clock_saved + crate::limits::CLOCK_SAVE_INTERVAL_MS {
            self.save_numbers(now, out);
        }
    }

    /// Makes sure that the status numbers a request may draw are known to the log as used.
    fn reserve_numbers(&mut self, now: Now, out: &mut dyn Outbox) {
        if self.numbers.short_of_stamps() {
            self.save_numbers(now, out);
        }
    }

    /// Writes the server's own numbers.
    pub fn save_numbers(&mut self, now: Now, out: &mut dyn Outbox) {
        let reserved = self.numbers.reserved();
        let counters = self.numbers.reserve(now.ms);
        let moved = counters.stamps != reserved;
        let purpose = if moved { Purpose::Bound } else { Purpose::Upkeep };
        match out.record(&Record::Counters(counters), purpose) {
            Ok(place) => out.retire(place),
            // Asked again when they run short: numbers that the log does not know as used come twice after a restart.
            Err(Full) => self.numbers.unreserve(reserved),
        }
    }

    /// Tells the log which records are no longer true.
    #[inline]
    fn bury_the_dead(&mut self, out: &mut dyn Outbox) {
        if self.dead.is_empty() {
            return;
        }
        for place in self.dead.drain(..) {
            out.retire(place);
        }
    }
}

/// What there is to answer.
fn status(outcome: Outcome) -> Option<Status> {
    match outcome {
        Ok(Answer::Done) => Some(Status::Ok),
        Ok(Answer::Given) => None,
        Err(status) => Some(status),
    }
}

/// Whether a command is served to a connection that has not logged in (`mec.md` 5).
fn serves_strangers(command: &Command<'_>) -> bool {
    matches!(
        command,
        Command::LoginAnonymous { .. }
            | Command::LoginRegistered { .. }
            | Command::Challenge
            | Command::Quit
            | Command::Fellow { request: Fellow::Register { .. } | Fellow::Login { .. }, .. }
    )
}
