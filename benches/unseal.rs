//! Reads and unseals every record of a log once and keeps nothing of it: the least that a start can do, beside which
//! `benches/budgets` holds the server's.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use mecd::limits::STORAGE_BYTES_MIN;
use mecd::store::disk::FileDisk;
use mecd::store::{Options, Sync, key, open};

fn main() -> Result<(), Box<dyn Error>> {
    let data = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: unseal DATA_DIRECTORY")?);
    let key = key::load(&data.join("key"))?;
    let disk = Box::new(FileDisk::open(&data)?);
    let options = Options { bytes_max: STORAGE_BYTES_MIN, sync: Sync::Always };
    let (_store, report) = open(disk, &key, options, &mut |_, _| Ok(()))?;
    writeln!(std::io::stdout(), "{} records in {} bytes", report.records, report.bytes)?;
    Ok(())
}
