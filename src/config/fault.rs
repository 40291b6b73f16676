//! What is wrong with a configuration, and where: one sentence per fault, in the words an administrator reads.
//!
//! Knows nothing of options. Faults are data: whoever asked for the configuration prints them.

use std::fmt;
use std::path::PathBuf;

/// Where a fault was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// The configuration file; `line` counts from 1 and is absent where the file as a whole is meant.
    File {
        /// As it was given on the command line.
        path: PathBuf,
        /// From 1.
        line: Option<usize>,
    },
    /// `--set KEY=VALUE`
    Set {
        /// The text before the first `=`.
        key: String,
        /// The text after it.
        value: String,
    },
    /// `--listen DIALECT=ADDR:PORT`; the text after `--listen`.
    Listen(String),
}

/// One thing that the administrator must mend (spec `program.md`: exit status 1).
///
/// Displayed as `FILE:LINE: KEY: sentence`, `--set KEY=VALUE: sentence` or `--listen DIALECT=ADDRESS: sentence`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Where it stands.
    pub place: Place,
    /// The option or section it is about; absent for the file as a whole and for its syntax.
    pub key: Option<String>,
    /// What is wrong, without a full stop.
    pub sentence: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File { path, line } => {
                write!(f, "{}:", path.display())?;
                if let Some(line) = line {
                    write!(f, "{line}:")?;
                }
                if let Some(key) = &self.key {
                    write!(f, " {key}:")?;
                }
            }
            Place::Set { key, value } => write!(f, "--set {key}={value}:")?,
            Place::Listen(text) => write!(f, "--listen {text}:")?,
        }
        write!(f, " {}", self.sentence)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_printed_with_its_place_first() {
        let fault = |place, key: Option<&str>| Fault {
            place,
            key: key.map(str::to_owned),
            sentence: "is wrong".to_owned(),
        };
        let file = |line| Place::File { path: "etc/mecd.toml".into(), line };
        let set = Place::Set { key: "a.b".into(), value: "1".into() };
        let listen = Place::Listen("helo=[::]:1".into());
        let table = [
            (fault(file(Some(7)), Some("a.b")), "etc/mecd.toml:7: a.b: is wrong"),
            (fault(file(Some(7)), None), "etc/mecd.toml:7: is wrong"),
            (fault(file(None), None), "etc/mecd.toml: is wrong"),
            (fault(set, Some("a.b")), "--set a.b=1: is wrong"),
            (fault(listen, Some("listen.helo")), "--listen helo=[::]:1: is wrong"),
        ];
        for (fault, wanted) in table {
            assert_eq!(fault.to_string(), wanted);
        }
    }
}
