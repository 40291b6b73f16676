//! The heartbeat: when a user is asked whether it is still there, and when it has not answered for too long.
//!
//! Knows no lines. Nothing is asked of who has not logged in.

use crate::dialect::helo::Options;

/// One connection's heartbeat, in ms of the server's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Pulse {
    ping_at: Option<u64>,
    /// While an answer is awaited: by then.
    pong_by: Option<u64>,
}

/// What the time has brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Beat {
    /// The client is to be asked.
    Ping,
    /// It has not answered.
    Silent,
}

impl Pulse {
    /// Somebody has logged in, or has spoken since: it is asked from now on, if the administrator wants that.
    pub(super) fn begin(&mut self, now: u64, options: &Options) {
        if self.ping_at.is_none() && options.ping_seconds > 0 {
            self.ping_at = Some(now + ms(options.ping_seconds));
        }
    }

    /// The client has answered.
    pub(super) fn heard(&mut self) {
        self.pong_by = None;
    }

    /// When [`Pulse::due`] is to be asked.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.pong_by.or(self.ping_at)
    }

    /// What is to be done by `now`.
    pub(super) fn due(&mut self, now: u64, options: &Options) -> Option<Beat> {
        if self.deadline().is_none_or(|due| due > now) {
            return None;
        }
        if options.ping_seconds == 0 {
            *self = Self::default();
            return None;
        }
        if self.pong_by.is_some() {
            return Some(Beat::Silent);
        }
        self.ping_at = Some(now + ms(options.ping_seconds));
        self.pong_by = Some(now + ms(options.pong_seconds));
        Some(Beat::Ping)
    }
}

fn ms(seconds: u32) -> u64 {
    u64::from(seconds) * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_answers_is_asked_every_ten_seconds() {
        let options = Options::default();
        let mut pulse = Pulse::default();
        assert_eq!(pulse.deadline(), None);
        pulse.begin(500, &options);
        pulse.begin(900, &options);
        for beat in 1..=3 {
            let at = 500 + beat * 10_000;
            assert_eq!(pulse.deadline(), Some(at));
            assert_eq!(pulse.due(at - 1, &options), None);
            assert_eq!(pulse.due(at, &options), Some(Beat::Ping));
            assert_eq!(pulse.due(at, &options), None);
            assert_eq!(pulse.deadline(), Some(at + 3000));
            pulse.heard();
        }
    }

    #[test]
    fn a_client_that_does_not_answer_is_given_up_after_three_seconds() {
        let options = Options::default();
        let mut pulse = Pulse::default();
        pulse.begin(0, &options);
        assert_eq!(pulse.due(10_000, &options), Some(Beat::Ping));
        assert_eq!(pulse.due(12_999, &options), None);
        assert_eq!(pulse.due(13_000, &options), Some(Beat::Silent));
    }

    #[test]
    fn a_pause_of_nought_asks_nobody_and_frees_who_was_asked() {
        let off = Options { ping_seconds: 0, ..Options::default() };
        let mut pulse = Pulse::default();
        pulse.begin(0, &off);
        assert_eq!(pulse.deadline(), None);
        pulse.begin(0, &Options::default());
        assert_eq!(pulse.due(10_000, &Options::default()), Some(Beat::Ping));
        assert_eq!(pulse.due(13_000, &off), None);
        assert_eq!(pulse.deadline(), None);
    }

    #[test]
    fn an_answer_that_may_take_longer_than_the_pause_is_waited_for() {
        let options = Options { ping_seconds: 2, pong_seconds: 5, ..Options::default() };
        let mut pulse = Pulse::default();
        pulse.begin(0, &options);
        assert_eq!(pulse.due(2000, &options), Some(Beat::Ping));
        assert_eq!(pulse.due(6999, &options), None);
        pulse.heard();
        assert_eq!(pulse.due(6999, &options), Some(Beat::Ping));
    }
}
