//! Conversations that a person can read, held with the server in memory and with the real program over TCP.
//!
//! Every file of `tests/transcripts` has three tests: in memory, in memory with the log compacted all the time, and
//! against the program. How a file is written is told in `tests/common/script.rs`.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::memory::{Manner, Memory};
use common::play::play;
use common::program::Program;
use common::script::{Script, WorldKind};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

/// The conversation whose test is called `test`.
fn script(test: &str) -> Script {
    let name = test.replace('_', "-");
    let file = folder().join(format!("{name}.talk"));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    Script::parse(&name, &text)
}

fn in_memory(test: &str, manner: Manner) {
    let script = script(test);
    if script.only != Some(WorldKind::Program) {
        play(&script, &mut Memory::new(manner));
    }
}

fn with_the_program(test: &str) {
    let script = script(test);
    if script.only != Some(WorldKind::Memory) {
        play(&script, &mut Program::new(&script.speeches()));
    }
}

macro_rules! transcripts {
    ($($test:ident)*) => {
        const TESTED: &[&str] = &[$(stringify!($test)),*];

        mod in_memory {
            $(#[test] fn $test() {
                super::in_memory(stringify!($test), super::Manner::Plain);
            })*
        }

        mod in_memory_compacted {
            $(#[test] fn $test() {
                super::in_memory(stringify!($test), super::Manner::Compacted);
            })*
        }

        mod with_the_program {
            $(#[test] fn $test() {
                super::with_the_program(stringify!($test));
            })*
        }
    };
}

transcripts! {
    argon2id
    broadcast
    challenge
    challenge_time
    changepass
    changeroom
    clock
    connections
    creategroup
    createlogin
    createroom
    expired
    expiry
    expiry_kill
    getmessage
    hello
    help
    history
    history_bytes
    history_kill
    identity
    idle
    joingroup
    kick
    kill
    leavegroup
    limits
    lines
    lines_per_second
    listgroups
    listmessages
    listrooms
    listusers
    login
    login_time
    login_time_exact
    login_time_waiting
    long_times
    names
    password_delay
    peer2peer
    postmessage
    quit
    require_challenge
    restart
    rmgroup
    rmlogin
    rmmessage
    rmroom
    sendto
    several
    status_numbers
    stop
    telnet
    unknown
    whoami
    words
    wrong_passwords
}

#[test]
fn every_transcript_has_its_tests() {
    let entries = fs::read_dir(folder()).unwrap();
    let files: BTreeSet<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".talk").map(|name| name.replace('-', "_")))
        .collect();
    let tested: BTreeSet<String> = TESTED.iter().map(|&test| test.to_owned()).collect();
    assert_eq!(files, tested);
}
