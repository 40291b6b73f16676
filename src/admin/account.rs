//! `mecd account`: who has registered, and changes to that. A new password is one line of standard input.

use std::fmt::Write as _;
use std::io::{BufRead, Read, Write};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::admin::init_logging;
use crate::admin::{open, open_existing, said};
use crate::args::{AccountCommand, Verbosity};
use crate::config::Config;
use crate::core::command::Password;
use crate::core::name::UserName;
use crate::core::{Record, Status};
use crate::limits::SECRET_BYTES_MAX;
use crate::server::store_place;
use crate::store::{Purpose, Store};

/// What stands for an e-mail address that nobody gave.
const NO_EMAIL: &str = "-";

/// `mecd account`. `list` gives a line for each account, in order of creation: name, real name and e-mail address with
/// TABs between them, none of which can hold one.
///
/// # Errors
/// One sentence: a name that is invalid, taken or not there, a password or another word of a wrong length, or why the
/// data directory cannot be opened or written.
#[expect(clippy::needless_pass_by_value, reason = "the command has the configuration to itself")]
pub fn account(
    config: Config,
    data_dir: Option<&Path>,
    command: &AccountCommand,
) -> Result<String, String> {
    match command {
        AccountCommand::List => list(&config, data_dir),
        AccountCommand::Add { name, real_name, email } => {
            let real_name = real_name.as_deref().unwrap_or(name);
            let email = email.as_deref().unwrap_or(NO_EMAIL);
            add(&config, data_dir, &user_name(name)?, real_name, email)
        }
        AccountCommand::Remove { name } => remove(&config, data_dir, &user_name(name)?),
        AccountCommand::ResetPassword { name } => {
            reset_password(&config, data_dir, &user_name(name)?)
        }
    }
}

fn list(config: &Config, data_dir: Option<&Path>) -> Result<String, String> {
    let (house, mut store) = open_existing(config, data_dir)?;
    let mut lines = String::new();
    house.export_accounts(
        &mut |place, bytes| store.read(store_place(place), bytes).map_err(said),
        &mut |record| {
            if let Record::Account { name, real_name, email, .. } = record {
                writeln!(lines, "{name}\t{real_name}\t{email}").map_err(said)?;
            }
            Ok(())
        },
    )?;
    store.close().map_err(said)?;
    Ok(lines)
}

fn add(
    config: &Config,
    data_dir: Option<&Path>,
    name: &UserName,
    real_name: &str,
    email: &str,
) -> Result<String, String> {
    check_personal("real name", real_name)?;
    check_personal("e-mail address", email)?;
    init_logging(Verbosity::Quiet);
    let (house, store) = open(config, data_dir)?;
    house.may_add_account(name).map_err(|status| refusal(status, name, config))?;
    let password = ask_password()?;
    let secret = house.secret(checked(&password)?, salt()?);
    let record = house
        .new_account(name.clone(), secret, real_name, email)
        .map_err(|status| refusal(status, name, config))?;
    write(store, &record, Purpose::Fact)?;
    Ok(String::new())
}

fn remove(config: &Config, data_dir: Option<&Path>, name: &UserName) -> Result<String, String> {
    let (house, store) = open_existing(config, data_dir)?;
    let person = house.account_named(name).ok_or_else(|| no_account(name))?;
    write(store, &Record::AccountRemoved { person }, Purpose::Housekeeping)?;
    Ok(String::new())
}

fn reset_password(
    config: &Config,
    data_dir: Option<&Path>,
    name: &UserName,
) -> Result<String, String> {
    let (house, store) = open_existing(config, data_dir)?;
    let person = house.account_named(name).ok_or_else(|| no_account(name))?;
    let password = ask_password()?;
    let secret = house.secret(checked(&password)?, salt()?);
    write(store, &Record::Password { person, secret }, Purpose::Fact)?;
    Ok(String::new())
}

/// Writes one record behind the log, and ends. What it makes untrue is told to the store by whoever opens it next.
fn write(mut store: Store, record: &Record<'_>, purpose: Purpose) -> Result<(), String> {
    let mut bytes = Zeroizing::new(Vec::new());
    record.encode(&mut bytes);
    store.append(&bytes, purpose).map_err(|full| format!("nothing is changed: {full}"))?;
    // Closing writes and syncs.
    store.close().map_err(said)
}

fn user_name(text: &str) -> Result<UserName, String> {
    let rule =
        "1 to 30 bytes, no blanks, of ASCII letters, digits and _-.[]{}^|~`' only, no - in front";
    UserName::new(text).map_err(|_| format!("{text:?} is no name for a user ({rule})"))
}

/// A real name or an e-mail address, as `#createlogin` takes it.
fn check_personal(what: &str, text: &str) -> Result<(), String> {
    if !(1..=SECRET_BYTES_MAX).contains(&text.len()) {
        return Err(format!(
            "the {what} has {} bytes, and may have 1 to {SECRET_BYTES_MAX}",
            text.len()
        ));
    }
    if text.contains(char::is_control) {
        return Err(format!("the {what} has a control character"));
    }
    Ok(())
}

fn refusal(status: Status, name: &UserName, config: &Config) -> String {
    if status == Status::NameRegistered {
        return format!("there is an account {name} already");
    }
    format!(
        "there are {} accounts, as many as limits.accounts allows",
        config.settings.accounts_max
    )
}

fn no_account(name: &UserName) -> String {
    format!("there is no account {name}")
}

fn checked(password: &str) -> Result<Password<'_>, String> {
    let lengths = format!("a password has 1 to {SECRET_BYTES_MAX} bytes");
    Password::new(password).map_err(|_| lengths)
}

/// The first line of standard input; where a person types it, they are asked, and nobody sees it.
fn ask_password() -> Result<Zeroizing<String>, String> {
    let mut input = std::io::stdin().lock();
    let Ok(shown) = tcgetattr(&input) else { return read_password(&mut input) };
    // Who cannot see the question can still answer it.
    let _ = write!(std::io::stderr(), "password: ");
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    let switched = tcsetattr(&input, OptionalActions::Flush, &hidden).is_ok();
    let password = read_password(&mut input);
    if switched {
        // A terminal that has gone needs its echo no more.
        let _ = tcsetattr(&input, OptionalActions::Now, &shown);
        let _ = writeln!(std::io::stderr());
    }
    password
}

fn read_password(input: &mut dyn BufRead) -> Result<Zeroizing<String>, String> {
    // With its line end, and one byte more to see that it is too long.
    let bytes_max = SECRET_BYTES_MAX + 3;
    let mut line = Zeroizing::new(Vec::with_capacity(bytes_max));
    let read = input.take(bytes_max as u64).read_until(b'\n', &mut line);
    read.map_err(|error| format!("cannot read the password from standard input: {error}"))?;
    if line.is_empty() {
        return Err("there is no password on standard input".into());
    }
    let text = std::str::from_utf8(&line).map_err(|_| "the password is not UTF-8".to_owned())?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    Ok(Zeroizing::new(text.to_owned()))
}

fn salt() -> Result<[u8; 16], String> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| format!("there are no random bytes: {error}"))?;
    Ok(salt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str) -> Result<String, String> {
        read_password(&mut input.as_bytes()).map(|password| password.as_str().to_owned())
    }

    #[test]
    fn a_password_is_the_first_line_whatever_ends_it() {
        for input in ["geheim", "geheim\n", "geheim\r\n", "geheim\nand more\n"] {
            assert_eq!(read(input), Ok("geheim".to_owned()));
        }
        assert_eq!(read(" two words \n"), Ok(" two words ".to_owned()));
        assert!(read("").is_err());
    }

    #[test]
    fn a_password_of_64_bytes_is_taken_and_of_none_or_65_refused() {
        for (bytes, taken) in [(0, false), (1, true), (64, true), (65, false), (100, false)] {
            for end in ["\n", "\r\n"] {
                let password = read(&format!("{}{end}", "x".repeat(bytes))).unwrap();
                assert_eq!(checked(&password).is_ok(), taken, "{bytes}");
            }
        }
    }

    #[test]
    fn a_real_name_is_bounded_and_has_no_control_characters() {
        for wrong in ["", "a\tb", "a\u{1b}[1m", &"x".repeat(65)] {
            assert!(check_personal("real name", wrong).is_err(), "{wrong:?}");
        }
        assert!(check_personal("real name", &"x".repeat(64)).is_ok());
    }
}
