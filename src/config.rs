//! Every setting, once: what it means, its default, its environment variable, its check.
//!
//! A flag wins over the environment, the environment over the default.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use url::Url;

use crate::clock::Clock;
use crate::db::Synchronous;
use crate::dev::seed::Start;
use crate::email::Hosts;
use crate::failure::Failure;
use crate::invitation::Role;
use crate::invitation::new::{MAX_LIFETIME_SECONDS, MIN_LIFETIME_SECONDS, Rules};

/// Seconds before an invitation can be sent again: long enough that nobody is flooded by impatience.
const RESEND_COOLDOWN_SECONDS: i64 = 60;

/// The settings of a server.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, env = "INVITED_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Data file; it and its folder are made if missing [default: invited-data/invited.db; dev: a temporary file]
    #[arg(long, env = "INVITED_DATABASE", value_name = "FILE")]
    pub database: Option<PathBuf>,

    /// URL under which people and programs reach this server, for the links in answers [default: http://ADDRESS:PORT]
    #[arg(long, env = "INVITED_PUBLIC_URL", value_name = "URL", value_parser = parse_public_url)]
    pub public_url: Option<Url>,

    /// Lifetime of an invitation that names none: 1m to 365d, as 90s, 12h, 7d
    #[arg(long, env = "INVITED_DEFAULT_EXPIRY", value_name = "DURATION", default_value = "7d", value_parser = parse_lifetime)]
    pub default_expiry: Duration,

    /// Roles that an invitation may have, by comma; none: any role
    #[arg(long, env = "INVITED_ROLES", value_name = "ROLE,...", value_delimiter = ',', value_parser = parse_role)]
    pub roles: Vec<Role>,

    /// Origins that `redirectUrl` may have, by comma, as `https://app.example.com` [default: that of the public URL]
    #[arg(long, env = "INVITED_REDIRECT_ORIGINS", value_name = "ORIGIN,...", value_delimiter = ',', value_parser = parse_origin)]
    pub redirect_origins: Vec<Url>,

    /// What to log: error, warn, info, debug, or a filter by module, as warn,invited=debug
    #[arg(long, env = "INVITED_LOG", value_name = "FILTER", default_value = "info", value_parser = parse_log)]
    pub log: String,
}

/// The settings of a server for development.
#[derive(Args, Clone, Debug)]
pub struct DevSettings {
    /// Those of every server.
    #[command(flatten)]
    pub server: Settings,

    /// JSON file with the organizations and invitations to start with, if the data file has none [default: samples]
    #[arg(long, env = "INVITED_SEED", value_name = "FILE")]
    pub seed: Option<PathBuf>,
}

/// Whom the server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everybody with a key.
    Serve,
    /// The developer at this machine, without a key.
    Dev,
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
    /// Where it takes the time from.
    pub clock: Clock,
    /// What a reset puts back. Nothing, unless the caller of [`Config::new`] knows better.
    pub start: Start,
    /// How a commit reaches the disk.
    pub synchronous: Synchronous,
    /// Threads that answer requests.
    pub workers: usize,
}

impl Config {
    /// The configuration of a server in `mode` on the file `database`.
    ///
    /// # Errors
    /// When the settings do not fit the mode: development never listens beyond this machine.
    pub fn new(settings: Settings, database: PathBuf, mode: Mode) -> Result<Self, Failure> {
        if mode == Mode::Dev && !settings.listen.ip().is_loopback() {
            return Err(Failure::usage(
                format!("dev listens on loopback addresses only (--listen {})", settings.listen),
                "dev needs no key, so it must not be reached from outside: use 127.0.0.1, or `invited serve`",
            ));
        }
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let clock = if mode == Mode::Dev { Clock::settable() } else { Clock::System };
        let (start, synchronous) = (Start::Nothing, Synchronous::Full);
        Ok(Self { settings, database, mode, clock, start, synchronous, workers })
    }

    /// What the server allows in an invitation, when people reach it under `public_url`.
    pub fn rules(&self, public_url: &Url) -> Rules {
        let origins: Vec<_> = self.settings.redirect_origins.iter().map(Url::origin).collect();
        let is_dev = self.mode == Mode::Dev;
        Rules {
            default_lifetime_seconds: i64::try_from(self.settings.default_expiry.as_secs())
                .unwrap_or(MAX_LIFETIME_SECONDS),
            roles: self.settings.roles.clone(),
            redirect_origins: if origins.is_empty() { vec![public_url.origin()] } else { origins },
            hosts: if is_dev { Hosts::SingleLabelToo } else { Hosts::Dotted },
            resend_cooldown_seconds: if is_dev { 0 } else { RESEND_COOLDOWN_SECONDS },
        }
    }
}

/// Reads a public URL; it ends without a slash, so that paths can be put behind it.
fn parse_public_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain {
        Ok(url)
    } else {
        Err("an http or https URL without user name, query and fragment, as https://invites.example.com".to_owned())
    }
}

/// Reads an origin.
fn parse_origin(text: &str) -> Result<Url, String> {
    let url = parse_public_url(text)?;
    if url.path() == "/" { Ok(url) } else { Err("an origin has no path: https://app.example.com".to_owned()) }
}

/// Reads a lifetime.
pub fn parse_lifetime(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| format!("{error}; as 90s, 12h or 7d"))?;
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    if duration.subsec_nanos() == 0 && (MIN_LIFETIME_SECONDS..=MAX_LIFETIME_SECONDS).contains(&seconds) {
        Ok(duration)
    } else {
        Err("whole seconds, from a minute (1m) to 365 days (365d)".to_owned())
    }
}

/// Checks a log filter; what is only warned of elsewhere is an error here.
fn parse_log(text: &str) -> Result<String, String> {
    let checked = env_filter::Builder::new().try_parse(text).map(|_| text.to_owned());
    checked.map_err(|error| format!("{error}; as info, or warn,invited=debug"))
}

/// Reads a role.
pub fn parse_role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "1 to 64 characters: a letter, then letters, digits, _ . : -".to_owned())
}
