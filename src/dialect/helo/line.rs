//! Lines: cuts the input at its line feeds and makes text of them that cannot disturb a line of any dialect.
//!
//! Owns the partial line of one connection. Knows nothing of words or commands.
//!
//! Invariants: the lines cut do not depend on where a segment ends. A connection between lines owns no memory.

use memchr::memchr;

use crate::dialect::text::append_harmless;
use crate::limits::HELO_LINE_BYTES_MAX;

/// One connection's place between segments.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
}

/// What was cut from the input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cut<'i> {
    /// A line, as it stands in the input.
    Whole(&'i [u8]),
    /// A line that stands in [`Lines::take_parked`].
    Parked,
    /// More than [`HELO_LINE_BYTES_MAX`] bytes stand without a line feed among them; they are forgotten.
    TooLong,
}

impl Lines {
    /// Takes from `input` up to the end of one line. `None` when the input is used up; what is left of it is kept.
    pub(super) fn cut<'i>(&mut self, input: &mut &'i [u8]) -> Option<Cut<'i>> {
        let room = HELO_LINE_BYTES_MAX - self.partial.len();
        let window = &input[..input.len().min(room + 1)];
        if let Some(end) = memchr(b'\n', window) {
            let line = &window[..end];
            *input = &input[end + 1..];
            if self.partial.is_empty() {
                return Some(Cut::Whole(line));
            }
            self.partial.extend_from_slice(line);
            return Some(Cut::Parked);
        }
        if window.len() > room {
            self.partial = Vec::new();
            return Some(Cut::TooLong);
        }
        self.partial.extend_from_slice(input);
        *input = &[];
        None
    }

    /// The line that was cut as [`Cut::Parked`]; nothing of it is kept.
    pub(super) fn take_parked(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.partial)
    }
}

/// The text of a line without its end, by way of `room` if it cannot be used as it came.
pub(super) fn text<'a>(line: &'a [u8], room: &'a mut String) -> &'a str {
    let bare = line.strip_suffix(b"\r").unwrap_or(line);
    match str::from_utf8(bare) {
        Ok(text) if !text.contains(char::is_control) => text,
        Ok(_) | Err(_) => {
            copy(line, room);
            room
        }
    }
}

/// Appends the text of a line without its end to `room`.
pub(super) fn copy(line: &[u8], room: &mut String) {
    for chunk in line.strip_suffix(b"\r").unwrap_or(line).utf8_chunks() {
        append_harmless(room, chunk.valid());
        if !chunk.invalid().is_empty() {
            room.push('\u{fffd}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(segments: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut all) = (Lines::default(), Vec::new());
        for segment in segments {
            let mut input = *segment;
            while let Some(cut) = lines.cut(&mut input) {
                let mut room = String::new();
                all.push(match cut {
                    Cut::Whole(line) => text(line, &mut room).to_owned(),
                    Cut::Parked => text(&lines.take_parked(), &mut room).to_owned(),
                    Cut::TooLong => "[too long]".to_owned(),
                });
                if cut == Cut::TooLong {
                    return all;
                }
            }
            assert!(input.is_empty());
        }
        all
    }

    fn steady_cuts(stream: &[u8]) -> Vec<String> {
        let whole = cuts(&[stream]);
        for at in 0..=stream.len().min(64) {
            let (front, back) = stream.split_at(at);
            assert_eq!(cuts(&[front, back]), whole, "{stream:02x?} in two at {at}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(cuts(&bytes), whole, "{stream:02x?} byte by byte");
        whole
    }

    #[test]
    fn a_line_ends_at_lf_or_crlf_wherever_the_segment_ends() {
        assert_eq!(steady_cuts(b"one\ntwo\r\n\n\r\nthree"), ["one", "two", "", ""]);
    }

    #[test]
    fn a_line_of_8192_bytes_is_taken_and_the_8193rd_is_too_long() {
        let line = "x".repeat(HELO_LINE_BYTES_MAX);
        assert_eq!(steady_cuts(format!("{line}\nok\n").as_bytes()), [&line, "ok"]);
        assert_eq!(steady_cuts(format!("ok\n{line}x\nnever\n").as_bytes()), ["ok", "[too long]"]);
        assert_eq!(cuts(&[format!("{line}\r\n").as_bytes()]), ["[too long]"]);
        assert_eq!(cuts(&[format!("{}\r\n", &line[1..]).as_bytes()]), [&line[1..]]);
    }

    #[test]
    fn line_breaks_and_tabs_become_blanks_and_other_controls_go() {
        assert_eq!(steady_cuts(b"a\rb\tc\x00\x1b[2J\x7f\xc2\x85d\r\r\n"), ["a b c[2Jd "]);
    }

    #[test]
    fn what_is_not_utf8_becomes_the_replacement_character() {
        assert_eq!(steady_cuts(b"a\xffb\xc3\xa9\xe2\x82\n"), ["a\u{fffd}b\u{e9}\u{fffd}"]);
    }

    #[test]
    fn a_line_that_comes_whole_and_plain_is_not_copied() {
        let mut lines = Lines::default();
        let mut input: &[u8] = b"one\ntwo\n";
        let start = input.as_ptr();
        let Some(Cut::Whole(one)) = lines.cut(&mut input) else { panic!("not whole") };
        assert_eq!(text(one, &mut String::new()).as_ptr(), start);
        assert_eq!(lines.partial.capacity(), 0);
    }
}
