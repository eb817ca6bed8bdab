//! The errors as pages, for people.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use minijinja::{Value, context};
use serde::Serialize;

use super::example;
use crate::api::pages::{PLAIN_POLICY, fill};
use crate::api::reference::SHEET;
use crate::base::error::{Code, ERRORS, Error, FIELD_ERRORS, Meaning, Problem, Result};
use crate::base::html;
use crate::http::asset::Asset;
use crate::http::context::Failed;
use crate::http::problem;

/// The pages of all errors, by code; the list of them is under no name.
static PAGES: LazyLock<Result<BTreeMap<&str, Asset>>> = LazyLock::new(|| {
    let mut pages = BTreeMap::from([("", list()?)]);
    for row in ERRORS {
        pages.insert(row.name, one(row)?);
    }
    Ok(pages)
});

/// Responds with the page of the error that is called `name`, or of all errors where that is empty.
///
/// # Errors
/// [`Code::NotFound`] where there is no such error.
pub(super) fn respond(request: &HttpRequest, name: &str) -> Result<HttpResponse> {
    let pages = PAGES
        .as_ref()
        .map_err(|error| Error::internal(error.to_string()))?;
    let page = pages.get(name).ok_or_else(Error::not_found)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_SECURITY_POLICY, PLAIN_POLICY));
    Ok(page.respond_with(request, response))
}

/// An error as the page shows it.
#[derive(Serialize)]
struct Shown {
    /// Its code.
    name: &'static str,
    /// The status.
    status: u16,
    /// The status in words.
    reason: &'static str,
    /// Whether the server is to blame.
    is_ours: bool,
    /// The kind in a few words.
    title: &'static str,
    /// What happened.
    meaning: Value,
    /// What to do.
    remedy: Value,
}

impl From<&Meaning> for Shown {
    fn from(row: &Meaning) -> Self {
        let status = StatusCode::from_u16(row.status).ok();
        Self {
            name: row.name,
            status: row.status,
            reason: status
                .and_then(|status| status.canonical_reason())
                .unwrap_or_default(),
            is_ours: row.status >= 500,
            title: row.title,
            meaning: prose(row.meaning),
            remedy: prose(row.code.remedy()),
        }
    }
}

/// The list of all errors.
fn list() -> Result<Asset> {
    let problems: Vec<_> = ERRORS.iter().map(Shown::from).collect();
    page(
        include_str!("assets/list.html"),
        context! { root => "", problems },
    )
}

/// The page of one error.
fn one(row: &Meaning) -> Result<Asset> {
    let example = example::of(row.code);
    let fields = match row.code {
        Code::ValidationFailed => FIELD_ERRORS,
        _ => &[],
    };
    let fields: Vec<_> = fields
        .iter()
        .map(|(_, name, meaning)| (name, prose(meaning)))
        .collect();
    let values = context! {
        root => "../",
        problem => Shown::from(row),
        headers => headers_of(&example),
        body => body_of(&example)?,
        fields,
    };
    page(include_str!("assets/problem.html"), values)
}

/// What `template` makes of `values` and the style.
fn page(template: &str, values: Value) -> Result<Asset> {
    let html = fill(template, context! { sheet => SHEET.version(), ..values })?;
    Ok(Asset::new("text/html; charset=utf-8", html))
}

/// A text of the tables, in which backquotes mark what is code.
fn prose(text: &str) -> Value {
    let write = |(place, part)| match html::escape(part) {
        code if place % 2 == 1 => format!("<code>{code}</code>"),
        plain => plain,
    };
    Value::from_safe_string(text.split('`').enumerate().map(write).collect())
}

/// The headers of the response to `error` that tell something of it.
fn headers_of(error: &Error) -> Vec<(String, String)> {
    let failed = Failed {
        request_id: example::REQUEST_ID,
        request: None,
    };
    let response = problem::respond(error, &failed);
    let text = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        Some((name.to_string(), value.to_str().ok()?.to_owned()))
    };
    let mut headers: Vec<_> = response.headers().iter().filter_map(text).collect();
    headers.sort();
    headers
}

/// The body of the response to `error`, a field a line.
fn body_of(error: &Error) -> Result<String> {
    let problem = Problem::of(error, example::REQUEST_ID);
    serde_json::to_string_pretty(&problem).map_err(Error::internal)
}
