//! What works a queue of the outbox off.
//!
//! A [`Worker`] is woken by the commit of a row's cause, and asks now and then besides. It claims
//! rows with a lease in a short write, delivers them with no connection held, and records what
//! became of them; one write does the recording of what ended and the next claim. A row that fails
//! waits longer each time and holds up no other.
//!
//! # Fairness
//! [`super::desk`] decides who is served next: whose turn it is says the channel, who may have how
//! many places [`super::places`], and whether there is a way to anybody [`super::breaker`]. All
//! three are in memory, and work without threads.
//!
//! # The clock
//! Rows are due by the wall clock, which may be set back: then what waits for its next try would
//! wait for as long as the clock was ahead. So a start, and a worker that sees the clock go back,
//! make due what lies further ahead than its plan can ever wait, and no lease lasts longer than one
//! that is given then: a delivery whose thread broke off comes again at most one lease after the
//! clock was set back last.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinSet};

use super::desk::{self, Desk, Done, Found, Offer, Work};
use super::destination::Answer;
use super::places::{Place, Room};
use super::tries::Tries;
use crate::base::error::{Code, Result};
use crate::db::{Db, Load, Reader, Topic, WriteTx};

/// How often a worker looks without being told: at what is due later, and at what another process
/// wrote.
const POLL: Duration = Duration::from_millis(500);
/// How long a worker rests when the file could not be written.
const REST: Duration = Duration::from_secs(1);
/// How long a stop waits for what is under way. What takes longer is delivered again at the next
/// start.
const STOP: Duration = Duration::from_secs(5);
/// After how many seconds a claimed row counts as lost. Longer than any delivery may take.
pub(crate) const LEASE_SECONDS: i64 = 120;

/// One kind of deliveries: a queue in the file, and a way to the outside.
pub trait Channel: Send + Sync + 'static {
    /// What names a row that is due.
    type Row: Send + Sync + 'static;
    /// A claimed row, with all that it takes to deliver it.
    type Item: Send + Sync + 'static;
    /// What became of a delivery.
    type Outcome: Send + Sync + 'static;
    /// Who was served when.
    type Turns: Default + Send + 'static;
    /// Who writes in the queue of the writer.
    const NAME: &'static str;
    /// What is announced when a row is added.
    const TOPIC: Topic;
    /// What is announced, with the topic, when all that waits is to be tried now.
    const RETRY: Option<Topic> = None;
    /// Deliveries at the same time.
    const ROOM: Room;

    /// Finds what is due and takes a place of the offer, those first who were served least lately.
    /// Looks at a bounded number of rows, however many wait.
    ///
    /// # Errors
    /// When the file cannot be read.
    fn find(
        &self,
        reader: &Reader<'_>,
        turns: &mut Self::Turns,
        offer: &mut Offer<'_>,
    ) -> Result<Found<Self::Row>>;

    /// Makes ready what has come due, a bounded number of rows: those that waited, and those whose
    /// lease is over.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn ripen(&self, tx: &WriteTx<'_>) -> Result<()>;

    /// Claims rows until [`LEASE_SECONDS`] from now. Rows that have no point any more go.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn claim(&self, tx: &WriteTx<'_>, rows: &[Self::Row]) -> Result<Vec<Self::Item>>;

    /// What the place of a claimed row is counted under.
    fn place(&self, item: &Self::Item) -> Place;

    /// What an outcome says about its destination.
    fn answer(&self, outcome: &Self::Outcome) -> Answer;

    /// Makes due, in their order, rows that wait for a destination which came back; a bounded
    /// number. Returns whether there are more.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn wake(&self, _tx: &WriteTx<'_>, _place: &Place) -> Result<bool> {
        Ok(false)
    }

    /// Delivers. Blocks, for less than a lease; holds no connection of the file.
    fn deliver(&self, item: &Self::Item) -> Self::Outcome;

    /// Records what became of it: the row goes, or waits for its next try. A row that was changed
    /// since its claim stays as it is.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn record(&self, tx: &WriteTx<'_>, item: &Self::Item, outcome: &Self::Outcome) -> Result<()>;

    /// Takes a claimed row out of the queue, whatever became of it.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn remove(&self, tx: &WriteTx<'_>, item: &Self::Item) -> Result<()>;

    /// Takes back every lease: the process that had them is gone.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn release(&self, tx: &WriteTx<'_>) -> Result<()>;

    /// Makes due what is due later than its plan can ever wait: the clock was ahead when it was put
    /// off. A lease that ends later than one that is given now ends with that one: what is under
    /// way may go on for so long, and what was lost waits no longer.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn recall(&self, tx: &WriteTx<'_>) -> Result<()>;
}

/// An item with what became of it.
type Ended<C> = Vec<(<C as Channel>::Item, <C as Channel>::Outcome)>;

/// Where a delivery went, and what its thread left behind: nothing, if it panicked or could not be
/// started.
type Left<C> = (
    Place,
    std::result::Result<(<C as Channel>::Item, <C as Channel>::Outcome), oneshot::error::RecvError>,
);

/// Delivers what a channel has to deliver.
pub(crate) struct Worker<C: Channel> {
    /// The file.
    db: Db,
    /// What is delivered, and how.
    channel: Arc<C>,
    /// What is under way, each on a thread of its own. One of the runtime's would hold up the end
    /// of the process for as long as a silent peer does.
    running: JoinSet<Left<C>>,
    /// Who is next.
    desk: Desk<C>,
    /// What the tries came to.
    tries: Arc<Tries>,
    /// What has ended, and is not recorded yet.
    ended: Ended<C>,
    /// Whether the clock was set back, and what waits is not recalled yet.
    must_recall: bool,
}

impl<C: Channel> Worker<C> {
    /// A worker with nothing under way.
    pub(crate) fn new(db: Db, channel: Arc<C>, tries: Arc<Tries>) -> Self {
        Self {
            db,
            channel,
            running: JoinSet::new(),
            desk: Desk::default(),
            tries,
            ended: Vec::new(),
            must_recall: false,
        }
    }

    /// Works until `stop` is ready. What is under way then is waited for, but not for long.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut news = self.db.follow(C::TOPIC);
        let mut retries = C::RETRY.map(|topic| self.db.follow(topic));
        tokio::pin!(stop);
        let mut must_release = true;
        loop {
            news.mark_unchanged();
            if let Some(retries) = &mut retries
                && retries.has_changed().unwrap_or(false)
            {
                retries.mark_unchanged();
                self.desk.forget_rests();
            }
            let stepped = if must_release {
                self.release().await
            } else {
                Ok(())
            };
            must_release = stepped.is_err();
            let stepped = if must_release {
                stepped
            } else {
                self.step().await.map(drop)
            };
            if let Err(error) = stepped {
                log::error!("{:?}: nothing can be delivered now: {error}", C::TOPIC);
                tokio::select! { () = &mut stop => break,
                () = tokio::time::sleep(REST) => continue }
            }
            tokio::select! {
                () = &mut stop => break,
                _ = news.changed() => {}
                Some(ended) = self.running.join_next() => self.push(ended),
                () = tokio::time::sleep(POLL) => {}
            }
        }
        // What is not done by then keeps its lease, which the next start takes back.
        let _ = tokio::time::timeout(STOP, self.wait()).await;
        if self.ended.is_empty() {
            return;
        }
        if let Err(error) = self
            .record_and_claim(Found {
                rows: Vec::new(),
                has_ripe: false,
            })
            .await
        {
            log::error!(
                "{:?}: what was delivered last could not be recorded, and is delivered again: \
                 {error}",
                C::TOPIC
            );
        }
    }

    /// One step: records what has ended, claims what is due as far as there is room, and starts it.
    /// Returns how much is under way.
    ///
    /// # Errors
    /// When the file cannot be read or written: nothing is forgotten then.
    async fn step(&mut self) -> Result<usize> {
        while let Some(ended) = self.running.try_join_next() {
            self.push(ended);
        }
        self.watch_clock().await?;
        loop {
            let found = self
                .db
                .read(|reader| self.desk.find(&self.channel, reader))?;
            if self.ended.is_empty()
                && found.rows.is_empty()
                && !found.has_ripe
                && !self.desk.has_back()
            {
                return Ok(self.running.len());
            }
            let done = self.record_and_claim(found).await?;
            done.items.into_iter().for_each(|item| self.start(item));
            self.desk.put_back(done.back);
            if !done.is_more {
                return Ok(self.running.len());
            }
        }
    }

    /// Starts a delivery.
    fn start(&mut self, item: C::Item) {
        let (channel, (left, ended)) = (Arc::clone(&self.channel), oneshot::channel());
        let place = channel.place(&item);
        self.desk.begin(place.clone());
        let deliver = move || {
            let outcome = channel.deliver(&item);
            // After a stop nobody waits for it any more.
            drop(left.send((item, outcome)));
        };
        if let Err(error) = thread::Builder::new()
            .name("delivery".to_owned())
            .spawn(deliver)
        {
            log::error!("{:?}: no thread for a delivery: {error}", C::TOPIC);
        }
        self.running.spawn(async move { (place, ended.await) });
    }

    /// Waits for what is under way.
    async fn wait(&mut self) {
        while let Some(ended) = self.running.join_next().await {
            self.push(ended);
        }
    }

    /// Records what has ended, and claims what was found.
    async fn record_and_claim(&mut self, found: Found<C::Row>) -> Result<Done<C>> {
        let (ended, back) = (std::mem::take(&mut self.ended), self.desk.take_back());
        let mut work = Work {
            ended,
            back,
            found,
            is_careful: false,
        };
        loop {
            let (channel, shared) = (Arc::clone(&self.channel), Arc::new(work));
            let written = Arc::clone(&shared);
            let job = move |tx: &WriteTx<'_>| desk::record_and_claim(&*channel, tx, &written);
            let outcome = self.db.write_as(C::NAME, Load::ONE, job).await;
            let Err(error) = &outcome else {
                return outcome;
            };
            // The job is gone before its outcome is told, and its handle with it.
            let Some(left) = Arc::into_inner(shared) else {
                return outcome;
            };
            if error.code != Code::StorageCorrupt || left.is_careful {
                self.ended = left.ended;
                self.desk.put_back(left.back);
                return outcome;
            }
            work = Work {
                is_careful: true,
                ..left
            };
        }
    }

    /// Takes back the leases of the process before this one, and what its clock put off for too
    /// long.
    async fn release(&self) -> Result<()> {
        let channel = Arc::clone(&self.channel);
        let job = move |tx: &WriteTx<'_>| {
            channel.release(tx)?;
            channel.recall(tx)
        };
        self.db.write_as(C::NAME, Load::ONE, job).await
    }

    /// Recalls what waits for a time that the clock will not show for long, if it was set back.
    async fn watch_clock(&mut self) -> Result<()> {
        let now = self.db.now();
        if let Some(before) = self.desk.watch_clock(now) {
            log::warn!(
                "{:?}: the clock was set back from {before} to {now}",
                C::TOPIC
            );
            self.must_recall = true;
        }
        if self.must_recall {
            let channel = Arc::clone(&self.channel);
            self.db
                .write_as(C::NAME, Load::ONE, move |tx| channel.recall(tx))
                .await?;
            self.must_recall = false;
        }
        Ok(())
    }

    /// Keeps what a delivery came to. One that panicked keeps its lease, and is tried again after
    /// that.
    fn push(&mut self, ended: std::result::Result<Left<C>, JoinError>) {
        match ended {
            Ok((place, Ok((item, outcome)))) => {
                self.tries.record(self.channel.answer(&outcome));
                self.desk
                    .end(&self.channel, &place, &outcome, self.db.now());
                self.ended.push((item, outcome));
            }
            Ok((place, Err(_))) => {
                self.desk.lose(&place);
                log::error!(
                    "{:?}: a delivery broke off; it is tried again when its lease is over",
                    C::TOPIC
                );
            }
            Err(error) => log::error!("{:?}: a delivery was lost: {error}", C::TOPIC),
        }
    }
}
