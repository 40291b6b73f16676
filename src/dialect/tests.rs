//! What a connection of a test reads with, whatever it speaks.

use crate::dialect::{Context, Options, Shared};

/// What the connections of a server share, its options, and what time it is.
pub(super) struct World {
    pub(super) shared: Shared,
    pub(super) options: Options,
    pub(super) now_ms: u64,
}

impl World {
    pub(super) fn new(options: Options) -> Self {
        Self { shared: Shared::new(), options, now_ms: 0 }
    }

    pub(super) fn context(&mut self) -> Context<'_> {
        self.shared.context(&self.options, self.now_ms)
    }
}
