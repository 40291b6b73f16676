//! The protocols that the server speaks, each a way to write the same commands, answers and events.
//!
//! A dialect turns bytes into what the core understands and the core's meanings into bytes. It knows no sockets, no
//! clock and no state of the house; what it needs to know of the session it is told ([`crate::core::Standing`]).
//! The set is closed: an enum and a `match`, so that the compiler lists what a new dialect has to provide.

pub mod mec;
pub mod park;

/// A protocol. Its number indexes the cache of rendered events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Dialect {
    /// The MEC chat protocol (spec `mec.md`).
    Mec,
}

impl Dialect {
    /// How many dialects there are.
    pub const COUNT: usize = 1;

    /// The dialect's number: below [`Dialect::COUNT`], and its own.
    #[must_use]
    pub fn number(self) -> usize {
        match self {
            Self::Mec => 0,
        }
    }
}

impl std::fmt::Display for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Mec => "mec",
        })
    }
}
