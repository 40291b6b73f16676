//! Figures of several runs, and the table that they make.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::server::Kind;
use crate::work::{Goal, Work};

/// Everything that was measured.
#[derive(Debug)]
pub struct Table {
    kinds: Vec<Kind>,
    /// The figures of each run.
    figures: BTreeMap<(Work, Kind), Vec<Vec<f64>>>,
}

impl Table {
    /// Nothing yet, of these.
    #[must_use]
    pub fn new(kinds: Vec<Kind>) -> Self {
        Self { kinds, figures: BTreeMap::new() }
    }

    /// One run more.
    pub fn note(&mut self, work: Work, kind: Kind, figures: Vec<f64>) {
        self.figures.entry((work, kind)).or_default().push(figures);
    }

    /// The runs of a kind of work by a server so far.
    #[must_use]
    pub fn count(&self, work: Work, kind: Kind) -> usize {
        self.figures.get(&(work, kind)).map_or(0, Vec::len)
    }

    /// Takes in what [`line`] has written.
    pub fn read(&mut self, log: &str) {
        for line in log.lines() {
            let mut fields = line.split('\t');
            let (key, name) =
                (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
            let work = Work::ALL.into_iter().find(|work| work.key() == key);
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
            let (Some(work), Some(kind)) = (work, kind) else { continue };
            self.note(work, kind, fields.filter_map(|figure| figure.parse().ok()).collect());
        }
    }

    /// The figures of all runs, of those that a kind of work has at that place.
    fn runs(&self, work: Work, kind: Kind, place: usize) -> Vec<f64> {
        let runs = self.figures.get(&(work, kind));
        runs.map_or_else(Vec::new, |runs| runs.iter().map(|figures| figures[place]).collect())
    }

    /// How much more it costs than the limit, run by run.
    fn ratios(&self, work: Work, kind: Kind, place: usize) -> Vec<f64> {
        let limit = self.runs(work, work.limit(), place);
        self.runs(work, kind, place)
            .iter()
            .zip(limit)
            .map(|(figure, limit)| figure / limit)
            .collect()
    }

    /// As it stands in the documentation.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        let names: Vec<&str> = self.kinds.iter().map(|kind| kind.name()).collect();
        let _ = writeln!(out, "| work | {} | mecd ÷ limit | goal |", names.join(" | "));
        let _ = writeln!(out, "| --- |{} --- | --- |", " ---: |".repeat(names.len()));
        let works: std::collections::BTreeSet<Work> =
            self.figures.keys().map(|&(work, _)| work).collect();
        for &work in &works {
            self.row(&mut out, work, &work.name(), 0, &work.goal().map(goal).unwrap_or_default());
            if work == Work::Paced {
                for (place, name) in [(1, "p50"), (2, "p99"), (3, "p99.9")] {
                    let goal = if place == 2 { "at most 1.50 × limit" } else { "" };
                    self.row(
                        &mut out,
                        work,
                        &format!("the same, {name} from sender to receiver, µs"),
                        place,
                        goal,
                    );
                }
            }
            if work == Work::Start {
                self.row(&mut out, work, "the same with what it has made there, ms", 1, "");
            }
        }
        out
    }

    fn row(&self, out: &mut String, work: Work, name: &str, place: usize, goal: &str) {
        let cells = self.kinds.iter().map(|&kind| cell(&self.runs(work, kind, place)));
        let ratio = cell(&self.ratios(work, Kind::Mecd, place));
        let _ = writeln!(
            out,
            "| {name} | {} | {ratio} | {goal} |",
            cells.collect::<Vec<_>>().join(" | ")
        );
    }
}

/// One run, as a line of a log.
#[must_use]
pub fn line(work: Work, kind: Kind, figures: &[f64]) -> String {
    let figures: Vec<String> = figures.iter().map(|figure| format!("{figure:.4}")).collect();
    format!("{}\t{}\t{}\n", work.key(), kind.name(), figures.join("\t"))
}

fn goal(goal: Goal) -> String {
    match goal {
        Goal::Ratio(ratio) => format!("at most {ratio:.2} × limit"),
        Goal::Figure(figure) => format!("at most {figure}"),
    }
}

/// The median, with the least and the most.
fn cell(runs: &[f64]) -> String {
    let mut runs: Vec<f64> = runs.iter().copied().filter(|figure| figure.is_finite()).collect();
    runs.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (runs.first(), runs.last()) else { return "–".into() };
    let median = runs[runs.len() / 2];
    if least == most {
        return figure(median);
    }
    format!("{} ({}–{})", figure(median), figure(*least), figure(*most))
}

/// Three digits that say something.
#[must_use]
pub fn figure(figure: f64) -> String {
    let decimals = match figure.abs() {
        0.0 => 0,
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{figure:.decimals$}")
}
