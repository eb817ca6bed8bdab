//! The headers of every answer.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::cors::Leave;

/// The header that names a request, in both directions.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What is in an answer that is no page: nothing that a browser should run, load or frame.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// For a year, and for this name only: others may be on other machines.
const TLS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The headers of every answer: its id, that it is not to be taken for another type, and, where its
/// handler does not say, that it is not to be kept and what a browser may do with it; and the
/// `leave` of a page of another origin.
pub(super) fn add(headers: &mut HeaderMap, id: &str, leave: Option<&Leave>) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(X_REQUEST_ID, id);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if !headers.contains_key(header::REFERRER_POLICY) {
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        );
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Some(leave) = leave {
        leave.add(headers);
    }
}

/// Tells browsers to come with TLS only from now on.
pub(super) fn add_tls_only(headers: &mut HeaderMap) {
    headers.insert(header::STRICT_TRANSPORT_SECURITY, TLS_ONLY);
}
