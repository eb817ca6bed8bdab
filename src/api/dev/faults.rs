//! The HTTP of faults.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::Developer;
use crate::api::error_responses::{BODY, COMMON, WITH_KEY};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::base::error::{Code, Result};
use crate::http::json::Json;
use crate::http::query::NoQuery;
use crate::outbox::faults::{FaultsBody, Plans};

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            __path_get,
            get,
            &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]],
        ),
        Operation::new(
            __path_set,
            set,
            &[COMMON, WITH_KEY, BODY, &[Code::OriginNotAllowed]],
        ),
        Operation::new(
            __path_clear,
            clear,
            &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]],
        ),
    ]
}

/// `GET /dev/faults`, only in `invited dev`: 200 with the faults that are still to come.
#[utoipa::path(
    get,
    path = "/dev/faults",
    operation_id = "getFaults",
    tag = "Development",
    summary = "Faults that are still to come",
    description = "Of mail and of webhooks; what has none is absent.",
    responses(
        (status = 200, description = "What is left of them.", body = Plans,
            example = json!({"mail": {"next": 2, "do": "fail"}})),
    )
)]
async fn get(_: Developer, _: NoQuery, state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(state.faults.plans())
}

/// `POST /dev/faults`, only in `invited dev`: 200 with the faults that are to come then.
///
/// # Errors
/// 422 with everything that is not acceptable; nothing is changed then.
#[utoipa::path(
    post,
    path = "/dev/faults",
    operation_id = "setFaults",
    tag = "Development",
    summary = "Make the next deliveries fail",
    description = "The next mails or webhooks cannot be delivered (`fail`), hang for 10 seconds \
        (`stall`), or are answered with a code from 400 to 599. They are tried again as after any \
        such failure. What is not named stays as it is.",
    request_body(content = FaultsBody,
        example = json!({"mail": {"next": 3, "do": "fail"}, "webhooks": {"next": 1, "do": 503}})),
    responses(
        (status = 200, description = "The faults to come.", body = Plans,
            example = json!({"mail": {"next": 3, "do": "fail"},
                "webhooks": {"next": 1, "do": 503}})),
    )
)]
async fn set(
    _: Developer,
    _: NoQuery,
    state: Data<State>,
    body: Json<FaultsBody>,
) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok().json(state.faults.set(Plans::parse(&body.value)?)))
}

/// `DELETE /dev/faults`, only in `invited dev`: 204. What stalls goes on at once.
#[utoipa::path(
    delete,
    path = "/dev/faults",
    operation_id = "clearFaults",
    tag = "Development",
    summary = "Take all faults back",
    description = "From now on deliveries go out as they do without faults.",
    responses((status = 204, description = "Nothing fails any more by request."))
)]
async fn clear(_: Developer, _: NoQuery, state: Data<State>) -> HttpResponse {
    state.faults.clear();
    HttpResponse::NoContent().finish()
}
