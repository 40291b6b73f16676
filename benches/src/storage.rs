//! What the log costs: posts in both ways of syncing, starting with many messages, reading at random, and how long a
//! turn takes while old files are compacted.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::server::{Kind, Server, fresh_directory};
use crate::table::figure;
use crate::words::text;

/// What lets a million messages in.
pub const ROOMY: [&str; 3] = [
    "limits.messages_per_group=1000000",
    "storage.bytes_max=8589934592",
    "messages.expire_seconds=3000000",
];

/// Posts or removals that are sent at once.
const AT_ONCE: usize = 50;

/// Measures all of it, as the documentation has it.
#[must_use]
pub fn run() -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "| posts | posts a second | CPU each, µs | bytes written each | posts per write | posts per sync |"
    );
    let _ = writeln!(out, "| --- | ---: | ---: | ---: | ---: | ---: |");
    for sync in ["storage.sync=1s", "storage.sync=always"] {
        for (name, at_once) in [("one at a time", 1), ("50 under way", AT_ONCE)] {
            let _ = writeln!(out, "| {sync}, {name} | {} |", posts(sync, at_once));
        }
    }
    let _ = writeln!(
        out,
        "\nOne at a time, the server sleeps after each post: most of that is the way from sleep to work.\n"
    );
    let _ = writeln!(
        out,
        "| stored messages | start, ms | memory, MB | bytes of memory for each message |"
    );
    let _ = writeln!(out, "| ---: | ---: | ---: | ---: |");
    let (time, empty) = start(0, |_| {});
    let _ = writeln!(out, "| 0 | {} | {} | |", figure(time), figure(empty / 1e6));
    let mut last = String::new();
    for messages in [10_000, 100_000, 1_000_000] {
        let (time, memory) = start(messages, |server| {
            if messages == 1_000_000 {
                last = format!(
                    "{}
{}",
                    read_at_random(server, messages),
                    compact(messages)
                );
            }
        });
        let each = (memory - empty) / messages as f64;
        let (time, memory, each) = (figure(time), figure(memory / 1e6), figure(each));
        let _ = writeln!(out, "| {messages} | {time} | {memory} | {each} |");
    }
    let _ = writeln!(out, "\n{last}");
    out
}

/// A cell for each column: posts a second, time on the processor, bytes, writes and syncs.
fn posts(sync: &str, at_once: usize) -> String {
    let dir = fresh_directory();
    let server = Server::start_in(Kind::Mecd, &dir, &[&ROOMY[..], &[sync]].concat(), &[]);
    let mut people = posters(&server, at_once);
    let process = server.process();
    let (cpu, written, begun) = (server.cpu_ns(), process.written(), Instant::now());
    let posts = post_for(&mut people, Duration::from_secs(4));
    let seconds = begun.elapsed().as_secs_f64();
    let (bytes, writes) = (process.written().0 - written.0, process.written().1 - written.1);
    let cpu = (server.cpu_ns() - cpu) as f64 / 1000.0;
    drop(server);
    fs::remove_dir_all(dir).expect("the directory is ours");
    let per_sync = posts_per_sync(sync, at_once);
    let each =
        [posts / seconds, cpu / posts, bytes as f64 / posts, posts / writes as f64, per_sync];
    each.map(figure).join(" | ")
}

/// Posts for each sync, which are counted in a run of their own: who is stopped at each is slower.
fn posts_per_sync(sync: &str, at_once: usize) -> f64 {
    let dir = fresh_directory();
    let trace = dir.join("syncs");
    let under = "strace -D -f --seccomp-bpf -qq -e trace=fsync,fdatasync -o";
    let under: Vec<&str> = under.split(' ').chain(trace.to_str()).collect();
    let server = Server::start_in(Kind::Mecd, &dir, &[&ROOMY[..], &[sync]].concat(), &under);
    let mut people = posters(&server, at_once);
    let syncs = || fs::read_to_string(&trace).map_or(0, |trace| trace.lines().count());
    let before = syncs();
    let posts = post_for(&mut people, Duration::from_secs(4));
    let syncs = syncs() - before;
    drop(server);
    fs::remove_dir_all(dir).expect("the directory is ours");
    posts / syncs as f64
}

/// People in one group, who have posted a little already.
fn posters(server: &Server, count: usize) -> Vec<Client> {
    let mut people: Vec<Client> =
        (0..count).map(|who| Client::log_in(server.address, who)).collect();
    people[0].ask("#creategroup g \"\" anon\r\n", 1);
    people.iter_mut().for_each(|person| person.ask("#joingroup g\r\n", 1));
    (0..10).for_each(|_| post_once(&mut people));
    people
}

fn post_once(people: &mut [Client]) {
    let post = format!("#postmessage m\r\n{}\r\n", text(0));
    people.iter_mut().for_each(|person| person.say(&post));
    people.iter_mut().for_each(|person| person.hear(1));
}

/// Has all of them post again and again. Says how many posts that were.
fn post_for(people: &mut [Client], time: Duration) -> f64 {
    let (begun, mut rounds) = (Instant::now(), 0);
    while begun.elapsed() < time {
        post_once(people);
        rounds += 1;
    }
    (rounds * people.len()) as f64
}

/// A server that has stored so many messages is started again; milliseconds that it takes, and memory. Then more is
/// done with it.
fn start(messages: usize, more: impl FnOnce(&Server)) -> (f64, f64) {
    let dir = fresh_directory();
    let server = Server::start_in(Kind::Mecd, &dir, &ROOMY, &[]);
    let mut poster = Client::log_in(server.address, 0);
    poster.ask("#creategroup g \"\" anon 30000000\r\n", 1);
    poster.ask("#joingroup g\r\n", 1);
    post_many(&mut poster, messages, "");
    server.stop();
    let server = Server::start_in(Kind::Mecd, &dir, &ROOMY, &[]);
    let figures = (server.started_in.as_secs_f64() * 1000.0, server.process().memory() as f64);
    eprintln!("{messages} messages: started in {:.1} ms, {:.0} bytes", figures.0, figures.1);
    more(&server);
    drop(server);
    fs::remove_dir_all(dir).expect("the directory is ours");
    figures
}

/// Posts many messages, as many as possible at once; `time` is how long they last.
pub fn post_many(poster: &mut Client, messages: usize, time: &str) {
    let post = format!("#postmessage m 0 1 {time}\r\n{}\r\n", text(0));
    for first in (0..messages).step_by(AT_ONCE) {
        let many = AT_ONCE.min(messages - first);
        poster.ask(&post.repeat(many), many);
    }
}

/// Numbers that look random, the same ones each time.
pub struct Numbers(pub u64);

impl Numbers {
    /// The next one, below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

fn read_at_random(server: &Server, messages: usize) -> String {
    const READS: usize = 50_000;
    let mut reader = Client::log_in(server.address, 1);
    reader.ask("#joingroup g\r\n", 1);
    let mut numbers = Numbers(1);
    let mut request = || format!("#getmessage {}\r\n", numbers.below(messages) + 1);
    let mut delays = Vec::with_capacity(READS);
    for _ in 0..READS {
        let request = request();
        let begun = Instant::now();
        reader.ask(&request, 2);
        delays.push(begun.elapsed().as_nanos() as f64 / 1000.0);
    }
    let cpu = server.cpu_ns();
    for _ in 0..READS / AT_ONCE {
        let requests: String = (0..AT_ONCE).map(|_| request()).collect();
        reader.ask(&requests, 2 * AT_ONCE);
    }
    let cpu = (server.cpu_ns() - cpu) as f64 / READS as f64 / 1000.0;
    let [p50, p99, p999, _] = quantiles(delays).map(figure);
    format!(
        "`#getmessage` at random among {messages}: {} µs on the processor each, {AT_ONCE} under way; one at a time \
         answered in {p50} µs (p50), {p99} µs (p99), {p999} µs (p99.9).",
        figure(cpu)
    )
}

/// Removes most messages, and looks how long the turns take in which the log is compacted: those in which something is
/// read from the disk, which only compaction does here. A small request that comes meanwhile waits for what is left of
/// the turn in which it comes, and for all of the next one.
fn compact(messages: usize) -> String {
    /// A file waits for two syncs until it goes.
    const OVER_AFTER: Duration = Duration::from_secs(5);
    let dir = fresh_directory();
    let trace = dir.join("turns");
    let under = format!("strace -D -f --seccomp-bpf -ttt -T -e /^(epoll_p?wait|{READ})$ -o");
    let under: Vec<&str> = under.split(' ').chain(trace.to_str()).collect();
    let server = Server::start_in(Kind::Mecd, &dir, &ROOMY, &under);
    let mut remover = Client::log_in(server.address, 0);
    let mut probe = Client::log_in(server.address, 1);
    remover.ask("#creategroup g \"\" anon\r\n", 1);
    remover.ask("#joingroup g\r\n", 1);
    post_many(&mut remover, messages, "");
    let before = log_files(&dir.join("data"));
    let cut: Vec<usize> = (1..=messages).filter(|id| id % 16 != 0).collect();
    for ids in cut.chunks(AT_ONCE) {
        let words: String = ids.iter().map(|id| format!("#rmmessage {id}\r\n")).collect();
        remover.ask(&words, ids.len());
    }
    let (mut delays, mut read, mut since) =
        (Vec::new(), server.process().read_bytes(), Instant::now());
    while since.elapsed() < OVER_AFTER {
        let begun = Instant::now();
        probe.ask("#roomstatus\r\n", 1);
        let delay = begun.elapsed();
        let now = server.process().read_bytes();
        if now != read {
            delays.push(delay.as_nanos() as f64 / 1e6);
            (read, since) = (now, Instant::now());
        }
    }
    let after = log_files(&dir.join("data"));
    server.stop();
    let turns = turns_that_read(&fs::read_to_string(&trace).expect("strace writes it"));
    fs::remove_dir_all(dir).expect("the directory is ours");
    let (turns_count, delays_count) = (turns.len(), delays.len());
    let [turn_p50, turn_p99, turn_p999, turn_worst] = quantiles(turns).map(figure);
    let [p50, p99, p999, worst] = quantiles(delays).map(figure);
    format!(
        "After {} messages were removed, the log went from {before} files to {after}. The turns in which records were \
         moved (there were {turns_count}) took {turn_p50} ms (p50), {turn_p99} ms (p99), {turn_p999} ms (p99.9), \
         {turn_worst} ms at worst. A small request that came meanwhile ({delays_count}, when nobody else asked) was \
         answered in {p50} ms (p50), {p99} ms (p99), {p999} ms (p99.9), {worst} ms at worst.",
        cut.len()
    )
}

/// What reads from the log.
const READ: &str = "pread64";

/// Milliseconds of each turn in which something was read, from one end of a poll to the beginning of the next. A line
/// of strace is: process, seconds, call, result, seconds in `<>`.
fn turns_that_read(trace: &str) -> Vec<f64> {
    let (mut turns, mut woken, mut has_read) = (Vec::new(), None, false);
    for line in trace.lines() {
        let mut words = line.split_whitespace();
        let (Some(begun), Some(call)) = (words.nth(1), words.next()) else { continue };
        let taken = line.rsplit_once('<').and_then(|(_, taken)| taken.strip_suffix('>'));
        let (Ok(begun), Some(Ok(taken))) = (begun.parse::<f64>(), taken.map(str::parse::<f64>))
        else {
            continue;
        };
        if call.starts_with(READ) {
            has_read = true;
            continue;
        }
        if let Some(woken) = woken.replace(begun + taken)
            && has_read
        {
            turns.push((begun - woken) * 1000.0);
        }
        has_read = false;
    }
    turns
}

fn log_files(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).expect("the directory is there").flatten();
    entries.filter(|entry| entry.path().extension().is_some_and(|it| it == "log")).count()
}

/// The median, p99, p99.9 and the most.
fn quantiles(mut delays: Vec<f64>) -> [f64; 4] {
    delays.sort_by(f64::total_cmp);
    [0.5, 0.99, 0.999, 1.0].map(|share| delays[((delays.len() - 1) as f64 * share) as usize])
}
