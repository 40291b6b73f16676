//! What the hub needs of a socket: the seam at which tests put a network of their own.

use std::io::{self, Read, Write};
use std::net::Shutdown;

/// A connected, non-blocking stream.
pub trait Socket: Read + Write {
    /// Ends our side: the peer reads to the end of what was sent.
    ///
    /// # Errors
    /// What the kernel says; the connection is of no use any more.
    fn end(&mut self) -> io::Result<()>;

    /// Takes the error that the connection has broken with, if it has: asked where nothing is read for now, because
    /// reading would tell otherwise.
    fn broken(&mut self) -> Option<io::Error> {
        None
    }
}

impl Socket for mio::net::TcpStream {
    fn end(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn broken(&mut self) -> Option<io::Error> {
        self.take_error().unwrap_or_else(Some)
    }
}
