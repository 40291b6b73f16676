//! An export, line by line: how each record is written as one JSON object.
//!
//! | `record` | fields |
//! | --- | --- |
//! | `mecd-export` | `version`, `clock_ms` (the server's clock); the first line |
//! | `account` | `person`, `name`, `password` (or `salt` and `argon2id` in hex), `real_name`, `email` |
//! | `room` | `no`, `name`, `owner`, `password` (empty: public), `admits` (`anon`, `regd` or `invited`), `lifetime` (`long` where `rooms.expire_seconds_other` holds, else absent), `empty_ms` (how long nobody has been in it) |
//! | `group` | `no`, `name`, `owner`, `password`, `admits`, `left_ms` (until it ends), `next_message` (the number its next message gets) |
//! | `message` | `group`, `id`, `parent` (0: none), `name`, `poster`, `left_ms` (only without a parent), `text` (an array of lines) |
//! | `line` | `room` (0: `Home`), `line` (its number there), `time` (seconds since 1970), `sender`, `text`, `stamp` (the time as its sender wrote it, if one did) |
//! | `nickname` | `person`, `nickname`; behind the accounts |
//! | `member` | `room` (0: `Home`), `person`; behind the rooms |
//! | `letter` | `to` (an account's person), `no`, `time` (seconds since 1970), `sender`, `text` |
//! | `invitation` | the same with `room` (its name) instead of `text` |
//! | `counters` | `next_status`, `next_person`, `next_room`, `next_group`; the last line, so that a file that was cut short is known |
//!
//! An `owner`, a `poster` or the `sender` of a letter is an object of `person` and `name`: an account's number, or one
//! that will never be anybody's again. Fields always come in this order. Times are distances from the clock, so that
//! they mean the same elsewhere.

use crate::core::command::Admits;
use crate::core::manner::Lifetime;
use crate::core::record::{Counters, Owner, Record, Secret};

/// The word of the first line.
pub(super) const FORMAT: &str = "mecd-export";

/// Changes with every change of the lines that an older program would misread.
pub(super) const VERSION: u64 = 1;

/// Appends the first line.
pub(super) fn write_header(out: &mut Vec<u8>, clock: u64) {
    Line::begin(out, FORMAT).number("version", VERSION).number("clock_ms", clock).end();
}

/// Appends the line of a record that [`crate::core::House::export`] gives; nothing for the others, which are changes.
pub(super) fn write_record(out: &mut Vec<u8>, record: &Record<'_>, clock: u64) {
    let left = |deadline: u64| deadline.saturating_sub(clock);
    match record {
        Record::Account { person, name, secret, real_name, email } => {
            let line = Line::begin(out, "account").number("person", person.0.into());
            let line = line.text("name", name.as_str()).secret(secret);
            line.text("real_name", real_name).text("email", email).end();
        }
        Record::Room { no, name, owner, password, admits, lifetime, idle_since } => {
            let line = Line::begin(out, "room").number("no", (*no).into());
            let line = line.text("name", name.as_str()).person("owner", owner);
            let line = line.text("password", password).admits(*admits);
            let line = match lifetime {
                Lifetime::Short => line,
                Lifetime::Long => line.text("lifetime", "long"),
            };
            line.number("empty_ms", idle_since.map_or(0, |since| clock.saturating_sub(since)))
                .end();
        }
        Record::Group { no, name, owner, password, admits, deadline, next_message } => {
            let line = Line::begin(out, "group").number("no", (*no).into());
            let line = line.text("name", name.as_str()).person("owner", owner);
            let line = line.text("password", password).admits(*admits);
            line.number("left_ms", left(*deadline))
                .number("next_message", (*next_message).into())
                .end();
        }
        Record::Message { group, id, parent, name, poster, deadline, text, .. } => {
            let line = Line::begin(out, "message").number("group", (*group).into());
            let line = line.number("id", (*id).into()).number("parent", (*parent).into());
            let line = line.text("name", name.as_str()).person("poster", poster);
            // A reply has no time of its own.
            let line = if *parent == 0 { line.number("left_ms", left(*deadline)) } else { line };
            line.lines("text", text).end();
        }
        Record::Line { room, line: no, time, sender, text, stamp } => {
            let line = Line::begin(out, "line").number("room", (*room).into());
            let line = line.number("line", (*no).into()).number("time", *time);
            let line = line.text("sender", sender.as_str()).text("text", text);
            match stamp {
                Some(stamp) => line.text("stamp", stamp).end(),
                None => line.end(),
            }
        }
        Record::Nickname { .. }
        | Record::Joined { .. }
        | Record::Letter { .. }
        | Record::Invitation { .. } => write_belonging(out, record),
        Record::Counters(counters) => write_counters(out, counters),
        Record::Parted { .. }
        | Record::LettersGiven { .. }
        | Record::Password { .. }
        | Record::AccountRemoved { .. }
        | Record::RoomIdle { .. }
        | Record::RoomRemoved { .. }
        | Record::GroupRemoved { .. }
        | Record::MessageRemoved { .. } => {}
    }
}

/// What is kept for an account beside itself.
fn write_belonging(out: &mut Vec<u8>, record: &Record<'_>) {
    match record {
        Record::Nickname { person, nickname } => {
            let line = Line::begin(out, "nickname").number("person", person.0.into());
            line.text("nickname", nickname).end();
        }
        Record::Joined { room, person } => {
            let line = Line::begin(out, "member").number("room", (*room).into());
            line.number("person", person.0.into()).end();
        }
        Record::Letter { to, no, time, sender, text } => {
            let line = Line::begin(out, "letter").number("to", to.0.into());
            let line = line.number("no", (*no).into()).number("time", *time);
            line.person("sender", sender).text("text", text).end();
        }
        Record::Invitation { to, no, time, sender, room } => {
            let line = Line::begin(out, "invitation").number("to", to.0.into());
            let line = line.number("no", (*no).into()).number("time", *time);
            line.person("sender", sender).text("room", room.as_str()).end();
        }
        _ => unreachable!("only what belongs to an account comes here"),
    }
}

/// The clock is in the first line already.
fn write_counters(out: &mut Vec<u8>, counters: &Counters) {
    Line::begin(out, "counters")
        .number("next_status", counters.stamps.into())
        .number("next_person", counters.next_person.into())
        .number("next_room", counters.next_room.into())
        .number("next_group", counters.next_group.into())
        .end();
}

/// How the export says who may enter.
pub(super) fn admits_word(admits: Admits) -> &'static str {
    match admits {
        Admits::Anonymous => "anon",
        Admits::Registered => "regd",
        Admits::Invited => "invited",
    }
}

/// One JSON object, field by field.
struct Line<'o>(&'o mut Vec<u8>);

impl<'o> Line<'o> {
    fn begin(out: &'o mut Vec<u8>, record: &str) -> Self {
        out.push(b'{');
        json_text(out, "record");
        out.push(b':');
        json_text(out, record);
        Self(out)
    }

    fn key(self, key: &str) -> Self {
        self.0.push(b',');
        json_text(self.0, key);
        self.0.push(b':');
        self
    }

    fn text(self, key: &str, text: &str) -> Self {
        let line = self.key(key);
        json_text(line.0, text);
        line
    }

    fn number(self, key: &str, number: u64) -> Self {
        let line = self.key(key);
        line.0.extend_from_slice(number.to_string().as_bytes());
        line
    }

    fn person(self, key: &str, owner: &Owner) -> Self {
        let line = self.key(key);
        line.0.extend_from_slice(format!("{{\"person\":{},\"name\":", owner.person.0).as_bytes());
        json_text(line.0, owner.name.as_str());
        line.0.push(b'}');
        line
    }

    fn admits(self, admits: Admits) -> Self {
        self.text("admits", admits_word(admits))
    }

    fn secret(self, secret: &Secret<'_>) -> Self {
        match secret {
            Secret::Recoverable(password) => self.text("password", password),
            Secret::Hashed { salt, hash } => {
                self.text("salt", &hex(salt)).text("argon2id", &hex(hash))
            }
        }
    }

    /// A text of lines, each with a `\n` behind it, as an array.
    fn lines(self, key: &str, text: &str) -> Self {
        let line = self.key(key);
        let mut before = b'[';
        for part in text.split_terminator('\n') {
            line.0.push(before);
            json_text(line.0, part);
            before = b',';
        }
        let end: &[u8] = if before == b'[' { b"[]" } else { b"]" };
        line.0.extend_from_slice(end);
        line
    }

    fn end(self) {
        self.0.extend_from_slice(b"}\n");
    }
}

fn json_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a text can always be written to memory");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::name::{ItemName, UserName};
    use crate::core::record::PersonNo;

    fn written(record: &Record<'_>) -> String {
        let mut out = Vec::new();
        write_record(&mut out, record, 1000);
        String::from_utf8(out).unwrap()
    }

    fn message(parent: u32, text: &str) -> String {
        let amy = UserName::new("amy").unwrap();
        written(&Record::Message {
            group: 1,
            id: 2,
            parent,
            name: ItemName::new("a \"b\"").unwrap(),
            poster: Owner { person: PersonNo(3), name: amy },
            deadline: 1500,
            parts: 9,
            text,
        })
    }

    #[test]
    fn a_message_is_one_readable_line() {
        let expected = r#"{"record":"message","group":1,"id":2,"parent":0,"name":"a \"b\"","#
            .to_owned()
            + r#""poster":{"person":3,"name":"amy"},"left_ms":500,"text":["x\ty",""]}"#
            + "\n";
        assert_eq!(message(0, "x\ty\n\n"), expected);
    }

    #[test]
    fn a_reply_has_no_time_and_a_text_may_have_no_lines() {
        let line = message(1, "");
        assert!(line.ends_with("\"text\":[]}\n") && !line.contains("left_ms"), "{line}");
        assert!(message(1, "\n").ends_with("\"text\":[\"\"]}\n"));
    }

    #[test]
    fn a_hash_is_written_in_hex() {
        let line = written(&Record::Account {
            person: PersonNo(1),
            name: UserName::new("amy").unwrap(),
            secret: Secret::Hashed { salt: [0xab; 16], hash: [1; 32] },
            real_name: "Amy",
            email: "a@b",
        });
        let hash = format!("\"salt\":\"{}\",\"argon2id\":\"{}\"", "ab".repeat(16), "01".repeat(32));
        assert!(line.contains(&hash), "{line}");
    }
}
