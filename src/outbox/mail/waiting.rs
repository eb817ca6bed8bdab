//! What waits in the queue of mail, as an operator sees it.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Kind;
use crate::base::clock::Timestamp;
use crate::base::error::{Checked, Error, Errors, FieldCode, FieldError, Result};
use crate::base::hex::hex;
use crate::base::id::parse_id;
use crate::base::organization_id::OrganizationId;
use crate::base::page::{DEFAULT_LIMIT, Paged, parse_limit};

/// Digits of the id of an invitation in a cursor.
const ID_DIGITS: usize = 32;

/// What names a mail of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MailId {
    /// The invitation it is about.
    pub invitation: Uuid,
    /// What it is for.
    pub kind: Kind,
    /// Of a code: the HMAC of the address that was given.
    pub address_mac: Vec<u8>,
}

impl MailId {
    /// The mail as a cursor names it.
    pub(crate) fn to_cursor(&self) -> String {
        let (invitation, kind) = (self.invitation.simple(), self.kind as u8);
        format!("{invitation}{kind}{}", hex(&self.address_mac))
    }

    /// Reads what a cursor names.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (invitation, rest) = text.split_at_checked(ID_DIGITS)?;
        let (kind, mac) = rest.split_at_checked(1)?;
        let byte = |at: usize| u8::from_str_radix(mac.get(at..at + 2)?, 16).ok();
        Some(Self {
            invitation: Uuid::try_parse(invitation).ok()?,
            kind: *Kind::ALL.get(kind.parse::<usize>().ok()?)?,
            address_mac: (0..mac.len()).step_by(2).map(byte).collect::<Option<_>>()?,
        })
    }
}

// The numbers are those that the SQL of the queue tells them by.
/// Why a mail has not gone out yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub(crate) enum QueuedMailState {
    /// It was not tried yet, and is not due yet.
    Scheduled = 0,
    /// It goes out as soon as it is its turn.
    Ready = 1,
    /// A try is under way.
    Sending = 2,
    /// The last try failed, and the next one is not due yet.
    Retrying = 3,
}

impl QueuedMailState {
    /// Every state, by number.
    pub(crate) const ALL: [Self; 4] = [Self::Scheduled, Self::Ready, Self::Sending, Self::Retrying];

    /// The state as it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Ready => "ready",
            Self::Sending => "sending",
            Self::Retrying => "retrying",
        }
    }

    /// The state called `name`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A mail of the queue.
#[derive(Debug)]
pub(crate) struct QueuedMail {
    /// What names it.
    pub id: MailId,
    /// Whose invitation it is about.
    pub organization_id: String,
    /// The address that it goes to.
    pub to: String,
    /// Why it has not gone out yet.
    pub state: QueuedMailState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When it is due; none while a try is under way.
    pub due_at: Option<Timestamp>,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// A mail that waits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueuedMail)]
pub(crate) struct QueuedMailView<'a> {
    /// The invitation that it is about.
    #[schema(value_type = String, format = Uuid)]
    pub invitation_id: Uuid,
    /// Whose invitation that is.
    #[schema(value_type = String)]
    pub organization_id: &'a str,
    /// What it is for.
    #[schema(value_type = Kind)]
    pub kind: &'static str,
    /// The address that it goes to. A code goes out only where the address that was given is this
    /// one.
    #[schema(value_type = String)]
    pub to: &'a str,
    /// Why it has not gone out yet: `scheduled` was not tried yet and is not due, `ready` waits for
    /// its turn, `sending` is tried now, `retrying` failed and is not due.
    pub state: QueuedMailState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was queued.
    #[schema(value_type = String, format = DateTime)]
    pub queued_at: Timestamp,
    /// When it is, or was, due. Absent while a try is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    pub due_at: Option<Timestamp>,
    /// Why the last try failed. Absent: none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub error: Option<&'a str>,
}

impl<'a> QueuedMailView<'a> {
    /// How the API shows `mail`.
    pub(crate) fn new(mail: &'a QueuedMail) -> Self {
        Self {
            invitation_id: mail.id.invitation,
            organization_id: &mail.organization_id,
            kind: mail.id.kind.name(),
            to: &mail.to,
            state: mail.state,
            attempts: mail.attempts,
            queued_at: mail.queued_at,
            due_at: mail.due_at,
            error: mail.error.as_deref(),
        }
    }
}

/// What was tried in vain, and waits.
#[derive(Debug)]
pub(crate) struct PutOff {
    /// How many mails.
    pub count: i64,
    /// When the oldest of them was queued.
    pub oldest: Timestamp,
    /// Why the last try of that one failed.
    pub error: Option<String>,
}

/// How much waits.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    /// All that waits.
    pub waiting: i64,
    /// Of that, what waits for its next try since the last one failed.
    pub put_off: i64,
    /// Of that, what was not tried yet, and is for later.
    pub scheduled: i64,
    /// When the oldest of what was put off was queued; none: nothing was.
    pub oldest: Option<Timestamp>,
}

/// Which mails of the queue are meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Only those of these organizations, a JSON array; none: everybody's.
    pub organizations: Option<String>,
    /// Only those of this organization.
    pub organization: Option<OrganizationId>,
    /// Only those about this invitation.
    pub invitation: Option<Uuid>,
    /// Only those that wait for this reason.
    pub state: Option<QueuedMailState>,
}

impl Selection {
    /// Those of `bound` organizations; none: everybody's.
    ///
    /// # Errors
    /// None that depends on anything but the program.
    pub(crate) fn within(bound: Option<&[OrganizationId]>) -> Result<Self> {
        let names = |bound: &[OrganizationId]| {
            let names: Vec<_> = bound.iter().map(OrganizationId::as_str).collect();
            serde_json::to_string(&names).map_err(Error::internal)
        };
        Ok(Self {
            organizations: bound.map(names).transpose()?,
            ..Self::default()
        })
    }

    /// The one organization as SQL has it.
    pub(super) fn organization(&self) -> Option<&str> {
        self.organization.as_ref().map(OrganizationId::as_str)
    }

    /// The one invitation as SQL has it.
    pub(super) fn invitation(&self) -> Option<&[u8]> {
        self.invitation.as_ref().map(|id| &id.as_bytes()[..])
    }
}

/// The query of the queue.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MailQueueParams {
    /// Only what is about invitations of this organization.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$", example = "acme")]
    organization_id: Option<String>,
    /// At most so many; 100 where it is not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// From `Link`: where the page before ended.
    cursor: Option<String>,
}

/// The query of the queue, checked.
#[derive(Clone, Debug)]
pub(crate) struct MailQueueQuery {
    /// Only what is about invitations of this organization.
    pub organization: Option<OrganizationId>,
    /// How many at most.
    pub limit: u32,
    /// The last mail of the page before.
    pub after: Option<MailId>,
}

impl MailQueueQuery {
    /// Checks the values of a query.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with every value that is not acceptable;
    /// [`crate::base::error::Code::InvalidCursor`].
    pub(crate) fn parse(params: MailQueueParams) -> Result<Self> {
        let mut errors = Errors::default();
        let organization = errors.read(params.organization_id, |id| {
            parse_organization("organizationId", id)
        });
        let limit = errors.read(params.limit, parse_limit);
        errors.check()?;
        let mut query = Self {
            organization,
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            after: None,
        };
        query.after = params
            .cursor
            .map(|cursor| query.paged().parse_cursor(&cursor, MailId::parse))
            .transpose()?;
        Ok(query)
    }

    /// The list that is asked for, for its cursors.
    pub(crate) fn paged(&self) -> Paged {
        let organization = self.organization.as_ref().map(ToString::to_string);
        Paged::new(
            "/v1/mail-queue".to_owned(),
            [("organizationId", organization)],
        )
    }
}

/// Which mail is tried now. `null` counts as absent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MailRetry)]
pub(crate) struct RetryBody {
    /// Only what is about invitations of this organization.
    #[schema(value_type = Option<String>,
        pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")]
    pub organization_id: Option<String>,
    /// Only what is about this invitation.
    #[schema(value_type = Option<String>, format = Uuid)]
    pub invitation_id: Option<String>,
}

impl RetryBody {
    /// Narrows `selection` to what is asked for.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with everything that is not acceptable.
    pub(crate) fn narrow(self, mut selection: Selection) -> Result<Selection> {
        let mut errors = Errors::default();
        selection.organization = errors.read(self.organization_id, |id| {
            parse_organization("/organizationId", id)
        });
        selection.invitation = errors.read(self.invitation_id, |id| {
            let detail = "a UUIDv7, lowercase with hyphens";
            let wrong = || FieldError::new("/invitationId", FieldCode::InvalidFormat, detail);
            parse_id(id).ok_or_else(wrong)
        });
        errors.check()?;
        Ok(selection)
    }
}

/// What a retry came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailRetryResult)]
pub(crate) struct Retried {
    /// How many mails are tried now.
    pub retried: usize,
}

/// Reads the id of an organization, which stands at `place`.
fn parse_organization(place: &'static str, value: &str) -> Checked<OrganizationId> {
    let detail = "1 to 128 characters: a letter or digit, then also . _ ~ -";
    OrganizationId::parse(value)
        .ok_or_else(|| FieldError::new(place, FieldCode::InvalidFormat, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_reads_back_from_its_cursor_and_nothing_else_does() {
        for address_mac in [vec![], vec![0, 255, 17]] {
            let id = MailId {
                invitation: Uuid::from_u128(7),
                kind: Kind::Code,
                address_mac,
            };
            assert_eq!(MailId::parse(&id.to_cursor()), Some(id));
        }
        let start = "0".repeat(ID_DIGITS);
        for wrong in ["", "4", "x", "1f", "1é", "10g"] {
            assert_eq!(MailId::parse(&format!("{start}{wrong}")), None, "{wrong}");
        }
        assert_eq!(MailId::parse("é"), None);
    }
}
