//! What the server costs the card: bytes written and syncs, of the program's own hub over a disk in memory that counts
//! them, in an hour that passes at once. The numbers are printed; the bounds are those of the README.
//!
//! What a file system adds is measured by an ignored test, with the real program on an ext4 of its own: `docs/card.md`.

mod common;
mod program_support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::framing::Speech;
use common::memory::{Manner, Memory};
use common::play::World;
use mecd::limits::COMPACT_BYTES_PER_TURN;
use mecd::store::memory::Operation;
use program_support::runner::left_out;
use program_support::{Start, temporary};

const HOUR: Duration = Duration::from_secs(3600);

/// Bytes that a posted message may cost beside its text.
const POST_BYTES_MAX: u64 = 100;

const DONE: &str = "@status 0";

/// What came to the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Cost {
    bytes: u64,
    syncs: u64,
}

impl Cost {
    fn so_far(world: &Memory) -> Self {
        let disk = world.disk();
        let syncs = disk.count(Operation::Sync) + disk.count(Operation::SyncDirectory);
        Self { bytes: disk.bytes_written(), syncs }
    }

    fn of(world: &mut Memory, act: impl FnOnce(&mut Memory)) -> Self {
        let before = Self::so_far(world);
        act(world);
        let after = Self::so_far(world);
        Self { bytes: after.bytes - before.bytes, syncs: after.syncs - before.syncs }
    }
}

#[expect(clippy::print_stdout, reason = "the numbers are what this is for")]
fn report(what: &str, cost: Cost) {
    println!("{what}: {} bytes, {} syncs", cost.bytes, cost.syncs);
}

fn serve(options: &[(&str, &str)]) -> Memory {
    let mut world = Memory::new(Manner::Plain);
    let pairs = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let mut options: Vec<_> = pairs.collect();
    options.push(("limits.connections_per_address".into(), "0".into()));
    options.push(("limits.lines_per_second".into(), "0".into()));
    world.start(&options).expect("it starts");
    world
}

fn connect(world: &mut Memory, who: &str) {
    world.connect(who, Speech::Mec).expect("there is a place");
    ask(world, who, &format!("#login anon {who}"));
}

fn send(world: &mut Memory, who: &str, line: &str) {
    world.send(who, format!("{line}\r\n").as_bytes()).expect("it is connected");
}

/// Something that succeeds.
fn ask(world: &mut Memory, who: &str, line: &str) {
    send(world, who, line);
    assert_eq!(world.unit(who).as_deref(), Ok(DONE), "{line}");
}

fn wait(world: &mut Memory, time: Duration) {
    world.wait(time).expect("time passes");
}

#[test]
fn an_idle_server_writes_nothing_in_an_hour() {
    let mut world = serve(&[]);
    let idle = Cost::of(&mut world, |world| wait(world, HOUR));
    report("an hour with nobody", idle);
    assert_eq!(idle, Cost { bytes: 0, syncs: 0 });
    for number in 0..100 {
        connect(&mut world, &format!("user{number}"));
    }
    wait(&mut world, Duration::from_secs(10));
    let idle = Cost::of(&mut world, |world| wait(world, HOUR));
    report("an hour with 100 who are silent", idle);
    assert_eq!(idle, Cost { bytes: 0, syncs: 0 });
}

#[test]
fn while_something_waits_to_expire_the_clock_alone_is_written_about_once_a_minute() {
    let mut world = serve(&[]);
    connect(&mut world, "amy");
    ask(&mut world, "amy", "#creategroup board \"\" anon");
    wait(&mut world, Duration::from_secs(10));
    let idle = Cost::of(&mut world, |world| wait(world, HOUR));
    report("an hour with a group that will expire", idle);
    assert!(idle.syncs <= 66 && idle.bytes <= 66 * 50, "{idle:?}");
}

/// What a message of so many lines of `length` bytes costs, with what is written because of it within the second.
fn post(world: &mut Memory, poster: &str, heading: &str, lines: usize, length: usize) {
    let text = vec!["x".repeat(length); lines];
    // As it is kept: the lines with one byte between them.
    let bytes = text.join("\n").len();
    let cost = Cost::of(world, |world| {
        let line = format!("#postmessage {heading} 0 {lines}\r\n{}", text.join("\r\n"));
        ask(world, poster, &line);
        wait(world, Duration::from_secs(2));
    });
    let beside = cost.bytes.saturating_sub(bytes as u64);
    report(&format!("a message of {bytes} bytes, {beside} beside them"), cost);
    assert!(beside <= POST_BYTES_MAX, "{beside} bytes beside the text");
    assert_eq!(cost.syncs, 1);
}

#[test]
fn a_posted_message_costs_its_text_and_at_most_a_hundred_bytes() {
    let mut world = serve(&[]);
    connect(&mut world, "amy");
    ask(&mut world, "amy", "#creategroup board \"\" anon");
    ask(&mut world, "amy", "#joingroup board");
    wait(&mut world, Duration::from_secs(2));
    for (lines, length) in [(1, 0), (1, 60), (1, 900), (100, 900)] {
        post(&mut world, "amy", "Tuesday", lines, length);
    }
    // The longest names there are.
    let (long, heading) = ("a".repeat(30), "h".repeat(30));
    connect(&mut world, &long);
    ask(&mut world, &long, "#joingroup board");
    post(&mut world, &long, &heading, 1, 60);
}

/// An hour in a room where somebody says `length` bytes every `every`.
fn hour_of_talk(options: &[(&str, &str)], every: Duration, length: usize) -> Cost {
    let mut world = serve(options);
    connect(&mut world, "amy");
    wait(&mut world, Duration::from_secs(2));
    let text = "x".repeat(length);
    let times = HOUR.as_millis() / every.as_millis();
    Cost::of(&mut world, |world| {
        for _ in 0..times {
            send(world, "amy", &format!("#broadcast {text}"));
            world.unit("amy").expect("one hears oneself");
            wait(world, every);
        }
    })
}

#[test]
fn the_history_of_a_busy_room_costs_its_lines_and_a_sync_in_each_interval_or_nothing() {
    let second = Duration::from_secs(1);
    let every_second = hour_of_talk(&[], second, 60);
    report("an hour of 60 bytes a second", every_second);
    assert!(
        every_second.bytes <= 3600 * (60 + 50) && every_second.syncs <= 3600,
        "{every_second:?}"
    );
    let ten = hour_of_talk(&[], Duration::from_millis(100), 60);
    report("an hour of 60 bytes, ten times a second", ten);
    assert!(ten.syncs <= 3600, "more lines are not more syncs: {ten:?}");
    let minute = hour_of_talk(&[("storage.sync", "60s")], second, 60);
    report("the same once a second with storage.sync = \"60s\"", minute);
    assert!(minute.syncs <= 61, "{minute:?}");
    assert!(minute.bytes <= every_second.bytes, "{minute:?}");
    let unsaved = hour_of_talk(&[("rooms.history_saved", "false")], second, 60);
    report("the same once a second with rooms.history_saved = false", unsaved);
    assert_eq!(unsaved, Cost { bytes: 0, syncs: 0 });
}

#[test]
fn compaction_writes_a_bounded_piece_in_each_turn() {
    let mut world = serve(&[("storage.sync", "always")]);
    connect(&mut world, "amy");
    ask(&mut world, "amy", "#creategroup board \"\" anon");
    ask(&mut world, "amy", "#joingroup board");
    let (posts, length) = (300, 900);
    for _ in 0..posts {
        ask(&mut world, "amy", &format!("#postmessage n 0 1\r\n{}", "x".repeat(length)));
    }
    wait(&mut world, Duration::from_secs(2));
    let mut most = 0;
    let moved = Cost::of(&mut world, |world| most = world.move_all());
    report("the log moved", moved);
    assert!(moved.bytes >= posts * length as u64, "{moved:?}");
    let record = length as u64 + POST_BYTES_MAX;
    assert!(most <= COMPACT_BYTES_PER_TURN as u64 + 2 * record, "{most} bytes in one turn");
}

// On a file system, which has a page and a journal to write for each sync.

/// An ext4 in a file, mounted until this is dropped.
struct Card {
    at: PathBuf,
    /// What the kernel knows of it.
    sys: PathBuf,
}

fn succeeds(program: &str, words: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Card {
    fn insert(directory: &Path) -> Option<Self> {
        let (image, at) = (directory.join("image"), directory.join("card"));
        fs::create_dir(&at).expect("a directory can be made");
        let file = fs::File::create(&image).expect("a file can be made");
        file.set_len(64 * 1024 * 1024).expect("it can be long");
        let (image, mount) = (image.to_str()?, at.to_str()?);
        // Blocks as a card has them, and nothing left to be done later, which would be counted.
        let at_once = "lazy_itable_init=0,lazy_journal_init=0";
        let made = succeeds("mkfs.ext4", &["-q", "-b", "4096", "-E", at_once, image]);
        if !made || !succeeds("mount", &["-o", "loop,noatime", image, mount]) {
            return None;
        }
        let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts are listed");
        let mine = mounts.lines().find(|line| line.split(' ').nth(1) == Some(mount));
        let device = mine.and_then(|line| line.strip_prefix("/dev/")?.split(' ').next());
        let sys = Path::new("/sys/fs/ext4").join(device.unwrap_or("unknown"));
        Some(Self { at, sys })
    }

    /// Kilobytes that have reached it, its journal and tables among them.
    fn kilobytes(&self) -> u64 {
        rustix::fs::sync();
        let text = fs::read_to_string(self.sys.join("session_write_kbytes"));
        text.expect("ext4 counts").trim().parse().expect("a number")
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        succeeds("umount", &[self.at.to_str().unwrap_or_default()]);
    }
}

#[test]
#[ignore = "mounts an ext4 and takes half a minute"]
fn on_ext4_an_idle_server_writes_nothing_and_a_post_a_few_pages() {
    let directory = temporary();
    let Some(card) = Card::insert(directory.path()) else {
        return left_out("nothing can be mounted here");
    };
    let start = Start::bare(&card.at).args(["--data-dir", "data"]);
    let server = start.args(["--listen", "mec=127.0.0.1:0"]).unhurried().serve();
    let mut amy = server.user("amy");
    let pause = || std::thread::sleep(Duration::from_millis(1200));
    pause();
    let before = card.kilobytes();
    std::thread::sleep(Duration::from_secs(5));
    let idle = card.kilobytes() - before;
    println!("idle for 5 s: {idle} kB on the card");

    amy.expect("#creategroup board \"\" anon", DONE);
    amy.expect("#joingroup board", DONE);
    pause();
    let posts = 10;
    let before = card.kilobytes();
    for n in 0..posts {
        amy.expect(&format!("#postmessage post{n} 0 1\r\n{}", "x".repeat(60)), DONE);
        pause();
    }
    let posted = (card.kilobytes() - before) / posts;
    println!("each of {posts} posts of 60 bytes, with its sync: {posted} kB on the card");
    drop(amy);
    server.stop();
    assert_eq!(idle, 0);
    assert!((1..=64).contains(&posted), "{posted} kB");
}
