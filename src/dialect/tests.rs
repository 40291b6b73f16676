//! What a connection of a test reads with, whatever it speaks.

use crate::dialect::mec::Scratch;
use crate::dialect::park::Park;
use crate::dialect::{Context, Options};

/// What the connections of a server share while they read.
pub(super) struct Shared {
    pub(super) park: Park,
    pub(super) bodies_bytes: usize,
    pub(super) options: Options,
    scratch: Scratch,
    pub(super) now_ms: u64,
}

impl Shared {
    pub(super) fn new(options: Options) -> Self {
        let (park, scratch) = (Park::new(), Scratch::new());
        Self { park, bodies_bytes: 0, options, scratch, now_ms: 0 }
    }

    pub(super) fn context(&mut self) -> Context<'_> {
        Context {
            park: &mut self.park,
            bodies_bytes: &mut self.bodies_bytes,
            options: &self.options,
            scratch: &mut self.scratch,
            now_ms: self.now_ms,
        }
    }
}
