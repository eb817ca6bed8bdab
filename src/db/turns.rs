//! Turns at long reads: each occupies a blocking thread and a connection, so there are few of them.
//!
//! Whoever reads has one turn at a time, and waits for it in a queue of its own. Only its first in
//! line waits for a place among all, so nobody waits for more than one read of anybody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::base::error::{Code, Error, Result};

/// Reads of one actor that may wait: more would only be answered when nobody wants to know any
/// more.
const MOST_WAITING: usize = 256;

/// The turns of all. Clones are handles to the same ones.
#[derive(Clone)]
pub(crate) struct Turns {
    /// A permit for each long read that there may be.
    places: Arc<Semaphore>,
    /// The actors that read or wait.
    actors: Arc<Mutex<HashMap<String, Queue>>>,
}

/// The reads of one actor.
struct Queue {
    /// A single permit: the actor's turn.
    gate: Arc<Semaphore>,
    /// How many read or wait.
    length: usize,
}

/// A place in the queue of an actor.
struct Place {
    /// Of which turns.
    turns: Turns,
    /// Whose queue.
    actor: String,
}

/// A turn: whoever holds it may read.
pub(crate) struct Turn {
    /// What is given back first, to the others.
    _place: OwnedSemaphorePermit,
    /// What is given back to the same actor.
    _gate: OwnedSemaphorePermit,
    /// What shortens the queue.
    _queued: Place,
}

impl Turns {
    /// Turns for at most `count` reads at the same time.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(count)),
            actors: Arc::default(),
        }
    }

    /// How many read now.
    pub(crate) fn taken(&self) -> usize {
        super::LONG_READS.saturating_sub(self.places.available_permits())
    }

    /// The next turn of `actor`, once it has come.
    ///
    /// # Errors
    /// [`Code::Overloaded`] when too many reads of the actor wait.
    pub(crate) async fn take(&self, actor: &str) -> Result<Turn> {
        let (gate, queued) = self.enqueue(actor)?;
        let gate = gate.acquire_owned().await.map_err(Error::internal)?;
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(Error::internal)?;
        Ok(Turn {
            _place: place,
            _gate: gate,
            _queued: queued,
        })
    }

    /// A place at the end of the queue of `actor`, and what it waits for there.
    fn enqueue(&self, actor: &str) -> Result<(Arc<Semaphore>, Place)> {
        let mut actors = self.actors();
        let new = || Queue {
            gate: Arc::new(Semaphore::new(1)),
            length: 0,
        };
        let queue = actors.entry(actor.to_owned()).or_insert_with(new);
        if queue.length > MOST_WAITING {
            return Err(Error::new(
                Code::Overloaded,
                "Too many long reads of this caller wait.",
            ));
        }
        queue.length += 1;
        Ok((
            Arc::clone(&queue.gate),
            Place {
                turns: self.clone(),
                actor: actor.to_owned(),
            },
        ))
    }

    /// The queues. They are whole even if a thread panicked while it had them.
    fn actors(&self) -> MutexGuard<'_, HashMap<String, Queue>> {
        self.actors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut actors = self.turns.actors();
        let left = actors.get_mut(&self.actor).map_or(0, |queue| {
            queue.length = queue.length.saturating_sub(1);
            queue.length
        });
        if left == 0 {
            actors.remove(&self.actor);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// What a future that needs no runtime has come to by now.
    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }

    /// Whether `actor` has a turn at once, and the turn.
    fn take(turns: &Turns, actor: &str) -> Option<Turn> {
        poll(pin!(turns.take(actor))).map(|taken| taken.expect("a turn"))
    }

    #[test]
    fn one_actor_has_one_turn_and_leaves_the_others_theirs() {
        let turns = Turns::new(4);
        let held = take(&turns, "a").expect("the first");
        assert!(take(&turns, "a").is_none(), "one at a time");
        let others: Vec<_> = ["b", "c", "d"]
            .map(|actor| take(&turns, actor).expect("theirs"))
            .into();
        assert!(take(&turns, "e").is_none(), "four in all");
        drop(held);
        assert!(take(&turns, "e").is_some());
        drop(others);
        assert!(
            turns.actors().is_empty(),
            "who neither reads nor waits is forgotten"
        );
    }

    #[test]
    fn who_waits_in_line_takes_no_place_from_others_and_too_long_a_line_is_refused() {
        let turns = Turns::new(2);
        let held = take(&turns, "a").expect("the first");
        let mut waiting: Vec<_> = (0..MOST_WAITING)
            .map(|_| Box::pin(turns.take("a")))
            .collect();
        assert!(waiting.iter_mut().all(|one| poll(one.as_mut()).is_none()));
        let refused = poll(pin!(turns.take("a"))).expect("at once");
        assert_eq!(
            refused.err().map(|error| error.code),
            Some(Code::Overloaded)
        );
        assert!(take(&turns, "b").is_some());
        drop(held);
        assert!(poll(waiting[0].as_mut()).expect("its turn").is_ok());
        drop(waiting);
        assert!(turns.actors().is_empty());
    }
}
