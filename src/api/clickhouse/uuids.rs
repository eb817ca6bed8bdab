//! Which organization a derived UUID is of.
//!
//! A UUID does not lead back to the id that it is derived from, so those of all organizations are
//! kept in memory. They are read when somebody asks for one that is not among them, and again only
//! where an organization came or was changed since.

use std::collections::HashMap;

use uuid::Uuid;

use super::ids;
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::db::cached::Cached;
use crate::db::{Db, Reader, Topic};
use crate::organization::store;

/// Who reads, where reads without a bound take turns.
const ACTOR: &str = "clickhouse";

/// The organizations whose ids are no UUIDs, by the UUIDs that are derived from those.
pub(crate) struct Uuids(Cached<HashMap<Uuid, OrganizationId>>);

impl Uuids {
    /// The organizations of `db`, of which none is known yet.
    pub(crate) fn new(db: Db) -> Self {
        Self(Cached::new(db, Topic::Organizations, ACTOR, list))
    }

    /// The organization of `uuid`, or that there is none; none: only [`Self::read`] can tell. What
    /// was read once stays right, since a UUID is of one id for ever.
    pub(super) fn find(&self, uuid: Uuid) -> Option<Option<OrganizationId>> {
        let found = self.0.latest().and_then(|ids| ids.get(&uuid).cloned());
        (found.is_some() || self.0.present().is_some()).then_some(found)
    }

    /// The organization of `uuid`. Reads the ids of all organizations, if it has to.
    ///
    /// # Errors
    /// Those of [`Cached::get`].
    pub(super) async fn read(&self, uuid: Uuid) -> Result<Option<OrganizationId>> {
        Ok(self.0.get().await?.get(&uuid).cloned())
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
