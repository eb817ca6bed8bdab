//! `invited serve`: the server for everybody with a key.

use crate::app::{self, Program, Signals};
use crate::config::{Config, Mode, Settings};
use crate::failure::Failure;

/// Serves until stopped.
pub fn run(settings: Settings) -> Result<(), Failure> {
    super::start_logging(&settings.log);
    let database = super::database(settings.database.clone());
    let config = Config::new(settings, &database, Mode::Serve)?;
    app::block_on(async {
        let program = Program::build(&config).await?;
        let signals = Signals::listen()?;
        super::announce(&program, &config.database);
        program.run(signals).await
    })
}
