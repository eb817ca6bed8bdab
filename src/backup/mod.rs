//! Copies of the data file: made beside a running server, looked through, and put back.
//!
//! * [`part`] is a file that comes to its name only when it is whole. [`verify`] looks through a
//!   file, [`store`] is the SQL of that; [`chain`] looks whether histories are whole, and [`heads`]
//!   are what people keep of them. [`restore`] puts a backup in the place of a data file.
//! * [`schedule`] has a server make backups by itself, [`kept`] are those in their folder, and
//!   [`finding`] is what the checks say of them.
//!
//! A copy is checked before it has its name: what is called a backup is one.

mod chain;
pub(crate) mod finding;
pub(crate) mod heads;
pub(crate) mod kept;
pub(crate) mod part;
pub(crate) mod restore;
pub(crate) mod schedule;
pub(crate) mod store;
pub(crate) mod verify;

use std::fs::{self, File};
use std::io::{self, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use part::{Part, beside, cannot_write};
use verify::{Ask, Counts, Report};

use crate::base::failure::Failure;
use crate::db::{CopyError, Progress, Source, is_ours, resolve};

/// What belongs to a data file, by what stands behind its name.
const OF_DATA_FILE: [&str; 5] = ["-wal", "-shm", ".lock", ".secret", ".admin-key"];

/// How much nicer than others a look through a file is: a server beside it comes first.
const NICENESS: i32 = 19;

/// How far a command has come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Pages are copied.
    Copying(Progress),
    /// The file is looked through.
    Checking,
    /// The histories are read, each event more than once.
    Comparing(Progress),
    /// The file is brought up to date, by the step of this name.
    Migrating(&'static str),
}

/// Whom a command tells how far it has come.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(Step);

/// A copy that was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    /// What is in it.
    pub counts: Counts,
    /// How many bytes it has.
    pub bytes: u64,
}

/// Makes a backup of `source` at `place`, with `secret` beside it where that is given: whole, or
/// not at all. With `may_replace` a backup that is there is replaced.
///
/// # Errors
/// When the file is damaged, or the backup cannot be written there.
pub(crate) fn make(
    source: &Source,
    place: &Path,
    secret: Option<&str>,
    may_replace: bool,
    tell: Tell<'_>,
) -> Result<Made, Failure> {
    check_place(source, place, may_replace, &BACKUP)?;
    let secret_place = beside(place, ".secret");
    // The secret of a backup that was killed before it had its name is the one of this, too.
    let to_write = secret.filter(|text| !is_text_of(&secret_place, text));
    if to_write.is_some() && !may_replace && secret_place.exists() {
        return Err(Failure::exists(&secret_place));
    }
    let part = Part::begin(place)?;
    let made = fill(source, &part, tell)?;
    if let Some(text) = to_write {
        part::write_private(&secret_place, text, text, may_replace)?;
    }
    part.finish(place, may_replace)?;
    Ok(made)
}

/// Whether the file at `place` is one for its owner alone that holds `text`.
fn is_text_of(place: &Path, text: &str) -> bool {
    let is_private = |metadata: fs::Metadata| metadata.is_file() && metadata.mode() & 0o077 == 0;
    fs::symlink_metadata(place).is_ok_and(is_private)
        && fs::read_to_string(place).is_ok_and(|there| there == text)
}

/// Makes a backup of `source`, and writes it to `output` once it is checked: until then it lies
/// beside the data file.
///
/// # Errors
/// When the file is damaged, or the backup cannot be written.
pub(crate) fn make_to(
    source: &Source,
    output: &mut impl io::Write,
    tell: Tell<'_>,
) -> Result<Made, Failure> {
    let part = Part::begin(&beside(source.path(), ".backup"))?;
    let made = fill(source, &part, tell)?;
    let mut file: File = part.into_unnamed()?;
    let written = file
        .rewind()
        .and_then(|()| io::copy(&mut file, output))
        .and_then(|_| output.flush());
    written.map_err(|error| cannot_write(Path::new("to stdout"), &error))?;
    Ok(made)
}

/// Copies `source` into `part`, and looks through the copy. A server does the latter when others
/// need the processor less. A command has somebody who waits for it: where writers take all that
/// there is, a look that gave way would take several times as long.
fn fill(source: &Source, part: &Part, tell: Tell<'_>) -> Result<Made, Failure> {
    copy(source, part, tell)?;
    // Not before: the transaction of the copy ought to be short. On Linux the thread gives way,
    // elsewhere it would be the whole process.
    if cfg!(target_os = "linux") && source.is_served() {
        give_way();
    }
    check(source, part, &source.open_copy(part.path())?, tell)
}

/// Copies `source` into `part`.
///
/// # Errors
/// When the file cannot be read, or the copy cannot be written.
pub(crate) fn copy(source: &Source, part: &Part, tell: Tell<'_>) -> Result<(), Failure> {
    let copied = source.copy(part.file(), &mut |progress| tell(Step::Copying(progress)));
    copied.map_err(|error| match error {
        CopyError::Source(failure) => failure,
        CopyError::Target(error) => cannot_write(part.path(), &error),
    })
}

/// Looks through `copy`, which is what `part` holds of `source`.
///
/// # Errors
/// When it is damaged: then `source` is.
pub(crate) fn check(
    source: &Source,
    part: &Part,
    copy: &Source,
    tell: Tell<'_>,
) -> Result<Made, Failure> {
    tell(Step::Checking);
    let Report {
        counts, findings, ..
    } = verify::check(copy, &Ask::default(), tell)?;
    if let Some(first) = findings.first.first() {
        return Err(Failure::runtime(
            format!(
                "{} is damaged, so it was not copied ({first})",
                source.path().display()
            ),
            "`invited verify` names all that is wrong; keep the backups that you have",
        ));
    }
    let bytes = part.file().metadata().map(|metadata| metadata.len());
    let bytes = bytes.map_err(|error| cannot_write(part.path(), &error))?;
    Ok(Made { counts, bytes })
}

/// Lets others have the processor first. Where that is refused, the command goes on all the same.
pub(crate) fn give_way() {
    let _ = rustix::process::nice(NICENESS);
}

/// A look through the file at `path` has found something.
pub(crate) fn damaged(path: &Path, findings: usize) -> Failure {
    Failure::runtime(
        format!("{} is damaged (findings: {findings})", path.display()),
        "keep a copy of it; restore a backup that `invited verify` finds to be whole",
    )
}

/// A look through the file at `path` has found nothing but counts that are not those of its rows.
pub(crate) fn miscounted(path: &Path, findings: usize) -> Failure {
    let path = path.display();
    Failure::runtime(
        format!("{path} is whole, and counts its rows wrongly (findings: {findings})"),
        "another program has changed rows; `invited verify --recount` on the data file counts them \
         anew, also beside a server",
    )
}

/// A look through the file at `path` has found something, or that it does not go on from heads that
/// were written down.
pub(crate) fn differs(path: &Path, findings: usize) -> Failure {
    Failure::runtime(
        format!(
            "{} is damaged, or does not go on from these heads (findings: {findings})",
            path.display()
        ),
        "after a restore of a backup that is older than the heads, that is so: write new ones with \
         --heads; else keep a copy of it, and restore a backup that `invited verify` finds to be \
         whole",
    )
}

/// What a command makes, and replaces on request.
pub(crate) struct Product {
    /// What it is called.
    pub name: &'static str,
    /// What to do where something else is in its place.
    pub hint: &'static str,
    /// Whether a file is one.
    pub is_one: fn(&Path) -> bool,
}

/// Backups.
const BACKUP: Product = Product {
    name: "backup",
    hint: "name another file; to put a backup in the place of a data file, use `invited restore`",
    is_one: is_ours,
};

/// Checks that a `product` may be at `place`: only another one is ever replaced, and no data file,
/// nor what belongs to one.
///
/// # Errors
/// What is in the way.
pub(crate) fn check_place(
    source: &Source,
    place: &Path,
    may_replace: bool,
    product: &Product,
) -> Result<(), Failure> {
    let own = |suffix| beside(source.path(), suffix);
    let is_own = |path: &PathBuf| {
        path == source.path() || OF_DATA_FILE.iter().any(|suffix| *path == own(suffix))
    };
    if resolve(place).is_ok_and(|path| is_own(&path)) {
        return Err(Failure::usage(
            format!("{} belongs to the data file itself", place.display()),
            "name another file",
        ));
    }
    if place.is_dir() {
        return Err(Failure::usage(
            format!("{} is a folder", place.display()),
            "name a file in it",
        ));
    }
    let Ok(found) = place.symlink_metadata() else {
        return Ok(());
    };
    if !may_replace {
        return Err(Failure::exists(place));
    }
    if found.is_symlink() {
        return Err(Failure::runtime(
            format!(
                "{} is a symbolic link, so it is not replaced",
                place.display()
            ),
            "name the file that it leads to, or another one",
        ));
    }
    let is_served = ["-wal", ".lock"].map(|suffix| beside(place, suffix).exists()) != [false; 2];
    if is_served || !found.is_file() || !(product.is_one)(place) {
        let (place, name) = (place.display(), product.name);
        let what = format!("{place} is no {name}, so it is not replaced");
        return Err(Failure::runtime(what, product.hint));
    }
    Ok(())
}
