//! What several kinds of test share: conversations as files that a person can read, and the worlds in which they are
//! held.
//!
//! `script` reads a `.talk` file, its lines are `pieces`, `framing` knows how they travel, and `play` holds the
//! conversation in a [`play::World`]: `memory` has the server's hub with a virtual clock, and `network` and `opening`
//! for sockets and a disk, as the simulation has; `program` has the real program over TCP, which `runner` starts.

#![allow(dead_code, reason = "each test uses a part of this")]

pub(crate) mod entropy;
pub(crate) mod framing;
pub(crate) mod memory;
pub(crate) mod network;
pub(crate) mod opening;
pub(crate) mod pieces;
pub(crate) mod play;
pub(crate) mod program;
pub(crate) mod random;
pub(crate) mod runner;
pub(crate) mod script;
