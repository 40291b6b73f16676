//! Tells the service manager how the server is doing, in the words of sd_notify(3): ready, reloading, stopping, alive.
//!
//! Owns the socket and the beat of the watchdog; does not know what the loop does. Nothing here ever waits: what the
//! manager does not take at once is said again later. Invariant: where there is no manager there is no socket and no
//! deadline, and where there is no watchdog, a deadline only while something is left to be said.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use log::warn;
use rustix::time::{ClockId, clock_gettime};

use crate::config::Environment;
use crate::core::{Now, sooner};
use crate::limits::{NOTICE_RETRY_MS, NOTICES_WAITING_MAX, WATCHDOG_BEAT_MS_MIN};

/// The way to the service manager, if there is one.
#[derive(Debug, Default)]
pub struct Notifier {
    manager: Option<Manager>,
    beat: Option<Beat>,
}

#[derive(Debug)]
struct Manager {
    socket: UnixDatagram,
    address: SocketAddr,
    /// What it has not taken yet, oldest first.
    waiting: VecDeque<String>,
    retry_at: u64,
    /// It was logged that it does not take anything.
    said_deaf: bool,
}

/// How often the manager wants to hear that the loop goes round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Beat {
    every_ms: u64,
    /// Nobody waits for it before the server is ready.
    due: Option<u64>,
}

impl Notifier {
    /// To the manager that `environment` names. One that cannot be reached is logged: the server serves without.
    #[must_use]
    pub fn new(environment: &Environment) -> Self {
        let named = environment.notify_socket.as_deref().filter(|name| !name.is_empty());
        let Some(name) = named else { return Self::default() };
        match Manager::reach(name) {
            Ok(manager) => Self { manager: Some(manager), beat: Beat::wanted(environment) },
            Err(error) => {
                warn!("nothing is told to $NOTIFY_SOCKET {}: {error}", name.display());
                Self::default()
            }
        }
    }

    /// How the start is getting on, for people.
    pub fn starting(&mut self, status: &str) {
        self.say(|| format!("STATUS={status}"));
    }

    /// The server serves. From now on the beat is kept.
    pub(super) fn ready(&mut self, now: Now, status: impl FnOnce() -> String) {
        self.say(|| format!("READY=1\nSTATUS={}", status()));
        if let Some(beat) = &mut self.beat {
            beat.due.get_or_insert(now.ms + beat.every_ms);
        }
    }

    /// The configuration is being read again; [`Notifier::ready`] follows.
    pub(super) fn reloading(&mut self) {
        self.say(|| {
            let time = Duration::try_from(clock_gettime(ClockId::Monotonic));
            let us = time.expect("this clock shows no time before its start").as_micros();
            format!("RELOADING=1\nMONOTONIC_USEC={us}\nSTATUS=Reading the configuration again")
        });
    }

    /// The server stops.
    pub(super) fn stopping(&mut self, status: impl FnOnce() -> String) {
        self.say(|| format!("STOPPING=1\nSTATUS={}", status()));
    }

    /// Says what is due. To be called at the end of each round of the loop, so that a beat stands for a round.
    pub(super) fn run(&mut self, now: Now) {
        let Some(manager) = &mut self.manager else { return };
        if !manager.waiting.is_empty() && manager.retry_at <= now.ms {
            manager.flush();
            manager.retry_at = now.ms + NOTICE_RETRY_MS;
        }
        if let Some(beat) = &mut self.beat
            && beat.due.is_some_and(|due| due <= now.ms)
        {
            // One that is not taken is not kept: the next one says more.
            manager.send("WATCHDOG=1");
            beat.due = Some(now.ms + beat.every_ms);
        }
    }

    /// When [`Notifier::run`] has something to do, in ms of the server's clock.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        let manager = self.manager.as_ref()?;
        let retry = (!manager.waiting.is_empty()).then_some(manager.retry_at);
        let beat = self.beat.and_then(|beat| beat.due);
        sooner(retry, beat)
    }

    fn say(&mut self, text: impl FnOnce() -> String) {
        let Some(manager) = &mut self.manager else { return };
        if manager.waiting.len() >= NOTICES_WAITING_MAX {
            manager.waiting.pop_front();
        }
        manager.waiting.push_back(text());
        manager.flush();
    }
}

impl Manager {
    fn reach(name: &OsStr) -> io::Result<Self> {
        let address = address(name.as_bytes())?;
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        let waiting = VecDeque::new();
        Ok(Self { socket, address, waiting, retry_at: 0, said_deaf: false })
    }

    /// Sends what waits, in order, as far as it is taken.
    fn flush(&mut self) {
        while let Some(text) = self.waiting.pop_front() {
            if self.send(&text) == Sent::Later {
                return self.waiting.push_front(text);
            }
        }
    }

    fn send(&mut self, text: &str) -> Sent {
        loop {
            let error = match self.socket.send_to_addr(text.as_bytes(), &self.address) {
                Ok(_) => return Sent::Done,
                Err(error) => error,
            };
            match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => return Sent::Later,
                _ => {
                    if !std::mem::replace(&mut self.said_deaf, true) {
                        warn!("the service manager cannot be told anything: {error}");
                    }
                    return Sent::Done;
                }
            }
        }
    }
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sent {
    /// It was taken, or never will be.
    Done,
    /// The manager has too much to read just now.
    Later,
}

/// A path, or a name without a file behind an `@`.
fn address(name: &[u8]) -> io::Result<SocketAddr> {
    match name {
        [b'/', ..] => SocketAddr::from_pathname(OsStr::from_bytes(name)),
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is neither a path from the root nor a name that begins with @",
        )),
    }
}

impl Beat {
    /// Twice as often as is wanted, as sd_watchdog_enabled(3) advises. What it says may be meant for another process.
    fn wanted(environment: &Environment) -> Option<Self> {
        let wanted = environment.watchdog_usec.as_deref()?;
        if let Some(pid) = &environment.watchdog_pid
            && pid != OsStr::new(&std::process::id().to_string())
        {
            return None;
        }
        let us = wanted.to_str().and_then(|us| us.parse::<u64>().ok()).filter(|&us| us > 0);
        let Some(us) = us else {
            warn!("$WATCHDOG_USEC is no time: {}", wanted.display());
            return None;
        };
        Some(Self { every_ms: (us / 2000).max(WATCHDOG_BEAT_MS_MIN), due: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: &str = "3000000";

    fn environment(socket: impl AsRef<OsStr>) -> Environment {
        Environment { notify_socket: Some(socket.as_ref().to_owned()), ..Environment::default() }
    }

    fn at(ms: u64) -> Now {
        Now { ms, wall: 0 }
    }

    fn heard(manager: &UnixDatagram) -> Option<String> {
        manager.set_nonblocking(true).unwrap();
        let mut bytes = [0; 1000];
        let count = manager.recv(&mut bytes).ok()?;
        Some(String::from_utf8(bytes[..count].to_vec()).unwrap())
    }

    /// A manager with its notifier.
    fn pair(change: impl FnOnce(&mut Environment)) -> (tempfile::TempDir, UnixDatagram, Notifier) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let mut environment = environment(&path);
        change(&mut environment);
        (directory, manager, Notifier::new(&environment))
    }

    fn with_watchdog(environment: &mut Environment) {
        environment.watchdog_usec = Some(PERIOD.into());
    }

    #[test]
    fn without_a_manager_nothing_is_ever_due() {
        for socket in [None, Some(""), Some("relative/path"), Some("vsock:2:1")] {
            let notify_socket = socket.map(Into::into);
            let mut environment = Environment { notify_socket, ..Environment::default() };
            with_watchdog(&mut environment);
            let mut notifier = Notifier::new(&environment);
            notifier.starting("Opening");
            notifier.ready(at(5), || panic!("nobody reads it"));
            notifier.run(at(5));
            assert_eq!(notifier.next_deadline(), None, "{socket:?}");
        }
    }

    #[test]
    fn each_state_is_one_message_with_words_for_people() {
        let (_directory, manager, mut notifier) = pair(|_| {});
        notifier.starting("Opening");
        assert_eq!(heard(&manager).as_deref(), Some("STATUS=Opening"));
        notifier.ready(at(5), || "Serving".into());
        assert_eq!(heard(&manager).as_deref(), Some("READY=1\nSTATUS=Serving"));
        notifier.reloading();
        let text = heard(&manager).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("RELOADING=1"));
        let us = lines.next().unwrap().strip_prefix("MONOTONIC_USEC=").unwrap();
        assert!(us.parse::<u64>().is_ok_and(|us| us > 0), "{us}");
        assert_eq!(lines.next(), Some("STATUS=Reading the configuration again"));
        notifier.stopping(|| "Stopping".into());
        assert_eq!(heard(&manager).as_deref(), Some("STOPPING=1\nSTATUS=Stopping"));
        assert_eq!(notifier.next_deadline(), None);
    }

    #[test]
    fn a_watchdog_is_told_twice_as_often_as_it_wants_and_only_from_ready_on() {
        let (_directory, manager, mut notifier) = pair(with_watchdog);
        notifier.run(at(10_000));
        assert_eq!(notifier.next_deadline(), None);
        notifier.ready(at(10_000), || "Serving".into());
        assert!(heard(&manager).is_some());
        assert_eq!(notifier.next_deadline(), Some(11_500));
        notifier.run(at(11_499));
        assert_eq!(heard(&manager), None);
        notifier.run(at(11_500));
        assert_eq!(heard(&manager).as_deref(), Some("WATCHDOG=1"));
        assert_eq!(notifier.next_deadline(), Some(13_000));
        notifier.ready(at(12_000), || "Serving".into());
        assert_eq!(notifier.next_deadline(), Some(13_000), "a reload does not put it off");
    }

    #[test]
    fn a_watchdog_for_another_process_or_of_no_time_is_none() {
        let ours = Some(std::process::id().to_string());
        let table = [
            (Some(PERIOD), None, Some(1500)),
            (Some(PERIOD), ours.as_deref(), Some(1500)),
            (Some("1"), None, Some(WATCHDOG_BEAT_MS_MIN)),
            (Some(PERIOD), Some("1"), None),
            (Some("0"), None, None),
            (Some("-1"), None, None),
            (None, None, None),
        ];
        for (usec, pid, every_ms) in table {
            let environment = Environment {
                watchdog_usec: usec.map(Into::into),
                watchdog_pid: pid.map(Into::into),
                ..Environment::default()
            };
            let wanted = every_ms.map(|every_ms| Beat { every_ms, due: None });
            assert_eq!(Beat::wanted(&environment), wanted, "{usec:?} {pid:?}");
        }
    }

    #[test]
    fn what_a_busy_manager_does_not_take_is_said_later_in_order_and_the_newest_is_kept() {
        let (_directory, manager, mut notifier) = pair(|_| {});
        let mut said = 0;
        while notifier.next_deadline().is_none() {
            notifier.starting(&said.to_string());
            said += 1;
            assert!(said < 100_000, "a queue has an end");
        }
        for n in said..said + 2 * NOTICES_WAITING_MAX {
            notifier.starting(&n.to_string());
        }
        notifier.run(at(7));
        assert_eq!(notifier.next_deadline(), Some(7 + NOTICE_RETRY_MS));
        while heard(&manager).is_some() {}
        notifier.run(at(7 + NOTICE_RETRY_MS));
        let last = said + 2 * NOTICES_WAITING_MAX;
        let mut first = None;
        while let Some(text) = heard(&manager) {
            let n: usize = text.strip_prefix("STATUS=").unwrap().parse().unwrap();
            let first = first.get_or_insert(n);
            assert_eq!(n, *first);
            *first += 1;
            notifier.run(at(1_000_000 + n as u64));
        }
        assert_eq!(first, Some(last), "up to the newest");
        assert_eq!(notifier.next_deadline(), None);
    }

    #[test]
    fn a_manager_that_has_gone_is_not_waited_for() {
        let (directory, manager, mut notifier) = pair(|_| {});
        drop(manager);
        notifier.starting("Opening");
        directory.close().unwrap();
        notifier.starting("Opening");
        assert_eq!(notifier.next_deadline(), None);
    }
}
