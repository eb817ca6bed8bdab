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
use tokio::sync::{Mutex, watch};
use url::{Origin, Url};

use super::context::Context;
use super::host::is_local;
use crate::base::error::Result;
use crate::base::mode::Mode;
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
    /// How their URLs are found.
    find: fn(&Reader<'_>) -> Result<Vec<String>>,
    /// The data file.
    db: Db,
    /// Counts changes of organizations.
    changes: watch::Receiver<u64>,
    /// The origins that they had, and the change after which it was looked.
    found: Mutex<Option<(u64, HashSet<String>)>>,
}

impl Pages {
    /// The pages in `db` that `find` finds, of one of the `possible` origins.
    pub(crate) fn new(
        db: Db,
        possible: HashSet<String>,
        find: fn(&Reader<'_>) -> Result<Vec<String>>,
    ) -> Self {
        Self {
            possible,
            find,
            changes: db.follow(Topic::Organizations),
            db,
            found: Mutex::new(None),
        }
    }

    /// Whether one of them has `origin`. It looks through all organizations, and again only where
    /// one was changed.
    async fn have(&self, origin: &str) -> bool {
        if !self.possible.contains(origin) {
            return false;
        }
        let mut found = self.found.lock().await;
        let change = *self.changes.borrow();
        if let Some((_, origins)) = found.as_ref().filter(|(seen, _)| *seen == change) {
            return origins.contains(origin);
        }
        match self.db.read_long(ACTOR, self.find).await {
            Ok(urls) => {
                let urls = urls.iter().filter_map(|url| Url::parse(url).ok());
                let origins: HashSet<_> = urls.map(|url| text(&url.origin())).collect();
                let has = origins.contains(origin);
                *found = Some((change, origins));
                has
            }
            Err(error) => {
                log::warn!("the pages of organizations cannot be read: {error}");
                false
            }
        }
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
    /// What it may send, where it asks for that before a request.
    preflight: Option<HeaderValue>,
}

impl Leave {
    /// What a page is told that sends `request`; none: nothing, as no page sends it, or this is no
    /// operation for pages.
    pub(crate) async fn of(request: &ServiceRequest) -> Option<Self> {
        let asking = find(request)?;
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
        match (&self.preflight, headers.get(header::ALLOW).cloned()) {
            (Some(sent), Some(methods)) => {
                headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
                headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, sent.clone());
                headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
            }
            _ => {
                headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            }
        }
    }
}

/// The look at a `request` of a page for an operation that pages may use.
fn find(request: &ServiceRequest) -> Option<impl Future<Output = Leave> + '_> {
    let cors = &Context::find(request.request())?.cors;
    let is_by_token = cors.by_token.iter().any(|path| path == request.path());
    let is_of_dev = cors.mode == Mode::Dev
        && cors
            .api
            .iter()
            .any(|start| request.path().starts_with(start));
    if !is_by_token && !is_of_dev {
        return None;
    }
    let origin = request.headers().get(header::ORIGIN)?;
    Some(cors.judge(request, origin, is_by_token))
}

impl Cors {
    /// Decides about the `request` of a page of `origin`.
    async fn judge(
        &self,
        request: &ServiceRequest,
        origin: &HeaderValue,
        is_by_token: bool,
    ) -> Leave {
        let headers = request.headers();
        let name = origin.to_str().unwrap_or_default();
        let is_dev = self.mode == Mode::Dev;
        let is_given = match (is_dev, is_by_token) {
            (true, true) => true,
            (true, false) => self.named.contains(name) || is_of_this_machine(name),
            (false, _) => {
                !headers.contains_key(header::AUTHORIZATION)
                    && (self.named.contains(name)
                        || self.accept.as_deref() == Some(name)
                        || self.pages.have(name).await)
            }
        };
        let is_preflight = *request.method() == Method::OPTIONS
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let sent = if is_dev { HEADERS_OF_DEV } else { HEADERS };
        Leave {
            origin: is_given.then(|| origin.clone()),
            preflight: is_preflight.then_some(sent),
        }
    }
}

/// Whether a page of `origin` comes from this machine.
fn is_of_this_machine(origin: &str) -> bool {
    let url = Url::parse(origin).ok();
    url.is_some_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(is_local)
    })
}
