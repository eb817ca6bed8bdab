//! The id of a request, and what is found of the request on its way.

use std::cell::Cell;
use std::rc::Rc;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpMessage, HttpRequest};
use uuid::Uuid;

use super::context::Failed;
use super::headers::X_REQUEST_ID;
use crate::base::ids::{Ids, Kind};
use crate::base::redacted::TOKEN_PREFIXES;

/// Longest id that is taken from a caller.
const MAX_REQUEST_ID: usize = 128;

/// The id of a request: the caller's, where it is usable, else a UUIDv4. What is found of the
/// request later stands beside it, for those who have lost the request by then.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(Rc<Named>);

/// What a handle to a request's id leads to.
#[derive(Debug)]
struct Named {
    /// The id.
    id: Rc<str>,
    /// The place of the route among all routes; none: it has none, or it was not found yet.
    route: Cell<Option<usize>>,
}

impl RequestId {
    /// The id that the envelope gave to `request`.
    pub(crate) fn of(request: &HttpRequest) -> String {
        request
            .extensions()
            .get::<Self>()
            .map(|id| id.as_str().to_owned())
            .unwrap_or_default()
    }

    /// The id.
    pub(super) fn as_str(&self) -> &str {
        &self.0.id
    }

    /// The id, for those who keep it.
    pub(super) fn text(&self) -> Rc<str> {
        Rc::clone(&self.0.id)
    }

    /// The place of the route of the request, if it was found.
    pub(super) fn route(&self) -> Option<usize> {
        self.0.route.get()
    }

    /// Notes the place of the route of `request`.
    pub(super) fn set_route(request: &HttpRequest, place: usize) {
        if let Some(id) = request.extensions().get::<Self>() {
            id.0.route.set(Some(place));
        }
    }

    /// What failed: `request`, which has this id.
    pub(super) fn failed<'a>(&'a self, request: Option<&'a HttpRequest>) -> Failed<'a> {
        let request_id = &self.0.id;
        Failed {
            request_id,
            request,
        }
    }

    /// Takes the caller's id, or makes one. Ids are kept and logged, so one that holds a token of ours
    /// is not taken.
    pub(super) fn choose(headers: &HeaderMap, ids: &Ids) -> Self {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._~:-".contains(&byte);
        let given = headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
        let usable = given.filter(|id| {
            let has_form = (1..=MAX_REQUEST_ID).contains(&id.len()) && id.bytes().all(allowed);
            has_form && !TOKEN_PREFIXES.iter().any(|prefix| id.contains(prefix))
        });
        // Every request has one, and a text of its own would be allocated and copied.
        let new = || {
            let mut buffer = Uuid::encode_buffer();
            let id = ids.uuid(Kind::Request).hyphenated();
            Rc::from(&*id.encode_lower(&mut buffer))
        };
        let id = usable.map_or_else(new, Rc::from);
        let route = Cell::new(None);
        Self(Rc::new(Named { id, route }))
    }
}
