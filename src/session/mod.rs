//! Who is signed in to the console: sessions of browsers, and the links that open one.
//!
//! A session stands for an API key and can do what the key can, for as long as the key is live. The
//! browser holds a random token in a cookie, the file its hash. A session ends
//! [`IDLE_SECONDS`] after it was last renewed, [`LONGEST_SECONDS`] after it began, when the person
//! signs out or signs in again, with its key, and when the key has [`MOST`] others.
//!
//! Its token is replaced every [`RENEWED_AFTER_SECONDS`] of use. The one before is still taken for
//! [`GRACE_SECONDS`], so that a request which was on its way finds its session, and until the
//! browser has used the new one after that: the response that brought it may have got lost.
//!
//! * [`store`] is the SQL.

pub(crate) mod store;

use std::fmt;

use sha2::{Digest, Sha256};

use crate::audit::{self, Action, By, NewEntry};
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::base::hex::hex;
use crate::db::{Reader, WriteTx};
use crate::key::token::{KeyId, PlainKey};
use crate::key::{self, NewKey, Rights, Scope};

/// How long a session lasts that nobody uses.
pub(crate) const IDLE_SECONDS: i64 = 12 * 60 * 60;
/// How long a session lasts at most.
pub(crate) const LONGEST_SECONDS: i64 = 7 * 24 * 60 * 60;
/// How old the token of a session gets while it is used.
const RENEWED_AFTER_SECONDS: i64 = 10 * 60;
/// How long a token is still taken, at least, after it was replaced.
const GRACE_SECONDS: i64 = 60;
/// How many sessions of a key there may be.
const MOST: u32 = 50;
/// How long a sign-in link works.
pub(crate) const LINK_SECONDS: i64 = 10 * 60;
/// What the token of a sign-in link begins with.
pub(crate) const LINK_PREFIX: &str = "ivl_";

/// The secret of a session or of a sign-in link: 256 random bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token([u8; 32]);

/// The SHA-256 of a [`Token`]: what the file holds.
pub(crate) type Hash = [u8; 32];

impl Token {
    /// A new token from the system's random source.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub(crate) fn generate() -> Result<Self> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(Error::internal)?;
        Ok(Self(random))
    }

    /// Reads 64 lowercase hex digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut token = [0; 32];
        if text.len() != 2 * token.len() {
            return None;
        }
        for (byte, digits) in token.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).ok()?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        // Signs and capital letters are digits to the parser, too.
        let token = Self(token);
        (token.reveal() == text).then_some(token)
    }

    /// The token as a browser holds it. The only way to its plain text.
    pub(crate) fn reveal(&self) -> String {
        hex(&self.0)
    }

    /// What the file holds of the token.
    pub(crate) fn hash(&self) -> Hash {
        Sha256::digest(self.0).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// A session as the file holds it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The hash of its token.
    pub hash: Hash,
    /// The hash of the token that the browser has shown: its token, or the one before.
    pub shown: Hash,
    /// Whether the token before is still taken.
    pub has_replaced: bool,
    /// The key that it stands for.
    pub key: KeyId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it got its token.
    pub renewed_at: Timestamp,
}

impl Session {
    /// Whether the session stands at `now`, whatever its key does.
    fn stands(&self, now: Timestamp) -> bool {
        now < self.created_at.plus_seconds(LONGEST_SECONDS)
            && now < self.renewed_at.plus_seconds(IDLE_SECONDS)
    }

    /// Whether the session is to get a new token.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        now >= self.renewed_at.plus_seconds(RENEWED_AFTER_SECONDS)
    }

    /// Whether the token before is not to be taken any more: the browser has the new one, and what
    /// was on its way has come.
    pub(crate) fn is_settled(&self, now: Timestamp) -> bool {
        self.has_replaced
            && self.shown == self.hash
            && now >= self.renewed_at.plus_seconds(GRACE_SECONDS)
    }
}

/// The session with this token, and what may be done in it.
///
/// # Errors
/// [`Code::Unauthorized`] where there is none, or it has ended.
pub(crate) fn get(reader: &Reader<'_>, token: &Token) -> Result<(Session, Rights)> {
    let session = store::find(reader, &token.hash())?
        .filter(|session| session.stands(reader.now))
        .ok_or_else(ended)?;
    let key = key::store::find(reader, &session.key)?
        .filter(|key| key.is_live(reader.now))
        .ok_or_else(ended)?;
    Ok((session, key.rights))
}

/// Opens a session for `key`, which the person has shown to hold. It takes the place of the one
/// with the token `before`. Sessions that have ended leave the file, and so do the oldest of a key
/// that has too many.
///
/// # Errors
/// [`Code::Unauthorized`] where the key has died; [`Code::InsufficientScope`] where the console
/// could show nothing to it.
pub(crate) fn open(
    tx: &WriteTx<'_>,
    key: &KeyId,
    before: Option<&Token>,
    by: By<'_>,
) -> Result<Token> {
    let key = key::store::find(tx, key)?
        .filter(|key| key.is_live(tx.now))
        .ok_or_else(Error::unauthorized)?;
    if !key.rights.scopes.contain(Scope::Read) {
        let detail = "The console shows invitations, and this key may not read them \
            (invitations:read).";
        return Err(Error::new(Code::InsufficientScope, detail));
    }
    let (begun, renewed) = (-LONGEST_SECONDS, -IDLE_SECONDS);
    store::delete_ended(tx, tx.now.plus_seconds(begun), tx.now.plus_seconds(renewed))?;
    let before = before.map(|token| store::find(tx, &token.hash()));
    if let Some(session) = before.transpose()?.flatten() {
        end(tx, &session, by)?;
    }
    for _ in 0..store::delete_oldest(tx, &key.id, MOST - 1)? {
        record(tx, by, Action::SessionEnded, key.id.as_str())?;
    }
    let token = Token::generate()?;
    store::insert(tx, &token.hash(), &key.id)?;
    record(tx, by, Action::SessionCreated, key.id.as_str())?;
    Ok(token)
}

/// Replaces the token of `session`; none where that was done by another request.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn renew(tx: &WriteTx<'_>, session: &Session) -> Result<Option<Token>> {
    let token = Token::generate()?;
    let is_renewed = store::replace(tx, session, &token.hash())?;
    Ok(is_renewed.then_some(token))
}

/// Takes the token that `session` had before no longer.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn settle(tx: &WriteTx<'_>, session: &Session) -> Result<()> {
    store::forget_replaced(tx, &session.hash)
}

/// Ends `session`, also where another request has renewed it meanwhile.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn end(tx: &WriteTx<'_>, session: &Session, by: By<'_>) -> Result<()> {
    if store::delete(tx, &session.hash)? {
        record(tx, by, Action::SessionEnded, session.key.as_str())?;
    }
    Ok(())
}

/// How many sessions of `key` stand.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn count(reader: &Reader<'_>, key: &KeyId) -> Result<u32> {
    let (begun, renewed) = (-LONGEST_SECONDS, -IDLE_SECONDS);
    let now = reader.now;
    store::count(
        reader,
        key,
        now.plus_seconds(begun),
        now.plus_seconds(renewed),
    )
}

/// Ends every session, and every sign-in link. Returns how many sessions there were.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn end_all(tx: &WriteTx<'_>, by: By<'_>) -> Result<usize> {
    let ended = store::delete_all(tx)?;
    for key in &ended {
        record(tx, by, Action::SessionEnded, key.as_str())?;
    }
    Ok(ended.len())
}

/// Makes a sign-in link for `key`: it opens one session, within [`LINK_SECONDS`].
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn make_link(tx: &WriteTx<'_>, key: &KeyId) -> Result<Token> {
    let token = Token::generate()?;
    store::delete_links_before(tx, tx.now)?;
    store::insert_link(tx, &token.hash(), key, tx.now.plus_seconds(LINK_SECONDS))?;
    Ok(token)
}

/// Makes a sign-in link of a key of its own, which nobody holds and which ends with the longest
/// session. `rights` are what can be done in the session.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn make_link_with_key(tx: &WriteTx<'_>, rights: Rights, by: By<'_>) -> Result<Token> {
    let new = NewKey {
        name: "console".to_owned(),
        rights,
        expires_at: Some(tx.now.plus_seconds(LINK_SECONDS + LONGEST_SECONDS)),
    };
    let PlainKey { id, .. } = key::manage::create_as(tx, &new, by)?;
    make_link(tx, &id)
}

/// Uses a sign-in link up. Returns the key that it was made for.
///
/// # Errors
/// [`Code::Unauthorized`] where it was used, is too old, or never was.
pub(crate) fn take_link(tx: &WriteTx<'_>, token: &Token) -> Result<KeyId> {
    let detail = "This sign-in link was used already, or its ten minutes are over. Make another \
        one with `invited login`.";
    store::take_link(tx, &token.hash())?.ok_or_else(|| Error::new(Code::Unauthorized, detail))
}

/// 401 for who is not signed in any more.
fn ended() -> Error {
    Error::new(Code::Unauthorized, "Your session has ended. Sign in again.")
}

/// Writes into the history of the server what happened to a session of `key`.
fn record(tx: &WriteTx<'_>, by: By<'_>, action: Action, key: &str) -> Result<()> {
    let entry = NewEntry {
        action,
        by,
        subject: Some(key),
        organizations: None,
        details: serde_json::Value::Null,
    };
    audit::store::append(tx, &entry)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_in_no_other_spelling() {
        let token = Token::generate().expect("randomness");
        let text = token.reveal();
        assert_eq!(Token::parse(&text), Some(token));
        let spelled = format!("+{}", &text[1..]);
        for other in [&text[1..], &text.to_uppercase(), &spelled, "", "é"] {
            assert!(other == text || Token::parse(other).is_none(), "{other}");
        }
        assert!(!format!("{token:?}").contains(&text));
    }
}
