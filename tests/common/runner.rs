//! How a test starts the program where the machine cannot run it by itself: behind the same words that cargo starts
//! the tests with (`CARGO_TARGET_<TRIPLE>_RUNNER`), which is an emulator when the program is for another processor.
//!
//! Knows no emulator. What an emulator cannot show is left out by [`cannot_see`], what the machine does not have by
//! [`left_out`]; both say so.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// When a process has been copied from ours for so long without becoming another program, it never will.
const STUCK: Duration = Duration::from_secs(5);

/// How often something is started that stands still each time, before the test fails.
const STARTS_MAX: usize = 4;

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

/// Starts a command. An emulator copies itself for that, and with it the locks that its other threads just hold: a copy
/// that waits for one of them never becomes another program, and another one takes its place.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
    for _ in 0..STARTS_MAX {
        let mut child = command.spawn()?;
        if runner().is_empty() || becomes_another(&child) {
            return Ok(child);
        }
        child.kill()?;
        child.wait()?;
        write("started once more under emulation", "a copy of the test stood still");
    }
    Err(io::Error::other(format!("{STARTS_MAX} copies of the test stood still")))
}

/// Runs a command to its end.
pub(crate) fn output(command: &mut Command) -> io::Result<Output> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    spawn(command)?.wait_with_output()
}

/// Whether a child becomes, or has been, another program than we are.
fn becomes_another(child: &Child) -> bool {
    // The emulator shows us our own as it would be without one, but not by way of the thread's.
    let ours = std::fs::read(format!("/proc/self/task/{}/cmdline", std::process::id()));
    let ours = ours.expect("there is a process file system");
    let end = Instant::now() + STUCK;
    while Instant::now() < end {
        let its = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
        if its != ours {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
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
