//! The Host header: one well-formed authority; in development a name of this machine. And the Origin header.
//!
//! Development needs no key, so a web page must not reach it through a name that it made resolve to this machine
//! (DNS rebinding). Nor may a page send what is meant for development only.

use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::uri::Authority;

use crate::config::Mode;
use crate::error::{Code, Error, Result};

/// What browsers say of where a request comes from.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a request that a web page of another origin makes: a browser says so in one of two headers, and other programs
/// send neither. Another port of this machine is another origin.
///
/// # Errors
/// [`Code::OriginNotAllowed`].
pub fn check_origin(headers: &HeaderMap) -> Result<()> {
    let host = headers.get(header::HOST).map_or(&b""[..], |host| host.as_bytes());
    let is_own = |origin: &[u8]| origin.strip_prefix(b"http://").is_some_and(|own| own.eq_ignore_ascii_case(host));
    let is_same = |site: &[u8]| site == b"same-origin" || site == b"none";
    let fits = headers.get_all(header::ORIGIN).all(|origin| is_own(origin.as_bytes()))
        && headers.get_all(SEC_FETCH_SITE).all(|site| is_same(site.as_bytes()));
    let refused = || Error::new(Code::OriginNotAllowed, "A web page of another origin is not answered here.");
    fits.then_some(()).ok_or_else(refused)
}

/// Checks the Host header of a request to a server in `mode`. The framework refuses two of them, and none in HTTP/1.1.
pub fn check(headers: &HeaderMap, mode: Option<Mode>) -> Result<()> {
    let Some(host) = headers.get(header::HOST) else {
        return Ok(());
    };
    let authority = Authority::try_from(host.as_bytes())
        .ok()
        .filter(|authority| authority.port_u16().is_some() || authority.host().len() == authority.as_str().len())
        .filter(|authority| !authority.as_str().contains('@'))
        .ok_or_else(|| Error::new(Code::BadRequest, "The Host header is not a host and a port."))?;
    let is_local = matches!(authority.host(), "localhost" | "127.0.0.1" | "[::1]");
    if mode == Some(Mode::Dev) && !is_local {
        return Err(Error::new(Code::HostNotAllowed, "dev answers only to localhost, 127.0.0.1 and [::1]."));
    }
    Ok(())
}
