//! The options as data, for the manual page and the completions of shells, which `packaging/manual` makes.
//!
//! Follows from the same table as everything else; the program itself does not use it, so it is not in there.

use super::Config;
use super::dump::{Shown, shown};
use super::options::{Kind, Opt};
use super::table::{OPTIONS, SECTIONS};
use std::ops::RangeInclusive;

/// A section of the configuration.
#[derive(Clone, Debug)]
pub struct SectionHelp {
    /// Between the brackets.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// What can be set there.
    pub options: Vec<OptionHelp>,
}

/// An option of the configuration.
#[derive(Clone, Debug)]
pub struct OptionHelp {
    /// `section.name`
    pub key: &'static str,
    /// What it means.
    pub about: &'static str,
    /// From where to where, of a number.
    pub range: Option<RangeInclusive<u64>>,
    /// Its default.
    pub default: Shown,
}

/// Every section with its options, in the order of the file.
#[must_use]
pub fn describe() -> Vec<SectionHelp> {
    let described = |option: &Opt| OptionHelp {
        key: option.key,
        about: option.about,
        range: match &option.kind {
            Kind::Number { range, .. } => Some(range.clone()),
            Kind::Switch { .. } | Kind::Text { .. } | Kind::Addresses { .. } => None,
        },
        default: shown(option, &Config::default()),
    };
    let of = |name| OPTIONS.iter().filter(move |option| option.parts().0 == name);
    SECTIONS
        .iter()
        .map(|&(name, about)| SectionHelp {
            name,
            about,
            options: of(name).map(described).collect(),
        })
        .collect()
}
