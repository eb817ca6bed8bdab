//! The server of the framework over our connections.

use std::net::SocketAddr;
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
use socket2::SockRef;
use tokio::net::{TcpStream, UnixStream};

use super::bind::{Listener, Socket};
use super::descriptors::Connections;
use super::stream::Stream;
use super::timed::Timed;
use crate::http::connection::Deadlines;
use crate::policy::limits::UNIX_PEER;

/// How long a stop waits for the requests it has received.
const STOP_SECONDS: u64 = 10;
/// How long a connection stays that ends before the body of its request has, so that its peer gets
/// the answer.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Bytes of an answer that wait in the system for the peer of a unix socket to make room. It would
/// be 200 KB otherwise.
const UNSENT_OF_UNIX: usize = 64 * 1024;
/// What the framework calls its sockets.
const NAME: &str = "invited";

/// How requests are served.
pub(crate) struct Options {
    /// Threads that do so.
    pub workers: usize,
    /// How many connections there may be.
    pub connections: Arc<Connections>,
    /// How long their peers may take.
    pub deadlines: Deadlines,
}

/// Serves connections to all `listeners` by what `app` makes, as `actix_web::HttpServer` does, but with
/// [`Timed`] connections and a place for each of them.
pub(crate) fn serve<F, I, S, B>(
    app: F,
    listeners: Vec<Listener>,
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
    let mut builder = ServerBuilder::new()
        .workers(workers)
        .max_concurrent_connections(connections.most_of_worker)
        .shutdown_timeout(STOP_SECONDS)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let http = move || {
        let stopping = stopping.clone();
        let app = app()
            .into_factory()
            .map_err(|error| HttpResponse::<BoxBody>::from_error(error.into()));
        HttpService::build()
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
            .finish(map_config(app, |()| AppConfig::default()))
    };
    for listener in listeners {
        let (http, connections) = (http.clone(), Arc::clone(&connections));
        builder = match listener.socket {
            Socket::Tcp(socket) => builder.listen(NAME, socket, move || {
                let connections = Arc::clone(&connections);
                fn_service(move |stream: TcpStream| {
                    std::future::ready(admit_tcp(stream, &connections, deadlines))
                })
                .and_then(http())
            }),
            Socket::Unix(socket) => builder.listen_uds(NAME, socket, move || {
                let connections = Arc::clone(&connections);
                fn_service(move |stream: UnixStream| {
                    std::future::ready(admit_unix(stream, &connections, deadlines))
                })
                .and_then(http())
            }),
        }?;
    }
    Ok(builder.run())
}

/// A connection that may go on to the framework, as the framework takes it.
type Admitted = Result<(Timed, Protocol, Option<SocketAddr>), DispatchError>;

/// The connection over `stream`, if there is a place for it. One without is closed at once.
fn admit_tcp(stream: TcpStream, connections: &Arc<Connections>, deadlines: Deadlines) -> Admitted {
    // A peer that is gone already has no address: it counts as nobody's.
    let peer = stream.peer_addr().ok();
    let place = connections.take(peer.map_or(UNIX_PEER, |peer| peer.ip()));
    // Without this the end of an answer in pieces waits for the peer's delayed acknowledgement: 40
    // ms.
    stream.set_nodelay(true).map_err(DispatchError::Io)?;
    let timed = Timed::new(Stream::Tcp(stream), deadlines, place.ok_or_else(no_place)?);
    Ok((timed, Protocol::Http1, peer))
}

/// The connection over `stream`, if there is a place for it. Its peer has no address.
fn admit_unix(
    stream: UnixStream,
    connections: &Arc<Connections>,
    deadlines: Deadlines,
) -> Admitted {
    let place = connections.take(UNIX_PEER).ok_or_else(no_place)?;
    SockRef::from(&stream)
        .set_send_buffer_size(UNSENT_OF_UNIX)
        .map_err(DispatchError::Io)?;
    let timed = Timed::new(Stream::Unix(stream), deadlines, place);
    Ok((timed, Protocol::Http1, None))
}

/// There is no place for a connection.
fn no_place() -> DispatchError {
    DispatchError::Io(std::io::ErrorKind::ConnectionRefused.into())
}
