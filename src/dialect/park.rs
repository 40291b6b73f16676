//! Where partial lines wait for their rest.
//!
//! Owns the spare blocks, and nothing of what stands in them: a block is handed out and belongs to the connection
//! until it gives it back. A connection without a partial line has none, so an idle one costs nothing here.
//!
//! Invariant: at most [`PARKED_SPARE_MAX`] spare blocks are kept; one more is freed.

use crate::dialect::wipe;
use crate::limits::{LINE_BYTES_MAX, PARKED_SPARE_MAX};

/// Room for the bytes of one line, as many as one may have.
pub type Block = [u8; LINE_BYTES_MAX];

/// The spare blocks.
#[derive(Debug)]
pub struct Park {
    #[expect(clippy::vec_box, reason = "a block changes hands by its pointer, never by its bytes")]
    spare: Vec<Box<Block>>,
}

impl Park {
    /// An empty park, with the list of spare blocks at its full size.
    #[must_use]
    pub fn new() -> Self {
        Self { spare: Vec::with_capacity(PARKED_SPARE_MAX) }
    }

    /// A block for one partial line, all zeros.
    #[must_use]
    pub fn take(&mut self) -> Box<Block> {
        self.spare.pop().unwrap_or_else(|| Box::new([0; LINE_BYTES_MAX]))
    }

    /// Takes a block back, and wipes it.
    pub fn give(&mut self, mut block: Box<Block>) {
        // It may have held a password.
        wipe(&mut *block);
        if self.spare.len() < PARKED_SPARE_MAX {
            self.spare.push(block);
        }
    }

    /// Blocks kept at the moment.
    #[must_use]
    pub fn spare(&self) -> usize {
        self.spare.len()
    }
}

impl Default for Park {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_given_back_is_wiped_and_the_next_one_taken() {
        let mut park = Park::new();
        let mut block = park.take();
        block[0] = 42;
        park.give(block);
        assert_eq!(park.spare(), 1);
        assert_eq!(park.take()[0], 0);
        assert_eq!(park.spare(), 0);
    }

    #[test]
    fn no_more_spare_blocks_are_kept_than_the_bound() {
        let mut park = Park::new();
        let blocks: Vec<_> = (0..=PARKED_SPARE_MAX).map(|_| park.take()).collect();
        for (given, block) in blocks.into_iter().enumerate() {
            assert_eq!(park.spare(), given.min(PARKED_SPARE_MAX));
            park.give(block);
        }
        assert_eq!(park.spare(), PARKED_SPARE_MAX);
    }
}
