//! The server of the control in R2: the same program, but commits are not synced.
//!
//! No flag of the binary offers that, so this test binary runs itself again and serves from the
//! library.

use std::path::Path;

use clap::{Args as _, FromArgMatches as _};
use invited::base::mode::Mode;
use invited::config::{Config, Settings};
use invited::db::Synchronous;
use invited::server::{self, Program, Signals};

use crate::{Outcome, say};

/// The hidden first argument that turns this test binary into that server.
pub const ARGUMENT: &str = "--serve-without-full-sync";

/// Serves the file until killed.
pub fn serve(database: &Path) -> Outcome {
    let command = Settings::augment_args(clap::Command::new("control"));
    let matches = command.try_get_matches_from(["control", "--listen", "127.0.0.1:0"])?;
    let settings = Settings::from_arg_matches(&matches)?;
    let mut config = Config::new(settings, database, Mode::Serve)?;
    config.synchronous = Synchronous::Normal;
    server::block_on(async {
        let program = Program::build(&config).await?;
        if let Some(address) = program.address() {
            say(format!("  listening  http://{address}"));
        }
        program.run(Signals::listen()?).await
    })?;
    Ok(())
}
