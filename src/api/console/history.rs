//! The place of the history of the server.

use actix_web::{HttpResponse, web};
use minijinja::{Value, context};
use serde_json::json;

use super::get;
use super::period;
use super::sheet::Place;
use super::visitor::{Fields, Visitor};
use crate::api::audit::sight_of;
use crate::audit::query::AuditQuery;
use crate::audit::store::{self, Sight};
use crate::audit::{Action, AuditEntry};
use crate::base::error::{Error, Errors, Result};
use crate::base::id;
use crate::db::Reader;
use crate::http::route::Route;
use crate::key::Scope;

/// Rows on a page.
const ON_A_PAGE: u32 = 50;
/// The fields of the filter, as the address has them.
const FILTERS: [&str; 6] = [
    "action",
    "actor",
    "subject",
    "organizationId",
    "since",
    "until",
];

/// The paths of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![get("/console/history", web::to(page))]
}

/// What was done, in words.
fn words(action: Action) -> &'static str {
    match action {
        Action::KeyCreated => "Key made",
        Action::KeyRevoked => "Key revoked",
        Action::WebhookCreated => "Webhook made",
        Action::WebhookUpdated => "Webhook changed",
        Action::WebhookDisabled => "Webhook turned off",
        Action::WebhookSecretRotated => "Webhook given a new secret",
        Action::WebhookDeleted => "Webhook deleted",
        Action::OrganizationDeleted => "Organization deleted",
        Action::AddressErased => "Address erased",
        Action::SecretRotated => "Secret of the server rotated",
        Action::SecretLost => "Secret of the server lost",
        Action::SessionCreated => "Signed in",
        Action::SessionEnded => "Signed out",
        Action::OrganizationsImported => "Organizations imported",
    }
}

/// The page that the address asks for. Both days are part of a period.
///
/// # Errors
/// 422 for a filter that is not acceptable.
fn parse(query: &Fields) -> Result<AuditQuery> {
    let text = |name: &str| query.trimmed(name);
    let mut errors = Errors::default();
    let since = errors.read(text("since"), |day| period::begin("since", day));
    let until = errors.read(text("until"), |day| period::end("until", day));
    errors.check()?;
    let params = json!({
        "action": text("action"),
        "actor": text("actor"),
        "subject": text("subject"),
        "organizationId": text("organizationId"),
        "since": since,
        "until": until,
    });
    let params = serde_json::from_value(params).map_err(Error::internal)?;
    let mut audit = AuditQuery::parse(params)?;
    audit.page.limit = ON_A_PAGE;
    audit.page.after = query.get("after").and_then(id::parse_id);
    Ok(audit)
}

/// A row as the template has it.
fn value_of(entry: &AuditEntry<'_>) -> Result<Value> {
    let mut known = Action::ALL.iter();
    let action = known.find(|(_, name)| *name == entry.action);
    let words = action.map_or(entry.action, |(action, _)| words(*action));
    let entry = serde_json::to_value(entry).map_err(Error::internal)?;
    Ok(context! { words, ..Value::from_serialize(entry) })
}

/// The rows of a page, and the last one that it met, where more follow.
fn read(reader: &Reader<'_>, query: &AuditQuery, sight: &Sight) -> Result<Value> {
    let mut rows = Vec::new();
    let (last, has_more) = store::list(reader, query, sight, |entry| {
        rows.push(value_of(entry)?);
        Ok(())
    })?;
    let older = last.filter(|_| has_more).map(|last| last.to_string());
    Ok(context! { rows, older })
}

/// What the form shows.
fn values(query: &Fields) -> Value {
    let filled = FILTERS.map(|name| (name, query.trimmed(name)));
    let is_filtered = filled.iter().any(|(_, value)| value.is_some());
    let actions = Action::ALL.iter();
    let actions = actions.map(|(action, name)| context! { name, words => words(*action) });
    context! {
        form => filled.into_iter().collect::<std::collections::HashMap<_, _>>(),
        is_filtered,
        kept => query.to_query(&FILTERS),
        is_first => query.get("after").is_none(),
        actions => actions.collect::<Vec<_>>(),
        rows => Vec::<Value>::new(),
        older => (),
    }
}

/// `GET /console/history` with `admin`: what was done to the server, as far as the visitor may know.
async fn page(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let query = visitor.query();
    let (place, template) = (Place::History, "history.html");
    match parse(&query) {
        Ok(audit) => {
            let sight = sight_of(&visitor.caller.rights)?;
            // A filter may have to step over any number of rows.
            let read = move |reader: &Reader<'_>| read(reader, &audit, &sight);
            let rows = visitor.state.db.read_long(&visitor.caller.actor, read);
            let values = context! { ..rows.await?, ..values(&query) };
            visitor.show(place, template, values).await
        }
        Err(error) => {
            let values = values(&query);
            visitor.show_refused(error, place, template, values).await
        }
    }
}
