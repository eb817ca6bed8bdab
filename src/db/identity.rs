//! Whether the file that is served is still the one at its place.
//!
//! A file that was removed or replaced can still be written by who has it open, and all of that is
//! lost at the end of the process. So writes are refused until the file is back at its place.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::fs::{AtFlags, Stat, fstat, fstatvfs, stat, statat};
use rustix::io::Errno;

use super::place::folder;
use crate::base::error::{Code, Error, Result};

/// How often the place of the file is looked at: what happens to it is told within a second.
const INTERVAL: Duration = Duration::from_millis(500);

/// The open file, and the place where it belongs.
pub(crate) struct Identity {
    /// The data file.
    file: Arc<File>,
    /// Its folder, which may be moved with all that is in it.
    folder: File,
    /// Its name in the folder.
    name: OsString,
    /// The path by which it was opened.
    path: PathBuf,
    /// Whether the last look found it gone.
    is_gone: AtomicBool,
}

impl Identity {
    /// The identity of `file`, which was opened at `path`.
    ///
    /// # Errors
    /// When its folder cannot be opened.
    pub(crate) fn new(path: &Path, file: Arc<File>) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_owned();
        let (folder, path) = (File::open(folder(path))?, path.to_owned());
        Ok(Self {
            file,
            folder,
            name,
            path,
            is_gone: AtomicBool::new(false),
        })
    }

    /// Looks whether the file is at its place. The log is told when that changes.
    ///
    /// # Errors
    /// [`Code::StorageFailed`] when the file was removed or replaced.
    pub(crate) fn check(&self) -> Result<()> {
        let fate = self.fate();
        let was_gone = self.is_gone.swap(fate.is_some(), Ordering::AcqRel);
        let path = self.path.display();
        let Some(fate) = fate else {
            if was_gone {
                log::info!(
                    "the data file is back at its place, and writes are taken again ({path})"
                );
            }
            return Ok(());
        };
        if !was_gone {
            log::error!(
                "the data file was {fate} while it is served: writes are refused, and what was \
                 written before is in the file that is still open: do not stop the server before \
                 that is copied, as docs/troubleshooting.md says ({path})"
            );
        }
        Err(Error::new(
            Code::StorageFailed,
            "The data file was removed or replaced while it is served; nothing was changed.",
        ))
    }

    /// How large the file and its log are, and how much room their disk has, in bytes; none where
    /// that cannot be told.
    pub(super) fn sizes(&self) -> [Option<u64>; 3] {
        let size = |found: Stat| u64::try_from(found.st_size).ok();
        let mut log = self.name.clone();
        log.push("-wal");
        let log = statat(&self.folder, &log, AtFlags::SYMLINK_NOFOLLOW);
        let disk = fstatvfs(&self.folder);
        [
            fstat(&self.file).ok().and_then(size),
            log.ok().and_then(size),
            disk.ok()
                .map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
        ]
    }

    /// What became of the file; nothing while it is at its place. A failure of the look itself says
    /// nothing of the file.
    fn fate(&self) -> Option<&'static str> {
        let file = fstat(&self.file).ok()?;
        match statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Some("removed"),
            Ok(found) if !is_same(&found, &file) => return Some("replaced"),
            _ => {}
        }
        // A folder that was moved took the file along. What stands at the old path now would be
        // served next.
        stat(&self.path)
            .is_ok_and(|found| !is_same(&found, &file))
            .then_some("replaced")
    }
}

/// Whether both are one file.
fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// A handle to the thread that looks at the place of the file, also while nobody writes.
pub(crate) struct Watch {
    /// Dropped to end the thread.
    stop: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

impl Watch {
    /// Starts the thread.
    pub(crate) fn start(identity: Arc<Identity>) -> Self {
        let (stop, stopped) = channel();
        let thread = thread::spawn(move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                // It tells the log; who writes looks for himself.
                let _ = identity.check();
            }
        });
        Self {
            stop: Mutex::new(Some((stop, thread))),
        }
    }

    /// Ends the thread.
    pub(crate) fn close(&self) {
        if let Some((stop, thread)) = self.stop.lock().ok().and_then(|mut running| running.take()) {
            drop(stop);
            // It fails only if the thread panicked, which was logged.
            let _ = thread.join();
        }
    }
}
