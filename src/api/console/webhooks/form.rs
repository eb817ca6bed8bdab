//! Making a webhook, and changing one.

use actix_web::http::Method;
use actix_web::{HttpResponse, web};
use minijinja::{Value, context};
use serde_json::json;
use uuid::Uuid;

use super::super::get;
use super::super::sheet::Place;
use super::super::visitor::{Fields, Visitor};
use super::{PATH, note, reveal, show_secret, update, value_of, way};
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::WriteTx;
use crate::event::EventType;
use crate::http::path::WebhookId;
use crate::http::route::Route;
use crate::key::Scope;
use crate::webhook::new::{NewWebhook, WebhookPatch};
use crate::webhook::{Webhook, manage, store};

/// The template of both forms.
const TEMPLATE: &str = "webhook_form.html";

/// The paths of this file.
pub(super) fn routes() -> Vec<Route> {
    let new = get("/console/webhooks/new", web::to(new_page));
    let change = get(&format!("{PATH}/change"), web::to(change_page));
    vec![
        new.with(Method::POST, web::to(create)),
        change.with(Method::POST, web::to(change_it)),
    ]
}

/// What a form shows: what is filled in, the types that there are, and the organizations that the
/// visitor is bound to.
fn values(visitor: &Visitor, webhook: Option<&Value>, form: &Value) -> Value {
    let types = EventType::ALL.iter().map(|(_, name)| *name);
    let own = visitor.caller.rights.organizations.as_deref();
    let own: Option<Vec<_>> = own.map(|list| list.iter().map(OrganizationId::as_str).collect());
    context! { types => types.collect::<Vec<_>>(), own, webhook, form }
}

/// What was filled in.
fn filled(fields: &Fields) -> Value {
    context! {
        url => fields.get("url"),
        organizationId => fields.get("organizationId"),
        types => fields.all("types").collect::<Vec<_>>(),
        description => fields.get("description"),
    }
}

/// The types that are chosen; none: all.
fn types(fields: &Fields) -> Option<Vec<&str>> {
    let types: Vec<_> = fields.all("types").collect();
    (!types.is_empty()).then_some(types)
}

/// `GET /console/webhooks/new` with `admin`: the form.
async fn new_page(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let values = values(&visitor, None, &context! {});
    visitor.show(Place::Webhooks, TEMPLATE, values).await
}

/// `POST /console/webhooks/new` with `admin`: the page that shows the secret this once.
///
/// # Errors
/// 409 where there are as many as there may be, 422 with everything that is not acceptable.
async fn create(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let sent = visitor.form().await?;
    match make(&visitor, &sent.fields).await {
        Ok((webhook, secret)) => show_secret(&visitor, &webhook, &secret, true).await,
        Err(error) => {
            let values = values(&visitor, None, &filled(&sent.fields));
            visitor
                .show_refused(error, Place::Webhooks, TEMPLATE, values)
                .await
        }
    }
}

/// Makes the webhook that `fields` ask for. Returns it with its secret.
async fn make(visitor: &Visitor, fields: &Fields) -> Result<(Webhook, String)> {
    let body = json!({
        "url": fields.trimmed("url"),
        "organizationId": fields.trimmed("organizationId"),
        "types": types(fields),
        "description": fields.trimmed("description"),
    });
    let body = serde_json::from_value(body).map_err(Error::internal)?;
    let (state, rights) = (&visitor.state, &visitor.caller.rights);
    let new = NewWebhook::parse(&body, rights, &state.guard)?;
    let (signing, most) = (state.keyring.signing().id(), state.max_webhooks);
    let origin = visitor.origin();
    let made = move |tx: &WriteTx<'_>| manage::create(tx, &new, signing, most, origin.by());
    let made = reveal(visitor, made).await?;
    note(visitor, &format!("made the webhook {}", made.0.id));
    Ok(made)
}

/// The webhook `id` as templates have it.
fn present(visitor: &Visitor, id: Uuid) -> Result<Value> {
    let rights = &visitor.caller.rights;
    let webhook = visitor
        .state
        .db
        .read(|reader| store::get(reader, id, rights))?;
    Ok(value_of(&webhook))
}

/// `GET .../change` with `admin`: the form, filled with what is.
async fn change_page(visitor: Visitor, id: WebhookId) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let webhook = present(&visitor, id.0)?;
    let values = values(&visitor, Some(&webhook), &webhook);
    visitor.show(Place::Webhooks, TEMPLATE, values).await
}

/// `POST .../change` with `admin`.
async fn change_it(visitor: Visitor, id: WebhookId) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let sent = visitor.form().await?;
    let outcome = match patch(&visitor, &sent.fields) {
        Ok(patch) => update(&visitor, id.0, patch).await,
        Err(error) => Err(error),
    };
    let Err(error) = outcome else {
        return Ok(visitor.go(&way(id.0), "webhook-changed", None));
    };
    let webhook = present(&visitor, id.0)?;
    let values = values(&visitor, Some(&webhook), &filled(&sent.fields));
    visitor
        .show_refused(error, Place::Webhooks, TEMPLATE, values)
        .await
}

/// The change that a form asks for: no type chosen is all of them, and an empty description none.
fn patch(visitor: &Visitor, fields: &Fields) -> Result<WebhookPatch> {
    let body = json!({
        "url": fields.trimmed("url").unwrap_or_default(),
        "types": types(fields),
        "description": fields.trimmed("description"),
    });
    let body = serde_json::from_value(body).map_err(Error::internal)?;
    WebhookPatch::parse(&body, &visitor.state.guard)
}
