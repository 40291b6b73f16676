//! One person's end of a connection that is not always read: what should have come over it, and what has.

use std::collections::VecDeque;

use crate::common::framing::Speech;
use crate::people::timeless;

/// How somebody reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reads {
    /// So many bytes at once at most.
    Gulps(u64),
    /// Not at all, for now.
    Nothing,
}

/// Which of two things that were caused by one may come first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    AsTold,
    Any,
}

/// How much of what should have come must be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Share {
    All,
    /// What has come is a beginning of it.
    Some,
}

/// One end.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) number: usize,
    pub(crate) speech: Speech,
    pub(crate) reads: Reads,
    pub(crate) has_ended: bool,
    came: Vec<u8>,
    wanted: VecDeque<(Vec<String>, Order)>,
}

impl Wire {
    pub(crate) fn new(number: usize, speech: Speech, reads: Reads) -> Self {
        Self { number, speech, reads, has_ended: false, came: Vec::new(), wanted: VecDeque::new() }
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.came.extend(bytes);
    }

    pub(crate) fn want(&mut self, texts: &[String], order: Order) {
        self.wanted.push_back((texts.to_vec(), order));
    }

    /// What was wanted last is not to come after all.
    pub(crate) fn unwant(&mut self) {
        self.wanted.pop_back();
    }

    /// Bytes that may be waiting for it at most: what has not come yet, with the longest time of any dialect in it.
    pub(crate) fn outstanding(&self) -> usize {
        let texts = self.wanted.iter().flat_map(|(texts, _)| texts);
        texts.map(|text| text.len() + 64).sum()
    }

    /// The next that has come, if it is whole; it stays.
    pub(crate) fn next(&self) -> Result<Option<String>, String> {
        let unit = self.speech.take(&mut self.came.clone())?;
        Ok(unit.map(|text| timeless(self.speech, &text)))
    }

    /// Sees that what has come is what was wanted, and forgets both.
    pub(crate) fn compare(&mut self, share: Share) -> Result<(), String> {
        while let Some((texts, order)) = self.wanted.front_mut() {
            if texts.is_empty() {
                self.wanted.pop_front();
                continue;
            }
            let Some(text) = self.speech.take(&mut self.came)? else { break };
            let text = timeless(self.speech, &text);
            let found = match order {
                Order::AsTold => (texts[0] == text).then_some(0),
                Order::Any => texts.iter().position(|other| *other == text),
            };
            let Some(at) = found else { return Err(format!("heard {text:?}, not {texts:?}")) };
            texts.remove(at);
        }
        match (self.wanted.front(), share) {
            (Some(_), Share::Some) => Ok(()),
            (Some((texts, _)), Share::All) => {
                Err(format!("heard only \"{}\" of {texts:?}", self.came.escape_ascii()))
            }
            (None, _) if self.came.is_empty() => Ok(()),
            (None, _) => Err(format!("heard \"{}\" too", self.came.escape_ascii())),
        }
    }
}
