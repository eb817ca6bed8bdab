//! Making an API key.

use actix_web::http::Method;
use actix_web::{HttpResponse, web};
use minijinja::{Value, context};
use serde_json::json;

use super::super::get;
use super::super::sheet::Place;
use super::super::visitor::{Fields, Visitor};
use super::value_of;
use crate::base::error::{Error, FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::role::Role;
use crate::base::shell::shell_word;
use crate::db::WriteTx;
use crate::http::route::Route;
use crate::key::new::{KeyBody, MAX_LIFETIME_SECONDS};
use crate::key::token::PlainKey;
use crate::key::{Key, NewKey, Scope, manage};

/// What each scope lets a key do, in a sentence.
const SCOPES: [(Scope, &str); 7] = [
    (
        Scope::Read,
        "See organizations, invitations and their history. The console needs it.",
    ),
    (
        Scope::Write,
        "Invite people; change, resend, revoke and delete invitations.",
    ),
    (
        Scope::Accept,
        "Accept for people whose address your application has checked.",
    ),
    (Scope::Link, "Get the secret link of an invitation."),
    (Scope::Deliveries, "Report mail that came back."),
    (Scope::Metrics, "Read the metrics of the server."),
    (
        Scope::Admin,
        "Everything, also keys, webhooks and organizations.",
    ),
];
/// Seconds in a day.
const DAY: i64 = 24 * 60 * 60;

/// The paths of this file.
pub(super) fn routes() -> Vec<Route> {
    let path = "/console/keys/new";
    vec![get(path, web::to(page)).with(Method::POST, web::to(create))]
}

/// What the form shows besides what is filled in: the visitor's own limits, which no key that they
/// make exceeds.
fn values(visitor: &Visitor, form: &Value) -> Value {
    let rights = &visitor.caller.rights;
    let scopes = SCOPES.map(|(scope, words)| context! { name => scope.name(), words });
    let organizations = rights.organizations.as_deref().map(|list| {
        let names: Vec<_> = list.iter().map(OrganizationId::as_str).collect();
        names.join(", ")
    });
    let roles = rights.roles.as_deref().map(|list| {
        let names: Vec<_> = list.iter().map(Role::as_str).collect();
        names.join(", ")
    });
    context! { scopes, own => context! { organizations, roles }, form }
}

/// `GET /console/keys/new` with `admin`: the form.
async fn page(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let values = values(&visitor, &Value::from(()));
    visitor.show(Place::Keys, "key_new.html", values).await
}

/// `POST /console/keys/new` with `admin`: the page that shows the new key this once.
///
/// # Errors
/// 403 for a key that could do more than the visitor's, 422 with everything that is not acceptable.
async fn create(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let sent = visitor.form().await?;
    match make(&visitor, &sent.fields).await {
        Ok((key, plain)) => show_made(&visitor, &key, &plain).await,
        Err(error) => {
            let values = values(&visitor, &filled(&sent.fields));
            visitor
                .show_refused(error, Place::Keys, "key_new.html", values)
                .await
        }
    }
}

/// Makes the key that `fields` ask for. Returns it with its plain text.
async fn make(visitor: &Visitor, fields: &Fields) -> Result<(Key, PlainKey)> {
    let db = &visitor.state.db;
    let new = NewKey::parse(&body(fields)?, db.now())?;
    let (origin, rights) = (visitor.origin(), visitor.caller.rights.clone());
    let actor = origin.actor.clone();
    let job = move |tx: &WriteTx<'_>| manage::create(tx, &new, &origin, &rights);
    let (key, plain) = visitor.author().write(db, job).await?;
    log::info!("{actor} made the key {}", key.id.as_str());
    Ok((key, plain))
}

/// The body that the API would get for this form.
fn body(fields: &Fields) -> Result<KeyBody> {
    let scopes: Vec<_> = fields.all("scopes").collect();
    if scopes.is_empty() {
        return Err(refused(
            "scopes",
            FieldCode::Required,
            "choose at least one",
        ));
    }
    let list = |name: &str| fields.get(name).map(names_in);
    let body = json!({
        "name": fields.trimmed("name"),
        "scopes": scopes,
        "organizations": list("organizations"),
        "roles": list("roles"),
        "expiresIn": fields.get("days").map(seconds).transpose()?,
    });
    serde_json::from_value(body).map_err(Error::internal)
}

/// The names in a text, between which there are commas or spaces.
fn names_in(text: &str) -> Vec<&str> {
    let parts = text.split(|letter: char| letter == ',' || letter.is_whitespace());
    parts.filter(|name| !name.is_empty()).collect()
}

/// The seconds in so many days.
fn seconds(days: &str) -> Result<i64> {
    let days = days.trim().parse().ok();
    let days = days.filter(|days| (1..=MAX_LIFETIME_SECONDS / DAY).contains(days));
    let days: i64 = days.ok_or_else(|| {
        let detail = "a whole number of days from 1 to 3652, or nothing";
        refused("expiresIn", FieldCode::OutOfRange, detail)
    })?;
    Ok(days * DAY)
}

/// 422 for one field of the form.
fn refused(name: &str, code: FieldCode, detail: &'static str) -> Error {
    FieldError::new(format!("/{name}"), code, detail).into()
}

/// What was filled in.
fn filled(fields: &Fields) -> Value {
    context! {
        name => fields.get("name"),
        scopes => fields.all("scopes").collect::<Vec<_>>(),
        organizations => fields.get("organizations"),
        roles => fields.get("roles"),
        days => fields.get("days"),
    }
}

/// The page with the plain text of a new key: the file does not have it, so nothing can show it
/// again.
async fn show_made(visitor: &Visitor, key: &Key, plain: &PlainKey) -> Result<HttpResponse> {
    let state = &visitor.state;
    let plain = plain.reveal();
    let curl = key.rights.scopes.contain(Scope::Read).then(|| {
        let url = format!("{}/v1/organizations", state.public_url);
        let url = shell_word(&url);
        format!("curl -H 'Authorization: Bearer {plain}' {url}")
    });
    let values = context! { key => value_of(key, state.db.now()), plain, curl };
    visitor.show(Place::Keys, "key_made.html", values).await
}
