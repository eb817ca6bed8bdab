//! Problem documents (RFC 9457): how every error is answered, and the pages that explain them.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpResponse, ResponseError};

use super::context::Failed;
use crate::base::current_request::CurrentRequest;
use crate::base::error::{Code, Error, Problem};

/// What the limit is that a request went over.
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left of it, and when there will be more.
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Responds with `error`; logs the cause of one that the server is to blame for.
pub(crate) fn respond(error: &Error, failed: &Failed<'_>) -> HttpResponse {
    log_cause(error, failed.request_id);
    let detail = failed.detail(error);
    let problem = Problem {
        detail: &detail,
        ..Problem::of(error, failed.request_id)
    };
    let mut response = HttpResponse::build(error.status_code());
    add_headers(&mut response, error);
    response
        .content_type("application/problem+json")
        .body(serde_json::to_vec(&problem).unwrap_or_default())
}

/// The headers that some errors have.
pub(crate) fn add_headers(response: &mut actix_web::HttpResponseBuilder, error: &Error) {
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
pub(crate) fn log_cause(error: &Error, request_id: &str) {
    if let Some(cause) = &error.cause {
        let of_stream = || CurrentRequest {
            id: request_id.into(),
            trace_id: None,
        };
        let request = CurrentRequest::get().unwrap_or_else(of_stream);
        request.run_now(|| log::error!("{error} ({cause})"));
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.meaning().status)
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Only the status: the envelope writes the body, since only it knows the request's id.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}
