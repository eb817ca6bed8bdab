//! The right to serve a file: one server has a file at a time.
//!
//! A lock file holds a line: the process id, the name of the machine and, once a server has opened
//! its data file, the inode of that. So a command sees where another file was put at its place. The
//! two lie in one folder, which makes the inode alone enough: numbers of devices may differ from one
//! container to the next.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::Errno;
use serde::Serialize;

use super::place::{self, adopt, beside, folder};
use super::refusal;
use crate::base::clock::Timestamp;
use crate::base::failure::Failure;

/// How often the right is asked for again that somebody has.
const LOOKS: u32 = 3;
/// How long after each time.
const LOOK: Duration = Duration::from_millis(5);
/// Bytes of a lock file that are looked at: two numbers and the longest name of a host fit.
const MAX_CONTENT: usize = 512;

/// Who serves a file.
#[derive(Debug, Serialize)]
pub(crate) struct Holder {
    /// The id of its process; none where it has not written it yet.
    pub pid: Option<u32>,
    /// The name of its machine; empty where it has not written it yet.
    pub host: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// The inode of its data file; none where it has not written it yet, is of an earlier version,
    /// or is a command.
    #[serde(skip)]
    inode: Option<u64>,
}

impl Holder {
    /// The holder that a lock file names.
    fn of(file: &File) -> Self {
        let content = read(file);
        let mut words = content.split(' ');
        let pid = words.next().and_then(|word| word.parse().ok());
        let host = words.next().unwrap_or_default().to_owned();
        let metadata = file.metadata().ok();
        Self {
            pid,
            host,
            since: metadata.as_ref().and_then(Timestamp::of_last_write),
            inode: words.next().and_then(|word| word.parse().ok()),
        }
    }
}

/// As "process 4711 on a-host".
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            None => f.write_str("another process"),
            Some(pid) if self.host.is_empty() => write!(f, "process {pid}"),
            Some(pid) => write!(f, "process {pid} on {}", self.host),
        }
    }
}

/// Finds who serves the data file at `path`; none: nobody does.
pub(crate) fn find_holder(path: &Path) -> Option<Holder> {
    find_holder_at(&place::resolve(path).ok()?)
}

/// Finds who holds the lock beside `path`, which may be a symbolic link by now.
fn find_holder_at(path: &Path) -> Option<Holder> {
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(beside(path, ".lock"))
        .ok()?;
    // Nobody who only looks takes the right: a start that meets this moment tries again.
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(Holder::of(&file)),
        _ => None,
    }
}

/// The path of the file that `path` names, as [`place::resolve`] finds it. Where a server has a file
/// at whose place a link was put, nothing is: a log has the name of its file, so whoever followed
/// the link would open the file with another log than the server, even where it leads to that file.
///
/// # Errors
/// When there is such a link, or the path cannot be used.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf, Failure> {
    let real = place::resolve(path)?;
    if path.is_symlink() {
        check_place(path)?;
    }
    Ok(real)
}

/// The path of the data file that `path` names, where no server has another file than the one there.
/// Whoever opened that one would write into the log of the server's.
///
/// # Errors
/// When a server has another file, or the path cannot be used.
pub(crate) fn locate(path: &Path) -> Result<PathBuf, Failure> {
    let real = resolve(path)?;
    check_place(&real)?;
    Ok(real)
}

/// Makes sure that the file at `place` is the one that is served, where one is.
fn check_place(place: &Path) -> Result<(), Failure> {
    let Some(holder) = find_holder_at(place) else {
        return Ok(());
    };
    let Some(inode) = holder.inode else {
        return Ok(());
    };
    match fs::symlink_metadata(place) {
        Ok(found) if found.ino() != inode => Err(replaced(place, &holder)),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(removed(place, &holder)),
        _ => Ok(()),
    }
}

/// The right to serve a file, held until dropped or until the process dies.
pub(crate) struct Lock {
    /// The locked lock file, with our process id and host in it.
    file: File,
    /// Where it is.
    path: PathBuf,
    /// Whether this start made it.
    is_new: bool,
}

/// Who takes the right to a data file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Taker {
    /// A server, which may have another file.
    Server,
    /// A command that changes this very file.
    Command,
}

impl Lock {
    /// Takes the right to serve the data file at `path`.
    ///
    /// # Errors
    /// When another process has it, or there is no lock file and none can be made.
    pub(crate) fn take(path: &Path, taker: Taker) -> Result<Self, Failure> {
        let lock_path = beside(path, ".lock");
        let mut tries = 0;
        loop {
            let Some((file, is_new)) = open(&lock_path)? else {
                continue;
            };
            match file.try_lock() {
                Ok(()) => {}
                // Somebody may be looking who serves the file.
                Err(TryLockError::WouldBlock) if tries < LOOKS => {
                    tries += 1;
                    std::thread::sleep(LOOK);
                    continue;
                }
                Err(TryLockError::WouldBlock) => return Err(held(path, &file, taker)),
                Err(TryLockError::Error(error)) => {
                    return Err(refusal::by_system(&lock_path, &error));
                }
            }
            // A start that failed may have removed the file between our opening and locking it.
            if is_at(&file, &lock_path) {
                name_holder(&file, None);
                return Ok(Self {
                    file,
                    path: lock_path,
                    is_new,
                });
            }
        }
    }

    /// Writes down that `file` is the one that is served.
    pub(crate) fn name_file(&self, file: &File) {
        let inode = file.metadata().ok().map(|found| found.ino());
        name_holder(&self.file, inode);
    }

    /// Gives the right back, and removes the lock file if this start made it.
    pub(crate) fn undo(self) {
        if self.is_new {
            // While the lock is held: nobody else can have taken it. What cannot be removed does no
            // harm.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens the lock file, and makes it where it is missing. Returns whether it was made; nothing when
/// it went away meanwhile.
fn open(path: &Path) -> Result<Option<(File, bool)>, Failure> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    match options.create_new(true).open(path) {
        Ok(file) => {
            adopt(&file, folder(path)).map_err(|error| refusal::by_system(path, &error))?;
            return Ok(Some((file, true)));
        }
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(refusal::by_system(path, &error));
        }
        Err(_) => {}
    }
    match options.create_new(false).open(path) {
        Ok(file) if is_ours(&file).map_err(|error| refusal::by_system(path, &error))? => {
            Ok(Some((file, false)))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.raw_os_error() != Some(Errno::LOOP.raw_os_error()) => {
            Err(refusal::by_system(path, &error))
        }
        _ => Err(Failure::runtime(
            format!("{} is not a lock file of this program", path.display()),
            "look at what it is; if nothing needs it, remove it and start again",
        )),
    }
}

/// Whether a lock file was made by this program: only such a file is written to.
fn is_ours(file: &File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    let is_plain = metadata.is_file() && metadata.nlink() <= 1;
    let content = read(file);
    let names_process = content
        .split(' ')
        .next()
        .is_some_and(|id| id.parse::<u32>().is_ok());
    Ok(is_plain && (content.is_empty() && metadata.len() < MAX_CONTENT as u64 || names_process))
}

/// Whether `file` is still the one at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(found)) = (file.metadata(), fs::symlink_metadata(path)) else {
        return false;
    };
    (open.dev(), open.ino()) == (found.dev(), found.ino())
}

/// Writes down who holds the lock, and the inode of the file that is served. The lock is held
/// whether or not the disk has room for that.
fn name_holder(file: &File, inode: Option<u64>) {
    let host = rustix::system::uname();
    let inode = inode.map_or_else(String::new, |inode| format!(" {inode}"));
    let text = format!(
        "{} {}{inode}\n",
        std::process::id(),
        host.nodename().to_string_lossy()
    );
    let written = file
        .write_all_at(text.as_bytes(), 0)
        .and_then(|()| file.set_len(text.len() as u64));
    // Better no name than half of one.
    let _ = written.or_else(|_| file.set_len(0));
}

/// What a lock file says; empty where it cannot be read. It is not synced, so a power cut may leave
/// zeros of it.
fn read(file: &File) -> String {
    let mut content = [0; MAX_CONTENT];
    let length = file.read_at(&mut content, 0).unwrap_or_default();
    let is_nothing = |letter: char| letter == '\0' || letter.is_whitespace();
    String::from_utf8_lossy(&content[..length])
        .trim_matches(is_nothing)
        .to_owned()
}

/// What is said when another server has the file.
fn held(path: &Path, lock: &File, taker: Taker) -> Failure {
    // The holder may have locked the file this very moment, and not have written its id yet.
    std::thread::sleep(Duration::from_millis(50));
    Failure::runtime(
        format!(
            "the data file is being served by {} ({})",
            Holder::of(lock),
            path.display()
        ),
        match taker {
            Taker::Server => {
                "stop that server first, or give this one a file of its own with --database"
            }
            Taker::Command => "stop that server first",
        },
    )
}

/// What helps where a server has a file that is not at its place any more.
const HELD_OPEN: &str = "nothing was opened or changed; do not stop that server: what it has \
    acknowledged is in the file that it holds open; move that file back to its place, or save it \
    first, as docs/troubleshooting.md says";

/// Another file is at the place of the one that `holder` serves.
fn replaced(path: &Path, holder: &Holder) -> Failure {
    Failure::runtime(
        format!(
            "the data file was replaced while it is served: {} is not the file that {holder} has",
            path.display()
        ),
        HELD_OPEN,
    )
}

/// No file is at the place of the one that `holder` serves.
fn removed(path: &Path, holder: &Holder) -> Failure {
    Failure::runtime(
        format!(
            "the data file was removed while it is served: {holder} has it open, and there is none \
             at {}",
            path.display()
        ),
        HELD_OPEN,
    )
}
