//! Files under way between two users, each over a port of its own (spec `dialects.md`, `helo`).
//!
//! Owns the ports and the connections to them; knows no house and no chat. How a line reads is known to
//! [`crate::dialect::helo::file`], what a transfer does with one to `relay`.
//!
//! Invariants: at most [`TRANSFERS_MAX`] at once. Nothing of a file is held but a buffer of bounded size. A note for a
//! transfer that has gone is harmless: it only asks a socket that has nothing.

mod relay;
mod seat;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use log::{debug, warn};
use slab::Slab;

use crate::core::name::UserName;
use crate::core::{Now, Status};
use crate::dialect::helo::Options;
use crate::limits::{TRANSFER_SEATS, TRANSFERS_MAX, TRANSFERS_PER_RECEIVER_MAX};
use crate::server::hub::Readiness;
use crate::server::socket::{Families, Ports, Socket, Wanted};
use crate::server::transfer::relay::{Fate, Transfer};

/// Tokens of one transfer: its port's, then its seats'.
const TOKENS: usize = 1 + TRANSFER_SEATS;

/// Who sends a file to whom. Names and addresses are those of their chat connections.
#[derive(Clone, Debug)]
pub(super) struct Between {
    pub(super) sender: UserName,
    pub(super) sender_at: IpAddr,
    pub(super) receiver: UserName,
    pub(super) receiver_at: IpAddr,
}

/// All files under way.
#[derive(Debug)]
pub(super) struct Transfers<S> {
    ports: Box<dyn Ports<S>>,
    slab: Slab<Transfer<S>>,
}

impl Between {
    fn is_of_the_same(&self, other: &Self) -> bool {
        self.sender.folded() == other.sender.folded()
            && self.receiver.folded() == other.receiver.folded()
    }

    /// Where to listen so that both reach it, as close to where they came in as can be said.
    fn wanted(&self, listen: &[SocketAddr], ports: Option<(u16, u16)>) -> Wanted {
        if self.sender_at.is_ipv4() != self.receiver_at.is_ipv4() {
            let address = Ipv6Addr::UNSPECIFIED.into();
            return Wanted { address, families: Families::Both, ports };
        }
        let of_family = |at: &SocketAddr| at.is_ipv4() == self.sender_at.is_ipv4();
        let mut near = listen.iter().filter(|at| of_family(at)).map(SocketAddr::ip);
        let first = near.next();
        let everywhere = match self.sender_at {
            IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let address = first.filter(|&first| near.all(|other| other == first));
        Wanted { address: address.unwrap_or(everywhere), families: Families::One, ports }
    }
}

impl<S: Socket> Transfers<S> {
    pub(super) fn new(ports: Box<dyn Ports<S>>) -> Self {
        Self { ports, slab: Slab::new() }
    }

    /// Opens a port for a file, and says which.
    ///
    /// # Errors
    /// [`Status::AlreadyIn`] if one is under way between the two, [`Status::NoMemory`] if there are too many, or no
    /// port can be had.
    pub(super) fn open(
        &mut self,
        now: Now,
        between: Between,
        listen: &[SocketAddr],
        options: &Options,
    ) -> Result<u16, Status> {
        let under_way = || self.slab.iter().filter(|(_, transfer)| !transfer.is_decided());
        let mut others = under_way().map(|(_, transfer)| &transfer.between);
        if others.any(|other| other.is_of_the_same(&between)) {
            return Err(Status::AlreadyIn);
        }
        let receiver = between.receiver.folded();
        let others = under_way().map(|(_, transfer)| &transfer.between);
        let of_receiver = others.filter(|other| other.receiver.folded() == receiver).count();
        if self.slab.len() >= TRANSFERS_MAX || of_receiver >= TRANSFERS_PER_RECEIVER_MAX {
            return Err(Status::NoMemory);
        }
        let entry = self.slab.vacant_entry();
        let token = entry.key() * TOKENS;
        let wanted = between.wanted(listen, options.file_ports);
        match self.ports.open(&wanted, token) {
            Ok((port, listening)) => {
                let (sender, receiver) = (&between.sender, &between.receiver);
                debug!("port {port} is open for a file from {sender} to {receiver}");
                entry.insert(Transfer::new(between, listening, now.ms));
                Ok(port)
            }
            Err(error) => {
                warn!("no port for a file at {}: {error}", wanted.address);
                Err(Status::NoMemory)
            }
        }
    }

    /// What the poll says of a port or a connection to one.
    pub(super) fn note(&mut self, token: usize, readiness: Readiness) {
        if let Some(transfer) = self.slab.get_mut(token / TOKENS) {
            match (token % TOKENS).checked_sub(1) {
                None => transfer.note_arrival(),
                Some(seat) => transfer.note(seat, readiness),
            }
        }
    }

    /// Lets every file go on, a bounded piece of it.
    pub(super) fn run(&mut self, now: Now, options: &Options) {
        self.slab.retain(|key, transfer| {
            let fate = transfer.run(now, key * TOKENS + 1, options);
            fate == Fate::GoesOn
        });
    }

    /// Whether any file can go on at once.
    pub(super) fn is_waiting(&self) -> bool {
        self.slab.iter().any(|(_, transfer)| transfer.has_work())
    }

    /// When the first of them is given up, in ms of the server's clock, if nothing moves.
    pub(super) fn next_deadline(&self, options: &Options) -> Option<u64> {
        self.slab.iter().map(|(_, transfer)| transfer.deadline(options)).min()
    }

    /// Gives all of them up.
    pub(super) fn clear(&mut self) {
        self.slab.clear();
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.slab.len()
    }
}

/// For who has no ports to give.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoPorts;

impl<S: Socket> Ports<S> for NoPorts {
    fn open(
        &mut self,
        _wanted: &Wanted,
        _token: usize,
    ) -> io::Result<(u16, Box<dyn crate::server::socket::Port<S>>)> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
