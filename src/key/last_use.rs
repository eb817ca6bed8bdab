//! When keys were last used: kept in memory, and written for all of them at once, now and then.
//!
//! A request must not wait for this, nor fail for it. So a kill loses what was not written yet, and
//! while the file cannot be written, the times stay in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::store;
use super::token::KeyId;
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::db::{Db, Load, WriteTx};

/// How often the times are written: what a kill loses at most.
pub(crate) const WRITE_EVERY: Duration = Duration::from_secs(60);
/// Who writes, in the queue of the writer.
const WRITER: &str = "last use";
/// Keys whose times are written in one job: the writes of others go between.
const KEYS_PER_JOB: usize = 500;

/// The keys that were used since the last write, each with the time of its last use.
#[derive(Debug, Default)]
pub struct LastUses(Mutex<HashMap<KeyId, Timestamp>>);

impl LastUses {
    /// Notes that `key` is used at `now`. Every request with a key does this, so it allocates for
    /// the first one only.
    pub fn record(&self, key: &KeyId, now: Timestamp) {
        let mut uses = self.lock();
        match uses.get_mut(key) {
            Some(last) => *last = now,
            None => drop(uses.insert(key.clone(), now)),
        }
    }

    /// Writes what was noted, if anything was. What cannot be written is kept for the next time.
    pub async fn write(&self, db: &Db) {
        if !db.is_writable() {
            return;
        }
        let uses: Vec<_> = self.lock().drain().collect();
        for part in uses.chunks(KEYS_PER_JOB) {
            if let Err(error) = write_part(db, part).await {
                log::warn!("when keys were last used is written later: {error}");
                self.put_back(part);
            }
        }
    }

    /// Takes times back that were not written, but of keys that were used since.
    fn put_back(&self, part: &[(KeyId, Timestamp)]) {
        let mut uses = self.lock();
        for (key, last) in part {
            uses.entry(key.clone()).or_insert(*last);
        }
    }

    /// The map. Nothing that holds it can leave it half changed, so a panic does not spoil it.
    fn lock(&self) -> MutexGuard<'_, HashMap<KeyId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the times of some keys in one job.
async fn write_part(db: &Db, part: &[(KeyId, Timestamp)]) -> Result<()> {
    let (part, load) = (
        part.to_vec(),
        Load {
            rows: part.len(),
            ..Load::ONE
        },
    );
    let job = move |tx: &WriteTx<'_>| {
        part.iter()
            .try_for_each(|(key, last)| store::set_last_used(tx, key, *last))
    };
    db.write_as(WRITER, load, job).await
}
