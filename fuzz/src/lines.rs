//! A naive model of telnet, line ends and corrections (spec, section 1): the whole stream at once.

use std::collections::BTreeSet;

use mecd::limits::LINE_BYTES_MAX;

/// What a stream comes to, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// A line without its end; only bytes of text.
    Line(Vec<u8>),
    /// A refusal to be sent.
    Answer([u8; 3]),
    /// A question whether the server is there.
    AreYouThere,
    /// The line is too long: nothing follows.
    TooLong,
}

#[derive(Default)]
struct Model {
    pieces: Vec<Piece>,
    line: Vec<u8>,
    /// Bytes of the user's so far.
    data: usize,
    after_cr: bool,
    refused: BTreeSet<(u8, u8)>,
}

/// Takes a stream apart.
#[must_use]
pub fn pieces(stream: &[u8]) -> Vec<Piece> {
    let mut model = Model::default();
    let mut at = 0;
    while at < stream.len() && model.pieces.last() != Some(&Piece::TooLong) {
        at = if stream[at] == 0xff { model.telnet(stream, at + 1) } else { model.data(stream, at) };
    }
    model.pieces
}

impl Model {
    /// A sequence whose IAC stands before `at`. Says where it ends.
    fn telnet(&mut self, stream: &[u8], at: usize) -> usize {
        let option = stream.get(at + 1).copied();
        match (stream.get(at), option) {
            (Some(0xfb), Some(option)) => {
                self.refuse(0xfe, option);
                at + 2
            }
            (Some(0xfd), Some(option)) => {
                self.refuse(0xfc, option);
                at + 2
            }
            (Some(0xfb..=0xfe), _) => at + 2,
            (Some(0xfa), _) => {
                let mut end = at + 1;
                while end < stream.len() {
                    if stream[end] != 0xff {
                        end += 1;
                    } else if stream.get(end + 1) == Some(&0xf0) {
                        return end + 2;
                    } else {
                        end += 2;
                    }
                }
                end
            }
            (Some(0xf6), _) => {
                self.pieces.push(Piece::AreYouThere);
                at + 1
            }
            _ => at + 1,
        }
    }

    fn refuse(&mut self, verb: u8, option: u8) {
        if self.refused.insert((verb, option)) || (verb, option) == (0xfc, 6) {
            self.pieces.push(Piece::Answer([0xff, verb, option]));
        }
    }

    fn data(&mut self, stream: &[u8], at: usize) -> usize {
        let byte = stream[at];
        self.data += 1;
        if std::mem::take(&mut self.after_cr) && matches!(byte, b'\n' | 0) {
            return at + 1;
        }
        match byte {
            b'\r' | b'\n' => {
                self.after_cr = byte == b'\r';
                self.pieces.push(Piece::Line(std::mem::take(&mut self.line)));
            }
            0x08 | 0x7f => self.take_back_character(),
            0x15 => self.line.clear(),
            0x17 => self.take_back_word(),
            _ => self.line.push(byte),
        }
        if self.data == 3 && self.line == [0xef, 0xbb, 0xbf] {
            self.line.clear();
        }
        if self.line.len() == LINE_BYTES_MAX {
            self.pieces.push(Piece::TooLong);
        }
        at + 1
    }

    fn take_back_character(&mut self) {
        let Some(chunk) = self.line.utf8_chunks().last() else { return };
        let bytes = match (chunk.invalid(), chunk.valid().chars().last()) {
            ([], Some(character)) => character.len_utf8(),
            _ => 1,
        };
        self.line.truncate(self.line.len() - bytes);
    }

    fn take_back_word(&mut self) {
        let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        while is_blank(self.line.last()) {
            self.line.pop();
        }
        while !self.line.is_empty() && !is_blank(self.line.last()) {
            self.line.pop();
        }
    }
}
