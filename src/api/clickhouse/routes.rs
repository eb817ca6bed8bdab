//! The HTTP of the dialect.

use actix_web::web::Data;
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use super::{
    DialectCreateBody, DialectInvitation, DialectMember, DialectOrganization, Done, Envelope,
    Failed,
};
use crate::api::error_responses::{BODY, COMMON, CREATING, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::api::stream;
use crate::base::error::{Code, Error, Result};
use crate::base::page::{MAX_LIMIT, Order};
use crate::db::WriteTx;
use crate::http::auth::{Caller, OrganizationAccess, Read, Write};
use crate::http::context;
use crate::http::idempotency::IdempotencyKey;
use crate::http::json::Json;
use crate::http::params::{InOrganization, OfInvitation, Once};
use crate::http::path::InvitationId;
use crate::http::query::NoQuery;
use crate::http::request_id::RequestId;
use crate::http::{idempotency as stored, problem};
use crate::idempotency::{self, StoredResponse};
use crate::invitation::actor::Actor;
use crate::invitation::new::NewInvitation;
use crate::invitation::query::Filter;
use crate::invitation::rows::{List, WriteRow};
use crate::invitation::{Invitation, Status, create as creation, delete as deletion, store};
use crate::key::Scope;
use crate::organization;

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            __path_list_organizations,
            list_organizations,
            &[COMMON, WITH_KEY, &[Code::ReadTimeout]],
        ),
        Operation::new(__path_list, list, &[COMMON, WITH_KEY, &[Code::ReadTimeout]]),
        Operation::new(
            __path_create,
            create,
            &[COMMON, WITH_KEY, WRITING, BODY, CREATING],
        ),
        Operation::new(__path_get, get, &[COMMON, WITH_KEY, &[Code::ReadTimeout]]),
        Operation::new(__path_delete, delete, &[COMMON, WITH_KEY, WRITING]),
        Operation::new(
            __path_list_members,
            list_members,
            &[COMMON, WITH_KEY, &[Code::ReadTimeout]],
        ),
    ]
}

/// Responds with `error` in the dialect.
pub(crate) fn respond(error: &Error, failed: &context::Failed<'_>) -> HttpResponse {
    problem::log_cause(error, failed.request_id);
    let meaning = error.code.meaning();
    let text = format!("{}: {}", meaning.name.to_uppercase(), error.detail);
    let mut response = HttpResponse::build(error.status_code());
    problem::add_headers(&mut response, error);
    response.json(Failed {
        status: meaning.status,
        error: text,
        request_id: failed.request_id.to_owned(),
    })
}

/// Wraps `result` as bytes.
fn wrap<T: Serialize>(result: T, request_id: &str) -> Result<Vec<u8>> {
    let envelope = Envelope {
        status: 200,
        request_id: request_id.to_owned(),
        result,
    };
    serde_json::to_vec(&envelope).map_err(Error::internal)
}

/// Responds with JSON that is written already.
fn ok(json: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(json)
}

/// `GET /clickhouse/v1/organizations` with `invitations:read`: the organizations that the key may
/// see and whose ids are UUIDs.
///
/// # Errors
/// Those of every operation.
#[utoipa::path(
    get,
    path = "/clickhouse/v1/organizations",
    operation_id = "clickhouseListOrganizations",
    tag = "ClickHouse Cloud",
    summary = "List organizations",
    description = "The organizations that the key may see and whose ids are UUIDs: the clients \
        of this dialect give up on others.",
    responses((status = 200, description = "The organizations.",
        body = Envelope<Vec<DialectOrganization>>,
        example = json!({"status": 200, "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11",
            "result": []})))
)]
async fn list_organizations(
    caller: Caller,
    request: actix_web::HttpRequest,
    _: NoQuery,
    state: Data<State>,
) -> Result<HttpResponse> {
    caller.require(Scope::Read)?;
    let Caller { actor, rights } = caller;
    let organizations = state.db.read_long(&actor, move |reader| {
        let mut seen = Vec::new();
        organization::store::list(reader, &rights, ("", u32::MAX), |id, organization| {
            seen.extend(DialectOrganization::new(id, organization));
            Ok(())
        })?;
        Ok(seen)
    });
    Ok(ok(wrap(organizations.await?, &RequestId::of(&request))?))
}

/// Writes an invitation of the dialect.
fn write_invitation(invitation: &Invitation<'_>, json: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(json, &DialectInvitation::from(invitation)).map_err(Error::internal)
}

/// Writes a member of the dialect.
fn write_member(invitation: &Invitation<'_>, json: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(json, &DialectMember::from(invitation)).map_err(Error::internal)
}

/// Responds with all invitations that stand as `status`, written by `write`.
async fn list_all(
    access: OrganizationAccess<Read>,
    state: &State,
    status: Status,
    write: WriteRow,
) -> Result<HttpResponse> {
    let filter = Filter::only(status);
    let (db, actor) = (state.db.clone(), access.caller.actor);
    let list = List {
        db,
        actor,
        organization: access.organization,
        filter,
        order: Order::NewestFirst,
        write,
    };
    let opening = format!(
        "{{\"status\":200,\"requestId\":\"{}\",\"result\":[",
        access.request_id
    );
    let first = list
        .page(access.snapshot, opening.into_bytes(), None, MAX_LIMIT)
        .await?;
    let rest = move |opening, after| list.clone().rest(opening, after);
    Ok(stream::respond(HttpResponse::Ok(), first, b"]}", rest))
}

/// `GET /clickhouse/v1/organizations/{organizationId}/invitations` with `invitations:read`: the
/// pending ones.
///
/// # Errors
/// Those of every operation.
#[utoipa::path(
    get,
    path = "/clickhouse/v1/organizations/{organizationId}/invitations",
    operation_id = "clickhouseListInvitations",
    tag = "ClickHouse Cloud",
    summary = "List all pending invitations",
    description = "Of one organization, the latest first.",
    params(InOrganization),
    responses((status = 200, description = "The invitations.",
        body = Envelope<Vec<DialectInvitation<'_>>>,
        example = json!({"status": 200, "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11",
            "result": []})))
)]
async fn list(
    access: OrganizationAccess<Read>,
    _: NoQuery,
    state: Data<State>,
) -> Result<HttpResponse> {
    list_all(access, &state, Status::Pending, write_invitation).await
}

/// `GET /clickhouse/v1/organizations/{organizationId}/members` with `invitations:read`: whoever
/// accepted an invitation.
///
/// # Errors
/// Those of every operation.
#[utoipa::path(
    get,
    path = "/clickhouse/v1/organizations/{organizationId}/members",
    operation_id = "clickhouseListMembers",
    tag = "ClickHouse Cloud",
    summary = "List organization members",
    description = "The members are the accepted invitations.",
    params(InOrganization),
    responses((status = 200, description = "The members.", body = Envelope<Vec<DialectMember<'_>>>,
        example = json!({"status": 200, "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11",
            "result": []})))
)]
async fn list_members(
    access: OrganizationAccess<Read>,
    _: NoQuery,
    state: Data<State>,
) -> Result<HttpResponse> {
    list_all(access, &state, Status::Accepted, write_member).await
}

/// `POST /clickhouse/v1/organizations/{organizationId}/invitations` with `invitations:write`: 200
/// with the new invitation.
///
/// # Errors
/// Those of the API's own create.
#[utoipa::path(
    post,
    path = "/clickhouse/v1/organizations/{organizationId}/invitations",
    operation_id = "clickhouseCreateInvitation",
    tag = "ClickHouse Cloud",
    summary = "Create an invitation",
    description = "At most one pending invitation stands for an address.",
    params(InOrganization, Once),
    request_body(content = DialectCreateBody,
        example = json!({"email": "new.user@example.com", "assignedRoleIds": []})),
    responses((status = 200, description = "The invitation.",
        body = Envelope<DialectInvitation<'_>>, example = json!({
        "status": 200, "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11", "result": {
            "role": "developer", "id": "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f",
            "email": "new.user@example.com",
            "createdAt": "2026-11-23T02:43:00.123Z", "expireAt": "2026-11-30T02:43:00.123Z",
            "expiresAt": "2026-11-30T02:43:00.123Z", "assignedRoles": []
        }})))
)]
async fn create(
    access: OrganizationAccess<Write>,
    _: NoQuery,
    key: IdempotencyKey,
    state: Data<State>,
    body: Json<DialectCreateBody>,
) -> Result<HttpResponse> {
    let ticket = key.ticket(&access.caller, body.hash);
    let author = access.caller.author();
    let by = Actor {
        origin: access.origin(),
        rights: access.caller.rights,
    };
    let body = body.value.translate()?;
    let new = NewInvitation::parse(access.organization, body, &state.rules, state.db.now())?;
    let job = move |tx: &WriteTx<'_>| {
        idempotency::once(tx, ticket.as_ref(), || {
            let show = |invitation: &Invitation<'_>, _| {
                wrap(DialectInvitation::from(invitation), &by.origin.request_id)
            };
            let (_, body) = creation::create(tx, &new, &by, show)?;
            Ok(StoredResponse {
                status: 200,
                location: None,
                body,
                organization: Some(new.organization.clone()),
                replayed: false,
            })
        })
    };
    let answer = author.write(&state.db, job).await?;
    Ok(stored::respond(answer, state.etags))
}

/// Responds as if what is not pending were not there.
fn check_pending(invitation: &Invitation<'_>) -> Result<()> {
    (invitation.status == Status::Pending)
        .then_some(())
        .ok_or_else(Error::not_found)
}

/// `GET /clickhouse/v1/organizations/{organizationId}/invitations/{invitationId}` with
/// `invitations:read`.
///
/// # Errors
/// 404 where there is no pending one.
#[utoipa::path(
    get,
    path = "/clickhouse/v1/organizations/{organizationId}/invitations/{invitationId}",
    operation_id = "clickhouseGetInvitation",
    tag = "ClickHouse Cloud",
    summary = "Get invitation details",
    description = "Only a pending one is there.",
    params(OfInvitation),
    responses((status = 200, description = "The invitation.",
        body = Envelope<DialectInvitation<'_>>,
        example = json!({"status": 200, "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11",
            "result": {
            "role": "developer", "id": "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f",
            "email": "new.user@example.com",
            "createdAt": "2026-11-23T02:43:00.123Z", "expireAt": "2026-11-30T02:43:00.123Z",
            "expiresAt": "2026-11-30T02:43:00.123Z", "assignedRoles": []
        }})))
)]
async fn get(
    access: OrganizationAccess<Read>,
    id: InvitationId,
    _: NoQuery,
) -> Result<HttpResponse> {
    let show = |invitation: &Invitation<'_>| {
        check_pending(invitation)?;
        wrap(DialectInvitation::from(invitation), &access.request_id)
    };
    let reader = access.snapshot.reader();
    let found = store::find(&reader, reader.now, &access.organization, id.0, show)?;
    Ok(ok(found.ok_or_else(Error::not_found)?))
}

/// `DELETE /clickhouse/v1/organizations/{organizationId}/invitations/{invitationId}` with
/// `invitations:write`.
///
/// # Errors
/// 404 where there is no pending one.
#[utoipa::path(
    delete,
    path = "/clickhouse/v1/organizations/{organizationId}/invitations/{invitationId}",
    operation_id = "clickhouseDeleteInvitation",
    tag = "ClickHouse Cloud",
    summary = "Delete organization invitation",
    description = "Only a pending one is there; it frees the address.",
    params(OfInvitation),
    responses((status = 200, description = "It is gone.", body = Done,
        example = json!({"status": 200, "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11"})))
)]
async fn delete(
    access: OrganizationAccess<Write>,
    id: InvitationId,
    _: NoQuery,
    state: Data<State>,
) -> Result<HttpResponse> {
    let author = access.caller.author();
    let by = Actor {
        origin: access.origin(),
        rights: access.caller.rights,
    };
    let organization = access.organization;
    let job = move |tx: &WriteTx<'_>| deletion::delete(tx, &organization, id.0, &by, check_pending);
    author.write(&state.db, job).await?;
    Ok(HttpResponse::Ok().json(Done {
        status: 200,
        request_id: access.request_id,
    }))
}
