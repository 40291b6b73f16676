//! `mecd doctor`: what is wrong, or will be, in plain sentences, while a server runs or not.
//!
//! Looks and changes nothing: no file is made, no lock is kept, nobody can connect to what is tried. Here is the order
//! in which it looks and how it ends; what it looks at is in the files below.

mod data;
mod machine;

use std::fmt::Write;
use std::path::Path;

use crate::admin::Site;
use crate::args::Verbosity;
use crate::config::{Config, Fault};

/// How much a finding matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Weight {
    /// As it should be, or somebody's choice.
    Well,
    /// Something will go wrong, or goes wrong without stopping anybody.
    Later,
    /// The server does not start, or does not keep what it is told.
    Now,
}

/// Whether a server has the data directory open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Server {
    Runs,
    Rests,
}

/// A sentence without a full stop: what there is, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Finding {
    weight: Weight,
    sentence: String,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Diagnosis(Vec<Finding>);

/// Looks at everything. A faulty configuration is the only finding: nothing is known of what it means to say.
#[must_use]
pub fn doctor(config: Result<Config, Vec<Fault>>, data_dir: Option<&Path>) -> Diagnosis {
    let mut found = Diagnosis::default();
    let config = match config {
        Ok(config) => config,
        Err(faults) => {
            faults.iter().for_each(|fault| found.now(fault.to_string()));
            return found;
        }
    };
    found.well("the configuration has no faults");
    let site = Site::new(&config, data_dir);
    let server = data::examine(&site, &config, &mut found);
    machine::examine_addresses(&config, server, &mut found);
    machine::examine_descriptors(&config, &mut found);
    machine::examine_clock(&site, &mut found);
    machine::examine_announcement(Path::new("/"), &config, &mut found);
    found
}

impl Diagnosis {
    /// The exit status: 0 if all is well, 1 if something will be wrong, 2 if something is.
    #[must_use]
    pub fn status(&self) -> u8 {
        self.0.iter().map(|finding| finding.weight).max().map_or(0, |weight| weight as u8)
    }

    /// One line for each finding, and one for all of them. A quiet one leaves out what is well.
    #[must_use]
    pub fn text(&self, verbosity: Verbosity) -> String {
        let least = match verbosity {
            Verbosity::Quiet => Weight::Later,
            Verbosity::Normal | Verbosity::Verbose => Weight::Well,
        };
        let mut text = String::new();
        for finding in self.0.iter().filter(|finding| finding.weight >= least) {
            let word = match finding.weight {
                Weight::Well => "well",
                Weight::Later => "soon",
                Weight::Now => "wrong",
            };
            writeln!(text, "{word:<5}  {}", finding.sentence).expect("a string takes everything");
        }
        let count = |weight| self.0.iter().filter(|finding| finding.weight == weight).count();
        let sum = match (count(Weight::Now), count(Weight::Later)) {
            (0, 0) => "all is well".to_owned(),
            (now, later) => format!("wrong now: {now}; sooner or later: {later}"),
        };
        text + &sum + "\n"
    }

    fn add(&mut self, weight: Weight, sentence: impl Into<String>) {
        self.0.push(Finding { weight, sentence: sentence.into() });
    }

    fn well(&mut self, sentence: impl Into<String>) {
        self.add(Weight::Well, sentence);
    }

    fn later(&mut self, sentence: impl Into<String>) {
        self.add(Weight::Later, sentence);
    }

    fn now(&mut self, sentence: impl Into<String>) {
        self.add(Weight::Now, sentence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_that_of_the_worst_finding() {
        let mut found = Diagnosis::default();
        assert_eq!(found.status(), 0);
        found.well("a");
        assert_eq!(found.status(), 0);
        assert_eq!(found.text(Verbosity::Normal), "well   a\nall is well\n");
        found.later("b");
        assert_eq!(found.status(), 1);
        found.now("c");
        found.later("d");
        assert_eq!(found.status(), 2);
        let said = "soon   b\nwrong  c\nsoon   d\nwrong now: 1; sooner or later: 2\n";
        assert_eq!(found.text(Verbosity::Quiet), said);
    }
}
