//! Signals as events of the loop: each wakes the poll through a socket pair of its own, and waits there if it comes
//! before the loop begins.

use std::io::{self, Read};
use std::os::unix::net::UnixStream as Pair;
use std::sync::Arc;

use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use rustix::process::Signal as ProcessSignal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::server::ServerError;

/// What an administrator asks for by a signal (spec `program.md`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Signal {
    /// SIGTERM, SIGINT: stop in good order.
    Stop,
    /// SIGHUP: read the configuration again.
    Reload,
}

/// The signals that the loop hears.
#[derive(Debug)]
pub struct Signals {
    streams: [(UnixStream, Signal); 3],
}

impl Signals {
    /// Takes the signals from now on. What comes before there is a loop is heard when it begins.
    ///
    /// # Errors
    /// [`ServerError::Loop`] with what the kernel says.
    pub fn listen() -> Result<Self, ServerError> {
        let hear_all = || {
            // Beyond a limit of file sizes a write is to fail like on a full disk, and not to end the process.
            signal_hook::flag::register(ProcessSignal::XFSZ.as_raw(), Arc::default())?;
            Ok([
                (hear(SIGTERM)?, Signal::Stop),
                (hear(SIGINT)?, Signal::Stop),
                (hear(SIGHUP)?, Signal::Reload),
            ])
        };
        let streams = hear_all().map_err(|error| ServerError::Loop("take signals", error))?;
        Ok(Self { streams })
    }

    /// Has them wake the poll, with `tokens`, one each.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn register(&mut self, registry: &Registry, tokens: [Token; 3]) -> io::Result<()> {
        let streams = self.streams.iter_mut().map(|(stream, _)| stream);
        streams
            .zip(tokens)
            .try_for_each(|(stream, token)| registry.register(stream, token, Interest::READABLE))
    }

    /// The signal at `index` of the tokens, if it has really come.
    pub(super) fn take(&mut self, index: usize) -> Option<Signal> {
        let (stream, signal) = self.streams.get_mut(index)?;
        let mut bytes = [0; 64];
        let mut came = false;
        while matches!(stream.read(&mut bytes), Ok(count) if count > 0) {
            came = true;
        }
        came.then_some(*signal)
    }
}

fn hear(signal: i32) -> io::Result<UnixStream> {
    let (read, write) = Pair::pair()?;
    read.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(signal, write)?;
    Ok(UnixStream::from_std(read))
}
