//! The HTTP of figures about the invitations of an organization.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::api::error_responses::{COMMON, READING, WITH_KEY};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::base::error::Result;
use crate::http::auth::{OrganizationAccess, Read};
use crate::http::params::InOrganization;
use crate::http::query::NoQuery;
use crate::invitation::summary::Summary;

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![Operation::new(
        __path_summarize,
        summarize,
        &[COMMON, WITH_KEY, READING],
    )]
}

/// `GET /v1/organizations/{organizationId}/invitations/summary` with `invitations:read`: 200 with
/// figures.
///
/// # Errors
/// None of its own.
#[utoipa::path(
    get,
    path = "/v1/organizations/{organizationId}/invitations/summary",
    operation_id = "getInvitationSummary",
    tag = "Invitations",
    summary = "Get the figures of an organization's invitations",
    description = "Counts by status, by delivery and by day, and how long an acceptance takes, \
        of the newest 10,000 invitations: `isExact` says whether these are all. Zeros for an \
        organization that is not known.",
    params(InOrganization),
    responses(
        (status = 200, description = "The figures.", body = Summary, example = json!({
            "isExact": true,
            "statuses": {"pending": 1, "accepted": 1, "declined": 0, "revoked": 0, "expired": 0},
            "pendingDeliveries": {"none": 0, "queued": 0, "sent": 1, "failed": 0, "bounced": 0},
            "medianAcceptanceMs": 3_600_000,
            "days": [{"day": "2026-11-23", "invited": 2, "accepted": 1}]
        })),
    )
)]
async fn summarize(
    access: OrganizationAccess<Read>,
    _: NoQuery,
    state: Data<State>,
) -> Result<HttpResponse> {
    let (actor, organization) = (access.caller.actor, access.organization);
    drop(access.snapshot);
    let read = move |reader: &crate::db::Reader<'_>| Summary::read(reader, &organization);
    let summary = state.db.read_long(&actor, read).await?;
    Ok(HttpResponse::Ok().json(summary))
}
