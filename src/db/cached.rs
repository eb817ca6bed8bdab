//! What was read of the whole file, kept until the file says something else.
//!
//! # Locking
//! `known` is held for moments only. Who reads holds `turn`, so that there is one read at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{Db, Reader, Topic};
use crate::base::error::{Error, Result};

/// How long it is until a read that failed is tried again. Who has waited for it gets its error.
const REST: Duration = Duration::from_secs(1);

/// What `read` makes of the file. It is read when somebody asks for it, and again only where a topic
/// was announced since.
pub(crate) struct Cached<T> {
    /// The data file.
    db: Db,
    /// Who reads, where reads without a bound take turns.
    actor: &'static str,
    /// Reads it.
    read: fn(&Reader<'_>) -> Result<T>,
    /// Counts what makes it old.
    changes: watch::Receiver<u64>,
    /// What is known of it.
    known: Mutex<Known<T>>,
    /// Held by the one who reads.
    turn: tokio::sync::Mutex<()>,
}

/// What is known of a value.
struct Known<T> {
    /// The value, and the change after which it was read; none: it was not yet.
    value: Option<(u64, Arc<T>)>,
    /// When it could not be read, and why, if it could not since.
    failure: Option<(Instant, Error)>,
}

impl<T: Send + Sync + 'static> Cached<T> {
    /// What `read` makes of `db`, for as long as nobody announces `topic`.
    pub(crate) fn new(
        db: Db,
        topic: Topic,
        actor: &'static str,
        read: fn(&Reader<'_>) -> Result<T>,
    ) -> Self {
        let (value, failure) = (None, None);
        Self {
            changes: db.follow(topic),
            db,
            actor,
            read,
            known: Mutex::new(Known { value, failure }),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// The value that was read last, which may be old; none: it was not read yet.
    pub(crate) fn latest(&self) -> Option<Arc<T>> {
        let known = self.lock();
        known.value.as_ref().map(|(_, value)| Arc::clone(value))
    }

    /// The value; none: only [`Self::get`] can tell.
    pub(crate) fn present(&self) -> Option<Arc<T>> {
        let now = *self.changes.borrow();
        let known = self.lock();
        let value = known.value.as_ref();
        let value = value.filter(|(change, _)| *change == now);
        value.map(|(_, value)| Arc::clone(value))
    }

    /// The value. Reads it on a thread that may block, unless another caller did so meanwhile.
    ///
    /// # Errors
    /// Those of [`Db::read_long`], of this read or of one a moment ago.
    pub(crate) async fn get(&self) -> Result<Arc<T>> {
        let _turn = self.turn.lock().await;
        if let Some(value) = self.present() {
            return Ok(value);
        }
        if let Some((failed, error)) = &self.lock().failure
            && failed.elapsed() < REST
        {
            return Err(error.repeat());
        }
        let change = *self.changes.borrow();
        let read = self.db.read_long(self.actor, self.read).await;
        let mut known = self.lock();
        match read {
            Ok(value) => {
                let value = Arc::new(value);
                known.value = Some((change, Arc::clone(&value)));
                known.failure = None;
                Ok(value)
            }
            Err(error) => {
                log::warn!("{}: the file cannot be read through: {error}", self.actor);
                known.failure = Some((Instant::now(), error.repeat()));
                Err(error)
            }
        }
    }

    /// What is known. Nothing that holds it can leave it half changed.
    fn lock(&self) -> MutexGuard<'_, Known<T>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
