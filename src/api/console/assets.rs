//! Style, scripts and icon of the console.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, web};

use super::get;
use crate::api::vendor::HTMX;
use crate::http::anonymous::Anonymous;
use crate::http::asset::Asset;
use crate::http::route::Route;

/// The style.
pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "text/css; charset=utf-8",
        include_str!("assets/console.css"),
    )
});
/// The script of the pages.
pub(super) static APP: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "text/javascript; charset=utf-8",
        include_str!("assets/app.js"),
    )
});
/// The icon of the browser's tab.
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("image/svg+xml", include_str!("assets/icon.svg")));

/// The paths of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/console/style.css", web::to(style)),
        get("/console/app.js", web::to(app)),
        get("/console/htmx.js", web::to(htmx)),
        get("/console/icon.svg", web::to(icon)),
    ]
}

/// `GET /console/style.css` without a session.
async fn style(_: Anonymous, request: HttpRequest) -> HttpResponse {
    STYLE.respond_versioned(&request)
}

/// `GET /console/app.js` without a session.
async fn app(_: Anonymous, request: HttpRequest) -> HttpResponse {
    APP.respond_versioned(&request)
}

/// `GET /console/htmx.js` without a session.
async fn htmx(_: Anonymous, request: HttpRequest) -> HttpResponse {
    HTMX.respond_versioned(&request)
}

/// `GET /console/icon.svg` without a session.
async fn icon(_: Anonymous, request: HttpRequest) -> HttpResponse {
    ICON.respond(&request)
}
