//! The members of the dialect: the accepted invitations.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::access::{DialectAccess, OfMember, UserId};
use super::invitations::list_all;
use super::roles::{self, AssignedRole, Legacy};
use super::{Done, Envelope, done, ok, wrap};
use crate::api::error_responses::{BODY, PROBE, READING, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, FieldCode, FieldError, Result};
use crate::base::role::parse_role;
use crate::db::{Reader, WriteTx};
use crate::http::auth::{OrganizationAccess, Read, ReadLater, Right, Write};
use crate::http::json::Json;
use crate::http::params::InOrganization;
use crate::invitation::member::{self, Member};
use crate::invitation::{Invitation, Status, store};

/// What a change of a member can answer besides.
const CHANGING: &[Code] = &[Code::RoleNotGrantable, Code::StatusConflict];

/// A member, for the document.
fn example() -> Value {
    json!({
        "status": 200, "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11",
        "result": {
            "userId": "user_42", "name": "new.user@example.com", "email": "new.user@example.com",
            "role": "developer", "joinedAt": "2026-11-24T09:12:00.000Z", "assignedRoles": [{
                "roleId": "cbaefeb0-692e-573b-b38c-585b5d28c562", "roleName": "Developer", "roleType": "system"
            }]
        }
    })
}

/// The operations of this file.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(__path_list, list, &[PROBE, WITH_KEY, READING]),
        Operation::new(__path_get, get, &[PROBE, WITH_KEY, READING]),
        Operation::new(
            __path_update,
            update,
            &[PROBE, WITH_KEY, WRITING, BODY, READING, CHANGING],
        ),
        Operation::new(
            __path_delete,
            delete,
            &[PROBE, WITH_KEY, WRITING, READING, CHANGING],
        ),
    ]
}

/// A member: an accepted invitation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Member)]
struct DialectMember<'a> {
    /// The application's user id; where it gave none, the invitation's id.
    #[schema(value_type = String)]
    pub user_id: Cow<'a, str>,
    /// The address: names are not known here.
    pub name: &'a str,
    /// The address.
    pub email: &'a str,
    /// `admin`, or `developer` for every other role: `assignedRoles` tells them apart.
    pub role: Legacy,
    /// When the person joined.
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: Timestamp,
    /// The role of the person: always one.
    pub assigned_roles: [AssignedRole<'a>; 1],
}

impl<'a> From<&'a Invitation<'a>> for DialectMember<'a> {
    fn from(invitation: &'a Invitation<'a>) -> Self {
        Self {
            user_id: member::user_id(invitation),
            name: invitation.email,
            email: invitation.email,
            role: Legacy::new(invitation.role),
            joined_at: invitation.accepted_at.unwrap_or(invitation.updated_at),
            assigned_roles: [AssignedRole::new(invitation.role)],
        }
    }
}

/// What is to change of a member.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MemberPatchRequest)]
struct DialectMemberPatch {
    /// The role by its name, unless `assignedRoleIds` has one.
    #[schema(pattern = "^[A-Za-z][A-Za-z0-9_.:-]{0,63}$")]
    pub role: Option<String>,
    /// The role by its id: one, since nobody is without a role here.
    #[schema(min_items = 1, max_items = 1)]
    pub assigned_role_ids: Option<Vec<String>>,
}

/// Writes a member of the dialect.
fn write_member(invitation: &Invitation<'_>, json: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(json, &DialectMember::from(invitation)).map_err(Error::internal)
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
async fn list(
    DialectAccess(access): DialectAccess<Read>,
    state: Data<State>,
) -> Result<HttpResponse> {
    list_all(access, &state, Status::Accepted, write_member).await
}

/// Reads with `read` on a thread that may block: a member is found among all invitations.
async fn find<R: Right, T: Send + 'static>(
    access: &OrganizationAccess<R>,
    state: &State,
    user: String,
    show: impl Fn(&Reader<'_>, Member) -> Result<T> + Send + 'static,
) -> Result<T> {
    let organization = access.organization.clone();
    let find = move |reader: &Reader<'_>| {
        Member::find(reader, &organization, &user).and_then(|member| show(reader, member))
    };
    state.db.read_long(&access.caller.actor, find).await
}

/// `GET /clickhouse/v1/organizations/{organizationId}/members/{userId}` with `invitations:read`.
///
/// # Errors
/// 404 where nobody with this id accepted an invitation.
#[utoipa::path(
    get,
    path = "/clickhouse/v1/organizations/{organizationId}/members/{userId}",
    operation_id = "clickhouseGetMember",
    tag = "ClickHouse Cloud",
    summary = "Get member details",
    description = "Of several invitations that the user accepted, the latest.",
    params(OfMember),
    responses((status = 200, description = "The member.", body = Envelope<DialectMember<'_>>,
        example = json!(example())))
)]
async fn get(
    DialectAccess(access): DialectAccess<ReadLater>,
    UserId(user): UserId,
    state: Data<State>,
) -> Result<HttpResponse> {
    let (organization, request_id) = (access.organization.clone(), access.request_id.clone());
    let show = move |reader: &Reader<'_>, member: Member| {
        let show = |invitation: &Invitation<'_>| wrap(DialectMember::from(invitation), &request_id);
        store::find(reader, reader.now, &organization, member.latest(), show)?
            .ok_or_else(Error::not_found)
    };
    Ok(ok(find(&access, &state, user, show).await?))
}

/// `PATCH /clickhouse/v1/organizations/{organizationId}/members/{userId}` with
/// `invitations:write`: the member gets another role.
///
/// # Errors
/// 404 where nobody with this id accepted an invitation; 422 for a role that the organization does
/// not have; 409 for a member of more than 200 invitations.
#[utoipa::path(
    patch,
    path = "/clickhouse/v1/organizations/{organizationId}/members/{userId}",
    operation_id = "clickhouseUpdateMember",
    tag = "ClickHouse Cloud",
    summary = "Update organization member",
    description = "Gives the member another role. The history says so: `invitation.updated`. A \
        member of more than 200 invitations is refused.",
    params(OfMember),
    request_body(content = DialectMemberPatch, example = json!({"role": "admin"})),
    responses((status = 200, description = "The member.", body = Envelope<DialectMember<'_>>,
        example = json!(example())))
)]
async fn update(
    DialectAccess(access): DialectAccess<Write>,
    UserId(user): UserId,
    state: Data<State>,
    body: Json<DialectMemberPatch>,
) -> Result<HttpResponse> {
    // First of all: what is asked for somebody who is not there is not judged.
    let member = find(&access, &state, user, |_, member| Ok(member)).await?;
    let DialectMemberPatch {
        role,
        assigned_role_ids,
    } = body.value;
    if assigned_role_ids.as_ref().is_some_and(Vec::is_empty) {
        let detail = "one role: nobody is without a role here";
        return Err(FieldError::new("/assignedRoleIds", FieldCode::Required, detail).into());
    }
    let role = roles::asked(&access, &state, assigned_role_ids, role).await?;
    let parse = |role: &String| parse_role(Some(role), &state.rules.roles);
    let role = role.as_ref().map(parse).transpose()?;
    let author = access.caller.author();
    let by = access.actor();
    let organization = access.organization;
    let job = move |tx: &WriteTx<'_>| {
        let member = member.at_present(tx, &organization)?;
        if let Some(role) = &role {
            member.set_role(tx, &organization, role, &by)?;
        }
        let show = |invitation: &Invitation<'_>| {
            member.check(invitation)?;
            wrap(DialectMember::from(invitation), &by.origin.request_id)
        };
        store::find(tx, tx.now, &organization, member.latest(), show)?.ok_or_else(Error::not_found)
    };
    Ok(ok(author.write(&state.db, job).await?))
}

/// `DELETE /clickhouse/v1/organizations/{organizationId}/members/{userId}` with
/// `invitations:write`: the accepted invitations go, so that the address can be invited again.
///
/// # Errors
/// 404 where nobody with this id accepted an invitation.
#[utoipa::path(
    delete,
    path = "/clickhouse/v1/organizations/{organizationId}/members/{userId}",
    operation_id = "clickhouseDeleteMember",
    tag = "ClickHouse Cloud",
    summary = "Remove an organization member",
    description = "Deletes what the user accepted, and frees the address. The history says so: \
        `invitation.deleted`. A member of more than 200 invitations is refused.",
    params(OfMember),
    responses((status = 200, description = "It is gone.", body = Done,
        example = json!({"status": 200, "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11"})))
)]
async fn delete(
    DialectAccess(access): DialectAccess<Write>,
    UserId(user): UserId,
    state: Data<State>,
) -> Result<HttpResponse> {
    let member = find(&access, &state, user, |_, member| Ok(member)).await?;
    let author = access.caller.author();
    let by = access.actor();
    let organization = access.organization;
    let job = move |tx: &WriteTx<'_>| {
        let member = member.at_present(tx, &organization)?;
        member.remove(tx, &organization, &by)
    };
    author.write(&state.db, job).await?;
    Ok(done(access.request_id))
}
