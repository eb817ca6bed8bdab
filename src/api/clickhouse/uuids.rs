//! Which organization a derived UUID is of.
//!
//! A UUID does not lead back to the id that it is derived from, so those of all organizations are
//! kept in memory. They are read when somebody asks for one that is not among them, and again only
//! where an organization came or was changed since.
//!
//! # Locking
//! `known` is held for moments only. Who reads holds `turn`, so that there is one read at a time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use super::ids;
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::db::{Db, Reader, Topic};
use crate::organization::store;

/// Who reads, where reads without a bound take turns.
const ACTOR: &str = "clickhouse";

/// The organizations whose ids are no UUIDs, by the UUIDs that are derived from those.
pub(crate) struct Uuids {
    /// The data file.
    db: Db,
    /// Counts changes of organizations.
    changes: watch::Receiver<u64>,
    /// Those that are known.
    known: Mutex<Known>,
    /// Held by the one who reads them.
    turn: tokio::sync::Mutex<()>,
}

/// The organizations that were there at some time.
#[derive(Default)]
struct Known {
    /// The change after which they were read; none: they were not yet.
    change: Option<u64>,
    /// By UUID.
    ids: HashMap<Uuid, OrganizationId>,
}

impl Uuids {
    /// The organizations of `db`, of which none is known yet.
    pub(crate) fn new(db: Db) -> Self {
        Self {
            changes: db.follow(Topic::Organizations),
            db,
            known: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// The organization of `uuid`, or that there is none; none: only [`Self::read`] can tell. What
    /// was read once stays right, since a UUID is of one id for ever.
    pub(super) fn find(&self, uuid: Uuid) -> Option<Option<OrganizationId>> {
        let change = *self.changes.borrow();
        let known = self.lock();
        let found = known.ids.get(&uuid).cloned();
        (found.is_some() || known.change == Some(change)).then_some(found)
    }

    /// The organization of `uuid`. Reads the ids of all organizations on a thread that may block,
    /// unless another caller did so meanwhile.
    ///
    /// # Errors
    /// Those of [`Db::read_long`].
    pub(super) async fn read(&self, uuid: Uuid) -> Result<Option<OrganizationId>> {
        let _turn = self.turn.lock().await;
        if let Some(found) = self.find(uuid) {
            return Ok(found);
        }
        let change = *self.changes.borrow();
        let ids = self.db.read_long(ACTOR, list).await?;
        let found = ids.get(&uuid).cloned();
        *self.lock() = Known {
            change: Some(change),
            ids,
        };
        Ok(found)
    }

    /// Those that are known.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All organizations whose ids are no UUIDs, by those that are derived.
fn list(reader: &Reader<'_>) -> Result<HashMap<Uuid, OrganizationId>> {
    let mut ids = HashMap::new();
    store::each_id(reader, |id| {
        ids.insert(ids::derived(id.as_str()), id);
    })?;
    Ok(ids)
}
