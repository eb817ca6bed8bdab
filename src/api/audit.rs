//! The HTTP of the history of the server.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;

use super::state::State;
use crate::api::error_responses::{COMMON, LISTING, WITH_KEY};
use crate::api::operation::Operation;
use crate::api::stream::JsonArray;
use crate::audit::query::{AuditParams, AuditQuery};
use crate::audit::store::{self, Sight};
use crate::audit::{AuditEntry, example};
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::role::Role;
use crate::db::Reader;
use crate::http::auth::{Access, Admin};
use crate::http::query::Query;
use crate::key::Rights;

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![Operation::new(
        __path_list,
        list,
        &[COMMON, WITH_KEY, LISTING],
    )]
}

/// `GET /v1/audit` with `admin`: 200 with an array, one page of it.
///
/// # Errors
/// 400 for an unknown key or a foreign cursor, 422 for a value that is not acceptable.
#[utoipa::path(
    get,
    path = "/v1/audit",
    operation_id = "listAudit",
    tag = "Audit",
    summary = "List what was done to the server",
    description = "Who made and revoked keys, changed webhooks, deleted organizations, erased \
        addresses and rotated the secret, by the API and by commands at the machine: an array, \
        newest first. Always in pages: `Link` names the next one. A bound admin key sees what \
        concerns none but its organizations, one that is limited to roles only keys with some of \
        its own. Nothing is ever taken out of it.",
    params(AuditParams),
    responses(
        (status = 200, description = "What was done.", body = Vec<AuditEntry<'_>>,
            headers(("Link" = String, description = "`<URL>; rel=\"next\"` where more follow \
                (RFC 8288).")),
            example = json!([example()])),
    )
)]
async fn list(
    access: Access<Admin>,
    state: Data<State>,
    query: Query<AuditParams>,
) -> Result<HttpResponse> {
    let query = query.check(AuditQuery::parse)?;
    let (paged, limit) = (query.paged(), query.page.limit);
    let sight = sight_of(&access.caller.rights)?;
    let is_bounded = query.filter.is_empty() && sight.is_whole();
    let read = move |reader: &Reader<'_>| {
        let mut json = JsonArray::default();
        let write = |entry: &AuditEntry<'_>| json.push(entry);
        let (last, has_more) = store::list(reader, &query, &sight, write)?;
        Ok((json.finish(), last.filter(|_| has_more)))
    };
    // A filter may have to step over any number of rows.
    let (json, more_after) = if is_bounded {
        state.db.read(read)?
    } else {
        state.db.read_long(&access.caller.actor, read).await?
    };
    let mut response = HttpResponse::Ok();
    if let Some(last) = more_after {
        response.insert_header((
            header::LINK,
            paged.next_link(&state.public_url, limit, last.simple()),
        ));
    }
    Ok(response.content_type("application/json").body(json))
}

/// Which rows a caller with `rights` may see: by the rules of [`Rights::see_key`].
pub(super) fn sight_of(rights: &Rights) -> Result<Sight> {
    let names = |list: Vec<&str>| serde_json::to_string(&list).map_err(Error::internal);
    let organizations = rights
        .organizations
        .as_ref()
        .map(|list| list.iter().map(OrganizationId::as_str).collect());
    let roles = rights
        .roles
        .as_ref()
        .map(|list| list.iter().map(Role::as_str).collect());
    Ok(Sight {
        organizations: organizations.map(names).transpose()?,
        roles: roles.map(names).transpose()?,
    })
}
