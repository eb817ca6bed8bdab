//! The settings of `invited dev`.

use std::path::PathBuf;

use clap::Args;

use super::Settings;

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
}
