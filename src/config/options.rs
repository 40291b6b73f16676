//! What an option is, and how its value is taken. The options themselves are in `table.rs`.

use super::Config;
use super::table::OPTIONS;
use super::value::{Refusal, addresses, refusal, whole_number, wrong_type};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use toml::de::DeValue;

/// One row.
pub(super) struct Opt {
    /// `section.name`
    pub(super) key: &'static str,
    /// What the administrator reads above it; lines of at most 76 bytes.
    pub(super) about: &'static str,
    /// What it takes.
    pub(super) kind: Kind,
}

/// What an option takes, and where its value is.
pub(super) enum Kind {
    /// `true` or `false`
    Switch { get: fn(&Config) -> bool, set: fn(&mut Config, bool) },
    /// A whole number within bounds.
    Number { range: RangeInclusive<u64>, get: fn(&Config) -> u64, set: fn(&mut Config, u64) },
    /// A string with rules of its own; `get` gives nothing while it follows from the surroundings, and `example`
    /// then stands for it behind a `#`.
    Text {
        example: &'static str,
        get: fn(&Config) -> Option<String>,
        set: fn(&mut Config, &str) -> Result<(), String>,
    },
    /// One address as a string, or an array of them.
    /// `example` stands behind a `#` while there is none.
    Addresses {
        example: &'static str,
        get: fn(&Config) -> &[SocketAddr],
        set: fn(&mut Config, Vec<SocketAddr>),
    },
}

impl Opt {
    /// Section and name.
    pub(super) fn parts(&self) -> (&'static str, &'static str) {
        self.key.split_once('.').expect("every key of the table has a section")
    }

    /// Takes `value` into `config`; leaves `config` as it is when any part of `value` is refused.
    pub(super) fn set(&self, config: &mut Config, value: &DeValue<'_>) -> Result<(), Vec<Refusal>> {
        match &self.kind {
            Kind::Switch { set, .. } => match value.as_bool() {
                Some(on) => set(config, on),
                None => return Err(wrong_type("true or false", value)),
            },
            Kind::Number { range, set, .. } => set(config, whole_number(value, range)?),
            Kind::Text { set, .. } => match value.as_str() {
                Some(text) => set(config, text).map_err(refusal)?,
                None => return Err(wrong_type("a string", value)),
            },
            Kind::Addresses { set, .. } => set(config, addresses(value)?),
        }
        Ok(())
    }
}

/// The option of that key.
pub(super) fn find(key: &str) -> Option<&'static Opt> {
    OPTIONS.iter().find(|option| option.key == key)
}

pub(super) const fn switch(
    key: &'static str,
    about: &'static str,
    get: fn(&Config) -> bool,
    set: fn(&mut Config, bool),
) -> Opt {
    let kind = Kind::Switch { get, set };
    Opt { key, about, kind }
}

pub(super) const fn number(
    key: &'static str,
    about: &'static str,
    range: RangeInclusive<u64>,
    get: fn(&Config) -> u64,
    set: fn(&mut Config, u64),
) -> Opt {
    let kind = Kind::Number { range, get, set };
    Opt { key, about, kind }
}

#[cfg(test)]
mod tests {
    use super::super::table::SECTIONS;
    use super::*;
    use crate::dialect::Service;

    #[test]
    fn every_key_is_there_once_in_its_section_and_described() {
        let mut last = 0;
        for (at, option) in OPTIONS.iter().enumerate() {
            let again = OPTIONS[at + 1..].iter().any(|other| other.key == option.key);
            assert!(!again, "{} is there twice", option.key);
            let (section, _) = option.parts();
            let place = SECTIONS.iter().position(|(name, _)| *name == section);
            let place = place.expect(option.key);
            assert!(place >= last, "{} is not with its section", option.key);
            last = place;
            assert!(!option.about.is_empty(), "{}", option.key);
            for line in option.about.lines() {
                assert!(line.len() <= 78 && line.trim() == line, "{line}");
            }
        }
    }

    #[test]
    fn every_listener_has_its_key() {
        for service in Service::ALL {
            let option = find(&format!("listen.{}", service.name())).unwrap();
            assert!(matches!(option.kind, Kind::Addresses { .. }), "{}", option.key);
        }
    }

    #[test]
    fn every_default_lies_within_its_range() {
        let config = Config::default();
        for option in OPTIONS {
            if let Kind::Number { range, get, .. } = &option.kind {
                assert!(range.contains(&get(&config)), "{}", option.key);
            }
        }
    }

    #[test]
    fn every_number_is_taken_at_its_bounds_and_refused_past_them() {
        let parse = |n: u128| DeValue::parse(Box::leak(n.to_string().into_boxed_str())).unwrap();
        for option in OPTIONS {
            let Kind::Number { range, get, .. } = &option.kind else {
                continue;
            };
            let mut config = Config::default();
            for n in [*range.start(), *range.end()] {
                let value = parse(n.into()).into_inner();
                assert_eq!(option.set(&mut config, &value), Ok(()), "{}", option.key);
                assert_eq!(get(&config), n, "{}", option.key);
            }
            let below = range.start().checked_sub(1).map(u128::from);
            let above = u128::from(*range.end()) + 1;
            for n in below.into_iter().chain([above]) {
                let before = config.clone();
                let refused = option.set(&mut config, parse(n).get_ref()).unwrap_err();
                let range = format!("from {} to {}", range.start(), range.end());
                assert!(refused[0].sentence.contains(&range), "{refused:?}");
                assert_eq!(config, before);
            }
        }
    }
}
