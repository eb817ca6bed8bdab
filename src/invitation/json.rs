//! An invitation as JSON, straight into the bytes of an answer.
//!
//! A list of a thousand writes this a thousand times, so whole pieces are appended instead of
//! single tokens. What its form keeps free of quotes and backslashes (role, ids, times, status) is
//! copied; everything else is escaped by `serde_json`.

use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Invitation;
use crate::base::error::{Error, Result};
use crate::key::{Rights, Scope};

/// Bytes that hold most invitations.
const USUAL_LEN: usize = 384;

/// Appends the invitation as the API shows it: the seed's five fields, then the others, the
/// optional ones only when set.
///
/// # Errors
/// None that can happen: every field can be written.
pub fn write(invitation: &Invitation<'_>, json: &mut Vec<u8>) -> Result<()> {
    let mut id = Uuid::encode_buffer();
    json.extend_from_slice(b"{\"role\":\"");
    json.extend_from_slice(invitation.role.as_bytes());
    json.extend_from_slice(b"\",\"id\":\"");
    json.extend_from_slice(invitation.id.hyphenated().encode_lower(&mut id).as_bytes());
    json.extend_from_slice(b"\",\"email\":");
    serde_json::to_writer(&mut *json, invitation.email).map_err(Error::internal)?;
    json.extend_from_slice(b",\"createdAt\":\"");
    json.extend_from_slice(&invitation.created_at.text());
    json.extend_from_slice(b"\",\"expiresAt\":\"");
    json.extend_from_slice(&invitation.expires_at.text());
    json.extend_from_slice(b"\",\"organizationId\":\"");
    json.extend_from_slice(invitation.organization_id.as_bytes());
    json.extend_from_slice(b"\",\"status\":\"");
    json.extend_from_slice(invitation.status.name().as_bytes());
    json.extend_from_slice(b"\",\"updatedAt\":\"");
    json.extend_from_slice(&invitation.updated_at.text());
    json.push(b'"');
    optional(json, "acceptedAt", invitation.accepted_at)?;
    optional(json, "acceptedBy", invitation.accepted_by)?;
    optional(json, "declinedAt", invitation.declined_at)?;
    optional(json, "revokedAt", invitation.revoked_at)?;
    optional(json, "inviter", invitation.inviter)?;
    if let Some(metadata) = invitation.metadata {
        json.extend_from_slice(b",\"metadata\":");
        json.extend_from_slice(metadata.as_bytes());
    }
    optional(json, "redirectUrl", invitation.redirect_url)?;
    optional(json, "sendCount", invitation.send_count)?;
    optional(json, "lastSentAt", invitation.last_sent_at)?;
    json.extend_from_slice(b",\"delivery\":\"");
    json.extend_from_slice(invitation.delivery.name().as_bytes());
    json.push(b'"');
    optional(json, "deliveryAttempts", invitation.delivery_attempts)?;
    optional(json, "deliveryError", invitation.delivery_error)?;
    json.push(b'}');
    Ok(())
}

/// Appends `,"name":value`, if there is a value.
fn optional<T: Serialize>(json: &mut Vec<u8>, name: &str, value: Option<T>) -> Result<()> {
    let Some(value) = value else {
        return Ok(());
    };
    json.extend_from_slice(b",\"");
    json.extend_from_slice(name.as_bytes());
    json.extend_from_slice(b"\":");
    serde_json::to_writer(json, &value).map_err(Error::internal)
}

/// The invitation as the API shows it.
///
/// # Errors
/// See [`write()`].
pub fn to_bytes(invitation: &Invitation<'_>) -> Result<Vec<u8>> {
    let mut json = Vec::with_capacity(USUAL_LEN);
    write(invitation, &mut json)?;
    Ok(json)
}

/// The invitation as JSON, for a caller with `rights`: without `invitations:read` nothing that
/// others said of it, nor how it came to stand where it stands.
///
/// # Errors
/// See [`write()`].
pub fn to_bytes_for(invitation: &Invitation<'_>, rights: &Rights) -> Result<Vec<u8>> {
    if rights.scopes.contain(Scope::Read) {
        return to_bytes(invitation);
    }
    to_bytes(&Invitation {
        accepted_at: None,
        accepted_by: None,
        declined_at: None,
        revoked_at: None,
        inviter: None,
        metadata: None,
        redirect_url: None,
        send_count: None,
        last_sent_at: None,
        delivery_attempts: None,
        delivery_error: None,
        ..*invitation
    })
}

/// JSON as a part of other JSON.
///
/// # Errors
/// When it is not text.
pub fn raw(json: Vec<u8>) -> Result<Box<RawValue>> {
    let text = String::from_utf8(json).map_err(Error::internal)?;
    RawValue::from_string(text).map_err(Error::internal)
}
