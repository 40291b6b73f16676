//! Conversations as files: reads a `.talk` file into steps.
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
//! order. A restart is the one exception: what others than MEC users are told at the stop is not looked at.
//!
//! In lines, `{30*x}` stands for thirty x, in raw bytes too. In what is expected:
//!
//! | placeholder | what is there |
//! | --- | --- |
//! | `{secs N}` | a number of seconds, exact where the clock is virtual and a few less where it is real |
//! | `{secs A..B}` | a number in between |
//! | `{number}` `{number:a}` | any number of 31 bits; one to be remembered as `a` |
//! | `{same:a}` `{other:a}` | the number remembered; one never seen under that name, remembered instead |
//! | `{time}` | a Unix time |
//! | `{stamp}` | a time as `dd/mm/yyyy hh:mm:ss` |
//! | `{port:a}` | a TCP port, remembered like a number |
//! | `{nonce:a}` | a challenge |
//! | `{text}` `{rest}` | any text in quotes; whatever follows |
//!
//! In what is sent, `{md5:a:password}` answers the challenge `a`, and `{MD5:a:password}` does in capitals.
//!
//! # Other dialects
//!
//! Everybody speaks MEC who is not declared otherwise, before the first line in which they act:
//!
//! ```text
//! = zoe chatapp
//! zoe> {"__type__":"ConnectionMessage","timestamp":"01/01/2026 00:00:00","sender":"zoe","dest":"","data":"CONNECT"}
//! zoe< {"__type__":"JoinMessage","timestamp":"«stamp»","sender":"zoe","dest":"zoe","data":""}
//! ```
//!
//! | declared as | `zoe> TEXT` sends | `zoe< TEXT` takes next |
//! | --- | --- | --- |
//! | `mec` | TEXT and CRLF | a line with CRLF |
//! | `helo` | TEXT and LF | a line with LF and no CR |
//! | `chatapp` | the header, then TEXT | a body whose header is 20 bytes: digits, then blanks |
//! | `crimp frames` | a frame in modified UTF-8 | a frame |
//! | `crimp lines` | TEXT and LF | a line with LF and no CR |
//! | `crimp bare` | TEXT alone | all that has come once nothing more does |
//! | `json` | TEXT and LF | a line with LF and no CR |
//!
//! - What is expected is compared as text: the order of an object's keys counts, and every blank.
//! - Objects are full of braces. For `chatapp` and `json` placeholders are marked `«time»`, `«30*x»` and so on, and
//!   braces are text.
//! - A frame may hold line ends. For `crimp frames`, in `>` and `<`, they are written `\n`, and a backslash `\\`.
//! - `crimp bare`: hear the answer before the next command, or the two are one. What has no answer is carried out by
//!   `! closed` or a `wait`.
//! - `>>` and `<<` are bytes for everybody: what is cut, broken or joined is written with them.
//!
//! Each conversation is held in several worlds (`tests/transcripts.rs`). In one, what is sent arrives byte by byte; in
//! one, what somebody sends in consecutive steps arrives at once. So how a frame is cut need not be written down. Only
//! what is bare always arrives as it was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::common::framing::Speech;
use crate::common::pieces::{Piece, pieces, repeated};

/// A conversation.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) only: Option<WorldKind>,
    /// How everybody speaks whom it mentions.
    speakers: BTreeMap<String, Speech>,
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

impl Script {
    /// Reads a file's text. What it does not understand is a mistake in the file, and ends the test.
    pub(crate) fn parse(name: &str, text: &str) -> Self {
        let (only, speakers, steps) = (None, BTreeMap::new(), Vec::new());
        let mut script = Self { name: name.to_owned(), only, speakers, steps };
        for (index, text) in text.lines().enumerate() {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let line = index + 1;
            if let Err(what) = script.read(line, text) {
                panic!("{name}.talk:{line}: {what}: {text}");
            }
        }
        script
    }

    /// How somebody speaks.
    pub(crate) fn speech(&self, who: &str) -> Speech {
        self.speakers.get(who).copied().unwrap_or(Speech::Mec)
    }

    /// What is spoken in it.
    pub(crate) fn speeches(&self) -> BTreeSet<Speech> {
        self.speakers.values().copied().collect()
    }

    fn read(&mut self, line: usize, text: &str) -> Result<(), String> {
        if let Some(only) = text.strip_prefix("only ") {
            self.only = match only.split_once(": ") {
                Some(("memory", _)) => Some(WorldKind::Memory),
                Some(("program", _)) => Some(WorldKind::Program),
                _ => return Err("neither \"memory: why\" nor \"program: why\"".to_owned()),
            };
            return Ok(());
        }
        if let Some(declaration) = text.strip_prefix("= ") {
            let (who, words) = declaration.split_once(' ').ok_or("no NAME DIALECT")?;
            if !who.chars().all(|c| c.is_ascii_alphanumeric()) {
                return Err("names are letters and digits".to_owned());
            }
            let speech = Speech::parse(words).ok_or("no such dialect")?;
            return match self.speakers.insert(who.to_owned(), speech) {
                None => Ok(()),
                Some(_) => Err(format!("{who} was declared, or has acted, before")),
            };
        }
        let action = self.action(text)?;
        self.steps.push(Step { line, text: text.to_owned(), action });
        Ok(())
    }

    fn action(&mut self, text: &str) -> Result<Action, String> {
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
        let speech = *self.speakers.entry(who.to_owned()).or_insert(Speech::Mec);
        action_of(who.to_owned(), speech, rest)
    }
}

/// What somebody does, by what stands behind the name.
fn action_of(who: String, speech: Speech, text: &str) -> Result<Action, String> {
    let line = |mark: &str| text.strip_prefix(mark).and_then(|text| text.strip_prefix(' '));
    Ok(match text {
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
                Action::Say(who, pieces(said, speech)?)
            } else if let Some(heard) = line("<") {
                Action::Hear(who, pieces(heard, speech)?)
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
