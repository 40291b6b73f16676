//! An input as a sequence of choices: what is missing at its end reads as zeros, so that every input means something.

/// What is left of an input.
#[derive(Clone, Copy, Debug)]
pub struct Input<'i>(pub &'i [u8]);

impl<'i> Input<'i> {
    /// Whether all of it has been taken.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }

    /// The next two bytes as a number.
    pub fn short(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// A choice among `count` things.
    pub fn below(&mut self, count: usize) -> usize {
        let choice = if count > 256 { usize::from(self.short()) } else { usize::from(self.byte()) };
        choice % count.max(1)
    }

    /// The next `count` bytes, or as many as there are.
    pub fn take(&mut self, count: usize) -> &'i [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A stretch with its length in front, in one byte.
    pub fn stretch(&mut self) -> &'i [u8] {
        let count = usize::from(self.byte());
        self.take(count)
    }
}

/// The stream in segments of these lengths, over and over; `length` says how many bytes a number stands for.
#[must_use]
pub fn segments<'s>(
    stream: &'s [u8],
    lengths: &[u8],
    length: impl Fn(usize) -> usize,
) -> Vec<&'s [u8]> {
    let mut lengths = lengths.iter().cycle();
    let (mut segments, mut rest) = (Vec::new(), stream);
    while !rest.is_empty() {
        let length = lengths.next().map_or(rest.len(), |&byte| length(byte.into()));
        let (segment, behind) = rest.split_at(length.min(rest.len()));
        segments.push(segment);
        rest = behind;
    }
    segments
}
