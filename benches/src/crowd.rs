//! Many connections to one server, driven by one thread: what was sent is expected to arrive, to the last message.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;

use crate::words::{MARK, Part, Step, Words, count};

/// How long a server may keep everybody waiting before the run is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is counted in what arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counted {
    /// Texts that somebody said.
    Deliveries,
    /// Answers to small requests, in units of the protocol.
    Answers,
}

/// One connection.
#[derive(Debug)]
struct Person {
    socket: TcpStream,
    got: u64,
    expected: u64,
}

/// All connections.
pub struct Crowd {
    words: Words,
    server: SocketAddr,
    epoll: OwnedFd,
    people: Vec<Person>,
    events: Vec<epoll::Event>,
    buffer: Vec<u8>,
    counted: Counted,
    missing: u64,
}

impl Crowd {
    /// Nobody yet.
    #[must_use]
    pub fn new(words: Words, server: SocketAddr) -> Self {
        Self {
            words,
            server,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).expect("the kernel has epoll"),
            people: Vec::new(),
            events: Vec::with_capacity(1024),
            buffer: vec![0; 256 * 1024],
            counted: Counted::Deliveries,
            missing: 0,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Has people come and log in, at most `batch` at a time. Says the number of the first.
    pub fn admit(&mut self, many: usize, part: Part, batch: usize) -> usize {
        let first = self.people.len();
        while self.people.len() < first + many {
            let begin = self.people.len();
            let end = (begin + batch).min(first + many);
            for _ in begin..end {
                self.connect();
            }
            let steps: Vec<Vec<Step>> =
                (begin..end).map(|who| self.words.log_in(who, part)).collect();
            for round in 0..steps[0].len() {
                self.take_step(begin, steps.iter().map(|steps| &steps[round]));
            }
        }
        first
    }

    /// Everything that is still under way to us has come: nothing has for a while.
    pub fn settle(&mut self) {
        while self.wait(Duration::from_millis(300)) > 0 {
            for at in 0..self.events.len() {
                let who = self.events[at].data.u64() as usize;
                self.read(who);
            }
        }
        for person in &mut self.people {
            (person.got, person.expected) = (0, 0);
        }
        self.missing = 0;
    }

    /// What is counted from now on, from zero.
    pub fn count(&mut self, counted: Counted) {
        assert_eq!(self.missing, 0, "nothing is under way");
        self.counted = counted;
        self.settle();
    }

    fn connect(&mut self) {
        let socket = dial(self.server);
        let data = epoll::EventData::new_u64(self.people.len() as u64);
        epoll::add(&self.epoll, &socket, data, epoll::EventFlags::IN).expect("it can be watched");
        self.people.push(Person { socket, got: 0, expected: 0 });
    }

    /// All from `begin` on ask something and wait for its answer; what others receive meanwhile is thrown away.
    fn take_step<'a>(&mut self, begin: usize, steps: impl Iterator<Item = &'a Step>) {
        let steps: Vec<&Step> = steps.collect();
        let mut heard = vec![Some(Vec::new()); steps.len()];
        for (at, step) in steps.iter().enumerate() {
            self.send(begin + at, &step.ask);
        }
        let mut waiting = steps.len();
        while waiting > 0 {
            let ready = self.wait(PATIENCE);
            assert!(ready > 0, "{waiting} people are not answered when they log in");
            for at in 0..ready {
                let who = self.events[at].data.u64() as usize;
                let bytes = self.read(who);
                let Some(at) = who.checked_sub(begin) else { continue };
                let Some(mine) = &mut heard[at] else { continue };
                mine.extend_from_slice(&self.buffer[..bytes]);
                if contains(mine, &steps[at].until) {
                    heard[at] = None;
                    waiting -= 1;
                }
            }
        }
    }

    /// Sends, and expects nothing for it.
    pub fn send(&mut self, who: usize, bytes: &[u8]) {
        let sent = self.people[who].socket.write(bytes).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(sent, bytes.len(), "the server takes what is sent");
    }

    /// Somebody is going to receive something.
    pub fn expect(&mut self, who: usize, units: u64) {
        self.people[who].expected += units;
        self.missing += units;
    }

    /// Units that are still to come.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Whether somebody has all that was expected.
    #[must_use]
    pub fn has_all(&self, who: usize) -> bool {
        self.people[who].got == self.people[who].expected
    }

    /// Takes what has come, waiting for it; tells who has received what.
    pub fn turn(&mut self, mut told: impl FnMut(&mut Self, usize, usize)) {
        let ready = self.wait(PATIENCE);
        assert!(ready > 0, "{} of what was expected never came", self.missing);
        for at in 0..ready {
            let who = self.events[at].data.u64() as usize;
            let bytes = self.read(who);
            let bytes = &self.buffer[..bytes];
            let units = match self.counted {
                Counted::Deliveries => count(bytes, MARK),
                Counted::Answers => self.words.units(bytes),
            };
            if units > 0 {
                let length = bytes.len();
                self.note(who, units);
                told(self, who, length);
            }
        }
    }

    fn note(&mut self, who: usize, units: u64) {
        let person = &mut self.people[who];
        person.got += units;
        assert!(person.got <= person.expected, "person {who} receives more than was sent");
        self.missing -= units;
    }

    /// Waits until all that is expected has come.
    pub fn receive_all(&mut self) {
        while self.missing > 0 {
            self.turn(|_, _, _| {});
        }
    }

    /// What came last.
    #[must_use]
    pub fn received(&self, bytes: usize) -> &[u8] {
        &self.buffer[..bytes]
    }

    /// How many have something to be read.
    fn wait(&mut self, patience: Duration) -> usize {
        let end = Instant::now() + patience;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).expect("patience is short");
            self.events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&left)) {
                Ok(ready) => return ready,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("epoll: {error}"),
            }
        }
    }

    fn read(&mut self, who: usize) -> usize {
        match self.people[who].socket.read(&mut self.buffer) {
            Ok(0) => panic!("person {who} of {} was turned out", self.people.len()),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => panic!("person {who} of {} was lost: {error}", self.people.len()),
        }
    }
}

/// A connection that does not wait.
#[must_use]
pub fn dial(server: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(server).unwrap_or_else(|error| panic!("{server}: {error}"));
    socket.set_nodelay(true).expect("it is a TCP socket");
    socket.set_nonblocking(true).expect("it is a socket");
    socket
}

/// Whether one stands in the other.
#[must_use]
pub fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
