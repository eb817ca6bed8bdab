//! What explains errors: text for programs, [`page`]s for people, and an [`example`] of each.

pub(crate) mod example;
mod page;

use std::sync::LazyLock;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use crate::api::error_responses::COMMON;
use crate::api::operation::Operation;
use crate::api::pages::unknown;
use crate::base::error::{Code, ERRORS, Error, FIELD_ERRORS, Meaning, Result};
use crate::http::anonymous::Anonymous;
use crate::http::asset::Asset;
use crate::http::query::NoQuery;
use crate::http::router::read_param;

/// What programs get.
const TEXT: &str = "text/plain; charset=utf-8";

/// The operations of this file; people get pages where there `are_pages`.
pub(crate) fn operations(are_pages: bool) -> Vec<Operation> {
    const LISTING: &[&[Code]] = &[COMMON, &[Code::RateLimited]];
    const EXPLAINING: &[&[Code]] = &[COMMON, &[Code::NotFound, Code::RateLimited]];
    let operations = if are_pages {
        [
            Operation::new(__path_list, list_for_everybody, LISTING),
            Operation::new(__path_explain, explain_to_everybody, EXPLAINING),
        ]
    } else {
        [
            Operation::new(__path_list, list, LISTING),
            Operation::new(__path_explain, explain, EXPLAINING),
        ]
    };
    operations.map(Operation::public).into()
}

/// `GET /problems` where people get a page.
///
/// # Errors
/// When the page cannot be made.
async fn list_for_everybody(
    caller: Anonymous,
    query: NoQuery,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let response = if unknown::is_asked_by_a_person(&request) {
        page::respond(&request, "")?
    } else {
        list(caller, query, request).await
    };
    Ok(varying(response))
}

/// `GET /problems/{code}` where people get a page.
///
/// # Errors
/// [`Code::NotFound`] where there is no such code.
async fn explain_to_everybody(
    caller: Anonymous,
    request: HttpRequest,
    query: NoQuery,
) -> Result<HttpResponse> {
    if !unknown::is_asked_by_a_person(&request) {
        return explain(caller, request, query).await.map(varying);
    }
    let name = read_param(&request, "code", |name| Some(name.to_owned()));
    match page::respond(&request, &name.unwrap_or_default()) {
        Ok(response) => Ok(varying(response)),
        Err(error) => unknown::respond(&request, &error),
    }
}

/// `response`, which another `Accept` would have made another one.
fn varying(mut response: HttpResponse) -> HttpResponse {
    let accept = HeaderValue::from_static("Accept");
    response.headers_mut().append(header::VARY, accept);
    response
}

/// `GET /problems`: every error in a line.
#[utoipa::path(
    get,
    path = "/problems",
    operation_id = "listProblems",
    tag = "Operation",
    summary = "Every error code",
    description = "A code a line, with its status and title; for browsers a page.",
    responses(
        (status = 200, description = "One line a code; for browsers a page.", content(
            (String = "text/plain", example = "404  not_found"),
            (String = "text/html", example = "<!doctype html>"),
        )),
    ),
    security(())
)]
async fn list(_: Anonymous, _: NoQuery, request: HttpRequest) -> HttpResponse {
    static PAGE: LazyLock<Asset> = LazyLock::new(|| {
        let line = |row: &Meaning| format!("{}  {:<24}  {}\n", row.status, row.name, row.title);
        Asset::new(TEXT, ERRORS.iter().map(line).collect::<String>())
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
    description = "What the code means, and what to do.",
    params(("code" = Code, Path, description = "As in `code` of a problem document.")),
    responses(
        (status = 200, description = "What happened, and what to do; for browsers a page.", content(
            (String = "text/plain", example = "not_found (404): Not found"),
            (String = "text/html", example = "<!doctype html>"),
        )),
    ),
    security(())
)]
async fn explain(_: Anonymous, request: HttpRequest, _: NoQuery) -> Result<HttpResponse> {
    static PAGES: LazyLock<Vec<Asset>> = LazyLock::new(|| {
        let page = |row: &Meaning| Asset::new(TEXT, text_of(row));
        ERRORS.iter().map(page).collect()
    });
    let find = |name: &str| ERRORS.iter().position(|row| row.name == name);
    let page = read_param(&request, "code", find).and_then(|place| PAGES.get(place));
    Ok(page.ok_or_else(Error::not_found)?.respond(&request))
}

/// What is said of one error.
fn text_of(row: &Meaning) -> String {
    let mut text = format!(
        "{} ({}): {}\n\n{} {}\n",
        row.name,
        row.status,
        row.title,
        row.meaning,
        row.code.remedy()
    );
    if row.code == Code::ValidationFailed {
        text += "\nEach entry of `errors` has a code of its own:\n";
        text.extend(
            FIELD_ERRORS
                .iter()
                .map(|(_, name, meaning)| format!("  {name:<22}  {meaning}\n")),
        );
    }
    text
}
