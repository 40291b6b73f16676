//! A board without a battery for its clock: it starts in 1970, and the time jumps. Nothing expires early or late, and
//! the log says what to think of the dates.
//!
//! What goes on in every conversation while the clock jumps is seen in `tests/transcripts.rs`. Here the real program
//! meets libfaketime (Debian's package `faketime`), which changes what it sees of the wall clock while it runs, and
//! leaves it the clock that counts the time since the machine was started, as a kernel does.

mod program_support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use program_support::{Client, Ended, Server, Start, runner, temporary, wait_until};

const DONE: &str = "@status 0";

/// As libfaketime wants a time from which it goes on: well within ten minutes that no slow machine gets out of.
const IN_1970: &str = "@1970-01-01 00:02:00";
const IN_2026: &str = "@2026-01-15 12:02:00";
const IN_2045: &str = "@2045-06-01 12:02:00";

/// What is left out where the program is for another processor than the library.
const WHOLE: &str = "all of it, because the emulator does not load libfaketime";

/// For which what is made here lives: long enough for a few jumps.
const SECONDS: u64 = 12;

fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("there are libraries");
    let places = folders.filter_map(Result::ok).map(|entry| entry.path().join("faketime"));
    let found = places.map(|place| place.join("libfaketime.so.1")).find(|path| path.exists());
    found.expect("libfaketime is there, of the package faketime")
}

/// A wall clock that a test sets.
struct WallClock {
    file: PathBuf,
}

impl WallClock {
    fn at(directory: &Path, time: &str) -> Self {
        let clock = Self { file: directory.join("time") };
        clock.set(time);
        clock
    }

    /// The whole file changes at once: half a time would be another.
    fn set(&self, time: &str) {
        let new = self.file.with_extension("new");
        std::fs::write(&new, time).expect("a file can be written");
        std::fs::rename(&new, &self.file).expect("a file can be renamed");
    }

    fn start(&self, directory: &Path) -> Start {
        let file = self.file.to_str().expect("a path of letters");
        let library = library();
        Start::in_dir(directory)
            .env("LD_PRELOAD", library.to_str().expect("a path of letters"))
            .env("FAKETIME_TIMESTAMP_FILE", file)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("TZ", "UTC")
    }
}

/// A room that nobody is in, a group, and in another a message: each has `SECONDS` to live.
fn make_mortals(amy: &mut Client) {
    amy.expect("#createroom mortal", DONE);
    amy.expect(&format!("#creategroup mortal \"\" anon {SECONDS}"), DONE);
    amy.expect("#creategroup lasting \"\" anon 1000000", DONE);
    amy.expect("#joingroup lasting", DONE);
    amy.expect(&format!("#postmessage mortal 0 0 {SECONDS}"), DONE);
}

/// How many of the three are there.
fn mortals(amy: &mut Client) -> usize {
    let lists = ["#listrooms", "#listgroups", "#listmessages"].map(|line| amy.list(line));
    lists.iter().flatten().filter(|row| row.starts_with("mortal ")).count()
}

fn serve(clock: &WallClock, directory: &Path) -> Server {
    clock.start(directory).set(&format!("rooms.expire_seconds={SECONDS}")).serve()
}

#[test]
#[ignore = "needs libfaketime"]
fn a_clock_that_jumps_from_1970_to_2045_and_back_makes_nothing_expire_early_or_late() {
    if runner::cannot_see(WHOLE) {
        return;
    }
    let directory = temporary();
    let clock = WallClock::at(directory.path(), IN_1970);
    let server = serve(&clock, directory.path());
    server.wait_for_log("the clock shows 1970-01-01 00:0");
    assert!(server.log().contains("[1970-01-01T00:0"), "the program sees the year");
    let mut amy = server.user("amy");
    amy.expect("#broadcast then", "@mess #broadcast amy \"then\"");
    make_mortals(&mut amy);
    let made = Instant::now();
    for (time, said) in [
        (IN_2045, "the clock was set right, from 1970-01-01 00:0"),
        (IN_1970, "the clock has jumped from 2045-06-01 12:0"),
        (IN_2026, "to 2026-01-15 12:0"),
        (IN_2045, "the clock has jumped from 2026-01-15 12:0"),
    ] {
        clock.set(time);
        assert_eq!(mortals(&mut amy), 3, "{time}");
        server.wait_for_log(said);
    }
    // A day in 2045 as long as any other.
    while made.elapsed() < Duration::from_secs(SECONDS - 2) {
        assert_eq!(mortals(&mut amy), 3, "after {:?}", made.elapsed());
        std::thread::sleep(Duration::from_millis(500));
    }
    clock.set(IN_1970);
    wait_until("all three have gone", || mortals(&mut amy) == 0);
    let late = made.elapsed().saturating_sub(Duration::from_secs(SECONDS));
    assert!(late < Duration::from_secs(6), "{late:?} late");
    let histories = amy.list("#history 1");
    let said = histories[0].split(' ').next().and_then(|seconds| seconds.parse::<u64>().ok());
    assert!(
        said.is_some_and(|said| (100..600).contains(&said)),
        "said early in 1970: {histories:?}"
    );
    server.stop();
}

#[test]
#[ignore = "needs libfaketime"]
fn a_restart_in_another_year_takes_nothing_from_what_is_left_and_says_that_the_clock_is_wrong() {
    if runner::cannot_see(WHOLE) {
        return;
    }
    let directory = temporary();
    let clock = WallClock::at(directory.path(), IN_2026);
    let server = serve(&clock, directory.path());
    let mut amy = server.user("amy");
    make_mortals(&mut amy);
    drop(amy);
    let ended = stop_quietly(server);
    // The files have the true time, of which this clock is behind.
    let first = Start::in_dir(directory.path()).serve().stop();
    assert!(!first.err.contains("clock"), "{}", first.err);
    assert!(!ended.err.contains("clock"), "{}", ended.err);
    for (time, said) in [
        (IN_2026, "the clock shows 2026-01-15 12:0"),
        (IN_1970, "the clock shows 1970-01-01 00:0"),
        (IN_2045, ""),
    ] {
        clock.set(time);
        let server = serve(&clock, directory.path());
        let mut amy = server.user("amy");
        amy.expect("#joingroup lasting", DONE);
        assert_eq!(mortals(&mut amy), 3, "{time}");
        drop(amy);
        let ended = stop_quietly(server);
        let about = ended.err.lines().filter(|line| line.contains("the clock shows"));
        let about: Vec<&str> = about.collect();
        assert_eq!(about.len(), usize::from(!said.is_empty()), "{time}: {}", ended.err);
        assert!(about.iter().all(|line| line.contains(said)), "{time}: {about:?}");
    }
    let server = serve(&clock, directory.path());
    let mut amy = server.user("amy");
    amy.expect("#joingroup lasting", DONE);
    wait_until("all three have gone", || mortals(&mut amy) == 0);
    server.stop();
}

fn stop_quietly(server: Server) -> Ended {
    let ended = server.stop();
    assert!(!ended.err.contains("ERROR"), "{}", ended.err);
    ended
}
