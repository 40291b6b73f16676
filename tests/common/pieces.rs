//! A line of a conversation as pieces: text, and what cannot be known before. Fills in what is sent, and matches what
//! came against what was expected.
//!
//! `script` tells what the placeholders are; how they are marked follows from the dialect.

use std::collections::BTreeMap;
use std::fmt::Write;

use md5::{Digest, Md5};

use crate::common::framing::Speech;

/// A part of a line: text, or something that cannot be known before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Piece {
    Text(String),
    Seconds(u64),
    SecondsWithin(u64, u64),
    Number,
    Noted(String),
    Same(String),
    Other(String),
    Nonce(String),
    Md5 {
        nonce: String,
        password: String,
        capitals: bool,
    },
    Time,
    /// `dd/mm/yyyy hh:mm:ss`
    Stamp,
    Port(String),
    Quoted,
    Rest,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Every number seen under a name, the last one last.
    numbers: BTreeMap<String, Vec<u64>>,
    nonces: BTreeMap<String, String>,
}

/// How placeholders are marked, and what else is not meant literally.
#[derive(Clone, Copy, Debug)]
struct Notation {
    open: char,
    close: char,
    /// Whether `\n` is a line end, and `\\` a backslash.
    has_escapes: bool,
}

impl Notation {
    fn of(speech: Speech) -> Self {
        match speech {
            Speech::Mec | Speech::Helo | Speech::CrimpLines | Speech::CrimpBare => {
                Self { open: '{', close: '}', has_escapes: false }
            }
            Speech::CrimpFrames => Self { open: '{', close: '}', has_escapes: true },
            // Objects are full of braces.
            Speech::Chatapp | Speech::Json => Self { open: '«', close: '»', has_escapes: false },
        }
    }
}

/// A line as pieces. Marks around nothing known are text: names may have them.
pub(crate) fn pieces(mut text: &str, speech: Speech) -> Result<Vec<Piece>, String> {
    let Notation { open, close, has_escapes } = Notation::of(speech);
    let mut all = Vec::new();
    let mut plain = String::new();
    while let Some(c) = text.chars().next() {
        let placeholder = text
            .strip_prefix(open)
            .and_then(|rest| rest.split_once(close))
            .and_then(|(inside, rest)| placeholder(inside).map(|placeholder| (placeholder, rest)));
        match placeholder {
            Some((Piece::Text(repeated), rest)) => {
                plain.push_str(&repeated);
                text = rest;
            }
            Some((piece, rest)) => {
                if !plain.is_empty() {
                    all.push(Piece::Text(std::mem::take(&mut plain)));
                }
                all.push(piece);
                text = rest;
            }
            None if c == '\\' && has_escapes => {
                plain.push(match text.as_bytes().get(1) {
                    Some(b'n') => '\n',
                    Some(b'\\') => '\\',
                    _ => return Err("a backslash is followed by n or a backslash".to_owned()),
                });
                text = &text[2..];
            }
            None => {
                plain.push(c);
                text = &text[c.len_utf8()..];
            }
        }
    }
    if !plain.is_empty() {
        all.push(Piece::Text(plain));
    }
    Ok(all)
}

fn placeholder(inside: &str) -> Option<Piece> {
    if let Some(repeated) = repeated(inside) {
        return Some(Piece::Text(repeated));
    }
    if let Some(range) = inside.strip_prefix("secs ") {
        return Some(match range.split_once("..") {
            Some((from, to)) => Piece::SecondsWithin(from.parse().ok()?, to.parse().ok()?),
            None => Piece::Seconds(range.parse().ok()?),
        });
    }
    if let Some((kind, name)) = inside.split_once(':') {
        let name = name.to_owned();
        return Some(match kind {
            "number" => Piece::Noted(name),
            "same" => Piece::Same(name),
            "other" => Piece::Other(name),
            "port" => Piece::Port(name),
            "nonce" => Piece::Nonce(name),
            "md5" | "MD5" => {
                let (nonce, password) = name.split_once(':')?;
                let (nonce, password) = (nonce.to_owned(), password.to_owned());
                Piece::Md5 { nonce, password, capitals: kind == "MD5" }
            }
            _ => return None,
        });
    }
    Some(match inside {
        "number" => Piece::Number,
        "time" => Piece::Time,
        "stamp" => Piece::Stamp,
        "text" => Piece::Quoted,
        "rest" => Piece::Rest,
        _ => return None,
    })
}

/// `30*x` as thirty x.
pub(crate) fn repeated(inside: &str) -> Option<String> {
    let (count, what) = inside.split_once('*')?;
    Some(what.repeat(count.parse().ok()?))
}

/// What is to be sent.
pub(crate) fn fill_in(pieces: &[Piece], notes: &Notes) -> Result<String, String> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(plain) => text.push_str(plain),
            Piece::Md5 { nonce, password, capitals } => {
                let nonce = notes.nonces.get(nonce).ok_or("no such challenge")?;
                let digest = Md5::new().chain_update(nonce).chain_update(password).finalize();
                for byte in digest {
                    let written = match capitals {
                        true => write!(text, "{byte:02X}"),
                        false => write!(text, "{byte:02x}"),
                    };
                    written.expect("a string takes everything");
                }
            }
            other => return Err(format!("{other:?} cannot be sent")),
        }
    }
    Ok(text)
}

/// Whether `line` is what was expected; if not, why. Seconds may be up to `slack` less than expected.
pub(crate) fn matches(
    pieces: &[Piece],
    line: &str,
    slack: u64,
    notes: &mut Notes,
) -> Result<(), String> {
    let mut rest = line;
    for piece in pieces {
        rest = behind(piece, rest, slack, notes)?;
    }
    if rest.is_empty() { Ok(()) } else { Err(format!("{rest:?} is too much")) }
}

/// What follows in `rest` behind one piece.
fn behind<'r>(
    piece: &Piece,
    rest: &'r str,
    slack: u64,
    notes: &mut Notes,
) -> Result<&'r str, String> {
    match piece {
        Piece::Text(plain) => {
            rest.strip_prefix(plain.as_str()).ok_or_else(|| format!("not {plain:?}"))
        }
        Piece::Seconds(most) => {
            let least = most.saturating_sub(slack).max(u64::from(*most > 0));
            number_within(rest, least, *most)
        }
        Piece::SecondsWithin(least, most) => number_within(rest, *least, *most),
        Piece::Number => Ok(number(rest)?.1),
        Piece::Time => {
            let year_2020 = 1_577_836_800;
            number_within(rest, year_2020, u64::MAX)
        }
        Piece::Stamp => behind_stamp(rest).ok_or_else(|| format!("no time at {rest:?}")),
        Piece::Noted(name) => {
            let (number, rest) = number(rest)?;
            notes.numbers.insert(name.clone(), vec![number]);
            Ok(rest)
        }
        Piece::Port(name) => {
            let behind = number_within(rest, 1, u64::from(u16::MAX))?;
            notes.numbers.insert(name.clone(), vec![number(rest)?.0]);
            Ok(behind)
        }
        Piece::Same(name) => {
            let (number, rest) = number(rest)?;
            let last = notes.numbers.get(name).and_then(|seen| seen.last());
            if last != Some(&number) {
                return Err(format!("{number} is not the number {last:?} seen before"));
            }
            Ok(rest)
        }
        Piece::Other(name) => {
            let (number, rest) = number(rest)?;
            let seen = notes.numbers.get_mut(name).ok_or("no such number was seen")?;
            if seen.contains(&number) {
                return Err(format!("{number} was seen before among {seen:?}"));
            }
            seen.push(number);
            Ok(rest)
        }
        Piece::Nonce(name) => behind_nonce(name, rest, notes),
        Piece::Quoted => behind_quotes(rest).ok_or_else(|| "no text in quotes".to_owned()),
        Piece::Rest => Ok(""),
        Piece::Md5 { .. } => Err("a digest cannot be expected".to_owned()),
    }
}

fn behind_nonce<'r>(name: &str, rest: &'r str, notes: &mut Notes) -> Result<&'r str, String> {
    let nonce = rest.get(..32).ok_or("not 32 digits")?;
    if !nonce.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err("no digits in lower case".to_owned());
    }
    if notes.nonces.values().any(|other| other == nonce) {
        return Err("a nonce that came before".to_owned());
    }
    notes.nonces.insert(name.to_owned(), nonce.to_owned());
    Ok(&rest[32..])
}

/// What follows behind a time that there can be, as people write it.
fn behind_stamp(text: &str) -> Option<&str> {
    let (stamp, rest) = (text.get(..19)?, &text[19..]);
    let separators = stamp.bytes().zip("dd/mm/yyyy hh:mm:ss".bytes());
    let mut fields = vec![0_u32];
    for (byte, form) in separators {
        match (byte, form) {
            (b'0'..=b'9', b'a'..=b'z') => {
                let field = fields.last_mut()?;
                *field = *field * 10 + u32::from(byte - b'0');
            }
            _ if byte == form => fields.push(0),
            _ => return None,
        }
    }
    let [day, month, year, hour, minute, second] = fields[..] else { return None };
    let is_leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let can_be =
        (1..=days).contains(&day) && year >= 2020 && hour < 24 && minute < 60 && second < 60;
    can_be.then_some(rest)
}

fn number(text: &str) -> Result<(u64, &str), String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let fits = digits.parse().ok().filter(|&number: &u64| number <= i32::MAX as u64);
    if digits.len() > 1 && digits.starts_with('0') {
        return Err("a number with a nought in front".to_owned());
    }
    Ok((fits.ok_or("no number of 31 bits")?, rest))
}

fn number_within(text: &str, least: u64, most: u64) -> Result<&str, String> {
    let (number, rest) = number(text)?;
    if (least..=most).contains(&number) {
        Ok(rest)
    } else {
        Err(format!("{number} is not within {least} and {most}"))
    }
}

fn behind_quotes(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            '"' if !escaped => return Some(&inside[at + 1..]),
            _ => escaped = c == '\\' && !escaped,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Notes, Piece, Speech, fill_in, matches, pieces};

    fn is(expected: &str, speech: Speech, came: &str) -> bool {
        let pieces = pieces(expected, speech).unwrap();
        matches(&pieces, came, 0, &mut Notes::default()).is_ok()
    }

    #[test]
    fn braces_are_text_where_objects_are_written_and_marks_are_text_elsewhere() {
        let object = "{\"Time\":«time»,\"To\":\"{time}\"}";
        assert!(is(object, Speech::Json, "{\"Time\":1767225600,\"To\":\"{time}\"}"));
        assert!(!is(object, Speech::Chatapp, "{\"Time\":1,\"To\":\"{time}\"}"));
        assert!(is("{time} «time»", Speech::Helo, "1767225600 «time»"));
        let sent = pieces("{\"data\":\"«3*x»\"}", Speech::Chatapp).unwrap();
        let sent = fill_in(&sent, &Notes::default());
        assert_eq!(sent.as_deref(), Ok("{\"data\":\"xxx\"}"));
    }

    #[test]
    fn a_line_end_can_be_written_in_frames_only() {
        let text = |text: &str| vec![Piece::Text(text.to_owned())];
        assert_eq!(pieces("a\\nb\\\\n", Speech::CrimpFrames), Ok(text("a\nb\\n")));
        assert_eq!(pieces("a\\nb", Speech::CrimpLines), Ok(text("a\\nb")));
        assert!(pieces("a\\tb", Speech::CrimpFrames).is_err());
        assert!(pieces("a\\", Speech::CrimpFrames).is_err());
    }

    #[test]
    fn a_stamp_is_a_time_that_there_can_be() {
        for good in ["01/01/2026 00:00:00", "29/02/2028 23:59:59", "31/12/2099 10:10:10"] {
            assert!(is("[{stamp}] bob", Speech::CrimpLines, &format!("[{good}] bob")), "{good}");
        }
        for bad in [
            "1/01/2026 00:00:00",
            "00/01/2026 00:00:00",
            "29/02/2026 00:00:00",
            "31/04/2026 00:00:00",
            "01/13/2026 00:00:00",
            "01/00/2026 00:00:00",
            "01/01/1970 00:00:00",
            "01/01/2026 24:00:00",
            "01/01/2026 00:60:00",
            "01/01/2026 00:00:60",
            "01-01-2026 00:00:00",
            "01/01/2026T00:00:00",
            "01/01/2026 00:00",
        ] {
            assert!(!is("«stamp»", Speech::Chatapp, bad), "{bad}");
        }
    }

    #[test]
    fn a_port_is_remembered_as_numbers_are() {
        let mut notes = Notes::default();
        let mut is = |expected: &str, came: &str| {
            let pieces = pieces(expected, Speech::Helo).unwrap();
            matches(&pieces, came, 0, &mut notes).is_ok()
        };
        assert!(is("READY {port:file}", "READY 65535"));
        assert!(is("OPEN {same:file}", "OPEN 65535"));
        assert!(!is("OPEN {same:file}", "OPEN 65534"));
        assert!(!is("OPEN {port:file}", "OPEN 0"));
        assert!(!is("OPEN {port:file}", "OPEN 65536"));
    }
}
