//! The HTTP side of listening: takes deliveries, and answers what the application answered.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};

use super::line;
use super::target::{Delivery, Target};
use crate::base::clock::Clock;

/// The most bytes of a delivery: far more than any has.
const MAX_BODY: usize = 1024 * 1024;
/// How long the end waits for a delivery that is under way.
const STOP_SECONDS: u64 = 1;

/// What the handler shares.
struct Shared {
    /// The application.
    target: Arc<Target>,
    /// Prints a line.
    say: fn(&str),
}

/// Starts to take deliveries on `listener`; each is handed on to `target` and told in a line.
///
/// # Errors
/// When the listener cannot be used.
pub(crate) fn start(
    listener: TcpListener,
    target: Arc<Target>,
    say: fn(&str),
) -> std::io::Result<ServerHandle> {
    let shared = Data::new(Shared { target, say });
    let app = move || {
        App::new()
            .app_data(shared.clone())
            .app_data(PayloadConfig::new(MAX_BODY))
            .route("/", web::post().to(deliver))
    };
    let server = HttpServer::new(app)
        .workers(1)
        .shutdown_timeout(STOP_SECONDS)
        .disable_signals();
    let server = server.listen(listener)?.run();
    let handle = server.handle();
    // It fails only when its threads are gone, and then no delivery is answered.
    actix_web::rt::spawn(async { drop(server.await) });
    Ok(handle)
}

/// Hands a delivery on. What is none is refused: a page in a browser can post to any port of this
/// machine, but not with this header.
async fn deliver(request: HttpRequest, shared: Data<Shared>, body: Bytes) -> HttpResponse {
    if !request.headers().contains_key("webhook-id") {
        return HttpResponse::BadRequest().body("There is no webhook-id.");
    }
    let headers = request
        .headers()
        .iter()
        .filter(|(name, _)| Delivery::is_handed_on(name.as_str()));
    let headers = headers
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    let delivery = Delivery {
        headers,
        body: body.to_vec(),
    };
    let target = Arc::clone(&shared.target);
    let delivered = web::block(move || {
        let outcome = target.deliver(&delivery);
        (delivery, outcome)
    });
    let Ok((delivery, outcome)) = delivered.await else {
        return HttpResponse::BadGateway().finish();
    };
    (shared.say)(&line(Clock::System.now(), &delivery, &outcome));
    let mut response = HttpResponse::build(
        StatusCode::from_u16(outcome.status).unwrap_or(StatusCode::BAD_GATEWAY),
    );
    if let Some(kind) = outcome.content_type {
        response.insert_header((header::CONTENT_TYPE, kind));
    }
    response.body(outcome.body)
}
