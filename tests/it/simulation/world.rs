//! The outbox in virtual time: what [`invited::outbox::worker::Worker`] does, without its threads.

use invited::base::clock::Timestamp;
use invited::db::WriteTx;
use invited::outbox::desk::{self, Desk, Work};
use invited::outbox::places::Place;
use invited::outbox::worker::Channel;

use crate::support::START;

/// How often a worker looks by itself.
pub const POLL: i64 = 500;
/// How long a lease lasts.
pub const LEASE: i64 = 120_000;

/// What a made-up peer does with a delivery.
pub struct Reply<O> {
    /// After how many milliseconds.
    pub after_ms: i64,
    /// What it comes to; none: its thread broke off.
    pub outcome: Option<O>,
}

/// A delivery under way.
struct Flight<C: Channel> {
    /// When it ends.
    ends_at: i64,
    /// Its place.
    place: Place,
    /// What is delivered.
    item: C::Item,
    /// What it comes to.
    outcome: Option<C::Outcome>,
}

/// A channel that is worked off.
pub struct World<'a, C: Channel> {
    /// The file.
    tx: &'a WriteTx<'a>,
    /// What is delivered.
    channel: C,
    /// Who is next.
    desk: Desk<C>,
    /// The milliseconds that passed.
    pub passed: i64,
    /// What the clock shows beyond them.
    pub offset: i64,
    /// What is under way.
    flights: Vec<Flight<C>>,
}

impl<'a, C: Channel> World<'a, C> {
    /// A worker that begins.
    pub fn new(tx: &'a WriteTx<'a>, channel: C) -> Self {
        Self {
            tx,
            channel,
            desk: Desk::default(),
            passed: 0,
            offset: 0,
            flights: Vec::new(),
        }
    }

    /// The transaction at the present time.
    pub fn tx(&self) -> WriteTx<'a> {
        self.tx
            .at(Timestamp::from_millis(START + self.passed + self.offset))
    }

    /// Forgets what a process knows, and what was under way: it starts anew.
    pub fn restart(&mut self) -> invited::base::error::Result<()> {
        self.desk = Desk::default();
        self.flights.clear();
        self.channel.release(&self.tx())?;
        self.channel.recall(&self.tx())
    }

    /// Works until `until`.
    pub fn run(
        &mut self,
        until: i64,
        peer: &mut impl FnMut(&C::Item, i64) -> Reply<C::Outcome>,
    ) -> invited::base::error::Result<()> {
        loop {
            self.step(peer)?;
            if self.passed >= until {
                return Ok(());
            }
            let next_end = self
                .flights
                .iter()
                .map(|flight| flight.ends_at)
                .min()
                .unwrap_or(i64::MAX);
            self.passed = next_end.min(self.passed + POLL).min(until).max(self.passed);
        }
    }

    /// One step, as the worker does it.
    fn step(
        &mut self,
        peer: &mut impl FnMut(&C::Item, i64) -> Reply<C::Outcome>,
    ) -> invited::base::error::Result<()> {
        let mut ended = self.land();
        let tx = self.tx();
        if self.desk.watch_clock(tx.now).is_some() {
            self.channel.recall(&tx)?;
        }
        loop {
            let found = self.desk.find(&self.channel, &tx.reader())?;
            if ended.is_empty() && found.rows.is_empty() && !found.has_ripe && !self.desk.has_back()
            {
                return Ok(());
            }
            let work = Work {
                is_careful: false,
                ended: std::mem::take(&mut ended),
                back: self.desk.take_back(),
                found,
            };
            let done = desk::record_and_claim(&self.channel, &tx, &work)?;
            for item in done.items {
                let place = self.channel.place(&item);
                self.desk.begin(place.clone());
                let Reply { after_ms, outcome } = peer(&item, self.passed);
                self.flights.push(Flight {
                    ends_at: self.passed + after_ms.max(1),
                    place,
                    item,
                    outcome,
                });
            }
            self.desk.put_back(done.back);
            if !done.is_more {
                return Ok(());
            }
        }
    }

    /// What has ended by now.
    fn land(&mut self) -> Vec<(C::Item, C::Outcome)> {
        let (now, passed) = (self.tx().now, self.passed);
        let mut ended = Vec::new();
        for flight in self
            .flights
            .extract_if(.., |flight| flight.ends_at <= passed)
        {
            match flight.outcome {
                Some(outcome) => {
                    self.desk.end(&self.channel, &flight.place, &outcome, now);
                    ended.push((flight.item, outcome));
                }
                None => self.desk.lose(&flight.place),
            }
        }
        ended
    }
}
