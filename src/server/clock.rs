//! The time of the server: its own clock, which goes on where the log left it, and the wall clock for what people read.

use std::time::{Duration, Instant, SystemTime};

use crate::core::Now;

/// Counts from where the log ended (spec `mec.md` 10). Jumps of the wall clock do not touch it.
#[derive(Debug)]
pub(super) struct Clock {
    base_ms: u64,
    start: Instant,
}

impl Clock {
    /// A clock that shows `base_ms` now.
    #[must_use]
    pub(super) fn starting_at(base_ms: u64) -> Self {
        Self { base_ms, start: Instant::now() }
    }

    /// Reads both clocks.
    #[must_use]
    pub(super) fn now(&self) -> Now {
        let up = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Now { ms: self.base_ms.saturating_add(up), wall: wall.unwrap_or(Duration::ZERO).as_secs() }
    }

    /// How long from `now` until a deadline. A started millisecond counts, so that who sleeps for it does not wake
    /// just before.
    #[must_use]
    pub(super) fn until(deadline: u64, now: Now) -> Duration {
        Duration::from_millis(deadline.saturating_sub(now.ms))
    }
}
