//! What the hub needs of sockets and of ports: the seam at which tests put a network of their own.

use std::fmt::Debug;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown};

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

/// Where ports are had from, for what two users send each other beside the chat.
pub trait Ports<S>: Debug {
    /// Listens. What arrives is told with `token`.
    ///
    /// # Errors
    /// What the kernel says.
    fn open(&mut self, wanted: &Wanted, token: usize) -> io::Result<(u16, Box<dyn Port<S>>)>;
}

/// A port that is listened on until this is dropped.
pub trait Port<S>: Debug {
    /// Takes a connection in, of which is told with `token` from now on, and says where it comes from.
    ///
    /// # Errors
    /// `WouldBlock` if there is none for now, else what the kernel says.
    fn accept(&mut self, token: usize) -> io::Result<(S, IpAddr)>;
}

/// Where to listen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// At this address.
    pub address: IpAddr,
    /// Who can reach it.
    pub families: Families,
    /// On a port from the first to the last of these; on any if nothing is said.
    pub ports: Option<(u16, u16)>,
}

/// Which kinds of address reach a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Families {
    /// The kind that its own is of.
    One,
    /// IPv4 and IPv6.
    Both,
}
