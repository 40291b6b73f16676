//! The configuration as a TOML file: `mecd config`, and `config/mecd.toml` of the defaults.
//!
//! Shows each served option of the table with its comment, its range and its value. Writes what `read` reads back
//! to the same configuration; a path that is not UTF-8 is the one exception, because TOML cannot hold it.

use super::Config;
use super::options::{Kind, Opt};
use super::table::{OPTIONS, SECTIONS};
use std::fmt::Write;

const HEAD: &str = "\
# The configuration of mecd. Every option is here, with its comment and value.
#
# `mecd check --config FILE` says what is wrong with a file. A running server
# reads its file again on SIGHUP. `--set KEY=VALUE` on the command line wins
# over the file: --set rooms.expire_seconds=600
";

/// See [`Config::to_toml`].
pub(super) fn to_toml(config: &Config) -> String {
    let mut text = HEAD.to_owned();
    for &(section, about) in SECTIONS {
        write!(text, "\n# {about}\n[{section}]\n").expect("writing to a string succeeds");
        let of_section = |option: &&Opt| option.parts().0 == section;
        for option in OPTIONS.iter().filter(of_section) {
            write_option(&mut text, option, config);
        }
    }
    text
}

/// The value of an option as the file has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shown {
    /// It has one.
    Value(String),
    /// It has none; this is one that it may have.
    Example(String),
}

/// What `config` has for `option`, as TOML.
pub(super) fn shown(option: &Opt, config: &Config) -> Shown {
    match &option.kind {
        Kind::Switch { get, .. } => Shown::Value(get(config).to_string()),
        Kind::Number { get, .. } => Shown::Value(get(config).to_string()),
        Kind::Text { get, example, .. } => match get(config) {
            Some(value) => Shown::Value(quoted(&value)),
            None => Shown::Example(quoted(example)),
        },
        Kind::Addresses { get, example, .. } => match get(config) {
            // Where a file that says nothing would have some.
            [] if !get(&Config::default()).is_empty() => Shown::Value("[]".to_owned()),
            [] => Shown::Example(quoted(example)),
            addresses => {
                let addresses: Vec<_> = addresses.iter().map(|at| format!("\"{at}\"")).collect();
                Shown::Value(format!("[{}]", addresses.join(", ")))
            }
        },
    }
}

fn write_option(text: &mut String, option: &Opt, config: &Config) {
    let (_, name) = option.parts();
    text.push('\n');
    for line in option.about.lines() {
        push_line(text, &format!("# {line}"));
    }
    if let Kind::Number { range, .. } = &option.kind {
        push_line(text, &format!("# From {} to {}.", range.start(), range.end()));
    }
    match shown(option, config) {
        Shown::Value(value) => push_line(text, &format!("{name} = {value}")),
        Shown::Example(example) => push_line(text, &format!("#{name} = {example}")),
    }
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// A basic string of TOML: the quote, the backslash and control characters escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                write!(quoted, "\\u{:04X}", u32::from(c)).expect("writing to a string succeeds");
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use toml::de::DeValue;

    #[test]
    fn any_text_is_read_back_as_it_was() {
        for text in [
            "",
            "plain",
            "a \"b\" \\c\\",
            "tab\tnewline\nbell\u{7}del\u{7f}",
            "gr\u{fc}n \u{1f600} \u{85}",
        ] {
            let quoted = quoted(text);
            let value = DeValue::parse(&quoted).unwrap();
            assert_eq!(value.get_ref().as_str(), Some(text), "{quoted}");
        }
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        for line in Config::default().to_toml().lines() {
            assert!(line.len() <= 80, "{line}");
        }
    }
}
