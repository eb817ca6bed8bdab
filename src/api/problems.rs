//! The pages that explain errors.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};

use crate::api::error_responses::COMMON;
use crate::api::operation::Operation;
use crate::base::error::{Code, ERRORS, Error, FIELD_ERRORS, Meaning, Result};
use crate::http::anonymous::Anonymous;
use crate::http::asset::Asset;
use crate::http::query::NoQuery;
use crate::http::router::read_param;

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            __path_list_pages,
            list_pages,
            &[COMMON, &[Code::RateLimited]],
        )
        .public(),
        Operation::new(
            __path_page,
            page,
            &[COMMON, &[Code::NotFound, Code::RateLimited]],
        )
        .public(),
    ]
}

/// `GET /problems`: every error in a line.
#[utoipa::path(
    get,
    path = "/problems",
    operation_id = "listProblems",
    tag = "Operation",
    summary = "Every error code",
    responses(
        (status = 200, description = "One line a code.", content_type = "text/plain", body = String,
            example = "404  not_found"),
    ),
    security(())
)]
async fn list_pages(_: Anonymous, _: NoQuery, request: HttpRequest) -> HttpResponse {
    static PAGE: LazyLock<Asset> = LazyLock::new(|| {
        let line = |row: &Meaning| format!("{}  {:<24}  {}\n", row.status, row.name, row.title);
        Asset::new(
            "text/plain; charset=utf-8",
            ERRORS.iter().map(line).collect::<String>(),
        )
    });
    PAGE.respond(&request)
}

/// `GET /problems/{code}`: what an error means and what to do; where `type` of a problem document
/// points.
///
/// # Errors
/// [`Code::NotFound`] where there is no such code.
#[utoipa::path(
    get,
    path = "/problems/{code}",
    operation_id = "getProblem",
    tag = "Operation",
    summary = "What an error code means",
    params(("code" = String, Path, description = "The code, as in `code` of a problem \
        document.", example = "not_found")),
    responses(
        (status = 200, description = "What happened, and what to do.", content_type = "text/plain",
            body = String,
            example = "not_found (404): Not found"),
    ),
    security(())
)]
async fn page(_: Anonymous, request: HttpRequest, _: NoQuery) -> Result<HttpResponse> {
    let find = |name: &str| ERRORS.iter().find(|row| row.name == name);
    let row = read_param(&request, "code", find).ok_or_else(Error::not_found)?;
    let mut text = format!(
        "{} ({}): {}\n\n{}\n",
        row.name, row.status, row.title, row.meaning
    );
    if row.code == Code::ValidationFailed {
        text += "\nEach entry of `errors` has a code of its own:\n";
        text.extend(
            FIELD_ERRORS
                .iter()
                .map(|(_, name, meaning)| format!("  {name:<22}  {meaning}\n")),
        );
    }
    Ok(page_of(text))
}

/// A page of plain text.
fn page_of(text: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(text)
}
