//! Modified UTF-8: how Java's `writeUTF` writes a text. U+0000 stands as two bytes, and what is beyond U+FFFF as its
//! two surrogates, three bytes each.
//!
//! Invariant: [`decoded`] takes exactly what [`encode`] writes; everything else is malformed.

use std::iter::once;

/// The text that `bytes` are, if they are one.
pub(super) fn decoded(mut bytes: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(bytes.len());
    while !bytes.is_empty() {
        let first = unit(&mut bytes)?;
        text.push(match char::from_u32(first.into()) {
            Some(c) => c,
            None => pair(first, unit(&mut bytes)?)?,
        });
    }
    Some(text)
}

/// Appends `text`.
pub(super) fn encode(out: &mut Vec<u8>, text: &str) {
    for c in text.chars() {
        if c == '\0' {
            out.extend_from_slice(&[0xc0, 0x80]);
        } else if c.len_utf16() == 2 {
            out.extend(c.encode_utf16(&mut [0; 2]).iter().copied().flat_map(three_bytes));
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 3]).as_bytes());
        }
    }
}

/// Takes one UTF-16 unit off the front.
fn unit(bytes: &mut &[u8]) -> Option<u16> {
    let (unit, rest) = match *bytes {
        [a @ 0x01..=0x7f, rest @ ..] => (u16::from(*a), rest),
        [a @ 0xc0..=0xdf, b @ 0x80..=0xbf, rest @ ..] => {
            let unit = bits(*a, 0x1f) << 6 | bits(*b, 0x3f);
            (Some(unit).filter(|&unit| unit == 0 || unit >= 0x80)?, rest)
        }
        [a @ 0xe0..=0xef, b @ 0x80..=0xbf, c @ 0x80..=0xbf, rest @ ..] => {
            let unit = bits(*a, 0x0f) << 12 | bits(*b, 0x3f) << 6 | bits(*c, 0x3f);
            (Some(unit).filter(|&unit| unit >= 0x800)?, rest)
        }
        _ => return None,
    };
    *bytes = rest;
    Some(unit)
}

fn bits(byte: u8, mask: u8) -> u16 {
    u16::from(byte & mask)
}

/// The character that two surrogates are.
fn pair(high: u16, low: u16) -> Option<char> {
    char::decode_utf16(once(high).chain(once(low))).next()?.ok()
}

fn three_bytes(unit: u16) -> [u8; 3] {
    let low = |shift: u16| 0x80 | (unit >> shift & 0x3f) as u8;
    [0xe0 | (unit >> 12) as u8, low(6), low(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        encode(&mut out, text);
        out
    }

    #[test]
    fn every_character_is_written_as_java_writes_it_and_read_back() {
        for c in '\0'..=char::MAX {
            let bytes = encoded(c.encode_utf8(&mut [0; 4]));
            let expected: Vec<u8> = match c {
                '\0' => vec![0xc0, 0x80],
                '\u{10000}'.. => {
                    let beyond = u32::from(c) - 0x10000;
                    [0xd800 + (beyond >> 10), 0xdc00 + (beyond & 0x3ff)]
                        .into_iter()
                        .flat_map(|unit| [unit >> 12 | 0xe0, unit >> 6 & 63 | 128, unit & 63 | 128])
                        .map(|byte| byte as u8)
                        .collect()
                }
                _ => c.to_string().into_bytes(),
            };
            assert_eq!(bytes, expected, "{c:?}");
            assert_eq!(decoded(&bytes), Some(c.to_string()));
        }
    }

    #[test]
    fn nothing_is_taken_but_what_is_written() {
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                for third in [0x00, 0x41, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xed, 0xff] {
                    let bytes = [first, second, third];
                    for bytes in [&bytes[..1], &bytes[..2], &bytes] {
                        if let Some(text) = decoded(bytes) {
                            assert_eq!(encoded(&text), bytes);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn half_characters_and_the_other_utf_8_are_malformed() {
        let malformed: [&[u8]; 11] = [
            b"\0",
            b"\x80",
            b"\xc2",
            b"\xc1\x81",
            b"\xe0\x81\x81",
            b"\xe2\x82",
            b"\xed\xa0\x80",
            b"\xed\xb0\x80",
            b"\xed\xa0\x80\xed\xa0\x80",
            b"\xed\xa0\x80A",
            "\u{10000}".as_bytes(),
        ];
        for bytes in malformed {
            assert_eq!(decoded(bytes), None, "{}", bytes.escape_ascii());
        }
        assert_eq!(decoded(b"\xed\xa0\x80\xed\xb0\x80").as_deref(), Some("\u{10000}"));
        assert_eq!(decoded(b"").as_deref(), Some(""));
    }
}
