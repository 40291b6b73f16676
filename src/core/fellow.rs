//! What users ask whose rooms, letters and nicknames are kept with their accounts (spec `dialects.md`, `json`).
//! Nicknames: how accounts are shown beside their names.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::core::command::{Claim, Fellow, Password};
use crate::core::name::{ItemName, UserName};
use crate::core::record::{PersonNo, Place};
use crate::core::session::{After, Attempt};
use crate::core::{Answer, House, Now, Outbox, Outcome, SessionId, Status};

/// What real name and address an account has that was made by somebody who was not asked for them.
const NOT_SAID: &str = "-";

/// How accounts are shown beside their names.
#[derive(Debug, Default)]
pub(super) struct Nicknames(BTreeMap<PersonNo, (Box<str>, Place)>);

impl Nicknames {
    pub(super) fn get(&self, person: PersonNo) -> Option<(&str, Place)> {
        self.0.get(&person).map(|(nickname, place)| (&**nickname, *place))
    }

    /// All of them, in order of the accounts' creation.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PersonNo, &str, Place)> {
        self.0.iter().map(|(&person, (nickname, place))| (person, &**nickname, *place))
    }
}

impl House {
    /// Carries out a request of a user, or of somebody who wants to become one.
    pub(super) fn serve_fellow(
        &mut self,
        now: Now,
        id: SessionId,
        claim: Option<&UserName>,
        request: Fellow<'_>,
        out: &mut dyn Outbox,
    ) -> Outcome {
        if let Some(claim) = claim
            && self.user_name(id).is_none_or(|name| name.folded() != claim.folded())
        {
            return Err(Status::NotYou);
        }
        match request {
            Fellow::Register { name, password } => {
                let real_name = name.as_str().to_owned();
                let password = Zeroizing::new(password.as_str().to_owned());
                let (email, after) = (NOT_SAID.to_owned(), After::CatchUp { since: None });
                let attempt = Attempt::Create { name, password, real_name, email, after };
                self.attempt(now, id, attempt, out)
            }
            Fellow::Login { name, password, since } => {
                let password = Zeroizing::new(password.as_str().to_owned());
                let after = After::CatchUp { since };
                self.attempt(now, id, Attempt::Login { name, password, nonce: None, after }, out)
            }
            Fellow::Update { nickname, password, then } => {
                let nickname = nickname.map(|nickname| nickname.as_str().to_owned());
                let password = password.map(Password::as_str).map(str::to_owned);
                let password = password.map(Zeroizing::new);
                self.attempt(now, id, Attempt::Update { nickname, password, then }, out)
            }
            Fellow::Invite { user, room } => self.invite(now, id, &user, &room, out),
            Fellow::Join { room } => self.join(now, id, &room, out),
            Fellow::Resign { room } => self.resign(now, id, &room, out),
            Fellow::Say { room, text } => self.say(now, id, &room, Claim::Own, Ok(text), None, out),
            Fellow::Write { user, text } => self.write(now, id, &user, text, out),
            Fellow::Recount { room, count, since } => {
                self.recount_since(now, id, &room, count, since, out)
            }
        }
    }

    fn recount_since(
        &self,
        now: Now,
        id: SessionId,
        room: &ItemName,
        count: Option<u64>,
        since: Option<u64>,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let slot = self.my_room(now, id, room)?;
        self.story(id, slot, count, since.unwrap_or(0), out);
        Ok(Answer::Done)
    }

    /// How an account is shown beside its name.
    pub(super) fn nickname(&self, person: PersonNo) -> Option<&str> {
        self.nicknames.get(person).map(|(nickname, _)| nickname)
    }

    pub(super) fn apply_nickname(&mut self, person: PersonNo, nickname: &str, place: Place) {
        let old = if nickname.is_empty() {
            self.dead.push(place);
            self.nicknames.0.remove(&person)
        } else {
            self.nicknames.0.insert(person, (nickname.into(), place))
        };
        self.dead.extend(old.map(|(_, place)| place));
    }

    /// An account goes, and with it all that is kept for it.
    pub(super) fn drop_belongings(&mut self, person: PersonNo) {
        self.dead.extend(self.nicknames.0.remove(&person).map(|(_, place)| place));
        self.drop_memberships(person);
        self.drop_letters(person, u32::MAX);
    }

    /// All records have been applied: lets nicknames go whose account is not there.
    pub(super) fn drop_stray_nicknames(&mut self) {
        let is_stray = |person: &PersonNo| self.accounts.get(*person).is_none();
        let stray: Vec<_> = self.nicknames.0.keys().copied().filter(is_stray).collect();
        for person in stray {
            self.dead.extend(self.nicknames.0.remove(&person).map(|(_, place)| place));
        }
    }
}
