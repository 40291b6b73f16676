//! Words: names the command of a line and takes its words apart (spec `dialects.md`, `helo`).
//!
//! Knows no connection and no house. A line gives one request, with the checks that can be made without the house.

use crate::core::command::{Admits, Claim, Company, Oneself, OwnerMay, Then};
use crate::core::name::{ItemName, UserName};
use crate::core::{Command, Standing, Status};
use crate::dialect::Request;
use crate::dialect::helo::{Asked, Fetch};
use crate::limits::SAID_BYTES_MAX;

/// The command of a line, and what stands behind the blank that follows it.
pub(super) fn parted(line: &str) -> (&str, &str) {
    line.split_once(' ').unwrap_or((line, ""))
}

/// What a line comes to.
pub(super) fn request<'a>(verb: &str, rest: &'a str, standing: Standing) -> Request<'a> {
    match (verb, standing) {
        ("", _) if rest.trim_matches(' ').is_empty() => Request::Nothing,
        ("PONG", _) => Request::Nothing,
        ("QUIT", _) => act(Command::Quit, Asked::Quit),
        ("HELO", Standing::Stranger) => login(rest),
        (_, Standing::Stranger) => refuse(Status::NoLogin, Asked::Nothing),
        (_, Standing::User) => of_user(verb, rest).unwrap_or_else(unknown),
    }
}

/// The request of a user; nothing if there is no such command, or a word is missing.
fn of_user<'a>(verb: &str, rest: &'a str) -> Option<Request<'a>> {
    Some(match verb {
        "BCST" => match said(rest) {
            Ok(text) => keep(Company::Call { text }, Asked::Call(text)),
            Err(status) => refuse(status, Asked::Message),
        },
        "GET_USERS" if rest.trim_matches(' ') == "*all" => {
            keep(Company::ListEveryone, Asked::Nothing)
        }
        "GET_GROUPS" if rest.trim_matches(' ') == "*groups" => {
            act(Command::ListRooms, Asked::Nothing)
        }
        "PM" => whisper(rest)?,
        "REQUEST_PUBLIC_KEY" => pass_on("REQUEST_PUBLIC_KEY @", rest, Oneself::Allowed, 1)?,
        "PUBLIC_KEY" => pass_on("PUBLIC_KEY @", rest, Oneself::Allowed, 2)?,
        "FILE_TRANS" => {
            let rest = without(rest, "/send_file");
            pass_on("FILE_TRANS @", rest, Oneself::Refused, 1)?
        }
        "READY_FOR_FILE" => fetch(rest)?,
        "CREATE_GROUP" => create(word(without(rest, "/create_group"))?.0),
        "JOIN_GROUP" => {
            let (group, _) = word(without(rest, "/join"))?;
            in_group(group, Asked::Join(group), |name| Company::Enter { name, claim: Claim::Own })
        }
        "LEAVE_GROUP" => {
            let (group, _) = word(without(rest, "/leave"))?;
            let leave = |name| Company::Leave { name, owner: OwnerMay::NotGo };
            in_group(group, Asked::Leave(group), leave)
        }
        "GROUP_MESSAGE" => say(rest)?,
        "KICK" => kick(without(rest, "/kick"))?,
        _ => return None,
    })
}

fn login(name: &str) -> Request<'_> {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match UserName::new(name) {
        Ok(user) if is_plain => act(Command::LoginAnonymous { name: user }, Asked::Login(name)),
        Ok(_) | Err(_) => refuse(Status::InvalidName, Asked::Login(name)),
    }
}

fn whisper(rest: &str) -> Option<Request<'_>> {
    let (user, text) = addressed(rest)?;
    Some(match (said(behind_blank(text)), UserName::new(user)) {
        (Err(status), _) => refuse(status, Asked::Message),
        (Ok(_), Err(_)) => refuse(Status::NotFound, Asked::Message),
        (Ok(text), Ok(user)) => keep(Company::Tell { user, text }, Asked::Message),
    })
}

/// A line for a client of the same kind, with at least so many `words` behind the name.
fn pass_on<'a>(
    before: &'static str,
    rest: &'a str,
    oneself: Oneself,
    words: usize,
) -> Option<Request<'a>> {
    let (user, after) = addressed(rest)?;
    if after.split(' ').filter(|word| !word.is_empty()).count() < words {
        return None;
    }
    Some(match (said(after), UserName::new(user)) {
        (Err(status), _) => refuse(status, Asked::Line),
        (Ok(_), Err(_)) => refuse(Status::NotFound, Asked::Line),
        (Ok(_), Ok(user)) => keep(Company::PassOn { user, oneself, before, after }, Asked::Line),
    })
}

fn fetch(rest: &str) -> Option<Request<'_>> {
    let (user, file) = addressed(rest)?;
    Some(match (said(file), UserName::new(user)) {
        (Err(Status::Unknown), _) => return None,
        (Err(status), _) => refuse(status, Asked::Line),
        (Ok(_), Err(_)) => refuse(Status::NotFound, Asked::Line),
        (Ok(_), Ok(sender)) => Request::Fetch(Fetch { sender, file }),
    })
}

fn create(group: &str) -> Request<'_> {
    let asked = Asked::Create(group);
    match ItemName::new(group) {
        Ok(name) => {
            let (admits, then) = (Admits::Anonymous, Then::Enter);
            act(Command::CreateRoom { name, password: None, admits, then }, asked)
        }
        Err(_) => refuse(Status::InvalidName, asked),
    }
}

fn say(rest: &str) -> Option<Request<'_>> {
    let (group, behind) = word(rest)?;
    let group = group.strip_prefix("@@").unwrap_or(group);
    let text = behind_blank(behind);
    let say = |room| Company::Say { room, claim: Claim::Own, text: said(text), stamp: None };
    Some(in_group(group, Asked::Message, say))
}

fn kick(rest: &str) -> Option<Request<'_>> {
    let (group, rest) = word(rest)?;
    let (name, _) = word(rest)?;
    // A name that cannot be one is nobody's; the group is looked at first.
    let user = UserName::new(name).ok();
    let kick = |room| Company::Expel { room, user };
    Some(in_group(group, Asked::Kick { group, name }, kick))
}

/// A request about a group. One whose name cannot be one is not there.
fn in_group<'a>(
    group: &str,
    asked: Asked<'a>,
    request: impl FnOnce(ItemName) -> Company<'a>,
) -> Request<'a> {
    match ItemName::new(group) {
        Ok(name) => keep(request(name), asked),
        Err(_) => refuse(Status::NoRoom, asked),
    }
}

/// The text of a message, or what is wrong with it.
fn said(text: &str) -> Result<&str, Status> {
    if text.trim_matches(' ').is_empty() {
        Err(Status::Unknown)
    } else if text.len() > SAID_BYTES_MAX {
        Err(Status::NoMemory)
    } else {
        Ok(text)
    }
}

/// The first word and what follows, the blank between them included; nothing if there is none.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(' ');
    let end = text.find(' ').unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The user a line is for, without the `@` in front, and what follows, the blank between them included.
fn addressed(rest: &str) -> Option<(&str, &str)> {
    let (user, rest) = word(rest)?;
    Some((user.strip_prefix('@').unwrap_or(user), rest))
}

/// What stands behind the one blank that parts it from the word before.
fn behind_blank(rest: &str) -> &str {
    rest.strip_prefix(' ').unwrap_or(rest)
}

/// What is left when the word is taken away that the authors' client leaves in front of what its user typed.
fn without<'a>(rest: &'a str, typed: &str) -> &'a str {
    match word(rest) {
        Some((first, behind)) if first == typed => behind,
        Some(_) | None => rest,
    }
}

fn act<'a>(command: Command<'a>, asked: Asked<'a>) -> Request<'a> {
    Request::Do(command, asked.into())
}

fn keep<'a>(request: Company<'a>, asked: Asked<'a>) -> Request<'a> {
    act(Command::Company(request), asked)
}

fn refuse(status: Status, asked: Asked<'_>) -> Request<'_> {
    Request::Answer(status, asked.into())
}

fn unknown<'a>() -> Request<'a> {
    refuse(Status::NoCommand, Asked::Nothing)
}
