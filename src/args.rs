//! The command line (spec `program.md`): from words to an [`Invocation`], and the help that goes with it.
//!
//! The options are one table, from which parsing and `--help` follow. Reads no file, prints nothing, and checks only
//! the form of what it was given; whether an option of the configuration exists is up to `config`.

mod command;
mod help;

pub use help::{CommandHelp, OptionHelp, PARAGRAPHS, commands, help, options};

use crate::config::ListenAt;
use lexopt::{Arg, Parser};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// Exit status of a wrong command line.
pub const EXIT_USAGE: u8 = 2;

/// What `--version` prints.
pub const VERSION: &str = concat!("mecd ", env!("CARGO_PKG_VERSION"));

/// What the program is asked to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Invocation {
    /// No command: serve.
    Serve(Common),
    /// `check`: report every fault of the configuration.
    Check(Common),
    /// `config`: print the effective configuration.
    Config(Common),
    /// `key ...`
    Key {
        /// Options that every command takes.
        common: Common,
        /// What to do with the key.
        command: KeyCommand,
    },
    /// `account ...`
    Account {
        /// Options that every command takes.
        common: Common,
        /// What to do with the accounts.
        command: AccountCommand,
    },
    /// `export [FILE]`
    Export {
        /// Options that every command takes.
        common: Common,
        /// Absent: standard output.
        file: Option<PathBuf>,
    },
    /// `import FILE`
    Import {
        /// Options that every command takes.
        common: Common,
        /// Where from.
        file: PathBuf,
    },
    /// `doctor`: say what is wrong, or will be.
    Doctor(Common),
    /// `--version`: print [`VERSION`].
    Version,
    /// `--help`: print [`help()`].
    Help,
}

/// Options that every command takes.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Common {
    /// `--config FILE`
    pub config: Option<PathBuf>,
    /// `--data-dir DIR`
    pub data_dir: Option<PathBuf>,
    /// Each `--listen DIALECT=ADDR:PORT`
    pub listen: Vec<ListenAt>,
    /// Each `--set KEY=VALUE`
    pub set: Vec<(String, String)>,
    /// `-v`, `-q`
    pub verbosity: Verbosity,
}

/// How much is logged.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Verbosity {
    /// `-q`: warnings and errors.
    Quiet,
    /// Neither: what an administrator wants to have seen.
    #[default]
    Normal,
    /// `-v`: every connection and more.
    Verbose,
}

/// `key ...`
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyCommand {
    /// `new [FILE]`: make a key.
    New {
        /// Absent: where the configuration says the key is.
        file: Option<PathBuf>,
    },
    /// `show-path`: print where the key is.
    ShowPath,
    /// `inject`: copy the program with the key inside.
    Inject {
        /// `--key-file FILE`
        key_file: PathBuf,
        /// `--output PROGRAM`
        output: PathBuf,
    },
}

/// `account ...`; passwords come from standard input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountCommand {
    /// `list`
    List,
    /// `add NAME`
    Add {
        /// Not yet checked to be a user's name.
        name: String,
        /// `--real-name TEXT`
        real_name: Option<String>,
        /// `--email TEXT`
        email: Option<String>,
    },
    /// `remove NAME`
    Remove {
        /// As in `Add`.
        name: String,
    },
    /// `reset-password NAME`
    ResetPassword {
        /// As in `Add`.
        name: String,
    },
}

/// A wrong command line: a sentence without a full stop. Displayed with the line that leads to the help.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageError(pub String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mecd: {}\ntry mecd --help", self.0)
    }
}

impl std::error::Error for UsageError {}

impl From<lexopt::Error> for UsageError {
    fn from(error: lexopt::Error) -> Self {
        Self(error.to_string())
    }
}

/// The command line `words`, without the program's own name. Options may stand before, between and after the
/// words of a command; `--help` and `--version` win over whatever follows them.
///
/// # Errors
/// The first thing that is wrong: an unknown or incomplete option or command, an option that the command does not
/// take, one that is there twice, a text that is not UTF-8.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Invocation, UsageError> {
    let mut parser = Parser::from_args(words);
    let mut given = Given::default();
    let mut words = Vec::new();
    while let Some(arg) = parser.next()? {
        let option = match arg {
            Arg::Value(word) => {
                words.push(word);
                continue;
            }
            Arg::Short(letter) => OPTIONS
                .iter()
                .find(|option| option.letter == Some(letter))
                .ok_or_else(|| UsageError(format!("there is no option -{letter}")))?,
            Arg::Long(name) => OPTIONS
                .iter()
                .find(|option| option.name == name)
                .ok_or_else(|| UsageError(format!("there is no option --{name}")))?,
        };
        match &option.action {
            Action::Stop(invocation) => return Ok(invocation.clone()),
            Action::Volume(verbosity) => given.volume(*verbosity)?,
            Action::Take(_, take) => {
                let value = parser.value()?;
                let named =
                    |fault: UsageError| UsageError(format!("--{}: {}", option.name, fault.0));
                take(&mut given, value).map_err(named)?;
            }
        }
        given.options.push(option);
    }
    command::invocation(given, words)
}

/// One option of the command line.
struct CliOption {
    /// After the two hyphens.
    name: &'static str,
    letter: Option<char>,
    action: Action,
    scope: Scope,
    /// For the help; lines of at most 48 bytes.
    about: &'static str,
}

enum Action {
    /// This is all that is to be done.
    Stop(Invocation),
    Volume(Verbosity),
    /// Takes a value, which the help calls by the first.
    Take(&'static str, fn(&mut Given, OsString) -> Result<(), UsageError>),
}

/// Which commands take an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scope {
    Every,
    KeyInject,
    AccountAdd,
}

impl Scope {
    /// The one command that takes such options.
    const fn command(self) -> Option<&'static str> {
        match self {
            Self::Every => None,
            Self::KeyInject => Some("key inject"),
            Self::AccountAdd => Some("account add"),
        }
    }
}

static OPTIONS: [CliOption; 12] = [
    CliOption {
        name: "config",
        letter: None,
        action: Action::Take("FILE", |g, v| once(&mut g.common.config, path(v)?)),
        scope: Scope::Every,
        about: "read the configuration from FILE (TOML)",
    },
    CliOption {
        name: "data-dir",
        letter: None,
        action: Action::Take("DIR", |g, v| once(&mut g.common.data_dir, path(v)?)),
        scope: Scope::Every,
        about: "keep everything in DIR; else server.data_dir,\n\
                else $STATE_DIRECTORY, else ./mecd-data",
    },
    CliOption {
        name: "listen",
        letter: None,
        action: Action::Take("DIALECT=ADDR:PORT", |g, v| {
            let listen = text(v)?.parse().map_err(UsageError)?;
            g.common.listen.push(listen);
            Ok(())
        }),
        scope: Scope::Every,
        about: "listen there, and nowhere that the file says;\n\
                may be repeated; port 0 takes a free port\n\
                (--listen mec=127.0.0.1:6500)",
    },
    CliOption {
        name: "set",
        letter: None,
        action: Action::Take("KEY=VALUE", |g, v| {
            let pair = key_and_value(&text(v)?)?;
            g.common.set.push(pair);
            Ok(())
        }),
        scope: Scope::Every,
        about: "set an option of the configuration; wins over\n\
                the file; may be repeated\n\
                (--set rooms.expire_seconds=600)",
    },
    CliOption {
        name: "verbose",
        letter: Some('v'),
        action: Action::Volume(Verbosity::Verbose),
        scope: Scope::Every,
        about: "log more; RUST_LOG wins over it",
    },
    CliOption {
        name: "quiet",
        letter: Some('q'),
        action: Action::Volume(Verbosity::Quiet),
        scope: Scope::Every,
        about: "log only warnings and errors",
    },
    CliOption {
        name: "key-file",
        letter: None,
        action: Action::Take("FILE", |g, v| once(&mut g.key_file, path(v)?)),
        scope: Scope::KeyInject,
        about: "the key to put into the copy",
    },
    CliOption {
        name: "output",
        letter: None,
        action: Action::Take("PROGRAM", |g, v| once(&mut g.output, path(v)?)),
        scope: Scope::KeyInject,
        about: "where to write the copy",
    },
    CliOption {
        name: "real-name",
        letter: None,
        action: Action::Take("TEXT", |g, v| once(&mut g.real_name, text(v)?)),
        scope: Scope::AccountAdd,
        about: "the user's real name",
    },
    CliOption {
        name: "email",
        letter: None,
        action: Action::Take("TEXT", |g, v| once(&mut g.email, text(v)?)),
        scope: Scope::AccountAdd,
        about: "the user's e-mail address",
    },
    CliOption {
        name: "help",
        letter: Some('h'),
        action: Action::Stop(Invocation::Help),
        scope: Scope::Every,
        about: "print this help",
    },
    CliOption {
        name: "version",
        letter: Some('V'),
        action: Action::Stop(Invocation::Version),
        scope: Scope::Every,
        about: "print the version",
    },
];

/// What the options said, before it is known which command they are for.
#[derive(Default)]
struct Given {
    common: Common,
    key_file: Option<PathBuf>,
    output: Option<PathBuf>,
    real_name: Option<String>,
    email: Option<String>,
    options: Vec<&'static CliOption>,
}

impl Given {
    fn volume(&mut self, verbosity: Verbosity) -> Result<(), UsageError> {
        let before = self.common.verbosity;
        if before != Verbosity::Normal && before != verbosity {
            return Err(UsageError("-v and -q exclude each other".to_owned()));
        }
        self.common.verbosity = verbosity;
        Ok(())
    }

    /// Refuses options of other commands than the one that is carried out.
    fn only(&self, scope: Scope) -> Result<(), UsageError> {
        let fits = |option: &&&CliOption| option.scope != Scope::Every && option.scope != scope;
        let Some(option) = self.options.iter().find(fits) else {
            return Ok(());
        };
        let owner = option.scope.command().unwrap_or("every command");
        let sentence = format!("--{} is an option of {owner} only", option.name);
        Err(UsageError(sentence))
    }
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), UsageError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(UsageError("is there twice".to_owned())),
    }
}

fn text(word: OsString) -> Result<String, UsageError> {
    word.into_string().map_err(|word| UsageError(format!("{word:?} is not UTF-8 text")))
}

fn path(word: OsString) -> Result<PathBuf, UsageError> {
    if word.is_empty() {
        return Err(UsageError("wants a path".to_owned()));
    }
    Ok(PathBuf::from(word))
}

fn key_and_value(text: &str) -> Result<(String, String), UsageError> {
    let (key, value) =
        text.split_once('=').ok_or_else(|| UsageError(format!("wants KEY=VALUE, not {text:?}")))?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    /// The words of `line`, parted by blanks.
    fn parsed(line: &str) -> Result<Invocation, UsageError> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn with(change: impl FnOnce(&mut Common)) -> Common {
        let mut common = Common::default();
        change(&mut common);
        common
    }

    #[test]
    fn no_words_at_all_mean_serve() {
        assert_eq!(parsed(""), Ok(Invocation::Serve(Common::default())));
    }

    #[test]
    fn every_option_is_understood_before_and_after_the_command() {
        let listen = |text: &str| text.parse::<ListenAt>().unwrap();
        let table = [
            ("--config f", with(|c| c.config = Some("f".into()))),
            ("--config=f", with(|c| c.config = Some("f".into()))),
            ("--data-dir d", with(|c| c.data_dir = Some("d".into()))),
            (
                "--listen mec=127.0.0.1:0 --listen web=[::1]:80",
                with(|c| c.listen = vec![listen("mec=127.0.0.1:0"), listen("web=[::1]:80")]),
            ),
            (
                "--set a.b=1 --set c=d=e --set a.b=",
                with(|c| {
                    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
                    c.set = vec![pair("a.b", "1"), pair("c", "d=e"), pair("a.b", "")];
                }),
            ),
            ("-v", with(|c| c.verbosity = Verbosity::Verbose)),
            ("-vv --verbose", with(|c| c.verbosity = Verbosity::Verbose)),
            ("--quiet", with(|c| c.verbosity = Verbosity::Quiet)),
        ];
        for (options, common) in table {
            let check = Ok(Invocation::Check(common.clone()));
            assert_eq!(parsed(&format!("{options} check")), check);
            assert_eq!(parsed(&format!("check {options}")), check);
            assert_eq!(parsed(options), Ok(Invocation::Serve(common)));
        }
    }

    #[test]
    fn options_may_stand_among_the_words_of_a_command() {
        let wanted = Ok(Invocation::Account {
            common: with(|c| c.data_dir = Some("d".into())),
            command: AccountCommand::Remove { name: "amy".into() },
        });
        for line in ["account --data-dir d remove amy", "account remove --data-dir d -- amy"] {
            assert_eq!(parsed(line), wanted);
        }
    }

    #[test]
    fn a_wrong_command_line_is_named_and_leads_to_the_help() {
        let table = [
            ("serve", "there is no command \"serve\""),
            ("key", "key wants new, show-path or inject"),
            ("key old", "there is no command \"key old\""),
            ("key inject --output p", "key inject wants --key-file FILE"),
            ("key inject --key-file k", "key inject wants --output PROGRAM"),
            ("key new --output p", "--output is an option of key inject only"),
            ("account", "account wants list, add, remove or reset-password"),
            ("account add", "account add wants a NAME"),
            ("account make", "there is no command \"account make\""),
            ("account list --email e", "--email is an option of account add only"),
            ("account add amy secret", "\"secret\" is one word too many"),
            ("check f", "\"f\" is one word too many"),
            ("import", "import wants a FILE"),
            ("export a b", "\"b\" is one word too many"),
            ("--port 1", "there is no option --port"),
            ("-p", "there is no option -p"),
            ("-v -q", "-v and -q exclude each other"),
            ("--config", "missing argument for option '--config'"),
            ("--config=", "--config: wants a path"),
            ("--config a --config b", "--config: is there twice"),
            ("--set a", "--set: wants KEY=VALUE, not \"a\""),
            (
                "--listen irc=[::]:1",
                "--listen: there is no dialect \"irc\", only mec, helo, chatapp, crimp, json, web, metrics",
            ),
            (
                "--listen mec=pi:1",
                "--listen: \"pi:1\" is no address with a port, such as 0.0.0.0:6500 or [::]:6500",
            ),
            ("-v=1", "unexpected argument for option '-v': \"1\""),
        ];
        for (line, sentence) in table {
            let error = parsed(line).unwrap_err();
            let wanted = format!("mecd: {sentence}\ntry mecd --help");
            assert_eq!(error.to_string(), wanted, "{line}");
        }
    }

    #[test]
    fn paths_may_be_any_bytes_and_texts_only_utf8() {
        let odd = || OsString::from_vec(vec![0xff]);
        let path = with(|c| c.data_dir = Some(odd().into()));
        assert_eq!(parse(["--data-dir".into(), odd()]), Ok(Invocation::Serve(path)));
        for option in ["--set", "--listen", "--email"] {
            assert!(parse([option.into(), odd()]).is_err());
        }
        assert!(parse([odd()]).is_err());
    }
}
