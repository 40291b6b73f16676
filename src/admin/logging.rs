//! Log lines to standard error, in the form that fits who reads them.
//!
//! Decides the level and the time stamp once, at the start; what is logged is up to the rest of the program.

use std::ffi::OsString;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use env_logger::{Builder, Env};
use log::LevelFilter;

use crate::args::Verbosity;
use crate::dialect::calendar::sortable;

/// Starts logging (spec `program.md`): `verbosity` decides the level, `RUST_LOG` wins over it. Where standard error
/// goes to the journal, which has its own time stamps, lines carry none. A second call changes nothing.
pub fn init_logging(verbosity: Verbosity) {
    let mut builder = Builder::new();
    builder.filter_level(level(verbosity)).parse_env(Env::new());
    let is_dated = is_journal(std::env::var_os("JOURNAL_STREAM"), standard_error());
    builder.format(move |out, record| {
        let time = if is_dated { String::new() } else { now() };
        let (level, style) = (record.level(), out.default_level_style(record.level()));
        // Whatever is told, a new line of the log begins with a bracket.
        let text = record.args().to_string().replace('\n', "\n    ");
        writeln!(out, "[{time}{style}{level:<5}{style:#}] {text}")
    });
    // The only failure is that somebody was first, and then there is a log.
    let _ = builder.try_init();
}

/// The time, as it stands before a line: RFC 3339, to the second.
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = sortable(since.map_or(0, |since| since.as_secs()));
    time.replace(' ', "T") + "Z "
}

fn level(verbosity: Verbosity) -> LevelFilter {
    match verbosity {
        Verbosity::Quiet => LevelFilter::Warn,
        Verbosity::Normal => LevelFilter::Info,
        Verbosity::Verbose => LevelFilter::Debug,
    }
}

/// The file that a stream leads to: `DEVICE:INODE`.
fn standard_error() -> Option<String> {
    let stat = rustix::fs::fstat(std::io::stderr()).ok()?;
    Some(format!("{}:{}", stat.st_dev, stat.st_ino))
}

/// Whether `$JOURNAL_STREAM` names this very stream: programs started from a shell inherit it with another one.
fn is_journal(variable: Option<OsString>, stream: Option<String>) -> bool {
    match (variable, stream) {
        (Some(variable), Some(stream)) => variable == OsString::from(stream),
        (None, _) | (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_known_by_its_stream() {
        let variable = Some(OsString::from("8:123"));
        assert!(is_journal(variable.clone(), Some("8:123".into())));
        assert!(!is_journal(variable.clone(), Some("8:124".into())));
        assert!(!is_journal(variable, None));
        assert!(!is_journal(None, Some("8:123".into())));
    }

    #[test]
    fn standard_error_has_a_device_and_an_inode() {
        let stream = standard_error().unwrap();
        let (device, inode) = stream.split_once(':').unwrap();
        assert!(device.parse::<u64>().is_ok() && inode.parse::<u64>().is_ok());
    }
}
