//! Whether the server lives, and whether it takes writes. Public, for supervisors and load
//! balancers, which may add a query that only keeps caches out: it means nothing here.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::state::State;
use crate::api::error_responses::PROBE;
use crate::api::operation::Operation;
use crate::base::clock::Clock;
use crate::base::error::{Code, Error, Result};
use crate::db::Integrity;
use crate::doctor::probe::{self, Seen};
use crate::http::anonymous;
use crate::http::route::Route;
use crate::policy::limits::client::is_trusted;

/// What a server that is not ready can answer.
const NOT_READY: &[Code] = &[Code::Overloaded, Code::StorageFailed, Code::StorageCorrupt];

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(__path_live, live, &[PROBE]).public(),
        Operation::new(__path_ready, ready, &[PROBE, NOT_READY]).public(),
        Operation::new(__path_health_live, health_live, &[PROBE]).public(),
        Operation::new(__path_health_ready, health_ready, &[PROBE, NOT_READY]).public(),
    ]
}

/// Whether `path` is one that supervisors ask.
pub(crate) fn is_probe(path: &str) -> bool {
    let paths = ["/livez", "/readyz", "/health"];
    paths.iter().any(|start| path.starts_with(start))
}

/// What probes are also set up with: a slash at the end, and the names that say neither. Whoever
/// restarts a server that is not healthy must not do so because its disk is full, so those mean
/// that the process is alive.
pub(crate) fn aliases() -> Vec<Route> {
    let route = |path: &str, handler| Route::public(path.to_owned()).with(Method::GET, handler);
    let live_paths = [
        "/livez/",
        "/health/live/",
        "/healthz",
        "/healthz/",
        "/health",
    ];
    let live_routes = live_paths.map(|path| route(path, web::to(live)));
    let ready_routes = ["/readyz/", "/health/ready/"].map(|path| route(path, web::to(ready)));
    live_routes.into_iter().chain(ready_routes).collect()
}

/// What a probe says.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = HealthStatus)]
enum Health {
    /// All is well: anything else is answered as an error.
    Ok,
}

/// That the process is alive.
#[derive(Serialize, ToSchema)]
struct Liveness {
    /// Always `ok`: anything else is answered as an error.
    status: Health,
}

/// That reads and writes are taken, and what is known of the file.
#[derive(Serialize, ToSchema)]
struct Readiness {
    /// Always `ok`: anything else is answered as an error.
    status: Health,
    /// What the last look through the whole file came to.
    integrity: Integrity,
}

/// `GET /livez`: 200 while the process answers. `invited doctor` knows the server by it, whatever
/// the disk does.
#[utoipa::path(
    get,
    path = "/livez",
    operation_id = "getLiveness",
    tag = "Operation",
    summary = "Is the process alive?",
    description = "200 as long as the process answers, whatever becomes of the file.",
    responses((status = 200, description = "It is.", body = Liveness,
        example = json!({"status": "ok"}))),
    security(())
)]
async fn live(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(seen) = seen_of(&request, &state) {
        response.insert_header((probe::SEEN, seen));
    }
    response.json(Liveness { status: Health::Ok })
}

/// `GET /readyz`: 200 while reads and writes are taken, 503 once the disk has reported an
/// error, and while the data file is not at its place.
///
/// # Errors
/// [`Code::StorageFailed`], or that the file cannot be read.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "getReadiness",
    tag = "Operation",
    summary = "Does the server take reads and writes?",
    description = "`integrity` is `unchecked` until the first look through the whole file has \
        ended, some seconds after the start. It is looked through again once a day; reads and \
        writes go on in a damaged file wherever they meet no damage.",
    responses((status = 200, description = "It does.", body = Readiness,
        example = json!({"status": "ok", "integrity": "ok"}))),
    security(())
)]
async fn ready(state: web::Data<State>) -> Result<HttpResponse> {
    state.db.read(|reader| reader.check())?;
    if !state.db.is_writable() {
        return Err(Error::new(
            Code::StorageFailed,
            "Writes are refused since the disk reported an error.",
        ));
    }
    state.db.check_place()?;
    Ok(HttpResponse::Ok().json(Readiness {
        status: Health::Ok,
        integrity: state.db.integrity(),
    }))
}

/// What the server sees of a request by `invited doctor`; none: it is by somebody else.
fn seen_of(request: &HttpRequest, state: &State) -> Option<String> {
    let proof = request.headers().get(probe::PROOF)?.to_str().ok()?;
    if !probe::is_proven(state.keyring.signing(), proof, Clock::System.now()) {
        return None;
    }
    let (peer, forwarded) = anonymous::origin(request);
    let limits = &state.rules.sending.limits;
    let seen = Seen {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        peer: peer.to_canonical(),
        is_forwarded: !forwarded.is_empty(),
        is_trusted: is_trusted(peer, &limits.trusted_proxies),
    };
    serde_json::to_string(&seen).ok()
}

/// `GET /health/live`: the same as `/livez`.
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "getHealthLive",
    tag = "Operation",
    summary = "The same as /livez",
    description = "The name of that probe elsewhere.",
    responses((status = 200, description = "It is.", body = Liveness,
        example = json!({"status": "ok"}))),
    security(())
)]
async fn health_live(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    live(request, state).await
}

/// `GET /health/ready`: the same as `/readyz`.
///
/// # Errors
/// Those of [`ready`].
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "getHealthReady",
    tag = "Operation",
    summary = "The same as /readyz",
    description = "The name of that probe elsewhere.",
    responses((status = 200, description = "It does.", body = Readiness,
        example = json!({"status": "ok", "integrity": "ok"}))),
    security(())
)]
async fn health_ready(state: web::Data<State>) -> Result<HttpResponse> {
    ready(state).await
}
