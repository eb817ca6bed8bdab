//! The HTTP of organizations.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::state::State;
use crate::api::error_responses::{BODY, COMMON, LISTING, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::api::stream;
use crate::base::error::{Code, Error, Result};
use crate::base::page::MAX_LIMIT;
use crate::db::WriteTx;
use crate::deletion;
use crate::http::auth::{Admin, Caller, OrganizationAccess, Read};
use crate::http::etag::{self, Conditions};
use crate::http::idempotency as stored;
use crate::http::json::Json;
use crate::http::query::{NoQuery, Query};
use crate::idempotency::StoredResponse;
use crate::key::Scope;
use crate::organization::change::Change;
use crate::organization::list::{self, List, ListParams, ListQuery};
use crate::organization::settings::{Settings, SettingsBody};
use crate::organization::{Organization, store};
use crate::purge::{self, Pending};

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(__path_get, get, &[COMMON, WITH_KEY]),
        Operation::new(
            __path_put,
            put,
            &[COMMON, WITH_KEY, WRITING, BODY, &[Code::PreconditionFailed]],
        ),
        Operation::new(
            __path_delete,
            delete,
            &[
                COMMON,
                WITH_KEY,
                WRITING,
                &[Code::PreconditionFailed, Code::RoleNotGrantable],
            ],
        ),
        Operation::new(__path_list, list, &[COMMON, WITH_KEY, LISTING]),
    ]
}

/// `GET /v1/organizations` with `invitations:read`: 200 with an array of those that the key may
/// see.
///
/// # Errors
/// 400 for an unknown key or a foreign cursor, 422 for a limit that is not acceptable.
#[utoipa::path(
    get,
    path = "/v1/organizations",
    operation_id = "listOrganizations",
    tag = "Organizations",
    summary = "List all organizations",
    description = "The organizations that the key may see as an array, by id. Without `limit` all \
        of them come, streamed. With `limit`, `Link` names the next page.",
    params(ListParams),
    responses(
        (status = 200, description = "The organizations.", body = Vec<Organization<'_>>,
            headers(("Link" = String, description = "`<URL>; rel=\"next\"` where more follow \
                (RFC 8288).")),
            example = json!([crate::organization::example()])),
    )
)]
async fn list(
    caller: Caller,
    state: Data<State>,
    query: Query<ListParams>,
) -> Result<HttpResponse> {
    caller.require(Scope::Read)?;
    let query = query.check(ListQuery::parse)?;
    let list = List {
        db: state.db.clone(),
        actor: caller.actor,
        rights: caller.rights,
    };
    let mut first = list
        .page(b"[".to_vec(), query.after, query.limit.unwrap_or(MAX_LIMIT))
        .await?;
    let mut response = HttpResponse::Ok();
    if let Some(limit) = query.limit
        && let Some(last) = first.more_after.take()
    {
        let link = list::paged().next_link(&state.public_url, limit, last);
        response.insert_header((header::LINK, link));
    }
    let rest = move |opening, after| list.clone().rest(opening, after);
    Ok(stream::respond(response, first, b"]", rest))
}

/// `GET /v1/organizations/{organizationId}` with `invitations:read`: 200 with the organization, or
/// 304 where the caller has this version.
///
/// # Errors
/// 404 where it is not known.
#[utoipa::path(
    get,
    path = "/v1/organizations/{organizationId}",
    operation_id = "getOrganization",
    tag = "Organizations",
    summary = "Get organization details",
    description = "Its name, and what it asks of its invitations.",
    params(
        ("organizationId" = String, Path, description = "The caller's own id of the organization.",
            pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$", example = "acme"),
        ("If-None-Match" = Option<String>, Header, description = "Versions that the caller has; \
            empty: none.",
            pattern = "^((W/)?\"[0-9a-f]{32}\")?$"),
    ),
    responses(
        (status = 200, description = "The organization.", body = Organization<'_>,
            headers(("ETag" = String, description = "Its version.")),
            example = json!(crate::organization::example())),
        (status = 304, description = "The caller has this version.",
            headers(("ETag" = String, description = "Its version."))),
    )
)]
async fn get(
    access: OrganizationAccess<Read>,
    _: NoQuery,
    conditions: Conditions,
) -> Result<HttpResponse> {
    let found = store::find(&access.snapshot.reader(), &access.organization)?;
    let body = found
        .ok_or_else(Error::not_found)?
        .to_bytes(&access.organization)?;
    let tag = conditions.tag(&body);
    if conditions.knows(&tag) {
        return Ok(HttpResponse::NotModified()
            .insert_header(etag::header(&tag))
            .finish());
    }
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header(etag::header(&tag))
        .body(body))
}

/// `PUT /v1/organizations/{organizationId}` with `admin`: 201 with the new organization, or 200
/// with the one that got other settings.
///
/// # Errors
/// 412 where the headers name another version, 422 with everything that is not acceptable.
#[utoipa::path(
    put,
    path = "/v1/organizations/{organizationId}",
    operation_id = "putOrganization",
    tag = "Organizations",
    summary = "Create an organization, or replace its settings",
    description = "The body is the whole of its settings: what is absent is unset. They hold from \
        the next request on for invitations that are made or sent again; those that stand already \
        stay as they are.",
    params(
        ("organizationId" = String, Path, description = "The caller's own id of the organization.",
            pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$", example = "acme"),
        ("If-Match" = Option<String>, Header, description = "Only this version.",
            pattern = "^(W/)?\"[0-9a-f]{32}\"$"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only create.",
            pattern = "^\\*?$"),
    ),
    request_body(content = SettingsBody,
        example = json!({"name": "Acme Ltd.", "roles": ["admin", "developer"],
        "defaultExpiresIn": 259_200, "allowedDomains": ["example.com"], "maxPending": 100})),
    responses(
        (status = 201, description = "The new organization.", body = Organization<'_>, headers(
            ("Location" = String, description = "Where it is."),
            ("ETag" = String, description = "Its version."),
        ), example = json!(crate::organization::example())),
        (status = 200, description = "The organization with its new settings.",
            body = Organization<'_>,
            headers(("ETag" = String, description = "Its version.")),
            example = json!(crate::organization::example())),
    )
)]
async fn put(
    access: OrganizationAccess<Admin>,
    _: NoQuery,
    conditions: Conditions,
    state: Data<State>,
    body: Json<SettingsBody>,
) -> Result<HttpResponse> {
    let settings = Settings::parse(body.value, &state.rules)?;
    let author = access.caller.author();
    let change = Change {
        origin: access.origin(),
        id: access.organization,
        settings,
    };
    let url = format!("{}/v1/organizations/{}", state.public_url, change.id);
    let check = move |present: Option<&[u8]>| conditions.check_put(present);
    let (is_new, body) = change.make(&state.db, &author, check).await?;
    let (status, location) = if is_new {
        (201, Some(url))
    } else {
        (200, None)
    };
    let answer = StoredResponse {
        status,
        location,
        body,
        organization: None,
        replayed: false,
    };
    Ok(stored::respond(answer, state.etags))
}

/// What a deletion has not taken out of the file yet.
#[derive(Serialize, ToSchema)]
#[schema(as = OrganizationDeletion)]
struct DeletionAnswer {
    /// What is still in the file: `rows` that nobody finds, `text` in its pages, and the `log`. It
    /// goes without anybody's doing.
    pub pending: &'static [Pending],
}

/// `DELETE /v1/organizations/{organizationId}` with `admin`: 204 without a body, or 200 where
/// something of it is still to leave the file.
///
/// # Errors
/// 404 where it is not known, 412 where `If-Match` names another version.
#[utoipa::path(
    delete,
    path = "/v1/organizations/{organizationId}",
    operation_id = "deleteOrganization",
    tag = "Organizations",
    summary = "Delete organization",
    description = "Deletes the organization with its invitations, its history, its webhooks and \
        stored answers. It is gone for everybody at once: keys that are bound to nothing else \
        are revoked, others lose it, and nobody is told or sent anything more of it. Its rows \
        and its text leave the data file after that; where this takes more than some seconds, \
        the answer is 200, and `pending` names what is still to do, which needs no repetition. \
        While rows are pending, whatever would make the organization anew is 404 with \
        `Retry-After`. A key that is limited to roles may not do it.",
    params(
        ("organizationId" = String, Path, description = "The caller's own id of the organization.",
            pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$", example = "acme"),
        ("If-Match" = Option<String>, Header, description = "Only this version.",
            pattern = "^(W/)?\"[0-9a-f]{32}\"$"),
    ),
    responses(
        (status = 204, description = "It is gone, and nothing but its id is left in the data \
            file."),
        (status = 200, description = "It is gone, and some of it is still to leave the data \
            file.", body = DeletionAnswer,
            example = json!({"pending": ["text", "log"]})),
    )
)]
async fn delete(
    access: OrganizationAccess<Admin>,
    _: NoQuery,
    conditions: Conditions,
    state: Data<State>,
) -> Result<HttpResponse> {
    access.caller.rights.check_grants_all()?;
    let author = access.caller.author();
    let (origin, organization) = (access.origin(), access.organization);
    let done = format!("organization {organization} deleted by {}", origin.actor);
    let job = move |tx: &WriteTx<'_>| {
        deletion::begin(tx, &organization, origin.by(), |present| {
            conditions.check_match(present)
        })
    };
    let id = author.write(&state.db, job).await?;
    log::info!("{done}");
    match purge::wait(&state.db, id).await {
        [] => Ok(HttpResponse::NoContent().finish()),
        pending => Ok(HttpResponse::Ok().json(DeletionAnswer { pending })),
    }
}
