//! The Host header: one well-formed authority; in development a name of this machine.
//!
//! Development needs no key, so a web page must not reach it through a name that it made resolve to this machine
//! (DNS rebinding).

use actix_web::http::header::{self, HeaderMap};
use actix_web::http::uri::Authority;

use crate::config::Mode;
use crate::error::{Code, Error, Result};

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
