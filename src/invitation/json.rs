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
    optional(json, "locale", invitation.locale)?;
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
pub(crate) fn to_bytes_for(invitation: &Invitation<'_>, rights: &Rights) -> Result<Vec<u8>> {
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
        locale: None,
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
pub(crate) fn raw(json: Vec<u8>) -> Result<Box<RawValue>> {
    let text = String::from_utf8(json).map_err(Error::internal)?;
    RawValue::from_string(text).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::super::{Inviter, Status};
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::outbox::mail::Delivery;

    /// What serde would make of an invitation.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Derived<'a> {
        role: &'a str,
        id: Uuid,
        email: &'a str,
        created_at: Timestamp,
        expires_at: Timestamp,
        organization_id: &'a str,
        status: &'a str,
        updated_at: Timestamp,
        #[serde(skip_serializing_if = "Option::is_none")]
        accepted_at: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        accepted_by: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        declined_at: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        revoked_at: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        inviter: Option<Inviter<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        metadata: Option<Box<RawValue>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        redirect_url: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        locale: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        send_count: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        last_sent_at: Option<Timestamp>,
        delivery: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        delivery_attempts: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        delivery_error: Option<&'a str>,
    }

    /// The same by serde.
    fn derived(invitation: &Invitation<'_>) -> String {
        let metadata = invitation.metadata.map(str::to_owned);
        let derived = Derived {
            role: invitation.role,
            id: invitation.id,
            email: invitation.email,
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
            organization_id: invitation.organization_id,
            status: invitation.status.name(),
            updated_at: invitation.updated_at,
            accepted_at: invitation.accepted_at,
            accepted_by: invitation.accepted_by,
            declined_at: invitation.declined_at,
            revoked_at: invitation.revoked_at,
            inviter: invitation.inviter,
            metadata: metadata.map(|json| RawValue::from_string(json).expect("JSON")),
            redirect_url: invitation.redirect_url,
            locale: invitation.locale,
            send_count: invitation.send_count,
            last_sent_at: invitation.last_sent_at,
            delivery: invitation.delivery.name(),
            delivery_attempts: invitation.delivery_attempts,
            delivery_error: invitation.delivery_error,
        };
        serde_json::to_string(&derived).expect("JSON")
    }

    /// An invitation of which every field is set, its free texts to `text`.
    fn whole(text: &str) -> Invitation<'_> {
        let time = Timestamp::from_millis;
        Invitation {
            role: "developer",
            id: Uuid::from_u128(u128::MAX / 3),
            email: text,
            created_at: time(1),
            expires_at: time(1_764_000_000_020),
            organization_id: "acme",
            status: Status::Accepted,
            updated_at: time(1_764_000_000_300),
            accepted_at: Some(time(2)),
            accepted_by: Some(text),
            declined_at: Some(time(3)),
            revoked_at: Some(time(4)),
            inviter: Inviter::of(Some(text), Some(text), Some(text)),
            metadata: Some(r#"{"a":["\"",1.50,null]}"#),
            redirect_url: Some(text),
            locale: Some(text),
            send_count: Some(u32::MAX),
            last_sent_at: Some(time(5)),
            delivery: Delivery::Failed,
            delivery_attempts: Some(9),
            delivery_error: Some(text),
        }
    }

    #[test]
    fn an_invitation_is_written_as_serde_would_write_it() {
        for text in ["plain", "", "\"\\/\u{0}\u{1f}\n\t", "é\u{2028}\u{10ffff}"] {
            let whole = whole(text);
            let least = Invitation {
                accepted_at: None,
                accepted_by: None,
                declined_at: None,
                revoked_at: None,
                inviter: None,
                metadata: None,
                redirect_url: None,
                locale: None,
                send_count: None,
                last_sent_at: None,
                delivery_attempts: None,
                delivery_error: None,
                ..whole
            };
            for invitation in [whole, least] {
                let written = to_bytes(&invitation).expect("JSON");
                assert_eq!(
                    String::from_utf8(written).expect("text"),
                    derived(&invitation)
                );
            }
        }
    }
}
