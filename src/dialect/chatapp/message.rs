//! Messages: a body as its five texts.
//!
//! Knows which keys a message has and that they are texts, not what they mean for the house.
//!
//! Invariant: a text has no control characters, so that none of them reaches the lines of another dialect.

use serde_json::{Map, Value};

use crate::dialect::chatapp::words::Flaw;
use crate::dialect::text::harmless;
use crate::limits::STAMP_BYTES_MAX;

/// A message.
#[derive(Clone, Debug)]
pub(super) struct Message(Map<String, Value>);

/// The kinds of messages, by what stands under `__type__`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Connection,
    CreateRoom,
    Join,
    Leave,
    Chat,
    Error,
}

impl Message {
    /// Reads a body. `None` if it is no JSON object.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return None };
        Some(Self(fields))
    }

    /// Its kind, if it has a known one.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self.0.get("__type__")?.as_str()? {
            "ConnectionMessage" => Some(Kind::Connection),
            "CreateRoomMessage" => Some(Kind::CreateRoom),
            "JoinMessage" => Some(Kind::Join),
            "LeaveMessage" => Some(Kind::Leave),
            "ChatMessage" => Some(Kind::Chat),
            "Error" => Some(Kind::Error),
            _ => None,
        }
    }

    /// The code of an error.
    pub(super) fn code(&self) -> Option<u64> {
        self.0.get("code")?.as_u64()
    }

    /// The text under a key, as it came. One that is missing or null, as the class of the document has it for what
    /// nobody set, is empty.
    pub(super) fn text(&self, key: &'static str) -> Result<&str, Flaw> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(Flaw::NoText(key))
            }
        }
    }

    /// The sender's own words for the time, if there are any that can be kept.
    pub(super) fn stamp(&self) -> Option<String> {
        let stamp = harmless(self.text("timestamp").ok()?);
        (1..=STAMP_BYTES_MAX).contains(&stamp.len()).then_some(stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> Message {
        Message::read(body.as_bytes()).unwrap()
    }

    #[test]
    fn only_a_json_object_is_a_message() {
        let bad =
            ["", "x", "[]", "1", "null", "\"a\"", "{", "{}}", "{\"a\":1,}", "{'a':1}", "{\"a\"}"];
        for body in bad {
            assert!(Message::read(body.as_bytes()).is_none(), "{body}");
        }
        let odd: [&[u8]; 4] =
            [b"{\"a\":\"\xff\"}", b"{\"a\":\"\\ud800\"}", b"{\"a\":\"\n\"}", b"\xef\xbb\xbf{}"];
        for body in odd {
            assert!(Message::read(body).is_none(), "{body:?}");
        }
        assert!(Message::read(b" {} \r\n").is_some());
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(900), "]".repeat(900));
        assert!(
            Message::read(deep.as_bytes()).is_none(),
            "and nothing that is nested beyond reason"
        );
    }

    #[test]
    fn what_is_missing_or_null_is_empty_and_what_is_no_text_is_a_flaw() {
        let message = message(r#"{"sender":null,"data":"x","dest":1,"timestamp":["y"],"more":{}}"#);
        assert_eq!(message.text("sender"), Ok(""));
        assert_eq!(message.text("data"), Ok("x"));
        assert_eq!(message.text("__type__"), Ok(""));
        assert_eq!(message.text("dest"), Err(Flaw::NoText("dest")));
        assert_eq!((message.kind(), message.stamp(), message.code()), (None, None, None));
    }

    #[test]
    fn a_stamp_of_64_bytes_is_kept_and_of_65_is_not() {
        let stamp = |stamp: &str| message(&format!(r#"{{"timestamp":{stamp:?}}}"#)).stamp();
        assert_eq!(stamp("x"), Some("x".to_owned()));
        assert_eq!(stamp("01/02/2026\n03:04:05"), Some("01/02/2026 03:04:05".to_owned()));
        assert_eq!(stamp(&"x".repeat(64)), Some("x".repeat(64)));
        assert_eq!(stamp(&"x".repeat(65)), None);
        assert_eq!(stamp(""), None);
    }

    #[test]
    fn of_a_key_that_comes_twice_the_last_counts() {
        assert_eq!(message(r#"{"data":"a","data":"b"}"#).text("data"), Ok("b"));
    }
}
