//! Objects: what a client has sent, as far as it has a meaning.
//!
//! Keys are matched without regard to ASCII case; what has no meaning here is read over. A key that comes twice, an
//! invalid text, and anything behind the object make it no object. Knows no commands.

use std::collections::BTreeSet;
use std::fmt;

use serde_core::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use crate::dialect::text::harmless;

/// The fields that have a meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    /// `Command`
    Command,
    /// `From`
    From,
    /// `To`
    To,
    /// `Type`
    Type,
    /// `Message`
    Message,
    /// `Username`
    Username,
    /// `Password`
    Password,
    /// `Nickname`
    Nickname,
    /// `Status`
    Status,
    /// `User`
    User,
    /// `Group`
    Group,
    /// `N`
    N,
    /// `Since`
    Since,
}

impl Field {
    const COUNT: usize = 13;

    /// All of them, each at its number.
    pub(super) const ALL: [Self; Self::COUNT] = [
        Self::Command,
        Self::From,
        Self::To,
        Self::Type,
        Self::Message,
        Self::Username,
        Self::Password,
        Self::Nickname,
        Self::Status,
        Self::User,
        Self::Group,
        Self::N,
        Self::Since,
    ];

    /// As the server writes it.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Command => "Command",
            Self::From => "From",
            Self::To => "To",
            Self::Type => "Type",
            Self::Message => "Message",
            Self::Username => "Username",
            Self::Password => "Password",
            Self::Nickname => "Nickname",
            Self::Status => "Status",
            Self::User => "User",
            Self::Group => "Group",
            Self::N => "N",
            Self::Since => "Since",
        }
    }
}

/// What stands behind a key. Wiped when dropped: it may be a password.
#[derive(Debug)]
enum Value {
    Text(Zeroizing<String>),
    /// A number that is not negative, without its fraction.
    Number(u64),
    /// `null`, which is as if the key were not there.
    Null,
    /// Anything else.
    Other,
}

/// What is wrong with a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// It is not there.
    Missing(Field),
    /// It is not of its kind.
    Kind(Field),
}

/// The bytes are not one JSON object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NoObject;

/// An object.
#[derive(Default)]
pub(super) struct Object([Option<Value>; Field::COUNT]);

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Object")
    }
}

impl Object {
    /// Reads an object.
    ///
    /// # Errors
    /// [`NoObject`]
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, NoObject> {
        // The texts that are read over have to be UTF-8 too.
        let text = std::str::from_utf8(bytes).map_err(|_| NoObject)?;
        serde_json::from_str(text).map_err(|_| NoObject)
    }

    fn value(&self, field: Field) -> Option<&Value> {
        self.0[field as usize].as_ref()
    }

    /// A text that may be missing.
    ///
    /// # Errors
    /// [`Wrong::Kind`]
    pub(super) fn optional_text(&self, field: Field) -> Result<Option<&str>, Wrong> {
        match self.value(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Number(_) | Value::Other) => Err(Wrong::Kind(field)),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// [`Wrong`]
    pub(super) fn text(&self, field: Field) -> Result<&str, Wrong> {
        self.optional_text(field)?.ok_or(Wrong::Missing(field))
    }

    /// A number that may be missing.
    ///
    /// # Errors
    /// [`Wrong::Kind`]
    pub(super) fn optional_number(&self, field: Field) -> Result<Option<u64>, Wrong> {
        match self.value(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => Ok(Some(*number)),
            Some(Value::Text(_) | Value::Other) => Err(Wrong::Kind(field)),
        }
    }

    /// Takes control characters out of a text; line ends and tabs become blanks.
    pub(super) fn clean(&mut self, field: Field) {
        if let Some(Value::Text(text)) = &mut self.0[field as usize]
            && text.contains(char::is_control)
        {
            **text = harmless(text);
        }
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor)
    }
}

/// What is no object is so for one reason: nobody is told what it was instead, which would need all that it takes to
/// write down any value.
fn no_object<T, E: Error>() -> Result<T, E> {
    Err(E::custom("no object"))
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Object, E> {
        no_object()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Object, E> {
        no_object()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Object, E> {
        no_object()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Object, E> {
        no_object()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Object, E> {
        no_object()
    }

    fn visit_unit<E: Error>(self) -> Result<Object, E> {
        no_object()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Object, A::Error> {
        no_object()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object::default();
        let mut others = BTreeSet::new();
        let twice = || A::Error::custom("a key comes twice");
        while let Some(key) = map.next_key::<String>()? {
            let field = Field::ALL.into_iter().find(|it| it.key().eq_ignore_ascii_case(&key));
            let Some(field) = field else {
                map.next_value::<IgnoredAny>()?;
                if !others.insert(key.to_ascii_lowercase()) {
                    return Err(twice());
                }
                continue;
            };
            let value = map.next_value()?;
            if object.0[field as usize].replace(value).is_some() {
                return Err(twice());
            }
        }
        Ok(object)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(u64::try_from(number).map_or(Value::Other, Value::Number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        // Clocks of clients count fractions of seconds.
        let fits = (0.0..9_007_199_254_740_992.0).contains(&number);
        Ok(if fits { Value::Number(number as u64) } else { Value::Other })
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(Zeroizing::new(text)))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Object, NoObject> {
        Object::parse(text.as_bytes())
    }

    #[test]
    fn every_field_stands_at_its_number() {
        for (number, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field as usize, number);
        }
    }

    #[test]
    fn keys_are_matched_without_regard_to_case_and_unknown_ones_read_over() {
        let object = parse(r#"{"COMMAND":"Msg","x":{"to":[1,{}]},"to":"a\u0062","n":3}"#).unwrap();
        assert_eq!(object.text(Field::Command), Ok("Msg"));
        assert_eq!(object.text(Field::To), Ok("ab"));
        assert_eq!(object.optional_number(Field::N), Ok(Some(3)));
        assert_eq!(object.text(Field::From), Err(Wrong::Missing(Field::From)));
    }

    #[test]
    fn a_value_of_another_kind_is_told_from_one_that_is_missing() {
        let object = parse(
            r#"{"To":1,"Type":null,"N":"1","Since":-1,"Group":[],"User":{"a":1},"From":true}"#,
        );
        let object = object.unwrap();
        for field in [Field::To, Field::Group, Field::User, Field::From] {
            assert_eq!(object.text(field), Err(Wrong::Kind(field)));
        }
        for field in [Field::N, Field::Since] {
            assert_eq!(object.optional_number(field), Err(Wrong::Kind(field)));
        }
        assert_eq!(object.text(Field::Type), Err(Wrong::Missing(Field::Type)));
    }

    #[test]
    fn a_time_may_have_a_fraction() {
        let since = |text: &str| {
            parse(&format!("{{\"Since\":{text}}}")).unwrap().optional_number(Field::Since)
        };
        assert_eq!(since("1800000000.75"), Ok(Some(1_800_000_000)));
        assert_eq!(since("1.8e9"), Ok(Some(1_800_000_000)));
        assert_eq!(since("1e300"), Err(Wrong::Kind(Field::Since)));
        assert_eq!(since("-0.5"), Err(Wrong::Kind(Field::Since)));
    }

    #[test]
    fn what_is_not_one_object_is_none() {
        for text in [
            "{}{}",
            "{} x",
            "[]",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{'a':1}",
            "{\"a\":1,}",
            r#"{"a":1,"a":2}"#,
            r#"{"x":1,"X":2}"#,
            r#"{"To":"a","TO":"b"}"#,
            r#"{"To":null,"To":null}"#,
            r#"{"To":"\ud800"}"#,
            r#"{"a":01}"#,
            "{]",
        ] {
            assert_eq!(parse(text).err(), Some(NoObject), "{text}");
        }
        assert_eq!(Object::parse(b"{\"a\":\"\xff\"}").err(), Some(NoObject));
        assert_eq!(Object::parse(b"{\"To\":\"\xff\"}").err(), Some(NoObject));
    }

    #[test]
    fn line_ends_and_tabs_become_blanks_and_other_control_characters_go() {
        let mut object =
            parse(r#"{"Message":"a\r\nb\nc\rd\te\u0007\u007f\u0085\u001bf"}"#).unwrap();
        object.clean(Field::Message);
        assert_eq!(object.text(Field::Message), Ok("a b c d ef"));
    }
}
