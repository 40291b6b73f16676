//! Frames: cuts a stream of bytes into JSON objects by their brackets, looking at each byte once.
//!
//! Owns the beginning of an object whose end has not come. Knows nothing of what an object says: whether it is JSON is
//! found out when it is parsed as a whole.
//!
//! Invariants: what is cut does not depend on where a segment ends. At most [`OBJECT_BYTES_MAX`] bytes are held, and
//! none between objects.

use zeroize::Zeroizing;

use crate::limits::{OBJECT_BYTES_MAX, OBJECT_LEVELS_MAX};

/// One connection's place between segments.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The beginning of an object.
    held: Zeroizing<Vec<u8>>,
    /// Bytes of the object so far, held or not.
    length: usize,
    /// Brackets that are open.
    level: u32,
    depth: Depth,
    place: Place,
}

/// Whether an object has more levels than it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Depth {
    #[default]
    Allowed,
    TooGreat,
}

/// Where the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Place {
    /// Between objects.
    #[default]
    Between,
    /// In an object, in no text.
    Inside,
    /// In a text of an object.
    Text,
    /// In a text, behind a backslash.
    Escape,
    /// In a line that has something else than objects.
    Junk,
}

/// What was cut.
#[derive(Debug)]
pub(super) enum Cut<'i> {
    /// An object that came in one piece.
    Whole(&'i [u8]),
    /// One that came in several: [`Frames::take`] gives it.
    Held,
    /// An object with too many levels.
    TooDeep,
    /// Something that begins no object, or an object that a line ends in the middle of a text. The rest of the line is
    /// passed over.
    Malformed,
    /// An object that is longer than may be; there is no knowing where it ends.
    TooLong,
}

/// What a byte completes.
enum Step {
    Nothing,
    Object,
    Junk,
    TooLong,
}

impl Frames {
    /// Takes from `input` up to the end of one object. `None` when the input is used up.
    pub(super) fn cut<'i>(&mut self, input: &mut &'i [u8]) -> Option<Cut<'i>> {
        let all = *input;
        let mut from = match self.place {
            Place::Between | Place::Junk => None,
            Place::Inside | Place::Text | Place::Escape => Some(0),
        };
        for (at, &byte) in all.iter().enumerate() {
            let was_between = self.place == Place::Between;
            let step = self.step(byte);
            if was_between && self.place == Place::Inside {
                from = Some(at);
            }
            let cut = match step {
                Step::Nothing => continue,
                Step::Object => self.object(&all[from.expect("it has begun")..=at]),
                Step::Junk => {
                    self.held = Zeroizing::default();
                    Cut::Malformed
                }
                Step::TooLong => {
                    self.held = Zeroizing::default();
                    Cut::TooLong
                }
            };
            *input = &all[at + 1..];
            return Some(cut);
        }
        *input = &[];
        if let Some(from) = from {
            self.hold(&all[from..]);
        }
        None
    }

    /// The object that came in several pieces.
    pub(super) fn take(&mut self) -> Zeroizing<Vec<u8>> {
        std::mem::take(&mut self.held)
    }

    fn object<'i>(&mut self, piece: &'i [u8]) -> Cut<'i> {
        if self.depth == Depth::TooGreat {
            self.held = Zeroizing::default();
            return Cut::TooDeep;
        }
        if self.held.is_empty() {
            return Cut::Whole(piece);
        }
        self.hold(piece);
        Cut::Held
    }

    fn step(&mut self, byte: u8) -> Step {
        match self.place {
            Place::Between => match byte {
                b' ' | b'\t' | b'\r' | b'\n' => Step::Nothing,
                b'{' => {
                    (self.length, self.level, self.depth) = (1, 1, Depth::Allowed);
                    self.place = Place::Inside;
                    Step::Nothing
                }
                _ => {
                    self.place = Place::Junk;
                    Step::Junk
                }
            },
            Place::Junk => {
                if byte == b'\n' {
                    self.place = Place::Between;
                }
                Step::Nothing
            }
            Place::Inside | Place::Text | Place::Escape => {
                self.length += 1;
                if self.length > OBJECT_BYTES_MAX { Step::TooLong } else { self.step_inside(byte) }
            }
        }
    }

    fn step_inside(&mut self, byte: u8) -> Step {
        if self.place == Place::Inside {
            return self.step_outside_of_texts(byte);
        }
        // No text of JSON has a line end or another control character as it is.
        if byte < 0x20 {
            self.place = if byte == b'\n' { Place::Between } else { Place::Junk };
            return Step::Junk;
        }
        self.place = match (self.place, byte) {
            (Place::Text, b'\\') => Place::Escape,
            (Place::Text, b'"') => Place::Inside,
            (Place::Text | Place::Escape, _) => Place::Text,
            (Place::Between | Place::Inside | Place::Junk, _) => unreachable!("it is in a text"),
        };
        Step::Nothing
    }

    fn step_outside_of_texts(&mut self, byte: u8) -> Step {
        match byte {
            b'"' => self.place = Place::Text,
            b'{' | b'[' => {
                self.level += 1;
                if self.level > OBJECT_LEVELS_MAX {
                    self.depth = Depth::TooGreat;
                }
            }
            b'}' | b']' => {
                self.level -= 1;
                if self.level == 0 {
                    self.place = Place::Between;
                    return Step::Object;
                }
            }
            _ => {}
        }
        Step::Nothing
    }

    /// Keeps a piece of an object, unless nobody will read it.
    fn hold(&mut self, piece: &[u8]) {
        if self.depth == Depth::TooGreat {
            self.held = Zeroizing::default();
            return;
        }
        let length = self.held.len() + piece.len();
        if length > self.held.capacity() {
            // A vector that grows by itself leaves a copy behind, perhaps of a password.
            let room = (2 * length).min(OBJECT_BYTES_MAX);
            let mut longer = Zeroizing::new(Vec::with_capacity(room));
            longer.extend_from_slice(&self.held);
            self.held = longer;
        }
        self.held.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is cut of these segments.
    fn cut(segments: &[&[u8]]) -> Vec<String> {
        let mut frames = Frames::default();
        let mut cuts = Vec::new();
        for segment in segments {
            let mut input = *segment;
            while let Some(cut) = frames.cut(&mut input) {
                cuts.push(match cut {
                    Cut::Whole(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    Cut::Held => String::from_utf8_lossy(&frames.take()).into_owned(),
                    other => format!("{other:?}"),
                });
            }
            assert!(frames.held.len() <= OBJECT_BYTES_MAX);
        }
        cuts
    }

    /// The same in one piece, byte by byte, and in two pieces wherever they meet.
    fn cut_everywhere(bytes: &[u8]) -> Vec<String> {
        let whole = cut(&[bytes]);
        assert_eq!(cut(&bytes.chunks(1).collect::<Vec<_>>()), whole);
        for at in 0..bytes.len() {
            assert_eq!(cut(&[&bytes[..at], &bytes[at..]]), whole, "at {at}");
        }
        whole
    }

    #[test]
    fn objects_follow_each_other_with_or_without_white_space() {
        let cuts = cut_everywhere(b" \r\n{\"a\":1}{\"b\":{\"c\":[2]}}\t{\n\"d\" : 3\n}\n");
        assert_eq!(cuts, ["{\"a\":1}", "{\"b\":{\"c\":[2]}}", "{\n\"d\" : 3\n}"]);
    }

    #[test]
    fn brackets_and_quotes_in_texts_are_texts() {
        let text = br#"{"a":"}{\"]\\"}{"b":"[\u007d"}"#;
        assert_eq!(cut_everywhere(text), [r#"{"a":"}{\"]\\"}"#, r#"{"b":"[\u007d"}"#]);
    }

    #[test]
    fn what_is_no_object_is_passed_over_up_to_the_end_of_its_line() {
        let cuts = cut_everywhere(b"hello {\"a\":1}\n{\"b\":1}, {\"c\":1}\n{\"d\":1}\n[1]\r\n{}");
        assert_eq!(cuts, ["Malformed", "{\"b\":1}", "Malformed", "{\"d\":1}", "Malformed", "{}"]);
    }

    #[test]
    fn an_object_that_a_line_ends_inside_of_a_text_is_given_up_there() {
        assert_eq!(cut_everywhere(b"{\"a\":\"x\n{\"b\":1}"), ["Malformed", "{\"b\":1}"]);
        assert_eq!(cut_everywhere(b"{\"a\":\"x\\\n{\"b\":1}"), ["Malformed", "{\"b\":1}"]);
        assert_eq!(cut_everywhere(b"{\"a\":\"\x01\"} {}\n{\"b\":1}"), ["Malformed", "{\"b\":1}"]);
    }

    #[test]
    fn an_object_of_8192_bytes_is_cut_and_of_8193_too_long() {
        let object = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        for bytes in [OBJECT_BYTES_MAX - 1, OBJECT_BYTES_MAX] {
            assert_eq!(cut(&[object(bytes).as_bytes()]), [object(bytes)]);
            assert_eq!(cut(&object(bytes).as_bytes().chunks(100).collect::<Vec<_>>()).len(), 1);
        }
        let long = object(OBJECT_BYTES_MAX + 1);
        assert_eq!(cut(&[long.as_bytes()])[0], "TooLong");
        assert_eq!(cut(&long.as_bytes().chunks(1).collect::<Vec<_>>())[0], "TooLong");
    }

    #[test]
    fn an_object_of_16_levels_is_cut_and_of_17_too_deep_and_passed_over() {
        let object = |levels: usize| {
            format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
        };
        assert_eq!(cut_everywhere(object(16).as_bytes()), [object(16)]);
        let deep = object(17) + "{}";
        assert_eq!(cut_everywhere(deep.as_bytes()), ["TooDeep", "{}"]);
    }
}
