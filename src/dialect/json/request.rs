//! Requests: from an object to a command of the house, with the checks that need nobody's knowledge.
//!
//! Checks come in the order of the protocol page: the command, whether the caller has logged in, `From`, then the
//! fields in the order of the table.

use crate::core::command::{Afterwards, Fellow, Nickname, Password};
use crate::core::name::{ItemName, UserName};
use crate::core::{Command, Standing};
use crate::dialect::json::object::{Field, Object};
use crate::dialect::json::words::{Fault, Verb};

/// What a client wants, or why it cannot be.
pub(super) type Wish<'a> = (Option<Verb>, Result<Want<'a>, Fault>);

/// What a client wants.
#[derive(Debug)]
pub(super) enum Want<'a> {
    /// Something of the house.
    Command(Command<'a>),
    /// An answer, to see that somebody is there.
    Ping,
}

/// What an object asks for.
pub(super) fn wish<'a>(object: &'a mut Object, standing: Standing, host: &str) -> Wish<'a> {
    object.clean(Field::Message);
    let word = match object.text(Field::Command) {
        Ok(word) => word,
        Err(wrong) => return (None, Err(wrong.into())),
    };
    let Some(verb) = Verb::named(word) else { return (None, Err(Fault::UnknownCommand)) };
    (Some(verb), want(object, verb, standing, host))
}

fn want<'a>(
    object: &'a Object,
    verb: Verb,
    standing: Standing,
    host: &str,
) -> Result<Want<'a>, Fault> {
    let request = match (verb, standing) {
        (Verb::Ping, _) => return Ok(Want::Ping),
        (Verb::Register, _) => return register(object, host).map(Want::Command),
        (Verb::Login, _) => return login(object, host).map(Want::Command),
        (_, Standing::Stranger) => return Err(Fault::NotLoggedIn),
        (Verb::Update, Standing::User) => update,
        (Verb::Invite, Standing::User) => invite,
        (Verb::Join, Standing::User) => join,
        (Verb::Leave, Standing::User) => leave,
        (Verb::Msg, Standing::User) => msg,
        (Verb::History, Standing::User) => history,
    };
    let claim = match object.optional_text(Field::From)? {
        Some(uid) => Some(user(uid, host).ok_or(Fault::NotYou)?),
        None => None,
    };
    Ok(Want::Command(Command::Fellow { claim, request: request(object, host)? }))
}

/// The user with that UID: its name, or its name and this server's.
fn user(uid: &str, host: &str) -> Option<UserName> {
    let name = match uid.split_once('@') {
        Some((name, at)) if at.eq_ignore_ascii_case(host) => name,
        Some(_) => return None,
        None => uid,
    };
    UserName::new(name).ok()
}

/// Who is to log in. Where it says in whose name, that is the same.
fn newcomer<'a>(
    object: &'a Object,
    host: &str,
    unfit: Fault,
) -> Result<(UserName, Password<'a>), Fault> {
    let name = object.text(Field::Username)?;
    let password = object.text(Field::Password)?;
    let name = user(name, host).ok_or(unfit)?;
    if let Some(uid) = object.optional_text(Field::From)?
        && user(uid, host).is_none_or(|from| from.folded() != name.folded())
    {
        return Err(Fault::NotYou);
    }
    Ok((name, Password::new(password).map_err(|_| Fault::BadPassword)?))
}

fn register<'a>(object: &'a Object, host: &str) -> Result<Command<'a>, Fault> {
    let (name, password) = newcomer(object, host, Fault::BadName)?;
    Ok(Command::Fellow { claim: None, request: Fellow::Register { name, password } })
}

fn login<'a>(object: &'a Object, host: &str) -> Result<Command<'a>, Fault> {
    let (name, password) = newcomer(object, host, Fault::NoSuchUser)?;
    let since = object.optional_number(Field::Since)?;
    Ok(Command::Fellow { claim: None, request: Fellow::Login { name, password, since } })
}

fn update<'a>(object: &'a Object, _host: &str) -> Result<Fellow<'a>, Fault> {
    let nickname = object.optional_text(Field::Nickname)?.map(Nickname::new).transpose();
    let nickname = nickname.map_err(|_| Fault::BadField(Field::Nickname))?;
    let then = match object.optional_text(Field::Status)? {
        None => Afterwards::Stay,
        Some(word) if word.eq_ignore_ascii_case("online") => Afterwards::Stay,
        Some(word) if word.eq_ignore_ascii_case("offline") => Afterwards::Leave,
        Some(_) => return Err(Fault::BadField(Field::Status)),
    };
    let password = object.optional_text(Field::Password)?.map(Password::new).transpose();
    let password = password.map_err(|_| Fault::BadPassword)?;
    Ok(Fellow::Update { nickname, password, then })
}

fn invite<'a>(object: &'a Object, host: &str) -> Result<Fellow<'a>, Fault> {
    let (uid, room) = (object.text(Field::User)?, object.text(Field::Group)?);
    let room = ItemName::new(room).map_err(|_| Fault::BadName)?;
    let user = user(uid, host).ok_or(Fault::NoSuchUser)?;
    Ok(Fellow::Invite { user, room })
}

fn group(object: &Object, field: Field) -> Result<ItemName, Fault> {
    // What cannot be a name is no group's.
    ItemName::new(object.text(field)?).map_err(|_| Fault::NoSuchGroup)
}

fn join<'a>(object: &'a Object, _host: &str) -> Result<Fellow<'a>, Fault> {
    Ok(Fellow::Join { room: group(object, Field::Group)? })
}

fn leave<'a>(object: &'a Object, _host: &str) -> Result<Fellow<'a>, Fault> {
    Ok(Fellow::Resign { room: group(object, Field::Group)? })
}

fn msg<'a>(object: &'a Object, host: &str) -> Result<Fellow<'a>, Fault> {
    let kind = object.text(Field::Type)?;
    let text = || match object.text(Field::Message)? {
        "" => Err(Fault::BadField(Field::Message)),
        text => Ok(text),
    };
    if kind.eq_ignore_ascii_case("PM") {
        let (uid, text) = (object.text(Field::To)?, text()?);
        return Ok(Fellow::Write { user: user(uid, host).ok_or(Fault::NoSuchUser)?, text });
    }
    let room = if kind.eq_ignore_ascii_case("group-message") {
        group(object, Field::To)?
    } else {
        let same = object.optional_text(Field::To)?;
        if same.is_some_and(|to| !to.eq_ignore_ascii_case(kind)) {
            return Err(Fault::BadField(Field::To));
        }
        group(object, Field::Type)?
    };
    Ok(Fellow::Say { room, text: text()? })
}

fn history<'a>(object: &'a Object, _host: &str) -> Result<Fellow<'a>, Fault> {
    let count = object.optional_number(Field::N)?;
    let since = object.optional_number(Field::Since)?;
    Ok(Fellow::Recount { room: group(object, Field::Group)?, count, since })
}
