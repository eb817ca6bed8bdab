//! A webhook as JSON.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{DisabledReason, Webhook};
use crate::base::clock::Timestamp;
use crate::base::organization_id::OrganizationId;
use crate::event::{EventType, query};

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
pub(crate) struct WebhookView<'a> {
    /// UUIDv7.
    #[schema(value_type = String, format = Uuid)]
    pub id: Uuid,
    /// Where events go, in its normal form.
    pub url: &'a str,
    /// The organization whose events it is told of. Absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub organization_id: Option<&'a OrganizationId>,
    /// The types of events it is told of. Absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<EventType>, required = false)]
    pub types: Option<Vec<&'static str>>,
    /// What its maker calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub description: Option<&'a str>,
    /// Whether anything is sent to it.
    pub enabled: bool,
    /// Why not: `paused` by a request, `gone` after an answer 410, `exhausted` after the last try
    /// of a delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = DisabledReason, required = false)]
    pub disabled_reason: Option<&'static str>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// What its deliveries are signed with. Only in the answer to the very request that made or
    /// rotated it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub secret: Option<String>,
}

impl<'a> WebhookView<'a> {
    /// A webhook without its secret.
    pub(crate) fn new(webhook: &'a Webhook) -> Self {
        Self {
            id: webhook.id,
            url: webhook.url.as_str(),
            organization_id: webhook.organization.as_ref(),
            types: webhook.types.as_deref().map(query::names),
            description: webhook.description.as_deref(),
            enabled: webhook.disabled.is_none(),
            disabled_reason: webhook.disabled.map(DisabledReason::name),
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
            secret: None,
        }
    }
}

/// A webhook for the documents.
pub(crate) fn example() -> serde_json::Value {
    serde_json::json!({
        "id": "019a0c5e-7b1c-7cc3-98c4-dc0c0c073991",
        "url": "https://app.example.com/hooks/invited",
        "organizationId": "acme",
        "types": ["invitation.accepted", "invitation.declined"],
        "description": "backend",
        "enabled": true,
        "createdAt": "2026-11-23T02:43:00.123Z",
        "updatedAt": "2026-11-23T02:43:00.123Z",
    })
}

/// A webhook with its secret, for the documents.
pub(crate) fn example_with_secret() -> serde_json::Value {
    let mut made = example();
    made["secret"] = "whsec_...".into();
    made
}
