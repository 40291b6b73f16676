//! Watches the wall clock, and says when it looks wrong: before this program was made, before what was last written,
//! or not where it should be by the server's own clock.
//!
//! Nothing depends on the wall clock but what people read (spec `mec.md` 10); they should know when not to believe it.
//! It is looked at only in turns that happen anyway.

use std::fmt;

use log::{info, warn};

use crate::core::Now;
use crate::dialect::calendar::sortable;
use crate::limits::{WALL_EARLIEST, WALL_JUMP_SECONDS};

/// What is known of the wall clock.
#[derive(Debug)]
pub(super) struct Wall {
    /// The last look at both clocks.
    last: Now,
}

/// What somebody should know of the wall clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Finding {
    /// It shows a time before this program was made.
    BeforeProgram { shown: u64 },
    /// It shows a time before something was written that is there.
    BeforeData { shown: u64, written: u64 },
    /// It was set.
    Jump { expected: u64, shown: u64 },
}

impl Wall {
    /// Begins to watch, and says what looks wrong already. `written` is when the data was last written, if it was, in
    /// seconds since 1970.
    pub(super) fn watch(now: Now, written: Option<u64>) -> Self {
        if let Some(finding) = first_finding(now.wall, written) {
            finding.log();
        }
        Self { last: now }
    }

    /// Looks at it again, and says if it was set.
    pub(super) fn look(&mut self, now: Now) {
        if let Some(finding) = self.finding(now) {
            finding.log();
        }
    }

    fn finding(&mut self, now: Now) -> Option<Finding> {
        let last = std::mem::replace(&mut self.last, now);
        let passed = now.ms.saturating_sub(last.ms) / 1000;
        let (expected, shown) = (last.wall.saturating_add(passed), now.wall);
        // Who keeps a clock right by its speed changes that by less than a thousandth.
        let allowed = WALL_JUMP_SECONDS + passed / 1000;
        (expected.abs_diff(shown) > allowed).then_some(Finding::Jump { expected, shown })
    }
}

/// What is wrong with a clock that shows `shown`, in words, where the data was last written at `written`, if it was; both
/// in seconds since 1970.
#[must_use]
pub fn wrong_clock(shown: u64, written: Option<u64>) -> Option<String> {
    first_finding(shown, written).map(|finding| finding.to_string())
}

fn first_finding(shown: u64, written: Option<u64>) -> Option<Finding> {
    if shown < WALL_EARLIEST {
        return Some(Finding::BeforeProgram { shown });
    }
    let written = written.filter(|written| shown.saturating_add(WALL_JUMP_SECONDS) < *written)?;
    Some(Finding::BeforeData { shown, written })
}

impl Finding {
    fn log(self) {
        let harmless = "what expires goes by the time that the server runs";
        match self {
            // A board without a battery, that has just asked the network for the time.
            Self::Jump { expected, shown }
                if expected < WALL_EARLIEST && shown >= WALL_EARLIEST =>
            {
                info!(
                    "the clock was set right, from {} to {}; {harmless}",
                    sortable(expected),
                    sortable(shown)
                );
            }
            Self::BeforeProgram { .. } => {
                warn!("{self}: dates in the log and in histories will be wrong; {harmless}");
            }
            Self::BeforeData { .. } => {
                warn!("{self}: the clock is wrong now or was then; {harmless}");
            }
            Self::Jump { .. } => warn!("{self}; {harmless}"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BeforeProgram { shown } => {
                write!(f, "the clock shows {}, before this program was made", sortable(shown))
            }
            Self::BeforeData { shown, written } => {
                let (shown, written) = (sortable(shown), sortable(written));
                write!(f, "the clock shows {shown}, but the data was last written on {written}")
            }
            Self::Jump { expected, shown } => {
                write!(
                    f,
                    "the clock has jumped from {} to {}",
                    sortable(expected),
                    sortable(shown)
                )?;
                if shown < WALL_EARLIEST {
                    write!(f, ", before this program was made")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600;

    fn wall(ms: u64, wall: u64) -> Wall {
        Wall { last: Now { ms, wall } }
    }

    #[test]
    fn a_start_before_the_program_was_made_is_told_whatever_was_written() {
        let shown = WALL_EARLIEST - 1;
        for written in [None, Some(0), Some(WALL_EARLIEST)] {
            assert_eq!(first_finding(shown, written), Some(Finding::BeforeProgram { shown }));
        }
        assert_eq!(first_finding(0, None), Some(Finding::BeforeProgram { shown: 0 }));
        assert_eq!(first_finding(WALL_EARLIEST, None), None);
    }

    #[test]
    fn a_start_before_the_data_was_written_is_told_but_not_for_what_a_clock_may_drift() {
        let written = WALL_EARLIEST + DAY;
        let shown = written - WALL_JUMP_SECONDS;
        assert_eq!(first_finding(shown, Some(written)), None);
        let shown = shown - 1;
        let finding = Finding::BeforeData { shown, written };
        assert_eq!(first_finding(shown, Some(written)), Some(finding));
        assert_eq!(first_finding(written + 20 * 365 * DAY, Some(written)), None);
    }

    #[test]
    fn a_jump_is_told_once_in_either_direction_and_a_drift_never() {
        let mut watched = wall(1000, 5000);
        assert_eq!(watched.finding(Now { ms: 61_000, wall: 5060 }), None);
        let shown = 5060 + DAY;
        let jump = Finding::Jump { expected: 5061, shown };
        assert_eq!(watched.finding(Now { ms: 62_000, wall: shown }), Some(jump));
        assert_eq!(watched.finding(Now { ms: 62_500, wall: shown }), None);
        let back = Finding::Jump { expected: shown, shown: 5062 };
        assert_eq!(watched.finding(Now { ms: 62_900, wall: 5062 }), Some(back));
        assert_eq!(watched.finding(Now { ms: 62_900, wall: 5062 + WALL_JUMP_SECONDS }), None);
        let mut after_a_month = wall(0, 5000);
        let now = Now { ms: 30 * DAY * 1000, wall: 5000 + 30 * DAY + 500 };
        assert_eq!(after_a_month.finding(now), None);
    }

    #[test]
    fn a_clock_at_the_end_of_its_numbers_is_only_wrong() {
        let mut watched = wall(0, 0);
        assert!(watched.finding(Now { ms: 0, wall: u64::MAX }).is_some());
        assert_eq!(first_finding(u64::MAX, Some(u64::MAX)), None);
        watched.finding(Now { ms: u64::MAX, wall: 0 });
    }
}
