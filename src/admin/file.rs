//! Files that are there whole or not at all: written beside their place under another name, synced, then renamed.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What happens to a file that is there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Existing {
    /// It is replaced if it is a regular file; nothing else is.
    Replace,
    /// It stays, and nothing is written.
    Refuse,
}

/// Writes what `fill` gives to `target`, which nobody sees before it is complete and on the disk. Until it is renamed
/// only its owner can read it; then it has `mode`.
///
/// # Errors
/// One sentence that names the file, or the one of `fill`. Nothing is left behind then.
pub(super) fn write_atomically(
    target: &Path,
    mode: u32,
    existing: Existing,
    fill: &mut dyn FnMut(&mut dyn Write) -> Result<(), String>,
) -> Result<(), String> {
    check_target(target, existing)?;
    let draft = draft_name(target)?;
    let outcome = write_draft(&draft, mode, fill).and_then(|()| publish(&draft, target, existing));
    if outcome.is_err() {
        // It may not have been made; and of two errors the first says more.
        let _ = fs::remove_file(&draft);
    }
    outcome
}

fn check_target(target: &Path, existing: Existing) -> Result<(), String> {
    let name = target.display();
    match (fs::metadata(target), existing) {
        (Ok(found), Existing::Replace) if !found.is_file() => {
            Err(format!("{name} is no regular file, and is not replaced by one"))
        }
        (Ok(_), Existing::Refuse) => {
            Err(format!("{name} is there already, and is not overwritten"))
        }
        (Ok(_), Existing::Replace) | (Err(_), _) => Ok(()),
    }
}

/// In the same directory, because a file is renamed within one file system only.
fn draft_name(target: &Path) -> Result<PathBuf, String> {
    let name = target.file_name();
    let name = name.ok_or_else(|| format!("{} cannot be the name of a file", target.display()))?;
    let mut draft = OsString::from(".");
    draft.push(name);
    draft.push(format!(".{}.tmp", std::process::id()));
    Ok(target.with_file_name(draft))
}

fn write_draft(
    draft: &Path,
    mode: u32,
    fill: &mut dyn FnMut(&mut dyn Write) -> Result<(), String>,
) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot write {}: {error}", draft.display());
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(draft).map_err(failed)?;
    let mut out = BufWriter::new(file);
    fill(&mut out)?;
    let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
    file.sync_all().map_err(failed)
}

fn publish(draft: &Path, target: &Path, existing: Existing) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot write {}: {error}", target.display());
    if existing == Existing::Refuse {
        // Taking the name first is what keeps the renaming from replacing a file that has just come.
        OpenOptions::new().write(true).create_new(true).open(target).map_err(failed)?;
    }
    fs::rename(draft, target).map_err(failed)?;
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    File::open(directory).and_then(|opened| opened.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(target: &Path, existing: Existing, text: &str) -> Result<(), String> {
        write_atomically(target, 0o640, existing, &mut |out| {
            out.write_all(text.as_bytes()).map_err(|error| error.to_string())
        })
    }

    #[test]
    fn a_file_is_replaced_only_where_that_is_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("file");
        write(&target, Existing::Refuse, "one").unwrap();
        assert!(write(&target, Existing::Refuse, "two").unwrap_err().contains("file"));
        assert_eq!(fs::read_to_string(&target).unwrap(), "one");
        write(&target, Existing::Replace, "three").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "three");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_leaves_what_was_there_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("file");
        fs::write(&target, "before").unwrap();
        let failed = write_atomically(&target, 0o600, Existing::Replace, &mut |out| {
            out.write_all(b"half").unwrap();
            Err("broken".into())
        });
        assert_eq!(failed, Err("broken".to_owned()));
        assert_eq!(fs::read_to_string(&target).unwrap(), "before");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_device_or_a_directory_is_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        assert!(write(directory.path(), Existing::Replace, "x").is_err());
        assert!(write(Path::new("/dev/null"), Existing::Replace, "x").is_err());
        assert!(write(Path::new("/"), Existing::Replace, "x").is_err());
        assert!(directory.path().is_dir());
    }
}
