//! Taking connections in, and turning away those for which there is no place.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

use log::{debug, warn};
use mio::net::TcpStream;
use mio::{Interest, Token};

use crate::core::Now;
use crate::core::event::Warning;
use crate::dialect::Service;
use crate::limits::{ACCEPT_RETRY_MS, ACCEPTS_PER_TURN, LINE_BYTES_MAX, READ_BYTES_MAX};
use crate::server::Server;
use crate::server::hub::NoPlace;
use crate::server::socket::Socket;

impl Server {
    /// Takes in what has arrived, a bounded number from each listener.
    pub(super) fn accept(&mut self, now: Now) {
        if let Some(due) = self.accept_at {
            if now.ms < due {
                return;
            }
            self.accept_at = None;
        }
        let keys: Vec<usize> = self
            .listeners
            .iter()
            .filter(|(_, listener)| listener.ready)
            .map(|(key, _)| key)
            .collect();
        for key in keys {
            for _ in 0..ACCEPTS_PER_TURN {
                if !self.accept_one(now, key) {
                    break;
                }
            }
        }
    }

    /// False when the listener has nothing more for now.
    fn accept_one(&mut self, now: Now, key: usize) -> bool {
        let listener = &mut self.listeners[key];
        match listener.socket.accept() {
            Ok((socket, address)) => {
                let service = listener.service;
                self.admit(now, socket, address, service);
                true
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                listener.ready = false;
                false
            }
            Err(error) if is_of_the_connection(&error) => true,
            Err(error) => self.turn_away_without_descriptor(now, key, &error),
        }
    }

    /// The descriptors (or the kernel's memory) have run out. The spare one is given up for a moment, so that who waits
    /// is told instead of left hanging; if even that fails, the listener rests.
    fn turn_away_without_descriptor(&mut self, now: Now, key: usize, error: &io::Error) -> bool {
        self.say_full(&format!("cannot accept: {error}"));
        if self.spare.take().is_some()
            && let Ok((socket, address)) = self.listeners[key].socket.accept()
        {
            let service = self.listeners[key].service;
            self.hub.note_refusal(NoPlace::Server);
            refuse(socket, address, service, Warning::ServerFull);
            self.spare = File::open("/dev/null").ok();
            return true;
        }
        self.spare = File::open("/dev/null").ok();
        self.accept_at = Some(now.ms + ACCEPT_RETRY_MS);
        false
    }

    fn admit(&mut self, now: Now, mut socket: TcpStream, address: SocketAddr, service: Service) {
        let index = match self.hub.place(address) {
            Ok(index) => index,
            Err(NoPlace::Server) => {
                self.hub.note_refusal(NoPlace::Server);
                self.say_full("limits.connections is reached");
                return refuse(socket, address, service, Warning::ServerFull);
            }
            Err(NoPlace::Address) => {
                self.hub.note_refusal(NoPlace::Address);
                debug!("refusing {address}: limits.connections_per_address is reached");
                return refuse(socket, address, service, Warning::AddressFull);
            }
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        match self.poll.registry().register(&mut socket, Token(index as usize), interest) {
            Ok(()) => {
                self.hub.admit(now, socket, address, service);
                self.said_full = false;
            }
            Err(error) => warn!("refusing {address}: the kernel does not watch it: {error}"),
        }
    }

    /// Said once, until there is a place again: a flood must not fill the journal.
    fn say_full(&mut self, why: &str) {
        if !std::mem::replace(&mut self.said_full, true) {
            warn!("refusing connections: {why}");
        }
    }
}

/// Tells a connection why it is not served, as far as that goes in one write, and closes it. What it has sent by then
/// is read, so that the close is no reset and the peer sees the reason.
fn refuse(mut socket: TcpStream, address: SocketAddr, service: Service, why: Warning<'_>) {
    let mut line = Vec::new();
    service.refuse(&mut line, why);
    if socket.write(&line).and_then(|_| socket.end()).is_err() {
        debug!("{address} was gone before it could be refused");
    }
    let mut sent = [0; LINE_BYTES_MAX];
    for _ in 0..READ_BYTES_MAX / LINE_BYTES_MAX {
        if !matches!(socket.read(&mut sent), Ok(count) if count > 0) {
            return;
        }
    }
}

/// Whether an error of `accept` is about the one connection that was to be accepted.
pub(super) fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
    )
}
