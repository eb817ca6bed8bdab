//! Pages of other origins (CORS): which of them may use which operations.
//!
//! A server lets pages use the operations by token, since the token is the proof: those pages that
//! links lead to, and those that the operator names. Who sends a key gets no leave: a key is for
//! servers, and a page would show it to everybody.
//!
//! Development asks for no key, so every page that may read it may do everything. Its API is open
//! to pages of this machine, because whoever can put one there can call the server as well, and to
//! those that are named. The operations by token are open to every page.
//!
//! No response has `Access-Control-Allow-Credentials`: what a browser knows of a person counts for
//! nothing here.

use std::collections::HashSet;
use std::future::Future;

use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use url::{Origin, Url};

use super::context::Context;
use super::host::is_local;
use crate::base::error::Result;
use crate::base::mode::Mode;
use crate::db::cached::Cached;
use crate::db::{Db, Reader, Topic};

/// Who reads, where reads without a bound take turns.
const ACTOR: &str = "cors";
/// What a page may send with an operation by token.
const HEADERS: HeaderValue =
    HeaderValue::from_static("Content-Type, Idempotency-Key, Traceparent, X-Request-Id");
/// What a page may send in development.
const HEADERS_OF_DEV: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, \
     Traceparent, X-Request-Id",
);
/// What a page may read of a response besides its body, its status and its type.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Allow, ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, \
     X-Request-Id",
);
/// For how many seconds a browser need not ask again: what it then reads without leave it reads
/// not at all.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// The pages that may use a server.
pub(crate) struct Cors {
    /// Whom the server is for.
    pub mode: Mode,
    /// The paths of the operations by token.
    pub by_token: Vec<String>,
    /// The beginnings of the paths that development opens.
    pub api: &'static [&'static str],
    /// The origins that the operator names.
    pub named: HashSet<String>,
    /// The origin of the page to which links lead.
    pub accept: Option<String>,
    /// The pages of organizations.
    pub pages: Pages,
}

/// The pages to which links of organizations lead.
pub(crate) struct Pages {
    /// The origins that they may have. No other one is looked for.
    possible: HashSet<String>,
    /// The origins that they have.
    origins: Cached<HashSet<String>>,
}

impl Pages {
    /// The pages in `db` whose origins `find` finds, of those that are `possible`.
    pub(crate) fn new(
        db: Db,
        possible: HashSet<String>,
        find: fn(&Reader<'_>) -> Result<HashSet<String>>,
    ) -> Self {
        Self {
            possible,
            origins: Cached::new(db, Topic::Organizations, ACTOR, find),
        }
    }

    /// Whether one of them has `origin`. Where they cannot be looked for, those count that were
    /// found last.
    async fn have(&self, origin: &str) -> bool {
        if !self.possible.contains(origin) {
            return false;
        }
        let origins = self.origins.get().await.ok();
        let origins = origins.or_else(|| self.origins.latest());
        origins.is_some_and(|origins| origins.contains(origin))
    }
}

/// An origin, as browsers write it.
pub(crate) fn text(origin: &Origin) -> String {
    origin.ascii_serialization()
}

/// What a page of another origin is told of the response to its request.
pub(crate) struct Leave {
    /// The origin of the page, where it may read the response.
    origin: Option<HeaderValue>,
    /// Whether it asks what it may send, before a request.
    is_preflight: bool,
    /// Whom the server is for.
    mode: Mode,
}

impl Leave {
    /// What a page is told that sends `request`; none: nothing, as no page sends it, or this is no
    /// operation for pages.
    pub(super) async fn of(
        request: &ServiceRequest,
        context: Option<&Context>,
    ) -> Option<Box<Self>> {
        let asking = find(request, &context?.cors)?;
        // On the heap, since nearly no request gets here.
        Some(Box::pin(asking).await)
    }

    /// Whether the page may do what it asks for.
    pub(crate) fn is_given(&self) -> bool {
        self.origin.is_some()
    }

    /// Tells the page, by the `headers` of the response.
    pub(super) fn add(&self, headers: &mut HeaderMap) {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = &self.origin else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        match headers.get(header::ALLOW).cloned() {
            Some(methods) if self.is_preflight => {
                let is_dev = self.mode == Mode::Dev;
                let sent = if is_dev { HEADERS_OF_DEV } else { HEADERS };
                headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
                headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, sent);
                headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
            }
            _ => {
                headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            }
        }
    }
}

/// The look at a `request` of a page for an operation that pages may use.
fn find<'r>(
    request: &'r ServiceRequest,
    cors: &'r Cors,
) -> Option<impl Future<Output = Box<Leave>> + 'r> {
    let is_by_token = cors.by_token.iter().any(|path| path == request.path());
    let is_of_dev = cors.mode == Mode::Dev
        && cors
            .api
            .iter()
            .any(|start| request.path().starts_with(start));
    if !is_by_token && !is_of_dev {
        return None;
    }
    let mut origins = request.headers().get_all(header::ORIGIN);
    let origin = origins.next()?;
    // Browsers send one. Nobody knows whose page it is that sends another one.
    let is_only = origins.next().is_none();
    Some(cors.judge(
        request,
        origin.to_str().ok().filter(|_| is_only),
        is_by_token,
    ))
}

impl Cors {
    /// Decides about the `request` of a page of `origin`; none: it names no origin.
    async fn judge(
        &self,
        request: &ServiceRequest,
        origin: Option<&str>,
        is_by_token: bool,
    ) -> Box<Leave> {
        let headers = request.headers();
        let is_given = match origin {
            None => false,
            Some(_) if self.mode == Mode::Dev && is_by_token => true,
            Some(name) if self.mode == Mode::Dev => {
                self.named.contains(name) || is_of_this_machine(name)
            }
            Some(name) => {
                !headers.contains_key(header::AUTHORIZATION)
                    && (self.named.contains(name)
                        || self.accept.as_deref() == Some(name)
                        || self.pages.have(name).await)
            }
        };
        let origin = origin.filter(|_| is_given);
        Box::new(Leave {
            origin: origin.and_then(|origin| HeaderValue::from_str(origin).ok()),
            is_preflight: *request.method() == Method::OPTIONS
                && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD),
            mode: self.mode,
        })
    }
}

/// Whether a page of `origin`, which is written as browsers write it, comes from this machine.
fn is_of_this_machine(origin: &str) -> bool {
    parse_origin(origin).is_some_and(|url| url.host_str().is_some_and(is_local))
}

/// The http or https URL of `origin`; none: no browser writes one like that.
pub(super) fn parse_origin(origin: &str) -> Option<Url> {
    let url = Url::parse(origin).ok();
    url.filter(|url| matches!(url.scheme(), "http" | "https") && text(&url.origin()) == origin)
}
