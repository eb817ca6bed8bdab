//! The snapshot that the requests of one worker thread share, for as long as nothing is committed.
//!
//! A read is shorter than what it takes to begin and to end a transaction and to find the caller's
//! key in it. So a snapshot is kept for the next request, which takes it over where the log's index
//! says that nothing was committed since: what was acknowledged to anybody is always seen, and a
//! key that was revoked beside the server is refused at the next request.
//!
//! A snapshot holds up checkpoints. So it is let go after [`KEPT_FOR`], whether or not it is used,
//! and at once where a checkpoint waits for readers: writers wait for that checkpoint.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::Db;
use super::clearing::{Asked, Clearing};
use super::snapshot::{Open, Snapshot};
use crate::base::error::Result;

/// How long a snapshot is kept: less than a checkpoint waits for readers.
const KEPT_FOR: Duration = Duration::from_millis(20);

/// What was found in a snapshot, and in those before it.
pub(crate) trait Found: Default {
    /// Forgets what may be different in the next snapshot.
    fn enter_next_snapshot(&mut self);
}

/// Where a worker thread keeps its snapshot, with what was `F`ound in it.
pub(crate) struct LatestSnapshot<F> {
    /// The kept snapshot. It ends before the file is closed.
    slot: Rc<Slot>,
    /// What was found in it, and in those before it. It stays where the snapshot is let go.
    found: RefCell<F>,
    /// Whether a checkpoint waits for readers.
    clearing: Clearing,
    /// The file.
    db: Db,
}

/// The place of a kept snapshot.
struct Slot {
    /// The snapshot.
    kept: RefCell<Option<Rc<Open>>>,
    /// Whether a task will let it go.
    is_timed: Cell<bool>,
}

impl<F: Found + 'static> LatestSnapshot<F> {
    /// Keeps nothing yet.
    pub(crate) fn new(db: Db) -> Self {
        Self {
            slot: Rc::new(Slot {
                kept: RefCell::new(None),
                is_timed: Cell::new(false),
            }),
            found: RefCell::default(),
            clearing: db.shared.clearing.clone(),
            db,
        }
    }

    /// A snapshot that sees whatever was acknowledged before this call, and what was found in it
    /// so far. Never waits. Must be called on a worker thread.
    ///
    /// # Errors
    /// That the file cannot be read.
    pub(crate) fn get(&self) -> Result<(Snapshot, &RefCell<F>)> {
        let head = self.db.shared.wal_index.head();
        let mut kept = self.slot.kept.borrow_mut();
        let open = match kept.take() {
            Some(open) if open.is_at(head) => open,
            older => {
                drop(older);
                self.let_go_later();
                self.found.borrow_mut().enter_next_snapshot();
                Rc::new(self.db.begin(head)?)
            }
        };
        if !self.clearing.asks(Asked::Snapshots) {
            *kept = Some(Rc::clone(&open));
        }
        let now = self.db.now();
        Ok((Snapshot { open, now }, &self.found))
    }

    /// Lets the snapshot go when its time is over.
    fn let_go_later(&self) {
        if self.slot.is_timed.replace(true) {
            return;
        }
        let (slot, mut clearing) = (Rc::downgrade(&self.slot), self.clearing.clone());
        tokio::task::spawn_local(async move {
            tokio::select! {
                () = tokio::time::sleep(KEPT_FOR) => {}
                () = clearing.wait_for(Asked::Snapshots) => {}
            }
            if let Some(slot) = slot.upgrade() {
                slot.is_timed.set(false);
                drop(slot.kept.take());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::base::clock::Clock;
    use crate::base::error::Error;
    use crate::base::ids::Ids;
    use crate::db::{Options, Synchronous, WriteTx, write_file};

    impl Found for u32 {
        fn enter_next_snapshot(&mut self) {
            *self = 0;
        }
    }

    type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

    /// How many organizations a snapshot sees.
    fn count(snapshot: &Snapshot) -> rusqlite::Result<i64> {
        let sql = "select count(*) from organization";
        snapshot.reader().query_row(sql, [], |row| row.get(0))
    }

    /// Adds an organization from beside the server.
    fn add(path: &Path, id: &str) -> std::result::Result<(), String> {
        let add = |tx: &WriteTx<'_>| {
            let sql = "insert into organization (id, created_at, updated_at) values (?1, 0, 0)";
            tx.execute(sql, [id]).map(drop).map_err(Error::from)
        };
        write_file(path, add).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn a_snapshot_is_shared_until_somebody_commits_and_is_let_go_when_nobody_asks() -> Outcome {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("invited.db");
        let options = Options {
            workers: 1,
            synchronous: Synchronous::Full,
            clock: Clock::System,
            ids: Ids::Random,
        };
        let db = Db::open(&path, &options).map_err(|failure| format!("{failure:?}"))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let test = async {
            let mut latest = LatestSnapshot::<u32>::new(db.clone());
            let (first, found) = latest.get()?;
            let (second, found_too) = latest.get()?;
            *found.borrow_mut() = 7;
            assert_eq!(*found_too.borrow(), 7);
            assert_eq!(count(&first)?, 0);
            drop(second);
            add(&path, "acme")?;
            // The control: whoever does not ask again does not see it.
            assert_eq!(count(&first)?, 0);
            let (next, found) = latest.get()?;
            assert_eq!(*found.borrow(), 0);
            assert_eq!(count(&next)?, 1);
            *found.borrow_mut() = 7;
            drop((first, next));
            tokio::time::sleep(3 * KEPT_FOR).await;
            assert!(latest.slot.kept.borrow().is_none());
            assert_eq!(*latest.found.borrow(), 7, "what was found outlives it");
            // Where a checkpoint waits, at once.
            let (clearer, clearing) = Clearing::new();
            latest.clearing = clearing;
            drop(latest.get()?);
            tokio::task::yield_now().await;
            assert!(latest.slot.kept.borrow().is_some());
            clearer.send_replace(Asked::Snapshots);
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            assert!(latest.slot.kept.borrow().is_none());
            drop(latest.get()?);
            assert!(latest.slot.kept.borrow().is_none());
            Ok(())
        };
        tokio::task::LocalSet::new().block_on(&runtime, test)
    }
}
