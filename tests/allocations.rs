//! What is asked for again and again takes no memory from the allocator: not a request, not a delivery. The program's own
//! hub runs on sockets and a disk that take none themselves.

#[path = "common/entropy.rs"]
mod entropy;
#[path = "common/opening.rs"]
mod opening;

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use allocation_counter::{AllocationInfo, measure};
use mecd::config;
use mecd::core::Now;
use mecd::dialect::Dialect;
use mecd::server::hub::{Hub, Readiness, store_options};
use mecd::server::socket::Socket;
use mecd::store::Shape;
use mecd::store::memory::MemoryDisk;

/// Turns in which the buffers and lists that are kept grow to the size that they keep.
const WARM_UP: usize = 100;

/// Turns that are measured.
const TURNS: usize = 100;

/// The kernel's end of a socket: what is to be read next, and how much was written.
#[derive(Debug, Default)]
struct Kernel {
    incoming: RefCell<Vec<u8>>,
    sent: Cell<usize>,
    writes: Cell<usize>,
}

#[derive(Debug)]
struct QuietSocket(Rc<Kernel>);

impl Read for QuietSocket {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut incoming = self.0.incoming.borrow_mut();
        if incoming.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = incoming.len().min(out.len());
        out[..count].copy_from_slice(&incoming[..count]);
        incoming.drain(..count);
        Ok(count)
    }
}

impl Write for QuietSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.sent.set(self.0.sent.get() + bytes.len());
        self.0.writes.set(self.0.writes.get() + 1);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for QuietSocket {
    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A hub with people in it, called `u0` and so on.
struct Server {
    hub: Hub<QuietSocket>,
    people: Vec<Rc<Kernel>>,
    now: Now,
}

impl Server {
    /// `people` logged in, of a server with these options beside its own.
    fn with(people: usize, options: &[(&str, &str)]) -> Self {
        let all = [("limits.lines_per_second", "0"), ("limits.connections_per_address", "0")];
        let own = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
        let set: Vec<_> = all.iter().chain(options).map(own).collect();
        let config = config::load(None, &set, &[]).expect("the options are right");
        // One piece is as long as a whole file, so that the disk in memory need not grow.
        let shape = Shape { piece_bytes: Shape::STANDARD.file_bytes, ..Shape::STANDARD };
        let disk = MemoryDisk::new(1);
        let (house, store) = opening::open(&config, &disk, store_options(&config), shape)
            .expect("the disk is sound");
        let hub = Hub::new(config, house, store, entropy::entropy(1));
        let mut server = Self { hub, people: Vec::new(), now: Now { ms: 0, wall: 0 } };
        for who in 0..people {
            server.admit(who);
        }
        server
    }

    fn admit(&mut self, who: usize) {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1024));
        let slot = self.hub.place(address).expect("there is room");
        assert_eq!(slot as usize, who);
        let kernel = Rc::new(Kernel::default());
        self.people.push(Rc::clone(&kernel));
        self.hub.admit(self.now, QuietSocket(kernel), address, Dialect::Mec);
        let login = format!("#login anon u{who}\r\n");
        assert_eq!(self.say(who, &login), "@status 0\r\n".len());
    }

    /// Somebody says something, and the hub works until it would sleep. Says how many bytes that person is sent.
    fn say(&mut self, who: usize, words: &str) -> usize {
        let before = self.people[who].sent.get();
        self.people[who].incoming.borrow_mut().extend_from_slice(words.as_bytes());
        let readable = Readiness { readable: true, writable: true, hung_up: false };
        self.hub.note(who, readable);
        self.turn();
        while self.hub.is_waiting() {
            self.turn();
        }
        self.people[who].sent.get() - before
    }

    fn turn(&mut self) {
        self.now.ms += 1;
        self.hub.turn(self.now).expect("the disk takes everything");
    }

    /// What the same words take from the allocator again and again, when all that is kept has its size.
    fn taken_by(&mut self, who: usize, words: &str) -> AllocationInfo {
        for _ in 0..WARM_UP {
            assert!(self.say(who, words) > 0, "{words:?} is answered");
        }
        let taken = measure(|| {
            for _ in 0..TURNS {
                self.say(who, words);
            }
        });
        report(&format!("{TURNS} times {words:?} to {} people", self.people.len()), taken);
        taken
    }
}

#[expect(clippy::print_stdout, reason = "the numbers are for people to read, too")]
fn report(what: &str, taken: AllocationInfo) {
    println!("{what}: {} allocations", taken.count_total);
}

fn assert_none(taken: AllocationInfo) {
    assert_eq!(taken.count_total, 0, "{taken:?}");
}

#[test]
fn a_small_request_takes_no_memory() {
    let mut server = Server::with(2, &[]);
    for request in
        ["#roomstatus\r\n", "#whoami\r\n", "#archstatus\r\n", "#listgroups\r\n", "#nothing\r\n"]
    {
        let taken = server.taken_by(0, request);
        assert_eq!(taken.count_total, 0, "{request:?} takes {taken:?}");
    }
}

#[test]
fn many_requests_at_once_take_no_memory() {
    let mut server = Server::with(1, &[]);
    assert_none(server.taken_by(0, &"#roomstatus\r\n".repeat(64)));
}

#[test]
fn a_request_that_comes_in_pieces_takes_no_memory() {
    let mut server = Server::with(1, &[]);
    let pieces = |server: &mut Server| {
        server.say(0, "#room");
        assert!(server.say(0, "status\r\n#who") > 0);
        assert!(server.say(0, "ami\r\n") > 0);
    };
    (0..WARM_UP).for_each(|_| pieces(&mut server));
    assert_none(measure(|| (0..TURNS).for_each(|_| pieces(&mut server))));
}

#[test]
fn a_private_message_takes_no_memory() {
    let mut server = Server::with(2, &[]);
    assert_none(server.taken_by(0, "#sendto u1 the lecture is in room 5\r\n"));
    assert!(server.people[1].writes.get() >= WARM_UP + TURNS);
}

#[test]
fn a_delivery_takes_no_memory() {
    let mut server = Server::with(200, &[("rooms.history_lines", "0")]);
    assert_none(server.taken_by(0, "#broadcast the lecture is in room 5\r\n"));
    let writes = |person: &Rc<Kernel>| person.writes.get();
    assert!(server.people.iter().map(writes).all(|writes| writes >= WARM_UP + TURNS));
}

#[test]
fn what_is_remembered_of_a_delivery_takes_no_memory_for_each_reader() {
    let words = "#broadcast the lecture is in room 5\r\n";
    let few = Server::with(2, &[]).taken_by(0, words).count_total;
    let many = Server::with(200, &[]).taken_by(0, words).count_total;
    assert_eq!(few, many);
    assert!((TURNS..2 * TURNS).contains(&(few as usize)), "a line is kept in one piece: {few}");
}
