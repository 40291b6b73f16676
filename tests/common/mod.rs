//! What several kinds of test share: conversations as files that a person can read, and the worlds in which they are
//! held.
//!
//! `script` reads a `.talk` file, `play` holds the conversation in a [`play::World`]: `memory` has the house, the
//! dialect and a virtual clock, `program` the real program over TCP. `recorder` is the outbox of the former, for every
//! test that wants a house without sockets and files.

#![allow(dead_code, reason = "each test uses a part of this")]

pub(crate) mod memory;
pub(crate) mod play;
pub(crate) mod program;
pub(crate) mod recorder;
pub(crate) mod script;
