//! Bounds of what is kept for accounts, which take more lines than a transcript can have: each at its number and at one
//! more.

#![allow(clippy::unwrap_used, reason = "a test ends where its world does not answer")]

mod common;

use common::framing::Speech;
use common::memory::{Manner, Memory};
use common::play::World;
use mecd::limits::{MEMBERS_PER_ROOM_MAX, MEMBERSHIPS_PER_ACCOUNT_MAX};

fn memory(set: &[(&str, &str)]) -> Memory {
    let mut world = Memory::new(Manner::Plain);
    let owned = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
    world.start(&set.iter().map(owned).collect::<Vec<_>>()).unwrap();
    world
}

/// Sends an object, and gives the first that comes.
fn ask(world: &mut dyn World, who: &str, object: &str) -> String {
    if !world.is_connected(who) {
        world.connect(who, Speech::Json).unwrap();
    }
    world.send(who, format!("{object}\n").as_bytes()).unwrap();
    world.unit(who).unwrap()
}

fn enrol(world: &mut dyn World, who: &str, command: &str, name: &str) {
    let object =
        format!("{{\"Command\":\"{command}\",\"Username\":\"{name}\",\"Password\":\"pw\"}}");
    assert_eq!(ask(world, who, &object), format!("{{\"Command\":\"ok\",\"Re\":\"{command}\"}}"));
}

fn invite(world: &mut dyn World, who: &str, user: &str, group: &str) -> String {
    let object = format!("{{\"Command\":\"invite\",\"User\":\"{user}\",\"Group\":\"{group}\"}}");
    let answer = ask(world, who, &object);
    let error = answer.split_once("\"Error\":\"").and_then(|(_, rest)| rest.split_once('"'));
    error.map_or_else(|| "ok".to_owned(), |(error, _)| error.to_owned())
}

#[test]
fn an_account_belongs_to_as_many_rooms_as_it_may_and_stands_in_all_of_them_when_it_logs_in() {
    let mut world = memory(&[("limits.lines_per_second", "0")]);
    enrol(&mut world, "amy", "register", "amy");
    enrol(&mut world, "bob", "register", "bob");
    for n in 0..MEMBERSHIPS_PER_ACCOUNT_MAX {
        assert_eq!(invite(&mut world, "amy", "amy", &format!("room{n}")), "ok");
    }
    assert_eq!(invite(&mut world, "amy", "amy", "one more"), "full");
    let joined = ask(&mut world, "amy", "{\"Command\":\"join\",\"Group\":\"Home\"}");
    assert!(joined.contains("\"full\""), "{joined}");
    assert_eq!(invite(&mut world, "bob", "amy", "bobs"), "full");
    assert_eq!(invite(&mut world, "bob", "bob", "bobs"), "ok", "nothing was made of it");
    assert_eq!(invite(&mut world, "bob", "amy", "bobs"), "full");
    world.quiet().unwrap();
    world.kill().unwrap();
    world.start(&[]).unwrap();
    enrol(&mut world, "amy", "login", "amy");
    let rooms = world.quiet();
    rooms.unwrap();
    let left = ask(&mut world, "amy", "{\"Command\":\"leave\",\"Group\":\"room7\"}");
    assert_eq!(left, "{\"Command\":\"ok\",\"Re\":\"leave\"}");
    assert_eq!(invite(&mut world, "amy", "amy", "one more"), "ok");
    world.finish().unwrap();
}

#[test]
fn the_stories_of_more_rooms_than_are_told_at_once_all_come_before_the_next_answer() {
    let mut world = memory(&[("limits.lines_per_second", "0"), ("server.name", "pi")]);
    enrol(&mut world, "amy", "register", "amy");
    for n in 0..MEMBERSHIPS_PER_ACCOUNT_MAX {
        assert_eq!(invite(&mut world, "amy", "amy", &format!("room{n}")), "ok");
        for _ in 0..5 {
            let said = format!("{{\"Command\":\"msg\",\"Type\":\"room{n}\",\"Message\":\"x\"}}");
            assert!(ask(&mut world, "amy", &said).contains("\"ok\""));
        }
    }
    let login = "{\"Command\":\"login\",\"Username\":\"amy\",\"Password\":\"pw\",\"Since\":1}\n\
                 {\"Command\":\"ping\"}\n";
    world.send("amy", login.as_bytes()).unwrap();
    assert_eq!(world.unit("amy").unwrap(), "{\"Command\":\"ok\",\"Re\":\"login\"}");
    for n in 0..MEMBERSHIPS_PER_ACCOUNT_MAX {
        let story = world.unit("amy").unwrap();
        let head = format!("{{\"Command\":\"history\",\"Group\":\"room{n}\",\"Messages\":[");
        assert!(story.starts_with(&head), "{story}");
        assert_eq!(story.matches("\"Message\":\"x\"").count(), 5);
    }
    assert_eq!(world.unit("amy").unwrap(), "{\"Command\":\"ping\"}");
    world.finish().unwrap();
}

#[test]
fn a_room_has_as_many_members_as_it_may() {
    let mut world = memory(&[("limits.lines_per_second", "0"), ("limits.accounts", "2000")]);
    enrol(&mut world, "amy", "register", "amy");
    assert_eq!(invite(&mut world, "amy", "amy", "hall"), "ok");
    for n in 1..MEMBERS_PER_ROOM_MAX {
        let name = format!("user{n}");
        enrol(&mut world, "mob", "register", &name);
        // Whoever was invited before is not online any more.
        let before = if n > 1 { format!("user{}", n - 1) } else { continue };
        assert_eq!(invite(&mut world, "amy", &before, "hall"), "ok");
    }
    let last = format!("user{}", MEMBERS_PER_ROOM_MAX - 1);
    enrol(&mut world, "mob", "register", "outsider");
    assert_eq!(invite(&mut world, "amy", &last, "hall"), "ok");
    assert_eq!(invite(&mut world, "amy", "outsider", "hall"), "full");
    world.finish().unwrap();
}
