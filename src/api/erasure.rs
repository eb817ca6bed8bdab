//! The HTTP of erasures.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::state::State;
use crate::api::error_responses::{COMMON, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::base::error::{Code, Error, Result};
use crate::erasure::{Erased, Erasure};
use crate::http::auth::{Access, Admin};
use crate::http::query::Query;
use crate::invitation::query::AddressParams;

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![Operation::new(
        __path_erase,
        erase,
        &[
            COMMON,
            WITH_KEY,
            WRITING,
            &[
                Code::ValidationFailed,
                Code::ReadTimeout,
                Code::RoleNotGrantable,
            ],
        ],
    )]
}

/// `DELETE /v1/invitations?email=` with `admin`: 200 with how much was erased.
///
/// # Errors
/// 403 for a key that is limited to roles, 422 where the address is missing or not acceptable.
#[utoipa::path(
    delete,
    path = "/v1/invitations",
    operation_id = "eraseAddress",
    tag = "Invitations",
    summary = "Erase an address",
    description = "Deletes every invitation of the address in all organizations that the key \
        may see, whatever its status, with the stored answers that hold it, and takes the \
        address out of the history. Then its text leaves the data file: `pending` names what is \
        still to do after some seconds, which needs no repetition. A key that is limited to \
        roles may not do it.",
    params(AddressParams),
    responses(
        (status = 200, description = "How much was erased; zeros where there was \
            nothing.", body = Erased,
            example = json!({"invitations": 2, "events": 5, "answers": 1, "pending": []})),
    )
)]
async fn erase(
    access: Access<Admin>,
    state: Data<State>,
    query: Query<AddressParams>,
) -> Result<HttpResponse> {
    let email = query.check(|params| params.parse(state.rules.hosts))?;
    access.caller.rights.check_grants_all()?;
    let origin = access.origin();
    let erasure = Erasure::new(state.db.clone(), email, access.caller.rights, origin);
    // A task of its own: it goes on when the caller goes away.
    let erased = actix_web::rt::spawn(erasure.run())
        .await
        .map_err(Error::internal)??;
    Ok(HttpResponse::Ok().json(erased))
}
