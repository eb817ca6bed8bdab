//! From the body of a create to a key that cannot be wrong. The command line reads its words by the
//! same rules.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{NewKey, Rights, Scope};
use crate::base::clock::Timestamp;
use crate::base::error::{Checked, Errors, FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::role::Role;

/// The longest lifetime in seconds: ten years.
pub(crate) const MAX_LIFETIME_SECONDS: i64 = 10 * 31_557_600;
/// Longest name in bytes.
const MAX_NAME: usize = 100;
/// The most entries of a list: every request reads those of its key.
const MAX_ENTRIES: usize = 1000;

/// A new API key. `null` counts as absent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKeyCreate)]
pub struct KeyBody {
    /// What you call it: 1 to 100 bytes without control and direction characters.
    #[schema(value_type = String, required = true, max_length = 100, example = "backend")]
    pub name: Option<String>,
    /// What it may do.
    #[schema(value_type = Vec<Scope>, required = true, min_items = 1, max_items = 1000,
        example = json!(["invitations:read"]))]
    pub scopes: Option<Vec<String>>,
    /// The organizations it is bound to. Absent: all, where the key that makes it may see all.
    #[schema(min_items = 1, max_items = 1000, example = json!(["acme"]))]
    pub organizations: Option<Vec<String>>,
    /// The roles it may grant. Absent: all, where the key that makes it may grant all.
    #[schema(min_items = 1, max_items = 1000, example = json!(["developer"]))]
    pub roles: Option<Vec<String>>,
    /// How long it works, in seconds: at most ten years. Without it, and without `expiresAt`, until
    /// it is revoked.
    #[schema(minimum = 1, maximum = 315_576_000)]
    #[serde(default, deserialize_with = "crate::base::json::whole::seconds")]
    pub expires_in: Option<i64>,
    /// From when on it is refused, instead of `expiresIn`: RFC 3339, in the future, at most ten
    /// years from now.
    #[schema(format = DateTime)]
    #[serde(default, deserialize_with = "crate::base::json::time::optional")]
    pub expires_at: Option<String>,
}

impl NewKey {
    /// Checks `body` at `now`.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with everything that is not acceptable, all
    /// at once.
    pub fn parse(body: &KeyBody, now: Timestamp) -> Result<Self> {
        let mut errors = Errors::default();
        let name = errors.take(check_name(body.name.as_deref()));
        if body.scopes.is_none() {
            errors.push(FieldError::new(
                "/scopes",
                FieldCode::Required,
                "what it may do, as [\"invitations:read\"]",
            ));
        }
        let scopes = check_list(
            "/scopes",
            body.scopes.as_deref(),
            FieldCode::UnknownValue,
            parse_scope,
            &mut errors,
        );
        let format = FieldCode::InvalidFormat;
        let organizations = body.organizations.as_deref();
        let organizations = check_list(
            "/organizations",
            organizations,
            format,
            parse_organization,
            &mut errors,
        );
        let roles = check_list(
            "/roles",
            body.roles.as_deref(),
            format,
            read_role,
            &mut errors,
        );
        let expires_at = errors.take(check_expiry(body, now));
        errors.finish(|| {
            let rights = Rights {
                scopes: scopes?.into_iter().collect(),
                organizations,
                roles,
            };
            Some(Self {
                name: name?,
                rights,
                expires_at: expires_at?,
            })
        })
    }
}

/// Reads a name.
///
/// # Errors
/// What it may be.
pub(crate) fn parse_name(text: &str) -> std::result::Result<String, String> {
    let is_fine = crate::base::text::is_visible(text)
        && !crate::base::text::hides_something(text)
        && text.len() <= MAX_NAME;
    if is_fine {
        Ok(text.to_owned())
    } else {
        Err("1 to 100 bytes without control characters".to_owned())
    }
}

/// Reads a scope.
///
/// # Errors
/// What it may be.
pub(crate) fn parse_scope(text: &str) -> std::result::Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| format!("one of: {}", Scope::ALL.map(Scope::name).join(", ")))
}

/// Reads an organization's id.
///
/// # Errors
/// What it may be.
pub(crate) fn parse_organization(text: &str) -> std::result::Result<OrganizationId, String> {
    OrganizationId::parse(text)
        .ok_or_else(|| "1 to 128 characters: a letter or digit, then also . _ ~ -".to_owned())
}

/// Reads a role.
fn read_role(text: &str) -> std::result::Result<Role, String> {
    text.parse().map_err(str::to_owned)
}

/// Reads an entry of a list, or says what it may be.
type ParseEntry<T> = fn(&str) -> std::result::Result<T, String>;

/// Checks the name.
fn check_name(text: Option<&str>) -> Checked<String> {
    let text = text.ok_or_else(|| {
        FieldError::new(
            "/name",
            FieldCode::Required,
            "what you call it, for the list",
        )
    })?;
    parse_name(text).map_err(|detail| FieldError::new("/name", FieldCode::InvalidFormat, detail))
}

/// Reads every entry of a list once, and adds what is wrong to `errors`. An empty list is refused:
/// it could be taken for none as well as for all.
fn check_list<T: PartialEq>(
    pointer: &'static str,
    entries: Option<&[String]>,
    code: FieldCode,
    parse: ParseEntry<T>,
    errors: &mut Errors,
) -> Option<Vec<T>> {
    let entries = entries?;
    if !(1..=MAX_ENTRIES).contains(&entries.len()) {
        errors.push(FieldError::new(
            pointer,
            FieldCode::OutOfRange,
            "1 to 1000 entries",
        ));
        return None;
    }
    let mut list = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        match parse(entry) {
            Ok(value) if list.contains(&value) => {}
            Ok(value) => list.push(value),
            Err(detail) => errors.push(FieldError::new(
                format!("{pointer}/{position}"),
                code,
                detail,
            )),
        }
    }
    Some(list)
}

/// Checks the two ways to say how long it works; none: until it is revoked.
fn check_expiry(body: &KeyBody, now: Timestamp) -> Checked<Option<Timestamp>> {
    match (body.expires_in, body.expires_at.as_deref()) {
        (None, None) => Ok(None),
        (Some(seconds), None) if (1..=MAX_LIFETIME_SECONDS).contains(&seconds) => {
            Ok(Some(now.plus_seconds(seconds)))
        }
        (Some(_), None) => Err(FieldError::new(
            "/expiresIn",
            FieldCode::OutOfRange,
            "1 to 315576000 seconds (10 years)",
        )),
        (None, Some(text)) => {
            let end = Timestamp::parse(text).ok_or_else(|| {
                FieldError::new(
                    "/expiresAt",
                    FieldCode::InvalidFormat,
                    "an RFC 3339 time from 1970 to 9999, as 2026-11-30T02:43:00Z",
                )
            })?;
            let is_fine = now < end && end <= now.plus_seconds(MAX_LIFETIME_SECONDS);
            let out = || {
                FieldError::new(
                    "/expiresAt",
                    FieldCode::OutOfRange,
                    "in the future, at most 10 years from now",
                )
            };
            is_fine.then_some(Some(end)).ok_or_else(out)
        }
        (Some(_), Some(_)) => Err(FieldError::new(
            "/expiresAt",
            FieldCode::Conflict,
            "give either expiresIn or expiresAt",
        )),
    }
}
