//! Bodies that nobody reads to their end.
//!
//! When a body is dropped before its end, the framework reads on if it is chunked, to be able to
//! take the next request: a client could send for ever. A body that is still held when its answer
//! is sent makes the framework close the connection instead. So the body lies with its request
//! until somebody reads it, and what is left goes along with the answer.

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::{HttpMessage, HttpRequest};

/// A body that lies with its request.
struct Unread(Payload);

/// Lays the body of `request` with it.
pub(crate) fn stash(request: &mut ServiceRequest) {
    let payload = request.take_payload();
    if !matches!(payload, Payload::None) {
        request.extensions_mut().insert(Unread(payload));
    }
}

/// Takes the body of `request`, to read it.
pub(crate) fn take(request: &HttpRequest) -> Payload {
    request
        .extensions_mut()
        .remove::<Unread>()
        .map_or(Payload::None, |unread| unread.0)
}

/// Lays a body by again that was not read to its end.
pub(crate) fn restore(request: &HttpRequest, payload: Payload) {
    request.extensions_mut().insert(Unread(payload));
}
