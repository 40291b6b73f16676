//! A server in sixteen megabytes of address space, of which the program itself and the C library are a part: every
//! conversation, a thousand connections, ten thousand stored messages, and Argon2id. What it took is printed.
//!
//! Ignored by default because a debug build is a different program: run it with `--release` or `--profile quick`.

mod common;
mod program_support;

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use common::play::play;
use common::program::Program;
use common::script::{Script, WorldKind};
use program_support::{Client, Server, Start, runner, temporary};

/// What `ulimit -v` takes.
const KILOBYTES: u32 = 16 * 1024;

/// What is left out where an emulator, which is larger, would have to live in it.
const WHOLE: &str = "all of it, because the emulator itself needs more address space";

const CONNECTIONS: usize = 1000;
const MESSAGES: usize = 10_000;

/// As long as a message in a group is: the log of all has more than one file.
const TEXT: &str = "It is the business of the future to be dangerous; and it is among the merits of science that it \
                    equips the future for its duties. We shall meet on Tuesday at six, in the small lecture hall, and \
                    whoever has the slides of last week should bring them along, because the projector there takes \
                    nothing but paper. Bring something to write, something to read, and something to eat for the rest.";

const DONE: &str = "@status 0";

// Every conversation.

fn transcripts(folder: &Path, files: &mut VecDeque<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            transcripts(&path, files);
        } else {
            files.push_back(path);
        }
    }
}

#[test]
#[ignore = "wants a release build"]
fn every_conversation_is_held_in_16_megabytes() {
    if runner::cannot_see(WHOLE) {
        return;
    }
    let mut files = VecDeque::new();
    transcripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts"), &mut files);
    let total = files.len();
    let files = Mutex::new(files);
    let next = || files.lock().expect("no thread panics with it").pop_front();
    // Most of the time they wait for time to pass.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(file) = next() {
                    let text = fs::read_to_string(&file).expect("a conversation can be read");
                    let script = Script::parse(&file.display().to_string(), &text);
                    if script.only != Some(WorldKind::Memory) {
                        play(&script, &mut Program::new(&script.speeches()).within(KILOBYTES));
                    }
                }
            });
        }
    });
    assert!(total > 100, "{total} conversations");
}

// Many people and many messages.

fn start(directory: &Path) -> Start {
    let start = Start::script(&format!("ulimit -v {KILOBYTES}; exec \"$@\""), directory);
    let start = start.args(["--data-dir", "data", "--listen", "mec=127.0.0.1:0"]).unhurried();
    start.set("limits.login_seconds=600")
}

#[expect(clippy::print_stdout, reason = "the numbers are what this is for")]
fn report(server: &Server, when: &str) {
    let number = |field| server.status_number(field);
    println!(
        "{when}: {} kB of address space at most, {} kB in memory at most, of which {} kB are not files now",
        number("VmPeak"),
        number("VmHWM"),
        number("RssAnon")
    );
    assert!(number("VmPeak") <= u64::from(KILOBYTES));
}

fn crowd(server: &Server) -> Vec<Client> {
    let mut all: Vec<Client> = (0..CONNECTIONS).map(|_| server.client()).collect();
    for (number, client) in all.iter_mut().enumerate() {
        client.send(&format!("#login anon user{number}"));
    }
    all.iter_mut().for_each(|client| assert_eq!(client.line(), DONE));
    all
}

/// Everybody says something, and everybody hears it.
fn everybody_speaks(all: &mut [Client], rounds: usize) {
    for round in 0..rounds {
        all[round].send("#broadcast \"can everybody hear me\"");
        let heard = format!("@mess #broadcast user{round} \"can everybody hear me\"");
        all.iter_mut().for_each(|client| assert_eq!(client.line(), heard));
    }
}

#[test]
#[ignore = "wants a release build"]
fn a_thousand_connections_and_ten_thousand_messages_fit_in_16_megabytes() {
    if runner::cannot_see(WHOLE) {
        return;
    }
    let directory = temporary();
    let server = start(directory.path()).serve();
    report(&server, "nobody connected");
    let mut all = crowd(&server);
    report(&server, "1000 connections");
    everybody_speaks(&mut all, 20);
    report(&server, "20 broadcasts to all");

    all[0].expect("#creategroup board \"\" anon", DONE);
    for client in &mut all {
        client.expect("#joingroup board", DONE);
    }
    for (batch, client) in all.iter_mut().take(MESSAGES / 100).enumerate() {
        let post = |n| format!("#postmessage \"message {n}\" 0 1\r\n{TEXT}");
        let posts: Vec<String> = (0..100).map(|n| post(100 * batch + n)).collect();
        client.send(&posts.join("\r\n"));
        posts.iter().for_each(|_| assert_eq!(client.line(), DONE));
    }
    report(&server, "10,000 messages posted");
    for client in all.iter_mut().take(10) {
        let rows = client.list("#listmessages");
        assert_eq!(rows.len(), MESSAGES);
    }
    assert!(
        all[7].ask("#getmessage 9999").starts_with("@ret #getmessage \"message 9998\" 1 9999 ")
    );
    assert_eq!(all[7].line(), TEXT);
    report(&server, "the list read ten times");
    drop(all);
    server.stop();

    let server = start(directory.path()).serve();
    report(&server, "started again with all messages");
    let mut all = crowd(&server);
    everybody_speaks(&mut all, 5);
    all[0].expect("#joingroup board", DONE);
    assert_eq!(all[0].list("#listmessages").len(), MESSAGES);
    report(&server, "1000 connections again");
    drop(all);
    server.stop();
}

#[test]
#[ignore = "wants a release build"]
fn argon2id_takes_a_mebibyte_of_them_and_no_more() {
    if runner::cannot_see(WHOLE) {
        return;
    }
    let directory = temporary();
    let start = start(directory.path());
    let server = start.set("security.passwords=\"argon2id\"").serve();
    let before = server.status_number("RssAnon");
    let mut ann = server.user("ann");
    for n in 0..20 {
        ann.expect(&format!("#createlogin amy{n} secret{n} Amy a@b"), DONE);
    }
    let mut all: Vec<Client> = (0..20).map(|_| server.client()).collect();
    for (n, client) in all.iter_mut().enumerate() {
        client.send(&format!("#login regd amy{n} secret{n}"));
    }
    all.iter_mut().for_each(|client| assert_eq!(client.line(), DONE));
    let grown = server.status_number("RssAnon") - before;
    report(&server, "40 times Argon2id");
    assert!(grown < 1500, "{grown} kB more than before");
    server.stop();
}
