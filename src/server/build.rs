//! The parts that a server is built of.

use std::collections::HashSet;
use std::sync::Arc;

use url::Url;

use super::bind::{Listener, bind, bind_port};
use super::descriptors::Connections;
use super::serve;
use super::tasks::Pace;
use super::tls::Tls;
use crate::api;
use crate::api::clickhouse;
use crate::api::console::Standing;
use crate::api::events::live::Streams;
use crate::api::state::State;
use crate::backup::kept;
use crate::backup::schedule::Schedule;
use crate::base::clock::Clock;
use crate::base::error;
use crate::base::failure::Failure;
use crate::base::mode::Mode;
use crate::base::shell::shell_word;
use crate::config::listen::{is_localhost, scheme};
use crate::config::tls::unseen;
use crate::config::{Config, mail};
use crate::db::{Db, Options, Reader};
use crate::dev::own_key;
use crate::dev::snapshots::Snapshots;
use crate::http::context::Context;
use crate::http::cors::{self, Cors, Pages};
use crate::http::etag::EtagKey;
use crate::http::metrics::RequestMetrics;
use crate::http::request_log::RequestLog;
use crate::http::stopping::Stopping;
use crate::key::last_use::LastUses;
use crate::mail::message::{Composer, Sender};
use crate::mail::sender::Mail;
use crate::mail::template::Templates;
use crate::mail::transport::{Smtp, Transport, address};
use crate::mail::webhook::MailWebhook;
use crate::metrics::Metrics;
use crate::oidc;
use crate::organization;
use crate::outbox::faults::Faults;
use crate::policy::limits::Shares;
use crate::secret::Keyring;

/// Bytes of large bodies that are in memory at the same time. Once parsed they take about four
/// times as much.
const BODIES: usize = 16 * 1024 * 1024;
/// Bytes of large answers that are in memory at the same time, since nobody has read them yet.
const ANSWERS: usize = 64 * 1024 * 1024;
/// One caller may have three quarters of them.
const BODIES_TIMES: usize = 3;

/// How mail is written and leaves: what can fail before the data file is opened.
pub(crate) struct MailParts {
    /// How it is written.
    composer: Arc<Composer>,
    /// How it leaves.
    way: Way,
}

/// How mail leaves, before the secret is known by which a webhook is signed.
enum Way {
    /// By a mail server.
    Smtp(Box<Smtp>),
    /// By a URL of the operator.
    Webhook(Url),
    /// In development: it is kept.
    Mailbox,
}

/// How the mail of a server with this configuration is written, and how it leaves; none where it
/// sends none.
///
/// # Errors
/// When a template cannot be used, or TLS with the mail server.
pub(crate) fn prepare_mail(config: &Config) -> Result<Option<MailParts>, Failure> {
    let settings = &config.settings.mail;
    let templates = Templates::load(settings.templates_dir.as_deref())?;
    let sender = settings
        .smtp
        .mail_from
        .clone()
        .unwrap_or_else(Sender::of_development);
    let way = match &config.mail_way {
        Some(mail::Way::Smtp(server)) => Way::Smtp(Box::new(Smtp::new(
            server.clone(),
            address(&sender.address),
            &config.roots,
        )?)),
        Some(mail::Way::Webhook(url)) => Way::Webhook(url.clone()),
        None if config.mode == Mode::Dev => Way::Mailbox,
        None => return Ok(None),
    };
    Ok(Some(MailParts {
        composer: Arc::new(Composer { sender, templates }),
        way,
    }))
}

/// Listens on all places: on those for everything, and where the ClickHouse Cloud dialect is at the
/// root, if it has a port of its own.
///
/// # Errors
/// When one cannot be had.
pub(crate) fn bind_all(config: &Config) -> Result<Vec<Listener>, Failure> {
    let settings = &config.settings;
    let mut listeners = bind(&settings.listen, config.is_for_this_machine())?;
    if let Some(place) = &settings.ports.clickhouse_listen {
        let dialect = bind_port(place, "--clickhouse-listen")?.into_iter();
        listeners.extend(dialect.map(|listener| listener.behind(clickhouse::ROOT)));
    }
    Ok(listeners)
}

/// The URL by which this machine reaches a server that listens on `listeners`: that of the first
/// one with a port that has everything.
pub(crate) fn local_url(listeners: &[Listener], has_tls: bool) -> String {
    let mut whole = listeners.iter().filter(|one| one.prefix.is_none());
    let authority = match whole.find_map(|one| one.address.tcp()) {
        Some(address) if address.ip().is_unspecified() => format!("localhost:{}", address.port()),
        Some(address) => address.to_string(),
        None => "localhost".to_owned(),
    };
    format!("{}://{authority}", scheme(has_tls))
}

/// The certificate of a server that listens on `listeners`, and what is told of it; none: it has
/// none.
///
/// # Errors
/// When it cannot be used, or nobody would see it.
pub(crate) fn tls(
    config: &Config,
    listeners: &[Listener],
) -> Result<Option<(Tls, Vec<String>)>, Failure> {
    let Some(files) = &config.certificate else {
        return Ok(None);
    };
    if listeners.iter().all(|one| one.address.tcp().is_none()) {
        return Err(unseen());
    }
    Tls::load(files.clone()).map(Some)
}

/// The URL under which people and programs reach a server that this machine reaches by `local_url`.
///
/// # Errors
/// When none is set, and that is none for others.
pub(crate) fn public_url(config: &Config, local_url: &str) -> Result<Url, Failure> {
    let made = || Url::parse(local_url);
    let url = config.settings.public_url.clone().map_or_else(made, Ok);
    url.map_err(|error| Failure::runtime(error.to_string(), "give the URL with --public-url"))
}

/// What the tags of versions are hashed with: the same at every start with the same secret.
fn etag_key(keyring: &Keyring) -> EtagKey {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&keyring.signing().mac("etag", &[])[..16]);
    EtagKey::new(bytes)
}

/// Opens the data file.
///
/// # Errors
/// When it cannot be used.
pub(crate) fn open(config: &Config) -> Result<Db, Failure> {
    let options = Options {
        workers: config.workers,
        synchronous: config.synchronous,
        clock: config.clock.clone(),
        ids: config.ids.clone(),
    };
    Db::open(&config.database, &options)
}

/// The backups that the server on `db` makes by itself; none: it makes none. What a person has to
/// know of them is added to `notes`.
///
/// # Errors
/// When they cannot be made in their folder.
pub(crate) fn backups(
    config: &Config,
    db: &Db,
    notes: &mut Vec<String>,
) -> Result<Option<Arc<Schedule>>, Failure> {
    let Some(plan) = config.backups.clone() else {
        return Ok(None);
    };
    let schedule = Schedule::open(plan, db, &config.database)?;
    if schedule.is_near {
        notes.push(
            "the backups (--backup-dir) lie on the disk of the data file, and do not survive its \
             loss"
                .to_owned(),
        );
    }
    Ok(Some(Arc::new(schedule)))
}

/// Checks a start that makes a new data file, before it does. Secrets that are none are refused; to
/// a file that is there they are compared once it is open, which tells more. There may be no backups
/// of another file: the server would remove them one by one, for those of the new one.
///
/// # Errors
/// When there is no data file, and the secrets cannot be used or there are such backups.
pub(crate) fn check_first_start(config: &Config) -> Result<(), Failure> {
    let is_new = std::fs::metadata(&config.database).map_or(true, |found| found.len() == 0);
    if !is_new {
        return Ok(());
    }
    config.secret.check()?;
    let Some(plan) = config.backups.as_ref() else {
        return Ok(());
    };
    let found = kept::list(&plan.folder).unwrap_or_default();
    let Some(newest) = found.last() else {
        return Ok(());
    };
    Err(Failure::usage(
        format!(
            "there is no data file at {}, and {} has backups of one",
            config.database.display(),
            plan.folder.display()
        ),
        format!(
            "put the newest back: `invited restore {} --database {}`; or name another folder with \
             --backup-dir, for the new data file",
            shell_word(&newest.path.to_string_lossy()),
            shell_word(&config.database.to_string_lossy())
        ),
    ))
}

/// What the handlers share of a server that people reach under `public_url`.
///
/// # Errors
/// What is wrong with the settings of mail.
pub(crate) fn state(
    config: &Config,
    db: Db,
    keyring: Keyring,
    oidc: oidc::Verifier,
    public_url: &Url,
    mail: Option<&MailParts>,
    backups: Option<Arc<Schedule>>,
) -> Result<State, Failure> {
    let settings = &config.settings;
    let bare = public_url.as_str().trim_end_matches('/').to_owned();
    let own_page = || format!("{bare}/accept");
    let started_at = Clock::System.now();
    let metrics = Arc::new(Metrics {
        db: db.clone(),
        requests: Arc::new(RequestMetrics::new(api::paths(config.offer()))),
        mail_tries: Arc::default(),
        webhook_tries: Arc::default(),
        backups: backups.clone(),
        started_at,
    });
    Ok(State {
        uuids: clickhouse::Uuids::new(db.clone()),
        db,
        metrics,
        rules: config.rules(public_url),
        retention: config.retention(),
        accept_url: settings
            .accept_url
            .as_ref()
            .map_or_else(own_page, Url::to_string),
        sign_in_url: settings.page.sign_in_url.clone(),
        public_url: bare,
        streams: Streams::new(config.heartbeat, settings.limits.max_streams as usize),
        etags: etag_key(&keyring),
        own_key: config.has_own_key.then(|| own_key::derive(&keyring)),
        keyring,
        oidc,
        faults: Faults::default(),
        composer: mail.map(|mail| Arc::clone(&mail.composer)),
        keeps_mail: mail.is_some_and(|mail| matches!(mail.way, Way::Mailbox)),
        guard: config.guard(),
        max_webhooks: settings.limits.max_webhooks,
        start: config.start.clone(),
        starts_at: config.starts_at,
        started_at,
        backups,
        standing: Standing::default(),
        setup: config.doctor_setup()?,
        snapshots: Snapshots::default(),
    })
}

/// When the server does what nobody asks for.
pub(crate) fn pace(config: &Config) -> Pace {
    Pace {
        last_use_every: config.last_use_every,
        lapse_every: config.lapse_every,
        retention: config.retention(),
    }
}

/// How requests are served.
pub(crate) fn serving(
    config: &Config,
    connections: Arc<Connections>,
    tls: Option<Tls>,
) -> serve::Options {
    serve::Options {
        workers: config.workers,
        connections,
        deadlines: config.deadlines,
        tls,
    }
}

/// Whether browsers are told to come with TLS only: where the server itself speaks it, under a name
/// that people reach. A machine's own name serves other programs, too.
fn is_tls_only(config: &Config) -> bool {
    let url = config.settings.public_url.as_ref();
    let has_name = |url: &&Url| url.domain().is_some_and(|name| !is_localhost(name));
    config.mode == Mode::Serve
        && config.certificate.is_some()
        && url
            .filter(has_name)
            .is_some_and(|url| url.scheme() == "https")
}

/// What the toolkit takes from the server whose handlers share `state`.
pub(crate) fn context(config: &Config, state: &State) -> Context {
    Context {
        db: state.db.clone(),
        mode: config.mode,
        allowed_hosts: config.allowed_hosts.clone(),
        cors: cors(config, state),
        limits: Arc::clone(&state.rules.sending.limits),
        bodies: Shares::new(BODIES, BODIES_TIMES),
        answers: Shares::new(ANSWERS, BODIES_TIMES),
        room_for_answers: config.room_for_answers(),
        requests: (config.mode == Mode::Dev).then(|| RequestLog::new(state.db.clock().clone())),
        logs_access: config.logs_access(),
        addresses: config.settings.log.log_addresses,
        is_tls_only: is_tls_only(config),
        request_metrics: Arc::clone(&state.metrics.requests),
        stopping: Stopping::default(),
        etags: state.etags,
        last_uses: LastUses::default(),
        dialects: api::dialects(config.offer()),
        open_forms: api::OPEN_FORMS,
    }
}

/// The pages of other origins that may use the server whose handlers share `state`.
fn cors(config: &Config, state: &State) -> Cors {
    let named = &config.settings.page.cors_origins;
    let redirects = state.rules.redirect_origins.iter().flatten();
    let possible: HashSet<_> = redirects.map(cors::text).collect();
    let accept = Url::parse(&state.accept_url).ok();
    Cors {
        mode: config.mode,
        by_token: api::paths_by_token(),
        api: api::OPEN_IN_DEV,
        named: named.iter().map(|url| cors::text(&url.origin())).collect(),
        accept: accept.map(|url| cors::text(&url.origin())),
        pages: Pages::new(state.db.clone(), possible, find_origins),
    }
}

/// The origins of the pages of organizations.
fn find_origins(reader: &Reader<'_>) -> error::Result<HashSet<String>> {
    let urls = organization::store::list_accept_urls(reader)?;
    let urls = urls.iter().filter_map(|url| Url::parse(url).ok());
    Ok(urls.map(|url| cors::text(&url.origin())).collect())
}

/// The mail of the server whose handlers share `state`.
pub(crate) fn mail(config: &Config, parts: MailParts, state: &State) -> Mail {
    let settings = &config.settings.mail;
    let transport = match parts.way {
        Way::Smtp(smtp) => Transport::Smtp(smtp),
        Way::Webhook(url) => {
            let webhook = MailWebhook::new(url, &config.roots, state.keyring.clone());
            Transport::Webhook(Box::new(webhook))
        }
        Way::Mailbox => Transport::Mailbox,
    };
    Mail {
        transport,
        composer: parts.composer,
        faults: state.faults.clone(),
        keyring: state.keyring.clone(),
        accept_url: state.accept_url.clone(),
        remind_before_seconds: settings.remind_before_seconds(),
        notifies_inviters: settings.notify_inviters,
        limits: Arc::clone(&state.rules.sending.limits),
    }
}
