//! The budgets of small boards: each is measured, printed beside the most that it may be, and fails the run when it is
//! over. `docs/boards.md` says what they are for; the rows are those of README.md.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::client::Client;
use crate::counts::callgrind_total;
use crate::process::Process;
use crate::server::{Kind, Server, fresh_directory};
use crate::storage::{ROOMY, post_many};
use crate::table::figure;
use crate::work::{memory, wake_ups};

/// Stored messages, of which each has its share of memory and of the start.
const MESSAGES: usize = 100_000;

/// The longest name of a user, in bytes.
const NAME_BYTES: usize = 30;

/// Posts of one length.
const POSTS: u64 = 1000;

/// A row: what, in which unit, what was measured, the most that it may be.
struct Budget(&'static str, &'static str, f64, f64);

/// What the kernel maps of a file beside what is used of it is its own choice, and not the same everywhere: this row is
/// printed, and fails no run.
const RESIDENT: &str = "memory with nobody connected yet, resident";

/// Measures and prints all of them. Whether all are kept.
#[must_use]
pub fn run() -> bool {
    let [resident, anonymous] = nobody();
    let [message, start] = many_messages();
    let budgets = [
        Budget("program, stripped, the page in it", "bytes", program_bytes(), 1_500_000.0),
        Budget(RESIDENT, "kB", resident, 3072.0),
        Budget("of which is anonymous", "kB", anonymous, 600.0),
        Budget("memory of an idle connection that has logged in", "bytes", connection(), 512.0),
        Budget("memory of a stored message", "bytes", message, 128.0),
        Budget("wake-ups a minute, 1000 idle connections", "", wake_ups_a_minute(), 0.0),
        Budget("written for a post, beyond its text", "bytes", written(), 100.0),
        Budget("start with 100,000 messages ÷ reading and unsealing them once", "", start, 1.5),
    ];
    println!("| what | at most | measured |\n| --- | ---: | ---: |");
    let mut kept = true;
    for Budget(what, unit, measured, most) in budgets {
        let over = if measured > most { " **over**" } else { "" };
        println!("| {what} | {most} {unit} | {}{over} |", figure(measured));
        kept &= measured <= most || what == RESIDENT;
    }
    kept
}

fn program_bytes() -> f64 {
    let program = Kind::Mecd.program().expect("mecd is there");
    fs::metadata(program).expect("it is a file").len() as f64
}

/// Memory of a new server in kB as the kernel counts them (1024 bytes): what is resident, and what of it is anonymous.
fn nobody() -> [f64; 2] {
    let dir = fresh_directory();
    let mut command = Command::new(Kind::Mecd.program().expect("mecd is there"));
    command.args(["--listen", "mec=127.0.0.1:0", "--data-dir"]).arg(dir.join("data"));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = child.expect("mecd can be started");
    let mut said = BufReader::new(child.stdout.take().expect("it is a pipe"));
    said.read_line(&mut String::new()).expect("it says where it listens");
    // It goes to sleep after that.
    std::thread::sleep(Duration::from_millis(200));
    let process = Process { pid: child.id() };
    let memory = [process.resident(), process.memory()].map(|bytes| bytes as f64 / 1024.0);
    child.kill().and_then(|()| child.wait()).expect("it runs until then");
    fs::remove_dir_all(dir).expect("the directory is ours");
    memory
}

fn connection() -> f64 {
    memory(&Server::start(Kind::Mecd), 10_000)
}

fn wake_ups_a_minute() -> f64 {
    60.0 * wake_ups(&Server::start(Kind::Mecd), 1000, Duration::from_secs(20))
}

/// The most bytes that a post costs beyond those of its text, of texts from one byte to several lines, of a person with
/// the longest name and under the longest heading there can be. The clock, which is written once a minute, is in it.
fn written() -> f64 {
    let dir = fresh_directory();
    let server = Server::start_in(Kind::Mecd, &dir, &ROOMY, &[]);
    let mut poster = Client::connect(server.address);
    poster.ask(&format!("#login anon {}\r\n", "u".repeat(NAME_BYTES)), 1);
    poster.ask("#creategroup g \"\" anon\r\n#joingroup g\r\n", 2);
    let heading = "h".repeat(NAME_BYTES);
    let cost = [(1, 1), (64, 1), (900, 1), (900, 10)].map(|(bytes, lines)| {
        let text = format!("{}\r\n", "x".repeat(bytes)).repeat(lines);
        let post = format!("#postmessage {heading} 0 {lines}\r\n{text}");
        let before = server.process().written().0;
        (0..POSTS).for_each(|_| poster.ask(&post, 1));
        let written = server.process().written().0 - before;
        // As it is kept, lines are parted by one byte.
        let length = (bytes * lines + lines - 1) as f64;
        written as f64 / POSTS as f64 - length
    });
    drop(server);
    fs::remove_dir_all(dir).expect("the directory is ours");
    cost.into_iter().fold(0.0, f64::max)
}

/// Bytes of memory for each of many messages, and what a start with them costs beside reading and unsealing them once:
/// instructions, less those of an empty start, with AES in software as on most boards.
fn many_messages() -> [f64; 2] {
    let (full, empty) = (posted(MESSAGES), posted(0));
    let memories = [&full, &empty].map(|dir| {
        let server = Server::start_in(Kind::Mecd, dir, &ROOMY, &[]);
        let memory = server.process().memory();
        server.stop();
        memory as f64
    });
    let starts = [&full, &empty].map(|dir| {
        let (under, out) = callgrind(dir);
        let under: Vec<&str> = under.iter().map(String::as_str).collect();
        Server::start_program(&soft("mecd"), Kind::Mecd, dir, &ROOMY, &under).stop();
        callgrind_total(&out) as f64
    });
    let reads = [&full, &empty].map(|dir| {
        let (under, out) = callgrind(dir);
        let mut command = Command::new(&under[0]);
        command.args(&under[1..]).arg(soft("examples/unseal")).arg(dir.join("data"));
        let done = command.output().expect("valgrind is there");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        callgrind_total(&out) as f64
    });
    for dir in [full, empty] {
        fs::remove_dir_all(dir).expect("the directory is ours");
    }
    let less = |[full, empty]: [f64; 2]| full - empty;
    [less(memories) / MESSAGES as f64, less(starts) / less(reads)]
}

/// A program that was built without instructions for AES.
fn soft(name: &str) -> PathBuf {
    Path::new(&std::env::var_os("SOFT").expect("benches/budgets says where they are")).join(name)
}

fn callgrind(dir: &Path) -> ([String; 4], PathBuf) {
    let out = dir.join("callgrind");
    let to = format!("--callgrind-out-file={}", out.display());
    (["valgrind".into(), "-q".into(), "--tool=callgrind".into(), to], out)
}

/// The directory of a server that has stopped with so many messages.
fn posted(messages: usize) -> PathBuf {
    let dir = fresh_directory();
    let server = Server::start_in(Kind::Mecd, &dir, &ROOMY, &[]);
    let mut poster = Client::log_in(server.address, 0);
    poster.ask("#creategroup g \"\" anon 30000000\r\n#joingroup g\r\n", 2);
    post_many(&mut poster, messages, "");
    drop(poster);
    server.stop();
    dir
}
