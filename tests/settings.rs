//! The configuration by the real program: `mecd check` and `mecd config`, and the data directory that the service
//! manager names (spec `program.md`).

#![expect(clippy::unwrap_used, reason = "a test stops where its files cannot be read")]

mod program_support;

use std::path::Path;

use program_support::{Ended, Start, files_below, temporary, write_file};

/// The shipped file: every option with its default.
const SHIPPED: &str = include_str!("../config/mecd.toml");

/// The program with these words, to its end.
fn run(cwd: &Path, words: &[&str]) -> Ended {
    words.iter().fold(Start::bare(cwd), |start, word| start.args([*word])).run()
}

/// What it prints where nothing is wrong.
fn printed(cwd: &Path, words: &[&str]) -> String {
    let ended = run(cwd, words);
    assert_eq!((ended.status.code(), ended.err.as_str()), (Some(0), ""), "{words:?}");
    ended.out
}

/// The options that a configuration shows, with their sections; each has a comment above it.
fn options(text: &str) -> Vec<String> {
    let (mut section, mut options, mut above) = ("", Vec::new(), "");
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.strip_suffix(']').unwrap();
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with("# ")) {
            assert!(above.starts_with("# "), "no comment is above {line}");
            options.push(format!("{section}.{}", name.trim_start_matches('#')));
        }
        above = line;
    }
    options
}

#[test]
fn check_names_every_fault_with_its_file_line_and_key_and_makes_nothing() {
    let dir = temporary();
    let file = dir.path().join("faulty.toml");
    let text = "[limits]\nrooms = \"many\"\nromos = 1\nconnections = 0\n\n[rooms]\nexpire_seconds_other = -1\n\
                \n[listen]\nmec = \"6500\"\n\n[security]\npasswords = \"plain\"\n[toys]\n";
    write_file(&file, text);
    let ended = run(dir.path(), &["check", "--config", "faulty.toml", "--set", "limits.groups=x"]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(ended.out, "");
    let wanted = [
        "faulty.toml:2: limits.rooms: ",
        "faulty.toml:3: limits.romos: ",
        "faulty.toml:4: limits.connections: ",
        "faulty.toml:7: rooms.expire_seconds_other: ",
        "faulty.toml:10: listen.mec: ",
        "faulty.toml:13: security.passwords: ",
        "faulty.toml:14: toys: ",
        "--set limits.groups=x: ",
    ];
    let faults: Vec<&str> = ended.err.lines().collect();
    assert_eq!(faults.len(), wanted.len(), "{}", ended.err);
    for wanted in wanted {
        let fault = faults.iter().find_map(|fault| fault.strip_prefix(wanted));
        assert!(fault.is_some_and(|said| !said.is_empty()), "{wanted} is not in {}", ended.err);
    }
    assert_eq!(files_below(dir.path()), [(file, text.into())], "nothing was made");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no directory either");
}

#[test]
fn check_says_that_there_are_no_faults_and_makes_nothing() {
    let dir = temporary();
    assert_eq!(printed(dir.path(), &["check"]), "no faults\n");
    write_file(&dir.path().join("mecd.toml"), "[server]\ndata_dir = \"chat\"\n");
    assert_eq!(printed(dir.path(), &["check", "--config", "mecd.toml"]), "no faults\n");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was made");
    let ended = run(dir.path(), &["check", "--config", "none.toml"]);
    assert_eq!((ended.status.code(), ended.out.as_str()), (Some(1), ""));
    assert!(ended.err.starts_with("none.toml: "), "{}", ended.err);
}

#[test]
fn config_prints_what_is_in_effect_and_what_it_prints_is_a_configuration() {
    let dir = temporary();
    let text = "[limits]\nrooms = 5\ngroups = 6\n\n[listen]\nmec = \"127.0.0.1:7000\"\n\n\
                [rooms]\nexpire_seconds_other = 0\n";
    write_file(&dir.path().join("mecd.toml"), text);
    let words = [
        ["config", "--config", "mecd.toml"].as_slice(),
        &["--set", "limits.rooms=7", "--set", "server.name=pi", "--data-dir", "the \"data\""],
        &["--listen", "helo=127.0.0.1:1337", "--listen", "helo=[::1]:1337"],
    ];
    let shown = printed(dir.path(), &words.concat());
    for line in [
        "rooms = 7",
        "groups = 6",
        "expire_seconds_other = 0",
        "expire_seconds = 3600",
        "name = \"pi\"",
        "data_dir = \"the \\\"data\\\"\"",
        "key_file = \"the \\\"data\\\"/key\"",
        "helo = [\"127.0.0.1:1337\", \"[::1]:1337\"]",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in {shown}");
    }
    assert!(!shown.contains("7000"), "--listen replaces what the file says: {shown}");
    assert_eq!(options(&shown), options(SHIPPED), "every option is there");

    write_file(&dir.path().join("shown.toml"), &shown);
    assert_eq!(printed(dir.path(), &["check", "--config", "shown.toml"]), "no faults\n");
    assert_eq!(printed(dir.path(), &["config", "--config", "shown.toml"]), shown);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing was made");
}

#[test]
fn config_without_a_file_prints_a_configuration_too() {
    let dir = temporary();
    let shown = printed(dir.path(), &["config"]);
    assert!(shown.lines().any(|line| line == "data_dir = \"./mecd-data\""), "{shown}");
    assert_eq!(options(&shown), options(SHIPPED));
    write_file(&dir.path().join("shown.toml"), &shown);
    assert_eq!(printed(dir.path(), &["check", "--config", "shown.toml"]), "no faults\n");
    assert_eq!(printed(dir.path(), &["config", "--config", "shown.toml"]), shown);
}

#[test]
fn the_data_lie_in_the_first_state_directory_unless_another_is_asked_for() {
    let dir = temporary();
    let state = dir.path().join("state");
    let list = format!("{}:{}", state.display(), dir.path().join("second").display());
    let start = || {
        let start = Start::bare(dir.path()).args(["--listen", "mec=127.0.0.1:0"]);
        start.env("STATE_DIRECTORY", &list)
    };
    let server = start().serve();
    let mut amy = server.user("amy");
    amy.expect("#createlogin ann secret Ann ann@example.org", "@status 0");
    drop(amy);
    server.stop();
    assert!(state.join("key").is_file() && state.join("00000001.log").is_file());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else was made");
    let listed = Start::bare(dir.path()).env("STATE_DIRECTORY", &list).args(["account", "list"]);
    assert_eq!(listed.run().out, "ann\tAnn\tann@example.org\n");

    let server = start().serve();
    server.client().expect("#login regd ann secret", "@status 0");
    let other = start().args(["--data-dir", "data"]).serve();
    other.client().expect("#login regd ann secret", "@status 3001");
    assert!(dir.path().join("data/key").is_file());
    let set = start().set("server.data_dir=\"third\"").serve();
    set.client().expect("#login regd ann secret", "@status 3001");
    assert!(dir.path().join("third/key").is_file());
    let shown = Start::bare(dir.path()).env("STATE_DIRECTORY", &list).args(["config"]).run().out;
    let line = format!("data_dir = \"{}\"", state.display());
    assert!(shown.lines().any(|shown| shown == line), "{line} is not in {shown}");
}
