//! The server of the framework over our connections.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive, Protocol, Request};
use actix_server::{Server, ServerBuilder};
use actix_service::{
    IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config,
};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{AppConfig, Response};
use actix_web::{Error, HttpResponse};
use tokio::net::TcpStream;

use super::descriptors::Connections;
use super::timed::Timed;
use crate::http::connection::Deadlines;

/// How long a stop waits for the requests it has received.
const STOP_SECONDS: u64 = 10;
/// How long a connection stays that ends before the body of its request has, so that its peer gets
/// the answer.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How requests are served.
pub(crate) struct Options {
    /// Threads that do so.
    pub workers: usize,
    /// How many connections there may be.
    pub connections: Arc<Connections>,
    /// How long their peers may take.
    pub deadlines: Deadlines,
}

/// Serves connections to `listener` by what `app` makes, as `actix_web::HttpServer` does, but with
/// [`Timed`] connections and a place for each of them.
pub(crate) fn serve<F, I, S, B>(
    app: F,
    listener: TcpListener,
    options: Options,
) -> std::io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error>,
    S::InitError: std::fmt::Debug,
    S::Response: Into<Response<B>>,
    B: MessageBody + 'static,
{
    let Options {
        workers,
        connections,
        deadlines,
    } = options;
    let builder = ServerBuilder::new()
        .workers(workers)
        .max_concurrent_connections(connections.most_of_worker)
        .shutdown_timeout(STOP_SECONDS)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let factory = move || {
        let (connections, stopping) = (Arc::clone(&connections), stopping.clone());
        let app = app()
            .into_factory()
            .map_err(|error| HttpResponse::<BoxBody>::from_error(error.into()));
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KeepAlive::Timeout(deadlines.idle))
            .client_request_timeout(deadlines.head)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .on_connect_ext(|connection: &Timed, extensions| {
                drop(extensions.insert(connection.progress.clone()));
            })
            .finish(map_config(app, |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| {
            std::future::ready(admit(stream, &connections, deadlines))
        })
        .and_then(http)
    };
    Ok(builder.listen("invited", listener, factory)?.run())
}

/// The connection over `stream`, if there is a place for it. One without is closed at once.
fn admit(
    stream: TcpStream,
    connections: &Arc<Connections>,
    deadlines: Deadlines,
) -> Result<(Timed, Protocol, Option<std::net::SocketAddr>), DispatchError> {
    let peer = stream.peer_addr().ok();
    let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let refused = || DispatchError::Io(std::io::ErrorKind::ConnectionRefused.into());
    let place = connections.take(address).ok_or_else(refused)?;
    // Without this the end of an answer in pieces waits for the peer's delayed acknowledgement: 40
    // ms.
    stream.set_nodelay(true).map_err(DispatchError::Io)?;
    Ok((Timed::new(stream, deadlines, place), Protocol::Http1, peer))
}
