//! The HTTP of API keys.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::state::State;
use crate::api::error_responses::{BODY, COMMON, READING, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::base::error::{Code, Error, Result};
use crate::db::WriteTx;
use crate::http::auth::{Access, Admin, Caller};
use crate::http::idempotency as stored;
use crate::http::idempotency::IdempotencyKey;
use crate::http::json::Json;
use crate::http::params::Once;
use crate::http::path::PathKeyId;
use crate::http::query::NoQuery;
use crate::idempotency::{self, StoredResponse};
use crate::key::json::{self, ApiKey};
use crate::key::new::KeyBody;
use crate::key::{NewKey, manage, store};

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(__path_list, list, &[COMMON, WITH_KEY, READING]),
        Operation::new(
            __path_create,
            create,
            &[
                COMMON,
                WITH_KEY,
                WRITING,
                BODY,
                &[Code::KeyExceedsOwnRights, Code::IdempotencyKeyReused],
            ],
        ),
        Operation::new(__path_get, get, &[COMMON, WITH_KEY]),
        Operation::new(__path_revoke, revoke, &[COMMON, WITH_KEY, WRITING]),
    ]
}

/// `GET /v1/keys` with `admin`: 200 with an array.
///
/// # Errors
/// Those of every operation.
#[utoipa::path(
    get,
    path = "/v1/keys",
    operation_id = "listKeys",
    tag = "Keys",
    summary = "List API keys",
    description = "Every key that the caller may know of, oldest first, dead ones included, \
        without secrets. An admin key that is bound to organizations knows of the keys that are \
        bound to none but those.",
    responses(
        (status = 200, description = "The keys.", body = Vec<ApiKey<'_>>,
            example = json!([json::example()])),
    )
)]
async fn list(access: Access<Admin>, _: NoQuery, state: Data<State>) -> Result<HttpResponse> {
    let Caller { actor, rights } = access.caller;
    let read = state.db.read_long(&actor, move |reader| {
        let keys = store::list(reader)?;
        let seen = keys
            .iter()
            .filter(|key| rights.see_key(key))
            .map(|key| ApiKey::new(key, reader.now));
        serde_json::to_vec(&seen.collect::<Vec<_>>()).map_err(Error::internal)
    });
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(read.await?))
}

/// `POST /v1/keys` with `admin`: 201 with the key, its secret included this once.
///
/// # Errors
/// 403 for a key that could do more than the one that makes it, 422 with everything that is not
/// acceptable.
#[utoipa::path(
    post,
    path = "/v1/keys",
    operation_id = "createKey",
    tag = "Keys",
    summary = "Create an API key",
    description = "Makes a key. `key` is shown in this answer only, not in that of a \
        repetition, and stored nowhere. No key makes one that can do more, or lasts longer, \
        than itself.",
    params(Once),
    request_body(content = KeyBody,
        example = json!({"name": "backend", "scopes": ["invitations:read", "invitations:write"],
        "organizations": ["acme"], "expiresIn": 7_776_000})),
    responses(
        (status = 201, description = "The new key.", body = ApiKey<'_>, headers(
            ("Location" = String, description = "Where it is."),
            ("Idempotency-Replayed" = String, description = "`true` where this is a stored \
                answer."),
        ), example = json!(json::example_made())),
    )
)]
async fn create(
    access: Access<Admin>,
    _: NoQuery,
    key: IdempotencyKey,
    state: Data<State>,
    body: Json<KeyBody>,
) -> Result<HttpResponse> {
    let ticket = key.ticket(&access.caller, body.hash);
    let author = access.caller.author();
    let (origin, rights) = (access.origin(), access.caller.rights);
    let line = format!("{} made the key", origin.actor);
    let new = match NewKey::parse(&body.value, state.db.now()) {
        Ok(new) => new,
        Err(error) => {
            let answer = idempotency::answered(&state.db, ticket.as_ref(), error)?;
            return Ok(stored::head(&answer).body(answer.body));
        }
    };
    let base = format!("{}/v1/keys", state.public_url);
    let job = move |tx: &WriteTx<'_>| {
        let mut shown = None;
        let answer = idempotency::once(tx, ticket.as_ref(), || {
            let (key, plain) = manage::create(tx, &new, &origin, &rights)?;
            let mut object = ApiKey::new(&key, tx.now);
            // What is stored has no secret, so only this answer can show it.
            let body = serde_json::to_vec(&object).map_err(Error::internal)?;
            object.key = Some(plain.reveal());
            shown = Some(serde_json::to_vec(&object).map_err(Error::internal)?);
            Ok(StoredResponse {
                status: 201,
                location: Some(format!("{base}/{}", object.id)),
                body,
                organization: None,
                replayed: false,
            })
        })?;
        Ok((answer, shown))
    };
    let (answer, shown) = author.write(&state.db, job).await?;
    if shown.is_some() {
        log::info!("{line} {}", answer.location.as_deref().unwrap_or_default());
    }
    Ok(stored::head(&answer).body(shown.unwrap_or(answer.body)))
}

/// `GET /v1/keys/{keyId}` with `admin`: 200 with the key, without its secret.
///
/// # Errors
/// 404 where there is none that the caller may know of.
#[utoipa::path(
    get,
    path = "/v1/keys/{keyId}",
    operation_id = "getKey",
    tag = "Keys",
    summary = "Get an API key",
    description = "Without its secret.",
    params(("keyId" = String, Path, description = "The 16 hex digits after \
        `ivk_`.", pattern = "^[0-9a-f]{16}$",
        example = "0123456789abcdef")),
    responses((status = 200, description = "The key.", body = ApiKey<'_>,
        example = json!(json::example())))
)]
async fn get(
    access: Access<Admin>,
    id: PathKeyId,
    _: NoQuery,
    state: Data<State>,
) -> Result<HttpResponse> {
    let body = state.db.read(|reader| {
        let key = store::find(reader, &id.0)?.ok_or_else(Error::not_found)?;
        access.caller.rights.check_sees_key(&key)?;
        serde_json::to_vec(&ApiKey::new(&key, reader.now)).map_err(Error::internal)
    })?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(body))
}

/// `DELETE /v1/keys/{keyId}` with `admin`: 204 without a body. The next request that carries the
/// key is refused.
///
/// # Errors
/// 404 where there is none that the caller may know of.
#[utoipa::path(
    delete,
    path = "/v1/keys/{keyId}",
    operation_id = "revokeKey",
    tag = "Keys",
    summary = "Revoke an API key",
    description = "Revokes the key: the next request that carries it is 401. It stays in the \
        list. Revoking it again changes nothing. Even the last admin key can be revoked; then \
        only `invited key create`, at the machine, makes another.",
    params(("keyId" = String, Path, description = "The 16 hex digits after \
        `ivk_`.", pattern = "^[0-9a-f]{16}$",
        example = "0123456789abcdef")),
    responses((status = 204, description = "It is revoked."))
)]
async fn revoke(
    access: Access<Admin>,
    id: PathKeyId,
    _: NoQuery,
    state: Data<State>,
) -> Result<HttpResponse> {
    let author = access.caller.author();
    let (origin, rights) = (access.origin(), access.caller.rights);
    let line = format!("{} revoked the key {}", origin.actor, id.0.as_str());
    author
        .write(&state.db, move |tx| {
            manage::revoke(tx, &id.0, &origin, &rights)
        })
        .await?;
    log::info!("{line}");
    Ok(HttpResponse::NoContent().finish())
}
