//! Who guesses passwords: failures by address, and how long the next attempt from there has to wait.
//!
//! An address may be wrong as often as one connection may; from then on each failure makes the next attempt wait
//! longer. All is forgotten after ten quiet minutes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::limits::{FORGIVEN_AFTER_MS, PENALTIES_MAX, PENALTY_STEPS_MAX};

#[derive(Debug)]
struct Penalty {
    failures: u32,
    last: u64,
    until: u64,
}

/// The addresses that were wrong.
#[derive(Debug, Default)]
pub(super) struct Guard {
    penalties: BTreeMap<IpAddr, Penalty>,
}

impl Guard {
    /// When an attempt from `origin` is carried out: at `now`, or after its delay. Attempts that wait already push the
    /// next one further back by `step`.
    pub(super) fn due(&mut self, now: u64, origin: IpAddr, step: u64) -> u64 {
        let Some(penalty) = self.penalties.get_mut(&origin) else { return now };
        if now >= penalty.last + FORGIVEN_AFTER_MS {
            self.penalties.remove(&origin);
            return now;
        }
        if penalty.until <= now {
            return now;
        }
        let due = penalty.until;
        penalty.until += step;
        due
    }

    /// An attempt from `origin` was given up before its time: those that come later need not wait for it.
    pub(super) fn give_back(&mut self, origin: IpAddr, step: u64) {
        if let Some(penalty) = self.penalties.get_mut(&origin) {
            penalty.until = penalty.until.saturating_sub(step).max(penalty.last);
        }
    }

    /// A wrong password came from `origin`; `free` of them cost nothing.
    pub(super) fn failed(&mut self, now: u64, origin: IpAddr, free: u32, step: u64) {
        if self.penalties.len() >= PENALTIES_MAX && !self.penalties.contains_key(&origin) {
            self.forget_one();
        }
        let penalty =
            self.penalties.entry(origin).or_insert(Penalty { failures: 0, last: now, until: now });
        penalty.failures = penalty.failures.saturating_add(1);
        penalty.last = now;
        let steps = (penalty.failures + 1).saturating_sub(free).min(PENALTY_STEPS_MAX);
        penalty.until = penalty.until.max(now + u64::from(steps) * step);
    }

    fn forget_one(&mut self) {
        let oldest = self.penalties.iter().min_by_key(|(_, penalty)| penalty.until);
        if let Some((&origin, _)) = oldest {
            self.penalties.remove(&origin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    #[test]
    fn an_address_waits_after_the_free_failures_and_longer_each_time() {
        let mut guard = Guard::default();
        for _ in 0..4 {
            guard.failed(0, HERE, 5, 1000);
            assert_eq!(guard.due(0, HERE, 1000), 0);
        }
        guard.failed(0, HERE, 5, 1000);
        assert_eq!(guard.due(0, HERE, 1000), 1000);
        assert_eq!(guard.due(0, HERE, 1000), 2000, "a second attempt queues behind the first");
        guard.give_back(HERE, 1000);
        assert_eq!(guard.due(0, HERE, 1000), 2000, "and leaves its place when it is given up");
        guard.failed(3000, HERE, 5, 1000);
        assert_eq!(guard.due(3000, HERE, 1000), 5000);
        assert_eq!(guard.due(604_000, HERE, 1000), 604_000, "forgiven");
    }

    #[test]
    fn the_table_of_addresses_is_bounded() {
        let mut guard = Guard::default();
        for n in 0..=PENALTIES_MAX as u32 {
            guard.failed(u64::from(n), IpAddr::V4(n.into()), 5, 1000);
        }
        assert_eq!(guard.penalties.len(), PENALTIES_MAX);
    }
}
