//! Secrets: made, hashed, verified, and never shown by accident.
//!
//! An API key is `ivk_<id>_<secret>`: 16 hex digits of id, then 64 hex digits of secret (256 random
//! bits) and 8 of CRC-32 over all that stands before them. The checksum lets secret scanners tell a
//! real key from a look-alike (`ivk_[0-9a-f]{16}_[0-9a-f]{72}`) and lets the server refuse a
//! mistyped one without a read. A fast hash is enough for the file: nobody guesses 256 random bits.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::base::hex::{hex, is_hex};

/// What every key starts with.
const PREFIX: &str = "ivk_";
/// Hex digits of the id.
const ID_LEN: usize = 16;
/// Random bytes of a key: those of its id, and of its secret.
pub(crate) const RANDOM_LEN: usize = 8 + 32;
/// Hex digits of the secret with its checksum.
const SECRET_LEN: usize = 64 + 8;
// It is compared eight at a time.
const _: () = assert!(SECRET_LEN.is_multiple_of(8));

/// Characters of a key.
const KEY_LEN: usize = PREFIX.len() + ID_LEN + 1 + SECRET_LEN;
// Who sends another one is told so.
const _: () = assert!(KEY_LEN == 93);

/// The public part of an API key: names it in lists, events and revocations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// Reads an id: 16 lowercase hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        is_hex(text, ID_LEN).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A whole API key in plain text: shown once to its owner, sent with each request, never stored.
#[derive(Clone)]
pub struct PlainKey {
    /// The public part.
    pub id: KeyId,
    /// The secret with its checksum, 72 hex digits.
    secret: String,
}

/// The SHA-256 of a secret: what the file holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashedSecret([u8; 32]);

impl PlainKey {
    /// A new key from the system's random source.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut random = [0; RANDOM_LEN];
        getrandom::fill(&mut random)?;
        Ok(Self::from_random(&random))
    }

    /// The key of bytes that nobody can guess.
    pub(crate) fn from_random(random: &[u8; RANDOM_LEN]) -> Self {
        let (id, secret) = (hex(&random[..8]), hex(&random[8..]));
        let checksum = checksum(&id, &secret);
        Self {
            id: KeyId(id),
            secret: secret + &checksum,
        }
    }

    /// Reads `ivk_<id>_<secret>`.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        Self::from_parts(id, secret)
    }

    /// Reads the two parts of a key, as HTTP Basic carries them.
    pub fn from_parts(id: &str, secret: &str) -> Option<Self> {
        let id = KeyId::parse(id)?;
        if !is_hex(secret, SECRET_LEN) {
            return None;
        }
        let (random, sum) = secret.split_at(SECRET_LEN - 8);
        (checksum(id.as_str(), random) == sum).then(|| Self {
            id,
            secret: secret.to_owned(),
        })
    }

    /// What the file holds of this key.
    pub fn hashed(&self) -> HashedSecret {
        HashedSecret(Sha256::digest(self.secret.as_bytes()).into())
    }

    /// Whether this is the same key as `other`, in a time that does not depend on where they
    /// differ.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        // Word by word: byte by byte it would be a thirtieth of a get.
        let differences = self
            .words()
            .zip(other.words())
            .fold(0, |all, (one, another)| all | (one ^ another));
        self.id == other.id && differences.ct_eq(&0).into()
    }

    /// The secret as numbers of 64 bits.
    fn words(&self) -> impl Iterator<Item = u64> {
        let (words, _) = self.secret.as_bytes().as_chunks();
        words.iter().copied().map(u64::from_ne_bytes)
    }

    /// The key as its owner needs it. The only way to its plain text.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id.as_str(), self.secret)
    }
}

impl fmt::Debug for PlainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlainKey({}, hidden)", self.id.as_str())
    }
}

impl HashedSecret {
    /// The hash as it is stored.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `stored` is this hash, in a time that does not depend on where they differ.
    pub fn is_stored_as(&self, stored: &[u8]) -> bool {
        stored.ct_eq(&self.0).into()
    }
}

impl fmt::Debug for HashedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashedSecret(hidden)")
    }
}

/// What is wrong with `text`, which is no key, as a sentence. It tells of the form alone.
pub(crate) fn fault_of(text: &str) -> &'static str {
    let bare = text.trim_matches([' ', '"', '\'', '<', '>']);
    let begins = |prefix: &str| {
        let start = bare.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if begins("ivt_") || begins("ivm_") {
        "This is the token of a link, and no key: a key begins with ivk_."
    } else if !begins(PREFIX) {
        "This is no key of this server: a key begins with ivk_."
    } else if bare.len() < text.len() {
        "Something stands around the key: write `Bearer ivk_...`, with one space before the key."
    } else if text.len() < KEY_LEN {
        "This key is cut off: one has 93 characters."
    } else if text.len() > KEY_LEN {
        "This key is too long: one has 93 characters."
    } else if !has_form(text) {
        "This key is mistyped: behind ivk_ stand 16 hex digits, _, and 72 hex digits, in lowercase."
    } else {
        "This key is mistyped: its checksum does not match."
    }
}

/// Whether `text` has the characters of a key at their places.
fn has_form(text: &str) -> bool {
    let parts = text
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('_'));
    parts.is_some_and(|(id, secret)| is_hex(id, ID_LEN) && is_hex(secret, SECRET_LEN))
}

/// The checksum of a key, as 8 hex digits.
fn checksum(id: &str, random: &str) -> String {
    let mut crc = crc32fast::Hasher::new();
    for part in [PREFIX, id, "_", random] {
        crc.update(part.as_bytes());
    }
    hex(&crc.finalize().to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_in_both_spellings_and_matches_only_its_own_hash()
    -> Result<(), getrandom::Error> {
        let (key, other) = (PlainKey::generate()?, PlainKey::generate()?);
        let text = key.reveal();
        let stored = key.hashed();
        let reread = PlainKey::parse(&text);
        assert!(reread.is_some_and(|reread| reread.hashed().is_stored_as(stored.as_bytes())));
        let parts = text[4..]
            .split_once('_')
            .and_then(|(id, secret)| PlainKey::from_parts(id, secret));
        assert!(parts.is_some_and(|parts| parts.hashed().is_stored_as(stored.as_bytes())));
        assert!(!other.hashed().is_stored_as(stored.as_bytes()));
        Ok(())
    }

    #[test]
    fn a_key_matches_no_other_one_wherever_they_differ() -> Result<(), getrandom::Error> {
        let key = PlainKey::generate()?;
        assert!(key.matches(&key.clone()));
        for position in 0..SECRET_LEN {
            let mut other = key.clone();
            let digit = if key.secret[position..].starts_with('0') {
                "1"
            } else {
                "0"
            };
            other.secret.replace_range(position..=position, digit);
            assert!(!key.matches(&other) && !other.matches(&key), "{position}");
        }
        Ok(())
    }

    #[test]
    fn one_changed_character_anywhere_is_noticed_without_a_read() -> Result<(), getrandom::Error> {
        let text = PlainKey::generate()?.reveal();
        for position in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[position] = if altered[position] == b'0' {
                b'1'
            } else {
                b'0'
            };
            let altered = String::from_utf8_lossy(&altered).into_owned();
            assert!(PlainKey::parse(&altered).is_none(), "{position}");
        }
        Ok(())
    }

    #[test]
    fn debug_output_hides_the_secret() -> Result<(), getrandom::Error> {
        let key = PlainKey::generate()?;
        let shown = format!("{key:?} {:?}", key.hashed());
        assert_eq!(
            shown,
            format!("PlainKey({}, hidden) HashedSecret(hidden)", key.id.as_str())
        );
        Ok(())
    }
}
