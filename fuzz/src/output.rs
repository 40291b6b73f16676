//! What a connection was sent, taken apart line by line, with the form of each line checked against the specification.

use crate::words::words;

/// What was sent so far.
#[derive(Default, Debug)]
pub struct Output {
    /// A line that is not complete.
    partial: Vec<u8>,
    rows: Option<Rows>,
    /// Something was sent.
    has_begun: bool,
    /// It is a browser's: the target `web` looks at that.
    is_http: bool,
    /// A list broke off: only the warning before the end may follow.
    broken_off: bool,
    /// Lines since they were last asked for.
    lines: Vec<String>,
}

/// Rows that are still to come.
#[derive(Clone, Copy, Debug)]
struct Rows {
    left: u32,
    words: Option<usize>,
}

impl Output {
    /// Takes what was sent.
    pub fn take(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        self.is_http |= !self.has_begun && self.partial.starts_with(b"HTTP/");
        if self.is_http {
            return self.partial.clear();
        }
        let sent = std::mem::take(&mut self.partial);
        let mut rest = &sent[..];
        while let Some(piece) = first_piece(rest) {
            rest = &rest[piece.len()..];
            self.has_begun = true;
            assert!(!self.broken_off, "after a list that broke off comes nothing but why");
            if piece[0] == 0xff {
                assert!(matches!(piece, [_, 0xfc | 0xfe, _]), "telnet is only refused");
                assert!(self.rows.is_none(), "no telnet among the rows of a list");
                continue;
            }
            let line = str::from_utf8(&piece[..piece.len() - 2]).expect("what is sent is UTF-8");
            let is_clean = line.chars().all(|c| !c.is_control() || c == '\t');
            assert!(is_clean, "no control characters are sent: {line:?}");
            self.line(line);
            self.lines.push(line.to_owned());
        }
        self.partial = rest.to_vec();
    }

    /// The lines since this was asked last.
    pub fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// The server has sent its last byte.
    pub fn end(&self) {
        assert!(self.partial.is_empty(), "the last line is complete");
        assert!(self.rows.is_none(), "the last list is complete");
    }

    fn line(&mut self, line: &str) {
        let Some(rows) = &mut self.rows else { return self.head(line) };
        if let Some(count) = rows.words {
            if line.starts_with("@mess #warning \"") {
                (self.rows, self.broken_off) = (None, true);
                return;
            }
            assert_eq!(words(line).map(|words| words.len()), Ok(count), "row: {line:?}");
        }
        rows.left -= 1;
        if rows.left == 0 {
            self.rows = None;
        }
    }

    fn head(&mut self, line: &str) {
        let words = words(line).expect("an answer can be read word by word");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let rows = match words[..] {
            ["@status", number] => {
                number.parse::<i32>().expect("a status is a number");
                return;
            }
            ["@mess", "#broadcast" | "#sendto" | "#peer2peer", _, _] => return,
            ["@mess", "#warning" | "#notice", _] => return,
            ["@ret", "#whoami", _, _, users, _, group] => {
                assert!(is_number(users) && is_number(group));
                return;
            }
            ["@ret", "#challenge", nonce] => return assert_eq!(nonce.len(), 32),
            ["@ret", "#listrooms" | "#listmessages", count] => (count, Some(6)),
            ["@ret", "#listusers", count] => (count, Some(2)),
            ["@ret", "#listgroups", count] => (count, Some(8)),
            ["@ret", "#history", count] => (count, Some(3)),
            ["@ret", "#help", count] => (count, None),
            ["@ret", "#getmessage", _, parts, id, parent, replies, seconds] => {
                assert!([id, parent, replies, seconds].into_iter().all(is_number));
                (parts, None)
            }
            ["@ret", name, number] if name.ends_with("status") => {
                number.parse::<i32>().expect("a status number fits 31 bits");
                return;
            }
            _ => panic!("no line of the protocol: {line:?}"),
        };
        let left = rows.0.parse().expect("a count of rows is a number");
        self.rows = (left > 0).then_some(Rows { left, words: rows.1 });
    }
}

fn is_number(word: &str) -> bool {
    word.parse::<u32>().is_ok()
}

/// The first line or telnet sequence, if it is complete.
fn first_piece(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.first() == Some(&0xff) {
        return bytes.get(..3);
    }
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some(&bytes[..end + 2])
}
