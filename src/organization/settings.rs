//! What an organization asks of its invitations: the checked settings, and the rules that they
//! make.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::color::parse_color;
use crate::base::email;
use crate::base::error::{Checked, Errors, FieldCode, FieldError, Result};
use crate::base::locale::parse_locale;
use crate::base::role::{Role, parse_role};
use crate::base::text::check_name;
use crate::policy::acceptance::Acceptance;
use crate::policy::{self, MAX_LIFETIME_SECONDS, MIN_LIFETIME_SECONDS, Rules};

/// The most characters of a name.
const MAX_NAME: usize = 100;
/// The most roles of an organization.
const MAX_ROLES: usize = 100;
/// The most domains in one list.
const MAX_DOMAINS: usize = 1000;
/// The highest cap on pending invitations.
const MAX_PENDING: i64 = 1_000_000;

/// The whole of an organization's settings. What is absent or `null` is unset.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrganizationSettings)]
pub struct SettingsBody {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100, example = "Acme Ltd.")]
    pub name: Option<String>,
    /// The roles that its invitations may have, 1 to 100 of them; all must be among the server's
    /// `--roles`, if it has any. Without them: all that the server allows.
    #[schema(min_items = 1, max_items = 100)]
    pub roles: Option<Vec<String>>,
    /// How long an invitation lives that names no end, in seconds: a minute to 365 days. Without it
    /// the server's default.
    #[schema(minimum = 60, maximum = 31_536_000)]
    #[serde(default, deserialize_with = "crate::base::json::whole::seconds")]
    pub default_expires_in: Option<i64>,
    /// Only addresses of these domains, and of the domains below them, are invited. Empty or
    /// without it: all.
    #[schema(max_items = 1000)]
    pub allowed_domains: Option<Vec<String>>,
    /// Addresses of these domains, and of the domains below them, are not invited, allowed or not.
    #[schema(max_items = 1000)]
    pub blocked_domains: Option<Vec<String>>,
    /// The most invitations that may be pending at a time; lapsed ones do not count.
    #[schema(minimum = 1, maximum = 1_000_000)]
    #[serde(default, deserialize_with = "crate::base::json::whole::number")]
    pub max_pending: Option<i64>,
    /// The organization's own page that takes the token of a link in its fragment, in place of the
    /// server's. Its origin must be one of the server's `--redirect-origins`.
    #[schema(max_length = 2048, example = "https://app.example.com/join")]
    pub accept_url: Option<String>,
    /// The name that its mail comes from, in place of the server's. The address stays the server's.
    #[schema(min_length = 1, max_length = 100, example = "Acme Invitations")]
    pub mail_from_name: Option<String>,
    /// The colour of the button in its mail, as `#rrggbb`. The text on it is white or black,
    /// whichever can be read.
    #[schema(pattern = "^#[0-9A-Fa-f]{6}$", example = "#0b7a5b")]
    pub color: Option<String>,
    /// The language of its mail, as a language tag (BCP 47), where an invitation names none.
    #[schema(
        max_length = 35,
        pattern = "^[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*$",
        example = "de"
    )]
    pub locale: Option<String>,
    /// What proves the address to whoever follows a mailed link: that itself, or a `code` by mail.
    /// Without it the server's `--acceptance`.
    #[schema(value_type = Option<Acceptance>)]
    pub acceptance: Option<String>,
}

/// Checked settings. They are stored as they serialize, and read back without another check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// What people call the organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The roles that its invitations may have; none: all that the server allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// The lifetime of an invitation that names no end, in seconds; none: the server's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_expires_in: Option<i64>,
    /// The only domains whose addresses are invited, in normal form; none: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_domains: Option<Vec<String>>,
    /// The domains whose addresses are not invited, in normal form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_domains: Option<Vec<String>>,
    /// The most invitations that may be pending at a time; none: any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pending: Option<i64>,
    /// The page that takes the token of a link; none: the server's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_url: Option<String>,
    /// The name that its mail comes from; none: the server's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_from_name: Option<String>,
    /// The colour of the button in its mail, in normal form; none: ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// The language of its mail, in normal case; none: English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// What a mailed link proves; none: what the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<Acceptance>,
}

impl Settings {
    /// Checks `body` by `rules`.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with everything that is not acceptable, all
    /// at once.
    pub fn parse(body: SettingsBody, rules: &Rules) -> Result<Self> {
        let mut errors = Errors::default();
        errors.extend(check_name("/name", body.name.as_deref(), MAX_NAME));
        let roles = parse_roles(body.roles, &rules.roles, &mut errors);
        let lifetime = (MIN_LIFETIME_SECONDS, MAX_LIFETIME_SECONDS);
        errors.extend(check_number(
            "/defaultExpiresIn",
            body.default_expires_in,
            lifetime,
            "seconds (a minute to 365 days)",
        ));
        let allowed_domains = parse_domains("/allowedDomains", body.allowed_domains, &mut errors);
        let blocked_domains = parse_domains("/blockedDomains", body.blocked_domains, &mut errors);
        errors.extend(check_number(
            "/maxPending",
            body.max_pending,
            (1, MAX_PENDING),
            "invitations",
        ));
        let accept_url = errors.take(parse_accept_url(body.accept_url.as_deref(), rules));
        let mail_from_name = body.mail_from_name.as_deref();
        errors.extend(check_name("/mailFromName", mail_from_name, MAX_NAME));
        let color = errors.take(parse_color(body.color.as_deref()));
        let locale = errors.take(parse_locale(body.locale.as_deref()));
        let acceptance = errors.take(Acceptance::parse(body.acceptance.as_deref()));
        errors.finish(|| {
            Some(Self {
                name: body.name,
                roles,
                default_expires_in: body.default_expires_in,
                allowed_domains,
                blocked_domains,
                max_pending: body.max_pending,
                accept_url: accept_url?,
                mail_from_name: body.mail_from_name,
                color: color?,
                locale: locale?,
                acceptance: acceptance?,
            })
        })
    }

    /// Checks that an invitation of `email`, in normal form, as `role` is acceptable. Asked wherever
    /// one is made, changed or sent again.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with all that speaks against it.
    pub(crate) fn require(&self, role: &str, email: &str) -> Result<()> {
        let mut errors = Errors::default();
        errors.take(self.check_role(role));
        let host = email.split_once('@').map_or("", |(_, host)| host);
        let is_in = |domains: &Vec<String>| domains.iter().any(|domain| covers(domain, host));
        if self.blocked_domains.as_ref().is_some_and(is_in)
            || !self.allowed_domains.as_ref().is_none_or(is_in)
        {
            let detail = "this organization does not invite addresses of this domain";
            errors.push(FieldError::new("/email", FieldCode::NotAllowed, detail));
        }
        errors.check()
    }

    /// Checks that a member may be `role`.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`].
    pub(crate) fn require_role(&self, role: &str) -> Result<()> {
        Ok(self.check_role(role)?)
    }

    /// Checks that `role` is one of the organization's, where it names any.
    fn check_role(&self, role: &str) -> Checked<()> {
        let roles = self.roles.as_ref();
        match roles.filter(|roles| !roles.iter().any(|own| own == role)) {
            None => Ok(()),
            Some(roles) => {
                let detail = format!("one of: {}", roles.join(", "));
                Err(FieldError::new("/role", FieldCode::UnknownValue, detail))
            }
        }
    }

    /// Whether nothing is set.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether `host` is `domain` or below it, by whole labels. Both are in normal form.
fn covers(domain: &str, host: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Checks the roles.
fn parse_roles(
    roles: Option<Vec<String>>,
    catalogue: &[Role],
    errors: &mut Errors,
) -> Option<Vec<String>> {
    let roles = roles?;
    if !(1..=MAX_ROLES).contains(&roles.len()) {
        errors.push(FieldError::new(
            "/roles",
            FieldCode::OutOfRange,
            "1 to 100 roles",
        ));
        return None;
    }
    for (position, role) in roles.iter().enumerate() {
        let wrong = parse_role(Some(role), catalogue).err();
        errors.extend(wrong.map(|error| FieldError {
            pointer: format!("/roles/{position}").into(),
            ..error
        }));
    }
    Some(roles)
}

/// Brings the domains to their normal form; an empty list counts as none.
fn parse_domains(
    pointer: &'static str,
    domains: Option<Vec<String>>,
    errors: &mut Errors,
) -> Option<Vec<String>> {
    let domains = domains.filter(|domains| !domains.is_empty())?;
    if domains.len() > MAX_DOMAINS {
        errors.push(FieldError::new(
            pointer,
            FieldCode::OutOfRange,
            "at most 1000 domains",
        ));
        return None;
    }
    let mut normal = Vec::with_capacity(domains.len());
    for (position, domain) in domains.iter().enumerate() {
        match email::parse_domain(domain) {
            Ok(domain) => normal.push(domain),
            Err((code, detail)) => errors.push(FieldError::new(
                format!("{pointer}/{position}"),
                code,
                detail,
            )),
        }
    }
    Some(normal)
}

/// Checks the page that takes the token of a link, which goes into its fragment.
fn parse_accept_url(text: Option<&str>, rules: &Rules) -> Checked<Option<String>> {
    let url = policy::parse_own_url("/acceptUrl", text, rules)?;
    if url.as_ref().is_some_and(|url| url.contains('#')) {
        let detail = "a URL without a fragment: the token goes there";
        return Err(FieldError::new(
            "/acceptUrl",
            FieldCode::InvalidFormat,
            detail,
        ));
    }
    Ok(url)
}

/// Checks a number of what `unit` names against its range.
fn check_number(
    pointer: &'static str,
    number: Option<i64>,
    (least, most): (i64, i64),
    unit: &str,
) -> Option<FieldError> {
    let is_out = number.is_some_and(|number| !(least..=most).contains(&number));
    let detail = format!("{least} to {most} {unit}");
    is_out.then(|| FieldError::new(pointer, FieldCode::OutOfRange, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_covers_itself_and_what_is_below_it_by_whole_labels() {
        for host in ["example.com", "sub.example.com", "a.b.example.com"] {
            assert!(covers("example.com", host), "{host}");
        }
        for host in [
            "notexample.com",
            "example.com.evil",
            "com",
            "xexample.com",
            "example.co",
            "ample.com",
        ] {
            assert!(!covers("example.com", host), "{host}");
        }
    }
}
