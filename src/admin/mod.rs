//! What an administrator does with a data directory that no server has open, and how a server opens it.
//!
//! Every command comes back with what is to be printed, or with one sentence that says what is to be mended and names
//! the file or directory. Nothing here prints, but for an export to standard output and the prompt for a password.

mod account;
mod doctor;
mod export;
mod file;
mod import;
mod key;
mod line;
mod logging;
mod parse;

pub use account::account;
pub use doctor::{Diagnosis, doctor};
pub use export::export;
pub use import::import;
pub use key::key;
pub use logging::init_logging;

use std::path::{Path, PathBuf};

use log::{info, warn};

use crate::args::Verbosity;
use crate::config::{Config, Environment};
use crate::core::{House, Record};
use crate::server::{core_place, store_options, store_place};
use crate::store::disk::{Disk, FileDisk};
use crate::store::key::{self as keys, Key};
use crate::store::{self, Rejected, Store, StoreError};

/// Opens the data directory, made if it is not there, and rebuilds the house from it. The first start makes the key.
///
/// # Errors
/// One sentence that names what is wrong: a locked or foreign directory, a wrong key or none, damage.
pub fn open(config: &Config, data_dir: Option<&Path>) -> Result<(House, Store), String> {
    let site = Site::new(config, data_dir);
    let mut disk = FileDisk::open(&site.data_dir).map_err(said)?;
    let key = site.key_for(&mut disk)?;
    rebuild(config, disk, &key)
}

/// Opens the data directory for a command that needs what is in it: nothing is made.
fn open_existing(config: &Config, data_dir: Option<&Path>) -> Result<(House, Store), String> {
    // A command has no log of its own; warnings (a torn end) go to standard error.
    init_logging(Verbosity::Quiet);
    let site = Site::new(config, data_dir);
    let nothing = || format!("there is no data in the directory {}", site.data_dir.display());
    if !site.data_dir.is_dir() {
        return Err(nothing());
    }
    let mut disk = FileDisk::open(&site.data_dir).map_err(said)?;
    if log_files(&mut disk)?.is_empty() {
        return Err(nothing());
    }
    let key = site.key_for(&mut disk)?;
    rebuild(config, disk, &key)
}

/// Where the data and the key are, or shall be.
struct Site {
    data_dir: PathBuf,
    key_file: PathBuf,
    /// The directory in which a service manager hands over credentials.
    credentials: Option<PathBuf>,
}

/// A key, and where it comes from, for people.
struct KeyFound {
    key: Key,
    origin: String,
}

impl Site {
    fn new(config: &Config, data_dir: Option<&Path>) -> Self {
        let environment = Environment::read();
        let data_dir = config.resolved_data_dir(data_dir, &environment);
        let key_file = config.resolved_key_file(&data_dir, &environment);
        let credentials = environment.credentials_directory.filter(|path| !path.is_empty());
        Self { data_dir, key_file, credentials: credentials.map(PathBuf::from) }
    }

    /// The key of what is on `disk`. One is made only where there is no data yet: no other than the one it was sealed
    /// with can ever open it.
    fn key_for(&self, disk: &mut FileDisk) -> Result<KeyFound, String> {
        if let Some(key) = keys::injected() {
            return Ok(KeyFound { key, origin: "this program".into() });
        }
        let file = &self.key_file;
        let missing = file.try_exists().is_ok_and(|exists| !exists);
        let key = if !missing {
            self.load_key(file)?
        } else if log_files(disk)?.is_empty() {
            keys::create(file).map_err(said)?
        } else {
            return Err(format!(
                "the key file {} is missing, and the data in {} opens with its key only",
                file.display(),
                self.data_dir.display()
            ));
        };
        Ok(KeyFound { key, origin: file.display().to_string() })
    }

    fn load_key(&self, file: &Path) -> Result<Key, String> {
        let is_credential =
            self.credentials.as_ref().is_some_and(|directory| file.starts_with(directory));
        let loaded = if is_credential { keys::load_credential(file) } else { keys::load(file) };
        loaded.map_err(said)
    }
}

/// Applies every record of the log on `disk`, and tells the store which of them are no longer true.
fn rebuild(config: &Config, disk: FileDisk, key: &KeyFound) -> Result<(House, Store), String> {
    let data_dir = disk.directory();
    let mut house = House::new(config.settings.clone());
    let mut visit = |place, bytes: &[u8]| {
        let record = Record::decode(bytes).map_err(|_| Rejected)?;
        house.apply(&record, core_place(place));
        Ok(())
    };
    let opened = store::open(Box::new(disk), &key.key, store_options(config), &mut visit);
    let (mut store, report) = opened.map_err(|error| unopened(&error, key))?;
    if let Some(torn) = &report.torn {
        let (file, offset, bytes) = (torn.file.display(), torn.offset, torn.bytes);
        warn!("{file}: the end was torn at byte {offset}, {bytes} bytes dropped");
    }
    for place in house.open() {
        store.retire(store_place(place));
    }
    let census = house.census();
    info!(
        "{}: {} accounts, {} rooms, {} groups, {} messages in {} records",
        data_dir.display(),
        census.accounts,
        census.rooms,
        census.groups,
        census.messages,
        report.records
    );
    Ok((house, store))
}

/// Why a store was not opened. Of a wrong key it is said where it came from, which the store does not know.
fn unopened(error: &StoreError, key: &KeyFound) -> String {
    match error {
        StoreError::WrongKey { .. } => format!("{error}; the key is from {}", key.origin),
        StoreError::Locked { .. }
        | StoreError::Foreign { .. }
        | StoreError::Exposed { .. }
        | StoreError::Unsupported { .. }
        | StoreError::Damage { .. }
        | StoreError::Rejected { .. }
        | StoreError::Io { .. }
        | StoreError::Failed => error.to_string(),
    }
}

/// The numbers of the log's files.
fn log_files(disk: &mut FileDisk) -> Result<Vec<u32>, String> {
    let listed = disk.list();
    listed.map_err(|error| format!("cannot list {}: {error}", disk.directory().display()))
}

/// An error as the sentence it displays.
fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
