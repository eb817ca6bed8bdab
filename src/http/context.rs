//! What the toolkit takes from the server that it serves.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::cors::Cors;
use super::etag::EtagKey;
use super::metrics::RequestMetrics;
use super::nothing;
use super::problem;
use super::request_log::{self, RequestLog};
use super::stopping::Stopping;
use crate::base::addresses::Addresses;
use crate::base::error::{Error, Result};
use crate::base::mode::Mode;
use crate::db::Db;
use crate::key::last_use::LastUses;
use crate::policy::limits::{Limits, Shares};

/// Writes the response to a request that failed.
pub(crate) type WriteError = fn(&Error, &Failed<'_>) -> HttpResponse;

/// A request that failed, as far as its response is about it.
pub(crate) struct Failed<'a> {
    /// The `X-Request-Id` of the response.
    pub request_id: &'a str,
    /// The request; none where the framework has lost it.
    pub request: Option<&'a HttpRequest>,
}

/// What the toolkit takes from the server that it serves. It is data of the application.
pub(crate) struct Context {
    /// The data file.
    pub db: Db,
    /// Whom the server is for.
    pub mode: Mode,
    /// The names by which development may be reached besides, in lower case.
    pub allowed_hosts: Vec<String>,
    /// The pages of other origins that may come.
    pub cors: Cors,
    /// How much one caller may do.
    pub limits: Arc<Limits>,
    /// The memory for large bodies, in bytes: those that are read, and those whose rows wait.
    pub bodies: Shares,
    /// The memory for large answers that are not read yet, in bytes.
    pub answers: Shares,
    /// How many bytes of responses one caller may have stored in 24 hours; 0: any number.
    pub room_for_answers: i64,
    /// What the tags of versions are hashed with.
    pub etags: EtagKey,
    /// When keys were last used.
    pub last_uses: LastUses,
    /// The requests as they come; none: nobody keeps them.
    pub requests: Option<RequestLog>,
    /// Whether each request is a line of the log.
    pub logs_access: bool,
    /// What the log has of the addresses of clients.
    pub addresses: Addresses,
    /// Whether browsers are to come with TLS only from now on.
    pub is_tls_only: bool,
    /// How many requests there were, and how long they took.
    pub request_metrics: Arc<RequestMetrics>,
    /// Whether the server is about to stop.
    pub stopping: Stopping,
    /// The beginnings of paths below which errors are not problem documents, and what writes them
    /// there.
    pub dialects: &'static [(&'static str, WriteError)],
    /// The paths of forms that a page of any origin may send: what they hold is proof enough.
    pub open_forms: &'static [&'static str],
}

impl Failed<'_> {
    /// The sentence about `error`.
    pub(crate) fn detail<'e>(&self, error: &'e Error) -> Cow<'e, str> {
        match self.request {
            Some(request) if error.is_of_path => nothing::at(request),
            _ => Cow::Borrowed(&error.detail),
        }
    }
}

impl Context {
    /// The context of `request`.
    ///
    /// # Errors
    /// When the server was built without one.
    pub(crate) fn of(request: &HttpRequest) -> Result<&Self> {
        Self::find(request).ok_or_else(|| Error::internal("no context"))
    }

    /// The context of `request`; none: nobody serves it, as in a test of one file.
    pub(crate) fn find(request: &HttpRequest) -> Option<&Self> {
        request
            .app_data::<web::Data<Self>>()
            .map(|context| &***context)
    }

    /// The same, for longer than the request is there. A look takes its time, so whoever needs it
    /// several times looks once.
    pub(crate) fn share(request: &HttpRequest) -> Option<Arc<Self>> {
        request
            .app_data::<web::Data<Self>>()
            .map(|context| Arc::clone(context))
    }

    /// Whether whoever asks for `path` looks at the requests themselves: such requests would only be
    /// in the way of others.
    pub(crate) fn is_of_log(&self, path: &str) -> bool {
        self.requests.is_some() && request_log::is_of_log(path)
    }

    /// Whether a form to `path` may be sent by a page of any origin.
    pub(crate) fn is_open_form(&self, path: &str) -> bool {
        self.open_forms.contains(&path)
    }

    /// What writes the error of a request to `path`.
    pub(crate) fn write_error(&self, path: &str) -> WriteError {
        let is_below = |prefix: &str| {
            let rest = path.strip_prefix(prefix.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let dialect = self.dialects.iter().find(|(prefix, _)| is_below(prefix));
        dialect.map_or(problem::respond, |(_, write)| *write)
    }
}
