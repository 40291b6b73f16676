//! What a connection reads with that is not its own.

use mecd::dialect::mec::Scratch;
use mecd::dialect::park::Park;
use mecd::dialect::{Context, Options};

/// What the connections of a server share while they read.
pub struct Shared {
    park: Park,
    bodies_bytes: usize,
    options: Options,
    scratch: Scratch,
}

impl Shared {
    /// Of a server with these options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { park: Park::new(), bodies_bytes: 0, options, scratch: Scratch::new() }
    }

    /// What a reader is given that is asked at that time.
    pub fn at(&mut self, now_ms: u64) -> Context<'_> {
        Context {
            park: &mut self.park,
            bodies_bytes: &mut self.bodies_bytes,
            options: &self.options,
            scratch: &mut self.scratch,
            now_ms,
        }
    }

    /// Bytes of all bodies that are being sent.
    #[must_use]
    pub fn bodies_bytes(&self) -> usize {
        self.bodies_bytes
    }

    /// Blocks for partial lines that nobody uses.
    #[must_use]
    pub fn spare_blocks(&self) -> usize {
        self.park.spare()
    }
}
