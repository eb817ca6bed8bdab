//! HTTP: the route table, and what all routes share.
//!
//! actix-web leaves some gaps, each closed here: wrong methods and HEAD ([`route`]), errors as plain text ([`mod@envelope`],
//! [`problem`]), bodies without a deadline ([`json`]) or an end ([`unread`]), loose queries ([`query`]).

pub mod anonymous;
mod answer_body;
pub mod array;
pub mod asset;
pub mod auth;
pub mod connection;
pub mod envelope;
mod error_responses;
pub mod etag;
pub mod health;
pub mod host;
pub mod idempotency;
pub mod json;
pub mod openapi;
pub mod params;
pub mod path;
pub mod problem;
pub mod query;
pub mod refusal_log;
pub mod route;
pub mod state;
pub mod stopping;
mod unread;
pub mod visitor;

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

pub use envelope::envelope;
pub use state::State;

use crate::answer;
use crate::audit;
use crate::base::error::{Error, Result};
use crate::clickhouse;
use crate::config::Mode;
use crate::dev;
use crate::dev::mailbox::routes as mailbox;
use crate::erasure;
use crate::event;
use crate::invitation::{self, batch, lifecycle};
use crate::key;
use crate::organization;
use crate::web::routes as web_pages;
use crate::webhook;
use auth::Caller;
use route::Route;
use webhook::delivery::routes as deliveries;

/// Every path of a server in `mode`, with its methods. The router tries them in this order, so what is asked most comes first.
pub fn routes(mode: Mode) -> Vec<Route> {
    let mut routes = vec![
        Route::new("/v1/organizations/{organizationId}/invitations/batch").post(batch::routes::create),
        Route::new("/v1/organizations/{organizationId}/invitations/{invitationId}")
            .get(invitation::routes::get)
            .patch(lifecycle::routes::update)
            .delete(invitation::routes::delete),
        Route::new("/v1/organizations/{organizationId}/invitations")
            .get(invitation::routes::list)
            .post(invitation::routes::create),
        Route::new("/v1/organizations/{organizationId}/invitations/{invitationId}/resend")
            .post(lifecycle::routes::resend),
        Route::new("/v1/organizations/{organizationId}/invitations/{invitationId}/revoke")
            .post(lifecycle::routes::revoke),
        Route::new("/v1/organizations/{organizationId}/invitations/{invitationId}/accept")
            .post(lifecycle::routes::accept),
        Route::new("/v1/organizations/{organizationId}/invitations/{invitationId}/link").post(lifecycle::routes::link),
        Route::new("/v1/invitations").get(invitation::routes::list_of_address).delete(erasure::routes::erase),
        Route::public("/v1/invitations/lookup").post(answer::routes::lookup),
        Route::public("/v1/invitations/code").post(answer::routes::request_code),
        Route::public("/v1/invitations/accept").post(answer::routes::accept),
        Route::public("/v1/invitations/decline").post(answer::routes::decline),
        Route::new("/v1/organizations/{organizationId}")
            .get(organization::routes::get)
            .put(organization::routes::put)
            .delete(organization::routes::delete),
        Route::new("/v1/organizations").get(organization::routes::list),
        Route::new("/v1/organizations/{organizationId}/events").get(event::routes::list),
        Route::new("/v1/organizations/{organizationId}/events/stream").get(event::routes::stream),
        Route::new("/v1/keys").get(key::routes::list).post(key::routes::create),
        Route::new("/v1/keys/{keyId}").get(key::routes::get).delete(key::routes::revoke),
        Route::new("/v1/audit").get(audit::routes::list),
        Route::new("/v1/webhooks").get(webhook::routes::list).post(webhook::routes::create),
        Route::new("/v1/webhooks/{webhookId}")
            .get(webhook::routes::get)
            .patch(webhook::routes::update)
            .delete(webhook::routes::delete),
        Route::new("/v1/webhooks/{webhookId}/rotate").post(webhook::routes::rotate),
        Route::new("/v1/webhooks/{webhookId}/test").post(deliveries::test),
        Route::new("/v1/webhooks/{webhookId}/deliveries").get(deliveries::list),
        Route::new("/v1/webhooks/{webhookId}/deliveries/{deliveryId}").get(deliveries::get),
        Route::new("/v1/webhooks/{webhookId}/deliveries/{deliveryId}/redeliver").post(deliveries::redeliver),
        Route::public("/health/live").get(health::live),
        Route::public("/health/ready").get(health::ready),
        Route::public("/openapi.json").get(openapi::serve),
        Route::public("/problems").get(problem::list_pages),
        Route::public("/problems/{code}").get(problem::page),
        Route::public("/accept").get(web_pages::accept),
        Route::public("/accept/app.js").get(web_pages::accept_script),
        Route::public("/accept/style.css").get(web_pages::style),
    ];
    routes.extend(routes_of_dialect());
    if mode == Mode::Dev {
        routes.extend(routes_of_development());
    }
    routes
}

/// The paths that only development has.
fn routes_of_development() -> Vec<Route> {
    vec![
        Route::new("/dev/clock").get(dev::routes::get_clock).post(dev::routes::change_clock),
        Route::new("/dev/codes").get(dev::routes::list_codes),
        Route::new("/dev/faults")
            .get(dev::faults::routes::get)
            .post(dev::faults::routes::set)
            .delete(dev::faults::routes::clear),
        Route::new("/dev/mail").get(web_pages::mailbox),
        Route::new("/dev/mail/{messageId}").get(web_pages::mail),
        Route::new("/dev/mailbox").get(mailbox::list).delete(mailbox::delete_all),
        Route::new("/dev/mailbox/{messageId}").get(mailbox::get_one).delete(mailbox::delete),
        Route::new("/dev/mailbox/{messageId}/text").get(mailbox::get_text),
        Route::new("/dev/mailbox/{messageId}/html").get(mailbox::get_html),
        Route::new("/dev/mailbox/{messageId}/raw").get(mailbox::get_raw),
        Route::new("/dev/reset").post(dev::routes::reset),
        Route::new("/dev/seed").post(dev::routes::seed),
    ]
}

/// The paths of the ClickHouse Cloud dialect.
fn routes_of_dialect() -> [Route; 4] {
    [
        Route::new("/clickhouse/v1/organizations").get(clickhouse::routes::list_organizations),
        Route::new("/clickhouse/v1/organizations/{organizationId}/invitations")
            .get(clickhouse::routes::list)
            .post(clickhouse::routes::create),
        Route::new("/clickhouse/v1/organizations/{organizationId}/invitations/{invitationId}")
            .get(clickhouse::routes::get)
            .delete(clickhouse::routes::delete),
        Route::new("/clickhouse/v1/organizations/{organizationId}/members").get(clickhouse::routes::list_members),
    ]
}

/// Registers every route of a server in `mode`, and the answer for every other path.
pub fn configure(config: &mut ServiceConfig, mode: Mode) {
    for route in routes(mode) {
        route.register(config);
    }
    config.default_service(web::to(unknown_path));
}

/// Whatever has no route: 404, but only for those who may ask. `OPTIONS *` asks only whether a server is there (RFC 9110, 9.3.7).
async fn unknown_path(request: HttpRequest) -> Result<HttpResponse> {
    if request.method() == Method::OPTIONS && request.path() == "*" {
        return Ok(HttpResponse::NoContent().finish());
    }
    Caller::of(&request)?;
    Err(Error::not_found())
}
