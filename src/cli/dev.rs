//! `invited dev`: sample data for the developer at this machine, without keys.

use crate::app::{self, Program, Signals};
use crate::config::{Config, Mode, Settings};
use crate::failure::Failure;
use crate::{organization, sample};

/// Serves until stopped; a temporary file goes with the process.
pub fn run(settings: Settings) -> Result<(), Failure> {
    super::start_logging(&settings.log);
    let folder = tempfile::Builder::new().prefix("invited-dev-").tempdir().map_err(|error| {
        Failure::runtime(format!("cannot make a temporary folder ({error})"), "name a data file with --database")
    })?;
    let database = settings.database.clone().unwrap_or_else(|| folder.path().join("invited.db"));
    let config = Config::new(settings, database, Mode::Dev)?;
    app::block_on(async {
        let program = Program::build(&config).await?;
        let db = program.db();
        let failed = |error: crate::error::Error| Failure::runtime(error.to_string(), "see the log");
        if !db.read(organization::store::exist).map_err(failed)? {
            let rules = config.rules(&program.public_url);
            db.write(move |tx| sample::fill(tx, &rules)).await.map_err(failed)?;
        }
        let signals = Signals::listen()?;
        super::announce(&program, &config.database);
        program.run(signals).await
    })
}
