//! Brings the data file of an earlier version up to date.
//!
//! A checked copy comes first, then each migration in a transaction of its own. Whatever ends that,
//! the file has one of the schemas, whole, and the next start goes on. A rehearsal does the same
//! with a copy, and leaves the file alone.

mod copy;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use indicatif::HumanBytes;

use crate::backup::part::{Part, beside};
use crate::backup::verify::{self, Ask, Counts};
use crate::backup::{self, Step, Tell};
use crate::base::failure::Failure;
use crate::db::{self, Migrations, Outdated, Source};

/// How many times its size a file and its log may grow by in one step: every table may be made anew,
/// and the log holds the new pages and those that became free.
const GROWS: u64 = 3;

/// What has to be done to a file.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The version of its schema.
    pub from: u32,
    /// The version that it gets.
    pub to: u32,
    /// The names of the steps.
    pub steps: Vec<&'static str>,
    /// What is in it.
    pub counts: Counts,
    /// How many bytes the copy has.
    pub bytes: u64,
    /// How many bytes are free beside the file; none: that cannot be told.
    pub free: Option<u64>,
}

/// What was done to a file.
#[derive(Debug)]
pub(crate) struct Migrated {
    /// What had to be done.
    pub plan: Plan,
    /// The copy of the file as it was before.
    pub copy: PathBuf,
}

/// Brings the data file at `path` up to date; none: there is nothing to do.
///
/// # Errors
/// When a server has it, it is no whole file of ours, or a step failed: the copy is named then.
pub(crate) fn migrate(
    path: &Path,
    migrations: Migrations,
    tell: Tell<'_>,
) -> Result<Option<Migrated>, Failure> {
    let Some(outdated) = Outdated::claim(path, migrations)? else {
        return Ok(None);
    };
    let migrated = migrate_claimed(&outdated, migrations, tell);
    outdated.release();
    migrated.map(Some)
}

/// Brings a file up to date that nobody else has.
fn migrate_claimed(
    outdated: &Outdated,
    migrations: Migrations,
    tell: Tell<'_>,
) -> Result<Migrated, Failure> {
    let source = outdated.source()?;
    let place = copy::name(source.path(), source.schema_version() + 1);
    let free = check_room(&source, copy::is_like(&place, source.size()?))?;
    let part = Part::begin(&place)?;
    let plan = plan(&source, &part, migrations, free, tell)?;
    let copy = copy::keep(part, place)?;
    drop(source);
    let (reached, done) = outdated.apply(&mut |step| tell(Step::Migrating(step.name)));
    match done {
        Ok(()) => Ok(Migrated { plan, copy }),
        // Every step is committed. What is left is to move the log, as the next start does.
        Err(_) if reached == migrations.newest() => Ok(Migrated { plan, copy }),
        Err(failure) => Err(stopped(&failure, reached, &copy)),
    }
}

/// Tries on a copy beside the data file at `path` what [`migrate`] would do, also while a server of
/// the earlier version has it. None: there is nothing to do.
///
/// # Errors
/// When it is no whole file of ours, a step fails, or what comes out is not whole.
pub(crate) fn rehearse(
    path: &Path,
    migrations: Migrations,
    tell: Tell<'_>,
) -> Result<Option<Plan>, Failure> {
    let source = Source::open_with(path, migrations)?;
    if !source.is_outdated() {
        return Ok(None);
    }
    let free = check_room(&source, false)?;
    let part = Part::begin(&beside(source.path(), ".dry-run"))?;
    // A log that a kill left is not that of the new copy.
    copy::remove_log(part.path())?;
    let plan = plan(&source, &part, migrations, free, tell)?;
    let tried = try_on(part.path(), source.schema_version(), migrations, tell);
    let cleared = copy::remove_log(part.path());
    tried.and(cleared).map(|()| Some(plan))
}

/// Brings the copy at `path` up to date, and looks through it.
fn try_on(
    path: &Path,
    version: u32,
    migrations: Migrations,
    tell: Tell<'_>,
) -> Result<(), Failure> {
    let mut told = |step: &'static db::Migration| tell(Step::Migrating(step.name));
    db::apply(path, version, migrations, &mut told).1?;
    tell(Step::Checking);
    let findings = verify::check(
        &Source::open_backup_with(path, migrations)?,
        &Ask::default(),
        tell,
    )?;
    match findings.findings.first.first() {
        None => Ok(()),
        Some(first) => Err(Failure::runtime(
            format!("what comes out is damaged ({first})"),
            "the data file was not touched; keep the version of before, and please report this",
        )),
    }
}

/// Copies `source` into `part`, checks the copy, and tells what is to be done.
fn plan(
    source: &Source,
    part: &Part,
    migrations: Migrations,
    free: Option<u64>,
    tell: Tell<'_>,
) -> Result<Plan, Failure> {
    backup::copy(source, part, tell)?;
    let copied = Source::open_backup_with(part.path(), migrations)?;
    let made = backup::check(source, part, &copied, tell)?;
    let pending = db::pending(migrations, source.schema_version());
    Ok(Plan {
        from: source.schema_version(),
        to: migrations.newest(),
        steps: pending.iter().map(|step| step.name).collect(),
        counts: made.counts,
        bytes: made.bytes,
        free,
    })
}

/// Makes sure that there is room beside `source` for what bringing it up to date may take: a copy,
/// unless there is one from a try before; the tables that are made anew; and both them and what
/// they replace in the log, since a step is one transaction. Returns how many bytes are free.
fn check_room(source: &Source, has_copy: bool) -> Result<Option<u64>, Failure> {
    let times = if has_copy { GROWS } else { GROWS + 1 };
    let needed = source.size()?.saturating_mul(times);
    judge_room(source.path(), needed, copy::free_bytes(source.path()))
}

/// Makes sure that of `free` bytes beside the file at `path` there are as many as `needed`.
fn judge_room(path: &Path, needed: u64, free: Option<u64>) -> Result<Option<u64>, Failure> {
    match free {
        Some(free) if free < needed => Err(no_room(path, needed, free)),
        free => Ok(free),
    }
}

/// There is too little room beside the file at `path`.
fn no_room(path: &Path, needed: u64, free: u64) -> Failure {
    Failure::runtime(
        format!(
            "{} has to be brought up to date, which needs {} beside it, and {} are free",
            path.display(),
            HumanBytes(needed),
            HumanBytes(free)
        ),
        "the file was not touched; make room there, then try again",
    )
}

/// A step failed when the file had the schema `reached`.
fn stopped(failure: &Failure, reached: u32, copy: &Path) -> Failure {
    Failure::runtime(
        failure.what(),
        format!(
            "{}; the file is whole, with schema version {reached}, and the copy from before is {}: \
             `invited restore` of the version of before puts that back",
            failure.hint(),
            copy.display()
        ),
    )
}
