//! Around every request: its id, the checks that need no route, the headers of every answer, and
//! every error's document.
//!
//! Order: request id and trace; URI length and Host; the handler, with panics caught; errors to
//! documents; headers.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header;
use actix_web::http::{ConnectionType, Method, Version};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use futures_util::FutureExt;

use super::access_log::Line;
use super::asset::Static;
use super::connection::{self, Answering};
use super::context::{Context, WriteError};
use super::cors::Leave;
use super::headers;
use super::request_id::RequestId;
use super::request_log::without_token;
use super::trace_context::find_trace_id;
use super::{answer_body, auth, host, metrics, problem, refusal_log, unread};
use crate::base::current_request::CurrentRequest;
use crate::base::error::{Code, Error, Result};
use crate::base::ids::Ids;
use crate::base::mode::Mode;
use crate::policy::limits::Share;

/// Bytes of an answer above which it counts as memory that a peer holds who does not read it.
const LARGE_ANSWER: u64 = 64 * 1024;
/// Bytes that a list in pages holds: one page, and a piece of it on its way.
const STREAMED: usize = 400 * 1024;
/// Longest path and query, in bytes.
const MAX_URI: usize = 8 * 1024;

/// Wraps the whole application.
///
/// # Errors
/// None of its own: what the framework passes on as an error carries its finished answer.
pub(crate) async fn envelope(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> std::result::Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let start = Instant::now();
    let answering = connection::begin(request.request());
    let context = Context::share(request.request());
    let context = context.as_deref();
    let ids = context.map_or(&Ids::Random, |context| context.db.ids());
    let id = RequestId::choose(request.headers(), ids);
    request.extensions_mut().insert(id.clone());
    let current = CurrentRequest {
        id: id.text(),
        trace_id: find_trace_id(request.headers()).map(Rc::from),
    };
    let line = Line::begin(&request, context, &current, start);
    let work = work(request, next, context, id, start, answering);
    let (outcome, code) = current.run(work).await;
    match line {
        Some(line) => line.end(outcome, code),
        None => outcome,
    }
}

/// What came of a request: its finished response, and the code of the error that it is.
type Outcome = (
    std::result::Result<ServiceResponse<BoxBody>, actix_web::Error>,
    Option<Code>,
);

/// Responds to `request`, whose lines in the log name it already.
async fn work(
    mut request: ServiceRequest,
    next: Next<BoxBody>,
    context: Option<&Context>,
    id: RequestId,
    start: Instant,
    answering: Option<Answering>,
) -> Outcome {
    context
        .iter()
        .for_each(|context| context.stopping.count_request());
    let pending = context
        .and_then(|context| context.requests.as_ref())
        .and_then(|requests| requests.begin(&request, id.as_str()));
    let method = metrics::place_of(request.method());
    let write: WriteError = context.map_or(problem::respond, |context| {
        context.write_error(request.path())
    });
    let code = Cell::new(None);
    let respond = |error: &Error, request: Option<&HttpRequest>| {
        code.set(Some(error.code));
        write(error, &id.failed(request))
    };
    unread::stash(&mut request);
    if log::log_enabled!(log::Level::Debug) {
        let path = without_token(request.path());
        log::debug!("{} {path}", request.method());
    }
    let outcome = answer(request, next, context, &id, answering, &respond).await;
    let status = match &outcome {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.as_response_error().status_code().as_u16(),
    };
    let duration = start.elapsed();
    log::debug!("{status} in {duration:?}");
    if let Some(context) = context {
        let counted = &context.request_metrics;
        counted.record(id.route(), method, status, duration);
    }
    if let Some(pending) = pending {
        pending.end(status, code.get());
    }
    (outcome, code.get())
}

/// The finished answer to `request`; `respond` writes those that are errors.
async fn answer(
    request: ServiceRequest,
    next: Next<BoxBody>,
    context: Option<&Context>,
    id: &RequestId,
    answering: Option<Answering>,
    respond: &impl Fn(&Error, Option<&HttpRequest>) -> HttpResponse,
) -> std::result::Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let leave = Leave::of(&request, context).await;
    let leave = leave.as_deref();
    if let Err(error) = check(&request, context, leave) {
        refusal_log::log(request.request(), &error);
        let response = respond(&error, Some(request.request()));
        let refused = request.into_response(response);
        return Ok(finish(refused, context, id, leave, answering, None));
    }
    let mut response = match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            let response = with_ours(&error, |error| respond(error, None));
            return Err(answered(response, id, leave));
        }
        // What panicked has been printed by the panic hook; no transaction is open, since jobs run
        // in the writer.
        Err(_) => {
            return Err(answered(
                respond(&Error::internal("a handler panicked"), None),
                id,
                leave,
            ));
        }
    };
    response = write_error(response, respond);
    let room = make_room(&response);
    if let Err(error) = &room {
        let refused = respond(error, Some(response.request()));
        response = response.into_response(refused);
        // Whoever reads nothing is not kept.
        response
            .response_mut()
            .head_mut()
            .set_connection_type(ConnectionType::Close);
    }
    let room = room.ok().flatten();
    Ok(finish(response, context, id, leave, answering, room))
}

/// Writes the problem document of a response that is an error, and logs what was refused.
fn write_error(
    response: ServiceResponse<BoxBody>,
    respond: &impl Fn(&Error, Option<&HttpRequest>) -> HttpResponse,
) -> ServiceResponse<BoxBody> {
    let request = response.request();
    let problem = response.response().error().map(|error| {
        with_ours(error, |error| {
            refusal_log::log(request, error);
            respond(error, Some(request))
        })
    });
    match problem {
        Some(problem) => response.into_response(problem),
        None => response,
    }
}

/// The checks that need no route, of a request by a page that may have `leave` for it.
fn check(request: &ServiceRequest, context: Option<&Context>, leave: Option<&Leave>) -> Result<()> {
    if request
        .uri()
        .path_and_query()
        .is_some_and(|uri| uri.as_str().len() > MAX_URI)
    {
        return Err(Error::new(
            Code::UriTooLong,
            "Path and query are longer than 8192 bytes.",
        ));
    }
    let mode = context.map(|context| context.mode);
    let allowed = context.map_or(&[][..], |context| &context.allowed_hosts);
    host::check(request.headers(), mode, allowed)?;
    let is_open_form = || context.is_some_and(|context| context.is_open_form(request.path()));
    if mode != Some(Mode::Dev) || leave.is_some_and(Leave::is_given) || is_open_form() {
        return Ok(());
    }
    host::check_change(request.method(), request.headers(), leave.is_some())
}

/// Responds with our error in the framework's. Our own extractors answer for all parts of a
/// request, so another one is a surprise.
fn with_ours<T>(error: &actix_web::Error, answer: impl FnOnce(&Error) -> T) -> T {
    match error.as_error::<Error>() {
        Some(ours) => answer(ours),
        None => answer(&Error::internal(error.to_string())),
    }
}

/// A finished answer in the form of an error, for where the framework has lost the request.
fn answered(mut response: HttpResponse, id: &RequestId, leave: Option<&Leave>) -> actix_web::Error {
    headers::add(response.headers_mut(), id.as_str(), leave);
    InternalError::from_response("answered", response).into()
}

/// Takes memory for a large answer until its peer has read it. Whoever leaves many of them unread
/// gets no more, and nobody else is refused. Only of a GET: what has changed something is answered
/// in any case. Static answers and streams of events hold nothing of their own.
fn make_room(response: &ServiceResponse<BoxBody>) -> Result<Option<Share>> {
    let request = response.request();
    let bytes = match response.response().body().size() {
        BodySize::Sized(length) if length > LARGE_ANSWER => {
            usize::try_from(length).unwrap_or(usize::MAX)
        }
        BodySize::Stream => STREAMED,
        _ => return Ok(None),
    };
    let holds_nothing = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind != "application/json")
        || response.response().extensions().contains::<Static>();
    match Context::find(request) {
        Some(context) if request.method() == Method::GET && !holds_nothing => {
            let detail = "Too many large answers to this caller are not read yet.";
            let room = context.answers.take(&auth::actor_of(request), bytes);
            room.map(Some)
                .ok_or_else(|| Error::new(Code::Overloaded, detail))
        }
        _ => Ok(None),
    }
}

/// Puts the headers of every answer on `response`, and what is left of the request's body behind
/// it. Until its last byte was handed over it is being answered, and holds its memory.
fn finish(
    mut response: ServiceResponse<BoxBody>,
    context: Option<&Context>,
    id: &RequestId,
    leave: Option<&Leave>,
    answering: Option<Answering>,
    room: Option<Share>,
) -> ServiceResponse<BoxBody> {
    headers::add(response.headers_mut(), id.as_str(), leave);
    let is_tls_only = context.is_some_and(|context| context.is_tls_only);
    let is_stopping = context.is_some_and(|context| context.stopping.has_begun());
    if is_tls_only {
        headers::add_tls_only(response.headers_mut());
    }
    if is_stopping {
        // Whoever would send another request here could not be answered.
        response
            .response_mut()
            .head_mut()
            .set_connection_type(ConnectionType::Close);
    }
    if response.request().version() < Version::HTTP_11
        && response.response().body().size() == BodySize::Stream
    {
        // Chunks came with HTTP/1.1; before it, an answer without a length ended with its
        // connection.
        let head = response.response_mut().head_mut();
        head.no_chunking(true);
        head.set_connection_type(ConnectionType::Close);
    }
    let left = unread::take(response.request());
    response.map_body(|_, body| answer_body::attach(body, left, answering, room))
}

#[cfg(test)]
mod tests {
    use actix_web::{App, test};

    use actix_web::web;

    use super::*;
    use crate::http::headers::X_REQUEST_ID;

    /// A handler with a bug.
    async fn broken() -> HttpResponse {
        panic!("a bug")
    }

    #[actix_web::test]
    async fn a_panic_is_answered_in_the_normal_form_and_the_next_request_is_fine() {
        let app = App::new()
            .wrap(actix_web::middleware::from_fn(envelope))
            .route("/broken", web::get().to(broken))
            .route("/fine", web::get().to(HttpResponse::Ok));
        let app = test::init_service(app).await;
        let request = test::TestRequest::get()
            .uri("/broken")
            .insert_header(("X-Request-Id", "trace-1"));
        let error = test::try_call_service(&app, request.to_request())
            .await
            .map(|_| ())
            .expect_err("an answered error");
        let response = error.error_response();
        assert_eq!(response.status().as_u16(), 500);
        assert_eq!(
            response
                .headers()
                .get(X_REQUEST_ID)
                .and_then(|id| id.to_str().ok()),
            Some("trace-1")
        );
        let body = actix_web::body::to_bytes(response.into_body())
            .await
            .unwrap_or_default();
        let problem: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(
            (&problem["code"], &problem["requestId"]),
            (&"internal".into(), &"trace-1".into())
        );
        assert!(!problem.to_string().contains("bug"), "{problem}");
        let fine =
            test::call_service(&app, test::TestRequest::get().uri("/fine").to_request()).await;
        assert_eq!(fine.status().as_u16(), 200);
    }
}
