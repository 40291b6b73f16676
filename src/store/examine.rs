//! Looks at a data directory from outside, while a server may have it open: nothing is made, changed or locked for
//! longer than a moment.
//!
//! Knows names, sizes and headers of files. Whether the log is whole only opening it can tell.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::{Errno, retry_on_intr};

use crate::store::StoreError;
use crate::store::disk::{KEY_NAME, LOCK_NAME, file_number, refuse_foreign};
use crate::store::key::Key;
use crate::store::seal::{HEADER_BYTES, HeaderRead, Seal};

/// What lies in a data directory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Contents {
    /// Files of the log, oldest first.
    pub log: Vec<PathBuf>,
    /// Bytes of them, what is only set aside included.
    pub log_bytes: u64,
    /// The other files that belong there: the lock, and the key if it is there.
    pub others: Vec<PathBuf>,
}

/// Lists a data directory.
///
/// # Errors
/// [`StoreError::Foreign`] if it is somebody else's, [`StoreError::Io`] if it cannot be listed.
pub fn contents(directory: &Path) -> Result<Contents, StoreError> {
    refuse_foreign(directory)?;
    let failed = |error| StoreError::Io { attempted: "list", path: directory.to_path_buf(), error };
    let mut numbered = Vec::new();
    let mut contents = Contents::default();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if let Some(number) = file_number(name) {
            // A file that compaction has just removed counts for nothing.
            contents.log_bytes += entry.metadata().map_or(0, |metadata| metadata.len());
            numbered.push((number, entry.path()));
        } else if name == LOCK_NAME || name == KEY_NAME {
            contents.others.push(entry.path());
        }
    }
    numbered.sort_unstable();
    contents.log = numbered.into_iter().map(|(_, path)| path).collect();
    Ok(contents)
}

/// Whether a server has the directory open. The lock is asked for and given back at once; a server that starts in that
/// very moment would find it taken.
///
/// # Errors
/// What the system says, but that there is no lock file means that there is no server.
pub fn is_open(directory: &Path) -> io::Result<bool> {
    let lock = match File::open(directory.join(LOCK_NAME)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match retry_on_intr(|| flock(&lock, FlockOperation::NonBlockingLockShared)) {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Whether a file of the log was sealed with `key`. Nothing is known of one that was only just begun.
///
/// # Errors
/// What the system says.
pub fn is_sealed_with(file: &Path, key: &Key) -> io::Result<Option<bool>> {
    let mut bytes = [0; HEADER_BYTES];
    match File::open(file)?.read_exact_at(&mut bytes, 0) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    Ok(match Seal::new(key, [0; 16]).read_header(&bytes) {
        HeaderRead::Good(_) => Some(true),
        HeaderRead::Unverified => Some(false),
        HeaderRead::Version(_) | HeaderRead::Alien => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::{Disk, FileDisk};
    use crate::store::{Options, Sync, open};

    fn key(digit: &str) -> Key {
        Key::parse(&digit.repeat(32)).unwrap()
    }

    fn begin(directory: &Path) {
        let disk = FileDisk::open(directory).unwrap();
        let options = Options { bytes_max: u64::MAX, sync: Sync::Always };
        let (store, _) = open(Box::new(disk), &key("1"), options, &mut |_, _| Ok(())).unwrap();
        store.close().unwrap();
    }

    #[test]
    fn the_contents_are_the_log_in_order_and_what_else_is_ours() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(contents(directory.path()).unwrap(), Contents::default());
        let mut disk = FileDisk::open(directory.path()).unwrap();
        for (number, length) in [(2, 20), (1, 100), (10, 3)] {
            disk.create(number).unwrap();
            disk.allocate(number, length).unwrap();
        }
        fs::write(directory.path().join("notes"), "not ours").unwrap();
        let found = contents(directory.path()).unwrap();
        assert_eq!(found.log, [1, 2, 10].map(|number| disk.path(number)));
        assert_eq!(found.log_bytes, 123);
        assert_eq!(found.others, [directory.path().join(LOCK_NAME)]);
    }

    #[test]
    fn a_directory_is_open_while_somebody_has_it() {
        let directory = tempfile::tempdir().unwrap();
        assert!(!is_open(directory.path()).unwrap());
        let disk = FileDisk::open(directory.path()).unwrap();
        assert!(is_open(directory.path()).unwrap());
        drop(disk);
        assert!(!is_open(directory.path()).unwrap());
        FileDisk::open(directory.path()).unwrap();
    }

    #[test]
    fn a_header_tells_whether_the_key_is_the_right_one() {
        let directory = tempfile::tempdir().unwrap();
        begin(directory.path());
        let file = directory.path().join("00000001.log");
        assert_eq!(is_sealed_with(&file, &key("1")).unwrap(), Some(true));
        assert_eq!(is_sealed_with(&file, &key("2")).unwrap(), Some(false));
        fs::write(&file, "short").unwrap();
        assert_eq!(is_sealed_with(&file, &key("1")).unwrap(), None);
        fs::write(&file, [0; HEADER_BYTES]).unwrap();
        assert_eq!(is_sealed_with(&file, &key("1")).unwrap(), None);
    }
}
