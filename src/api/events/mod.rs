//! The HTTP of events: the history of an organization, and its events as they happen.

pub mod live;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{Stream, TryStreamExt, stream};
use uuid::Uuid;

use super::state::State;
use crate::api::error_responses::{COMMON, LISTING, WITH_KEY};
use crate::api::operation::Operation;
use crate::api::stream::JsonArray;
use crate::base::error::{Code, Error, Result};
use crate::db::Reader;
use crate::event::query::{EventParams, EventQuery, StreamParams, StreamQuery, parse_event_id};
use crate::event::{Event, store};
use crate::http::auth::{OrganizationAccess, Read};
use crate::http::params::InOrganization;
use crate::http::problem;
use crate::http::query::Query;

use live::Subject;

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(__path_list, list, &[COMMON, WITH_KEY, LISTING]),
        Operation::new(
            __path_stream,
            stream,
            &[COMMON, WITH_KEY, &[Code::ValidationFailed]],
        ),
    ]
}

/// The last event that a client saw, when it comes back (WHATWG HTML, 9.2).
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells nginx, and what has learned it from nginx, to pass every part on at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// `GET /v1/organizations/{organizationId}/events` with `invitations:read`: 200 with an array, one
/// page of it.
///
/// # Errors
/// 400 for an unknown key or a foreign cursor, 422 for a value that is not acceptable.
#[utoipa::path(
    get,
    path = "/v1/organizations/{organizationId}/events",
    operation_id = "listEvents",
    tag = "Events",
    summary = "List what happened",
    description = "The history of the organization as an array, newest first; `[]` for an \
        organization that is not known. Always in pages: `Link` names the next one. Nothing is \
        ever changed or taken out of it.",
    params(InOrganization, EventParams),
    responses(
        (status = 200, description = "The events.", body = Vec<Event<'_>>,
            headers(("Link" = String, description = "`<URL>; rel=\"next\"` where more follow \
                (RFC 8288).")),
            example = json!([crate::event::example()])),
    )
)]
async fn list(
    access: OrganizationAccess<Read>,
    state: Data<State>,
    query: Query<EventParams>,
) -> Result<HttpResponse> {
    let OrganizationAccess {
        caller,
        organization,
        snapshot,
        ..
    } = access;
    let query = query.check(|params| EventQuery::parse(params, &organization))?;
    let paged = query.paged(&organization);
    let limit = query.page.limit;
    let is_bounded = query.filter.is_empty();
    let read = move |reader: &Reader<'_>| {
        let mut json = JsonArray::default();
        let write = |event: &Event<'_>| json.push(event);
        let (last, has_more) = store::list(reader, &organization, &query, write)?;
        Ok((json.finish(), last.filter(|_| has_more)))
    };
    let (json, more_after) = if is_bounded {
        read(&snapshot.reader())?
    } else {
        // A filter may have to step over any number of events.
        drop(snapshot);
        state.db.read_long(&caller.actor, read).await?
    };
    let mut response = HttpResponse::Ok();
    if let Some(last) = more_after {
        response.insert_header((
            header::LINK,
            paged.next_link(&state.public_url, limit, last.simple()),
        ));
    }
    Ok(response.content_type("application/json").body(json))
}

/// `GET /v1/organizations/{organizationId}/events/stream` with `invitations:read`: 200 with events
/// as they happen, without an end.
///
/// # Errors
/// 400 for a `Last-Event-ID` that is none or an unknown key, 422 for a value that is not
/// acceptable, 503 for one stream too many.
#[utoipa::path(
    get,
    path = "/v1/organizations/{organizationId}/events/stream",
    operation_id = "streamEvents",
    tag = "Events",
    summary = "Wait for what happens",
    description = "Server-sent events, without an end: each has the `id` and the type (`event`) \
        of one event, and the event as the history shows it as its `data`. The stream begins \
        after the request, or after the event that is named. A comment comes every 15 seconds if \
        nothing else does. It ends with the server, the key or the organization.",
    params(
        InOrganization,
        StreamParams,
        ("Last-Event-ID" = Option<String>, Header, description = "Begin after this event; the \
            nil UUID: with the first one.",
            pattern = "^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$"),
    ),
    responses(
        (status = 200, description = "The events.", content_type = "text/event-stream",
            body = String,
            headers(("X-Accel-Buffering" = String, description = "`no`: a proxy that knows it \
                passes every event on at once.")),
            example = "id: 019a0c5e-7b1c-7cc3-98c4-dc0c0c073990\nevent: \
                invitation.created\ndata: {\"id\":\"019a0c5e-7b1c-7cc3-98c4-dc0c0c073990\"}\n\n"),
    )
)]
async fn stream(
    access: OrganizationAccess<Read>,
    request: HttpRequest,
    state: Data<State>,
    query: Query<StreamParams>,
) -> Result<HttpResponse> {
    let OrganizationAccess {
        caller,
        organization,
        request_id,
        snapshot,
    } = access;
    let query = query.check(StreamQuery::parse)?;
    let after = match last_event_id(&request)?.or(query.after) {
        Some(after) => after,
        None => store::latest(&snapshot.reader(), &organization)?.unwrap_or_default(),
    };
    drop(snapshot);
    let subject = Subject {
        organization,
        filter: query.filter,
        after,
        actor: caller.actor,
    };
    let open = || Ok(state.streams.open(state.db.clone(), subject)?.parts());
    respond_live(&request, request_id, open)
}

/// Responds with the parts of the stream that `open` begins.
///
/// # Errors
/// Those of `open`.
pub(crate) fn respond_live<Parts: Stream<Item = Result<Vec<u8>>> + 'static>(
    request: &HttpRequest,
    request_id: String,
    open: impl FnOnce() -> Result<Parts>,
) -> Result<HttpResponse> {
    let mut response = HttpResponse::Ok();
    // At its end nothing is left to ask for, and a server that stops must not wait for the
    // connection.
    response
        .force_close()
        .content_type("text/event-stream")
        .insert_header((X_ACCEL_BUFFERING, "no"));
    if request.method() == Method::HEAD {
        // The framework would read a body to its end, and throw it away.
        return Ok(response.streaming(stream::empty::<Result<Bytes>>()));
    }
    let parts = open()?.map_ok(Bytes::from);
    Ok(response.streaming(parts.inspect_err(move |error| problem::log_cause(error, &request_id))))
}

/// The event that `Last-Event-ID` names, if it is there.
fn last_event_id(request: &HttpRequest) -> Result<Option<Uuid>> {
    let wrong = "Last-Event-ID is not the id of an event: a UUID, lowercase with hyphens.";
    read_last_event_id(request, wrong, |text| parse_event_id(text).ok())
}

/// What `parse` makes of the header `Last-Event-ID`, if it is there; `wrong` is said where it makes
/// nothing of it.
///
/// # Errors
/// [`Code::BadRequest`] for two headers, and for one that is no id.
pub(crate) fn read_last_event_id<Id>(
    request: &HttpRequest,
    wrong: &'static str,
    parse: impl FnOnce(&str) -> Option<Id>,
) -> Result<Option<Id>> {
    // Some clients send the header without a value where they know no event.
    let mut headers = request
        .headers()
        .get_all(LAST_EVENT_ID)
        .filter(|header| !header.as_bytes().is_empty());
    let (header, another) = (headers.next(), headers.next());
    if another.is_some() {
        return Err(Error::new(
            Code::BadRequest,
            "There are two Last-Event-ID headers.",
        ));
    }
    let parse = |header: &header::HeaderValue| header.to_str().ok().and_then(parse);
    header
        .map(|header| parse(header).ok_or_else(|| Error::new(Code::BadRequest, wrong)))
        .transpose()
}
