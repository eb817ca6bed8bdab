//! The Host header: one well-formed authority; in development a name of this machine. And the
//! Origin header.
//!
//! Development needs no key, so a web page must not reach it through a name that it made resolve to
//! this machine (DNS rebinding). Nor may a page send what is meant for development only.

use std::net::IpAddr;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::uri::Authority;

use super::cors;
use crate::base::error::{Code, Error, Result};
use crate::base::mode::Mode;

/// What browsers say of where a request comes from.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What browsers say of what a request is for.
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Refuses a request that a web page of another origin makes: a browser says so in one of two
/// headers, and other programs send neither. Another port of this machine is another origin.
///
/// # Errors
/// [`Code::OriginNotAllowed`].
pub(crate) fn check_origin(headers: &HeaderMap) -> Result<()> {
    if is_of_no_other(headers) {
        return Ok(());
    }
    let detail = "A web page of another origin is not answered here: call this from a terminal, a \
        test, or the server of your application.";
    Err(Error::new(Code::OriginNotAllowed, detail))
}

/// Whether a request comes from no web page, or from one of this very origin.
fn is_of_no_other(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .map_or(&b""[..], |host| host.as_bytes());
    let is_own = |origin: &[u8]| {
        let own = origin
            .strip_prefix(b"http://")
            .or_else(|| origin.strip_prefix(b"https://"));
        own.is_some_and(|own| own.eq_ignore_ascii_case(host))
    };
    let is_same = |site: &[u8]| site == b"same-origin" || site == b"none";
    headers
        .get_all(header::ORIGIN)
        .all(|origin| is_own(origin.as_bytes()))
        && headers
            .get_all(SEC_FETCH_SITE)
            .all(|site| is_same(site.as_bytes()))
}

/// Refuses a request that a page of another site makes for something in it: an image, a frame, a
/// script. A person may come here by a link from anywhere.
///
/// # Errors
/// [`Code::OriginNotAllowed`].
pub(crate) fn check_embedding(headers: &HeaderMap) -> Result<()> {
    let is_own = headers
        .get_all(SEC_FETCH_SITE)
        .all(|site| site == "same-origin" || site == "none");
    let is_page = headers
        .get(SEC_FETCH_DEST)
        .is_some_and(|dest| dest == "document");
    if is_own || is_page {
        return Ok(());
    }
    let detail = "This is not shown in pages of other sites.";
    Err(Error::new(Code::OriginNotAllowed, detail))
}

/// Whether a person follows a link on a page of another site.
pub(crate) fn is_link_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get(SEC_FETCH_SITE);
    let dest = headers.get(SEC_FETCH_DEST);
    site.is_some_and(|site| site == "cross-site") && dest.is_some_and(|dest| dest == "document")
}

/// Refuses a form that no page of this server has sent. Every browser says of a form where it comes
/// from, in at least one of two headers. `public_origin` is where people reach the server; the
/// `Host` of a request is another name of it, by the same scheme.
///
/// # Errors
/// [`Code::OriginNotAllowed`].
pub(crate) fn check_form(headers: &HeaderMap, public_origin: &str) -> Result<()> {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let scheme = public_origin.split("://").next().unwrap_or_default();
    let is_own = |origin: &[u8]| {
        let origin = std::str::from_utf8(origin).unwrap_or_default();
        let is_at_host = |(its, rest): (&str, &str)| {
            its.eq_ignore_ascii_case(scheme)
                && host.is_some_and(|host| rest.eq_ignore_ascii_case(host))
        };
        origin.eq_ignore_ascii_case(public_origin)
            || origin.split_once("://").is_some_and(is_at_host)
    };
    let mut origins = headers.get_all(header::ORIGIN).peekable();
    let mut sites = headers.get_all(SEC_FETCH_SITE).peekable();
    let is_told = origins.peek().is_some() || sites.peek().is_some();
    let fits = is_told
        && origins.all(|origin| is_own(origin.as_bytes()))
        && sites.all(|site| site == "same-origin");
    let refused = || {
        Error::new(
            Code::OriginNotAllowed,
            "Only a page of this server may send this form, from a browser that says so.",
        )
    };
    fits.then_some(()).ok_or_else(refused)
}

/// Checks the Host header of a request to a server in `mode`, which in development may have other
/// names besides: `allowed`, in lower case. The framework refuses two of them, and none in HTTP/1.1.
pub(crate) fn check(headers: &HeaderMap, mode: Option<Mode>, allowed: &[String]) -> Result<()> {
    let Some(host) = headers.get(header::HOST) else {
        return Ok(());
    };
    let authority = Authority::try_from(host.as_bytes())
        .ok()
        .filter(|authority| {
            authority.port_u16().is_some() || authority.host().len() == authority.as_str().len()
        })
        .filter(|authority| !authority.as_str().contains('@') && is_plain(authority.host()))
        .ok_or_else(|| {
            Error::new(
                Code::BadRequest,
                "The Host header is not a host and a port.",
            )
        })?;
    if mode != Some(Mode::Dev) {
        return Ok(());
    }
    let name = authority.host();
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    if is_local(&name) || allowed.contains(&name) {
        return Ok(());
    }
    let mut detail = "dev answers only to localhost, names under it, addresses of this machine \
        itself (127.0.0.1, [::1]), and names that --allow-host gives"
        .to_owned();
    if !allowed.is_empty() {
        detail += &format!(" ({})", allowed.join(", "));
    }
    Err(Error::new(Code::HostNotAllowed, detail + "."))
}

/// Refuses a change that a web page of another origin asks `dev` for, which knows who asks by
/// nothing else. Pages that [`super::cors`] gives leave to do not come here; `is_for_pages`: there
/// are such pages.
///
/// # Errors
/// [`Code::OriginNotAllowed`].
pub(crate) fn check_change(method: &Method, headers: &HeaderMap, is_for_pages: bool) -> Result<()> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let origin = headers.get(header::ORIGIN);
    let origin = origin.and_then(|origin| origin.to_str().ok());
    let origin = origin.filter(|origin| is_for_pages && cors::parse_origin(origin).is_some());
    match origin {
        Some(origin) if !is_of_no_other(headers) => {
            let detail = format!(
                "A page of {origin} may change nothing here: start dev with --cors-origins \
                 {origin} where the page is yours, or call this from its server."
            );
            Err(Error::new(Code::OriginNotAllowed, detail))
        }
        _ => check_origin(headers),
    }
}

/// Whether `host` is a name of this machine that no other one can have: `localhost` and what is
/// under it (RFC 6761, 6.3), and every loopback address. It is in lower case, without a final dot.
pub(super) fn is_local(name: &str) -> bool {
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name)
        .parse::<IpAddr>();
    name == "localhost"
        || name.ends_with(".localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether `host` is a name or an address as one writes it: what else a URL may hold there is in no
/// name of a host.
fn is_plain(host: &str) -> bool {
    let is_literal = host.starts_with('[') && host.ends_with(']');
    is_literal
        || host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}
