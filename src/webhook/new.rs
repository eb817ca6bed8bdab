//! From request bodies to webhooks that cannot be wrong.

use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;

use super::guard::{self, Guard};
use crate::base::error::{Checked, Errors, FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::event::EventType;
use crate::key::Rights;

/// Longest URL in bytes, as it is sent and in its normal form.
const MAX_URL: usize = 2048;
/// Longest description in bytes.
const MAX_DESCRIPTION: usize = 200;

/// A new webhook. `null` counts as absent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookCreate)]
pub struct WebhookBody {
    /// Where events go: https, on port 443 or from 1024 on (http and port 80 in networks that the
    /// server allows), without user name and fragment.
    #[schema(value_type = String, required = true, max_length = 2048,
        example = "https://app.example.com/hooks/invited")]
    pub url: Option<String>,
    /// The organization whose events it is told of. Absent: all, for a key that may see all.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$", example = "acme")]
    pub organization_id: Option<String>,
    /// The types of events it is told of. Absent: all.
    #[schema(value_type = Option<Vec<EventType>>, min_items = 1,
        example = json!(["invitation.accepted", "invitation.declined"]))]
    pub types: Option<Vec<String>>,
    /// What you call it: 1 to 200 bytes without control and direction characters.
    #[schema(max_length = 200, example = "backend")]
    pub description: Option<String>,
}

/// What is to change of a webhook. `null` unsets `types` and
/// `description`, and counts as absent elsewhere.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookUpdate)]
pub struct WebhookPatchBody {
    /// Where events go.
    #[schema(max_length = 2048, example = "https://app.example.com/hooks/invited")]
    pub url: Option<String>,
    /// The types of events it is told of; `null`: all.
    #[serde(default, deserialize_with = "crate::base::json::or_null")]
    #[schema(value_type = Option<Vec<EventType>>, min_items = 1)]
    pub types: Option<Option<Vec<String>>>,
    /// What you call it.
    #[serde(default, deserialize_with = "crate::base::json::or_null")]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub description: Option<Option<String>>,
    /// `false`: nothing is sent to it until it is enabled again.
    pub enabled: Option<bool>,
}

/// What a new webhook is to be.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Where events go.
    pub url: Url,
    /// Whose events; none: everybody's.
    pub organization: Option<OrganizationId>,
    /// The types; none: all.
    pub types: Option<Vec<EventType>>,
    /// What its maker calls it.
    pub description: Option<String>,
}

/// What is to change of a webhook.
#[derive(Clone, Debug)]
pub struct WebhookPatch {
    /// Where events go from now on.
    pub url: Option<Url>,
    /// The new types; inside none: all.
    pub types: Option<Option<Vec<EventType>>>,
    /// The new description; inside none: to be unset.
    pub description: Option<Option<String>>,
    /// Whether it is to be enabled, or paused.
    pub enabled: Option<bool>,
}

impl WebhookPatch {
    /// Pauses it, and changes nothing else.
    pub(crate) const PAUSE: Self = Self {
        url: None,
        types: None,
        description: None,
        enabled: Some(false),
    };
}

impl NewWebhook {
    /// Checks `body`, from a caller with `rights`.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with everything that is not acceptable, all
    /// at once.
    pub fn parse(body: &WebhookBody, rights: &Rights, guard: &Guard) -> Result<Self> {
        let mut errors = Errors::default();
        let types = body.types.as_deref();
        let types = types.map(|types| parse_types(types, &mut errors));
        let required = || {
            FieldError::new(
                "/url",
                FieldCode::Required,
                "where events go, as https://app.example.com/hooks",
            )
        };
        let url = body.url.as_deref().ok_or_else(required);
        let url = errors.take(url.and_then(|url| parse_url(url, guard)));
        let organization = parse_organization(body.organization_id.as_deref(), rights);
        let organization = errors.take(organization);
        let description = body.description.as_deref().map(parse_description);
        let description = errors.take(description.transpose());
        errors.finish(|| {
            Some(Self {
                url: url?,
                organization: organization?,
                types,
                description: description?,
            })
        })
    }
}

impl WebhookPatch {
    /// Checks `body`.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with everything that is not acceptable, all
    /// at once.
    pub fn parse(body: &WebhookPatchBody, guard: &Guard) -> Result<Self> {
        let mut errors = Errors::default();
        let types = body.types.as_ref().map(|types| {
            let types = types.as_deref();
            types.map(|types| parse_types(types, &mut errors))
        });
        let url = body.url.as_deref().map(|url| parse_url(url, guard));
        let url = errors.take(url.transpose());
        let description = body.description.as_ref();
        let description = description.map(|text| text.as_deref().map(parse_description));
        let description = errors.take(description.map(Option::transpose).transpose());
        errors.finish(|| {
            Some(Self {
                url: url?,
                types,
                description: description?,
                enabled: body.enabled,
            })
        })
    }
}

/// The form of a URL: with the scheme that is left out most often where it is http.
fn form_of(guard: &Guard) -> &'static str {
    if guard.admits_http() {
        "an http or https URL, which begins with its scheme, as http://localhost:3000/webhooks"
    } else {
        "an https URL, which begins with its scheme, as https://app.example.com/hooks"
    }
}

/// Reads a URL into its normal form, the only one that is stored, shown and used: so nothing reads
/// it in another way.
fn parse_url(text: &str, guard: &Guard) -> Checked<Url> {
    let wrong = |detail: &'static str| FieldError::new("/url", FieldCode::InvalidFormat, detail);
    if text.len() > MAX_URL {
        return Err(FieldError::new(
            "/url",
            FieldCode::TooLong,
            "at most 2048 bytes",
        ));
    }
    if text
        .chars()
        .any(|c| c.is_whitespace() || crate::base::text::is_invisible(c))
    {
        return Err(FieldError::new(
            "/url",
            FieldCode::ForbiddenCharacter,
            "no spaces and control characters",
        ));
    }
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| wrong(form_of(guard)))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("without user name and password"));
    }
    if url.fragment().is_some() {
        return Err(wrong("without a fragment (#)"));
    }
    if url.as_str().len() > MAX_URL || ureq::http::Uri::try_from(url.as_str()).is_err() {
        return Err(wrong(
            "a URL that can be requested, at most 2048 bytes with its percent-encodings",
        ));
    }
    if !url.port_or_known_default().is_some_and(guard::admits_port) {
        return Err(FieldError::new(
            "/url",
            FieldCode::NotAllowed,
            "port 443, 80, or one from 1024 on",
        ));
    }
    guard
        .check(&url)
        .map_err(|detail| FieldError::new("/url", FieldCode::NotAllowed, detail))?;
    Ok(url)
}

/// Reads the organization. A caller who is bound to some must name one of them; whether another one
/// is known is not told.
fn parse_organization(id: Option<&str>, rights: &Rights) -> Checked<Option<OrganizationId>> {
    let refuse = |code, detail| Err(FieldError::new("/organizationId", code, detail));
    let Some(id) = id else {
        return match rights.see_webhook(None) {
            true => Ok(None),
            false => refuse(
                FieldCode::Required,
                "this key is bound to organizations: name one of them",
            ),
        };
    };
    let Some(organization) = OrganizationId::parse(id) else {
        return refuse(
            FieldCode::InvalidFormat,
            "1 to 128 characters: a letter or digit, then also . _ ~ -",
        );
    };
    if rights.see_webhook(Some(&organization)) {
        Ok(Some(organization))
    } else {
        refuse(
            FieldCode::NotAllowed,
            "this key is bound to other organizations",
        )
    }
}

/// Reads types into the order of their table, each once, and adds what is wrong to `errors`.
fn parse_types(names: &[String], errors: &mut Errors) -> Vec<EventType> {
    // More than there are would only be said again and again.
    if !(1..=EventType::ALL.len()).contains(&names.len()) {
        let detail = format!("1 to {} types; leave it away for all", EventType::ALL.len());
        errors.push(FieldError::new("/types", FieldCode::OutOfRange, detail));
        return Vec::new();
    }
    let mut given = Vec::new();
    for (position, name) in names.iter().enumerate() {
        match EventType::parse(name) {
            Some(event) => given.push(event),
            None => {
                let known: Vec<_> = EventType::ALL.iter().map(|(_, name)| *name).collect();
                let detail = format!("one of: {}", known.join(", "));
                errors.push(FieldError::new(
                    format!("/types/{position}"),
                    FieldCode::UnknownValue,
                    detail,
                ));
            }
        }
    }
    EventType::ALL
        .iter()
        .map(|(event, _)| *event)
        .filter(|event| given.contains(event))
        .collect()
}

/// Reads a description.
fn parse_description(text: &str) -> Checked<String> {
    let is_fine = crate::base::text::is_visible(text)
        && !crate::base::text::hides_something(text)
        && text.len() <= MAX_DESCRIPTION;
    let wrong = || {
        FieldError::new(
            "/description",
            FieldCode::InvalidFormat,
            "1 to 200 bytes without control characters",
        )
    };
    is_fine.then(|| text.to_owned()).ok_or_else(wrong)
}
