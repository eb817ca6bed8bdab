//! Changing a pending invitation: role, expiry, metadata, redirect URL, language; never the
//! address.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::actor::Actor;
use super::new::{self, Expiry};
use super::transition::{Audience, Change, CurrentInvitation};
use super::{Invitation, Status, store};
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Errors, FieldCode, Result};
use crate::base::locale::parse_locale;
use crate::base::organization_id::OrganizationId;
use crate::base::role::{self, Role};
use crate::db::WriteTx;
use crate::event::{self, EventFields, EventType, NewEvent};
use crate::organization;
use crate::policy::Rules;

/// What is to change of an invitation. `null` unsets `metadata`,
/// `redirectUrl` and `locale`, and counts as absent elsewhere.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationUpdate)]
pub struct UpdateBody {
    /// The role that the person gets on joining.
    #[schema(pattern = "^[A-Za-z][A-Za-z0-9_.:-]{0,63}$", example = "admin")]
    pub role: Option<String>,
    /// How long it lives from now on, in seconds: a minute to 365 days.
    #[schema(minimum = 60, maximum = 31_536_000)]
    #[serde(default, deserialize_with = "crate::base::json::whole::seconds")]
    pub expires_in: Option<i64>,
    /// When it ends, instead of `expiresIn`: RFC 3339, a minute to 365 days from now.
    #[schema(format = DateTime)]
    #[serde(default, deserialize_with = "crate::base::json::time::optional")]
    pub expires_at: Option<String>,
    /// The application's own data in place of the present ones, at most 4096 bytes.
    #[serde(default, deserialize_with = "crate::base::json::or_null")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Option<Map<String, Value>>>,
    /// Where the person goes after joining. Its origin must be one of the server's
    /// `--redirect-origins`.
    #[serde(default, deserialize_with = "crate::base::json::or_null")]
    #[schema(value_type = Option<String>, max_length = 2048)]
    pub redirect_url: Option<Option<String>>,
    /// The language of its mail from now on, as a language tag (BCP 47).
    #[serde(default, deserialize_with = "crate::base::json::or_null")]
    #[schema(value_type = Option<String>, max_length = 35, pattern = "^[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*$",
        example = "de")]
    pub locale: Option<Option<String>>,
}

/// What is to change: checked, ready for the store.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The new role.
    pub role: Option<Role>,
    /// The new end.
    pub expiry: Option<Expiry>,
    /// The new metadata as JSON; inside none: to be unset.
    pub metadata: Option<Option<String>>,
    /// The new redirect URL; inside none: to be unset.
    pub redirect_url: Option<Option<String>>,
    /// The new language of its mail; inside none: to be unset.
    pub locale: Option<Option<String>>,
}

impl Patch {
    /// Checks `body` by `rules` at `now`, by the same checks as a create.
    ///
    /// # Errors
    /// [`Code::ValidationFailed`] with everything that is not acceptable, all at once.
    pub fn parse(body: UpdateBody, rules: &Rules, now: Timestamp) -> Result<Self> {
        let mut errors = Errors::default();
        let (expires_in, expires_at) = (body.expires_in, body.expires_at.as_deref());
        let is_ended = expires_in.is_some() || expires_at.is_some();
        let mut patch = Self {
            role: None,
            expiry: None,
            metadata: None,
            redirect_url: None,
            locale: None,
        };
        if let Some(role) = body.role {
            patch.role = errors.take(role::parse_role(Some(&role), &rules.roles));
        }
        if is_ended {
            patch.expiry = errors.take(new::parse_expiry(expires_in, expires_at, rules, now));
        }
        if let Some(metadata) = body.metadata {
            patch.metadata = errors.take(new::parse_metadata(metadata.as_ref()));
        }
        if let Some(url) = body.redirect_url {
            patch.redirect_url = errors.take(new::parse_redirect(url.as_deref(), rules));
        }
        if let Some(locale) = body.locale {
            patch.locale = errors.take(parse_locale(locale.as_deref()));
        }
        errors.check().map(|()| patch)
    }

    /// Leaves out what `present` has already at `now`: that is no change.
    fn leave_out(&mut self, present: &Invitation<'_>, now: Timestamp) {
        self.role.take_if(|role| role.as_str() == present.role);
        self.expiry
            .take_if(|expiry| expiry.from(now) == present.expires_at);
        self.metadata
            .take_if(|metadata| metadata.as_deref() == present.metadata);
        self.redirect_url
            .take_if(|url| url.as_deref() == present.redirect_url);
        self.locale
            .take_if(|locale| locale.as_deref() == present.locale);
    }

    /// Whether nothing is to change.
    fn is_empty(&self) -> bool {
        self.role.is_none()
            && self.expiry.is_none()
            && self.metadata.is_none()
            && self.redirect_url.is_none()
            && self.locale.is_none()
    }
}

/// The error of a body that is none, with the reason where it names an address: that is what an
/// invitation is, and not one of its fields.
pub(crate) fn with_reason(error: Error) -> Error {
    let mut fields = error.fields.clone();
    let address = fields.iter_mut().find(|field| field.pointer == "/email");
    match address {
        Some(address) if address.code == FieldCode::UnknownField => {
            address.detail = "the address of an invitation cannot be changed".into();
            let detail = "The address of an invitation cannot be changed: revoke the invitation, \
                and invite the other address.";
            Error::new(Code::UnknownField, detail).with_fields(fields)
        }
        _ => error,
    }
}

/// Changes the pending invitation `id` of `organization`, if it passes `check`. What it has already
/// is no change; where nothing else is asked for, nothing is written.
///
/// # Errors
/// [`Code::NotFound`], [`Code::RoleNotGrantable`], [`Code::StatusConflict`], or what `check`
/// answers.
pub(crate) fn update(
    tx: &WriteTx<'_>,
    organization: &OrganizationId,
    id: Uuid,
    patch: &Patch,
    by: &Actor,
    check: impl FnOnce(&Invitation<'_>) -> Result<()>,
) -> Result<()> {
    let (mut patch, mut redirect_url, mut locale) = (patch.clone(), None, None);
    let look = |invitation: &Invitation<'_>| {
        patch.leave_out(invitation, tx.now);
        redirect_url = invitation.redirect_url.map(str::to_owned);
        locale = invitation.locale.map(str::to_owned);
        check(invitation)
    };
    let present = CurrentInvitation::get_if(tx, organization, id, look)?;
    // Whoever may not grant the role that it has may not prolong it either.
    by.rights.check_grant(&present.role)?;
    if let Some(role) = &patch.role {
        by.rights.check_grant(role.as_str())?;
    }
    let settings = organization::store::ensure(tx, organization)?;
    settings.require(
        patch.role.as_ref().map_or(&present.role, Role::as_str),
        present.email.as_str(),
    )?;
    if present.status != Status::Pending {
        return Err(present.refusal("cannot be changed", Change::Renew, Audience::Inviter));
    }
    if patch.is_empty() {
        return Ok(());
    }
    if !store::update(tx, organization, id, &patch)? {
        return Err(Error::internal(
            "an invitation changed between two statements of its transaction",
        ));
    }
    let before = EventFields {
        role: patch.role.as_ref().map(|_| present.role.as_str()),
        expires_at: patch.expiry.map(|_| present.expires_at),
        redirect_url: patch.redirect_url.as_ref().and(redirect_url.as_deref()),
        locale: patch.locale.as_ref().and(locale.as_deref()),
        ..EventFields::default()
    };
    let after = EventFields {
        role: patch.role.as_ref().map(Role::as_str),
        expires_at: patch.expiry.map(|expiry| expiry.from(tx.now)),
        redirect_url: patch.redirect_url.as_ref().and_then(Option::as_deref),
        locale: patch.locale.as_ref().and_then(Option::as_deref),
        metadata_changed: patch.metadata.is_some(),
        ..EventFields::default()
    };
    event::store::append(
        tx,
        &NewEvent {
            organization,
            kind: EventType::Updated,
            invitation: Some(id),
            origin: &by.origin,
            before: Some(&before),
            after: Some(&after),
        },
    )
}
