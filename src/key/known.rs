//! Keys that were found in a snapshot: found once, for all requests that read from it.

use std::collections::HashMap;
use std::sync::Arc;

use super::token::{HashedSecret, KeyId, PlainKey};
use super::{Rights, store};
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::db::{Found, Reader};

/// Keys that are remembered at a time.
const MOST: usize = 1_024;

/// The keys that were found in the latest snapshots. What a key may do goes with its snapshot, so
/// that nothing has to tell of a key that was revoked. The hash of its secret stays: a digest costs
/// more than its row.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys {
    /// The keys by their ids.
    keys: HashMap<KeyId, KnownKey>,
    /// How many snapshots there were before this one.
    snapshot: u64,
}

/// A key that was found in its whole.
#[derive(Debug)]
struct KnownKey {
    /// The key as its owner sent it.
    key: PlainKey,
    /// The hash of its secret.
    hashed: HashedSecret,
    /// The snapshot in which it had these rights and this end.
    snapshot: u64,
    /// What it may do.
    rights: Arc<Rights>,
    /// Its end, if it has one.
    expires_at: Option<Timestamp>,
}

impl Found for KnownKeys {
    fn enter_next_snapshot(&mut self) {
        self.snapshot += 1;
    }
}

impl KnownKeys {
    /// What `key` may do, if it is a live key in the snapshot of `reader`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn find_rights(
        &mut self,
        reader: &Reader<'_>,
        key: &PlainKey,
    ) -> Result<Option<Arc<Rights>>> {
        let known = self.keys.get(&key.id);
        let known = known.filter(|known| known.key.matches(key));
        if let Some(known) = known.filter(|known| known.snapshot == self.snapshot) {
            let is_live = known.expires_at.is_none_or(|end| end > reader.now);
            return Ok(is_live.then(|| Arc::clone(&known.rights)));
        }
        let hashed = known.map_or_else(|| key.hashed(), |known| known.hashed);
        let Some((rights, expires_at)) = store::find_rights(reader, &key.id, &hashed)? else {
            return Ok(None);
        };
        let rights = Arc::new(rights);
        let known = KnownKey {
            key: key.clone(),
            hashed,
            snapshot: self.snapshot,
            rights: Arc::clone(&rights),
            expires_at,
        };
        if self.keys.len() == MOST {
            self.keys.clear();
        }
        self.keys.insert(key.id.clone(), known);
        Ok(Some(rights))
    }
}
