//! The chain of a history: each event carries a hash of itself and of all events of its
//! organization before it.
//!
//! So whatever is changed, put in or taken out behind an event that is known does not fit. Whoever
//! can write the file can make a whole history anew that fits; but its head, written down elsewhere
//! before, is not in it. The hash is BLAKE3, without a secret: a backup is checked without one.
//!
//! What of the facts an erasure can take out stands in the chain as a hash: see [`super::facts`].

use uuid::Uuid;

use super::facts::{Facts, HASH_LEN, Hash, put_len, put_text};
use crate::base::clock::Timestamp;

/// Keeps these hashes apart from all others: see [`blake3::keyed_hash`].
const EVENT_HASH: &[u8; HASH_LEN] = b"invited: an event of a history 1";
/// Bytes of most events as they are hashed.
const TYPICAL_LEN: usize = 512;

/// An event as its row holds it.
#[derive(Debug)]
pub struct EventRow<'a> {
    /// Whose history it is in.
    pub organization: &'a str,
    /// Its id.
    pub id: Uuid,
    /// What happened.
    pub kind: &'a str,
    /// The invitation that it is about; none: it is about the organization itself.
    pub invitation: Option<Uuid>,
    /// Who caused it.
    pub actor: &'a str,
    /// The request that did it.
    pub request_id: &'a str,
    /// When.
    pub created_at: Timestamp,
    /// What was before, as a JSON object.
    pub before: Option<&'a str>,
    /// What is since then.
    pub after: Option<&'a str>,
}

/// How far a history has come at one of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// How many events it has by then.
    pub position: i64,
    /// The hash that all of them lead to.
    pub chain: Hash,
}

impl Head {
    /// Before the first event.
    pub(crate) const START: Self = Self {
        position: 0,
        chain: [0; HASH_LEN],
    };

    /// The head behind `row`, with its facts and their seals. Returns none where the seals are not
    /// those of the facts.
    pub(crate) fn next(&self, row: &EventRow<'_>, facts: &Facts<'_>, seals: &[u8]) -> Option<Self> {
        // The file may be damaged.
        let position = self.position.saturating_add(1);
        let mut bytes = Vec::with_capacity(TYPICAL_LEN);
        bytes.extend_from_slice(&self.chain);
        bytes.extend_from_slice(&position.to_le_bytes());
        bytes.extend_from_slice(row.id.as_bytes());
        bytes.extend_from_slice(&row.created_at.as_millis().to_le_bytes());
        for text in [row.organization, row.kind, row.actor, row.request_id] {
            put_text(&mut bytes, text);
        }
        put_len(&mut bytes, row.invitation.map(|id| id.as_bytes().len()));
        bytes.extend_from_slice(row.invitation.as_ref().map_or(&[], |id| id.as_bytes()));
        let fits = facts.put(seals, &mut bytes);
        let chain = *blake3::keyed_hash(EVENT_HASH, &bytes).as_bytes();
        fits.then_some(Self { position, chain })
    }
}
