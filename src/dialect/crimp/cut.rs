//! Where a command ends: in frames as Java's `writeUTF` makes them, at an end of line, or at a silence.
//!
//! Owns the bytes of one connection's command under way. Knows nothing of words. The first byte of a connection says
//! whether it speaks frames or text, and that holds until its end.
//!
//! Invariants: what is cut does not depend on where a segment ends. No more than a command of
//! [`CRIMP_COMMAND_BYTES_MAX`] bytes and its end is kept: of a longer one the rest is only counted.

use memchr::memchr;

use crate::dialect::crimp::modified;
use crate::limits::{CRIMP_COMMAND_BYTES_MAX, CRIMP_QUIET_MS};

/// The first byte of a connection that speaks frames is below this: of the length of any command the higher byte.
const TEXT_FROM: u8 = 0x20;

/// Bytes of a frame's length.
pub(super) const HEADER_BYTES: usize = 2;

/// How a command ended, and so how its answer does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Ending {
    /// It stood in a frame.
    #[default]
    Frame,
    /// With LF.
    Lf,
    /// With CRLF.
    CrLf,
    /// Nothing more came for a while.
    Silence,
}

/// What a connection speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Framing {
    Frames,
    Text,
}

/// What became of the input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cut {
    /// A command is whole: [`Cutter::command`] has it, until [`Cutter::forget`].
    Whole(Ending),
    /// The first bytes of a text that may be whole as it is, if nothing follows.
    Begun,
}

/// One connection's command under way.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    framing: Option<Framing>,
    /// The header of a frame; the bytes of a command unless it is too long.
    kept: Vec<u8>,
    /// Bytes of the command that have come, of a frame without its header.
    came: usize,
    /// The last byte of a text.
    last: u8,
    /// When that came, in ms of the server's clock.
    came_ms: u64,
}

impl Cutter {
    /// Takes from `input` up to the end of one command. `None` when the input is used up.
    pub(super) fn cut(&mut self, input: &mut &[u8], now_ms: u64) -> Option<Cut> {
        let &first = input.first()?;
        let framing = if first < TEXT_FROM { Framing::Frames } else { Framing::Text };
        match *self.framing.get_or_insert(framing) {
            Framing::Frames => self.frame(input).map(Cut::Whole),
            Framing::Text => self.text(input, now_ms),
        }
    }

    /// When a text that nothing follows is whole.
    pub(super) fn deadline(&self) -> Option<u64> {
        let is_begun = self.framing == Some(Framing::Text) && self.came > 0;
        is_begun.then_some(self.came_ms + CRIMP_QUIET_MS)
    }

    /// The end of a text that has been followed by nothing for so long.
    pub(super) fn silence(&self, now_ms: u64) -> Option<Ending> {
        (self.deadline()? <= now_ms).then_some(Ending::Silence)
    }

    /// The end of a text that nothing will follow.
    pub(super) fn end(&self) -> Option<Ending> {
        self.deadline().map(|_| Ending::Silence)
    }

    /// The command that has ended so; nothing if it is too long, or no text.
    pub(super) fn command(&self, ending: Ending) -> Option<String> {
        let length = match ending {
            Ending::CrLf => self.came - 1,
            Ending::Frame | Ending::Lf | Ending::Silence => self.came,
        };
        if length > CRIMP_COMMAND_BYTES_MAX {
            return None;
        }
        match ending {
            Ending::Frame => modified::decoded(&self.kept[HEADER_BYTES..]),
            Ending::Lf | Ending::CrLf | Ending::Silence => {
                str::from_utf8(&self.kept[..length]).ok().map(str::to_owned)
            }
        }
    }

    /// Forgets a command that was whole.
    pub(super) fn forget(&mut self) {
        *self = Self { framing: self.framing, ..Self::default() };
    }

    fn frame(&mut self, input: &mut &[u8]) -> Option<Ending> {
        while self.kept.len() < HEADER_BYTES {
            let (&byte, rest) = input.split_first()?;
            *input = rest;
            self.kept.push(byte);
        }
        let length = usize::from(u16::from_be_bytes([self.kept[0], self.kept[1]]));
        let (body, rest) = input.split_at(input.len().min(length - self.came));
        *input = rest;
        self.came += body.len();
        if length <= CRIMP_COMMAND_BYTES_MAX {
            self.kept.extend_from_slice(body);
        }
        (self.came == length).then_some(Ending::Frame)
    }

    fn text(&mut self, input: &mut &[u8], now_ms: u64) -> Option<Cut> {
        let is_first = self.came == 0;
        let end = memchr(b'\n', input);
        let (piece, rest) = input.split_at(end.unwrap_or(input.len()));
        self.keep(piece);
        self.came_ms = now_ms;
        if end.is_none() {
            *input = rest;
            return is_first.then_some(Cut::Begun);
        }
        *input = &rest[1..];
        Some(Cut::Whole(if self.last == b'\r' { Ending::CrLf } else { Ending::Lf }))
    }

    fn keep(&mut self, piece: &[u8]) {
        self.came = self.came.saturating_add(piece.len());
        self.last = piece.last().copied().unwrap_or(self.last);
        // One more, which may turn out to be the CR of its end.
        if self.came <= CRIMP_COMMAND_BYTES_MAX + 1 {
            self.kept.extend_from_slice(piece);
        } else {
            self.kept = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is cut from segments that come 1 ms after each other.
    fn cuts(segments: &[&[u8]]) -> Vec<(Option<String>, Ending)> {
        let mut cutter = Cutter::default();
        let mut cuts = Vec::new();
        for (now, mut input) in segments.iter().copied().enumerate() {
            while let Some(cut) = cutter.cut(&mut input, now as u64) {
                if let Cut::Whole(ending) = cut {
                    cuts.push((cutter.command(ending), ending));
                    cutter.forget();
                }
            }
            assert!(input.is_empty());
            assert!(cutter.kept.len() <= CRIMP_COMMAND_BYTES_MAX + HEADER_BYTES);
        }
        cuts
    }

    /// The same, however the stream is split.
    fn steady_cuts(stream: &[u8]) -> Vec<(Option<String>, Ending)> {
        let whole = cuts(&[stream]);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(cuts(&bytes), whole);
        for at in 0..stream.len().min(100) {
            let (one, two) = stream.split_at(at);
            assert_eq!(cuts(&[one, two]), whole);
        }
        whole
    }

    fn frame(body: &[u8]) -> Vec<u8> {
        let mut frame = (body.len() as u16).to_be_bytes().to_vec();
        frame.extend_from_slice(body);
        frame
    }

    fn command(text: &str, ending: Ending) -> (Option<String>, Ending) {
        (Some(text.to_owned()), ending)
    }

    #[test]
    fn frames_are_cut_by_their_lengths() {
        let stream = [frame(b"bob LSRM"), frame(b""), frame("bob JOIN d\u{e9}n\n".as_bytes())];
        assert_eq!(
            steady_cuts(&stream.concat()),
            [
                command("bob LSRM", Ending::Frame),
                command("", Ending::Frame),
                command("bob JOIN d\u{e9}n\n", Ending::Frame),
            ]
        );
    }

    #[test]
    fn a_frame_that_is_no_text_is_taken_to_its_end() {
        let stream = [frame(b"bob\xffLSRM"), frame(b"bob DSCT")].concat();
        let expected = [(None, Ending::Frame), command("bob DSCT", Ending::Frame)];
        assert_eq!(steady_cuts(&stream), expected);
    }

    #[test]
    fn each_line_says_how_it_ended() {
        assert_eq!(
            steady_cuts(b"a LSRM\nb LSRM\r\n\n\r\nc\rd\n\xff\n"),
            [
                command("a LSRM", Ending::Lf),
                command("b LSRM", Ending::CrLf),
                command("", Ending::Lf),
                command("", Ending::CrLf),
                command("c\rd", Ending::Lf),
                (None, Ending::Lf),
            ]
        );
    }

    #[test]
    fn what_a_connection_speaks_is_decided_by_its_first_byte() {
        assert_eq!(steady_cuts(b" \n\x00\x01a\n").len(), 2, "lines, whatever they begin with");
        let mut stream = b"\x1f\xff".to_vec();
        stream.resize(0x1fff + 2, b'x');
        stream.extend(b"\x41\x42");
        stream.resize(stream.len() + 0x4142, b'y');
        let lengths = cuts(&[&stream]).into_iter().map(|(text, ending)| {
            assert_eq!(ending, Ending::Frame);
            text.map(|text| text.len())
        });
        assert_eq!(lengths.collect::<Vec<_>>(), [Some(0x1fff), None]);
    }

    #[test]
    fn a_command_of_the_bound_is_kept_and_one_byte_more_is_not() {
        for (length, is_kept) in
            [(CRIMP_COMMAND_BYTES_MAX, true), (CRIMP_COMMAND_BYTES_MAX + 1, false)]
        {
            let body = "x".repeat(length);
            let expected = is_kept.then(|| body.clone());
            for (end, ending) in [("\n", Ending::Lf), ("\r\n", Ending::CrLf)] {
                let stream = format!("{body}{end}ok{end}");
                let expected = [(expected.clone(), ending), command("ok", ending)];
                assert_eq!(steady_cuts(stream.as_bytes()), expected);
            }
            let stream = [frame(b"ok"), frame(body.as_bytes()), frame(b"ok")].concat();
            let ok = command("ok", Ending::Frame);
            assert_eq!(steady_cuts(&stream), [ok.clone(), (expected, Ending::Frame), ok]);
        }
    }

    #[test]
    fn a_line_of_any_length_holds_nothing() {
        let mut cutter = Cutter::default();
        for _ in 0..100 {
            let mut input: &[u8] = &[b'x'; 4096];
            cutter.cut(&mut input, 0);
        }
        assert!(cutter.kept.capacity() == 0);
        assert_eq!(cutter.cut(&mut &b"\r\n"[..], 0), Some(Cut::Whole(Ending::CrLf)));
        assert_eq!(cutter.command(Ending::CrLf), None);
    }

    #[test]
    fn a_text_ends_when_nothing_follows_for_as_long_as_the_bound() {
        let mut cutter = Cutter::default();
        assert_eq!(cutter.deadline(), None);
        assert_eq!(cutter.cut(&mut &b"bob "[..], 1000), Some(Cut::Begun));
        assert_eq!(cutter.deadline(), Some(1000 + CRIMP_QUIET_MS));
        assert_eq!(cutter.cut(&mut &b"LSRM"[..], 1100), None);
        assert_eq!(cutter.silence(1099 + CRIMP_QUIET_MS), None);
        assert_eq!(cutter.silence(1100 + CRIMP_QUIET_MS), Some(Ending::Silence));
        assert_eq!(cutter.command(Ending::Silence).as_deref(), Some("bob LSRM"));
        cutter.forget();
        assert_eq!((cutter.deadline(), cutter.end()), (None, None));
    }

    #[test]
    fn half_a_frame_never_ends_by_itself() {
        let mut cutter = Cutter::default();
        cutter.cut(&mut &b"\0\x08bob"[..], 0);
        assert_eq!((cutter.deadline(), cutter.silence(u64::MAX), cutter.end()), (None, None, None));
    }
}
