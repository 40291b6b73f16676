//! Looking for bytes, eight at a time: lines and words are short, so that a search which first asks what the processor
//! can do would cost more than it finds.
//!
//! A *mark* is the highest bit of a byte, set where a byte is one of those looked for. A byte behind a marked one may be
//! marked for nothing; the first mark is always right.

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGHEST: u64 = ONES << 7;

/// What stands behind the end of fewer than eight bytes: never looked for.
const FILLER: u64 = u64::from_le_bytes([b'a'; 8]);

/// Marks bytes below `least`, which is at most 128.
pub(super) fn below(eight: u64, least: u8) -> u64 {
    eight.wrapping_sub(ONES * u64::from(least)) & !eight & HIGHEST
}

/// Marks bytes that are `byte`.
pub(super) fn equal(eight: u64, byte: u8) -> u64 {
    below(eight ^ (ONES * u64::from(byte)), 1)
}

/// Where the first byte stands that `marks` marks.
#[inline]
pub(super) fn first(bytes: &[u8], marks: impl Fn(u64) -> u64) -> Option<usize> {
    let at = |from: usize, found: u64| {
        (found != 0).then_some(from + found.trailing_zeros() as usize / 8)
    };
    let (eights, rest) = bytes.as_chunks::<8>();
    for (count, eight) in eights.iter().enumerate() {
        let found = at(8 * count, marks(u64::from_le_bytes(*eight)));
        if found.is_some() {
            return found;
        }
    }
    if rest.is_empty() {
        return None;
    }
    match bytes.last_chunk::<8>() {
        // Those of them that were looked at already have no mark.
        Some(last) => at(bytes.len() - 8, marks(u64::from_le_bytes(*last))),
        None => {
            let eight = rest.iter().rev().fold(FILLER, |eight, &byte| eight << 8 | u64::from(byte));
            at(0, marks(eight))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_mark_is_where_a_search_byte_by_byte_finds_it() {
        for length in 0..=20 {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'x'; length];
                    bytes[at..].fill(byte);
                    let is_below = bytes.iter().position(|&byte| byte < 0x20);
                    assert_eq!(first(&bytes, |eight| below(eight, 0x20)), is_below, "{bytes:?}");
                    let is_equal = bytes.iter().position(|&byte| byte == 0x7f);
                    assert_eq!(first(&bytes, |eight| equal(eight, 0x7f)), is_equal, "{bytes:?}");
                }
            }
        }
    }
}
