//! The place in the program's own image where a key can be kept instead of in a file.
//!
//! Owns the slot, and how a key lies in it: masked and spread out, so that a plain search of the program's file finds
//! neither the key nor the place. It hides the key; it does not protect it from someone who can run the program.
//!
//! An empty slot begins with a mark that occurs once in the image. A filled one is random bytes from end to end: the
//! first ones are a seed, from which follows where each byte of the key stands and where the byte that masks it.

use std::fmt;
use std::hint::black_box;

use zeroize::Zeroize;

use crate::store::key::{KEY_BYTES, Key};

const SLOT_BYTES: usize = 512;
const SEED_BYTES: usize = 16;
const MARK_BYTES: usize = 64;
const MARK_SEED: u64 = 0x6d65_6364_2d73_6c6f;

/// The slot. It is read only through `black_box`, so that its content is not taken as known when this is compiled.
#[used]
static SLOT: [u8; SLOT_BYTES] = empty_slot(MARK_SEED);

/// Why a key could not be put into a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum InjectError {
    /// No empty place: the program carries a key already, or is another program.
    NoPlace,
    /// More than one place that looks empty.
    SeveralPlaces,
    /// The system has no random bytes.
    Random(String),
}

impl fmt::Display for InjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPlace => f.write_str(
                "the program has no empty place for a key: it carries one already, or is another program",
            ),
            Self::SeveralPlaces => f.write_str("the program has more than one place for a key"),
            Self::Random(error) => write!(f, "no random bytes to hide the key with: {error}"),
        }
    }
}

impl std::error::Error for InjectError {}

/// One step of SplitMix64: spreads a counter over all bits.
const fn mix(state: u64) -> u64 {
    let state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ state >> 31
}

const fn mark_byte(seed: u64, at: usize) -> u8 {
    mix(seed.wrapping_add(at as u64 + 1)) as u8
}

const fn empty_slot(seed: u64) -> [u8; SLOT_BYTES] {
    let mut slot = [0; SLOT_BYTES];
    let mut at = 0;
    while at < MARK_BYTES {
        slot[at] = mark_byte(seed, at);
        at += 1;
    }
    slot
}

/// The mark, worked out anew: a constant here would be a second copy of it in the image.
fn mark() -> [u8; MARK_BYTES] {
    let seed = black_box(MARK_SEED);
    std::array::from_fn(|at| mark_byte(seed, at))
}

/// The key that this program carries in its image, if one was injected.
pub fn injected() -> Option<Key> {
    read_slot(black_box(&SLOT))
}

/// Puts `key` into the one empty place of a program's image.
///
/// # Errors
/// [`InjectError`]; `program_bytes` is then as before.
pub fn inject(program_bytes: &mut [u8], key: &Key) -> Result<(), InjectError> {
    let mark = mark();
    let mut places = memchr::memmem::find_iter(program_bytes, &mark)
        .filter(|at| at + SLOT_BYTES <= program_bytes.len());
    let at = places.next().ok_or(InjectError::NoPlace)?;
    if places.next().is_some() {
        return Err(InjectError::SeveralPlaces);
    }
    let mut slot = [0; SLOT_BYTES];
    getrandom::fill(&mut slot).map_err(|error| InjectError::Random(error.to_string()))?;
    let positions = positions(&slot);
    for (byte, [value_at, mask_at]) in key.bytes().iter().zip(positions) {
        slot[value_at] = byte ^ slot[mask_at];
    }
    program_bytes[at..at + SLOT_BYTES].copy_from_slice(&slot);
    slot.zeroize();
    Ok(())
}

fn read_slot(slot: &[u8; SLOT_BYTES]) -> Option<Key> {
    if slot[..MARK_BYTES] == mark() {
        return None;
    }
    let mut bytes = [0; KEY_BYTES];
    for (byte, [value_at, mask_at]) in bytes.iter_mut().zip(positions(slot)) {
        *byte = slot[value_at] ^ slot[mask_at];
    }
    let key = Key::from_bytes(bytes);
    bytes.zeroize();
    Some(key)
}

/// Where each byte of the key stands, and where the byte it is masked with: no position twice, by a shuffle that the
/// seed in the slot's first bytes decides.
fn positions(slot: &[u8; SLOT_BYTES]) -> [[usize; 2]; KEY_BYTES] {
    let mut order: [usize; SLOT_BYTES - SEED_BYTES] = std::array::from_fn(|at| at + SEED_BYTES);
    let mut state = 0_u64;
    for byte in &slot[..SEED_BYTES] {
        state = mix(state ^ u64::from(*byte)).wrapping_add(1);
    }
    for at in 0..2 * KEY_BYTES {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let other = at + (mix(state) % (order.len() - at) as u64) as usize;
        order.swap(at, other);
    }
    std::array::from_fn(|at| [order[2 * at], order[2 * at + 1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "00112233445566778899aabbccddeeff";

    fn key() -> Key {
        Key::parse(DIGITS).unwrap()
    }

    fn image() -> Vec<u8> {
        let mut image = vec![0x90; 3000];
        image[1000..1000 + SLOT_BYTES].copy_from_slice(&SLOT);
        image
    }

    fn found(image: &[u8], wanted: &[u8]) -> usize {
        memchr::memmem::find_iter(image, wanted).count()
    }

    #[test]
    fn this_program_carries_no_key_and_one_empty_place() {
        assert!(injected().is_none());
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(found(&program, &mark()), 1);
    }

    #[test]
    fn an_injected_key_is_read_back_and_found_by_no_search() {
        let mut image = image();
        inject(&mut image, &key()).unwrap();
        let slot: &[u8; SLOT_BYTES] = image[1000..1000 + SLOT_BYTES].try_into().unwrap();
        assert_eq!(*read_slot(slot).unwrap().hex(), DIGITS);
        for part in key().bytes().windows(4) {
            assert_eq!(found(&image, part), 0);
        }
        assert_eq!(found(&image, DIGITS.as_bytes()), 0);
        assert_eq!(found(&image, &mark()[..8]), 0, "not even the place can be found");
        assert!(image[..1000].iter().chain(&image[1000 + SLOT_BYTES..]).all(|byte| *byte == 0x90));
    }

    #[test]
    fn a_key_goes_into_a_copy_of_the_running_program() {
        let mut program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let at = memchr::memmem::find(&program, &mark()).unwrap();
        inject(&mut program, &key()).unwrap();
        let slot: &[u8; SLOT_BYTES] = program[at..at + SLOT_BYTES].try_into().unwrap();
        assert_eq!(*read_slot(slot).unwrap().hex(), DIGITS);
        assert_eq!(inject(&mut program, &key()), Err(InjectError::NoPlace));
    }

    #[test]
    fn an_image_with_no_place_or_two_is_left_alone() {
        let mut filled = image();
        inject(&mut filled, &key()).unwrap();
        let before = filled.clone();
        assert_eq!(inject(&mut filled, &key()), Err(InjectError::NoPlace));
        assert_eq!(filled, before);
        let mut twice = [image(), image()].concat();
        let before = twice.clone();
        assert_eq!(inject(&mut twice, &key()), Err(InjectError::SeveralPlaces));
        assert_eq!(twice, before);
        assert_eq!(
            inject(&mut image()[..1100], &key()),
            Err(InjectError::NoPlace),
            "a slot cut short"
        );
    }

    #[test]
    fn two_injections_of_one_key_look_different() {
        let (mut one, mut two) = (image(), image());
        inject(&mut one, &key()).unwrap();
        inject(&mut two, &key()).unwrap();
        let same = one[1000..1512].iter().zip(&two[1000..1512]).filter(|(a, b)| a == b).count();
        assert!(same < 40, "{same}");
    }

    #[test]
    fn no_two_bytes_of_a_key_share_a_position() {
        for seed in 0..200_u8 {
            let mut slot = [seed; SLOT_BYTES];
            slot[3] = seed.wrapping_mul(31);
            let mut all: Vec<usize> = positions(&slot).into_iter().flatten().collect();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), 2 * KEY_BYTES);
            assert!(all[0] >= SEED_BYTES);
        }
    }
}
