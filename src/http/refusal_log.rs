//! What the log says of refused requests: who was refused what, from where.
//!
//! A line names the route, never the path, the query or the body of a request: they may hold
//! tokens and addresses.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::http::Method;

use super::context::Context;
use super::router::{pattern_of, read_param};
use super::{anonymous, auth};
use crate::base::addresses::Addresses;
use crate::base::error::Error;
use crate::base::mode::Mode;
use crate::base::organization_id::OrganizationId;
use crate::policy::limits::network;
use crate::policy::limits::refusals::{Refusal, Refusals};

/// Tells the log that `request` was refused with `error`, if that is due. Only the first one of a
/// kind and a network in a minute is.
pub(crate) fn log(request: &HttpRequest, error: &Error) {
    let Some(refusal) = refusal_of(error).filter(|_| log::log_enabled!(log::Level::Warn)) else {
        return;
    };
    let Some(context) = Context::find(request) else {
        return;
    };
    let limits = &context.limits;
    let (peer, forwarded) = anonymous::origin(request);
    let client = limits.client(peer, &forwarded);
    let Some(left_out) = limits.refusals.count(refusal, network(client)) else {
        return;
    };
    let (status, code) = (error.code.meaning().status, error.code.meaning().name);
    let route = pattern_of(request);
    let (method, route) = (method_of(request), route.as_deref().unwrap_or("(no route)"));
    let (what, who) = (
        foreign_organization(request, refusal),
        who(request, context.mode),
    );
    let from = from(context.addresses.show(client));
    let before = if left_out == 0 {
        String::new()
    } else {
        format!("; {left_out} more like it were left out")
    };
    log::warn!(
        "{}: {status} {code}: {method} {route}{what} by {who}{from}{before}",
        refusal.name()
    );
}

/// Tells the log of refusals that were left out, and that no later one has told of.
pub(crate) fn log_left_out(refusals: &Refusals, addresses: Addresses) {
    for left_out in refusals.sweep() {
        let others = || Some("other addresses".to_owned());
        let network = left_out.network;
        let network = network.map_or_else(others, |network| addresses.show(network));
        log::warn!(
            "{}: {} more like it{} were left out",
            left_out.refusal.name(),
            left_out.count,
            from(network)
        );
    }
}

/// Where requests came from, as far as the log has that.
fn from(client: Option<String>) -> String {
    client
        .map(|client| format!(" from {client}"))
        .unwrap_or_default()
}

/// What kind of refusal it is; none: nothing of an attack.
fn refusal_of(error: &Error) -> Option<Refusal> {
    match error.code.meaning().status {
        401 => Some(Refusal::Unauthorized),
        403 => Some(Refusal::Forbidden),
        404 if error.is_foreign => Some(Refusal::Foreign),
        429 => Some(Refusal::RateLimited),
        _ => None,
    }
}

/// The method of `request`. One of its sender's own making may hold anything.
pub(super) fn method_of(request: &HttpRequest) -> &str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    if known.contains(request.method()) {
        request.method().as_str()
    } else {
        "(another method)"
    }
}

/// The organization that a key asked for without being bound to it.
fn foreign_organization(request: &HttpRequest, refusal: Refusal) -> String {
    let organization = read_param(request, "organizationId", OrganizationId::parse);
    let organization = organization.filter(|_| refusal == Refusal::Foreign);
    organization
        .map(|organization| format!(" of {organization}"))
        .unwrap_or_default()
}

/// Who sent `request`: the id of the key that it names, good or not.
fn who(request: &HttpRequest, mode: Mode) -> Cow<'static, str> {
    match auth::key_named_by(request) {
        Some(key) => format!("key {key}").into(),
        None if mode == Mode::Dev => auth::DEV_ACTOR.into(),
        None => "anonymous".into(),
    }
}
