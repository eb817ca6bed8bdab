//! The HTTP of the log of requests.

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{Stream, stream};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use utoipa::IntoParams;

use super::Developer;
use crate::api::error_responses::{COMMON, WITH_KEY};
use crate::api::events::live::{BEAT, OPENING, Seat};
use crate::api::events::{read_last_event_id, respond_live};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::base::error::{Code, Error, Errors, Result};
use crate::base::page::{DEFAULT_LIMIT, parse_limit};
use crate::http::context::Context;
use crate::http::query::{NoQuery, Query};
use crate::http::request_log::{LoggedRequest, RequestLog};

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            __path_list,
            list,
            &[
                COMMON,
                WITH_KEY,
                &[Code::OriginNotAllowed, Code::ValidationFailed],
            ],
        ),
        Operation::new(
            __path_stream,
            stream,
            &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]],
        ),
    ]
}

/// The query of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RequestParams {
    /// How many at most, the newest ones. Default: 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
}

impl RequestParams {
    /// Checks the values of a query.
    ///
    /// # Errors
    /// [`Code::ValidationFailed`].
    fn parse(self) -> Result<u32> {
        let mut errors = Errors::default();
        let limit = errors.read(self.limit, parse_limit);
        errors.check()?;
        Ok(limit.unwrap_or(DEFAULT_LIMIT))
    }
}

/// The log of this server.
fn log_of(context: &Context) -> Result<&RequestLog> {
    context.requests.as_ref().ok_or_else(Error::not_found)
}

/// `GET /dev/requests`, only in `invited dev`: 200 with the newest requests, newest first.
///
/// # Errors
/// 422 for a limit that is not acceptable.
#[utoipa::path(
    get,
    path = "/dev/requests",
    operation_id = "listRequests",
    tag = "Development",
    summary = "The requests that came",
    description = "Newest first. The server keeps the newest 500 in memory. Requests for this log \
        are not in it. No path or query in it holds a token: `(token)` stands in its place.",
    params(RequestParams),
    responses(
        (status = 200, description = "The requests.", body = Vec<LoggedRequest>, example = json!([{
            "id": 12, "time": "2026-11-23T02:43:00.123Z", "method": "POST",
            "path": "/v1/organizations/acme/invitations", "status": 409, "code": "already_invited",
            "durationUs": 840, "requestId": "8b0f1c86-3a27-4a0b-a6df-5c34f8f2a4a4"}])),
    )
)]
async fn list(
    _: Developer,
    context: Data<Context>,
    query: Query<RequestParams>,
) -> Result<HttpResponse> {
    let limit = query.check(RequestParams::parse)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let requests = log_of(&context)?.list(limit);
    let requests: Vec<&LoggedRequest> = requests.iter().map(Arc::as_ref).collect();
    Ok(HttpResponse::Ok().json(requests))
}

/// `GET /dev/requests/stream`, only in `invited dev`: 200 with the requests as they come, without
/// an end.
///
/// # Errors
/// 400 for a `Last-Event-ID` that is none, 503 for one stream too many.
#[utoipa::path(
    get,
    path = "/dev/requests/stream",
    operation_id = "streamRequests",
    tag = "Development",
    summary = "Wait for requests",
    description = "Server-sent events, without an end: each has the type `request`, the number of \
        a request as its `id`, and the request in one line as its `data`. The stream begins with \
        what comes after it, or after the request that is named. A comment comes every 15 seconds \
        if nothing else does. It ends when the server stops.",
    params(("Last-Event-ID" = Option<u64>, Header, description = "Begin after this request; 0: \
        with the oldest one that is kept.")),
    responses(
        (status = 200, description = "The requests.", content_type = "text/event-stream",
            body = String,
            headers(("X-Accel-Buffering" = String, description = "`no`: a proxy that knows it \
                passes every event on at once.")),
            example = "id: 12\nevent: request\ndata: {\"id\":12}\n\n"),
    )
)]
async fn stream(
    developer: Developer,
    request: HttpRequest,
    _: NoQuery,
    context: Data<Context>,
    state: Data<State>,
) -> Result<HttpResponse> {
    let log = log_of(&context)?.clone();
    let wrong = "Last-Event-ID is not the number of a request.";
    let after = read_last_event_id(&request, wrong, |text| text.parse().ok())?;
    let news = log.follow();
    let after = after.unwrap_or_else(|| *news.borrow());
    let origin = developer.origin;
    let open = || {
        let seat = state.streams.take_seat(&origin.actor)?;
        Ok(Live {
            log,
            news,
            after,
            seat,
        }
        .parts())
    };
    respond_live(&request, origin.request_id, open)
}

/// One stream.
struct Live {
    /// The log.
    log: RequestLog,
    /// Changes when there are new requests.
    news: watch::Receiver<u64>,
    /// The number of the last request that was told.
    after: u64,
    /// Its place.
    seat: Seat,
}

impl Live {
    /// The stream, part by part. Ends with the server.
    fn parts(self) -> impl Stream<Item = Result<Vec<u8>>> {
        stream::try_unfold((self, false), |(mut live, has_begun)| async move {
            let part = if has_begun {
                live.next().await?
            } else {
                Some(OPENING.to_vec())
            };
            Ok(part.map(|part| (part, (live, true))))
        })
    }

    /// The next part; none at the end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            if *self.seat.stop.borrow() {
                return Ok(None);
            }
            // What comes from here on is news again, whether or not this look sees it.
            self.news.mark_unchanged();
            let requests = self.log.list_after(self.after);
            if let Some(last) = requests.last() {
                self.after = last.id;
                self.seat.postpone_beat();
                return write(&requests).map(Some);
            }
            if Instant::now() >= self.seat.beat_at {
                self.seat.postpone_beat();
                return Ok(Some(BEAT.to_vec()));
            }
            self.wait().await;
        }
    }

    /// Waits until there is something to tell, or to end for.
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.seat.stop.changed() => {}
            _ = self.news.changed() => {}
            () = sleep_until(self.seat.beat_at) => {}
        }
    }
}

/// `requests` in the form of WHATWG HTML, 9.2. JSON has no line breaks of its own.
fn write(requests: &[Arc<LoggedRequest>]) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for request in requests {
        text.extend_from_slice(format!("id: {}\nevent: request\ndata: ", request.id).as_bytes());
        serde_json::to_writer(&mut text, request.as_ref()).map_err(Error::internal)?;
        text.extend_from_slice(b"\n\n");
    }
    Ok(text)
}
