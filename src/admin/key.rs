//! `mecd key`: makes a key, says where it is, hides it in a copy of the program.

use std::path::{Path, PathBuf};

use crate::admin::file::{Existing, write_atomically};
use crate::admin::{Site, log_files, said};
use crate::args::KeyCommand;
use crate::config::Config;
use crate::store::disk::FileDisk;
use crate::store::key as keys;

/// Mode of a program with a key inside: whoever may read it has the key, but it has to be run.
const PROGRAM_MODE: u32 = 0o755;

/// `mecd key`
///
/// # Errors
/// One sentence: a file that is there already or cannot be written, a key file that cannot be read, a program that
/// carries a key.
pub fn key(
    config: &Config,
    data_dir: Option<&Path>,
    command: &KeyCommand,
) -> Result<String, String> {
    let site = Site::new(config, data_dir);
    match command {
        KeyCommand::New { file: Some(file) } => new(file),
        KeyCommand::New { file: None } => {
            make_way(&site)?;
            new(&site.key_file)
        }
        KeyCommand::ShowPath => show_path(&site),
        KeyCommand::Inject { key_file, output } => inject(&site, key_file, output),
    }
}

fn new(file: &Path) -> Result<String, String> {
    if std::fs::symlink_metadata(file).is_ok() {
        return Err(format!("{} is there already, and a key is never overwritten", file.display()));
    }
    keys::create(file).map_err(said)?;
    Ok(format!("a new key is in {}\n", file.display()))
}

/// Makes the data directory where the key goes into it; and refuses where data lies that a new key could not open.
fn make_way(site: &Site) -> Result<(), String> {
    if !site.key_file.starts_with(&site.data_dir) && !site.data_dir.is_dir() {
        return Ok(());
    }
    let mut disk = FileDisk::open(&site.data_dir).map_err(said)?;
    let key_is_missing = !site.key_file.exists();
    if key_is_missing && !log_files(&mut disk)?.is_empty() {
        return Err(format!(
            "{} holds data, which a new key could not open",
            site.data_dir.display()
        ));
    }
    Ok(())
}

fn show_path(site: &Site) -> Result<String, String> {
    let path = match keys::injected() {
        Some(_) => this_program()?,
        None => site.key_file.clone(),
    };
    Ok(format!("{}\n", path.display()))
}

fn inject(site: &Site, key_file: &Path, output: &Path) -> Result<String, String> {
    let key = site.load_key(key_file)?;
    let program = this_program()?;
    let mut image = std::fs::read(&program)
        .map_err(|error| format!("cannot read the program {}: {error}", program.display()))?;
    keys::inject(&mut image, &key).map_err(|error| format!("{}: {error}", program.display()))?;
    write_atomically(output, PROGRAM_MODE, Existing::Refuse, &mut |out| {
        out.write_all(&image).map_err(|error| format!("cannot write {}: {error}", output.display()))
    })?;
    Ok(format!(
        "{} starts without a key file: it carries the key of {}.\n\
         This hides the key and does not protect it: whoever can read or run the program can get at it, \
         and on one card with the data it is stolen with the card.\n",
        output.display(),
        key_file.display()
    ))
}

fn this_program() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("cannot find this program's own file: {error}"))
}
