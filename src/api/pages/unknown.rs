//! The page for people who open an address that nothing is at. Programs get a problem document.

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use minijinja::context;

use super::{PLAIN_POLICY, UNKNOWN, fill, root_from};
use crate::base::error::{Code, Error, Result};
use crate::http::request_id::RequestId;
use crate::http::{problem, refusal_log};

/// What the page says of an address that nothing is at. Whether a key would see something there is
/// not told to a person, who has none.
const NOTHING: (&str, &str) = (
    "There is no page here",
    "Check the address. If it came from an invitation, open the link in the mail again, or copy \
     all of it.",
);
/// What the page says of any other error.
const REFUSED: (&str, &str) = (
    "This does not work now",
    "Wait a minute, then load the page again.",
);

/// Whether a person asks for a page: a browser names HTML before all else. A key belongs to a
/// program.
pub(crate) fn is_asked_by_a_person(request: &HttpRequest) -> bool {
    [Method::GET, Method::HEAD].contains(request.method())
        && !request.headers().contains_key(header::AUTHORIZATION)
        && prefers_html(request)
}

/// Whether `request` asks for HTML before all else, as browsers do.
pub(super) fn prefers_html(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(header::ACCEPT);
    let accepted = accepted.map(|accept| accept.as_bytes());
    let first = accepted.and_then(|accept| accept.split(|&byte| b",;".contains(&byte)).next());
    first.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"text/html"))
}

/// Says in words what a problem document would say of `error`, with the same status and headers.
///
/// # Errors
/// When the page cannot be written.
pub(crate) fn respond(request: &HttpRequest, error: &Error) -> Result<HttpResponse> {
    let request_id = RequestId::of(request);
    refusal_log::log(request, error);
    problem::log_cause(error, &request_id);
    let (title, message) = match error.code {
        Code::NotFound | Code::Unauthorized => NOTHING,
        _ => REFUSED,
    };
    let (root, status) = (root_from(request.path()), error.status_code().as_u16());
    let html = fill(
        UNKNOWN,
        context! { title, message, status, request_id, root },
    )?;
    let mut response = HttpResponse::build(error.status_code());
    problem::add_headers(&mut response, error);
    response.insert_header((header::VARY, "Accept"));
    response.insert_header((header::CONTENT_SECURITY_POLICY, PLAIN_POLICY));
    Ok(response.content_type("text/html; charset=utf-8").body(html))
}
