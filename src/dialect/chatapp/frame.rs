//! Frames: cuts the input into bodies, each behind a header of 20 bytes that says how long it is.
//!
//! Owns what has come of a frame that is not complete; knows nothing of what a body says.
//!
//! Invariants: the bodies cut do not depend on where a segment ends. A body is never longer than
//! [`CHATAPP_FRAME_BYTES_MAX`]. Memory is held only while a body is incomplete, and no more than it will need.

use std::borrow::Cow;

use crate::limits::CHATAPP_FRAME_BYTES_MAX;

/// Bytes of a header: a length in decimal digits, padded with blanks.
pub(super) const HEADER_BYTES: usize = 20;

/// One connection's place between segments.
#[derive(Debug)]
pub(super) enum Frames {
    /// So many bytes of a header have come.
    Header([u8; HEADER_BYTES], usize),
    /// These bytes of a body of so many have come.
    Body(Vec<u8>, usize),
}

/// What was cut from the input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Cut<'i> {
    /// A body, as it stands in the input if it came whole.
    Body(Cow<'i, [u8]>),
    /// The header announces more than a frame may have.
    TooLong,
    /// The header is no number, or 0.
    NoLength,
}

impl Default for Frames {
    fn default() -> Self {
        Self::Header([0; HEADER_BYTES], 0)
    }
}

impl Frames {
    /// Takes from `input` up to the end of one frame. `None` when the input is used up; what is left of it is kept.
    /// Behind anything but a body nothing that follows can be understood.
    pub(super) fn cut<'i>(&mut self, input: &mut &'i [u8]) -> Option<Cut<'i>> {
        if let Self::Header(header, come) = self {
            let part = take(input, HEADER_BYTES - *come);
            header[*come..*come + part.len()].copy_from_slice(part);
            *come += part.len();
            if *come < HEADER_BYTES {
                return None;
            }
            match length(header) {
                None | Some(0) => return Some(Cut::NoLength),
                Some(length) if length > CHATAPP_FRAME_BYTES_MAX => return Some(Cut::TooLong),
                Some(length) => *self = Self::Body(Vec::new(), length),
            }
        }
        let Self::Body(come, length) = self else { unreachable!("the header is complete") };
        let part = take(input, *length - come.len());
        let body = if part.len() == *length {
            Cow::Borrowed(part)
        } else {
            come.reserve_exact(*length - come.len());
            come.extend_from_slice(part);
            if come.len() < *length {
                return None;
            }
            Cow::Owned(std::mem::take(come))
        };
        *self = Self::default();
        Some(Cut::Body(body))
    }
}

/// Takes up to `count` bytes from the front of `input`.
fn take<'i>(input: &mut &'i [u8], count: usize) -> &'i [u8] {
    let (part, rest) = input.split_at(count.min(input.len()));
    *input = rest;
    part
}

/// The number a header says, if it says one: digits, with nothing but blanks around them. One that is too large for any
/// use is as large as can be.
fn length(header: &[u8; HEADER_BYTES]) -> Option<usize> {
    let text = str::from_utf8(header).ok()?.trim_matches(' ');
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cuts of `stream`, which have to be the same wherever it falls into two segments, and byte by byte.
    fn cuts(stream: &[u8]) -> Vec<Cut<'_>> {
        let cut = |segments: &[&[u8]]| {
            let (mut frames, mut all) = (Frames::default(), Vec::new());
            for segment in segments {
                let mut input = *segment;
                while let Some(cut) = frames.cut(&mut input) {
                    let is_body = matches!(cut, Cut::Body(_));
                    all.push(match cut {
                        Cut::Body(body) => Cut::Body(Cow::Owned(body.into_owned())),
                        Cut::TooLong => Cut::TooLong,
                        Cut::NoLength => Cut::NoLength,
                    });
                    if !is_body {
                        return all;
                    }
                }
                assert!(input.is_empty());
            }
            all
        };
        let whole = cut(&[stream]);
        for at in 0..=stream.len() {
            let (front, back) = stream.split_at(at);
            assert_eq!(cut(&[front, back]), whole, "in two at {at}");
        }
        assert_eq!(cut(&stream.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
        whole
    }

    fn framed(body: &[u8]) -> Vec<u8> {
        [format!("{:<20}", body.len()).as_bytes(), body].concat()
    }

    fn body(body: &[u8]) -> Cut<'static> {
        Cut::Body(Cow::Owned(body.to_vec()))
    }

    #[test]
    fn bodies_are_cut_wherever_the_segments_end() {
        let stream = [framed(b"{}"), framed(b"x"), framed("größe".as_bytes())].concat();
        assert_eq!(cuts(&stream), [body(b"{}"), body(b"x"), body("größe".as_bytes())]);
    }

    #[test]
    fn a_body_of_2000_bytes_is_taken_and_of_2001_is_too_long() {
        let longest = [b'x'; CHATAPP_FRAME_BYTES_MAX];
        let stream = [framed(&longest), framed(b"y")].concat();
        let mut frames = Frames::default();
        let mut input = stream.as_slice();
        assert_eq!(frames.cut(&mut input), Some(body(&longest)));
        assert_eq!(frames.cut(&mut input), Some(body(b"y")));
        assert_eq!(cuts(b"2001                x"), [Cut::TooLong]);
        assert_eq!(cuts(b"99999999999999999999"), [Cut::TooLong]);
    }

    #[test]
    fn blanks_may_stand_on_both_sides_of_the_length_and_zeros_before_it() {
        for header in ["2                   ", "                   2", "     2              "] {
            assert_eq!(cuts(format!("{header}{{}}").as_bytes()), [body(b"{}")], "{header:?}");
        }
        assert_eq!(cuts(b"00000000000000000002{}"), [body(b"{}")]);
    }

    #[test]
    fn a_header_that_is_no_number_or_0_has_no_length() {
        let headers = [
            "0                   ",
            "                    ",
            "1 2                 ",
            "-2                  ",
            "+2                  ",
            "2.0                 ",
            "1_0                 ",
            "0x2                 ",
            "\u{662}                  ",
            "2\n                  ",
            "GET / HTTP/1.1\r\nHost",
            "{\"__type__\": \"Connec",
        ];
        for header in headers {
            assert_eq!(header.len(), HEADER_BYTES);
            assert_eq!(cuts(header.as_bytes()), [Cut::NoLength], "{header:?}");
        }
        assert_eq!(cuts(&[0xff; 20]), [Cut::NoLength]);
    }

    #[test]
    fn a_body_that_comes_whole_is_not_copied_and_a_part_holds_no_more_than_the_body() {
        let (mut frames, stream) = (Frames::default(), framed(b"{}"));
        let mut input = stream.as_slice();
        assert!(matches!(frames.cut(&mut input), Some(Cut::Body(Cow::Borrowed(b"{}")))));
        let stream = framed(&[b'x'; 1000]);
        for part in stream.chunks(7) {
            let mut input = part;
            frames.cut(&mut input);
            if let Frames::Body(come, _) = &frames {
                assert!(come.capacity() <= 1000);
            }
        }
        assert!(matches!(frames, Frames::Header(_, 0)));
    }
}
