//! Records: any bytes decode or are refused, and what decodes is the same after it was encoded and decoded again.
//!
//! Input: the bytes of a record.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mecd::core::Record;
use mecd::core::record::Secret;

fuzz_target!(|bytes: &[u8]| {
    let Ok(record) = Record::decode(bytes) else { return };
    let encoded = encode(&record);
    let again = Record::decode(&encoded).expect("what was encoded can be decoded");
    assert_eq!(format!("{record:?}"), format!("{again:?}"));
    assert!(secret(&record) == secret(&again), "the secret is the same");
    assert_eq!(encoded, encode(&again));
    // Numbers may be longer than they need be; otherwise there is one form only.
    assert!(encoded.len() <= bytes.len());
});

fn encode(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    bytes
}

fn secret<'a>(record: &Record<'a>) -> Option<Secret<'a>> {
    match record {
        Record::Account { secret, .. } | Record::Password { secret, .. } => Some(*secret),
        _ => None,
    }
}
