//! Arguments: from a command's words to a command, one function for each row of the verb table.
//!
//! Each checks in the order that the spec gives: are the words there and well-formed (-1), then are the names valid
//! (-4), both over the whole line. Knows nothing of who asks; what depends on the house's state, the house checks.
//! Spec `mec.md` 3 to 7 and 9.

use std::net::IpAddr;

use crate::core::command::{Admits, Password, Then};
use crate::core::name::{ItemName, UserName};
use crate::core::{Command, Status};
use crate::dialect::mec::body::{Outcome, Post};
use crate::dialect::mec::words::Words;
use crate::limits::SECRET_BYTES_MAX;

/// A command, or the answer that refuses it.
type Parsed<'a> = Result<Command<'a>, Status>;

pub(super) fn login<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    // The type word comes before everything else, a malformed line too.
    let kind = words.word().ok().flatten().ok_or(Status::NoUserType)?;
    if kind.eq_ignore_ascii_case("anon") {
        let [name] = words.take()?;
        return Ok(Command::LoginAnonymous { name: user(present(name)?)? });
    }
    if !kind.eq_ignore_ascii_case("regd") {
        return Err(Status::NoUserType);
    }
    let [name, password] = words.take()?;
    let (name, password) = (present(name)?, present(password)?);
    Ok(Command::LoginRegistered { name: user(name)?, password: secret(password)? })
}

pub(super) fn create_login<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    let [name, password, real_name, email] = words.take()?;
    let (name, password) = (present(name)?, present(password)?);
    let (real_name, email) = (present(real_name)?, present(email)?);
    Ok(Command::CreateLogin {
        name: user(name)?,
        password: secret(password)?,
        real_name: personal(real_name)?,
        email: personal(email)?,
    })
}

pub(super) fn change_password<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    let [new, old] = words.take()?;
    Ok(Command::ChangePassword { new: present(new)?, old: present(old)? })
}

pub(super) fn create_room<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    let [name, password, admits] = words.take()?;
    let name = present(name)?;
    let admits = admitted(admits, Admits::Anonymous)?;
    Ok(Command::CreateRoom {
        name: item(name)?,
        password: door_key(password)?,
        admits,
        then: Then::Stay,
    })
}

pub(super) fn remove_room<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    let (name, password) = item_and_key(words)?;
    Ok(Command::RemoveRoom { name, password })
}

pub(super) fn change_room<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    let [name, password, admits] = words.take()?;
    let name = present(name)?;
    // Old clients send this word; it has to be one of the two and has no effect.
    admitted(admits, Admits::Anonymous)?;
    Ok(Command::ChangeRoom { name: item(name)?, password: door_key(password)? })
}

pub(super) fn broadcast<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    Ok(Command::Broadcast { text: present(words.text()?)? })
}

pub(super) fn send_to<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    let name = present(words.word()?)?;
    let text = present(words.text()?)?;
    Ok(Command::SendTo { user: user(name)?, text })
}

pub(super) fn peer_to_peer<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    let [name, port, address] = words.take()?;
    let (name, port, address) = (present(name)?, present(port)?, present(address)?);
    let port = u16::try_from(number(port)?).map_err(|_| Status::Unknown)?;
    if port == 0 || address.parse::<IpAddr>().is_err() {
        return Err(Status::Unknown);
    }
    Ok(Command::PeerToPeer { user: user(name)?, port, address })
}

pub(super) fn create_group<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    let [name, password, admits, seconds] = words.take()?;
    let name = present(name)?;
    let admits = admitted(admits, Admits::Registered)?;
    let seconds = number_or(seconds, 0)?;
    Ok(Command::CreateGroup { name: item(name)?, password: door_key(password)?, admits, seconds })
}

pub(super) fn join_group<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    let (name, password) = item_and_key(words)?;
    Ok(Command::JoinGroup { name, password })
}

pub(super) fn list_messages<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    let [parent] = words.take()?;
    Ok(Command::ListMessages { parent: parent.map(number).transpose()? })
}

pub(super) fn get_message<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    let [id] = words.take()?;
    Ok(Command::GetMessage { id: number(present(id)?)? })
}

/// `#postmessage`: an error is a malformed line, which has no body. An invalid name has one, and is its outcome.
pub(super) fn post_message(words: &mut Words<'_>) -> Result<Post, Status> {
    let [name, parent, parts, seconds] = words.take()?;
    let name = present(name)?;
    let (parent, parts) = (number_or(parent, 0)?, number_or(parts, 1)?);
    let seconds = number_or(seconds, 0)?;
    let outcome = match item(name) {
        Ok(name) => Outcome::Post { name, parent, seconds },
        Err(status) => Outcome::Refuse(status),
    };
    Ok(Post { outcome, parts })
}

pub(super) fn history<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    let [count] = words.take()?;
    Ok(Command::History { count: count.map(number).transpose()? })
}

pub(super) fn remove_group<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    let (name, password) = item_and_key(words)?;
    Ok(Command::RemoveGroup { name, password })
}

pub(super) fn remove_message<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    let [id] = words.take()?;
    Ok(Command::RemoveMessage { id: number(present(id)?)? })
}

pub(super) fn kick<'a>(words: &mut Words<'a>) -> Parsed<'a> {
    let [name] = words.take()?;
    Ok(Command::Kick { user: user(present(name)?)? })
}

fn item_and_key<'a>(words: &mut Words<'a>) -> Result<(ItemName, Option<Password<'a>>), Status> {
    let [name, password] = words.take()?;
    Ok((item(present(name)?)?, door_key(password)?))
}

fn present<T>(argument: Option<T>) -> Result<T, Status> {
    argument.ok_or(Status::Unknown)
}

fn number(word: &str) -> Result<u32, Status> {
    // `parse` would take a sign too.
    if !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Status::Unknown);
    }
    word.parse().map_err(|_| Status::Unknown)
}

fn number_or(word: Option<&str>, default: u32) -> Result<u32, Status> {
    word.map_or(Ok(default), number)
}

fn admitted(word: Option<&str>, default: Admits) -> Result<Admits, Status> {
    match word {
        None => Ok(default),
        Some(word) if word.eq_ignore_ascii_case("anon") => Ok(Admits::Anonymous),
        Some(word) if word.eq_ignore_ascii_case("regd") => Ok(Admits::Registered),
        Some(_) => Err(Status::Unknown),
    }
}

fn user(word: &str) -> Result<UserName, Status> {
    UserName::new(word).map_err(|_| Status::InvalidName)
}

fn item(word: &str) -> Result<ItemName, Status> {
    ItemName::new(word).map_err(|_| Status::InvalidName)
}

fn secret(word: &str) -> Result<Password<'_>, Status> {
    Password::new(word).map_err(|_| Status::InvalidName)
}

/// The password of a room or a group: an empty one is none.
fn door_key(word: Option<&str>) -> Result<Option<Password<'_>>, Status> {
    word.filter(|word| !word.is_empty()).map(secret).transpose()
}

/// A real name or an e-mail address.
fn personal(word: &str) -> Result<&str, Status> {
    let fits = (1..=SECRET_BYTES_MAX).contains(&word.len());
    if fits && !word.contains(char::is_control) { Ok(word) } else { Err(Status::InvalidName) }
}
