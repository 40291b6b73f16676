//! What a reader reads with that is not its own: what the connections of a server share, the options, the time.

use crate::dialect::Options;
use crate::dialect::mec::Scratch;
use crate::dialect::park::Park;

/// What the connections of a server share while they read.
#[derive(Debug)]
pub struct Shared {
    /// Where partial lines wait.
    pub park: Park,
    /// Bytes of all bodies that are being sent; [`crate::limits::BODIES_BYTES_MAX`] bounds it.
    pub bodies_bytes: usize,
    scratch: Scratch,
}

impl Shared {
    /// Of a server without connections.
    #[must_use]
    pub fn new() -> Self {
        Self { park: Park::new(), bodies_bytes: 0, scratch: Scratch::new() }
    }

    /// What a reader is given that is asked at this time.
    pub fn context<'c>(&'c mut self, options: &'c Options, now_ms: u64) -> Context<'c> {
        let Self { park, bodies_bytes, scratch } = self;
        Context { park, bodies_bytes, options, scratch, now_ms }
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self::new()
    }
}

/// What a reader is given to read with.
#[derive(Debug)]
pub struct Context<'c> {
    /// See [`Shared::park`].
    pub park: &'c mut Park,
    /// See [`Shared::bodies_bytes`].
    pub bodies_bytes: &'c mut usize,
    /// What the administrator decided.
    pub options: &'c Options,
    /// Room for lines that cannot be used as they came.
    pub scratch: &'c mut Scratch,
    /// The server's clock in ms.
    pub now_ms: u64,
}
