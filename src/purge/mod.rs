//! What is still to leave the file, and how far that has come.
//!
//! A deletion that is large, or whose text must not stay in the file, has a row in the table
//! `purge` from its first commit on. So a crash forgets nothing: the next start goes on where the
//! last one was. [`crate::deletion`] does the work.
//!
//! # What nobody finds any more
//! An organization is gone for everybody from the commit that begins its deletion, long before its
//! last row is. Each statement that finds something of an organization asks that it is not in the
//! table `purge`: a look at an index that is nearly always empty. Whatever makes something in an
//! organization asks [`store::check_stands`].

pub mod store;

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::error::{Code, Error};
use crate::db::{Db, Topic};

/// How long a request waits for what it deleted to leave the file. A stop waits for requests a
/// little longer.
const WAIT: Duration = Duration::from_secs(8);
/// How long of that it waits for the log alone: our own reads are over by then, and another program
/// may go on for hours.
const WAIT_FOR_LOG: Duration = Duration::from_secs(3);
/// After how many seconds a caller should ask again for an organization that is being deleted.
const RETRY_SECONDS: u64 = 1;

/// How far a deletion has come. The numbers are those in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The rows of an organization are deleted.
    Rows = 0,
    /// An erasure or a pass of retention deletes rows itself.
    Begun = 1,
    /// The pages are to be scrubbed.
    Text = 2,
    /// The log is to be emptied.
    Log = 3,
}

/// What of a deletion is still in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = PendingDeletion)]
pub(crate) enum Pending {
    /// Rows that no request finds any more.
    Rows,
    /// Text in the unused parts of pages.
    Text,
    /// Pages as they were, in the write-ahead log.
    Log,
}

impl Pending {
    /// What is pending while nothing has left the file.
    const ALL: &[Self] = &[Self::Rows, Self::Text, Self::Log];

    /// What is pending in a stage: this and all that follows.
    fn of(stage: Stage) -> &'static [Self] {
        match stage {
            Stage::Rows | Stage::Begun => Self::ALL,
            Stage::Text => &Self::ALL[1..],
            Stage::Log => &Self::ALL[2..],
        }
    }
}

/// Waits until everything of the deletion `id` has left the file, for some seconds at most. Returns
/// what is still pending.
pub(crate) async fn wait(db: &Db, id: Uuid) -> &'static [Pending] {
    let mut news = db.follow(Topic::Purge);
    let mut deadline = Instant::now() + WAIT;
    let mut is_in_log = false;
    loop {
        news.mark_unchanged();
        // Whoever waits has been promised that it is deleted: a failed look must not turn that into
        // an error.
        let stage = db
            .read(|reader| store::find_stage(reader, id))
            .unwrap_or(Some(Stage::Rows));
        let pending = stage.map(Pending::of).unwrap_or_default();
        if stage == Some(Stage::Log) && !is_in_log {
            is_in_log = true;
            deadline = deadline.min(Instant::now() + WAIT_FOR_LOG);
        }
        if pending.is_empty() || timeout_at(deadline, news.changed()).await.is_err() {
            return pending;
        }
    }
}

/// What a caller is told who wants to make something in an organization that is being deleted.
fn being_deleted() -> Error {
    let detail = "This organization is being deleted. Its id can be used again in a moment.";
    Error::new(Code::NotFound, detail).retry_after(RETRY_SECONDS)
}
