//! The console: pages to see and run everything with, for people who are signed in.
//!
//! It has no rules of its own: its handlers call what the handlers of the API call, and its rights
//! are those of an API key. Every task is done by plain links and forms. A script, htmx, puts what
//! changed into the page instead of loading all of it.
//!
//! * [`visitor`] is who is at the console: the first argument of every handler. [`sign_in`] opens
//!   and ends sessions.
//! * [`sheet`] writes pages, [`times`] times and numbers on them; [`trouble`] what went wrong;
//!   [`standing`] knows how the server is.
//! * [`assets`] are style, script and icon.
//! * Each other file is a place of the navigation, or a part of one: [`organizations`],
//!   [`invitation`], [`mail`], [`health`].
//!
//! The templates are in `assets/templates`, one a page; `layout.html` is around them, and
//! `parts.html` has the pieces that several of them share. A page that was changed by a form is
//! reached by a redirect, whose query says in one of a few words what was done.

mod assets;
mod desk;
mod health;
mod invitation;
mod mail;
mod organizations;
mod sheet;
mod sign_in;
mod standing;
mod times;
mod trouble;
mod visitor;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};

use super::pages::unknown;
use crate::base::error::{Code, Error, Result};
use crate::base::mode::Mode;
use crate::http::anonymous::Anonymous;
use crate::http::auth::Caller;
use crate::http::route::Route;

use super::vendor::HTMX;
use assets::{APP, STYLE};
pub(crate) use standing::Standing;
pub(crate) use trouble::respond as respond_with_error;

/// What the paths of the console begin with.
pub(crate) const PREFIX: &str = "/console";

/// The templates, by name.
const TEMPLATES: [(&str, &str); 28] = [
    ("bare.html", include_str!("assets/templates/bare.html")),
    ("desk.html", include_str!("assets/templates/desk.html")),
    (
        "desk_events.html",
        include_str!("assets/templates/desk_events.html"),
    ),
    (
        "desk_inbox.html",
        include_str!("assets/templates/desk_inbox.html"),
    ),
    (
        "desk_mail.html",
        include_str!("assets/templates/desk_mail.html"),
    ),
    (
        "desk_requests.html",
        include_str!("assets/templates/desk_requests.html"),
    ),
    (
        "desk_state.html",
        include_str!("assets/templates/desk_state.html"),
    ),
    ("fields.html", include_str!("assets/templates/fields.html")),
    ("health.html", include_str!("assets/templates/health.html")),
    (
        "invitation.html",
        include_str!("assets/templates/invitation.html"),
    ),
    (
        "invitation_change.html",
        include_str!("assets/templates/invitation_change.html"),
    ),
    (
        "invitation_delete.html",
        include_str!("assets/templates/invitation_delete.html"),
    ),
    (
        "invitation_mail.html",
        include_str!("assets/templates/invitation_mail.html"),
    ),
    (
        "invitation_revoke.html",
        include_str!("assets/templates/invitation_revoke.html"),
    ),
    ("layout.html", include_str!("assets/templates/layout.html")),
    ("mail.html", include_str!("assets/templates/mail.html")),
    (
        "organization.html",
        include_str!("assets/templates/organization.html"),
    ),
    (
        "organization_chosen.html",
        include_str!("assets/templates/organization_chosen.html"),
    ),
    (
        "organization_delete.html",
        include_str!("assets/templates/organization_delete.html"),
    ),
    (
        "organization_import.html",
        include_str!("assets/templates/organization_import.html"),
    ),
    (
        "organization_import_check.html",
        include_str!("assets/templates/organization_import_check.html"),
    ),
    (
        "organization_invite.html",
        include_str!("assets/templates/organization_invite.html"),
    ),
    (
        "organization_result.html",
        include_str!("assets/templates/organization_result.html"),
    ),
    (
        "organization_settings.html",
        include_str!("assets/templates/organization_settings.html"),
    ),
    (
        "organizations.html",
        include_str!("assets/templates/organizations.html"),
    ),
    ("parts.html", include_str!("assets/templates/parts.html")),
    (
        "sign_in.html",
        include_str!("assets/templates/sign_in.html"),
    ),
    (
        "trouble.html",
        include_str!("assets/templates/trouble.html"),
    ),
];

/// The paths of the console of a server in `mode`. They are in no document: its pages are for people.
pub(crate) fn routes(mode: Mode) -> Vec<Route> {
    let unknown = get("/console/{*rest}", web::to(unknown_page));
    let unknown = unknown.with(Method::POST, web::to(unknown_page));
    let mut routes = vec![get("/", web::to(front)), unknown];
    routes.extend(assets::routes());
    routes.extend(sign_in::routes());
    routes.extend(organizations::routes());
    routes.extend(invitation::routes());
    routes.extend(mail::routes());
    routes.extend(health::routes());
    if mode == Mode::Dev {
        routes.extend(desk::routes());
    }
    routes
}

/// A page at `path`.
fn get(path: &str, handler: actix_web::Route) -> Route {
    Route::public(path.to_owned()).with(Method::GET, handler)
}

/// What takes the forms that are sent to `path`.
fn post(path: &str, handler: actix_web::Route) -> Route {
    Route::public(path.to_owned()).with(Method::POST, handler)
}

/// `GET /`: leads a person to the console. A program gets what it gets for every address that
/// nothing is at.
async fn front(_: Anonymous, request: HttpRequest) -> Result<HttpResponse> {
    if unknown::is_asked_by_a_person(&request) {
        return Ok(sheet::see_other("console"));
    }
    Err(Caller::check(&request)
        .err()
        .unwrap_or_else(Error::not_found))
}

/// Every other path below `/console`: 404 for who is signed in, who may know that.
async fn unknown_page(visitor: visitor::Visitor) -> Result<HttpResponse> {
    drop(visitor);
    let detail = "There is no page here. Check the address.";
    Err(Error::new(Code::NotFound, detail))
}
