//! Whether the server lives, and whether it takes writes. Public, for supervisors and load balancers.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::State;
use super::query::NoQuery;
use crate::error::{Code, Error, Result};

/// The answer of a healthy server.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`: anything else is answered as an error.
    #[schema(example = "ok", pattern = "^ok$")]
    status: &'static str,
}

/// `GET /health/live`: 200 while the process answers.
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "getLiveness",
    tag = "Operation",
    summary = "Is the process alive?",
    responses((status = 200, description = "It is.", body = Health, example = json!({"status": "ok"}))),
    security(())
)]
pub async fn live(_: NoQuery) -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}

/// `GET /health/ready`: 200 while reads and writes are taken, 503 once the disk has reported an error, and while the data
/// file is not at its place.
///
/// # Errors
/// [`Code::StorageFailed`], or that the file cannot be read.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "getReadiness",
    tag = "Operation",
    summary = "Does the server take reads and writes?",
    responses((status = 200, description = "It does.", body = Health, example = json!({"status": "ok"}))),
    security(())
)]
pub async fn ready(state: web::Data<State>, _: NoQuery) -> Result<HttpResponse> {
    state.db.read(|reader| reader.check())?;
    if !state.db.is_writable() {
        return Err(Error::new(Code::StorageFailed, "Writes are refused since the disk reported an error."));
    }
    state.db.check_place()?;
    Ok(HttpResponse::Ok().json(Health { status: "ok" }))
}
