//! The roles of the dialect: ours, with ids.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::access::DialectAccess;
use super::{Envelope, ids, ok, wrap};
use crate::api::error_responses::{PROBE, READING, WITH_KEY};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::base::error::{Error, FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::role::Role;
use crate::db::Reader;
use crate::http::auth::{OrganizationAccess, ReadLater, Right};
use crate::http::params::InOrganization;
use crate::http::router::read_param;
use crate::invitation::store;
use crate::organization;

/// The names of the roles that the clients know, with what they show for them.
const SYSTEM: [(&str, &str); 2] = [("admin", "Admin"), ("developer", "Developer")];

/// The operations of this file.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(__path_list, list, &[PROBE, WITH_KEY, READING]),
        Operation::new(__path_get, get, &[PROBE, WITH_KEY, READING]),
    ]
}

/// Whether the clients know a role of their own.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RoleType)]
pub(super) enum Kind {
    /// They do.
    System,
    /// It is one of ours.
    Custom,
}

/// A role that somebody has, or is to have.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssignedRole<'a> {
    /// UUIDv5, derived from the name: everywhere the same.
    role_id: Uuid,
    /// Its name; `Admin` and `Developer` for `admin` and `developer`.
    role_name: &'a str,
    /// `system` for these two, else `custom`.
    role_type: Kind,
}

impl<'a> AssignedRole<'a> {
    /// What the dialect shows of the role `name`.
    pub(super) fn new(name: &'a str) -> Self {
        let system = SYSTEM.iter().find(|(own, _)| *own == name);
        Self {
            role_id: ids::of_role(name),
            role_name: system.map_or(name, |(_, shown)| shown),
            role_type: if system.is_some() {
                Kind::System
            } else {
                Kind::Custom
            },
        }
    }
}

/// The value of `role`, which is one of two: `developer` stands for every other role, too.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = LegacyRole)]
pub(super) enum Legacy {
    /// `admin`.
    Admin,
    /// Any other.
    Developer,
}

impl Legacy {
    /// What stands for the role `name`.
    pub(super) fn new(name: &str) -> Self {
        if name == "admin" {
            Self::Admin
        } else {
            Self::Developer
        }
    }
}

/// A role of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RBACRole)]
struct DialectRole<'a> {
    /// UUIDv5, derived from the name: everywhere the same.
    id: Uuid,
    /// `organization/` and the UUID of the organization.
    tenant_id: &'a str,
    /// The same.
    owner_id: &'a str,
    /// Its name; `Admin` and `Developer` for `admin` and `developer`.
    name: &'a str,
    /// `system` for these two, else `custom`.
    #[serde(rename = "type")]
    kind: Kind,
    /// Always empty: what a role may do is the matter of your application.
    policies: [String; 0],
}

impl<'a> DialectRole<'a> {
    /// The role `name` of the organization that `tenant` names.
    fn new(name: &'a str, tenant: &'a str) -> Self {
        let AssignedRole {
            role_id,
            role_name,
            role_type,
        } = AssignedRole::new(name);
        Self {
            id: role_id,
            tenant_id: tenant,
            owner_id: tenant,
            name: role_name,
            kind: role_type,
            policies: [],
        }
    }
}

/// How roles call the organization `id`.
fn tenant(id: &OrganizationId) -> String {
    format!("organization/{}", ids::of_organization(id.as_str()))
}

/// The roles that are named for `organization`: its own, or else those of the server, which has
/// `catalogue`; none: neither names any.
fn named(
    reader: &Reader<'_>,
    organization: &OrganizationId,
    catalogue: &[Role],
) -> Result<Option<Vec<String>>> {
    if let Some(own) = organization::store::get_settings(reader, organization)?.roles {
        return Ok(Some(own));
    }
    let catalogue = catalogue.iter().map(|role| role.as_str().to_owned());
    let catalogue: Vec<_> = catalogue.collect();
    Ok((!catalogue.is_empty()).then_some(catalogue))
}

/// The roles of `organization`: those that are named for it; where none are, the two that the
/// clients know, and those that its invitations and members have.
fn names(
    reader: &Reader<'_>,
    organization: &OrganizationId,
    catalogue: &[Role],
) -> Result<Vec<String>> {
    if let Some(named) = named(reader, organization, catalogue)? {
        return Ok(named);
    }
    let is_system = |name: &String| SYSTEM.iter().any(|(own, _)| own == name);
    let mut names = SYSTEM.map(|(name, _)| name.to_owned()).to_vec();
    let used = store::member::list_roles(reader, organization)?;
    names.extend(used.into_iter().filter(|name| !is_system(name)));
    Ok(names)
}

/// The roles of `organization`, for `actor`.
async fn list_names(
    state: &State,
    actor: &str,
    organization: &OrganizationId,
) -> Result<Vec<String>> {
    let (organization, catalogue) = (organization.clone(), state.rules.roles.clone());
    let read = move |reader: &Reader<'_>| names(reader, &organization, &catalogue);
    state.db.read_long(actor, read).await
}

/// The name of the role `id`, if it is one of `access`'s organization.
async fn find<R: Right>(
    access: &OrganizationAccess<R>,
    state: &State,
    id: Uuid,
) -> Result<Option<String>> {
    let names = list_names(state, &access.caller.actor, &access.organization).await?;
    Ok(names.into_iter().find(|name| ids::of_role(name) == id))
}

/// The role that is meant by `name`. What a system role is shown by means that role, so that what a
/// client sends back is what it was shown, unless a role of that very name is named for the
/// organization.
async fn meant<R: Right>(
    access: &OrganizationAccess<R>,
    state: &State,
    name: String,
) -> Result<String> {
    let Some((own, _)) = SYSTEM.iter().find(|(_, shown)| *shown == name) else {
        return Ok(name);
    };
    let (organization, catalogue) = (access.organization.clone(), state.rules.roles.clone());
    let read = move |reader: &Reader<'_>| named(reader, &organization, &catalogue);
    let named = state.db.read_long(&access.caller.actor, read).await?;
    let is_named = named.is_some_and(|named| named.contains(&name));
    Ok(if is_named { name } else { (*own).to_owned() })
}

/// The name of the role that a body asks for: by id, or else by name; none: by neither.
///
/// # Errors
/// [`Code::ValidationFailed`] for several ids, or one that no role of the organization has.
///
/// [`Code::ValidationFailed`]: crate::base::error::Code::ValidationFailed
pub(super) async fn asked<R: Right>(
    access: &OrganizationAccess<R>,
    state: &State,
    ids: Option<Vec<String>>,
    name: Option<String>,
) -> Result<Option<String>> {
    let refuse = |code, detail| Error::from(FieldError::new("/assignedRoleIds", code, detail));
    let unknown = || {
        let detail = "no role of this organization has this id: GET .../roles lists them";
        refuse(FieldCode::UnknownValue, detail)
    };
    // One id in two spellings is one role.
    let ids = ids.iter().flatten().map(|id| Uuid::try_parse(id));
    let ids: Vec<_> = ids
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| unknown())?;
    let Some(first) = ids.first() else {
        return match name {
            Some(name) => meant(access, state, name).await.map(Some),
            None => Ok(None),
        };
    };
    if ids.iter().any(|other| other != first) {
        return Err(refuse(
            FieldCode::NotAllowed,
            "one role: nobody has several here",
        ));
    }
    let found = find(access, state, *first).await?;
    found.ok_or_else(unknown).map(Some)
}

/// `GET /clickhouse/v1/organizations/{organizationId}/roles` with `invitations:read`: the roles that
/// can be granted.
///
/// # Errors
/// Those of every operation.
#[utoipa::path(
    get,
    path = "/clickhouse/v1/organizations/{organizationId}/roles",
    operation_id = "clickhouseListRoles",
    tag = "ClickHouse Cloud",
    summary = "List organization roles",
    description = "The organization's `roles`, or else the server's; where neither names any, \
        `admin`, `developer` and those that its invitations and members have.",
    params(InOrganization),
    responses((status = 200, description = "The roles.", body = Envelope<Vec<DialectRole<'_>>>,
        example = json!({"status": 200, "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11",
            "result": []})))
)]
async fn list(access: DialectAccess<ReadLater>, state: Data<State>) -> Result<HttpResponse> {
    let DialectAccess(access) = access;
    let tenant = tenant(&access.organization);
    let names = list_names(&state, &access.caller.actor, &access.organization).await?;
    let roles = names.iter().map(|name| DialectRole::new(name, &tenant));
    Ok(ok(wrap(roles.collect::<Vec<_>>(), &access.request_id)?))
}

/// `GET /clickhouse/v1/organizations/{organizationId}/roles/{roleId}` with `invitations:read`.
///
/// # Errors
/// 404 where no role has this id.
#[utoipa::path(
    get,
    path = "/clickhouse/v1/organizations/{organizationId}/roles/{roleId}",
    operation_id = "clickhouseGetRole",
    tag = "ClickHouse Cloud",
    summary = "Get organization role details",
    description = "One of those that the list has.",
    params(InOrganization, ("roleId" = String, Path, format = Uuid, description = "The role's id.")),
    responses((status = 200, description = "The role.", body = Envelope<DialectRole<'_>>,
        example = json!({"status": 200, "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11",
            "result": {
            "id": "cbaefeb0-692e-573b-b38c-585b5d28c562",
            "tenantId": "organization/7e0b8f5c-3c1d-4d0a-9f4e-2b6a1c9d8e7f",
            "ownerId": "organization/7e0b8f5c-3c1d-4d0a-9f4e-2b6a1c9d8e7f",
            "name": "Developer", "type": "system", "policies": []
        }})))
)]
async fn get(
    access: DialectAccess<ReadLater>,
    request: actix_web::HttpRequest,
    state: Data<State>,
) -> Result<HttpResponse> {
    let DialectAccess(access) = access;
    let id = read_param(&request, "roleId", |text| Uuid::try_parse(text).ok());
    let id = id.ok_or_else(Error::not_found)?;
    let found = find(&access, &state, id).await?;
    let name = found.ok_or_else(Error::not_found)?;
    let tenant = tenant(&access.organization);
    let role = DialectRole::new(&name, &tenant);
    Ok(ok(wrap(role, &access.request_id)?))
}
