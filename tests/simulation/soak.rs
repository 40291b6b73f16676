//! A virtual week: users come and go, rooms, groups and messages are made and expire, files are compacted. What is held
//! in memory and on the disk is printed day by day, and has to level off.

use std::time::Duration;

use mecd::config::{Config, SyncMode};
use mecd::store::Shape;

use crate::driver::Driver;
use crate::plan::{Flavour, Op, Plan};
use crate::random::Random;

const DAYS: u64 = 7;
const DAY_MS: u64 = 24 * 3600 * 1000;
/// Somebody does something so often.
const STEP_MS: u64 = 20_000;
/// Users online at once.
const CROWD: usize = 60;

/// What is held at the end of a day.
#[derive(Clone, Copy, Debug, Default)]
struct Day {
    sessions: usize,
    rooms: usize,
    groups: usize,
    messages: usize,
    blocks: usize,
    disk_bytes: u64,
    log_files: usize,
    resident_kib: u64,
}

fn config() -> Config {
    let mut config = Config {
        connections_per_address: 0,
        sync: SyncMode::Interval(Duration::from_secs(1)),
        ..Config::default()
    };
    config.settings.accounts_max = 200;
    config.settings.group_seconds = 6 * 3600;
    config.settings.message_seconds = 4 * 3600;
    config
}

/// The memory of this process, where the system tells it.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

struct Soak {
    driver: Driver,
    random: Random,
    clients: Vec<usize>,
    next: usize,
}

impl Soak {
    fn act(&mut self, op: &Op) {
        self.driver.act(op).unwrap_or_else(|what| panic!("{op}: {what}"));
    }

    fn say(&mut self, client: usize, line: &str) {
        self.act(&Op::Send { client, bytes: format!("{line}\r\n").into_bytes() });
        self.act(&Op::Deliver { client, count: usize::MAX });
    }

    fn arrive(&mut self) {
        let address = self.random.within(1, 200) as u8;
        self.act(&Op::Connect { address, room: None });
        let client = self.next;
        self.next += 1;
        self.clients.push(client);
        self.say(client, &format!("#login anon u{client}"));
        if self.random.once_in(20) {
            let account = self.random.below(100);
            self.say(client, &format!("#createlogin a{account} geheim Name a@b"));
            self.say(client, &format!("#login regd a{account} geheim"));
        }
    }

    fn leave(&mut self) {
        let at = self.random.below(self.clients.len() as u64) as usize;
        let client = self.clients.swap_remove(at);
        match self.random.below(3) {
            0 => self.say(client, "#quit"),
            1 => self.act(&Op::End { client }),
            _ => self.act(&Op::Reset { client, loses: true }),
        }
    }

    fn step(&mut self) {
        while self.clients.len() < CROWD {
            self.arrive();
        }
        if self.random.once_in(3) {
            self.leave();
        }
        for _ in 0..3 {
            let at = self.random.below(self.clients.len() as u64) as usize;
            let (client, n) = (self.clients[at], self.random.below(40));
            let line = match self.random.below(12) {
                0 => format!("#createroom room{n}"),
                1 | 2 => format!("#changeroom room{n}"),
                3 => "#changeroom Home".to_owned(),
                4 => format!("#creategroup group{} \"\" anon", n / 4),
                5 | 6 => format!("#joingroup group{}", n / 4),
                7 | 8 => format!("#postmessage title{n} 0 2\r\n{}\r\nend", "text ".repeat(60)),
                9 => format!("#postmessage reply{n} {}\r\nyes", n + 1),
                10 => "#listmessages".to_owned(),
                _ => format!("#broadcast what I have to say is {n}, {}", "and so on ".repeat(10)),
            };
            self.say(client, &line);
        }
        self.act(&Op::Turn { ms: 1, spurious: false });
        self.act(&Op::Wait { ms: STEP_MS });
    }

    fn look(&self) -> Day {
        let census = self.driver.hub().house().census();
        Day {
            sessions: census.users + census.strangers,
            rooms: census.rooms,
            groups: census.groups,
            messages: census.messages,
            blocks: self.driver.hub().blocks(),
            disk_bytes: self.driver.hub().bytes_on_disk(),
            log_files: self.driver.disk.files().len(),
            resident_kib: resident_kib(),
        }
    }
}

/// Runs the week. The most that each day held, at any hour of it.
pub fn week() {
    let shape = Shape { file_bytes: 256 * 1024, piece_bytes: 16 * 1024 };
    let plan = Plan {
        seed: 7,
        flavour: Flavour::Crowd,
        config: config(),
        shape,
        sector_bytes: 512,
        ops: Vec::new(),
    };
    let driver = Driver::new(plan).expect("an empty server starts");
    let mut soak = Soak { driver, random: Random::new(7), clients: Vec::new(), next: 0 };
    let mut days = Vec::new();
    for day in 1..=DAYS {
        let mut most = Day::default();
        while soak.driver.now < day * DAY_MS {
            soak.step();
            let now = soak.look();
            most.sessions = most.sessions.max(now.sessions);
            most.rooms = most.rooms.max(now.rooms);
            most.groups = most.groups.max(now.groups);
            most.messages = most.messages.max(now.messages);
            most.blocks = most.blocks.max(now.blocks);
            most.disk_bytes = most.disk_bytes.max(now.disk_bytes);
            most.log_files = most.log_files.max(now.log_files);
            most.resident_kib = most.resident_kib.max(now.resident_kib);
        }
        println!("day {day}: at most {most:?}; {} connections so far", soak.next);
        days.push(most);
    }
    let (second, last) = (days[1], days[DAYS as usize - 1]);
    let level = |before: u64, after: u64| after <= before + before / 2 + 8;
    assert!(level(second.sessions as u64, last.sessions as u64), "sessions grow");
    assert!(level(second.rooms as u64, last.rooms as u64), "rooms grow");
    assert!(level(second.messages as u64, last.messages as u64), "messages grow");
    assert!(level(second.blocks as u64, last.blocks as u64), "blocks grow");
    assert!(level(second.disk_bytes, last.disk_bytes), "the log grows");
}
