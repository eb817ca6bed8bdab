//! The history of an organization: what happened, who did it, and what changed.
//!
//! An event is written in the transaction of its change, so neither can be there without the other.

pub mod store;

use serde::Serialize;

use crate::clock::Timestamp;

/// What happened to an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// It was made.
    Created,
    /// The person joined.
    Accepted,
    /// The person said no.
    Declined,
    /// It was sent again with a new expiry.
    Renewed,
    /// It was taken back.
    Revoked,
    /// It had lapsed, and a new one took its place.
    Expired,
    /// It was deleted.
    Deleted,
}

impl EventType {
    /// The type as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "invitation.created",
            Self::Accepted => "invitation.accepted",
            Self::Declined => "invitation.declined",
            Self::Renewed => "invitation.renewed",
            Self::Revoked => "invitation.revoked",
            Self::Expired => "invitation.expired",
            Self::Deleted => "invitation.deleted",
        }
    }
}

/// Where a change comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Who: an API key's id, or `dev`.
    pub actor: String,
    /// The `X-Request-Id` of the request.
    pub request_id: String,
}

/// The fields of an invitation that an event is about, before or after it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts<'a> {
    /// The address, when the invitation appears or goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
    /// The role, when the invitation appears or goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'a str>,
    /// The status, when it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    /// The expiry, when it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}
