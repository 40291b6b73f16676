//! How a record becomes a frame on the disk, and back: AES-128-GCM-SIV, its place and its predecessor authenticated.
//!
//! Owns the layout of a frame and of a file's header (`docs/storage.md`). Knows no files: it is given bytes.
//! Invariant: what `unseal` returns was sealed with this key, in this store, at this place, behind this predecessor.

use aes_gcm_siv::aead::{AeadInOut, KeyInit};
use aes_gcm_siv::{Aes128GcmSiv, Nonce};

use crate::limits::RECORD_BYTES_MAX;
use crate::store::key::Key;

/// Bytes of a tag.
pub(super) const TAG_BYTES: usize = 16;
/// Bytes of the length word in front of each frame.
pub(super) const WORD_BYTES: usize = 4;
/// Bytes a frame has beside its payload.
pub(super) const FRAME_EXTRA: u32 = (WORD_BYTES + TAG_BYTES) as u32;
/// Bytes of a file's header; the first frame stands behind it.
pub(super) const HEADER_BYTES: usize = 64;

/// What authenticates a frame. It stands at the frame's end, right before the next frame.
pub(super) type Tag = [u8; TAG_BYTES];
/// What tells one store from another that has the same key.
pub(super) type StoreId = [u8; 16];

const MAGIC: &[u8; 7] = b"mecdlog";
const VERSION: u8 = 1;
const HEADER_PLAIN: usize = HEADER_BYTES - TAG_BYTES;

const LENGTH_MASK: u32 = (1 << 21) - 1;
const SYNCED_BIT: u32 = 1 << 21;
const KIND_SHIFT: u32 = 22;
const KIND_MASK: u32 = 3;
/// The top byte of every length word: together with the length's range it lets a search skip most bytes that are none.
const WORD_CHECK: u32 = 0x6d;

/// What a frame holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A record of the caller.
    Payload,
    /// Four bytes: files below this number are no longer part of the log.
    Oldest,
    /// Nothing; written at an orderly stop, so that two frames vouch for the last record.
    Mark,
    /// Nothing; the file is finished and the next one begins.
    End,
}

/// What was known of everything in front of a frame when it was sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Before {
    /// All of it had been synced: if any of it is unreadable now, it was damaged and not torn.
    Synced,
    /// Some of it might not have been.
    Unknown,
}

/// The length word of a frame: in the clear, and authenticated by the frame's tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Word {
    pub(super) kind: Kind,
    pub(super) before: Before,
    /// Bytes of the payload.
    pub(super) length: u32,
}

/// Where a frame begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Spot {
    pub(super) file: u32,
    pub(super) offset: u32,
}

/// What a file says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) store: StoreId,
    pub(super) file: u32,
    /// The oldest file of the log when this one was begun.
    pub(super) oldest: u32,
    /// The tag of the last frame of the file before; zeros in file 1.
    pub(super) previous: Tag,
}

/// What the first bytes of a file are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum HeaderRead {
    /// A header sealed with the key.
    Good(Header),
    /// A header of another version.
    Version(u8),
    /// A header that does not verify with the key.
    Unverified,
    /// Nothing of ours.
    Alien,
}

impl Word {
    /// Bytes of the whole frame.
    pub(super) fn frame_bytes(self) -> u32 {
        self.length + FRAME_EXTRA
    }

    fn encode(self) -> u32 {
        let kind = match self.kind {
            Kind::Payload => 0,
            Kind::Oldest => 1,
            Kind::Mark => 2,
            Kind::End => 3,
        };
        let before = match self.before {
            Before::Synced => SYNCED_BIT,
            Before::Unknown => 0,
        };
        WORD_CHECK << 24 | kind << KIND_SHIFT | before | self.length
    }

    fn decode(word: u32) -> Option<Self> {
        if word >> 24 != WORD_CHECK {
            return None;
        }
        let length = word & LENGTH_MASK;
        let (kind, length_max) = match word >> KIND_SHIFT & KIND_MASK {
            0 => (Kind::Payload, RECORD_BYTES_MAX as u32),
            1 => (Kind::Oldest, 4),
            2 => (Kind::Mark, 0),
            _ => (Kind::End, 0),
        };
        let before = if word & SYNCED_BIT == 0 { Before::Unknown } else { Before::Synced };
        (length <= length_max).then_some(Self { kind, before, length })
    }

    /// The word at `at`, if what stands there can be one.
    pub(super) fn peek(bytes: &[u8], at: usize) -> Option<Self> {
        Self::decode(u32::from_le_bytes(field(bytes, at)?))
    }

    /// The word at `at`, if what stands there can be one and its frame ends within `bytes`.
    pub(super) fn read(bytes: &[u8], at: usize) -> Option<Self> {
        Self::peek(bytes, at).filter(|word| at + word.frame_bytes() as usize <= bytes.len())
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// The key and the store it is used in.
pub(super) struct Seal {
    cipher: Aes128GcmSiv,
    store: StoreId,
}

impl Seal {
    pub(super) fn new(key: &Key, store: StoreId) -> Self {
        Self { cipher: Aes128GcmSiv::new(key.bytes().into()), store }
    }

    pub(super) fn set_store(&mut self, store: StoreId) {
        self.store = store;
    }

    /// Appends the frame of `payload` to `log`, whose last bytes are the tag of the frame before.
    pub(super) fn seal(
        &self,
        spot: Spot,
        kind: Kind,
        before: Before,
        payload: &[u8],
        log: &mut Vec<u8>,
    ) {
        assert!(payload.len() <= RECORD_BYTES_MAX, "a record is no longer than its bound");
        let word = Word { kind, before, length: payload.len() as u32 }.encode();
        let tag_before = log.len() - TAG_BYTES;
        let context = self.context(spot, field(log, tag_before).expect("a tag stands there"), word);
        log.extend_from_slice(&word.to_le_bytes());
        let start = log.len();
        log.extend_from_slice(payload);
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce(spot), &context, (&mut log[start..]).into())
            .expect("the bound is far below the cipher's");
        log.extend_from_slice(&tag);
    }

    /// Unseals in place the frame whose predecessor's tag begins at `at`, and says what it is.
    /// Where that fails, `bytes` is as before.
    pub(super) fn unseal<'b>(
        &self,
        spot: Spot,
        bytes: &'b mut [u8],
        at: usize,
    ) -> Option<(Word, &'b [u8])> {
        let word = Word::read(bytes, at + TAG_BYTES)?;
        let start = at + TAG_BYTES + WORD_BYTES;
        let end = start + word.length as usize;
        let context = self.context(spot, field(bytes, at)?, word.encode());
        let tag: Tag = field(bytes, end)?;
        let body = &mut bytes[start..end];
        self.cipher
            .decrypt_inout_detached(&nonce(spot), &context, (&mut *body).into(), &tag.into())
            .ok()?;
        Some((word, body))
    }

    fn context(&self, spot: Spot, previous: Tag, word: u32) -> [u8; 44] {
        let mut context = [0; 44];
        context[..16].copy_from_slice(&self.store);
        context[16..20].copy_from_slice(&spot.file.to_le_bytes());
        context[20..24].copy_from_slice(&spot.offset.to_le_bytes());
        context[24..40].copy_from_slice(&previous);
        context[40..].copy_from_slice(&word.to_le_bytes());
        context
    }

    /// The bytes of a file's header, for this store.
    pub(super) fn header(&self, file: u32, oldest: u32, previous: Tag) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..7].copy_from_slice(MAGIC);
        bytes[7] = VERSION;
        bytes[8..24].copy_from_slice(&self.store);
        bytes[24..28].copy_from_slice(&file.to_le_bytes());
        bytes[28..32].copy_from_slice(&oldest.to_le_bytes());
        bytes[32..48].copy_from_slice(&previous);
        let (plain, tag) = bytes.split_at_mut(HEADER_PLAIN);
        let sealed = self
            .cipher
            .encrypt_inout_detached(
                &nonce(Spot { file, offset: 0 }),
                plain,
                (&mut [] as &mut [u8]).into(),
            )
            .expect("nothing is encrypted");
        tag.copy_from_slice(&sealed);
        bytes
    }

    /// Reads a header of any store that has this key.
    pub(super) fn read_header(&self, bytes: &[u8; HEADER_BYTES]) -> HeaderRead {
        if &bytes[..7] != MAGIC {
            return HeaderRead::Alien;
        }
        if bytes[7] != VERSION {
            return HeaderRead::Version(bytes[7]);
        }
        let file = u32::from_le_bytes(part(bytes, 24));
        let tag: Tag = part(bytes, HEADER_PLAIN);
        let verified = self.cipher.decrypt_inout_detached(
            &nonce(Spot { file, offset: 0 }),
            &bytes[..HEADER_PLAIN],
            (&mut [] as &mut [u8]).into(),
            &tag.into(),
        );
        if verified.is_err() {
            return HeaderRead::Unverified;
        }
        HeaderRead::Good(Header {
            store: part(bytes, 8),
            file,
            oldest: u32::from_le_bytes(part(bytes, 28)),
            previous: part(bytes, 32),
        })
    }
}

fn part<const N: usize>(bytes: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    field(bytes, at).expect("the header has this field")
}

/// A place is used twice only where a torn end was cut off, which this cipher forgives: all that shows then is
/// whether the same bytes were sealed there again.
fn nonce(spot: Spot) -> Nonce {
    let mut nonce = Nonce::default();
    nonce[..4].copy_from_slice(&spot.file.to_le_bytes());
    nonce[4..8].copy_from_slice(&spot.offset.to_le_bytes());
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPOT: Spot = Spot { file: 3, offset: 64 };

    fn seal() -> Seal {
        Seal::new(&Key::parse("000102030405060708090a0b0c0d0e0f").unwrap(), [7; 16])
    }

    fn sealed(payload: &[u8]) -> Vec<u8> {
        let mut log = vec![9; TAG_BYTES];
        seal().seal(SPOT, Kind::Payload, Before::Synced, payload, &mut log);
        log
    }

    #[test]
    fn every_word_reads_back_as_written() {
        for kind in [Kind::Payload, Kind::Oldest, Kind::Mark, Kind::End] {
            for before in [Before::Synced, Before::Unknown] {
                let word = Word { kind, before, length: 0 };
                assert_eq!(Word::decode(word.encode()), Some(word));
                assert_ne!(word.encode(), 0, "zeros are never a frame");
            }
        }
    }

    #[test]
    fn a_length_at_the_bound_is_a_word_and_one_more_is_none() {
        let word = |length| Word { kind: Kind::Payload, before: Before::Unknown, length };
        let longest = word(RECORD_BYTES_MAX as u32);
        assert_eq!(Word::decode(longest.encode()), Some(longest));
        assert_eq!(Word::decode(word(RECORD_BYTES_MAX as u32 + 1).encode()), None);
    }

    #[test]
    fn a_frame_costs_twenty_bytes_beside_its_payload() {
        for payload in [&b""[..], b"x", &[0; 1000]] {
            assert_eq!(sealed(payload).len(), TAG_BYTES + payload.len() + FRAME_EXTRA as usize);
        }
    }

    #[test]
    fn a_frame_opens_only_where_and_as_it_was_sealed() {
        let log = sealed(b"hello");
        let opens = |seal: &Seal, spot, log: &[u8]| {
            seal.unseal(spot, &mut log.to_vec(), 0).map(|(_, payload)| payload.to_vec())
        };
        assert_eq!(opens(&seal(), SPOT, &log).as_deref(), Some(&b"hello"[..]));
        assert_eq!(opens(&seal(), Spot { file: 4, ..SPOT }, &log), None);
        assert_eq!(opens(&seal(), Spot { offset: 65, ..SPOT }, &log), None);
        let other_store = Seal { store: [8; 16], ..seal() };
        assert_eq!(opens(&other_store, SPOT, &log), None);
        for bit in 0..log.len() * 8 {
            let mut flipped = log.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(opens(&seal(), SPOT, &flipped), None, "bit {bit}");
        }
    }

    #[test]
    fn a_frame_that_does_not_open_is_left_as_it_was() {
        let mut log = sealed(b"hello");
        log[30] ^= 1;
        let before = log.clone();
        assert!(seal().unseal(SPOT, &mut log, 0).is_none());
        assert_eq!(log, before);
    }

    #[test]
    fn a_header_reads_back_and_every_flipped_bit_shows() {
        let bytes = seal().header(5, 2, [1; 16]);
        let header = Header { store: [7; 16], file: 5, oldest: 2, previous: [1; 16] };
        assert_eq!(seal().read_header(&bytes), HeaderRead::Good(header));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(seal().read_header(&flipped), HeaderRead::Good(_)), "bit {bit}");
        }
    }

    #[test]
    fn neither_frame_nor_header_shows_what_was_sealed() {
        let log = sealed(b"a secret that is long enough to be found");
        assert!(!log.windows(6).any(|window| window == b"secret"));
    }
}
