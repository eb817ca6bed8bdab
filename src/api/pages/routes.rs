//! The HTTP of the pages. Opening one changes nothing.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};

use super::answer::{self, PageForm};
use super::sheet::Sheet;
use super::step::Step;
use super::words;
use super::{POLICY, SCRIPT, SHEET, root_from};
use crate::api::error_responses::{COMMON, FORM, REDEMPTION, WITHOUT_KEY, WRITING};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::base::error::{Code, Error, Result};
use crate::http::anonymous::Anonymous;
use crate::http::asset::Asset;
use crate::http::query::NoQuery;
use crate::http::route::Route;
use crate::mail::words::Words;

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(__path_accept, accept, &[COMMON, &[Code::RateLimited]]).public(),
        Operation::new(
            __path_send_accept_form,
            send_accept_form,
            &[COMMON, WITHOUT_KEY, WRITING, FORM, REDEMPTION],
        )
        .public(),
        Operation::new(
            __path_accept_script,
            accept_script,
            &[COMMON, &[Code::RateLimited]],
        )
        .public(),
        Operation::new(__path_style, style, &[COMMON, &[Code::RateLimited]]).public(),
    ]
}

/// The page that links lead to, where a proxy put a slash behind its path. It is no operation:
/// nobody should ask for it on purpose.
pub(crate) fn with_a_slash() -> Route {
    Route::public("/accept/".to_owned()).with(Method::GET, web::to(accept_as_spelled))
}

/// Whether a browser asks for the page that links lead to with a token in its path: filters of mail
/// percent-encode the `#` before it, once or more often.
pub(crate) fn is_link_as_path(request: &HttpRequest) -> bool {
    let rest = request.path().strip_prefix("/accept").unwrap_or_default();
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let encoded = rest.strip_prefix('%').unwrap_or_default();
    [Method::GET, Method::HEAD].contains(request.method())
        && (rest.starts_with('#') || encoded.trim_start_matches("25").starts_with("23"))
}

/// The page that links lead to as it is opened, by language.
static START: LazyLock<Result<BTreeMap<&str, Asset>>> = LazyLock::new(|| {
    let page = |words: &'static Words| {
        let html = Sheet::bare(Step::Start).html_in(words, "")?;
        let asset = Asset::new("text/html; charset=utf-8", html);
        Ok((words.language.as_str(), asset))
    };
    words::catalogues()?.all().map(page).collect()
});

/// A page under `policy`.
fn page(policy: &'static str, html: String) -> HttpResponse {
    let policy = (header::CONTENT_SECURITY_POLICY, policy);
    HttpResponse::Ok()
        .insert_header(policy)
        .content_type("text/html; charset=utf-8")
        .body(html)
}

/// `GET /accept` without a key: the page that links lead to when the operator has none. The token
/// of a link is in its fragment, which no server gets: all that is done here is done by the page's
/// script, by the operations of everybody who has a link. Trackers add to links, so any query is
/// taken, here and where the page's script and style are.
///
/// # Errors
/// None that a request can cause.
#[utoipa::path(
    get,
    path = "/accept",
    operation_id = "getAcceptPage",
    tag = "Pages",
    summary = "The page that links lead to",
    description = "For operators without a page of their own (`--accept-url`). It takes the token \
        from the fragment of its address, shows the invitation, and accepts or declines it: by one \
        click where the link was mailed, or by a code that is sent to the address. Opening it \
        changes nothing.",
    responses(
        (status = 200, description = "The page.", content_type = "text/html", body = String,
            example = "<!doctype html>"),
    ),
    security(())
)]
async fn accept(_: Anonymous, request: HttpRequest) -> Result<HttpResponse> {
    let pages = START
        .as_ref()
        .map_err(|error| Error::internal(error.to_string()))?;
    let language = words::find(&words::wished(&request))?.language.as_str();
    let page = pages
        .get(language)
        .ok_or_else(|| Error::internal(language))?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    let mut response = page.respond_with(&request, response);
    let vary = HeaderValue::from_static("Accept-Language");
    response.headers_mut().append(header::VARY, vary);
    Ok(response)
}

/// `POST /accept` without a key: a step of the page, as a form.
///
/// # Errors
/// Those of the operations that its buttons stand for.
#[utoipa::path(
    post,
    path = "/accept",
    operation_id = "sendAcceptForm",
    tag = "Pages",
    summary = "A step of that page",
    description = "What the forms of the page send, with its script and without: the link, then the \
        button that was pressed. It does what the operations under `/v1/invitations` do, and shows \
        what is next. Whoever asks for HTML gets errors as a page, with the same status.",
    request_body(content = Option<PageForm>, content_type = "application/x-www-form-urlencoded",
        example = json!({"do": "join", "token": crate::redemption::EXAMPLE_TOKEN})),
    responses(
        (status = 200, description = "The next step.", content_type = "text/html", body = String,
            example = "<!doctype html>"),
    ),
    security(())
)]
async fn send_accept_form(
    _: NoQuery,
    request: HttpRequest,
    state: Data<State>,
) -> Result<HttpResponse> {
    answer::respond(request, state).await
}

/// `GET` of the page under another path without a key: the same page. Its script takes the token
/// out of the path.
///
/// # Errors
/// None that a request can cause.
pub(crate) async fn accept_as_spelled(_: Anonymous, request: HttpRequest) -> Result<HttpResponse> {
    let root = root_from(request.path());
    let html = Sheet::bare(Step::Start).html(&request, &root)?;
    Ok(page(POLICY, html))
}

/// `GET /accept/app.js` without a key: the script of that page.
#[utoipa::path(
    get,
    path = "/accept/app.js",
    operation_id = "getAcceptScript",
    tag = "Pages",
    summary = "The script of that page",
    description = "The page works without it, too.",
    responses(
        (status = 200, description = "The script.", content_type = "text/javascript", body = String,
            example = "\"use strict\";"),
    ),
    security(())
)]
async fn accept_script(_: Anonymous, request: HttpRequest) -> HttpResponse {
    SCRIPT.respond_versioned(&request)
}

/// `GET /accept/style.css` without a key: the style of all pages.
#[utoipa::path(
    get,
    path = "/accept/style.css",
    operation_id = "getAcceptStyle",
    tag = "Pages",
    summary = "The style of all pages",
    description = "It follows the colours of the system, light or dark.",
    responses(
        (status = 200, description = "The style.", content_type = "text/css", body = String,
            example = "body { margin: 0; }"),
    ),
    security(())
)]
async fn style(_: Anonymous, request: HttpRequest) -> HttpResponse {
    SHEET.respond_versioned(&request)
}
