//! Who may have how many of the places for deliveries.
//!
//! A place is a thread that waits for a peer. Peers that stall would take all of them, so each rule
//! here bounds what one kind of delivery may hold: a destination, the slow ones together, the
//! unknown ones together, further tries, an organization. What is known of destinations is kept in
//! memory only: a restart learns it anew.

use std::collections::HashMap;

use super::destination::{Answer, Destination, Pace};
use crate::base::clock::Timestamp;

/// The most deliveries at a time to one destination that takes what it is sent.
pub(crate) const WIDEST: usize = 8;
/// How many destinations are remembered. Beyond, those are forgotten that nothing is known against.
const REMEMBERED: usize = 10_000;
/// How many places a channel has, and how many of them one kind of delivery may hold.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Those that only urgent deliveries may have.
    pub urgent: usize,
    /// Those of all others.
    pub usual: usize,
    /// Of the usual ones, those of destinations that are slow, together.
    pub slow: usize,
    /// Those of destinations that nothing is known of, together.
    pub unknown: usize,
    /// Those of deliveries that were tried before.
    pub again: usize,
    /// Those of one organization.
    pub organization: usize,
    /// Those of one destination that nothing is known of.
    pub first: usize,
}

/// In which order deliveries are taken. The numbers are those of `mail.lane` in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Lane {
    /// It has places of its own, and goes first.
    Urgent = 0,
    /// It was not tried yet.
    First = 1,
    /// It was tried before.
    Again = 2,
}

/// What a delivery's place is counted under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it goes.
    pub destination: String,
    /// For which organization; none: for the operator.
    pub organization: Option<String>,
    /// In which lane it is.
    pub lane: Lane,
}

/// The places of a channel: what is under way, and what is known of where it goes.
#[derive(Debug)]
pub(crate) struct Places {
    /// How many there are.
    room: Room,
    /// What is under way. There is so little of it that it is counted anew for each question.
    under_way: Vec<Place>,
    /// What is known of destinations, urgent deliveries apart.
    destinations: HashMap<(bool, String), Destination>,
}

impl Places {
    /// Places that are all free.
    pub(crate) fn new(room: Room) -> Self {
        Self {
            room,
            under_way: Vec::new(),
            destinations: HashMap::new(),
        }
    }

    /// How many are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Whether a delivery may have `place` now.
    pub(crate) fn admits(&self, place: &Place, now: Timestamp) -> bool {
        let known = self.known(place);
        if known.rests_until.is_some_and(|until| until > now) || !self.has_room(place.lane) {
            return false;
        }
        let is_urgent = place.lane == Lane::Urgent;
        let count = |counts: &dyn Fn(&Place) -> bool| {
            self.under_way
                .iter()
                .filter(|other| (other.lane == Lane::Urgent) == is_urgent && counts(other))
                .count()
        };
        let of_pace = |is_it: fn(Pace) -> bool| count(&|other| is_it(self.known(other).pace));
        let there = count(&|other| other.destination == place.destination);
        let (room, all) = (self.room, self.size(place.lane));
        let fits = match known.pace {
            Pace::Slow => {
                there == 0 && of_pace(|pace| pace == Pace::Slow) < room.slow.min(all.div_ceil(2))
            }
            Pace::Unknown => {
                there < room.first && of_pace(|pace| pace == Pace::Unknown) < room.unknown
            }
            Pace::Steady(width) => there < width,
        };
        let theirs = || count(&|other| other.organization == place.organization);
        fits && (place.lane != Lane::Again
            || count(&|other| other.lane == Lane::Again) < room.again)
            && (place.organization.is_none() || theirs() < room.organization)
    }

    /// Whether any place of a lane is free.
    pub(crate) fn has_room(&self, lane: Lane) -> bool {
        let is_urgent = lane == Lane::Urgent;
        self.under_way
            .iter()
            .filter(|other| (other.lane == Lane::Urgent) == is_urgent)
            .count()
            < self.size(lane)
    }

    /// How many places there are for a lane.
    fn size(&self, lane: Lane) -> usize {
        if lane == Lane::Urgent {
            self.room.urgent
        } else {
            self.room.usual
        }
    }

    /// What is known of where `place` leads.
    fn known(&self, place: &Place) -> Destination {
        self.destinations
            .get(&key(place))
            .copied()
            .unwrap_or(Destination::UNKNOWN)
    }

    /// Gives a place away.
    pub(crate) fn take(&mut self, place: Place) {
        self.under_way.push(place);
    }

    /// Takes a place back whose delivery did not begin.
    pub(crate) fn give_back(&mut self, place: &Place) {
        if let Some(index) = self.under_way.iter().position(|other| other == place) {
            self.under_way.swap_remove(index);
        }
    }

    /// Takes a place back, and notes what the try came to. Returns whether the destination is back
    /// after it was away.
    pub(crate) fn end(&mut self, place: &Place, answer: Answer, now: Timestamp) -> bool {
        self.give_back(place);
        self.forget_some();
        self.destinations
            .entry(key(place))
            .or_insert(Destination::UNKNOWN)
            .push(answer, now, self.room.first)
    }

    /// Forgets destinations when there are many: first those that nothing is known against.
    fn forget_some(&mut self) {
        if self.destinations.len() < REMEMBERED {
            return;
        }
        self.destinations
            .retain(|_, known| known.pace == Pace::Slow || known.rests_until.is_some());
        if self.destinations.len() >= REMEMBERED {
            self.destinations.clear();
        }
    }

    /// Forgets which destinations asked to be left alone.
    pub(crate) fn forget_rests(&mut self) {
        for known in self.destinations.values_mut() {
            known.rests_until = None;
        }
    }

    /// Forgets every time: the clock was set back.
    pub(crate) fn forget_times(&mut self) {
        for known in self.destinations.values_mut() {
            (known.taken_at, known.rests_until) = (None, None);
        }
    }
}

/// Under what a destination is known. Urgent deliveries have places of their own, and learn for
/// themselves.
fn key(place: &Place) -> (bool, String) {
    (place.lane == Lane::Urgent, place.destination.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room {
        urgent: 2,
        usual: 64,
        slow: 16,
        unknown: 48,
        again: 48,
        organization: 32,
        first: 1,
    };

    fn place(destination: usize, organization: &str, lane: Lane) -> Place {
        Place {
            destination: destination.to_string(),
            organization: Some(organization.to_owned()),
            lane,
        }
    }

    /// Takes as many of `wanted` as are admitted; returns how many those are.
    fn fill(places: &mut Places, wanted: impl Iterator<Item = Place>) -> usize {
        let now = Timestamp::from_millis(0);
        wanted
            .filter(|place| {
                let is_free = places.admits(place, now);
                if is_free {
                    places.take(place.clone());
                }
                is_free
            })
            .count()
    }

    /// Has `count` destinations answer once.
    fn teach(places: &mut Places, count: usize, answer: Answer) {
        for number in 0..count {
            places.end(
                &place(number, "acme", Lane::First),
                answer,
                Timestamp::from_millis(0),
            );
        }
    }

    #[test]
    fn an_organization_has_at_most_half_of_the_places() {
        let mut places = Places::new(ROOM);
        teach(&mut places, 100, Answer::Taken);
        assert_eq!(
            fill(
                &mut places,
                (0..100).map(|number| place(number, "acme", Lane::First))
            ),
            32
        );
        assert_eq!(
            fill(
                &mut places,
                (0..100).map(|number| place(number, "globex", Lane::First))
            ),
            32
        );
    }

    #[test]
    fn slow_destinations_have_one_place_each_and_a_quarter_together() {
        for answer in [Answer::TimedOut, Answer::TakenLate] {
            let mut places = Places::new(ROOM);
            teach(&mut places, 100, answer);
            let twice = (0..100)
                .flat_map(|number| [number / 2; 2])
                .map(|number| place(number, "acme", Lane::First));
            assert_eq!(fill(&mut places, twice), 16);
            assert_eq!(
                fill(
                    &mut places,
                    (100..110).map(|number| place(number, "acme", Lane::First))
                ),
                10,
                "others"
            );
        }
    }

    #[test]
    fn first_tries_keep_places_of_their_own_and_so_does_what_is_urgent() {
        let mut places = Places::new(Room {
            organization: 64,
            ..ROOM
        });
        teach(&mut places, 100, Answer::Taken);
        assert_eq!(
            fill(
                &mut places,
                (0..100).map(|number| place(number, "acme", Lane::Again))
            ),
            48
        );
        assert_eq!(
            fill(
                &mut places,
                (0..100).map(|number| place(number, "acme", Lane::First))
            ),
            16
        );
        assert_eq!(
            fill(
                &mut places,
                (0..100).map(|number| place(number, "acme", Lane::Urgent))
            ),
            2
        );
    }

    #[test]
    fn a_destination_grows_with_what_it_takes_and_shrinks_with_what_it_does_not() {
        let mut places = Places::new(ROOM);
        let mut width = |answers: &[Answer]| {
            for answer in answers {
                teach(&mut places, 1, *answer);
            }
            let taken = fill(&mut places, (0..20).map(|_| place(0, "acme", Lane::First)));
            (0..taken).for_each(|_| places.give_back(&place(0, "acme", Lane::First)));
            taken
        };
        assert_eq!(width(&[]), 1);
        assert_eq!(width(&[Answer::Taken; 2]), 3);
        assert_eq!(width(&[Answer::Taken; 20]), WIDEST);
        assert_eq!(width(&[Answer::Failed(None)]), 4);
        assert_eq!(width(&[Answer::TimedOut]), 1);
        assert_eq!(width(&[Answer::Taken]), 2);
        assert_eq!(
            width(&[Answer::Failed(Some(1))]),
            0,
            "it asks to be left alone"
        );
    }

    #[test]
    fn a_destination_is_back_after_two_failures_and_five_seconds_and_not_for_each_single_failure() {
        let mut places = Places::new(ROOM);
        let mut end = |answer, ms| {
            places.end(
                &place(0, "acme", Lane::First),
                answer,
                Timestamp::from_millis(ms),
            )
        };
        assert!(end(Answer::Taken, 0), "nothing was known of it");
        assert!(
            !end(Answer::Failed(None), 1) && !end(Answer::Taken, 10_000),
            "a single one"
        );
        assert!(!end(Answer::Failed(None), 10_001) && !end(Answer::TimedOut, 10_002));
        assert!(!end(Answer::Taken, 14_999), "too soon");
        assert!(!end(Answer::Failed(None), 15_000) && !end(Answer::Failed(None), 15_001));
        assert!(end(Answer::Taken, 19_999));
    }
}
