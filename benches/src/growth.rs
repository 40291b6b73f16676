//! What a unit of work costs as the server has more of what there can be many of. Nothing may cost more than in
//! proportion to what comes out; so each line of the plot is to be flat.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use crate::client::Client;
use crate::plot::{Line, plot};
use crate::server::{Kind, Server, fresh_directory};
use crate::storage::{Numbers, post_many};
use crate::table::figure;
use crate::work::fan_out;

const OPTIONS: [&str; 5] = [
    "limits.rooms=20000",
    "limits.messages_per_group=1000000",
    "storage.bytes_max=8589934592",
    "messages.expire_seconds=3000000",
    "storage.sync=1h",
];

/// Requests that are sent at once, so that what is measured is not the way to the kernel and back.
const AT_ONCE: usize = 50;

/// Something that may grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Grows {
    Members,
    LimitMembers,
    Rooms,
    Deadlines,
    ListedUsers,
    ListedRooms,
}

impl Grows {
    const ALL: [Self; 6] = [
        Self::Members,
        Self::LimitMembers,
        Self::Rooms,
        Self::Deadlines,
        Self::ListedUsers,
        Self::ListedRooms,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Members => "delivery, by members of the room",
            Self::LimitMembers => "the same of the limit",
            Self::Rooms => "#changeroom, by rooms",
            Self::Deadlines => "expiry of one of 10000 messages, by others that wait",
            Self::ListedUsers => "row of #listusers, by users",
            Self::ListedRooms => "row of #listrooms, by rooms",
        }
    }

    fn sizes(self) -> &'static [usize] {
        match self {
            Self::Members
            | Self::LimitMembers
            | Self::Rooms
            | Self::ListedUsers
            | Self::ListedRooms => &[10, 30, 100, 300, 1000, 3000, 10_000],
            Self::Deadlines => &[10, 100, 1000, 10_000, 100_000, 1_000_000],
        }
    }

    /// Microseconds on the processor for a unit.
    fn cost(self, server: &Server, size: usize) -> f64 {
        match self {
            Self::Members | Self::LimitMembers => fan_out(server, size, 300_000 / size),
            Self::Rooms => changeroom(server, size),
            Self::Deadlines => expiry(server, size),
            Self::ListedUsers => {
                let mut people: Vec<Client> =
                    (0..size).map(|who| Client::log_in(server.address, who)).collect();
                list(server, &mut people[0], "#listusers\r\n")
            }
            Self::ListedRooms => {
                let mut person = Client::log_in(server.address, 0);
                create_rooms(&mut person, size);
                list(server, &mut person, "#listrooms\r\n")
            }
        }
    }
}

/// Measures all of it: a table, and a plot.
#[must_use]
pub fn run() -> (String, String) {
    let mut table = String::new();
    let mut lines = Vec::new();
    for grows in Grows::ALL {
        let mut points = Vec::new();
        for &size in grows.sizes() {
            let dir = fresh_directory();
            let kind = if grows == Grows::LimitMembers { Kind::LimitOne } else { Kind::Mecd };
            let server = Server::start_in(kind, &dir, &OPTIONS, &[]);
            let cost = grows.cost(&server, size);
            drop(server);
            fs::remove_dir_all(dir).expect("the directory is ours");
            eprintln!("{}: {size}: {cost:.3}", grows.name());
            points.push((size as f64, cost));
        }
        lines.push(Line { name: grows.name().to_owned(), points });
    }
    let sizes = [10, 30, 100, 300, 1000, 3000, 10_000, 100_000, 1_000_000];
    let _ = writeln!(
        table,
        "| µs on the processor for a | {} |",
        sizes.map(|size| size.to_string()).join(" | ")
    );
    let _ = writeln!(table, "| --- |{}", " ---: |".repeat(sizes.len()));
    for line in &lines {
        let cells = sizes.map(|size| {
            let point = line.points.iter().find(|&&(at, _)| at == size as f64);
            point.map_or_else(String::new, |&(_, cost)| figure(cost))
        });
        let _ = writeln!(table, "| {} | {} |", line.name, cells.join(" | "));
    }
    (table, plot("µs on the processor", &lines))
}

fn each(server: &Server, before: u64, units: usize) -> f64 {
    (server.cpu_ns() - before) as f64 / units as f64 / 1000.0
}

fn create_rooms(person: &mut Client, rooms: usize) {
    for first in (0..rooms).step_by(AT_ONCE) {
        let last = (first + AT_ONCE).min(rooms);
        let words: String =
            (first..last).map(|room| format!("#createroom room{room}\r\n")).collect();
        person.ask(&words, last - first);
    }
}

fn changeroom(server: &Server, rooms: usize) -> f64 {
    const ROUNDS: usize = 2000;
    let mut person = Client::log_in(server.address, 0);
    create_rooms(&mut person, rooms);
    let mut numbers = Numbers(1);
    let mut walk = |rounds| {
        for _ in 0..rounds {
            let words: String = (0..AT_ONCE)
                .map(|_| format!("#changeroom room{}\r\n", numbers.below(rooms)))
                .collect();
            person.ask(&words, AT_ONCE);
        }
    };
    walk(ROUNDS / 10);
    let before = server.cpu_ns();
    walk(ROUNDS);
    each(server, before, ROUNDS * AT_ONCE)
}

/// Some messages expire while there are many others.
fn expiry(server: &Server, others: usize) -> f64 {
    const EXPIRE: usize = 10_000;
    let mut person = Client::log_in(server.address, 0);
    for (group, messages, time) in [("others", others - 1, ""), ("short", EXPIRE, "3")] {
        person.ask(&format!("#creategroup {group} \"\" anon 30000000\r\n"), 1);
        person.ask(&format!("#joingroup {group}\r\n"), 1);
        post_many(&mut person, messages, time);
    }
    let before = server.cpu_ns();
    // Three seconds, and one until the sweep; each sweep does a part.
    std::thread::sleep(Duration::from_secs(6));
    let cost = each(server, before, EXPIRE);
    assert_eq!(person.list("#listmessages\r\n"), 0, "all of them have gone");
    cost
}

fn list(server: &Server, person: &mut Client, words: &str) -> f64 {
    const ROWS: usize = 300_000;
    let rows = person.list(words);
    // Short lists are asked for several at a time, so that the server does not sleep between them.
    let at_once = (1000 / rows).clamp(1, AT_ONCE);
    let times = ROWS / rows / at_once;
    let before = server.cpu_ns();
    for _ in 0..times {
        person.say(&words.repeat(at_once));
        (0..at_once).for_each(|_| assert_eq!(person.hear_list(), rows));
    }
    each(server, before, times * at_once * rows)
}
