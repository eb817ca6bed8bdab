//! Builds the program from its configuration, and runs it until it is stopped.

mod admit;
mod bare_post;
mod bind;
mod build;
mod descriptors;
mod drain;
mod first_key;
mod metrics_port;
mod notify;
mod pulse;
mod serve;
mod signals;
mod stream;
mod tasks;
mod timed;
mod tls;

use std::cell::RefCell;
use std::net::SocketAddr;

use std::rc::{Rc, Weak};
use std::sync::Arc;

use actix_service::fn_factory;
use actix_web::{App, web};
use url::Url;

use crate::api;
use crate::api::Offer;
use crate::api::state::State;
use crate::backup::schedule;
use crate::base::clock;
use crate::base::failure::Failure;
use crate::base::roots::Roots;
use crate::config::Config;
use crate::db::Db;
use crate::deletion;
use crate::dev::seed::Ground;
use crate::http::auth::Latest;
use crate::http::context::Context;
use crate::http::envelope::envelope;
use crate::key::token::PlainKey;
use crate::mail::sender::Mail;
use crate::mail::transport::Transport;
use crate::oidc;
use crate::secret;
use crate::session::Token;
use crate::webhook::sender::Webhooks;

pub use bind::Address;
use bind::Listener;
use descriptors::Connections;
pub(crate) use first_key::KeyFile;
use metrics_port::MetricsPort;
use pulse::Pulse;
pub use signals::Signals;
use signals::Wish;
use tasks::{Outbox, Pace, Tasks};
pub(crate) use tls::Tls;

/// A server that has its file and its port, and answers as soon as it runs.
pub struct Program {
    /// What it listens on.
    listeners: Vec<Listener>,
    /// The port of its own for metrics, if there is one.
    metrics_port: Option<MetricsPort>,
    /// What the toolkit takes from it.
    context: Context,
    /// What its handlers share.
    state: State,
    /// The parts that it has.
    offer: Offer,
    /// The mail that it sends; none: mail is off.
    mail: Option<Mail>,
    /// When it does what it does besides.
    pace: Pace,
    /// How requests are served.
    serving: serve::Options,
    /// The URL by which this machine reaches it.
    pub(crate) local_url: String,
    /// The URL under which people and programs reach it.
    pub public_url: Url,
    /// The admin key, if this start made the first one.
    pub admin_key: Option<PlainKey>,
    /// The file that has that key; none: only the caller can show it.
    pub(crate) key_file: Option<KeyFile>,
    /// What signs in to the console, if this start made the first key and the caller shows it.
    pub(crate) sign_in: Option<Token>,
    /// What the person who starts it has to know besides, a sentence each.
    pub notes: Vec<String>,
    /// What the person has to know of where links lead, if anything.
    pub dead_links: Option<&'static str>,
    /// The authorities that webhooks trust besides the well-known ones.
    roots: Roots,
}

impl Program {
    /// Opens the file and binds the port.
    ///
    /// # Errors
    /// When either cannot be had. Must be called within a tokio runtime.
    pub async fn build(config: &Config) -> Result<Self, Failure> {
        clock::check_machine()?;
        let oidc = oidc::Verifier::new(config.settings.oidc()?)?;
        let mail = build::prepare_mail(config)?;
        // The key comes last: it is shown only once, so nothing may fail after it was made.
        let metrics_listen = config.settings.ports.metrics_listen.as_ref();
        let metrics_port = metrics_listen.map(MetricsPort::bind).transpose()?;
        let listeners = build::bind_all(config)?;
        let connections = Connections::within_limits(
            config.workers,
            listeners.len(),
            config.settings.trusted_proxies.clone(),
        )?;
        let tls = build::tls(config, &listeners)?;
        let local_url = build::local_url(&listeners, tls.is_some());
        let public_url = build::public_url(config, &local_url)?;
        let given = first_key::given(config)?;
        build::check_first_start(config)?;
        let db = build::open(config)?;
        let secret::start::Opened { keyring, mut notes } =
            secret::start::open(&db, &config.secret, config.settings.new_secret).await?;
        notes.extend(db.notice().map(str::to_owned));
        let (tls, notes_of_tls) = tls.unzip();
        notes.extend(notes_of_tls.into_iter().flatten());
        notes.extend(config.settings.plain_links());
        notes.extend(config.settings.local_links(&local_url));
        let backups = build::backups(config, &db, &mut notes)?;
        let first = first_key::make(&db, config, given, &mut notes).await?;
        let (admin_key, key_file, sign_in) = match first {
            Some(first) => (Some(first.key), first.file, first.sign_in),
            None => (None, None, None),
        };
        let state = build::state(
            config,
            db,
            keyring,
            oidc,
            &public_url,
            mail.as_ref(),
            backups,
        )?;
        Ok(Self {
            listeners,
            metrics_port,
            context: build::context(config, &state),
            mail: mail.map(|parts| build::mail(config, parts, &state)),
            state,
            offer: config.offer(),
            pace: build::pace(config),
            serving: build::serving(config, connections, tls),
            local_url,
            public_url,
            admin_key,
            key_file,
            sign_in,
            notes,
            dead_links: config.settings.dead_links(config.mode)?,
            roots: config.roots.clone(),
        })
    }

    /// The parts that it has.
    pub(crate) fn offer(&self) -> Offer {
        self.offer
    }

    /// Whether it speaks TLS with those who come by an address.
    pub(crate) fn has_tls(&self) -> bool {
        self.serving.tls.is_some()
    }

    /// Where it listens, with the ports it got.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &Address> {
        let whole = self.listeners.iter().filter(|one| one.prefix.is_none());
        whole.map(|listener| &listener.address)
    }

    /// Where the ClickHouse Cloud dialect is at the root, if it has a port of its own.
    pub(crate) fn dialect_address(&self) -> Option<&Address> {
        let own = self.listeners.iter().find(|one| one.prefix.is_some());
        own.map(|listener| &listener.address)
    }

    /// The first address with a port that it listens on, if there is one.
    pub fn address(&self) -> Option<SocketAddr> {
        self.addresses().find_map(Address::tcp)
    }

    /// The key for programs that want one, in development.
    pub(crate) fn own_key(&self) -> Option<&PlainKey> {
        self.state.own_key.as_ref()
    }

    /// The open data file.
    pub(crate) fn db(&self) -> &Db {
        &self.state.db
    }

    /// Where its metrics are, where they have a port of their own.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_port.as_ref().and_then(MetricsPort::address)
    }

    /// What a seed is put in for.
    pub(crate) fn ground(&self) -> Ground {
        self.state.ground()
    }

    /// How mail leaves, for the person who starts the server.
    pub(crate) fn mail(&self) -> String {
        match &self.mail {
            Some(Mail {
                transport: Transport::Mailbox,
                ..
            }) => {
                format!("kept, to be read at {}/console/desk", self.local_url)
            }
            Some(Mail {
                transport: Transport::Smtp(smtp),
                ..
            }) => smtp.to_string(),
            Some(Mail {
                transport: Transport::Webhook(webhook),
                ..
            }) => webhook.to_string(),
            None => "off: invitations carry \"delivery\":\"none\", and links come from POST \
                .../link (see --smtp-url)"
                .to_owned(),
        }
    }

    /// Serves requests until a signal comes, then finishes those it has. A second signal ends the
    /// process at once.
    ///
    /// # Errors
    /// When the server cannot be started.
    pub async fn run(self, signals: Signals) -> Result<(), Failure> {
        self.run_and_clean_up(signals, || {}).await
    }

    /// [`Program::run`], with what a second signal must do before it ends the process, which drops
    /// nothing.
    ///
    /// # Errors
    /// When the server cannot be started.
    pub(crate) async fn run_and_clean_up(
        self,
        signals: Signals,
        clean_up: impl FnOnce() + Send + 'static,
    ) -> Result<(), Failure> {
        let tls = self.serving.tls.clone();
        let stop = async |signals: &mut Signals| {
            while signals.next().await == Wish::Reload {
                reload(tls.as_ref());
            }
        };
        self.run_beside(stop, signals, clean_up).await
    }

    /// Serves requests until `stop` is ready, which is given the signals, and then as
    /// [`Program::run_and_clean_up`].
    ///
    /// # Errors
    /// When the server cannot be started.
    pub(crate) async fn run_beside(
        self,
        stop: impl AsyncFnOnce(&mut Signals),
        mut signals: Signals,
        clean_up: impl FnOnce() + Send + 'static,
    ) -> Result<(), Failure> {
        self.run_until(async move {
            stop(&mut signals).await;
            notify::stopping();
            log::info!(
                "stopping: requests already received are answered; a second signal stops at once"
            );
            tokio::spawn(async move {
                while signals.next().await != Wish::Stop {}
                clean_up();
                std::process::exit(1);
            });
        })
        .await
    }

    /// Serves requests until `stop` is ready, then finishes those it has.
    ///
    /// # Errors
    /// When the server cannot be started.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), Failure> {
        let (db, offer) = (self.state.db.clone(), self.offer);
        // Before there are requests: what an erasure had begun by now was cut off.
        let mut tasks = Tasks::default();
        tasks.spawn(deletion::run(db.clone()));
        let webhooks = Webhooks::new(
            self.state.guard.clone(),
            &self.roots,
            self.state.keyring.clone(),
            self.state.faults.clone(),
        );
        let (context, state) = (web::Data::new(self.context), web::Data::new(self.state));
        let (ending, shared) = (context.clone(), state.clone());
        let used = context.clone();
        let (at_port, of_port) = (context.clone(), state.clone());
        let pulse = Arc::new(Pulse::default());
        let asked = Arc::clone(&pulse);
        let app = move || {
            let (beating, asked) = (context.clone(), Arc::clone(&asked));
            actix_web::rt::spawn(async move { asked.answer().await });
            let beats = context.stopping.add_worker();
            actix_web::rt::spawn(async move { beating.stopping.beat(&beats).await });
            App::new()
                .app_data(context.clone())
                .app_data(state.clone())
                .app_data(latest(&context.db))
                .default_service(fn_factory(move || api::router(offer)))
                .wrap(actix_web::middleware::from_fn(envelope))
        };
        let mut listeners = self.listeners;
        let closers = listeners.iter_mut().map(Listener::closer).collect();
        let server = serve::serve(app, listeners, self.serving).map_err(cannot_serve)?;
        let handle = server.handle();
        let metrics_port = self
            .metrics_port
            .map(|port| port.serve(at_port, of_port, offer))
            .transpose()
            .map_err(cannot_serve)?;
        tasks.spawn(notify::keep_told(pulse, db.clone()));
        tasks.spawn(schedule::run(shared.backups.clone()));
        tasks.start(&used, &self.pace);
        let outbox = Outbox::start(&db, self.mail, webhooks, &shared.metrics);
        let stopping = async move {
            stop.await;
            ending.stopping.begin();
            shared.end();
            drain::finish(&handle, closers, &ending.stopping).await;
            // All at a time: each may take a while. What is queued meanwhile goes out after the
            // next start.
            futures_util::join!(handle.stop(true), outbox.stop());
        };
        let (outcome, _) = futures_util::join!(server, stopping);
        tasks.stop();
        if let Some(port) = metrics_port {
            port.stop(false).await;
        }
        used.last_uses.write(&db).await;
        db.close();
        outcome.map_err(cannot_serve)
    }
}

/// Reads again what can be read again: the certificate.
fn reload(tls: Option<&Tls>) {
    notify::reloading();
    match tls {
        Some(tls) => tls.reload(),
        None => log::info!("SIGHUP: there is nothing to read again"),
    }
    notify::ready();
}

thread_local! {
    /// What a worker thread keeps from one request to the next, whichever socket they come by.
    static LATEST: RefCell<Weak<Latest>> = const { RefCell::new(Weak::new()) };
}

/// What this worker thread keeps from one request to the next: made for the first of its sockets,
/// and gone with the last one.
fn latest(db: &Db) -> Rc<Latest> {
    LATEST.with_borrow_mut(|kept| {
        kept.upgrade().unwrap_or_else(|| {
            let latest = Rc::new(Latest::new(db.clone()));
            *kept = Rc::downgrade(&latest);
            latest
        })
    })
}

/// The server could not be started.
#[allow(
    clippy::needless_pass_by_value,
    reason = "it is what map_err hands over"
)]
fn cannot_serve(error: std::io::Error) -> Failure {
    Failure::runtime(format!("cannot serve ({error})"), "see the log")
}

/// Runs `work` on the runtime that the server needs.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(work)
}
