//! The HTTP of bounces.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::state::State;
use crate::api::error_responses::{BODY, COMMON, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::base::error::{Code, Error, Result};
use crate::db::WriteTx;
use crate::http::auth::{Access, Deliveries};
use crate::http::idempotency as stored;
use crate::http::idempotency::IdempotencyKey;
use crate::http::json::Json;
use crate::http::params::Once;
use crate::http::query::NoQuery;
use crate::idempotency::{self, StoredResponse};
use crate::mail::bounce::{self, Bounce, BounceBody, Noted};

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![Operation::new(
        __path_report,
        report,
        &[
            COMMON,
            WITH_KEY,
            WRITING,
            BODY,
            &[Code::NotFound, Code::IdempotencyKeyReused],
        ],
    )]
}

/// `POST /v1/bounces` with `deliveries:write`: 200 with the invitation it is about.
///
/// # Errors
/// 404 where there is no such mail or invitation that the key may see, 422 with everything that is
/// not acceptable.
#[utoipa::path(
    post,
    path = "/v1/bounces",
    operation_id = "reportBounce",
    tag = "Invitations",
    summary = "Report a mail that came back",
    description = "Sets `delivery` to `bounced`, with the reason in `deliveryError`, and adds the \
        event `invitation.bounced`. Only the mail of the last sending counts, and only once it \
        was sent: what came back too late, or a second time, changes nothing.",
    params(Once),
    request_body(content = BounceBody, example = json!({
        "organizationId": "acme",
        "invitationId": "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f",
        "kind": "permanent",
        "reason": "550 5.1.1 no such user"
    })),
    responses(
        (status = 200, description = "The invitation that it is about.", body = Noted,
            example = json!({
                "organizationId": "acme",
                "invitationId": "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f",
                "delivery": "bounced"
            })),
    )
)]
async fn report(
    access: Access<Deliveries>,
    _: NoQuery,
    key: IdempotencyKey,
    state: Data<State>,
    body: Json<BounceBody>,
) -> Result<HttpResponse> {
    let ticket = key.ticket(&access.caller, body.hash);
    let author = access.caller.author();
    let (origin, rights) = (access.origin(), access.caller.rights);
    let bounce = Bounce::parse(body.value)?;
    let job = move |tx: &WriteTx<'_>| {
        idempotency::once(tx, ticket.as_ref(), || {
            let noted = bounce::note(tx, &bounce, &rights, &origin)?;
            Ok(StoredResponse {
                status: 200,
                location: None,
                body: serde_json::to_vec(&noted).map_err(Error::internal)?,
                organization: Some(noted.organization_id),
                replayed: false,
            })
        })
    };
    let answer = author.write(&state.db, job).await?;
    Ok(stored::head(&answer).body(answer.body))
}
