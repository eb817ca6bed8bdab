//! Backups that a server makes by itself, one after the other, each in a thread of its own.
//!
//! The thread gives way to all others, and is left behind when the server stops: it ends within
//! moments, and what it has written goes with it. Only the time until the next backup comes from a
//! clock that is never set; the wall clock gives names, and at the start the age of the newest.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::kept::{self, Kept};
use super::part::cannot_write;
use super::{Made, make};
use crate::base::clock::Timestamp;
use crate::base::failure::Failure;
use crate::db::{Db, Source};

/// How long after a start the first backup begins, where one is due: whoever waits for the start
/// comes first.
pub const FIRST_AFTER: Duration = Duration::from_secs(2);
/// How long after a failure the next try begins at most.
pub const RETRY_AFTER: Duration = Duration::from_secs(10 * 60);
/// Bytes that are left free beside a backup: the server goes on writing meanwhile.
const ROOM_LEFT: u64 = 16 * 1024 * 1024;

/// Where backups go, how often, and how many stay.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Their folder.
    pub folder: PathBuf,
    /// How often one is made.
    pub every: Duration,
    /// How many stay.
    pub keep: usize,
    /// How long after a start the first one begins, where it is due.
    pub first_after: Duration,
    /// How long after a failure the next try begins at most.
    pub retry_after: Duration,
}

/// The last try, which came to nothing.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    /// When it failed.
    pub at: Timestamp,
    /// What to do about it. It names no path.
    pub hint: String,
}

/// How it stands with the backups.
#[derive(Clone, Debug)]
pub(crate) struct Outlook {
    /// The last good one; none: there is none.
    pub last: Option<Kept>,
    /// How long it took; none: another process made it.
    pub took: Option<Duration>,
    /// How many tries have failed since the start.
    pub failures: u64,
    /// The last try, if that failed.
    pub failed: Option<Failed>,
    /// When the next one begins.
    pub next: Instant,
}

/// The backups that a server makes.
pub(crate) struct Schedule {
    /// What is made, and when.
    pub plan: Plan,
    /// Whether they lie on the disk of the data file.
    pub is_near: bool,
    /// The folder, locked: two servers would remove each other's backups.
    _folder: Option<File>,
    /// The data file.
    db: Db,
    /// Where it is.
    database: PathBuf,
    /// Set when the server stops.
    stop: Arc<AtomicBool>,
    /// How it stands.
    outlook: Mutex<Outlook>,
}

impl Schedule {
    /// The schedule of the server on `db`, which lies at `database`.
    ///
    /// # Errors
    /// When the folder cannot be read, or another server has its backups there.
    pub(crate) fn open(plan: Plan, db: &Db, database: &std::path::Path) -> Result<Self, Failure> {
        let folder = lock(&plan)?;
        let found = kept::list(&plan.folder).map_err(|error| cannot_write(&plan.folder, &error))?;
        let now = db.now();
        let last = kept::newest(&found, now, plan.every).cloned();
        let age = last.as_ref().map_or(plan.every, |last| age(last, now));
        let wait = plan.every.saturating_sub(age).max(plan.first_after);
        Ok(Self {
            is_near: is_near(&plan, database),
            _folder: folder,
            db: db.clone(),
            database: database.to_owned(),
            stop: Arc::default(),
            outlook: Mutex::new(Outlook {
                last,
                took: None,
                failures: 0,
                failed: None,
                next: Instant::now() + wait,
            }),
            plan,
        })
    }

    /// How it stands now.
    pub(crate) fn outlook(&self) -> Outlook {
        self.lock().clone()
    }

    /// The present time, by which backups have their names.
    pub(crate) fn now(&self) -> Timestamp {
        self.db.now()
    }

    /// Ends what is under way, without waiting for it.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// How it stands.
    fn lock(&self) -> MutexGuard<'_, Outlook> {
        self.outlook.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a backup, and removes what is too much then.
    fn make(&self) -> Result<(Kept, Made), Failure> {
        let folder = &self.plan.folder;
        kept::clear_parts(folder);
        self.check_place()?;
        // Where fewer are to be kept than before, those that go make room.
        self.prune(None);
        self.check_room()?;
        let source = Source::open_served(&self.database, &self.db, &self.stop)?;
        let begun_at = self.db.now();
        let path = kept::free_place(folder, begun_at);
        let made = make(&source, &path, None, false, &mut |_| {})?;
        self.prune(Some(&path));
        let kept = Kept {
            path,
            begun_at,
            bytes: made.bytes,
        };
        Ok((kept, made))
    }

    /// Removes backups beyond those to keep, of which `made` is one.
    fn prune(&self, made: Option<&std::path::Path>) {
        let Plan {
            folder,
            every,
            keep,
            ..
        } = &self.plan;
        if let Err(error) = kept::prune(folder, made, *keep, self.db.now(), *every) {
            log::warn!("an old backup cannot be removed: {error}");
        }
    }

    /// Checks that the file at its place is the one that is served.
    fn check_place(&self) -> Result<(), Failure> {
        self.db.check_place().map_err(|_| {
            Failure::runtime(
                "the data file was removed or replaced, so it was not copied",
                "do not stop the server before the file that it holds open is copied: \
                 docs/troubleshooting.md says how",
            )
        })
    }

    /// Checks that there is room for a backup, and some left: on a disk that is full the server
    /// itself could not write.
    fn check_room(&self) -> Result<(), Failure> {
        let Ok(disk) = rustix::fs::statvfs(&self.plan.folder) else {
            return Ok(());
        };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        check_room(self.db.file_numbers().bytes.unwrap_or(0), free)
    }

    /// Notes what came of a backup that was begun at `begun`.
    fn note(&self, begun: Instant, outcome: Result<(Kept, Made), Failure>) {
        let (took, every) = (begun.elapsed(), self.plan.every);
        let mut outlook = self.lock();
        match outcome {
            Ok((kept, made)) => {
                log::info!(
                    "backup {}: {} bytes, {}, in {:.1} s",
                    kept.path.display(),
                    made.bytes,
                    made.counts,
                    took.as_secs_f64()
                );
                // A backup that takes as long as that would be made all the time.
                let rest = every.saturating_sub(took).max(every / 2);
                (outlook.last, outlook.took) = (Some(kept), Some(took));
                (outlook.failed, outlook.next) = (None, Instant::now() + rest);
            }
            Err(failure) => {
                let wait = self.plan.retry_after.min(every);
                log::error!(
                    "the backup failed: {}; hint: {}; the next try is in {} s",
                    failure.what(),
                    failure.hint(),
                    wait.as_secs()
                );
                outlook.failures += 1;
                outlook.failed = Some(Failed {
                    at: self.db.now(),
                    hint: failure.hint().to_owned(),
                });
                outlook.next = Instant::now() + wait;
            }
        }
    }
}

/// Makes the backups of `schedule`, for as long as it is polled.
pub(crate) async fn run(schedule: Option<Arc<Schedule>>) {
    let Some(schedule) = schedule else {
        return;
    };
    loop {
        let next = schedule.outlook().next;
        tokio::time::sleep_until(next.into()).await;
        let begun = Instant::now();
        let outcome = make_aside(&schedule).await;
        if schedule.stop.load(Ordering::Acquire) {
            return;
        }
        schedule.note(begun, outcome);
    }
}

/// Makes a backup in a thread of its own: it ends as nice as it has become.
async fn make_aside(schedule: &Arc<Schedule>) -> Result<(Kept, Made), Failure> {
    let (tell, told) = oneshot::channel();
    let worker = Arc::clone(schedule);
    let work = move || {
        let outcome = worker.make();
        // Nobody listens once the server has stopped.
        let _ = tell.send(outcome);
    };
    let started = thread::Builder::new().name("backup".to_owned()).spawn(work);
    started.map_err(|error| {
        Failure::runtime(
            format!("no thread for the backup ({error})"),
            "let the server have more threads",
        )
    })?;
    told.await.unwrap_or_else(|_| {
        Err(Failure::runtime(
            "the thread of the backup has ended",
            "see the log",
        ))
    })
}

/// Checks that a backup of so many bytes fits where so many are free.
fn check_room(bytes: u64, free: u64) -> Result<(), Failure> {
    let needed = bytes + ROOM_LEFT;
    if free >= needed {
        return Ok(());
    }
    Err(Failure::runtime(
        format!("a backup needs {needed} bytes there, and {free} are free"),
        "make room on the disk of the backups, or lower --backup-keep",
    ))
}

/// How old `kept` is. One of a time that is still to come is new.
fn age(kept: &Kept, now: Timestamp) -> Duration {
    let millis = now.as_millis() - kept.begun_at.as_millis();
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// The folder of `plan`, for this server alone; none where its disk knows no locks.
fn lock(plan: &Plan) -> Result<Option<File>, Failure> {
    let folder = File::open(&plan.folder).map_err(|error| cannot_write(&plan.folder, &error))?;
    match folder.try_lock() {
        Ok(()) => Ok(Some(folder)),
        Err(std::fs::TryLockError::Error(_)) => Ok(None),
        Err(std::fs::TryLockError::WouldBlock) => Err(Failure::usage(
            format!(
                "another server has its backups in {}",
                plan.folder.display()
            ),
            "give each server a folder of its own with --backup-dir",
        )),
    }
}

/// Whether the backups of `plan` lie on the disk of the file at `database`.
fn is_near(plan: &Plan, database: &std::path::Path) -> bool {
    let disk = |path: &std::path::Path| path.metadata().ok().map(|found| found.dev());
    disk(&plan.folder) == disk(database)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_leaves_room_for_the_server() {
        assert_eq!(check_room(1_000, 1_000 + ROOM_LEFT), Ok(()));
        let failure = check_room(1_000, 999 + ROOM_LEFT).expect_err("too little");
        assert_eq!(
            failure.what(),
            "a backup needs 16778216 bytes there, and 16778215 are free"
        );
        assert!(failure.hint().contains("--backup-keep"), "{failure}");
    }
}
