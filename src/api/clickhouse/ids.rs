//! UUIDs for what has a name here: the clients know organizations and roles by nothing else.
//!
//! Each is derived from the name (UUIDv5, RFC 9562), so it is the same on every server and after
//! every restart, nothing is stored, and whoever knows the name can work it out.

use std::borrow::Cow;

use uuid::{Uuid, uuid};

use super::uuids::Uuids;
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::db::Reader;
use crate::key::Rights;
use crate::organization::store;

/// The namespace of these UUIDs. It must never change.
const NAMESPACE: Uuid = uuid!("5637498d-c670-49d5-920d-ecc43f51faa2");

/// The id of a role.
pub(super) fn of_role(name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("role:{name}").as_bytes())
}

/// The UUID of the organization `id`: that very text, where it is one.
pub(super) fn of_organization(id: &str) -> Cow<'_, str> {
    let is_uuid = Uuid::try_parse(id).is_ok_and(|uuid| uuid.to_string() == id);
    if is_uuid {
        id.into()
    } else {
        derived(id).to_string().into()
    }
}

/// The UUID of an organization whose id is none.
pub(super) fn derived(id: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("organization:{id}").as_bytes())
}

/// What the id of an organization in a path means.
pub(super) enum Meaning {
    /// This organization, which may not be there.
    Organization(OrganizationId),
    /// The organization of this derived UUID. Which one that is takes a look at all of them.
    Derived(Uuid),
}

/// What `id` means to a caller with `rights`: the organization with this id, or else the one of
/// which it is the UUID. To a caller who is bound to some it means one of those, or nothing, so that
/// what others have makes no difference.
pub(super) fn meaning(
    reader: &Reader<'_>,
    rights: &Rights,
    id: OrganizationId,
    uuids: &Uuids,
) -> Result<Meaning> {
    let uuid = Uuid::try_parse(id.as_str()).ok();
    let Some(uuid) = uuid.filter(|uuid| uuid.get_version_num() == 5) else {
        return Ok(Meaning::Organization(id));
    };
    let found = if let Some(bound) = &rights.organizations {
        let mut derived = bound.iter().filter(|own| derived(own.as_str()) == uuid);
        let own = derived.next().filter(|_| !bound.contains(&id));
        Some(own.cloned())
    } else if store::find(reader, &id)?.is_some() {
        Some(None)
    } else {
        uuids.find(uuid)
    };
    Ok(match found {
        Some(found) => Meaning::Organization(found.unwrap_or(id)),
        None => Meaning::Derived(uuid),
    })
}
