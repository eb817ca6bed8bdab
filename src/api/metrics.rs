//! The HTTP of what Prometheus is told.

use actix_web::http::{Method, header};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};

use super::state::State;
use crate::api::error_responses::{COMMON, WITH_KEY};
use crate::api::operation::Operation;
use crate::base::error::{Error, Result};
use crate::http::asset::send_once;
use crate::http::auth::{Access, Metrics};
use crate::http::query::NoQuery;
use crate::http::route::Route;
use crate::metrics::family::Format;

/// The path of the metrics.
pub(super) const PATH: &str = "/metrics";

/// The route at a port of its own, where nobody needs a key.
pub(super) fn open_route() -> Route {
    Route::public(PATH.to_owned()).with(Method::GET, web::to(get_openly))
}

/// `GET /metrics` at a port of its own: 200 with the metrics.
async fn get_openly(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    respond(&request, &state.metrics)
}

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![Operation::new(__path_get, get, &[COMMON, WITH_KEY])]
}

/// `GET /metrics` with `metrics:read` for all organizations: 200 with the metrics.
///
/// # Errors
/// 404 for a key that is bound to organizations.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "Operation",
    summary = "The metrics of the server, for Prometheus",
    description = "In OpenMetrics 1.0.0 where `Accept` names `application/openmetrics-text`, else \
        in the text format 0.0.4 of Prometheus; with gzip where `Accept-Encoding` asks for it. Needs a key for all organizations with \
        `metrics:read`. Not at this port where the server was given another one for it.",
    responses(
        (status = 200, description = "The metrics.", content(
            (String = "text/plain; version=0.0.4; charset=utf-8",
                example = "# TYPE invited_storage_writable gauge\ninvited_storage_writable 1\n"),
            (String = "application/openmetrics-text; version=1.0.0; charset=utf-8",
                example = "# TYPE invited_storage_writable gauge\ninvited_storage_writable 1\n# EOF\n")
        )),
    )
)]
async fn get(
    access: Access<Metrics>,
    _: NoQuery,
    request: HttpRequest,
    state: Data<State>,
) -> Result<HttpResponse> {
    if access.caller.rights.organizations.is_some() {
        return Err(Error::not_found());
    }
    respond(&request, &state.metrics)
}

/// The metrics, in the format that `request` asks for.
///
/// # Errors
/// None: they are written into memory.
fn respond(request: &HttpRequest, metrics: &crate::metrics::Metrics) -> Result<HttpResponse> {
    let accept = request.headers().get(header::ACCEPT);
    let format = Format::choose(
        accept
            .and_then(|text| text.to_str().ok())
            .unwrap_or_default(),
    );
    let page = metrics.write(format).map_err(Error::internal)?;
    let mut response = HttpResponse::Ok();
    response.content_type(format.media_type());
    response.insert_header((header::VARY, "Accept, Accept-Encoding"));
    Ok(send_once(request, response, page))
}
