//! Listening sockets: opening them, and the options that every accepted connection inherits from them.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, sockopt};

use crate::dialect::Service;
use crate::limits::{ACCEPT_BACKLOG, KEEP_ALIVE_AFTER_MS, KEEP_ALIVE_EVERY_MS, KEEP_ALIVE_TRIES};
use crate::server::socket::Families;

/// A socket on which connections of one service arrive.
#[derive(Debug)]
pub struct Listener {
    /// What can be had there.
    pub service: Service,
    /// What was asked for, which may say port 0.
    pub wanted: SocketAddr,
    /// Where it really listens.
    pub address: SocketAddr,
    pub(super) socket: mio::net::TcpListener,
    /// Whether connections may be waiting.
    pub(super) ready: bool,
}

impl Listener {
    /// Listens on `wanted`. Accepted connections have `TCP_NODELAY` and keep-alive: Linux hands both on.
    ///
    /// # Errors
    /// What the kernel says; the caller knows the address.
    pub fn open(service: Service, wanted: SocketAddr) -> io::Result<Self> {
        let socket = bound(wanted, Families::One)?;
        sockopt::set_socket_keepalive(&socket, true)?;
        sockopt::set_tcp_keepidle(&socket, Duration::from_millis(KEEP_ALIVE_AFTER_MS))?;
        sockopt::set_tcp_keepintvl(&socket, Duration::from_millis(KEEP_ALIVE_EVERY_MS))?;
        sockopt::set_tcp_keepcnt(&socket, KEEP_ALIVE_TRIES)?;
        rustix::net::listen(&socket, ACCEPT_BACKLOG)?;
        let socket = TcpListener::from(socket);
        let address = socket.local_addr()?;
        let socket = mio::net::TcpListener::from_std(socket);
        Ok(Self { service, wanted, address, socket, ready: true })
    }
}

/// Whether an address could be listened on. Nobody can connect meanwhile: nothing listens.
///
/// # Errors
/// What the kernel says to who would.
pub fn can_listen(address: SocketAddr) -> io::Result<()> {
    bound(address, Families::One).map(drop)
}

/// A socket to listen on, at `address`. Accepted connections have `TCP_NODELAY`: Linux hands it on.
pub(super) fn bound(address: SocketAddr, families: Families) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, families == Families::One)?;
    }
    sockopt::set_tcp_nodelay(&socket, true)?;
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_connections_inherit_the_options() {
        for wanted in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = Listener::open(Service::Metrics, wanted.parse().unwrap()) else {
                assert!(wanted.starts_with('['), "IPv4 is always there");
                continue;
            };
            let _client = std::net::TcpStream::connect(listener.address).unwrap();
            let (accepted, _) = loop {
                match listener.socket.accept() {
                    Ok(accepted) => break accepted,
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
                }
            };
            assert!(accepted.nodelay().unwrap());
            assert!(sockopt::socket_keepalive(&accepted).unwrap());
            let [after, every] =
                [KEEP_ALIVE_AFTER_MS, KEEP_ALIVE_EVERY_MS].map(Duration::from_millis);
            assert_eq!(sockopt::tcp_keepidle(&accepted).unwrap(), after);
            assert_eq!(sockopt::tcp_keepintvl(&accepted).unwrap(), every);
            assert_eq!(sockopt::tcp_keepcnt(&accepted).unwrap(), KEEP_ALIVE_TRIES);
        }
    }

    #[test]
    fn a_port_in_use_is_an_error() {
        let first = Listener::open(Service::Metrics, "127.0.0.1:0".parse().unwrap()).unwrap();
        let second = Listener::open(Service::Metrics, first.address);
        assert_eq!(second.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(can_listen(first.address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let address = first.address;
        drop(first);
        can_listen(address).unwrap();
        Listener::open(Service::Metrics, address).unwrap();
    }
}
