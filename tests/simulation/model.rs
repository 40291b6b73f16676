//! The model: what the server should do, written from spec `mec.md` alone, as plainly as possible.
//!
//! It is told which bytes were served in which order and at what time, and says what every connection should be sent.
//! What the spec leaves to the server (which of several timeouts comes first) it is told; whether it was time for it
//! is checked.

use std::collections::BTreeSet;
use std::rc::Rc;

use mecd::config::Config;
use mecd::core::SessionId;

use crate::expect::{Expected, Piece, Stamp};
use crate::lines::{Heard, Lines, folded};
use crate::login::{Attempt, Guess};
use crate::world::{Fact, Owner, Swept, World};

/// A user who is online.
#[derive(Clone, Debug)]
pub struct User {
    pub name: String,
    pub person: u64,
    pub registered: bool,
    pub room: u64,
    pub group: Option<u32>,
}

/// A message that is being sent.
#[derive(Debug)]
pub struct Body {
    pub head: Result<Head, i32>,
    pub parts: u32,
    pub lines: Vec<String>,
    /// Bytes that are kept of it; nothing if it is refused whatever comes.
    pub kept: Option<usize>,
}

/// What a message is posted under.
#[derive(Debug)]
pub struct Head {
    pub name: String,
    pub parent: u32,
    pub seconds: u32,
}

#[derive(Debug)]
pub struct Conn {
    pub id: SessionId,
    pub address: std::net::IpAddr,
    /// It has a session.
    pub open: bool,
    /// The socket is gone.
    pub gone: bool,
    /// The server has read its end.
    pub ended: bool,
    pub lines: Lines,
    pub body: Option<Body>,
    /// The group and the number of the message asked for last.
    pub reading: Option<(u32, u32)>,
    pub user: Option<User>,
    pub wrong: u32,
    pub nonce: Option<(String, u64)>,
    pub attempt: Option<(u64, Attempt)>,
    /// When it is closed if it has not logged in.
    pub login_by: u64,
    pub heard: u64,
    /// When its bucket of lines is full again, in microseconds.
    pub full_at_us: u64,
    pub expected: Expected,
    /// Nonces asked for, and those its client has read.
    pub nonces_given: u32,
    pub nonces_read: u32,
    /// The nonce its client has read last.
    pub read_nonce: String,
}

#[derive(Debug)]
pub struct Model {
    pub config: Config,
    pub now: u64,
    pub wall: u64,
    pub world: World,
    pub conns: Vec<Conn>,
    pub facts: Vec<(Option<u64>, Fact)>,
    pub guesses: Vec<Guess>,
    pub epoch: u32,
    pub arch: u64,
    pub moves: u64,
    pub group_changes: u64,
    pub next_person: u64,
    pub next_room: u64,
    pub sweep_at: u64,
    /// The log takes nothing new at the moment: the next command that needs it is refused.
    pub refuse: bool,
    /// Reading the disk fails at the moment.
    pub unreadable: bool,
    /// Lines said and not written, oldest first: room and when.
    pub unsaved: Vec<(u64, u64)>,
    pub commands: u64,
    /// Bytes of all messages that are being sent.
    pub bodies_bytes: usize,
    /// Messages that were given up while they were sent.
    pub given_up: usize,
    /// Which commands were answered by which status.
    pub met: BTreeSet<(&'static str, i32)>,
    /// The number of the turn.
    pub turn: u64,
    /// Commands that were refused because the disk is full.
    pub refusals: u64,
}

impl Model {
    pub fn new(config: Config) -> Self {
        Self {
            config,
            now: 0,
            wall: 0,
            world: World::new(Swept::Removed),
            conns: Vec::new(),
            facts: Vec::new(),
            guesses: Vec::new(),
            epoch: 0,
            arch: 0,
            moves: 0,
            group_changes: 0,
            next_person: 1,
            next_room: 1,
            sweep_at: 0,
            refuse: false,
            unreadable: false,
            unsaved: Vec::new(),
            commands: 0,
            bodies_bytes: 0,
            given_up: 0,
            met: BTreeSet::new(),
            turn: 0,
            refusals: 0,
        }
    }

    pub fn connect(&mut self, id: SessionId, address: std::net::IpAddr) {
        self.conns.push(Conn {
            id,
            address,
            open: true,
            gone: false,
            ended: false,
            lines: Lines::new(),
            body: None,
            reading: None,
            user: None,
            wrong: 0,
            nonce: None,
            attempt: None,
            login_by: self.now + self.config.settings.login_ms,
            heard: self.now,
            full_at_us: 0,
            expected: Expected::default(),
            nonces_given: 0,
            nonces_read: 0,
            read_nonce: String::new(),
        });
    }

    /// Bytes of a connection are served as far as the server goes before it has to wait: how far that was cannot be
    /// seen, because the session was over in the same turn.
    pub fn serve_until_waiting(&mut self, c: usize, bytes: &[u8]) {
        for byte in bytes {
            if self.must_wait(c) {
                return;
            }
            self.serve(c, std::slice::from_ref(byte));
        }
    }

    fn must_wait(&self, c: usize) -> bool {
        let conn = &self.conns[c];
        let too_fast = self.config.line_rate().is_some_and(|rate| {
            let cost = 1_000_000 / u64::from(rate.per_second);
            let next = conn.full_at_us.saturating_sub(u64::from(rate.burst - 1) * cost);
            next.div_ceil(1000) > self.now
        });
        let answers = conn.expected.answers() > mecd::limits::ANSWERS_WAITING_MAX;
        too_fast || answers || conn.attempt.is_some() || conn.expected.is_listing()
    }

    /// Bytes of a connection are served.
    pub fn serve(&mut self, c: usize, bytes: &[u8]) {
        for &byte in bytes {
            if !self.conns[c].open {
                return;
            }
            let Some(heard) = self.conns[c].lines.take(byte) else { continue };
            self.conns[c].heard = self.now;
            self.commands += 1;
            if let Some(rate) = self.config.line_rate() {
                let full = &mut self.conns[c].full_at_us;
                *full = (*full).max(self.now * 1000) + 1_000_000 / u64::from(rate.per_second);
            }
            match heard {
                Heard::Line(line) => self.line(c, &String::from_utf8_lossy(&line)),
                Heard::Telnet(bytes) => self.tell(c, Piece::Bytes(Rc::from(&bytes[..]))),
                Heard::AreYouThere => self.event(c, Piece::Sentence("#notice")),
                Heard::TooLong => self.dismiss(c),
            }
            self.give_bodies_up(c);
        }
    }

    fn line(&mut self, c: usize, line: &str) {
        if self.conns[c].body.is_some() {
            self.body_line(c, line);
        } else {
            self.command(c, line);
        }
    }

    /// The client has read a nonce.
    pub fn read_nonce(&mut self, c: usize, nonce: String) {
        let conn = &mut self.conns[c];
        conn.nonces_read += 1;
        if conn.nonces_read == conn.nonces_given
            && let Some((known, _)) = &mut conn.nonce
        {
            known.clone_from(&nonce);
        }
        conn.read_nonce = nonce;
    }

    /// The end of a connection's bytes was read.
    pub fn end(&mut self, c: usize) {
        self.conns[c].ended = true;
        let conn = &self.conns[c];
        if conn.open && conn.attempt.is_none() && !conn.expected.is_listing() {
            self.disconnect(c);
        }
    }

    pub fn tell(&mut self, c: usize, piece: Piece) {
        self.conns[c].expected.push(piece);
    }

    pub fn say(&mut self, c: usize, line: &str) {
        self.conns[c].expected.line(line);
    }

    /// Somebody else, or the server by itself, has this sent to a connection.
    pub fn event(&mut self, c: usize, piece: Piece) {
        self.conns[c].expected.push_event(piece);
    }

    pub fn status(&mut self, c: usize, status: i32) {
        self.say(c, &format!("@status {status}"));
    }

    /// Warns a connection and closes it.
    pub fn dismiss(&mut self, c: usize) {
        self.conns[c].expected.push_last(Piece::Sentence("#warning"));
        self.disconnect(c);
    }

    /// A session ends.
    pub fn disconnect(&mut self, c: usize) {
        self.depart(c);
        self.give_attempt_up(c);
        let conn = &mut self.conns[c];
        conn.open = false;
        self.bodies_bytes -= conn.body.take().and_then(|body| body.kept).unwrap_or(0);
        self.conns[c].expected.cut = true;
    }

    /// A user goes; the connection is then one that has not logged in.
    pub fn depart(&mut self, c: usize) {
        let Some(user) = self.conns[c].user.clone() else { return };
        self.leave_room(c, user.room);
        self.conns[c].user = None;
        self.conns[c].login_by = self.now + self.config.settings.login_ms;
    }

    /// A connection takes an identity.
    pub fn arrive(&mut self, c: usize, name: String, person: u64, registered: bool) {
        self.depart(c);
        let group = None;
        self.conns[c].user = Some(User { name, person, registered, room: 0, group });
        self.enter_room(c, 0);
    }

    pub fn enter_room(&mut self, c: usize, uid: u64) {
        self.moves += 1;
        let room = self.world.room_mut(uid);
        room.version += 1;
        room.members.push(c);
        if uid != 0 && room.members.len() == 1 {
            self.fact(Fact::Idle(uid, None));
        }
        if let Some(user) = &mut self.conns[c].user {
            user.room = uid;
        }
    }

    pub fn leave_room(&mut self, c: usize, uid: u64) {
        self.moves += 1;
        let room = self.world.room_mut(uid);
        room.version += 1;
        room.members.retain(|member| *member != c);
        if uid != 0 && room.members.is_empty() {
            self.fact(Fact::Idle(uid, Some(self.now)));
        }
    }

    /// Something becomes true.
    pub fn fact(&mut self, fact: Fact) {
        match &fact {
            Fact::Room(_) | Fact::RoomGone(_) | Fact::RoomSwept(_) => self.arch += 1,
            Fact::Group(_) | Fact::GroupGone(_) | Fact::GroupSwept(_) => self.group_changes += 1,
            _ => {}
        }
        self.world.apply(&fact);
        self.facts.push((None, fact));
    }

    /// Something becomes true that a client is told of, unless the disk is full.
    pub fn keep(&mut self, fact: Fact) -> i32 {
        if self.refuse {
            self.refusals += 1;
            return -2;
        }
        self.fact(fact);
        0
    }

    pub fn user(&self, c: usize) -> &User {
        self.conns[c].user.as_ref().expect("asked of users only")
    }

    pub fn myself(&self, c: usize) -> Owner {
        let user = self.user(c);
        Owner { person: user.person, name: user.name.clone() }
    }

    /// The connection that is online under a name.
    pub fn online(&self, name: &str) -> Option<usize> {
        self.conns.iter().position(|conn| {
            conn.open && conn.user.as_ref().is_some_and(|user| folded(&user.name) == folded(name))
        })
    }

    pub fn stamp(&self, counter: (u8, u64), version: u64) -> Stamp {
        Stamp { counter, epoch: self.epoch, version }
    }

    /// What is over goes, once a second at most; what was said is written.
    pub fn tick(&mut self) {
        let delay = self.config.settings.history_delay_ms;
        let mut written = 0;
        while written < 256 && self.unsaved.first().is_some_and(|(_, at)| at + delay <= self.now) {
            let (uid, at) = self.unsaved.remove(0);
            written += 1;
            let written_at = Some((self.turn, self.now));
            if let Some(room) = self.world.rooms.iter_mut().find(|room| room.uid == uid) {
                let mut lines = room.said.iter_mut();
                let line = lines.find(|line| line.said_at == at && line.written_at.is_none());
                if let Some(line) = line {
                    line.written_at = written_at;
                }
            }
        }
        if self.now < self.sweep_at {
            return;
        }
        let over = self.over();
        if !over.is_empty() {
            self.sweep_at = self.now + 1000;
        }
        for fact in over {
            self.fact(fact);
        }
    }

    /// The sweep of what is over now.
    fn over(&self) -> Vec<Fact> {
        let mut over = Vec::new();
        for group in &self.world.groups {
            let tops = group.messages.iter().filter(|message| message.parent == 0);
            let done = tops.filter(|message| message.deadline <= self.now);
            over.extend(done.map(|message| Fact::ThreadSwept(group.no, message.id)));
        }
        let groups = self.world.groups.iter().filter(|group| self.group_is_over(group));
        over.extend(groups.map(|group| Fact::GroupSwept(group.no)));
        let rooms = self.world.rooms.iter().filter(|room| self.room_is_over(room));
        over.extend(rooms.map(|room| Fact::RoomSwept(room.uid)));
        over
    }

    /// The turn's facts are on the disk.
    pub fn commit(&mut self) {
        for (committed, _) in self.facts.iter_mut().rev() {
            if committed.is_some() {
                break;
            }
            *committed = Some(self.now);
        }
    }
}
