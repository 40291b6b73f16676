//! The seam between the log and the disk: ten operations on numbered files, and their real implementation.
//!
//! Owns the data directory: its lock, its modes, its open descriptors. Does not know what the files hold. Tests put
//! [`crate::store::memory::MemoryDisk`] in its place and inject faults.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};
use rustix::io::{Errno, retry_on_intr};

use crate::limits::LOG_FILES_OPEN_MAX;
use crate::store::StoreError;

/// Name of the file in the data directory that the running server holds locked.
pub const LOCK_NAME: &str = "lock";
/// Name of the key file in the data directory, where no other is configured.
pub const KEY_NAME: &str = "key";

/// What the log asks of a disk. Files are named by their number; offsets and lengths are bytes.
///
/// Every operation either does all it says or returns an error; after an error of `write_at` or `sync` it is not known
/// what the file holds.
pub trait Disk {
    /// Numbers of the files there are, ascending.
    ///
    /// # Errors
    /// What the system says, as for every operation here.
    fn list(&mut self) -> io::Result<Vec<u32>>;
    /// Makes an empty file that must not exist yet.
    ///
    /// # Errors
    /// `AlreadyExists`, `StorageFull` or what else the system says.
    fn create(&mut self, file: u32) -> io::Result<()>;
    /// Bytes of a file.
    ///
    /// # Errors
    /// What the system says.
    fn length(&mut self, file: u32) -> io::Result<u64>;
    /// Fills all of `out` from the bytes at `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file ends before.
    fn read_at(&mut self, file: u32, offset: u64, out: &mut [u8]) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// What the system says; part of it may then be written.
    fn write_at(&mut self, file: u32, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes a file `length` bytes long, the new ones zeros, with space for all of them set aside.
    ///
    /// # Errors
    /// `StorageFull` or what else the system says; the file is then as before.
    fn allocate(&mut self, file: u32, length: u64) -> io::Result<()>;
    /// Cuts a file to `length` bytes.
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&mut self, file: u32, length: u64) -> io::Result<()>;
    /// Returns when what was written to a file survives a loss of power.
    ///
    /// # Errors
    /// What the system says; what was written before may then be lost, and asking again would not tell.
    fn sync(&mut self, file: u32) -> io::Result<()>;
    /// Returns when the files created and removed so far survive a loss of power as such.
    ///
    /// # Errors
    /// What the system says.
    fn sync_dir(&mut self) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&mut self, file: u32) -> io::Result<()>;
    /// Sixteen bytes that no other store has.
    ///
    /// # Errors
    /// If there is no source of randomness.
    fn new_store_id(&mut self) -> io::Result<[u8; 16]>;
    /// How often a file was synced since it was opened, and how long that took in all, where that is measured.
    fn syncs(&self) -> (u64, Duration) {
        (0, Duration::ZERO)
    }
    /// When the files were last written before this disk was opened, in seconds since 1970 by the clock of that time,
    /// where that is known.
    fn last_written(&self) -> Option<u64> {
        None
    }
    /// How to name a file to a person.
    fn path(&self, file: u32) -> PathBuf;
    /// How to name the whole to a person.
    fn directory(&self) -> PathBuf;
}

/// A data directory.
#[derive(Debug)]
pub struct FileDisk {
    path: PathBuf,
    directory: File,
    /// Held for its lock, which the system drops with the process.
    _lock: File,
    /// Open files, the one used last at the end.
    handles: Vec<Handle>,
    /// Syncs, and how long they took in all.
    syncs: (u64, Duration),
    last_written: Option<u64>,
}

#[derive(Debug)]
struct Handle {
    number: u32,
    file: File,
    state: State,
}

/// Whether a descriptor may be closed: a failure to write is told only to a descriptor that was open at the time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Synced,
    Written,
}

impl FileDisk {
    /// Opens the data directory at `path`, and makes it (mode 0700) where there is none. One that group or others may
    /// enter is closed to them. Takes the lock.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Foreign`], [`StoreError::Exposed`], [`StoreError::Io`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| io_error("create", path, error))?;
        refuse_foreign(path)?;
        let directory = File::open(path).map_err(|error| io_error("open", path, error))?;
        close_to_others(path, &directory)?;
        let lock_path = path.join(LOCK_NAME);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|error| io_error("open", &lock_path, error))?;
        match retry_on_intr(|| flock(&lock, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(StoreError::Locked { directory: path.to_path_buf() });
            }
            Err(error) => return Err(io_error("lock", &lock_path, error.into())),
        }
        Ok(Self {
            path: path.to_path_buf(),
            directory,
            _lock: lock,
            handles: Vec::new(),
            syncs: (0, Duration::ZERO),
            last_written: last_written(path),
        })
    }

    /// The handle of a file, opened if it is not. Above the bound the one not used for longest is closed, unless it
    /// was written and not synced.
    fn handle(&mut self, number: u32) -> io::Result<&mut Handle> {
        if let Some(at) = self.handles.iter().position(|handle| handle.number == number) {
            let handle = self.handles.remove(at);
            self.handles.push(handle);
        } else {
            let file = OpenOptions::new().read(true).write(true).open(self.path(number))?;
            self.keep(number, file);
        }
        Ok(self.handles.last_mut().expect("one was pushed"))
    }

    fn keep(&mut self, number: u32, file: File) {
        let unused = self.handles.iter().position(|handle| handle.state == State::Synced);
        if let Some(at) = unused.filter(|_| self.handles.len() >= LOG_FILES_OPEN_MAX) {
            self.handles.remove(at);
        }
        self.handles.push(Handle { number, file, state: State::Synced });
    }
}

impl Disk for FileDisk {
    fn list(&mut self) -> io::Result<Vec<u32>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            files.extend(entry?.file_name().to_str().and_then(file_number));
        }
        files.sort_unstable();
        Ok(files)
    }

    fn create(&mut self, file: u32) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let created = options.open(self.path(file))?;
        self.keep(file, created);
        Ok(())
    }

    fn length(&mut self, file: u32) -> io::Result<u64> {
        Ok(self.handle(file)?.file.metadata()?.len())
    }

    fn read_at(&mut self, file: u32, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.handle(file)?.file.read_exact_at(out, offset)
    }

    fn write_at(&mut self, file: u32, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let handle = self.handle(file)?;
        handle.state = State::Written;
        handle.file.write_all_at(bytes, offset)
    }

    fn allocate(&mut self, file: u32, length: u64) -> io::Result<()> {
        let handle = self.handle(file)?;
        let before = handle.file.metadata()?.len();
        if length <= before {
            return Ok(());
        }
        let given = retry_on_intr(|| {
            fallocate(&handle.file, FallocateFlags::empty(), before, length - before)
        });
        let outcome = match given {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                handle.state = State::Written;
                write_zeros(&handle.file, before, length)
            }
            other => other.map_err(io::Error::from),
        };
        if outcome.is_err() {
            // What was given so far goes back; where even that fails it is a tail of zeros, which does no harm.
            let _ = handle.file.set_len(before);
        }
        outcome
    }

    fn truncate(&mut self, file: u32, length: u64) -> io::Result<()> {
        self.handle(file)?.file.set_len(length)
    }

    fn sync(&mut self, file: u32) -> io::Result<()> {
        let begun = Instant::now();
        let handle = self.handle(file)?;
        handle.file.sync_data()?;
        if handle.file.metadata()?.nlink() == 0 {
            return Err(io::Error::other("the file was deleted under the server"));
        }
        handle.state = State::Synced;
        self.syncs.0 += 1;
        self.syncs.1 += begun.elapsed();
        Ok(())
    }

    fn syncs(&self) -> (u64, Duration) {
        self.syncs
    }

    fn last_written(&self) -> Option<u64> {
        self.last_written
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        match self.directory.sync_all() {
            // Some file systems know no sync of a directory, and keep its entries in order without.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            other => other,
        }
    }

    fn remove(&mut self, file: u32) -> io::Result<()> {
        self.handles.retain(|handle| handle.number != file);
        fs::remove_file(self.path(file))
    }

    fn new_store_id(&mut self) -> io::Result<[u8; 16]> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(id)
    }

    fn path(&self, file: u32) -> PathBuf {
        self.path.join(file_name(file))
    }

    fn directory(&self) -> PathBuf {
        self.path.clone()
    }
}

/// The name of a log file: its number in eight digits or more.
pub(super) fn file_name(file: u32) -> String {
    format!("{file:08}.log")
}

pub(super) fn file_number(name: &str) -> Option<u32> {
    let number = name.strip_suffix(".log")?.parse().ok()?;
    (number > 0 && file_name(number) == name).then_some(number)
}

/// The newest time of a log file in a directory. One that cannot be read is as if it were not there: nothing depends on
/// the time.
pub fn last_written(directory: &Path) -> Option<u64> {
    let entries = fs::read_dir(directory).ok()?.filter_map(Result::ok);
    let ours = entries.filter(|entry| entry.file_name().to_str().and_then(file_number).is_some());
    let times = ours.filter_map(|entry| entry.metadata().ok()?.modified().ok());
    let newest = times.max()?.duration_since(UNIX_EPOCH).ok()?;
    Some(newest.as_secs())
}

/// A directory with something in it belongs to somebody else, unless something of ours is there too.
pub(super) fn refuse_foreign(path: &Path) -> Result<(), StoreError> {
    let entries = fs::read_dir(path).map_err(|error| io_error("list", path, error))?;
    let mut others = 0;
    for entry in entries {
        let name = entry.map_err(|error| io_error("list", path, error))?.file_name();
        match name.to_str() {
            Some(LOCK_NAME | KEY_NAME) => return Ok(()),
            Some(name) if file_number(name).is_some() => return Ok(()),
            // The root of a file system of its own has this from the start.
            Some("lost+found") => {}
            Some(_) | None => others += 1,
        }
    }
    if others == 0 { Ok(()) } else { Err(StoreError::Foreign { directory: path.to_path_buf() }) }
}

/// Service managers make a state directory with mode 0755, so a mode too wide is mended and not complained of.
fn close_to_others(path: &Path, directory: &File) -> Result<(), StoreError> {
    let metadata = directory.metadata().map_err(|error| io_error("examine", path, error))?;
    if metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    directory
        .set_permissions(Permissions::from_mode(0o700))
        .map_err(|_| StoreError::Exposed { directory: path.to_path_buf() })
}

fn write_zeros(file: &File, mut from: u64, to: u64) -> io::Result<()> {
    let zeros = [0; 4096];
    while from < to {
        let count = zeros.len().min((to - from) as usize);
        file.write_all_at(&zeros[..count], from)?;
        from += count as u64;
    }
    Ok(())
}

fn io_error(attempted: &'static str, path: &Path, error: io::Error) -> StoreError {
    StoreError::Io { attempted, path: path.to_path_buf(), error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_new_data_directory_and_all_in_it_is_private() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("state/mecd");
        let mut disk = FileDisk::open(&path).unwrap();
        disk.create(1).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join("00000001.log")), 0o600);
        assert_eq!(mode(&path.join(LOCK_NAME)), 0o600);
    }

    #[test]
    fn a_data_directory_open_to_others_is_closed_to_them() {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let _disk = FileDisk::open(directory.path()).unwrap();
        assert_eq!(mode(directory.path()), 0o700);
    }

    #[test]
    fn a_second_opener_is_refused_by_name_until_the_first_has_gone() {
        let directory = tempfile::tempdir().unwrap();
        let first = FileDisk::open(directory.path()).unwrap();
        let refused = FileDisk::open(directory.path()).unwrap_err();
        assert!(matches!(refused, StoreError::Locked { .. }));
        assert!(refused.to_string().contains(directory.path().to_str().unwrap()));
        drop(first);
        FileDisk::open(directory.path()).unwrap();
    }

    #[test]
    fn a_foreign_directory_is_refused_by_name_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("letter.txt"), "dear").unwrap();
        let refused = FileDisk::open(directory.path()).unwrap_err();
        assert!(matches!(refused, StoreError::Foreign { .. }));
        assert!(refused.to_string().contains(directory.path().to_str().unwrap()));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_with_a_key_or_nothing_but_lost_and_found_is_ours() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("lost+found")).unwrap();
        drop(FileDisk::open(directory.path()).unwrap());
        fs::write(directory.path().join("notes"), "x").unwrap();
        drop(FileDisk::open(directory.path()).unwrap());
        let other = tempfile::tempdir().unwrap();
        fs::write(other.path().join(KEY_NAME), "x").unwrap();
        fs::write(other.path().join("notes"), "x").unwrap();
        FileDisk::open(other.path()).unwrap();
    }

    #[test]
    fn only_names_of_log_files_are_listed() {
        let directory = tempfile::tempdir().unwrap();
        let mut disk = FileDisk::open(directory.path()).unwrap();
        for name in ["00000000.log", "1.log", "0000000a.log", "00000007.log.bak", "+0000007.log"] {
            fs::write(directory.path().join(name), "x").unwrap();
        }
        disk.create(12).unwrap();
        disk.create(3).unwrap();
        assert_eq!(disk.list().unwrap(), [3, 12]);
        assert!(disk.create(3).is_err());
    }

    #[test]
    fn it_is_known_when_the_files_were_last_written_before() {
        let directory = tempfile::tempdir().unwrap();
        let mut disk = FileDisk::open(directory.path()).unwrap();
        assert_eq!(disk.last_written(), None);
        for (number, seconds) in [(1, 2_000_000_000), (2, 1_000_000_000)] {
            disk.create(number).unwrap();
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            disk.handle(number).unwrap().file.set_modified(time).unwrap();
        }
        drop(disk);
        let disk = FileDisk::open(directory.path()).unwrap();
        assert_eq!(disk.last_written(), Some(2_000_000_000));
    }

    #[test]
    fn allocated_bytes_are_zeros_and_written_ones_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let mut disk = FileDisk::open(directory.path()).unwrap();
        disk.create(1).unwrap();
        disk.allocate(1, 10_000).unwrap();
        disk.write_at(1, 5, b"hello").unwrap();
        disk.allocate(1, 5000).unwrap();
        assert_eq!(disk.length(1).unwrap(), 10_000, "allocating never cuts");
        let mut out = [1; 12];
        disk.read_at(1, 0, &mut out).unwrap();
        assert_eq!(&out, b"\0\0\0\0\0hello\0\0");
        assert!(disk.read_at(1, 9995, &mut out).is_err());
        disk.truncate(1, 7).unwrap();
        disk.sync(1).unwrap();
        disk.sync_dir().unwrap();
        assert_eq!(disk.length(1).unwrap(), 7);
        disk.remove(1).unwrap();
        assert!(disk.length(1).is_err());
    }

    #[test]
    fn zeros_are_written_where_a_file_system_cannot_set_space_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        fs::write(&path, "abc").unwrap();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        write_zeros(&file, 3, 9001).unwrap();
        let content = fs::read(&path).unwrap();
        assert_eq!((content.len(), &content[..3]), (9001, &b"abc"[..]));
        assert!(content[3..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn descriptors_stay_bounded_and_a_written_one_stays_open() {
        let directory = tempfile::tempdir().unwrap();
        let mut disk = FileDisk::open(directory.path()).unwrap();
        for file in 1..=40 {
            disk.create(file).unwrap();
            if file == 1 {
                disk.write_at(1, 0, b"x").unwrap();
            }
        }
        assert_eq!(disk.handles.len(), LOG_FILES_OPEN_MAX);
        assert_eq!(disk.handles[0].number, 1);
        disk.sync(1).unwrap();
        for file in 10..=30 {
            assert_eq!(disk.length(file).unwrap(), 0);
        }
        assert_eq!(disk.handles.len(), LOG_FILES_OPEN_MAX);
        assert!(disk.handles.iter().all(|handle| handle.number != 1));
    }
}
