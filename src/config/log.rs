//! Settings of the log.

use clap::{Args, ValueEnum};

use super::parse::{parse_log, parse_switch};
use crate::base::addresses::Addresses;

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Settings of the log.
#[derive(Args, Clone, Debug)]
pub struct LogSettings {
    /// What to log: off, error, warn, info, debug, trace, or a filter by module, as
    /// warn,invited=debug
    #[arg(long, env = "INVITED_LOG", value_name = "FILTER", default_value = "info",
        value_parser = parse_log)]
    pub log: String,

    /// How to write the log
    #[arg(
        long,
        env = "INVITED_LOG_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value_t
    )]
    pub log_format: Format,

    /// What the log has of the addresses of clients
    #[arg(
        long,
        env = "INVITED_LOG_ADDRESSES",
        value_name = "HOW",
        value_enum,
        default_value_t
    )]
    pub log_addresses: Addresses,

    /// Whether each request is a line of the log: on or off [default: off; dev: on]
    #[arg(long, env = "INVITED_ACCESS_LOG", value_name = "on|off", value_parser = parse_switch,
        action = clap::ArgAction::Set)]
    pub access_log: Option<bool>,
}
