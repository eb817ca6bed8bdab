//! A file that comes to its name only when it is whole.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use tempfile::TempPath;

use crate::base::failure::Failure;
use crate::transfer;

/// What stands behind the name of a file that is not whole yet.
const SUFFIX: &str = ".part";
/// How copies and exports begin: a file that begins otherwise is somebody else's.
const MAGICS: [&[u8]; 2] = [b"SQLite format 3\0", transfer::MAGIC];

/// A file under way. Removed when it is dropped; a kill leaves it, and the next one to the same
/// place goes on with it.
pub(crate) struct Part {
    /// The file, locked.
    file: File,
    /// Where it is.
    path: TempPath,
}

impl Part {
    /// Begins the file that is to be at `place`, for its owner alone.
    ///
    /// # Errors
    /// When it cannot be made, or another process is making it.
    pub(crate) fn begin(place: &Path) -> Result<Self, Failure> {
        Self::begin_as(place, &MAGICS)
    }

    /// The same for a file that begins by one of `magics`.
    fn begin_as(place: &Path, magics: &[&[u8]]) -> Result<Self, Failure> {
        let path = beside(place, SUFFIX);
        let failed = |error: io::Error| cannot_write(&path, &error);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .map_err(failed)?;
        // One that was renamed between our opening and locking is somebody's whole file by now.
        if file.try_lock().is_err() || !is_at(&file, &path) {
            return Err(Failure::runtime(
                format!("another command is writing {}", path.display()),
                "wait until it has ended, or name another file",
            ));
        }
        if !is_ours(&file, magics).map_err(failed)? {
            return Err(Failure::runtime(
                format!(
                    "{} is there already, and is no part of a copy",
                    path.display()
                ),
                "look at what it is; if nothing needs it, remove it, or name another file",
            ));
        }
        file.set_permissions(Permissions::from_mode(0o600))
            .map_err(failed)?;
        Ok(Self {
            path: TempPath::try_from_path(&path).map_err(failed)?,
            file,
        })
    }

    /// The file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Where it is for now.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name, in the same folder. What has that name is replaced, or with
    /// `may_replace` unset refused.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub(crate) fn finish(self, place: &Path, may_replace: bool) -> Result<(), Failure> {
        let named = if may_replace {
            self.path.persist(place)
        } else {
            self.path.persist_noclobber(place)
        };
        named
            .map_err(|error| error.error)
            .and_then(|()| sync_folder(place))
            .map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => Failure::exists(place),
                _ => cannot_write(place, &error),
            })
    }

    /// Takes the name away, and keeps the file for as long as it is open.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(crate) fn into_unnamed(self) -> Result<File, Failure> {
        let path = self.path.to_path_buf();
        let removed = self.path.close();
        removed.map_err(|error| cannot_write(&path, &error))?;
        Ok(self.file)
    }
}

/// Writes a text into a file at `place`, for its owner alone: whole, or not at all. What is there
/// is replaced, or with `may_replace` unset refused. `magic` is how such texts begin: what a kill
/// leaves is known by it, and goes with the next one to the same place.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_private(
    place: &Path,
    text: &str,
    magic: &str,
    may_replace: bool,
) -> Result<(), Failure> {
    let part = Part::begin_as(place, &[magic.as_bytes()])?;
    let mut file = part.file();
    file.set_len(0)
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.sync_all())
        .map_err(|error| cannot_write(place, &error))?;
    part.finish(place, may_replace)
}

/// Makes the names in the folder of `path` durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

/// The folder of a file.
fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// `path` with `suffix` at its end.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A file cannot be written.
pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room there, or name a file on another disk"
        }
        _ => "name a file in a folder that is there and that this user can write",
    };
    Failure::runtime(format!("cannot write {} ({error})", path.display()), hint)
}

/// Whether `file` is still the one at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(found)) = (file.metadata(), fs::symlink_metadata(path)) else {
        return false;
    };
    (open.dev(), open.ino()) == (found.dev(), found.ino())
}

/// Whether a file was just made, or is what a killed command left.
fn is_ours(file: &File, magics: &[&[u8]]) -> io::Result<bool> {
    let metadata = file.metadata()?;
    let begins_with = |magic: &&[u8]| {
        let mut start = vec![0; magic.len()];
        file.read_exact_at(&mut start, 0).is_ok() && start == **magic
    };
    let is_left = magics.iter().any(begins_with);
    Ok(metadata.is_file() && (metadata.len() == 0 || is_left))
}
