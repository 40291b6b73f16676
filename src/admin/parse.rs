//! An export read back: from one line to a record, with every bound checked that the protocol would have checked.
//!
//! Knows one line at a time; whether lines agree with each other is the house's to say
//! ([`crate::core::House::agrees`]). A fault is a sentence that names the field and never says what stood in it.

use serde_json::{Map, Value};

use crate::admin::line::{FORMAT, VERSION, admits_word};
use crate::core::command::{Admits, Nickname, Password};
use crate::core::manner::Lifetime;
use crate::core::name::{ItemName, UserName};
use crate::core::record::{Counters, Owner, PersonNo, Record, Secret};
use crate::limits::{
    BODY_BYTES_MAX, LETTER_NO_MAX, MILLISECONDS_MAX, NUMBER_MAX, SAID_BYTES_MAX, SECRET_BYTES_MAX,
    STAMP_BYTES_MAX,
};

/// A line as it was parsed, and the text of a message put together again.
#[derive(Default)]
pub(super) struct Parsed {
    fields: Map<String, Value>,
    text: String,
}

impl Parsed {
    /// Takes a line apart.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn parse(&mut self, line: &[u8]) -> Result<(), String> {
        let value = serde_json::from_slice(line);
        let value = value.map_err(|error| format!("no JSON, from column {}", error.column()))?;
        let Value::Object(fields) = value else { return Err("no JSON object".into()) };
        self.fields = fields;
        Ok(())
    }

    /// The first line: the clock.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn header(&self) -> Result<u64, String> {
        let mut fields = Fields::new(&self.fields);
        if fields.text("record") != Ok(FORMAT) {
            return Err(format!("the first line of an export has the record {FORMAT:?}"));
        }
        let version = fields.number("version", 0, u64::MAX)?;
        if version != VERSION {
            return Err(format!(
                "the export has version {version}, which this program cannot read"
            ));
        }
        let clock = fields.number("clock_ms", 0, MILLISECONDS_MAX)?;
        fields.end()?;
        Ok(clock)
    }

    /// Any other line.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn record(&mut self, clock: u64) -> Result<Record<'_>, String> {
        let mut fields = Fields::new(&self.fields);
        let record = match fields.text("record")? {
            "account" => account(&mut fields)?,
            "room" => room(&mut fields, clock)?,
            "group" => group(&mut fields, clock)?,
            "message" => message(&mut fields, clock, &mut self.text)?,
            "line" => line(&mut fields)?,
            "nickname" => nickname(&mut fields)?,
            "member" => member(&mut fields)?,
            "letter" => letter(&mut fields)?,
            "invitation" => invitation(&mut fields)?,
            "counters" => counters(&mut fields, clock)?,
            other => return Err(format!("there is no record {other:?}")),
        };
        fields.end()?;
        Ok(record)
    }
}

fn account<'a>(fields: &mut Fields<'a>) -> Result<Record<'a>, String> {
    Ok(Record::Account {
        person: fields.person_no("person")?,
        name: fields.user_name("name")?,
        secret: fields.secret()?,
        real_name: fields.personal("real_name")?,
        email: fields.personal("email")?,
    })
}

fn room<'a>(fields: &mut Fields<'a>, clock: u64) -> Result<Record<'a>, String> {
    Ok(Record::Room {
        no: fields.no("no")?,
        name: fields.item_name("name")?,
        owner: fields.owner("owner")?,
        password: fields.door_password()?,
        admits: fields.admits()?,
        lifetime: fields.lifetime()?,
        idle_since: Some(clock.saturating_sub(fields.number("empty_ms", 0, MILLISECONDS_MAX)?)),
    })
}

fn group<'a>(fields: &mut Fields<'a>, clock: u64) -> Result<Record<'a>, String> {
    Ok(Record::Group {
        no: fields.no("no")?,
        name: fields.item_name("name")?,
        owner: fields.owner("owner")?,
        password: fields.door_password()?,
        admits: fields.admits()?,
        deadline: clock + fields.number("left_ms", 0, MILLISECONDS_MAX)?,
        next_message: fields.small("next_message", 1, u32::MAX.into())?,
    })
}

fn message<'a>(
    fields: &mut Fields<'a>,
    clock: u64,
    text: &'a mut String,
) -> Result<Record<'a>, String> {
    let parent = fields.small("parent", 0, NUMBER_MAX)?;
    let deadline =
        if parent == 0 { clock + fields.number("left_ms", 0, MILLISECONDS_MAX)? } else { 0 };
    let parts = fields.lines("text", text)?;
    Ok(Record::Message {
        group: fields.no("group")?,
        id: fields.no("id")?,
        parent,
        name: fields.item_name("name")?,
        poster: fields.owner("poster")?,
        deadline,
        parts,
        text,
    })
}

fn line<'a>(fields: &mut Fields<'a>) -> Result<Record<'a>, String> {
    let text = fields.text("text")?;
    if text.is_empty() {
        return Err("\"text\" is empty".into());
    }
    Ok(Record::Line {
        room: fields.small("room", 0, NUMBER_MAX)?,
        line: fields.small("line", 0, NUMBER_MAX)?,
        time: fields.number("time", 0, MILLISECONDS_MAX)?,
        sender: fields.user_name("sender")?,
        text: checked_text("text", text)?,
        stamp: fields.stamp()?,
    })
}

fn nickname<'a>(fields: &mut Fields<'a>) -> Result<Record<'a>, String> {
    let person = fields.person_no("person")?;
    let nickname = fields.text("nickname")?;
    if nickname.is_empty() || Nickname::new(nickname).is_err() {
        return Err("\"nickname\" is no nickname".into());
    }
    Ok(Record::Nickname { person, nickname })
}

fn member<'a>(fields: &mut Fields<'a>) -> Result<Record<'a>, String> {
    let room = fields.small("room", 0, NUMBER_MAX)?;
    Ok(Record::Joined { room, person: fields.person_no("person")? })
}

fn letter<'a>(fields: &mut Fields<'a>) -> Result<Record<'a>, String> {
    let text = fields.text("text")?;
    if text.is_empty() {
        return Err("\"text\" is empty".into());
    }
    Ok(Record::Letter {
        to: fields.person_no("to")?,
        no: fields.small("no", 1, LETTER_NO_MAX)?,
        time: fields.number("time", 0, MILLISECONDS_MAX)?,
        sender: fields.owner("sender")?,
        text: checked_text("text", text)?,
    })
}

fn invitation<'a>(fields: &mut Fields<'a>) -> Result<Record<'a>, String> {
    Ok(Record::Invitation {
        to: fields.person_no("to")?,
        no: fields.small("no", 1, LETTER_NO_MAX)?,
        time: fields.number("time", 0, MILLISECONDS_MAX)?,
        sender: fields.owner("sender")?,
        room: fields.item_name("room")?,
    })
}

fn counters(fields: &mut Fields<'_>, clock: u64) -> Result<Record<'static>, String> {
    Ok(Record::Counters(Counters {
        clock,
        stamps: fields.small("next_status", 1, i32::MAX as u64)?,
        next_person: fields.small("next_person", 1, u32::MAX.into())?,
        next_room: fields.small("next_room", 1, u32::MAX.into())?,
        next_group: fields.small("next_group", 1, u32::MAX.into())?,
    }))
}

/// The fields of an object. Each is asked for once; what is left at the end is a fault.
struct Fields<'a> {
    map: &'a Map<String, Value>,
    asked: heapless::Vec<&'static str, 16>,
}

impl<'a> Fields<'a> {
    fn new(map: &'a Map<String, Value>) -> Self {
        Self { map, asked: heapless::Vec::new() }
    }

    fn end(self) -> Result<(), String> {
        match self.map.keys().find(|key| !self.asked.contains(&key.as_str())) {
            Some(key) => Err(format!("there is no field {key:?} in this record")),
            None => Ok(()),
        }
    }

    fn value(&mut self, key: &'static str) -> Result<&'a Value, String> {
        self.asked.push(key).expect("no record has so many fields");
        self.map.get(key).ok_or_else(|| format!("{key:?} is missing"))
    }

    fn text(&mut self, key: &'static str) -> Result<&'a str, String> {
        self.value(key)?.as_str().ok_or_else(|| format!("{key:?} is no text"))
    }

    fn number(&mut self, key: &'static str, least: u64, most: u64) -> Result<u64, String> {
        let number = self.value(key)?.as_u64().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| format!("{key:?} is no number from {least} to {most}"))
    }

    fn small(&mut self, key: &'static str, least: u64, most: u64) -> Result<u32, String> {
        let number = self.number(key, least, most)?;
        Ok(u32::try_from(number).expect("the bounds are within 32 bits"))
    }

    fn no(&mut self, key: &'static str) -> Result<u32, String> {
        self.small(key, 1, NUMBER_MAX)
    }

    fn person_no(&mut self, key: &'static str) -> Result<PersonNo, String> {
        self.no(key).map(PersonNo)
    }

    fn user_name(&mut self, key: &'static str) -> Result<UserName, String> {
        UserName::new(self.text(key)?).map_err(|_| format!("{key:?} is no name for a user"))
    }

    fn item_name(&mut self, key: &'static str) -> Result<ItemName, String> {
        ItemName::new(self.text(key)?).map_err(|_| format!("{key:?} is no valid name"))
    }

    fn owner(&mut self, key: &'static str) -> Result<Owner, String> {
        let Value::Object(map) = self.value(key)? else {
            return Err(format!("{key:?} is no object"));
        };
        let mut fields = Fields::new(map);
        let inside = |fault| format!("in {key:?}: {fault}");
        let person = fields.person_no("person").map_err(inside)?;
        let name = fields.user_name("name").map_err(inside)?;
        fields.end().map_err(inside)?;
        Ok(Owner { person, name })
    }

    /// A password as it is, or a hash and its salt.
    fn secret(&mut self) -> Result<Secret<'a>, String> {
        if self.map.contains_key("argon2id") {
            let (salt, hash) = (self.bytes("salt")?, self.bytes("argon2id")?);
            return Ok(Secret::Hashed { salt, hash });
        }
        let password = self.text("password")?;
        Password::new(password).map_err(|_| bytes_rule("password", 1, SECRET_BYTES_MAX))?;
        Ok(Secret::Recoverable(password))
    }

    fn door_password(&mut self) -> Result<&'a str, String> {
        let password = self.text("password")?;
        if password.len() > SECRET_BYTES_MAX {
            return Err(bytes_rule("password", 0, SECRET_BYTES_MAX));
        }
        Ok(password)
    }

    /// A real name or an e-mail address.
    fn personal(&mut self, key: &'static str) -> Result<&'a str, String> {
        let text = self.text(key)?;
        if !(1..=SECRET_BYTES_MAX).contains(&text.len()) {
            return Err(bytes_rule(key, 1, SECRET_BYTES_MAX));
        }
        if text.contains(char::is_control) {
            return Err(format!("{key:?} has a control character"));
        }
        Ok(text)
    }

    fn admits(&mut self) -> Result<Admits, String> {
        let word = self.text("admits")?;
        let found = [Admits::Anonymous, Admits::Registered, Admits::Invited]
            .into_iter()
            .find(|&admits| admits_word(admits) == word);
        found.ok_or_else(|| "\"admits\" is not \"anon\", \"regd\" or \"invited\"".to_owned())
    }

    /// Rooms of the MEC protocol do not say it.
    fn lifetime(&mut self) -> Result<Lifetime, String> {
        match self.optional_text("lifetime")? {
            None => Ok(Lifetime::Short),
            Some("long") => Ok(Lifetime::Long),
            Some(_) => Err("\"lifetime\" is not \"long\"".to_owned()),
        }
    }

    fn stamp(&mut self) -> Result<Option<&'a str>, String> {
        match self.optional_text("stamp")? {
            Some(stamp) if stamp.len() > STAMP_BYTES_MAX => {
                Err(format!("\"stamp\" is longer than {STAMP_BYTES_MAX} bytes"))
            }
            stamp => stamp.map(|stamp| checked_text("stamp", stamp)).transpose(),
        }
    }

    fn optional_text(&mut self, key: &'static str) -> Result<Option<&'a str>, String> {
        if self.map.contains_key(key) { self.text(key).map(Some) } else { Ok(None) }
    }

    fn bytes<const N: usize>(&mut self, key: &'static str) -> Result<[u8; N], String> {
        let digits = self.text(key)?;
        let wrong = || format!("{key:?} is not {} hex digits", 2 * N);
        if digits.len() != 2 * N || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut bytes = [0; N];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).map_err(|_| wrong())?;
        }
        Ok(bytes)
    }

    /// Puts an array of lines into `text`, each with a `\n` behind it, and says how many they are.
    fn lines(&mut self, key: &'static str, text: &mut String) -> Result<u32, String> {
        let Value::Array(lines) = self.value(key)? else {
            return Err(format!("{key:?} is no array"));
        };
        text.clear();
        for line in lines {
            let line = line.as_str().ok_or_else(|| format!("a line of {key:?} is no text"))?;
            text.push_str(checked_text(key, line)?);
            text.push('\n');
            if text.len() > BODY_BYTES_MAX {
                return Err(format!("{key:?} has more than {BODY_BYTES_MAX} bytes"));
            }
        }
        Ok(u32::try_from(lines.len()).expect("each line has a byte of a bounded text"))
    }
}

/// What may have come over the wire as one line.
fn checked_text<'a>(key: &str, text: &'a str) -> Result<&'a str, String> {
    if text.len() > SAID_BYTES_MAX {
        return Err(format!("a line of {key:?} has more than {SAID_BYTES_MAX} bytes"));
    }
    if text.contains(|c: char| c.is_control() && c != '\t') {
        return Err(format!("{key:?} has a control character"));
    }
    Ok(text)
}

fn bytes_rule(key: &str, least: usize, most: usize) -> String {
    format!("{key:?} has not {least} to {most} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::line::{write_header, write_record};

    const CLOCK: u64 = 5000;

    const LINES: [&str; 14] = [
        r#"{"record":"account","person":1,"name":"amy","password":"geheim","real_name":"A","email":"-"}"#,
        r#"{"record":"account","person":2,"name":"bob","salt":"000102030405060708090a0b0c0d0e0f","argon2id":"000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f","real_name":"B","email":"-"}"#,
        r#"{"record":"room","no":1,"name":"go","owner":{"person":1,"name":"amy"},"password":"","admits":"regd","empty_ms":20}"#,
        r#"{"record":"group","no":1,"name":"go","owner":{"person":1,"name":"amy"},"password":"p","admits":"anon","left_ms":30,"next_message":5}"#,
        r#"{"record":"message","group":1,"id":1,"parent":0,"name":"x y","poster":{"person":9,"name":"eve"},"left_ms":7,"text":["a","","b"]}"#,
        r#"{"record":"message","group":1,"id":2,"parent":1,"name":"x y","poster":{"person":9,"name":"eve"},"text":[]}"#,
        r#"{"record":"line","room":0,"line":4,"time":1800000000,"sender":"eve","text":"hé \"x\""}"#,
        r#"{"record":"nickname","person":1,"nickname":"Amy É."}"#,
        r#"{"record":"member","room":0,"person":1}"#,
        r#"{"record":"letter","to":1,"no":3,"time":1800000000,"sender":{"person":9,"name":"eve"},"text":"hé \"x\""}"#,
        r#"{"record":"invitation","to":1,"no":4,"time":1800000000,"sender":{"person":9,"name":"eve"},"room":"go"}"#,
        r#"{"record":"counters","next_status":70000,"next_person":10,"next_room":2,"next_group":2}"#,
        r#"{"record":"room","no":2,"name":"den","owner":{"person":1,"name":"amy"},"password":"","admits":"invited","lifetime":"long","empty_ms":0}"#,
        r#"{"record":"line","room":2,"line":5,"time":1800000000,"sender":"eve","text":"x","stamp":"half past \"9\""}"#,
    ];

    /// Fields that a record need not have.
    const OPTIONAL: [&str; 2] = ["lifetime", "stamp"];

    fn fault(line: &str) -> Option<String> {
        let mut parsed = Parsed::default();
        parsed.parse(line.as_bytes()).and_then(|()| parsed.record(CLOCK).map(drop)).err()
    }

    #[test]
    fn every_line_is_written_as_it_was_read() {
        let mut parsed = Parsed::default();
        for line in LINES {
            parsed.parse(line.as_bytes()).unwrap();
            let mut out = Vec::new();
            write_record(&mut out, &parsed.record(CLOCK).unwrap(), CLOCK);
            assert_eq!(String::from_utf8(out).unwrap().trim_end(), line);
        }
        let mut out = Vec::new();
        write_header(&mut out, CLOCK);
        parsed.parse(&out).unwrap();
        assert_eq!(parsed.header(), Ok(CLOCK));
    }

    #[test]
    fn a_field_that_is_missing_or_unknown_is_named() {
        for line in LINES {
            let Ok(Value::Object(whole)) = serde_json::from_str(line) else { panic!("{line}") };
            for key in whole.keys() {
                let mut less = whole.clone();
                less.remove(key);
                let fault = fault(&Value::Object(less).to_string());
                if OPTIONAL.contains(&key.as_str()) {
                    assert_eq!(fault, None, "{key}");
                    continue;
                }
                let fault = fault.unwrap();
                // Without its hash an account is one that has to have a password.
                let named = if key == "argon2id" { "password" } else { key };
                assert!(fault.contains(named), "{key}: {fault}");
            }
            let mut more = whole.clone();
            more.insert("colour".into(), "blue".into());
            assert!(fault(&Value::Object(more).to_string()).unwrap().contains("colour"));
        }
    }

    #[test]
    fn what_the_protocol_would_refuse_is_refused() {
        let long = format!("\"{}\"", "x".repeat(SAID_BYTES_MAX + 1));
        let long_stamp = format!("half{}", "x".repeat(STAMP_BYTES_MAX - 9));
        let body = format!("[{}\"\"]", format!("\"{}\",", "x".repeat(999)).repeat(1049));
        let table = [
            (0, "\"geheim\"", "\"\""),
            (0, "\"amy\"", "\"a my\""),
            (0, "\"A\"", "\"a\\tb\""),
            (0, "\"person\":1", "\"person\":0"),
            (0, "\"person\":1", "\"person\":4294967295"),
            (0, "\"person\":1", "\"person\":1.5"),
            (1, "\"000102030405060708090a0b0c0d0e0f\"", "\"+00102030405060708090a0b0c0d0e0f\""),
            (2, "\"go\"", "\"\\u0007\""),
            (2, "\"regd\"", "\"all\""),
            (2, "\"no\":1", "\"no\":0"),
            (3, "\"next_message\":5", "\"next_message\":0"),
            (3, "30", "9007199254740993"),
            (4, "[\"a\",\"\",\"b\"]", "\"a\""),
            (4, "\"b\"", "\"b\\n\""),
            (4, "\"b\"", &long),
            (4, "[\"a\",\"\",\"b\"]", &body),
            (5, "[]", "[1]"),
            (6, "\"hé \\\"x\\\"\"", "\"\""),
            (7, "Amy É.", ""),
            (7, "Amy É.", "a\\nb"),
            (8, "\"person\":1", "\"person\":0"),
            (9, "\"no\":3", "\"no\":0"),
            (9, "\"hé \\\"x\\\"\"", "\"\""),
            (10, "\"go\"", "\"\""),
            (11, "70000", "2147483648"),
            (12, "\"invited\"", "\"friends\""),
            (12, "\"long\"", "\"short\""),
            (12, "\"long\"", "\"\""),
            (12, "\"long\"", "7"),
            (13, "half", &long_stamp),
            (13, "half", "a\\nb"),
            (13, "\"half past \\\"9\\\"\"", "null"),
        ];
        for (line, old, new) in table {
            let changed = LINES[line].replacen(old, new, 1);
            assert_ne!(changed, LINES[line], "{old}");
            assert!(fault(&changed).is_some(), "{line} {old}");
        }
        for line in ["", "[]", "{}", "{\"record\":\"x\"}", "{\"record\":1}", "null", "{"] {
            assert!(fault(line).is_some(), "{line}");
        }
    }

    #[test]
    fn a_fault_never_says_a_password() {
        for (old, new) in [("\"A\"", "\"\""), ("\"geheim\"", "[\"geheim\"]"), ("}", "")] {
            let fault = fault(&LINES[0].replacen(old, new, 1)).unwrap();
            assert!(!fault.contains("geheim"), "{fault}");
        }
    }
}
