//! What the service manager hears from the program (sd_notify(3)), over a real socket, and what it says to the unit.
//!
//! The tests of the unit need `systemd-analyze`, of Debian's package `systemd`; none needs a running manager.

mod program_support;

use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use program_support::{Client, Ended, PATIENCE, Server, Start, temporary, write_file};
use rustix::process::Signal;
use rustix::time::{ClockId, clock_gettime};

/// The service manager's end.
struct Manager {
    socket: UnixDatagram,
    /// As `$NOTIFY_SOCKET` says it.
    name: OsString,
}

impl Manager {
    /// At a path in `directory`.
    fn at_path(directory: &Path) -> Self {
        let path = directory.join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket can be bound");
        Self::over(socket, path.into())
    }

    /// At a name that is no file.
    fn abstract_of(directory: &Path) -> Self {
        let name = directory.display().to_string();
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let socket = UnixDatagram::bind_addr(&address).expect("a socket can be bound");
        Self::over(socket, format!("@{name}").into())
    }

    fn over(socket: UnixDatagram, name: OsString) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket takes a time-out");
        Self { socket, name }
    }

    fn start(&self, start: Start) -> Start {
        start.env("NOTIFY_SOCKET", self.name.to_str().expect("it is a text"))
    }

    /// The next message, as its lines.
    fn message(&self) -> Vec<String> {
        let mut bytes = [0; 4096];
        let count = self.socket.recv(&mut bytes).expect("another message comes");
        let text = std::str::from_utf8(&bytes[..count]).expect("messages are text");
        text.lines().map(str::to_owned).collect()
    }

    /// Messages that come until `end`.
    fn messages_until(&self, end: Instant) -> Vec<Vec<String>> {
        let mut messages = Vec::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.socket.set_read_timeout(Some(left)).expect("a socket takes a time-out");
            let mut bytes = [0; 4096];
            if let Ok(count) = self.socket.recv(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                messages.push(text.lines().map(str::to_owned).collect());
            }
        }
        self.socket.set_read_timeout(Some(PATIENCE)).expect("a socket takes a time-out");
        messages
    }
}

/// A configuration in a file, which a signal has the program read again.
fn with_file(directory: &Path, text: &str) -> Start {
    write_file(&directory.join("mecd.toml"), text);
    Start::with_data(directory).args(["--config", "mecd.toml"])
}

const FILE: &str = "[listen]\nmec = \"127.0.0.1:0\"\n";

fn monotonic_us() -> u128 {
    let time = Duration::try_from(clock_gettime(ClockId::Monotonic));
    time.expect("it shows no time before its start").as_micros()
}

/// From the first start to the end, everything that a manager is told.
fn live(manager: &Manager, directory: &Path) {
    let server = manager.start(with_file(directory, FILE)).serve();
    let serving = format!("STATUS=Serving mec on {}", server.address());
    assert_eq!(manager.message(), ["STATUS=Opening the data directory"]);
    assert_eq!(manager.message(), ["READY=1", &serving]);

    let before = monotonic_us();
    server.signal(Signal::HUP);
    let reloading = manager.message();
    assert_eq!(reloading.len(), 3, "{reloading:?}");
    assert_eq!(reloading[0], "RELOADING=1");
    let us = reloading[1].strip_prefix("MONOTONIC_USEC=").and_then(|us| us.parse::<u128>().ok());
    let us = us.unwrap_or_else(|| panic!("{reloading:?}"));
    assert!((before..=monotonic_us()).contains(&us), "{us}, and it was {before} before");
    assert!(reloading[2].starts_with("STATUS="), "{reloading:?}");
    assert_eq!(manager.message(), ["READY=1", &serving]);

    write_file(&directory.join("mecd.toml"), "[listen]\nmec = 7\n");
    server.signal(Signal::HUP);
    assert_eq!(manager.message()[0], "RELOADING=1");
    let refused = format!("{serving}; the configuration is not changed, the log says why");
    assert_eq!(manager.message(), ["READY=1", &refused]);

    let amy = server.user("amy");
    server.signal(Signal::TERM);
    assert_eq!(manager.message(), ["STOPPING=1", "STATUS=Taking leave of 1 connections"]);
    drop(amy);
    assert_ended(&server.ended());
}

fn assert_ended(ended: &Ended) {
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

#[test]
fn a_manager_at_a_path_hears_of_the_start_each_reload_and_the_stop() {
    let directory = temporary();
    live(&Manager::at_path(directory.path()), directory.path());
}

#[test]
fn a_manager_at_an_abstract_name_hears_of_the_start_each_reload_and_the_stop() {
    let directory = temporary();
    live(&Manager::abstract_of(directory.path()), directory.path());
}

#[test]
fn ready_is_said_when_clients_are_already_served() {
    let directory = temporary();
    let manager = Manager::at_path(directory.path());
    let server = manager.start(Start::in_dir(directory.path())).serve();
    manager.message();
    let ready = manager.message();
    let address = ready[1].rsplit(' ').next().and_then(|address| address.parse().ok());
    Client::connect(address.unwrap_or_else(|| panic!("{ready:?}"))).log_in("amy");
    server.stop();
}

#[test]
fn a_start_that_fails_is_never_ready() {
    let directory = temporary();
    let manager = Manager::at_path(directory.path());
    let first = Start::in_dir(directory.path()).serve();
    let second = manager.start(Start::in_dir(directory.path())).run();
    assert_eq!(second.status.code(), Some(1));
    let said = manager.messages_until(Instant::now() + Duration::from_millis(100));
    assert_eq!(said, [["STATUS=Opening the data directory"]]);
    first.stop();
}

/// The program as a manager starts it that wants to hear from it every so often: the process is named, as it is then.
fn watched(directory: &Path, manager: &Manager, microseconds: &str) -> Server {
    let start = Start::script("WATCHDOG_PID=$$ exec \"$@\"", directory);
    let start = start.args(["--data-dir", "data", "--listen", "mec=127.0.0.1:0"]);
    manager.start(start.env("WATCHDOG_USEC", microseconds)).serve()
}

#[test]
fn a_watchdog_hears_from_a_server_that_goes_round_and_not_from_one_that_hangs() {
    let directory = temporary();
    let manager = Manager::at_path(directory.path());
    let server = watched(directory.path(), &manager, "800000");
    assert_eq!(manager.message()[0], "STATUS=Opening the data directory");
    assert_eq!(manager.message()[0], "READY=1");
    let mut last = Instant::now();
    for _ in 0..6 {
        assert_eq!(manager.message(), ["WATCHDOG=1"]);
        let gap = last.elapsed();
        last = Instant::now();
        // Every 400 ms; a busy machine may be late, but a watchdog of that time would not bite.
        assert!(gap > Duration::from_millis(200), "so soon: {gap:?}");
    }
    server.signal(Signal::STOP);
    std::thread::sleep(Duration::from_millis(100));
    manager.messages_until(Instant::now() + Duration::from_millis(100));
    let silent = manager.messages_until(Instant::now() + Duration::from_secs(2));
    server.signal(Signal::CONT);
    assert_eq!(silent, Vec::<Vec<String>>::new());
    assert_eq!(manager.message(), ["WATCHDOG=1"]);
    server.stop();
}

#[test]
fn a_watchdog_makes_the_loop_wake_as_often_as_it_asks_and_without_one_it_sleeps() {
    let directory = temporary();
    let manager = Manager::at_path(directory.path());
    let sleeps = |server: &Server| server.can_sleep_for(Duration::from_secs(2));
    let server = manager.start(Start::in_dir(directory.path())).serve();
    assert!(sleeps(&server), "a manager alone is no reason to wake up");
    server.stop();
    let start = Start::in_dir(directory.path()).env("WATCHDOG_USEC", "200000");
    let server = start.env("WATCHDOG_PID", "1").serve();
    assert!(sleeps(&server), "the watchdog is another's, and nobody can be told");
    server.stop();
    let other = manager.start(Start::in_dir(directory.path())).env("WATCHDOG_USEC", "200000");
    let server = other.env("WATCHDOG_PID", "1").serve();
    assert!(sleeps(&server), "the watchdog is another's");
    server.stop();

    let server = watched(directory.path(), &manager, "1000000");
    // A manager that has read everything, so that nothing is said twice.
    manager.messages_until(Instant::now() + Duration::from_millis(100));
    let before = server.status_number("voluntary_ctxt_switches");
    std::thread::sleep(Duration::from_secs(5));
    let wakes = server.status_number("voluntary_ctxt_switches") - before;
    assert!((5..=11).contains(&wakes), "{wakes} times in 5 s, to be told of every half second");
    server.stop();
}

#[test]
fn a_manager_that_reads_nothing_or_is_not_there_holds_nobody_up() {
    let directory = temporary();
    let manager = Manager::at_path(directory.path());
    let server = manager.start(with_file(directory.path(), FILE)).serve();
    let mut amy = server.user("amy");
    // More than the queue of a socket takes.
    for _ in 0..50 {
        server.signal(Signal::HUP);
        amy.expect("#createroom attic", "@status 0");
        amy.expect("#rmroom attic", "@status 0");
    }
    drop(amy);
    server.stop();
    let nobody = Start::in_dir(directory.path()).env("NOTIFY_SOCKET", "/nowhere/notify");
    let server = nobody.serve();
    server.wait_for_log("the service manager cannot be told anything");
    server.user("amy").expect("#quit", "@status 0");
    server.stop();
}

// The unit.

/// A copy of the unit whose program is there, which is what `verify` looks for.
fn unit(directory: &Path) -> std::path::PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let unit = std::fs::read_to_string(root.join("config/mecd.service")).expect("there is a unit");
    assert!(unit.contains("ExecStart=/usr/bin/mecd "), "{unit}");
    let copy = directory.join("mecd.service");
    write_file(&copy, &unit.replace("/usr/bin/mecd", env!("CARGO_BIN_EXE_mecd")));
    copy
}

fn analyze(words: &[&str], unit: &Path) -> Output {
    let mut command = Command::new("systemd-analyze");
    let output = command.args(words).arg(unit).output();
    output.expect("systemd-analyze is there, of the package systemd")
}

#[test]
#[ignore = "needs systemd-analyze"]
fn systemd_finds_no_fault_with_the_unit() {
    let directory = temporary();
    let output = analyze(&["verify", "--man=no"], &unit(directory.path()));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("mecd")).collect();
    assert!(output.status.success() && ours.is_empty(), "{said}");
}

#[test]
#[ignore = "needs systemd-analyze"]
fn systemd_finds_the_unit_closed_to_all_that_a_chat_server_can_do_without() {
    let directory = temporary();
    // In tenths: what is left is the network itself, the host's files, and the socket of the manager.
    let words = ["security", "--offline=true", "--no-pager", "--threshold=12"];
    let output = analyze(&words, &unit(directory.path()));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let score = said.lines().last().unwrap_or_default();
    println!("{score}");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
