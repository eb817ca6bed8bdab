//! What waits for the writer, in a lane for each actor, and whose turn it is.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::load::Load;
use super::queue::Turn;

/// What the queue holds.
#[derive(Debug)]
pub(super) struct Lanes<J> {
    /// The lane of each actor who has jobs waiting, or has used time lately.
    pub(super) by_actor: HashMap<String, Lane<J>>,
    /// Who has jobs waiting, by the time they have used; among equals who came first.
    pub(super) turns: BinaryHeap<Reverse<(Duration, u64, String)>>,
    /// The time used by whoever had the last turn: where those start who come.
    pub(super) floor: Duration,
    /// What waits in all lanes.
    pub(super) total: Load,
    /// How often somebody took a place in `turns`.
    pub(super) arrivals: u64,
    /// Whether no more jobs are taken on.
    pub(super) is_closed: bool,
}

/// The jobs of one actor.
#[derive(Debug)]
pub(super) struct Lane<J> {
    /// They, in the order in which they came, each with when that was.
    waiting: VecDeque<(J, Load, Instant)>,
    /// What they take up.
    pub(super) load: Load,
    /// The time that the actor has used.
    used: Duration,
    /// Whether a job of the actor was taken, and its time is not known yet.
    is_served: bool,
}

impl<J> Lanes<J> {
    /// No lanes.
    pub(super) fn new() -> Self {
        Self {
            by_actor: HashMap::new(),
            turns: BinaryHeap::new(),
            floor: Duration::ZERO,
            total: Load::default(),
            arrivals: 0,
            is_closed: false,
        }
    }

    /// Puts a job into the lane of `actor`.
    pub(super) fn push(&mut self, actor: &str, load: Load, job: J) {
        let floor = self.floor;
        let lane = self
            .by_actor
            .entry(actor.to_owned())
            .or_insert_with(|| Lane::new(floor));
        let is_new = lane.waiting.is_empty();
        lane.load = lane.load.plus(load);
        lane.waiting.push_back((job, load, Instant::now()));
        if is_new {
            lane.used = lane.used.max(floor);
            self.queue_up(actor);
        }
    }

    /// Takes the job of whoever has used the least time.
    pub(super) fn take(&mut self) -> Option<Turn<J>> {
        let Reverse((used, _, actor)) = self.turns.pop()?;
        self.floor = self.floor.max(used);
        let lane = self.by_actor.get_mut(&actor)?;
        let (job, load, _) = lane.waiting.pop_front()?;
        lane.is_served = true;
        lane.load = lane.load.minus(load);
        self.total = self.total.minus(load);
        Some(Turn { job, actor, load })
    }

    /// Adds to the time that `actor` has used, and gives it its next place.
    pub(super) fn charge(&mut self, actor: &str, time: Duration) {
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

    /// When the job came that waits for the longest time; none: none waits.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let first = |lane: &Lane<J>| lane.waiting.front().map(|(_, _, came)| *came);
        self.by_actor.values().filter_map(first).min()
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
