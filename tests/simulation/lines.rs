//! The model's reading of a connection's bytes: telnet, corrections, line ends. Written from spec `mec.md` 1, byte by
//! byte, with no care for speed.

/// What bytes come to.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A line, without its end.
    Line(Vec<u8>),
    /// 1000 bytes without a line end.
    TooLong,
    /// Telnet wants these bytes.
    Telnet([u8; 3]),
    /// Telnet asks whether anybody is there.
    AreYouThere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telnet {
    Data,
    Command,
    Option(u8),
    Sub,
    SubCommand,
}

/// One connection's bytes.
#[derive(Debug)]
pub struct Lines {
    line: Vec<u8>,
    telnet: Telnet,
    refused: Vec<(u8, u8)>,
    after_return: bool,
    fresh: bool,
}

impl Lines {
    pub fn new() -> Self {
        Self {
            line: Vec::new(),
            telnet: Telnet::Data,
            refused: Vec::new(),
            after_return: false,
            fresh: true,
        }
    }

    /// Takes one byte.
    pub fn take(&mut self, byte: u8) -> Option<Heard> {
        match self.telnet {
            Telnet::Data if byte == 255 => self.telnet = Telnet::Command,
            Telnet::Data => return self.data(byte),
            Telnet::Command => {
                self.telnet = match byte {
                    251..=254 => Telnet::Option(byte),
                    250 => Telnet::Sub,
                    _ => Telnet::Data,
                };
                if byte == 246 {
                    return Some(Heard::AreYouThere);
                }
            }
            Telnet::Option(verb) => {
                self.telnet = Telnet::Data;
                return self.option(verb, byte);
            }
            Telnet::Sub if byte == 255 => self.telnet = Telnet::SubCommand,
            Telnet::SubCommand if byte == 240 => self.telnet = Telnet::Data,
            Telnet::Sub | Telnet::SubCommand => self.telnet = Telnet::Sub,
        }
        None
    }

    fn option(&mut self, verb: u8, option: u8) -> Option<Heard> {
        let answer = match verb {
            251 => 254,
            253 => 252,
            _ => return None,
        };
        let timing_mark = verb == 253 && option == 6;
        if !timing_mark {
            if self.refused.contains(&(verb, option)) {
                return None;
            }
            self.refused.push((verb, option));
        }
        Some(Heard::Telnet([255, answer, option]))
    }

    fn data(&mut self, byte: u8) -> Option<Heard> {
        if std::mem::take(&mut self.after_return) && (byte == b'\n' || byte == 0) {
            return None;
        }
        match byte {
            b'\r' | b'\n' => {
                self.after_return = byte == b'\r';
                self.fresh = false;
                return Some(Heard::Line(std::mem::take(&mut self.line)));
            }
            8 | 127 => self.take_back_character(),
            21 => self.line.clear(),
            23 => self.take_back_word(),
            _ => {
                self.line.push(byte);
                if self.fresh && self.line == [0xef, 0xbb, 0xbf] {
                    self.line.clear();
                    self.fresh = false;
                }
                self.fresh &= [0xef, 0xbb, 0xbf].starts_with(&self.line);
                if self.line.len() == 1000 {
                    return Some(Heard::TooLong);
                }
                return None;
            }
        }
        self.fresh = false;
        None
    }

    fn take_back_character(&mut self) {
        for count in 1..=4.min(self.line.len()) {
            let at = self.line.len() - count;
            if std::str::from_utf8(&self.line[at..]).is_ok_and(|text| text.chars().count() == 1) {
                self.line.truncate(at);
                return;
            }
        }
        self.line.pop();
    }

    fn take_back_word(&mut self) {
        let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        while blank(self.line.last()) {
            self.line.pop();
        }
        while !self.line.is_empty() && !blank(self.line.last()) {
            self.line.pop();
        }
    }
}

/// A line's words and texts, by spec `mec.md` 2.
#[derive(Clone, Debug)]
pub struct Words {
    rest: Vec<char>,
}

/// A quote is not closed, or something is stuck to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Words {
    pub fn new(line: &str) -> Self {
        Self { rest: line.chars().collect() }
    }

    fn skip_blanks(&mut self) {
        let blanks = self.rest.iter().take_while(|c| is_blank(**c)).count();
        self.rest.drain(..blanks);
    }

    pub fn is_blank(&self) -> bool {
        self.rest.iter().all(|c| is_blank(*c))
    }

    /// The next word.
    pub fn word(&mut self) -> Result<Option<String>, Malformed> {
        self.skip_blanks();
        if self.rest.is_empty() {
            return Ok(None);
        }
        if self.rest[0] != '"' {
            let length = self.rest.iter().take_while(|c| !is_blank(**c)).count();
            return Ok(Some(self.rest.drain(..length).collect()));
        }
        let (mut word, mut at) = (String::new(), 1);
        loop {
            match self.rest.get(at) {
                None => return Err(Malformed),
                Some('"') => break,
                Some('\\') if matches!(self.rest.get(at + 1), Some('"' | '\\')) => {
                    word.push(self.rest[at + 1]);
                    at += 2;
                }
                Some(c) => {
                    word.push(*c);
                    at += 1;
                }
            }
        }
        if self.rest.get(at + 1).is_some_and(|c| !is_blank(*c)) {
            return Err(Malformed);
        }
        self.rest.drain(..=at);
        Ok(Some(word))
    }

    /// All words that are left.
    pub fn all(&mut self) -> Result<Vec<String>, Malformed> {
        let mut words = Vec::new();
        while let Some(word) = self.word()? {
            words.push(word);
        }
        Ok(words)
    }

    /// The rest as a text; `None` if nothing is left of it.
    pub fn text(&mut self) -> Result<Option<String>, Malformed> {
        self.skip_blanks();
        let text = if self.rest.first() == Some(&'"') {
            let words = self.all()?;
            cleaned(&words[0])
        } else {
            let all: String = self.rest.iter().collect();
            cleaned(&all).trim_end_matches(is_blank).to_owned()
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// A text without control characters but TAB.
pub fn cleaned(text: &str) -> String {
    text.chars().filter(|c| *c == '\t' || !c.is_control()).collect()
}

/// A name as it is sent back.
pub fn shown(name: &str) -> String {
    let bare = !name.is_empty() && !name.starts_with('"') && !name.contains([' ', '\t']);
    if bare { name.to_owned() } else { quoted(name) }
}

/// A text in quotes.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The name as it is compared.
pub fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

pub fn is_item_name(name: &str) -> bool {
    let length = (1..=30).contains(&name.len());
    length && !name.chars().any(char::is_control) && !name.chars().all(char::is_whitespace)
}

pub fn is_user_name(name: &str) -> bool {
    let allowed = |c: char| match c {
        c if c.is_ascii() => c.is_ascii_alphanumeric() || "_-.[]{}^|~`'".contains(c),
        c => !c.is_whitespace(),
    };
    is_item_name(name) && !name.starts_with('-') && name.chars().all(allowed)
}

pub fn is_secret(text: &str) -> bool {
    (1..=64).contains(&text.len())
}

/// A real name or an address: like a password, but without control characters.
pub fn is_personal(text: &str) -> bool {
    is_secret(text) && !text.chars().any(char::is_control)
}

/// A number: digits, within 32 bits.
pub fn number(word: &str) -> Option<u32> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    if digits { word.parse().ok() } else { None }
}
