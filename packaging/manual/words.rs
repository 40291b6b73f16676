//! What the completions of all shells need to know of the command line: which words may follow which, and what a value
//! is.

use mecd::args::{CommandHelp, OptionHelp, commands, options};
use mecd::config::describe;
use mecd::dialect::Service;

/// What may stand for a value or an argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Takes {
    File,
    Directory,
    /// A dialect, and `=`.
    Listener,
    /// An option of the configuration, and `=`.
    Setting,
    /// Something that nobody can guess.
    Free,
}

/// By what the help calls it.
pub(crate) fn takes(called: &str) -> Takes {
    match called.trim_matches(['[', ']']) {
        "FILE" | "PROGRAM" => Takes::File,
        "DIR" => Takes::Directory,
        "DIALECT=ADDR:PORT" => Takes::Listener,
        "KEY=VALUE" => Takes::Setting,
        _ => Takes::Free,
    }
}

/// Whether a word of the help stands for something else.
pub(crate) fn is_argument(word: &str) -> bool {
    word.trim_matches(['[', ']']).chars().all(|c| !c.is_lowercase())
}

/// A command: its first word, its second if it has one, what it takes, and what it does on one line.
pub(crate) struct Command {
    pub(crate) first: &'static str,
    pub(crate) second: Option<&'static str>,
    pub(crate) argument: Option<Takes>,
    pub(crate) about: String,
}

/// Every command that has words.
pub(crate) fn worded_commands() -> Vec<Command> {
    commands().filter(|command| !command.words.is_empty()).map(command).collect()
}

fn command(help: CommandHelp) -> Command {
    let words = || help.words.split_whitespace().filter(|word| !is_argument(word));
    Command {
        first: words().next().expect("a command that is not empty has a word"),
        second: words().nth(1),
        argument: help.words.split_whitespace().find(|word| is_argument(word)).map(takes),
        about: one_line(help.about),
    }
}

/// The first words, each once, with what the command does if it is the only one that begins so.
pub(crate) fn first_words() -> Vec<(&'static str, String)> {
    let mut firsts: Vec<(&str, String)> = Vec::new();
    for Command { first, second, about, .. } in worded_commands() {
        match firsts.last_mut() {
            Some((word, abouts)) if *word == first => {
                *abouts += &format!(", {}", second.unwrap_or_default());
            }
            Some(_) | None => firsts.push((first, second.map_or(about, str::to_owned))),
        }
    }
    firsts
}

/// The options that every command takes (`None`), or only that one.
pub(crate) fn options_of(command: Option<&str>) -> Vec<OptionHelp> {
    options().filter(|option| option.command == command).collect()
}

/// The commands that take options of their own.
pub(crate) fn commands_with_options() -> Vec<&'static str> {
    let mut commands: Vec<_> = options().filter_map(|option| option.command).collect();
    commands.dedup();
    commands
}

/// What may be listened for.
pub(crate) fn listeners() -> Vec<&'static str> {
    Service::ALL.iter().map(|service| service.name()).collect()
}

/// The keys of the configuration.
pub(crate) fn settings() -> Vec<&'static str> {
    describe().iter().flat_map(|section| &section.options).map(|option| option.key).collect()
}

pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
