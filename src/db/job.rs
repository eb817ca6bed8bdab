//! A change that waits for the writer, and how it runs without touching the other changes of its
//! commit.

use tokio::sync::oneshot;

use super::transaction::WriteTx;
use crate::base::error::{Error, Result};

/// A change that waits, whatever its outcome's type.
pub(crate) trait Job: Send {
    /// Makes the change in the open transaction, again where it was undone before.
    ///
    /// # Errors
    /// Why the change was refused. The caller gets the same error.
    fn run(&mut self, tx: &WriteTx<'_>) -> Result<()>;

    /// Tells the caller the outcome, or `failure` when the transaction was not committed.
    fn answer(self: Box<Self>, failure: Option<Error>);
}

/// A change that is made by `F` and has an outcome of type `T`.
pub(crate) struct Change<T, F> {
    /// Makes the change.
    pub make: F,
    /// What it answered.
    pub outcome: Option<Result<T>>,
    /// Where its caller waits.
    pub caller: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: FnMut(&WriteTx<'_>) -> Result<T> + Send> Job for Change<T, F> {
    fn run(&mut self, tx: &WriteTx<'_>) -> Result<()> {
        let outcome = (self.make)(tx);
        let refusal = outcome.as_ref().err().map(Error::repeat);
        self.outcome = Some(outcome);
        refusal.map_or(Ok(()), Err)
    }

    fn answer(self: Box<Self>, failure: Option<Error>) {
        let Self {
            make,
            outcome,
            caller,
        } = *self;
        // Once its caller is told, nothing holds what the job was made of any more.
        drop(make);
        let outcome = match (failure, outcome) {
            // The job's own error has the cause.
            (Some(failure), Some(Err(own))) if own.code == failure.code => Some(Err(own)),
            (Some(failure), _) => Some(Err(failure)),
            (None, outcome) => outcome,
        };
        // A caller that has gone away does not undo its change.
        drop(caller.send(
            outcome.unwrap_or_else(|| Err(Error::internal("a job was answered before it ran"))),
        ));
    }
}

/// Runs a job in a transaction in which nothing has been done yet. Returns whether the job did
/// something. Where it fails, the transaction is ended and begun again: that undoes it without the
/// savepoint, which would copy each page that the job changes.
///
/// # Errors
/// When there is no transaction to go on with.
pub(crate) fn run_first(tx: &WriteTx<'_>, job: &mut dyn Job) -> Result<bool> {
    if job.run(tx).is_ok() {
        return Ok(true);
    }
    if !tx.is_autocommit() {
        tx.prepare_cached("rollback")?.execute([])?;
    }
    tx.prepare_cached("begin immediate")?.execute([])?;
    tx.tally.clear();
    Ok(false)
}

/// Runs a job in a savepoint, and undoes it alone where it fails.
///
/// # Errors
/// When that is not possible any more, since SQLite gave up the whole transaction: why it did.
pub(crate) fn run_in_savepoint(tx: &WriteTx<'_>, job: &mut dyn Job) -> Result<()> {
    tx.prepare_cached("savepoint job")?.execute([])?;
    let counted = tx.tally.mark();
    if let Err(error) = job.run(tx) {
        if tx.is_autocommit() {
            return Err(error);
        }
        tx.prepare_cached("rollback to job")?.execute([])?;
        tx.tally.undo_to(&counted);
    }
    tx.prepare_cached("release job")?.execute([])?;
    Ok(())
}
