//! The store: what the server must not forget, in sealed records in flat files.
//!
//! Owns the data directory. Deliberately does not know what a record says: it takes bytes, hands out the [`Place`]
//! where they stand, and gives them back. `docs/storage.md` describes every byte on the disk and what is promised.
//!
//! ```text
//! open ─visit each record─▶ Store
//!   each turn:  begin_turn ▶ append ... ▶ commit ─▶ one write, and a sync when it is due
//!   any time:   read(place)     retire(place)     compaction_due ▶ compact_next ...
//! ```
//!
//! Invariant: what `commit` has returned from survives the end of the process, and what has been synced survives the
//! loss of power; both come back whole and in order, or opening refuses and names file and byte.

mod account;
mod compact;
pub mod disk;
mod error;
pub mod examine;
mod inject;
pub mod key;
mod log;
pub mod memory;
mod recover;
mod seal;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::limits::{LOG_FILE_BYTES, LOG_PIECE_BYTES, LOG_RESERVE_BYTES};

pub use error::StoreError;
pub use log::Store;
pub use recover::{open, open_shaped};

/// Where a record stands in the log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Place {
    /// Number of the log file, from 1.
    pub file: u32,
    /// Byte in the file at which the record's frame begins.
    pub offset: u32,
    /// Bytes of the frame: the length word, the sealed payload, the tag.
    pub bytes: u32,
}

/// What a record is written for: how much of the space it may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Something new. Leaves two reserves of [`crate::limits::LOG_RESERVE_BYTES`] free.
    Fact,
    /// A removal, or what the server must note of itself. Leaves one reserve free: a full store can be cleared.
    Housekeeping,
    /// A copy of what [`Store::compact_next`] has handed out, and nothing else. Asks the file system only, because the
    /// file it comes from is about to go; where it is refused, the record is handed out again.
    Copy,
}

/// A record was not taken, because there is no space for it. Nothing has changed; there may be space later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Full {
    /// [`Options::bytes_max`] is reached.
    Limit,
    /// The file system gave no more space.
    Disk(io::ErrorKind),
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit => f.write_str("storage.bytes_max is reached"),
            Self::Disk(kind) => {
                write!(f, "the file system of the data directory gives no space: {kind}")
            }
        }
    }
}

impl std::error::Error for Full {}

/// When what is written is also synced: what a loss of power may cost (`storage.sync`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sync {
    /// In every commit that writes.
    Always,
    /// At most this many milliseconds after the first write that is not synced.
    Interval(u64),
}

/// What the administrator may choose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Bytes that the log may take on the disk (`storage.bytes_max`); not below
    /// [`crate::limits::STORAGE_BYTES_MIN`], or facts are refused before there is any.
    pub bytes_max: u64,
    /// When to sync.
    pub sync: Sync,
}

/// How large the files of a log are. The program has [`Shape::STANDARD`]; tests and simulation take less, so that files
/// are finished and removed soon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Bytes of one file at most.
    pub file_bytes: u32,
    /// Bytes by which a file is preallocated; divides `file_bytes`.
    pub piece_bytes: u32,
}

impl Shape {
    /// [`LOG_FILE_BYTES`] and [`LOG_PIECE_BYTES`].
    pub const STANDARD: Self =
        Self { file_bytes: LOG_FILE_BYTES as u32, piece_bytes: LOG_PIECE_BYTES as u32 };

    /// Bytes that moving one file's records may take before the file is gone
    /// ([`crate::limits::LOG_RESERVE_BYTES`]).
    fn reserve_bytes(self) -> u64 {
        u64::from(self.file_bytes) + 2 * u64::from(self.piece_bytes)
    }

    fn whole_pieces(self, bytes: u32) -> u32 {
        bytes.next_multiple_of(self.piece_bytes).min(self.file_bytes)
    }
}

const _: () = assert!(
    Shape::STANDARD.file_bytes as usize + 2 * Shape::STANDARD.piece_bytes as usize
        == LOG_RESERVE_BYTES,
    "the reserve is what moving one file takes"
);

/// What opening the store found, for the log of the server.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// An end that was not wholly written when power was lost, and has been dropped. None of it had been synced.
    pub torn: Option<Torn>,
    /// Files that were copied out of before the last stop, and are removed now.
    pub leftovers: u32,
    /// Records visited.
    pub records: u64,
    /// Bytes of the files they stand in.
    pub bytes: u64,
}

/// A torn end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Torn {
    /// The file.
    pub file: PathBuf,
    /// The byte at which it was cut.
    pub offset: u32,
    /// Bytes that were dropped, over all files.
    pub bytes: u64,
}

/// Whoever visits the records does not understand one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rejected;

/// Is called with each record of the log when it is opened, oldest first.
pub type Visit<'v> = dyn FnMut(Place, &[u8]) -> Result<(), Rejected> + 'v;

/// What [`Store::compact_next`] has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Nothing: no compaction is due, or it waits for a sync or for space.
    Idle,
    /// The oldest file is now being compacted.
    Began,
    /// The payload of the record at this place was handed out. Append it again if it is still true.
    Record(Place),
    /// The oldest file is done, and will be removed after the next syncs.
    Finished,
}
