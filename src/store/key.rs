//! The storage key: making it, keeping it in a file, and finding it in the program's own image.
//!
//! Owns the sixteen bytes and wipes them when they are no longer needed. Does not know what they are used for.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::{Zeroize, Zeroizing};

use crate::limits::KEY_FILE_BYTES_MAX;

pub use crate::store::inject::{InjectError, inject, injected};

/// Bytes of the key (AES-128).
pub const KEY_BYTES: usize = 16;

/// The storage key. It is wiped from memory when dropped, and never printed but by [`Key::hex`].
#[derive(Clone)]
pub struct Key([u8; KEY_BYTES]);

/// Why there is no key; each prints as one sentence that names the file.
#[derive(Debug)]
pub enum KeyError {
    /// Not 32 hex digits.
    Malformed {
        /// The file.
        file: PathBuf,
    },
    /// Other users can read it.
    Exposed {
        /// The file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The system refused something.
    Io {
        /// What was attempted.
        attempted: &'static str,
        /// On which file.
        file: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The system has no random bytes.
    Random(getrandom::Error),
}

impl Key {
    /// A new key from the system's random source.
    ///
    /// # Errors
    /// [`KeyError::Random`] if there is none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut key = Self([0; KEY_BYTES]);
        getrandom::fill(&mut key.0).map_err(KeyError::Random)?;
        Ok(key)
    }

    /// A key from 32 hex digits of either case. `None` if `digits` is anything else.
    pub fn parse(digits: &str) -> Option<Self> {
        if digits.len() != 2 * KEY_BYTES {
            return None;
        }
        let mut key = Self([0; KEY_BYTES]);
        for (byte, pair) in key.0.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = (high << 4 | low) as u8;
        }
        Some(key)
    }

    /// The key as 32 hex digits of lower case; wiped when dropped.
    pub fn hex(&self) -> Zeroizing<String> {
        let mut digits = Zeroizing::new(String::with_capacity(2 * KEY_BYTES));
        for byte in self.0 {
            for half in [byte >> 4, byte & 15] {
                digits.push(char::from_digit(half.into(), 16).expect("a half byte is a digit"));
            }
        }
        digits
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    pub(super) fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// Reads a key file: 32 hex digits, white space around them allowed.
///
/// # Errors
/// [`KeyError::Exposed`] if group or others have any access, [`KeyError::Malformed`] for other content,
/// [`KeyError::Io`] if it cannot be read.
pub fn load(file: &Path) -> Result<Key, KeyError> {
    load_guarded(file, 0o077)
}

/// Reads a key file from the directory that the service manager made for its credentials. It gives access by an access
/// list, which shows as bits of the group, so only what others may do is checked here.
///
/// # Errors
/// As [`load`], [`KeyError::Exposed`] only for access by others.
pub fn load_credential(file: &Path) -> Result<Key, KeyError> {
    load_guarded(file, 0o007)
}

fn load_guarded(file: &Path, forbidden: u32) -> Result<Key, KeyError> {
    let opened = File::open(file).map_err(|error| failed("open", file, error))?;
    let metadata = opened.metadata().map_err(|error| failed("examine", file, error))?;
    let mode = metadata.mode() & 0o7777;
    if mode & forbidden != 0 {
        return Err(KeyError::Exposed { file: file.to_path_buf(), mode });
    }
    let mut content = Zeroizing::new(Vec::with_capacity(KEY_FILE_BYTES_MAX as usize + 1));
    opened
        .take(KEY_FILE_BYTES_MAX + 1)
        .read_to_end(&mut content)
        .map_err(|error| failed("read", file, error))?;
    let digits = std::str::from_utf8(&content).unwrap_or_default().trim_ascii();
    Key::parse(digits).ok_or_else(|| KeyError::Malformed { file: file.to_path_buf() })
}

/// Makes a new key and writes it to `file`, mode 0600, synced with its directory. A file that exists is left alone.
///
/// # Errors
/// [`KeyError::Io`], with `AlreadyExists` if there is a file; [`KeyError::Random`].
pub fn create(file: &Path) -> Result<Key, KeyError> {
    let key = Key::generate()?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let created = options.open(file).map_err(|error| failed("create", file, error))?;
    if let Err(error) = write(&created, &key) {
        // Half a key would be taken for a broken one by every later start.
        let _ = fs::remove_file(file);
        return Err(failed("write", file, error));
    }
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    File::open(directory)
        .and_then(|opened| opened.sync_all())
        .map_err(|error| failed("sync", directory, error))?;
    Ok(key)
}

fn write(mut file: &File, key: &Key) -> io::Result<()> {
    let mut content = key.hex();
    content.push('\n');
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

fn failed(attempted: &'static str, file: &Path, error: io::Error) -> KeyError {
    KeyError::Io { attempted, file: file.to_path_buf(), error }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { file } => {
                write!(f, "the key file {} does not hold 32 hex digits", file.display())
            }
            Self::Exposed { file, mode } => write!(
                f,
                "the key file {} has mode {mode:04o}, so other users can reach it; make it mode 0600",
                file.display()
            ),
            Self::Io { attempted, file, error } => {
                write!(f, "cannot {attempted} the key file {}: {error}", file.display())
            }
            Self::Random(error) => write!(f, "cannot make a key: no random bytes: {error}"),
        }
    }
}

impl std::error::Error for KeyError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    const DIGITS: &str = "00ff10a5deadbeef0123456789abcdef";

    #[test]
    fn a_key_reads_back_from_its_digits_in_either_case() {
        assert_eq!(*Key::parse(DIGITS).unwrap().hex(), DIGITS);
        assert_eq!(*Key::parse(&DIGITS.to_uppercase()).unwrap().hex(), DIGITS);
    }

    #[test]
    fn anything_but_thirty_two_hex_digits_is_no_key() {
        for wrong in ["", &DIGITS[1..], &format!("{DIGITS}0"), &DIGITS.replace('d', "g")] {
            assert!(Key::parse(wrong).is_none(), "{wrong}");
        }
        assert!(Key::parse("ééééééééééééééé0").is_none());
    }

    #[test]
    fn a_key_is_not_printed_by_accident() {
        assert_eq!(format!("{:?}", Key::parse(DIGITS).unwrap()), "Key");
    }

    #[test]
    fn two_new_keys_differ() {
        assert_ne!(*Key::generate().unwrap().hex(), *Key::generate().unwrap().hex());
    }

    #[test]
    fn a_created_key_file_is_private_and_loads_again() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        let key = create(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(*load(&file).unwrap().hex(), *key.hex());
        assert!(create(&file).is_err(), "a key that exists is never replaced");
        assert_eq!(*load(&file).unwrap().hex(), *key.hex());
    }

    #[test]
    fn a_key_that_others_can_reach_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        fs::write(&file, format!("  {DIGITS}\n")).unwrap();
        for (mode, loads, loads_as_credential) in
            [(0o600, true, true), (0o400, true, true), (0o440, false, true), (0o604, false, false)]
        {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            assert_eq!(load(&file).is_ok(), loads, "{mode:o}");
            assert_eq!(load_credential(&file).is_ok(), loads_as_credential, "{mode:o}");
        }
        let said = load(&file).unwrap_err().to_string();
        assert!(said.contains(file.to_str().unwrap()) && said.contains("0604"), "{said}");
    }

    #[test]
    fn a_key_file_with_other_content_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        for content in
            [String::new(), format!("{DIGITS}{DIGITS}"), " ".repeat(1000), "\u{ff}".into()]
        {
            fs::write(&file, content).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
            assert!(matches!(load(&file), Err(KeyError::Malformed { .. })));
        }
        assert!(matches!(load(&directory.path().join("none")), Err(KeyError::Io { .. })));
    }
}
