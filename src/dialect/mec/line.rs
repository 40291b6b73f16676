//! Lines: cuts the input at its line ends, after telnet is taken out and the user's corrections are carried out.
//!
//! Owns the partial line of one connection. Knows nothing of words, commands or texts; a line is bytes.
//! Spec `mec.md` 1.
//!
//! Invariants: the lines cut do not depend on where a segment ends. A line has at most 999 bytes. A block of the park
//! is held only while there is a partial line that is not empty.

use crate::dialect::mec::scan;
use crate::dialect::mec::telnet::{IAC, Step, Telnet};
use crate::dialect::park::{Block, Park};
use crate::limits::LINE_BYTES_MAX;

const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;
const CTRL_U: u8 = 0x15;
const CTRL_W: u8 = 0x17;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// One connection's place between segments.
#[derive(Debug, Default)]
pub(super) struct Lines {
    block: Option<Box<Block>>,
    telnet: Telnet,
    /// Bytes of the partial line, all of them in the block.
    length: u16,
    start: Start,
    last: Last,
}

/// Whether a byte order mark may still come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Start {
    #[default]
    Fresh,
    Begun,
}

/// The last byte, as far as the next one's meaning hangs on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Last {
    CarriageReturn,
    #[default]
    Other,
}

/// What was cut from the input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cut<'i> {
    /// A line, as it stands in the input.
    Whole(&'i [u8]),
    /// A line that stands in [`Lines::parked`] until [`Lines::unpark`].
    Parked,
    /// 1000 bytes stand without a line end among them; they are forgotten.
    TooLong,
    /// Telnet wants these bytes sent.
    Answer([u8; 3]),
    /// Telnet asks whether the server is there.
    AreYouThere,
}

impl Lines {
    /// Takes from `input` up to the end of one line, or of one telnet sequence that wants an answer. `None` when the
    /// input is used up; what is left of it is parked.
    pub(super) fn cut<'i>(&mut self, input: &mut &'i [u8], park: &mut Park) -> Option<Cut<'i>> {
        if self.block.is_none() && self.telnet.is_at_data() {
            self.skip_what_is_not_line(input);
            if let Some(line) = self.whole(input) {
                return Some(Cut::Whole(line));
            }
        }
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            let cut = match self.telnet.step(byte) {
                Step::Data => self.push(byte, park),
                Step::Taken => None,
                Step::Answer(bytes) => Some(Cut::Answer(bytes)),
                Step::AreYouThere => Some(Cut::AreYouThere),
            };
            if cut.is_some() {
                return cut;
            }
        }
        None
    }

    /// The bytes of the line that was cut as [`Cut::Parked`], or of the partial line.
    pub(super) fn parked(&self) -> &[u8] {
        self.block.as_ref().map_or(&[], |block| &block[..usize::from(self.length)])
    }

    /// Forgets the parked bytes and gives their block back.
    pub(super) fn unpark(&mut self, park: &mut Park) {
        self.length = 0;
        if let Some(block) = self.block.take() {
            park.give(block);
        }
    }

    /// The rest of a line end, and the byte order mark, when they stand whole at the front of `input`.
    fn skip_what_is_not_line(&mut self, input: &mut &[u8]) {
        if self.last == Last::CarriageReturn
            && let [b'\n' | 0, rest @ ..] = input
        {
            *input = rest;
            self.last = Last::Other;
        }
        if self.start == Start::Fresh
            && let Some(rest) = input.strip_prefix(BYTE_ORDER_MARK)
        {
            *input = rest;
            self.start = Start::Begun;
        }
    }

    /// The usual case: a whole line at the front of `input` with nothing in it to be carried out.
    fn whole<'i>(&mut self, input: &mut &'i [u8]) -> Option<&'i [u8]> {
        let window = &input[..input.len().min(LINE_BYTES_MAX)];
        let (line, rest) = input.split_at(scan::first(window, not_plain)?);
        let (&end, rest) = rest.split_first()?;
        if !matches!(end, b'\r' | b'\n') {
            return None;
        }
        *input = rest;
        self.end(end);
        Some(line)
    }

    /// Takes a byte of the user's.
    fn push(&mut self, byte: u8, park: &mut Park) -> Option<Cut<'static>> {
        let last = std::mem::take(&mut self.last);
        if last == Last::CarriageReturn && matches!(byte, b'\n' | 0) {
            return None;
        }
        match byte {
            b'\r' | b'\n' => {
                self.end(byte);
                return Some(Cut::Parked);
            }
            BACKSPACE | DELETE => self.shorten(before_last_character(self.parked()), park),
            CTRL_W => self.shorten(before_last_word(self.parked()), park),
            CTRL_U => self.shorten(0, park),
            _ => return self.keep(byte, park),
        }
        None
    }

    fn keep(&mut self, byte: u8, park: &mut Park) -> Option<Cut<'static>> {
        let block = self.block.get_or_insert_with(|| park.take());
        block[usize::from(self.length)] = byte;
        self.length += 1;
        if self.start == Start::Fresh {
            self.compare_with_byte_order_mark(park);
        }
        if usize::from(self.length) < LINE_BYTES_MAX {
            return None;
        }
        self.unpark(park);
        Some(Cut::TooLong)
    }

    fn compare_with_byte_order_mark(&mut self, park: &mut Park) {
        if !BYTE_ORDER_MARK.starts_with(self.parked()) {
            self.start = Start::Begun;
        } else if self.parked() == BYTE_ORDER_MARK {
            self.shorten(0, park);
        }
    }

    fn end(&mut self, byte: u8) {
        self.start = Start::Begun;
        self.last = if byte == b'\r' { Last::CarriageReturn } else { Last::Other };
    }

    /// Keeps the first `length` bytes of the partial line.
    fn shorten(&mut self, length: u16, park: &mut Park) {
        self.start = Start::Begun;
        self.length = length;
        if length == 0 {
            self.unpark(park);
        }
    }
}

/// Marks what ends a line, and what may be no text of one: telnet's bytes, and corrections. Any control character
/// counts, because one comparison for all is the quickest; who looks byte by byte finds out.
fn not_plain(eight: u64) -> u64 {
    // IAC is the last byte: it has no bit that is not set.
    const { assert!(IAC == u8::MAX) };
    scan::below(eight, b' ') | scan::equal(eight, DELETE) | scan::below(!eight, 1)
}

/// Length of `line` without its last UTF-8 character, or without its last byte where that ends none.
fn before_last_character(line: &[u8]) -> u16 {
    let character = (1..=line.len().min(4))
        .find(|count| str::from_utf8(&line[line.len() - count..]).is_ok())
        .unwrap_or(1);
    line.len().saturating_sub(character) as u16
}

/// Length of `line` without its last word and the blanks behind that.
fn before_last_word(line: &[u8]) -> u16 {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let word_end = line.iter().rposition(|byte| !is_blank(byte)).map_or(0, |last| last + 1);
    line[..word_end].iter().rposition(is_blank).map_or(0, |blank| blank + 1) as u16
}

const _: () = assert!(LINE_BYTES_MAX <= u16::MAX as usize, "a line's length fits in 16 bits");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::PARKED_SPARE_MAX;

    /// What was cut: lines as text, answers to telnet and the end in brackets.
    fn cuts(segments: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut park, mut all) = (Lines::default(), Park::new(), Vec::new());
        for segment in segments {
            let mut input = *segment;
            while let Some(cut) = lines.cut(&mut input, &mut park) {
                all.push(match cut {
                    Cut::Whole(line) => String::from_utf8_lossy(line).into_owned(),
                    Cut::Parked => String::from_utf8_lossy(lines.parked()).into_owned(),
                    Cut::TooLong => "[too long]".to_owned(),
                    Cut::Answer(bytes) => format!("[{bytes:02x?}]"),
                    Cut::AreYouThere => "[there?]".to_owned(),
                });
                if cut == Cut::Parked {
                    lines.unpark(&mut park);
                }
                if cut == Cut::TooLong {
                    return all;
                }
            }
            assert!(input.is_empty());
            assert_eq!(lines.block.is_some(), lines.length > 0, "a block only for bytes");
        }
        lines.unpark(&mut park);
        assert!(park.spare() <= PARKED_SPARE_MAX.min(1), "one connection has one block");
        all
    }

    /// The cuts of `stream`, which have to be the same wherever it falls into two segments, and byte by byte.
    fn steady_cuts(stream: &[u8]) -> Vec<String> {
        let whole = cuts(&[stream]);
        for at in 0..=stream.len() {
            let (front, back) = stream.split_at(at);
            assert_eq!(cuts(&[front, back]), whole, "{stream:02x?} in two at {at}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(cuts(&bytes), whole, "{stream:02x?} byte by byte");
        whole
    }

    #[test]
    fn every_line_end_ends_one_line_wherever_the_segment_ends() {
        let ends = ["\r\n", "\n", "\r\0", "\r"];
        for first in ends {
            for second in ends {
                let stream = format!("one{first}two{second}three{first}rest");
                assert_eq!(steady_cuts(stream.as_bytes()), ["one", "two", "three"], "{stream:?}");
            }
        }
    }

    #[test]
    fn an_empty_line_is_a_line() {
        assert_eq!(steady_cuts(b"\r\n\n\r\0\r\rx\n"), ["", "", "", "", "", "x"]);
        assert_eq!(steady_cuts(b"\n\r\nx\n"), ["", "", "x"]);
    }

    #[test]
    fn only_the_first_lf_or_nul_after_a_cr_is_swallowed() {
        assert_eq!(steady_cuts(b"a\r\n\nb\r\0\0c\r\n"), ["a", "", "b", "\0c"]);
        assert_eq!(steady_cuts(b"a\n\0b\n"), ["a", "\0b"]);
    }

    #[test]
    fn telnet_between_a_cr_and_its_lf_does_not_part_them() {
        assert_eq!(steady_cuts(b"a\r\xff\xf1\nb\n"), ["a", "b"]);
    }

    #[test]
    fn telnet_is_taken_out_of_lines_and_answered_in_order() {
        let stream =
            b"\xff\xfb\x1fa\xff\xfd\x01b\xff\xfa\x18\r\n\xff\xff\xff\xf0c\xff\xffd\n\xff\xf6e\r\n";
        assert_eq!(
            steady_cuts(stream),
            ["[[ff, fe, 1f]]", "[[ff, fc, 01]]", "abcd", "[there?]", "e"]
        );
    }

    #[test]
    fn ctrl_c_of_a_telnet_client_is_answered_every_time() {
        let stream = b"ab\xff\xf4\xff\xfd\x06c\r\n\xff\xf4\xff\xfd\x06";
        assert_eq!(steady_cuts(stream), ["[[ff, fc, 06]]", "abc", "[[ff, fc, 06]]"]);
    }

    #[test]
    fn the_opening_of_an_inetutils_client_is_refused_and_its_line_read() {
        let mut stream = Vec::new();
        let opening = [(0xfd, 3), (0xfb, 24), (0xfb, 31), (0xfb, 32), (0xfb, 33), (0xfb, 34)];
        for (verb, option) in opening {
            stream.extend([IAC, verb, option]);
        }
        stream.extend(b"#whoami\r\n");
        let cuts = steady_cuts(&stream);
        assert_eq!(cuts.len(), 7);
        assert_eq!(cuts[0], "[[ff, fc, 03]]");
        assert_eq!(cuts[6], "#whoami");
    }

    #[test]
    fn a_line_of_999_bytes_is_taken_and_the_1000th_is_too_long() {
        for end in ["\n", "\r\n", "\r\0", "\r"] {
            let line = "x".repeat(999);
            assert_eq!(steady_cuts(format!("{line}{end}ok\n").as_bytes()), [&line, "ok"]);
            let stream = format!("ok\n{line}x{end}never\n");
            assert_eq!(steady_cuts(stream.as_bytes()), ["ok", "[too long]"]);
        }
        assert_eq!(cuts(&[&[b'x'; 1000]]), ["[too long]"]);
        assert_eq!(cuts(&[&[b'x'; 4096]]), ["[too long]"]);
    }

    #[test]
    fn what_is_taken_out_does_not_count_as_length() {
        let line = "x".repeat(999);
        let line = line.as_str();
        let mut stream = b"\xef\xbb\xbf\xff\xfa".to_vec();
        stream.extend([b'y'; 3000]);
        stream.extend(b"\xff\xf0");
        stream.extend(line.as_bytes());
        stream.extend(b"\xff\xf1\x7fx\r\n");
        assert_eq!(steady_cuts(&stream), [line]);
        assert_eq!(steady_cuts(format!("\u{feff}{line}\n").as_bytes()), [line]);
        assert_eq!(steady_cuts(format!("\u{feff}{line}x\n").as_bytes()), ["[too long]"]);
    }

    #[test]
    fn backspace_and_delete_take_back_a_whole_character() {
        assert_eq!(steady_cuts("abü\x08\x7fc\n".as_bytes()), ["ac"]);
        assert_eq!(steady_cuts("x€\x7f𝄞\x08y\n".as_bytes()), ["xy"]);
        assert_eq!(steady_cuts(b"\x08\x7fa\x08\x08\x08b\r\n"), ["b"]);
    }

    #[test]
    fn backspace_takes_a_byte_that_is_no_character_alone() {
        assert_eq!(steady_cuts(b"a\xe2\x82\x08\x08b\n"), ["ab"]);
        assert_eq!(steady_cuts(b"a\x80\x80\x08\x08b\n"), ["ab"]);
    }

    #[test]
    fn ctrl_u_takes_back_the_line_and_ctrl_w_the_word() {
        assert_eq!(steady_cuts(b"#quit now\x15#whoami\n"), ["#whoami"]);
        assert_eq!(steady_cuts("say größe \t \x17x\n".as_bytes()), ["say x"]);
        assert_eq!(steady_cuts(b"one\x17\x17two three\x17\x17four\n"), ["four"]);
        assert_eq!(steady_cuts(b"\x15\x17 \x17\n"), [""]);
    }

    #[test]
    fn corrections_do_not_reach_into_the_line_before() {
        assert_eq!(steady_cuts(b"one\r\n\x08\x15\x17two\n"), ["one", "two"]);
    }

    #[test]
    fn a_byte_order_mark_is_dropped_at_the_start_of_the_connection_only() {
        assert_eq!(steady_cuts("\u{feff}a\n\u{feff}b\n".as_bytes()), ["a", "\u{feff}b"]);
        assert_eq!(steady_cuts("\u{feff}\u{feff}a\n".as_bytes()), ["\u{feff}a"]);
        assert_eq!(steady_cuts("\n\u{feff}a\n".as_bytes()), ["", "\u{feff}a"]);
        assert_eq!(steady_cuts("a\u{feff}\n".as_bytes()), ["a\u{feff}"]);
        assert_eq!(steady_cuts(b"\xef\xbb\n"), ["\u{fffd}"]);
        assert_eq!(steady_cuts(b"\xff\xf1\xef\xbb\xff\xf1\xbf\n"), [""]);
    }

    #[test]
    fn a_line_that_comes_whole_and_plain_is_not_copied() {
        let (mut lines, mut park) = (Lines::default(), Park::new());
        let mut input: &[u8] = b"one\r\ntwo\n";
        let start = input.as_ptr();
        assert_eq!(lines.cut(&mut input, &mut park), Some(Cut::Whole(b"one")));
        let Some(Cut::Whole(two)) = lines.cut(&mut input, &mut park) else { panic!("not whole") };
        assert_eq!((two, two.as_ptr()), (&b"two"[..], start.wrapping_add(5)));
    }
}
