//! Bytes nobody can guess, for nonces and salts.
//!
//! They come from the system, or from a source that a test gives: then the same seed is the same run to the byte.

use std::fmt;

/// Where the bytes come from.
pub struct Entropy(Box<dyn FnMut() -> [u8; 16]>);

impl Entropy {
    /// The system's random source.
    #[must_use]
    pub fn of_the_system() -> Self {
        Self::from_source(|| {
            let mut bytes = [0; 16];
            getrandom::fill(&mut bytes).expect("the system has a random source");
            bytes
        })
    }

    /// A source of one's own. Whoever can guess what it gives can answer challenges.
    #[must_use]
    pub fn from_source(source: impl FnMut() -> [u8; 16] + 'static) -> Self {
        Self(Box::new(source))
    }

    pub(super) fn next(&mut self) -> [u8; 16] {
        (self.0)()
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}
