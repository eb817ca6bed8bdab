//! The HTTP of what is wrong with the server, or soon will be.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::state::State;
use crate::api::error_responses::{COMMON, READING, WITH_KEY};
use crate::api::operation::Operation;
use crate::backup::finding;
use crate::base::error::{Error, Result};
use crate::db::Reader;
use crate::doctor::{self, Finding, Running};
use crate::http::auth::{Access, Admin};
use crate::http::query::NoQuery;

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![Operation::new(
        __path_list,
        list,
        &[COMMON, WITH_KEY, READING],
    )]
}

/// `GET /v1/findings` with `admin` for all organizations: 200 with what each check found.
///
/// # Errors
/// 404 for a key that is bound to organizations.
#[utoipa::path(
    get,
    path = "/v1/findings",
    operation_id = "listFindings",
    tag = "Operation",
    summary = "What is wrong with the server, or soon will be",
    description = "What each check found, what is fine included. The same as `invited doctor`, and what only the server \
        knows. Needs a key for all organizations.",
    responses(
        (status = 200, description = "The findings.", body = Vec<Finding>, example = json!([
            {"name": "disk", "state": "warn", "detail": "512 MiB are free",
                "fix": "make room on the disk of the data file, or move the file to a larger one"},
            {"name": "clock", "state": "ok", "detail": "it is 2026-11-23T02:43:00.123Z"}])),
    )
)]
async fn list(access: Access<Admin>, _: NoQuery, state: Data<State>) -> Result<HttpResponse> {
    if access.caller.rights.organizations.is_some() {
        return Err(Error::not_found());
    }
    let findings = find(&state, &access.caller.actor).await?;
    Ok(HttpResponse::Ok().json(findings))
}

/// What each check finds now, for `actor`.
///
/// # Errors
/// When the file cannot be read now.
pub(super) async fn find(state: &State, actor: &str) -> Result<Vec<Finding>> {
    let (db, setup, backups) = (state.db.clone(), state.setup.clone(), state.backups.clone());
    // It looks at the disk, which may take its time.
    let look = move |reader: &Reader<'_>| {
        let mut findings = doctor::examine_outside(&setup);
        findings.extend(doctor::examine_file(reader));
        findings.extend(doctor::examine_running(Running {
            is_writable: db.is_writable(),
            is_in_place: db.check_place().is_ok(),
            integrity: db.integrity(),
        }));
        findings.push(finding::of_server(backups.as_deref(), reader.now));
        Ok(findings)
    };
    state.db.read_long(actor, look).await
}
