//! How a test starts the program where the machine cannot run it by itself: behind the same words that cargo starts
//! the tests with (`CARGO_TARGET_<TRIPLE>_RUNNER`), which is an emulator when the program is for another processor.
//!
//! Knows no emulator. What an emulator cannot show is left out by [`cannot_see`], what the machine does not have by
//! [`left_out`]; both say so.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// Where cargo finds the runner for the target of this test.
fn variable() -> String {
    let triple = env!("MECD_TARGET").to_ascii_uppercase().replace(['-', '.'], "_");
    format!("CARGO_TARGET_{triple}_RUNNER")
}

/// The words of the runner; none where the program runs by itself. They are parted as cargo parts them.
fn runner() -> Vec<String> {
    let words = std::env::var(variable()).unwrap_or_default();
    words.split_whitespace().map(str::to_owned).collect()
}

/// The command that starts `program`.
pub(crate) fn command(program: &Path) -> Command {
    behind(&[], program)
}

/// The command that starts `program` by something else, which takes the rest of its words for a command that it
/// becomes: a shell with a script that ends with `exec "$@"`, or `setpriv`.
pub(crate) fn behind(words: &[&str], program: &Path) -> Command {
    let words = words.iter().copied().map(OsString::from);
    let mut words = words.chain(runner().into_iter().map(OsString::from)).chain([program.into()]);
    let mut command = Command::new(words.next().expect("the program is one"));
    command.args(words);
    command
}

/// Whether an emulator stands between a test and `what` it looks at. If so it is written: nothing is left out in silence.
pub(crate) fn cannot_see(what: &str) -> bool {
    let emulated = !runner().is_empty();
    if emulated {
        write("left out under emulation", what);
    }
    emulated
}

/// Writes what of a test the machine does not let it do.
pub(crate) fn left_out(why: &str) {
    write("left out", why);
}

/// Writes past the capture of what tests print, with the name of the test.
fn write(what: &str, why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("{what}: {test}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("there is a standard error");
}
