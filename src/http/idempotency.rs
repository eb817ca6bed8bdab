//! The `Idempotency-Key` header, and stored answers as responses.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder};
use uuid::Uuid;

use super::auth::Caller;
use super::context::Context;
use super::etag::{self, EtagKey};
use crate::base::error::{Code, Error, Result};
use crate::idempotency::{StoredResponse, Ticket};

/// The request header.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Tells an answer that comes again.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key in bytes.
const MAX_KEY: usize = 255;

/// The `Idempotency-Key` of a request, with the operation that it belongs to.
#[derive(Debug)]
pub(crate) struct IdempotencyKey {
    /// The key, if there is one.
    key: Option<String>,
    /// Method and path, without percent-encodings that it does not need: one path is one operation.
    /// Then the invitation's id, where a link names it. Empty without a key.
    operation: String,
    /// How many bytes of answers its caller may have stored.
    room: i64,
}

impl IdempotencyKey {
    /// The same for an operation on the invitation of a link, which is not in its path: people have
    /// no names, so the keys of those with different links must not meet.
    #[must_use]
    pub(crate) fn of_link(self, invitation: Uuid) -> Self {
        Self {
            operation: format!("{}/{}", self.operation, invitation.simple()),
            ..self
        }
    }

    /// What makes a request of `caller` recognizable, whose body has this hash.
    pub(crate) fn ticket(self, caller: &Caller, body_hash: Option<[u8; 32]>) -> Option<Ticket> {
        self.ticket_of(&caller.actor, body_hash)
    }

    /// The same for whoever is called `actor`.
    pub(crate) fn ticket_of(self, actor: &str, body_hash: Option<[u8; 32]>) -> Option<Ticket> {
        Some(Ticket {
            actor: actor.to_owned(),
            operation: self.operation,
            key: self.key?,
            body_hash: body_hash?,
            room: self.room,
        })
    }

    /// Reads the header, which may be there once.
    fn parse(request: &HttpRequest) -> Result<Self> {
        let mut headers = request.headers().get_all(IDEMPOTENCY_KEY);
        let (header, another) = (headers.next(), headers.next());
        let Some(header) = header else {
            return Ok(Self {
                key: None,
                operation: String::new(),
                room: 0,
            });
        };
        let (Some(key), None) = (parse_value(header), another) else {
            let detail = "Idempotency-Key must be one value of 1 to 255 visible ASCII characters, \
                without spaces.";
            return Err(Error::new(Code::BadRequest, detail));
        };
        let context = Context::of(request)?;
        Ok(Self {
            key: Some(key.to_owned()),
            operation: format!("{} {}", request.method(), request.match_info().as_str()),
            room: context.room_for_answers,
        })
    }
}

/// Whether `request` names an `Idempotency-Key`.
pub(super) fn has_key(request: &HttpRequest) -> bool {
    request.headers().contains_key(IDEMPOTENCY_KEY)
}

/// Reads one value of the header: 1 to 255 visible ASCII characters, bare or as a quoted string.
pub fn parse_value(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?;
    let bare = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(text);
    let is_valid =
        (1..=MAX_KEY).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_graphic());
    is_valid.then_some(bare)
}

impl FromRequest for IdempotencyKey {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(request))
    }
}

/// Responds with what was, or had been, stored.
pub(crate) fn respond(answer: StoredResponse, etags: EtagKey) -> HttpResponse {
    let mut response = head(&answer);
    response.insert_header(etag::header(&etags.tag(&answer.body)));
    response.body(answer.body)
}

/// The head of that answer, without an ETag.
pub(crate) fn head(answer: &StoredResponse) -> HttpResponseBuilder {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.content_type("application/json");
    if let Some(location) = &answer.location {
        response.insert_header((header::LOCATION, location.as_str()));
    }
    if answer.replayed {
        response.insert_header((IDEMPOTENCY_REPLAYED, "true"));
    }
    response
}
