//! Problem documents (RFC 9457): how every error is answered, and the pages that explain them.

use std::sync::LazyLock;

use actix_web::http::header::HeaderName;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::anonymous::Anonymous;
use super::asset::Asset;
use super::query::NoQuery;
use crate::base::error::{Code, ERRORS, Error, FIELD_ERRORS, FieldError, Meaning, Result};

/// What the limit is that a request went over.
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left of it, and when there will be more.
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The answer to every request that fails.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem<'a> {
    /// Where this kind of error is explained.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not_found", format = "uri-reference")]
    pub kind: String,
    /// The kind in a few words.
    pub title: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// This occurrence in a sentence.
    pub detail: &'a str,
    /// The kind as a stable name.
    pub code: &'a str,
    /// The `X-Request-Id` of the answer; the log has it too.
    pub request_id: &'a str,
    /// Every value that is not acceptable.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<ProblemField<'a>>,
    /// The invitation that stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = Uuid, required = false)]
    pub invitation_id: Option<String>,
    /// Where that invitation stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, pattern = "^(pending|accepted|declined|revoked|expired)$", required = false)]
    pub invitation_status: Option<&'a str>,
}

/// One value that is not acceptable.
#[derive(Serialize, ToSchema)]
pub struct ProblemField<'a> {
    /// A JSON pointer into the body, or the name of a query key.
    #[schema(example = "/email")]
    pub pointer: &'a str,
    /// What is wrong, as a stable name.
    #[schema(example = "invalid_email")]
    pub code: &'a str,
    /// What is wrong, in a sentence.
    pub detail: &'a str,
}

impl<'a> From<&'a FieldError> for ProblemField<'a> {
    fn from(field: &'a FieldError) -> Self {
        Self { pointer: &field.pointer, code: field.code.name(), detail: &field.detail }
    }
}

impl<'a> Problem<'a> {
    /// The document of `error` under `request_id`.
    pub fn of(error: &'a Error, request_id: &'a str) -> Self {
        let meaning = error.code.meaning();
        Self {
            kind: format!("/problems/{}", meaning.name),
            title: meaning.title,
            status: meaning.status,
            detail: &error.detail,
            code: meaning.name,
            request_id,
            errors: error.fields.iter().map(ProblemField::from).collect(),
            invitation_id: error.invitation_id.map(|id| id.to_string()),
            invitation_status: error.invitation_status,
        }
    }
}

/// Answers `error` under `request_id`; logs the cause of one that the server is to blame for.
pub fn respond(error: &Error, request_id: &str) -> HttpResponse {
    log_cause(error, request_id);
    let problem = Problem::of(error, request_id);
    let mut response = HttpResponse::build(error.status_code());
    add_headers(&mut response, error);
    response.content_type("application/problem+json").body(serde_json::to_vec(&problem).unwrap_or_default())
}

/// The headers that some errors have.
pub fn add_headers(response: &mut actix_web::HttpResponseBuilder, error: &Error) {
    if let Some(seconds) = error.retry_after_seconds {
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    if let (Some(policy), Some(seconds)) = (error.policy, error.retry_after_seconds) {
        // draft-ietf-httpapi-ratelimit-headers, in the form that it has since its revision 9.
        let (name, quota, window) = (policy.name, policy.quota, policy.window_seconds);
        response.insert_header((RATELIMIT_POLICY, format!("\"{name}\";q={quota};w={window}")));
        response.insert_header((RATELIMIT, format!("\"{name}\";r=0;t={seconds}")));
    }
    if let Some(allow) = &error.allow {
        response.insert_header((header::ALLOW, allow.as_str()));
    }
    if error.code == Code::Unauthorized {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
}

/// Logs why the server failed, once, under the id that the caller was given.
pub fn log_cause(error: &Error, request_id: &str) {
    if let Some(cause) = &error.cause {
        log::error!("request {request_id}: {error} ({cause})");
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.meaning().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Only the status: the envelope writes the body, since only it knows the request's id.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
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
pub async fn list_pages(_: Anonymous, _: NoQuery, request: HttpRequest) -> HttpResponse {
    static PAGE: LazyLock<Asset> = LazyLock::new(|| {
        let line = |row: &Meaning| format!("{}  {:<24}  {}\n", row.status, row.name, row.title);
        Asset::new("text/plain; charset=utf-8", ERRORS.iter().map(line).collect::<String>())
    });
    PAGE.respond(&request)
}

/// `GET /problems/{code}`: what an error means and what to do; where `type` of a problem document points.
///
/// # Errors
/// [`Code::NotFound`] where there is no such code.
#[utoipa::path(
    get,
    path = "/problems/{code}",
    operation_id = "getProblem",
    tag = "Operation",
    summary = "What an error code means",
    params(("code" = String, Path, description = "The code, as in `code` of a problem document.", example = "not_found")),
    responses(
        (status = 200, description = "What happened, and what to do.", content_type = "text/plain", body = String,
            example = "not_found (404): Not found"),
    ),
    security(())
)]
pub async fn page(_: Anonymous, code: web::Path<String>, _: NoQuery) -> Result<HttpResponse> {
    let row = ERRORS.iter().find(|row| row.name == *code).ok_or_else(Error::not_found)?;
    let mut text = format!("{} ({}): {}\n\n{}\n", row.name, row.status, row.title, row.meaning);
    if row.code == Code::ValidationFailed {
        text += "\nEach entry of `errors` has a code of its own:\n";
        text.extend(FIELD_ERRORS.iter().map(|(_, name, meaning)| format!("  {name:<22}  {meaning}\n")));
    }
    Ok(page_of(text))
}

/// A page of plain text.
fn page_of(text: String) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text)
}
