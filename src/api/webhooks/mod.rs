//! The HTTP of webhooks.

pub(crate) mod deliveries;

use actix_web::HttpResponse;
use actix_web::web::Data;
use uuid::Uuid;

use super::state::State;
use crate::api::error_responses::{BODY, COMMON, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::base::error::{Code, Error, Result};
use crate::db::WriteTx;
use crate::http::auth::{Access, Admin, Caller};
use crate::http::idempotency as stored;
use crate::http::idempotency::IdempotencyKey;
use crate::http::json::{Json, NoBody, OptionalJson};
use crate::http::params::{OfWebhook, Once};
use crate::http::path::WebhookId;
use crate::http::query::NoQuery;
use crate::idempotency::{self, StoredResponse, Ticket};
use crate::key::Author;
use crate::webhook::json::{self, WebhookView};
use crate::webhook::new::{NewWebhook, WebhookBody, WebhookPatch, WebhookPatchBody};
use crate::webhook::{Webhook, manage, sign, store};

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(__path_list, list, &[COMMON, WITH_KEY]),
        Operation::new(
            __path_create,
            create,
            &[
                COMMON,
                WITH_KEY,
                WRITING,
                BODY,
                &[Code::WebhookLimitReached, Code::IdempotencyKeyReused],
            ],
        ),
        Operation::new(__path_get, get, &[COMMON, WITH_KEY]),
        Operation::new(__path_update, update, &[COMMON, WITH_KEY, WRITING, BODY]),
        Operation::new(__path_delete, delete, &[COMMON, WITH_KEY, WRITING]),
        Operation::new(
            __path_rotate,
            rotate,
            &[
                COMMON,
                WITH_KEY,
                WRITING,
                BODY,
                &[Code::IdempotencyKeyReused],
            ],
        ),
    ]
}

/// `GET /v1/webhooks` with `admin`: 200 with an array.
///
/// # Errors
/// Those of every operation.
#[utoipa::path(
    get,
    path = "/v1/webhooks",
    operation_id = "listWebhooks",
    tag = "Webhooks",
    summary = "List webhooks",
    description = "Every webhook that the caller may know of, oldest first, without secrets. A \
        key that is bound to organizations knows of the webhooks of those.",
    responses(
        (status = 200, description = "The webhooks.", body = Vec<WebhookView<'_>>,
            example = json!([json::example()])),
    )
)]
async fn list(access: Access<Admin>, _: NoQuery, state: Data<State>) -> Result<HttpResponse> {
    let webhooks = state.db.read(store::list)?;
    let seen = webhooks.iter().filter(|webhook| {
        access
            .caller
            .rights
            .see_webhook(webhook.organization.as_ref())
    });
    Ok(HttpResponse::Ok().json(seen.map(WebhookView::new).collect::<Vec<_>>()))
}

/// `POST /v1/webhooks` with `admin`: 201 with the webhook, its secret included this once.
///
/// # Errors
/// 409 where there are as many as there may be, 422 with everything that is not acceptable.
#[utoipa::path(
    post,
    path = "/v1/webhooks",
    operation_id = "createWebhook",
    tag = "Webhooks",
    summary = "Create a webhook",
    description = "Events from now on are sent to the URL, signed as Standard Webhooks 1.0.0 \
        says. `secret` is shown in this answer and that of a rotation only, not in that of a \
        repetition. A URL on an internal address is refused, unless the server allows its \
        network.",
    params(Once),
    request_body(content = WebhookBody,
        example = json!({"url": "https://app.example.com/hooks/invited",
        "organizationId": "acme", "types": ["invitation.accepted", "invitation.declined"],
        "description": "backend"})),
    responses(
        (status = 201, description = "The new webhook.", body = WebhookView<'_>, headers(
            ("Location" = String, description = "Where it is."),
            ("Idempotency-Replayed" = String, description = "`true` where this is a stored \
                answer."),
        ), example = json!(json::example_with_secret())),
    )
)]
async fn create(
    access: Access<Admin>,
    _: NoQuery,
    key: IdempotencyKey,
    state: Data<State>,
    body: Json<WebhookBody>,
) -> Result<HttpResponse> {
    let ticket = key.ticket(&access.caller, body.hash);
    let new = NewWebhook::parse(&body.value, &access.caller.rights, &state.guard)?;
    let base = format!("{}/v1/webhooks", state.public_url);
    let signing = state.keyring.signing().id();
    let most = state.max_webhooks;
    let origin = access.origin();
    let made = move |tx: &WriteTx<'_>| manage::create(tx, &new, signing, most, origin.by());
    let (author, actor) = (access.caller.author(), access.caller.actor);
    let told = move |id| log::info!("{actor} made the webhook {id}");
    reveal(&state, &author, ticket, (201, Some(base)), made, told).await
}

/// `GET /v1/webhooks/{webhookId}` with `admin`: 200 with the webhook, without its secret.
///
/// # Errors
/// 404 where there is none that the caller may know of.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{webhookId}",
    operation_id = "getWebhook",
    tag = "Webhooks",
    summary = "Get a webhook",
    description = "Without its secret.",
    params(OfWebhook),
    responses((status = 200, description = "The webhook.", body = WebhookView<'_>,
        example = json!(json::example())))
)]
async fn get(
    access: Access<Admin>,
    id: WebhookId,
    _: NoQuery,
    state: Data<State>,
) -> Result<HttpResponse> {
    let webhook = state
        .db
        .read(|reader| store::get(reader, id.0, &access.caller.rights))?;
    Ok(HttpResponse::Ok().json(WebhookView::new(&webhook)))
}

/// `PATCH /v1/webhooks/{webhookId}` with `admin`: 200 with the webhook as it is then.
///
/// # Errors
/// 404 where there is none that the caller may know of, 422 with everything that is not acceptable.
#[utoipa::path(
    patch,
    path = "/v1/webhooks/{webhookId}",
    operation_id = "updateWebhook",
    tag = "Webhooks",
    summary = "Change, pause or enable a webhook",
    description = "Only what is there changes. `enabled: false` pauses it; `enabled: true` \
        enables it again, also after it was disabled by an answer 410 or by deliveries that \
        failed to the last try. Until then no new events are queued for it; what was queued waits.",
    params(OfWebhook),
    request_body(content = WebhookPatchBody,
        example = json!({"types": ["invitation.accepted"], "enabled": true})),
    responses(
        (status = 200, description = "The webhook.", body = WebhookView<'_>,
            example = json!(json::example())),
    )
)]
async fn update(
    access: Access<Admin>,
    id: WebhookId,
    _: NoQuery,
    state: Data<State>,
    body: Json<WebhookPatchBody>,
) -> Result<HttpResponse> {
    let patch = WebhookPatch::parse(&body.value, &state.guard)?;
    let (author, origin) = (access.caller.author(), access.origin());
    let rights = access.caller.rights;
    let job = move |tx: &WriteTx<'_>| manage::update(tx, id.0, &patch, &rights, origin.by());
    let webhook = author.write(&state.db, job).await?;
    log::info!("{} changed the webhook {}", access.caller.actor, id.0);
    Ok(HttpResponse::Ok().json(WebhookView::new(&webhook)))
}

/// `DELETE /v1/webhooks/{webhookId}` with `admin`: 204 without a body.
///
/// # Errors
/// 404 where there is none that the caller may know of.
#[utoipa::path(
    delete,
    path = "/v1/webhooks/{webhookId}",
    operation_id = "deleteWebhook",
    tag = "Webhooks",
    summary = "Delete a webhook",
    description = "It goes with its deliveries. One that is under way may still arrive. One with many \
        deliveries is paused first.",
    params(OfWebhook),
    responses((status = 204, description = "It is gone."))
)]
async fn delete(
    access: Access<Admin>,
    id: WebhookId,
    _: NoQuery,
    state: Data<State>,
) -> Result<HttpResponse> {
    let (author, origin) = (access.caller.author(), access.origin());
    let rights = access.caller.rights;
    manage::delete(&state.db, &author, id.0, rights, origin).await?;
    log::info!("{} deleted the webhook {}", access.caller.actor, id.0);
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /v1/webhooks/{webhookId}/rotate` with `admin`: 200 with the webhook, its new secret
/// included this once.
///
/// # Errors
/// 404 where there is none that the caller may know of.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{webhookId}/rotate",
    operation_id = "rotateWebhookSecret",
    tag = "Webhooks",
    summary = "Give a webhook a new secret",
    description = "`secret` is shown in this answer only. For 24 hours deliveries bear two \
        signatures, also one by the secret before; a second rotation within that time ends it.",
    params(OfWebhook, Once),
    request_body(content = Option<NoBody>, example = json!({})),
    responses(
        (status = 200, description = "The webhook.", body = WebhookView<'_>, headers(
            ("Idempotency-Replayed" = String, description = "`true` where this is a stored \
                answer."),
        ), example = json!(json::example())),
    )
)]
async fn rotate(
    access: Access<Admin>,
    id: WebhookId,
    _: NoQuery,
    key: IdempotencyKey,
    state: Data<State>,
    body: OptionalJson<NoBody>,
) -> Result<HttpResponse> {
    let ticket = key.ticket(&access.caller, body.0.hash);
    let (author, origin) = (access.caller.author(), access.origin());
    let Caller { actor, rights } = access.caller;
    let signing = state.keyring.signing().id();
    let rotated = move |tx: &WriteTx<'_>| manage::rotate(tx, id.0, signing, &rights, origin.by());
    let told = move |id| log::info!("{actor} rotated the secret of the webhook {id}");
    reveal(&state, &author, ticket, (200, None), rotated, told).await
}

/// Responds with the webhook that `change` makes or changes, and its secret. What is stored has no
/// secret, so only the very request that had the effect can show it, and is told of. `base` is the
/// URL below which a new one is.
async fn reveal(
    state: &State,
    author: &Author,
    ticket: Option<Ticket>,
    (status, base): (u16, Option<String>),
    mut change: impl FnMut(&WriteTx<'_>) -> Result<Webhook> + Send + 'static,
    told: impl FnOnce(Uuid),
) -> Result<HttpResponse> {
    let keyring = state.keyring.clone();
    let job = move |tx: &WriteTx<'_>| {
        let mut shown = None;
        let answer = idempotency::once(tx, ticket.as_ref(), || {
            let webhook = change(tx)?;
            let mut object = WebhookView::new(&webhook);
            let body = serde_json::to_vec(&object).map_err(Error::internal)?;
            object.secret = Some(sign::reveal(&keyring, webhook.id, webhook.secrets)?);
            let body_shown = serde_json::to_vec(&object).map_err(Error::internal)?;
            shown = Some((webhook.id, body_shown));
            let location = base.as_ref().map(|base| format!("{base}/{}", webhook.id));
            Ok(StoredResponse {
                status,
                location,
                body,
                organization: webhook.organization,
                replayed: false,
            })
        })?;
        Ok((answer, shown))
    };
    let (answer, shown) = author.write(&state.db, job).await?;
    let mut response = stored::head(&answer);
    Ok(match shown {
        Some((id, body)) => {
            told(id);
            response.body(body)
        }
        None => response.body(answer.body),
    })
}
