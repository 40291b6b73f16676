//! Signals as events of the loop: each wakes the poll through a socket pair of its own.

use std::io::{self, Read};
use std::os::unix::net::UnixStream as Pair;
use std::sync::Arc;

use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use rustix::process::Signal as ProcessSignal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

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
pub(super) struct Signals {
    streams: [(UnixStream, Signal); 3],
}

impl Signals {
    /// Takes the signals from now on, and registers them with `tokens`, one each.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn listen(registry: &Registry, tokens: [Token; 3]) -> io::Result<Self> {
        // Beyond a limit of file sizes a write is to fail like on a full disk, and not to end the process.
        signal_hook::flag::register(ProcessSignal::XFSZ.as_raw(), Arc::default())?;
        let mut streams = [
            (hear(SIGTERM)?, Signal::Stop),
            (hear(SIGINT)?, Signal::Stop),
            (hear(SIGHUP)?, Signal::Reload),
        ];
        for ((stream, _), token) in streams.iter_mut().zip(tokens) {
            registry.register(stream, token, Interest::READABLE)?;
        }
        Ok(Self { streams })
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
