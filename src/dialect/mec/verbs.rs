//! The verb table: every command of the dialect, once. Decoding, `#help` and the table of `docs/protocol.md` all come
//! from it.
//!
//! Knows each command's name, words, sentence and parser; not what the command does. Spec `mec.md` 5 to 9.
//!
//! Invariant: names are unique, in lower case, and have 4 to 16 bytes.

use crate::core::command::Counter;
use crate::core::{Command, Status};
use crate::dialect::mec::arguments;
use crate::dialect::mec::body::Post;
use crate::dialect::mec::words::Words;

/// A command, as people and programs are told of it.
#[derive(Debug)]
pub struct Verb {
    /// Its name, `#` included.
    pub name: &'static str,
    /// The words that it takes, as a person reads them.
    pub words: &'static str,
    /// What it does, in a sentence.
    pub sentence: &'static str,
    /// What it can answer, in order of checks after 3500.
    pub answers: &'static str,
    /// Who is served.
    pub serves: Serves,
    /// Where it comes from.
    pub origin: Origin,
    pub(super) parse: Parse,
}

/// Who is served by a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Serves {
    /// Only users who are logged in; 3500 to others.
    Users,
    /// Every connection.
    Everybody,
}

/// Where a command comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The source's document.
    Source,
    /// An addition, which an old client never notices.
    Extension,
}

/// How a command's words are read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Parse {
    /// To this command of the house. Words behind its name are ignored, but have to be words.
    Alone(fn() -> Command<'static>),
    /// To a command of the house.
    Command(for<'a> fn(&mut Words<'a>) -> Result<Command<'a>, Status>),
    /// To a command that a body follows.
    Post(fn(&mut Words<'_>) -> Result<Post, Status>),
    /// Answered by the dialect itself.
    Help,
}

impl Verb {
    const fn new(
        name: &'static str,
        words: &'static str,
        sentence: &'static str,
        answers: &'static str,
        parse: Parse,
    ) -> Self {
        let (serves, origin) = (Serves::Users, Origin::Source);
        Self { name, words, sentence, answers, serves, origin, parse }
    }

    const fn for_everybody(self) -> Self {
        Self { serves: Serves::Everybody, ..self }
    }

    const fn extension(self) -> Self {
        Self { origin: Origin::Extension, ..self }
    }
}

/// Every command, in the order in which a person meets them.
pub static VERBS: [Verb; 33] = [
    Verb::new(
        "#login",
        "anon NAME, or regd NAME PASSWORD",
        "Logs you in under a free name, or to your account.",
        "3000, -1, -4, 3004 or 3001, 3003 or 3002, 0",
        Parse::Command(arguments::login),
    )
    .for_everybody(),
    Verb::new(
        "#createlogin",
        "NAME PASSWORD REALNAME EMAIL",
        "Makes an account; you stay who you are.",
        "-1, -4, 3501, 3004, 3003, -2, 0",
        Parse::Command(arguments::create_login),
    ),
    Verb::new(
        "#changepass",
        "NEW OLD",
        "Changes your account's password.",
        "-1, 3501, -4, 3002, 0",
        Parse::Command(arguments::change_password),
    ),
    Verb::new(
        "#rmlogin",
        "",
        "Removes your account; you are then no longer logged in.",
        "3501, 0",
        Parse::Alone(|| Command::RemoveLogin),
    ),
    Verb::new(
        "#challenge",
        "",
        "Gives you a nonce, so that your password does not cross the network.",
        "@ret",
        Parse::Alone(|| Command::Challenge),
    )
    .for_everybody()
    .extension(),
    Verb::new(
        "#whoami",
        "",
        "Tells your name, your room and your group.",
        "@ret",
        Parse::Alone(|| Command::WhoAmI),
    ),
    Verb::new("#listrooms", "", "Lists the rooms.", "@ret", Parse::Alone(|| Command::ListRooms)),
    Verb::new(
        "#listusers",
        "",
        "Lists the users of your room.",
        "@ret",
        Parse::Alone(|| Command::ListUsers),
    ),
    Verb::new(
        "#createroom",
        "NAME [PASSWORD] [anon|regd]",
        "Makes a room that is yours; you do not enter it.",
        "-1, -4, 3501, 3102, -2, 0",
        Parse::Command(arguments::create_room),
    ),
    Verb::new(
        "#rmroom",
        "NAME [PASSWORD]",
        "Removes an empty room of yours.",
        "-1, -4, 3100, 3503, 3103, 3101, -5, 0",
        Parse::Command(arguments::remove_room),
    ),
    Verb::new(
        "#changeroom",
        "NAME [PASSWORD] [anon|regd]",
        "Takes you to another room.",
        "-1, -4, 3100, 3503, 3501, 3101, 0",
        Parse::Command(arguments::change_room),
    ),
    Verb::new(
        "#broadcast",
        "TEXT",
        "Says something to everybody in your room.",
        "-1, else only @mess",
        Parse::Command(arguments::broadcast),
    ),
    Verb::new(
        "#sendto",
        "USER TEXT",
        "Says something to one user of your room.",
        "-1, -4, -3, 0",
        Parse::Command(arguments::send_to),
    ),
    Verb::new(
        "#peer2peer",
        "USER PORT IP",
        "Offers a user an address to connect to.",
        "-1, -4, -3, 0",
        Parse::Command(arguments::peer_to_peer),
    ),
    Verb::new(
        "#history",
        "[N]",
        "Shows the last broadcasts of your room.",
        "-1, @ret",
        Parse::Command(arguments::history),
    )
    .extension(),
    Verb::new(
        "#kick",
        "USER",
        "Sends a user of your own room back to Home.",
        "-1, -4, 3103, -3, -1, 0",
        Parse::Command(arguments::kick),
    )
    .extension(),
    Verb::new(
        "#listgroups",
        "",
        "Lists the message groups.",
        "@ret",
        Parse::Alone(|| Command::ListGroups),
    ),
    Verb::new(
        "#creategroup",
        "NAME [PASSWORD] [anon|regd] [SECS]",
        "Makes a message group that is yours.",
        "-1, -4, 3501, -4, -2, 0",
        Parse::Command(arguments::create_group),
    ),
    Verb::new(
        "#joingroup",
        "NAME [PASSWORD]",
        "Joins a message group and leaves any other.",
        "-1, -4, -3, 3503, 3501, 3201, 0",
        Parse::Command(arguments::join_group),
    ),
    Verb::new(
        "#changegroup",
        "NAME [PASSWORD]",
        "Does the same as #joingroup.",
        "-1, -4, -3, 3503, 3501, 3201, 0",
        Parse::Command(arguments::join_group),
    ),
    Verb::new(
        "#leavegroup",
        "",
        "Leaves your message group.",
        "0",
        Parse::Alone(|| Command::LeaveGroup),
    ),
    Verb::new(
        "#rmgroup",
        "NAME [PASSWORD]",
        "Removes an empty message group of yours.",
        "-1, -4, -3, 3503, 3103, 3201, -5, 0",
        Parse::Command(arguments::remove_group),
    )
    .extension(),
    Verb::new(
        "#listmessages",
        "[PARENT]",
        "Lists the messages of your group, or the replies to one.",
        "-1, 3200, -3, 3503, @ret",
        Parse::Command(arguments::list_messages),
    ),
    Verb::new(
        "#getmessage",
        "ID",
        "Shows a message.",
        "-1, 3200, -3, 3503, @ret",
        Parse::Command(arguments::get_message),
    ),
    Verb::new(
        "#postmessage",
        "NAME [PARENT] [PARTS] [SECS]",
        "Posts the PARTS lines that follow as a message.",
        "-1, -4, 3200, -3, 3503, -2, 0",
        Parse::Post(arguments::post_message),
    ),
    Verb::new(
        "#rmmessage",
        "ID",
        "Removes a message of yours, or of your group, and its replies.",
        "-1, 3200, -3, 3503, 3103, 0",
        Parse::Command(arguments::remove_message),
    )
    .extension(),
    Verb::new(
        "#archstatus",
        "",
        "Gives a number that changes when a room is made or removed.",
        "@ret",
        Parse::Alone(|| Command::Number(Counter::Architecture)),
    ),
    Verb::new(
        "#roomstatus",
        "",
        "Gives a number that changes when a user enters or leaves any room.",
        "@ret",
        Parse::Alone(|| Command::Number(Counter::Room)),
    ),
    Verb::new(
        "#userstatus",
        "",
        "Gives a number that changes when a user enters or leaves your room.",
        "@ret",
        Parse::Alone(|| Command::Number(Counter::User)),
    ),
    Verb::new(
        "#groupstatus",
        "",
        "Gives a number that changes when a group is made or removed.",
        "@ret",
        Parse::Alone(|| Command::Number(Counter::Group)),
    ),
    Verb::new(
        "#messagestatus",
        "",
        "Gives a number that changes with the messages of your group.",
        "3200, @ret",
        Parse::Alone(|| Command::Number(Counter::Message)),
    ),
    Verb::new(
        "#help",
        "[COMMAND]",
        "Tells what you can type, or more about one command.",
        "-1, -3, @ret",
        Parse::Help,
    )
    .for_everybody()
    .extension(),
    Verb::new("#quit", "", "Leaves the server.", "0", Parse::Alone(|| Command::Quit))
        .for_everybody()
        .extension(),
];

/// A name as numbers, so that it is compared in one step.
struct Key {
    /// See [`ends`].
    ends: u128,
    /// The bit that makes a letter a small one, where there are letters.
    letters: u128,
}

/// The keys of [`VERBS`], in its order.
static KEYS: [Key; VERBS.len()] = {
    let mut keys = [const { Key { ends: 0, letters: 0 } }; VERBS.len()];
    let mut at = 0;
    while at < keys.len() {
        keys[at] = key(VERBS[at].name);
        at += 1;
    }
    keys
};

/// The place in [`VERBS`] of the one command whose name may be the one with this [`slot`].
static PLACES: [u8; SLOTS] = {
    let mut places = [u8::MAX; SLOTS];
    let mut at = 0;
    while at < KEYS.len() {
        let slot = slot(KEYS[at].ends);
        assert!(places[slot] == u8::MAX, "two names have one slot: take another SPREAD");
        places[slot] = at as u8;
        at += 1;
    }
    places
};

const SLOTS: usize = 256;

/// Gives each name a slot of its own; found by trying.
const SPREAD: u64 = 0x1027_c4d1_c386_bbc5;

/// What tells a small ASCII letter from a capital one.
const CASE: u8 = b'a' - b'A';

/// The same for all cases of a name's letters.
const fn slot(ends: u128) -> usize {
    let ends = ends | u128::from_le_bytes([CASE; 16]);
    let folded = ends as u64 ^ ((ends >> 64) as u64).rotate_left(7);
    (folded.wrapping_mul(SPREAD) >> 56) as usize
}

/// The command of that name, in any ASCII case.
#[must_use]
pub fn verb(name: &str) -> Option<&'static Verb> {
    let ends = ends(name.as_bytes())?;
    let place = usize::from(PLACES[slot(ends)]);
    let (key, verb) = (KEYS.get(place)?, &VERBS[place]);
    let is_it = ends | key.letters == key.ends && name.len() == verb.name.len();
    is_it.then_some(verb)
}

const fn key(name: &str) -> Key {
    let Some(ends) = ends(name.as_bytes()) else { panic!("a command's name has 4 to 16 bytes") };
    let mut letters = ends.to_le_bytes();
    let mut at = 0;
    while at < letters.len() {
        letters[at] = if letters[at].is_ascii_lowercase() { CASE } else { 0 };
        at += 1;
    }
    Key { ends, letters: u128::from_le_bytes(letters) }
}

/// The first and the last bytes of a name of 4 to 16 bytes, as many as there are of eight or four: with its length all
/// of it.
const fn ends(name: &[u8]) -> Option<u128> {
    if name.len() > 16 {
        return None;
    }
    let (first, last) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                (u32::from_le_bytes(*first) as u64, u32::from_le_bytes(*last) as u64)
            }
            _ => return None,
        },
    };
    Some(first as u128 | (last as u128) << 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of `docs/protocol.md`.
    fn table() -> String {
        let mut table = String::from(
            "| command | what it does | answers, in order of checks | before login | extension |\n\
             | --- | --- | --- | --- | --- |\n",
        );
        for verb in &VERBS {
            let words = verb.words.replace('|', "\\|");
            let usage = format!("{} {words}", verb.name);
            let before_login = if verb.serves == Serves::Everybody { "yes" } else { "" };
            let extension = if verb.origin == Origin::Extension { "yes" } else { "" };
            let cells = [
                &format!("`{}`", usage.trim_end()),
                verb.sentence,
                verb.answers,
                before_login,
                extension,
            ];
            table.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        table
    }

    #[test]
    fn the_protocol_page_has_exactly_this_table() {
        let page = include_str!("../../../docs/protocol.md");
        let table = table();
        assert!(page.contains(&table), "docs/protocol.md should have this table:\n{table}");
    }

    #[test]
    fn every_command_is_found_by_its_name_in_any_case() {
        for entry in &VERBS {
            assert!(std::ptr::eq(verb(entry.name).unwrap(), entry));
            assert!(std::ptr::eq(verb(&entry.name.to_ascii_uppercase()).unwrap(), entry));
            assert_eq!(entry.name, entry.name.to_ascii_lowercase());
        }
    }

    #[test]
    fn only_a_letter_stands_for_another() {
        for entry in &VERBS {
            for at in 0..entry.name.len() {
                for byte in 0..0x80 {
                    let mut name = entry.name.as_bytes().to_vec();
                    name[at] = byte;
                    let name = str::from_utf8(&name).unwrap();
                    let is_it = name.eq_ignore_ascii_case(entry.name);
                    assert_eq!(
                        verb(name).is_some_and(|it| std::ptr::eq(it, entry)),
                        is_it,
                        "{name:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_not_found() {
        let unknown = [
            "",
            "#",
            "login",
            "#logi",
            "#loginn",
            "#login\0",
            "#lo",
            "#logilogin",
            "#getmesssmessage",
            "#getmessagmessage",
            "#messagestatus12",
            "#messagestatus123",
        ];
        for word in unknown {
            assert!(verb(word).is_none(), "{word:?}");
        }
    }

    #[test]
    fn the_source_has_26_commands_and_this_server_adds_7() {
        let extensions = VERBS.iter().filter(|verb| verb.origin == Origin::Extension).count();
        assert_eq!((VERBS.len() - extensions, extensions), (26, 7));
    }

    #[test]
    fn strangers_are_served_four_commands() {
        let names: Vec<_> = VERBS
            .iter()
            .filter(|verb| verb.serves == Serves::Everybody)
            .map(|verb| verb.name)
            .collect();
        assert_eq!(names, ["#login", "#challenge", "#help", "#quit"]);
    }
}
