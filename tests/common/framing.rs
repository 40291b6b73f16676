//! How each dialect's clients part what they send and read: a text becomes the bytes that carry it, and the bytes that
//! came become texts again, strictly by the rules that a server has to keep.
//!
//! Knows nothing of what the texts say. A framing that came wrong is told at once, with the bytes that are wrong.

use mecd::dialect::Dialect;

/// Bytes in front of a body of `chatapp`.
const HEADER_BYTES: usize = 20;

/// A dialect and, where it has several, the framing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Speech {
    /// Lines that end with CRLF.
    Mec,
    /// Lines that end with LF.
    Helo,
    /// A length of twenty bytes, then a body.
    Chatapp,
    /// Java's `writeUTF`: a length of two bytes, then modified UTF-8.
    CrimpFrames,
    /// Lines that end with LF.
    CrimpLines,
    /// Nothing but the text: it is over when nothing follows.
    CrimpBare,
    /// Lines that end with LF, each of them an object.
    Json,
}

impl Speech {
    /// What a script calls it.
    pub(crate) fn parse(words: &str) -> Option<Self> {
        Some(match words {
            "mec" => Self::Mec,
            "helo" => Self::Helo,
            "chatapp" => Self::Chatapp,
            "crimp frames" => Self::CrimpFrames,
            "crimp lines" => Self::CrimpLines,
            "crimp bare" => Self::CrimpBare,
            "json" => Self::Json,
            _ => return None,
        })
    }

    /// The server's word for the dialect, on its command line and in what it prints.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Mec => "mec",
            Self::Helo => "helo",
            Self::Chatapp => "chatapp",
            Self::CrimpFrames | Self::CrimpLines | Self::CrimpBare => "crimp",
            Self::Json => "json",
        }
    }

    /// The server's dialect. A new one is told to the tests here, and nowhere else.
    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::Mec => Dialect::Mec,
            Self::Helo => Dialect::Helo,
            Self::Chatapp => Dialect::Chatapp,
            Self::CrimpFrames | Self::CrimpLines | Self::CrimpBare => Dialect::Crimp,
            Self::Json => Dialect::Json,
        }
    }

    /// The bytes that say `text`.
    pub(crate) fn encode(self, text: &str) -> Result<Vec<u8>, String> {
        Ok(match self {
            Self::Mec => format!("{text}\r\n").into_bytes(),
            Self::Helo | Self::CrimpLines | Self::Json => format!("{text}\n").into_bytes(),
            Self::Chatapp => format!("{:<HEADER_BYTES$}{text}", text.len()).into_bytes(),
            Self::CrimpBare => text.as_bytes().to_vec(),
            Self::CrimpFrames => {
                let body = modified_utf8(text);
                let length = u16::try_from(body.len()).map_err(|_| "too long for a frame")?;
                [length.to_be_bytes().to_vec(), body].concat()
            }
        })
    }

    /// Takes one text off the front of what came, if all of it is there.
    pub(crate) fn take(self, bytes: &mut Vec<u8>) -> Result<Option<String>, String> {
        match self {
            Self::Mec => take_line(bytes, b"\r\n"),
            Self::Helo | Self::CrimpLines | Self::Json => take_line(bytes, b"\n"),
            Self::Chatapp => take_body(bytes),
            Self::CrimpFrames => take_frame(bytes),
            Self::CrimpBare if bytes.is_empty() => Ok(None),
            Self::CrimpBare => utf8(std::mem::take(bytes)).map(Some),
        }
    }
}

/// Takes a line that ends with `end` and has no CR but there.
fn take_line(bytes: &mut Vec<u8>, end: &[u8]) -> Result<Option<String>, String> {
    let Some(at) = bytes.iter().position(|&byte| byte == b'\n') else { return Ok(None) };
    let line: Vec<u8> = bytes.drain(..=at).collect();
    match line.strip_suffix(end).filter(|line| !line.contains(&b'\r')) {
        Some(line) => utf8(line.to_vec()).map(Some),
        None => {
            Err(format!("\"{}\" does not end with \"{}\"", line.escape_ascii(), end.escape_ascii()))
        }
    }
}

fn take_body(bytes: &mut Vec<u8>) -> Result<Option<String>, String> {
    let Some(header) = bytes.get(..HEADER_BYTES) else { return Ok(None) };
    let wrong = || format!("\"{}\" is no header", header.escape_ascii());
    let digits = header.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, padding) = header.split_at(digits);
    if padding.iter().any(|&byte| byte != b' ') || digits > 1 && number[0] == b'0' {
        return Err(wrong());
    }
    let number = std::str::from_utf8(number).map_err(|_| wrong())?;
    let length: usize = number.parse().map_err(|_| wrong())?;
    if bytes.len() - HEADER_BYTES < length {
        return Ok(None);
    }
    let frame: Vec<u8> = bytes.drain(..HEADER_BYTES + length).collect();
    utf8(frame[HEADER_BYTES..].to_vec()).map(Some)
}

fn take_frame(bytes: &mut Vec<u8>) -> Result<Option<String>, String> {
    let [high, low, ..] = bytes[..] else { return Ok(None) };
    let end = 2 + usize::from(u16::from_be_bytes([high, low]));
    if bytes.len() < end {
        return Ok(None);
    }
    let frame: Vec<u8> = bytes.drain(..end).collect();
    let text = from_modified_utf8(&frame[2..]);
    text.map(Some).ok_or_else(|| format!("\"{}\" is not modified UTF-8", frame.escape_ascii()))
}

fn utf8(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes)
        .map_err(|error| format!("\"{}\" is not UTF-8", error.as_bytes().escape_ascii()))
}

/// UTF-8 but for two things: NUL takes two bytes, and what is beyond 16 bits two surrogates of three bytes each.
fn modified_utf8(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for unit in text.encode_utf16() {
        match unit {
            1..0x80 => bytes.push(unit as u8),
            0 | 0x80..0x800 => bytes.extend([0xc0 | (unit >> 6) as u8, continuation(unit)]),
            _ => {
                bytes.extend([0xe0 | (unit >> 12) as u8, continuation(unit >> 6)]);
                bytes.push(continuation(unit));
            }
        }
    }
    bytes
}

fn continuation(bits: u16) -> u8 {
    0x80 | (bits & 0x3f) as u8
}

/// None unless `bytes` are what [`modified_utf8`] would have written.
fn from_modified_utf8(bytes: &[u8]) -> Option<String> {
    let mut units = Vec::new();
    let mut rest = bytes;
    while let [first, behind @ ..] = rest {
        let length = match first {
            0x01..0x80 => 0,
            0xc0..0xe0 => 1,
            0xe0..0xf0 => 2,
            _ => return None,
        };
        let lead_bits = [0x7f, 0x1f, 0x0f][length];
        let unit = behind
            .get(..length)?
            .iter()
            .fold(u16::from(first & lead_bits), |unit, next| unit << 6 | u16::from(next & 0x3f));
        units.push(unit);
        rest = &behind[length..];
    }
    let text = String::from_utf16(&units).ok()?;
    (modified_utf8(&text) == bytes).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::Speech;

    const ALL: [(&str, Speech); 7] = [
        ("mec", Speech::Mec),
        ("helo", Speech::Helo),
        ("chatapp", Speech::Chatapp),
        ("crimp frames", Speech::CrimpFrames),
        ("crimp lines", Speech::CrimpLines),
        ("crimp bare", Speech::CrimpBare),
        ("json", Speech::Json),
    ];

    fn takes(speech: Speech, bytes: &[u8]) -> Result<Option<String>, String> {
        speech.take(&mut bytes.to_vec())
    }

    #[test]
    fn each_dialect_reads_what_it_has_written_however_much_of_it_has_come() {
        for (word, speech) in ALL {
            assert_eq!(Speech::parse(word), Some(speech));
            assert!(word.starts_with(speech.word()));
            let text = "bob JOIN {\"größe\":\"\u{1f600}\"}";
            let whole = speech.encode(text).unwrap();
            if speech != Speech::CrimpBare {
                for length in 0..whole.len() {
                    assert_eq!(takes(speech, &whole[..length]), Ok(None), "{word} {length}");
                }
                let mut twice = [whole.clone(), speech.encode("").unwrap()].concat();
                let mut take = || speech.take(&mut twice).unwrap();
                assert_eq!(take().as_deref(), Some(text));
                assert_eq!(take().as_deref(), Some(""));
                assert_eq!(take(), None);
            }
            assert_eq!(takes(speech, &whole).unwrap().as_deref(), Some(text));
        }
    }

    #[test]
    fn every_framing_is_written_as_its_document_says() {
        let bytes = |speech: Speech, text: &str| speech.encode(text).unwrap();
        assert_eq!(bytes(Speech::Mec, "#who"), b"#who\r\n");
        assert_eq!(bytes(Speech::Helo, "PONG"), b"PONG\n");
        assert_eq!(bytes(Speech::Json, "{}"), b"{}\n");
        assert_eq!(bytes(Speech::Chatapp, "{}"), b"2                   {}");
        assert_eq!(bytes(Speech::CrimpLines, "bob LSRM"), b"bob LSRM\n");
        assert_eq!(bytes(Speech::CrimpBare, "bob LSRM"), b"bob LSRM");
        assert_eq!(bytes(Speech::CrimpFrames, "a\0ß€"), b"\0\x08a\xc0\x80\xc3\x9f\xe2\x82\xac");
        let pair = b"\0\x06\xed\xa0\xbd\xed\xb8\x80";
        assert_eq!(bytes(Speech::CrimpFrames, "\u{1f600}"), pair);
        assert!(Speech::CrimpFrames.encode(&"x".repeat(65_535)).is_ok());
        assert!(Speech::CrimpFrames.encode(&"x".repeat(65_536)).is_err());
    }

    #[test]
    fn a_line_ends_as_its_dialect_says_and_in_no_other_way() {
        for speech in [Speech::Helo, Speech::CrimpLines, Speech::Json] {
            assert!(takes(speech, b"text\r\n").is_err());
            assert!(takes(speech, b"te\rxt\n").is_err());
        }
        assert!(takes(Speech::Mec, b"text\n").is_err());
        assert!(takes(Speech::Mec, b"te\rxt\r\n").is_err());
        assert!(takes(Speech::Mec, b"\xff\r\n").is_err());
    }

    #[test]
    fn a_header_is_twenty_bytes_of_digits_and_then_blanks() {
        for header in [
            "                   2",
            " 2                  ",
            "02                  ",
            "2\0                  ",
            "2                 {}",
            "+2                  ",
            "                    ",
            "99999999999999999999",
        ] {
            assert_eq!(header.len(), 20, "{header:?}");
            assert!(takes(Speech::Chatapp, format!("{header}{{}}").as_bytes()).is_err());
        }
        assert_eq!(
            takes(Speech::Chatapp, &Speech::Chatapp.encode("").unwrap()),
            Ok(Some("".into()))
        );
        assert!(takes(Speech::Chatapp, b"1                   \xff").is_err());
    }

    #[test]
    fn a_frame_is_modified_utf8_and_no_other() {
        let wrong: [&[u8]; 7] = [
            b"\0",
            b"\xf0\x9f\x98\x80",
            b"\xed\xa0\xbd",
            b"\xed\xb8\x80\xed\xa0\xbd",
            b"\xc1\x81",
            b"\xe2\x82",
            b"\xc3\x1f",
        ];
        for body in wrong {
            let frame = [&[0, body.len() as u8], body].concat();
            assert!(takes(Speech::CrimpFrames, &frame).is_err(), "{}", body.escape_ascii());
        }
    }
}
