//! Conversations as files: reads a `.talk` file into steps, and matches what came against what was expected.
//!
//! ```text
//! # Lines that begin with a hash are for the reader.
//! only memory: why                 or "only program: why"
//! set rooms.expire_seconds=2       an option; from the next start of the server on
//! bob> #login anon bob             bob sends this and CRLF
//! bob>> "#who\x08\xff\r"           bob sends exactly these bytes
//! bob< @status 0                   bob receives this line next
//! bob<< "\xff\xfc\x06"             bob receives exactly these bytes next
//! bob+ connects                    bob connects and says nothing
//! bob! closed                      the server has closed bob's connection
//! bob- half-closes                 bob will send nothing more; the server answers what came and closes
//! bob- hangs up                    the same, and there is nothing left to be answered
//! bob? waits                       what bob asked for last is not answered yet
//! wait 2s                          or 500ms, 3m, 4h, 5d
//! restart                          the server stops in order and starts again
//! kill                             it ends at once, and starts again from what it has kept
//! ```
//!
//! Who speaks or hears and is not connected is connected first. Everything a connection receives must be expected, in
//! order. In lines, `{30*x}` stands for thirty x. In what is
//! expected, `{secs N}` is a number of seconds, exact where the clock is virtual and a few less where it is real;
//! `{secs A..B}` a number in between; `{number}` any number, `{number:a}` one to be remembered, `{same:a}` the
//! remembered one, `{other:a}` one that was never seen under that name, remembered instead; `{nonce:a}` a challenge;
//! `{time}` a Unix time; `{text}` any text in quotes; `{rest}` whatever follows. In what is sent, `{md5:a:password}`
//! answers the challenge `a`, and `{MD5:a:password}` does in capitals.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use md5::{Digest, Md5};

/// A conversation.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) only: Option<WorldKind>,
    pub(crate) steps: Vec<Step>,
}

/// Where a conversation can be held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WorldKind {
    Memory,
    Program,
}

/// A line of the file.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) line: usize,
    pub(crate) text: String,
    pub(crate) action: Action,
}

/// What a line of the file asks for.
#[derive(Debug)]
pub(crate) enum Action {
    Set(String, String),
    Say(String, Vec<Piece>),
    SayBytes(String, Vec<u8>),
    Hear(String, Vec<Piece>),
    HearBytes(String, Vec<u8>),
    Connect(String),
    HalfClose(String),
    HangUp(String),
    Closed(String),
    Waits(String),
    Wait(Duration),
    Restart,
    Kill,
}

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
    Md5 { nonce: String, password: String, capitals: bool },
    Time,
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

impl Script {
    /// Reads a file's text. What it does not understand is a mistake in the file, and ends the test.
    pub(crate) fn parse(name: &str, text: &str) -> Self {
        let mut script = Self { name: name.to_owned(), only: None, steps: Vec::new() };
        for (index, text) in text.lines().enumerate() {
            let line = index + 1;
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let wrong = |what: &str| -> ! { panic!("{name}.talk:{line}: {what}: {text}") };
            if let Some(only) = text.strip_prefix("only ") {
                script.only = match only.split_once(": ") {
                    Some(("memory", _)) => Some(WorldKind::Memory),
                    Some(("program", _)) => Some(WorldKind::Program),
                    _ => wrong("neither \"memory: why\" nor \"program: why\""),
                };
                continue;
            }
            let action = action(text).unwrap_or_else(|what| wrong(&what));
            script.steps.push(Step { line, text: text.to_owned(), action });
        }
        script
    }
}

fn action(text: &str) -> Result<Action, String> {
    match text {
        "restart" => return Ok(Action::Restart),
        "kill" => return Ok(Action::Kill),
        _ => {}
    }
    if let Some(time) = text.strip_prefix("wait ") {
        return duration(time).map(Action::Wait).ok_or_else(|| "no time".to_owned());
    }
    if let Some(option) = text.strip_prefix("set ") {
        let (key, value) = option.split_once('=').ok_or("no KEY=VALUE")?;
        return Ok(Action::Set(key.to_owned(), value.to_owned()));
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).ok_or("not understood")?;
    let (who, rest) = text.split_at(end);
    if who.is_empty() {
        return Err("not understood".to_owned());
    }
    let who = who.to_owned();
    let line = |mark: &str| rest.strip_prefix(mark).and_then(|rest| rest.strip_prefix(' '));
    Ok(match rest {
        "+ connects" => Action::Connect(who),
        "- half-closes" => Action::HalfClose(who),
        "- hangs up" => Action::HangUp(who),
        "! closed" => Action::Closed(who),
        "? waits" => Action::Waits(who),
        ">" => Action::Say(who, Vec::new()),
        "<" => Action::Hear(who, Vec::new()),
        _ => {
            if let Some(quoted) = line(">>") {
                Action::SayBytes(who, bytes(quoted)?)
            } else if let Some(quoted) = line("<<") {
                Action::HearBytes(who, bytes(quoted)?)
            } else if let Some(said) = line(">") {
                Action::Say(who, pieces(said))
            } else if let Some(heard) = line("<") {
                Action::Hear(who, pieces(heard))
            } else {
                return Err("not understood".to_owned());
            }
        }
    })
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(count.parse::<u64>().ok()? * ms))
}

/// A line as pieces. Braces that begin nothing known are text: names may have them.
fn pieces(mut text: &str) -> Vec<Piece> {
    let mut all = Vec::new();
    let mut plain = String::new();
    while let Some(c) = text.chars().next() {
        let placeholder = text
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
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
            None => {
                plain.push(c);
                text = &text[c.len_utf8()..];
            }
        }
    }
    if !plain.is_empty() {
        all.push(Piece::Text(plain));
    }
    all
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
        "text" => Piece::Quoted,
        "rest" => Piece::Rest,
        _ => return None,
    })
}

/// `30*x` as thirty x.
fn repeated(inside: &str) -> Option<String> {
    let (count, what) = inside.split_once('*')?;
    Some(what.repeat(count.parse().ok()?))
}

/// A quoted text as bytes: `\r \n \t \0 \\ \"`, `\xff`, and `{30*x}`.
fn bytes(quoted: &str) -> Result<Vec<u8>, String> {
    let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let mut rest = inside.ok_or("no quotes around the bytes")?;
    let mut out = Vec::new();
    while let Some(c) = rest.chars().next() {
        let group = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        if let Some((text, behind)) =
            group.and_then(|(inside, behind)| Some((repeated(inside)?, behind)))
        {
            out.extend(text.as_bytes());
            rest = behind;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escape = rest.chars().next().ok_or("a backslash at the end")?;
        rest = &rest[escape.len_utf8()..];
        out.push(match escape {
            'r' => b'\r',
            'n' => b'\n',
            't' => b'\t',
            '0' => 0,
            '\\' => b'\\',
            '"' => b'"',
            'x' => {
                let digits = rest.get(..2).ok_or("two digits follow \\x")?;
                rest = &rest[2..];
                u8::from_str_radix(digits, 16).map_err(|error| error.to_string())?
            }
            _ => return Err(format!("\\{escape} stands for nothing")),
        });
    }
    Ok(out)
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
        rest = match piece {
            Piece::Text(plain) => {
                rest.strip_prefix(plain.as_str()).ok_or_else(|| format!("not {plain:?}"))?
            }
            Piece::Seconds(most) => {
                let least = most.saturating_sub(slack).max(u64::from(*most > 0));
                number_within(rest, least, *most)?
            }
            Piece::SecondsWithin(least, most) => number_within(rest, *least, *most)?,
            Piece::Number => number(rest)?.1,
            Piece::Time => {
                let year_2020 = 1_577_836_800;
                number_within(rest, year_2020, u64::MAX)?
            }
            Piece::Noted(name) => {
                let (number, rest) = number(rest)?;
                notes.numbers.insert(name.clone(), vec![number]);
                rest
            }
            Piece::Same(name) => {
                let (number, rest) = number(rest)?;
                let last = notes.numbers.get(name).and_then(|seen| seen.last());
                if last != Some(&number) {
                    return Err(format!("{number} is not the number {last:?} seen before"));
                }
                rest
            }
            Piece::Other(name) => {
                let (number, rest) = number(rest)?;
                let seen = notes.numbers.get_mut(name).ok_or("no such number was seen")?;
                if seen.contains(&number) {
                    return Err(format!("{number} was seen before among {seen:?}"));
                }
                seen.push(number);
                rest
            }
            Piece::Nonce(name) => {
                let nonce = rest.get(..32).ok_or("not 32 digits")?;
                if !nonce.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
                    return Err("no digits in lower case".to_owned());
                }
                if notes.nonces.values().any(|other| other == nonce) {
                    return Err("a nonce that came before".to_owned());
                }
                notes.nonces.insert(name.clone(), nonce.to_owned());
                &rest[32..]
            }
            Piece::Quoted => behind_quotes(rest).ok_or("no text in quotes")?,
            Piece::Rest => "",
            Piece::Md5 { .. } => return Err("a digest cannot be expected".to_owned()),
        };
    }
    if rest.is_empty() { Ok(()) } else { Err(format!("{rest:?} is too much")) }
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
