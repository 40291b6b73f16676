//! An outbox that keeps everything: what each session was told, as bytes of the MEC dialect, and the log as a list of
//! records.
//!
//! It also watches how the house keeps its side: nobody is told anything after the close, and no record is retired
//! twice or without having been written (the store would end the server for that).

use std::collections::{BTreeMap, BTreeSet};

use mecd::core::event::{Event, Reply};
use mecd::core::outbox::{Full, Purpose};
use mecd::core::record::Place;
use mecd::core::{House, Member, Now, Outbox, Record, SessionId};
use mecd::dialect::mec::render;

/// What one session was told and nobody has looked at yet.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_closed: bool,
}

/// Everything the house has decided.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    inboxes: BTreeMap<SessionId, Inbox>,
    sessions: BTreeMap<u32, SessionId>,
    /// The log; a record that compaction has removed is gone.
    log: BTreeMap<u32, Vec<u8>>,
    next: u32,
    retired: BTreeSet<u32>,
    entropy: u64,
    /// Whether facts are refused, as on a full disk.
    pub(crate) is_full: bool,
}

impl Recorder {
    /// A session begins.
    pub(crate) fn open(&mut self, id: SessionId) {
        self.inboxes.insert(id, Inbox::default());
        self.sessions.insert(id.index, id);
    }

    /// What a session was told. It stays, however it ended, until somebody takes its slot.
    pub(crate) fn inbox(&mut self, id: SessionId) -> &mut Inbox {
        self.inboxes.get_mut(&id).expect("the session was opened")
    }

    /// Says something to a session that the house knows nothing of.
    pub(crate) fn tell(&mut self, id: SessionId, render: impl FnOnce(&mut Vec<u8>)) {
        let inbox = self.inbox(id);
        render(&mut inbox.bytes);
    }

    /// All sessions end at once, and nobody is told.
    pub(crate) fn forget_sessions(&mut self) {
        self.inboxes.clear();
        self.sessions.clear();
    }

    /// A house rebuilt from the log, as by a start of the server.
    pub(crate) fn rebuild(&mut self, mut house: House) -> House {
        for (&offset, bytes) in &self.log {
            let record = Record::decode(bytes).expect("what was written can be read");
            house.apply(&record, place(offset, bytes));
        }
        self.retired.clear();
        for dead in house.open() {
            self.retire(dead);
        }
        house
    }

    /// Whether the log and the house agree about what is still needed of it.
    pub(crate) fn audit(&self, house: &House) -> Result<(), String> {
        let live = self.log.iter().filter(|(offset, _)| !self.retired.contains(offset));
        let live: u64 = live.map(|(_, bytes)| bytes.len() as u64).sum();
        let needed: u64 = house.bytes_needed().values().sum();
        if live == needed {
            Ok(())
        } else {
            Err(format!("{live} bytes of the log are in use, and the house needs {needed}"))
        }
    }

    /// Compaction of the whole log: the house writes again what is still true, and everything older is removed.
    pub(crate) fn compact(&mut self, house: &mut House, now: Now) {
        let old = self.log.clone();
        house.save_numbers(now, self);
        for (&offset, bytes) in &old {
            let record = Record::decode(bytes).expect("what was written can be read");
            let moved = house.relocate(&record, place(offset, bytes), self);
            moved.expect("there is room for a copy");
        }
        for offset in old.keys() {
            self.log.remove(offset);
            self.retired.remove(offset);
        }
    }
}

fn place(offset: u32, bytes: &[u8]) -> Place {
    Place { file: 1, offset, bytes: bytes.len() as u32 }
}

impl Outbox for Recorder {
    fn reply(&mut self, to: SessionId, reply: &Reply<'_>) {
        if let Reply::Message { head, parts, place, group: _ } = reply {
            let bytes = self.log.get(&place.offset).expect("a message's record is in the log");
            let bytes = bytes.clone();
            let Ok(Record::Message { text, .. }) = Record::decode(&bytes) else {
                panic!("a message's place leads to a message");
            };
            return self.tell(to, |out| render::message(out, head, *parts, text));
        }
        self.tell(to, |out| render::reply(out, reply));
    }

    fn send(&mut self, to: SessionId, event: &Event<'_>) {
        self.tell(to, |out| render::event(out, event));
    }

    fn broadcast(&mut self, to: &[Member], except: Option<u32>, event: &Event<'_>) {
        let except = except.unwrap_or(Member::GONE);
        let to = to.iter().filter(|member| member.session != Member::GONE);
        for member in to.filter(|member| member.session != except) {
            let id = self.sessions[&member.session];
            self.send(id, event);
        }
    }

    fn record(&mut self, record: &Record<'_>, purpose: Purpose) -> Result<Place, Full> {
        if self.is_full && purpose == Purpose::Fact {
            return Err(Full);
        }
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        let offset = self.next;
        self.next += 1;
        let place = place(offset, &bytes);
        self.log.insert(offset, bytes);
        Ok(place)
    }

    fn retire(&mut self, place: Place) {
        assert!(self.log.contains_key(&place.offset), "{place:?} is retired and not in the log");
        assert!(self.retired.insert(place.offset), "{place:?} is retired twice");
    }

    fn close(&mut self, session: SessionId) {
        let inbox = self.inbox(session);
        assert!(!inbox.is_closed, "{session:?} is closed twice");
        inbox.is_closed = true;
    }

    fn entropy(&mut self) -> [u8; 16] {
        self.entropy += 1;
        let mut bytes = [0x5a; 16];
        bytes[..8].copy_from_slice(&self.entropy.to_be_bytes());
        bytes
    }
}
