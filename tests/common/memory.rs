//! The world in memory: the program's own hub, with a network, a disk and a clock of the test's. The clock stands still
//! until a test moves it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use mecd::config::{self, Config};
use mecd::core::{Now, SessionId};
use mecd::server::hub::{Hub, Readiness, store_options};
use mecd::store::memory::MemoryDisk;
use mecd::store::{self, Shape};

use crate::common::entropy::entropy;
use crate::common::framing::Speech;
use crate::common::network::{Act, Network, VirtualSocket};
use crate::common::opening::open;
use crate::common::play::World;

/// The wall clock at the first start: the first second of 2026.
const WALL: u64 = 1_767_225_600;

/// What a wall clock shows that has lost its time: the years 2020 and 2037, between which a conversation takes a number
/// for a time, and the truth.
const ASTRAY: [u64; 3] = [1_577_836_800, 2_114_380_800, WALL];

/// Turns without time passing after which a hub is taken to be unable to sleep.
const TURNS_MAX: usize = 100_000;

/// Time for which the server may keep what somebody has sent, who is too fast or has not ended it, in ms.
const PATIENCE_MS: u64 = 20_000;

/// Files as large as the program's, so that every record fits, set aside in small pieces, which cost less.
const SHAPE: Shape = Shape { piece_bytes: 16 * 1024, ..Shape::STANDARD };

/// How a conversation is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manner {
    Plain,
    /// The whole log is compacted whenever time passes and before every end.
    Compacted,
    /// One byte arrives in each turn.
    Split,
    /// What one person sends in consecutive steps arrives at once.
    Joined,
    /// The wall clock jumps in every turn.
    Astray,
}

/// A hub and those who are connected to it.
#[derive(Debug)]
pub(crate) struct Memory {
    manner: Manner,
    disk: MemoryDisk,
    network: Network,
    hub: Option<Hub<VirtualSocket>>,
    now: Now,
    /// Who has which of the network's connections.
    connections: BTreeMap<String, Connection>,
    /// The hub's slot for each of the network's connections that it still has.
    slots: BTreeMap<usize, u32>,
    on_the_way: Option<OnTheWay>,
    /// Slots of connections that the last turn has dropped.
    gone: Vec<u32>,
    /// Most bytes that a turn has written, since that was last asked.
    most_written: u64,
    /// How often the server has been started.
    starts: u64,
    turned: usize,
}

/// What one person has sent and the server has not got.
#[derive(Debug)]
struct OnTheWay {
    number: usize,
    speech: Speech,
    bytes: Vec<u8>,
}

/// A peer's side of a connection.
#[derive(Debug)]
struct Connection {
    number: usize,
    speech: Speech,
    /// What came and was not looked at yet.
    bytes: Vec<u8>,
    has_ended: bool,
}

impl Memory {
    pub(crate) fn new(manner: Manner) -> Self {
        Self {
            manner,
            disk: MemoryDisk::new(1),
            network: Network::default(),
            hub: None,
            now: Now { ms: 0, wall: WALL },
            connections: BTreeMap::new(),
            slots: BTreeMap::new(),
            on_the_way: None,
            gone: Vec::new(),
            most_written: 0,
            starts: 0,
            turned: 0,
        }
    }

    pub(crate) fn disk(&self) -> &MemoryDisk {
        &self.disk
    }

    /// Has the server take other options.
    pub(crate) fn configure(&mut self, options: &[(String, String)]) -> Result<(), String> {
        let config = config::load(None, options, &[]).map_err(|faults| format!("{faults:?}"))?;
        let now = self.now;
        self.hub().configure(now, config);
        self.turns();
        self.hub().audit()
    }

    fn hub(&mut self) -> &mut Hub<VirtualSocket> {
        self.hub.as_mut().expect("the server runs")
    }

    /// As the server's loop, until it would sleep for longer than no time.
    fn turns(&mut self) {
        for _ in 0..TURNS_MAX {
            let now = self.now.ms;
            let is_due = self.hub().next_deadline().is_some_and(|due| due <= now);
            if !is_due && !self.hub().is_waiting() && !self.network.has_edges() {
                return;
            }
            self.turn();
        }
        let (now, due) = (self.now, self.hub().next_deadline());
        panic!("the hub does not sleep: it is {now:?}, due {due:?}");
    }

    fn turn(&mut self) {
        if self.manner == Manner::Astray {
            self.turned += 1;
            self.now.wall = ASTRAY[self.turned % ASTRAY.len()];
        }
        let now = self.now;
        for (number, readiness) in self.network.take_edges() {
            if let Some(&slot) = self.slots.get(&number) {
                self.hub().note(slot as usize, readiness);
            }
        }
        // As of a poll that noticed somebody who has gone since.
        for slot in std::mem::take(&mut self.gone) {
            if !self.slots.values().any(|&other| other == slot) {
                let everything = Readiness { readable: true, writable: true, hung_up: true };
                self.hub().note(slot as usize, everything);
            }
        }
        let before = self.disk.bytes_written();
        self.hub().turn(now).expect("the disk takes everything");
        self.most_written = self.most_written.max(self.disk.bytes_written() - before);
        for (number, act) in self.network.take_acts() {
            if act == Act::Dropped {
                self.gone.extend(self.slots.remove(&number));
            }
            let connection = self.connections.values_mut().find(|other| other.number == number);
            // Who has gone hears nothing more.
            let Some(connection) = connection else { continue };
            match act {
                Act::Wrote(bytes) => connection.bytes.extend(bytes),
                Act::Ended | Act::Dropped => connection.has_ended = true,
                Act::Read(_) | Act::ReadEnd | Act::ReadBroken | Act::WriteBroken => {}
            }
        }
    }

    fn connection(&mut self, who: &str) -> Result<&mut Connection, String> {
        self.connections.get_mut(who).ok_or_else(|| format!("{who} is not connected"))
    }

    fn names(&self) -> Vec<String> {
        self.connections.keys().cloned().collect()
    }

    /// Somebody's session, while the server has one.
    fn session(&mut self, who: &str) -> Result<Option<SessionId>, String> {
        let number = self.connection(who)?.number;
        let slot = self.slots.get(&number).copied();
        Ok(self.hub().house().sessions().find(|id| Some(id.index) == slot))
    }

    /// Whether the server will go on with something that somebody has sent, when its time has come.
    fn is_held(&mut self, who: &str) -> Result<bool, String> {
        let &mut Connection { number, speech, .. } = self.connection(who)?;
        let Some(&slot) = self.slots.get(&number) else { return Ok(false) };
        // Of what is not ended, only time says that it is all.
        let is_open = speech == Speech::CrimpBare;
        Ok(is_open || self.hub().held(slot) > 0 || self.network.unread(number) > 0)
    }

    /// Lets as much time pass as it takes until `is_there` finds what it looks for in what somebody has received. No
    /// time passes for who has not sent anything that is waiting for it.
    fn wait_for<T>(
        &mut self,
        who: &str,
        mut is_there: impl FnMut(&mut Connection) -> Result<Option<T>, String>,
    ) -> Result<Option<T>, String> {
        self.arrive();
        let end = self.now.ms + PATIENCE_MS;
        loop {
            if let Some(found) = is_there(self.connection(who)?)? {
                return Ok(Some(found));
            }
            let due = self.hub().next_deadline().filter(|&due| due <= end);
            match due {
                Some(due) if self.is_held(who)? => self.set_clock(due),
                Some(_) | None => return Ok(None),
            }
            self.turns();
        }
    }

    /// Brings to the server what is on the way, in the manner of this world. What is bare comes as it was sent: a part
    /// of it would be all of it.
    fn arrive(&mut self) {
        let Some(OnTheWay { number, speech, bytes }) = self.on_the_way.take() else { return };
        let is_split = self.manner == Manner::Split && speech != Speech::CrimpBare;
        let length = if is_split { 1 } else { bytes.len().max(1) };
        for part in bytes.chunks(length) {
            self.network.send(number, part);
            self.network.deliver(number, usize::MAX);
            self.turns();
        }
    }

    fn finish_sending(&mut self, who: &str) -> Result<(), String> {
        self.arrive();
        let number = self.connection(who)?.number;
        self.network.end(number);
        self.network.deliver(number, usize::MAX);
        self.turns();
        Ok(())
    }

    /// Sees that somebody is closed when all is over. In other dialects than MEC one hears how the others leave.
    fn last_of(&mut self, who: &str) -> Result<(), String> {
        let connection = self.connection(who)?;
        if connection.speech != Speech::Mec {
            connection.bytes.clear();
        }
        self.end_of(who)
    }

    /// Moves all of the log, if that is the manner.
    fn compact(&mut self) {
        if self.manner == Manner::Compacted {
            self.move_all();
        }
    }

    /// Moves all of the log. Says how many bytes a turn wrote at most.
    pub(crate) fn move_all(&mut self) -> u64 {
        let (now, before) = (self.now, self.disk.files());
        self.hub().compact_all(now).expect("the disk takes everything");
        self.most_written = 0;
        self.turns();
        assert!(self.disk.files() > before, "all was moved out of {before:?}");
        assert_eq!(self.disk.files().len(), 1, "what was moved is gone");
        self.most_written
    }

    fn set_clock(&mut self, ms: u64) {
        let ms = ms.max(self.now.ms);
        let passed = ms - self.now.ms;
        // The wall clock is in whole seconds; what is left of one is in the other clock's.
        let wall = self.now.wall + (self.now.ms % 1000 + passed) / 1000;
        self.now = Now { ms, wall };
    }

    fn store_options(&self, config: &Config) -> store::Options {
        let options = store_options(config);
        match self.manner {
            // A file that was moved goes at once, and does not wait for the next sync.
            Manner::Compacted => store::Options { sync: store::Sync::Always, ..options },
            Manner::Plain | Manner::Split | Manner::Joined | Manner::Astray => options,
        }
    }
}

impl World for Memory {
    fn is_connected(&self, who: &str) -> bool {
        self.connections.contains_key(who)
    }

    fn connect(&mut self, who: &str, speech: Speech) -> Result<(), String> {
        self.arrive();
        let now = self.now;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1024));
        let place = self.hub().place(address).map_err(|no_place| format!("{no_place:?}"));
        let slot = place?;
        let (number, socket) = self.network.connect(None);
        let admitted = self.hub().admit(now, socket, address, speech.dialect());
        assert_eq!(admitted, slot, "it has the place it was given");
        self.slots.insert(number, slot);
        let connection = Connection { number, speech, bytes: Vec::new(), has_ended: false };
        self.connections.insert(who.to_owned(), connection);
        self.turns();
        Ok(())
    }

    fn settle(&mut self, _who: &str) -> Result<(), String> {
        Ok(())
    }

    fn send(&mut self, who: &str, bytes: &[u8]) -> Result<(), String> {
        let &mut Connection { number, speech, .. } = self.connection(who)?;
        if self.on_the_way.as_ref().is_some_and(|other| other.number != number) {
            self.arrive();
        }
        let none = OnTheWay { number, speech, bytes: Vec::new() };
        self.on_the_way.get_or_insert(none).bytes.extend(bytes);
        let waits = matches!(self.manner, Manner::Split | Manner::Joined);
        if !waits || speech == Speech::CrimpBare {
            self.arrive();
        }
        Ok(())
    }

    fn unit(&mut self, who: &str) -> Result<String, String> {
        let take = |connection: &mut Connection| connection.speech.take(&mut connection.bytes);
        let unit = self.wait_for(who, take)?;
        let bytes = &self.connection(who)?.bytes;
        unit.ok_or_else(|| format!("{who} received nothing but \"{}\"", bytes.escape_ascii()))
    }

    fn bytes(&mut self, who: &str, count: usize) -> Result<Vec<u8>, String> {
        let came = self.wait_for(who, |connection| {
            let bytes = &mut connection.bytes;
            Ok((bytes.len() >= count).then(|| bytes.drain(..count).collect()))
        })?;
        let bytes = &self.connection(who)?.bytes;
        came.ok_or_else(|| format!("{who} received only \"{}\"", bytes.escape_ascii()))
    }

    fn half_close(&mut self, who: &str) -> Result<(), String> {
        self.finish_sending(who)
    }

    fn end_of(&mut self, who: &str) -> Result<(), String> {
        let ended = self.wait_for(who, |connection| Ok(connection.has_ended.then_some(())))?;
        let connection = self.connection(who)?;
        if !connection.bytes.is_empty() {
            return Err(format!("{who} received \"{}\"", connection.bytes.escape_ascii()));
        }
        if ended.is_none() {
            return Err(format!("{who} is not closed"));
        }
        self.finish_sending(who)?;
        self.connections.remove(who);
        Ok(())
    }

    fn is_waiting(&mut self, who: &str) -> Result<(), String> {
        self.quiet()?;
        match self.session(who)? {
            Some(id) if self.hub().house().is_busy(id) => Ok(()),
            Some(_) | None => Err(format!("{who} does not wait")),
        }
    }

    fn quiet(&mut self) -> Result<(), String> {
        self.arrive();
        for (who, connection) in &self.connections {
            if !connection.bytes.is_empty() {
                return Err(format!("{who} received \"{}\" too", connection.bytes.escape_ascii()));
            }
            if connection.has_ended {
                return Err(format!("{who} was closed"));
            }
        }
        self.hub().audit()
    }

    fn wait(&mut self, time: Duration) -> Result<(), String> {
        self.arrive();
        self.compact();
        let end = self.now.ms + time.as_millis() as u64;
        while let Some(due) = self.hub().next_deadline().filter(|&due| due <= end) {
            self.set_clock(due);
            self.turns();
        }
        self.set_clock(end);
        Ok(())
    }

    fn stop(&mut self) -> Result<(), String> {
        let now = self.now;
        self.hub().stop(now);
        self.turn();
        self.turns();
        for who in self.names() {
            if self.connection(&who)?.speech == Speech::Mec {
                let line = self.unit(&who)?;
                if !line.starts_with("@mess #warning \"") {
                    return Err(format!(
                        "{who} received {line:?}, not the warning before the stop"
                    ));
                }
            }
            self.last_of(&who)?;
        }
        self.compact();
        self.hub().audit()?;
        let hub = self.hub.take().expect("the server runs");
        assert_eq!(hub.connections(), 0, "everybody was closed");
        hub.into_store().close().expect("the disk takes everything");
        self.disk.kill();
        Ok(())
    }

    fn kill(&mut self) -> Result<(), String> {
        self.compact();
        self.hub = None;
        self.disk.kill();
        self.network.forget();
        self.slots.clear();
        self.gone.clear();
        self.connections.clear();
        Ok(())
    }

    fn start(&mut self, options: &[(String, String)]) -> Result<(), String> {
        let config = config::load(None, options, &[]).map_err(|faults| format!("{faults:?}"))?;
        let (house, store) = open(&config, &self.disk, self.store_options(&config), SHAPE)?;
        self.now.ms = house.clock();
        self.hub = Some(Hub::new(config, house, store, entropy(self.starts)));
        self.starts += 1;
        self.hub().audit()?;
        self.turn();
        self.turns();
        self.hub().audit()
    }

    fn finish(&mut self) -> Result<(), String> {
        self.quiet()?;
        for who in self.names() {
            self.half_close(&who)?;
            self.last_of(&who)?;
        }
        let census = self.hub().house().census();
        assert_eq!((census.users, census.strangers), (0, 0), "everybody has left");
        self.stop()
    }

    fn slack(&self) -> u64 {
        0
    }
}
