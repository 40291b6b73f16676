//! Ports of the kernel, for files that users send each other.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

use crate::limits::{TRANSFER_PORT_TRIES_MAX, TRANSFER_SEATS};
use crate::server::TRANSFERS;
use crate::server::listener::bound;
use crate::server::socket::{Port, Ports, Wanted};

/// Where the kernel's ports are had from.
#[derive(Debug)]
pub(super) struct KernelPorts {
    registry: Rc<Registry>,
    /// How many were asked for: of a range, the one that was free last is tried last.
    asked: u16,
}

#[derive(Debug)]
struct KernelPort {
    registry: Rc<Registry>,
    socket: TcpListener,
}

impl KernelPorts {
    pub(super) fn new(registry: Registry) -> Self {
        Self { registry: Rc::new(registry), asked: 0 }
    }

    /// The first port that is free of those that are wanted.
    fn bind(&mut self, wanted: &Wanted) -> io::Result<std::net::TcpListener> {
        let Some((first, last)) = wanted.ports else {
            return listen(wanted, 0);
        };
        self.asked = self.asked.wrapping_add(1);
        let count = u32::from(last.saturating_sub(first)) + 1;
        let mut result = Err(io::ErrorKind::AddrInUse.into());
        for nth in 0..count.min(TRANSFER_PORT_TRIES_MAX.into()) {
            let offset = (u32::from(self.asked) + nth) % count;
            result = listen(wanted, first.saturating_add(offset as u16));
            if !result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse) {
                break;
            }
        }
        result
    }
}

fn listen(wanted: &Wanted, port: u16) -> io::Result<std::net::TcpListener> {
    let socket = bound(SocketAddr::new(wanted.address, port), wanted.families)?;
    rustix::net::listen(&socket, TRANSFER_SEATS as i32)?;
    Ok(socket.into())
}

impl Ports<TcpStream> for KernelPorts {
    fn open(
        &mut self,
        wanted: &Wanted,
        token: usize,
    ) -> io::Result<(u16, Box<dyn Port<TcpStream>>)> {
        let socket = self.bind(wanted)?;
        let port = socket.local_addr()?.port();
        let mut socket = TcpListener::from_std(socket);
        self.registry.register(&mut socket, Token(TRANSFERS + token), Interest::READABLE)?;
        Ok((port, Box::new(KernelPort { registry: Rc::clone(&self.registry), socket })))
    }
}

impl Port<TcpStream> for KernelPort {
    fn accept(&mut self, token: usize) -> io::Result<(TcpStream, IpAddr)> {
        let (mut socket, address) = self.socket.accept()?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.registry.register(&mut socket, Token(TRANSFERS + token), interest)?;
        Ok((socket, address.ip()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::socket::Families;
    use std::net::Ipv4Addr;

    #[test]
    fn a_port_of_the_range_is_taken_until_none_is_free() {
        let poll = mio::Poll::new().unwrap();
        let mut ports = KernelPorts::new(poll.registry().try_clone().unwrap());
        let address = Ipv4Addr::LOCALHOST.into();
        let any = Wanted { address, families: Families::One, ports: None };
        assert_ne!(ports.open(&any, 0).unwrap().0, 0);
        // Below what the system gives to those who ask for any port.
        let first = 20_000 + (std::process::id() % 10_000) as u16;
        let range = Wanted { ports: Some((first, first + 999)), ..any };
        let (free, held) = ports.open(&range, 0).unwrap();
        assert!((first..=first + 999).contains(&free));
        let one = Wanted { ports: Some((free, free)), ..any };
        let refused = ports.open(&one, 5).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        drop(held);
        assert_eq!(ports.open(&one, 5).unwrap().0, free);
    }
}
