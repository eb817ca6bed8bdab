//! One effect for a POST that is sent twice: the answer is stored in the transaction of the change.
//!
//! Only a success is stored: a refused request changed nothing, so trying it again is always safe.
//! Jobs run one after the other in the writer, so a second request with the same key waits for the
//! first and gets its answer.
//!
//! # Room
//! What one caller has stored in 24 hours is bounded. Beyond that a request with a key is refused
//! before it has any effect: to drop a promise in silence would be worse, and so would a disk that
//! one caller fills for all.

pub(crate) mod store;

use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Db, WriteTx};

/// The actor of what a person does without a key.
pub(crate) const PERSON: &str = "person";

/// Bytes of a stored answer besides its texts: its hash, its actor, its places in table and index.
const ROW_BYTES: usize = 150;

/// How long an answer is kept, in milliseconds: 24 hours.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// Milliseconds of an hour: what is stored is counted by hours.
const HOUR_MS: i64 = 60 * 60 * 1000;

/// A request that may have one effect only.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    /// Whose it is: keys of different callers never meet.
    pub actor: String,
    /// Method and path.
    pub operation: String,
    /// The caller's `Idempotency-Key`.
    pub key: String,
    /// SHA-256 of the body.
    pub body_hash: [u8; 32],
    /// How many bytes its caller may have stored in 24 hours; 0: any number.
    pub room: i64,
}

impl Ticket {
    /// Whose bytes an answer counts as. People have no names: each link is one of them.
    fn payer(&self) -> &str {
        if self.actor == PERSON {
            &self.operation
        } else {
            &self.actor
        }
    }

    /// The bytes that `answer` takes up, about.
    fn size_of(&self, answer: &StoredResponse) -> usize {
        let location = answer.location.as_ref().map_or(0, String::len);
        ROW_BYTES + self.operation.len() + self.key.len() + location + answer.body.len()
    }
}

/// An answer as it can be stored: what the caller gets, now or again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredResponse {
    /// The HTTP status.
    pub status: u16,
    /// The `Location` of what was made.
    pub location: Option<String>,
    /// The JSON body.
    pub body: Vec<u8>,
    /// The organization that it is about, with which it is deleted; none: it is about no single
    /// one.
    pub organization: Option<OrganizationId>,
    /// Whether this is the stored answer to an earlier request.
    pub replayed: bool,
}

/// Runs `make` unless the request of `ticket` was answered before; then that answer comes again.
///
/// # Errors
/// [`Code::IdempotencyKeyReused`] when the key came with another body before, [`Code::RateLimited`]
/// when too much is stored for its caller, or what `make` returns.
pub(crate) fn once(
    tx: &WriteTx<'_>,
    ticket: Option<&Ticket>,
    make: impl FnOnce() -> Result<StoredResponse>,
) -> Result<StoredResponse> {
    let answer = once_if(tx, ticket, || make().map(Some))?;
    answer.ok_or_else(|| Error::internal("an operation without an answer"))
}

/// The same for an operation that may refuse and yet change something, as counting a wrong proof:
/// then there is no answer to store.
///
/// # Errors
/// See [`once`].
pub(crate) fn once_if(
    tx: &WriteTx<'_>,
    ticket: Option<&Ticket>,
    make: impl FnOnce() -> Result<Option<StoredResponse>>,
) -> Result<Option<StoredResponse>> {
    let Some(ticket) = ticket else {
        return make();
    };
    if let Some(stored) = store::find(tx, tx.now, ticket)? {
        return same(ticket, stored).map(Some);
    }
    store::check_room(tx, ticket)?;
    let answer = make()?;
    if let Some(answer) = &answer {
        store::insert(tx, ticket, answer)?;
    }
    Ok(answer)
}

/// The answer to a request that cannot be made because of `error`: the stored one where the request
/// of `ticket` was answered before, when nothing was wrong with it. A time that it names may have
/// passed since.
///
/// # Errors
/// `error` where it was not; [`Code::IdempotencyKeyReused`].
pub(crate) fn answered(db: &Db, ticket: Option<&Ticket>, error: Error) -> Result<StoredResponse> {
    let Some(ticket) = ticket else {
        return Err(error);
    };
    match db.read(|reader| store::find(reader, reader.now, ticket))? {
        Some(stored) => same(ticket, stored),
        None => Err(error),
    }
}

/// The answer that is stored with the hash of its body, if that is the body of `ticket`.
///
/// # Errors
/// [`Code::IdempotencyKeyReused`].
fn same(
    ticket: &Ticket,
    (body_hash, answer): ([u8; 32], StoredResponse),
) -> Result<StoredResponse> {
    if body_hash == ticket.body_hash {
        return Ok(answer);
    }
    Err(Error::new(
        Code::IdempotencyKeyReused,
        "This Idempotency-Key came with another body before. A new request needs a new key.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_with_every_text_that_is_stored_of_it() {
        let texts = |count: usize| "x".repeat(count);
        let size = |operation, key, location: Option<usize>, body| {
            let (actor, body_hash) = ("key:0123456789abcdef".to_owned(), [0; 32]);
            let ticket = Ticket {
                actor,
                operation: texts(operation),
                key: texts(key),
                body_hash,
                room: 0,
            };
            let location = location.map(texts);
            ticket.size_of(&StoredResponse {
                status: 201,
                location,
                body: texts(body).into(),
                organization: None,
                replayed: false,
            })
        };
        let least = size(0, 0, None, 0);
        assert!(
            (100..300).contains(&least),
            "{least} bytes of the row itself"
        );
        for (operation, key, location, body) in [
            (40, 0, None, 0),
            (0, 255, None, 0),
            (0, 0, Some(90), 0),
            (7, 5, Some(3), 4_000),
        ] {
            let sum = operation + key + location.unwrap_or_default() + body;
            assert_eq!(size(operation, key, location, body), least + sum);
        }
    }
}
