//! The words on a file's own port: who begins how, what is handed on, and how large it may be.
//!
//! Knows no sockets and keeps nothing of a file. What stands behind the names of its line is handed on as it comes.

use crate::core::name::UserName;
use crate::dialect::helo::line;
use crate::limits::HELO_LINE_BYTES_MAX;

/// Who a connection to a file's port turns out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum First<'b> {
    /// It has not said enough yet.
    Partial,
    /// The receiver; so many bytes said that.
    Receiver(usize),
    /// The sender; what was written for its name, and how many bytes stand before the file's own words.
    Sender(&'b [u8], usize),
    /// Neither of the two.
    Stranger,
}

/// What the first bytes of a connection say: `OPEN_PORT_TO_RECEIVE receiver`, or `FILE <sender @receiver ` and more.
#[must_use]
pub fn first_words<'b>(bytes: &'b [u8], sender: &UserName, receiver: &UserName) -> First<'b> {
    let line_end = memchr::memchr(b'\n', bytes);
    let line = &bytes[..line_end.unwrap_or(bytes.len())];
    let mut words = line.splitn(4, |&byte| byte == b' ');
    let mut word = || words.next();
    match (word(), word(), word(), word(), line_end) {
        (Some(b"FILE"), Some([b'<', mark @ ..]), Some([b'@', name @ ..]), Some(rest), _)
            if is(mark, sender) && is(name, receiver) =>
        {
            First::Sender(mark, line.len() - rest.len())
        }
        (Some(b"OPEN_PORT_TO_RECEIVE"), Some(name), None | Some(b"" | b"\r"), None, Some(end))
            if is(name.strip_suffix(b"\r").unwrap_or(name), receiver) =>
        {
            First::Receiver(end + 1)
        }
        (_, _, _, None, None) if bytes.len() < HELO_LINE_BYTES_MAX => First::Partial,
        (_, _, _, _, _) => First::Stranger,
    }
}

fn is(word: &[u8], name: &UserName) -> bool {
    word.eq_ignore_ascii_case(name.as_str().as_bytes())
}

/// What the receiver is sent before the file's own words, which follow as they come.
#[must_use]
pub fn head(mark: &[u8], sender: &UserName) -> Vec<u8> {
    [b"FILE <", mark, b" @", sender.as_str().as_bytes(), b" "].concat()
}

/// What the sender is told: the receiver's line without the sender's name at its end. Nothing if it is no such line.
#[must_use]
pub fn status(bytes: &[u8], sender: &UserName) -> Option<String> {
    let mut text = String::new();
    line::copy(bytes, &mut text);
    text.strip_prefix("FILE_STATUS ")?;
    let mut text = text.trim_end_matches(' ');
    let name = sender.as_str();
    if let Some(at) = text.len().checked_sub(name.len() + 1)
        && let Some((before, end)) = text.split_at_checked(at)
        && end.strip_prefix('@').is_some_and(|end| end.eq_ignore_ascii_case(name))
    {
        text = before.trim_end_matches(' ');
    }
    Some(format!("{text}\n"))
}

/// What the sender is told when the file does not arrive for another reason than the receiver's.
#[must_use]
pub fn failure(why: &str) -> String {
    format!("FILE_STATUS {why}\n")
}

/// Bytes of a file of so many bytes as it is sent.
#[must_use]
pub fn base64_bytes(file_bytes: u64) -> u64 {
    file_bytes.div_ceil(3) * 4
}

/// How much of a line has passed: its last word, which is the file, and the words before that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Measure {
    before: u64,
    last: u64,
}

/// The file, or what stands before it, is longer than it may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLarge;

impl Measure {
    /// Counts bytes that follow. The last word has at most `last_max` bytes; which one is the last is known at the end
    /// only, so a word that could stand before it may be as long as what stands before it.
    ///
    /// # Errors
    /// [`TooLarge`]; nothing more may be handed on.
    pub fn take(&mut self, bytes: &[u8], last_max: u64) -> Result<(), TooLarge> {
        let before_max = HELO_LINE_BYTES_MAX as u64;
        let word_max = last_max.max(before_max);
        for (nth, word) in bytes.split(|&byte| byte == b' ').enumerate() {
            if nth > 0 {
                self.before += self.last + 1;
                self.last = 0;
            }
            self.last += word.len() as u64;
            if self.before > before_max || self.last > word_max {
                return Err(TooLarge);
            }
        }
        Ok(())
    }

    /// The line has ended.
    ///
    /// # Errors
    /// [`TooLarge`], of its last word.
    pub fn end(&self, last_max: u64) -> Result<(), TooLarge> {
        if self.last <= last_max { Ok(()) } else { Err(TooLarge) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> UserName {
        UserName::new(text).unwrap()
    }

    fn first(bytes: &[u8]) -> First<'_> {
        first_words(bytes, &name("zoe"), &name("Ann"))
    }

    #[test]
    fn the_two_who_were_told_the_port_are_known_by_their_first_words() {
        assert_eq!(first(b"FILE <zoe @Ann 3;a;9 QUJD\n"), First::Sender(b"zoe", 15));
        assert_eq!(first(b"FILE <ZOE @ann "), First::Sender(b"ZOE", 15));
        assert_eq!(first(b"OPEN_PORT_TO_RECEIVE Ann\nmore"), First::Receiver(25));
        assert_eq!(first(b"OPEN_PORT_TO_RECEIVE ann\r\n"), First::Receiver(26));
        assert_eq!(first(b"OPEN_PORT_TO_RECEIVE ann \r\n"), First::Receiver(27));
    }

    #[test]
    fn a_beginning_is_waited_for_and_everybody_else_is_a_stranger() {
        for whole in ["FILE <zoe @Ann x", "OPEN_PORT_TO_RECEIVE Ann\n"] {
            for end in 0..whole.len() - 1 {
                assert_eq!(first(&whole.as_bytes()[..end]), First::Partial, "{end}");
            }
        }
        for wrong in [
            "\n",
            "FILE <zoe @Ann\n",
            "FILE <bob @Ann x",
            "FILE <zoe @bob x",
            "FILE zoe Ann x",
            "OPEN_PORT_TO_RECEIVE zoe\n",
            "OPEN_PORT_TO_RECEIVE Ann x\n",
            "OPEN_PORT_TO_RECEIVE\n",
            "GET / HTTP/1.1\r\n",
        ] {
            assert_eq!(first(wrong.as_bytes()), First::Stranger, "{wrong:?}");
        }
        assert_eq!(first(&[b'x'; HELO_LINE_BYTES_MAX - 1]), First::Partial);
        assert_eq!(first(&[b'x'; HELO_LINE_BYTES_MAX]), First::Stranger);
    }

    #[test]
    fn the_sender_is_told_the_status_without_its_name() {
        let told = |line: &str| status(line.as_bytes(), &name("zoe"));
        let ok = Some("FILE_STATUS file has successfully been delivered!\n".to_owned());
        assert_eq!(told("FILE_STATUS file has successfully been delivered! @zoe"), ok);
        assert_eq!(told("FILE_STATUS file has successfully been delivered!@Zoe\r"), ok);
        assert_eq!(told("FILE_STATUS file has successfully been delivered!"), ok);
        assert_eq!(told("FILE_STATUS a\u{1b}\rb @zoe"), Some("FILE_STATUS a b\n".to_owned()));
        assert_eq!(told("FILE_STATUS @zoe"), Some("FILE_STATUS\n".to_owned()));
        assert_eq!(told("FILE_STATUS é€"), Some("FILE_STATUS é€\n".to_owned()));
        assert_eq!(told("FILE_STATUSes"), None);
        assert_eq!(told("PM @zoe hello"), None);
    }

    #[test]
    fn a_file_is_as_large_as_it_may_be_and_not_larger_however_it_is_cut() {
        for length in [100, HELO_LINE_BYTES_MAX + 100] {
            let line = [b"3;name of file;9 ".as_slice(), &vec![b'A'; length]].concat();
            for pieces in [1, 2, 7, 100_000] {
                let take = |last_max| {
                    let mut measure = Measure::default();
                    line.chunks(pieces).try_for_each(|piece| measure.take(piece, last_max))?;
                    measure.end(last_max)
                };
                assert_eq!(take(length as u64), Ok(()));
                assert_eq!(take(length as u64 - 1), Err(TooLarge));
            }
        }
        let words = |count| Measure::default().take(&b"x ".repeat(count), 1000);
        assert_eq!(words(HELO_LINE_BYTES_MAX / 2), Ok(()));
        assert_eq!(words(HELO_LINE_BYTES_MAX / 2 + 1), Err(TooLarge));
        let long = [vec![b'x'; HELO_LINE_BYTES_MAX], b" QUJD".to_vec()].concat();
        assert_eq!(Measure::default().take(&long[1..], 4), Ok(()));
        assert_eq!(Measure::default().take(&long, 4), Err(TooLarge));
    }

    #[test]
    fn base64_has_four_bytes_for_three() {
        assert_eq!([0, 1, 3, 4].map(base64_bytes), [0, 4, 4, 8]);
    }
}
