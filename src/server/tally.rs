//! What the server counts for those who watch over it (`listen.metrics`, spec `web.md`), as OpenMetrics text.
//!
//! Counting costs an addition; text is made only when somebody asks.

use std::fmt::Write;
use std::time::Duration;

use crate::core::Census;

/// How often something happened, and how long it took in all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Timing {
    /// How often.
    pub(super) count: u64,
    /// How long in all.
    pub(super) time: Duration,
}

impl Timing {
    /// It happened again, and took so long.
    pub(super) fn add(&mut self, time: Duration) {
        self.count += 1;
        self.time += time;
    }
}

/// What has happened since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Tally {
    /// Lines (frames, objects) that were read.
    pub(super) lines_in: u64,
    /// Lines that were put into queues; a list row is one.
    pub(super) lines_out: u64,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    /// Connections that were refused because there were too many.
    pub(super) refused_full: u64,
    /// Connections that were refused because there were too many from their address.
    pub(super) refused_address: u64,
    /// Connections that were dropped because they let too much wait.
    pub(super) dropped_slow: u64,
    /// Records that the log has refused.
    pub(super) records_refused: u64,
    /// Wrong passwords.
    pub(super) wrong_passwords: u64,
    /// Events that were rendered: one for each dialect among the readers of each.
    pub(super) renderings: u64,
    pub(super) turns: Timing,
}

/// What is now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gauges {
    pub(super) connections: usize,
    pub(super) census: Census,
    pub(super) disk_bytes: u64,
    pub(super) syncs: Timing,
}

impl Tally {
    /// The whole as OpenMetrics text.
    pub(super) fn text(&self, now: &Gauges) -> String {
        let mut text = String::new();
        let census = &now.census;
        let gauges = [
            ("connections", "Connections of every kind.", now.connections as u64),
            ("strangers", "Connections that have not logged in.", census.strangers as u64),
            ("users", "Users online.", census.users as u64),
            ("accounts", "Accounts.", census.accounts as u64),
            ("rooms", "Rooms, Home among them.", census.rooms as u64),
            ("groups", "Message groups.", census.groups as u64),
            ("messages", "Messages in groups.", census.messages as u64),
            ("disk_bytes", "Bytes that the log takes on the disk.", now.disk_bytes),
        ];
        for (name, help, value) in gauges {
            head(&mut text, name, "gauge", help);
            line(&mut text, name, "", value);
        }
        let counters = [
            ("lines_in", "Lines read.", self.lines_in),
            ("lines_out", "Lines sent.", self.lines_out),
            ("bytes_in", "Bytes read.", self.bytes_in),
            ("bytes_out", "Bytes sent.", self.bytes_out),
            ("renderings", "Events put into the words of a dialect.", self.renderings),
        ];
        for (name, help, value) in counters {
            head(&mut text, name, "counter", help);
            line(&mut text, name, "_total", value);
        }
        head(&mut text, "refused", "counter", "What was refused or dropped, by reason.");
        let reasons = [
            ("server_full", self.refused_full),
            ("address_full", self.refused_address),
            ("slow_reader", self.dropped_slow),
            ("disk_full", self.records_refused),
            ("wrong_password", self.wrong_passwords),
        ];
        for (reason, value) in reasons {
            line(&mut text, "refused", &format!("_total{{reason=\"{reason}\"}}"), value);
        }
        timing(&mut text, "turn_seconds", "Turns of the loop.", self.turns);
        timing(&mut text, "sync_seconds", "Syncs of the log.", now.syncs);
        text.push_str("# EOF\n");
        text
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(text, "# TYPE mecd_{name} {kind}\n# HELP mecd_{name} {help}")
        .expect("writing to a string succeeds");
}

fn line(text: &mut String, name: &str, suffix: &str, value: u64) {
    writeln!(text, "mecd_{name}{suffix} {value}").expect("writing to a string succeeds");
}

fn timing(text: &mut String, name: &str, help: &str, timing: Timing) {
    head(text, name, "summary", help);
    line(text, name, "_count", timing.count);
    let (seconds, micros) = (timing.time.as_secs(), timing.time.subsec_micros());
    writeln!(text, "mecd_{name}_sum {seconds}.{micros:06}").expect("writing to a string succeeds");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_follows_its_type_and_the_text_has_an_end() {
        let census =
            Census { users: 1, strangers: 2, accounts: 3, rooms: 4, groups: 5, messages: 6 };
        let syncs = Timing { count: 2, time: Duration::from_millis(3) };
        let tally = Tally { lines_in: 7, refused_full: 8, ..Tally::default() };
        let text = tally.text(&Gauges { connections: 3, census, disk_bytes: 9, syncs });
        for expected in [
            "# TYPE mecd_users gauge\n# HELP mecd_users Users online.\nmecd_users 1\n",
            "\nmecd_lines_in_total 7\n",
            "\nmecd_refused_total{reason=\"server_full\"} 8\n",
            "\nmecd_sync_seconds_count 2\nmecd_sync_seconds_sum 0.003000\n",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        assert!(text.ends_with("\n# EOF\n"));
        let mut family = "";
        for line in text.lines().filter(|line| *line != "# EOF") {
            match line.strip_prefix("# TYPE ") {
                Some(named) => family = named.split(' ').next().unwrap(),
                None => assert!(line.trim_start_matches("# HELP ").starts_with(family), "{line}"),
            }
        }
    }
}
