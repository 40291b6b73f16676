//! The kinds of work that are measured. Each counts what arrives to the last message, and answers with the server's
//! time on the processor for a unit of it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::crowd::{Counted, Crowd, contains};
use crate::server::{Kind, Server, fresh_directory};
use crate::words::{Part, numbers, text};

/// A kind of work: a row of the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Work {
    /// One message to so many people, the next one when all have it.
    FanOut(usize),
    /// Ten senders with eight messages each, to a thousand people; the next eighty when all have these.
    Burst,
    /// Twenty messages a second to a thousand people.
    Paced,
    /// A small request on each of fifty connections, the next one when it is answered.
    Request,
    /// Sixty-four of them at once.
    Pipelined,
    /// Fifty people send a private message to one other person each, eight at once.
    Private,
    /// Connect, log in, read the first answer, close, fifty at once.
    LogIn,
    /// Memory of ten thousand people who say nothing.
    Memory,
    /// How often the server wakes up while a thousand people say nothing.
    WakeUps,
    /// Length of the program's file.
    Size,
    /// From its start to the first connection, with an empty directory; then again with what it has made there.
    Start,
}

/// People in the room, unless the kind of work says otherwise.
pub const PEOPLE: usize = 1000;

impl Work {
    /// All of it, in the order of the table.
    pub const ALL: [Self; 13] = [
        Self::FanOut(100),
        Self::FanOut(1000),
        Self::FanOut(5000),
        Self::Burst,
        Self::Paced,
        Self::Request,
        Self::Pipelined,
        Self::Private,
        Self::LogIn,
        Self::Memory,
        Self::WakeUps,
        Self::Size,
        Self::Start,
    ];

    /// As it stands in the table.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::FanOut(people) => {
                format!("one message to {people} people, one at a time, µs per delivery")
            }
            Self::Burst => {
                "ten senders with eight messages each under way, 1000 people, µs per delivery"
                    .into()
            }
            Self::Paced => "20 messages a second to 1000 people, µs per delivery".into(),
            Self::Request => "small request, 50 connections, one at a time, µs each".into(),
            Self::Pipelined => "small requests, 50 connections, 64 under way each, µs each".into(),
            Self::Private => "private message, 50 pairs, 8 under way, µs each".into(),
            Self::LogIn => "connect, log in, first answer, close, 50 at once, µs each".into(),
            Self::Memory => "memory of an idle logged-in connection (10000), bytes".into(),
            Self::WakeUps => "wake-ups per second, 1000 idle connections".into(),
            Self::Size => "file of the program, MB".into(),
            Self::Start => "from start to the first connection, empty directory, ms".into(),
        }
    }

    /// The word by which it is asked for.
    #[must_use]
    pub fn key(self) -> String {
        match self {
            Self::FanOut(people) => format!("fan-out-{people}"),
            Self::Burst => "burst".into(),
            Self::Paced => "paced".into(),
            Self::Request => "request".into(),
            Self::Pipelined => "pipelined".into(),
            Self::Private => "private".into(),
            Self::LogIn => "log-in".into(),
            Self::Memory => "memory".into(),
            Self::WakeUps => "wake-ups".into(),
            Self::Size => "size".into(),
            Self::Start => "start".into(),
        }
    }

    /// The way of the limit's that it is held against.
    #[must_use]
    pub fn limit(self) -> Kind {
        match self {
            Self::Burst | Self::Pipelined => Kind::LimitGathered,
            Self::FanOut(_)
            | Self::Paced
            | Self::Request
            | Self::Private
            | Self::LogIn
            | Self::Memory
            | Self::WakeUps
            | Self::Size
            | Self::Start => Kind::LimitOne,
        }
    }

    /// What it is to cost at most.
    #[must_use]
    pub fn goal(self) -> Option<Goal> {
        Some(match self {
            Self::FanOut(_) | Self::Request => Goal::Ratio(1.10),
            Self::Burst => Goal::Ratio(1.5),
            Self::Paced => Goal::Ratio(1.15),
            Self::Pipelined => Goal::Figure(0.14),
            Self::Private => Goal::Figure(1.9),
            Self::LogIn => Goal::Ratio(1.25),
            Self::Memory => Goal::Figure(400.0),
            Self::WakeUps => Goal::Figure(0.0),
            Self::Size => Goal::Figure(1.5),
            Self::Start => return None,
        })
    }

    /// Has it done by a server of some kind, once. The first figure is the one of the table.
    #[must_use]
    pub fn run(self, kind: Kind) -> Option<Vec<f64>> {
        // It lets people in once a second, which is not work.
        if (self, kind) == (Self::LogIn, Kind::Inspircd) {
            return None;
        }
        match self {
            Self::Size => return Some(vec![size(kind)]),
            Self::Start => return Some(starts(kind)),
            _ => {}
        }
        let server = Server::start(kind);
        let figures = match self {
            Self::FanOut(people) => vec![fan_out(&server, people, 400_000 / people)],
            Self::Burst => vec![burst(&server, 60)],
            Self::Paced => paced(&server, 100),
            Self::Request => vec![requests(&server, 1, 2000)],
            Self::Pipelined => vec![requests(&server, 64, 200)],
            Self::Private => vec![private(&server, 8, 300)],
            Self::LogIn => vec![log_in(&server, 3000)],
            Self::Memory => vec![memory(&server, 10_000)],
            Self::WakeUps => vec![wake_ups(&server, 1000, Duration::from_secs(10))],
            Self::Size | Self::Start => unreachable!("measured above"),
        };
        Some(figures)
    }
}

/// What a kind of work is to cost at most.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Goal {
    /// So many times what the limit costs.
    Ratio(f64),
    /// So much.
    Figure(f64),
}

/// A room with people, of whom some speak.
pub struct Room {
    /// Everybody.
    pub crowd: Crowd,
    speakers: Vec<usize>,
    /// Those who hear what is said.
    hearers: Vec<usize>,
}

impl Room {
    /// `people` in a room, of whom `speakers` speak; where a speaker does not hear itself there are so many more.
    #[must_use]
    pub fn of(server: &Server, people: usize, speakers: usize) -> Self {
        let words = server.kind.words();
        let mut crowd = Crowd::new(words, server.address);
        crowd.admit(people, Part::Listener, server.kind.batch());
        let speakers: Vec<usize> = if words.echoes() {
            (0..speakers).collect()
        } else {
            let first = crowd.admit(speakers, Part::Speaker, server.kind.batch());
            (first..crowd.len()).collect()
        };
        let hearers = if words.speakers_hear() { crowd.len() } else { people };
        crowd.count(Counted::Deliveries);
        Self { crowd, speakers, hearers: (0..hearers).collect() }
    }

    /// A speaker says `many` things at once. Says how many deliveries that makes.
    pub fn say(&mut self, server: &Server, speaker: usize, many: u64, number: u64) -> u64 {
        let words = server.kind.words();
        let who = self.speakers[speaker];
        let before = self.crowd.missing();
        for &hearer in self.hearers.iter().filter(|&&hearer| hearer != who || words.echoes()) {
            self.crowd.expect(hearer, many);
        }
        let message = words.publish(&text(number));
        self.crowd.send(who, &message.repeat(many as usize));
        self.crowd.missing() - before
    }
}

/// Microseconds of the server's for each of `units`.
fn each(server: &Server, before: u64, units: u64) -> f64 {
    (server.cpu_ns() - before) as f64 / units as f64 / 1000.0
}

/// One message to everybody, the next one when all have it.
#[must_use]
pub fn fan_out(server: &Server, people: usize, messages: usize) -> f64 {
    let mut room = Room::of(server, people, 1);
    let mut said = |many| {
        let mut deliveries = 0;
        for _ in 0..many {
            deliveries += room.say(server, 0, 1, 0);
            room.crowd.receive_all();
        }
        deliveries
    };
    said(messages / 20 + 1);
    let before = server.cpu_ns();
    let deliveries = said(messages);
    each(server, before, deliveries)
}

fn burst(server: &Server, rounds: usize) -> f64 {
    let mut room = Room::of(server, PEOPLE, 10);
    let mut said = |rounds| {
        let mut deliveries = 0;
        for _ in 0..rounds {
            deliveries += (0..10).map(|who| room.say(server, who, 8, 0)).sum::<u64>();
            room.crowd.receive_all();
        }
        deliveries
    };
    said(3);
    let before = server.cpu_ns();
    let deliveries = said(rounds);
    each(server, before, deliveries)
}

/// The time on the processor, and p50, p99 and p99.9 of the time from sender to receiver, all in microseconds.
fn paced(server: &Server, messages: u32) -> Vec<f64> {
    const PACE: Duration = Duration::from_millis(50);
    let mut room = Room::of(server, PEOPLE, 1);
    let mut delays = Vec::with_capacity(messages as usize * PEOPLE);
    let before = server.cpu_ns();
    let begun = Instant::now();
    let mut deliveries = 0;
    for message in 0..messages {
        let due = PACE * message;
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        deliveries += room.say(server, 0, 1, begun.elapsed().as_nanos() as u64);
        while room.crowd.missing() > 0 {
            room.crowd.turn(|crowd, _, bytes| {
                let now = begun.elapsed().as_nanos() as u64;
                delays.extend(numbers(crowd.received(bytes)).map(|sent| now - sent));
            });
        }
    }
    let cost = each(server, before, deliveries);
    delays.sort_unstable();
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
    vec![cost, at(0.5), at(0.99), at(0.999)]
}

/// Small requests on fifty connections, `under_way` at once, `rounds` times.
fn requests(server: &Server, under_way: u64, rounds: u64) -> f64 {
    const CONNECTIONS: usize = 50;
    let words = server.kind.words();
    let mut crowd = Crowd::new(words, server.address);
    crowd.admit(CONNECTIONS, Part::Idle, server.kind.batch());
    crowd.count(Counted::Answers);
    let asked = words.request().repeat(under_way as usize);
    let units = under_way * words.answer_units();
    let mut ask = |rounds: u64| {
        let mut left = [rounds; CONNECTIONS];
        for (who, left) in left.iter_mut().enumerate() {
            crowd.expect(who, units);
            crowd.send(who, &asked);
            *left -= 1;
        }
        while crowd.missing() > 0 {
            crowd.turn(|crowd, who, _| {
                if crowd.has_all(who) && left[who] > 0 {
                    crowd.expect(who, units);
                    crowd.send(who, &asked);
                    left[who] -= 1;
                }
            });
        }
    };
    ask(rounds / 10 + 1);
    let before = server.cpu_ns();
    ask(rounds);
    each(server, before, rounds * under_way * CONNECTIONS as u64)
}

fn private(server: &Server, under_way: u64, rounds: u64) -> f64 {
    const PAIRS: usize = 50;
    let words = server.kind.words();
    let mut crowd = Crowd::new(words, server.address);
    // The limit's lines go to who came next; elsewhere it does not matter, and all may come at once.
    let together = if server.kind.words() == crate::words::Words::Raw { 1 } else { PAIRS };
    for _ in 0..PAIRS / together {
        crowd.admit(together, Part::Idle, server.kind.batch());
        crowd.admit(together, Part::Receiver, server.kind.batch());
    }
    crowd.count(Counted::Deliveries);
    let receiver = |pair: usize| pair / together * 2 * together + together + pair % together;
    let said: Vec<Vec<u8>> = (0..PAIRS)
        .map(|pair| words.whisper(receiver(pair), &text(0)).repeat(under_way as usize))
        .collect();
    let mut say = |rounds: u64| {
        let mut left = vec![0; crowd.len()];
        for (pair, said) in said.iter().enumerate() {
            left[receiver(pair)] = rounds - 1;
            crowd.expect(receiver(pair), under_way);
            crowd.send(receiver(pair) - together, said);
        }
        while crowd.missing() > 0 {
            crowd.turn(|crowd, who, _| {
                if crowd.has_all(who) && left[who] > 0 {
                    let pair = who / (2 * together) * together + who % together;
                    crowd.expect(who, under_way);
                    crowd.send(who - together, &said[pair]);
                    left[who] -= 1;
                }
            });
        }
    };
    say(rounds / 10 + 1);
    let before = server.cpu_ns();
    say(rounds);
    each(server, before, rounds * under_way * PAIRS as u64)
}

/// Connect, log in, read the first answer, close: fifty at once, or as many as the server lets wait; the next ones when
/// these have done.
#[must_use]
pub fn log_in(server: &Server, times: u64) -> f64 {
    let together = 50.min(server.kind.batch() as u64);
    let come = |times: u64| {
        for first in (0..times).step_by(together as usize) {
            let who = first..first + together;
            let sockets: Vec<_> = who.map(|who| log_one_in(server, who as usize)).collect();
            for (mut socket, until) in sockets {
                let mut heard = Vec::new();
                let mut buffer = [0; 4096];
                while !contains(&heard, &until) {
                    let bytes = socket.read(&mut buffer).expect("the server answers");
                    assert!(bytes > 0, "the server turns nobody out");
                    heard.extend_from_slice(&buffer[..bytes]);
                }
            }
        }
    };
    come(times / 10);
    let before = server.cpu_ns();
    come(times);
    each(server, before, times)
}

/// Connects and logs in; says what ends the answer.
fn log_one_in(server: &Server, who: usize) -> (TcpStream, Vec<u8>) {
    let mut socket = TcpStream::connect(server.address).expect("the server listens");
    socket.set_nodelay(true).expect("it is a TCP socket");
    let login = server.kind.words().log_in(who, Part::Idle).remove(0);
    socket.write_all(&login.ask).expect("the server takes what is sent");
    (socket, login.until)
}

/// Bytes of memory for each of so many people who have logged in and do nothing.
pub fn memory(server: &Server, people: usize) -> f64 {
    let mut crowd = Crowd::new(server.kind.words(), server.address);
    let before = server.process().memory();
    crowd.admit(people, Part::Idle, server.kind.batch());
    crowd.settle();
    (server.process().memory() - before) as f64 / people as f64
}

/// How often the server wakes up in a second while so many people do nothing for that time.
pub fn wake_ups(server: &Server, people: usize, time: Duration) -> f64 {
    let mut crowd = Crowd::new(server.kind.words(), server.address);
    crowd.admit(people, Part::Idle, server.kind.batch());
    crowd.settle();
    // What the log-ins have left to be done is done.
    std::thread::sleep(Duration::from_secs(3));
    let before = server.process().switches();
    std::thread::sleep(time);
    (server.process().switches() - before) as f64 / time.as_secs_f64()
}

/// Megabytes of the program's file, which is all that most of them need of their own.
fn size(kind: Kind) -> f64 {
    let program = kind.program().expect("who is not installed is left out");
    let file =
        fs::metadata(&program).unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    file.len() as f64 / 1e6
}

/// Milliseconds from the start of a server until it takes a connection, with an empty directory; of mecd then the same
/// with the key and the log that it has made there. The little that the programs before it take (`setpriv`, `taskset`)
/// is in the limit's, too.
fn starts(kind: Kind) -> Vec<f64> {
    let dir = fresh_directory();
    let start = || {
        let server = Server::start_in(kind, &dir, &[], &[]);
        let time = server.started_in.as_secs_f64() * 1000.0;
        if kind == Kind::Mecd {
            server.stop();
        }
        time
    };
    let first = start();
    let again = if kind == Kind::Mecd { start() } else { f64::NAN };
    fs::remove_dir_all(&dir).expect("the directory is ours");
    vec![first, again]
}
