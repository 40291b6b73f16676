//! `mecd import`: an export becomes the content of an empty data directory, wholly or not at all.
//!
//! The log is built in a directory of its own inside the data directory, in one pass over the file, each line checked
//! against the lines before it. Only when the last one is there are its files moved to their place, the first file
//! last: what is stopped in the middle is an empty data directory still, or one that says that its first file is
//! missing.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, stdin};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::admin::init_logging;
use crate::admin::parse::Parsed;
use crate::admin::{KeyFound, Site, log_files, said, unopened};
use crate::args::Verbosity;
use crate::config::Config;
use crate::core::record::Place;
use crate::core::{House, Record};
use crate::limits::{IMPORT_BATCH_BYTES, IMPORT_LINE_BYTES_MAX};
use crate::server::store_options;
use crate::store::disk::{Disk, FileDisk, LOCK_NAME};
use crate::store::{self, Purpose, Store};

/// Where in the data directory the log is built.
const STAGE_NAME: &str = "import.tmp";

/// The name that means standard input.
const STANDARD_INPUT: &str = "-";

/// `mecd import`: reads what [`crate::admin::export()`] wrote, from standard input if `file` is `-`. All numbers are
/// kept, so that none is ever used twice.
///
/// # Errors
/// `FILE:LINE: sentence` for what is wrong in the file, else one sentence: the data directory is not empty, cannot be
/// opened or written. The data directory is then as it was.
#[expect(clippy::needless_pass_by_value, reason = "the command has the configuration to itself")]
pub fn import(config: Config, data_dir: Option<&Path>, file: &Path) -> Result<(), String> {
    init_logging(Verbosity::Quiet);
    let mut source = Source::open(file)?;
    let site = Site::new(&config, data_dir);
    let before = Before::note(&site);
    let disk = FileDisk::open(&site.data_dir).map_err(said)?;
    let outcome = fill(&config, &site, disk, &mut source);
    if outcome.is_err() {
        before.restore();
    }
    outcome
}

fn fill(
    config: &Config,
    site: &Site,
    mut disk: FileDisk,
    source: &mut Source,
) -> Result<(), String> {
    let key = site.key_for(&mut disk)?;
    let mut disk = claim_empty(config, site, disk, &key)?;
    let stage = site.data_dir.join(STAGE_NAME);
    clear_stage(&stage)?;
    let staged = FileDisk::open(&stage).map_err(said)?;
    let opened = store::open(Box::new(staged), &key.key, store_options(config), &mut |_, _| Ok(()));
    let (mut store, _) = opened.map_err(said)?;
    read_all(source, &mut House::new(config.settings.clone()), &mut store)?;
    store.close().map_err(said)?;
    publish(&stage, &mut disk)?;
    // From here on all is there. An empty stage that cannot be removed is in nobody's way.
    let _ = clear_stage(&stage);
    Ok(())
}

/// Makes sure that there is no record yet, and keeps the lock.
fn claim_empty(
    config: &Config,
    site: &Site,
    mut disk: FileDisk,
    key: &KeyFound,
) -> Result<FileDisk, String> {
    let files = log_files(&mut disk)?;
    if files.is_empty() {
        return Ok(disk);
    }
    let mut records = 0_u64;
    let opened = store::open(Box::new(disk), &key.key, store_options(config), &mut |_, _| {
        records += 1;
        Ok(())
    });
    drop(opened.map_err(|error| unopened(&error, key))?);
    if records > 0 || files != [1] {
        return Err(format!(
            "the data directory {} is not empty: an import wants a new one",
            site.data_dir.display()
        ));
    }
    FileDisk::open(&site.data_dir).map_err(said)
}

/// Appends every line's record. The house is never opened: it only says what agrees with what.
fn read_all(source: &mut Source, house: &mut House, store: &mut Store) -> Result<(), String> {
    let mut parsed = Parsed::default();
    source.next()?;
    let clock = source.at_line(parsed.parse(&source.line).and_then(|()| parsed.header()))?;
    let mut encoded = Zeroizing::new(Vec::new());
    let mut waiting = 0;
    loop {
        source.next()?;
        source.at_line(parsed.parse(&source.line))?;
        let record = source.at_line(parsed.record(clock))?;
        source.at_line(house.agrees(&record).map_err(str::to_owned))?;
        house.apply(&record, Place::default());
        encoded.clear();
        record.encode(&mut encoded);
        source.at_line(store.append(&encoded, Purpose::Fact).map_err(said))?;
        waiting += encoded.len();
        if waiting >= IMPORT_BATCH_BYTES {
            // The store's time stands still here: closing it syncs everything.
            store.commit(0).map_err(said)?;
            waiting = 0;
        }
        if let Record::Counters(_) = record {
            return source.end();
        }
    }
}

/// Moves the log's files to their place, the first one last. Where that fails none of them stays there, because the
/// key may be removed then.
fn publish(stage: &Path, disk: &mut FileDisk) -> Result<(), String> {
    let mut staged = FileDisk::open(stage).map_err(said)?;
    let mut moved: Vec<PathBuf> = Vec::new();
    let mut outcome = Ok(());
    for file in log_files(&mut staged)?.into_iter().rev() {
        let target = disk.path(file);
        outcome = fs::rename(staged.path(file), &target);
        if outcome.is_err() {
            break;
        }
        moved.push(target);
    }
    outcome.and_then(|()| disk.sync_dir()).map_err(|error| {
        for file in &moved {
            // The first error is the one to tell.
            let _ = fs::remove_file(file);
        }
        format!("cannot move files to {}: {error}", disk.directory().display())
    })
}

fn clear_stage(stage: &Path) -> Result<(), String> {
    match fs::remove_dir_all(stage) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", stage.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What was there before, so that the rest can be removed if nothing comes of it.
struct Before {
    /// Whatever of these was not there.
    made: Vec<PathBuf>,
    /// The data directory, if it was not there.
    made_directory: Option<PathBuf>,
    stage: PathBuf,
}

impl Before {
    fn note(site: &Site) -> Self {
        let files = [site.data_dir.join(LOCK_NAME), site.key_file.clone()];
        let made = files.into_iter().filter(|file| fs::symlink_metadata(file).is_err()).collect();
        let made_directory = (!site.data_dir.exists()).then(|| site.data_dir.clone());
        Self { made, made_directory, stage: site.data_dir.join(STAGE_NAME) }
    }

    /// What cannot be removed stays; why nothing was imported is what has to be told.
    fn restore(self) {
        let _ = clear_stage(&self.stage);
        for file in self.made {
            let _ = fs::remove_file(file);
        }
        if let Some(directory) = self.made_directory {
            let _ = fs::remove_dir(directory);
        }
    }
}

/// The file that is read, line by line.
struct Source {
    name: String,
    input: Box<dyn BufRead>,
    line: Zeroizing<Vec<u8>>,
    /// From 1.
    number: u64,
}

impl Source {
    fn open(file: &Path) -> Result<Self, String> {
        let name = file.display().to_string();
        let input: Box<dyn BufRead> = if file == Path::new(STANDARD_INPUT) {
            Box::new(stdin().lock())
        } else {
            let opened =
                File::open(file).map_err(|error| format!("cannot open {name}: {error}"))?;
            Box::new(BufReader::new(opened))
        };
        Ok(Self { name, input, line: Zeroizing::new(Vec::new()), number: 0 })
    }

    /// Reads the next line, which has to be there.
    fn next(&mut self) -> Result<(), String> {
        if self.advance()? {
            return Ok(());
        }
        self.at_line(Err("the export ends here, before its counters: it is not whole".to_owned()))
    }

    /// Makes sure that there is no line left.
    fn end(&mut self) -> Result<(), String> {
        if self.advance()? {
            return self.at_line(Err("nothing may stand behind the counters".to_owned()));
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<bool, String> {
        self.number += 1;
        self.line.clear();
        let mut bounded = (&mut self.input).take(IMPORT_LINE_BYTES_MAX as u64 + 1);
        let read = bounded.read_until(b'\n', &mut self.line);
        read.map_err(|error| format!("cannot read {}: {error}", self.name))?;
        if self.line.len() > IMPORT_LINE_BYTES_MAX {
            return self
                .at_line(Err(format!("the line has more than {IMPORT_LINE_BYTES_MAX} bytes")));
        }
        Ok(!self.line.is_empty())
    }

    /// Says in which line a fault is.
    fn at_line<T>(&self, outcome: Result<T, String>) -> Result<T, String> {
        outcome.map_err(|fault| format!("{}:{}: {fault}", self.name, self.number))
    }
}
