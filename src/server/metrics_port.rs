//! A port of its own for metrics and for what supervisors ask. Whoever reaches it needs no key, and
//! a flood at the main port does not keep a scrape out.

use std::net::SocketAddr;

use actix_server::{Server, ServerHandle};
use actix_service::fn_factory;
use actix_web::{App, web};

use super::bind::{Listener, bind_port};
use super::descriptors::Connections;
use super::serve;
use crate::api;
use crate::api::Offer;
use crate::api::state::State;
use crate::base::failure::Failure;
use crate::config::listen::Listen;
use crate::http::connection::Deadlines;
use crate::http::context::Context;
use crate::http::envelope::envelope;

/// A port that is bound.
pub(super) struct MetricsPort {
    /// What it listens on.
    listeners: Vec<Listener>,
}

impl MetricsPort {
    /// Binds the place.
    ///
    /// # Errors
    /// When it cannot be had.
    pub(super) fn bind(place: &Listen) -> Result<Self, Failure> {
        let listeners = bind_port(place, "--metrics-listen")?;
        Ok(Self { listeners })
    }

    /// The address it listens on, with the port it got.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.listeners.first()?.address.tcp()
    }

    /// Serves it on a thread of its own, until the handle is told to stop.
    ///
    /// # Errors
    /// When the server cannot be started.
    pub(super) fn serve(
        self,
        context: web::Data<Context>,
        state: web::Data<State>,
        offer: Offer,
    ) -> std::io::Result<ServerHandle> {
        let app = move || {
            App::new()
                .app_data(context.clone())
                .app_data(state.clone())
                .default_service(fn_factory(move || api::metrics_router(offer)))
                .wrap(actix_web::middleware::from_fn(envelope))
        };
        let options = serve::Options {
            workers: 1,
            connections: Connections::few(),
            deadlines: Deadlines::default(),
            tls: None,
        };
        let server: Server = serve::serve(app, self.listeners, options)?;
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Ok(handle)
    }
}
