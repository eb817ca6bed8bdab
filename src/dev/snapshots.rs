//! Everything as it was at a point in time, to go back to: the file, the clock and the faults.
//!
//! Snapshots go with the process.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::clock::{Clock, Timestamp};
use crate::base::error::{Error, FieldCode, FieldError, Result};
use crate::base::ids::{Kind, Place};
use crate::db::{Db, RowCopy, Topic, WriteTx};
use crate::outbox::faults::{Faults, Plans};
use crate::outbox::{mail, webhook};

/// How many snapshots are kept.
const KEPT: usize = 20;

/// The snapshots of a server, oldest first.
#[derive(Default)]
pub(crate) struct Snapshots(Mutex<VecDeque<Arc<Snapshot>>>);

/// A snapshot.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Snapshot)]
pub(crate) struct SnapshotView {
    /// By what a restore names it.
    #[schema(value_type = String, format = Uuid)]
    pub id: Uuid,
    /// When it was taken, by the clock of the server.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// Which snapshot is restored.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SnapshotRestore)]
pub(crate) struct RestoreBody {
    /// The snapshot to go back to.
    #[schema(value_type = String, format = Uuid, required = true)]
    pub id: Option<String>,
}

/// Everything at a point in time.
pub(crate) struct Snapshot {
    /// How it is shown.
    view: SnapshotView,
    /// The rows of the file.
    copy: Mutex<RowCopy>,
    /// Where the clock stood still; none: it ran.
    stopped_at: Option<Timestamp>,
    /// How far the ids of a seed had come.
    ids: Place,
    /// The faults that were still to come.
    faults: Plans,
}

impl Snapshots {
    /// Takes a snapshot for `actor`. The oldest one goes where there are too many.
    ///
    /// # Errors
    /// When the file cannot be read, or not in time.
    pub(crate) async fn take(&self, db: &Db, faults: &Faults, actor: &str) -> Result<SnapshotView> {
        let view = SnapshotView {
            id: db.ids().uuid(Kind::Snapshot),
            created_at: db.now(),
        };
        let (stopped_at, faults) = (db.clock().stopped_at(), faults.plans());
        let ids = db.ids().place();
        let copy = db.read_long(actor, RowCopy::take).await?;
        let mut snapshots = self.lock();
        // By a seed, ids come again after a reset or a restore.
        snapshots.retain(|one| one.view.id != view.id);
        if snapshots.len() >= KEPT {
            snapshots.pop_front();
        }
        snapshots.push_back(Arc::new(Snapshot {
            view,
            copy: Mutex::new(copy),
            stopped_at,
            ids,
            faults,
        }));
        Ok(view)
    }

    /// The snapshots, newest first.
    pub(crate) fn list(&self) -> Vec<SnapshotView> {
        let snapshots = self.lock();
        snapshots.iter().rev().map(|one| one.view).collect()
    }

    /// The snapshot that `body` names.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] where it names none.
    pub(crate) fn find(&self, body: &RestoreBody) -> Result<Arc<Snapshot>> {
        let wrong = |code, detail| Error::from(FieldError::new("/id", code, detail));
        let id = body
            .id
            .as_deref()
            .ok_or_else(|| wrong(FieldCode::Required, "the id of a snapshot"))?;
        let snapshots = self.lock();
        let found = snapshots.iter().find(|one| one.view.id.to_string() == id);
        found
            .cloned()
            .ok_or_else(|| wrong(FieldCode::UnknownValue, "no snapshot has this id"))
    }

    /// The snapshots. A thread that panicked leaves them whole.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Snapshot>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshot {
    /// Puts everything back as it was.
    ///
    /// # Errors
    /// When the file cannot be written; nothing is changed then.
    pub(crate) async fn restore(self: Arc<Self>, db: &Db, faults: &Faults) -> Result<()> {
        let (clock, snapshot) = (db.clock().clone(), Arc::clone(&self));
        db.write(move |tx| snapshot.put_back(tx)).await?;
        self.turn_back(&clock);
        faults.clear();
        faults.set(self.faults);
        Ok(())
    }

    /// Puts the rows back.
    fn put_back(&self, tx: &WriteTx<'_>) -> Result<()> {
        let copy = self.copy.lock().unwrap_or_else(PoisonError::into_inner);
        copy.put_back(tx)?;
        tx.set_place_of_ids(self.ids);
        // Nobody works any more on what was under way then.
        mail::store::release(tx)?;
        webhook::store::release(tx)?;
        for topic in Topic::ALL {
            tx.announce(topic);
        }
        Ok(())
    }

    /// Sets `clock` as it was.
    fn turn_back(&self, clock: &Clock) {
        match self.stopped_at {
            Some(time) => clock.set(time),
            None => clock.free(),
        }
    }
}
