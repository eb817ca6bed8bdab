//! The HTTP of deliveries: the log of a webhook, tests, and deliveries that are sent again.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;

use crate::api::error_responses::{BODY, COMMON, LISTING, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Reader, WriteTx};
use crate::http::auth::{Access, Admin, Caller};
use crate::http::idempotency as stored;
use crate::http::idempotency::IdempotencyKey;
use crate::http::json::{NoBody, OptionalJson};
use crate::http::params::{OfDelivery, OfWebhook, Once};
use crate::http::path::{DeliveryId, WebhookId};
use crate::http::query::{NoQuery, Query};
use crate::idempotency::{self, StoredResponse};
use crate::webhook::delivery::query::{DeliveryParams, DeliveryQuery};
use crate::webhook::delivery::{DeliveryView, store};
use crate::webhook::manage;
use crate::webhook::store::get as get_webhook;

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            __path_test,
            test,
            &[
                COMMON,
                WITH_KEY,
                WRITING,
                BODY,
                &[Code::WebhookDisabled, Code::IdempotencyKeyReused],
            ],
        ),
        Operation::new(__path_list, list, &[COMMON, WITH_KEY, LISTING]),
        Operation::new(__path_get, get, &[COMMON, WITH_KEY]),
        Operation::new(
            __path_redeliver,
            redeliver,
            &[
                COMMON,
                WITH_KEY,
                WRITING,
                BODY,
                &[Code::WebhookDisabled, Code::IdempotencyKeyReused],
            ],
        ),
    ]
}

/// `GET /v1/webhooks/{webhookId}/deliveries` with `admin`: 200 with an array, one page of it.
///
/// # Errors
/// 404 where there is no webhook that the caller may know of, 400 for an unknown key or a foreign
/// cursor, 422 for a value that is not acceptable.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{webhookId}/deliveries",
    operation_id = "listWebhookDeliveries",
    tag = "Webhooks",
    summary = "List the deliveries of a webhook",
    description = "What was sent to it or waits to be, newest first, without bodies. Always in \
        pages: `Link` names the next one. Deliveries are kept for 30 days.",
    params(
        OfWebhook,
        DeliveryParams,
    ),
    responses(
        (status = 200, description = "The deliveries.", body = Vec<DeliveryView<'_>>,
            headers(("Link" = String, description = "`<URL>; rel=\"next\"` where more follow \
                (RFC 8288).")),
            example = json!([crate::webhook::delivery::example()])),
    )
)]
async fn list(
    access: Access<Admin>,
    id: WebhookId,
    state: Data<State>,
    query: Query<DeliveryParams>,
) -> Result<HttpResponse> {
    let query = query.check(|params| DeliveryQuery::parse(params, id.0))?;
    let (paged, limit, Caller { actor, rights }) =
        (query.paged(id.0), query.page.limit, access.caller);
    // A filter may have to step over any number of deliveries.
    let read = state.db.read_long(&actor, move |reader| {
        get_webhook(reader, id.0, &rights)?;
        let (records, has_more) = store::list(reader, id.0, &query)?;
        let views: Vec<_> = records
            .iter()
            .map(|record| DeliveryView::new(record, id.0))
            .collect();
        let last = records.last().filter(|_| has_more).map(|last| last.id);
        Ok((serde_json::to_vec(&views).map_err(Error::internal)?, last))
    });
    let (json, more_after) = read.await?;
    let mut response = HttpResponse::Ok();
    if let Some(last) = more_after {
        response.insert_header((
            header::LINK,
            paged.next_link(&state.public_url, limit, last.simple()),
        ));
    }
    Ok(response.content_type("application/json").body(json))
}

/// `GET /v1/webhooks/{webhookId}/deliveries/{deliveryId}` with `admin`: 200 with the delivery and
/// its body.
///
/// # Errors
/// 404 where there is none that the caller may know of.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{webhookId}/deliveries/{deliveryId}",
    operation_id = "getWebhookDelivery",
    tag = "Webhooks",
    summary = "Get a delivery",
    description = "With the body of its request, and what became of the last try. What the \
        endpoint answered besides its status is not kept.",
    params(OfDelivery),
    responses(
        (status = 200, description = "The delivery.", body = DeliveryView<'_>,
            example = json!(crate::webhook::delivery::example_with_body())),
    )
)]
async fn get(
    access: Access<Admin>,
    id: DeliveryId,
    _: NoQuery,
    state: Data<State>,
) -> Result<HttpResponse> {
    let body = state.db.read(|reader| {
        get_webhook(reader, id.webhook, &access.caller.rights)?;
        show(reader, id)
    })?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(body))
}

/// `POST /v1/webhooks/{webhookId}/test` with `admin`: 202 with the delivery of a test.
///
/// # Errors
/// 404 where there is no webhook that the caller may know of, 409 where it is disabled.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{webhookId}/test",
    operation_id = "testWebhook",
    tag = "Webhooks",
    summary = "Send a test to a webhook",
    description = "Queues a delivery of the type `webhook.test` for this webhook only, whatever \
        types it is told of.",
    params(OfWebhook, Once),
    request_body(content = Option<NoBody>, example = json!({})),
    responses(
        (status = 202, description = "The delivery, which is on its way.", body = DeliveryView<'_>,
            headers(
            ("Location" = String, description = "Where it is."),
            ("Idempotency-Replayed" = String, description = "`true` where this is a stored \
                answer."),
        ), example = json!(crate::webhook::delivery::example())),
    )
)]
async fn test(
    access: Access<Admin>,
    id: WebhookId,
    _: NoQuery,
    key: IdempotencyKey,
    state: Data<State>,
    body: OptionalJson<NoBody>,
) -> Result<HttpResponse> {
    let ticket = key.ticket(&access.caller, body.0.hash);
    let author = access.caller.author();
    let (base, rights) = (state.public_url.clone(), access.caller.rights);
    let job = move |tx: &WriteTx<'_>| {
        idempotency::once(tx, ticket.as_ref(), || {
            let delivery = manage::test(tx, id.0, &rights)?;
            queued(
                tx,
                &base,
                DeliveryId {
                    webhook: id.0,
                    delivery,
                },
            )
        })
    };
    let answer = author.write(&state.db, job).await?;
    Ok(stored::head(&answer).body(answer.body))
}

/// `POST /v1/webhooks/{webhookId}/deliveries/{deliveryId}/redeliver` with `admin`: 202 with the
/// delivery.
///
/// # Errors
/// 404 where there is none that the caller may know of, 409 where the webhook is disabled.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{webhookId}/deliveries/{deliveryId}/redeliver",
    operation_id = "redeliverWebhook",
    tag = "Webhooks",
    summary = "Send a delivery again",
    description = "Whatever became of it: now, under the same `webhook-id`, and with all its \
        tries before it.",
    params(OfDelivery, Once),
    request_body(content = Option<NoBody>, example = json!({})),
    responses(
        (status = 202, description = "The delivery, which is on its way.", body = DeliveryView<'_>,
            headers(
            ("Location" = String, description = "Where it is."),
            ("Idempotency-Replayed" = String, description = "`true` where this is a stored \
                answer."),
        ), example = json!(crate::webhook::delivery::example())),
    )
)]
async fn redeliver(
    access: Access<Admin>,
    id: DeliveryId,
    _: NoQuery,
    key: IdempotencyKey,
    state: Data<State>,
    body: OptionalJson<NoBody>,
) -> Result<HttpResponse> {
    let ticket = key.ticket(&access.caller, body.0.hash);
    let author = access.caller.author();
    let (base, rights) = (state.public_url.clone(), access.caller.rights);
    let job = move |tx: &WriteTx<'_>| {
        idempotency::once(tx, ticket.as_ref(), || {
            manage::redeliver(tx, id.webhook, id.delivery, &rights)?;
            queued(tx, &base, id)
        })
    };
    let answer = author.write(&state.db, job).await?;
    Ok(stored::head(&answer).body(answer.body))
}

/// The answer about a delivery that was queued, without its body: an address has no business among
/// stored answers. `base` is where people reach this server.
fn queued(tx: &WriteTx<'_>, base: &str, id: DeliveryId) -> Result<StoredResponse> {
    let record =
        store::find(tx, id.webhook, id.delivery)?.ok_or_else(|| Error::internal("no delivery"))?;
    let body =
        serde_json::to_vec(&DeliveryView::new(&record, id.webhook)).map_err(Error::internal)?;
    let location = format!(
        "{base}/v1/webhooks/{}/deliveries/{}",
        id.webhook, id.delivery
    );
    Ok(StoredResponse {
        status: 202,
        location: Some(location),
        body,
        organization: record
            .organization
            .as_deref()
            .and_then(OrganizationId::parse),
        replayed: false,
    })
}

/// A delivery with its body.
fn show(reader: &Reader<'_>, id: DeliveryId) -> Result<Vec<u8>> {
    let record = store::find(reader, id.webhook, id.delivery)?.ok_or_else(Error::not_found)?;
    let body = store::body(
        reader,
        id.webhook,
        id.delivery,
        record.organization.as_deref(),
        record.created_at,
    )?;
    let body = body
        .map(String::from_utf8)
        .transpose()
        .map_err(Error::internal)?;
    let mut view = DeliveryView::new(&record, id.webhook);
    view.body = body.as_deref();
    serde_json::to_vec(&view).map_err(Error::internal)
}
