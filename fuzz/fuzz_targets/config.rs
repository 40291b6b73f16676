//! The configuration: any bytes as its file, and any `--set`, give faults, or a configuration that is the same after it
//! was written as a file and read again.
//!
//! Input: the file, and behind each zero byte the text of one `--set KEY=VALUE`.

#![no_main]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mecd::config::{Config, Environment, Fault, Place, load};

/// A file without a name, which goes with the process.
static SCRATCH: LazyLock<File> = LazyLock::new(|| {
    let path = std::env::temp_dir().join(format!("mecd-fuzz-config-{}", std::process::id()));
    let file = File::create_new(&path).expect("a file can be made");
    std::fs::remove_file(&path).expect("and removed");
    file
});

fuzz_target!(|bytes: &[u8]| {
    let mut pieces = bytes.split(|byte| *byte == 0);
    let file = pieces.next().unwrap_or_default();
    let sets: Vec<(String, String)> = pieces
        .filter_map(|piece| str::from_utf8(piece).ok()?.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    match read(file, &sets) {
        Ok(config) => written_and_read_again(&config),
        Err(faults) => check(&faults, file),
    }
});

fn read(file: &[u8], sets: &[(String, String)]) -> Result<Config, Vec<Fault>> {
    write(file).expect("the file can be written");
    load(Some(&path()), sets, &[])
}

fn write(bytes: &[u8]) -> io::Result<()> {
    SCRATCH.set_len(0)?;
    SCRATCH.write_all_at(bytes, 0)
}

fn path() -> PathBuf {
    Path::new("/proc/self/fd").join(SCRATCH.as_raw_fd().to_string())
}

fn written_and_read_again(config: &Config) {
    let text = config.to_toml();
    assert_eq!(read(text.as_bytes(), &[]).as_ref(), Ok(config), "{text}");
    let mut resolved = config.clone();
    resolved.resolve(None, &Environment::default());
    let text = resolved.to_toml();
    assert_eq!(read(text.as_bytes(), &[]), Ok(resolved), "{text}");
}

/// Each fault is one line for a person to read, and names a line that is there.
fn check(faults: &[Fault], file: &[u8]) {
    assert!(!faults.is_empty(), "what is refused has a fault");
    let lines = 1 + file.iter().filter(|byte| **byte == b'\n').count();
    for fault in faults {
        let Place::File { line, .. } = &fault.place else { continue };
        assert!(line.is_none_or(|line| (1..=lines).contains(&line)), "{fault:?} of {lines}");
        let shown = fault.to_string();
        assert!(!shown.contains(char::is_control), "{shown:?}");
    }
}
