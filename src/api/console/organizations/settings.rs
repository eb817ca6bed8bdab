//! Making an organization, and changing what it asks of its invitations.

use actix_web::HttpResponse;
use minijinja::{Value, context};

use crate::api::console::sheet::Place;
use crate::api::console::visitor::{Fields, Visitor};
use crate::base::error::{Checked, Code, Error, Errors, FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::key::Scope;
use crate::organization::change::Change;
use crate::organization::settings::{Settings, SettingsBody};

/// The template of the form.
const TEMPLATE: &str = "organization_settings.html";
/// The fields of the form that hold one line, as the API names them.
const LINES: [&str; 7] = [
    "name",
    "maxPending",
    "acceptUrl",
    "mailFromName",
    "color",
    "locale",
    "acceptance",
];
/// The fields that hold a list.
const LISTS: [&str; 3] = ["roles", "allowedDomains", "blockedDomains"];
/// Seconds in a day.
const DAY: i64 = 86_400;
/// Units of a lifetime in seconds, the longest first.
const UNITS: [(&str, i64); 4] = [
    ("days", DAY),
    ("hours", 3_600),
    ("minutes", 60),
    ("seconds", 1),
];

/// `GET /console/new-organization` with `admin`: the form.
pub(super) async fn making(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let values = values(&visitor, None, "", &filled(&visitor.query()));
    visitor.show(Place::Organizations, TEMPLATE, values).await
}

/// `POST /console/new-organization` with `admin`: makes an organization.
///
/// # Errors
/// 422 with everything that is not acceptable.
pub(super) async fn make(visitor: Visitor) -> Result<HttpResponse> {
    let sent = visitor.form().await?;
    visitor.require(Scope::Admin)?;
    let made = make_of(&visitor, &sent.fields).await;
    match made {
        Ok(id) => Ok(visitor.go(&super::way(&id), "organization-created", None)),
        Err(error) => {
            let values = values(&visitor, None, "", &filled(&sent.fields));
            visitor
                .show_refused(error, Place::Organizations, TEMPLATE, values)
                .await
        }
    }
}

/// Makes the organization that a form asks for.
async fn make_of(visitor: &Visitor, fields: &Fields) -> Result<OrganizationId> {
    let typed = fields.trimmed("id").unwrap_or_default();
    let id = OrganizationId::parse(&typed).ok_or_else(|| {
        let detail = "1 to 128 letters, digits and . _ ~ -, the first one a letter or a digit";
        FieldError::new("/id", FieldCode::InvalidFormat, detail)
    })?;
    if !visitor.caller.rights.see(id.as_str()) {
        let detail = "your key is bound to other organizations";
        return Err(FieldError::new("/id", FieldCode::NotAllowed, detail).into());
    }
    let settings = Settings::parse(body(fields)?, &visitor.state.rules)?;
    put(visitor, &id, settings, |present| {
        let detail = "an organization with this id is there already";
        let taken = || FieldError::new("/id", FieldCode::Conflict, detail).into();
        present.map_or(Ok(()), |_| Err(taken()))
    })
    .await?;
    Ok(id)
}

/// `GET /console/organizations/{organizationId}/settings` with `admin`: the form.
///
/// # Errors
/// 404 where the organization is not known.
pub(super) async fn page(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let (organization, record) = super::find(&visitor)?;
    let version = version(&visitor, &record.to_bytes(&organization)?);
    let head = super::head(&organization, &record.settings);
    let filled = of_settings(&record.settings);
    let values = values(&visitor, Some(&head), &version, &filled);
    visitor.show(Place::Organizations, TEMPLATE, values).await
}

/// `POST /console/organizations/{organizationId}/settings` with `admin`: gives the organization the
/// settings of the form in place of all that it had.
///
/// # Errors
/// 404 where it is not known, 412 where somebody else has changed it since the form was shown, 422
/// with everything that is not acceptable.
pub(super) async fn save(visitor: Visitor) -> Result<HttpResponse> {
    let sent = visitor.form().await?;
    visitor.require(Scope::Admin)?;
    let (organization, record) = super::find(&visitor)?;
    let seen = sent.fields.trimmed("seen").unwrap_or_default();
    match save_of(&visitor, &organization, &sent.fields, seen.clone()).await {
        Ok(()) => {
            let way = format!("{}/settings", super::way(&organization));
            Ok(visitor.go(&way, "changed", None))
        }
        Err(error) => {
            let head = super::head(&organization, &record.settings);
            let values = values(&visitor, Some(&head), &seen, &filled(&sent.fields));
            visitor
                .show_refused(error, Place::Organizations, TEMPLATE, values)
                .await
        }
    }
}

/// Saves what a form says of the organization, whose version it has `seen`.
async fn save_of(
    visitor: &Visitor,
    id: &OrganizationId,
    fields: &Fields,
    seen: String,
) -> Result<()> {
    let settings = Settings::parse(body(fields)?, &visitor.state.rules)?;
    let etags = visitor.state.etags;
    put(visitor, id, settings, move |present| {
        let present = present.ok_or_else(Error::not_found)?;
        let detail = "Somebody has changed these settings since you opened them. Open them again, \
            and make your changes there.";
        let changed = || Error::new(Code::PreconditionFailed, detail);
        let is_same = etags.tag(present).tag() == seen;
        is_same.then_some(()).ok_or_else(changed)
    })
    .await
}

/// Gives the organization these settings, if its present version passes `check`.
async fn put(
    visitor: &Visitor,
    id: &OrganizationId,
    settings: Settings,
    check: impl Fn(Option<&[u8]>) -> Result<()> + Send + 'static,
) -> Result<()> {
    let change = Change {
        id: id.clone(),
        settings,
        origin: visitor.origin(),
    };
    let author = visitor.author();
    change.make(&visitor.state.db, &author, check).await?;
    Ok(())
}

/// The version of an organization that has this JSON.
fn version(visitor: &Visitor, json: &[u8]) -> String {
    visitor.state.etags.tag(json).tag().to_owned()
}

/// What the form shows; without an organization it is for a new one.
fn values(visitor: &Visitor, organization: Option<&Value>, seen: &str, filled: &Value) -> Value {
    let rules = &visitor.state.rules;
    let roles: Vec<_> = rules.roles.iter().map(|role| role.as_str()).collect();
    context! {
        organization,
        seen,
        filled,
        server_roles => roles.join(", "),
        server_seconds => rules.default_lifetime_seconds,
        server_acceptance => rules.acceptance,
        units => UNITS.map(|(name, _)| name),
    }
}

/// What was filled in, as the form shows it again.
fn filled(fields: &Fields) -> Value {
    let names = LINES.into_iter().chain(LISTS);
    let names = names.chain(["id", "lifetime", "unit"]);
    let value = |name: &'static str| (name, fields.get(name).unwrap_or_default().to_owned());
    names.map(value).collect()
}

/// Settings as the form shows them.
fn of_settings(settings: &Settings) -> Value {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let list = |list: &Option<Vec<String>>| list.as_deref().unwrap_or_default().join("\n");
    let (lifetime, unit) = settings
        .default_expires_in
        .map(in_units)
        .unwrap_or_default();
    context! {
        id => "",
        name => text(&settings.name),
        roles => list(&settings.roles),
        lifetime,
        unit,
        allowedDomains => list(&settings.allowed_domains),
        blockedDomains => list(&settings.blocked_domains),
        maxPending => settings.max_pending.map(|most| most.to_string()).unwrap_or_default(),
        acceptUrl => text(&settings.accept_url),
        mailFromName => text(&settings.mail_from_name),
        color => text(&settings.color),
        locale => text(&settings.locale),
        acceptance => settings.acceptance,
    }
}

/// A lifetime in the longest unit that it is whole in.
fn in_units(seconds: i64) -> (String, &'static str) {
    let unit = UNITS.into_iter().find(|(_, length)| seconds % length == 0);
    let (name, length) = unit.unwrap_or(("seconds", 1));
    ((seconds / length).to_string(), name)
}

/// The settings that a form asks for.
///
/// # Errors
/// [`Code::ValidationFailed`] for what is not a number; the rest is checked with the settings.
fn body(fields: &Fields) -> Result<SettingsBody> {
    let mut errors = Errors::default();
    let lifetime = errors.read(fields.trimmed("lifetime"), |text| {
        parse_number("/defaultExpiresIn", text)
    });
    let max_pending = errors.read(fields.trimmed("maxPending"), |text| {
        parse_number("/maxPending", text)
    });
    let unit = errors.read(fields.trimmed("unit"), parse_unit);
    errors.check()?;
    let unit = unit.unwrap_or(DAY);
    let list = |name| {
        let text = fields.get(name)?;
        Some(super::parts(text).map(str::to_owned).collect::<Vec<_>>())
    };
    Ok(SettingsBody {
        name: fields.trimmed("name"),
        roles: list("roles"),
        default_expires_in: lifetime.map(|count| count.saturating_mul(unit)),
        allowed_domains: list("allowedDomains"),
        blocked_domains: list("blockedDomains"),
        max_pending,
        accept_url: fields.trimmed("acceptUrl"),
        mail_from_name: fields.trimmed("mailFromName"),
        color: fields.trimmed("color"),
        locale: fields.trimmed("locale"),
        acceptance: fields.trimmed("acceptance"),
    })
}

/// Reads a unit of a lifetime. Returns its seconds.
fn parse_unit(text: &str) -> Checked<i64> {
    let unit = UNITS.into_iter().find(|(name, _)| *name == text);
    let wrong = || {
        let detail = "days, hours, minutes or seconds";
        FieldError::new("/unit", FieldCode::UnknownValue, detail)
    };
    unit.map(|(_, seconds)| seconds).ok_or_else(wrong)
}

/// Reads a whole number.
fn parse_number(pointer: &'static str, text: &str) -> Checked<i64> {
    let wrong = |_| FieldError::new(pointer, FieldCode::InvalidFormat, "a whole number");
    text.parse().map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_shown_in_the_longest_unit_that_it_is_whole_in() {
        for (seconds, count, unit) in [
            (604_800, "7", "days"),
            (90_000, "25", "hours"),
            (90, "90", "seconds"),
            (120, "2", "minutes"),
        ] {
            assert_eq!(in_units(seconds), (count.to_owned(), unit));
        }
    }
}
