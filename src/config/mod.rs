//! Every setting, once: what it means, its default, its environment variable, its check.
//!
//! * [`listen`] is one place to listen on, [`places`] are all of them.
//! * [`mail`] has those of mail, [`parse`] reads what they say, [`links`] checks where links lead.
//! * [`sources`]: the environment and the configuration [`file`](mod@file), which [`masked`] shows.
//!
//! A flag wins over the environment, the environment over the file, the file over the default.

pub(crate) mod admin_key;
mod backup;
mod check;
mod dev;
mod doctor;
pub(crate) mod file;
pub(crate) mod limits;
mod links;
pub(crate) mod listen;
pub mod log;
pub(crate) mod mail;
mod masked;
#[cfg(feature = "oidc")]
mod oidc;
pub mod page;
mod parse;
pub(crate) mod places;
mod secret;
pub(crate) mod sources;
pub(crate) mod tls;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ipnet::IpNet;
use url::Url;

use crate::api::events::live::HEARTBEAT;
use crate::backup::schedule::Plan;
use crate::base::certificate::CertificateFiles;
use crate::base::clock::{Clock, Timestamp};
use crate::base::email::Hosts;
use crate::base::failure::Failure;
use crate::base::ids::Ids;
use crate::base::mode::Mode;
use crate::base::role::Role;
use crate::base::roots::Roots;
use crate::db::Synchronous;
use crate::dev::seed::Start;
use crate::http::connection::Deadlines;
use crate::invitation::lapse::LOOK_EVERY;
use crate::key::last_use::WRITE_EVERY;
use crate::policy::limits::Limits;
use crate::policy::{MAX_LIFETIME_SECONDS, Rules, Sending};
use crate::retention::Retention;
use crate::secret::Source;
use crate::webhook::guard::Guard;

pub use backup::BackupSettings;
pub(crate) use dev::DevSettings;
use limits::LimitSettings;
pub use listen::Listen;
use listen::{parse_listen, parse_proxy};
pub use log::LogSettings;
use mail::{MailSettings, Way};
#[cfg(feature = "oidc")]
pub use oidc::OidcSettings;
use page::PageSettings;
pub(crate) use parse::{is_loopback, parse_lifetime, parse_public_url};
use parse::{parse_cooldown, parse_days, parse_network, parse_origin};
pub use places::PortSettings;
pub(crate) use secret::secret_source;
pub use tls::TlsSettings;

/// How long an invitation waits before it can be sent again, unless something else is set: long
/// enough that nobody is flooded by impatience.
const RESEND_COOLDOWN: Duration = Duration::from_secs(60);
/// The settings of a server.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// Where to listen, by comma or several times: 127.0.0.1:8080, localhost:8080, :8080 for all
    /// addresses, unix:/run/invited.sock?mode=660; port 0 takes a free one [default: the sockets of
    /// systemd, or 127.0.0.1:8080]
    #[arg(long, env = "INVITED_LISTEN", value_name = "PLACE,...", value_delimiter = ',',
        value_parser = parse_listen)]
    pub listen: Vec<Listen>,

    /// TLS
    #[command(flatten)]
    pub tls: TlsSettings,

    /// Ports of their own
    #[command(flatten)]
    pub ports: PortSettings,

    /// Data file; it and its folder are made if missing [default: invited-data/invited.db; dev: a
    /// temporary file]
    #[arg(long, env = "INVITED_DATABASE", value_name = "FILE")]
    pub database: Option<PathBuf>,

    /// URL under which people and programs reach this server, for the links in answers [default:
    /// http://ADDRESS:PORT]
    #[arg(long, env = "INVITED_PUBLIC_URL", value_name = "URL", value_parser = parse_public_url)]
    pub public_url: Option<Url>,

    /// Lifetime of an invitation that names none: 1m to 365d, as 90s, 12h, 7d
    #[arg(long, env = "INVITED_DEFAULT_EXPIRY", value_name = "DURATION", default_value = "7d",
        value_parser = parse_lifetime)]
    pub default_expiry: Duration,

    /// Roles that an invitation may have, by comma; none: any role
    #[arg(
        long,
        env = "INVITED_ROLES",
        value_name = "ROLE,...",
        value_delimiter = ','
    )]
    pub roles: Vec<Role>,

    /// Origins that `redirectUrl` may have, by comma, as `https://app.example.com` [default: that
    /// of the public URL]
    #[arg(long, env = "INVITED_REDIRECT_ORIGINS", value_name = "ORIGIN,...", value_delimiter = ',',
        value_parser = parse_origin)]
    pub redirect_origins: Vec<Url>,

    /// Page of the application that takes the token of a link in its fragment [default: the public
    /// URL with /accept]
    #[arg(long, env = "INVITED_ACCEPT_URL", value_name = "URL", value_parser = parse_public_url)]
    pub accept_url: Option<Url>,

    /// File with the secret from which links and codes are derived; `INVITED_SECRET` gives the
    /// secret itself [default: the data file's name with .secret, made at the first start]
    #[arg(long, env = "INVITED_SECRET_FILE", value_name = "FILE")]
    pub secret_file: Option<PathBuf>,

    /// File with the first API key of a new data file, as `invited key generate` prints one; no
    /// start after the first takes it [default: a random key]
    #[arg(long, env = "INVITED_BOOTSTRAP_KEY_FILE", value_name = "FILE")]
    pub admin_key_file: Option<PathBuf>,

    /// Go on without the secret that belongs to the data file, once: the links that it signed open
    /// nothing then
    #[arg(long)]
    pub new_secret: bool,

    /// Time before an invitation can be sent again: 0s to 7d [default: 60s; dev: 0s]
    #[arg(long, env = "INVITED_RESEND_COOLDOWN", value_name = "DURATION",
        value_parser = parse_cooldown)]
    pub resend_cooldown: Option<Duration>,

    /// Whole days after which closed invitations (accepted, declined, revoked, expired) are
    /// deleted: 1 to 3650 [default: never]
    #[arg(long, env = "INVITED_KEEP_CLOSED", value_name = "DAYS",
        value_parser = parse_days)]
    pub keep_closed: Option<i64>,

    /// The backups
    #[command(flatten)]
    pub backup: BackupSettings,

    /// How mail is sent
    #[command(flatten)]
    pub mail: MailSettings,

    /// The pages
    #[command(flatten)]
    pub page: PageSettings,

    /// How much may be done
    #[command(flatten)]
    pub limits: LimitSettings,

    /// Proxies whose `X-Forwarded-For` is believed, by comma, as 10.0.0.0/8, 192.0.2.7/32, or unix
    /// for whoever comes by a unix socket; none: nobody's
    #[arg(long, env = "INVITED_TRUSTED_PROXIES", value_name = "CIDR,...", value_delimiter = ',',
        value_parser = parse_proxy)]
    pub trusted_proxies: Vec<IpNet>,

    /// Internal networks that webhooks may reach, also without TLS, by comma, as 10.1.0.0/16; none:
    /// the public internet only [dev: this machine and private networks besides]
    #[arg(long, env = "INVITED_WEBHOOK_ALLOW", value_name = "CIDR,...", value_delimiter = ',',
        value_parser = parse_network)]
    pub webhook_allow: Vec<IpNet>,

    /// The identity provider
    #[cfg(feature = "oidc")]
    #[command(flatten)]
    pub oidc: OidcSettings,

    /// PEM file with the certificates of your own authorities, trusted besides the well-known ones
    /// by mail, webhooks and the keys of the identity provider
    #[arg(long, env = "INVITED_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// The log
    #[command(flatten)]
    pub log: LogSettings,
}

impl Settings {
    /// The authorities that are trusted besides the well-known ones.
    ///
    /// # Errors
    /// When their file cannot be used.
    pub(crate) fn roots(&self) -> Result<Roots, Failure> {
        let roots = self.ca_file.as_deref().map(Roots::load).transpose()?;
        Ok(roots.unwrap_or_default())
    }

    /// The identity provider that the settings name, if they name one.
    ///
    /// # Errors
    /// When they name a part of it only.
    pub fn oidc(&self) -> Result<Option<crate::oidc::Options>, Failure> {
        #[cfg(feature = "oidc")]
        return self.oidc.options(self.roots()?);
        #[cfg(not(feature = "oidc"))]
        Ok(None)
    }
}

/// Everything that decides how a server behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// The settings of the person who starts it.
    pub settings: Settings,
    /// The data file, whatever decided where it is.
    pub database: PathBuf,
    /// Whom it is for.
    pub mode: Mode,
    /// Where the secret comes from.
    pub secret: Source,
    /// The certificate that it shows; none: it speaks no TLS.
    pub certificate: Option<CertificateFiles>,
    /// How mail leaves; none: it is off, or in development kept in a mailbox.
    pub mail_way: Option<Way>,
    /// The authorities that it trusts besides the well-known ones.
    pub roots: Roots,
    /// The backups that it makes by itself; none: it makes none.
    pub backups: Option<Plan>,
    /// Where it takes the time from.
    pub clock: Clock,
    /// The names by which development may be reached, besides those of this machine itself. With
    /// one, it may listen everywhere.
    pub allowed_hosts: Vec<String>,
    /// Whether development has a key for programs that want one.
    pub has_own_key: bool,
    /// Where new ids come from.
    pub ids: Ids,
    /// The time at which the clock of development stands at the start and after a reset; none: it
    /// runs.
    pub starts_at: Option<Timestamp>,
    /// What a reset puts back. Nothing, unless the caller of [`Config::new`] knows better.
    pub start: Start,
    /// Where a first key goes that nobody chose; none: the caller of
    /// [`Program::build`](crate::server::Program::build) shows it.
    pub key_file: Option<PathBuf>,
    /// How a commit reaches the disk.
    pub synchronous: Synchronous,
    /// Threads that answer requests.
    pub workers: usize,
    /// How long a stream of events is silent at most.
    pub heartbeat: Duration,
    /// How often it is written when keys were last used.
    pub last_use_every: Duration,
    /// How often it looks for invitations whose time has passed.
    pub lapse_every: Duration,
    /// How long its peers may take.
    pub deadlines: Deadlines,
}

impl Config {
    /// The configuration of a server in `mode` on the file `database`.
    ///
    /// # Errors
    /// When the settings do not fit the mode or each other: development never listens beyond this
    /// machine.
    pub fn new(settings: Settings, database: &Path, mode: Mode) -> Result<Self, Failure> {
        if mode == Mode::Dev {
            settings.check_places_of_dev()?;
        }
        Self::assemble(settings, database, mode)
    }

    /// [`Config::new`] without a look at who reaches development.
    fn assemble(settings: Settings, database: &Path, mode: Mode) -> Result<Self, Failure> {
        settings.check_places()?;
        settings.check_links(mode)?;
        settings.check_sign_in()?;
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let clock = if mode == Mode::Dev {
            Clock::settable()
        } else {
            Clock::System
        };
        let (start, synchronous) = (Start::Nothing, Synchronous::Full);
        let database = crate::db::resolve(database)?;
        let secret = secret_source(settings.secret_file.as_deref(), &database)?;
        let (mail_way, heartbeat, deadlines) =
            (settings.mail.way()?, HEARTBEAT, Deadlines::default());
        Ok(Self {
            roots: settings.roots()?,
            certificate: settings.tls.files()?,
            backups: settings.backup.plan()?,
            settings,
            database,
            mode,
            secret,
            mail_way,
            clock,
            ids: Ids::Random,
            starts_at: None,
            allowed_hosts: Vec::new(),
            has_own_key: false,
            start,
            key_file: None,
            synchronous,
            workers,
            heartbeat,
            last_use_every: WRITE_EVERY,
            lapse_every: LOOK_EVERY,
            deadlines,
        })
    }

    /// Whether only this machine may reach the server.
    pub(crate) fn is_for_this_machine(&self) -> bool {
        self.mode == Mode::Dev && self.allowed_hosts.is_empty()
    }

    /// For how long closed invitations are kept; none: for ever.
    pub(crate) fn retention(&self) -> Option<Retention> {
        self.settings.keep_closed.map(|days| Retention { days })
    }

    /// Whether each request is a line of the log: in development, unless the settings say otherwise.
    pub(crate) fn logs_access(&self) -> bool {
        self.settings
            .log
            .access_log
            .unwrap_or(self.mode == Mode::Dev)
    }

    /// What webhooks may reach.
    pub(crate) fn guard(&self) -> Guard {
        Guard::new(&self.settings.webhook_allow, self.mode == Mode::Dev)
    }

    /// How many bytes of responses one caller may have stored in 24 hours; 0: any number.
    pub(crate) fn room_for_answers(&self) -> i64 {
        self.settings.limits.room_for_answers(self.mode)
    }

    /// What the server allows in an invitation, when people reach it under `public_url`. The limits
    /// in it are new, so a server asks for it once.
    pub(crate) fn rules(&self, public_url: &Url) -> Rules {
        let origins: Vec<_> = self
            .settings
            .redirect_origins
            .iter()
            .map(Url::origin)
            .collect();
        let is_dev = self.mode == Mode::Dev;
        let has_mail = is_dev || self.mail_way.is_some();
        let cooldown = if is_dev {
            Duration::ZERO
        } else {
            RESEND_COOLDOWN
        };
        Rules {
            default_lifetime_seconds: whole_seconds(self.settings.default_expiry),
            roles: self.settings.roles.clone(),
            redirect_origins: Some(if origins.is_empty() {
                vec![public_url.origin()]
            } else {
                origins
            }),
            hosts: if is_dev {
                Hosts::SingleLabelToo
            } else {
                Hosts::Dotted
            },
            sending: Sending {
                cooldown_seconds: whole_seconds(self.settings.resend_cooldown.unwrap_or(cooldown)),
                limits: Arc::new(Limits::new(
                    self.settings.limits.quotas(self.mode),
                    self.settings.trusted_proxies.clone(),
                )),
                has_mail,
                notifies_inviters: self.settings.mail.notify_inviters && has_mail,
            },
            acceptance: self.settings.mail.acceptance,
        }
    }
}

/// A duration that a setting has checked, in seconds.
fn whole_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(MAX_LIFETIME_SECONDS)
}
