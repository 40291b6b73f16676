//! The model's logging in and out, accounts, challenges (spec `mec.md` 5 and 9).
//!
//! How long guesses wait, the spec leaves open. Here it is as the server has it: whoever changes that changes
//! [`Model::give_attempt_up`] and `may_guess_at` with it.

use md5::{Digest as _, Md5};

use crate::expect::Piece;
use crate::lines::{is_personal, is_secret, is_user_name};
use crate::model::Model;
use crate::world::{Account, Fact};

/// A request about passwords, which may have to wait.
#[derive(Clone, Debug)]
pub enum Attempt {
    Login { name: String, password: String, nonce: Option<String> },
    Create(Account),
    Change { new: String, old: String },
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    Status(i32),
    /// It was answered already.
    Answered,
}

/// An address that was wrong.
#[derive(Clone, Debug)]
pub struct Guess {
    address: std::net::IpAddr,
    failures: u32,
    last: u64,
    until: u64,
}

pub fn digest(nonce: &str, password: &str) -> String {
    let digest = Md5::new().chain_update(nonce).chain_update(password).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Attempt {
    fn verb(&self) -> &'static str {
        match self {
            Self::Login { .. } => "#login",
            Self::Create(_) => "#createlogin",
            Self::Change { .. } => "#changepass",
        }
    }
}

impl Model {
    pub fn login(&mut self, c: usize, kind: Option<&str>, words: Option<&[String]>) -> Option<i32> {
        let registered = match kind.map(str::to_ascii_lowercase).as_deref() {
            Some("anon") => false,
            Some("regd") => true,
            _ => return Some(3000),
        };
        let Some(words) = words else { return Some(-1) };
        let Some(name) = words.first() else { return Some(-1) };
        if registered && words.len() < 2 {
            return Some(-1);
        }
        if !is_user_name(name) || registered && !is_secret(&words[1]) {
            return Some(-4);
        }
        if registered {
            let nonce = self.conns[c].nonce.take();
            let nonce = nonce.filter(|(_, until)| self.now < *until).map(|(nonce, _)| nonce);
            let (name, password) = (name.clone(), words[1].clone());
            return self.attempt(c, Attempt::Login { name, password, nonce });
        }
        if self.world.account(name).is_some() {
            return Some(3004);
        }
        if self.online(name).is_some_and(|other| other != c) {
            return Some(3003);
        }
        let person = self.next_person;
        self.next_person += 1;
        self.arrive(c, name.clone(), person, false);
        Some(0)
    }

    pub fn create_login(&mut self, c: usize, words: &[String]) -> Option<i32> {
        let [name, password, real_name, email, ..] = words else { return Some(-1) };
        let personal = is_personal(real_name) && is_personal(email);
        if !is_user_name(name) || !is_secret(password) || !personal {
            return Some(-4);
        }
        let (name, password) = (name.clone(), password.clone());
        let (real_name, email) = (real_name.clone(), email.clone());
        self.attempt(c, Attempt::Create(Account { person: 0, name, password, real_name, email }))
    }

    pub fn change_password(&mut self, c: usize, words: &[String]) -> Option<i32> {
        let [new, old, ..] = words else { return Some(-1) };
        self.attempt(c, Attempt::Change { new: new.clone(), old: old.clone() })
    }

    pub fn remove_login(&mut self, c: usize) -> Option<i32> {
        if !self.user(c).registered {
            return Some(3501);
        }
        let status = self.keep(Fact::AccountGone(self.user(c).person));
        if status == 0 {
            self.depart(c);
        }
        Some(status)
    }

    pub fn challenge(&mut self, c: usize) -> Option<i32> {
        // What it is, is read from the answer.
        self.conns[c].nonce = Some((String::new(), self.now + 60_000));
        self.conns[c].nonces_given += 1;
        self.tell(c, Piece::Nonce);
        None
    }

    fn attempt(&mut self, c: usize, what: Attempt) -> Option<i32> {
        let address = self.conns[c].address;
        let due = match what {
            Attempt::Create(_) => self.now,
            Attempt::Login { .. } | Attempt::Change { .. } => self.may_guess_at(address),
        };
        if due <= self.now && !self.takes_hash(c, &what) {
            return match self.try_attempt(c, &what) {
                Tried::Status(status) => Some(status),
                Tried::Answered => None,
            };
        }
        self.conns[c].attempt = Some((due, what));
        None
    }

    /// An attempt that waited is carried out.
    pub fn carry_out(&mut self, c: usize) -> Result<(), String> {
        let Some((due, what)) = self.conns[c].attempt.take() else { return Ok(()) };
        if due > self.now {
            return Err(format!(
                "an attempt was to wait until {due}, and was made at {}",
                self.now
            ));
        }
        if let Tried::Status(status) = self.try_attempt(c, &what) {
            self.met.insert((what.verb(), status));
            self.status(c, status);
        }
        Ok(())
    }

    /// Whether it comes to computing a hash.
    pub fn takes_hash(&self, c: usize, what: &Attempt) -> bool {
        self.config.settings.hash_passwords
            && match what {
                Attempt::Login { name, nonce, .. } => {
                    nonce.is_none() && self.world.account(name).is_some()
                }
                Attempt::Create(account) => self.may_create_account(c, account) == 0,
                Attempt::Change { new, .. } => self.user(c).registered && is_secret(new),
            }
    }

    fn try_attempt(&mut self, c: usize, what: &Attempt) -> Tried {
        match what {
            Attempt::Login { name, password, nonce } => {
                self.try_login(c, name, password, nonce.as_deref())
            }
            Attempt::Create(account) => {
                let status = self.may_create_account(c, account);
                if status != 0 {
                    return Tried::Status(status);
                }
                let person = self.next_person;
                self.next_person += 1;
                let account = Account { person, ..account.clone() };
                Tried::Status(self.keep(Fact::Account(account)))
            }
            Attempt::Change { new, old } => self.try_change(c, new, old),
        }
    }

    fn try_login(&mut self, c: usize, name: &str, password: &str, nonce: Option<&str>) -> Tried {
        let Some(account) = self.world.account(name) else { return Tried::Status(3001) };
        let settings = &self.config.settings;
        let right = match nonce {
            Some(_) if settings.hash_passwords => false,
            // Nobody can answer a nonce that nobody has read.
            Some("") => false,
            Some(nonce) => password.to_ascii_lowercase() == digest(nonce, &account.password),
            None => password == account.password && !settings.require_challenge,
        };
        if !right {
            return self.wrong_password(c, "#login");
        }
        let (name, person) = (account.name.clone(), account.person);
        if let Some(other) = self.online(&name).filter(|other| *other != c) {
            self.dismiss(other);
        }
        self.arrive(c, name, person, true);
        Tried::Status(0)
    }

    fn may_create_account(&self, c: usize, account: &Account) -> i32 {
        let settings = &self.config.settings;
        if !settings.registration {
            3501
        } else if self.world.account(&account.name).is_some() {
            3004
        } else if self.online(&account.name).is_some_and(|other| other != c) {
            3003
        } else if self.world.accounts.len() >= settings.accounts_max as usize {
            -2
        } else {
            0
        }
    }

    fn try_change(&mut self, c: usize, new: &str, old: &str) -> Tried {
        let user = self.user(c);
        if !user.registered {
            return Tried::Status(3501);
        }
        if !is_secret(new) {
            return Tried::Status(-4);
        }
        let person = user.person;
        let account = self.world.accounts.iter().find(|account| account.person == person);
        if account.expect("a registered user has an account").password != old {
            return self.wrong_password(c, "#changepass");
        }
        Tried::Status(self.keep(Fact::Password(person, new.to_owned())))
    }

    fn wrong_password(&mut self, c: usize, verb: &'static str) -> Tried {
        let free = self.config.settings.wrong_passwords_max;
        let step = self.config.settings.wrong_password_delay_ms;
        let (now, address) = (self.now, self.conns[c].address);
        if !self.guesses.iter().any(|guess| guess.address == address) {
            self.guesses.push(Guess { address, failures: 0, last: now, until: now });
        }
        let guess = self.guesses.iter_mut().find(|guess| guess.address == address);
        let guess = guess.expect("it was added");
        guess.failures += 1;
        guess.last = now;
        let steps = (guess.failures + 1).saturating_sub(free).min(10);
        guess.until = guess.until.max(now + u64::from(steps) * step);
        self.met.insert((verb, 3002));
        self.status(c, 3002);
        self.conns[c].wrong += 1;
        if self.conns[c].wrong >= free {
            self.dismiss(c);
        }
        Tried::Answered
    }

    /// An attempt that waits is given up with its session. Those that come later need not wait for it.
    pub fn give_attempt_up(&mut self, c: usize) {
        let Some((due, _)) = self.conns[c].attempt.take() else { return };
        let (address, now) = (self.conns[c].address, self.now);
        let step = self.config.settings.wrong_password_delay_ms;
        let guess = self.guesses.iter_mut().find(|guess| guess.address == address);
        if let Some(guess) = guess.filter(|_| due > now) {
            guess.until = guess.until.saturating_sub(step).max(guess.last);
        }
    }

    fn may_guess_at(&mut self, address: std::net::IpAddr) -> u64 {
        let now = self.now;
        self.guesses.retain(|guess| guess.address != address || now < guess.last + 600_000);
        let step = self.config.settings.wrong_password_delay_ms;
        match self.guesses.iter_mut().find(|guess| guess.address == address) {
            Some(guess) if guess.until > now => {
                guess.until += step;
                guess.until - step
            }
            _ => now,
        }
    }
}
