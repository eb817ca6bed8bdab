//! Puts a backup in the place of a data file.
//!
//! Everything is checked on a copy beside the data file before anything is touched. Then the two
//! are exchanged in one step: whatever ends the command, the old file is there or the new one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::part::{self, Part, beside};
use super::verify::Counts;
use super::{Made, Tell, fill};
use crate::base::failure::Failure;
use crate::db::{Replacement, Source, adopt};
use crate::secret;

/// What was restored.
#[derive(Debug)]
pub(crate) struct Restored {
    /// What is in it.
    pub counts: Counts,
    /// Where the file is that was there before; none: there was no file.
    pub before: Option<PathBuf>,
    /// Where a secret was put that lay beside the backup.
    pub secret: Option<PathBuf>,
}

/// Puts the backup at `backup` in the place of the data file `place`, whose secrets are `secrets`.
/// With `may_replace_secret` it does not ask for them.
///
/// # Errors
/// When a server has the data file, the backup is not whole, or the secrets are not those of the
/// backup: nothing is changed then.
pub(crate) fn restore(
    backup: &Path,
    place: Replacement,
    secrets: &secret::Source,
    may_replace_secret: bool,
    tell: Tell<'_>,
) -> Result<Restored, Failure> {
    let prepared = prepare(backup, &place, secrets, may_replace_secret, tell);
    let restored = prepared.and_then(|prepared| prepared.put(&place));
    if restored.is_err() {
        place.give_up();
    }
    restored
}

/// A copy of a backup that may take the place of a data file.
struct Prepared {
    /// The copy.
    part: Part,
    /// What is in it.
    counts: Counts,
    /// The secret that goes with it, and where to.
    secret: Option<(PathBuf, String)>,
}

/// Copies and checks a backup.
fn prepare(
    backup: &Path,
    place: &Replacement,
    secrets: &secret::Source,
    may_replace_secret: bool,
    tell: Tell<'_>,
) -> Result<Prepared, Failure> {
    let source = Source::open_backup(backup)?;
    if source.path() == place.path() {
        return Err(Failure::usage(
            format!("{} is the data file itself", backup.display()),
            "name the backup that is to take its place",
        ));
    }
    let part = Part::begin(&beside(place.path(), ".restored"))?;
    let Made { counts, .. } = fill(&source, &part, tell)?;
    let secret = if may_replace_secret {
        None
    } else {
        find_secret(&source, secrets)?
    };
    Ok(Prepared {
        part,
        counts,
        secret,
    })
}

/// Makes sure that the secrets are those of the backup. Returns the text of those that lie beside
/// it, and their place, where there are none at that place.
fn find_secret(
    source: &Source,
    secrets: &secret::Source,
) -> Result<Option<(PathBuf, String)>, Failure> {
    let failure = match secret::start::text_of(source, secrets) {
        Ok(_) => return Ok(None),
        Err(failure) => failure,
    };
    let beside = beside(source.path(), ".secret");
    if fs::symlink_metadata(&beside).is_err() {
        return Err(failure);
    }
    let text = secret::start::text_of(source, &secret::Source::File(beside.clone()))
        .map_err(|why| not_taken(&failure, &why))?;
    let Some(place) = secrets.path() else {
        return Err(Failure::runtime(
            format!("{secrets} does not belong to {}", source.path().display()),
            format!(
                "the secret beside the backup does, in {}: restore again without INVITED_SECRET",
                beside.display()
            ),
        ));
    };
    if fs::symlink_metadata(place).is_ok() {
        return Err(Failure::runtime(
            format!("{secrets} does not belong to {}", source.path().display()),
            format!(
                "the secret beside the backup does, in {}: move the other one away, and restore \
                 again",
                beside.display()
            ),
        ));
    }
    Ok(Some((place.to_owned(), text)))
}

/// The secret that the server would use does not do because of `failure`, nor does the one beside
/// the backup because of `why`.
fn not_taken(failure: &Failure, why: &Failure) -> Failure {
    Failure::runtime(
        format!(
            "{}; nor was the secret beside the backup taken: {}",
            failure.what(),
            why.what()
        ),
        format!(
            "put the secret of the backup there, for its owner alone (chmod 600), and restore \
             again; or: {}",
            failure.hint()
        ),
    )
}

impl Prepared {
    /// Puts the copy in its place, after its secret.
    fn put(self, place: &Replacement) -> Result<Restored, Failure> {
        let adopted = adopt(self.part.file(), place.path());
        adopted.map_err(|error| part::cannot_write(place.path(), &error))?;
        let Some((path, text)) = self.secret else {
            let before = exchange(self.part, place)?;
            return Ok(Restored {
                counts: self.counts,
                before,
                secret: None,
            });
        };
        part::write_private(&path, &text, &text, false)?;
        let adopted = File::open(&path).and_then(|file| adopt(&file, place.path()));
        let adopted = adopted.map_err(|error| part::cannot_write(&path, &error));
        match adopted.and_then(|()| exchange(self.part, place)) {
            Ok(before) => Ok(Restored {
                counts: self.counts,
                before,
                secret: Some(path),
            }),
            Err(failure) => {
                // The file that stays has another secret, or none. Where this one cannot be
                // removed, the next restore says so.
                let _ = fs::remove_file(&path);
                Err(failure)
            }
        }
    }
}

/// Puts the file in its place. Returns where the one before is, if there was one.
fn exchange(part: Part, place: &Replacement) -> Result<Option<PathBuf>, Failure> {
    let before = place.name_before();
    if place.has_file() {
        // Until they are exchanged, the new file has the name that the old one will have.
        part.finish(&before, false)?;
        place.exchange(&before)?;
        Ok(Some(before))
    } else {
        place.move_log(&before)?;
        part.finish(place.path(), false)?;
        Ok(None)
    }
}
