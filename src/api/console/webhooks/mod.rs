//! The place of webhooks: all that the visitor may know of, one with its log, and what is done to
//! it by one press.
//!
//! * [`form`] makes and changes them, [`deliveries`] is one delivery.

mod deliveries;
mod form;

use actix_web::http::Method;
use actix_web::{HttpResponse, web};
use minijinja::{Value, context};
use uuid::Uuid;

use super::sheet::Place;
use super::visitor::{Fields, Visitor};
use super::{get, post};
use crate::base::error::Result;
use crate::base::id;
use crate::base::page::{Order, Page};
use crate::db::{Reader, WriteTx};
use crate::http::path::WebhookId;
use crate::http::route::Route;
use crate::key::{Rights, Scope};
use crate::outbox::webhook::DeliveryState;
use crate::webhook::delivery::query::DeliveryQuery;
use crate::webhook::delivery::store::{self as delivery_store, MOST_COUNTED};
use crate::webhook::delivery::{DeliveryView, Standing};
use crate::webhook::json::WebhookView;
use crate::webhook::new::WebhookPatch;
use crate::webhook::{Webhook, manage, sign, store};

/// Deliveries on the page of a webhook.
const DELIVERIES_ON_A_PAGE: u32 = 25;
/// What the path of a webhook is.
const PATH: &str = "/console/webhooks/{webhookId}";

/// The paths of this file and of those below it.
pub(super) fn routes() -> Vec<Route> {
    let below = |way: &str| format!("{PATH}/{way}");
    let mut routes = form::routes();
    routes.extend(deliveries::routes());
    routes.extend([
        get("/console/webhooks", web::to(list)),
        get(PATH, web::to(page)),
        post(&below("test"), web::to(test)),
        post(&below("pause"), web::to(pause)),
        post(&below("enable"), web::to(enable)),
        get(&below("rotate"), web::to(rotate_page)).with(Method::POST, web::to(rotate)),
        get(&below("delete"), web::to(delete_page)).with(Method::POST, web::to(delete_it)),
    ]);
    routes
}

/// A webhook as templates have it.
fn value_of(webhook: &Webhook) -> Value {
    Value::from_serialize(WebhookView::new(webhook))
}

/// How the deliveries of a webhook fare, as templates have it.
fn fares(standing: Standing) -> Value {
    let is_more = standing.waiting >= MOST_COUNTED;
    context! { is_more, ..Value::from_serialize(standing) }
}

/// Where the page of the webhook `id` is, from `/console`.
fn way(id: Uuid) -> String {
    format!("webhooks/{id}")
}

/// `GET /console/webhooks` with `admin`: the webhooks that the visitor may know of, newest first.
async fn list(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let rights = visitor.caller.rights.clone();
    let read = move |reader: &Reader<'_>| {
        let webhooks = store::list(reader)?;
        let webhooks = webhooks.iter().rev();
        let seen = webhooks.filter(|webhook| rights.see_webhook(webhook.organization.as_ref()));
        seen.map(|webhook| {
            let fares = fares(delivery_store::standing(reader, webhook.id)?);
            Ok(context! { fares, ..value_of(webhook) })
        })
        .collect::<Result<Vec<_>>>()
    };
    let rows = visitor.state.db.read_long(&visitor.caller.actor, read);
    let values = context! { rows => rows.await? };
    visitor.show(Place::Webhooks, "webhooks.html", values).await
}

/// The page of the log that a query asks for; a state that there is none of is all of them.
fn log_query(query: &Fields) -> DeliveryQuery {
    DeliveryQuery {
        state: query.get("state").and_then(DeliveryState::parse),
        page: Page {
            order: Order::NewestFirst,
            after: query.get("after").and_then(id::parse_id),
            limit: DELIVERIES_ON_A_PAGE,
        },
    }
}

/// A webhook with a page of its log, as its template has them.
fn read(reader: &Reader<'_>, id: Uuid, rights: &Rights, query: &DeliveryQuery) -> Result<Value> {
    let webhook = store::get(reader, id, rights)?;
    let (records, has_more) = delivery_store::list(reader, id, query)?;
    let older = records.last().filter(|_| has_more);
    let older = older.map(|last| last.id.to_string());
    let views = records.iter().map(|record| DeliveryView::new(record, id));
    Ok(context! {
        webhook => value_of(&webhook),
        fares => fares(delivery_store::standing(reader, id)?),
        rows => views.map(Value::from_serialize).collect::<Vec<_>>(),
        older,
        is_first => query.page.after.is_none(),
        state => query.state.map(DeliveryState::name),
    })
}

/// Everything that the page of the webhook `id` shows.
async fn values(visitor: &Visitor, id: Uuid) -> Result<Value> {
    let (rights, query) = (visitor.caller.rights.clone(), log_query(&visitor.query()));
    // A filter may have to step over any number of deliveries.
    let read = move |reader: &Reader<'_>| read(reader, id, &rights, &query);
    let values = visitor.state.db.read_long(&visitor.caller.actor, read);
    values.await
}

/// `GET` of a webhook with `admin`: its settings and its log.
async fn page(visitor: Visitor, id: WebhookId) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let values = values(&visitor, id.0).await?;
    visitor.show(Place::Webhooks, "webhook.html", values).await
}

/// Goes back to the page of the webhook after a change; where that was refused, the page says why.
async fn finish<T>(
    visitor: &Visitor,
    id: Uuid,
    outcome: Result<T>,
    did: &str,
) -> Result<HttpResponse> {
    match outcome {
        Ok(_) => Ok(visitor.go(&way(id), did, None)),
        Err(error) => {
            let values = values(visitor, id).await?;
            visitor
                .show_refused(error, Place::Webhooks, "webhook.html", values)
                .await
        }
    }
}

/// Writes into the log of the program what the visitor did.
fn note(visitor: &Visitor, what: &str) {
    log::info!("{} {what}", visitor.caller.actor);
}

/// `POST .../test` with `admin`: queues a test.
async fn test(visitor: Visitor, id: WebhookId) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    visitor.form().await?;
    let rights = visitor.caller.rights.clone();
    let job = move |tx: &WriteTx<'_>| manage::test(tx, id.0, &rights);
    let outcome = visitor.author().write(&visitor.state.db, job).await;
    finish(&visitor, id.0, outcome, "tested").await
}

/// `POST .../pause` with `admin`: nothing is sent to it any more.
async fn pause(visitor: Visitor, id: WebhookId) -> Result<HttpResponse> {
    set_enabled(&visitor, id.0, false, "webhook-paused").await
}

/// `POST .../enable` with `admin`: what waits goes on.
async fn enable(visitor: Visitor, id: WebhookId) -> Result<HttpResponse> {
    set_enabled(&visitor, id.0, true, "webhook-enabled").await
}

/// Pauses or enables the webhook `id`.
async fn set_enabled(
    visitor: &Visitor,
    id: Uuid,
    is_enabled: bool,
    did: &str,
) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    visitor.form().await?;
    let patch = WebhookPatch {
        url: None,
        types: None,
        description: None,
        enabled: Some(is_enabled),
    };
    let outcome = update(visitor, id, patch).await;
    finish(visitor, id, outcome, did).await
}

/// Changes the webhook `id`.
async fn update(visitor: &Visitor, id: Uuid, patch: WebhookPatch) -> Result<()> {
    let (origin, rights) = (visitor.origin(), visitor.caller.rights.clone());
    let job = move |tx: &WriteTx<'_>| manage::update(tx, id, &patch, &rights, origin.by());
    visitor.author().write(&visitor.state.db, job).await?;
    note(visitor, &format!("changed the webhook {id}"));
    Ok(())
}

/// Shows a page about the webhook `id`, with `admin`.
async fn show_about(visitor: &Visitor, id: Uuid, template: &str) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let rights = &visitor.caller.rights;
    let values = visitor.state.db.read(|reader| {
        let webhook = store::get(reader, id, rights)?;
        let fares = fares(delivery_store::standing(reader, id)?);
        Ok(context! { webhook => value_of(&webhook), fares })
    })?;
    visitor.show(Place::Webhooks, template, values).await
}

/// `GET .../rotate` with `admin`: what a new secret asks for.
async fn rotate_page(visitor: Visitor, id: WebhookId) -> Result<HttpResponse> {
    show_about(&visitor, id.0, "webhook_rotate.html").await
}

/// `POST .../rotate` with `admin`: the page that shows the new secret this once.
async fn rotate(visitor: Visitor, id: WebhookId) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    visitor.form().await?;
    let (origin, rights) = (visitor.origin(), visitor.caller.rights.clone());
    let signing = visitor.state.keyring.signing().id();
    let change = move |tx: &WriteTx<'_>| manage::rotate(tx, id.0, signing, &rights, origin.by());
    let (webhook, secret) = reveal(&visitor, change).await?;
    note(
        &visitor,
        &format!("rotated the secret of the webhook {}", id.0),
    );
    show_secret(&visitor, &webhook, &secret, false).await
}

/// Makes a change to a webhook. Returns it with its present secret.
async fn reveal(
    visitor: &Visitor,
    mut change: impl FnMut(&WriteTx<'_>) -> Result<Webhook> + Send + 'static,
) -> Result<(Webhook, String)> {
    let keyring = visitor.state.keyring.clone();
    let job = move |tx: &WriteTx<'_>| {
        let webhook = change(tx)?;
        let secret = sign::reveal(&keyring, webhook.id, webhook.secrets)?;
        Ok((webhook, secret))
    };
    visitor.author().write(&visitor.state.db, job).await
}

/// The page with the secret of a webhook that was made or got a new secret: no other page has it.
async fn show_secret(
    visitor: &Visitor,
    webhook: &Webhook,
    secret: &str,
    is_new: bool,
) -> Result<HttpResponse> {
    let values = context! { webhook => value_of(webhook), secret, is_new };
    visitor
        .show(Place::Webhooks, "webhook_secret.html", values)
        .await
}

/// `GET .../delete` with `admin`: what goes with the webhook.
async fn delete_page(visitor: Visitor, id: WebhookId) -> Result<HttpResponse> {
    show_about(&visitor, id.0, "webhook_delete.html").await
}

/// `POST .../delete` with `admin`.
///
/// # Errors
/// 404 where there is none that the visitor may know of.
async fn delete_it(visitor: Visitor, id: WebhookId) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    visitor.form().await?;
    let (origin, rights) = (visitor.origin(), visitor.caller.rights.clone());
    manage::delete(&visitor.state.db, &visitor.author(), id.0, rights, origin).await?;
    note(&visitor, &format!("deleted the webhook {}", id.0));
    Ok(visitor.go("webhooks", "webhook-deleted", None))
}
