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
//!   [`invitation`], [`mail`], [`webhooks`], [`keys`], [`history`], [`health`], [`desk`].
//!
//! The templates are in `assets/templates`, one a page ([`templates`] lists them); `layout.html` is
//! around them, and `parts.html` has the pieces that several of them share. A page that was changed
//! by a form is reached by a redirect, whose query says in one of a few words what was done.

mod assets;
mod desk;
mod health;
mod history;
mod invitation;
mod keys;
mod mail;
mod organizations;
mod period;
mod sheet;
mod sign_in;
mod standing;
mod templates;
mod times;
mod trouble;
mod visitor;
mod webhooks;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};

use super::pages::unknown;
use super::vendor::HTMX;
use crate::base::error::{Code, Error, Result};
use crate::base::mode::Mode;
use crate::http::anonymous::Anonymous;
use crate::http::auth::Caller;
use crate::http::route::Route;

use assets::{APP, STYLE};
pub(crate) use standing::Standing;
pub(crate) use trouble::respond as respond_with_error;

/// What the paths of the console begin with.
pub(crate) const PREFIX: &str = "/console";

/// The paths of the console of a server in `mode`. They are in no document: its pages are for people.
pub(crate) fn routes(mode: Mode) -> Vec<Route> {
    // Who may not ask is told nothing of the methods of the root.
    let front = Route::new("/".to_owned()).with(Method::GET, web::to(front));
    let unknown = get("/console/{*rest}", web::to(unknown_page));
    let unknown = unknown.with(Method::POST, web::to(unknown_page));
    let mut routes = vec![front, unknown];
    routes.extend(assets::routes());
    routes.extend(sign_in::routes());
    routes.extend(organizations::routes());
    routes.extend(invitation::routes());
    routes.extend(mail::routes());
    routes.extend(health::routes());
    if mode == Mode::Dev {
        routes.extend(desk::routes());
    }
    routes.extend(keys::routes());
    routes.extend(webhooks::routes());
    routes.extend(history::routes());
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
        .unwrap_or_else(|| Error::no_such_path("")))
}

/// Every other path below `/console`: 404 for who is signed in, who may know that.
async fn unknown_page(visitor: visitor::Visitor) -> Result<HttpResponse> {
    drop(visitor);
    let detail = "There is no page here. Check the address.";
    Err(Error::new(Code::NotFound, detail))
}
