//! `invited dev`: sample data for the developer at this machine, without keys.

use std::fs;
use std::path::Path;

use super::output::Output;
use crate::base::error::{Error, FieldError};
use crate::base::failure::Failure;
use crate::base::mode::Mode;
use crate::base::origin::Origin;
use crate::config::sources::Sources;
use crate::config::{Config, DevSettings};
use crate::dev::folder::Folder;
use crate::dev::seed::Start;
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
        config.start = seed.as_deref().map_or(Ok(Start::Samples), read_seed)?;
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
    let (db, ground) = (program.db(), program.ground());
    if db.read(organization::store::exist)? {
        return start.check(&ground, db.now());
    }
    let origin = Origin {
        actor: "dev".to_owned(),
        request_id: "start".to_owned(),
    };
    db.write(move |tx| start.fill(tx, &ground, &origin))
        .await
        .map(drop)
}

/// Reads a seed file, or an export.
fn read_seed(path: &Path) -> Result<Start, Failure> {
    let bytes = std::fs::read(path).map_err(|error| cannot_use(path, &error.to_string()))?;
    Start::read(&bytes).map_err(|error| {
        let syntax = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).err();
        match syntax.filter(|_| error.fields.is_empty()) {
            // Words about a body would not fit a file that is not even JSON.
            Some(syntax) => cannot_use(path, &syntax.to_string()),
            None => unusable(Some(path), &error),
        }
    })
}

/// The file could not be filled.
fn unusable(seed: Option<&Path>, error: &Error) -> Failure {
    match seed {
        Some(path) if error.code.meaning().status < 500 => cannot_use(path, &reasons(error)),
        _ => Failure::runtime(error.to_string(), "see the log"),
    }
}

/// Place and reason of everything that is wrong with a document.
pub(super) fn reasons(error: &Error) -> String {
    if error.fields.is_empty() {
        return error.detail.to_string();
    }
    let line = |field: &FieldError| format!("{}: {}", place(&field.pointer), field.detail);
    let mut lines: Vec<_> = error.fields.iter().take(MAX_PRINTED).map(line).collect();
    if error.fields.len() > MAX_PRINTED {
        lines.push(format!("and {} more", error.fields.len() - MAX_PRINTED));
    }
    lines.join("\n  ")
}

/// Where a pointer leads to: of lines, the number comes first.
fn place(pointer: &str) -> String {
    let Some(rest) = pointer.strip_prefix("/lines/") else {
        return pointer.to_owned();
    };
    match rest.split_once('/') {
        Some((number, inside)) => format!("line {number}: /{inside}"),
        None => format!("line {rest}"),
    }
}

/// The seed file at `path` is not one.
fn cannot_use(path: &Path, why: &str) -> Failure {
    Failure::runtime(
        format!("cannot use the seed file {}:\n  {why}", path.display()),
        "docs/dev.md describes seed documents; correct the file, or start without --seed",
    )
}
