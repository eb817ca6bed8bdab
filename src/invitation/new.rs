//! From the body of a create to an invitation that cannot be wrong.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::inviter::{InviterBody, parse_note};
use super::{Invitation, Status};
use crate::base::clock::Timestamp;
use crate::base::email::{Email, parse_email};
use crate::base::error::{Checked, Error, Errors, FieldCode, FieldError, Result};
use crate::base::locale::parse_locale;
use crate::base::organization_id::OrganizationId;
use crate::base::role::{Role, parse_role};
use crate::outbox::mail::Delivery;
use crate::policy::{MAX_LIFETIME_SECONDS, MIN_LIFETIME_SECONDS, Rules, Sending, parse_own_url};

/// The deepest metadata: an export nests it once more, and whoever reads JSON has a limit.
const MAX_LEVELS: usize = 64;
/// The most bytes of metadata, written without spaces.
const MAX_METADATA: usize = 4096;
/// A new invitation. `null` counts as absent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationCreate)]
pub struct CreateBody {
    /// The address to invite. Stored in lowercase, its domain as IDNA A-labels.
    #[schema(value_type = String, required = true, max_length = 254,
        example = "New.User@example.com")]
    pub email: Option<String>,
    /// The role that the person gets on joining.
    #[schema(value_type = String, required = true, pattern = "^[A-Za-z][A-Za-z0-9_.:-]{0,63}$",
        example = "developer")]
    pub role: Option<String>,
    /// How long it lives, in seconds: a minute to 365 days. Without it the organization's default,
    /// or the server's: 7 days.
    #[schema(minimum = 60, maximum = 31_536_000)]
    #[serde(default, deserialize_with = "crate::base::json::whole::seconds")]
    pub expires_in: Option<i64>,
    /// When it ends, instead of `expiresIn`: RFC 3339, a minute to 365 days from now.
    #[schema(format = DateTime)]
    #[serde(default, deserialize_with = "crate::base::json::time::optional")]
    pub expires_at: Option<String>,
    /// The application's own data, at most 4096 bytes; its order is kept, its numbers are 64-bit.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
    /// Where the person goes after joining. Its origin must be one of the server's
    /// `--redirect-origins`.
    #[schema(max_length = 2048)]
    pub redirect_url: Option<String>,
    /// The language of its mail, as a language tag (BCP 47): else the organization's, or English.
    /// One without words of its own falls back: `de-CH` to `de`, then to the organization's.
    #[schema(
        max_length = 35,
        pattern = "^[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*$",
        example = "de"
    )]
    pub locale: Option<String>,
    /// Who invites.
    #[serde(default, deserialize_with = "crate::base::json::object::optional")]
    pub inviter: Option<InviterBody>,
    /// The inviter's own words for the mail: at most 500 characters, with line breaks. It is not
    /// shown again.
    #[schema(max_length = 500)]
    pub note: Option<String>,
    /// Whether to send the person a mail, where the server sends any. Without it: yes.
    pub notify: Option<bool>,
    /// What to do where a pending or accepted invitation stands for the address. Without it:
    /// `error`.
    #[schema(value_type = Option<OnConflict>)]
    pub on_conflict: Option<String>,
}

/// What to do where a pending or accepted invitation stands for the address already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ToSchema)]
#[schema(as = OnConflict, rename_all = "lowercase")]
pub enum OnConflict {
    /// Refuse.
    #[default]
    Error,
    /// Answer the standing one.
    Return,
    /// Revoke the standing one and make a new one.
    Replace,
    /// Send the standing one again.
    Resend,
}

/// How long an invitation lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// So many seconds from its making.
    After(i64),
    /// Until then.
    At(Timestamp),
    /// Nothing was said: so many seconds, the server's default, unless the organization has one of
    /// its own.
    Default(i64),
}

impl Expiry {
    /// This end, with the organization's default of so many `seconds` in place of the server's,
    /// where the invitation names none.
    #[must_use]
    pub(crate) fn or_default(self, seconds: Option<i64>) -> Self {
        match (self, seconds) {
            (Self::Default(_), Some(seconds)) => Self::After(seconds),
            _ => self,
        }
    }

    /// The end of an invitation that is made at `now`.
    pub fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::After(seconds) | Self::Default(seconds) => now.plus_seconds(seconds),
            Self::At(end) => end,
        }
    }
}

/// A new invitation: checked, ready for the store.
#[derive(Debug)]
pub struct NewInvitation {
    /// The organization it is for.
    pub organization: OrganizationId,
    /// The address, in its normal form.
    pub email: Email,
    /// The role the person gets on joining.
    pub role: Role,
    /// How long it lives.
    pub expiry: Expiry,
    /// The application's own data, as JSON without spaces.
    pub metadata: Option<String>,
    /// Where the person goes after joining.
    pub redirect_url: Option<String>,
    /// The language of its mail, in normal case.
    pub locale: Option<String>,
    /// Who invites; the address in its normal form.
    pub inviter: InviterBody,
    /// The inviter's own words for the mail.
    pub note: Option<String>,
    /// What to do where one stands already.
    pub on_conflict: OnConflict,
    /// Whether to tell the person.
    pub notify: bool,
    /// What its sending must keep to.
    pub sending: Sending,
}

impl NewInvitation {
    /// Checks `body` by `rules` at `now`.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with everything that is not acceptable, all
    /// at once.
    pub fn parse(
        organization: OrganizationId,
        body: CreateBody,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Self> {
        let mut errors = Errors::default();
        let email = errors.take(parse_email(body.email.as_deref(), rules.hosts));
        let role = errors.take(parse_role(body.role.as_deref(), &rules.roles));
        let (expires_in, expires_at) = (body.expires_in, body.expires_at.as_deref());
        let expiry = errors.take(parse_expiry(expires_in, expires_at, rules, now));
        let metadata = errors.take(parse_metadata(body.metadata.as_ref()));
        let redirect_url = errors.take(parse_redirect(body.redirect_url.as_deref(), rules));
        let locale = errors.take(parse_locale(body.locale.as_deref()));
        let on_conflict = errors.take(parse_on_conflict(body.on_conflict.as_deref()));
        let note = errors.take(parse_note(body.note.as_deref()));
        let inviter = body.inviter.unwrap_or_default();
        let inviter = inviter.parse(rules.hosts, &mut errors);
        errors.finish(|| {
            Some(Self {
                organization,
                email: email?,
                role: role?,
                expiry: expiry?,
                metadata: metadata?,
                redirect_url: redirect_url?,
                locale: locale?,
                inviter,
                note: note?,
                on_conflict: on_conflict?,
                notify: body.notify.unwrap_or(true),
                sending: rules.sending.clone(),
            })
        })
    }

    /// What its delivery begins with.
    pub(crate) fn delivery(&self) -> Delivery {
        self.sending.delivery(self.notify)
    }

    /// The invitation as it is shown once it was made as `id` at `now`, to end at `expires_at`.
    pub fn created(&self, id: Uuid, now: Timestamp, expires_at: Timestamp) -> Invitation<'_> {
        Invitation {
            role: self.role.as_str(),
            id,
            email: self.email.as_str(),
            created_at: now,
            expires_at,
            organization_id: self.organization.as_str(),
            status: Status::Pending,
            updated_at: now,
            accepted_at: None,
            accepted_by: None,
            declined_at: None,
            revoked_at: None,
            inviter: self.inviter.show(),
            metadata: self.metadata.as_deref(),
            redirect_url: self.redirect_url.as_deref(),
            locale: self.locale.as_deref(),
            send_count: None,
            last_sent_at: None,
            delivery: self.delivery(),
            delivery_attempts: None,
            delivery_error: None,
        }
    }
}

/// Checks the two ways to say how long the invitation lives.
pub(super) fn parse_expiry(
    expires_in: Option<i64>,
    expires_at: Option<&str>,
    rules: &Rules,
    now: Timestamp,
) -> Checked<Expiry> {
    match (expires_in, expires_at) {
        (None, None) => Ok(Expiry::Default(rules.default_lifetime_seconds)),
        (Some(seconds), None)
            if (MIN_LIFETIME_SECONDS..=MAX_LIFETIME_SECONDS).contains(&seconds) =>
        {
            Ok(Expiry::After(seconds))
        }
        (Some(_), None) => Err(FieldError::new(
            "/expiresIn",
            FieldCode::OutOfRange,
            "60 to 31536000 seconds (a minute to 365 days)",
        )),
        (None, Some(text)) => {
            let end = Timestamp::parse(text).ok_or_else(|| {
                FieldError::new(
                    "/expiresAt",
                    FieldCode::InvalidFormat,
                    "an RFC 3339 time from 1970 to 9999, as 2026-11-30T02:43:00Z",
                )
            })?;
            let range =
                now.plus_seconds(MIN_LIFETIME_SECONDS)..=now.plus_seconds(MAX_LIFETIME_SECONDS);
            let out = || {
                FieldError::new(
                    "/expiresAt",
                    FieldCode::OutOfRange,
                    "a minute to 365 days from now",
                )
            };
            range
                .contains(&end)
                .then_some(Expiry::At(end))
                .ok_or_else(out)
        }
        (Some(_), Some(_)) => Err(FieldError::new(
            "/expiresAt",
            FieldCode::Conflict,
            "give either expiresIn or expiresAt",
        )),
    }
}

/// Checks how long an invitation is to live that is sent again.
///
/// # Errors
/// [`crate::base::error::Code::ValidationFailed`].
pub(crate) fn check_expiry(
    expires_in: Option<i64>,
    expires_at: Option<&str>,
    rules: &Rules,
    now: Timestamp,
) -> Result<Expiry> {
    parse_expiry(expires_in, expires_at, rules, now).map_err(Error::from)
}

/// Writes the metadata without spaces, if it is small and flat enough.
pub(crate) fn parse_metadata(metadata: Option<&Map<String, Value>>) -> Checked<Option<String>> {
    if metadata.is_some_and(|metadata| levels(metadata) > MAX_LEVELS) {
        return Err(FieldError::new(
            "/metadata",
            FieldCode::OutOfRange,
            "at most 64 levels of objects and lists",
        ));
    }
    let text = metadata
        .map(serde_json::to_string)
        .transpose()
        .unwrap_or_default();
    match text {
        Some(text) if text.len() > MAX_METADATA => Err(FieldError::new(
            "/metadata",
            FieldCode::TooLong,
            "at most 4096 bytes of JSON",
        )),
        text => Ok(text),
    }
}

/// How many objects and lists are inside of each other. The reader of JSON takes 128 at most.
fn levels(object: &Map<String, Value>) -> usize {
    1 + object.values().map(levels_of).max().unwrap_or_default()
}

/// The same of any value.
fn levels_of(value: &Value) -> usize {
    match value {
        Value::Object(object) => levels(object),
        Value::Array(list) => 1 + list.iter().map(levels_of).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Checks where the person goes after joining: only to an origin on the server's list.
pub(super) fn parse_redirect(text: Option<&str>, rules: &Rules) -> Checked<Option<String>> {
    parse_own_url("/redirectUrl", text, rules)
}

/// Reads what to do where one stands already.
fn parse_on_conflict(text: Option<&str>) -> Checked<OnConflict> {
    match text {
        None | Some("error") => Ok(OnConflict::Error),
        Some("return") => Ok(OnConflict::Return),
        Some("replace") => Ok(OnConflict::Replace),
        Some("resend") => Ok(OnConflict::Resend),
        Some(_) => Err(FieldError::new(
            "/onConflict",
            FieldCode::UnknownValue,
            "one of: error, return, replace, resend",
        )),
    }
}
