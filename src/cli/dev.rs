//! `invited dev`: sample data for the developer at this machine, without keys.

use std::fs;
use std::path::Path;

use super::output::Output;
use crate::base::error::{Error, FieldError};
use crate::base::failure::Failure;
use crate::base::json;
use crate::base::mode::Mode;
use crate::base::origin::Origin;
use crate::config::sources::Sources;
use crate::config::{Config, DevSettings};
use crate::dev::folder::Folder;
use crate::dev::seed::{Seed, Start};
use crate::organization;
use crate::server::{self, Program, Signals};

/// The most errors of a seed file that are printed.
const MAX_PRINTED: usize = 10;

/// Serves until stopped; a temporary file goes with the process.
pub(crate) fn run(settings: DevSettings, sources: &Sources) -> Result<(), Failure> {
    let DevSettings {
        server: settings,
        seed,
    } = settings;
    let output = Output::start(&settings.log);
    server::block_on(async {
        let signals = Signals::listen()?;
        let folder = if settings.database.is_none() {
            Some(Folder::make()?)
        } else {
            None
        };
        let path = folder.as_ref().map(|folder| folder.path().to_owned());
        let database = match &path {
            Some(path) => path.join("invited.db"),
            None => super::database(settings.database.clone()),
        };
        let mut config = Config::new(settings, &database, Mode::Dev)?;
        config.start = seed
            .as_deref()
            .map_or(Ok(Start::Samples), |path| read_seed(path).map(Start::Seed))?;
        let migrated = super::migrate::at_start(&config.database, &output)?;
        let mut program = Program::build(&config).await?;
        program.notes.extend(migrated);
        begin(&program, config.start.clone())
            .await
            .map_err(|error| unusable(seed.as_deref(), &error))?;
        program.notes.extend(sources.notes.iter().cloned());
        super::announce(&program, &config.database, &output);
        program
            .run_and_clean_up(signals, move || {
                path.into_iter()
                    .for_each(|path| drop(fs::remove_dir_all(path)));
            })
            .await
    })
}

/// Fills a file that has no organizations. For one that has some the seed is checked all the same:
/// a reset will need it.
async fn begin(program: &Program, start: Start) -> crate::base::error::Result<()> {
    let (db, rules) = (program.db(), program.rules().clone());
    if db.read(organization::store::exist)? {
        return start.check(&rules, db.now());
    }
    let origin = Origin {
        actor: "dev".to_owned(),
        request_id: "start".to_owned(),
    };
    db.write(move |tx| start.fill(tx, &rules, &origin))
        .await
        .map(drop)
}

/// Reads a seed file.
fn read_seed(path: &Path) -> Result<Seed, Failure> {
    let failed = |why: String| cannot_use(path, &why);
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    // Words about a body would not fit a file that is not even JSON.
    serde_json::from_slice::<serde::de::IgnoredAny>(&bytes)
        .map_err(|error| failed(error.to_string()))?;
    json::parse(&bytes).map_err(|error| unusable(Some(path), &error))
}

/// The file could not be filled.
fn unusable(seed: Option<&Path>, error: &Error) -> Failure {
    match seed {
        Some(path) if error.code.meaning().status < 500 => cannot_use(path, &reasons(error)),
        _ => Failure::runtime(error.to_string(), "see the log"),
    }
}

/// Place and reason of everything that is wrong with a document.
fn reasons(error: &Error) -> String {
    if error.fields.is_empty() {
        return error.detail.to_string();
    }
    let line = |field: &FieldError| format!("{}: {}", field.pointer, field.detail);
    let mut lines: Vec<_> = error.fields.iter().take(MAX_PRINTED).map(line).collect();
    if error.fields.len() > MAX_PRINTED {
        lines.push(format!("and {} more", error.fields.len() - MAX_PRINTED));
    }
    lines.join("\n  ")
}

/// The seed file at `path` is not one.
fn cannot_use(path: &Path, why: &str) -> Failure {
    Failure::runtime(
        format!("cannot use the seed file {}:\n  {why}", path.display()),
        "docs/dev.md describes seed documents; correct the file, or start without --seed",
    )
}
