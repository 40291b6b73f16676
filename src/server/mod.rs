//! The server: one thread, one poll, and the order of things in a turn.
//!
//! ```text
//! poll ▶ accept ▶ read and handle ▶ timers ▶ house.tick ▶ compact ▶ commit ▶ send ▶ sleep until the next deadline
//! ```
//!
//! Here are the poll, the listeners, the signals and the clock; what a turn does is in `hub`. Only here and in the
//! files of sockets is mio known.

mod accept;
mod audit;
mod clock;
mod compact;
mod connection;
mod converse;
mod desk;
pub mod entropy;
pub mod hub;
pub mod listener;
mod notify;
pub mod pool;
mod port;
mod post;
mod reload;
mod send;
mod signals;
pub mod socket;
mod tally;
mod transfer;
mod wall;

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use log::{info, warn};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustix::process::{Resource, getrlimit, setrlimit};
use slab::Slab;

use crate::config::{Config, Listen};
use crate::core::{House, Now, sooner};
use crate::dialect::Dialect;
use crate::limits::{
    DESCRIPTORS_BESIDE_CONNECTIONS, EVENTS_PER_TURN, STOP_MS, TRANSFER_DESCRIPTORS,
};
use crate::server::clock::Clock;
use crate::server::entropy::Entropy;
pub use crate::server::hub::store_options;
use crate::server::hub::{Hub, Readiness};
pub use crate::server::listener::{Listener, can_listen, does_without};
pub use crate::server::notify::Notifier;
use crate::server::port::KernelPorts;
pub use crate::server::post::{core_place, store_place};
use crate::server::signals::Signal;
pub use crate::server::signals::Signals;
use crate::server::wall::Wall;
pub use crate::server::wall::wrong_clock;
use crate::store::{Store, StoreError};

/// Tokens from here on are no connections: ports for files and what is connected to them, listeners, signals.
const TRANSFERS: usize = usize::MAX / 4;
const LISTENERS: usize = usize::MAX / 2;
const SIGNALS: usize = usize::MAX - 8;

/// What ends the server other than a signal.
#[derive(Debug)]
pub enum ServerError {
    /// An address cannot be listened on.
    Listen(SocketAddr, io::Error),
    /// The kernel refuses what the loop stands on.
    Loop(&'static str, io::Error),
    /// The log cannot be written: nothing more may be promised.
    Store(StoreError),
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Loop(what, error) => write!(f, "cannot {what}: {error}"),
            Self::Store(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ServerError {}

impl From<StoreError> for ServerError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Reads the configuration again; nothing if it is faulty, which has been logged by then.
pub type Reload = Box<dyn FnMut() -> Option<Config>>;

/// Whether the server goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Life {
    Serving,
    /// It stops; by then at the latest, in ms of its clock.
    Stopping(u64),
}

/// Everything that runs.
pub struct Server {
    poll: Poll,
    clock: Clock,
    wall: Wall,
    reload_from: Reload,
    hub: Hub<TcpStream>,
    listeners: Slab<Listener>,
    signals: Signals,
    notifier: Notifier,
    life: Life,
    /// A descriptor to give up when there is no other, so that a connection can be told that the server is full.
    spare: Option<File>,
    /// When listeners are tried again after the descriptors had run out.
    accept_at: Option<u64>,
    /// Whether it was said that connections are refused.
    said_full: bool,
}

impl Server {
    /// A server that listens. The house has been opened, and the store knows what of it is no longer true.
    ///
    /// # Errors
    /// [`ServerError`], naming what the kernel refuses.
    pub fn new(
        config: Config,
        house: House,
        store: Store,
        listeners: Vec<Listener>,
        mut signals: Signals,
        reload: Reload,
    ) -> Result<Self, ServerError> {
        let poll = Poll::new().map_err(|error| ServerError::Loop("make a poll", error))?;
        let tokens = [0, 1, 2].map(|index| Token(SIGNALS + index));
        signals
            .register(poll.registry(), tokens)
            .map_err(|error| ServerError::Loop("poll signals", error))?;
        let registry = poll
            .registry()
            .try_clone()
            .map_err(|error| ServerError::Loop("share a poll", error))?;
        let ports = Box::new(KernelPorts::new(registry));
        let clock = Clock::starting_at(house.clock());
        let mut server = Self {
            poll,
            wall: Wall::watch(clock.now(), store.last_written()),
            clock,
            reload_from: reload,
            hub: Hub::new(config, house, store, Entropy::of_the_system()).with_ports(ports),
            listeners: Slab::new(),
            signals,
            notifier: Notifier::default(),
            life: Life::Serving,
            spare: File::open("/dev/null").ok(),
            accept_at: None,
            said_full: false,
        };
        for listener in listeners {
            server.add_listener(listener)?;
        }
        Ok(server)
    }

    /// Tells a service manager how it is doing; without, nobody is told.
    #[must_use]
    pub fn with_notifier(self, notifier: Notifier) -> Self {
        Self { notifier, ..self }
    }

    fn add_listener(&mut self, listener: Listener) -> Result<(), ServerError> {
        let entry = self.listeners.vacant_entry();
        let token = Token(LISTENERS + entry.key());
        let listener = entry.insert(listener);
        self.poll
            .registry()
            .register(&mut listener.socket, token, Interest::READABLE)
            .map_err(|error| ServerError::Listen(listener.address, error))
    }

    /// Where the server listens.
    pub fn listeners(&self) -> impl Iterator<Item = &Listener> {
        self.listeners.iter().map(|(_, listener)| listener)
    }

    /// Serves until a signal says to stop; then everything is on disk.
    ///
    /// # Errors
    /// [`ServerError`]: what was promised is on disk, what was not has not been promised.
    pub fn run(mut self) -> Result<(), ServerError> {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        self.report_ready(self.clock.now(), None);
        while !self.is_finished() {
            let timeout = self.sleep_time();
            match self.poll.poll(&mut events, timeout) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ServerError::Loop("poll", error)),
            }
            let now = self.clock.now();
            self.wall.look(now);
            for event in &events {
                self.note(event, now)?;
            }
            self.accept(now);
            if !self.hub.is_idle(now) {
                let begun = Instant::now();
                self.hub.turn(now)?;
                self.hub.note_turn(begun.elapsed());
            }
            self.notifier.run(now);
        }
        self.hub.into_store().close()?;
        info!("stopped");
        Ok(())
    }

    fn note(&mut self, event: &mio::event::Event, now: Now) -> Result<(), ServerError> {
        let token = event.token().0;
        if token >= SIGNALS {
            match self.signals.take(token - SIGNALS) {
                Some(Signal::Stop) => self.stop(now),
                Some(Signal::Reload) => self.reload(now)?,
                None => {}
            }
        } else if token >= LISTENERS {
            if let Some(listener) = self.listeners.get_mut(token - LISTENERS) {
                listener.ready = true;
            }
        } else {
            let hung_up = event.is_read_closed() || event.is_error();
            let readable = event.is_readable() || hung_up;
            let writable = event.is_writable() || event.is_error();
            let readiness = Readiness { readable, writable, hung_up };
            match token.checked_sub(TRANSFERS) {
                Some(token) => self.hub.note_transfer(token, readiness),
                None => self.hub.note(token, readiness),
            }
        }
        Ok(())
    }

    /// How long the poll may sleep: not at all while somebody waits for us, for ever if nothing is ever due.
    fn sleep_time(&self) -> Option<Duration> {
        let arriving = self.listeners.iter().any(|(_, listener)| listener.ready);
        if self.hub.is_waiting() || arriving && self.accept_at.is_none() {
            return Some(Duration::ZERO);
        }
        let stop = match self.life {
            Life::Serving => None,
            Life::Stopping(until) => Some(until),
        };
        let notice = self.notifier.next_deadline();
        let own = sooner(self.accept_at, sooner(stop, notice));
        let deadline = sooner(self.hub.next_deadline(), own)?;
        Some(Clock::until(deadline, self.clock.now()))
    }

    /// Begins to stop: nobody comes any more, everybody is told, everything is written.
    fn stop(&mut self, now: Now) {
        if self.life != Life::Serving {
            return;
        }
        info!("stopping");
        let connections = self.hub.connections();
        self.notifier.stopping(|| format!("Taking leave of {connections} connections"));
        self.life = Life::Stopping(now.ms + STOP_MS);
        self.listeners.clear();
        self.accept_at = None;
        self.hub.stop(now);
    }

    /// Tells the service manager that the server serves, and where; and what else there is to say.
    fn report_ready(&mut self, now: Now, remark: Option<&str>) {
        let listeners = &self.listeners;
        self.notifier.ready(now, || {
            let places =
                listeners.iter().map(|(_, it)| format!("{} on {}", it.service, it.address));
            let places = places.collect::<Vec<_>>().join(", ");
            format!("Serving {places}{}", remark.unwrap_or_default())
        });
    }

    fn is_finished(&self) -> bool {
        match self.life {
            Life::Serving => false,
            Life::Stopping(until) => self.hub.connections() == 0 || self.clock.now().ms >= until,
        }
    }
}

/// Descriptors that are for everything but connections.
#[must_use]
pub fn descriptors_beside_connections(listen: &Listen) -> u64 {
    let transfers = if listen.of(Dialect::Helo).is_empty() { 0 } else { TRANSFER_DESCRIPTORS };
    DESCRIPTORS_BESIDE_CONNECTIONS + listen.all().count() as u64 + transfers
}

/// Raises the descriptor limit as far as `connections` need it and the system allows. Says how many connections can be
/// served with it: the log, the listeners and what users send each other must never be short of descriptors because of
/// them.
#[must_use]
pub fn raise_descriptor_limit(connections: u32, listen: &Listen) -> u32 {
    let beside = descriptors_beside_connections(listen);
    let needed = u64::from(connections) + beside;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return connections;
    }
    let before = limit.current.unwrap_or(needed);
    let allowed = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    limit.current = Some(allowed);
    let reached = if setrlimit(Resource::Nofile, limit).is_ok() { allowed } else { before };
    let served = reached.saturating_sub(beside).max(1) as u32;
    if served < connections {
        warn!("the descriptor limit of {reached} allows for {served} connections only");
    }
    served.min(connections)
}
