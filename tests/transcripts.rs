//! Conversations that a person can read, held with the server in memory and with the real program over TCP.
//!
//! Every file of `tests/transcripts` and its folders has six tests: in memory; in memory with the log compacted all
//! the time, with what is sent arriving byte by byte, with what is sent in consecutive steps arriving at once, and with
//! a wall clock that jumps between 2020, 2037 and now in every turn; and against the program. How a file is written is
//! told in `tests/common/script.rs`. A new file needs one word in the list below.

#![expect(clippy::unwrap_used, reason = "a test stops where its files cannot be read")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::memory::{Manner, Memory};
use common::play::play;
use common::program::Program;
use common::script::{Script, WorldKind};

/// The one transcript that says what the wall clock shows.
const ABOUT_THE_WALL_CLOCK: &str = "crimp_retv_time";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

/// Every conversation by the name of its test: `helo/join-group.talk` is `helo_join_group`.
fn files() -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    collect(&folder(), &mut files);
    files
}

fn collect(folder: &Path, files: &mut BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "talk") {
            let test = name(&path).replace(['/', '-'], "_");
            let twice = files.insert(test, path.clone());
            assert_eq!(twice, None, "{path:?} has the test of another");
        }
    }
}

/// A file's path below the folder, as a failure names it.
fn name(path: &Path) -> String {
    let below = path.strip_prefix(folder()).unwrap().with_extension("");
    below.to_str().unwrap().to_owned()
}

/// The conversation whose test is called `test`.
fn script(test: &str) -> Script {
    let files = files();
    let file = files.get(test).unwrap_or_else(|| panic!("no file is {test}"));
    Script::parse(&name(file), &fs::read_to_string(file).unwrap())
}

fn in_memory(test: &str, manner: Manner) {
    let script = script(test);
    let astray = manner == Manner::Astray && test == ABOUT_THE_WALL_CLOCK;
    if script.only != Some(WorldKind::Program) && !astray {
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

        mod in_memory_split {
            $(#[test] fn $test() {
                super::in_memory(stringify!($test), super::Manner::Split);
            })*
        }

        mod in_memory_joined {
            $(#[test] fn $test() {
                super::in_memory(stringify!($test), super::Manner::Joined);
            })*
        }

        mod in_memory_with_the_clock_astray {
            $(#[test] fn $test() {
                super::in_memory(stringify!($test), super::Manner::Astray);
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
    chatapp_chat
    chatapp_closed_rooms
    chatapp_connect
    chatapp_connected
    chatapp_create_room
    chatapp_expiry
    chatapp_frames
    chatapp_full
    chatapp_join
    chatapp_leave
    chatapp_limits
    chatapp_quit
    chatapp_restart
    chatapp_rooms
    chatapp_silence
    clock
    connections
    creategroup
    createlogin
    createroom
    crimp_closed_rooms
    crimp_ctrm
    crimp_ctrm_refused
    crimp_dsct
    crimp_end_of_input
    crimp_framing
    crimp_idle
    crimp_illegal
    crimp_join
    crimp_leav
    crimp_lifetime
    crimp_lines_per_second
    crimp_login_time
    crimp_lsmb
    crimp_lsrm
    crimp_names
    crimp_post
    crimp_post_long
    crimp_retv
    crimp_retv_time
    crimp_several
    crimp_stop
    expired
    expiry
    expiry_kill
    getmessage
    hello
    helo_broadcast
    helo_closed_rooms
    helo_closing
    helo_files
    helo_groups
    helo_heartbeat
    helo_keys
    helo_kick
    helo_limits
    helo_lines
    helo_lists
    helo_login
    helo_pm
    helo_ports
    helo_quit
    helo_strangers
    helo_ten_seconds
    helo_together
    helo_too_fast
    helo_unknown
    help
    history
    history_bytes
    history_kill
    identity
    idle
    joingroup
    json_account_removed
    json_accounts
    json_argon2id
    json_group_time
    json_groups
    json_history
    json_login
    json_login_time
    json_many_letters
    json_memberships
    json_msg
    json_objects
    json_offline
    json_one_house
    json_registration_closed
    json_restart
    json_silence
    json_silence_short
    json_strangers
    json_update
    json_wrong_passwords
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
    never_over
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
fn every_transcript_has_its_tests_and_the_list_is_in_order() {
    let files: Vec<String> = files().into_keys().collect();
    assert_eq!(TESTED, files);
}
