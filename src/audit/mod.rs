//! The history of the server: who made and revoked keys, changed webhooks, deleted organizations
//! and erased addresses.
//!
//! A row is written in the transaction of its change, so neither can be there without the other. It
//! names ids only: no address, no secret, and no name that somebody gave.
//!
//! * [`query`] reads the query, [`store`] is the SQL.

pub(crate) mod query;
pub(crate) mod store;

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::base::schema::one_of;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// An API key was made.
    KeyCreated,
    /// An API key was revoked, by itself or with the organization that it was bound to.
    KeyRevoked,
    /// A webhook was made.
    WebhookCreated,
    /// A webhook was changed, paused, or enabled.
    WebhookUpdated,
    /// A webhook was disabled, since its endpoint gave cause.
    WebhookDisabled,
    /// A webhook got a new signing secret.
    WebhookSecretRotated,
    /// A webhook was deleted, by itself or with its organization.
    WebhookDeleted,
    /// The deletion of an organization began: from then on nobody finds it.
    OrganizationDeleted,
    /// The erasure of an address began. It has details once it has come to its end.
    AddressErased,
    /// A new secret of the server was put in front of the others.
    SecretRotated,
    /// The server went on without a secret that was needed.
    SecretLost,
    /// A browser was signed in to the console with an API key.
    SessionCreated,
    /// A browser was signed out of the console.
    SessionEnded,
    /// Organizations were imported, with their invitations.
    OrganizationsImported,
}

impl Action {
    /// Every action in the order of the enum, with the name under which it is stored and shown.
    pub(crate) const ALL: &[(Self, &str)] = &[
        (Self::KeyCreated, "key.created"),
        (Self::KeyRevoked, "key.revoked"),
        (Self::WebhookCreated, "webhook.created"),
        (Self::WebhookUpdated, "webhook.updated"),
        (Self::WebhookDisabled, "webhook.disabled"),
        (Self::WebhookSecretRotated, "webhook.secret_rotated"),
        (Self::WebhookDeleted, "webhook.deleted"),
        (Self::OrganizationDeleted, "organization.deleted"),
        (Self::AddressErased, "address.erased"),
        (Self::SecretRotated, "secret.rotated"),
        (Self::SecretLost, "secret.lost"),
        (Self::SessionCreated, "session.created"),
        (Self::SessionEnded, "session.ended"),
        (Self::OrganizationsImported, "organizations.imported"),
    ];

    /// The action as it is stored and shown.
    fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

impl ToSchema for Action {
    fn name() -> Cow<'static, str> {
        "AuditAction".into()
    }
}

impl PartialSchema for Action {
    fn schema() -> RefOr<Schema> {
        one_of(
            "What was done to the server.",
            Self::ALL.iter().map(|(_, name)| *name),
        )
    }
}

/// Who does something, and by which request.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// An API key's id, `dev`, `cli`, or `server`.
    pub actor: &'a str,
    /// The `X-Request-Id` of the request; none where there is no request.
    pub request_id: Option<&'a str>,
}

impl By<'static> {
    /// Whoever runs a command at the machine.
    pub const CLI: Self = Self {
        actor: "cli",
        request_id: None,
    };
    /// The server by itself.
    pub const SERVER: Self = Self {
        actor: "server",
        request_id: None,
    };
}

/// A row that is to be written.
#[derive(Debug)]
pub(crate) struct NewEntry<'a> {
    /// What was done.
    pub action: Action,
    /// Who did it.
    pub by: By<'a>,
    /// To what: the id of a key, a webhook or an organization. None where naming it would keep what
    /// is to go.
    pub subject: Option<&'a str>,
    /// The organizations that it concerns; none: the whole server.
    pub organizations: Option<&'a [OrganizationId]>,
    /// What else there is to know, as a JSON object; null: nothing.
    pub details: Value,
}

/// Something that was done to the server.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditEntry<'a> {
    /// UUIDv7. The order of ids is the order in which things were done.
    #[schema(value_type = String, format = Uuid)]
    pub id: Uuid,
    /// What was done.
    #[schema(value_type = Action)]
    pub action: &'a str,
    /// Who did it: an API key's id, `dev`, `cli` for a command at the machine, or `server`.
    pub actor: &'a str,
    /// The `X-Request-Id` of the request that did it. Absent: there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub request_id: Option<&'a str>,
    /// To what: the id of a key, a webhook or an organization, which may be gone by now. Absent
    /// where there is none, or it is an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub subject: Option<&'a str>,
    /// The organizations that it concerns. Absent: the whole server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = false)]
    pub organizations: Option<&'a RawValue>,
    /// What else there is to know, as the action has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    pub details: Option<&'a RawValue>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A row for the documents.
pub(crate) fn example() -> Value {
    serde_json::json!({
        "id": "019a0c5e-7b1c-7cc3-98c4-dc0c0c073991",
        "action": "key.created",
        "actor": "cli",
        "subject": "0123456789abcdef",
        "organizations": ["acme"],
        "details": {"scopes": ["invitations:read", "invitations:write"]},
        "createdAt": "2026-11-23T02:43:00.123Z",
    })
}

impl Origin {
    /// The same for the history of the server.
    pub(crate) fn by(&self) -> By<'_> {
        By {
            actor: &self.actor,
            request_id: Some(&self.request_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lists_every_action_once_in_the_order_of_the_enum() {
        for (position, (action, name)) in Action::ALL.iter().enumerate() {
            assert_eq!((*action as usize, action.name()), (position, *name));
            let same = Action::ALL.iter().filter(|(_, other)| other == name);
            assert_eq!(same.count(), 1, "{name}");
        }
        assert_eq!(
            Action::ALL.len(),
            Action::OrganizationsImported as usize + 1
        );
    }
}
