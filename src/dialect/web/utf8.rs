//! Whether a stream of bytes is UTF-8, segment by segment: what RFC 6455 8.1 asks of a text message.

/// A check under way.
#[derive(Debug, Default)]
pub(super) struct Utf8 {
    /// The beginning of a character that the last segment ended in.
    partial: heapless::Vec<u8, 4>,
}

/// The bytes are no UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Invalid;

impl Utf8 {
    /// Checks the next bytes.
    ///
    /// # Errors
    /// [`Invalid`] as soon as it is certain.
    pub(super) fn check(&mut self, mut bytes: &[u8]) -> Result<(), Invalid> {
        while !self.partial.is_empty() {
            let Some((&byte, rest)) = bytes.split_first() else { return Ok(()) };
            bytes = rest;
            self.partial.push(byte).map_err(|_| Invalid)?;
            match str::from_utf8(&self.partial) {
                Ok(_) => self.partial.clear(),
                Err(error) if error.error_len().is_some() => return Err(Invalid),
                Err(_) => {}
            }
        }
        match str::from_utf8(bytes) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(Invalid),
            Err(error) => {
                let rest = &bytes[error.valid_up_to()..];
                self.partial.extend_from_slice(rest).map_err(|_| Invalid)
            }
        }
    }

    /// The message is over.
    ///
    /// # Errors
    /// [`Invalid`] if it ends within a character.
    pub(super) fn end(&mut self) -> Result<(), Invalid> {
        if self.partial.is_empty() { Ok(()) } else { Err(Invalid) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_valid(segments: &[&[u8]]) -> bool {
        let mut utf8 = Utf8::default();
        segments.iter().all(|segment| utf8.check(segment).is_ok()) && utf8.end().is_ok()
    }

    #[test]
    fn it_agrees_with_the_library_wherever_a_segment_ends() {
        let samples: [&[u8]; 9] = [
            "a é € 😀 z".as_bytes(),
            b"",
            b"\xff",
            b"a\xc0\x80",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xe2\x82",
            b"\xf0\x9f\x98\x80\xf0\x9f",
            b"\x80",
        ];
        for sample in samples {
            let expected = str::from_utf8(sample).is_ok();
            for cut in 0..=sample.len() {
                for second in cut..=sample.len() {
                    let segments = [&sample[..cut], &sample[cut..second], &sample[second..]];
                    assert_eq!(is_valid(&segments), expected, "{sample:?} cut at {cut}, {second}");
                }
            }
        }
    }
}
