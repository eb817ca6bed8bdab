//! The queue of deliveries, worked off: what is sent, and what becomes of it.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::client::{Client, Headers, Reply};
use super::delivery::store::{body, delete_old};
use super::guard::Guard;
use super::{DisabledReason, retry, sign};
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::base::roots::Roots;
use crate::db::{Db, Reader, Topic, WriteTx, unless_damaged};
use crate::outbox::delay::{self, Delay};
use crate::outbox::desk::{Found, Offer};
use crate::outbox::destination::Answer;
use crate::outbox::faults::{Fault, Faults, Target};
use crate::outbox::places::{Place, Room};
use crate::outbox::webhook::DeliveryState;
use crate::outbox::webhook::store::{self, Attempt, Claim, Row};
use crate::outbox::webhook::turns::Turns;
use crate::outbox::worker::Channel;
use crate::secret::Keyring;
use crate::webhook::Webhook;

/// After how many milliseconds an answer is a slow one: half of what it may take.
const SLOW_MS: i64 = 5_000;
/// For how many milliseconds an endpoint may ask to be left alone.
const MOST_REST_MS: i64 = 60 * 60 * 1000;
/// When a delivery is tried again, as Standard Webhooks proposes: ten tries within three days and a
/// bit.
const PLAN: &[Delay] = &[
    Delay {
        tries: 1,
        seconds: 5,
    },
    Delay {
        tries: 2,
        seconds: 5 * 60,
    },
    Delay {
        tries: 3,
        seconds: 30 * 60,
    },
    Delay {
        tries: 4,
        seconds: 2 * 60 * 60,
    },
    Delay {
        tries: 5,
        seconds: 5 * 60 * 60,
    },
    Delay {
        tries: 6,
        seconds: 10 * 60 * 60,
    },
    Delay {
        tries: 7,
        seconds: 14 * 60 * 60,
    },
    Delay {
        tries: 8,
        seconds: 20 * 60 * 60,
    },
    Delay {
        tries: 9,
        seconds: 24 * 60 * 60,
    },
];
/// The answer that says that the endpoint is there no more.
const GONE: u16 = 410;
/// For how many seconds deliveries are kept: 30 days.
const KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;
/// How often the log is swept.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);
/// The most deliveries of each webhook that go in one job.
const ROWS_PER_JOB: usize = 100;

/// Webhooks as a channel of the outbox.
pub struct Webhooks {
    /// What sends.
    client: Client,
    /// From what the secrets are derived.
    keyring: Keyring,
    /// Which deliveries are to fail.
    faults: Faults,
}

impl Webhooks {
    /// A channel that reaches what `guard` admits, and trusts `roots`.
    pub fn new(guard: Guard, roots: &Roots, keyring: Keyring, faults: Faults) -> Self {
        Self {
            client: Client::new(guard, roots),
            keyring,
            faults,
        }
    }
}

impl Attempt {
    /// A try that began at `at` and took `duration_ms`.
    pub fn new(
        at: Timestamp,
        duration_ms: i64,
        answer: std::result::Result<Reply, &'static str>,
    ) -> Self {
        let (status, error) = match &answer {
            Ok(Reply {
                status: status @ 200..=299,
                ..
            }) => (Some(*status), None),
            Ok(Reply { status, .. }) => (
                Some(*status),
                Some(format!("the endpoint answered {status}")),
            ),
            Err(error) => (None, Some((*error).to_owned())),
        };
        let ended_at = Timestamp::from_millis(at.as_millis().saturating_add(duration_ms));
        let rest_ms = answer
            .ok()
            .and_then(|reply| retry::rest_ms(&reply, ended_at));
        Self {
            at,
            duration_ms,
            status,
            error,
            rest_ms: rest_ms.map(|ms| ms.min(MOST_REST_MS)),
        }
    }
}

impl Webhooks {
    /// What it takes to send a claimed delivery to `target`. Where there is nothing to send, the
    /// delivery is removed: an organization is being deleted.
    fn item(&self, tx: &WriteTx<'_>, claim: Claim, target: Webhook) -> Result<Option<Item>> {
        let organization = claim.organization.as_deref();
        let Some(body) = body(tx, claim.webhook, claim.id, organization, claim.created_at)? else {
            store::remove(tx, &claim)?;
            return Ok(None);
        };
        let id = sign::message_id(claim.id);
        let (keyring, secrets) = (&self.keyring, target.secrets);
        let signature = sign::sign(keyring, claim.webhook, secrets, &id, tx.now, &body)?;
        let headers = Headers {
            id,
            timestamp: sign::seconds(tx.now),
            signature,
        };
        Ok(Some(Item {
            claim,
            url: target.url.into(),
            at: tx.now,
            headers,
            body,
        }))
    }
}

/// A delivery that was claimed.
pub struct Item {
    /// Its row.
    claim: Claim,
    /// Where it goes.
    url: String,
    /// When this try begins.
    at: Timestamp,
    /// What changes of its headers.
    headers: Headers,
    /// Its body.
    body: Vec<u8>,
}

impl Item {
    /// The webhook that is told, and the id of the event.
    pub fn about(&self) -> (Uuid, Uuid) {
        (self.claim.webhook, self.claim.id)
    }

    /// When this try begins.
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

impl Channel for Webhooks {
    type Row = Row;
    type Item = Item;
    type Outcome = Attempt;
    type Turns = Turns;
    const NAME: &'static str = "webhooks";
    const TOPIC: Topic = Topic::Webhooks;
    const ROOM: Room = Room {
        urgent: 0,
        usual: 64,
        slow: 16,
        unknown: 48,
        again: 48,
        organization: 32,
        first: 1,
    };

    fn find(
        &self,
        reader: &Reader<'_>,
        turns: &mut Turns,
        offer: &mut Offer<'_>,
    ) -> Result<Found<Row>> {
        turns.find(reader, offer)
    }

    fn ripen(&self, tx: &WriteTx<'_>) -> Result<()> {
        store::ripen(tx)
    }

    fn place(&self, item: &Item) -> Place {
        item.claim.place.clone()
    }

    fn answer(&self, attempt: &Attempt) -> Answer {
        match (&attempt.error, attempt.duration_ms >= SLOW_MS) {
            (None, false) => Answer::Taken,
            (None, true) => Answer::TakenLate,
            (Some(_), false) => Answer::Failed(attempt.rest_ms),
            (Some(_), true) => Answer::TimedOut,
        }
    }

    fn wake(&self, tx: &WriteTx<'_>, place: &Place) -> Result<bool> {
        Uuid::try_parse(&place.destination).map_or(Ok(false), |webhook| store::wake(tx, webhook))
    }

    fn claim(&self, tx: &WriteTx<'_>, rows: &[Row]) -> Result<Vec<Item>> {
        let lease = store::new_lease()?;
        let mut items = Vec::new();
        for row in rows {
            let target = unless_damaged("webhook", find_enabled(tx, row.webhook))?;
            // A webhook may have been disabled since the row was found.
            if let Some(None) = target {
                continue;
            }
            // What is damaged comes again when its lease has ended, and holds up nothing else.
            let claim = unless_damaged("webhook_delivery", store::claim(tx, row, lease))?;
            if let Some(claim) = claim.flatten()
                && let Some(target) = target.flatten()
            {
                let item = unless_damaged("event", self.item(tx, claim, target))?;
                items.extend(item.flatten());
            }
        }
        Ok(items)
    }

    fn deliver(&self, item: &Item) -> Attempt {
        let began = Instant::now();
        let answer = match self.faults.take(Target::Webhooks) {
            None => self.client.post(&item.url, &item.headers, &item.body),
            Some(Fault::Code(code)) => Ok(Reply {
                status: code,
                retry_after: None,
            }),
            Some(Fault::Fail | Fault::Stall) => Err("the endpoint cannot be reached (/dev/faults)"),
        };
        let duration_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        Attempt::new(item.at, duration_ms, answer)
    }

    fn record(&self, tx: &WriteTx<'_>, item: &Item, attempt: &Attempt) -> Result<()> {
        let claim = &item.claim;
        let next_ms = delay::delay_ms(PLAN, claim.attempts, tx.spread())
            .filter(|_| attempt.status != Some(GONE));
        let (state, due_at) = match (&attempt.error, next_ms) {
            (None, _) => (DeliveryState::Delivered, tx.now),
            (Some(_), None) => (DeliveryState::Failed, tx.now),
            (Some(_), Some(ms)) => {
                let ms = ms.max(attempt.rest_ms.unwrap_or_default());
                (
                    DeliveryState::Waiting,
                    Timestamp::from_millis(tx.now.as_millis().saturating_add(ms)),
                )
            }
        };
        if !store::record(tx, claim, state, due_at, attempt)? || state != DeliveryState::Failed {
            return Ok(());
        }
        let is_gone = attempt.status == Some(GONE);
        let reason = if is_gone {
            DisabledReason::Gone
        } else {
            DisabledReason::Exhausted
        };
        if super::history::disable(tx, claim.webhook, reason)? {
            let (webhook, why) = (claim.webhook, attempt.error.as_deref().unwrap_or_default());
            log::warn!(
                "the webhook {webhook} is disabled ({}): {why} at try {}",
                reason.name(),
                claim.attempts
            );
        }
        Ok(())
    }

    fn remove(&self, tx: &WriteTx<'_>, item: &Item) -> Result<()> {
        store::remove(tx, &item.claim)
    }

    fn release(&self, tx: &WriteTx<'_>) -> Result<()> {
        store::release(tx)
    }

    fn recall(&self, tx: &WriteTx<'_>) -> Result<()> {
        store::recall(tx, PLAN, MOST_REST_MS)
    }
}

/// The webhook to which a delivery goes; none: it is gone or disabled.
fn find_enabled(tx: &WriteTx<'_>, webhook: Uuid) -> Result<Option<Webhook>> {
    Ok(super::store::find(tx, webhook)?.filter(|webhook| webhook.disabled.is_none()))
}

/// Sweeps the log at once, and then every hour, for as long as it is polled.
pub(crate) async fn keep_swept(db: Db) {
    loop {
        if let Err(error) = sweep(&db).await {
            log::error!("webhooks: old deliveries stay until the next sweep: {error}");
        }
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}

/// Deletes deliveries that ended long ago, a small job at a time. Returns how many.
///
/// # Errors
/// When the file cannot be written.
async fn sweep(db: &Db) -> Result<usize> {
    let mut swept = 0;
    loop {
        let job =
            |tx: &WriteTx<'_>| delete_old(tx, tx.now.plus_seconds(-KEPT_SECONDS), ROWS_PER_JOB);
        match db.write(job).await? {
            0 => return Ok(swept),
            count => swept += count,
        }
    }
}
