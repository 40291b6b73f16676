//! The hub: what a turn does, between the poll and the log.
//!
//! Owns the house, the post and everything that is known of connections; knows neither the poll nor the clock, and of a
//! socket only [`Socket`]. So the whole of it runs in a test with a network and a time of its own.
//!
//! Nothing is sent before the turn's commit. Whoever is stopped early for fairness is in a list, and
//! [`Hub::is_waiting`] says so. A note about a connection that has gone is harmless: it only asks a socket that has
//! nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use log::{debug, warn};

use crate::config::{Config, SyncMode};
use crate::core::event::Warning;
use crate::core::{House, Now, Outbox, SessionId, Standing, sooner};
use crate::dialect::{Service, Shared};
use crate::limits::READ_BYTES_MAX;
use crate::server::connection::{Connection, Peer, Phase};
use crate::server::entropy::Entropy;
use crate::server::post::Post;
use crate::server::socket::{Ports, Socket};
use crate::server::tally::{Gauges, Timing};
use crate::server::transfer::{NoPorts, Transfers};
use crate::store::{self, Store, StoreError};

/// What the poll says of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Readiness {
    /// There may be something to read.
    pub readable: bool,
    /// It takes something again.
    pub writable: bool,
    /// The peer's end, or an error, has been seen: reading goes on until there is nothing.
    pub hung_up: bool,
}

/// Why a connection is not taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoPlace {
    /// `limits.connections` is reached.
    Server,
    /// `limits.connections_per_address` is reached.
    Address,
}

/// Everything between the poll and the log.
#[derive(Debug)]
pub struct Hub<S> {
    pub(super) config: Config,
    pub(super) house: House,
    pub(super) post: Post<S>,
    /// Connections by address.
    pub(super) addresses: BTreeMap<IpAddr, u32>,
    /// Tells the connections of a slot apart.
    generation: u32,
    /// Connections that have something to read.
    pub(super) ready: Vec<u32>,
    /// Connections that can be sent to again.
    pub(super) writable: Vec<u32>,
    /// Connections that are too slow, with the bytes that wait for them.
    pub(super) overflowed: Vec<(SessionId, usize)>,
    pub(super) timers: BTreeSet<(u64, u32)>,
    pub(super) shared: Shared,
    pub(super) input: Box<[u8]>,
    pub(super) payload: Vec<u8>,
    /// Files that users send each other.
    pub(super) transfers: Transfers<S>,
}

impl<S: Socket> Hub<S> {
    /// A hub without connections. The house has been opened, and the store knows what of it is no longer true.
    #[must_use]
    pub fn new(mut config: Config, house: House, store: Store, entropy: Entropy) -> Self {
        config.name_host();
        let post = Post::new(store, entropy, &config.dialects.host);
        Self {
            config,
            house,
            post,
            addresses: BTreeMap::new(),
            generation: 0,
            ready: Vec::new(),
            writable: Vec::new(),
            overflowed: Vec::new(),
            timers: BTreeSet::new(),
            shared: Shared::new(),
            input: vec![0; READ_BYTES_MAX].into_boxed_slice(),
            payload: Vec::new(),
            transfers: Transfers::new(Box::new(NoPorts)),
        }
    }

    /// Has ports for files from there; without, there are none.
    #[must_use]
    pub fn with_ports(self, ports: Box<dyn Ports<S>>) -> Self {
        Self { transfers: Transfers::new(ports), ..self }
    }

    /// What everybody knows.
    #[must_use]
    pub fn house(&self) -> &House {
        &self.house
    }

    /// The options that hold.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Connections, those that are being closed among them.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.post.connections.len()
    }

    /// Ends the hub; what it has promised is in the store.
    #[must_use]
    pub fn into_store(self) -> Store {
        self.post.store
    }

    /// Takes other options.
    pub fn configure(&mut self, now: Now, mut config: Config) {
        self.post.store.begin_turn(now.ms);
        config.name_host();
        self.post.host.clone_from(&config.dialects.host);
        self.house.configure(config.settings.clone(), &mut self.post);
        self.post.store.set_options(store_options(&config));
        self.config = config;
        // Who lets more wait than is allowed now would else stay until something else is said to it.
        let allowed = self.config.send_queue_bytes as usize;
        let slow = self.post.connections.iter().filter(|(_, it)| it.events_waiting() > allowed);
        for index in slow.map(|(_, it)| it.id.index).collect::<Vec<_>>() {
            self.post.touch(index);
        }
        // Who may be silent for less long than before is to be looked at sooner.
        let open = self.post.connections.iter().filter(|(_, it)| it.phase == Phase::Open);
        for index in open.map(|(_, it)| it.id.index).collect::<Vec<_>>() {
            self.look_at_silence(now, index);
        }
    }

    /// Whether there is a place for a connection from `address`, and its slot.
    ///
    /// # Errors
    /// [`NoPlace`]
    pub fn place(&mut self, address: SocketAddr) -> Result<u32, NoPlace> {
        if self.post.connections.len() >= self.config.connections as usize {
            return Err(NoPlace::Server);
        }
        let allowed = self.config.connections_per_address;
        if allowed > 0 && self.addresses.get(&address.ip()).is_some_and(|&count| count >= allowed) {
            return Err(NoPlace::Address);
        }
        Ok(self.post.connections.vacant_key() as u32)
    }

    /// Takes a connection in, for which [`Hub::place`] has just given the slot.
    pub fn admit(
        &mut self,
        now: Now,
        socket: S,
        address: SocketAddr,
        service: impl Into<Service>,
    ) -> u32 {
        let service = service.into();
        self.generation = self.generation.wrapping_add(1);
        let entry = self.post.connections.vacant_entry();
        let index = entry.key() as u32;
        let id = SessionId { index, generation: self.generation };
        entry.insert(Connection::new(id, socket, address, service, now.ms));
        *self.addresses.entry(address.ip()).or_insert(0) += 1;
        if self.post.connections[index as usize].reader.is_of_the_house() {
            let dialect = self.post.connections[index as usize].voice.dialect();
            self.house.connect(now, id, address.ip(), dialect.manner());
            self.post.answer(id, |out| out.extend_from_slice(dialect.greeting()));
        }
        if self.config.idle_seconds > 0 {
            self.set_timer(index, Some(now.ms + u64::from(self.config.idle_seconds) * 1000));
        }
        self.arrange_call(now, index);
        debug!("{address} connected");
        index
    }

    /// What the poll says of the connection in a slot.
    pub fn note(&mut self, index: usize, readiness: Readiness) {
        let Some(connection) = self.post.connections.get_mut(index) else { return };
        let index = connection.id.index;
        if readiness.hung_up && connection.peer == Peer::Sends {
            connection.peer = Peer::HungUp;
        }
        // A socket that took everything has nothing to go on with.
        if readiness.writable && std::mem::take(&mut connection.blocked) {
            self.writable.push(index);
        }
        if readiness.readable {
            connection.readable = true;
            self.list(index);
        }
    }

    /// What the poll says of a port for a file, or of a connection to it.
    pub fn note_transfer(&mut self, token: usize, readiness: Readiness) {
        self.transfers.note(token, readiness);
    }

    /// Files on their way.
    #[must_use]
    pub fn transfers(&self) -> usize {
        self.transfers.count()
    }

    /// One turn. Whatever is decided in it is on disk before any of it is sent.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be written: nothing more may be promised.
    pub fn turn(&mut self, now: Now) -> Result<(), StoreError> {
        self.post.store.begin_turn(now.ms);
        self.drop_overflowed(now);
        let mut ready = std::mem::take(&mut self.ready);
        for index in ready.drain(..) {
            self.serve(now, index);
        }
        keep_room(&mut self.ready, ready);
        self.run_timers(now);
        self.house.tick(now, &mut self.post);
        // Who was kept waiting for its log-in may have been given the beginning of a list.
        for reader in self.house.readers() {
            self.post.defer_events(reader.index);
        }
        self.compact(now);
        self.post.commit(now)?;
        self.send(now);
        self.transfers.run(now, &self.config.dialects.helo);
        Ok(())
    }

    /// Whether somebody waits for the next turn.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.ready.is_empty()
            || !self.writable.is_empty()
            || !self.overflowed.is_empty()
            || self.post.is_waiting()
            || self.post.store.compaction_due()
            || self.transfers.is_waiting()
    }

    /// Whether a turn at `now` would do nothing.
    #[must_use]
    pub fn is_idle(&self, now: Now) -> bool {
        !self.is_waiting() && self.next_deadline().is_none_or(|due| due > now.ms)
    }

    /// When the next turn is due, in ms of the server's clock, if nobody waits for it. Never, if nothing ever will be.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        let timer = self.timers.first().map(|&(due, _)| due);
        let transfers = self.transfers.next_deadline(&self.config.dialects.helo);
        let kept = sooner(self.house.next_deadline(), self.post.store.next_deadline());
        sooner(kept, sooner(timer, transfers))
    }

    /// A turn has taken so long.
    pub fn note_turn(&mut self, time: Duration) {
        self.post.tally.turns.add(time);
    }

    /// A connection was not taken in.
    pub fn note_refusal(&mut self, why: NoPlace) {
        match why {
            NoPlace::Server => self.post.tally.refused_full += 1,
            NoPlace::Address => self.post.tally.refused_address += 1,
        }
    }

    /// The numbers for those who watch over the server.
    pub(super) fn metrics(&self) -> String {
        let (count, time) = self.post.store.syncs();
        self.post.tally.text(&Gauges {
            connections: self.connections(),
            census: self.house.census(),
            disk_bytes: self.post.store.bytes_on_disk(),
            syncs: Timing { count, time },
        })
    }

    /// Begins to stop: everybody is told, everything is written by the next turn.
    pub fn stop(&mut self, now: Now) {
        self.post.store.begin_turn(now.ms);
        self.house.hush();
        let open = self.post.connections.iter().filter(|(_, it)| it.phase == Phase::Open);
        let open: Vec<_> = open.map(|(_, it)| it.id).collect();
        for id in open {
            match self.house.standing(id) {
                Some(_) => self.house.dismiss(now, id, &Warning::Stopping, &mut self.post),
                None => self.post.close(id),
            }
        }
        self.house.stop(now, &mut self.post);
        self.transfers.clear();
    }

    /// Has a connection served in this turn or the next.
    pub(super) fn list(&mut self, index: u32) {
        let connection = &mut self.post.connections[index as usize];
        if !std::mem::replace(&mut connection.listed, true) {
            self.ready.push(index);
        }
    }

    fn run_timers(&mut self, now: Now) {
        while let Some(&(due, index)) = self.timers.first() {
            if due > now.ms {
                return;
            }
            self.timers.pop_first();
            self.post.connections[index as usize].timer = 0;
            self.timer_due(now, index);
        }
    }

    fn timer_due(&mut self, now: Now, index: u32) {
        let connection = &self.post.connections[index as usize];
        match connection.phase {
            Phase::Open => {
                self.look_at_silence(now, index);
                self.keep_time(now, index);
                self.go_on(now, index);
            }
            // It was closed in this very turn, which has yet to send its last word and set another timer.
            Phase::Flushing if connection.touched => {}
            Phase::Flushing => {
                debug!("{} does not take the end of what it was told", connection.address);
                self.finish(index);
            }
            Phase::Lingering => self.finish(index),
        }
    }

    /// Sets or clears the one timer of a connection.
    pub(super) fn set_timer(&mut self, index: u32, due: Option<u64>) {
        let connection = &mut self.post.connections[index as usize];
        let old = std::mem::replace(&mut connection.timer, due.unwrap_or(0));
        if old != 0 {
            self.timers.remove(&(old, index));
        }
        if let Some(due) = due {
            self.timers.insert((due, index));
        }
    }

    /// Has a connection looked at by then, if it is not sooner.
    pub(super) fn call_by(&mut self, index: u32, due: u64) {
        let timer = self.post.connections[index as usize].timer;
        if timer == 0 || due < timer {
            self.set_timer(index, Some(due));
        }
    }

    /// Closes a connection that has been silent for longer than the administrator allows.
    fn look_at_silence(&mut self, now: Now, index: u32) {
        let allowed = u64::from(self.config.idle_seconds) * 1000;
        if allowed == 0 {
            return;
        }
        let connection = &self.post.connections[index as usize];
        let id = connection.id;
        let due = connection.heard + allowed;
        if due > now.ms {
            self.call_by(index, due);
        } else if self.house.standing(id) == Some(Standing::User) {
            debug!("closing {}: silent for {} s", connection.address, self.config.idle_seconds);
            self.house.dismiss(now, id, &Warning::Idle, &mut self.post);
        } else {
            // It may log in.
            self.call_by(index, now.ms + 1000);
        }
    }

    /// Takes a connection out for good. Its session is over.
    pub(super) fn finish(&mut self, index: u32) {
        self.set_timer(index, None);
        let mut connection = self.post.remove(index);
        connection.reader.release(&mut self.shared.context(&self.config.dialects, 0));
        let ip = connection.address.ip();
        let count = self.addresses.get_mut(&ip).expect("every connection is counted");
        *count -= 1;
        if *count == 0 {
            self.addresses.remove(&ip);
        }
    }

    /// Drops who let too much wait.
    fn drop_overflowed(&mut self, now: Now) {
        for (id, bytes) in std::mem::take(&mut self.overflowed) {
            let Some(connection) = self.post.connection(id) else { continue };
            let name = self.house.user_name(id).map_or("not logged in", |name| name.as_str());
            warn!(
                "dropping {} ({name}): {bytes} bytes wait for it, more than limits.send_queue_bytes",
                connection.address
            );
            self.post.tally.dropped_slow += 1;
            self.house.disconnect(now, id, &mut self.post);
            self.finish(id.index);
        }
    }

    /// A connection is broken: its session ends as if it had left.
    pub(super) fn lose(&mut self, now: Now, index: u32, error: &io::Error) {
        let connection = &self.post.connections[index as usize];
        debug!("lost {}: {error}", connection.address);
        let id = connection.id;
        self.house.disconnect(now, id, &mut self.post);
        self.finish(index);
    }
}

/// Gives a list that was worked off its memory back, unless it has got some anew meanwhile.
#[inline]
pub(super) fn keep_room(list: &mut Vec<u32>, emptied: Vec<u32>) {
    if list.capacity() < emptied.capacity() {
        let waiting = std::mem::replace(list, emptied);
        list.extend(waiting);
    }
}

/// What of the configuration the store obeys.
#[must_use]
pub fn store_options(config: &Config) -> store::Options {
    let sync = match config.sync {
        SyncMode::Always => store::Sync::Always,
        SyncMode::Interval(interval) => {
            store::Sync::Interval(u64::try_from(interval.as_millis()).unwrap_or(u64::MAX))
        }
    };
    store::Options { bytes_max: config.bytes_max, sync }
}
