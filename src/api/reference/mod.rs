//! The reference for developers: the OpenAPI documents as a page, by Swagger UI.
//!
//! The page loads nothing from elsewhere, and its policy refuses what stands in the page itself.
//! Pictures in the style of Swagger UI are `data:` URLs.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use minijinja::context;

use super::pages::fill;
use super::vendor::{SWAGGER_UI_SCRIPT, SWAGGER_UI_STYLE};
use crate::api::error_responses::COMMON;
use crate::api::operation::Operation;
use crate::base::error::{Code, Error, Result};
use crate::base::mode::Mode;
use crate::http::anonymous::Anonymous;
use crate::http::asset::Asset;

/// What the page may load: only from this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
    connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

/// The script of the page.
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "text/javascript; charset=utf-8",
        include_str!("assets/docs.js"),
    )
});
/// The style of the page and of the problems.
pub(super) static SHEET: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "text/css; charset=utf-8",
        include_str!("assets/reference.css"),
    )
});
/// The page of a server for everybody.
static PAGE: LazyLock<Result<Asset>> = LazyLock::new(|| make(Mode::Serve));
/// The page of `invited dev`, which has one document more.
static DEV_PAGE: LazyLock<Result<Asset>> = LazyLock::new(|| make(Mode::Dev));

/// Makes the page of a server in `mode`.
///
/// # Errors
/// When the template does not fit.
fn make(mode: Mode) -> Result<Asset> {
    let values = context! {
        is_dev => mode == Mode::Dev,
        ui_script => SWAGGER_UI_SCRIPT.version(),
        ui_style => SWAGGER_UI_STYLE.version(),
        script => SCRIPT.version(),
        sheet => SHEET.version(),
    };
    let html = fill(include_str!("assets/docs.html"), values)?;
    Ok(Asset::new("text/html; charset=utf-8", html))
}

/// The operations of this file, for a server in `mode`.
pub(crate) fn operations(mode: Mode) -> Vec<Operation> {
    const ERRORS: &[&[Code]] = &[COMMON, &[Code::RateLimited]];
    let page = match mode {
        Mode::Serve => Operation::new(__path_page, page, ERRORS),
        Mode::Dev => Operation::new(__path_page, dev_page, ERRORS),
    };
    let operations = [
        page,
        Operation::new(__path_script, script, ERRORS),
        Operation::new(__path_style, style, ERRORS),
        Operation::new(__path_ui_script, ui_script, ERRORS),
        Operation::new(__path_ui_style, ui_style, ERRORS),
    ];
    operations.map(Operation::public).into()
}

/// `GET /docs` without a key: the reference.
///
/// # Errors
/// None that a request can cause.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "getReference",
    tag = "Operation",
    summary = "The documents as a page",
    description = "Every operation with its fields, examples and errors, and a form to try it with \
        a key. Not there with `--docs off`.",
    responses(
        (status = 200, description = "The page.", content_type = "text/html", body = String,
            example = "<!doctype html>"),
    ),
    security(())
)]
async fn page(_: Anonymous, request: HttpRequest) -> Result<HttpResponse> {
    respond(&PAGE, &request)
}

/// The same of `invited dev`.
///
/// # Errors
/// None that a request can cause.
async fn dev_page(_: Anonymous, request: HttpRequest) -> Result<HttpResponse> {
    respond(&DEV_PAGE, &request)
}

/// Responds to `request` with `page`.
///
/// # Errors
/// When the page could not be made.
fn respond(page: &Result<Asset>, request: &HttpRequest) -> Result<HttpResponse> {
    let page = page
        .as_ref()
        .map_err(|error| Error::internal(error.to_string()))?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    Ok(page.respond_with(request, response))
}

/// `GET /docs/app.js` without a key: the script of that page.
#[utoipa::path(
    get,
    path = "/docs/app.js",
    operation_id = "getReferenceScript",
    tag = "Operation",
    summary = "The script of that page",
    description = "It loads the documents, and shows them with Swagger UI.",
    responses(
        (status = 200, description = "The script.", content_type = "text/javascript", body = String,
            example = "\"use strict\";"),
    ),
    security(())
)]
async fn script(_: Anonymous, request: HttpRequest) -> HttpResponse {
    SCRIPT.respond_versioned(&request)
}

/// `GET /docs/style.css` without a key: the style of that page and of the problems.
#[utoipa::path(
    get,
    path = "/docs/style.css",
    operation_id = "getReferenceStyle",
    tag = "Operation",
    summary = "The style of that page, and of the problems as pages",
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

/// `GET /docs/swagger-ui.js` without a key: the script of Swagger UI.
#[utoipa::path(
    get,
    path = "/docs/swagger-ui.js",
    operation_id = "getSwaggerUiScript",
    tag = "Operation",
    summary = "The script of Swagger UI, which that page is made with",
    description = "It is part of the program: nothing is loaded from elsewhere.",
    responses(
        (status = 200, description = "The script.", content_type = "text/javascript", body = String,
            example = "!function () {}();"),
    ),
    security(())
)]
async fn ui_script(_: Anonymous, request: HttpRequest) -> HttpResponse {
    SWAGGER_UI_SCRIPT.respond_versioned(&request)
}

/// `GET /docs/swagger-ui.css` without a key: the style of Swagger UI.
#[utoipa::path(
    get,
    path = "/docs/swagger-ui.css",
    operation_id = "getSwaggerUiStyle",
    tag = "Operation",
    summary = "The style of Swagger UI",
    description = "It is part of the program: nothing is loaded from elsewhere.",
    responses(
        (status = 200, description = "The style.", content_type = "text/css", body = String,
            example = ".swagger-ui { margin: 0; }"),
    ),
    security(())
)]
async fn ui_style(_: Anonymous, request: HttpRequest) -> HttpResponse {
    SWAGGER_UI_STYLE.respond_versioned(&request)
}
