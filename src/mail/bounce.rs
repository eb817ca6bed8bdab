//! Mail that came back after a mail server had taken it, as whoever sends the mail tells it.
//!
//! A bounce names the mail by its Message-ID, which says which sending of which invitation it was
//! (see [`super::message_id`]), or it names the invitation. So nothing is written ahead of time.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::message_id::MessageId;
use super::smtp_error::one_line;
use crate::base::clock::Timestamp;
use crate::base::error::{Checked, Code, Error, Errors, FieldCode, FieldError, Result};
use crate::base::id::parse_id;
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::db::WriteTx;
use crate::event::{self, EventFields, EventType, NewEvent};
use crate::invitation::{Invitation, store};
use crate::key::Rights;
use crate::outbox;
use crate::outbox::mail::{Delivery, Kind};

/// The longest Message-ID in bytes: a line of a mail has no more (RFC 5322, 2.1.1).
const MAX_MESSAGE_ID: usize = 998;
/// The longest reason in bytes.
const MAX_REASON: usize = 2_000;
/// After how many seconds a bounce of a mail that is still queued is reported again.
const RETRY_SECONDS: u64 = 5;
/// What is noted where no reason is given.
const NO_REASON: &str = "the mail came back";

/// A mail that came back. `null` counts as absent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BounceReport)]
pub struct BounceBody {
    /// The `Message-ID` of the mail, with or without angle brackets; or else the next two.
    #[schema(
        max_length = 998,
        example = "<invitation.019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f.0@example.com>"
    )]
    pub message_id: Option<String>,
    /// The organization of the invitation whose mail came back.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$", example = "acme")]
    pub organization_id: Option<String>,
    /// The invitation.
    #[schema(format = Uuid)]
    pub invitation_id: Option<String>,
    /// `permanent` (default): the mail will not arrive. `temporary`: it may; only the reason is
    /// noted.
    #[schema(value_type = Option<BounceKind>)]
    pub kind: Option<String>,
    /// Why, in the words of the other mail server. Its first 200 characters are kept, without the
    /// address.
    #[schema(max_length = 2000, example = "550 5.1.1 no such user")]
    pub reason: Option<String>,
}

/// Whether a mail that came back may still arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum BounceKind {
    /// It will not.
    Permanent,
    /// It may.
    Temporary,
}

/// What came back.
#[derive(Clone, Debug)]
enum Subject {
    /// A mail.
    Mail(MessageId),
    /// The mail of an invitation's last sending.
    Invitation(OrganizationId, Uuid),
    /// A mail that this server never sent.
    Stranger,
}

/// A bounce.
#[derive(Clone, Debug)]
pub(crate) struct Bounce {
    /// What came back.
    subject: Subject,
    /// Whether it may still arrive.
    kind: BounceKind,
    /// Why.
    reason: String,
}

impl Bounce {
    /// Checks `body`.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with everything that is not acceptable.
    pub(crate) fn parse(body: BounceBody) -> Result<Self> {
        let mut errors = Errors::default();
        let kind = errors.take(parse_kind(body.kind.as_deref()));
        let reason = errors.take(check_reason(body.reason));
        let subject = errors.take(parse_subject(
            body.message_id.as_deref(),
            body.organization_id.as_deref(),
            body.invitation_id.as_deref(),
        ));
        errors.finish(|| {
            Some(Self {
                subject: subject?,
                kind: kind?,
                reason: reason?,
            })
        })
    }
}

/// Reads the kind.
fn parse_kind(kind: Option<&str>) -> Checked<BounceKind> {
    match kind {
        None | Some("permanent") => Ok(BounceKind::Permanent),
        Some("temporary") => Ok(BounceKind::Temporary),
        Some(_) => Err(FieldError::new(
            "/kind",
            FieldCode::UnknownValue,
            "permanent or temporary",
        )),
    }
}

/// Checks the reason.
fn check_reason(reason: Option<String>) -> Checked<String> {
    let reason = reason.unwrap_or_default();
    if reason.len() > MAX_REASON {
        let detail = "at most 2,000 bytes";
        return Err(FieldError::new("/reason", FieldCode::TooLong, detail));
    }
    Ok(reason)
}

/// Reads what came back: a mail, or an invitation's.
fn parse_subject(
    message_id: Option<&str>,
    organization: Option<&str>,
    invitation: Option<&str>,
) -> Checked<Subject> {
    let wrong = |pointer, code, detail: &'static str| Err(FieldError::new(pointer, code, detail));
    match (message_id, organization, invitation) {
        (Some(id), None, None) if id.len() > MAX_MESSAGE_ID => {
            wrong("/messageId", FieldCode::TooLong, "at most 998 bytes")
        }
        (Some(id), None, None) => Ok(MessageId::parse(id).map_or(Subject::Stranger, Subject::Mail)),
        (Some(_), _, _) => wrong(
            "/messageId",
            FieldCode::Conflict,
            "either this, or organizationId and invitationId",
        ),
        (None, Some(organization), Some(invitation)) => Ok(OrganizationId::parse(organization)
            .zip(parse_id(invitation))
            .map_or(Subject::Stranger, |(organization, id)| {
                Subject::Invitation(organization, id)
            })),
        (None, Some(_), None) => wrong(
            "/invitationId",
            FieldCode::Required,
            "organizationId needs invitationId beside it",
        ),
        (None, None, Some(_)) => wrong(
            "/organizationId",
            FieldCode::Required,
            "invitationId needs organizationId beside it",
        ),
        (None, None, None) => wrong(
            "/messageId",
            FieldCode::Required,
            "this, or organizationId and invitationId",
        ),
    }
}

/// What is said of a bounce that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BounceResult)]
pub(crate) struct Noted {
    /// The organization of the invitation.
    #[schema(value_type = String)]
    pub organization_id: OrganizationId,
    /// The invitation.
    #[schema(value_type = String, format = Uuid)]
    pub invitation_id: Uuid,
    /// How far the mail of its last sending has come by now.
    #[schema(value_type = Delivery)]
    pub delivery: &'static str,
}

/// What a bounce needs to know of its invitation.
struct Target {
    /// The invitation's role.
    role: String,
    /// How far the mail of its last sending has come.
    delivery: Delivery,
    /// Whether the bounce is about the mail of that sending.
    is_last: bool,
    /// Why it came back, in one line without the invited address.
    reason: String,
}

/// Notes a bounce at its invitation, if `rights` may know of it.
///
/// Only the mail of the last sending counts, and only once it was sent; a mail to the inviter says
/// nothing of the invited address. A bounce that comes again changes nothing. An address that takes
/// no mail gets no reminder.
///
/// # Errors
/// [`Code::NotFound`] where there is no such invitation for these rights;
/// [`Code::RoleNotGrantable`] for a role above the key's; [`Code::MailQueued`].
pub(crate) fn note(
    tx: &WriteTx<'_>,
    bounce: &Bounce,
    rights: &Rights,
    origin: &Origin,
) -> Result<Noted> {
    let (organization, id) = find_invitation(tx, &bounce.subject)?
        .filter(|(organization, _)| rights.see(organization.as_str()))
        .ok_or_else(Error::not_found)?;
    let found = store::find(tx, tx.now, &organization, id, |invitation| {
        Ok(Target {
            role: invitation.role.to_owned(),
            delivery: invitation.delivery,
            is_last: is_of_last_sending(&bounce.subject, invitation, tx.now),
            reason: one_line(&bounce.reason, &[invitation.email]),
        })
    })?;
    let target = found.ok_or_else(Error::not_found)?;
    rights.check_grant(&target.role)?;
    let is_counted = target.is_last && is_counted(&bounce.subject, target.delivery)?;
    let before = target.delivery;
    let after = if is_counted && bounce.kind == BounceKind::Permanent {
        Delivery::Bounced
    } else {
        before
    };
    if is_counted {
        let reason = Some(target.reason.as_str()).filter(|reason| !reason.is_empty());
        store::set_bounced(tx, &organization, id, after, reason.unwrap_or(NO_REASON))?;
    }
    if after != before {
        outbox::mail::store::delete_reminder(tx, id)?;
        append(tx, &organization, id, before, origin)?;
    }
    Ok(Noted {
        organization_id: organization,
        invitation_id: id,
        delivery: after.name(),
    })
}

/// The invitation that `subject` is about, with its organization.
fn find_invitation(tx: &WriteTx<'_>, subject: &Subject) -> Result<Option<(OrganizationId, Uuid)>> {
    Ok(match subject {
        Subject::Mail(mail) => store::find_organization(tx, mail.invitation)?
            .map(|organization| (organization, mail.invitation)),
        Subject::Invitation(organization, id) => Some((organization.clone(), *id)),
        Subject::Stranger => None,
    })
}

/// Whether a bounce of the last sending's mail changes anything, by how far that mail has come. A
/// mail that this server did not send has no Message-ID of ours, so it counts by its invitation.
fn is_counted(subject: &Subject, delivery: Delivery) -> Result<bool> {
    match delivery {
        Delivery::Sent => Ok(true),
        Delivery::None => Ok(matches!(subject, Subject::Invitation(..))),
        Delivery::Failed | Delivery::Bounced => Ok(false),
        // The other side was quicker than the note that the mail was sent.
        Delivery::Queued => {
            let detail = "The mail is still queued here. Report it again in a moment.";
            Err(Error::new(Code::MailQueued, detail).retry_after(RETRY_SECONDS))
        }
    }
}

/// Whether `subject` went to the invited address, at the last sending of `invitation` or since.
fn is_of_last_sending(subject: &Subject, invitation: &Invitation<'_>, now: Timestamp) -> bool {
    let Subject::Mail(mail) = subject else {
        return true;
    };
    let last_sent_at = invitation.last_sent_at.unwrap_or(invitation.created_at);
    match mail.kind {
        Kind::Invitation | Kind::Reminder => {
            mail.number == i64::from(invitation.send_count.unwrap_or_default())
        }
        // The number of a code is when it was asked for.
        Kind::Code => (last_sent_at.as_millis()..=now.as_millis()).contains(&mail.number),
        Kind::Notice => false,
    }
}

/// Adds to the history that the mail came back.
fn append(
    tx: &WriteTx<'_>,
    organization: &OrganizationId,
    invitation: Uuid,
    before: Delivery,
    origin: &Origin,
) -> Result<()> {
    let facts = |delivery: Delivery| EventFields {
        delivery: Some(delivery.name()),
        ..EventFields::default()
    };
    let event = NewEvent {
        organization,
        kind: EventType::Bounced,
        invitation: Some(invitation),
        origin,
        before: Some(&facts(before)),
        after: Some(&facts(Delivery::Bounced)),
    };
    event::store::append(tx, &event)
}
