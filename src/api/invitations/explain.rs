//! The HTTP of the question why a person cannot accept.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::api::error_responses::{BODY, COMMON, WITH_KEY};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::base::error::{Error, Result};
use crate::http::auth::{OrganizationAccess, ReadLater};
use crate::http::json::Json;
use crate::http::params::OfInvitation;
use crate::http::path::InvitationId;
use crate::http::query::NoQuery;
use crate::redemption::explain::{self, ExplainBody, Explanation};

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![Operation::new(
        __path_explain,
        explain,
        &[COMMON, WITH_KEY, BODY],
    )]
}

/// `POST /v1/organizations/{organizationId}/invitations/{invitationId}/explain` with
/// `invitations:read`: 200 with what stands in the way.
///
/// # Errors
/// 404 where there is none, 422 where no address is given.
#[utoipa::path(
    post,
    path = "/v1/organizations/{organizationId}/invitations/{invitationId}/explain",
    operation_id = "explainInvitation",
    tag = "Invitations",
    summary = "Explain why an address cannot accept",
    description = "Every rule of an acceptance for the address, whether it passes, and what to do. \
        It changes nothing and counts as no try. An address that cannot be one is a finding, and \
        no error.",
    params(OfInvitation),
    request_body(content = ExplainBody, example = json!({"email": "new.user@example.com"})),
    responses(
        (status = 200, description = "What stands in the way.", body = Explanation,
            example = json!({
                "canAccept": false,
                "rules": [
                    {"rule": "address_form", "passes": true,
                        "detail": "It is compared as new.user@example.com."},
                    {"rule": "address", "passes": true, "detail": "It is the invited address."},
                    {"rule": "status", "passes": true,
                        "detail": "It was neither answered nor revoked."},
                    {"rule": "expiry", "passes": false,
                        "detail": "Its time ended at 2026-11-30T02:43:00.123Z. Send it again."}
                ]
            })),
    )
)]
async fn explain(
    access: OrganizationAccess<ReadLater>,
    id: InvitationId,
    _: NoQuery,
    state: Data<State>,
    body: Json<ExplainBody>,
) -> Result<HttpResponse> {
    let address = body.value.parse(state.rules.hosts)?;
    let snapshot = state.db.snapshot()?;
    let place = (&access.organization, id.0);
    let (reader, keyring) = (snapshot.reader(), &state.keyring);
    let explanation = explain::explain(&reader, keyring, &state.rules, place, &address)?;
    Ok(HttpResponse::Ok().json(explanation.ok_or_else(Error::not_found)?))
}
