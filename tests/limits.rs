//! Bounds that a transcript cannot tell, because they take thousands of lines, or somebody who does not read.
//!
//! Each is met at its number and at one more; what happens at it stands in the name of the test.

#![allow(clippy::unwrap_used, reason = "a test ends where its world does not answer")]

mod common;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use common::framing::Speech;
use common::memory::{Manner, Memory};
use common::play::World;
use common::program::Program;
use mecd::limits::{
    ATTEMPTS_WAITING_MAX, BANS_PER_ROOM_MAX, BODY_BYTES_MAX, STORAGE_BYTES_MIN, SWEEP_ITEMS_MAX,
};

fn options(options: &[(&str, &str)]) -> Vec<(String, String)> {
    options.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn memory(set: &[(&str, &str)]) -> Memory {
    let mut world = Memory::new(Manner::Plain);
    world.start(&options(set)).unwrap();
    world
}

fn program(set: &[(&str, &str)]) -> Program {
    let mut world = Program::new(&BTreeSet::new());
    world.start(&options(set)).unwrap();
    world
}

/// Sends a line and expects these lines next.
#[track_caller]
fn ask(world: &mut dyn World, who: &str, line: &str, answers: &[&str]) {
    if !world.is_connected(who) {
        world.connect(who, Speech::Mec).unwrap();
    }
    world.send(who, format!("{line}\r\n").as_bytes()).unwrap();
    hear(world, who, answers);
}

#[track_caller]
fn hear(world: &mut dyn World, who: &str, lines: &[&str]) {
    for line in lines {
        assert_eq!(world.unit(who).as_deref(), Ok(*line), "{who}");
    }
}

/// The last line of a body, or of a list, and its number of lines.
#[track_caller]
fn list(world: &mut dyn World, who: &str, command: &str) -> Vec<String> {
    world.send(who, format!("{command}\r\n").as_bytes()).unwrap();
    let head = world.unit(who).unwrap();
    let count = head.strip_prefix(&format!("@ret {command} ")).expect(&head).parse().unwrap();
    (0..count).map(|_| world.unit(who).unwrap()).collect()
}

#[test]
fn one_kick_more_than_a_room_remembers_is_refused_and_moves_nobody() {
    let mut world = memory(&[("limits.connections_per_address", "0")]);
    ask(&mut world, "bob", "#login anon bob", &["@status 0"]);
    ask(&mut world, "bob", "#createroom lab", &["@status 0"]);
    ask(&mut world, "bob", "#changeroom lab", &["@status 0"]);
    for n in 0..=BANS_PER_ROOM_MAX {
        let who = format!("user{n}");
        ask(&mut world, &who, &format!("#login anon {who}"), &["@status 0"]);
        ask(&mut world, &who, "#changeroom lab", &["@status 0"]);
        let answer = if n < BANS_PER_ROOM_MAX { "@status 0" } else { "@status -2" };
        ask(&mut world, "bob", &format!("#kick {who}"), &[answer]);
        if n < BANS_PER_ROOM_MAX {
            assert!(world.unit(&who).unwrap().starts_with("@mess #warning \""));
        }
    }
    let last = format!("user{BANS_PER_ROOM_MAX}");
    ask(&mut world, &last, "#whoami", &[&format!("@ret #whoami {last} lab 2 - 0")]);
    world.finish().unwrap();
}

#[test]
fn a_lower_limit_of_silence_holds_for_who_is_there_already() {
    let mut world = memory(&[("limits.idle_seconds", "3600")]);
    ask(&mut world, "bob", "#login anon bob", &["@status 0"]);
    ask(&mut world, "amy", "#login anon amy", &["@status 0"]);
    world.wait(Duration::from_secs(10)).unwrap();
    ask(&mut world, "amy", "#whoami", &["@ret #whoami amy Home 2 - 0"]);
    world.configure(&options(&[("limits.idle_seconds", "60")])).unwrap();
    world.wait(Duration::from_millis(49_999)).unwrap();
    world.quiet().unwrap();
    world.wait(Duration::from_millis(1)).unwrap();
    assert!(world.unit("bob").unwrap().starts_with("@mess #warning \""));
    world.end_of("bob").unwrap();
    world.quiet().unwrap();
    // Who has been silent for longer than that is closed at once.
    world.wait(Duration::from_secs(5)).unwrap();
    world.configure(&options(&[("limits.idle_seconds", "55")])).unwrap();
    assert!(world.unit("amy").unwrap().starts_with("@mess #warning \""));
    world.end_of("amy").unwrap();
    world.finish().unwrap();
}

#[test]
fn a_limit_of_silence_that_comes_while_somebody_is_there_holds_whatever_else_is_due() {
    let mut world = memory(&[]);
    world.connect("bob", Speech::Json).unwrap();
    let object = r#"{"Command":"register","Username":"bob","Password":"pw"}"#;
    world.send("bob", format!("{object}\n").as_bytes()).unwrap();
    world.unit("bob").unwrap();
    world.configure(&options(&[("limits.idle_seconds", "7")])).unwrap();
    world.wait(Duration::from_millis(6999)).unwrap();
    world.quiet().unwrap();
    world.wait(Duration::from_millis(1)).unwrap();
    world.unit("bob").unwrap();
    world.end_of("bob").unwrap();
    world.finish().unwrap();
}

/// What is remembered of a room, as `#history` gives it, without the times and the quotes.
fn remembered(world: &mut dyn World, who: &str) -> Vec<String> {
    let rows = list(world, who, "#history").into_iter();
    rows.map(|row| row.split_once(' ').expect("a time stands first").1.replace('"', "")).collect()
}

fn say(world: &mut dyn World, texts: &[&str]) {
    for text in texts {
        let heard = format!("@mess #broadcast bob \"{text}\"");
        ask(world, "bob", &format!("#broadcast {text}"), &[&heard]);
    }
}

/// Somebody who talks, on a server that has just been started.
fn talker(world: &mut Memory, set: &[(&str, &str)]) {
    world.start(&options(set)).unwrap();
    ask(world, "bob", "#login anon bob", &["@status 0"]);
}

/// Lowers the limit from 50 lines and 32 KiB to each of these, and restarts the server with it.
#[track_caller]
fn lower_history(option: &str, texts: &[&str], limits: &[(&str, &[&str])]) {
    let mut world = Memory::new(Manner::Plain);
    talker(&mut world, &[]);
    let (last, written) = texts.split_last().unwrap();
    say(&mut world, written);
    world.wait(Duration::from_secs(5)).unwrap();
    say(&mut world, &[last]);
    for (limit, kept) in limits {
        let kept: Vec<String> = kept.iter().map(|text| format!("bob {text}")).collect();
        world.configure(&options(&[(option, limit)])).unwrap();
        assert_eq!(remembered(&mut world, "bob"), kept, "{option} {limit}");
        world.wait(Duration::from_secs(5)).unwrap();
        world.kill().unwrap();
        talker(&mut world, &[(option, limit)]);
        assert_eq!(remembered(&mut world, "bob"), kept, "{option} {limit} after a restart");
    }
    world.finish().unwrap();
}

#[test]
fn a_lower_limit_of_history_leaves_the_newest_of_what_is_there_and_a_restart_agrees() {
    let texts = ["a", "b", "c", "d", "e"];
    lower_history(
        "rooms.history_lines",
        &texts,
        &[("3", &["c", "d", "e"]), ("1", &["e"]), ("0", &[])],
    );
    let texts = texts.map(|text| text.repeat(800));
    let texts = texts.each_ref().map(String::as_str);
    lower_history("rooms.history_bytes", &texts, &[("3200", &texts[1..]), ("3199", &texts[2..])]);
}

#[test]
fn what_a_lower_limit_of_history_drops_before_it_is_written_is_never_written() {
    let mut world = Memory::new(Manner::Plain);
    talker(&mut world, &[]);
    say(&mut world, &["a", "b"]);
    world.configure(&options(&[("rooms.history_lines", "1")])).unwrap();
    world.wait(Duration::from_secs(5)).unwrap();
    world.kill().unwrap();
    talker(&mut world, &[]);
    assert_eq!(remembered(&mut world, "bob"), ["bob b"]);
    world.finish().unwrap();
}

#[test]
fn one_attempt_more_than_may_wait_is_refused_at_once() {
    let mut world = memory(&[
        ("limits.wrong_passwords", "1"),
        ("limits.connections", "10000"),
        ("limits.connections_per_address", "0"),
    ]);
    ask(&mut world, "eve", "#login anon eve", &["@status 0"]);
    ask(&mut world, "eve", "#createlogin amy pw Amy amy@example.org", &["@status 0"]);
    ask(&mut world, "first", "#login regd amy wrong", &["@status 3002"]);
    for n in 0..ATTEMPTS_WAITING_MAX {
        ask(&mut world, &format!("user{n}"), "#login regd amy pw", &[]);
    }
    assert!(world.is_waiting("user0").is_err(), "first was closed, and nothing else was said");
    ask(&mut world, "eve", "#whoami", &["@ret #whoami eve Home 1 - 0"]);
    ask(&mut world, "last", "#login regd amy pw", &["@status -2"]);
    ask(&mut world, "last", "#login anon last", &["@status 0"]);
}

#[test]
fn a_body_of_more_bytes_than_are_kept_is_read_to_its_end_and_refused() {
    let mut world = program(&[("limits.message_lines", "1000"), ("limits.lines_per_second", "0")]);
    ask(&mut world, "bob", "#login anon bob", &["@status 0"]);
    ask(&mut world, "bob", "#creategroup news \"\" anon", &["@status 0"]);
    ask(&mut world, "bob", "#joingroup news", &["@status 0"]);
    // Bytes that are no UTF-8 grow to three each, so that a thousand lines can be more than is kept.
    let line = [vec![0x80; 990], b"\r\n".to_vec()].concat();
    let bytes = 3 * 990 + 1;
    let most = BODY_BYTES_MAX / bytes;
    for (parts, answer) in [(most, "@status 0"), (most + 1, "@status -2")] {
        ask(&mut world, "bob", &format!("#postmessage large 0 {parts}"), &[]);
        world.send("bob", &line.repeat(parts)).unwrap();
        hear(&mut world, "bob", &[answer]);
    }
    ask(&mut world, "bob", "#getmessage 1", &[]);
    let head = world.unit("bob").unwrap();
    assert!(head.starts_with(&format!("@ret #getmessage large {most} 1 0 0 ")), "{head}");
    let text = "\u{fffd}".repeat(990);
    for _ in 0..most {
        hear(&mut world, "bob", &[&text]);
    }
    world.finish().unwrap();
}

#[test]
fn a_long_list_is_given_whole_and_what_others_say_comes_before_or_behind_it() {
    let mut world = program(&[("limits.lines_per_second", "0"), ("limits.rooms", "3000")]);
    ask(&mut world, "bob", "#login anon bob", &["@status 0"]);
    ask(&mut world, "amy", "#login anon amy", &["@status 0"]);
    let rooms = 3000;
    let lines: String = (0..rooms).map(|n| format!("#createroom room{n}\r\n")).collect();
    world.send("bob", lines.as_bytes()).unwrap();
    for _ in 0..rooms {
        hear(&mut world, "bob", &["@status 0"]);
    }
    ask(&mut world, "bob", "#createroom more", &["@status -2"]);

    // Bob asks, and does not read before amy has spoken.
    world.send("bob", b"#listrooms\r\n#whoami\r\n").unwrap();
    for n in 0..10 {
        let said = format!("@mess #broadcast amy \"{n}\"");
        ask(&mut world, "amy", &format!("#broadcast {n}"), &[&said]);
    }
    let mut said = 0;
    let mut line = world.unit("bob").unwrap();
    while line == format!("@mess #broadcast amy \"{said}\"") {
        said += 1;
        line = world.unit("bob").unwrap();
    }
    assert_eq!(line, format!("@ret #listrooms {}", rooms + 1));
    hear(&mut world, "bob", &["Home - 2 0 pub anon"]);
    for n in 0..rooms {
        let row = world.unit("bob").unwrap();
        assert!(row.starts_with(&format!("room{n} bob 0 ")), "{row}");
    }
    // The answer to the next line, and what else was said, in the order in which it was said.
    let mut rest: Vec<String> =
        (said..10).map(|n| format!("@mess #broadcast amy \"{n}\"")).collect();
    for _ in 0..=rest.len() {
        let line = world.unit("bob").unwrap();
        if line != "@ret #whoami bob Home 2 - 0" {
            assert_eq!(line, rest.remove(0));
        }
    }
    world.finish().unwrap();
}

#[test]
fn a_reader_that_is_too_slow_is_dropped_and_nobody_else_notices() {
    let mut world =
        program(&[("limits.send_queue_bytes", "4096"), ("limits.lines_per_second", "0")]);
    ask(&mut world, "bob", "#login anon bob", &["@status 0"]);
    ask(&mut world, "amy", "#login anon amy", &["@status 0"]);
    ask(&mut world, "cat", "#login anon cat", &["@status 0"]);
    let text = "x".repeat(900);
    let said = format!("@mess #broadcast bob \"{text}\"");
    // More than the kernel keeps for a socket, by far: amy reads none of it.
    let mut rounds = 0;
    while list(&mut world, "bob", "#listusers").len() == 3 {
        rounds += 1;
        assert!(rounds < 1000, "amy is still there");
        for _ in 0..50 {
            ask(&mut world, "bob", &format!("#broadcast {text}"), &[&said]);
        }
        for _ in 0..50 {
            hear(&mut world, "cat", &[&said]);
        }
    }
    assert_eq!(list(&mut world, "bob", "#listusers"), ["bob anon", "cat anon"]);
    ask(&mut world, "dan", "#login anon amy", &["@status 0"]);
    world.quiet().unwrap_err();
}

/// How often amy is answered 0 before a command of hers is refused for want of room.
fn taken(world: &mut dyn World, command: &str) -> usize {
    for taken in 0..20_000 {
        world.send("amy", format!("{command}\r\n").as_bytes()).unwrap();
        match world.unit("amy").unwrap().as_str() {
            "@status 0" => {}
            "@status -2" => return taken,
            other => panic!("{command}: {other}"),
        }
    }
    panic!("{command} is never refused");
}

#[test]
fn a_full_store_refuses_what_is_new_and_takes_what_makes_room_and_the_chat_goes_on() {
    let least = STORAGE_BYTES_MIN.to_string();
    let mut world = program(&[
        ("limits.lines_per_second", "0"),
        ("limits.message_lines", "1000"),
        ("storage.bytes_max", &least),
    ]);
    ask(&mut world, "bob", "#login anon bob", &["@status 0"]);
    ask(&mut world, "bob", "#createlogin amy pw Amy amy@example.org", &["@status 0"]);
    ask(&mut world, "amy", "#login regd amy pw", &["@status 0"]);
    ask(&mut world, "amy", "#createroom lab", &["@status 0"]);
    ask(&mut world, "amy", "#creategroup news \"\" anon", &["@status 0"]);
    ask(&mut world, "amy", "#joingroup news", &["@status 0"]);
    let body = format!("{}\r\n", "x".repeat(990)).repeat(1000);
    let mut posted = 0;
    loop {
        ask(&mut world, "amy", "#postmessage large 0 1000", &[]);
        world.send("amy", body.as_bytes()).unwrap();
        match world.unit("amy").unwrap().as_str() {
            "@status 0" => posted += 1,
            "@status -2" => break,
            other => panic!("{other}"),
        }
        assert!(posted < 18, "more was taken than there is room for");
    }
    assert!(posted > 0, "something was taken");
    assert_eq!(list(&mut world, "amy", "#listmessages").len(), posted);

    // What is small may still fit into the last piece; what is smallest uses up the rest of it.
    let small = taken(&mut world, "#postmessage small 0 0");
    taken(&mut world, "#changepass pw pw");
    for command in [
        "#postmessage small 0 0",
        "#createroom den",
        "#creategroup other",
        "#createlogin cat pw Cat cat@example.org",
        "#changepass pw pw",
    ] {
        ask(&mut world, "amy", command, &["@status -2"]);
    }
    assert_eq!(list(&mut world, "amy", "#listrooms").len(), 2);
    assert_eq!(list(&mut world, "amy", "#listgroups").len(), 1);
    ask(&mut world, "bob", "#broadcast hello", &["@mess #broadcast bob \"hello\""]);
    hear(&mut world, "amy", &["@mess #broadcast bob \"hello\""]);
    ask(&mut world, "bob", "#changeroom lab", &["@status 0"]);
    ask(&mut world, "bob", "#changeroom Home", &["@status 0"]);

    // What makes room is taken, is kept, and makes room.
    for id in 1..=posted {
        ask(&mut world, "amy", &format!("#rmmessage {id}"), &["@status 0"]);
    }
    ask(&mut world, "amy", "#rmroom lab", &["@status 0"]);
    world.kill().unwrap();
    world.start(&options(&[("storage.bytes_max", &least)])).unwrap();
    ask(&mut world, "amy", "#login regd amy pw", &["@status 0"]);
    assert_eq!(list(&mut world, "amy", "#listrooms"), ["Home - 1 0 pub anon"]);
    ask(&mut world, "amy", "#joingroup news", &["@status 0"]);
    assert_eq!(list(&mut world, "amy", "#listmessages").len(), small);
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        world.send("amy", b"#createroom den\r\n").unwrap();
        if world.unit("amy").unwrap() == "@status 0" {
            break;
        }
        assert!(Instant::now() < end, "there is no room again");
        std::thread::sleep(Duration::from_millis(200));
    }
    world.finish().unwrap();
}

#[test]
fn a_sweep_of_as_much_as_one_turn_takes_is_the_only_one_of_its_second() {
    for swept in [SWEEP_ITEMS_MAX, SWEEP_ITEMS_MAX + 1] {
        let most = (SWEEP_ITEMS_MAX + 2).to_string();
        let set = [("limits.messages_per_group", &*most), ("limits.lines_per_second", "0")];
        let mut world = memory(&set);
        ask(&mut world, "bob", "#login anon bob", &["@status 0"]);
        ask(&mut world, "bob", "#creategroup news \"\" anon", &["@status 0"]);
        ask(&mut world, "bob", "#joingroup news", &["@status 0"]);
        for _ in 0..swept {
            ask(&mut world, "bob", "#postmessage n 0 1 10\r\nx", &["@status 0"]);
        }
        world.wait(Duration::from_millis(500)).unwrap();
        ask(&mut world, "bob", "#postmessage n 0 1 10\r\nx", &["@status 0"]);
        world.wait(Duration::from_millis(9500)).unwrap();
        ask(&mut world, "bob", &format!("#getmessage {swept}"), &["@status -3"]);
        world.wait(Duration::from_millis(999)).unwrap();
        let later = format!("#getmessage {}", swept + 1);
        ask(&mut world, "bob", &later, &["@status 3503"]);
        world.wait(Duration::from_millis(1)).unwrap();
        ask(&mut world, "bob", &later, &["@status -3"]);
    }
}
