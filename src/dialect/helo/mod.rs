//! The `helo` dialect (spec `dialects.md`, seed 001).

pub mod render;

use crate::core::manner::{Hearing, Kin, Lifetime, Manner, Sees, Stands};
use crate::core::{Standing, Status};
use crate::dialect::{Context, Next, Request};

/// How its users live in the house.
pub const MANNER: Manner = Manner {
    stands: Stands::AtHome,
    sees: Sees::OpenInOneWord,
    whispers: Hearing::Heard,
    echo: Hearing::Unheard,
    news: Hearing::Unheard,
    recalls: 0,
    rooms: Lifetime::Long,
    kin: Kin(1),
};

/// What a connection is greeted with.
pub const GREETING: &[u8] = b"HELO Welkom to WhatsUpp!\n";

/// One connection's state between segments.
#[derive(Debug, Default)]
pub struct Reader {}

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    word: &'a str,
}

impl Reader {
    /// See [`crate::dialect::Reader::next`].
    pub fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
        _standing: Standing,
        _context: &'a mut Context<'_>,
    ) -> Option<Request<'a>> {
        *input = &[];
        None
    }

    /// See [`crate::dialect::Reader::deadline`].
    #[must_use]
    pub fn deadline(&self, _standing: Standing) -> Option<u64> {
        None
    }

    /// See [`crate::dialect::Reader::due`].
    pub fn due<'a>(
        &'a mut self,
        _standing: Standing,
        _context: &'a mut Context<'_>,
    ) -> Option<Request<'a>> {
        None
    }
}

impl Asked<'_> {
    /// Appends the answer: how what was asked has ended.
    pub fn answer(&self, _out: &mut Vec<u8>, _status: Status) -> Next {
        Next::Stay
    }
}
