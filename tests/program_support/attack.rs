//! What attacks share: an honest client who asks something all the time while an eye is kept on the server's memory,
//! and connections that are opened, filled and looked at without being read.
//!
//! Nothing here depends on how fast the machine is: [`WAIT_MAX`] is far beyond what anything takes.

use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use crate::program_support::{Client, LOOK_AGAIN, Server, runner};

/// What an honest client is told when something was done.
const DONE: &str = "@status 0";

/// How long the honest client may wait for an answer at most.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(10);

/// Between two questions of the honest client, so that it stays below the rate that it is allowed.
pub(crate) const PAUSE: Duration = Duration::from_millis(25);

/// Questions of the honest client after the attack, so that what the server still has to do for that is seen too.
pub(crate) const ROUNDS_AFTER: u32 = 20;

/// Kilobytes for tables that grow, and for what the allocator keeps.
pub(crate) const SLACK_KB: u64 = 4096;

/// `limits.send_queue_bytes`, as it is by default.
pub(crate) const SEND_QUEUE_BYTES: usize = 65_536;

pub(crate) fn kilobytes(bytes: usize) -> u64 {
    bytes as u64 / 1024
}

/// Anonymous memory of our child, in kilobytes.
pub(crate) fn anonymous_kilobytes(id: u32) -> u64 {
    let path = format!("/proc/{id}/smaps_rollup");
    let rollup = std::fs::read_to_string(path).expect("the server runs");
    let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no anonymous memory:\n{rollup}"))
}

/// An honest client who asks something all the time, and an eye on the memory of the server.
pub(crate) struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
    before: u64,
}

#[derive(Default)]
struct Seen {
    longest: Duration,
    rounds: u32,
    peak: u64,
}

impl Watch {
    pub(crate) fn over(server: &Server) -> Self {
        let id = server.id();
        let mut honest = from("127.0.0.9", server);
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("honest{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        honest.log_in(&name);
        // A room of its own, so that it is not itself a slow reader of what is said in `Home`.
        honest.expect(&format!("#createroom {name}"), DONE);
        honest.expect(&format!("#changeroom {name}"), DONE);
        let answer = format!("@ret #whoami {name} ");
        let before = anonymous_kilobytes(id);
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let mut seen = Seen::default();
            let mut left = ROUNDS_AFTER;
            loop {
                if is_over.load(Ordering::Relaxed) {
                    left -= 1;
                }
                let asked = Instant::now();
                honest.send("#whoami");
                while !honest.line().starts_with(&answer) {}
                seen.longest = seen.longest.max(asked.elapsed());
                seen.rounds += 1;
                seen.peak = seen.peak.max(anonymous_kilobytes(id));
                if left == 0 {
                    return seen;
                }
                thread::sleep(PAUSE);
            }
        });
        Self { over, thread, before }
    }

    /// The attack is over: the honest client was served all the time, and memory grew by no more than `bytes`.
    pub(crate) fn finish(self, attack: &str, bytes: usize) {
        self.over.store(true, Ordering::Relaxed);
        let seen = self.thread.join().expect("the honest client is answered");
        let Seen { longest, rounds, peak } = seen;
        let bound = self.before + kilobytes(bytes) + SLACK_KB;
        #[expect(clippy::print_stdout, reason = "what was measured is for people to read")]
        let say = |line: String| println!("{line}");
        say(format!(
            "measured: {attack}: longest of {rounds} round trips {} ms; anonymous memory {} kB before, {peak} kB at \
             most, bound {bound} kB",
            longest.as_millis(),
            self.before,
        ));
        assert!(longest < WAIT_MAX, "{attack}: the honest client waited for {longest:?}");
        if !runner::cannot_see(&format!("{attack}: the memory of the server")) {
            assert!(peak <= bound, "{attack}: {peak} kB of memory, more than {bound} kB");
        }
    }
}

/// Room for what arrives at a client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Ample,
    Little,
}

/// A connection from an address of the client's choice. Not handed on to the servers of other tests, which would keep
/// it open.
pub(crate) fn connect_from(from: &str, to: SocketAddr, room: Room) -> Client {
    let (family, kind) = (AddressFamily::INET, SocketType::STREAM);
    let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None)
        .expect("sockets can be made");
    if room == Room::Little {
        sockopt::set_socket_recv_buffer_size(&socket, 4096).expect("a buffer may be small");
    }
    let from: SocketAddr = format!("{from}:0").parse().expect("an address");
    rustix::net::bind(&socket, &from).expect("a loopback address can be had");
    rustix::net::connect(&socket, &to).expect("the server listens");
    Client::over(socket.into())
}

/// A connection from an address of its own.
pub(crate) fn from(from: &str, server: &Server) -> Client {
    connect_from(from, server.address_of("mec"), Room::Ample)
}

/// The same, with little room for what arrives, so that the server soon has to wait.
pub(crate) fn stingy(from: &str, server: &Server) -> Client {
    connect_from(from, server.address_of("mec"), Room::Little)
}

/// An address of its own for every fifty of a crowd.
pub(crate) fn address_of(number: usize) -> String {
    format!("127.0.1.{}", 1 + number / 50)
}

/// Sends `bytes` over each connection, as far as the server takes them while nothing is read. Says how many of all.
pub(crate) fn pour(crowd: &[Client], bytes: &[u8]) -> usize {
    let nonblocking = |yes| {
        for client in crowd {
            client.socket().set_nonblocking(yes).expect("a socket takes options");
        }
    };
    nonblocking(true);
    let mut sent = vec![0; crowd.len()];
    let mut quiet = 0;
    while quiet < 30 && sent.iter().any(|&sent| sent < bytes.len()) {
        quiet += 1;
        for (client, sent) in crowd.iter().zip(&mut sent) {
            let mut socket = client.socket();
            match socket.write(&bytes[*sent..]) {
                Ok(0) => {}
                Ok(count) => {
                    *sent += count;
                    quiet = 0;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // Closed by the server: nothing more can be sent.
                Err(_) => *sent = bytes.len(),
            }
        }
        if quiet > 0 {
            thread::sleep(LOOK_AGAIN);
        }
    }
    nonblocking(false);
    sent.iter().sum()
}

/// Whether something, be it the end, can be read from a connection at once.
pub(crate) fn has_word(client: &Client) -> bool {
    let socket = client.socket();
    socket.set_nonblocking(true).expect("a socket takes options");
    let peeked = socket.peek(&mut [0]);
    socket.set_nonblocking(false).expect("a socket takes options");
    !matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
}
