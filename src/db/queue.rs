//! The queue before the writer: fair between those who write, whatever each of them asks for.
//!
//! # Turns
//! Each actor has a lane. Whose turn it is, is decided by the writer's time: next comes the actor
//! who has used the least of it. So whoever has just had a long job waits until the others had
//! their turn, and somebody who asks for little waits for at most one job of anybody else. An actor
//! who comes back after a rest starts where the others are now: rest is not saved up.
//!
//! # Room
//! Jobs, rows and bytes that wait are bounded. An actor may hold three times as much as is left
//! free after it. So one alone may have three quarters, two may have three sevenths each, and there
//! is always something left for one more: who is refused is who has much waiting.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::lanes::Lanes;
use super::load::Load;

/// Jobs that wait, by who asks for them.
#[derive(Debug)]
pub(crate) struct Queue<J> {
    /// The lanes.
    lanes: Mutex<Lanes<J>>,
    /// Tells the thread that takes jobs of a new one, or of the end.
    news: Condvar,
    /// How much may wait.
    bound: Load,
}

/// Why a job was not taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The actor has as much waiting as it may.
    NoRoom,
    /// The queue was closed.
    Closed,
}

/// A job whose turn it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Turn<J> {
    /// The job.
    pub job: J,
    /// Who asks for it.
    pub actor: String,
    /// What it took up while it waited.
    pub load: Load,
}

impl<J> Queue<J> {
    /// An empty queue in which no more than `bound` may wait.
    pub(crate) fn new(bound: Load) -> Self {
        Self {
            lanes: Mutex::new(Lanes::new()),
            news: Condvar::new(),
            bound,
        }
    }

    /// Puts a job that takes up `load` behind the others of `actor`.
    ///
    /// # Errors
    /// When it cannot wait here.
    pub(crate) fn push(&self, actor: &str, load: Load, job: J) -> Result<(), Refusal> {
        let mut lanes = self.lock();
        if lanes.is_closed {
            return Err(Refusal::Closed);
        }
        let own = lanes
            .by_actor
            .get(actor)
            .map_or_else(Load::default, |lane| lane.load)
            .plus(load);
        let total = lanes.total.plus(load);
        if !own.is_fair(total, self.bound) {
            return Err(Refusal::NoRoom);
        }
        lanes.total = total;
        lanes.push(actor, load, job);
        drop(lanes);
        self.news.notify_one();
        Ok(())
    }

    /// Waits for the next job. Returns none once the queue is closed and nothing waits.
    pub(crate) fn wait(&self) -> Option<Turn<J>> {
        let mut lanes = self.lock();
        loop {
            let turn = lanes.take();
            if turn.is_some() || lanes.is_closed {
                return turn;
            }
            lanes = self
                .news
                .wait(lanes)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next job, if one waits.
    pub(crate) fn take(&self) -> Option<Turn<J>> {
        self.lock().take()
    }

    /// Notes that the job of `actor` that was taken last took so long: only now the next one can
    /// have its turn. A second time does nothing.
    pub(crate) fn charge(&self, actor: &str, time: Duration) {
        self.lock().charge(actor, time);
    }

    /// What waits, and when the job came that has waited for the longest time.
    pub(crate) fn waiting(&self) -> (Load, Option<Instant>) {
        let lanes = self.lock();
        (lanes.total, lanes.oldest())
    }

    /// Takes on no more jobs. Those that wait are still to be taken.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.news.notify_all();
    }

    /// The lanes. They are whole even if a thread panicked while it had them.
    fn lock(&self) -> MutexGuard<'_, Lanes<J>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Room for a thousand of each.
    const BOUND: Load = Load {
        jobs: 1_000,
        rows: 1_000,
        bytes: 1_000,
    };
    /// A job of one row.
    const SMALL: Load = Load {
        jobs: 1,
        rows: 1,
        bytes: 1,
    };

    /// Takes jobs until none waits; each takes as many milliseconds as its number says.
    fn work_off(queue: &Queue<u64>) -> Vec<(String, u64)> {
        std::iter::from_fn(|| {
            let Turn { job, actor, .. } = queue.take()?;
            queue.charge(&actor, Duration::from_millis(job));
            Some((actor, job))
        })
        .collect()
    }

    #[test]
    fn whoever_asks_for_little_waits_for_one_job_of_another_at_most() {
        let queue = Queue::new(BOUND);
        for _ in 0..5 {
            queue.push("heavy", SMALL, 75).expect("room");
        }
        let Some(Turn { actor, .. }) = queue.take() else {
            panic!("there is one")
        };
        queue.push("light", SMALL, 1).expect("room");
        queue.charge(&actor, Duration::from_millis(75));
        let order: Vec<_> = work_off(&queue)
            .into_iter()
            .map(|(actor, _)| actor)
            .collect();
        assert_eq!(order, ["light", "heavy", "heavy", "heavy", "heavy"]);
    }

    #[test]
    fn time_is_shared_alike_whatever_the_length_of_jobs() {
        let queue = Queue::new(BOUND);
        for _ in 0..30 {
            queue.push("long", SMALL, 50).expect("room");
        }
        for _ in 0..300 {
            queue.push("short", SMALL, 5).expect("room");
        }
        let (mut long, mut short) = (0_u64, 0_u64);
        for (actor, millis) in work_off(&queue).into_iter().take(200) {
            *(if actor == "long" {
                &mut long
            } else {
                &mut short
            }) += millis;
            assert!(long.abs_diff(short) <= 50, "{long} and {short}");
        }
    }

    #[test]
    fn rest_is_not_saved_up() {
        let queue = Queue::new(BOUND);
        for _ in 0..40 {
            queue.push("busy", SMALL, 100).expect("room");
        }
        for _ in 0..20 {
            let Turn { job, actor, .. } = queue.take().expect("there is one");
            queue.charge(&actor, Duration::from_millis(job));
        }
        for _ in 0..20 {
            queue.push("fresh", SMALL, 100).expect("room");
        }
        let order = work_off(&queue);
        let fresh_first = order
            .iter()
            .take_while(|(actor, _)| actor == "fresh")
            .count();
        assert!(fresh_first <= 2, "{fresh_first} in a row");
    }

    #[test]
    fn one_alone_gets_three_quarters_and_another_always_finds_room() {
        for load in [
            SMALL,
            Load { rows: 0, ..SMALL },
            Load {
                jobs: 1,
                rows: 2,
                bytes: 0,
            },
        ] {
            let queue = Queue::new(BOUND);
            let fill = |actor: &str| {
                std::iter::repeat_with(|| queue.push(actor, load, 1))
                    .take_while(Result::is_ok)
                    .count()
            };
            let unit = load.rows.max(1);
            assert_eq!(fill("a") * unit, 750);
            assert_eq!(queue.push("a", load, 1), Err(Refusal::NoRoom));
            let others: Vec<_> = ["b", "c", "d"].map(fill).into();
            assert!(others.iter().all(|&count| count > 0), "{others:?}");
            work_off(&queue);
            assert_eq!(fill("a") * unit, 750, "room comes back");
        }
    }

    #[test]
    fn jobs_of_one_actor_stay_in_their_order() {
        let queue = Queue::new(BOUND);
        for number in 0..50 {
            queue
                .push(if number % 2 == 0 { "a" } else { "b" }, SMALL, number)
                .expect("room");
        }
        let order = work_off(&queue);
        for actor in ["a", "b"] {
            let own: Vec<_> = order
                .iter()
                .filter(|(whose, _)| whose == actor)
                .map(|(_, number)| number)
                .collect();
            assert!(own.is_sorted());
        }
    }

    #[test]
    fn a_closed_queue_gives_what_waits_and_takes_nothing() {
        let queue = Queue::new(BOUND);
        queue.push("a", SMALL, 1).expect("room");
        queue.close();
        assert_eq!(queue.push("a", SMALL, 2), Err(Refusal::Closed));
        assert_eq!(queue.wait().map(|turn| turn.job), Some(1));
        assert_eq!(queue.wait(), None);
    }

    #[test]
    fn lanes_of_those_who_are_gone_are_forgotten() {
        let queue = Queue::new(BOUND);
        for number in 0..10_000 {
            queue.push(&format!("a{number}"), SMALL, 1).expect("room");
            work_off(&queue);
        }
        assert!(queue.lock().by_actor.is_empty());
    }
}
