//! One connection to the port of a file.
//!
//! Reads and writes a bounded piece at a time, and remembers what the poll has said. Knows no words.

use std::io;

use crate::server::hub::Readiness;
use crate::server::socket::Socket;

/// A connection, and what it has said that was not made use of yet.
#[derive(Debug)]
pub(super) struct Seat<S> {
    pub(super) socket: S,
    pub(super) said: Vec<u8>,
    /// The how manieth it is that came to this port.
    pub(super) number: u64,
    /// When it came or said something last, in ms of the server's clock.
    pub(super) heard: u64,
    /// It may have something to read.
    pub(super) readable: bool,
    /// It takes nothing until it says so.
    pub(super) blocked: bool,
}

/// What reading has brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// So many bytes.
    Bytes(usize),
    /// Nothing for now.
    Nothing,
    /// Its end, or that it is broken.
    End,
}

/// The connection is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Broken;

impl<S: Socket> Seat<S> {
    pub(super) fn new(socket: S, number: u64, now: u64) -> Self {
        Self { socket, said: Vec::new(), number, heard: now, readable: true, blocked: false }
    }

    pub(super) fn note(&mut self, readiness: Readiness) {
        self.readable |= readiness.readable || readiness.hung_up;
        self.blocked &= !readiness.writable;
    }

    /// Reads up to `room` bytes and appends them to `into`.
    pub(super) fn read(&mut self, into: &mut Vec<u8>, room: usize) -> Heard {
        if !self.readable || room == 0 {
            return Heard::Nothing;
        }
        let from = into.len();
        into.resize(from + room, 0);
        let result = self.socket.read(&mut into[from..]);
        let count = *result.as_ref().unwrap_or(&0);
        into.truncate(from + count);
        match result {
            Ok(0) => Heard::End,
            Ok(count) => Heard::Bytes(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Heard::Nothing
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Heard::Nothing,
            Err(_) => Heard::End,
        }
    }

    /// Reads up to `room` bytes of what was not made use of yet.
    pub(super) fn listen(&mut self, room: usize, now: u64) -> Heard {
        let mut said = std::mem::take(&mut self.said);
        let left = room.saturating_sub(said.len());
        let heard = self.read(&mut said, left);
        self.said = said;
        if let Heard::Bytes(_) = heard {
            self.heard = now;
        }
        heard
    }

    /// Writes as much as the socket takes, and says how much that was.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        if self.blocked || bytes.is_empty() {
            return Ok(0);
        }
        match self.socket.write(bytes) {
            Ok(count) => {
                self.blocked = count < bytes.len();
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.blocked = true;
                Ok(0)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            Err(_) => Err(Broken),
        }
    }
}
