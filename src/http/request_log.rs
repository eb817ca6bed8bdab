//! The requests of a server for development, as they come: the newest are kept in memory.
//!
//! A server for everybody keeps none, and its requests pay nothing for it. Nothing in here holds a
//! token.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use actix_web::dev::ServiceRequest;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::base::clock::{Clock, Timestamp};
use crate::base::error::Code;
use crate::base::redacted::TOKEN_PREFIXES;

/// How many requests are kept.
const KEPT: usize = 500;
/// The longest path and query that is kept, in bytes.
const MAX_PATH: usize = 1000;
/// The longest method that is kept, in bytes: senders may make their own.
const MAX_METHOD: usize = 32;
/// The beginnings of paths whose requests would only be in the way of others: who looks at the log
/// asks for them.
const NOT_LOGGED: [&str; 2] = ["/dev/requests", "/console"];
/// What stands in the place of a token.
const TOKEN: &str = "(token)";
/// How often a filter of mail may have escaped a link.
const ESCAPES: usize = 4;

/// A request that was responded to.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoggedRequest {
    /// Its number since the server started: each request has a greater one than all before it.
    #[schema(minimum = 1)]
    pub id: u64,
    /// When it came, by the clock of the server.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    /// Its method.
    pub method: String,
    /// Its path and query, at most 1,000 bytes, without any token.
    pub path: String,
    /// The status of its response.
    #[schema(minimum = 100, maximum = 599)]
    pub status: u16,
    /// The code of the error that it was responded with, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub code: Option<&'static str>,
    /// How long the response took until its first byte, in microseconds of real time.
    pub duration_us: u64,
    /// Its id, as `X-Request-Id` has it.
    pub request_id: String,
}

/// The requests of a server. Clones are handles to the same ones.
#[derive(Clone, Debug)]
pub(crate) struct RequestLog(Arc<Shared>);

/// What the handles share.
#[derive(Debug)]
struct Shared {
    /// When requests come.
    clock: Clock,
    /// The newest ones, oldest first.
    requests: Mutex<VecDeque<Arc<LoggedRequest>>>,
    /// The number of the newest one.
    newest: watch::Sender<u64>,
}

/// A request that is being responded to.
pub(crate) struct Pending {
    /// Where it goes when it was.
    log: RequestLog,
    /// What is known of it so far.
    request: LoggedRequest,
    /// When it came.
    start: Instant,
}

impl RequestLog {
    /// No requests yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self(Arc::new(Shared {
            clock,
            requests: Mutex::default(),
            newest: watch::Sender::new(0),
        }))
    }

    /// Notes that `request` has come, unless it asks for this log or for a page that shows it.
    pub(crate) fn begin(&self, request: &ServiceRequest, request_id: &str) -> Option<Pending> {
        let path = request.path();
        if is_of_log(path) {
            return None;
        }
        Some(Pending {
            log: self.clone(),
            request: LoggedRequest {
                id: 0,
                time: self.0.clock.now(),
                method: shortened(request.method().as_str(), MAX_METHOD),
                path: shortened(
                    &without_tokens(request.path(), request.query_string()),
                    MAX_PATH,
                ),
                status: 0,
                code: None,
                duration_us: 0,
                request_id: request_id.to_owned(),
            },
            start: Instant::now(),
        })
    }

    /// The newest requests, at most `limit` of them, newest first.
    pub(crate) fn list(&self, limit: usize) -> Vec<Arc<LoggedRequest>> {
        self.lock().iter().rev().take(limit).cloned().collect()
    }

    /// The requests that came after the one with the number `after`, oldest first.
    pub(crate) fn list_after(&self, after: u64) -> Vec<Arc<LoggedRequest>> {
        let requests = self.lock();
        let newer = requests.iter().filter(|request| request.id > after);
        newer.cloned().collect()
    }

    /// Changes whenever a request was responded to: it holds the number of the newest one.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.0.newest.subscribe()
    }

    /// Keeps `request` as the newest one.
    fn push(&self, mut request: LoggedRequest) {
        let mut requests = self.lock();
        request.id = requests.back().map_or(0, |newest| newest.id) + 1;
        let id = request.id;
        if requests.len() >= KEPT {
            requests.pop_front();
        }
        requests.push_back(Arc::new(request));
        self.0.newest.send_replace(id);
    }

    /// The requests. A thread that panicked leaves them whole.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<LoggedRequest>>> {
        self.0
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    /// Notes that it was responded to with `status`, and `code` if that is an error.
    pub(crate) fn end(self, status: u16, code: Option<Code>) {
        let Self {
            log,
            mut request,
            start,
        } = self;
        let took = start.elapsed();
        request.status = status;
        request.code = code.map(|code| code.meaning().name);
        request.duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        log.push(request);
    }
}

/// Whether whoever asks for `path` looks at the log.
pub(super) fn is_of_log(path: &str) -> bool {
    NOT_LOGGED.iter().any(|own| path.starts_with(own))
}

/// What the log may have of `path`. Some mail filters move the token of a link from the fragment
/// into it.
pub(crate) fn without_token(path: &str) -> &str {
    // Filters write its characters in many ways, so nothing is kept behind the page's own path.
    let start = path.find("/accept").map(|page| page + "/accept".len());
    let tokens = ["ivt_", "ivm_", "ivl_", "whsec_"].map(|prefix| path.find(prefix));
    let first = tokens.into_iter().chain([start]).flatten().min();
    first.map_or(path, |end| &path[..end])
}

/// What this log has of `path` and `query`: every part of them that holds a token is replaced.
/// The operations of the API that end in `/accept` are kept whole.
fn without_tokens(path: &str, query: &str) -> String {
    let path = if path.starts_with("/v1/") {
        path
    } else {
        without_token(path)
    };
    let mut text = replaced(path);
    if !query.is_empty() && !path.ends_with("/accept") {
        text.push('?');
        text += &replaced(query);
    }
    text
}

/// `text` with its parts that hold a token replaced.
fn replaced(text: &str) -> String {
    let mut without = String::with_capacity(text.len());
    for part in text.split_inclusive(['/', '&', '=']) {
        if holds_token(part) {
            without += TOKEN;
            without += part
                .get(part.len() - 1..)
                .filter(|end| "/&=".contains(end))
                .unwrap_or("");
        } else {
            without += part;
        }
    }
    without
}

/// Whether `text` holds a token, however often it was escaped.
pub(super) fn holds_token(text: &str) -> bool {
    let mut text = text.to_ascii_lowercase();
    for _ in 0..ESCAPES {
        if TOKEN_PREFIXES.iter().any(|prefix| text.contains(prefix)) {
            return true;
        }
        if !text.contains('%') {
            return false;
        }
        text = percent_decode_str(&text)
            .decode_utf8_lossy()
            .to_ascii_lowercase();
    }
    // Nobody escapes an honest request so often.
    text.contains('%')
}

/// The beginning of `text`, at most `most` bytes.
fn shortened(text: &str, most: usize) -> String {
    text[..text.floor_char_boundary(most)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_no_token_that_came_in_a_path() {
        for path in [
            "/accept%23ivt_0a_0b?x",
            "/accept/ivm_0a_0b/ivt_0a_0b",
            "/accept%23%69vm_0a_0b",
            "/accept%2523ivm%5F0a_0b",
        ] {
            assert_eq!(without_token(path), "/accept");
        }
        for token in ["ivt_0a_0b", "ivl_0a", "whsec_0a"] {
            assert_eq!(without_token(&format!("/other/{token}")), "/other/");
        }
        assert_eq!(without_token("/v1/keys"), "/v1/keys");
    }

    #[test]
    fn the_log_of_requests_has_no_token_however_it_is_escaped() {
        for (path, query, shown) in [
            ("/accept", "ivm_0a_0b", "/accept"),
            ("/accept%23=69vm=5F0a_0b", "x=1", "/accept"),
            (
                "/v1/keys",
                "api_key=ivk_0a_0b&x=1",
                "/v1/keys?api_key=(token)&x=1",
            ),
            ("/v1/keys", "t=%69vt_0a_0b", "/v1/keys?t=(token)"),
            ("/v1/keys", "l=ivl_0a&x=1", "/v1/keys?l=(token)&x=1"),
            ("/v1/keys", "s=whsec%5F0a", "/v1/keys?s=(token)"),
            ("/v1/keys", "t=%2569vt%255F0a_0b", "/v1/keys?t=(token)"),
            ("/v1/%69vk_0a_0b/x", "", "/v1/(token)/x"),
            (
                "/v1/organizations/acme/invitations",
                "email=ada%40example.com",
                "/v1/organizations/acme/invitations?email=ada%40example.com",
            ),
            ("/v1/invitations/accept", "", "/v1/invitations/accept"),
        ] {
            assert_eq!(without_tokens(path, query), shown);
        }
    }
}
