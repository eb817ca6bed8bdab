//! The settings of `invited dev`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;

use super::listen::{Listen, parse_host};
use super::parse::parse_number;
use super::{Config, Settings};
use crate::base::clock::Timestamp;
use crate::base::failure::Failure;
use crate::base::ids::Ids;
use crate::base::mode::Mode;
use crate::secret::Source;

/// The settings of a server for development.
#[derive(Args, Clone, Debug)]
pub(crate) struct DevSettings {
    /// Those of every server.
    #[command(flatten)]
    pub server: Settings,

    /// JSON file with the organizations and invitations to start with, if the data file has none
    /// [default: the samples]
    #[arg(long, env = "INVITED_SEED", value_name = "FILE")]
    pub seed: Option<PathBuf>,

    /// Port on this machine, 0 for a free one, in place of --listen [default: 8080]
    #[arg(long, value_name = "PORT", conflicts_with = "listen",
        value_parser = |text: &str| parse_number::<u16>(text, 0..=u64::from(u16::MAX)))]
    pub port: Option<u16>,

    /// Names of this machine besides localhost that requests may come by, by comma or several
    /// times, as that of a service in a composition; then --listen may name every address [default:
    /// none]
    #[arg(long, env = "INVITED_ALLOW_HOST", value_name = "NAME,...", value_delimiter = ',',
        value_parser = parse_host)]
    pub allow_host: Vec<String>,

    /// Time at which the clock stands at the start and after a reset, as 2026-01-01T00:00:00Z
    /// [default: the clock runs]
    #[arg(long, env = "INVITED_CLOCK", value_name = "TIME", value_parser = parse_time)]
    pub clock: Option<Timestamp>,

    /// Number from which ids, keys and links follow, so that the same requests in the same order
    /// get the same ones; for a temporary data file only [default: random ones]
    #[arg(long, env = "INVITED_SEED_IDS", value_name = "N",
        value_parser = |text: &str| parse_number::<u64>(text, 0..=u64::MAX))]
    pub seed_ids: Option<u64>,

    /// Print one line of JSON to stdout as soon as the server listens: its URLs, port, key, data
    /// file, process and version
    #[arg(long)]
    pub json: bool,

    /// File that has the port as long as the server listens [default: none]
    #[arg(long, env = "INVITED_PORT_FILE", value_name = "FILE")]
    pub port_file: Option<PathBuf>,

    /// Print no banner, and log warnings and errors only
    #[arg(long, short, conflicts_with = "log")]
    pub quiet: bool,

    /// Command to run beside the server, which ends with it: its environment has INVITED_URL and
    /// the like
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

impl DevSettings {
    /// Whether a program reads what the server says of itself.
    pub(crate) fn is_for_program(&self) -> bool {
        self.json || !self.command.is_empty()
    }
}

impl Config {
    /// The configuration of a server for development on the file `database`.
    ///
    /// # Errors
    /// When the settings do not fit each other, or others would reach the server without leave.
    pub(crate) fn for_dev(settings: &DevSettings, database: &Path) -> Result<Self, Failure> {
        let mut server = settings.server.clone();
        if let Some(port) = settings.port {
            server.listen = vec![Listen::local(port)];
        }
        if settings.allow_host.is_empty() {
            server.check_places_of_dev()?;
        }
        let mut config = Self::assemble(server, database, Mode::Dev)?;
        config.allowed_hosts.clone_from(&settings.allow_host);
        // In a file that stays, whoever has seen the key could use it for ever.
        config.has_own_key = settings.is_for_program() && settings.server.database.is_none();
        config.starts_at = settings.clock;
        if let Some(time) = settings.clock {
            config.clock.set(time);
        }
        if let Some(seed) = settings.seed_ids {
            // Ids of a file that is there would come again.
            if settings.server.database.is_some() {
                return Err(Failure::usage(
                    "--seed-ids is for a data file that begins empty, and --database names one",
                    "leave --database out: the temporary file goes with the process",
                ));
            }
            config.ids = Ids::seeded(seed);
            config.secret = config.ids.secret().map_or(config.secret, Source::Given);
        }
        Ok(config)
    }
}

/// Reads a time.
fn parse_time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text)
        .ok_or_else(|| "an RFC 3339 time from 1970 to 9999, as 2026-01-01T00:00:00Z".to_owned())
}
