//! An hour on campus: ten people of five dialects in the same rooms, one action a second, seed by seed. After each
//! action everybody has received exactly what the rules say, in the words of their own dialect, and nothing else; and
//! all of it goes on after a `kill -9` in the middle (spec `dialects.md`, "One house").
//!
//! Held with the real program, and in memory, where the server checks itself after each action: then a seed is the
//! whole of a run.

use std::ops::Range;

mod common;
#[path = "campus/intent.rs"]
mod intent;
#[path = "campus/kept.rs"]
mod kept;
#[path = "campus/model.rs"]
mod model;
#[path = "campus/parcel.rs"]
mod parcel;
#[path = "campus/people.rs"]
mod people;
#[path = "campus/storm.rs"]
mod storm;
#[path = "campus/weather.rs"]
mod weather;
#[path = "campus/wire.rs"]
mod wire;

use common::memory::{Manner, Memory};
use common::program::Program;
use model::{Campus, Expected};
use people::{Crowd, Farewell, PEOPLE, Place};
use storm::{Storm, Tally};

/// Seconds of an hour; one action each.
const ACTIONS: u32 = 3600;

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn one_of<'a>(&mut self, names: &'a [String]) -> Option<&'a str> {
        (!names.is_empty()).then(|| names[self.below(names.len())].as_str())
    }
}

/// Carries out what was decided, and sees that everybody hears what they should, and nobody anything else.
fn act(crowd: &mut Crowd, (who, request, expected): (&str, String, Expected)) {
    crowd.send(who, &request);
    crowd.hear(&request, &expected);
    crowd.nothing_else(&request);
}

/// One second of the hour.
fn second(random: &mut Random, campus: &mut Campus, crowd: &mut Crowd, no: u32) {
    let who = PEOPLE[random.below(PEOPLE.len())].0;
    let text = format!("n{no} h\u{e9} {}", random.below(1000));
    let rooms = campus.rooms_of(who);
    match random.below(20) {
        0..=8 => {
            if let Some(room) = random.one_of(&rooms) {
                act(crowd, campus.say(who, room, &text));
            }
        }
        9..=11 => {
            let receiver = PEOPLE[random.below(PEOPLE.len())].0;
            if receiver != who && campus.can_tell(who) {
                act(crowd, campus.tell(who, receiver, &text));
            }
        }
        12..=14 => {
            if let Some(room) = random.one_of(&campus.other_rooms(who)) {
                act(crowd, campus.enter(who, room));
            }
        }
        15 | 16 => {
            if let Some(room) = random.one_of(&rooms)
                && campus.can_leave(who, room)
            {
                act(crowd, campus.leave(who, room));
            }
        }
        17 | 18 => {
            if let Some(room) = random.one_of(&rooms)
                && campus.can_look_back(who)
            {
                act(crowd, campus.look_back(who, room));
            }
        }
        _ => {
            let farewell = if random.below(2) == 0 { Farewell::Said } else { Farewell::Unsaid };
            come_and_go(campus, crowd, who, farewell);
        }
    }
}

/// Somebody leaves the server and comes back.
fn come_and_go(campus: &mut Campus, crowd: &mut Crowd, who: &str, farewell: Farewell) {
    let expected = campus.quit(who);
    crowd.part(who, farewell);
    crowd.hear("a farewell", &expected);
    crowd.nothing_else("a farewell");
    arrive(campus, crowd, who);
}

fn arrive(campus: &mut Campus, crowd: &mut Crowd, who: &str) {
    crowd.connect(who);
    act(crowd, campus.log_in(who));
}

/// Everybody registers who has to, makes a room who likes to, and joins what there is.
fn open_the_campus(campus: &mut Campus, crowd: &mut Crowd) {
    for (who, _) in PEOPLE {
        crowd.connect(who);
        act(crowd, campus.arrive_first(who));
    }
    for (who, room) in [("hel1", "chess"), ("app1", "tea"), ("cri1", "go"), ("tel1", "lab")] {
        act(crowd, campus.make_room(who, room));
    }
}

/// What was said to somebody who is away is there after a kill, and so is everything else but who stood where.
fn kill_in_the_middle(campus: &mut Campus, crowd: &mut Crowd) {
    let expected = campus.quit("jay2");
    crowd.part("jay2", Farewell::Said);
    crowd.hear("jay2 goes", &expected);
    act(crowd, campus.tell_absent("jay1", "jay2", "for later \u{1f600}"));
    crowd.kill();
    campus.forget_who_is_there();
    for (who, _) in PEOPLE {
        arrive(campus, crowd, who);
    }
}

/// So many seconds, with so many kills spread over them.
fn campus_life(crowd: &mut Crowd, seed: u64, seconds: u32, kills: u32) {
    let mut campus = Campus::new();
    let mut random = Random(seed);
    open_the_campus(&mut campus, crowd);
    for no in 0..seconds {
        if no > 0 && no.is_multiple_of(seconds / (kills + 1)) {
            kill_in_the_middle(&mut campus, crowd);
        }
        second(&mut random, &mut campus, crowd, no);
        crowd.pass_a_second();
    }
}

/// In memory: all that arrives in one piece, byte by byte, or with the log compacted every second.
fn seed_in_memory(seed: u64, seconds: u32) {
    let manner = match seed % 3 {
        0 => Manner::Compacted,
        1 => Manner::Split,
        _ => Manner::Plain,
    };
    let mut crowd = Crowd::new(Box::new(Memory::new(manner)), Place::Memory);
    campus_life(&mut crowd, seed, seconds, 3);
    crowd.finish();
}

#[test]
fn ten_people_of_five_dialects_hear_what_they_should_and_nothing_else() {
    let speeches = PEOPLE.iter().map(|(_, speech)| *speech).collect();
    let mut crowd = Crowd::new(Box::new(Program::new(&speeches)), Place::Program);
    campus_life(&mut crowd, 1, ACTIONS, 1);
    crowd.finish();
}

#[test]
fn twelve_minutes_in_memory_are_as_the_rules_say() {
    (0..6).for_each(|seed| seed_in_memory(seed, 120));
}

/// The seeds that were asked for, or these.
fn seeds(unasked: &str) -> Range<u64> {
    let seeds = std::env::var("MECD_SEEDS").unwrap_or_else(|_| unasked.to_owned());
    let (from, to) = seeds.split_once("..").expect("MECD_SEEDS is FROM..TO");
    from.parse().expect("a number")..to.parse().expect("a number")
}

/// As many as one likes:
/// `MECD_SEEDS=FROM..TO cargo test --profile quick --test campus hours -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes; for every change of the main branch"]
fn many_hours_in_memory_are_as_the_rules_say() {
    for seed in seeds("0..10") {
        println!("seed {seed}");
        seed_in_memory(seed, ACTIONS);
    }
}

/// Things that happen in one storm.
const STORM_STEPS: u32 = 200;

/// What a storm came to: of all bytes that were sent and kept, and what has come to pass.
fn storm(seed: u64) -> (u64, Tally) {
    let mut storm = Storm::new(seed);
    storm.blow(STORM_STEPS).unwrap_or_else(|what| panic!("storm {seed}, {what}"));
    (storm.digest.value(), storm.tally)
}

/// Storms, and what has come to pass in all of them.
fn storms(seeds: Range<u64>) -> Tally {
    let mut all = Tally::default();
    for seed in seeds {
        for (what, count) in storm(seed).1.0 {
            *all.0.entry(what).or_default() += count;
        }
    }
    all
}

#[test]
fn in_a_storm_everybody_hears_what_they_should_and_nothing_else() {
    let tally = storms(0..30);
    for what in [
        "cut off",
        "half-closed",
        "read again",
        "dropped",
        "interleaved",
        "parcels",
        "compacted",
        "falls",
        "disk failures",
        "refused mec",
        "refused helo",
        "refused chatapp",
        "refused crimp",
        "refused json",
    ] {
        assert!(tally.0.contains_key(what), "nobody was {what}: {tally:?}");
    }
}

#[test]
fn the_same_storm_is_the_same_to_the_byte() {
    for seed in 1000..1002 {
        assert_eq!(storm(seed), storm(seed), "storm {seed}");
    }
}

/// As many as one likes:
/// `MECD_SEEDS=FROM..TO cargo test --profile quick --test campus storms -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes; for every change of the main branch"]
fn many_storms_are_as_the_rules_say() {
    let seeds = seeds("2000..2500");
    println!("{:?}", storms(seeds));
}
