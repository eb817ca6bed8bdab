//! UUIDs for what has a name here: the clients know organizations and roles by nothing else.
//!
//! Each is derived from the name (UUIDv5, RFC 9562), so it is the same on every server and after
//! every restart, nothing is stored, and whoever knows the name can work it out.

use std::borrow::Cow;

use uuid::{Uuid, uuid};

use super::uuids::Uuids;
use crate::base::organization_id::OrganizationId;
use crate::key::Rights;

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

/// What `id` means to a caller with `rights`: the organization of which it is the UUID, or else the
/// one with this id, which cannot take the other one's place. To a caller who is bound to some it
/// means one of those, or nothing, so that what others have makes no difference.
pub(super) fn meaning(rights: &Rights, id: OrganizationId, uuids: &Uuids) -> Meaning {
    let uuid = Uuid::try_parse(id.as_str()).ok();
    let Some(uuid) = uuid.filter(|uuid| uuid.get_version_num() == 5) else {
        return Meaning::Organization(id);
    };
    let found = match &rights.organizations {
        Some(bound) => {
            let mut bound = bound.iter();
            Some(bound.find(|own| derived(own.as_str()) == uuid).cloned())
        }
        None => uuids.find(uuid),
    };
    match found {
        Some(found) => Meaning::Organization(found.unwrap_or(id)),
        None => Meaning::Derived(uuid),
    }
}
