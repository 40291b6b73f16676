//! The driver: runs a plan against the server and the model, and compares them after each turn.
//!
//! The order in which the hub serves connections is not foreseen but seen: it says whom the next turn serves, and the
//! network writes down what it reads and writes. What follows from that order, the model knows.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mecd::core::{Now, SessionId};
use mecd::dialect::Dialect;
use mecd::server::hub::{Hub, NoPlace, Readiness};
use mecd::store::memory::MemoryDisk;

use crate::expect::Stamp;
use crate::model::Model;
use crate::network::{Act, Network, VirtualSocket};
use crate::plan::{Flavour, Op, Plan};
use crate::random::Digest;
use crate::world::{Swept, World};

/// Turns in which everything must have come to rest.
const TURNS_TO_REST: usize = 20_000;

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Of every byte that was sent, and of the log at the end.
    pub digest: u64,
    pub turns: u64,
    pub commands: u64,
    pub crashes: u64,
    /// The number of the newest log file, and how many are left.
    pub files: (u32, usize),
    /// Which commands were answered by which status.
    pub met: BTreeSet<(&'static str, i32)>,
}

pub type Checked = Result<(), String>;

pub struct Driver {
    pub plan: Plan,
    pub network: Network,
    pub disk: MemoryDisk,
    pub hub: Option<Hub<VirtualSocket>>,
    pub model: Model,
    /// What is certainly synced.
    pub base: World,
    pub now: u64,
    pub wall: u64,
    /// Which connection has a slot.
    pub slots: BTreeMap<u32, usize>,
    /// Connections since the hub was made.
    pub admitted: u32,
    /// Bytes that the hub has read from each connection and holds.
    pub held: Vec<Vec<u8>>,
    /// Which connection each client of the plan has.
    clients: Vec<Option<usize>>,
    pub last_turn: u64,
    /// Status numbers were given out that the log has not as used.
    pub unreserved: bool,
    /// The time of the last turn of which a loss of power takes nothing any more, and of those behind it.
    pub turn_times: Vec<u64>,
    /// The number of the last turn that succeeded.
    pub last_good: u64,
    pub digest: Digest,
    pub turns: u64,
    pub crashes: u64,
    /// The disk was full or failed: what is not promised then may be missing.
    pub troubled: bool,
    /// The disk is going to die, or to fail once.
    pub doomed: Option<Option<u64>>,
    /// Values of status numbers that were seen.
    pub stamps: BTreeMap<(u8, u64), BTreeMap<u32, Stamp>>,
    pub known: BTreeMap<Stamp, u32>,
    /// Since when anything has waited for the clock.
    pub waiting_since: Option<u64>,
    pub refused: u64,
    /// Rooms of which the log has not been told that somebody entered or left them.
    pub late: BTreeSet<u64>,
    /// `limits.send_queue_bytes`, the least there was since the last turn.
    pub queue_bytes: usize,
    /// The longest sync interval that anything promised still hangs on.
    pub sync_before: u64,
    audit_every: u64,
}

impl Driver {
    pub fn new(plan: Plan) -> Result<Self, String> {
        let audit_every = if plan.flavour == Flavour::Thousands { 16 } else { 1 };
        let mut driver = Self {
            network: Network::default(),
            disk: MemoryDisk::new(plan.seed),
            hub: None,
            model: Model::new(plan.config.clone()),
            base: World::new(Swept::Kept),
            now: 0,
            wall: 1_700_000_000,
            slots: BTreeMap::new(),
            admitted: 0,
            held: Vec::new(),
            clients: Vec::new(),
            last_turn: 0,
            turn_times: Vec::new(),
            unreserved: false,
            last_good: 0,
            digest: Digest::new(),
            turns: 0,
            crashes: 0,
            troubled: false,
            doomed: None,
            stamps: BTreeMap::new(),
            known: BTreeMap::new(),
            waiting_since: None,
            refused: 0,
            late: BTreeSet::new(),
            queue_bytes: plan.config.send_queue_bytes as usize,
            sync_before: 0,
            audit_every,
            plan,
        };
        driver.disk.set_sector(driver.plan.sector_bytes);
        driver.reopen(crate::crash::Ending::Start)?;
        Ok(driver)
    }

    /// Runs all of a plan.
    pub fn run(plan: Plan) -> Result<Outcome, String> {
        let ops = plan.ops.clone();
        let mut driver = Self::new(plan)?;
        for (at, op) in ops.iter().enumerate() {
            driver.act(op).map_err(|what| format!("at operation {at}, {op}: {what}"))?;
        }
        Ok(driver.outcome())
    }

    pub fn outcome(&self) -> Outcome {
        let mut digest = self.digest;
        for file in self.disk.files() {
            digest.add(&self.disk.bytes(file));
        }
        Outcome {
            digest: digest.value(),
            turns: self.turns,
            commands: self.model.commands,
            crashes: self.crashes,
            files: (self.disk.files().last().copied().unwrap_or(0), self.disk.files().len()),
            met: self.model.met.clone(),
        }
    }

    pub fn hub(&self) -> &Hub<VirtualSocket> {
        self.hub.as_ref().expect("the server runs")
    }

    fn conn(&self, client: usize) -> Option<usize> {
        let conn = *self.clients.get(client)?;
        conn.filter(|conn| !self.network.is_dropped(*conn))
    }

    pub fn act(&mut self, op: &Op) -> Checked {
        match *op {
            Op::Connect { address, room } => return self.connect(address, room),
            Op::Turn { ms, spurious } => {
                self.pass(ms);
                return self.poll(spurious);
            }
            Op::Settle => return self.settle(),
            Op::Wait { ms } => return self.wait(self.now + ms),
            Op::Oversleep { ms } => {
                self.pass(ms);
                return self.poll(false);
            }
            Op::Kill => return self.crash(None),
            Op::PowerCut { seed } => return self.crash(Some(seed)),
            Op::KillSending { write } => self.network.copy_disk_at(write, &self.disk),
            Op::Die { operations, power_cut } => {
                self.doomed = Some(power_cut);
                self.disk.die_after(operations);
                self.troubled = true;
            }
            Op::Stop => return self.stop(),
            Op::Space { bytes } => self.squeeze(bytes),
            Op::Squeeze { bytes } => self.squeeze(self.hub().bytes_on_disk().saturating_sub(bytes)),
            Op::Fail { operation, power_cut } => {
                self.doomed = Some(power_cut);
                self.troubled |= self.plan.flavour == Flavour::Disk;
                self.disk.fail_next(operation);
            }
            Op::Drain => return self.drain(),
            Op::Reload { seed } => self.reload(seed),
            _ => self.act_on_client(op),
        }
        Ok(())
    }

    fn act_on_client(&mut self, op: &Op) {
        let (Op::Send { client, .. }
        | Op::Answer { client, .. }
        | Op::Deliver { client, .. }
        | Op::MakeRoom { client, .. }
        | Op::Interrupt { client }
        | Op::End { client }
        | Op::Vanish { client, .. }
        | Op::Reset { client, .. }) = op
        else {
            unreachable!("only operations on clients come here")
        };
        let Some(c) = self.conn(*client) else { return };
        match op {
            Op::Send { bytes, .. } => self.network.send(c, bytes),
            Op::Answer { name, password, .. } => {
                let digest = crate::login::digest(&self.model.conns[c].read_nonce, password);
                self.network.send(c, format!("#login regd {name} {digest}\r\n").as_bytes());
            }
            Op::Deliver { count, .. } => self.network.deliver(c, *count),
            Op::MakeRoom { count, .. } => self.network.make_room(c, *count),
            Op::Interrupt { .. } => self.network.interrupt(c),
            Op::End { .. } if self.network.is_eager(c) => {
                self.network.end(c);
                self.network.deliver(c, usize::MAX);
            }
            Op::Vanish { room, .. } => self.network.vanish(c, *room),
            Op::Reset { loses, .. } => self.network.reset(c, *loses),
            _ => {}
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
        self.wall += ms / 1000;
    }

    /// Takes other options. Who has been silent for longer than they allow is closed at once.
    fn reload(&mut self, seed: u64) {
        let before = self.sync_interval();
        let (old, plan) = (self.plan.config.clone(), &self.plan);
        let config = crate::plan::reloaded(&old, plan.flavour, plan.shape, seed);
        self.queue_bytes = self.queue_bytes.min(config.send_queue_bytes as usize);
        self.plan.config = config.clone();
        // What was promised before holds until the next turn has kept the new promise.
        self.sync_before = before.max(self.sync_interval());
        self.model.config = config.clone();
        self.model.now = self.now;
        let now = Now { ms: self.now, wall: self.wall };
        self.hub.as_mut().expect("the server runs").configure(now, config);
        let conns: Vec<usize> = self.slots.values().copied().collect();
        for c in conns {
            let conn = &self.model.conns[c];
            if self.is_silent(c) && self.hub().house().standing(conn.id).is_none() {
                self.model.dismiss(c);
            }
        }
    }

    /// Whether a user has said nothing for as long as is allowed.
    pub fn is_silent(&self, c: usize) -> bool {
        let (conn, idle_ms) =
            (&self.model.conns[c], u64::from(self.plan.config.idle_seconds) * 1000);
        conn.open && conn.user.is_some() && idle_ms > 0 && conn.heard + idle_ms <= self.now
    }

    fn squeeze(&mut self, bytes: u64) {
        self.troubled |= bytes != u64::MAX;
        self.disk.set_space(bytes);
    }

    fn connect(&mut self, address: u8, room: Option<usize>) -> Checked {
        let ip = IpAddr::V4(Ipv4Addr::new(10, 0, 0, address));
        let address = SocketAddr::new(ip, 1024 + (self.clients.len() % 60_000) as u16);
        let there = self.slots.len();
        let from_there =
            self.slots.values().filter(|c| self.model.conns[**c].address == ip).count();
        let config = &self.plan.config;
        let per_address = config.connections_per_address as usize;
        let expected = if there >= config.connections as usize {
            Err(NoPlace::Server)
        } else if per_address > 0 && from_there >= per_address {
            Err(NoPlace::Address)
        } else {
            Ok(())
        };
        let hub = self.hub.as_mut().expect("the server runs");
        let placed = hub.place(address);
        if placed.map(|_| ()) != expected {
            return Err(format!("a connection finds {placed:?}, expected {expected:?}"));
        }
        let Ok(slot) = placed else {
            self.clients.push(None);
            return Ok(());
        };
        let (number, socket) = self.network.connect(room);
        let now = Now { ms: self.now, wall: self.wall };
        let index = hub.admit(now, socket, address, Dialect::Mec);
        self.admitted += 1;
        let id = SessionId { index, generation: self.admitted };
        self.model.now = self.now;
        self.model.connect(id, ip);
        self.held.push(Vec::new());
        self.slots.insert(slot, number);
        self.clients.push(Some(number));
        if (index, self.model.conns.len(), self.held.len()) != (slot, number + 1, number + 1) {
            return Err("a connection has another slot than it was given".into());
        }
        Ok(())
    }

    /// What a poll would do: a turn if there is a reason for one.
    pub fn poll(&mut self, spurious: bool) -> Checked {
        let due = self.hub().next_deadline().is_some_and(|due| due <= self.now);
        if spurious || due || self.hub().is_waiting() || self.network.has_edges() {
            self.turn()
        } else {
            Ok(())
        }
    }

    /// Turns until nobody waits.
    fn settle(&mut self) -> Checked {
        for _ in 0..TURNS_TO_REST {
            let due = self.hub().next_deadline().is_some_and(|due| due <= self.now);
            if !due && !self.hub().is_waiting() && !self.network.has_edges() {
                return Ok(());
            }
            self.turn()?;
        }
        Err("it does not come to rest".into())
    }

    /// Lets time go on until `until`, with a turn whenever one is wanted.
    pub fn wait(&mut self, until: u64) -> Checked {
        for _ in 0..TURNS_TO_REST {
            self.settle()?;
            match self.hub().next_deadline().filter(|due| *due <= until) {
                Some(due) => self.pass(due.saturating_sub(self.now)),
                None => {
                    self.pass(until.saturating_sub(self.now));
                    return Ok(());
                }
            }
        }
        Err("it wakes too often".into())
    }

    /// Everything arrives and everything is read, whatever it takes; then nothing may be left over.
    fn drain(&mut self) -> Checked {
        for _ in 0..200 {
            for &c in self.slots.values() {
                self.network.become_eager(c);
                self.network.deliver(c, usize::MAX);
            }
            self.settle()?;
            let busy = |c: &usize| {
                let conn = &self.model.conns[*c];
                conn.open
                    && !self.network.has_vanished(*c)
                    && (self.network.unread(*c) > 0 || !self.held[*c].is_empty())
            };
            if !self.slots.values().any(busy) {
                return Ok(());
            }
            let Some(due) = self.hub().next_deadline() else {
                return Err("it sleeps for ever while somebody waits".into());
            };
            self.pass(due.saturating_sub(self.now));
        }
        // Lines over the rate take their time.
        let patient = matches!(self.plan.flavour, Flavour::Paced | Flavour::Delayed);
        if patient { Ok(()) } else { Err("what was sent is not read".into()) }
    }

    /// One turn, and everything that can be said about it.
    pub fn turn(&mut self) -> Checked {
        for (c, readiness) in self.network.take_edges() {
            self.note(c, readiness);
        }
        let hub = self.hub.as_mut().expect("the server runs");
        let order = hub.ready().to_vec();
        self.turns += 1;
        self.model.turn = self.turns;
        let outcome = hub.turn(Now { ms: self.now, wall: self.wall });
        self.unreserved |= !hub.house().are_numbers_reserved();
        let refused = hub.refused() - std::mem::replace(&mut self.refused, hub.refused());
        // What was refused need not be there after a crash.
        self.troubled |= refused > 0;
        let acts = self.network.take_acts();
        (self.model.now, self.model.wall) = (self.now, self.wall);
        self.look_for_refusals(&acts, refused);
        self.replay(&order, &acts, outcome.is_ok())?;
        if let Err(error) = outcome {
            return match self.doomed.take() {
                Some(power_cut) => self.crash(power_cut),
                None => Err(format!("the log fails without a reason: {error}")),
            };
        }
        self.sync_before = 0;
        self.queue_bytes = self.plan.config.send_queue_bytes as usize;
        self.last_turn = self.now;
        self.last_good = self.turns;
        self.turn_times.push(self.now);
        self.compare(&acts)?;
        if self.turns.is_multiple_of(self.audit_every) {
            self.hub().audit()?;
        }
        self.note_waiting();
        self.fold();
        if let Some(copy) = self.network.take_copy() {
            self.disk = copy;
            return self.crash(None);
        }
        Ok(())
    }

    fn note(&mut self, c: usize, readiness: Readiness) {
        if self.network.is_dropped(c) {
            return;
        }
        let slot = self.model.conns[c].id.index;
        self.hub.as_mut().expect("the server runs").note(slot as usize, readiness);
    }

    /// On a disk that is full or fails, the answers say which commands were refused for that. There is one at a time.
    fn look_for_refusals(&mut self, acts: &[(usize, Act)], refused: u64) {
        let may_fail = self.plan.flavour == Flavour::Disk;
        let says = |answer: &str| {
            acts.iter().any(|(_, act)| match act {
                Act::Wrote(bytes) => {
                    bytes.windows(answer.len()).any(|part| part == answer.as_bytes())
                }
                _ => false,
            })
        };
        self.model.refuse = may_fail && refused > 0 && says("@status -2\r\n");
        self.model.unreadable = may_fail && self.doomed.is_some() && says("@status -1\r\n");
    }

    fn note_waiting(&mut self) {
        let world = &self.model.world;
        // A group whose time is over with users in it waits for them, not for the clock.
        let timed = world.groups.iter().any(|group| group.deadline > self.now);
        let waits = timed || world.rooms.iter().any(|room| room.idle.is_some());
        if !waits {
            self.waiting_since = None;
        } else if self.waiting_since.is_none() {
            self.waiting_since = Some(self.now);
        }
    }
}
