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

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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

/// What the queue holds.
#[derive(Debug)]
struct Lanes<J> {
    /// The lane of each actor who has jobs waiting, or has used time lately.
    by_actor: HashMap<String, Lane<J>>,
    /// Who has jobs waiting, by the time they have used; among equals who came first.
    turns: BinaryHeap<Reverse<(Duration, u64, String)>>,
    /// The time used by whoever had the last turn: where those start who come.
    floor: Duration,
    /// What waits in all lanes.
    total: Load,
    /// How often somebody took a place in `turns`.
    arrivals: u64,
    /// Whether no more jobs are taken on.
    is_closed: bool,
}

/// The jobs of one actor.
#[derive(Debug)]
struct Lane<J> {
    /// They, in the order in which they came.
    waiting: VecDeque<(J, Load)>,
    /// What they take up.
    load: Load,
    /// The time that the actor has used.
    used: Duration,
    /// Whether a job of the actor was taken, and its time is not known yet.
    is_served: bool,
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
        let lanes = Lanes {
            by_actor: HashMap::new(),
            turns: BinaryHeap::new(),
            floor: Duration::ZERO,
            total: Load::default(),
            arrivals: 0,
            is_closed: false,
        };
        Self {
            lanes: Mutex::new(lanes),
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

impl<J> Lanes<J> {
    /// Puts a job into the lane of `actor`.
    fn push(&mut self, actor: &str, load: Load, job: J) {
        let floor = self.floor;
        let lane = self
            .by_actor
            .entry(actor.to_owned())
            .or_insert_with(|| Lane::new(floor));
        let is_new = lane.waiting.is_empty();
        lane.load = lane.load.plus(load);
        lane.waiting.push_back((job, load));
        if is_new {
            lane.used = lane.used.max(floor);
            self.queue_up(actor);
        }
    }

    /// Takes the job of whoever has used the least time.
    fn take(&mut self) -> Option<Turn<J>> {
        let Reverse((used, _, actor)) = self.turns.pop()?;
        self.floor = self.floor.max(used);
        let lane = self.by_actor.get_mut(&actor)?;
        let (job, load) = lane.waiting.pop_front()?;
        lane.is_served = true;
        lane.load = lane.load.minus(load);
        self.total = self.total.minus(load);
        Some(Turn { job, actor, load })
    }

    /// Adds to the time that `actor` has used, and gives it its next place.
    fn charge(&mut self, actor: &str, time: Duration) {
        if let Some(lane) = self.by_actor.get_mut(actor)
            && lane.is_served
        {
            lane.used = lane.used.saturating_add(time);
            lane.is_served = false;
            self.queue_up(actor);
        }
        // Where nobody waits, nobody is owed a turn.
        if self.total.jobs == 0 && self.turns.is_empty() {
            self.by_actor.clear();
            self.floor = Duration::ZERO;
        }
    }

    /// Gives `actor` a place among those who have jobs waiting, if it has any and is not being
    /// served.
    fn queue_up(&mut self, actor: &str) {
        if let Some(lane) = self.by_actor.get(actor)
            && !lane.is_served
            && !lane.waiting.is_empty()
        {
            self.arrivals += 1;
            self.turns
                .push(Reverse((lane.used, self.arrivals, actor.to_owned())));
        }
    }
}

impl<J> Lane<J> {
    /// An empty lane of somebody who starts where the others are.
    fn new(floor: Duration) -> Self {
        Self {
            waiting: VecDeque::new(),
            load: Load::default(),
            used: floor,
            is_served: false,
        }
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
