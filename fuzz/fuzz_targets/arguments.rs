//! The command line: any words are understood or refused, and what is understood is so too in its plainest form.
//!
//! Input: the words, one a line.

#![no_main]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use libfuzzer_sys::fuzz_target;
use mecd::args::{AccountCommand, Common, Invocation, KeyCommand, Verbosity, parse};

fuzz_target!(|bytes: &[u8]| {
    let words = bytes.split(|byte| *byte == b'\n').map(|word| OsString::from_vec(word.to_vec()));
    match parse(words) {
        Ok(invocation) => {
            let plain = Plain::of(&invocation);
            assert_eq!(parse(plain.words.clone()).as_ref(), Ok(&invocation), "{:?}", plain.words);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

/// A command line with every value behind a `=`, and all other words at the end.
#[derive(Default)]
struct Plain {
    words: Vec<OsString>,
    last: Vec<OsString>,
}

impl Plain {
    fn of(invocation: &Invocation) -> Self {
        let mut plain = Self::default();
        plain.invocation(invocation);
        plain.words.push("--".into());
        plain.words.append(&mut plain.last);
        plain
    }

    fn invocation(&mut self, invocation: &Invocation) {
        match invocation {
            Invocation::Serve(common) => self.common(common),
            Invocation::Check(common) => self.word("check").common(common),
            Invocation::Config(common) => self.word("config").common(common),
            Invocation::Doctor(common) => self.word("doctor").common(common),
            Invocation::Key { common, command } => {
                self.word("key").common(common);
                self.key(command);
            }
            Invocation::Account { common, command } => {
                self.word("account").common(common);
                self.account(command);
            }
            Invocation::Export { common, file } => {
                self.word("export").common(common);
                self.last.extend(file.clone().map(OsString::from));
            }
            Invocation::Import { common, file } => self.word("import").word(file).common(common),
            Invocation::Version => self.flag("--version"),
            Invocation::Help => self.flag("--help"),
        }
    }

    fn key(&mut self, command: &KeyCommand) {
        match command {
            KeyCommand::New { file } => {
                self.word("new").last.extend(file.clone().map(OsString::from));
            }
            KeyCommand::ShowPath => {
                self.word("show-path");
            }
            KeyCommand::Inject { key_file, output } => {
                self.option("--key-file", Some(key_file));
                self.option("--output", Some(output));
                self.word("inject");
            }
        }
    }

    fn account(&mut self, command: &AccountCommand) {
        match command {
            AccountCommand::List => self.word("list"),
            AccountCommand::Add { name, real_name, email } => {
                self.option("--real-name", real_name.as_ref());
                self.option("--email", email.as_ref());
                self.word("add").word(name)
            }
            AccountCommand::Remove { name } => self.word("remove").word(name),
            AccountCommand::ResetPassword { name } => self.word("reset-password").word(name),
        };
    }

    fn common(&mut self, common: &Common) {
        self.option("--config", common.config.as_ref());
        self.option("--data-dir", common.data_dir.as_ref());
        for listen in &common.listen {
            self.option("--listen", Some(&listen.to_string()));
        }
        for (key, value) in &common.set {
            self.option("--set", Some(&format!("{key}={value}")));
        }
        match common.verbosity {
            Verbosity::Quiet => self.flag("-q"),
            Verbosity::Normal => {}
            Verbosity::Verbose => self.flag("-v"),
        }
    }

    fn flag(&mut self, name: &str) {
        self.words.push(name.into());
    }

    fn option(&mut self, name: &str, value: Option<impl AsRef<OsStr>>) {
        let Some(value) = value else { return };
        self.words.push(
            OsStr::from_bytes(&[name.as_bytes(), b"=", value.as_ref().as_bytes()].concat()).into(),
        );
    }

    fn word(&mut self, word: impl AsRef<OsStr>) -> &mut Self {
        self.last.push(word.as_ref().into());
        self
    }
}
