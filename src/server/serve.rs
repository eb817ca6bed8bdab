//! The server of the framework over our connections.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, KeepAlive, Request};
use actix_server::{Server, ServerBuilder};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, fn_service,
    map_config,
};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{AppConfig, Response};
use actix_web::http::Uri;
use actix_web::http::uri::PathAndQuery;
use actix_web::{Error, HttpMessage, HttpResponse};
use tokio::net::{TcpStream, UnixStream};

use super::admit::Admission;
use super::bind::{Listener, Socket};
use super::descriptors::Connections;
use super::timed::Timed;
use super::tls::Tls;
use crate::http::connection::{Behind, Deadlines};

/// How long a stop waits for the requests it has received.
const STOP_SECONDS: u64 = 10;
/// How long a connection stays that ends before the body of its request has, so that its peer gets
/// the answer.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

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
    /// The certificate that is shown; none: no TLS is spoken.
    pub tls: Option<Tls>,
}

/// Serves connections to all `listeners` by what `app` makes, as `actix_web::HttpServer` does, but
/// with [`Timed`] connections and a place for each of them.
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
        tls,
    } = options;
    let mut builder = ServerBuilder::new()
        .workers(workers)
        .max_concurrent_connections(connections.most_of_worker)
        .shutdown_timeout(STOP_SECONDS)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let admission = Arc::new(Admission {
        connections,
        deadlines,
        tls,
        stopping: stopping.clone(),
    });
    let http = move |prefix: Option<&'static str>| {
        let stopping = stopping.clone();
        let app = apply_fn_factory(app(), move |request, app: &_| behind(prefix, request, app));
        let app = app.map_err(|error| HttpResponse::<BoxBody>::from_error(error.into()));
        HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KeepAlive::Timeout(deadlines.idle))
            // Its own deadline would refuse what has come in time: see [`Timed`].
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .on_connect_ext(|connection: &Timed, extensions| {
                drop(extensions.insert(connection.progress.clone()));
            })
            .finish(map_config(app, |()| AppConfig::default()))
    };
    for listener in listeners {
        let (http, admission, prefix) = (http.clone(), admission.clone(), listener.prefix);
        builder = match listener.socket {
            Socket::Tcp(socket) => builder.listen(NAME, socket, move || {
                let admission = admission.clone();
                fn_service(move |stream: TcpStream| {
                    let admission = admission.clone();
                    async move { admission.admit_tcp(stream).await }
                })
                .and_then(http(prefix))
            }),
            Socket::Unix(socket) => builder.listen_uds(NAME, socket, move || {
                let admission = admission.clone();
                fn_service(move |stream: UnixStream| {
                    std::future::ready(admission.admit_unix(stream))
                })
                .and_then(http(prefix))
            }),
        }?;
    }
    Ok(builder.run())
}

/// Hands `request` to `app` as one for what is behind `prefix`.
fn behind<S>(prefix: Option<&'static str>, mut request: Request, app: &S) -> S::Future
where
    S: Service<Request>,
{
    if let Some(prefix) = prefix {
        put_before(request.uri_mut(), prefix);
        request.extensions_mut().insert(Behind);
    }
    app.call(request)
}

/// Puts `prefix` before the path of `uri`, unless it is `*`, which asks for the server. One that is
/// too long for that, or has no path, has this path alone.
fn put_before(uri: &mut Uri, prefix: &'static str) {
    let mut parts = mem::take(uri).into_parts();
    let alone = PathAndQuery::from_static(prefix);
    let longer = match parts.path_and_query.take() {
        Some(asked) if asked.as_str() == "*" => asked,
        Some(asked) => {
            // An absolute URI may have a query right behind its host.
            let slash = if asked.as_str().starts_with('/') {
                ""
            } else {
                "/"
            };
            PathAndQuery::try_from(format!("{prefix}{slash}{asked}"))
                .unwrap_or_else(|_| alone.clone())
        }
        None => alone.clone(),
    };
    parts.path_and_query = Some(longer);
    *uri = Uri::from_parts(parts).unwrap_or_else(|_| alone.into());
}
