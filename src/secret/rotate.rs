//! Puts a new secret in front of those of a file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::NamedTempFile;

use super::source::{self, Loaded, folder};
use super::start::Comparison;
use super::store::{self, Known};
use super::{SecretId, Source};
use crate::audit::{self, Action, By, NewEntry};
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::base::failure::Failure;
use crate::db::{WriteTx, read_file, write_file};

/// Puts a new secret in front, which signs from the next start of the server on. Those behind it
/// verify until `until`, unless they end before. Returns the file.
///
/// The file is replaced as a whole, inside of the transaction: wherever a kill comes, the next
/// start finds the secrets that it needs.
///
/// # Errors
/// When the secrets do not belong to the data file at `database`, or either cannot be written.
pub fn rotate(
    database: &Path,
    source: &Source,
    until: Timestamp,
) -> std::result::Result<PathBuf, Failure> {
    let path = source.path().ok_or_else(in_variable)?;
    // What is wrong is told in words of its own before anything is touched.
    let loaded = load(source, path)?;
    read_file(database, |reader| Comparison::of(reader, Some(&loaded)))?.check(&loaded, source)?;
    let path = fs::canonicalize(path).map_err(|error| source::unusable(path, &error))?;
    let mut refused = None;
    let written = write_file(database, |tx| {
        put_in_front(tx, &path, until)?.map_err(|failure| {
            refused = Some(failure);
            Error::internal(io::Error::other("the secret file was not replaced"))
        })
    });
    written.map_err(|failure| refused.unwrap_or(failure))?;
    Ok(path)
}

/// Reads the secrets that are there.
fn load(source: &Source, path: &Path) -> std::result::Result<Loaded, Failure> {
    let missing = || {
        Failure::runtime(
            format!("there is no secret file {}", path.display()),
            "bring back its copy, or name the right one with --secret-file or INVITED_SECRET_FILE",
        )
    };
    source.load(false)?.ok_or_else(missing)
}

/// Writes both files; returns what is wrong with the secret file, apart from an error of the data
/// file.
fn put_in_front(
    tx: &WriteTx<'_>,
    path: &Path,
    until: Timestamp,
) -> Result<std::result::Result<(), Failure>> {
    store::end_all(tx, until)?;
    let known = store::list(&tx.reader())?;
    // Another rotation may have come first, so the file is read again under the transaction's lock.
    let front = match Front::read(path, &known, tx.now) {
        Ok(front) => front,
        Err(failure) => return Ok(Err(failure)),
    };
    for Known { id, .. } in known.iter().filter(|one| !front.kept.contains(&one.id)) {
        store::delete(tx, *id)?;
    }
    let details = json!({ "earlierUntil": until });
    let (action, by) = (Action::SecretRotated, By::CLI);
    audit::store::append(
        tx,
        &NewEntry {
            action,
            by,
            subject: None,
            organizations: None,
            details,
        },
    )?;
    Ok(replace(path, &front.text).map_err(|error| not_replaced(path, &error)))
}

/// What a secret file is to hold.
struct Front {
    /// Its text: a new secret, and those that are kept.
    text: String,
    /// The ids of those that are kept.
    kept: Vec<SecretId>,
}

impl Front {
    /// Puts a new secret in front of those of the file at `path` that are needed at `now`.
    fn read(path: &Path, known: &[Known], now: Timestamp) -> std::result::Result<Self, Failure> {
        let (text, _) = source::read_text(path)?;
        let mut words = source::words(&text, &path.display().to_string())?;
        // The first one may be signing at this moment, whatever its date is.
        let first = words.first().map(|(_, secret)| secret.id());
        // By the newest one that the data file knows, the two belong together until a start has
        // noted the one that signs then.
        let mut ids = words.iter().map(|(_, secret)| secret.id());
        let bond = ids.find(|id| known.iter().any(|one| one.id == *id));
        let is_needed = |id| known.iter().any(|one| one.id == id && one.is_needed(now));
        words.retain(|(_, secret)| {
            let id = secret.id();
            [first, bond].contains(&Some(id)) || is_needed(id)
        });
        let new = source::random().map_err(|error| not_replaced(path, &error))?;
        let lines: Vec<_> = std::iter::once(new.as_str())
            .chain(words.iter().map(|&(word, _)| word))
            .collect();
        Ok(Self {
            text: lines.join("\n") + "\n",
            kept: words.iter().map(|(_, secret)| secret.id()).collect(),
        })
    }
}

/// Replaces a file as a whole; its owner and its rights stay.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let old = fs::metadata(path)?;
    let mut file = unfinished(path)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(old.permissions())?;
    let new = file.as_file().metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        fchown(file.as_file(), Some(old.uid()), Some(old.gid()))?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder(path))?.sync_all()
}

/// A new file beside `path`, for its owner alone. One that a kill has left goes: the transaction
/// keeps others away.
fn unfinished(path: &Path) -> io::Result<NamedTempFile> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    match fs::remove_file(folder(path).join(&name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    tempfile::Builder::new()
        .prefix(&name)
        .rand_bytes(0)
        .tempfile_in(folder(path))
}

/// The secret is where no command can change it.
fn in_variable() -> Failure {
    Failure::usage(
        "INVITED_SECRET gives the secret, and this command cannot change a variable",
        "put a new one (`openssl rand -hex 32`) in front of it with a space between, and restart \
         the server: links by the one before then work for 30 days more",
    )
}

/// The secret file cannot be replaced.
fn not_replaced(path: &Path, error: &io::Error) -> Failure {
    Failure::runtime(
        format!(
            "cannot replace the secret file {} ({error})",
            path.display()
        ),
        "where it is mounted, put a new secret (`openssl rand -hex 32`) in front of the old one \
         at its origin, with a line end between, and restart the server",
    )
}
