//! Who is served next. A [`Desk`] knows what is under way and what became of the last tries, and
//! asks its channel for what is due and has a place. It has no thread and no clock of its own, so
//! that a simulation can work it.

use super::breaker::Breaker;
use super::destination::Answer;
use super::places::{Lane, Place, Places};
use super::worker::Channel;
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::db::{Reader, WriteTx, unless_damaged};

/// How many milliseconds the clock may go back unnoticed: synchronization moves it by less.
const UNNOTICED_MS: i64 = 1_000;

/// What a channel found that may begin now.
#[derive(Debug)]
pub struct Found<R> {
    /// Rows to claim.
    pub rows: Vec<R>,
    /// Whether rows have come due that must be made ready by a write first.
    pub has_ripe: bool,
}

/// What a desk offers: places, until they are taken.
pub struct Offer<'a> {
    /// The places.
    places: &'a mut Places,
    /// The present time.
    now: Timestamp,
    /// How many deliveries may begin; none: as many as there are places for.
    most: Option<usize>,
    /// What was taken.
    taken: Vec<Place>,
}

impl Offer<'_> {
    /// Takes `place` for a row, if it is free. Returns whether it was.
    pub(crate) fn take(&mut self, place: &Place) -> bool {
        let is_free = self.is_open() && self.places.admits(place, self.now);
        if is_free {
            self.places.take(place.clone());
            self.taken.push(place.clone());
        }
        is_free
    }

    /// Whether any place of a lane is left.
    pub(crate) fn has_room(&self, lane: Lane) -> bool {
        self.is_open() && self.places.has_room(lane)
    }

    /// Whether any more delivery may begin.
    fn is_open(&self) -> bool {
        self.most.is_none_or(|most| self.taken.len() < most)
    }
}

/// Decides who is served next, and remembers what that takes.
pub struct Desk<C: Channel> {
    /// Who may have how many places.
    places: Places,
    /// Whether there is a way to anybody.
    breaker: Breaker,
    /// Whose turn it is.
    turns: C::Turns,
    /// Destinations that came back, whose rows are to be made due.
    back: Vec<Place>,
    /// The latest time that the clock showed since it was set back last; none: it was not read yet.
    latest: Option<Timestamp>,
}

impl<C: Channel> Default for Desk<C> {
    fn default() -> Self {
        let (places, breaker) = (Places::new(C::ROOM), Breaker::default());
        Self {
            places,
            breaker,
            turns: C::Turns::default(),
            back: Vec::new(),
            latest: None,
        }
    }
}

impl<C: Channel> Desk<C> {
    /// Finds what is due and has a place. Whatever it finds must be begun before the next look.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn find(&mut self, channel: &C, reader: &Reader<'_>) -> Result<Found<C::Row>> {
        let most = self.breaker.most(self.places.under_way(), reader.now);
        let mut offer = Offer {
            places: &mut self.places,
            now: reader.now,
            most,
            taken: Vec::new(),
        };
        let found = channel.find(reader, &mut self.turns, &mut offer);
        let taken = offer.taken;
        // A row may turn out to have no point any more: only what begins keeps its place.
        taken.iter().for_each(|place| self.places.give_back(place));
        found
    }

    /// Notes that a delivery begins.
    pub fn begin(&mut self, place: Place) {
        self.places.take(place);
    }

    /// Notes what a delivery came to.
    pub fn end(&mut self, channel: &C, place: &Place, outcome: &C::Outcome, now: Timestamp) {
        let answer = channel.answer(outcome);
        self.breaker.push(answer, now);
        if self.places.end(place, answer, now) && !self.back.contains(place) {
            self.back.push(place.clone());
        }
    }

    /// Notes that nobody knows what a delivery came to.
    pub fn lose(&mut self, place: &Place) {
        self.places.give_back(place);
    }

    /// Whether any destination came back since the last call of [`Desk::take_back`].
    pub fn has_back(&self) -> bool {
        !self.back.is_empty()
    }

    /// The destinations that came back since the last call.
    pub fn take_back(&mut self) -> Vec<Place> {
        std::mem::take(&mut self.back)
    }

    /// Has destinations be asked for again.
    pub fn put_back(&mut self, places: Vec<Place>) {
        self.back.extend(places);
    }

    /// Forgets which destinations asked to be left alone, and has the next probe of a way that is
    /// closed go out at once.
    pub(crate) fn forget_rests(&mut self) {
        self.places.forget_rests();
        self.breaker.forget_times();
    }

    /// Notes what the clock shows. Returns what it showed before, if it was set back: then the desk
    /// forgets every time, and what waits in the file must be recalled.
    ///
    /// The present time is compared with the latest one, so that many small steps count as what
    /// they come to.
    pub fn watch_clock(&mut self, now: Timestamp) -> Option<Timestamp> {
        let set_back_from = self
            .latest
            .filter(|latest| now.as_millis() + UNNOTICED_MS < latest.as_millis());
        if set_back_from.is_some() {
            self.places.forget_times();
            self.breaker.forget_times();
            self.latest = None;
        }
        self.latest = self.latest.max(Some(now));
        set_back_from
    }
}

/// What is written in one transaction.
pub struct Work<C: Channel> {
    /// What has ended.
    pub ended: Vec<(C::Item, C::Outcome)>,
    /// Destinations that came back.
    pub back: Vec<Place>,
    /// What is to begin.
    pub found: Found<C::Row>,
    /// Whether each end is recorded by itself, since one of them met damage.
    pub is_careful: bool,
}

/// What came of it.
pub struct Done<C: Channel> {
    /// What was claimed.
    pub items: Vec<C::Item>,
    /// Destinations that have more rows to make due.
    pub back: Vec<Place>,
    /// Whether more may be found now.
    pub is_more: bool,
}

/// Records what became of an item so that damage which that meets holds up no other. What has
/// arrived leaves the queue all the same: it would go out again and again. All else comes again when
/// its lease is over.
fn record_alone<C: Channel>(
    channel: &C,
    tx: &WriteTx<'_>,
    item: &C::Item,
    outcome: &C::Outcome,
) -> Result<()> {
    let recorded = tx.part(|| Ok((channel.record(tx, item, outcome)?, true)));
    let is_over = matches!(channel.answer(outcome), Answer::Taken | Answer::TakenLate);
    if unless_damaged(C::NAME, recorded)?.is_none() && is_over {
        let removed = tx.part(|| Ok((channel.remove(tx, item)?, true)));
        unless_damaged(C::NAME, removed)?;
    }
    Ok(())
}

/// Records what has ended, makes due what waits for destinations that came back, and claims what is
/// to begin.
///
/// # Errors
/// When the file cannot be written.
pub fn record_and_claim<C: Channel>(
    channel: &C,
    tx: &WriteTx<'_>,
    work: &Work<C>,
) -> Result<Done<C>> {
    for (item, outcome) in &work.ended {
        if work.is_careful {
            record_alone(channel, tx, item, outcome)?;
        } else {
            channel.record(tx, item, outcome)?;
        }
    }
    let mut back = Vec::new();
    for place in &work.back {
        if channel.wake(tx, place)? {
            back.push(place.clone());
        }
    }
    if work.found.has_ripe {
        channel.ripen(tx)?;
    }
    let items = if work.found.rows.is_empty() {
        Vec::new()
    } else {
        channel.claim(tx, &work.found.rows)?
    };
    Ok(Done {
        items,
        back,
        is_more: work.found.has_ripe || !work.back.is_empty(),
    })
}
