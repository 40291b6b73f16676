//! The plan of a run: its configuration and its operations, all of them made from the seed before anything runs.
//!
//! So a run can be shrunk: an operation that is left out leaves the meaning of the others alone.

use std::time::Duration;

use mecd::config::{Config, SyncMode};
use mecd::dialect::Options;
use mecd::store::Shape;
use mecd::store::memory::{Operation, SECTORS_BYTES};

use crate::phrase::Phrases;
use crate::random::Random;

/// What a run is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Many connections, much at once.
    Crowd,
    /// Peers that read slowly, or never.
    Slow,
    /// Lines over the rate.
    Paced,
    /// Guessed passwords wait.
    Delayed,
    /// Passwords are kept as hashes.
    Hashed,
    /// A disk that is full or fails; one command at a time.
    Disk,
    /// Thousands of connections.
    Thousands,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A connection from an address; `room` is what the server may write before it reads.
    Connect {
        address: u8,
        room: Option<usize>,
    },
    Send {
        client: usize,
        bytes: Vec<u8>,
    },
    /// Logs in with the answer to the last challenge.
    Answer {
        client: usize,
        name: String,
        password: String,
    },
    Deliver {
        client: usize,
        count: usize,
    },
    MakeRoom {
        client: usize,
        count: usize,
    },
    Interrupt {
        client: usize,
    },
    End {
        client: usize,
    },
    Reset {
        client: usize,
        loses: bool,
    },
    /// The peer is gone without a word; the server's kernel takes `room` bytes more for it.
    Vanish {
        client: usize,
        room: usize,
    },
    /// Other options, as the seed has them.
    Reload {
        seed: u64,
    },
    /// Time goes on by so many ms, and the server has a turn if there is a reason.
    Turn {
        ms: u64,
        spurious: bool,
    },
    /// Turns until nobody waits any more.
    Settle,
    /// Time goes on, and the server wakes whenever it wanted to.
    Wait {
        ms: u64,
    },
    /// Time goes on while the machine is suspended.
    Oversleep {
        ms: u64,
    },
    /// The process is killed.
    Kill,
    /// It is killed while it sends, at this write.
    KillSending {
        write: usize,
    },
    /// Power is lost.
    PowerCut {
        seed: u64,
    },
    /// The disk dies after so many operations; then the process is killed, or power is lost.
    Die {
        operations: u64,
        power_cut: Option<u64>,
    },
    /// An orderly stop.
    Stop,
    /// All files together may take so many bytes from now on.
    Space {
        bytes: u64,
    },
    /// So many bytes less than the files take by now.
    Squeeze {
        bytes: u64,
    },
    /// The next operation of this kind fails; then the process is killed, or power is lost.
    Fail {
        operation: Operation,
        power_cut: Option<u64>,
    },
    /// All read and all arrives: then nothing may be left over.
    Drain,
}

impl std::fmt::Display for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Send { client, bytes } => write!(f, "Send {client} {}", bytes.escape_ascii()),
            Self::Deliver { client, count: usize::MAX } => write!(f, "Deliver {client}"),
            other => write!(f, "{other:?}"),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub flavour: Flavour,
    pub config: Config,
    pub shape: Shape,
    /// What the disk writes whole or not at all.
    pub sector_bytes: usize,
    pub ops: Vec<Op>,
}

/// Whoever writes the operations down.
pub struct Planner {
    random: Random,
    flavour: Flavour,
    phrases: Phrases,
    connected: usize,
    ops: Vec<Op>,
    calm: bool,
}

impl Plan {
    pub fn new(seed: u64, steps: usize) -> Self {
        let mut random = Random::new(seed ^ 0x6d65_6364);
        let flavour = match random.below(200) {
            0 => Flavour::Thousands,
            1..=4 => Flavour::Hashed,
            5..=89 => Flavour::Crowd,
            90..=129 => Flavour::Slow,
            130..=147 => Flavour::Paced,
            148..=164 => Flavour::Delayed,
            _ => Flavour::Disk,
        };
        let shape = shape(&mut random);
        let sector_bytes = random.choose(&SECTORS_BYTES);
        let config = config(&mut random, flavour, shape);
        let phrases = Phrases {
            body_lines_max: u64::from(config.dialects.message_lines_max),
            tame_bodies: flavour == Flavour::Disk,
        };
        let calm = random.once_in(4);
        let mut planner = Planner { random, flavour, phrases, connected: 0, ops: Vec::new(), calm };
        let steps = if flavour == Flavour::Hashed { steps / 4 } else { steps };
        planner.open_doors();
        while planner.ops.len() < steps {
            planner.step();
        }
        planner.ops.push(Op::Drain);
        Self { seed, flavour, config, shape, sector_bytes, ops: planner.ops }
    }
}

/// Other options for a server that runs. Those that decide what an earlier option has left behind stay.
pub fn reloaded(before: &Config, flavour: Flavour, shape: Shape, seed: u64) -> Config {
    let mut other = config(&mut Random::new(seed), flavour, shape);
    other.bytes_max = before.bytes_max;
    let (new, old) = (&mut other.settings, &before.settings);
    // What a lower bound has dropped may still be in the log, for a higher one to find after a restart.
    new.history_lines = new.history_lines.min(old.history_lines);
    new.history_bytes = new.history_bytes.min(old.history_bytes);
    new.history_saved = old.history_saved;
    new.history_delay_ms = old.history_delay_ms;
    new.wrong_password_delay_ms = old.wrong_password_delay_ms;
    if flavour == Flavour::Delayed {
        new.wrong_passwords_max = old.wrong_passwords_max;
    }
    other
}

/// Bytes of a log file that takes messages which are sent in pieces.
const LONG_BYTES: u32 = 256 * 1024;

/// Files so small that they are finished and compacted in a short run.
fn shape(random: &mut Random) -> Shape {
    match random.below(6) {
        0..=2 => Shape { file_bytes: 8 * 1024, piece_bytes: 512 },
        3 => Shape { file_bytes: 16 * 1024, piece_bytes: 4096 },
        _ => Shape { file_bytes: LONG_BYTES, piece_bytes: 16 * 1024 },
    }
}

fn config(random: &mut Random, flavour: Flavour, shape: Shape) -> Config {
    let mut config = Config {
        connections: random.choose(&[6, 30, 5000]),
        connections_per_address: random.choose(&[0, 0, 4, 64]),
        idle_seconds: random.choose(&[0, 0, 0, 1, 30]),
        lines_per_second: 0,
        send_queue_bytes: random.choose(&[4096, 8192, 65_536]),
        // A line can be three times as long once its bytes are UTF-8, and a message has to fit in a file.
        dialects: Options {
            message_lines_max: match shape.file_bytes {
                LONG_BYTES.. => 60,
                bytes => (bytes / 1024 / 4).min(20),
            },
            ..Options::default()
        },
        sync: match random.below(3) {
            0 => SyncMode::Always,
            1 => SyncMode::Interval(Duration::from_millis(1000)),
            _ => SyncMode::Interval(Duration::from_millis(random.within(1, 5000))),
        },
        ..Config::default()
    };
    let settings = &mut config.settings;
    settings.accounts_max = random.choose(&[0, 2, 10_000]);
    settings.rooms_max = random.choose(&[1, 3, 1000]);
    settings.groups_max = random.choose(&[1, 3, 1000]);
    settings.messages_per_group_max = random.choose(&[2, 6, 10_000]);
    settings.login_ms = random.choose(&[1000, 60_000]);
    settings.wrong_passwords_max = random.choose(&[1, 3, 5, 1000]);
    settings.wrong_password_delay_ms = 0;
    settings.room_expire_ms = random.choose(&[0, 1000, 10_000, 3_600_000]);
    settings.history_lines = random.choose(&[0, 3, 50]);
    settings.history_bytes = random.choose(&[0, 100, 32_768]);
    settings.history_saved = !random.once_in(4);
    settings.history_delay_ms = random.choose(&[1, 1000, 3000]);
    settings.group_seconds = random.choose(&[1, 5, 86_400]);
    settings.group_seconds_max = random.choose(&[5, 100, 31_536_000]);
    settings.message_seconds = random.choose(&[1, 5, 86_400]);
    settings.message_seconds_max = random.choose(&[5, 100, 31_536_000]);
    settings.anonymous_may_create = !random.once_in(6);
    settings.registration = !random.once_in(8);
    settings.require_challenge = random.once_in(10);
    match flavour {
        Flavour::Paced => {
            config.lines_per_second = random.choose(&[1, 10, 50]);
            config.lines_burst = random.choose(&[1, 3, 20]);
        }
        Flavour::Delayed => {
            config.settings.wrong_password_delay_ms = random.choose(&[1, 100, 1000]);
            config.connections_per_address = 0;
        }
        Flavour::Hashed => config.settings.hash_passwords = true,
        Flavour::Disk if random.once_in(2) => {
            let reserve = u64::from(shape.file_bytes + 2 * shape.piece_bytes);
            let files = random.within(2, 5);
            config.bytes_max = 2 * reserve + files * u64::from(shape.file_bytes);
        }
        Flavour::Thousands => {
            config.connections = 5000;
            config.connections_per_address = 0;
            config.settings.login_ms = 60_000;
            config.idle_seconds = 0;
            config.settings.rooms_max = 1000;
        }
        Flavour::Crowd | Flavour::Slow | Flavour::Disk => {}
    }
    config
}

impl Planner {
    pub fn push(&mut self, op: Op) {
        self.ops.push(op);
    }

    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    pub fn random_of(&mut self, lines: &[&'static str]) -> &'static str {
        self.random.choose(lines)
    }

    /// Lines that a message may have.
    pub fn lines_max(&self) -> u32 {
        self.phrases.body_lines_max as u32
    }

    /// Whether commands have to come one at a time.
    pub fn is_single(&self) -> bool {
        self.flavour == Flavour::Disk
    }

    /// The first ones come.
    pub fn open_doors(&mut self) {
        let count = match self.flavour {
            Flavour::Thousands => self.random.within(300, 1200),
            _ => self.random.within(1, 5),
        };
        for _ in 0..count {
            self.connect();
        }
        self.push(Op::Turn { ms: 1, spurious: false });
        if self.flavour == Flavour::Disk {
            self.push(Op::Settle);
        }
    }

    fn connect(&mut self) {
        let address = match self.flavour {
            Flavour::Delayed => 1,
            _ => self.random.within(1, 3) as u8,
        };
        let slow = self.flavour == Flavour::Slow && !self.random.once_in(3)
            || self.flavour == Flavour::Crowd && self.random.once_in(12);
        let rooms = [0, 1, 10, 1000, 20_000];
        let room = if slow { Some(self.random.choose(&rooms)) } else { None };
        let client = self.connect_from(address, room);
        if self.random.once_in(20) {
            self.send(client, vec![0xef, 0xbb, 0xbf]);
        }
        if !self.random.once_in(8) {
            let bytes = match self.flavour {
                Flavour::Thousands => format!("#login anon u{client}\n").into_bytes(),
                _ => self.phrases.login(&mut self.random),
            };
            self.send(client, bytes);
        }
    }

    pub fn connect_from(&mut self, address: u8, room: Option<usize>) -> usize {
        self.push(Op::Connect { address, room });
        self.connected += 1;
        self.connected - 1
    }

    pub fn send(&mut self, client: usize, bytes: Vec<u8>) {
        self.push(Op::Send { client, bytes });
        let count = match self.random.below(12) {
            0 if self.flavour != Flavour::Disk => 1,
            1 if self.flavour != Flavour::Disk => self.random.within(1, 40) as usize,
            _ => usize::MAX,
        };
        self.push(Op::Deliver { client, count });
        if self.flavour == Flavour::Disk {
            self.push(Op::Turn { ms: 1, spurious: false });
            self.push(Op::Settle);
        }
    }

    /// One of those who came last.
    pub fn client(&mut self) -> usize {
        let recent = match self.flavour {
            Flavour::Thousands => 2000,
            _ => 8,
        };
        let count = self.connected.min(recent) as u64;
        self.connected - 1 - self.random.below(count) as usize
    }

    fn step(&mut self) {
        let client = self.client();
        match self.random.below(100) {
            0..=4 => self.connect(),
            5..=8 => self.scene(),
            9..=54 => self.speak(client),
            55..=59 => {
                let count = self.random.within(1, 30) as usize;
                self.push(Op::Deliver { client, count });
            }
            60..=64 => {
                let count = self.random.choose(&[1, 7, 100, 5000, 100_000]);
                self.push(Op::MakeRoom { client, count });
            }
            65 => self.push(Op::Interrupt { client }),
            66 if self.random.once_in(3) => {
                let room = self.random.choose(&[0, 100, 20_000, 1_000_000]);
                self.push(Op::Vanish { client, room });
            }
            66 => self.push(Op::End { client }),
            67 => {
                let loses = self.random.once_in(2);
                self.push(Op::Reset { client, loses });
            }
            68..=86 => {
                let ms = self.random.choose(&[0, 0, 1, 7]);
                let spurious = self.random.once_in(10);
                self.push(Op::Turn { ms, spurious });
            }
            87..=94 => self.wait(),
            95 => self.push(Op::Settle),
            96 if self.random.once_in(3) => self.push(Op::Drain),
            96 if self.random.once_in(3) => {
                let seed = self.random.next();
                self.push(Op::Reload { seed });
            }
            _ if self.flavour == Flavour::Disk && !self.calm => self.trouble(),
            97 => self.crash(),
            _ => {}
        }
    }

    fn speak(&mut self, client: usize) {
        if self.random.once_in(12) {
            let (name, password) = self.phrases.account(&mut self.random);
            self.send(client, b"#challenge\r\n".to_vec());
            self.push(Op::Turn { ms: 1, spurious: false });
            self.push(Op::Answer { client, name, password });
            self.push(Op::Deliver { client, count: usize::MAX });
            self.push(Op::Turn { ms: 1, spurious: false });
            return;
        }
        let single = self.flavour == Flavour::Disk || !self.random.once_in(6);
        let count = if single { 1 } else { self.random.within(2, 40) };
        let mut bytes = Vec::new();
        for _ in 0..count {
            bytes.extend(self.phrases.command(&mut self.random));
        }
        self.send(client, bytes);
        if self.flavour != Flavour::Disk && self.random.once_in(2) {
            let ms = self.random.choose(&[0, 1]);
            self.push(Op::Turn { ms, spurious: false });
        }
    }

    fn wait(&mut self) {
        let longest = self.random.choose(&[20, 1000, 1000, 3000, 12_000, 70_000, 4_000_000]);
        let ms = self.random.within(1, longest);
        let op = if self.random.once_in(8) { Op::Oversleep { ms } } else { Op::Wait { ms } };
        self.push(op);
    }

    pub fn crash(&mut self) {
        let seed = self.random.next();
        let op = match self.random.below(13) {
            0..=2 => Op::Kill,
            3 | 4 => Op::KillSending { write: self.random.within(1, 4) as usize },
            5..=8 => Op::PowerCut { seed },
            9 | 10 => {
                let power_cut = Some(seed).filter(|seed| seed & 1 == 1);
                if self.flavour == Flavour::Disk {
                    Op::Die { operations: self.random.below(8), power_cut }
                } else {
                    // Where much is said at once, answers do not tell what failed: here it can only be the commit.
                    let operation = self.random.choose(&[Operation::Write, Operation::Sync]);
                    Op::Fail { operation, power_cut }
                }
            }
            11 => return self.flicker(),
            _ => Op::Stop,
        };
        let open = matches!(op, Op::Die { .. } | Op::KillSending { .. } | Op::Fail { .. });
        self.push(op);
        if open {
            // It happens while somebody does something.
            for _ in 0..3 {
                let client = self.client();
                self.speak(client);
            }
            self.push(Op::Turn { ms: 1, spurious: true });
        }
        self.open_doors();
    }

    /// What a disk can do to us.
    fn trouble(&mut self) {
        let op = match self.random.below(9) {
            0 | 1 => Op::Squeeze { bytes: 0 },
            2 => Op::Space { bytes: self.random.within(4096, 200_000) },
            3 | 4 => Op::Space { bytes: u64::MAX },
            5 | 6 => {
                let operation = self.random.choose(&[
                    Operation::Create,
                    Operation::Allocate,
                    Operation::Read,
                    Operation::Write,
                    Operation::Sync,
                    Operation::Truncate,
                    Operation::Remove,
                    Operation::SyncDirectory,
                ]);
                Op::Fail { operation, power_cut: None }
            }
            7 => {
                self.coming_and_going();
                return self.crash();
            }
            _ => return self.crash(),
        };
        self.push(op);
    }
}
