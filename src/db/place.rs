//! Where the data file is: the one path by which the file and all that lies beside it are named.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use super::refusal;
use crate::base::failure::Failure;

/// The path of the file that `path` names, without symbolic links. Lock, log and secret are named
/// by this path, so that two names of one file never have two locks.
///
/// The file may be missing, and so may its folder. A symbolic link is followed, and a file that is
/// missing will be made where the link points to.
///
/// # Errors
/// When `path` is an SQLite URI, or a symbolic link leads to a folder that is missing.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf, Failure> {
    refuse_uri(path)?;
    let mut path = std::path::absolute(path).map_err(|error| refusal::by_system(path, &error))?;
    loop {
        match fs::canonicalize(&path) {
            Ok(real) => return Ok(real),
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(refusal::by_system(&path, &error));
            }
            Err(_) => {}
        }
        match fs::read_link(&path) {
            Ok(target) => path = follow(&path, &target)?,
            Err(_) => return resolve_missing(&path),
        }
    }
}

/// Where the dangling symbolic link `link` points to. Its target's folder must be there: a volume
/// that is not mounted is told, and never replaced by a file on another disk.
fn follow(link: &Path, target: &Path) -> Result<PathBuf, Failure> {
    let target = folder(link).join(target);
    if folder(&target).is_dir() {
        Ok(target)
    } else {
        Err(dangling(link, folder(&target)))
    }
}

/// The path of a file that is missing, perhaps with some of its folders.
fn resolve_missing(path: &Path) -> Result<PathBuf, Failure> {
    for ancestor in path.ancestors().skip(1) {
        match fs::canonicalize(ancestor) {
            Ok(real) => {
                return Ok(path
                    .strip_prefix(ancestor)
                    .map_or_else(|_| path.to_owned(), |rest| real.join(rest)));
            }
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(refusal::by_system(ancestor, &error));
            }
            Err(_) => {}
        }
        if let Ok(target) = fs::read_link(ancestor) {
            return Err(dangling(ancestor, &folder(ancestor).join(target)));
        }
    }
    Ok(path.to_owned())
}

/// A symbolic link leads to a folder that is missing.
fn dangling(link: &Path, missing: &Path) -> Failure {
    Failure::runtime(
        format!(
            "the link {} leads to the folder {}, which is missing",
            link.display(),
            missing.display()
        ),
        "mount or make that folder, or let the link point to another place",
    )
}

/// Refuses what SQLite itself would take for something other than a path.
fn refuse_uri(path: &Path) -> Result<(), Failure> {
    let text = path.as_os_str().as_encoded_bytes();
    if text.starts_with(b"file:") || text == b":memory:" {
        return Err(Failure::usage(
            format!(
                "SQLite URIs are not taken as a data file ({})",
                path.display()
            ),
            "give the path of a file with --database; for a file of this very name write ./ \
             before it",
        ));
    }
    Ok(())
}

/// The folder that holds `path`.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Gives a new file to whose the file at `path` is, or its folder where it is missing: what root
/// makes for a server must be its server's. Nobody but root can do so, and for others there is
/// nothing to do.
///
/// # Errors
/// When the owner cannot be read or set.
pub(crate) fn adopt(file: &File, path: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let owner = fs::metadata(path).or_else(|_| fs::metadata(folder(path)))?;
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}

/// `path` with `suffix` at its end.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
