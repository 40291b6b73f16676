//! What can go wrong with the store, each as one clear sentence that names the file.
//!
//! Owns the error type and nothing else. Nothing here is a client's mistake, and none of it carries content.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A failure of the store. All of them are for the administrator to mend; none is retried by the store itself.
#[derive(Debug)]
pub enum StoreError {
    /// Another process has the data directory open.
    Locked {
        /// The data directory.
        directory: PathBuf,
    },
    /// The data directory is not empty, and nothing in it is ours.
    Foreign {
        /// The data directory.
        directory: PathBuf,
    },
    /// Others may enter the data directory, and it cannot be closed to them.
    Exposed {
        /// The data directory.
        directory: PathBuf,
    },
    /// No file of the log verifies with the key.
    WrongKey {
        /// The newest file that does not.
        file: PathBuf,
    },
    /// Written by another version of the format.
    Unsupported {
        /// The file.
        file: PathBuf,
        /// The version it names.
        version: u8,
    },
    /// Bytes that were once safely written are not what they were.
    Damage {
        /// The file.
        file: PathBuf,
        /// The byte in it at which the trouble begins.
        offset: u32,
        /// What is wrong there.
        what: &'static str,
    },
    /// A record is whole, but whoever reads its content does not understand it.
    Rejected {
        /// The file.
        file: PathBuf,
        /// The byte in it at which the record begins.
        offset: u32,
    },
    /// The system refused something.
    Io {
        /// What was attempted, as an infinitive: "write", "sync".
        attempted: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// An earlier write or sync has failed; what is on the disk since then is not known.
    Failed,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { directory } => {
                write!(f, "the data directory {} is in use by another server", directory.display())
            }
            Self::Foreign { directory } => write!(
                f,
                "the directory {} holds other files and no data of this server; name an empty one",
                directory.display()
            ),
            Self::Exposed { directory } => write!(
                f,
                "the data directory {} is open to other users and belongs to someone else; make it mode 0700",
                directory.display()
            ),
            Self::WrongKey { file } => write!(
                f,
                "the key does not open {}: it was written with another key (or its first 64 bytes are damaged)",
                file.display()
            ),
            Self::Unsupported { file, version } => {
                write!(
                    f,
                    "{} has format version {version}, which this program cannot read",
                    file.display()
                )
            }
            Self::Damage { file, offset, what } => {
                write!(f, "{} is damaged at byte {offset}: {what}", file.display())
            }
            Self::Rejected { file, offset } => write!(
                f,
                "the record at byte {offset} of {} is whole but not understood; was it written by a newer version?",
                file.display()
            ),
            Self::Io { attempted, path, error } => {
                write!(f, "cannot {attempted} {}: {error}", path.display())
            }
            Self::Failed => {
                f.write_str("an earlier write of the log has failed; nothing more is written")
            }
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Locked { .. }
            | Self::Foreign { .. }
            | Self::Exposed { .. }
            | Self::WrongKey { .. }
            | Self::Unsupported { .. }
            | Self::Damage { .. }
            | Self::Rejected { .. }
            | Self::Failed => None,
        }
    }
}
