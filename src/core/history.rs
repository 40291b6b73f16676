//! The last lines said in a room: a ring, bounded in lines and in bytes of text.
//!
//! Each line has a number in its room, so that lines that compaction has moved find their order again. Lines are
//! written to the log behind the chat (spec `dialects.md`, "History").

use std::collections::VecDeque;

use crate::core::name::UserName;
use crate::core::record::Place;

/// A line that was said.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) no: u32,
    pub(super) time: u64,
    pub(super) sender: UserName,
    pub(super) text: Box<str>,
    /// The sender's own words for the time.
    pub(super) stamp: Option<Box<str>>,
    /// Where the log has it; nowhere yet, or never if history is not saved.
    pub(super) place: Option<Place>,
}

/// How much of it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) lines: u32,
    pub(super) bytes: u32,
}

/// The lines of one room, oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    lines: VecDeque<Line>,
    bytes: usize,
    next: u32,
}

impl History {
    /// The number the next line gets.
    pub(super) fn next_no(&self) -> u32 {
        self.next
    }

    /// Puts a line where its number belongs, and drops what is then too much; the places of what was dropped go to
    /// `dead`.
    pub(super) fn add(&mut self, line: Line, bounds: Bounds, dead: &mut Vec<Place>) {
        self.next = self.next.max(line.no.wrapping_add(1));
        let at = self.lines.partition_point(|other| other.no < line.no);
        self.bytes += line.text.len();
        if self.lines.get(at).is_some_and(|other| other.no == line.no) {
            let old = std::mem::replace(&mut self.lines[at], line);
            self.bytes -= old.text.len();
            dead.extend(old.place);
        } else {
            self.lines.insert(at, line);
        }
        self.trim(bounds, dead);
    }

    /// Drops the oldest lines until the rest is within `bounds`.
    pub(super) fn trim(&mut self, bounds: Bounds, dead: &mut Vec<Place>) {
        while self.lines.len() > bounds.lines as usize || self.bytes > bounds.bytes as usize {
            let line = self.lines.pop_front().expect("only lines make it too long");
            self.bytes -= line.text.len();
            dead.extend(line.place);
        }
    }

    /// The last `count` lines, oldest first.
    pub(super) fn last(&self, count: usize) -> impl ExactSizeIterator<Item = &Line> {
        self.lines.range(self.lines.len().saturating_sub(count)..)
    }

    /// All lines, oldest first.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }

    /// The line with this number.
    pub(super) fn get(&self, no: u32) -> Option<&Line> {
        let at = self.lines.binary_search_by_key(&no, |line| line.no).ok()?;
        self.lines.get(at)
    }

    /// Remembers where the log has a line.
    pub(super) fn written(&mut self, no: u32, place: Place) {
        if let Ok(at) = self.lines.binary_search_by_key(&no, |line| line.no) {
            self.lines[at].place = Some(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(no: u32, text: &str) -> Line {
        let place = Place { file: 1, offset: no, bytes: 1 };
        Line {
            no,
            time: 0,
            sender: UserName::new("amy").unwrap(),
            text: text.into(),
            stamp: None,
            place: Some(place),
        }
    }

    #[test]
    fn the_ring_keeps_the_last_lines_and_says_which_went() {
        let mut history = History::default();
        let mut dead = Vec::new();
        let bounds = Bounds { lines: 2, bytes: 100 };
        for no in 0..3 {
            history.add(line(no, "x"), bounds, &mut dead);
        }
        assert_eq!(history.lines().map(|line| line.no).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(dead.len(), 1);
        history.add(line(3, &"y".repeat(100)), bounds, &mut dead);
        assert_eq!(history.lines().map(|line| line.no).collect::<Vec<_>>(), [3]);
        history.add(line(4, &"y".repeat(101)), bounds, &mut dead);
        assert_eq!(history.lines().count(), 0);
        assert_eq!(history.next_no(), 5);
    }

    #[test]
    fn lines_find_their_order_again() {
        let mut history = History::default();
        let bounds = Bounds { lines: 9, bytes: 100 };
        for no in [5, 2, 9, 3, 5] {
            history.add(line(no, "x"), bounds, &mut Vec::new());
        }
        assert_eq!(history.last(3).map(|line| line.no).collect::<Vec<_>>(), [3, 5, 9]);
    }
}
