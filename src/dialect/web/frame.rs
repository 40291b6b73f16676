//! WebSocket frames (RFC 6455 5): the heads of those that come, and those that go.
//!
//! A head is cut from a stream of any segmentation and checked as far as it alone can be wrong. What the payload says is
//! the caller's business; it is unmasked where the caller wants it.

use crate::limits::CONTROL_BYTES_MAX;

/// What a frame carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Opcode {
    /// More of the message that was begun.
    Continuation,
    /// A message of text, or its beginning.
    Text,
    /// A message of bytes, or its beginning.
    Binary,
    /// The end of the conversation.
    Close,
    /// A question whether the other side is there.
    Ping,
    /// The answer to it.
    Pong,
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// Whether a message goes on in another frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fragment {
    /// It does.
    More,
    /// This is its last frame.
    Last,
}

/// A frame of which the payload follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub(super) opcode: Opcode,
    pub(super) fragment: Fragment,
    /// Bytes of the payload.
    pub(super) length: u64,
    pub(super) mask: [u8; 4],
}

/// The head is none that a client may send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Wrong;

/// Bytes of the longest head: two, a length of eight, the mask.
const HEAD_BYTES_MAX: usize = 14;

/// A head of which not all has come.
#[derive(Debug, Default)]
pub(super) struct Heading(heapless::Vec<u8, HEAD_BYTES_MAX>);

impl Heading {
    /// Takes a head off the front of `input`. Nothing while it is not complete; what there is of it is kept.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> Option<Result<Head, Wrong>> {
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            self.0.push(byte).expect("a head is complete at its greatest length");
            if let Some(head) = self.head() {
                self.0.clear();
                return Some(head);
            }
        }
        None
    }

    fn head(&self) -> Option<Result<Head, Wrong>> {
        let &[first, second, ref rest @ ..] = self.0.as_slice() else { return None };
        let length_bytes = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        // Who does not mask, or uses bits without a meaning, need not be listened to any further.
        let opcode = Opcode::from_bits(first & 0x0f).filter(|_| first & 0x70 == 0);
        let Some(opcode) = opcode.filter(|_| second & 0x80 != 0) else { return Some(Err(Wrong)) };
        let fragment = if first & 0x80 == 0 { Fragment::More } else { Fragment::Last };
        let is_long = u64::from(second & 0x7f) > CONTROL_BYTES_MAX as u64;
        if opcode.is_control() && (fragment == Fragment::More || is_long) {
            return Some(Err(Wrong));
        }
        let (length, mask) = rest.split_at_checked(length_bytes)?;
        let mask = mask.first_chunk::<4>()?;
        let least = match length_bytes {
            2 => 126,
            8 => 0x1_0000,
            _ => 0,
        };
        let length = match length {
            [] => u64::from(second & 0x7f),
            bytes => bytes.iter().fold(0, |length, &byte| length << 8 | u64::from(byte)),
        };
        if length < least || length > i64::MAX as u64 {
            return Some(Err(Wrong));
        }
        Some(Ok(Head { opcode, fragment, length, mask: *mask }))
    }
}

/// Takes the mask off bytes of a payload of which `offset` bytes stand before them.
pub(super) fn unmask(bytes: &mut [u8], mask: [u8; 4], offset: u64) {
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte ^= mask[(offset as usize).wrapping_add(at) & 3];
    }
}

/// Appends a frame whose payload is what `render` appends; nothing if that is nothing.
pub(super) fn text(out: &mut Vec<u8>, render: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    render(out);
    let length = out.len() - start;
    if length == 0 {
        return;
    }
    let head = head(Opcode::Text, length);
    out.splice(start..start, head);
}

/// Appends a frame of control.
pub(super) fn control(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    out.extend(head(opcode, payload.len()));
    out.extend_from_slice(payload);
}

/// The head of a frame of ours, which carries a whole message and no mask.
fn head(opcode: Opcode, length: usize) -> heapless::Vec<u8, HEAD_BYTES_MAX> {
    let mut head = heapless::Vec::new();
    let mut put = |bytes: &[u8]| head.extend_from_slice(bytes).expect("it has room for any head");
    put(&[0x80 | opcode.bits()]);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..126), _) => put(&[short]),
        (_, Ok(medium)) => {
            put(&[126]);
            put(&medium.to_be_bytes());
        }
        (_, Err(_)) => {
            put(&[127]);
            put(&(length as u64).to_be_bytes());
        }
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as a client sends it.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let opcode = Opcode::from_bits(first & 0x0f).unwrap();
        let mut bytes = head(opcode, payload.len()).to_vec();
        bytes[0] = first;
        bytes[1] |= 0x80;
        bytes.extend([1, 2, 3, 4]);
        bytes.extend_from_slice(payload);
        bytes
    }

    fn taken(bytes: &[u8]) -> Result<Head, Wrong> {
        let mut heading = Heading::default();
        for &byte in bytes {
            if let Some(head) = heading.take(&mut &[byte][..]) {
                let mut whole = bytes;
                assert_eq!(Heading::default().take(&mut whole), Some(head), "however it is cut");
                return head;
            }
        }
        panic!("no head in {bytes:?}");
    }

    #[test]
    fn heads_of_every_length_are_read_however_they_are_cut() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let head = taken(&frame(0x81, &vec![0; length])).unwrap();
            let expected = Head {
                opcode: Opcode::Text,
                fragment: Fragment::Last,
                length: length as u64,
                mask: [1, 2, 3, 4],
            };
            assert_eq!(head, expected);
        }
        assert_eq!(taken(&frame(0x01, b"x")).unwrap().fragment, Fragment::More);
        assert_eq!(taken(&frame(0x80, b"x")).unwrap().opcode, Opcode::Continuation);
    }

    #[test]
    fn what_no_client_may_send_is_refused() {
        assert!(taken(&frame(0x89, &[0; 125])).is_ok(), "a ping of 125 bytes");
        assert_eq!(taken(&frame(0x89, &[0; 126])), Err(Wrong), "a ping of 126 bytes");
        assert_eq!(taken(&frame(0x09, b"")), Err(Wrong), "a ping in pieces");
        for bits in [0x40, 0x20, 0x10] {
            assert_eq!(taken(&frame(0x81 | bits, b"x")), Err(Wrong), "a bit without a meaning");
        }
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
            assert_eq!(taken(&[0x80 | opcode, 0x80]), Err(Wrong), "opcode {opcode}");
        }
        assert_eq!(taken(&[0x81, 0x01]), Err(Wrong), "not masked");
        assert_eq!(
            taken(&[0x81, 0xfe, 0, 125, 0, 0, 0, 0]),
            Err(Wrong),
            "a length that is too long"
        );
        let long = [0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0];
        assert_eq!(taken(&long), Err(Wrong), "a length that is too long");
        let negative = [0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(taken(&negative), Err(Wrong), "a length with the highest bit");
    }

    #[test]
    fn a_frame_of_ours_has_the_shortest_head() {
        for (length, head) in [(125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let mut out = b"before".to_vec();
            text(&mut out, |out| out.resize(out.len() + length, b'x'));
            assert_eq!(out.len(), 6 + head + length);
            assert_eq!(&out[..7], b"before\x81");
        }
        let mut out = Vec::new();
        text(&mut out, |_| {});
        assert!(out.is_empty(), "nothing is no frame");
    }

    #[test]
    fn a_mask_is_taken_off_wherever_a_segment_begins() {
        let clear: Vec<u8> = (0..100).collect();
        for cut in 0..100 {
            let mut bytes = clear.clone();
            unmask(&mut bytes, [7, 77, 177, 255], 0);
            let (front, back) = bytes.split_at_mut(cut);
            unmask(front, [7, 77, 177, 255], 0);
            unmask(back, [7, 77, 177, 255], cut as u64);
            assert_eq!(bytes, clear);
        }
    }
}
