//! A JSON body: its type, its size, its deadline, its syntax, its fields.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::BytesMut;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::context::Context;
use super::{auth, idempotency, unread};
use crate::base::error::{Code, Error, Result};
use crate::base::json::{self, parse};
use crate::policy::limits::Share;

/// The largest body of most operations, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;
/// The largest body of operations that take many invitations at once, in bytes.
pub(crate) const LARGE_BODY: usize = 1024 * 1024;
/// The type of JSON.
const JSON: &str = "application/json";
/// The type of lines of JSON.
const JSON_LINES: &str = "application/x-ndjson";
/// How long a body may take to arrive.
const DEADLINE: Duration = Duration::from_secs(10);
/// A body of at most `MAX` bytes that was a JSON object with only known fields.
#[derive(Debug)]
pub(crate) struct Json<T, const MAX: usize = MAX_BODY> {
    /// The body.
    pub value: T,
    /// SHA-256 of its bytes, to recognize a repeated request; none: it names no `Idempotency-Key`.
    pub hash: Option<[u8; 32]>,
    /// Its bytes.
    pub length: usize,
    /// The memory of a large body, to be held for as long as what was in it.
    pub room: Option<Share>,
}

impl<T: DeserializeOwned + 'static, const MAX: usize> FromRequest for Json<T, MAX> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            check_headers(&request, MAX, &[JSON])?;
            let room = if MAX > MAX_BODY {
                Some(make_room(&request, &auth::actor_of(&request), MAX)?)
            } else {
                None
            };
            let body = arrive(&request, MAX).await?;
            Self::of(&request, &body, room)
        })
    }
}

impl<T: DeserializeOwned, const MAX: usize> Json<T, MAX> {
    /// What these bytes say.
    fn of(request: &HttpRequest, body: &[u8], room: Option<Share>) -> Result<Self> {
        Ok(Self {
            value: parse(body)?,
            hash: hash(request, body),
            length: body.len(),
            room,
        })
    }
}

impl<T: Default, const MAX: usize> Json<T, MAX> {
    /// What no body is taken for.
    fn nothing(request: &HttpRequest) -> Self {
        Self {
            value: T::default(),
            hash: hash(request, &[]),
            length: 0,
            room: None,
        }
    }
}

/// The hash of the body of `request`, where it is needed: a digest costs as much as parsing.
fn hash(request: &HttpRequest, body: &[u8]) -> Option<[u8; 32]> {
    idempotency::has_key(request).then(|| Sha256::digest(body).into())
}

/// Waits for the body of `request`, of at most `max` bytes.
pub(super) async fn arrive(request: &HttpRequest, max: usize) -> Result<BytesMut> {
    let late = |_| {
        Error::new(
            Code::RequestTimeout,
            "The body did not arrive within 10 seconds.",
        )
    };
    let mut payload = unread::take(request);
    let whole = read(&mut payload, max, declared(request));
    let body = tokio::time::timeout(DEADLINE, whole)
        .await
        .map_err(late)
        .flatten();
    if body.is_err() || request.head().upgrade() {
        unread::restore(request, payload);
    }
    body
}

/// A body that may be left away, which is the same as an empty object.
#[derive(Debug)]
pub(crate) struct OptionalJson<T>(pub Json<T>);

/// Nothing: the body is absent, or an empty object.
#[derive(Debug, Default, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = EmptyBody)]
pub(crate) struct NoBody {}

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if has_no_body(request) {
            let nothing = Self(Json::nothing(request));
            return Box::pin(async { Ok(nothing) });
        }
        if !is_chunked(request) {
            let body = Json::from_request(request, payload);
            return Box::pin(async { body.await.map(Self) });
        }
        let request = request.clone();
        Box::pin(async move {
            // Only its end says whether a chunked body is one, and nothing needs no type.
            let body = arrive(&request, MAX_BODY).await?;
            if body.is_empty() {
                return Ok(Self(Json::nothing(&request)));
            }
            check_headers(&request, MAX_BODY, &[JSON])?;
            Json::of(&request, &body, None).map(Self)
        })
    }
}

/// A body of at most `MAX` bytes that is JSON, or lines of JSON.
pub(crate) struct Lines<const MAX: usize> {
    /// Its bytes.
    pub bytes: BytesMut,
    /// The memory of a large body, to be held for as long as what was in it.
    _room: Share,
}

impl<const MAX: usize> FromRequest for Lines<MAX> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            check_headers(&request, MAX, &[JSON, JSON_LINES])?;
            let room = make_room(&request, &auth::actor_of(&request), MAX)?;
            let bytes = arrive(&request, MAX).await?;
            Ok(Self { bytes, _room: room })
        })
    }
}

/// Refuses what is none of `types` or encoded, and what says itself that it has more than `max`
/// bytes. Where there is neither a body nor a type, it is the body that is missing.
fn check_headers(request: &HttpRequest, max: usize, types: &[&str]) -> Result<()> {
    let sent: Vec<_> = request.headers().get_all(header::CONTENT_TYPE).collect();
    if sent.is_empty() && has_no_body(request) {
        return Err(json::empty());
    }
    let is_one = |sent: &str| types.iter().any(|name| is_type(sent, name));
    let is_json = matches!(sent[..], [one] if one.to_str().is_ok_and(is_one));
    if !is_json || request.headers().contains_key(header::CONTENT_ENCODING) {
        let detail = format!(
            "The body must be Content-Type: {} in UTF-8, without Content-Encoding.",
            types.join(" or ")
        );
        return Err(Error::new(Code::UnsupportedMediaType, detail));
    }
    if declared(request).is_some_and(|length| length > max) {
        Err(too_large(max))
    } else {
        Ok(())
    }
}

/// Whether this is the type `name`, one of JSON's. Its texts are UTF-8 (RFC 8259, 8.1), so a
/// parameter that names another charset is not.
fn is_type(content_type: &str, name: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let charset = |part: &str| {
        let (name, value) = part.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"').to_owned())
    };
    parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case(name))
        && parts
            .filter_map(charset)
            .all(|name| name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("utf8"))
}

/// Whether a body comes in chunks: only its end says how long it is.
fn is_chunked(request: &HttpRequest) -> bool {
    request.headers().contains_key(header::TRANSFER_ENCODING)
}

/// Whether the headers say that there is no body.
fn has_no_body(request: &HttpRequest) -> bool {
    !is_chunked(request) && declared(request).is_none_or(|length| length == 0)
}

/// How long a body says that it is.
pub(super) fn declared(request: &HttpRequest) -> Option<usize> {
    request
        .headers()
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Takes memory for a body of at most `max` bytes by `actor`. Whoever has much in memory already is refused,
/// and nobody else.
pub(super) fn make_room(request: &HttpRequest, actor: &str, max: usize) -> Result<Share> {
    let context = Context::of(request)?;
    let length = declared(request).unwrap_or(max).min(max);
    let detail = "Too many large bodies by this caller are in memory; nothing was changed.";
    context
        .bodies
        .take(actor, length)
        .ok_or_else(|| Error::new(Code::Overloaded, detail))
}

/// Collects the body, as far as it may go: to its declared length, for with `Upgrade: websocket`
/// the framework takes all that comes for the body.
async fn read(payload: &mut Payload, max: usize, declared: Option<usize>) -> Result<BytesMut> {
    let mut body = BytesMut::new();
    while declared.is_none_or(|length| body.len() < length)
        && let Some(chunk) = payload.next().await
    {
        let chunk = chunk
            .map_err(|_| Error::new(Code::BadRequest, "The body could not be read to its end."))?;
        if body.len() + chunk.len() > max {
            return Err(too_large(max));
        }
        body.extend_from_slice(&chunk);
    }
    body.truncate(declared.unwrap_or(usize::MAX));
    Ok(body)
}

/// The body is over the limit.
pub(super) fn too_large(max: usize) -> Error {
    Error::new(
        Code::BodyTooLarge,
        format!("The body has more than {max} bytes."),
    )
}
