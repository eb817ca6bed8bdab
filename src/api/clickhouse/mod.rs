//! The ClickHouse Cloud dialect: the same invitations in the shape of that API, for the clients
//! that exist for it.
//!
//! A facade: the rules are those of [`crate::invitation`], and there is no SQL here. What differs
//! is the shape: answers in an envelope, 200 for everything that works, `expireAt`, errors as one
//! line of text. Only pending invitations exist in it. A query key that it does not know means
//! nothing, as in that API.
//!
//! * [`organizations`], [`invitations`], [`members`], [`roles`], [`whoami`] are its operations.
//! * [`ids`] makes UUIDs of names, since the clients take nothing else; [`access`] reads them, and
//!   [`uuids`] knows whose they are.

mod access;
mod ids;
mod invitations;
mod members;
mod organizations;
mod roles;
mod uuids;
mod whoami;

pub(crate) use uuids::Uuids;

use std::borrow::Cow;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::operation::Operation;
use crate::base::error::{Code, Error, Result};
use crate::http::connection::Behind;
use crate::http::{context, nothing, problem};

/// Where the dialect is.
pub(crate) const ROOT: &str = "/clickhouse";
/// What the paths of the dialect start with.
pub(crate) const PREFIX: &str = "/clickhouse/";
/// Where a client of the dialect has the two parts of a key.
const TWO_FIELDS: &str = "The client takes a key in two fields: the key's id, which is the 16 \
    digits behind ivk_, and its secret, the 72 digits behind the next _; they come as user and \
    password of HTTP Basic.";

/// What every answer that has a result is wrapped in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Envelope<T> {
    /// The HTTP status.
    #[schema(example = 200)]
    pub status: u16,
    /// The `X-Request-Id` of the answer.
    pub request_id: String,
    /// What was asked for.
    pub result: T,
}

/// The answer where there is nothing to say.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeletionResponse)]
struct Done {
    /// The HTTP status.
    #[schema(example = 200)]
    pub status: u16,
    /// The `X-Request-Id` of the answer.
    pub request_id: String,
}

/// The answer to every request that fails.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ErrorResponse)]
pub(crate) struct Failed {
    /// The HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// `CODE: text`, the code being one of `/problems` in capitals.
    #[schema(example = "NOT_FOUND: There is no such invitation, or this key may not see it.")]
    pub error: String,
    /// The `X-Request-Id` of the answer.
    pub request_id: String,
}

/// The operations of the dialect.
pub(crate) fn operations() -> Vec<Operation> {
    let operations = [
        organizations::operations(),
        invitations::operations(),
        members::operations(),
        roles::operations(),
        whoami::operations(),
    ];
    operations.into_iter().flatten().collect()
}

/// Responds with `error` in the dialect.
pub(crate) fn respond(error: &Error, failed: &context::Failed<'_>) -> HttpResponse {
    problem::log_cause(error, failed.request_id);
    let meaning = error.code.meaning();
    let detail = match error.code {
        Code::Unauthorized => Cow::from(format!("{TWO_FIELDS} {}", error.detail)),
        _ => failed.detail(error),
    };
    let text = format!("{}: {detail}", meaning.name.to_uppercase());
    let mut response = HttpResponse::build(error.status_code());
    problem::add_headers(&mut response, error);
    response.json(Failed {
        status: meaning.status,
        error: text,
        request_id: failed.request_id.to_owned(),
    })
}

/// Says that no route has the path of `request`, which is one of the dialect; none: it is not.
/// `known` has the paths of all routes, of which only those of the dialect are compared. A client
/// that came by the port of the dialect is told of none by a prefix that it does not know.
pub(super) fn no_such_path(request: &HttpRequest, known: &[String]) -> Option<Error> {
    let asked = below(request.path())?;
    let own = known.iter().filter_map(|path| below(path));
    let own: Vec<_> = own.map(str::to_owned).collect();
    let (root, place) = if request.extensions().contains::<Behind>() {
        (
            "",
            "this port has only the ClickHouse Cloud dialect, from /v1 on",
        )
    } else {
        (
            ROOT,
            "the ClickHouse Cloud dialect starts at /clickhouse/v1, see /openapi/dialect.json",
        )
    };
    let hint = nothing::hint(root, asked, &own);
    let detail = format!("No such path; {place}.{hint}");
    Some(Error::new(Code::NotFound, detail))
}

/// The part of `path` below that of the dialect; none: it is elsewhere.
fn below(path: &str) -> Option<&str> {
    let rest = path.strip_prefix(ROOT)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// Wraps `result` as bytes.
fn wrap<T: Serialize>(result: T, request_id: &str) -> Result<Vec<u8>> {
    let envelope = Envelope {
        status: 200,
        request_id: request_id.to_owned(),
        result,
    };
    serde_json::to_vec(&envelope).map_err(Error::internal)
}

/// Responds with JSON that is written already.
fn ok(json: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(json)
}

/// Responds that what was asked for is done.
fn done(request_id: String) -> HttpResponse {
    HttpResponse::Ok().json(Done {
        status: 200,
        request_id,
    })
}
