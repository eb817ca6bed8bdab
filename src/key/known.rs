//! Keys that were found in a snapshot: found once, for all requests that read from it.

use std::collections::HashMap;
use std::sync::Arc;

use super::token::{KeyId, PlainKey};
use super::{Rights, store};
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::db::Reader;

/// Keys that are remembered at a time.
const MOST: usize = 1_024;

/// The keys that were found in one snapshot, by their ids. They go with it, so that nothing has to
/// tell of a key that was revoked.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys(HashMap<KeyId, KnownKey>);

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
    /// What `key` may do, if it is a live key in the snapshot of `reader`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn find_rights(
        &mut self,
        reader: &Reader<'_>,
        key: &PlainKey,
    ) -> Result<Option<Arc<Rights>>> {
        if let Some(known) = self.0.get(&key.id) {
            let is_live = known.expires_at.is_none_or(|end| end > reader.now);
            return Ok((is_live && known.key.matches(key)).then(|| Arc::clone(&known.rights)));
        }
        let Some((rights, expires_at)) = store::find_rights(reader, key)? else {
            return Ok(None);
        };
        let rights = Arc::new(rights);
        if self.0.len() < MOST {
            let known = KnownKey {
                key: key.clone(),
                rights: Arc::clone(&rights),
                expires_at,
            };
            self.0.insert(key.id.clone(), known);
        }
        Ok(Some(rights))
    }
}
