//! The history of an organization: what happened, who did it, and what changed.
//!
//! An event is written in the transaction of its change, so neither can be there without the other.
//!
//! * [`query`] reads the queries, [`store`] is the SQL.
//! * [`chain`] ties each event to those before it, [`facts`] is what an erasure may take out of it.

pub mod chain;
pub(crate) mod facts;
pub mod query;
pub mod store;

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::base::schema::one_of;

/// What happened to an invitation, or to the organization itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// It was made.
    Created,
    /// Its role, expiry, metadata, redirect URL or language was changed.
    Updated,
    /// The person joined.
    Accepted,
    /// The person said no.
    Declined,
    /// It was sent again with a new expiry.
    Renewed,
    /// It was taken back.
    Revoked,
    /// Its time has passed.
    Expired,
    /// It was deleted.
    Deleted,
    /// Invitations of an address were erased, with all traces of it: in the organization, not of
    /// one invitation.
    Erased,
    /// Its mail was refused for good, or given up.
    DeliveryFailed,
    /// Its mail came back after a mail server had taken it.
    Bounced,
    /// The organization was put: its settings were set or replaced.
    OrganizationUpdated,
}

impl EventType {
    /// Every type in the order of the enum, with the name under which it is stored and shown.
    pub const ALL: &[(Self, &str)] = &[
        (Self::Created, "invitation.created"),
        (Self::Updated, "invitation.updated"),
        (Self::Accepted, "invitation.accepted"),
        (Self::Declined, "invitation.declined"),
        (Self::Renewed, "invitation.renewed"),
        (Self::Revoked, "invitation.revoked"),
        (Self::Expired, "invitation.expired"),
        (Self::Deleted, "invitation.deleted"),
        (Self::Erased, "invitation.erased"),
        (Self::DeliveryFailed, "invitation.delivery_failed"),
        (Self::Bounced, "invitation.bounced"),
        (Self::OrganizationUpdated, "organization.updated"),
    ];

    /// The type as it is stored and shown.
    fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Reads a type.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, name)| *name == text)
            .map(|(event, _)| *event)
    }
}

impl ToSchema for EventType {
    fn name() -> Cow<'static, str> {
        "EventType".into()
    }
}

impl PartialSchema for EventType {
    fn schema() -> RefOr<Schema> {
        one_of(
            "What happened to an invitation, or to the organization itself.",
            Self::ALL.iter().map(|(_, name)| *name),
        )
    }
}

/// An event that is to be added to a history.
#[derive(Debug)]
pub struct NewEvent<'a, F> {
    /// Whose history it is. The organization must be known.
    pub organization: &'a OrganizationId,
    /// What happened.
    pub kind: EventType,
    /// The invitation that the event is about; none: it is about the organization itself.
    pub invitation: Option<Uuid>,
    /// Who caused it.
    pub origin: &'a Origin,
    /// What was before, as a JSON object.
    pub before: Option<&'a F>,
    /// What is since then.
    pub after: Option<&'a F>,
}

/// An event of a history.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event<'a> {
    /// UUIDv7. The order of ids is the order in which things happened.
    #[schema(value_type = String, format = Uuid)]
    pub id: Uuid,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(value_type = EventType)]
    pub kind: &'a str,
    /// The organization it happened in.
    #[schema(value_type = String)]
    pub organization_id: &'a OrganizationId,
    /// The invitation it happened to, which may be gone by now. Absent where it is not about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = Uuid, required = false)]
    pub invitation_id: Option<Uuid>,
    /// Who did it: an API key's id, `dev`, `person`, `clock`, `retention`, or
    /// `mail`.
    pub actor: &'a str,
    /// The `X-Request-Id` of the request that did it.
    pub request_id: &'a str,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The fields that changed, as they were. Absent where there was nothing before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    pub before: Option<&'a RawValue>,
    /// The fields that changed, as they are since. Absent where nothing is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    pub after: Option<&'a RawValue>,
}

/// An event for the documents.
pub(crate) fn example() -> serde_json::Value {
    serde_json::json!({
        "id": "019a0c5e-7b1c-7cc3-98c4-dc0c0c073990",
        "type": "invitation.created",
        "organizationId": "acme",
        "invitationId": "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f",
        "actor": "0123456789abcdef",
        "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11",
        "createdAt": "2026-11-23T02:43:00.123Z",
        "after": {
            "email": "new.user@example.com",
            "role": "developer",
            "status": "pending",
            "expiresAt": "2026-11-30T02:43:00.123Z",
        },
    })
}

/// The fields of an invitation that an event is about, before or after it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventFields<'a> {
    /// The address, when the invitation appears or goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
    /// The role, when the invitation appears or goes, or the role changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'a str>,
    /// The status, when it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    /// The expiry, when it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Who accepted: the user id that the application gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<&'a str>,
    /// The redirect URL, when it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<&'a str>,
    /// The language of its mail, when it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<&'a str>,
    /// How far its mail has come, when that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<&'static str>,
    /// Whether the metadata changed. They are the application's own, so the history does not repeat
    /// them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub metadata_changed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lists_every_type_once_in_the_order_of_the_enum() {
        for (position, (event, name)) in EventType::ALL.iter().enumerate() {
            assert_eq!(
                (*event as usize, EventType::parse(name)),
                (position, Some(*event)),
                "{name}"
            );
        }
        assert_eq!(
            EventType::ALL.len(),
            EventType::OrganizationUpdated as usize + 1
        );
    }
}
