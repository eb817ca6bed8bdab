//! The invitations of the dialect.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::access::DialectAccess;
use super::roles::{self, AssignedRole, Legacy};
use super::{Done, Envelope, done, ok, wrap};
use crate::api::error_responses::{BODY, CREATING, PROBE, READING, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::api::stream;
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::base::page::{MAX_LIMIT, Order};
use crate::db::WriteTx;
use crate::http::auth::{OrganizationAccess, Read, Write};
use crate::http::idempotency as stored;
use crate::http::idempotency::IdempotencyKey;
use crate::http::json::Json;
use crate::http::params::{InOrganization, OfInvitation, Once};
use crate::http::path::InvitationId;
use crate::idempotency::{self, StoredResponse};
use crate::invitation::new::{CreateBody, NewInvitation};
use crate::invitation::query::Filter;
use crate::invitation::rows::{List, WriteRow};
use crate::invitation::{Invitation, Status, create as creation, delete as deletion, store};

/// The role of an invitation that names none.
const DEFAULT_ROLE: &str = "developer";

/// What is said where a pending invitation stands for the address.
const INVITED: &str = "This address has a pending invitation already; to delete it frees the \
    address.";
/// What is said where an accepted one does.
const JOINED: &str = "This address has joined by an invitation already; to remove the member frees \
    the address.";

/// An invitation, for the document.
fn example() -> Value {
    json!({
        "status": 200, "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11",
        "result": {
            "role": "developer", "id": "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f",
            "email": "new.user@example.com",
            "createdAt": "2026-11-23T02:43:00.123Z", "expireAt": "2026-11-30T02:43:00.123Z",
            "expiresAt": "2026-11-30T02:43:00.123Z", "assignedRoles": [{
                "roleId": "cbaefeb0-692e-573b-b38c-585b5d28c562",
                "roleName": "Developer", "roleType": "system"
            }]
        }
    })
}

/// The operations of this file.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(__path_list, list, &[PROBE, WITH_KEY, READING]),
        Operation::new(
            __path_create,
            create,
            &[PROBE, WITH_KEY, WRITING, BODY, CREATING, READING],
        ),
        Operation::new(__path_get, get, &[PROBE, WITH_KEY, READING]),
        Operation::new(__path_delete, delete, &[PROBE, WITH_KEY, WRITING]),
    ]
}

/// An invitation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Invitation)]
struct DialectInvitation<'a> {
    /// `admin`, or `developer` for every other role: `assignedRoles` tells them apart.
    pub role: Legacy,
    /// UUIDv7.
    #[schema(format = Uuid)]
    pub id: String,
    /// The address in its normal form.
    pub email: &'a str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// From when on it cannot be accepted.
    #[schema(value_type = String, format = DateTime)]
    pub expire_at: Timestamp,
    /// The same, by the name that older clients read.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// The role that the person gets on joining: always one.
    pub assigned_roles: [AssignedRole<'a>; 1],
}

impl<'a> From<&'a Invitation<'a>> for DialectInvitation<'a> {
    fn from(invitation: &'a Invitation<'a>) -> Self {
        Self {
            role: Legacy::new(invitation.role),
            id: invitation.id.to_string(),
            email: invitation.email,
            created_at: invitation.created_at,
            expire_at: invitation.expires_at,
            expires_at: invitation.expires_at,
            assigned_roles: [AssignedRole::new(invitation.role)],
        }
    }
}

/// A new invitation.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationPostRequest)]
struct DialectCreateBody {
    /// The address to invite.
    #[schema(value_type = String, required = true, max_length = 254,
        example = "new.user@example.com")]
    pub email: Option<String>,
    /// The role that the person gets on joining, by its name, unless `assignedRoleIds` has one.
    #[schema(pattern = "^[A-Za-z][A-Za-z0-9_.:-]{0,63}$", default = "developer")]
    pub role: Option<String>,
    /// The role by its id: at most one.
    #[schema(max_items = 1)]
    pub assigned_role_ids: Option<Vec<String>>,
}

/// Writes an invitation of the dialect.
fn write_invitation(invitation: &Invitation<'_>, json: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(json, &DialectInvitation::from(invitation)).map_err(Error::internal)
}

/// Responds with all invitations that stand as `status`, written by `write`.
pub(super) async fn list_all(
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
    DialectAccess(access): DialectAccess<Read>,
    state: Data<State>,
) -> Result<HttpResponse> {
    list_all(access, &state, Status::Pending, write_invitation).await
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
        body = Envelope<DialectInvitation<'_>>, example = json!(example())))
)]
async fn create(
    DialectAccess(access): DialectAccess<Write>,
    key: IdempotencyKey,
    state: Data<State>,
    body: Json<DialectCreateBody>,
) -> Result<HttpResponse> {
    let ticket = key.ticket(&access.caller, body.hash);
    let (author, by) = (access.caller.author(), access.actor());
    let new = match asked(access, &state, body.value).await {
        Ok(new) => new,
        Err(error) => {
            let answer = idempotency::answered(&state.db, ticket.as_ref(), error)?;
            return Ok(stored::respond(answer, state.etags));
        }
    };
    let job = move |tx: &WriteTx<'_>| {
        idempotency::once(tx, ticket.as_ref(), || {
            let show = |invitation: &Invitation<'_>, _| {
                wrap(DialectInvitation::from(invitation), &by.origin.request_id)
            };
            let (_, body) = creation::create(tx, &new, &by, show).map_err(in_words_of_its_own)?;
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

/// The invitation that a body asks for.
async fn asked(
    access: OrganizationAccess<Write>,
    state: &State,
    body: DialectCreateBody,
) -> Result<NewInvitation> {
    let role = roles::asked(&access, state, body.assigned_role_ids, body.role).await?;
    let body = CreateBody {
        email: body.email,
        role: Some(role.unwrap_or_else(|| DEFAULT_ROLE.to_owned())),
        ..CreateBody::default()
    };
    NewInvitation::parse(access.organization, body, &state.rules, state.db.now())
}

/// The error of a create, without what only the API's own create can do about it.
fn in_words_of_its_own(error: Error) -> Error {
    match error.code {
        Code::AlreadyInvited => error.with_detail(INVITED),
        Code::AlreadyAccepted => error.with_detail(JOINED),
        _ => error,
    }
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
        example = json!(example())))
)]
async fn get(DialectAccess(access): DialectAccess<Read>, id: InvitationId) -> Result<HttpResponse> {
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
    DialectAccess(access): DialectAccess<Write>,
    id: InvitationId,
    state: Data<State>,
) -> Result<HttpResponse> {
    let author = access.caller.author();
    let by = access.actor();
    let organization = access.organization;
    let job = move |tx: &WriteTx<'_>| deletion::delete(tx, &organization, id.0, &by, check_pending);
    author.write(&state.db, job).await?;
    Ok(done(access.request_id))
}
