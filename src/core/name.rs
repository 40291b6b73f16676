//! Names: what a user, a room, a group or a message may be called (spec `mec.md` 3).
//!
//! A name that exists is valid; nobody checks again. It is kept as first given and compared without regard to ASCII
//! case through [`Folded`].

use std::fmt;

use crate::limits::NAME_BYTES_MAX;

/// A name's text: up to [`NAME_BYTES_MAX`] bytes of UTF-8, kept in place.
type Text = heapless::String<NAME_BYTES_MAX, u8>;

/// A name folded to ASCII lower case: what names are compared and indexed by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Folded(Text);

/// What is wrong with a name. The one answer to it is [`crate::core::Status::InvalidName`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidName;

/// The name of a room, a group or a message: 1 to 30 bytes, no control characters, not only blanks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemName(Text);

/// The name of a user: an [`ItemName`] that is one word in every dialect (no blanks; of ASCII only letters, digits
/// and ``_ - . [ ] { } ^ | ~ ` '``; no `-` in front).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserName(Text);

impl ItemName {
    /// Checks `text` and keeps it.
    ///
    /// # Errors
    /// [`InvalidName`] if it is empty, over 30 bytes, only blanks, or has a control character.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        // Most names are a word of ASCII; the rest is looked at character by character.
        let is_word = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_word && (text.chars().any(char::is_control) || text.chars().all(char::is_whitespace))
        {
            return Err(InvalidName);
        }
        Ok(Self(fit(text)?))
    }

    /// The name as first given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as it is compared.
    #[must_use]
    pub fn folded(&self) -> Folded {
        fold(&self.0)
    }
}

impl UserName {
    /// Checks `text` and keeps it.
    ///
    /// # Errors
    /// [`InvalidName`] if it is not 1 to 30 bytes, or has a character that a user's name may not have.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        // Most names are letters and digits; the rest is looked at character by character.
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let fits = || !text.starts_with('-') && text.chars().all(may_stand_in_a_user_name);
        if text.is_empty() || !(is_plain || fits()) {
            return Err(InvalidName);
        }
        Ok(Self(fit(text)?))
    }

    /// The name as first given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as it is compared.
    #[must_use]
    pub fn folded(&self) -> Folded {
        fold(&self.0)
    }
}

impl fmt::Display for ItemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn may_stand_in_a_user_name(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "_-.[]{}^|~`'".contains(c)
    } else {
        !c.is_control() && !c.is_whitespace()
    }
}

fn fit(text: &str) -> Result<Text, InvalidName> {
    Text::try_from(text).map_err(|_| InvalidName)
}

fn fold(text: &Text) -> Folded {
    let mut folded = text.clone();
    folded.make_ascii_lowercase();
    Folded(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_30_bytes_is_taken_and_of_31_refused() {
        assert!(ItemName::new(&"x".repeat(30)).is_ok());
        assert_eq!(ItemName::new(&"x".repeat(31)), Err(InvalidName));
        assert!(UserName::new(&"é".repeat(15)).is_ok());
        assert_eq!(UserName::new(&"é".repeat(16)), Err(InvalidName));
    }

    #[test]
    fn an_empty_or_blank_name_is_refused() {
        for text in ["", " ", "\u{a0}\u{2003}", "\t", "a\u{7}b", "a\u{85}b"] {
            assert_eq!(ItemName::new(text), Err(InvalidName), "{text:?}");
            assert_eq!(UserName::new(text), Err(InvalidName), "{text:?}");
        }
        assert!(ItemName::new(" a b ").is_ok());
    }

    #[test]
    fn a_user_name_takes_just_the_listed_ascii() {
        let listed = "_-.[]{}^|~`'";
        for byte in 0x20..0x7f_u8 {
            let c = char::from(byte);
            let text = format!("a{c}");
            let expected = c.is_ascii_alphanumeric() || listed.contains(c);
            assert_eq!(UserName::new(&text).is_ok(), expected, "{text:?}");
        }
        assert_eq!(UserName::new("-a"), Err(InvalidName));
        assert!(UserName::new("Ørjan").is_ok());
        assert_eq!(UserName::new("a\u{2003}b"), Err(InvalidName));
    }

    #[test]
    fn names_are_compared_without_ascii_case_only() {
        let name = |text| UserName::new(text).unwrap().folded();
        assert_eq!(name("Bob"), name("bOB"));
        assert_ne!(name("É"), name("é"));
    }
}
