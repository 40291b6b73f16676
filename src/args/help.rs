//! The help: what the commands and options are, laid out for a terminal of 80 columns.
//!
//! Options come from the table that parses them; commands are listed here.

use super::{Action, CliOption, OPTIONS, Scope, VERSION};

/// Where the second column begins.
const COLUMN: usize = 32;

/// For the help: the words of each command, and what it does; lines of at most 48 bytes.
static COMMANDS: [(&str, &str); 12] = [
    ("", "serve; with no options on port 6500 (MEC)"),
    ("check", "report every fault of the configuration;\nexit status 1 if there is any"),
    ("config", "print the effective configuration as TOML"),
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
    text.push_str(
        "\nPasswords are never taken from the command line: they are read from standard\n\
         input, one line. The commands account, export and import want a data directory\n\
         that no server has open. An export holds all passwords.\n\n\
         Exit status: 0 after an orderly stop, 1 for what the administrator must mend,\n\
         2 for a wrong command line.\n",
    );
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
        match self.action {
            Action::Take(value, _) => format!("{letter}--{} {value}", self.name),
            Action::Stop(_) | Action::Volume(_) => format!("{letter}--{}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
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
}
