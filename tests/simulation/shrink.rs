//! Running seeds, and making a failure small: parts of the operations are left out for as long as it still fails.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::driver::{Driver, Outcome};
use crate::plan::{Op, Plan};

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

static HOOK: Once = Once::new();

/// Runs a plan. A panic is a failure like another.
pub fn attempt(plan: &Plan) -> Result<Outcome, String> {
    HOOK.call_once(|| {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let simulated = std::thread::current().name().is_some_and(|name| name == "simulation");
            if !simulated {
                return default(info);
            }
            PANIC.with(|panic| *panic.borrow_mut() = info.to_string());
        }));
    });
    let plan = plan.clone();
    // The hook tells our threads by their name; panics in a test's own thread are shown as usual.
    catch_unwind(AssertUnwindSafe(|| Driver::run(plan)))
        .unwrap_or_else(|_| Err(PANIC.with(|panic| panic.borrow().clone())))
}

/// Runs a seed. A failure comes with the seed and the operations that are needed for it.
pub fn run_seed(seed: u64, steps: usize) -> Result<Outcome, String> {
    let plan = Plan::new(seed, steps);
    attempt(&plan).map_err(|first| {
        let (small, last) = shrink(plan, first.clone());
        let ops: Vec<String> = small.ops.iter().map(|op| format!("    {op}")).collect();
        format!(
            "seed {seed} ({:?}) fails: {first}\nshrunk to {} operations: {last}\n{}\n",
            small.flavour,
            small.ops.len(),
            ops.join("\n"),
        )
    })
}

/// Leaves out half of the operations, a quarter, and so on.
fn shrink(mut plan: Plan, mut why: String) -> (Plan, String) {
    let mut size = plan.ops.len().div_ceil(2);
    let mut budget = 2000;
    while size > 0 && budget > 0 {
        let mut at = 0;
        let mut smaller = false;
        while at < plan.ops.len() && budget > 0 {
            budget -= 1;
            let end = (at + size).min(plan.ops.len());
            let kept = connects(&plan.ops[at..end]);
            if kept.len() == end - at {
                at = end;
                continue;
            }
            let ops = [&plan.ops[..at], &kept, &plan.ops[end..]].concat();
            let trial = Plan { ops, ..plan.clone() };
            match attempt(&trial) {
                Err(other) => {
                    (plan, why, smaller) = (trial, other, true);
                    at += kept.len();
                }
                Ok(_) => at = end,
            }
        }
        if size > 1 || !smaller {
            size /= 2;
        }
    }
    (plan, why)
}

/// The connections among some operations. They stay, or clients would be others.
fn connects(ops: &[Op]) -> Vec<Op> {
    ops.iter().filter(|op| matches!(op, Op::Connect { .. })).cloned().collect()
}
