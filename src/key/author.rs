//! Who makes a change, checked where it is made.

use std::ops::ControlFlow;

use tokio::time::{Instant, sleep};

use super::store;
use super::token::KeyId;
use crate::base::error::Result;
use crate::db::{Db, Load, WriteTx};

/// Who makes a change: decides whose turn it is, and whether their key is still good when that
/// comes.
#[derive(Clone, Debug)]
pub(crate) struct Author {
    /// The key's id, `dev`, or `person`.
    actor: String,
    /// The key that must be live when the change is made.
    key: Option<KeyId>,
}

impl Author {
    /// The author of changes by `actor`, as it is called in histories.
    pub(crate) fn new(actor: &str) -> Self {
        Self {
            actor: actor.to_owned(),
            key: KeyId::parse(actor),
        }
    }

    /// Makes the change that `job` makes, when it is the author's turn.
    ///
    /// # Errors
    /// [`crate::base::error::Code::Unauthorized`] where the author's key has died since the request
    /// was let in, whatever was on its way by then; else those of [`Db::write_as`].
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        db: &Db,
        job: impl FnMut(&WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.write_load(db, Load::ONE, job).await
    }

    /// The same for a change that takes up `load` while it waits.
    ///
    /// # Errors
    /// Those of [`Author::write`].
    pub(crate) async fn write_load<T: Send + 'static>(
        &self,
        db: &Db,
        load: Load,
        mut job: impl FnMut(&WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let key = self.key.clone();
        let checked = move |tx: &WriteTx<'_>| {
            key.as_ref()
                .map_or(Ok(()), |key| store::check_live(tx, key))?;
            job(tx)
        };
        db.write_as(&self.actor, load, checked).await
    }

    /// Makes a change of many rows in parts of `rows`, each a change of its own, so that the writes
    /// of others go between. `part` makes the one that follows a place, and tells either the next
    /// place or the outcome.
    ///
    /// # Errors
    /// Those of [`Author::write`]. The parts that were made stay.
    pub(crate) async fn write_in_parts<P: Copy + Send + 'static, T: Send + 'static>(
        &self,
        db: &Db,
        rows: u32,
        mut place: P,
        part: impl Fn(&WriteTx<'_>, P) -> Result<ControlFlow<T, P>> + Clone + Send + 'static,
    ) -> Result<T> {
        let load = Load {
            rows: rows as usize,
            ..Load::ONE
        };
        loop {
            let (part, begun) = (part.clone(), Instant::now());
            let job = move |tx: &WriteTx<'_>| part(tx, place);
            match self.write_load(db, load, job).await? {
                ControlFlow::Continue(next) => place = next,
                ControlFlow::Break(outcome) => return Ok(outcome),
            }
            // Half of the disk's time is for others.
            sleep(begun.elapsed()).await;
        }
    }
}
