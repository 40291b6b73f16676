//! `mecd export`: everything that survives, written out as one JSON object a line.

use std::io::{BufWriter, Write};
use std::path::Path;

use zeroize::Zeroizing;

use crate::admin::file::{Existing, write_atomically};
use crate::admin::line::{write_header, write_record};
use crate::admin::{open_existing, said};
use crate::config::Config;
use crate::core::House;
use crate::server::store_place;
use crate::store::Store;

/// Mode of the file: all passwords are in it.
const EXPORT_MODE: u32 = 0o600;

/// The name that means standard output.
const STANDARD_OUTPUT: &str = "-";

/// `mecd export`: to `file`, which is replaced when all of it is written; to standard output without one. One record is
/// in memory at a time.
///
/// # Errors
/// One sentence: why the data directory cannot be opened or read, or the file not written.
#[expect(clippy::needless_pass_by_value, reason = "the command has the configuration to itself")]
pub fn export(config: Config, data_dir: Option<&Path>, file: Option<&Path>) -> Result<(), String> {
    let (house, mut store) = open_existing(&config, data_dir)?;
    match file.filter(|file| *file != Path::new(STANDARD_OUTPUT)) {
        Some(file) => write_atomically(file, EXPORT_MODE, Existing::Replace, &mut |out| {
            let failed = |error| format!("cannot write {}: {error}", file.display());
            write_all(&house, &mut store, out, &failed)
        })?,
        None => {
            let mut out = BufWriter::new(std::io::stdout().lock());
            let failed = |error| format!("cannot write to standard output: {error}");
            write_all(&house, &mut store, &mut out, &failed)?;
        }
    }
    store.close().map_err(said)
}

fn write_all(
    house: &House,
    store: &mut Store,
    out: &mut dyn Write,
    failed: &dyn Fn(std::io::Error) -> String,
) -> Result<(), String> {
    let clock = house.clock();
    // Wiped at the end, because passwords pass through it.
    let mut line = Zeroizing::new(Vec::new());
    write_header(&mut line, clock);
    out.write_all(&line).map_err(failed)?;
    house.export(
        &mut |place, bytes| store.read(store_place(place), bytes).map_err(said),
        &mut |record| {
            line.clear();
            write_record(&mut line, record, clock);
            out.write_all(&line).map_err(failed)
        },
    )?;
    out.flush().map_err(failed)
}
