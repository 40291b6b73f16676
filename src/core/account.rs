//! Accounts: who has registered, and how a password is checked. Persons: the names of owners and posters.

use std::collections::BTreeMap;

use argon2::{Algorithm, Argon2, Params, Version};
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::core::audit::ensure;
use crate::core::command::Password;
use crate::core::name::{Folded, UserName};
use crate::core::record::{Owner, PersonNo, Place, Record, Secret};
use crate::core::{House, Status};
use crate::limits::{HASH_MEMORY_KIB, HASH_PASSES, NONCE_BYTES, SECRET_BYTES_MAX};

/// A password as it is kept. Wiped when dropped.
pub(super) enum Kept {
    Recoverable(Zeroizing<Box<str>>),
    Hashed { salt: [u8; 16], hash: [u8; 32] },
}

/// What a client sent as its password.
#[derive(Clone, Copy)]
pub(super) enum Proof<'a> {
    /// The password itself.
    Clear(&'a str),
    /// The hex MD5 of a nonce's 32 hex digits and the password.
    Digest { nonce: [u8; NONCE_BYTES], digest: &'a str },
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

impl Kept {
    /// Keeps what a record says.
    pub(super) fn from_record(secret: Secret<'_>) -> Self {
        match secret {
            Secret::Recoverable(password) => Self::Recoverable(Zeroizing::new(password.into())),
            Secret::Hashed { salt, hash } => Self::Hashed { salt, hash },
        }
    }

    /// What a record of it says.
    pub(super) fn secret(&self) -> Secret<'_> {
        match self {
            Self::Recoverable(password) => Secret::Recoverable(password),
            Self::Hashed { salt, hash } => Secret::Hashed { salt: *salt, hash: *hash },
        }
    }

    /// Whether `proof` shows knowledge of the password. Takes a hash's time if it is kept as a hash.
    pub(super) fn admits(&self, proof: Proof<'_>, hasher: &mut Hasher) -> bool {
        match (self, proof) {
            (Self::Recoverable(password), Proof::Clear(text)) => {
                equal(password.as_bytes(), text.as_bytes())
            }
            (Self::Recoverable(password), Proof::Digest { nonce, digest }) => {
                let expected = challenge_digest(nonce, password);
                equal(&expected, digest.to_ascii_lowercase().as_bytes())
            }
            (Self::Hashed { salt, hash }, Proof::Clear(text)) => {
                equal(&hasher.argon2id(*salt, text), hash)
            }
            (Self::Hashed { .. }, Proof::Digest { .. }) => false,
        }
    }
}

/// Computes Argon2id, always in the same memory: a mebibyte taken and given back for each hash would tear the heap.
#[derive(Default)]
pub(super) struct Hasher {
    blocks: Vec<argon2::Block>,
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

impl Hasher {
    /// Argon2id of a password; some milliseconds. The memory is taken with the first one, and wiped after each.
    pub(super) fn argon2id(&mut self, salt: [u8; 16], password: &str) -> [u8; 32] {
        let params = Params::new(HASH_MEMORY_KIB, HASH_PASSES, 1, Some(32));
        let params = params.expect("the parameters are valid");
        self.blocks.resize(params.block_count(), argon2::Block::default());
        let mut hash = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password.as_bytes(), &salt, &mut hash, &mut self.blocks)
            .expect("lengths are within the function's bounds");
        self.blocks.fill(argon2::Block::default());
        hash
    }
}

/// The 32 hex digits that answer a challenge.
fn challenge_digest(nonce: [u8; NONCE_BYTES], password: &str) -> [u8; 32] {
    let digest = Md5::new().chain_update(hex(nonce)).chain_update(password).finalize();
    hex(digest.into())
}

/// 16 bytes as 32 lower-case hex digits.
#[must_use]
pub fn hex(bytes: [u8; 16]) -> [u8; 32] {
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    digits
}

/// Compares two secrets of at most 64 bytes in a time that depends on neither what they say nor how long they are. A
/// longer one, which only who sent it can have made so, is no secret of ours.
pub(super) fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len().max(b.len()) > SECRET_BYTES_MAX {
        return false;
    }
    let same_bytes = padded(a).as_slice().ct_eq(padded(b).as_slice());
    (same_bytes & a.len().ct_eq(&b.len())).into()
}

fn padded(secret: &[u8]) -> Zeroizing<[u8; SECRET_BYTES_MAX]> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES_MAX]);
    bytes[..secret.len()].copy_from_slice(secret);
    bytes
}

/// An account.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) name: UserName,
    pub(super) kept: Kept,
    pub(super) place: Place,
    /// Where a later change of the password stands.
    pub(super) password_place: Option<Place>,
}

/// All accounts.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    persons: BTreeMap<PersonNo, Account>,
    names: BTreeMap<Folded, PersonNo>,
}

impl Accounts {
    pub(super) fn count(&self) -> usize {
        self.persons.len()
    }

    pub(super) fn named(&self, name: &UserName) -> Option<PersonNo> {
        self.names.get(&name.folded()).copied()
    }

    pub(super) fn get(&self, person: PersonNo) -> Option<&Account> {
        self.persons.get(&person)
    }

    pub(super) fn get_mut(&mut self, person: PersonNo) -> Option<&mut Account> {
        self.persons.get_mut(&person)
    }

    /// Adds an account, or replaces the one of the same person, which is returned.
    pub(super) fn put(&mut self, person: PersonNo, account: Account) -> Option<Account> {
        self.names.insert(account.name.folded(), person);
        self.persons.insert(person, account)
    }

    pub(super) fn remove(&mut self, person: PersonNo) -> Option<Account> {
        let account = self.persons.remove(&person)?;
        self.names.remove(&account.name.folded());
        Some(account)
    }

    /// All accounts in order of creation.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PersonNo, &Account)> {
        self.persons.iter().map(|(&person, account)| (person, account))
    }
}

/// The names of those who own or have posted something, for as long as it is there.
#[derive(Debug, Default)]
pub(super) struct Persons(BTreeMap<PersonNo, (UserName, u32)>);

impl Persons {
    /// One more thing is of this person.
    pub(super) fn hold(&mut self, owner: &Owner) {
        self.0.entry(owner.person).or_insert_with(|| (owner.name.clone(), 0)).1 += 1;
    }

    /// One thing less is of this person.
    pub(super) fn release(&mut self, person: PersonNo) {
        let (_, things) = self.0.get_mut(&person).expect("who owns something is known");
        *things -= 1;
        if *things == 0 {
            self.0.remove(&person);
        }
    }

    pub(super) fn name(&self, person: PersonNo) -> &UserName {
        &self.0.get(&person).expect("who owns something is known").0
    }

    pub(super) fn owner(&self, person: PersonNo) -> Owner {
        Owner { person, name: self.name(person).clone() }
    }

    /// The name of a person who may own nothing.
    pub(super) fn known(&self, person: PersonNo) -> Option<&UserName> {
        self.0.get(&person).map(|(name, _)| name)
    }
}

impl Persons {
    /// Whether exactly the persons in `held` are known, each for as many things.
    ///
    /// # Errors
    /// What is wrong, for tests.
    pub(super) fn audit(&self, held: &BTreeMap<PersonNo, u32>) -> Result<(), String> {
        let known: BTreeMap<PersonNo, u32> =
            self.0.iter().map(|(&person, &(_, things))| (person, things)).collect();
        ensure(known == *held, || format!("persons {known:?} where {held:?} own something"))
    }
}

/// What an administrator changes. It gives records and changes nothing itself: they are written to a log that no server
/// has open, and applied when one opens it.
impl House {
    /// The record that makes an account. That registration is closed to users does not matter here.
    ///
    /// # Errors
    /// [`Status::NameRegistered`], or [`Status::NoMemory`] where there are as many accounts as the options allow.
    pub fn new_account<'a>(
        &self,
        name: UserName,
        secret: Secret<'a>,
        real_name: &'a str,
        email: &'a str,
    ) -> Result<Record<'a>, Status> {
        self.may_add_account(&name)?;
        let person = PersonNo(self.numbers.counters().next_person);
        Ok(Record::Account { person, name, secret, real_name, email })
    }

    /// Whether [`House::new_account`] would give a record, before anybody is asked for a password.
    ///
    /// # Errors
    /// As [`House::new_account`].
    pub fn may_add_account(&self, name: &UserName) -> Result<(), Status> {
        if self.accounts.named(name).is_some() {
            return Err(Status::NameRegistered);
        }
        if self.accounts.count() >= self.settings.accounts_max as usize {
            return Err(Status::NoMemory);
        }
        Ok(())
    }

    /// Whose account has this name.
    #[must_use]
    pub fn account_named(&self, name: &UserName) -> Option<PersonNo> {
        self.accounts.named(name)
    }

    /// A password as the options say it is kept; `salt` is for a hash, which takes some milliseconds.
    #[must_use]
    pub fn secret<'a>(&self, password: Password<'a>, salt: [u8; 16]) -> Secret<'a> {
        let password = password.as_str();
        if self.settings.hash_passwords {
            Secret::Hashed { salt, hash: Hasher::default().argon2id(salt, password) }
        } else {
            Secret::Recoverable(password)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(password: &str) -> Kept {
        Kept::from_record(Secret::Recoverable(password))
    }

    #[test]
    fn a_challenge_is_answered_by_the_md5_of_nonce_and_password_in_either_case() {
        // md5("000102030405060708090a0b0c0d0e0fgeheim")
        let nonce = std::array::from_fn(|n| n as u8);
        let digest = Md5::digest(b"000102030405060708090a0b0c0d0e0fgeheim");
        let digest = String::from_utf8(hex(digest.into()).to_vec()).unwrap();
        for digest in [digest.clone(), digest.to_uppercase()] {
            assert!(
                kept("geheim")
                    .admits(Proof::Digest { nonce, digest: &digest }, &mut Hasher::default())
            );
            assert!(
                !kept("other")
                    .admits(Proof::Digest { nonce, digest: &digest }, &mut Hasher::default())
            );
        }
        assert!(
            !kept("geheim").admits(Proof::Digest { nonce, digest: "" }, &mut Hasher::default())
        );
        assert!(
            !kept("geheim")
                .admits(Proof::Digest { nonce, digest: "geheim" }, &mut Hasher::default())
        );
    }

    #[test]
    fn a_hash_admits_the_password_and_no_digest() {
        let mut hasher = Hasher::default();
        let hash = hasher.argon2id([3; 16], "geheim");
        let hashed = Kept::Hashed { salt: [3; 16], hash };
        assert!(hashed.admits(Proof::Clear("geheim"), &mut hasher));
        assert!(!hashed.admits(Proof::Clear("Geheim"), &mut hasher));
        assert!(!hashed.admits(Proof::Digest { nonce: [0; 16], digest: "geheim" }, &mut hasher));
    }

    #[test]
    fn secrets_are_equal_only_if_bytes_and_length_are() {
        assert!(equal(b"", b"") && equal(b"abc", b"abc") && equal(&[7; 64], &[7; 64]));
        assert!(!equal(b"abc", b"abd") && !equal(b"abc", b"abc\0") && !equal(b"", b"\0"));
        assert!(!equal(&[7; 65], &[7; 65]), "no secret is that long");
    }

    #[test]
    fn md5_is_the_one_of_rfc_1321() {
        let digest: [u8; 16] = Md5::digest(b"message digest").into();
        assert_eq!(&hex(digest), b"f96b697d7cb7938d525a2f31aaf161d0");
    }
}
