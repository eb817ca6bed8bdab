//! Settings of the log.

use clap::Args;

use super::parse::parse_log;

/// Settings of the log.
#[derive(Args, Clone, Debug)]
pub struct LogSettings {
    /// What to log: error, warn, info, debug, or a filter by module, as warn,invited=debug
    #[arg(long, env = "INVITED_LOG", value_name = "FILTER", default_value = "info",
        value_parser = parse_log)]
    pub log: String,
}
