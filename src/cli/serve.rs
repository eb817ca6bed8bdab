//! `invited serve`: the server for everybody with a key.

use super::output::Output;
use crate::base::failure::Failure;
use crate::base::mode::Mode;
use crate::config::sources::Sources;
use crate::config::{Config, Settings};
use crate::server::{self, Program, Signals};

/// Serves until stopped.
pub(crate) fn run(settings: Settings, sources: &Sources) -> Result<(), Failure> {
    let output = Output::start(&settings.log);
    let database = super::database(settings.database.clone());
    let mut config = Config::new(settings, &database, Mode::Serve)?;
    if !output.shows_secrets() {
        config.key_file = Some(config.database.with_added_extension("admin-key"));
    }
    // A signal ends it at once: whatever does, the file has one of the schemas.
    let migrated = super::migrate::at_start(&config.database, &output)?;
    server::block_on(async {
        let signals = Signals::listen()?;
        let mut program = Program::build(&config).await?;
        program.notes.extend(migrated);
        program.notes.extend(sources.notes.iter().cloned());
        super::banner::announce(&program, &config.database, &output);
        program.run(signals).await
    })
}
