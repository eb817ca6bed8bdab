//! Every endpoint, by the first segment of its path. This file puts them together.
//!
//! * [`invitations`], [`redemption`], [`organizations`], [`events`], [`keys`], [`audit`],
//!   [`mail_queue`], [`webhooks`], [`erasure`], [`bounces`]: the API. Each file declares its
//!   operations, once: what documents them, what handles them, what they can fail with.
//! * [`clickhouse`] is the same invitations in another dialect. [`pages`] are for people who are
//!   invited, [`console`] is for those who run the server. [`dev`] is only in development.
//! * [`health`], [`metrics`], [`findings`], [`openapi`], [`problems`]: what says of the server
//!   itself how it is.
//!   [`mod@reference`] shows the document to developers.
//! * [`vendor`] has the files that others made. [`state`] is what handlers share; [`stream`] turns
//!   long lists into responses; [`actor`] is who changes invitations by a request.

mod actor;
pub(crate) mod audit;
pub(crate) mod bounces;
pub(crate) mod clickhouse;
pub(crate) mod console;
pub(crate) mod dev;
pub(crate) mod erasure;
mod error_responses;
pub mod events;
pub(crate) mod findings;
pub(crate) mod health;
pub(crate) mod invitations;
pub(crate) mod keys;
pub(crate) mod mail_queue;
pub(crate) mod metrics;
pub mod openapi;
pub(crate) mod operation;
pub(crate) mod organizations;
pub(crate) mod pages;
pub(crate) mod problems;
pub(crate) mod redemption;
pub(crate) mod reference;
pub(crate) mod state;
pub(crate) mod stream;
mod vendor;
pub(crate) mod webhooks;

use std::rc::Rc;

use actix_web::http::{Method, header};
use actix_web::web;
use actix_web::{FromRequest, HttpRequest, HttpResponse};

use crate::base::error::{Code, Error, Result};
use crate::base::mode::Mode;
use crate::http::anonymous::Anonymous;
use crate::http::auth::Caller;
use crate::http::context::{Context, WriteError};
use crate::http::nothing;
use crate::http::route::Route;
use crate::http::router::Router;

use dev::{faults, mailbox, requests, snapshots};
use invitations::{batch, explain, lifecycle, summary};
use operation::Operation;
use pages::unknown;
use webhooks::deliveries;

/// The paths whose errors are not problem documents, each with their beginning. A server without
/// the console has only the first.
const DIALECTS: &[(&str, WriteError)] = &[
    (clickhouse::PREFIX, clickhouse::respond),
    (console::PREFIX, console::respond_with_error),
];

/// The forms that a page of any origin may send, as a sign-in page does.
pub(crate) const OPEN_FORMS: &[&str] = &["/accept"];

/// The beginnings of the paths that development opens to pages of this machine. What only
/// development has is not among them, nor are the pages.
pub(crate) const OPEN_IN_DEV: &[&str] = &["/v1/", "/clickhouse/"];

/// The paths of the operations by token, which pages of other origins may use.
pub(crate) fn paths_by_token() -> Vec<String> {
    let operations = redemption::operations().into_iter();
    operations.map(|operation| operation.path).collect()
}

/// The parts that a server has.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// Whom the server is for.
    pub mode: Mode,
    /// Whether it has the console.
    pub console: bool,
    /// Whether it has the reference.
    pub docs: bool,
    /// Whether it has the metrics at its main port.
    pub metrics: bool,
}

impl Offer {
    /// Every part that a server in `mode` can have.
    pub fn all(mode: Mode) -> Self {
        Self {
            mode,
            console: true,
            docs: true,
            metrics: true,
        }
    }
}

/// What writes errors as other than problem documents, on a server that has the parts of `offer`.
pub(crate) fn dialects(offer: Offer) -> &'static [(&'static str, WriteError)] {
    if offer.console {
        DIALECTS
    } else {
        &DIALECTS[..1]
    }
}

/// Every operation of a server that has the parts of `offer`.
fn operations(offer: Offer) -> Vec<Operation> {
    let mut operations = vec![
        batch::operations(),
        summary::operations(),
        invitations::operations(),
        lifecycle::operations(),
        explain::operations(),
        erasure::operations(),
        bounces::operations(),
        redemption::operations(),
        organizations::operations(),
        events::operations(),
        keys::operations(),
        audit::operations(),
        mail_queue::operations(),
        webhooks::operations(),
        deliveries::operations(),
        findings::operations(),
        health::operations(),
        metrics::operations(),
        openapi::operations(offer.mode),
        problems::operations(offer.docs),
        pages::routes::operations(),
        clickhouse::operations(),
    ];
    if offer.mode == Mode::Dev {
        operations.extend([
            dev::operations(),
            faults::operations(),
            mailbox::operations(),
            requests::operations(),
            snapshots::operations(),
        ]);
    }
    if offer.docs {
        operations.push(reference::operations(offer.mode));
    }
    operations.into_iter().flatten().collect()
}

/// Every path of a server that has the parts of `offer`, with its methods.
pub fn routes(offer: Offer) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for operation in operations(offer) {
        match routes.iter_mut().find(|route| route.path == operation.path) {
            Some(route) => operation.join(route),
            None => routes.push(operation.into_route()),
        }
    }
    routes
}

/// What finds the operation of every request to a server that has the parts of `offer`.
///
/// # Errors
/// None that depends on anything but the program.
pub(crate) async fn router(offer: Offer) -> std::result::Result<Router, String> {
    let routes = routes_with_pages(offer).into_iter().enumerate();
    let routes: Vec<_> = routes
        .filter(|(_, route)| offer.metrics || route.path != metrics::PATH)
        .collect();
    let known = routes.iter().map(|(_, route)| route.path.clone());
    let known: Rc<[String]> = known.filter(|path| !path.ends_with('/')).collect();
    let unknown = move |request| unknown_path(request, Rc::clone(&known));
    Router::build(routes, web::to(unknown)).await
}

/// What finds the operations of the port for metrics: those, and what supervisors ask.
///
/// # Errors
/// None that depends on anything but the program.
pub(crate) async fn metrics_router(offer: Offer) -> std::result::Result<Router, String> {
    let routes = routes_with_pages(offer).into_iter().enumerate();
    let routes = routes.filter_map(|(place, route)| match &*route.path {
        metrics::PATH => Some((place, metrics::open_route())),
        path if health::is_probe(path) => Some((place, route)),
        _ => None,
    });
    let unknown = || async {
        let detail = "No such path; this port has /metrics, /livez and /readyz.";
        Err::<HttpResponse, _>(Error::new(Code::NotFound, detail))
    };
    Router::build(routes.collect(), web::to(unknown)).await
}

/// The paths that the routers find, in the order in which their routes are counted.
pub(crate) fn paths(offer: Offer) -> Vec<String> {
    let routes = routes_with_pages(offer);
    routes.into_iter().map(|route| route.path).collect()
}

/// Every path of a server that has the parts of `offer`, those included that no document names.
fn routes_with_pages(offer: Offer) -> Vec<Route> {
    let mut routes = routes(offer);
    routes.push(pages::routes::with_a_slash());
    routes.extend(health::aliases());
    let pages = [
        (true, "/problems/"),
        (offer.docs, "/docs/"),
        (offer.console, "/console/"),
    ];
    let pages = pages.into_iter().filter(|(is_there, _)| *is_there);
    routes.extend(pages.map(|(_, path)| {
        Route::public(path.to_owned()).with(Method::GET, web::to(without_the_slash))
    }));
    if offer.console {
        routes.extend(console::routes(offer.mode));
    }
    routes
}

/// `GET` of a page with a slash behind its path: leads to the page.
async fn without_the_slash(_: Anonymous, request: HttpRequest) -> HttpResponse {
    let page = request.path().trim_matches('/');
    let mark = if request.query_string().is_empty() {
        ""
    } else {
        "?"
    };
    let location = format!("../{page}{mark}{}", request.query_string());
    HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, location))
        .finish()
}

/// Whatever has no route: 404, but only for those who may ask. `OPTIONS *` asks only whether a
/// server is there (RFC 9110, 9.3.7). A person in a browser gets a page. `known` has the paths of
/// all routes.
async fn unknown_path(request: HttpRequest, known: Rc<[String]>) -> Result<HttpResponse> {
    if request.method() == Method::OPTIONS && request.path() == "*" {
        return Ok(HttpResponse::NoContent().finish());
    }
    if pages::routes::is_link_as_path(&request) {
        let caller = Anonymous::extract(&request).await?;
        return pages::routes::accept_as_spelled(caller, request).await;
    }
    let error = Caller::of(&request)
        .err()
        .unwrap_or_else(|| no_such_path(&request, &known));
    if unknown::is_asked_by_a_person(&request) {
        return unknown::respond(&request, &error);
    }
    Err(error)
}

/// No route has the path of `request`. The paths that there are stand in the document, so one of
/// them may be named to everybody.
fn no_such_path(request: &HttpRequest, known: &[String]) -> Error {
    let path = request.path();
    let is_dev = Context::find(request).is_some_and(|context| context.mode == Mode::Dev);
    if path.starts_with("/dev/") && !is_dev {
        return Error::no_such_path(" Only `invited dev` has what is below /dev.");
    }
    if let Some(error) = clickhouse::no_such_path(request, known) {
        return error;
    }
    Error::no_such_path(&nothing::hint("", path, known))
}
