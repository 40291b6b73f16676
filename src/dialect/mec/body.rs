//! Bodies: the lines that follow `#postmessage`, taken whatever the outcome, and then the one answer.
//!
//! Owns one connection's body while it is being sent. Knows nothing of how lines are cut. Spec `mec.md` 7.
//!
//! Invariants: the bytes of a kept text are counted in the sum of all connections from the moment they are kept until
//! [`Posting::free`]; neither a text nor the sum passes its bound.

use crate::core::command::Body;
use crate::core::name::ItemName;
use crate::core::{Command, Status};
use crate::dialect::mec::words::{has_control, is_removed};
use crate::limits::{BODIES_BYTES_MAX, BODY_BYTES_MAX};

/// What a well-formed `#postmessage` line asks for.
#[derive(Debug)]
pub(super) struct Post {
    /// What to do once the body is there.
    pub(super) outcome: Outcome,
    /// Lines of the body.
    pub(super) parts: u32,
}

/// What a body is taken for.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// To be posted.
    Post {
        /// The heading.
        name: ItemName,
        /// The message it replies to; 0 for none.
        parent: u32,
        /// Its time in seconds; 0 for the default.
        seconds: u32,
    },
    /// To be thrown away: this is the answer.
    Refuse(Status),
}

/// A body that is being sent.
#[derive(Debug)]
pub(super) struct Posting {
    pub(super) post: Post,
    /// Lines that have come.
    taken: u32,
    /// The lines, each with a `\n`; `None` once they are more than is kept, or if nobody wants them.
    text: Option<String>,
}

impl Post {
    /// The answer, now that the body is there: the command, or why there is none.
    pub(super) fn answer<'a>(&self, body: Body<'a>) -> Result<Command<'a>, Status> {
        match &self.outcome {
            &Outcome::Post { ref name, parent, seconds } => {
                Ok(Command::PostMessage { name: name.clone(), parent, seconds, body })
            }
            Outcome::Refuse(status) => Err(*status),
        }
    }
}

impl Posting {
    /// Begins the body of `post`, which has at least one line.
    pub(super) fn new(post: Post) -> Self {
        let text = match &post.outcome {
            Outcome::Post { .. } => Some(String::new()),
            Outcome::Refuse(_) => None,
        };
        Self { post, taken: 0, text }
    }

    /// Bytes of what is kept.
    pub(super) fn bytes(&self) -> usize {
        self.text.as_ref().map_or(0, String::len)
    }

    /// Whether no line is missing any more.
    pub(super) fn is_complete(&self) -> bool {
        self.taken == self.post.parts
    }

    /// Takes a line; `bodies_bytes` is the sum over all connections.
    pub(super) fn line(&mut self, line: &str, bodies_bytes: &mut usize) {
        self.taken += 1;
        let Some(text) = &mut self.text else { return };
        let before = text.len();
        // The bound is held against the line as it came, so that nothing is kept first and measured then.
        let bytes = line.len() + 1;
        if before + bytes > BODY_BYTES_MAX || *bodies_bytes + bytes > BODIES_BYTES_MAX {
            self.free(bodies_bytes);
            return;
        }
        // Else the line's end would have what is kept moved.
        text.reserve(bytes);
        if has_control(line) {
            line.split(is_removed).for_each(|piece| text.push_str(piece));
        } else {
            text.push_str(line);
        }
        text.push('\n');
        *bodies_bytes += text.len() - before;
    }

    /// The answer to a complete body.
    pub(super) fn answer(&self) -> Result<Command<'_>, Status> {
        self.post.answer(match &self.text {
            Some(text) => Body::Lines { parts: self.post.parts, text },
            None => Body::TooLong,
        })
    }

    /// Gives the text's memory back.
    pub(super) fn free(&mut self, bodies_bytes: &mut usize) {
        if let Some(text) = self.text.take() {
            *bodies_bytes -= text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posting(parts: u32) -> Posting {
        let name = ItemName::new("news").unwrap();
        Posting::new(Post { outcome: Outcome::Post { name, parent: 0, seconds: 0 }, parts })
    }

    fn text(posting: &Posting) -> Option<&str> {
        match posting.answer() {
            Ok(Command::PostMessage { body: Body::Lines { text, .. }, .. }) => Some(text),
            Ok(Command::PostMessage { body: Body::TooLong, .. }) => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_are_kept_with_their_blanks_and_without_control_characters() {
        let (mut posting, mut bytes) = (posting(3), 0);
        for line in ["  a \t b  ", "", "red\u{1b}[31m\u{85}\0"] {
            assert!(!posting.is_complete());
            posting.line(line, &mut bytes);
        }
        assert!(posting.is_complete());
        assert_eq!(text(&posting), Some("  a \t b  \n\nred[31m\n"));
        assert_eq!(bytes, "  a \t b  \n\nred[31m\n".len());
    }

    #[test]
    fn a_body_of_exactly_the_bound_is_kept_and_one_byte_more_is_not() {
        for (last, kept) in [(999, true), (1000, false)] {
            let lines = BODY_BYTES_MAX / 1000;
            let rest = BODY_BYTES_MAX % 1000;
            let (mut posting, mut bytes) = (posting(lines as u32 + 2), 0);
            posting.line(&"r".repeat(rest - 1), &mut bytes);
            for _ in 1..lines {
                posting.line(&"x".repeat(999), &mut bytes);
            }
            posting.line(&"x".repeat(last), &mut bytes);
            assert_eq!(bytes, if kept { BODY_BYTES_MAX } else { 0 });
            assert!(!posting.is_complete());
            posting.line("", &mut bytes);
            assert!(posting.is_complete());
            assert_eq!(text(&posting), None);
            assert_eq!(bytes, 0);
        }
    }

    #[test]
    fn the_sum_of_all_bodies_is_bounded() {
        let mut bytes = BODIES_BYTES_MAX - 5;
        let mut fits = posting(1);
        fits.line("four", &mut bytes);
        assert_eq!((text(&fits), bytes), (Some("four\n"), BODIES_BYTES_MAX));
        let mut other = posting(1);
        other.line("", &mut bytes);
        assert_eq!((text(&other), bytes), (None, BODIES_BYTES_MAX));
        fits.free(&mut bytes);
        fits.free(&mut bytes);
        assert_eq!(bytes, BODIES_BYTES_MAX - 5);
    }

    #[test]
    fn a_body_that_nobody_wants_is_counted_and_not_kept() {
        let post = Post { outcome: Outcome::Refuse(Status::NoLogin), parts: 2 };
        let (mut posting, mut bytes) = (Posting::new(post), 0);
        posting.line("a", &mut bytes);
        posting.line("b", &mut bytes);
        assert!(posting.is_complete());
        assert_eq!(bytes, 0);
        assert_eq!(posting.answer().err(), Some(Status::NoLogin));
    }
}
