//! Every endpoint, by the first segment of its path. This file is the route table.
//!
//! * [`invitations`], [`redemption`], [`organizations`], [`events`], [`keys`], [`webhooks`], [`erasure`]: the API.
//! * [`clickhouse`] is the same invitations in another dialect. [`pages`] are for people. [`dev`] is only in development.
//! * [`health`], [`openapi`], [`problems`]: what says of the server itself how it is.
//! * [`state`] is what handlers share; [`stream`] turns long lists into responses.

pub mod audit;
pub mod clickhouse;
pub mod dev;
pub mod erasure;
mod error_responses;
pub mod events;
pub mod health;
pub mod invitations;
pub mod keys;
pub mod openapi;
pub mod organizations;
pub mod pages;
pub mod problems;
pub mod redemption;
pub mod state;
pub mod stream;
pub mod webhooks;

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use crate::base::error::{Error, Result};
use crate::base::mode::Mode;
use crate::http::auth::Caller;
use crate::http::context::WriteError;
use crate::http::route::Route;

use dev::{faults, mailbox};
use invitations::{batch, lifecycle};
use pages::routes as web_pages;
use webhooks::deliveries;

/// The dialects whose errors are not problem documents, each with the beginning of its paths.
pub const DIALECTS: &[(&str, WriteError)] = &[(clickhouse::PREFIX, clickhouse::routes::respond)];

/// Every path of a server in `mode`, with its methods. The router tries them in this order, so what is asked most comes first.
pub fn routes(mode: Mode) -> Vec<Route> {
    let mut routes = vec![
        Route::new("/v1/organizations/{organizationId}/invitations/batch").post(batch::create),
        Route::new("/v1/organizations/{organizationId}/invitations/{invitationId}")
            .get(invitations::get)
            .patch(lifecycle::update)
            .delete(invitations::delete),
        Route::new("/v1/organizations/{organizationId}/invitations").get(invitations::list).post(invitations::create),
        Route::new("/v1/organizations/{organizationId}/invitations/{invitationId}/resend").post(lifecycle::resend),
        Route::new("/v1/organizations/{organizationId}/invitations/{invitationId}/revoke").post(lifecycle::revoke),
        Route::new("/v1/organizations/{organizationId}/invitations/{invitationId}/accept").post(lifecycle::accept),
        Route::new("/v1/organizations/{organizationId}/invitations/{invitationId}/link").post(lifecycle::link),
        Route::new("/v1/invitations").get(invitations::list_of_address).delete(erasure::erase),
        Route::public("/v1/invitations/lookup").post(redemption::lookup),
        Route::public("/v1/invitations/code").post(redemption::request_code),
        Route::public("/v1/invitations/accept").post(redemption::accept),
        Route::public("/v1/invitations/decline").post(redemption::decline),
        Route::new("/v1/organizations/{organizationId}")
            .get(organizations::get)
            .put(organizations::put)
            .delete(organizations::delete),
        Route::new("/v1/organizations").get(organizations::list),
        Route::new("/v1/organizations/{organizationId}/events").get(events::list),
        Route::new("/v1/organizations/{organizationId}/events/stream").get(events::stream),
        Route::new("/v1/keys").get(keys::list).post(keys::create),
        Route::new("/v1/keys/{keyId}").get(keys::get).delete(keys::revoke),
        Route::new("/v1/audit").get(audit::list),
        Route::new("/v1/webhooks").get(webhooks::list).post(webhooks::create),
        Route::new("/v1/webhooks/{webhookId}").get(webhooks::get).patch(webhooks::update).delete(webhooks::delete),
        Route::new("/v1/webhooks/{webhookId}/rotate").post(webhooks::rotate),
        Route::new("/v1/webhooks/{webhookId}/test").post(deliveries::test),
        Route::new("/v1/webhooks/{webhookId}/deliveries").get(deliveries::list),
        Route::new("/v1/webhooks/{webhookId}/deliveries/{deliveryId}").get(deliveries::get),
        Route::new("/v1/webhooks/{webhookId}/deliveries/{deliveryId}/redeliver").post(deliveries::redeliver),
        Route::public("/health/live").get(health::live),
        Route::public("/health/ready").get(health::ready),
        Route::public("/openapi.json").get(openapi::serve),
        Route::public("/problems").get(problems::list_pages),
        Route::public("/problems/{code}").get(problems::page),
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
        Route::new("/dev/clock").get(dev::get_clock).post(dev::change_clock),
        Route::new("/dev/codes").get(dev::list_codes),
        Route::new("/dev/faults").get(faults::get).post(faults::set).delete(faults::clear),
        Route::new("/dev/mail").get(web_pages::mailbox),
        Route::new("/dev/mail/{messageId}").get(web_pages::mail),
        Route::new("/dev/mailbox").get(mailbox::list).delete(mailbox::delete_all),
        Route::new("/dev/mailbox/{messageId}").get(mailbox::get_one).delete(mailbox::delete),
        Route::new("/dev/mailbox/{messageId}/text").get(mailbox::get_text),
        Route::new("/dev/mailbox/{messageId}/html").get(mailbox::get_html),
        Route::new("/dev/mailbox/{messageId}/raw").get(mailbox::get_raw),
        Route::new("/dev/reset").post(dev::reset),
        Route::new("/dev/seed").post(dev::seed),
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
