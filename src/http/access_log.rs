//! The access log: a line for each request, once its response was handed over or cut off.
//!
//! A line names the route, ids and the program that asked. It has nothing of a query, a body or
//! another header, and of the path only what is an id: the rest may hold tokens and addresses.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::USER_AGENT;
use actix_web::web::Bytes;
use actix_web::{Error, HttpRequest};

use super::answer_body::PIECE;
use super::context::Context;
use super::refusal_log::method_of;
use super::router::{path_of_ids, pattern_of, read_param};
use super::{anonymous, auth};
use crate::base::current_request::CurrentRequest;
use crate::base::error::Code;
use crate::base::organization_id::OrganizationId;

/// Where the lines come from, for filters of the log.
const TARGET: &str = "invited::access";
/// The longest name of a program that is logged, in bytes.
const MAX_USER_AGENT: usize = 256;
/// What stands in the place of a route where there is none.
const NO_ROUTE: &str = "(no route)";

/// The line of a request, as far as it is known.
pub(crate) struct Line {
    /// The request.
    request: CurrentRequest,
    /// When it came.
    start: Instant,
    /// Its method.
    method: String,
    /// Where it came from, as far as the log has that.
    client: Option<String>,
    /// The id of the key that it names, good or not.
    key: Option<String>,
    /// The program that sent it.
    user_agent: Option<String>,
    /// Its route, with names in place of values.
    route: Option<String>,
    /// Its path, as far as it consists of ids.
    path: Option<String>,
    /// The organization in its path.
    organization: Option<OrganizationId>,
    /// The status of its response.
    status: u16,
    /// The code of the error that it was responded with, if it was one.
    code: Option<&'static str>,
}

impl Line {
    /// The line of `request`, which came at `start`; none where nobody wants it.
    pub(crate) fn begin(
        request: &ServiceRequest,
        context: Option<&Context>,
        current: &CurrentRequest,
        start: Instant,
    ) -> Option<Self> {
        let context = context?;
        let is_wanted = context.logs_access && log::log_enabled!(target: TARGET, log::Level::Info);
        if !is_wanted || context.is_of_log(request.path()) {
            return None;
        }
        let (peer, forwarded) = anonymous::origin(request.request());
        let client = context.limits.client(peer, &forwarded);
        Some(Self {
            request: current.clone(),
            start,
            method: method_of(request.request()).to_owned(),
            client: context.addresses.show(client),
            key: auth::key_named_by(request.request()),
            user_agent: user_agent_of(request.request()),
            route: None,
            path: None,
            organization: None,
            status: 0,
            code: None,
        })
    }

    /// Writes the line once the response in `outcome` was handed over.
    pub(crate) fn end(
        mut self,
        outcome: Result<ServiceResponse<BoxBody>, Error>,
        code: Option<Code>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        self.code = code.map(|code| code.meaning().name);
        let response = match outcome {
            Ok(response) => response,
            Err(error) => {
                self.status = error.as_response_error().status_code().as_u16();
                self.write(None);
                return Err(error);
            }
        };
        let request = response.request();
        self.status = response.status().as_u16();
        self.route = pattern_of(request);
        self.path = path_of_ids(request);
        self.organization = read_param(request, "organizationId", OrganizationId::parse);
        let is_bare = *request.method() == Method::HEAD;
        match response.response().body().size() {
            BodySize::Sized(bytes) if bytes <= PIECE as u64 => {
                self.write(Some(if is_bare { 0 } else { bytes }));
            }
            BodySize::None => self.write(Some(0)),
            _ if is_bare => self.write(Some(0)),
            _ => return Ok(response.map_body(|_, body| LoggedBody::around(body, self))),
        }
        Ok(response)
    }

    /// Writes the line of a response with a body of `bytes`; none: that is not known.
    fn write(self, bytes: Option<u64>) {
        let took = self.start.elapsed();
        let request = self.request.clone();
        let route = self.route.as_deref().unwrap_or(NO_ROUTE);
        let path = self.path.as_deref().unwrap_or(route);
        let (method, status) = (&*self.method, self.status);
        let code = self.code.map(|code| format!(" {code}")).unwrap_or_default();
        let duration_ms = (took.as_secs_f64() * 1_000_000.0).round() / 1_000.0;
        request.run_now(|| {
            log::info!(
                target: TARGET,
                method = method,
                route = route,
                status = status,
                code = self.code,
                "durationMs" = duration_ms,
                bytes = bytes,
                key = self.key.as_deref(),
                organization = self.organization.as_ref().map(OrganizationId::as_str),
                client = self.client.as_deref(),
                "userAgent" = self.user_agent.as_deref();
                "{method} {path} {status}{code} in {took:.1?}"
            );
        });
    }
}

/// The program that sent `request`, as it calls itself.
fn user_agent_of(request: &HttpRequest) -> Option<String> {
    let name = request.headers().get(USER_AGENT)?.as_bytes();
    let name = String::from_utf8_lossy(&name[..name.len().min(MAX_USER_AGENT)]);
    Some(name.into_owned())
}

/// The body of a response whose line is written at its end.
struct LoggedBody {
    /// The body.
    body: BoxBody,
    /// How much of it was handed over.
    bytes: u64,
    /// The line.
    line: Option<Line>,
}

impl LoggedBody {
    /// `body`, at whose end `line` is written.
    fn around(body: BoxBody, line: Line) -> BoxBody {
        BoxBody::new(Self {
            body,
            bytes: 0,
            line: Some(line),
        })
    }
}

impl MessageBody for LoggedBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_next(cx);
        if let Poll::Ready(Some(Ok(piece))) = &polled {
            this.bytes += piece.len() as u64;
        }
        polled
    }
}

/// Whether the body was handed over to its end or cut off, its line is written.
impl Drop for LoggedBody {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            line.write(Some(self.bytes));
        }
    }
}
