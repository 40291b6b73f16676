//! Where the house puts what it decides: the one seam between the core and the world.
//!
//! The server implements it with queues and a log; tests put a recorder in its place. An outbox never calls back into
//! the house: a reader that is too slow is only marked.

use crate::core::event::{Event, Letter, Reply};
use crate::core::record::{Place, Record};
use crate::core::room::Member;
use crate::core::session::SessionId;

/// The disk (or its share for this server) is full: the record was not taken, and nothing may follow from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

/// What a record is for, which decides how much of the disk it may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Something new that a user wants kept.
    Fact,
    /// What keeps the log true or makes room: removals, the server's own numbers. May use a reserve.
    Upkeep,
    /// As upkeep, and synced before anything that is said in this turn leaves: a loss of power must not take it.
    Bound,
    /// A copy of what is still true, before the file it stands in is removed. May use the last reserve.
    Copy,
}

/// Takes what the house decides.
pub trait Outbox {
    /// An answer to one session.
    fn reply(&mut self, to: SessionId, reply: &Reply<'_>);

    /// A letter, which is read from its place in the log. False if it cannot be read.
    fn letter(&mut self, to: SessionId, letter: &Letter<'_>) -> bool;

    /// An event of before, for one session that has asked for it: as an answer, it waits for who reads slowly.
    fn recall(&mut self, to: SessionId, event: &Event<'_>);

    /// An event for one session.
    fn send(&mut self, to: SessionId, event: &Event<'_>);

    /// An event for every live member in `to` but the session in slot `except`, rendered once per dialect.
    fn broadcast(&mut self, to: &[Member], except: Option<u32>, event: &Event<'_>);

    /// A fact for the log. It is on disk before anything that was said in this turn leaves.
    ///
    /// # Errors
    /// [`Full`] if there is no room; the record is then not in the log.
    fn record(&mut self, record: &Record<'_>, purpose: Purpose) -> Result<Place, Full>;

    /// The record at `place` is no longer true.
    fn retire(&mut self, place: Place);

    /// Close the session's connection once what it was told is delivered. The house has forgotten it already.
    fn close(&mut self, session: SessionId);

    /// Bytes nobody can guess.
    fn entropy(&mut self) -> [u8; 16];
}
