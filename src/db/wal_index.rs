//! Whether anything was committed, by anybody.
//!
//! SQLite keeps an index of the write-ahead log in the `-shm` file. Its first 48 bytes are a header
//! that every commit changes before it is acknowledged, in this process or in another one
//! ("WAL-mode File Format", 2.1, on sqlite.org). Comparing them costs one system call, where asking
//! SQLite would take locks.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Flock, FlockOffsetType, FlockType, fcntl_getlk};

use super::place::beside;

/// Bytes of the header.
const LENGTH: usize = 48;

/// The first of the bytes on which those who read hold their locks ("WAL-mode File Format", 2.3).
const READ_LOCKS: u64 = 123;
/// How many they are.
const READ_LOCK_COUNT: u64 = 5;

/// The header of the index at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head([u8; LENGTH]);

impl Head {
    /// The frames that the log has. After it was started over they count until the next commit.
    pub(crate) fn frames(&self) -> u32 {
        let [.., a, b, c, d] = *self.0.first_chunk::<20>().unwrap_or(&[0; 20]);
        u32::from_ne_bytes([a, b, c, d])
    }
}

/// The index of the log of an open data file.
pub(crate) struct WalIndex {
    /// The `-shm` file. Closing it would take the locks of all connections along.
    file: File,
    /// Whether a copy of this process reads the whole file at one moment of it.
    is_copied: AtomicBool,
}

impl WalIndex {
    /// The index of the data file at `path`, which a connection has open.
    ///
    /// # Errors
    /// When its file cannot be opened.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::open(beside(path, "-shm"))?,
            is_copied: AtomicBool::new(false),
        })
    }

    /// The header as it is now; none where it cannot be read.
    pub(crate) fn head(&self) -> Option<Head> {
        let mut head = [0; LENGTH];
        self.file.read_exact_at(&mut head, 0).ok()?;
        Some(Head(head))
    }

    /// Notes whether a copy of this process reads the whole file at one moment of it.
    pub(super) fn set_copied(&self, is_copied: bool) {
        self.is_copied.store(is_copied, Ordering::Release);
    }

    /// Whether a copy of this process reads the whole file at one moment of it.
    pub(super) fn is_copied(&self) -> bool {
        self.is_copied.load(Ordering::Acquire)
    }

    /// Whether somebody reads who cannot be asked to let go: another process, or a copy.
    pub(super) fn is_read_to_the_end(&self) -> bool {
        self.is_copied() || self.is_read_elsewhere()
    }

    /// Whether another process reads. The system does not count locks of this process.
    fn is_read_elsewhere(&self) -> bool {
        let wanted = Flock {
            start: READ_LOCKS,
            length: READ_LOCK_COUNT,
            pid: None,
            typ: FlockType::WriteLock,
            offset_type: FlockOffsetType::Set,
        };
        fcntl_getlk(&self.file, &wanted).is_ok_and(|holder| holder.is_some())
    }
}
