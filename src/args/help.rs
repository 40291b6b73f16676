//! The help: what the commands and options are, laid out for a terminal of 80 columns, and as data for the manual page
//! and the completions of shells, which `packaging/manual` makes.
//!
//! Options come from the table that parses them; commands are listed here.

use super::{Action, CliOption, OPTIONS, Scope, VERSION};

/// Where the second column begins.
const COLUMN: usize = 32;

/// For the help: the words of each command, and what it does; lines of at most 48 bytes.
static COMMANDS: [(&str, &str); 13] = [
    ("", "serve; with no options on port 6500 (MEC)"),
    ("check", "report every fault of the configuration;\nexit status 1 if there is any"),
    ("config", "print the effective configuration as TOML"),
    (
        "doctor",
        "say what is wrong with configuration, data and\nmachine, or will be; changes nothing",
    ),
    ("key new [FILE]", "make a key, where the configuration says or in\nFILE"),
    ("key show-path", "print where the key is"),
    ("key inject", "write a copy of the program with a key inside\n(--key-file and --output)"),
    ("account list", "list the accounts"),
    ("account add NAME", "make an account; password from standard input"),
    ("account remove NAME", "remove an account"),
    ("account reset-password NAME", "change a password; from standard input"),
    ("export [FILE]", "write everything as JSON lines"),
    ("import FILE", "read them into an empty data directory; FILE may\nbe - for standard input"),
];

/// What stands below the commands and options, in the help and in the manual page; lines of at most 80 bytes.
pub static PARAGRAPHS: [&str; 2] = [
    "Passwords are never taken from the command line: they are read from standard\n\
     input, one line. The commands account, export and import want a data directory\n\
     that no server has open. An export holds all passwords.",
    "Exit status: 0 after an orderly stop, 1 for what the administrator must mend,\n\
     2 for a wrong command line. Of doctor: 0 if all is well, 1 if something will be\n\
     wrong, 2 if something is.",
];

/// A command, as the help describes it.
#[derive(Clone, Copy, Debug)]
pub struct CommandHelp {
    /// Its words, then what it takes in capitals, in brackets where it may be left out; empty for serving.
    pub words: &'static str,
    /// What it does.
    pub about: &'static str,
}

/// An option of the command line, as the help describes it.
#[derive(Clone, Copy, Debug)]
pub struct OptionHelp {
    /// After the two hyphens.
    pub name: &'static str,
    /// After one hyphen.
    pub letter: Option<char>,
    /// What its value is called, if it takes one.
    pub value: Option<&'static str>,
    /// The words of the only command that takes it; absent: all take it.
    pub command: Option<&'static str>,
    /// What it does.
    pub about: &'static str,
}

/// All commands, in the order of the help.
pub fn commands() -> impl Iterator<Item = CommandHelp> {
    COMMANDS.iter().map(|&(words, about)| CommandHelp { words, about })
}

/// All options, in the order of the help.
pub fn options() -> impl Iterator<Item = OptionHelp> {
    OPTIONS.iter().map(|option| OptionHelp {
        name: option.name,
        letter: option.letter,
        value: option.value(),
        command: option.scope.command(),
        about: option.about,
    })
}

/// The text of `--help`, at most 80 columns wide.
#[must_use]
pub fn help() -> String {
    let mut text = format!(
        "{VERSION}: a chat server for small hardware\n\n\
         Usage: mecd [OPTIONS] [COMMAND]\n\nCommands:\n"
    );
    for (words, about) in &COMMANDS {
        push_entry(&mut text, &format!("mecd {words}"), about);
    }
    let scopes = [
        (Scope::Every, "Options:"),
        (Scope::KeyInject, "Options of key inject:"),
        (Scope::AccountAdd, "Options of account add:"),
    ];
    for (scope, title) in scopes {
        text.push_str(&format!("\n{title}\n"));
        for option in OPTIONS.iter().filter(|option| option.scope == scope) {
            push_entry(&mut text, &option.usage(), option.about);
        }
    }
    for paragraph in PARAGRAPHS {
        text.push_str(&format!("\n{paragraph}\n"));
    }
    text
}

fn push_entry(text: &mut String, left: &str, about: &str) {
    let mut left = format!("  {left}");
    if left.len() + 2 > COLUMN {
        text.push_str(&left);
        text.push('\n');
        left.clear();
    }
    for line in about.lines() {
        text.push_str(&format!("{left:COLUMN$}{line}\n"));
        left.clear();
    }
}

impl CliOption {
    fn usage(&self) -> String {
        let letter = match self.letter {
            Some(letter) => format!("-{letter}, "),
            None => String::new(),
        };
        match self.value() {
            Some(value) => format!("{letter}--{} {value}", self.name),
            None => format!("{letter}--{}", self.name),
        }
    }

    fn value(&self) -> Option<&'static str> {
        match self.action {
            Action::Take(value, _) => Some(value),
            Action::Stop(_) | Action::Volume(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn every_option_is_in_the_help_and_no_line_is_wider_than_a_terminal() {
        let help = help();
        for line in help.lines() {
            assert!(line.len() <= 80, "{line}");
        }
        for option in &OPTIONS {
            assert!(help.contains(&option.usage()), "{}", option.name);
        }
    }

    #[test]
    fn every_command_of_the_help_is_understood() {
        for command in commands() {
            let mut line: Vec<_> = command.words.split_whitespace().map(str::to_owned).collect();
            for option in options().filter(|option| option.command == Some(command.words)) {
                line.extend([format!("--{}", option.name), "value".to_owned()]);
            }
            let parsed = parse(line.iter().map(Into::into));
            assert!(parsed.is_ok(), "{line:?}: {parsed:?}");
        }
    }
}
