//! What went wrong, as a page of the console.

use actix_web::http::{Method, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use minijinja::context;
use url::Url;

use super::sheet::{self, HX_PUSH_URL, Trouble};
use super::sign_in::is_way;
use super::visitor::token_of;
use crate::api::state::State;
use crate::base::error::{Code, Error, Result};
use crate::http::context::Failed;
use crate::http::{host, problem};
use crate::session::Token;

/// Responds with `error` as a page, with the same status and headers as a problem document. Who is
/// not signed in gets the form for that.
pub(crate) fn respond(error: &Error, failed: &Failed<'_>) -> HttpResponse {
    problem::log_cause(error, failed.request_id);
    let html = page(error, failed).unwrap_or_else(|cause| {
        problem::log_cause(&cause, failed.request_id);
        error.code.meaning().title.to_owned()
    });
    let mut response = HttpResponse::build(error.status_code());
    problem::add_headers(&mut response, error);
    sheet::add_headers(&mut response);
    response.insert_header((header::VARY, "Cookie"));
    // The script loads this address as a page of its own, but for that of a form.
    response.insert_header((HX_PUSH_URL, "false"));
    response.body(html)
}

/// The page for `error`.
fn page(error: &Error, failed: &Failed<'_>) -> Result<String> {
    let path = failed.request.map_or(super::PREFIX, HttpRequest::path);
    if error.code != Code::Unauthorized {
        let trouble = Trouble {
            detail: failed.detail(error).into_owned(),
            ..Trouble::of(error, failed.request_id)
        };
        return sheet::bare(path, "trouble.html", context! { trouble });
    }
    let next = failed.request.map(next_of).unwrap_or_default();
    if failed.request.is_some_and(may_have_a_cookie) {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let query = query.append_pair("next", &next).finish();
        return sheet::bare(path, "again.html", context! { query });
    }
    // Who comes without a cookie has done nothing wrong.
    let has_failed = failed
        .request
        .is_none_or(|request| request.method() != Method::GET || token(request).is_some());
    let detail = has_failed.then_some(&*error.detail);
    sheet::bare(path, "sign_in.html", context! { detail, next })
}

/// The token of the session that `request` bears, whatever it is worth.
fn token(request: &HttpRequest) -> Option<Token> {
    let state = request.app_data::<Data<State>>()?;
    token_of(request, &state.public_url)
}

/// Whether a browser may have kept its cookie back, as it does for a link on another site.
fn may_have_a_cookie(request: &HttpRequest) -> bool {
    token(request).is_none()
        && request.method() == Method::GET
        && request.path() != "/console/sign-in"
        && host::is_link_elsewhere(request.headers())
}

/// The page that whoever sent `request` wants to see once they are signed in: what they asked for,
/// or the page with the form that they sent.
fn next_of(request: &HttpRequest) -> String {
    if request.method() != Method::POST {
        let query = request.query_string();
        let mark = if query.is_empty() { "" } else { "?" };
        return format!("{}{mark}{query}", request.path());
    }
    let above = request.path().rsplit_once('/').map(|(above, _)| above);
    page_before(request).unwrap_or_else(|| above.unwrap_or_default().to_owned())
}

/// The page of the console that `request` comes from.
fn page_before(request: &HttpRequest) -> Option<String> {
    let state = request.app_data::<Data<State>>()?;
    let below = Url::parse(&state.public_url).ok()?;
    let before = request.headers().get(header::REFERER)?.to_str().ok()?;
    let before = Url::parse(before).ok()?;
    let path = before
        .path()
        .strip_prefix(below.path().trim_end_matches('/'))?;
    let query = before.query().map(|query| format!("?{query}"));
    Some(path.to_owned() + &query.unwrap_or_default()).filter(|way| is_way(way))
}
