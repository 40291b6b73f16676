//! Writes the manual pages and the completions of shells into a directory:
//! `cargo run --example manual -- DIRECTORY YYYY-MM-DD`.
//!
//! What they say of commands and options comes from the tables from which the program parses them (`mecd::args`,
//! `mecd::config`). The tests hold each of these tables against each file that is written.

mod bash;
mod fish;
mod page;
mod roff;
mod words;
mod zsh;

use std::path::Path;
use std::{env, fs, io};

/// What a file says; pages bear the date.
type Writer = fn(&str) -> String;

/// What is written.
const FILES: [(&str, Writer); 5] = [
    ("mecd.8", page::program),
    ("mecd.toml.5", page::configuration),
    ("mecd.bash", |_| bash::completion()),
    ("_mecd", |_| zsh::completion()),
    ("mecd.fish", |_| fish::completion()),
];

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [directory, date] = words.as_slice() else {
        return Err(io::Error::other("usage: manual DIRECTORY YYYY-MM-DD"));
    };
    write(Path::new(directory), date)
}

fn write(directory: &Path, date: &str) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for (name, text) in FILES {
        fs::write(directory.join(name), text(date))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mecd::args::{CommandHelp, OptionHelp, commands, options};

    /// Without what makes type bold or keeps characters from meaning something, and with single blanks.
    fn plain(text: &str) -> String {
        let escapes =
            [("\\fB", ""), ("\\fI", ""), ("\\fR", ""), ("\\-", "-"), ("\\&", ""), ("\\e", "\\")];
        let text = escapes.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn files_but(without: &str) -> impl Iterator<Item = (&'static str, String)> {
        let files = FILES.iter().filter(move |(name, _)| *name != without);
        files.map(|(name, text)| (*name, plain(&text("2000-01-01"))))
    }

    fn has_word(text: &str, word: &str) -> bool {
        let part = |c: char| c.is_alphanumeric() || c == '-' || c == '_' || c == '.';
        text.match_indices(word).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            !before.is_some_and(part) && !after.is_some_and(part)
        })
    }

    #[test]
    fn every_command_is_in_the_page_and_in_every_completion() {
        for (name, text) in files_but("mecd.toml.5") {
            for CommandHelp { words, .. } in commands() {
                for word in words.split_whitespace().filter(|word| !words::is_argument(word)) {
                    assert!(has_word(&text, word), "{name}: {word}");
                }
            }
        }
    }

    #[test]
    fn every_option_of_the_command_line_is_in_the_page_and_in_every_completion() {
        for (file, text) in files_but("mecd.toml.5") {
            for OptionHelp { name, letter, .. } in options() {
                let (long, short) = match file {
                    "mecd.fish" => (format!("-l {name}"), letter.map(|it| format!("-s {it}"))),
                    _ => (format!("--{name}"), letter.map(|it| format!("-{it}"))),
                };
                assert!(has_word(&text, &long), "{file}: {long}");
                assert!(short.is_none_or(|short| has_word(&text, &short)), "{file}: {name}");
            }
        }
    }

    #[test]
    fn every_option_of_the_configuration_is_in_its_page_and_in_every_completion() {
        for (name, text) in files_but("mecd.8") {
            for option in mecd::config::describe().iter().flat_map(|section| &section.options) {
                assert!(has_word(&text, option.key), "{name}: {}", option.key);
            }
        }
    }

    #[test]
    fn what_the_help_and_the_shipped_file_say_is_in_the_pages() {
        let page = plain(&page::program("2000-01-01"));
        let abouts = commands().map(|command| command.about);
        for about in abouts.chain(options().map(|option| option.about)) {
            assert!(page.contains(&plain(about)), "{about}");
        }
        let page = plain(&page::configuration("2000-01-01"));
        for option in mecd::config::describe().iter().flat_map(|section| &section.options) {
            assert!(page.contains(&plain(option.about)), "{}", option.about);
        }
    }
}
