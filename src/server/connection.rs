//! One connection: a socket, what is still to be read from it and what waits for it.
//!
//! Knows nothing of what is said. An idle one holds no buffer: `held` and `deferred` are empty, the queue is empty, and
//! the reader has parked nothing.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::config::LineRate;
use crate::core::SessionId;
use crate::dialect::{Reader, Service, Voice};
use crate::limits::ANSWERS_WAITING_MAX;
use crate::server::pool::Queue;

/// Where a connection is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// It has a session.
    Open,
    /// Its session is over; what waits is still being sent.
    Flushing,
    /// All is sent and our side is closed; what still comes is thrown away, so that the peer gets no reset before it
    /// has read the last word.
    Lingering,
}

/// What the peer has done with its side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Peer {
    /// It may send.
    Sends,
    /// The kernel has seen its end: reading goes on until there is nothing.
    HungUp,
    /// Everything it sent has been read.
    Finished,
}

/// What follows an answer that is longer than can be sent at once.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    /// Events that must not stand between its lines.
    pub(super) events: Queue,
    /// The beginning of a list that is to leave as a whole.
    pub(super) gathered: Vec<u8>,
    /// Of a message, what of it follows. Of a list the house knows.
    pub(super) message: Option<MessageRest>,
}

/// A message of which the beginning has been sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct MessageRest {
    /// The number of its group.
    pub(super) group: u32,
    /// Its number there.
    pub(super) id: u32,
    /// The byte of its text at which the next piece begins.
    pub(super) from: usize,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection<S> {
    pub(super) id: SessionId,
    pub(super) socket: S,
    pub(super) address: Address,
    pub(super) voice: Voice,
    pub(super) phase: Phase,
    pub(super) peer: Peer,
    pub(super) reader: Reader,
    /// Bytes that were read but have to wait. None are read while there are any.
    pub(super) held: Vec<u8>,
    pub(super) queue: Queue,
    /// What waits until the list or the message that is being sent is complete.
    pub(super) deferred: Option<Box<Deferred>>,
    pub(super) pace: Pace,
    /// When the connection is to be looked at, in ms of the server's clock; 0: never.
    pub(super) timer: u64,
    /// When a line came last.
    pub(super) heard: u64,
    /// The socket may have something to read.
    pub(super) readable: bool,
    /// The socket takes nothing until it says so.
    pub(super) blocked: bool,
    /// It waits to be sent something before it is served again: it is looked at when all has been sent.
    pub(super) halted: bool,
    /// In the list of those that have something to send.
    pub(super) touched: bool,
    /// In the list of those that have something to read.
    pub(super) listed: bool,
}

impl<S> Connection<S> {
    /// A connection that has come at `now` ms of the server's clock.
    pub(super) fn new(
        id: SessionId,
        socket: S,
        address: SocketAddr,
        service: Service,
        now: u64,
    ) -> Self {
        Self {
            id,
            socket,
            address: address.into(),
            voice: service.voice(),
            phase: Phase::Open,
            peer: Peer::Sends,
            reader: Reader::new(service, now),
            held: Vec::new(),
            queue: Queue::default(),
            deferred: None,
            pace: Pace::default(),
            timer: 0,
            heard: now,
            readable: false,
            blocked: false,
            halted: false,
            touched: false,
            listed: false,
        }
    }

    /// Bytes of events that wait.
    pub(super) fn events_waiting(&self) -> usize {
        self.queue.events() + self.deferred.as_ref().map_or(0, |deferred| deferred.events.events())
    }

    /// Whether an answer is under way that the next one must not run into, or too much of answers waits to be sent.
    pub(super) fn is_answering(&self) -> bool {
        self.deferred.is_some() || self.queue.answers() > ANSWERS_WAITING_MAX
    }

    /// Whether there is something to go on with on the reading side.
    pub(super) fn has_input(&self) -> bool {
        self.readable || !self.held.is_empty()
    }
}

/// Where a connection comes from: a [`SocketAddr`] without the scope that IPv6 has besides, in 20 bytes instead of 32.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Address {
    ip: IpAddr,
    port: u16,
}

impl Address {
    pub(super) fn ip(self) -> IpAddr {
        self.ip
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self { ip: address.ip(), port: address.port() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.ip, self.port).fmt(f)
    }
}

/// How fast lines are taken: a bucket of lines that fills steadily, kept as the time at which it will be full.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Pace {
    full_at_us: u64,
}

impl Pace {
    /// A line was taken at `now` ms.
    pub(super) fn take(&mut self, rate: LineRate, now: u64) {
        self.full_at_us = self.full_at_us.max(now * 1000) + cost_us(rate);
    }

    /// When the next line may be taken, in ms; at once if that is not after `now`.
    pub(super) fn next(self, rate: LineRate) -> u64 {
        let room = u64::from(rate.burst.saturating_sub(1)) * cost_us(rate);
        self.full_at_us.saturating_sub(room).div_ceil(1000)
    }
}

fn cost_us(rate: LineRate) -> u64 {
    1_000_000 / u64::from(rate.per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_at_once_and_the_rest_at_the_rate() {
        let rate = LineRate { per_second: 50, burst: 200 };
        let mut pace = Pace::default();
        for _ in 0..200 {
            assert!(pace.next(rate) <= 1_000_000);
            pace.take(rate, 1_000_000);
        }
        assert_eq!(pace.next(rate), 1_000_020);
        pace.take(rate, 1_000_020);
        assert_eq!(pace.next(rate), 1_000_040);
        assert!(pace.next(rate) <= 1_010_000, "and full again in time");
    }

    #[test]
    fn a_burst_of_one_is_one_line_at_a_time() {
        let rate = LineRate { per_second: 1, burst: 1 };
        let mut pace = Pace::default();
        pace.take(rate, 5000);
        assert_eq!(pace.next(rate), 6000);
    }

    #[test]
    fn a_connection_is_small() {
        let bytes = size_of::<Connection<mio::net::TcpStream>>();
        assert!(bytes <= 184, "{bytes}");
    }
}
