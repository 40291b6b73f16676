//! Logging in and out, accounts, challenges (spec `mec.md` 5 and 9).
//!
//! A request about passwords that has to wait, for the delay of an address that guesses or for the one hash of a turn,
//! is parked in its session and carried out by the tick.

use zeroize::Zeroizing;

use crate::core::account::{Kept, Proof};
use crate::core::command::{Afterwards, Password};
use crate::core::event::{Reply, UserKind, Warning};
use crate::core::manner::Stands;
use crate::core::name::UserName;
use crate::core::outbox::Purpose;
use crate::core::record::{PersonNo, Record, Secret};
use crate::core::room::HOME;
use crate::core::session::{After, Attempt, Challenge, Presences, State, User};
use crate::core::{Answer, House, Now, Outbox, Outcome, SessionId, Status, status};
use crate::limits::{ATTEMPTS_WAITING_MAX, CHALLENGE_MS, NONCE_BYTES, SECRET_BYTES_MAX};

/// Whether a hash may be computed now, or has to wait for its turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Processor {
    Busy,
    Free,
}

impl House {
    pub(super) fn login_anonymous(
        &mut self,
        now: Now,
        id: SessionId,
        name: &UserName,
        out: &mut dyn Outbox,
    ) -> Outcome {
        if self.accounts.named(name).is_some() {
            return Err(Status::NameRegistered);
        }
        if self.sessions.online(name).is_some_and(|other| other != id.index) {
            return Err(Status::NameInUse);
        }
        let person = self.numbers.new_person();
        self.arrive(now, id.index, name.clone(), person, UserKind::Anonymous, out);
        Ok(Answer::Done)
    }

    pub(super) fn login_registered(
        &mut self,
        now: Now,
        id: SessionId,
        name: UserName,
        password: Password<'_>,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let challenge = self.sessions.at_mut(id.index).challenge.take();
        let nonce =
            challenge.filter(|challenge| now.ms < challenge.until).map(|challenge| challenge.nonce);
        let password = Zeroizing::new(password.as_str().to_owned());
        let after = After::Nothing;
        self.attempt(now, id, Attempt::Login { name, password, nonce, after }, out)
    }

    #[expect(clippy::too_many_arguments, reason = "they are the words of the command")]
    pub(super) fn create_login(
        &mut self,
        now: Now,
        id: SessionId,
        name: UserName,
        password: Password<'_>,
        real_name: &str,
        email: &str,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let password = Zeroizing::new(password.as_str().to_owned());
        let (real_name, email) = (real_name.to_owned(), email.to_owned());
        let after = After::Nothing;
        self.attempt(now, id, Attempt::Create { name, password, real_name, email, after }, out)
    }

    pub(super) fn change_password(
        &mut self,
        now: Now,
        id: SessionId,
        new: &str,
        old: &str,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let (new, old) = (Zeroizing::new(new.to_owned()), Zeroizing::new(old.to_owned()));
        self.attempt(now, id, Attempt::Change { new, old }, out)
    }

    /// Carries out a request about passwords at once if it can be, else parks it.
    pub(super) fn attempt(
        &mut self,
        now: Now,
        id: SessionId,
        what: Attempt,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let origin = self.sessions.at(id.index).origin;
        let due = match what {
            Attempt::Create { .. } | Attempt::Update { .. } => now.ms,
            Attempt::Login { .. } | Attempt::Change { .. } => {
                self.guard.due(now.ms, origin, self.settings.wrong_password_delay_ms)
            }
        };
        if due <= now.ms
            && let Some(outcome) = self.try_now(now, id, &what, Processor::Busy, out)
        {
            return outcome;
        }
        if self.attempts >= ATTEMPTS_WAITING_MAX {
            return Err(Status::NoMemory);
        }
        self.attempts += 1;
        self.sessions.set_deadline(id.index, Some(due));
        self.sessions.at_mut(id.index).attempt = Some(Box::new(what));
        Ok(Answer::Given)
    }

    /// Nobody waits any more for what a session attempted.
    pub(super) fn give_attempt_up(&mut self, now: Now, index: u32) {
        let session = self.sessions.at_mut(index);
        if session.attempt.take().is_none() {
            return;
        }
        let origin = session.origin;
        self.attempts -= 1;
        if self.sessions.deadline(index) > now.ms {
            self.guard.give_back(origin, self.settings.wrong_password_delay_ms);
        }
    }

    /// Carries out the attempt that a session has waited for. True if that took the time of a hash.
    pub(super) fn attempt_again(&mut self, now: Now, id: SessionId, out: &mut dyn Outbox) -> bool {
        // Each may enter many rooms.
        self.reserve_numbers(now, out);
        let attempt = self.sessions.at_mut(id.index).attempt.take().expect("the session waits");
        self.attempts -= 1;
        self.sessions.restore_deadline(id.index);
        let (outcome, hashed) = match self.try_now(now, id, &attempt, Processor::Busy, out) {
            Some(outcome) => (outcome, false),
            None => {
                let outcome = self.try_now(now, id, &attempt, Processor::Free, out);
                (outcome.expect("a free processor decides"), true)
            }
        };
        if let Some(status) = status(outcome) {
            out.reply(id, &Reply::Status(status));
        }
        self.bury_the_dead(out);
        hashed
    }

    /// Nothing if it takes a hash and the processor is busy.
    fn try_now(
        &mut self,
        now: Now,
        id: SessionId,
        what: &Attempt,
        processor: Processor,
        out: &mut dyn Outbox,
    ) -> Option<Outcome> {
        match what {
            Attempt::Login { name, password, nonce, after } => {
                self.try_login(now, id, name, password, *nonce, *after, processor, out)
            }
            Attempt::Create { name, password, real_name, email, after } => {
                let about = (real_name.as_str(), email.as_str());
                self.try_create(now, id, name, password, about, *after, processor, out)
            }
            Attempt::Change { new, old } => self.try_change(now, id, new, old, processor, out),
            Attempt::Update { nickname, password, then } => {
                let password = password.as_ref().map(|password| password.as_str());
                self.try_update(now, id, nickname.as_deref(), password, *then, processor, out)
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "they are the words of the command")]
    fn try_login(
        &mut self,
        now: Now,
        id: SessionId,
        name: &UserName,
        password: &str,
        nonce: Option<[u8; NONCE_BYTES]>,
        after: After,
        processor: Processor,
        out: &mut dyn Outbox,
    ) -> Option<Outcome> {
        let Some(person) = self.accounts.named(name) else { return Some(Err(Status::NoAccount)) };
        let account = self.accounts.get(person).expect("a name leads to an account");
        let proof = match nonce {
            Some(nonce) => Proof::Digest { nonce, digest: password },
            None => Proof::Clear(password),
        };
        if must_wait(&account.kept, proof, processor) {
            return None;
        }
        let taken = match proof {
            Proof::Digest { .. } => !self.settings.hash_passwords,
            Proof::Clear(_) => !self.settings.require_challenge,
        };
        if !(account.kept.admits(proof, &mut self.hasher) && taken) {
            return Some(self.wrong_password(now, id, out));
        }
        let name = account.name.clone();
        if self.settings.hash_passwords && matches!(account.kept, Kept::Recoverable(_)) {
            let kept = self.keep(password, processor, out)?;
            // Where the disk is full, the next log-in tries again.
            let _ =
                self.fact(&Record::Password { person, secret: kept.secret() }, Purpose::Fact, out);
        }
        if let Some(other) = self.sessions.online(&name).filter(|&other| other != id.index) {
            let other = self.sessions.at(other).id;
            self.dismiss(now, other, &Warning::LoggedInElsewhere, out);
        }
        self.arrive(now, id.index, name, person, UserKind::Registered, out);
        Some(Ok(self.follow(now, id, after, out)))
    }

    /// A user has logged in. Who is told what it has missed is first told that it has.
    fn follow(&mut self, now: Now, id: SessionId, after: After, out: &mut dyn Outbox) -> Answer {
        match after {
            After::Nothing => Answer::Done,
            After::CatchUp { since } => {
                out.reply(id, &Reply::Status(Status::Ok));
                self.catch_up(now, id, since, out);
                Answer::Given
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "they are the words of the command")]
    fn try_create(
        &mut self,
        now: Now,
        id: SessionId,
        name: &UserName,
        password: &str,
        (real_name, email): (&str, &str),
        after: After,
        processor: Processor,
        out: &mut dyn Outbox,
    ) -> Option<Outcome> {
        if !self.settings.registration {
            return Some(Err(Status::NoAccess));
        }
        if self.accounts.named(name).is_some() {
            return Some(Err(Status::NameRegistered));
        }
        if self.sessions.online(name).is_some_and(|other| other != id.index) {
            return Some(Err(Status::NameInUse));
        }
        if self.accounts.count() >= self.settings.accounts_max as usize {
            return Some(Err(Status::NoMemory));
        }
        let kept = self.keep(password, processor, out)?;
        let person = self.numbers.new_person();
        let record =
            Record::Account { person, name: name.clone(), secret: kept.secret(), real_name, email };
        if let Err(status) = self.fact(&record, Purpose::Fact, out) {
            return Some(Err(status));
        }
        if after != After::Nothing {
            self.arrive(now, id.index, name.clone(), person, UserKind::Registered, out);
        }
        Some(Ok(self.follow(now, id, after, out)))
    }

    #[expect(clippy::too_many_arguments, reason = "they are the words of the command")]
    fn try_update(
        &mut self,
        now: Now,
        id: SessionId,
        nickname: Option<&str>,
        password: Option<&str>,
        then: Afterwards,
        processor: Processor,
        out: &mut dyn Outbox,
    ) -> Option<Outcome> {
        let person = match self.registered(id.index) {
            Ok(person) => person,
            Err(status) => return Some(Err(status)),
        };
        let kept = match password {
            Some(password) => Some(self.keep(password, processor, out)?),
            None => None,
        };
        // A disk that fills up between the two leaves the first one true.
        let nickname = nickname.map(|nickname| Record::Nickname { person, nickname });
        let secret = kept.as_ref().map(|kept| Record::Password { person, secret: kept.secret() });
        for record in nickname.iter().chain(&secret) {
            if let Err(status) = self.fact(record, Purpose::Fact, out) {
                return Some(Err(status));
            }
        }
        Some(match then {
            Afterwards::Stay => Ok(Answer::Done),
            Afterwards::Leave => self.quit(now, id, out),
        })
    }

    fn try_change(
        &mut self,
        now: Now,
        id: SessionId,
        new: &str,
        old: &str,
        processor: Processor,
        out: &mut dyn Outbox,
    ) -> Option<Outcome> {
        let person = match self.registered(id.index) {
            Ok(person) => person,
            Err(status) => return Some(Err(status)),
        };
        if !(1..=SECRET_BYTES_MAX).contains(&new.len()) {
            return Some(Err(Status::InvalidName));
        }
        let account = self.accounts.get(person).expect("a registered user has an account");
        if must_wait(&account.kept, Proof::Clear(old), processor) {
            return None;
        }
        if self.settings.hash_passwords && processor == Processor::Busy {
            return None;
        }
        if !account.kept.admits(Proof::Clear(old), &mut self.hasher) {
            return Some(self.wrong_password(now, id, out));
        }
        let kept = self.keep(new, processor, out)?;
        let record = Record::Password { person, secret: kept.secret() };
        Some(self.fact(&record, Purpose::Fact, out).map(|()| Answer::Done))
    }

    /// A new password in the form in which it is kept.
    fn keep(&mut self, password: &str, processor: Processor, out: &mut dyn Outbox) -> Option<Kept> {
        if !self.settings.hash_passwords {
            return Some(Kept::from_record(Secret::Recoverable(password)));
        }
        if processor == Processor::Busy {
            return None;
        }
        let salt = out.entropy();
        Some(Kept::Hashed { salt, hash: self.hasher.argon2id(salt, password) })
    }

    /// The answer to a wrong password, and the end of a connection that sent too many.
    fn wrong_password(&mut self, now: Now, id: SessionId, out: &mut dyn Outbox) -> Outcome {
        let free = self.settings.wrong_passwords_max;
        let session = self.sessions.at_mut(id.index);
        session.wrong_passwords += 1;
        let last = session.wrong_passwords >= free;
        let origin = session.origin;
        self.guard.failed(now.ms, origin, free, self.settings.wrong_password_delay_ms);
        out.reply(id, &Reply::Status(Status::WrongPassword));
        if last {
            self.dismiss(now, id, &Warning::WrongPasswords, out);
        }
        Ok(Answer::Given)
    }

    pub(super) fn remove_login(
        &mut self,
        now: Now,
        id: SessionId,
        out: &mut dyn Outbox,
    ) -> Outcome {
        let person = self.registered(id.index)?;
        let rooms: Vec<u32> = self.memberships.rooms_of(person).collect();
        self.fact(&Record::AccountRemoved { person }, Purpose::Upkeep, out)?;
        self.depart(now, id.index, out);
        self.desert(now, &rooms, out);
        Ok(Answer::Done)
    }

    pub(super) fn challenge(&mut self, now: Now, id: SessionId, out: &mut dyn Outbox) -> Outcome {
        let nonce = out.entropy();
        let challenge = Challenge { nonce, until: now.ms + CHALLENGE_MS };
        self.sessions.at_mut(id.index).challenge = Some(Box::new(challenge));
        out.reply(id, &Reply::Challenge(nonce));
        Ok(Answer::Given)
    }

    /// A session takes an identity; the one it had leaves first.
    fn arrive(
        &mut self,
        now: Now,
        index: u32,
        name: UserName,
        person: PersonNo,
        kind: UserKind,
        out: &mut dyn Outbox,
    ) {
        if let State::User(_) = self.sessions.at(index).state {
            self.depart(now, index, out);
        }
        let user = User { name, person, kind, rooms: Presences::none(), group: None };
        self.sessions.log_in(index, user);
        match self.sessions.at(index).manner.stands {
            Stands::InOneRoom | Stands::AtHome => self.enter_room(now, index, HOME, out),
            Stands::Nowhere => self.enter_own_rooms(now, index, out),
        }
        self.sessions.listen(index);
        self.tell_what_is(now, index, out);
    }

    /// A user leaves the group, the rooms and the name; the session stays, as a stranger.
    pub(super) fn depart(&mut self, now: Now, index: u32, out: &mut dyn Outbox) {
        self.sessions.stop_listening(index);
        if let Some(group) = self.sessions.user_mut(index).group.take() {
            self.groups.leave(group, now.ms);
        }
        while let Some(&presence) = self.sessions.user(index).rooms.as_slice().first() {
            self.leave_room(now, index, presence.room, out);
        }
        let deadline = self.login_deadline(now);
        self.sessions.log_out(index, deadline);
    }

    /// The account of a registered user.
    pub(super) fn registered(&self, index: u32) -> Result<PersonNo, Status> {
        let user = self.sessions.user(index);
        match user.kind {
            UserKind::Registered => Ok(user.person),
            UserKind::Anonymous => Err(Status::NoAccess),
        }
    }
}

/// Whether a proof is checked by a hash that has to wait.
fn must_wait(kept: &Kept, proof: Proof<'_>, processor: Processor) -> bool {
    let hashed = matches!((kept, proof), (Kept::Hashed { .. }, Proof::Clear(_)));
    hashed && processor == Processor::Busy
}
