//! The values of options: from TOML to numbers, addresses and times, or the sentence that says what is wanted.
//!
//! Knows no option and no file; a place is a byte of the file, where TOML knows one.

use super::parse_address;
use crate::limits::ADDRESSES_MAX;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use toml::de::DeValue;

/// Milliseconds of a second.
pub(super) const MS: u64 = 1000;

/// Why a value is refused: a sentence, and the byte of the file it is about where that is not the key's.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Refusal {
    pub(super) at: Option<usize>,
    pub(super) sentence: String,
}

/// Of the value as a whole.
pub(super) fn refusal(sentence: String) -> Vec<Refusal> {
    vec![Refusal { at: None, sentence }]
}

/// `wanted` with its article.
pub(super) fn wrong_type(wanted: &str, value: &DeValue<'_>) -> Vec<Refusal> {
    let kind = value.type_str();
    let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
    refusal(format!("wants {wanted}, not {article} {kind}"))
}

/// In any base that TOML knows.
pub(super) fn whole_number(
    value: &DeValue<'_>,
    range: &RangeInclusive<u64>,
) -> Result<u64, Vec<Refusal>> {
    let (min, max) = (range.start(), range.end());
    let wanted = format!("a whole number from {min} to {max}");
    let Some(integer) = value.as_integer() else {
        return Err(wrong_type(&wanted, value));
    };
    u64::from_str_radix(integer.as_str(), integer.radix())
        .ok()
        .filter(|n| range.contains(n))
        .ok_or_else(|| refusal(format!("wants {wanted}, not {integer}")))
}

/// Up to [`ADDRESSES_MAX`] of them; every one that is wrong is refused by itself.
pub(super) fn addresses(value: &DeValue<'_>) -> Result<Vec<SocketAddr>, Vec<Refusal>> {
    const WANTED: &str = "an address in a string, or an array of them";
    if let Some(text) = value.as_str() {
        return Ok(vec![parse_address(text).map_err(refusal)?]);
    }
    let Some(array) = value.as_array() else {
        return Err(wrong_type(WANTED, value));
    };
    if array.len() > ADDRESSES_MAX {
        let count = array.len();
        let sentence = format!("wants up to {ADDRESSES_MAX} addresses, not {count}");
        return Err(refusal(sentence));
    }
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for element in array.iter() {
        let at = Some(element.span().start);
        match element.get_ref().as_str().map(parse_address) {
            Some(Ok(address)) => found.push(address),
            Some(Err(sentence)) => refused.push(Refusal { at, sentence }),
            None => refused.extend(
                wrong_type(WANTED, element.get_ref())
                    .into_iter()
                    .map(|refusal| Refusal { at, ..refusal }),
            ),
        }
    }
    if refused.is_empty() { Ok(found) } else { Err(refused) }
}

/// A range of ports as [`port_range`] reads it.
pub(super) fn port_range_text((first, last): (u16, u16)) -> String {
    format!("{first}-{last}")
}

/// The first and the last port of a range.
pub(super) fn port_range(text: &str) -> Result<(u16, u16), String> {
    let port = |text: &str| text.parse().ok().filter(|&port: &u16| port > 0);
    let range = text.split_once('-').and_then(|(first, last)| Some((port(first)?, port(last)?)));
    range.filter(|(first, last)| first <= last).ok_or_else(|| {
        format!("wants the first and the last port, such as \"20000-20999\", not {text:?}")
    })
}

/// Units of a time, in milliseconds. `ms` stands before `s`, which is an end of it.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("h", 3600 * MS), ("m", 60 * MS), ("s", MS)];

/// A time such as `500ms` or `2m`, in milliseconds.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    let (digits, unit) =
        UNITS.iter().find_map(|(name, ms)| Some((text.strip_suffix(name)?, ms)))?;
    let only_digits = digits.bytes().all(|b| b.is_ascii_digit());
    let count: u64 = only_digits.then(|| digits.parse().ok())??;
    count.checked_mul(*unit)
}

/// As [`milliseconds`] reads it, in the largest unit that holds it whole.
pub(super) fn duration_text(ms: u64) -> String {
    let whole = |unit: u64| ms.is_multiple_of(unit);
    if ms == 0 {
        "0s".to_owned()
    } else if whole(3600 * MS) {
        format!("{}h", ms / (3600 * MS))
    } else if whole(60 * MS) {
        format!("{}m", ms / (60 * MS))
    } else if whole(MS) {
        format!("{}s", ms / MS)
    } else {
        format!("{ms}ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_unit_and_shown_in_the_largest() {
        let table = [
            ("0s", 0, "0s"),
            ("500ms", 500, "500ms"),
            ("1000ms", 1000, "1s"),
            ("90s", 90_000, "90s"),
            ("2m", 120_000, "2m"),
            ("60m", 3_600_000, "1h"),
        ];
        for (text, ms, shown) in table {
            assert_eq!(milliseconds(text), Some(ms), "{text}");
            assert_eq!(duration_text(ms), shown);
        }
        for text in ["", "1", "s", "1d", "-1s", "+1s", " 1s", "1.5s", "18446744073709551615h"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }

    #[test]
    fn sixteen_addresses_are_taken_and_the_seventeenth_refused() {
        let list = |count: usize| format!("[{}]", vec!["'[::]:0'"; count].join(","));
        let count_of = |text: &str| addresses(DeValue::parse(text).unwrap().get_ref());
        assert_eq!(count_of(&list(0)), Ok(Vec::new()));
        assert_eq!(count_of(&list(ADDRESSES_MAX)).unwrap().len(), ADDRESSES_MAX);
        assert!(count_of(&list(ADDRESSES_MAX + 1)).is_err());
    }

    #[test]
    fn a_range_of_ports_is_read_as_it_is_shown_and_has_no_port_nought() {
        for range in [(1, 65_535), (20_000, 20_000)] {
            assert_eq!(port_range(&port_range_text(range)), Ok(range));
        }
        for text in ["", "1", "0-5", "5-4", "1-65536", "a-b", "1-2-3", "1 - 2"] {
            assert!(port_range(text).is_err(), "{text}");
        }
    }
}
