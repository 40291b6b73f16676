//! Words: parts a line at its blanks and undoes quotes; and what of a text may be passed on.
//!
//! Knows what a word and a text look like, not what they mean. Spec `mec.md` 2 and 1.
//!
//! Invariants: words borrow from the line; only one with an escape in it, or a text with something to remove, is
//! copied, and all copies of one line together are never longer than the line.

use memchr::memchr2_iter;

use crate::core::Status;
use crate::dialect::mec::scan;

/// What is left of a line to be read.
#[derive(Debug)]
pub(super) struct Words<'a> {
    rest: &'a str,
    /// Room for copies: at least as long as `rest`.
    room: &'a mut [u8],
}

/// A quote is not closed, or something is stuck to the closing one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Malformed;

impl From<Malformed> for Status {
    fn from(_: Malformed) -> Self {
        Self::Unknown
    }
}

/// A word as it stands in the line, without its quotes.
#[derive(Clone, Copy)]
struct Raw<'a> {
    text: &'a str,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As it is meant.
    Plain,
    /// With `\"` or `\\` in it.
    Escaped,
}

impl<'a> Words<'a> {
    /// Reads `line`; `room` is for copies, and at least as long.
    pub(super) fn new(line: &'a str, room: &'a mut [u8]) -> Self {
        assert!(room.len() >= line.len(), "a line's copies fit in the room for them");
        Self { rest: line, room }
    }

    /// The next word, if there is one.
    ///
    /// # Errors
    /// [`Malformed`]; nothing more can then be read.
    #[inline]
    pub(super) fn word(&mut self) -> Result<Option<&'a str>, Malformed> {
        self.skip_blanks();
        if !self.rest.starts_with('"') {
            return Ok(self.bare());
        }
        let raw = self.raw()?;
        Ok(raw.map(|raw| match raw.form {
            Form::Plain => raw.text,
            Form::Escaped => self.copy(raw, |_| true),
        }))
    }

    /// The next `N` words, as far as there are so many. What follows is ignored, but has to be words too.
    ///
    /// # Errors
    /// [`Malformed`] if anything in the rest of the line is.
    pub(super) fn take<const N: usize>(&mut self) -> Result<[Option<&'a str>; N], Malformed> {
        let mut words = [None; N];
        for word in &mut words {
            *word = self.word()?;
        }
        self.end()?;
        Ok(words)
    }

    /// The rest of the line as a text: the next word if that is quoted, else all of it without the blanks behind it.
    /// Without control characters; `None` if nothing is left then.
    ///
    /// # Errors
    /// [`Malformed`] if the text is quoted and anything in the rest of the line is malformed.
    pub(super) fn text(&mut self) -> Result<Option<&'a str>, Malformed> {
        self.skip_blanks();
        let text = if self.rest.starts_with('"') {
            let raw = self.raw()?;
            self.end()?;
            raw.map(|raw| self.cleaned(raw))
        } else {
            let text = std::mem::take(&mut self.rest);
            Some(self.cleaned(Raw { text, form: Form::Plain }).trim_end_matches(is_blank))
        };
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// What is left is ignored, but has to be words.
    ///
    /// # Errors
    /// [`Malformed`] if it is not.
    #[inline]
    pub(super) fn end(&mut self) -> Result<(), Malformed> {
        while !self.rest.is_empty() && self.raw()?.is_some() {}
        Ok(())
    }

    #[inline]
    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t') = self.rest.as_bytes().first() {
            self.rest = &self.rest[1..];
        }
    }

    fn raw(&mut self) -> Result<Option<Raw<'a>>, Malformed> {
        self.skip_blanks();
        match self.rest.strip_prefix('"') {
            Some(inside) => self.quoted(inside).map(Some),
            None => Ok(self.bare().map(|text| Raw { text, form: Form::Plain })),
        }
    }

    /// What stands before the next blank, if there is anything.
    #[inline]
    fn bare(&mut self) -> Option<&'a str> {
        let blanks = |eight| scan::equal(eight, b' ') | scan::equal(eight, b'\t');
        let end = scan::first(self.rest.as_bytes(), blanks);
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        (!text.is_empty()).then_some(text)
    }

    /// The quoted word that begins with `inside`.
    fn quoted(&mut self, inside: &'a str) -> Result<Raw<'a>, Malformed> {
        let bytes = inside.as_bytes();
        let mut form = Form::Plain;
        let mut escaped = None;
        for at in memchr2_iter(b'"', b'\\', bytes) {
            if escaped == Some(at) {
                form = Form::Escaped;
                escaped = None;
            } else if bytes[at] == b'\\' {
                escaped = Some(at + 1);
            } else {
                self.rest = &inside[at + 1..];
                let stuck = !self.rest.is_empty() && !self.rest.starts_with(is_blank);
                return if stuck { Err(Malformed) } else { Ok(Raw { text: &inside[..at], form }) };
            }
        }
        Err(Malformed)
    }

    fn cleaned(&mut self, raw: Raw<'a>) -> &'a str {
        match raw.form {
            Form::Plain if !has_control(raw.text) => raw.text,
            Form::Plain | Form::Escaped => self.copy(raw, |c| !is_removed(c)),
        }
    }

    /// Copies a word with its escapes undone, and of its characters those that `keep` wants.
    fn copy(&mut self, raw: Raw<'a>, keep: fn(char) -> bool) -> &'a str {
        let (copy, room) = std::mem::take(&mut self.room).split_at_mut(raw.text.len());
        self.room = room;
        let mut length = 0;
        let mut characters = raw.text.chars().peekable();
        while let Some(mut c) = characters.next() {
            if raw.form == Form::Escaped && c == '\\' {
                c = characters.next_if(|&next| matches!(next, '"' | '\\')).unwrap_or(c);
            }
            if keep(c) {
                length += c.encode_utf8(&mut copy[length..]).len();
            }
        }
        str::from_utf8(&copy[..length]).expect("whole characters were copied")
    }
}

/// Whether words are parted by it.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// Whether it is taken out of texts and message lines: every control character (C0, DEL, C1) but TAB.
pub(super) fn is_removed(c: char) -> bool {
    c.is_control() && c != '\t'
}

/// Whether a text has something to remove. Looks at bytes first: C1 is written as C2 and a byte.
pub(super) fn has_control(text: &str) -> bool {
    let suspicious =
        |eight| scan::below(eight, 0x20) | scan::equal(eight, 0x7f) | scan::equal(eight, 0xc2);
    scan::first(text.as_bytes(), suspicious).is_some() && text.contains(is_removed)
}

/// Puts `bytes` into `room` as UTF-8, with U+FFFD for what is not, exactly as [`String::from_utf8_lossy`] does.
/// `room` takes three times the bytes.
pub(super) fn decoded<'r>(bytes: &[u8], room: &'r mut [u8]) -> &'r str {
    let mut length = 0;
    let mut append = |piece: &str| {
        room[length..length + piece.len()].copy_from_slice(piece.as_bytes());
        length += piece.len();
    };
    for chunk in bytes.utf8_chunks() {
        append(chunk.valid());
        if !chunk.invalid().is_empty() {
            append("\u{fffd}");
        }
    }
    str::from_utf8(&room[..length]).expect("only pieces of UTF-8 were put together")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All words of `line`, parted by `/`; `malformed` if it is.
    fn words(line: &str) -> String {
        let mut room = vec![0; line.len()];
        let mut words = Words::new(line, &mut room);
        let mut all = Vec::new();
        loop {
            match words.word() {
                Ok(Some(word)) => all.push(word),
                Ok(None) => return all.join("/"),
                Err(Malformed) => return "malformed".to_owned(),
            }
        }
    }

    /// The text behind the first word of `line`.
    fn text(line: &str) -> Result<Option<String>, Malformed> {
        let mut room = vec![0; line.len()];
        let mut words = Words::new(line, &mut room);
        words.word()?;
        words.text().map(|text| text.map(str::to_owned))
    }

    fn said(text: &str) -> Result<Option<String>, Malformed> {
        Ok(Some(text.to_owned()))
    }

    #[test]
    fn runs_of_blanks_and_tabs_part_words() {
        assert_eq!(words("a b"), "a/b");
        assert_eq!(words(" \ta \t b\t\tc "), "a/b/c");
        assert_eq!(words("a\u{a0}b"), "a\u{a0}b");
        assert_eq!(words(" \t"), "");
        assert_eq!(words(""), "");
    }

    #[test]
    fn a_quoted_word_runs_to_the_next_unescaped_quote() {
        assert_eq!(words(r#""a b" c"#), "a b/c");
        assert_eq!(words(r#""a \"b\" c""#), r#"a "b" c"#);
        assert_eq!(words(r#""a\\" b"#), r"a\/b");
        assert_eq!(words(r#""\\\"" x"#), r#"\"/x"#);
        assert_eq!(words("\"a\tb\"\tc"), "a\tb/c");
    }

    #[test]
    fn a_backslash_before_anything_else_is_itself() {
        assert_eq!(words(r#""C:\new \ü\\x""#), r"C:\new \ü\x");
        assert_eq!(words(r#"a\"b \\"#), r#"a\"b/\\"#);
    }

    #[test]
    fn an_empty_pair_of_quotes_is_an_empty_word() {
        assert_eq!(words(r#"a "" b"#), "a//b");
        assert_eq!(words(r#""""#), "");
    }

    #[test]
    fn a_quote_inside_a_bare_word_is_an_ordinary_character() {
        assert_eq!(words(r#"it's 5" x"y"z"#), r#"it's/5"/x"y"z"#);
    }

    #[test]
    fn an_unclosed_quote_is_malformed() {
        for line in [r#"""#, r#""a"#, r#"a "b c"#, r#""a\""#, r#""a\\\""#] {
            assert_eq!(words(line), "malformed", "{line}");
        }
    }

    #[test]
    fn something_stuck_to_the_closing_quote_is_malformed() {
        for line in [r#""a"b"#, r#""a""b""#, r#""""""#, "\"a\"\u{a0}"] {
            assert_eq!(words(line), "malformed", "{line}");
        }
    }

    #[test]
    fn words_not_asked_for_are_ignored_but_have_to_be_words() {
        let mut room = [0; 16];
        assert_eq!(Words::new("a b c d", &mut room).take(), Ok([Some("a"), Some("b")]));
        assert_eq!(Words::new("a", &mut room).take(), Ok([Some("a"), None]));
        assert_eq!(Words::new("a b \"c", &mut room).take::<2>(), Err(Malformed));
    }

    #[test]
    fn a_bare_text_is_the_rest_of_the_line_without_the_blanks_behind_it() {
        assert_eq!(text("#broadcast hello all"), said("hello all"));
        assert_eq!(text("#broadcast \t a  b\tc \t "), said("a  b\tc"));
        assert_eq!(text(r#"#broadcast say "hi" \"#), said(r#"say "hi" \"#));
    }

    #[test]
    fn a_quoted_text_is_one_word() {
        assert_eq!(text(r#"#broadcast "a \"b\" " c"#), said(r#"a "b" "#));
        assert_eq!(text(r#"#broadcast "  ""#), said("  "));
        for line in [r#"#broadcast "a"#, r#"#broadcast "a"b"#, r#"#broadcast "a" "b"#] {
            assert_eq!(text(line), Err(Malformed), "{line}");
        }
    }

    #[test]
    fn a_text_of_which_nothing_is_left_is_none() {
        for line in [
            "#broadcast",
            "#broadcast  ",
            "#broadcast \"\"",
            "#broadcast \u{7}",
            "#broadcast \"\0\"",
        ] {
            assert_eq!(text(line), Ok(None), "{line:?}");
        }
    }

    #[test]
    fn control_characters_but_tab_are_removed_from_texts() {
        for c in (0..=0x9f_u8).map(char::from).filter(|c| c.is_control() && *c != '\t') {
            assert_eq!(text(&format!("#broadcast ü{c}b {c}")), said("üb"), "{c:?}");
            assert_eq!(text(&format!("#broadcast \"a{c}\\\"b\"")), said("a\"b"), "{c:?}");
        }
        assert_eq!(text("#broadcast a\tÂ©\u{a0}b"), said("a\tÂ©\u{a0}b"));
    }

    #[test]
    fn bytes_that_are_no_utf8_become_replacement_characters_as_the_standard_library_has_it() {
        let samples: [&[u8]; 8] = [
            b"",
            b"plain",
            b"\xff",
            b"a\xc3(b",
            b"\xe2\x82",
            b"\xf0\x9f\x98x\x80\x80",
            b"\xed\xa0\x80",
            "grün €".as_bytes(),
        ];
        for bytes in samples {
            let mut room = [0; 64];
            assert_eq!(decoded(bytes, &mut room), String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn the_longest_line_fits_its_room_when_every_byte_is_replaced() {
        let mut room = vec![0; crate::limits::TEXT_BYTES_MAX];
        let line = decoded(&[0x80; 999], &mut room);
        assert_eq!(line.len(), 2997);
    }
}
