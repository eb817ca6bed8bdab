//! The folder of a data file that goes with its process.
//!
//! A process that is killed leaves its folder behind. So each folder holds a file that its process
//! keeps locked, and a start removes those whose file nobody has locked.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::base::failure::Failure;

/// What the names of these folders begin with.
const PREFIX: &str = "invited-dev-";
/// The file that the process keeps locked.
const LOCK: &str = "process";
/// The same until it is locked.
const UNLOCKED_LOCK: &str = "process.new";
/// How old a folder without that file is at least when its process is taken for dead: one that is
/// just being made has none, either.
const OLD: Duration = Duration::from_secs(60 * 60);

/// A folder that is removed when this is dropped.
pub(crate) struct Folder {
    /// The folder.
    folder: TempDir,
    /// Locked as long as the process lives.
    _lock: File,
}

impl Folder {
    /// Makes a folder that only this user can look into, and removes those of dead processes.
    ///
    /// # Errors
    /// When there is no place for it.
    pub(crate) fn make() -> Result<Self, Failure> {
        let place = std::env::temp_dir();
        remove_left(&place);
        Self::make_in(&place).map_err(|error| {
            Failure::runtime(
                format!(
                    "cannot make a temporary folder in {} ({error})",
                    place.display()
                ),
                "set TMPDIR to a folder that this user can write, or name a data file with \
                 --database",
            )
        })
    }

    /// Makes a folder in `place`.
    fn make_in(place: &Path) -> io::Result<Self> {
        let permissions = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(permissions)
            .tempdir_in(place)?;
        let unlocked = folder.path().join(UNLOCKED_LOCK);
        let lock = File::create_new(&unlocked)?;
        lock.lock()?;
        // Nobody ever sees the file without its lock.
        fs::rename(unlocked, folder.path().join(LOCK))?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders in `place` whose processes are dead. What cannot be removed stays.
fn remove_left(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes())
        {
            remove_if_left(&entry.path());
        }
    }
}

/// Removes `folder` if its process is dead.
fn remove_if_left(folder: &PathBuf) {
    // Not through a link, and nobody else's: anybody may make such a name in the temporary folder.
    let is_ours =
        |found: &Metadata| found.is_dir() && found.uid() == rustix::process::geteuid().as_raw();
    let Some(found) = fs::symlink_metadata(folder).ok().filter(is_ours) else {
        return;
    };
    let is_dead = match File::open(folder.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(_) => found
            .modified()
            .ok()
            .and_then(|made| made.elapsed().ok())
            .is_some_and(|age| age >= OLD),
    };
    if is_dead && fs::remove_dir_all(folder).is_ok() {
        log::info!(
            "removed {}, which a process that was killed left behind",
            folder.display()
        );
    }
}
