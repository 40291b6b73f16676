//! Whole connections: from bytes to answers, over the hub, the house and the store, with a network, a clock and a disk
//! of the target's own. Every line that is sent has its form; strangers hear answers only; the server comes to rest
//! after every step; and what the log holds can be opened after every kind of end.
//!
//! Input: a script, a step a line; `corpus/connections` shows them. The first line chooses options.

#![no_main]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use mecd::config::{Config, SyncMode};
use mecd::core::{Census, House, Now, Record, SessionId, Standing};
use mecd::dialect::{Dialect, Options};
use mecd::server::entropy::Entropy;
use mecd::server::hub::{Hub, Readiness};
use mecd::server::socket::Socket;
use mecd::server::{core_place, store_options, store_place};
use mecd::store::key::Key;
use mecd::store::memory::{MemoryDisk, Operation};
use mecd::store::{Rejected, Shape, Store, open_shaped};
use mecd_fuzz::output::Output;

/// Small files, so that compaction is met; the longest message of [`MESSAGE_LINES`] fits.
const SHAPE: Shape = Shape { file_bytes: 32 * 1024, piece_bytes: 4 * 1024 };
const MESSAGE_LINES: u32 = 8;
const CLIENTS: usize = 5;
/// Lines of one input, repeated ones counted: an input stays short in time.
const LINES_MAX: u32 = 600;
/// Turns in which the server comes to rest.
const TURNS_MAX: u32 = 2000;

fuzz_target!(|script: &[u8]| {
    let mut lines = script.split(|byte| *byte == b'\n');
    let mut world = World::new(lines.next().unwrap_or_default());
    for line in lines {
        if world.lines_left == 0 {
            break;
        }
        world.lines_left -= 1;
        let (line, settles) = match line {
            [b'&', line @ ..] => (line, false),
            line => (line, true),
        };
        world.step(line);
        if settles {
            world.settle();
        }
    }
    world.end();
});

/// The same input is the same run: what nobody could guess is counted.
fn entropy() -> Entropy {
    let mut given = 0_u128;
    Entropy::from_source(move || {
        given += 1;
        given.to_be_bytes()
    })
}

/// Both ends of a connection.
#[derive(Default)]
struct Wire {
    to_server: VecDeque<u8>,
    to_client: Vec<u8>,
    /// Bytes that the client's side takes before it is full.
    room: usize,
    /// The client sends nothing more.
    finished: bool,
    reset: bool,
    /// The server has closed its side.
    ended: bool,
    /// The server has let go of the socket.
    dropped: bool,
}

struct WireSocket(Rc<RefCell<Wire>>);

impl Read for WireSocket {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut wire = self.0.borrow_mut();
        if wire.reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if wire.to_server.is_empty() && !wire.finished {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        wire.to_server.read(out)
    }
}

impl Write for WireSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut wire = self.0.borrow_mut();
        assert!(!wire.ended, "nothing is sent after the end");
        if wire.reset {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = bytes.len().min(wire.room);
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        wire.room -= count;
        wire.to_client.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.write(&slices.concat_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

trait ConcatBytes {
    fn concat_bytes(&self) -> Vec<u8>;
}

impl ConcatBytes for [io::IoSlice<'_>] {
    fn concat_bytes(&self) -> Vec<u8> {
        self.iter().flat_map(|slice| slice.iter().copied()).collect()
    }
}

impl Socket for WireSocket {
    fn end(&mut self) -> io::Result<()> {
        let mut wire = self.0.borrow_mut();
        assert!(!wire.ended, "a side is closed once");
        wire.ended = true;
        if wire.reset { Err(io::ErrorKind::NotConnected.into()) } else { Ok(()) }
    }
}

impl Drop for WireSocket {
    fn drop(&mut self) {
        self.0.borrow_mut().dropped = true;
    }
}

/// A client, and what it has heard.
struct Client {
    wire: Rc<RefCell<Wire>>,
    id: SessionId,
    output: Output,
    standing: Option<Standing>,
    /// It has not been read to the end at some time: what comes may be old.
    was_stalled: bool,
    nonce: String,
}

/// The server, its clients, and the time.
struct World {
    config: Config,
    disk: MemoryDisk,
    /// Absent only while another one is started.
    hub: Option<Hub<WireSocket>>,
    clients: [Option<Client>; CLIENTS],
    admitted: u32,
    now: Now,
    /// No time has passed, so nothing has expired.
    timeless: bool,
    /// Every fact could be written.
    spacious: bool,
    counter: u32,
    lines_left: u32,
}

fn config(choice: &[u8]) -> Config {
    let mut config = Config {
        connections: 4,
        connections_per_address: 3,
        dialects: Options { message_lines_max: MESSAGE_LINES, ..Options::default() },
        bytes_max: 256 * 1024,
        ..Config::default()
    };
    for option in choice {
        let settings = &mut config.settings;
        match option {
            b'a' => config.sync = SyncMode::Always,
            b'b' => config.lines_per_second = 0,
            b'c' => {
                settings.rooms_max = 3;
                settings.groups_max = 2;
                settings.messages_per_group_max = 5;
                settings.accounts_max = 2;
            }
            b'd' => settings.require_challenge = true,
            b'e' => config.idle_seconds = 100,
            b'f' => settings.wrong_password_delay_ms = 0,
            b'g' => config.send_queue_bytes = 4096,
            b'h' => settings.hash_passwords = true,
            b'i' => settings.history_lines = 3,
            b'j' => settings.anonymous_may_create = false,
            b'k' => settings.registration = false,
            b'l' => settings.history_saved = false,
            b'm' => settings.room_expire_ms = 5000,
            _ => {}
        }
    }
    config
}

/// The house that a log tells of, and its store; as the program does it.
fn rebuild(config: &Config, disk: &MemoryDisk) -> (House, Store) {
    let key = Key::parse("0123456789abcdef0123456789abcdef").expect("32 digits are a key");
    let mut house = House::new(config.settings.clone());
    let mut visit = |place, bytes: &[u8]| {
        let record = Record::decode(bytes).map_err(|_| Rejected)?;
        house.apply(&record, core_place(place));
        Ok(())
    };
    let disk = Box::new(disk.clone());
    let opened = open_shaped(disk, &key, store_options(config), SHAPE, &mut visit);
    let (mut store, _) = opened.expect("what the server left behind can be opened");
    for place in house.open() {
        store.retire(store_place(place));
    }
    (house, store)
}

impl World {
    fn new(choice: &[u8]) -> Self {
        let mut world = Self {
            config: config(choice),
            disk: MemoryDisk::new(7),
            hub: None,
            clients: Default::default(),
            admitted: 0,
            now: Now { ms: 0, wall: 1_700_000_000 },
            timeless: true,
            spacious: true,
            counter: 0,
            lines_left: LINES_MAX,
        };
        world.start();
        world
    }

    fn hub(&mut self) -> &mut Hub<WireSocket> {
        self.hub.as_mut().expect("a server runs")
    }

    fn start(&mut self) {
        let (house, store) = rebuild(&self.config, &self.disk);
        self.now.ms = house.clock();
        self.admitted = 0;
        self.hub = Some(Hub::new(self.config.clone(), house, store, entropy()));
    }

    fn step(&mut self, line: &[u8]) {
        let Some((&step, rest)) = line.split_first() else { return };
        match step {
            b'a'..=b'e' => {
                let bytes = self.filled(usize::from(step - b'a'), rest);
                self.send(usize::from(step - b'a'), &[&bytes[..], b"\r\n"].concat());
            }
            b'A'..=b'E' => self.send(usize::from(step - b'A'), rest),
            b'*' => self.repeat(rest),
            b'+' => self.let_pass(number(rest).min(100 * 24 * 3_600_000)),
            b'!' => self.with_client(rest, |wire| {
                wire.finished = true;
                Readiness { readable: true, writable: false, hung_up: true }
            }),
            b'x' => self.with_client(rest, |wire| {
                wire.reset = true;
                Readiness { readable: true, writable: true, hung_up: true }
            }),
            b'[' => self.stall(rest),
            b']' => self.with_client(rest, |wire| {
                wire.room = usize::MAX;
                Readiness { writable: true, ..Readiness::default() }
            }),
            b'o' => self.stop(),
            b'k' => self.kill(),
            b'p' => self.lose_power(number(rest)),
            b'f' => self.fail(rest),
            b'm' => self.limit_space(rest),
            b'r' => {
                self.config = Config { sync: self.config.sync, ..config(rest) };
                let config = self.config.clone();
                let now = self.now;
                self.hub().configure(now, config);
            }
            _ => {}
        }
    }

    /// The same line often: `*`, the client, how often, and the line.
    fn repeat(&mut self, rest: &[u8]) {
        let [client @ b'a'..=b'e', count, line @ ..] = rest else { return };
        let index = usize::from(client - b'a');
        let count = u32::from(*count).min(self.lines_left);
        self.lines_left -= count;
        let mut bytes = Vec::new();
        for _ in 0..count {
            bytes.extend(self.filled(index, line));
            bytes.extend(b"\r\n");
        }
        self.send(index, &bytes);
    }

    /// A line in which `\x01` is a number that grows, and `\x02` the proof of the password `pw` for the last nonce.
    fn filled(&mut self, index: usize, line: &[u8]) -> Vec<u8> {
        let mut filled = Vec::with_capacity(line.len());
        for &byte in line {
            match byte {
                1 => {
                    self.counter += 1;
                    filled.extend(self.counter.to_string().bytes());
                }
                2 => {
                    let nonce = self.clients[index].as_ref().map_or("", |client| &client.nonce);
                    filled.extend(proof(nonce));
                }
                byte => filled.push(byte),
            }
        }
        filled
    }

    /// Sends, over a new connection if there is none.
    fn send(&mut self, index: usize, bytes: &[u8]) {
        if self.clients[index].is_none() && !self.connect(index) {
            return;
        }
        let Some(client) = &self.clients[index] else { return };
        let mut wire = client.wire.borrow_mut();
        // Nobody here is a browser.
        let is_of_a_browser = bytes.windows(6).any(|part| part == b"HTTP/1");
        if wire.finished || wire.reset || is_of_a_browser {
            return;
        }
        wire.to_server.extend(bytes);
        let slot = client.id.index as usize;
        drop(wire);
        self.hub().note(slot, Readiness { readable: true, ..Readiness::default() });
    }

    fn connect(&mut self, index: usize) -> bool {
        let now = self.now;
        let ip = IpAddr::V4(Ipv4Addr::new(10, 0, 0, index as u8 / 4));
        let address = SocketAddr::new(ip, 1000);
        let Ok(slot) = self.hub().place(address) else { return false };
        let wire = Rc::new(RefCell::new(Wire { room: usize::MAX, ..Wire::default() }));
        let socket = WireSocket(Rc::clone(&wire));
        assert_eq!(self.hub().admit(now, socket, address, Dialect::Mec), slot);
        self.admitted += 1;
        let id = SessionId { index: slot, generation: self.admitted };
        let standing = self.hub().house().standing(id);
        assert_eq!(standing, Some(Standing::Stranger));
        let (output, nonce) = (Output::default(), String::new());
        self.clients[index] =
            Some(Client { wire, id, output, standing, was_stalled: false, nonce });
        true
    }

    fn with_client(&mut self, name: &[u8], act: impl FnOnce(&mut Wire) -> Readiness) {
        let index = name.first().map_or(CLIENTS, |name| usize::from(name.wrapping_sub(b'a')));
        let Some(Some(client)) = self.clients.get(index) else { return };
        let readiness = act(&mut client.wire.borrow_mut());
        let slot = client.id.index as usize;
        self.hub().note(slot, readiness);
    }

    /// The client reads no more than so many bytes: `[`, the client, the number.
    fn stall(&mut self, rest: &[u8]) {
        let Some((&name, room)) = rest.split_first() else { return };
        let index = usize::from(name.wrapping_sub(b'a'));
        let Some(Some(client)) = self.clients.get_mut(index) else { return };
        client.was_stalled = true;
        client.wire.borrow_mut().room = number(room) as usize;
        let slot = client.id.index as usize;
        self.hub().note(slot, Readiness { writable: true, ..Readiness::default() });
    }

    fn let_pass(&mut self, ms: u64) {
        self.timeless &= ms == 0;
        self.now.ms += ms;
        self.now.wall += ms / 1000;
    }

    fn fail(&mut self, rest: &[u8]) {
        let operation = match rest {
            b"s" => Operation::Sync,
            b"a" => Operation::Allocate,
            b"c" => Operation::Create,
            b"d" => Operation::SyncDirectory,
            b"r" => Operation::Read,
            b"w" => Operation::Write,
            _ => return,
        };
        self.spacious = false;
        self.disk.fail_next(operation);
    }

    fn limit_space(&mut self, rest: &[u8]) {
        self.spacious = false;
        let files = self.disk.files();
        let used: u64 = files.iter().map(|&file| self.disk.bytes(file).len() as u64).sum();
        self.disk.set_space(if rest.is_empty() { u64::MAX } else { used + number(rest) });
    }

    /// Turns until nobody waits: the server sleeps then.
    fn settle(&mut self) {
        for _ in 0..TURNS_MAX {
            let now = self.now;
            let hub = self.hub();
            let due = hub.next_deadline().is_some_and(|due| due <= now.ms);
            if !hub.is_waiting() && !due {
                return;
            }
            if !self.turn() {
                return;
            }
        }
        let hub = self.hub();
        panic!("no rest: waiting {}, next {:?}", hub.is_waiting(), hub.next_deadline());
    }

    /// One turn. False if the log could not be written, so that the server had to stop.
    fn turn(&mut self) -> bool {
        let now = self.now;
        let outcome = self.hub().turn(now);
        self.hear();
        self.check_house();
        if outcome.is_err() {
            self.disk.kill();
            self.restart();
        }
        outcome.is_ok()
    }

    fn hear(&mut self) {
        let hub = self.hub.as_ref().expect("a server runs");
        for slot in &mut self.clients {
            let Some(client) = slot else { continue };
            client.hear(hub.house().standing(client.id));
            if client.wire.borrow().dropped {
                *slot = None;
            }
        }
    }

    fn check_house(&mut self) {
        let hub = self.hub();
        let census = hub.house().census();
        let sessions = hub.house().sessions().count();
        assert_eq!(census.users + census.strangers, sessions);
        assert!(sessions <= hub.connections(), "each session has a connection");
        let open = self.clients.iter().flatten().count();
        assert_eq!(self.hub().connections(), open, "each connection has a socket");
    }

    fn stop(&mut self) {
        let now = self.now;
        self.hub().stop(now);
        self.settle();
        let hub = self.hub.take().expect("a server runs");
        let before = hub.house().census();
        // A disk that fails at the last moment is said, and what was promised is there.
        let closed = hub.into_store().close().is_ok();
        self.disk.kill();
        self.restart();
        if closed {
            self.check_kept(before);
        }
    }

    fn kill(&mut self) {
        let before = self.hub().house().census();
        let is_settled = !self.hub().is_waiting();
        self.hub = None;
        self.disk.kill();
        self.restart();
        if is_settled {
            self.check_kept(before);
        }
    }

    fn lose_power(&mut self, seed: u64) {
        let before = self.hub().house().census();
        let is_settled = !self.hub().is_waiting();
        self.hub = None;
        self.disk.crash(seed);
        self.restart();
        if is_settled && self.config.sync == SyncMode::Always {
            self.check_kept(before);
        }
    }

    /// All connections go with the old process.
    fn restart(&mut self) {
        self.hub = None;
        self.clients = Default::default();
        self.start();
    }

    fn check_kept(&mut self, before: Census) {
        let after = self.hub().house().census();
        assert_eq!(after.accounts, before.accounts, "accounts are kept");
        if self.spacious {
            assert_eq!(after.rooms, before.rooms, "rooms are kept");
            assert_eq!(after.groups, before.groups, "groups are kept");
        }
        // The clock may go on from up to a minute ago: what was over then may come back for so long.
        assert!(after.messages >= before.messages, "messages are kept");
        assert!(after.messages == before.messages || !self.timeless, "and none comes back");
    }

    /// Everybody leaves; nothing of them is left, and the log can be opened.
    fn end(mut self) {
        self.settle();
        // What has been sent is read to its end, however many lines it is.
        let config = Config { lines_per_second: 0, ..self.config.clone() };
        let now = self.now;
        self.hub().configure(now, config);
        for name in b'a'..=b'e' {
            self.with_client(&[name], |wire| {
                wire.room = usize::MAX;
                wire.finished = true;
                Readiness { readable: true, writable: true, hung_up: true }
            });
        }
        for _ in 0..20 {
            self.settle();
            self.let_pass(60_000);
        }
        self.settle();
        let hub = self.hub();
        let census = hub.house().census();
        assert_eq!((census.users, census.strangers, hub.connections()), (0, 0, 0));
        self.stop();
    }
}

impl Client {
    /// Takes what came in a turn, after which the session has this standing.
    fn hear(&mut self, standing: Option<Standing>) {
        let mut wire = self.wire.borrow_mut();
        let sent = std::mem::take(&mut wire.to_client);
        self.output.take(&sent);
        if wire.ended {
            self.output.end();
        }
        let lines = self.output.take_lines();
        if let Some(nonce) =
            lines.iter().rev().find_map(|line| line.strip_prefix("@ret #challenge "))
        {
            nonce.clone_into(&mut self.nonce);
        }
        let was_stranger = self.standing != Some(Standing::User);
        let is_stranger = standing != Some(Standing::User);
        self.standing = standing;
        // Who logs in hears so first.
        let mut answers = lines.iter().take_while(|line| *line != "@status 0");
        if was_stranger && is_stranger && !self.was_stalled {
            let event = answers.find(|line| is_from_users(line));
            assert_eq!(event, None, "a stranger hears answers only");
        }
    }
}

fn is_from_users(line: &str) -> bool {
    ["@mess #broadcast", "@mess #sendto", "@mess #peer2peer"]
        .iter()
        .any(|head| line.starts_with(head))
}

/// A number in decimal; nothing, or too long a one, is 0.
fn number(digits: &[u8]) -> u64 {
    str::from_utf8(digits).ok().and_then(|digits| digits.trim().parse().ok()).unwrap_or(0)
}

/// The hex MD5 of a nonce and the password `pw`.
fn proof(nonce: &str) -> [u8; 32] {
    use md5::Digest;
    let digest = md5::Md5::digest(format!("{nonce}pw"));
    mecd::core::hex(digest.into())
}
