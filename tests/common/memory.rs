//! The world in memory: the house, the dialect's readers and a recorder, with a clock that stands still until a test
//! moves it. It does in a turn what the server does, without sockets and files.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use mecd::config::{self, Config};
use mecd::core::event::{Event, Warning};
use mecd::core::{House, Now, Outbox, SessionId, Standing};
use mecd::dialect::mec::Scratch;
use mecd::dialect::park::Park;
use mecd::dialect::{Context, Dialect, Reader, Request};

use crate::common::play::World;
use crate::common::recorder::Recorder;

/// The wall clock at the first start: the first second of 2026.
const WALL: u64 = 1_767_225_600;

/// Turns without time passing after which a house is taken to be unable to sleep.
const TURNS_MAX: usize = 10_000;

/// Whether the log is compacted whenever time passes and before every end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Compaction {
    Never,
    Always,
}

/// A house and those who are connected to it.
#[derive(Debug)]
pub(crate) struct Memory {
    compaction: Compaction,
    config: Config,
    pub(crate) house: House,
    pub(crate) recorder: Recorder,
    pub(crate) now: Now,
    connections: BTreeMap<String, Connection>,
    /// Who has sent something that was not looked at yet.
    ready: BTreeSet<String>,
    /// Whose last request is not answered yet.
    waiting: BTreeSet<String>,
    slots_free: BTreeSet<u32>,
    generation: u32,
    park: Park,
    bodies_bytes: usize,
    scratch: Scratch,
}

#[derive(Debug)]
struct Connection {
    id: SessionId,
    reader: Reader,
    /// What was sent and not read yet.
    input: Vec<u8>,
    /// Nothing more will be sent.
    is_finished: bool,
}

impl Memory {
    pub(crate) fn new(compaction: Compaction) -> Self {
        let config = Config::default();
        Self {
            compaction,
            house: House::new(config.settings.clone()),
            config,
            recorder: Recorder::default(),
            now: Now { ms: 0, wall: WALL },
            connections: BTreeMap::new(),
            ready: BTreeSet::new(),
            waiting: BTreeSet::new(),
            slots_free: BTreeSet::new(),
            generation: 0,
            park: Park::new(),
            bodies_bytes: 0,
            scratch: Scratch::new(),
        }
    }

    /// As the server's loop: serve who has something to say, tick; until nobody has and nothing is due.
    fn turns(&mut self) {
        for _ in 0..TURNS_MAX {
            for who in std::mem::take(&mut self.ready) {
                self.serve(&who);
            }
            let was_due = self.is_due();
            self.house.tick(self.now, &mut self.recorder);
            if was_due {
                // Only what was due can have been waited for.
                let waiting = std::mem::take(&mut self.waiting);
                let (ready, waiting) = waiting.into_iter().partition(|who| self.can_go_on(who));
                (self.ready, self.waiting) = (ready, waiting);
            }
            if self.ready.is_empty() && !self.is_due() {
                return;
            }
        }
        let due = self.house.next_deadline();
        panic!("the house does not sleep: it is {:?}, due {due:?}", self.now);
    }

    fn is_due(&self) -> bool {
        self.house.next_deadline().is_some_and(|due| due <= self.now.ms)
    }

    /// Carries out what somebody has sent, as far as it can be now.
    fn serve(&mut self, who: &str) {
        let Some(mut connection) = self.connections.remove(who) else { return };
        let input = std::mem::take(&mut connection.input);
        let mut rest = input.as_slice();
        while self.takes_requests(connection.id) && self.request(&mut connection, &mut rest) {}
        if !self.recorder.inbox(connection.id).is_closed {
            let is_busy = self.house.is_busy(connection.id);
            assert!(is_busy || rest.is_empty(), "who is not busy reads all");
            connection.input = rest.to_vec();
            if is_busy {
                self.waiting.insert(who.to_owned());
            } else if connection.is_finished {
                self.house.disconnect(self.now, connection.id, &mut self.recorder);
                self.recorder.close(connection.id);
            }
        }
        self.connections.insert(who.to_owned(), connection);
    }

    /// Whether the answer that somebody waited for is complete.
    fn can_go_on(&mut self, who: &str) -> bool {
        let id = self.connections.get(who).map(|connection| connection.id);
        id.is_none_or(|id| !self.house.is_busy(id))
    }

    fn takes_requests(&mut self, id: SessionId) -> bool {
        !self.recorder.inbox(id).is_closed && !self.house.is_busy(id)
    }

    fn request(&mut self, connection: &mut Connection, input: &mut &[u8]) -> bool {
        let id = connection.id;
        let standing = self.house.standing(id).unwrap_or(Standing::Stranger);
        let mut context = Context {
            park: &mut self.park,
            bodies_bytes: &mut self.bodies_bytes,
            options: &self.config.dialects,
            scratch: &mut self.scratch,
            now_ms: 0,
        };
        let Some(request) = connection.reader.next(input, standing, &mut context) else {
            return false;
        };
        let (now, out) = (self.now, &mut self.recorder);
        match request {
            Request::Nothing => {}
            Request::Do(command, asked) => {
                if let Some(status) = self.house.handle(now, id, command, out) {
                    out.tell(id, |bytes| {
                        asked.answer(bytes, status);
                    });
                }
                while self.house.is_listing(id) {
                    self.house.resume(now, id, out);
                }
            }
            Request::Answer(status, asked) => {
                out.tell(id, |bytes| {
                    asked.answer(bytes, status);
                });
            }
            Request::Notice(notice) => out.send(id, &Event::Notice(notice)),
            Request::Close(warning) => self.house.dismiss(now, id, &warning, out),
        }
        true
    }

    fn id(&self, who: &str) -> Result<SessionId, String> {
        let connection = self.connections.get(who);
        connection.map(|connection| connection.id).ok_or_else(|| format!("{who} is not connected"))
    }

    /// The connection is over: what it held is given back.
    fn drop_connection(&mut self, who: &str) {
        let mut connection = self.connections.remove(who).expect("only who is there goes");
        self.slots_free.insert(connection.id.index);
        self.waiting.remove(who);
        connection.reader.release(&mut Context {
            park: &mut self.park,
            bodies_bytes: &mut self.bodies_bytes,
            options: &self.config.dialects,
            scratch: &mut self.scratch,
            now_ms: 0,
        });
    }

    fn forget_connections(&mut self) {
        let names: Vec<String> = self.connections.keys().cloned().collect();
        for name in names {
            self.drop_connection(&name);
        }
        assert_eq!(self.bodies_bytes, 0, "nobody is left who could be sending a body");
        self.slots_free.clear();
        self.recorder.forget_sessions();
    }

    fn compact(&mut self) {
        if self.compaction == Compaction::Always {
            self.recorder.compact(&mut self.house, self.now);
        }
    }

    /// Whether the house agrees with itself and with its log.
    fn audit(&self) -> Result<(), String> {
        self.house.audit()?;
        self.recorder.audit(&self.house)
    }
}

impl World for Memory {
    fn is_connected(&self, who: &str) -> bool {
        self.connections.contains_key(who)
    }

    fn connect(&mut self, who: &str) -> Result<(), String> {
        // As a slab: the slots of those who have gone are used again.
        let next = self.connections.len() as u32;
        let index = self.slots_free.pop_first().unwrap_or(next);
        self.generation += 1;
        let id = SessionId { index, generation: self.generation };
        let (reader, input) = (Reader::new(Dialect::Mec), Vec::new());
        let connection = Connection { id, reader, input, is_finished: false };
        self.connections.insert(who.to_owned(), connection);
        self.recorder.open(id);
        self.house.connect(self.now, id, IpAddr::V4(Ipv4Addr::LOCALHOST), Dialect::Mec.manner());
        self.turns();
        Ok(())
    }

    fn settle(&mut self, _who: &str) -> Result<(), String> {
        Ok(())
    }

    fn send(&mut self, who: &str, bytes: &[u8]) -> Result<(), String> {
        let connection = self.connections.get_mut(who).expect("only who is connected sends");
        connection.input.extend(bytes);
        self.ready.insert(who.to_owned());
        self.turns();
        Ok(())
    }

    fn line(&mut self, who: &str) -> Result<String, String> {
        let id = self.id(who)?;
        next_line(&mut self.recorder.inbox(id).bytes)?
            .ok_or_else(|| format!("{who} received nothing"))
    }

    fn bytes(&mut self, who: &str, count: usize) -> Result<Vec<u8>, String> {
        let id = self.id(who)?;
        let bytes = &mut self.recorder.inbox(id).bytes;
        if bytes.len() < count {
            return Err(format!("{who} received only \"{}\"", bytes.escape_ascii()));
        }
        Ok(bytes.drain(..count).collect())
    }

    fn half_close(&mut self, who: &str) -> Result<(), String> {
        self.id(who)?;
        if let Some(connection) = self.connections.get_mut(who) {
            connection.is_finished = true;
        }
        self.ready.insert(who.to_owned());
        self.turns();
        Ok(())
    }

    fn end_of(&mut self, who: &str) -> Result<(), String> {
        let id = self.id(who)?;
        let inbox = self.recorder.inbox(id);
        if !inbox.bytes.is_empty() {
            return Err(format!("{who} received \"{}\"", inbox.bytes.escape_ascii()));
        }
        if !inbox.is_closed {
            return Err(format!("{who} is not closed"));
        }
        self.drop_connection(who);
        Ok(())
    }

    fn is_waiting(&mut self, who: &str) -> Result<(), String> {
        let id = self.id(who)?;
        self.quiet()?;
        if self.house.is_busy(id) { Ok(()) } else { Err(format!("{who} does not wait")) }
    }

    fn quiet(&mut self) -> Result<(), String> {
        for (who, connection) in &self.connections {
            let inbox = self.recorder.inbox(connection.id);
            if !inbox.bytes.is_empty() {
                return Err(format!("{who} received \"{}\" too", inbox.bytes.escape_ascii()));
            }
            if inbox.is_closed {
                return Err(format!("{who} was closed"));
            }
        }
        self.audit()
    }

    fn wait(&mut self, time: Duration) -> Result<(), String> {
        self.compact();
        let end = self.now.ms + time.as_millis() as u64;
        while let Some(due) = self.house.next_deadline().filter(|&due| due <= end) {
            self.set_clock(due.max(self.now.ms));
            self.turns();
        }
        self.set_clock(end);
        Ok(())
    }

    fn stop(&mut self) -> Result<(), String> {
        let sessions: Vec<SessionId> = self.house.sessions().collect();
        for id in sessions {
            self.house.dismiss(self.now, id, &Warning::Stopping, &mut self.recorder);
        }
        self.house.stop(self.now, &mut self.recorder);
        let names: Vec<String> = self.connections.keys().cloned().collect();
        for who in names {
            let line = self.line(&who)?;
            if !line.starts_with("@mess #warning \"") {
                return Err(format!("{who} received {line:?}, not the warning before the stop"));
            }
            self.end_of(&who)?;
        }
        self.compact();
        self.forget_connections();
        Ok(())
    }

    fn kill(&mut self) -> Result<(), String> {
        self.compact();
        self.forget_connections();
        Ok(())
    }

    fn start(&mut self, options: &[(String, String)]) -> Result<(), String> {
        self.config = config::load(None, options, &[]).map_err(|faults| format!("{faults:?}"))?;
        self.house = self.recorder.rebuild(House::new(self.config.settings.clone()));
        self.now.ms = self.house.clock();
        self.audit()?;
        self.turns();
        self.audit()
    }

    fn finish(&mut self) -> Result<(), String> {
        self.quiet()?;
        let names: Vec<String> = self.connections.keys().cloned().collect();
        for who in names {
            self.half_close(&who)?;
            self.end_of(&who)?;
        }
        let census = self.house.census();
        assert_eq!((census.users, census.strangers), (0, 0), "everybody has left");
        assert_eq!(self.bodies_bytes, 0, "nobody is left who could be sending a body");
        Ok(())
    }

    fn slack(&self) -> u64 {
        0
    }
}

impl Memory {
    fn set_clock(&mut self, ms: u64) {
        assert!(ms >= self.now.ms, "the clock does not go back");
        let passed = ms - self.now.ms;
        // The wall clock is in whole seconds; what is left of one is in the other clock's.
        let wall = self.now.wall + (self.now.ms % 1000 + passed) / 1000;
        self.now = Now { ms, wall };
    }
}

/// Takes a line, which has to end with CRLF, off the front of `bytes`.
pub(crate) fn next_line(bytes: &mut Vec<u8>) -> Result<Option<String>, String> {
    let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else { return Ok(None) };
    let mut line: Vec<u8> = bytes.drain(..=end).collect();
    line.truncate(end);
    if line.pop() != Some(b'\r') || line.contains(&b'\r') {
        return Err(format!("\"{}\" does not end with CRLF", line.escape_ascii()));
    }
    match String::from_utf8(line) {
        Ok(line) => Ok(Some(line)),
        Err(error) => Err(format!("\"{}\" is not UTF-8", error.as_bytes().escape_ascii())),
    }
}
