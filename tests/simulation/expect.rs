//! What one connection should be sent, and the comparison with what it is sent, byte by byte.
//!
//! Most of it is known exactly. Wildcards stand where the spec leaves the bytes to the server: sentences of warnings,
//! notices and help, status numbers, nonces, and those fields of a long list that show the moment of their sending.

use std::collections::VecDeque;
use std::rc::Rc;

/// Which status number, and at which of its values by the model's count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The counter; of rooms and groups with the one it is of.
    pub counter: (u8, u64),
    /// How many restarts there had been.
    pub epoch: u32,
    /// How often it had changed.
    pub version: u64,
}

/// One piece of what is to come.
#[derive(Clone, Debug)]
pub enum Piece {
    /// These bytes.
    Bytes(Rc<[u8]>),
    /// `@mess #warning` or `@mess #notice` with any sentence.
    Sentence(&'static str),
    /// `@ret COMMAND N`.
    Number(&'static str, Stamp),
    /// `@ret #challenge` with 32 hex digits.
    Nonce,
    /// `@ret #help N` and N lines, which are about so many bytes.
    Help(usize),
    /// These bytes, a line of a message so long that it is sent in pieces.
    Part(Rc<[u8]>),
    /// The same, in the last of the pieces: when it waits to be sent, the next command need not.
    LastPart(Rc<[u8]>),
    /// A row of a list of which more came than was sent at once; a `*` is any number.
    Row(String),
}

/// What was found out by comparing.
#[derive(Clone, Debug)]
pub enum Found {
    Number(Stamp, u32),
    Nonce(String),
}

/// Whether the connection has asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Answer,
    Event,
    /// An event behind an answer that is sent in pieces.
    Late,
}

/// All that is still to come, and what has come of a piece that is not whole.
#[derive(Debug, Default)]
pub struct Expected {
    pieces: VecDeque<(Origin, Piece)>,
    got: Vec<u8>,
    /// The rest of a list may be missing, because the server closes the connection.
    pub cut: bool,
}

enum Match {
    Whole(usize),
    Partly,
    Not,
}

impl Expected {
    /// An answer is to come.
    pub fn push(&mut self, piece: Piece) {
        self.pieces.push_back((Origin::Answer, piece));
    }

    /// Something else is.
    pub fn push_event(&mut self, piece: Piece) {
        let origin = if self.is_listing() { Origin::Late } else { Origin::Event };
        self.pieces.push_back((origin, piece));
    }

    /// The last word to a connection. A long answer may be broken off for it, and what waited behind that left out.
    pub fn push_last(&mut self, piece: Piece) {
        self.pieces.push_back((Origin::Event, piece));
        self.cut = true;
    }

    pub fn line(&mut self, line: &str) {
        self.push(Piece::Bytes(format!("{line}\r\n").into_bytes().into()));
    }

    /// Whether all has come.
    pub fn is_done(&mut self) -> bool {
        if self.cut {
            while self.pieces.front().is_some_and(may_be_missing) {
                self.pieces.pop_front();
            }
        }
        self.pieces.is_empty() && self.got.is_empty()
    }

    /// Whether rows of a long list are still to come, or pieces of a long message behind those that are being sent.
    pub fn is_listing(&self) -> bool {
        self.pieces.iter().any(|(_, piece)| matches!(piece, Piece::Row(_) | Piece::Part(_)))
    }

    /// Whether anything of a long answer is still to come.
    pub fn is_long(&self) -> bool {
        self.is_listing()
            || self.pieces.iter().any(|(_, piece)| matches!(piece, Piece::LastPart(_)))
    }

    /// About how many bytes are still to come, at most.
    pub fn bytes(&self) -> usize {
        let pieces = self.pieces.iter().map(|(_, piece)| match piece {
            Piece::Bytes(bytes) | Piece::Part(bytes) | Piece::LastPart(bytes) => bytes.len(),
            Piece::Help(bytes) => *bytes,
            _ => 200,
        });
        pieces.sum()
    }

    /// About how many bytes of answers are still to come.
    pub fn answers(&self) -> usize {
        let answers = self.pieces.iter().filter(|(origin, _)| *origin == Origin::Answer);
        let bytes: usize = answers
            .map(|(_, piece)| match piece {
                Piece::Bytes(bytes) | Piece::LastPart(bytes) => bytes.len(),
                Piece::Number(command, _) => command.len() + 13,
                Piece::Nonce => 50,
                Piece::Help(bytes) => *bytes,
                Piece::Sentence(_) | Piece::Row(_) | Piece::Part(_) => 0,
            })
            .sum();
        bytes.saturating_sub(self.got.len())
    }

    /// Compares what has come with what should.
    pub fn compare(&mut self, bytes: &[u8], found: &mut Vec<Found>) -> Result<(), String> {
        self.got.extend_from_slice(bytes);
        let mut got = std::mem::take(&mut self.got);
        let mut at = 0;
        while at < got.len() {
            let Some((origin, piece)) = self.pieces.pop_front() else {
                return Err(format!("got {} where nothing is due", text(&got[at..])));
            };
            let piece = (origin, piece);
            match matches(&piece.1, &got[at..], found)? {
                Match::Whole(count) => at += count,
                Match::Partly => {
                    self.pieces.push_front(piece);
                    break;
                }
                Match::Not if self.cut && may_be_missing(&piece) => {}
                Match::Not => {
                    return Err(format!("got {} where {} is due", text(&got[at..]), piece.1));
                }
            }
        }
        got.drain(..at);
        self.got = got;
        Ok(())
    }
}

/// Whether a long answer that is broken off leaves this out.
fn may_be_missing((origin, piece): &(Origin, Piece)) -> bool {
    *origin == Origin::Late || matches!(piece, Piece::Row(_) | Piece::Part(_) | Piece::LastPart(_))
}

impl std::fmt::Display for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) | Self::Part(bytes) | Self::LastPart(bytes) => {
                f.write_str(&text(bytes))
            }
            other => write!(f, "{other:?}"),
        }
    }
}

/// Bytes for a person to read, not too many.
pub fn text(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(300)];
    format!("{:?}", shown.escape_ascii().to_string())
}

fn matches(piece: &Piece, got: &[u8], found: &mut Vec<Found>) -> Result<Match, String> {
    if let Piece::Bytes(bytes) | Piece::Part(bytes) | Piece::LastPart(bytes) = piece {
        return Ok(if got.starts_with(bytes) {
            Match::Whole(bytes.len())
        } else if bytes.starts_with(got) {
            Match::Partly
        } else {
            Match::Not
        });
    }
    let Some(end) = got.windows(2).position(|pair| pair == b"\r\n") else {
        return Ok(Match::Partly);
    };
    let line = String::from_utf8_lossy(&got[..end]);
    let whole = |is: bool| if is { Match::Whole(end + 2) } else { Match::Not };
    Ok(match piece {
        Piece::Bytes(_) | Piece::Part(_) | Piece::LastPart(_) => unreachable!("compared above"),
        Piece::Sentence(kind) => {
            let said = line.strip_prefix(&format!("@mess {kind} \""));
            whole(said.is_some_and(|said| said.len() > 1 && said.ends_with('"')))
        }
        Piece::Number(command, stamp) => {
            let number = line.strip_prefix(&format!("@ret {command} "));
            let number = number.and_then(|number| number.parse::<i32>().ok());
            let number = number.and_then(|number| u32::try_from(number).ok());
            found.extend(number.map(|number| Found::Number(stamp.clone(), number)));
            whole(number.is_some())
        }
        Piece::Nonce => {
            let nonce = line.strip_prefix("@ret #challenge ");
            let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            let nonce = nonce.filter(|nonce| nonce.len() == 32 && nonce.bytes().all(hex));
            found.extend(nonce.map(|nonce| Found::Nonce(nonce.to_owned())));
            whole(nonce.is_some())
        }
        Piece::Help(_) => return Ok(help(&line, got)),
        Piece::Row(wanted) => {
            let any =
                |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
            let same = wanted.split(' ').count() == line.split(' ').count()
                && wanted.split(' ').zip(line.split(' ')).all(|(wanted, word)| match wanted {
                    "*" => any(word),
                    _ => wanted == word,
                });
            whole(same)
        }
    })
}

fn help(line: &str, got: &[u8]) -> Match {
    let count = line.strip_prefix("@ret #help ").and_then(|count| count.parse::<usize>().ok());
    let Some(count) = count.filter(|count| *count > 0) else { return Match::Not };
    let mut ends = got.windows(2).enumerate().filter(|(_, pair)| *pair == b"\r\n");
    match ends.nth(count) {
        Some((at, _)) => Match::Whole(at + 2),
        None => Match::Partly,
    }
}
