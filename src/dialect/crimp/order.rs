//! The words of a command: `username CODE room message`, parted by single blanks.
//!
//! Knows nothing of frames or lines, and nothing of who is there: what it lets pass is well-formed, its names are valid
//! and its text can be said.

use crate::core::name::{ItemName, UserName};
use crate::dialect::text::harmless;
use crate::limits::SAID_BYTES_MAX;

/// A well-formed command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Order {
    /// In whose name.
    pub(super) user: UserName,
    /// What.
    pub(super) act: Act,
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// `LSRM` and `LIST`
    Rooms,
    /// `CTRM`
    Create(ItemName),
    /// `JOIN`
    Join(ItemName),
    /// `LEAV`
    Leave(ItemName),
    /// `LSMB`
    Members(ItemName),
    /// `POST`: what is said is not empty, and at most [`SAID_BYTES_MAX`] long.
    Post(ItemName, String),
    /// `RETV`
    Retrieve(ItemName),
    /// `DSCT`
    Disconnect,
}

impl Order {
    /// Reads a command; nothing if it is not one.
    pub(super) fn read(command: &str) -> Option<Self> {
        let (user, rest) = command.split_once(' ')?;
        let (code, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let user = UserName::new(user).ok()?;
        let act = match code {
            "LSRM" | "LIST" => alone(rest, Act::Rooms),
            "DSCT" => alone(rest, Act::Disconnect),
            "CTRM" => room(without_empty(rest)).map(Act::Create),
            "JOIN" => room(without_empty(rest)).map(Act::Join),
            "LEAV" => room(without_empty(rest)).map(Act::Leave),
            "LSMB" => room(without_empty(rest)).map(Act::Members),
            "RETV" => room(without_empty(rest)).map(Act::Retrieve),
            "POST" => {
                let (name, message) = rest.split_once(' ')?;
                let said = harmless(message);
                let can_be_said = (1..=SAID_BYTES_MAX).contains(&said.len());
                room(name).filter(|_| can_be_said).map(|name| Act::Post(name, said))
            }
            _ => None,
        };
        act.map(|act| Self { user, act })
    }
}

fn alone(rest: &str, act: Act) -> Option<Act> {
    without_empty(rest).is_empty().then_some(act)
}

/// A client that always sends four words leaves those empty that the command has not.
fn without_empty(words: &str) -> &str {
    words.trim_end_matches(' ')
}

fn room(word: &str) -> Option<ItemName> {
    ItemName::new(word).ok().filter(|_| !word.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ItemName {
        ItemName::new(text).unwrap()
    }

    fn act(command: &str) -> Option<Act> {
        Order::read(command).map(|order| order.act)
    }

    #[test]
    fn each_code_is_read_with_its_words() {
        let expected = [
            ("bob LSRM", Act::Rooms),
            ("bob LIST", Act::Rooms),
            ("bob CTRM den", Act::Create(name("den"))),
            ("bob JOIN den", Act::Join(name("den"))),
            ("bob LEAV den", Act::Leave(name("den"))),
            ("bob LSMB den", Act::Members(name("den"))),
            ("bob POST den hi", Act::Post(name("den"), "hi".to_owned())),
            ("bob RETV den", Act::Retrieve(name("den"))),
            ("bob DSCT", Act::Disconnect),
        ];
        for (command, expected) in expected {
            let order = Order::read(command).unwrap();
            assert_eq!((order.user.as_str(), order.act), ("bob", expected), "{command}");
        }
    }

    #[test]
    fn words_that_are_empty_at_the_end_are_as_none() {
        for command in ["bob LSRM ", "bob LIST  ", "bob DSCT ", "bob CTRM den ", "bob RETV den  "] {
            assert_eq!(act(command), act(command.trim_end()), "{command:?}");
            assert!(act(command).is_some(), "{command:?}");
        }
    }

    #[test]
    fn what_is_no_command_is_refused() {
        let wrong = [
            "",
            " ",
            "bob",
            "bob ",
            "LSRM",
            " LSRM",
            "bob  LSRM",
            "bob lsrm",
            "bob Lsrm",
            "bob LSRMS",
            "bob LSRM den",
            "bob LSRM  den",
            "bob DSCT now",
            "bob CTRM",
            "bob CTRM ",
            "bob CTRM  den",
            "bob CTRM den hi",
            "bob JOIN",
            "bob LEAV den too",
            "bob LSMB",
            "bob RETV",
            "bob POST",
            "bob POST den",
            "bob POST den ",
            "bob POST  hi",
            "bob POST den \u{7}\u{85}",
            "b/b LSRM",
            "-bob LSRM",
            "bob LSRM\r",
            "bob\tLSRM",
            "bob JOIN d\0n",
            "bob\0 LSRM",
        ];
        for command in wrong {
            assert_eq!(act(command), None, "{command:?}");
        }
    }

    #[test]
    fn names_of_30_bytes_are_taken_and_of_31_refused() {
        for (length, is_taken) in [(30, true), (31, false)] {
            let name = "x".repeat(length);
            assert_eq!(act(&format!("{name} LSRM")).is_some(), is_taken);
            for code in ["CTRM", "JOIN", "LEAV", "LSMB", "RETV"] {
                assert_eq!(act(&format!("bob {code} {name}")).is_some(), is_taken);
            }
            assert_eq!(act(&format!("bob POST {name} hi")).is_some(), is_taken);
        }
    }

    #[test]
    fn a_message_is_everything_behind_the_third_blank() {
        for message in ["hi", " ", "  a  b ", "one two  three", "LSRM", "\u{2028}\u{1f600}"] {
            let expected = Act::Post(name("den"), message.to_owned());
            assert_eq!(act(&format!("bob POST den {message}")), Some(expected));
        }
    }

    #[test]
    fn nothing_in_a_message_can_end_a_line() {
        let said = |message: &str| match act(&format!("bob POST den {message}")) {
            Some(Act::Post(_, said)) => said,
            other => panic!("{other:?}"),
        };
        assert_eq!(said("a\r\nb\nc\rd\te\n\rf"), "a b c d e  f");
        assert_eq!(said("\0a\x1b[31m\u{85}\u{9b}b\x7f"), "a[31mb");
    }

    #[test]
    fn a_message_as_long_as_anything_said_is_taken_and_one_byte_more_is_not() {
        let command = |count| format!("bob POST den {}", "x".repeat(count));
        assert!(act(&command(SAID_BYTES_MAX)).is_some());
        assert_eq!(act(&command(SAID_BYTES_MAX + 1)), None);
        let stripped = format!("{}\u{7}", command(SAID_BYTES_MAX));
        assert!(act(&stripped).is_some(), "what is taken out does not count");
    }
}
