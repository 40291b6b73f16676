//! The words of the command line that are no options: which command, and what it is about.

use super::{AccountCommand, Given, Invocation, KeyCommand, Scope, UsageError, path, text};
use std::ffi::OsString;
use std::path::PathBuf;

/// The words of the command line that are no options.
struct Words(std::vec::IntoIter<OsString>);

impl Words {
    fn optional_path(&mut self) -> Result<Option<PathBuf>, UsageError> {
        self.0.next().map(path).transpose()
    }

    fn required(&mut self, command: &str, what: &str) -> Result<OsString, UsageError> {
        let missing = || UsageError(format!("{command} wants {what}"));
        self.0.next().ok_or_else(missing)
    }

    fn name(&mut self, command: &str) -> Result<String, UsageError> {
        text(self.required(command, "a NAME")?)
    }

    fn end(mut self) -> Result<(), UsageError> {
        match self.0.next() {
            Some(word) => Err(UsageError(format!("{word:?} is one word too many"))),
            None => Ok(()),
        }
    }
}

/// What `given` and `words` ask for.
pub(super) fn invocation(given: Given, words: Vec<OsString>) -> Result<Invocation, UsageError> {
    let mut words = Words(words.into_iter());
    let Some(word) = words.0.next() else {
        given.only(Scope::Every)?;
        return Ok(Invocation::Serve(given.common));
    };
    let word = text(word)?;
    if word == "key" {
        return key_command(given, words);
    }
    if word == "account" {
        return account_command(given, words);
    }
    given.only(Scope::Every)?;
    let common = given.common;
    let invocation = match word.as_str() {
        "check" => Invocation::Check(common),
        "config" => Invocation::Config(common),
        "doctor" => Invocation::Doctor(common),
        "export" => {
            let file = words.optional_path()?;
            Invocation::Export { common, file }
        }
        "import" => {
            let file = path(words.required("import", "a FILE")?)?;
            Invocation::Import { common, file }
        }
        _ => return Err(UsageError(format!("there is no command {word:?}"))),
    };
    words.end()?;
    Ok(invocation)
}

fn key_command(mut given: Given, mut words: Words) -> Result<Invocation, UsageError> {
    let word = text(words.required("key", "new, show-path or inject")?)?;
    let mut scope = Scope::Every;
    let command = match word.as_str() {
        "new" => KeyCommand::New { file: words.optional_path()? },
        "show-path" => KeyCommand::ShowPath,
        "inject" => {
            scope = Scope::KeyInject;
            let wants = |option| UsageError(format!("key inject wants {option}"));
            let key_file = given.key_file.take();
            let output = given.output.take();
            KeyCommand::Inject {
                key_file: key_file.ok_or_else(|| wants("--key-file FILE"))?,
                output: output.ok_or_else(|| wants("--output PROGRAM"))?,
            }
        }
        _ => return Err(UsageError(format!("there is no command \"key {word}\""))),
    };
    given.only(scope)?;
    words.end()?;
    let common = given.common;
    Ok(Invocation::Key { common, command })
}

fn account_command(mut given: Given, mut words: Words) -> Result<Invocation, UsageError> {
    let word = text(words.required("account", "list, add, remove or reset-password")?)?;
    let mut scope = Scope::Every;
    let command = match word.as_str() {
        "list" => AccountCommand::List,
        "add" => {
            scope = Scope::AccountAdd;
            AccountCommand::Add {
                name: words.name("account add")?,
                real_name: given.real_name.take(),
                email: given.email.take(),
            }
        }
        "remove" => AccountCommand::Remove { name: words.name("account remove")? },
        "reset-password" => {
            AccountCommand::ResetPassword { name: words.name("account reset-password")? }
        }
        _ => {
            let sentence = format!("there is no command \"account {word}\"");
            return Err(UsageError(sentence));
        }
    };
    given.only(scope)?;
    words.end()?;
    let common = given.common;
    Ok(Invocation::Account { common, command })
}

#[cfg(test)]
mod tests {
    use super::super::{Common, parse};
    use super::*;

    fn assert_parsed(table: impl IntoIterator<Item = (&'static str, Invocation)>) {
        for (line, wanted) in table {
            let words = line.split_whitespace().map(OsString::from);
            assert_eq!(parse(words), Ok(wanted), "{line}");
        }
    }

    #[test]
    fn every_command_of_one_word_is_understood() {
        let common = Common::default;
        let export = |file| Invocation::Export { common: common(), file };
        let import = Invocation::Import { common: common(), file: "f".into() };
        assert_parsed([
            ("check", Invocation::Check(common())),
            ("config", Invocation::Config(common())),
            ("doctor", Invocation::Doctor(common())),
            ("export", export(None)),
            ("export f", export(Some("f".into()))),
            ("import f", import),
            ("--version", Invocation::Version),
            ("-V", Invocation::Version),
            ("--help", Invocation::Help),
            ("key inject -h", Invocation::Help),
        ]);
    }

    #[test]
    fn every_key_command_is_understood() {
        let inject = KeyCommand::Inject { key_file: "k".into(), output: "p".into() };
        let file = Some("f".into());
        let table = [
            ("key new", KeyCommand::New { file: None }),
            ("key new f", KeyCommand::New { file }),
            ("key show-path", KeyCommand::ShowPath),
            ("key inject --key-file k --output p", inject.clone()),
            ("--output=p key --key-file=k inject", inject),
        ];
        assert_parsed(table.map(|(line, command)| {
            let common = Common::default();
            (line, Invocation::Key { common, command })
        }));
    }

    #[test]
    fn every_account_command_is_understood() {
        let name = || "amy".to_owned();
        let add = |real_name: Option<&str>, email: Option<&str>| AccountCommand::Add {
            name: name(),
            real_name: real_name.map(str::to_owned),
            email: email.map(str::to_owned),
        };
        let reset = AccountCommand::ResetPassword { name: name() };
        let table = [
            ("account list", AccountCommand::List),
            ("account add amy", add(None, None)),
            ("account add amy --real-name Amy --email a@b", add(Some("Amy"), Some("a@b"))),
            ("account remove amy", AccountCommand::Remove { name: name() }),
            ("account reset-password amy", reset),
        ];
        assert_parsed(table.map(|(line, command)| {
            let common = Common::default();
            (line, Invocation::Account { common, command })
        }));
    }
}
