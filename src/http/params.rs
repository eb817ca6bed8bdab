//! Parameters that many operations share, for the OpenAPI document.

#![expect(dead_code, reason = "only the document is made from these")]

use utoipa::IntoParams;

/// An organization in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct InOrganization {
    /// The caller's own id of the organization.
    #[param(
        rename = "organizationId",
        pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$",
        example = "acme"
    )]
    pub organization_id: String,
}

/// An invitation in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfInvitation {
    /// The caller's own id of the organization.
    #[param(
        rename = "organizationId",
        pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$",
        example = "acme"
    )]
    pub organization_id: String,
    /// UUIDv7, lowercase with hyphens.
    #[param(rename = "invitationId", format = Uuid)]
    pub invitation_id: String,
}

/// A webhook in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfWebhook {
    /// UUIDv7, lowercase with hyphens.
    #[param(rename = "webhookId", format = Uuid)]
    pub webhook_id: String,
}

/// A delivery of a webhook in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfDelivery {
    /// UUIDv7, lowercase with hyphens.
    #[param(rename = "webhookId", format = Uuid)]
    pub webhook_id: String,
    /// UUIDv7, lowercase with hyphens.
    #[param(rename = "deliveryId", format = Uuid)]
    pub delivery_id: String,
}

/// The version that a change is meant for.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct OnlyVersion {
    /// Only this version.
    #[param(rename = "If-Match", pattern = "^(W/)?\"[0-9a-f]{32}\"$")]
    pub if_match: Option<String>,
}

/// What makes a repeated request recognizable.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct Once {
    /// Kept for 24 hours: the same key with the same body is answered again, and has one effect.
    #[param(rename = "Idempotency-Key", pattern = "^[!-~]{1,255}$")]
    pub idempotency_key: Option<String>,
}
