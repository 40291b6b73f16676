//! What the doctor says of the data directory: whose it is, whether there is room, and whether the key opens it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::admin::Site;
use crate::admin::doctor::{Diagnosis, Server};
use crate::config::Config;
use crate::limits::{LOG_RESERVE_BYTES, STORAGE_BYTES_MIN};
use crate::store::examine::{Contents, contents, is_open, is_sealed_with};
use crate::store::key as keys;

const MIB: u64 = 1024 * 1024;

/// Whoever may do everything.
const ROOT: u32 = 0;

pub(super) fn examine(site: &Site, config: &Config, found: &mut Diagnosis) -> Server {
    let directory = &site.data_dir;
    let Some(metadata) = directory_itself(directory, found) else {
        examine_key(site, &Contents::default(), found);
        return Server::Rests;
    };
    if !examine_owner(directory, &metadata, found) {
        return Server::Rests;
    }
    let contents = match contents(directory) {
        Ok(contents) => contents,
        Err(error) => {
            found.now(error.to_string());
            return Server::Rests;
        }
    };
    let server = examine_lock(directory, found);
    examine_files(directory, &metadata, &contents, found);
    examine_space(directory, config, contents.log_bytes, found);
    examine_key(site, &contents, found);
    server
}

/// The directory, or where it would be made.
fn directory_itself(directory: &Path, found: &mut Diagnosis) -> Option<Metadata> {
    let shown = directory.display();
    match directory.metadata() {
        Ok(metadata) if metadata.is_dir() => return Some(metadata),
        Ok(_) => found.now(format!("{shown} is no directory, so no data can be kept in it")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let above = nearest_above(directory);
            match access(&above, Access::WRITE_OK | Access::EXEC_OK) {
                Ok(()) => found.well(format!(
                    "the data directory {shown} is not there yet; the first start makes it"
                )),
                Err(Errno::ROFS) => found.now(read_only(&above)),
                Err(error) => found.now(format!(
                    "the data directory {shown} is not there, and cannot be made in {}: {error}",
                    above.display()
                )),
            }
        }
        Err(error) => found.now(format!("the data directory {shown} cannot be reached: {error}")),
    }
    None
}

/// The first directory above that is there.
fn nearest_above(path: &Path) -> PathBuf {
    let above = path.ancestors().skip(1).find(|above| above.exists());
    match above {
        Some(above) => above.to_path_buf(),
        // Of a relative path nothing is left in the end.
        None => PathBuf::from("."),
    }
}

fn read_only(path: &Path) -> String {
    format!(
        "the file system of {} is read-only, and nothing can be kept: a card that fails ends like this, and so does \
         one after errors (dmesg says which)",
        path.display()
    )
}

/// False if we cannot look into it.
fn examine_owner(directory: &Path, metadata: &Metadata, found: &mut Diagnosis) -> bool {
    let shown = directory.display();
    let (owner, we) = (metadata.uid(), geteuid().as_raw());
    if we != ROOT && owner != we {
        found.now(format!(
            "the data directory {shown} belongs to user {owner}, and this is user {we}: ask as that user or as root, \
             as the server must run as that user"
        ));
        return false;
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        found.later(format!(
            "the data directory {shown} has mode {mode:04o}, so other users can enter it; the next start makes it 0700"
        ));
    }
    match access(directory, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => true,
        Err(Errno::ROFS) => {
            found.now(read_only(directory));
            true
        }
        Err(error) => {
            found.now(format!("the data directory {shown} cannot be written: {error}"));
            false
        }
    }
}

fn examine_lock(directory: &Path, found: &mut Diagnosis) -> Server {
    let shown = directory.display();
    match is_open(directory) {
        Ok(true) => {
            found.well(format!("a server is running on the data directory {shown}"));
            Server::Runs
        }
        Ok(false) => {
            found.well(format!("no server is running on the data directory {shown}"));
            Server::Rests
        }
        Err(error) => {
            found.now(format!("the lock in {shown} cannot be examined: {error}"));
            Server::Rests
        }
    }
}

/// Files that a command run as somebody else has left there are the usual reason why a server cannot start.
fn examine_files(
    directory: &Path,
    metadata: &Metadata,
    contents: &Contents,
    found: &mut Diagnosis,
) {
    let owner = metadata.uid();
    let mut sound = true;
    for file in contents.log.iter().chain(&contents.others) {
        let shown = file.display();
        let Ok(metadata) = file.metadata() else { continue };
        if metadata.uid() != owner {
            sound = false;
            let theirs = metadata.uid();
            found.now(format!(
                "{shown} belongs to user {theirs} and its directory to user {owner}: chown {owner} {shown}"
            ));
        } else if let Err(error) = access(file, Access::READ_OK | Access::WRITE_OK)
            && error != Errno::ROFS
        {
            sound = false;
            found.now(format!("{shown} cannot be read and written: {error}"));
        }
    }
    if sound {
        let shown = directory.display();
        found.well(format!("everything in {shown} belongs to one user, number {owner}"));
    }
}

/// Room in the file system, and below `storage.bytes_max`.
fn examine_space(directory: &Path, config: &Config, used: u64, found: &mut Diagnosis) {
    let shown = directory.display();
    let free = match statvfs(directory) {
        Ok(system) if system.f_flag.contains(StatVfsMountFlags::RDONLY) => return,
        Ok(system) => system.f_bavail.saturating_mul(system.f_frsize),
        Err(error) => {
            return found.now(format!("the file system of {shown} is not known: {error}"));
        }
    };
    let reserve = LOG_RESERVE_BYTES as u64;
    let may_grow = config.bytes_max.saturating_sub(used);
    let (free_mib, grow_mib) = (free / MIB, may_grow / MIB);
    if free < reserve {
        found.now(format!(
            "the file system of {shown} has {free_mib} MiB left, and the log may be refused its next piece: what is new \
             is then refused, while chat goes on"
        ));
    } else if free < may_grow {
        found.later(format!(
            "the log may grow by {grow_mib} MiB (storage.bytes_max), and the file system of {shown} has {free_mib} MiB \
             left: make room, or make storage.bytes_max smaller"
        ));
    } else {
        found.well(format!(
            "there are {free_mib} MiB of space, and the log may take {grow_mib} of them"
        ));
    }
    if may_grow < 2 * reserve {
        found.now(format!(
            "the log has reached storage.bytes_max ({} MiB): what is new is refused until something is removed or expires",
            config.bytes_max / MIB
        ));
    } else if config.bytes_max > 2 * STORAGE_BYTES_MIN && may_grow < config.bytes_max / 8 {
        found.later(format!(
            "the log takes {} of the {} MiB of storage.bytes_max",
            used / MIB,
            config.bytes_max / MIB
        ));
    }
}

fn examine_key(site: &Site, contents: &Contents, found: &mut Diagnosis) {
    let file = site.key_file.display();
    let (key, origin) = match keys::injected() {
        Some(key) => (key, "inside this program".to_owned()),
        None if site.key_file.try_exists().is_ok_and(|exists| !exists) => {
            return examine_missing_key(site, contents, found);
        }
        None => match site.load_key(&site.key_file) {
            Ok(key) => (key, file.to_string()),
            Err(sentence) => return found.now(sentence),
        },
    };
    let Some(newest) = contents.log.last() else {
        return found.well(format!("the key is there: {origin}"));
    };
    match is_sealed_with(newest, &key) {
        Ok(Some(true)) => found.well(format!("the key opens the data: {origin}")),
        Ok(Some(false)) => found
            .now(format!("the key does not open {}, it is another's: {origin}", newest.display())),
        Ok(None) => found.well(format!("the key is there: {origin}")),
        Err(error) => found.now(format!("cannot read {}: {error}", newest.display())),
    }
}

fn examine_missing_key(site: &Site, contents: &Contents, found: &mut Diagnosis) {
    let (file, data) = (site.key_file.display(), site.data_dir.display());
    if !contents.log.is_empty() {
        return found.now(format!(
            "the key {file} is missing, and the data in {data} opens with its key only"
        ));
    }
    // The first start makes the data directory, and no other.
    let parent = site.key_file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let elsewhere = Some(parent.unwrap_or(Path::new("."))).filter(|it| *it != site.data_dir);
    match elsewhere.map(|parent| access(parent, Access::WRITE_OK | Access::EXEC_OK)) {
        Some(Err(error)) => {
            found.now(format!("the key {file} is not there, and cannot be made: {error}"));
        }
        Some(Ok(())) | None => {
            found.well(format!("the key {file} is not there yet; the first start makes it"));
        }
    }
}
