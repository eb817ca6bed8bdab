//! UUIDs for what has a name here: the clients know organizations and roles by nothing else.
//!
//! Each is derived from the name (UUIDv5, RFC 9562), so it is the same on every server and after
//! every restart, nothing is stored, and whoever knows the name can work it out.

use std::borrow::Cow;

use uuid::{Uuid, uuid};

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
fn derived(id: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("organization:{id}").as_bytes())
}

/// The organization that `id` means: the one with this id, or else the one of which it is the UUID.
/// Steps over all organizations where nothing has a UUID that looks derived, unless the caller is
/// bound to a few.
pub(super) fn find_organization(
    reader: &Reader<'_>,
    rights: &Rights,
    id: OrganizationId,
) -> Result<OrganizationId> {
    let uuid = Uuid::try_parse(id.as_str()).ok();
    let Some(uuid) = uuid.filter(|uuid| uuid.get_version_num() == 5) else {
        return Ok(id);
    };
    if store::find(reader, &id)?.is_some() {
        return Ok(id);
    }
    let found = match &rights.organizations {
        Some(bound) => bound
            .iter()
            .find(|own| derived(own.as_str()) == uuid)
            .cloned(),
        None => store::find_id(reader, |own| derived(own) == uuid)?,
    };
    Ok(found.unwrap_or(id))
}
