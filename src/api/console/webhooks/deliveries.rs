//! One delivery: what was sent, what became of it, and sending it again.

use actix_web::{HttpResponse, web};
use minijinja::{Value, context};

use super::super::sheet::Place;
use super::super::visitor::Visitor;
use super::super::{get, post};
use super::{PATH, value_of};
use crate::base::error::{Error, Result};
use crate::db::{Reader, WriteTx};
use crate::http::path::DeliveryId;
use crate::http::route::Route;
use crate::key::{Rights, Scope};
use crate::webhook::delivery::{DeliveryView, store};
use crate::webhook::{manage, store as webhooks};

/// The template of the page.
const TEMPLATE: &str = "webhook_delivery.html";

/// The paths of this file.
pub(super) fn routes() -> Vec<Route> {
    let path = format!("{PATH}/deliveries/{{deliveryId}}");
    vec![
        get(&path, web::to(page)),
        post(&format!("{path}/redeliver"), web::to(redeliver)),
    ]
}

/// The delivery `id` with its webhook and the body of its request.
fn read(reader: &Reader<'_>, id: DeliveryId, rights: &Rights) -> Result<Value> {
    let webhook = webhooks::get(reader, id.webhook, rights)?;
    let record = store::find(reader, id.webhook, id.delivery)?.ok_or_else(Error::not_found)?;
    let organization = record.organization.as_deref();
    let body = store::body(
        reader,
        id.webhook,
        id.delivery,
        organization,
        record.created_at,
    )?;
    let body = body.map(|body| serde_json::from_slice::<serde_json::Value>(&body));
    let body = body.transpose().map_err(Error::internal)?;
    Ok(context! {
        webhook => value_of(&webhook),
        delivery => Value::from_serialize(DeliveryView::new(&record, id.webhook)),
        body => body.map(Value::from_serialize),
    })
}

/// `GET` of a delivery with `admin`.
async fn page(visitor: Visitor, id: DeliveryId) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let rights = &visitor.caller.rights;
    let values = visitor.state.db.read(|reader| read(reader, id, rights))?;
    visitor.show(Place::Webhooks, TEMPLATE, values).await
}

/// `POST .../redeliver` with `admin`: queues it again, whatever became of it.
///
/// # Errors
/// 409 where the webhook is disabled.
async fn redeliver(visitor: Visitor, id: DeliveryId) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    visitor.form().await?;
    let (db, rights) = (&visitor.state.db, visitor.caller.rights.clone());
    let job = move |tx: &WriteTx<'_>| manage::redeliver(tx, id.webhook, id.delivery, &rights);
    let Err(error) = visitor.author().write(db, job).await else {
        let way = format!("webhooks/{}/deliveries/{}", id.webhook, id.delivery);
        return Ok(visitor.go(&way, "redelivered", None));
    };
    let rights = &visitor.caller.rights;
    let values = db.read(|reader| read(reader, id, rights))?;
    visitor
        .show_refused(error, Place::Webhooks, TEMPLATE, values)
        .await
}
