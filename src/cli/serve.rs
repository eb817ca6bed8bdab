//! `invited serve`: the server for everybody with a key.

use super::output::Output;
use crate::app::{self, Program, Signals};
use crate::base::failure::Failure;
use crate::base::mode::Mode;
use crate::config::{Config, Settings};

/// Serves until stopped.
pub fn run(settings: Settings) -> Result<(), Failure> {
    let output = Output::start(&settings.log);
    let database = super::database(settings.database.clone());
    let config = Config::new(settings, &database, Mode::Serve)?;
    app::block_on(async {
        let signals = Signals::listen()?;
        let program = Program::build(&config).await?;
        super::announce(&program, &config.database, &output);
        program.run(signals).await
    })
}
