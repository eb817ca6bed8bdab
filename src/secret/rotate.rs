//! Puts a new secret in front of those of a file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use super::source::{self, Loaded, folder};
use super::start::Comparison;
use super::store::{self, Known};
use super::{SecretId, Source};
use crate::clock::Timestamp;
use crate::db::{WriteTx, read_beside, write_beside};
use crate::error::{Error, Result};
use crate::failure::Failure;

/// Puts a new secret in front, which signs from the next start of the server on. Those behind it
/// verify until `until`, unless they end before. Returns the file.
///
/// The file is replaced as a whole, inside of the transaction: wherever a kill comes, the next
/// start finds the secrets that it needs.
///
/// # Errors
/// When the secrets do not belong to the data file at `database`, or either cannot be written.
pub fn rotate(database: &Path, source: &Source, until: Timestamp) -> std::result::Result<PathBuf, Failure> {
    let path = source.path().ok_or_else(in_variable)?;
    // What is wrong is told in words of its own before anything is touched.
    let loaded = load(source, path)?;
    read_beside(database, |reader| Comparison::of(reader, Some(&loaded)))?.check(&loaded, source)?;
    let path = fs::canonicalize(path).map_err(|error| source::unusable(path, &error))?;
    write_beside(database, |tx| put_in_front(tx, &path, until))?;
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

/// Writes both files. Another rotation may have come first, so the secrets are read again, under
/// the lock of the transaction.
fn put_in_front(tx: &WriteTx<'_>, path: &Path, until: Timestamp) -> Result<()> {
    store::end_all(tx, until)?;
    let known = store::list(&tx.reader())?;
    let (text, _) = source::read_text(path).map_err(Error::internal)?;
    let words = source::words(&text, &path.display().to_string()).map_err(Error::internal)?;
    // The first one may be signing at this moment, whatever its date is.
    let first = words.first().map(|(_, secret)| secret.id());
    let is_kept = |id: SecretId| first == Some(id) || known.iter().any(|one| one.id == id && one.is_needed(tx.now));
    let mut lines = vec![source::random().map_err(Error::internal)?];
    lines.extend(words.iter().filter(|(_, secret)| is_kept(secret.id())).map(|&(word, _)| word.to_owned()));
    for Known { id, .. } in known.iter().filter(|one| !is_kept(one.id)) {
        store::delete(tx, *id)?;
    }
    replace(path, &(lines.join("\n") + "\n")).map_err(Error::internal)
}

/// Replaces a file as a whole; its owner and its rights stay.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let write = || {
        let old = fs::metadata(path)?;
        let mut file = tempfile::NamedTempFile::new_in(folder(path))?;
        file.write_all(text.as_bytes())?;
        file.as_file().set_permissions(old.permissions())?;
        let new = file.as_file().metadata()?;
        if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
            fchown(file.as_file(), Some(old.uid()), Some(old.gid()))?;
        }
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(folder(path))?.sync_all()
    };
    write().map_err(failed)
}

/// The secret is where no command can change it.
fn in_variable() -> Failure {
    Failure::usage(
        "INVITED_SECRET gives the secret, and this command cannot change a variable",
        "put a new one (`openssl rand -hex 32`) in front of it with a space between, and restart the server: \
         the one before then works for 30 days more",
    )
}
