//! Keys that were found in a snapshot: found once, for all requests that read from it.

use std::collections::HashMap;
use std::sync::Arc;

use super::token::{KeyId, PlainKey};
use super::{Rights, store};
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::db::Snapshot;

/// Keys that are remembered at a time.
const MOST: usize = 1_024;

/// The keys that were found in one snapshot. They are forgotten with it, so that nothing has to tell
/// of a key that was revoked.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys {
    /// The number of the snapshot.
    snapshot: Option<u64>,
    /// What was found, by the id of the key.
    found: HashMap<KeyId, KnownKey>,
}

/// A key that was found in its whole.
#[derive(Debug)]
struct KnownKey {
    /// The key as its owner sent it.
    key: PlainKey,
    /// What it may do.
    rights: Arc<Rights>,
    /// Its end, if it has one.
    expires_at: Option<Timestamp>,
}

impl KnownKeys {
    /// What `key` may do, if it is a live key of the file that `snapshot` is of.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn find_rights(
        &mut self,
        snapshot: &Snapshot,
        key: &PlainKey,
    ) -> Result<Option<Arc<Rights>>> {
        let reader = snapshot.reader();
        if self.snapshot != Some(snapshot.number()) || self.found.len() >= MOST {
            self.found.clear();
            self.snapshot = Some(snapshot.number());
        }
        if let Some(known) = self.found.get(&key.id) {
            let is_live = known.expires_at.is_none_or(|end| end > reader.now);
            return Ok((is_live && known.key.matches(key)).then(|| Arc::clone(&known.rights)));
        }
        let Some((rights, expires_at)) = store::find_rights(&reader, key)? else {
            return Ok(None);
        };
        let rights = Arc::new(rights);
        let known = KnownKey {
            key: key.clone(),
            rights: Arc::clone(&rights),
            expires_at,
        };
        self.found.insert(key.id.clone(), known);
        Ok(Some(rights))
    }
}
