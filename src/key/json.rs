//! A key as JSON.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Key, KeyStatus, Scope};
use crate::base::clock::Timestamp;
use crate::base::organization_id::OrganizationId;
use crate::base::role::Role;

/// An API key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKey<'a> {
    /// The public part of the key: 16 hex digits.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    pub id: &'a str,
    /// What its maker calls it.
    pub name: &'a str,
    /// What it may do.
    #[schema(value_type = Vec<Scope>)]
    pub scopes: Vec<&'static str>,
    /// The organizations it is bound to. Absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = false)]
    pub organizations: Option<Vec<&'a str>>,
    /// The roles it may grant. Absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = false)]
    pub roles: Option<Vec<&'a str>>,
    /// Whether it opens anything at the time of the answer.
    pub status: KeyStatus,
    /// Who made it: an API key's id, `dev`, `cli` for a command at the machine, or `server` for the
    /// first one.
    pub created_by: &'a str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// From when on it is refused. Absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    pub expires_at: Option<Timestamp>,
    /// When it was last used, known to the minute. Absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked. Absent: it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    pub revoked_at: Option<Timestamp>,
    /// The whole key. Only in the answer to the very request that made it: it is stored nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub key: Option<String>,
}

impl<'a> ApiKey<'a> {
    /// A key as it is at `now`, without its secret.
    pub(crate) fn new(key: &'a Key, now: Timestamp) -> Self {
        let (organizations, roles) = (key.rights.organizations.as_ref(), key.rights.roles.as_ref());
        Self {
            id: key.id.as_str(),
            name: &key.name,
            scopes: key.rights.scopes.names(),
            organizations: organizations
                .map(|list| list.iter().map(OrganizationId::as_str).collect()),
            roles: roles.map(|list| list.iter().map(Role::as_str).collect()),
            status: key.status(now),
            created_by: &key.created_by,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
            key: None,
        }
    }
}

/// A key for the documents.
pub(crate) fn example() -> serde_json::Value {
    serde_json::json!({
        "id": "0123456789abcdef",
        "name": "backend",
        "scopes": ["invitations:read", "invitations:write"],
        "organizations": ["acme"],
        "status": "live",
        "createdBy": "cli",
        "createdAt": "2026-11-23T02:43:00.123Z",
        "expiresAt": "2027-02-21T02:43:00.123Z",
        "lastUsedAt": "2026-11-24T08:00:00.000Z",
    })
}

/// A key that was just made, for the documents.
pub(crate) fn example_made() -> serde_json::Value {
    let mut made = example();
    if let Some(fields) = made.as_object_mut() {
        fields.remove("lastUsedAt");
    }
    made["key"] = "ivk_0123456789abcdef_...".into();
    made
}
