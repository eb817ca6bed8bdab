//! Puts another file in the place of a data file that nobody serves.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::connection::{self, Synchronous};
use super::lock::{self, Lock, Taker};
use super::place::{beside, folder};
use super::{file, refusal};
use crate::base::clock::Clock;
use crate::base::failure::Failure;

/// The right to replace the data file at a path. No server has it, nor can one take it.
pub(crate) struct Replacement {
    /// The right to serve it.
    lock: Lock,
    /// The folders that were made for it.
    folders: file::NewFolders,
    /// Where it is, without symbolic links.
    path: PathBuf,
}

impl Replacement {
    /// Takes the right to replace the data file at `path`, which may be missing.
    ///
    /// # Errors
    /// When it is being served, or the path cannot be used.
    pub(crate) fn claim(path: &Path) -> Result<Self, Failure> {
        let path = lock::locate(path)?;
        if let Ok(metadata) = fs::metadata(&path) {
            file::check_kind(&path, &metadata)?;
        }
        let folders = file::NewFolders::make(&path)?;
        match Lock::take(&path, Taker::Command) {
            Ok(lock) => Ok(Self {
                lock,
                folders,
                path,
            }),
            Err(failure) => {
                folders.remove();
                Err(failure)
            }
        }
    }

    /// Where the data file is, without symbolic links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the right back, since nothing is replaced; what was made for it goes.
    pub(crate) fn give_up(self) {
        self.lock.undo();
        self.folders.remove();
    }

    /// Whether there is a file to be replaced.
    pub(crate) fn has_file(&self) -> bool {
        self.path.exists()
    }

    /// The name that the file that is there gets once it is replaced.
    pub(crate) fn name_before(&self) -> PathBuf {
        let now = Clock::System.now().to_string();
        let digits: String = now.chars().filter(char::is_ascii_alphanumeric).collect();
        beside(&self.path, &format!(".before-{digits}"))
    }

    /// Exchanges the data file and the one at `before`, in one step. What is in the log is moved
    /// into the data file first; where it is damaged, its log goes along with it.
    ///
    /// # Errors
    /// When they cannot be exchanged: the one at `before` is removed then.
    pub(crate) fn exchange(&self, before: &Path) -> Result<(), Failure> {
        self.clear_log();
        let exchanged = self.move_log(before).and_then(|()| self.rename(before));
        if let Err(failure) = exchanged {
            // What has that name is still the new file.
            let _ = fs::remove_file(before);
            let _ = fs::rename(beside(before, "-wal"), beside(&self.path, "-wal"));
            return Err(failure);
        }
        file::sync_folder(folder(&self.path)).map_err(|error| self.failed(&error))
    }

    /// Exchanges the names of the two files.
    fn rename(&self, before: &Path) -> Result<(), Failure> {
        renameat_with(CWD, before, CWD, &self.path, RenameFlags::EXCHANGE).map_err(|error| {
            match error {
                Errno::INVAL | Errno::NOSYS | Errno::NOTSUP => no_exchange(&self.path),
                error => self.failed(&error.into()),
            }
        })
    }

    /// The system refused something.
    fn failed(&self, error: &io::Error) -> Failure {
        refusal::by_system(&self.path, error)
    }

    /// Moves what is in the log into the file, which removes the log.
    fn clear_log(&self) {
        // A damaged file cannot be opened; it is being replaced all the same.
        let _ = connection::open_writer(&self.path, Synchronous::Full).and_then(|conn| {
            conn.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
            conn.close().map_err(|(_, error)| error)
        });
    }

    /// Lets the log that is left go along with the file that will be at `before`. Left behind, it
    /// would be taken for the log of the file that comes.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub(crate) fn move_log(&self, before: &Path) -> Result<(), Failure> {
        let log = beside(&self.path, "-wal");
        let moved = match fs::metadata(&log) {
            Ok(found) if found.len() > 0 => fs::rename(&log, beside(before, "-wal")),
            Ok(_) => fs::remove_file(&log),
            Err(error) => Err(error),
        };
        unless_missing(moved)
            .and_then(|()| unless_missing(fs::remove_file(beside(&self.path, "-shm"))))
            .map_err(|error| self.failed(&error))
    }
}

/// A file that is missing need not be taken away.
fn unless_missing(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The file system cannot exchange two files.
fn no_exchange(path: &Path) -> Failure {
    Failure::runtime(
        format!(
            "the file system of {} cannot exchange two files in one step",
            path.display()
        ),
        "move the data file to another name yourself, then restore again",
    )
}
