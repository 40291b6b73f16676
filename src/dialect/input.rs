//! What was read of a connection and has not been taken yet.

/// Bytes, and what of them is known to be text: whoever cuts many lines from one read need not look at each again.
#[derive(Clone, Copy, Debug)]
pub struct Input<'i> {
    /// What has not been taken yet. Readers take from its front.
    pub rest: &'i [u8],
    /// What was read, as far as it is UTF-8.
    text: &'i str,
    /// Bytes that were read.
    bytes: usize,
}

impl<'i> Input<'i> {
    /// What was read, of which nothing is known.
    #[must_use]
    pub fn new(read: &'i [u8]) -> Self {
        Self { rest: read, text: "", bytes: read.len() }
    }

    /// What was read, and is text as a rule.
    #[must_use]
    pub fn of_text(read: &'i [u8]) -> Self {
        let text = str::from_utf8(read).unwrap_or_else(|error| {
            let valid = &read[..error.valid_up_to()];
            str::from_utf8(valid).expect("so far it is valid")
        });
        Self { rest: read, text, bytes: read.len() }
    }

    /// The last `bytes` bytes that were taken but for one behind them, if they are known to be text.
    pub(super) fn line(&self, bytes: usize) -> Option<&'i str> {
        let end = self.bytes - self.rest.len() - 1;
        self.text.get(end - bytes..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of `read`, each with whether it is known to be text.
    fn lines(read: &[u8]) -> Vec<(usize, Option<&str>)> {
        let mut input = Input::of_text(read);
        let mut lines = Vec::new();
        while let Some(bytes) = input.rest.iter().position(|&byte| byte == b'\n') {
            input.rest = &input.rest[bytes + 1..];
            lines.push((bytes, input.line(bytes)));
        }
        lines
    }

    #[test]
    fn lines_are_text_up_to_the_first_that_is_not() {
        let read = "one\n\nzwölf\n".as_bytes();
        assert_eq!(lines(read), [(3, Some("one")), (0, Some("")), (6, Some("zwölf"))]);
        assert_eq!(lines(b"one\nt\xffo\nthree\n"), [(3, Some("one")), (3, None), (5, None)]);
        assert_eq!(lines(b"one\nzw\xc3"), [(3, Some("one"))], "the rest is still to come");
    }

    #[test]
    fn nothing_is_known_of_what_was_not_looked_at() {
        let mut input = Input::new(b"one\n");
        input.rest = b"";
        assert_eq!(input.line(3), None);
    }
}
