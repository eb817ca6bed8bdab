//! The HTTP of invitations: the seed's four operations.

pub(crate) mod batch;
pub(crate) mod bodies;
pub(crate) mod explain;
pub(crate) mod lifecycle;
pub(crate) mod summary;
pub(crate) mod target;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;

use super::error_responses::{BODY, COMMON, CREATING, LISTING, WITH_KEY, WRITING};
use super::operation::Operation;
use super::state::State;
use super::stream;
use crate::base::error::{Code, Error, Result};
use crate::base::page::MAX_LIMIT;
use crate::db::Reader;
use crate::http::auth::{Access, Caller, OrganizationAccess, Read, Write};
use crate::http::etag::{self, Conditions};
use crate::http::idempotency as stored;
use crate::http::idempotency::IdempotencyKey;
use crate::http::json::Json;
use crate::http::params::{InOrganization, OfInvitation, Once, OnlyVersion};
use crate::http::path::InvitationId;
use crate::http::query::{NoQuery, Query};
use crate::idempotency::{self, StoredResponse};
use crate::invitation::create::{self, Outcome};
use crate::invitation::new::{CreateBody, NewInvitation};
use crate::invitation::query::{AddressParams, ListParams, ListQuery};
use crate::invitation::rows::List;
use crate::invitation::{Invitation, Status, delete, json, store};
use crate::key::Scope;

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(__path_get, get, &[COMMON, WITH_KEY]),
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
        Operation::new(
            __path_create,
            create,
            &[
                COMMON,
                WITH_KEY,
                WRITING,
                BODY,
                CREATING,
                &[Code::ResendTooSoon],
            ],
        ),
        Operation::new(
            __path_list_of_address,
            list_of_address,
            &[
                COMMON,
                WITH_KEY,
                &[Code::ValidationFailed, Code::ReadTimeout],
            ],
        ),
    ]
}

/// `GET /v1/organizations/{organizationId}/invitations` with `invitations:read`: 200 with an array.
///
/// # Errors
/// 400 for an unknown key or a foreign cursor, 422 for a value that is not acceptable.
#[utoipa::path(
    get,
    path = "/v1/organizations/{organizationId}/invitations",
    operation_id = "listInvitations",
    tag = "Invitations",
    summary = "List all invitations",
    description = "All invitations of the organization as an array, newest first; `[]` for an \
        organization that is not known. Without `limit` all of them come, streamed. With `limit`, \
        `Link` names the next page.",
    params(
        InOrganization,
        ListParams,
    ),
    responses(
        (status = 200, description = "The invitations.", body = Vec<Invitation<'_>>, 
            headers(("Link" = String, description = "`<URL>; rel=\"next\"` where more follow \
                (RFC 8288).")),
            example = json!([crate::invitation::example()])),
    )
)]
async fn list(
    access: OrganizationAccess<Read>,
    state: Data<State>,
    query: Query<ListParams>,
) -> Result<HttpResponse> {
    let query =
        query.check(|params| ListQuery::parse(params, &access.organization, state.rules.hosts))?;
    let (filter, order) = (query.filter.clone(), query.order);
    let (db, actor) = (state.db.clone(), access.caller.actor);
    let list = List {
        db,
        actor,
        organization: access.organization,
        filter,
        order,
        write: json::write,
    };
    let mut first = list
        .page(
            access.snapshot,
            b"[".to_vec(),
            query.after,
            query.limit.unwrap_or(MAX_LIMIT),
        )
        .await?;
    let mut response = HttpResponse::Ok();
    if let Some(limit) = query.limit
        && let Some(last) = first.more_after.take()
    {
        let paged = query.paged(&list.organization);
        let link = paged.next_link(&state.public_url, limit, last.simple());
        response.insert_header((header::LINK, link));
    }
    let rest = move |opening, after| list.clone().rest(opening, after);
    Ok(stream::respond(response, first, b"]", rest))
}

/// `POST /v1/organizations/{organizationId}/invitations` with `invitations:write`: 201 with the
/// invitation, or 200 with the one that stands already.
///
/// # Errors
/// 403 for a role above the key's, 409 where one stands already, 422 with everything that is not
/// acceptable.
#[utoipa::path(
    post,
    path = "/v1/organizations/{organizationId}/invitations",
    operation_id = "createInvitation",
    tag = "Invitations",
    summary = "Create an invitation",
    description = "Invites an address to the organization. At most one pending or accepted \
        invitation stands for an address; `onConflict` says what to do about it. A lapsed one \
        never stands in the way.",
    params(InOrganization, Once),
    request_body(content = CreateBody,
        example = json!({"email": "New.User@example.com", "role": "developer"})),
    responses(
        (status = 201, description = "The new invitation.", body = Invitation<'_>, headers(
            ("Location" = String, description = "Where it is."),
            ("ETag" = String, description = "Its version."),
            ("Idempotency-Replayed" = String, description = "`true` where this is a stored \
                answer."),
        ), example = json!(crate::invitation::example())),
        (status = 200, description = "The invitation that stands already, with `onConflict` \
            `return` or `resend`.",
            body = Invitation<'_>, headers(
            ("ETag" = String, description = "Its version."),
            ("Idempotency-Replayed" = String, description = "`true` where this is a stored \
                answer."),
        ), example = json!(crate::invitation::example())),
    )
)]
async fn create(
    access: OrganizationAccess<Write>,
    _: NoQuery,
    key: IdempotencyKey,
    state: Data<State>,
    body: Json<CreateBody>,
) -> Result<HttpResponse> {
    let ticket = key.ticket(&access.caller, body.hash);
    let author = access.caller.author();
    let by = access.actor();
    let may_read = by.rights.scopes.contain(Scope::Read);
    // A part of an invitation has no version.
    let respond = |answer: StoredResponse| {
        if may_read || answer.status == 201 {
            stored::respond(answer, state.etags)
        } else {
            stored::head(&answer).body(answer.body)
        }
    };
    let (rules, now) = (&state.rules, state.db.now());
    let new = match NewInvitation::parse(access.organization, body.value, rules, now) {
        Ok(new) => new,
        Err(error) => {
            return idempotency::answered(&state.db, ticket.as_ref(), error).map(respond);
        }
    };
    let base = format!(
        "{}/v1/organizations/{}/invitations",
        state.public_url, new.organization
    );
    let job = move |tx: &crate::db::WriteTx<'_>| {
        idempotency::once(tx, ticket.as_ref(), || {
            let show = |invitation: &Invitation<'_>, outcome| {
                Ok((invitation.id, by.shown(invitation, outcome)?))
            };
            let (outcome, (id, body)) = create::create(tx, &new, &by, show)?;
            let (status, location) = match outcome {
                Outcome::Created => (201, Some(format!("{base}/{id}"))),
                Outcome::Standing => (200, None),
            };
            Ok(StoredResponse {
                status,
                location,
                body,
                organization: Some(new.organization.clone()),
                replayed: false,
            })
        })
    };
    author.write(&state.db, job).await.map(respond)
}

/// `GET /v1/organizations/{organizationId}/invitations/{invitationId}` with `invitations:read`: 200
/// with the invitation, or 304 where the caller has this version.
///
/// # Errors
/// 404 where there is none.
#[utoipa::path(
    get,
    path = "/v1/organizations/{organizationId}/invitations/{invitationId}",
    operation_id = "getInvitation",
    tag = "Invitations",
    summary = "Get invitation details",
    description = "As it stands now: one whose time has passed is `expired`.",
    params(
        OfInvitation,
        ("If-None-Match" = Option<String>, Header, description = "Versions that the caller has; \
            empty: none.",
            pattern = "^((W/)?\"[0-9a-f]{32}\")?$"),
    ),
    responses(
        (status = 200, description = "The invitation.", body = Invitation<'_>,
            headers(("ETag" = String, description = "Its version.")),
            example = json!(crate::invitation::example())),
        (status = 304, description = "The caller has this version.",
            headers(("ETag" = String, description = "Its version."))),
    )
)]
async fn get(
    access: OrganizationAccess<Read>,
    id: InvitationId,
    _: NoQuery,
    conditions: Conditions,
) -> Result<HttpResponse> {
    let reader = access.snapshot.reader();
    let found = store::find(
        &reader,
        reader.now,
        &access.organization,
        id.0,
        json::to_bytes,
    )?;
    let body = found.ok_or_else(Error::not_found)?;
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

/// `DELETE /v1/organizations/{organizationId}/invitations/{invitationId}` with `invitations:write`:
/// 204 without a body.
///
/// # Errors
/// 404 where there is none, 412 where `If-Match` names another version.
#[utoipa::path(
    delete,
    path = "/v1/organizations/{organizationId}/invitations/{invitationId}",
    operation_id = "deleteInvitation",
    tag = "Invitations",
    summary = "Delete organization invitation",
    description = "Deletes the invitation, whatever its status; it frees the address. The \
        history keeps that it was there.",
    params(OfInvitation, OnlyVersion),
    responses((status = 204, description = "It is gone."))
)]
async fn delete(
    access: OrganizationAccess<Write>,
    id: InvitationId,
    _: NoQuery,
    conditions: Conditions,
    state: Data<State>,
) -> Result<HttpResponse> {
    let author = access.caller.author();
    let by = access.actor();
    let organization = access.organization;
    let job = move |tx: &crate::db::WriteTx<'_>| {
        let check =
            |invitation: &Invitation<'_>| conditions.check_match(&json::to_bytes(invitation)?);
        delete::delete(tx, &organization, id.0, &by, check)
    };
    author.write(&state.db, job).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /v1/invitations?email=` with `invitations:read`: 200 with the pending invitations of one
/// address.
///
/// # Errors
/// 422 where the address is missing or not acceptable.
#[utoipa::path(
    get,
    path = "/v1/invitations",
    operation_id = "listInvitationsOfAddress",
    tag = "Invitations",
    summary = "List the open invitations of an address",
    description = "The pending invitations of one address in all organizations that the key may \
        see, by organization: what an application shows to a user who signs in.",
    params(AddressParams),
    responses(
        (status = 200, description = "The invitations.", body = Vec<Invitation<'_>>,
            example = json!([crate::invitation::example()])),
    )
)]
async fn list_of_address(
    access: Access<Read>,
    state: Data<State>,
    query: Query<AddressParams>,
) -> Result<HttpResponse> {
    let email = query.check(|params| params.parse(state.rules.hosts))?;
    let Caller { actor, rights } = access.caller;
    drop(access.snapshot);
    let read = move |reader: &Reader<'_>| {
        let mut list = b"[".to_vec();
        for (organization, id) in store::list_standing(reader, &email)? {
            if !rights.see(organization.as_str()) {
                continue;
            }
            store::find(reader, reader.now, &organization, id, |invitation| {
                if invitation.status != Status::Pending {
                    return Ok(());
                }
                if list.len() > 1 {
                    list.push(b',');
                }
                json::write(invitation, &mut list)
            })?;
        }
        list.push(b']');
        Ok(list)
    };
    let list = state.db.read_long(&actor, read).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(list))
}
