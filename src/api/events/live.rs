//! Events as they happen: a stream tells first what came after a certain event, and then whatever
//! is committed.
//!
//! Every stream reads the file for itself, a page at a time, and the next page only when the last
//! one was taken: a slow reader costs no memory. It follows the topic before it reads, and an id is
//! never smaller than those before it, so between what was there and what comes nothing is lost and
//! nothing told twice.

use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::page::{Order, Page};
use crate::db::{Db, Reader, Topic};
use crate::event::query::{EventQuery, Filter};
use crate::event::{Event, store};
use crate::key::token::KeyId;
use crate::key::{self, Scope};
use crate::organization;
use crate::policy::limits::{Share, Shares};

/// How long a stream is silent at most: less than the minute after which many proxies cut a silent
/// connection.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);
/// Time from one look at the file for news to the next, for each stream there is: a burst of
/// commits costs all of them together a thousand looks a second at most, however many they are.
/// What comes after a pause is told at once.
const PAUSE: Duration = Duration::from_millis(1);
/// Events that one look steps over at most, whether or not they pass the filter.
const PAGE: u32 = 200;
/// Bytes after which a part takes no further event.
const FULL: usize = 16 * 1024;
/// What every stream begins with: after how many milliseconds a client that was cut off comes back.
pub(crate) const OPENING: &[u8] = b"retry: 2000\n\n";
/// A comment: it tells the peer that the stream lives, and us that the peer does.
pub(crate) const BEAT: &[u8] = b":\n\n";

/// The streams of a server.
pub struct Streams {
    /// Those that there may be. One caller may have as many as are left free.
    places: Shares,
    /// Turns true when the server stops.
    stop: watch::Sender<bool>,
    /// Changes when the streams of events that there are shall end.
    cuts: watch::Sender<()>,
    /// How long a stream is silent at most.
    heartbeat: Duration,
}

/// What a stream tells, and to whom.
pub struct Subject {
    /// Whose events.
    pub organization: OrganizationId,
    /// Which of them.
    pub filter: Filter,
    /// The event after which it begins.
    pub after: Uuid,
    /// To whom: the id of a key, or in development a caller without one.
    pub actor: String,
}

impl Streams {
    /// No streams yet, of `most` that there may be at the same time: each occupies a connection for
    /// as long as it lasts.
    pub fn new(heartbeat: Duration, most: usize) -> Self {
        Self {
            places: Shares::new(most, 1),
            stop: watch::Sender::new(false),
            cuts: watch::Sender::new(()),
            heartbeat,
        }
    }

    /// Takes a place for a stream to `actor`.
    ///
    /// # Errors
    /// [`Code::Overloaded`] when the caller has too many, or all of them are taken.
    pub(crate) fn take_seat(&self, actor: &str) -> Result<Seat> {
        let too_many = || {
            Error::new(
                Code::Overloaded,
                "This caller has as many streams of events as it may have now.",
            )
        };
        Ok(Seat {
            _place: self.places.take(actor, 1).ok_or_else(too_many)?,
            stop: self.stop.subscribe(),
            heartbeat: self.heartbeat,
            beat_at: Instant::now() + self.heartbeat,
        })
    }

    /// How many streams there are.
    pub(crate) fn count(&self) -> usize {
        self.places.taken()
    }

    /// Begins a stream.
    ///
    /// # Errors
    /// [`Code::Overloaded`] when the caller has too many, or all of them are taken.
    pub fn open(&self, db: Db, subject: Subject) -> Result<Live> {
        let seat = self.take_seat(&subject.actor)?;
        let news = db.follow(Topic::Events);
        Ok(Live {
            db,
            subject,
            known_since: None,
            news,
            cut: self.cuts.subscribe(),
            seat,
            read_at: Instant::now(),
            places: self.places.clone(),
        })
    }

    /// Ends the streams of events that there are: what they told is not what happened any more.
    pub(crate) fn cut(&self) {
        self.cuts.send_replace(());
    }

    /// Ends every stream, those that begin later too.
    pub(crate) fn close(&self) {
        self.stop.send_replace(true);
    }
}

/// What every stream holds for as long as it lasts.
pub(crate) struct Seat {
    /// Turns true when the server stops.
    pub stop: watch::Receiver<bool>,
    /// When the stream says something, even if nothing happened.
    pub beat_at: Instant,
    /// How long it is silent at most.
    heartbeat: Duration,
    /// Its place.
    _place: Share,
}

impl Seat {
    /// Something is being said: the next heartbeat comes a whole interval later.
    pub(crate) fn postpone_beat(&mut self) {
        self.beat_at = Instant::now() + self.heartbeat;
    }
}

/// One stream.
pub struct Live {
    /// The file.
    db: Db,
    /// What it tells; `after` moves with every event that was stepped over.
    subject: Subject,
    /// When the organization was made, once it is known: another time is another organization of
    /// that name.
    known_since: Option<Timestamp>,
    /// Changes when there are new events.
    news: watch::Receiver<u64>,
    /// Changes when the stream shall end.
    cut: watch::Receiver<()>,
    /// Its own place.
    seat: Seat,
    /// When it last looked at the file.
    read_at: Instant,
    /// The places of all streams.
    places: Shares,
}

/// What a look at the file found.
enum Look {
    /// The caller may see no more, or the organization is gone.
    Over,
    /// Events as they are sent, perhaps none, and whether there may be more.
    Events(Vec<u8>, bool),
}

impl Live {
    /// The stream, part by part. Ends with the server, the key and the organization; an error cuts
    /// it off.
    pub fn parts(self) -> impl Stream<Item = Result<Vec<u8>>> {
        stream::try_unfold((self, false), |(mut live, has_begun)| async move {
            let part = if has_begun {
                live.next().await?
            } else {
                Some(OPENING.to_vec())
            };
            Ok(part.map(|part| (part, (live, true))))
        })
    }

    /// The next part; none at the end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            if *self.seat.stop.borrow() || self.is_cut() {
                return Ok(None);
            }
            // What is committed from here on is news again, whether or not this look sees it.
            self.news.mark_unchanged();
            let Look::Events(events, has_more) = self.read_next()? else {
                return Ok(None);
            };
            if !events.is_empty() {
                self.seat.postpone_beat();
                return Ok(Some(events));
            }
            if Instant::now() >= self.seat.beat_at {
                self.seat.postpone_beat();
                return Ok(Some(BEAT.to_vec()));
            }
            if has_more {
                tokio::task::yield_now().await;
            } else {
                self.wait().await;
            }
        }
    }

    /// Whether the stream shall end before the server does.
    fn is_cut(&self) -> bool {
        self.cut.has_changed().unwrap_or(false)
    }

    /// Waits until there is something to look at, to say, or to end for.
    async fn wait(&mut self) {
        let streams = u32::try_from(self.places.taken()).unwrap_or(u32::MAX);
        let next_look = self.read_at + PAUSE.saturating_mul(streams);
        let news = async {
            // Its sender goes with the file, which this stream holds.
            let _ = self.news.changed().await;
            sleep_until(next_look).await;
        };
        let mut cut = self.cut.clone();
        tokio::select! {
            _ = self.seat.stop.changed() => {}
            _ = cut.changed() => {}
            () = news => {}
            () = sleep_until(self.seat.beat_at) => {}
        }
    }

    /// Reads the next events. That they may be seen is read in the same snapshot.
    fn read_next(&mut self) -> Result<Look> {
        self.read_at = Instant::now();
        let snapshot = self.db.snapshot()?;
        let reader = snapshot.reader();
        let Subject {
            organization,
            filter,
            after,
            ..
        } = &self.subject;
        let known_since =
            organization::store::find(&reader, organization)?.map(|known| known.created_at);
        let is_gone = self.known_since.is_some() && self.known_since != known_since;
        if is_gone || !self.is_allowed(&reader)? {
            return Ok(Look::Over);
        }
        let page = Page {
            order: Order::OldestFirst,
            after: Some(*after),
            limit: PAGE,
        };
        let (mut text, mut last, mut is_full) = (Vec::new(), *after, false);
        let tell = |event: &Event<'_>| {
            is_full |= text.len() >= FULL;
            if is_full {
                return Ok(());
            }
            last = event.id;
            if filter.admits(event) {
                write(event, &mut text)
            } else {
                Ok(())
            }
        };
        let query = EventQuery {
            filter: Filter::default(),
            page,
        };
        let (met, has_more) = store::list(&reader, organization, &query, tell)?;
        self.known_since = known_since;
        self.subject.after = if is_full { last } else { met.unwrap_or(*after) };
        Ok(Look::Events(text, has_more || is_full))
    }

    /// Whether the caller may see the events still.
    fn is_allowed(&self, reader: &Reader<'_>) -> Result<bool> {
        // In development a caller may have none.
        let Some(id) = KeyId::parse(&self.subject.actor) else {
            return Ok(true);
        };
        let key = key::store::find(reader, &id)?;
        Ok(key.is_some_and(|key| {
            let organization = self.subject.organization.as_str();
            key.is_live(reader.now)
                && key.rights.scopes.contain(Scope::Read)
                && key.rights.see(organization)
        }))
    }
}

/// Writes an event in the form of WHATWG HTML, 9.2. JSON has no line breaks of its own, so its data
/// are one line.
fn write(event: &Event<'_>, text: &mut Vec<u8>) -> Result<()> {
    text.extend_from_slice(format!("id: {}\nevent: {}\ndata: ", event.id, event.kind).as_bytes());
    serde_json::to_writer(&mut *text, event).map_err(Error::internal)?;
    text.extend_from_slice(b"\n\n");
    Ok(())
}
