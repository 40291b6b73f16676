//! The simulation: the whole server but poll and clock, with a network, a disk and a time that a seed decides, against
//! a model of the protocol written from its page alone.
//!
//! `cargo test --test simulation` runs a few hundred seeds. As many as one likes, on two threads:
//! `MECD_SEEDS=0..100000 cargo test --release --test simulation -- --ignored many_seeds --nocapture`; `MECD_STEPS` says
//! how long each run is. A failure names its seed and the operations that are needed for it.

#![expect(unreachable_pub, reason = "the modules of a test have no outside")]
#![expect(clippy::unwrap_used, reason = "a test stops at its first surprise")]
#![expect(clippy::print_stdout, reason = "whoever runs many seeds wants to see how far they are")]

#[path = "simulation/board.rs"]
mod board;
#[path = "simulation/bodies.rs"]
mod bodies;
#[path = "simulation/compare.rs"]
mod compare;
#[path = "simulation/crash.rs"]
mod crash;
#[path = "simulation/driver.rs"]
mod driver;
#[path = "simulation/expect.rs"]
mod expect;
#[path = "simulation/lines.rs"]
mod lines;
#[path = "simulation/login.rs"]
mod login;
#[path = "simulation/model.rs"]
mod model;
#[path = "common/network.rs"]
mod network;
#[path = "common/opening.rs"]
mod opening;
#[path = "simulation/phrase.rs"]
mod phrase;
#[path = "simulation/plan.rs"]
mod plan;
#[path = "common/random.rs"]
mod random;
#[path = "simulation/replay.rs"]
mod replay;
#[path = "simulation/scenes.rs"]
mod scenes;
#[path = "simulation/shrink.rs"]
mod shrink;
#[path = "simulation/soak.rs"]
mod soak;
#[path = "simulation/talk.rs"]
mod talk;
#[path = "simulation/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use plan::Plan;

/// Operations of a run, unless `MECD_STEPS` says otherwise.
const STEPS: usize = 1000;

fn steps() -> usize {
    let steps = std::env::var("MECD_STEPS").ok();
    steps.map_or(STEPS, |steps| steps.parse().expect("MECD_STEPS is a number"))
}

fn seeds(default: Range<u64>) -> Range<u64> {
    let Ok(seeds) = std::env::var("MECD_SEEDS") else { return default };
    let bounds = seeds.split_once("..").expect("MECD_SEEDS is FROM..TO");
    let number = |text: &str| text.parse().expect("MECD_SEEDS is FROM..TO");
    number(bounds.0)..number(bounds.1)
}

/// Runs seeds on two threads, and stops at the first that fails.
fn run(seeds: Range<u64>) {
    let (next, done, operations, turns) =
        (AtomicU64::new(seeds.start), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let (failed, failure) = (AtomicBool::new(false), Mutex::new(String::new()));
    let (crashes, start, steps) = (AtomicU64::new(0), Instant::now(), steps());
    let say = || {
        println!(
            "{} seeds, {} operations, {} turns, {} crashes in {:.1} s",
            done.load(Ordering::Relaxed),
            operations.load(Ordering::Relaxed),
            turns.load(Ordering::Relaxed),
            crashes.load(Ordering::Relaxed),
            start.elapsed().as_secs_f64(),
        );
    };
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            match shrink::run_seed(seed, steps) {
                Ok(outcome) => {
                    operations.fetch_add(outcome.commands, Ordering::Relaxed);
                    turns.fetch_add(outcome.turns, Ordering::Relaxed);
                    crashes.fetch_add(outcome.crashes, Ordering::Relaxed);
                    if (done.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(1000) {
                        say();
                    }
                }
                Err(what) => {
                    failed.store(true, Ordering::Relaxed);
                    failure.lock().unwrap().push_str(&what);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let thread = std::thread::Builder::new().name("simulation".into());
            thread.spawn_scoped(scope, work).unwrap();
        }
    });
    say();
    let failure = failure.into_inner().unwrap();
    assert!(failure.is_empty(), "{failure}");
}

#[test]
fn a_few_hundred_seeds_agree_with_the_model() {
    run(seeds(0..200));
}

#[test]
#[ignore = "takes a minute; for every change of the main branch"]
fn a_thousand_seeds_agree_with_the_model() {
    run(seeds(1_000_000..1_001_000));
}

#[test]
#[ignore = "takes as long as one likes: MECD_SEEDS=FROM..TO"]
fn many_seeds() {
    run(seeds(0..10_000));
}

/// The table of commands says what each can answer. All of it has to be met, or what the other tests say is worth less.
#[test]
fn every_answer_of_every_command_is_met() {
    let (mut met, mut compacted) = (BTreeSet::new(), 0);
    for seed in 0..600 {
        let outcome = shrink::attempt(&Plan::new(seed, STEPS)).unwrap();
        compacted += usize::from(outcome.files.0 as usize > outcome.files.1);
        met.extend(outcome.met);
    }
    let mut missing = Vec::new();
    for verb in &mecd::dialect::mec::verbs::VERBS {
        let numbers = verb.answers.split([',', ' ']).filter_map(|word| word.parse().ok());
        missing.extend(numbers.map(|no: i32| (verb.name, no)).filter(|pair| !met.contains(pair)));
    }
    assert!(missing.is_empty(), "never met: {missing:?}");
    assert!(compacted > 20, "files were compacted in {compacted} runs only");
}

#[test]
fn the_same_seed_is_the_same_run_to_the_byte() {
    for seed in 0..20 {
        let plan = Plan::new(seed, STEPS);
        let (one, two) = (shrink::attempt(&plan), shrink::attempt(&plan));
        assert_eq!(one, two, "seed {seed}");
    }
}

#[test]
fn of_too_many_messages_at_once_those_of_the_silent_are_given_up() {
    let (given_up, posted) = bodies::crowd(1);
    assert!(given_up > 2 && posted > 15, "{given_up} were given up, {posted} posted");
}

#[test]
#[ignore = "takes a minute; prints what is held day by day"]
fn a_virtual_week_levels_off() {
    soak::week();
}
