//! The one admin key of a file that has no keys: a random one, or the one that the operator chose.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::audit::By;
use crate::base::error::Error;
use crate::base::failure::Failure;
use crate::base::mode::Mode;
use crate::config::Config;
use crate::config::admin_key::GivenKey;
use crate::db::{Db, adopt};
use crate::key::token::PlainKey;
use crate::key::{self, NewKey, Rights};
use crate::session::{self, Token};

/// The file that has the first key.
pub(crate) struct KeyFile {
    /// Where the file is.
    pub path: PathBuf,
    /// Whether the operator made it.
    pub is_given: bool,
}

/// The key that a start made.
pub(crate) struct FirstKey {
    /// The key.
    pub key: PlainKey,
    /// The file that has it; none: only the caller can show it.
    pub file: Option<KeyFile>,
    /// What signs in to the console; none: nobody would see it.
    pub sign_in: Option<Token>,
}

/// What the operator chose, before the data file is opened: nothing is made of a key that is none.
///
/// # Errors
/// When the data file is still to be made, and the file of the key cannot be used.
pub(crate) fn given(config: &Config) -> Result<Result<Option<GivenKey>, Failure>, Failure> {
    if config.mode == Mode::Dev {
        return Ok(Ok(None));
    }
    let given = config.settings.admin_key();
    if config.database.exists() {
        return Ok(given);
    }
    given.map(Ok)
}

/// Makes the key, unless the file has one, or is one of development. What the person who starts the
/// server has to know besides goes to `notes`.
///
/// # Errors
/// When the key cannot be made, or written where it belongs.
pub(crate) async fn make(
    db: &Db,
    config: &Config,
    given: Result<Option<GivenKey>, Failure>,
    notes: &mut Vec<String>,
) -> Result<Option<FirstKey>, Failure> {
    if config.mode == Mode::Dev {
        return Ok(None);
    }
    if db.read(key::store::exist).map_err(failed)? {
        // A file that went away after the first start is no fault.
        if let Ok(Some(given)) = given {
            notes.extend(note_of_unknown(db, &given.key)?);
        }
        return Ok(None);
    }
    let (key, path, is_given) = match given? {
        Some(given) => {
            notes.extend(given.note);
            (given.key, config.settings.admin_key_file.clone(), true)
        }
        None => (random()?, config.key_file.clone(), false),
    };
    if let Some(path) = path.as_deref().filter(|_| !is_given) {
        // Before it is a key: nothing is lost then, whenever the process ends.
        write(path, &key).map_err(|error| unwritable(path, &error))?;
    }
    let file = path.map(|path| KeyFile { path, is_given });
    insert(db, key.clone()).await?;
    let sign_in = match file {
        None => Some(first_link(db, &key).await?),
        Some(_) => None,
    };
    Ok(Some(FirstKey { key, file, sign_in }))
}

/// Makes `key` the admin key.
async fn insert(db: &Db, key: PlainKey) -> Result<(), Failure> {
    let new = NewKey {
        name: "admin".to_owned(),
        rights: Rights::ALL,
        expires_at: None,
    };
    db.write(move |tx| key::manage::insert_as(tx, &key, &new, By::SERVER))
        .await
        .map_err(failed)
}

/// Makes a link that signs in to the console with `key`.
async fn first_link(db: &Db, key: &PlainKey) -> Result<Token, Failure> {
    let id = key.id.clone();
    db.write(move |tx| session::make_link(tx, &id))
        .await
        .map_err(failed)
}

/// What is told of a key that was chosen and is none of this file.
fn note_of_unknown(db: &Db, key: &PlainKey) -> Result<Option<String>, Failure> {
    let found = db.read(|reader| key::store::find(reader, &key.id));
    Ok(found.map_err(failed)?.is_none().then(|| {
        format!(
            "the key {} in --admin-key-file is none of this data file: a first start takes it, and \
             none after that",
            key.id.as_str()
        )
    }))
}

/// A random key.
fn random() -> Result<PlainKey, Failure> {
    PlainKey::generate().map_err(|error| failed(Error::internal(error)))
}

/// Writes `key` to a file for its owner alone, whole or not at all. A file that is there belongs to
/// a data file that is gone.
fn write(path: &Path, key: &PlainKey) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // 0600, as every temporary file.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{}", key.reveal())?;
    // What root makes is its server's.
    adopt(file.as_file(), folder)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

/// The file of the key cannot be written.
fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::runtime(
        format!(
            "cannot write the first admin key to {} ({error})",
            path.display()
        ),
        "make its folder writable, or choose the key yourself with --admin-key-file",
    )
}

/// The file of the data cannot be used.
#[allow(
    clippy::needless_pass_by_value,
    reason = "it is what map_err hands over"
)]
fn failed(error: Error) -> Failure {
    Failure::runtime(error.to_string(), "see the log")
}
