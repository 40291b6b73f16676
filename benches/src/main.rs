//! What mecd costs, beside the least that is possible (`limit/limit.c`) and beside its peers. `benches/run` builds and
//! calls this.

mod budgets;
mod client;
mod counts;
mod crowd;
mod growth;
mod page;
mod plot;
mod process;
mod server;
mod storage;
mod table;
mod words;
mod work;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::server::Kind;
use crate::table::Table;
use crate::work::Work;

/// The processor that we run on; the servers have another one.
const LOAD_CORE: usize = 1;

/// Runs of everything: the median counts.
const REPEATS: usize = 3;

const USAGE: &str =
    "usage: benches/run [table] [--only SERVER,...] [--work WORK,...] [--repeats N] [--log FILE]
       benches/run storage
       benches/run growth
       benches/counts [--write]
       benches/budgets
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    prepare();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["counts", file] => Some(counts::run(Path::new(file), false)),
        ["counts", file, "--write"] => Some(counts::run(Path::new(file), true)),
        ["table", ref words @ ..] => table(words).map(|()| true),
        ["budgets"] => Some(budgets::run()),
        ["storage"] => {
            page::show("storage", &storage::run());
            Some(true)
        }
        ["growth"] => {
            let (table, plot) = growth::run();
            page::show("growth", &table);
            page::draw("growth", &plot);
            Some(true)
        }
        _ => None,
    };
    match done {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::FAILURE,
        None => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// A core of our own, and all descriptors that there are.
fn prepare() {
    let mut core = CpuSet::new();
    core.set(LOAD_CORE);
    if sched_setaffinity(None, &core).is_err() {
        eprintln!("there is one processor only: the load takes time from the server");
    }
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("what is allowed is allowed");
}

/// Measures the table, or the part of it that is asked for. Nothing if the arguments make no sense.
fn table(arguments: &[&str]) -> Option<()> {
    let mut kinds = Kind::ALL.to_vec();
    let mut works = Work::ALL.to_vec();
    let mut repeats = REPEATS;
    let mut log = None;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let original = words.next()?;
        let value = original.to_ascii_lowercase();
        match *word {
            "--only" => kinds = chosen(&kinds, &value, |kind| kind.name().to_ascii_lowercase())?,
            "--work" => works = chosen(&works, &value, Work::key)?,
            "--repeats" => repeats = value.parse().ok()?,
            "--log" => log = Some(Path::new(*original)),
            _ => return None,
        }
    }
    kinds.retain(|kind| {
        let is_there = kind.program().is_some();
        if !is_there {
            eprintln!("{} is not installed, and left out: see benches/run", kind.name());
        }
        is_there
    });
    let mut table = Table::new(kinds.clone());
    if let Some(log) = log {
        table.read(&std::fs::read_to_string(log).unwrap_or_default());
    }
    for work in works {
        for repeat in 0..repeats {
            for &kind in &kinds {
                if table.count(work, kind) > repeat {
                    continue;
                }
                let Some(figures) = work.run(kind) else { continue };
                let line = table::line(work, kind, &figures);
                eprint!("{line}");
                if let Some(log) = log {
                    append(log, &line);
                }
                table.note(work, kind, figures);
            }
        }
    }
    page::show("table", &table.markdown());
    Some(())
}

/// Those of `all` whose names begin with one of the words. Nothing if a word begins no name.
fn chosen<T: Copy>(all: &[T], words: &str, name: impl Fn(T) -> String) -> Option<Vec<T>> {
    let begins = |it: T, word: &str| name(it).starts_with(word);
    if let Some(word) = words.split(',').find(|word| !all.iter().any(|&it| begins(it, word))) {
        eprintln!("nothing is called {word}");
        return None;
    }
    let is_wanted = |it: &T| words.split(',').any(|word| begins(*it, word));
    Some(all.iter().copied().filter(is_wanted).collect())
}

/// A table takes an hour; what was measured is kept, should the machine be wanted for something else.
fn append(log: &Path, line: &str) {
    let file = std::fs::File::options().create(true).append(true).open(log);
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.unwrap_or_else(|error| panic!("{}: {error}", log.display()));
}
