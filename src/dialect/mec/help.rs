//! `#help`: the verb table, for a person to read.
//!
//! Owns the wording of help, line by line, without line ends. Knows nothing of how lines are sent.

use crate::dialect::mec::verbs::{Origin, Serves, VERBS, Verb};

/// The command that a word asks help about, written with its `#` or without.
#[must_use]
pub fn topic(word: &str) -> Option<&'static Verb> {
    let word = word.strip_prefix('#').unwrap_or(word);
    VERBS.iter().find(|verb| verb.name[1..].eq_ignore_ascii_case(word))
}

/// A line on `verb` for the list of all commands: its name, its words and what it does.
#[must_use]
pub fn line(verb: &Verb) -> [&'static str; 5] {
    let blank = if verb.words.is_empty() { "" } else { " " };
    [verb.name, blank, verb.words, " - ", verb.sentence]
}

/// What more there is to say of `verb`, a line each, in pieces.
#[must_use]
pub fn details(verb: &Verb) -> [[&'static str; 2]; 3] {
    let serves = match verb.serves {
        Serves::Users => "You have to be logged in.",
        Serves::Everybody => "It works before you log in, too.",
    };
    let origin = match verb.origin {
        Origin::Source => "It is part of the protocol.",
        Origin::Extension => "It is an extension of this server.",
    };
    [["Answers, in order of checks: ", verb.answers], [serves, ""], [origin, ""]]
}
