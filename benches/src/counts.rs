//! Counts that repeat: instructions (by callgrind) and system calls (by strace) for a unit of work, over fixed
//! scripts in which nothing is ever said before the last thing is answered. Each script is held in two lengths; the
//! difference is what the units cost, so that start and end cancel out.
//!
//! The counts are held against a file; one that has grown by more than [`GROWTH_MAX`] fails the run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::server::{Kind, Server, fresh_directory};
use crate::words::text;

/// How much a count may grow: what another version of a compiler costs is less.
const GROWTH_MAX: f64 = 1.05;

/// People in the room of the script of deliveries.
const PEOPLE: usize = 100;

/// Small requests that are sent at once in the script of many.
const UNDER_WAY: usize = 64;

/// Time for the server to see that a connection has come or gone, before anything else happens: else it is chance
/// whether that is in the same turn.
const PAUSE: Duration = Duration::from_millis(10);

/// A conversation with a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Script {
    /// Something is said to a room.
    Delivery,
    /// A small request.
    Request,
    /// Many small requests at once.
    Pipelined,
    /// Something is said to one person.
    Private,
    /// A message is stored.
    Post,
    /// Somebody comes, logs in and leaves.
    LogIn,
}

impl Script {
    const ALL: [Self; 6] =
        [Self::Delivery, Self::Request, Self::Pipelined, Self::Private, Self::Post, Self::LogIn];

    fn name(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Request => "request",
            Self::Pipelined => "request-of-64",
            Self::Private => "private-message",
            Self::Post => "post",
            Self::LogIn => "log-in",
        }
    }

    /// The units of one step.
    fn units(self) -> usize {
        match self {
            Self::Delivery => PEOPLE,
            Self::Pipelined => UNDER_WAY,
            Self::Request | Self::Private | Self::Post | Self::LogIn => 1,
        }
    }

    /// Steps of the short conversation and of the long one.
    fn lengths(self) -> [usize; 2] {
        match self {
            Self::Delivery | Self::Pipelined => [20, 420],
            Self::Request | Self::Private | Self::Post => [100, 1100],
            Self::LogIn => [10, 60],
        }
    }

    fn hold(self, server: SocketAddr, steps: usize) {
        let mut people: Vec<Client> = match self {
            Self::Delivery => (0..PEOPLE).map(|who| come(server, who)).collect(),
            Self::Request | Self::Pipelined | Self::Post => vec![come(server, 0)],
            Self::Private => vec![come(server, 0), come(server, 1)],
            Self::LogIn => Vec::new(),
        };
        if self == Self::Post {
            people[0].ask("#creategroup g \"\" anon\r\n", 1);
            people[0].ask("#joingroup g\r\n", 1);
        }
        let said = text(0);
        for step in 0..steps {
            match self {
                Self::Delivery => {
                    people[0].say(&format!("#broadcast {said}\r\n"));
                    people.iter_mut().for_each(|person| person.hear(1));
                }
                Self::Request => people[0].ask("#roomstatus\r\n", 1),
                Self::Pipelined => people[0].ask(&"#roomstatus\r\n".repeat(UNDER_WAY), UNDER_WAY),
                Self::Private => {
                    people[0].ask(&format!("#sendto u1 {said}\r\n"), 1);
                    people[1].hear(1);
                }
                Self::Post => people[0].ask(&format!("#postmessage m\r\n{said}\r\n"), 1),
                Self::LogIn => {
                    let mut client = come(server, step);
                    client.ask("#quit\r\n", 1);
                    client.hear_the_end();
                    leave(client);
                }
            }
        }
        people.into_iter().for_each(leave);
    }
}

/// Comes and logs in, in turns that follow each other.
fn come(server: SocketAddr, who: usize) -> Client {
    let mut client = Client::connect(server);
    std::thread::sleep(PAUSE);
    client.introduce(who);
    client
}

/// Leaves, in a turn of its own.
fn leave(client: Client) {
    std::thread::sleep(PAUSE);
    drop(client);
    std::thread::sleep(PAUSE);
}

/// Takes all counts and holds them against `file`, or writes them there. False if one has grown.
#[must_use]
pub fn run(file: &Path, write: bool) -> bool {
    let mut counts = BTreeMap::new();
    for script in Script::ALL {
        let instructions = difference(script, instructions);
        note(&mut counts, "instructions", script, "", instructions["instructions"]);
        let calls = difference(script, calls);
        let all: f64 = calls.values().sum();
        note(&mut counts, "system calls", script, "", all);
        note(&mut counts, "system calls", script, " each turn", all / calls["epoll_wait"]);
        let calls: Vec<String> =
            calls.iter().map(|(name, calls)| format!("{name} {calls:.3}")).collect();
        println!("    {}", calls.join(", "));
    }
    if write {
        let lines = counts.iter().fold(String::new(), |mut lines, (name, count)| {
            let _ = writeln!(lines, "\"{name}\" = {count:.3}");
            lines
        });
        let head = "# What a unit of work costs, by `benches/counts`, which fails when a count grows by more than 5 %.\n\
                    # `benches/counts --write` writes this file.\n";
        fs::write(file, format!("{head}{lines}")).expect("the file can be written");
        return true;
    }
    hold_against(file, &counts)
}

fn note(counts: &mut BTreeMap<String, f64>, what: &str, script: Script, more: &str, count: f64) {
    let name = format!("{}, {what}{more}", script.name());
    println!("{name}: {count:.3}");
    counts.insert(name, count);
}

/// Whether no count has grown by too much.
fn hold_against(file: &Path, counts: &BTreeMap<String, f64>) -> bool {
    let committed =
        fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut holds = true;
    for (name, &count) in counts {
        let line = committed.lines().find_map(|line| line.strip_prefix(&format!("\"{name}\" = ")));
        let Some(before) = line.and_then(|figure| figure.parse::<f64>().ok()) else {
            println!("{name}: not in {}", file.display());
            holds = false;
            continue;
        };
        if count > before * GROWTH_MAX {
            println!("{name}: {count:.3}, and {before:.3} before: grown by more than 5 %");
            holds = false;
        }
    }
    holds
}

/// What a unit costs: the long conversation less the short one.
fn difference(
    script: Script,
    measure: fn(Script, usize) -> BTreeMap<String, u64>,
) -> BTreeMap<String, f64> {
    let [short, long] = script.lengths();
    let (less, more) = (measure(script, short), measure(script, long));
    let units = ((long - short) * script.units()) as f64;
    let names = more.keys().filter(|name| more[*name] > less.get(*name).copied().unwrap_or(0));
    let each = |name: &String| (more[name] - less.get(name).copied().unwrap_or(0)) as f64 / units;
    names.map(|name| (name.clone(), each(name))).collect()
}

/// Holds a conversation with mecd under another program.
fn hold_under(script: Script, steps: usize, dir: &Path, under: &[&str]) {
    // The disk waits for nobody, so that no timer falls into a conversation.
    let server = Server::start_in(Kind::Mecd, dir, &["storage.sync=1h"], under);
    script.hold(server.address, steps);
    server.stop();
}

fn instructions(script: Script, steps: usize) -> BTreeMap<String, u64> {
    let dir = fresh_directory();
    let out = dir.join("callgrind");
    let to = format!("--callgrind-out-file={}", out.display());
    hold_under(script, steps, &dir, &["valgrind", "-q", "--tool=callgrind", &to]);
    let total = callgrind_total(&out);
    fs::remove_dir_all(&dir).expect("the directory is ours");
    BTreeMap::from([("instructions".to_owned(), total)])
}

/// The instructions in a profile of callgrind.
pub fn callgrind_total(profile: &Path) -> u64 {
    let profile = fs::read_to_string(profile).expect("callgrind writes it");
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: "));
    total.and_then(|total| total.trim().parse().ok()).expect("callgrind counts")
}

fn calls(script: Script, steps: usize) -> BTreeMap<String, u64> {
    let dir = fresh_directory();
    let out = dir.join("strace").display().to_string();
    // The tracer is a process of its own, so that what we stop is mecd.
    hold_under(script, steps, &dir, &["strace", "-D", "-f", "-c", "-o", &out]);
    let table = when_written(Path::new(&out));
    fs::remove_dir_all(&dir).expect("the directory is ours");
    table.lines().filter_map(call).collect()
}

/// The tracer may still be writing when what it traces has ended.
fn when_written(path: &Path) -> String {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let table = fs::read_to_string(path).unwrap_or_default();
        if table.trim_end().ends_with("total") {
            return table;
        }
        assert!(Instant::now() < end, "strace writes no table");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The name and the count of a row of the table, whose columns are: share, seconds, each, calls, errors if any, name.
fn call(row: &str) -> Option<(String, u64)> {
    let words: Vec<&str> = row.split_whitespace().collect();
    let (&name, calls) = (words.last()?, words.get(3)?.parse().ok()?);
    (name != "total").then(|| (name.to_owned(), calls))
}
