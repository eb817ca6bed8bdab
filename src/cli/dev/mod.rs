//! `invited dev`: sample data for the developer at this machine, without keys.
//!
//! * [`ready`] is what programs are told of the server, [`port_file`] where they find its port.
//! * [`command`] is what runs beside it, in [`processes`] that [`watcher`] ends if nothing else can.

mod command;
mod port_file;
mod processes;
mod ready;
pub(crate) mod watcher;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::output::Output;
use crate::base::error::{Error, FieldError};
use crate::base::failure::Failure;
use crate::config::log::Format;
use crate::config::sources::Sources;
use crate::config::{Config, DevSettings};
use crate::dev::folder::Folder;
use crate::dev::seed::Start;
use crate::dev::{origin_of_start, own_key};
use crate::organization;
use crate::server::{self, Program, Signals};

use command::Running;
use port_file::PortFile;
use ready::Ready;

/// The most errors of a seed file that are printed.
const MAX_PRINTED: usize = 10;

/// Serves until stopped, or until the command beside the server ends; a temporary file goes with
/// the process. Returns the exit code.
pub(crate) fn run(settings: &DevSettings, sources: &Sources) -> Result<ExitCode, Failure> {
    let mut log = settings.server.log.clone();
    if settings.quiet {
        "warn".clone_into(&mut log.log);
    }
    let output = Output::start(&log);
    server::block_on(async {
        let signals = Signals::listen()?;
        if let Some(path) = &settings.port_file {
            PortFile::clear(path)?;
        }
        let folder = if settings.server.database.is_none() {
            Some(Folder::make()?)
        } else {
            None
        };
        let folder = folder.as_ref().map(Folder::path);
        let database = match folder {
            Some(path) => path.join("invited.db"),
            None => super::database(settings.server.database.clone()),
        };
        let mut config = Config::for_dev(settings, &database)?;
        let seed = settings.seed.as_deref();
        config.start = seed.map_or(Ok(Start::Samples), read_seed)?;
        let migrated = super::migrate::at_start(&config.database, &output)?;
        let mut program = Program::build(&config).await?;
        program.notes.extend(migrated);
        begin(&program, config.start.clone())
            .await
            .map_err(|error| unusable(seed, &error))?;
        program.notes.extend(sources.notes.iter().cloned());
        let ready = Ready::of(&program, &config.database);
        tell(&program, &config.database, &output, settings);
        serve(
            program,
            signals,
            &ready,
            settings,
            folder.map(Path::to_owned),
        )
        .await
    })
}

/// Tells the person at the terminal of the server: little where a command has the terminal.
fn tell(program: &Program, database: &Path, output: &Output, settings: &DevSettings) {
    if settings.quiet {
        program.notes.iter().for_each(|note| log::warn!("{note}"));
    } else if settings.command.is_empty() || output.format == Format::Json {
        super::banner::announce(program, database, output);
    } else {
        super::banner::announce_shortly(program, output);
    }
}

/// Tells programs that the server is ready, and serves.
async fn serve(
    program: Program,
    signals: Signals,
    ready: &Ready,
    settings: &DevSettings,
    folder: Option<PathBuf>,
) -> Result<ExitCode, Failure> {
    let port_file = match &settings.port_file {
        Some(path) => Some(PortFile::write(path, ready.port()?)?),
        None => None,
    };
    let port_file = port_file.map(Arc::new);
    let (written, left) = (port_file.clone(), folder);
    let clean_up = move || {
        written.iter().for_each(|file| file.remove());
        left.into_iter()
            .for_each(|path| drop(fs::remove_dir_all(path)));
    };
    if settings.json {
        super::print(&ready.line()?)?;
    }
    if settings.command.is_empty() {
        program.run_and_clean_up(signals, clean_up).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut running = match Running::start(&settings.command, &ready.environment()) {
        Ok(running) => running,
        Err(not_started) => {
            super::print_error(&not_started.failure);
            return Ok(ExitCode::from(not_started.code));
        }
    };
    let code = Cell::new(0);
    let stop = async |signals: &mut Signals| code.set(running.wait(signals).await);
    program.run_beside(stop, signals, clean_up).await?;
    Ok(ExitCode::from(code.get()))
}

/// Fills a file that has no organizations. For one that has some the seed is checked all the same:
/// a reset will need it.
async fn begin(program: &Program, start: Start) -> crate::base::error::Result<()> {
    let (db, ground) = (program.db(), program.ground());
    if let Some(key) = program.own_key().cloned() {
        db.write(move |tx| own_key::put(tx, &key)).await?;
    }
    if db.read(organization::store::exist)? {
        return start.check(&ground, db.now());
    }
    let origin = origin_of_start();
    db.write(move |tx| start.fill(tx, &ground, &origin))
        .await
        .map(drop)
}

/// Reads a seed file, or an export.
fn read_seed(path: &Path) -> Result<Start, Failure> {
    let bytes = std::fs::read(path).map_err(|error| cannot_use(path, &error.to_string()))?;
    Start::read(&bytes).map_err(|error| unusable(Some(path), &error))
}

/// The file could not be filled.
fn unusable(seed: Option<&Path>, error: &Error) -> Failure {
    match seed {
        Some(path) if error.code.meaning().status < 500 => cannot_use(path, &reasons(error)),
        None if error.code.meaning().status < 500 => Failure::usage(
            format!("the samples cannot be made:\n  {}", reasons(error)),
            "they are weeks old, and end in weeks: give a --clock some months within 1970 and 9999",
        ),
        _ => Failure::runtime(error.to_string(), "see the log"),
    }
}

/// Place and reason of everything that is wrong with a document.
pub(super) fn reasons(error: &Error) -> String {
    if error.fields.is_empty() {
        // The file is in the place of a body.
        return error.detail.replacen("The body", "The file", 1);
    }
    let line = |field: &FieldError| format!("{}: {}", place(&field.pointer), field.reason());
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
