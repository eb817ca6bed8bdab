//! Requests without a key: counted by the address they come from.

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::header::X_FORWARDED_FOR;
use actix_web::{FromRequest, HttpRequest};

use super::context::Context;
use crate::base::addresses::UNIX_PEER;
use crate::base::error::{Error, Result};

/// A request that needs no key and may come: the first argument of every public handler that does
/// any work.
#[derive(Debug)]
pub(crate) struct Anonymous;

impl Anonymous {
    /// Counts `request` as one without a key.
    ///
    /// # Errors
    /// [`crate::base::error::Code::RateLimited`] when its address has sent too many.
    pub(crate) fn count(request: &HttpRequest) -> Result<Self> {
        let (peer, forwarded) = origin(request);
        Context::of(request)?
            .limits
            .count_keyless(peer, &forwarded)
            .map(|()| Self)
    }
}

/// The peer that sent `request`, and its `X-Forwarded-For` lines.
pub(crate) fn origin(request: &HttpRequest) -> (IpAddr, Vec<&str>) {
    let peer = request.peer_addr().map_or(UNIX_PEER, |peer| peer.ip());
    let lines = request.headers().get_all(X_FORWARDED_FOR);
    // What is not even ASCII is no address, as an empty line is none.
    (
        peer,
        lines
            .map(|line| line.to_str().unwrap_or_default())
            .collect(),
    )
}

impl FromRequest for Anonymous {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::count(request))
    }
}
