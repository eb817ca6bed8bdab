//! A whole invitation as JSON, to be moved to another data file: what the API shows of it, and the
//! note that only its mail does.

use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::inviter::InviterBody;
use super::new::{CreateBody, NewInvitation};
use super::{Invitation, Status, json};
use crate::base::clock::Timestamp;
use crate::base::error::{Checked, Error, Errors, FieldCode, FieldError, Result};
use crate::base::id;
use crate::base::organization_id::OrganizationId;
use crate::base::text::check_id;
use crate::invitation::accept::MAX_SUBJECT;
use crate::outbox::mail::Delivery;
use crate::policy::Rules;

/// The most bytes of the reason why a mail was not delivered.
const MAX_DELIVERY_ERROR: usize = 4096;

/// A whole invitation as it is written. `null` counts as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(
    clippy::missing_docs_in_private_items,
    missing_docs,
    reason = "they are those of an invitation, and the note"
)]
pub struct WholeBody {
    pub role: Option<String>,
    pub id: Option<String>,
    pub email: Option<String>,
    pub created_at: Option<String>,
    pub expires_at: Option<String>,
    pub organization_id: Option<String>,
    pub status: Option<String>,
    pub updated_at: Option<String>,
    pub accepted_at: Option<String>,
    pub accepted_by: Option<String>,
    pub declined_at: Option<String>,
    pub revoked_at: Option<String>,
    #[serde(default, deserialize_with = "crate::base::json::object::optional")]
    pub inviter: Option<InviterBody>,
    pub metadata: Option<Map<String, Value>>,
    pub redirect_url: Option<String>,
    pub locale: Option<String>,
    pub send_count: Option<u32>,
    pub last_sent_at: Option<String>,
    pub delivery: Option<String>,
    pub delivery_attempts: Option<u32>,
    pub delivery_error: Option<String>,
    pub note: Option<String>,
}

/// A whole invitation, checked.
#[derive(Debug)]
pub struct Whole {
    /// What it was made with.
    pub new: NewInvitation,
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it cannot be accepted.
    pub expires_at: Timestamp,
    /// Its last change.
    pub updated_at: Timestamp,
    /// Where it stands. One that is pending may have lapsed: then its history does not tell of that
    /// yet.
    pub status: Status,
    /// When it was accepted, declined or revoked.
    pub closed_at: Option<Timestamp>,
    /// Who accepted.
    pub accepted_by: Option<String>,
    /// How often it was sent again.
    pub send_count: Option<u32>,
    /// When it was last sent again.
    pub last_sent_at: Option<Timestamp>,
    /// How far its last sending has come.
    pub delivery: Delivery,
    /// How often the mail was tried.
    pub delivery_attempts: Option<u32>,
    /// Why the last try failed.
    pub delivery_error: Option<String>,
}

/// Appends `invitation` as the API shows it, with its note.
///
/// # Errors
/// None that can happen: every field can be written.
pub(crate) fn write(
    invitation: &Invitation<'_>,
    note: Option<&str>,
    json: &mut Vec<u8>,
) -> Result<()> {
    json::write(invitation, json)?;
    if let Some(note) = note {
        json.pop();
        json.extend_from_slice(b",\"note\":");
        serde_json::to_writer(&mut *json, note).map_err(Error::internal)?;
        json.push(b'}');
    }
    Ok(())
}

impl WholeBody {
    /// Checks it as an invitation of `organization`. It is asked for its form only: another server
    /// has allowed it.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with everything that is not acceptable, all
    /// at once.
    pub fn parse(self, organization: &OrganizationId) -> Result<Whole> {
        let mut errors = Errors::default();
        if self.organization_id.as_deref() != Some(organization.as_str()) {
            errors.push(FieldError::new(
                "/organizationId",
                FieldCode::Conflict,
                format!("that of the organization before it, {organization}"),
            ));
        }
        let created_at = errors.take(parse_time("/createdAt", self.created_at.as_deref()));
        let id = errors.take(parse_own_id(self.id.as_deref(), created_at));
        let expires_at = errors.take(parse_time("/expiresAt", self.expires_at.as_deref()));
        let updated_at = errors.take(parse_time("/updatedAt", self.updated_at.as_deref()));
        let status = errors.take(parse_status(self.status.as_deref()));
        let closed_at = status.and_then(|status| self.parse_closed(status, &mut errors));
        let last_sent_at = self.last_sent_at.as_deref();
        let last_sent_at = last_sent_at.map(|text| parse_time("/lastSentAt", Some(text)));
        let last_sent_at = errors.take(last_sent_at.transpose());
        let delivery = errors.take(parse_delivery(self.delivery.as_deref()));
        let accepted_by = self.accepted_by.clone();
        errors.extend(check_id("/acceptedBy", accepted_by.as_deref(), MAX_SUBJECT));
        let delivery_error = self.delivery_error.clone();
        if delivery_error
            .as_ref()
            .is_some_and(|error| error.len() > MAX_DELIVERY_ERROR)
        {
            let detail = format!("at most {MAX_DELIVERY_ERROR} bytes");
            errors.push(FieldError::new(
                "/deliveryError",
                FieldCode::TooLong,
                detail,
            ));
        }
        let (send_count, delivery_attempts) = (self.send_count, self.delivery_attempts);
        let new = NewInvitation::parse(
            organization.clone(),
            self.create_body(),
            &Rules::of_form(),
            Timestamp::from_millis(0),
        );
        let new = errors.take_all(new)?;
        errors.finish(|| {
            Some(Whole {
                new: new?,
                id: id?,
                created_at: created_at?,
                expires_at: expires_at?,
                updated_at: updated_at?,
                status: status?,
                closed_at,
                accepted_by,
                send_count,
                last_sent_at: last_sent_at?,
                delivery: delivery?,
                delivery_attempts,
                delivery_error,
            })
        })
    }

    /// Reads when it was closed, if its status is that of a closed one. The times of all other
    /// statuses must be absent.
    fn parse_closed(&self, status: Status, errors: &mut Errors) -> Option<Timestamp> {
        let times = [&self.accepted_at, &self.declined_at, &self.revoked_at];
        let times = times.map(Option::as_deref);
        let (pointer, time) = closing(status, times, self.accepted_by.is_some(), errors)?;
        errors.take(parse_time(pointer, time))
    }

    /// The part that is a create.
    fn create_body(self) -> CreateBody {
        CreateBody {
            email: self.email,
            role: self.role,
            metadata: self.metadata,
            redirect_url: self.redirect_url,
            locale: self.locale,
            inviter: self.inviter,
            note: self.note,
            ..CreateBody::default()
        }
    }
}

/// Where it is said when an invitation of this status was closed, and what stands there, of the
/// `times` of its acceptance, decline and revocation; none: it is not closed. What is said of other
/// statuses, `has_acceptor` included, is wrong.
pub(crate) fn closing<'a>(
    status: Status,
    times: [Option<&'a str>; 3],
    has_acceptor: bool,
    errors: &mut Errors,
) -> Option<(&'static str, Option<&'a str>)> {
    let of = [
        (Status::Accepted, "/acceptedAt"),
        (Status::Declined, "/declinedAt"),
        (Status::Revoked, "/revokedAt"),
    ];
    let mut found = None;
    for ((of, pointer), time) in of.into_iter().zip(times) {
        if of == status {
            found = Some((pointer, time));
        } else if time.is_some() {
            errors.push(conflict(pointer, of));
        }
    }
    if has_acceptor && status != Status::Accepted {
        errors.push(conflict("/acceptedBy", Status::Accepted));
    }
    found
}

/// A field that belongs to another status.
fn conflict(pointer: &'static str, of: Status) -> FieldError {
    let detail = format!("only where status is {}", of.name());
    FieldError::new(pointer, FieldCode::Conflict, detail)
}

/// Reads a time that must be there.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_time(pointer: &'static str, text: Option<&str>) -> Checked<Timestamp> {
    let form = "an RFC 3339 time from 1970 to 9999, as 2026-11-30T02:43:00.123Z";
    let text = text.ok_or_else(|| FieldError::new(pointer, FieldCode::Required, form))?;
    Timestamp::parse(text).ok_or_else(|| FieldError::new(pointer, FieldCode::InvalidFormat, form))
}

/// Reads the id. It may not bear an earlier time than the invitation: lists by time rely on that.
fn parse_own_id(text: Option<&str>, created_at: Option<Timestamp>) -> Checked<Uuid> {
    let form = "a lowercase UUIDv7";
    let text = text.ok_or_else(|| FieldError::new("/id", FieldCode::Required, form))?;
    let id = id::parse_id(text)
        .filter(|id| id::is_of_time(*id))
        .ok_or_else(|| FieldError::new("/id", FieldCode::InvalidFormat, form))?;
    match created_at.map(id::lowest_id_at) {
        Some(lowest) if id < lowest => Err(FieldError::new(
            "/id",
            FieldCode::OutOfRange,
            "a UUIDv7 of no earlier time than createdAt",
        )),
        _ => Ok(id),
    }
}

/// Reads where it stands, which must be there.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_status(text: Option<&str>) -> Checked<Status> {
    let names = "one of: pending, accepted, declined, revoked, expired";
    let text = text.ok_or_else(|| FieldError::new("/status", FieldCode::Required, names))?;
    Status::parse(text).ok_or_else(|| FieldError::new("/status", FieldCode::UnknownValue, names))
}

/// Reads how far its mail has come.
fn parse_delivery(text: Option<&str>) -> Checked<Delivery> {
    let names = "one of: none, queued, sent, failed, bounced";
    let text = text.ok_or_else(|| FieldError::new("/delivery", FieldCode::Required, names))?;
    let mut known = Delivery::ALL.into_iter();
    known
        .find(|delivery| delivery.name() == text)
        .ok_or_else(|| FieldError::new("/delivery", FieldCode::UnknownValue, names))
}
