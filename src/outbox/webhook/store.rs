//! The SQL of the queue of deliveries.

use rusqlite::{OptionalExtension, named_params};
use uuid::Uuid;

use super::DeliveryState;
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Reader, Topic, WriteTx};
use crate::outbox::delay::{self, Delay};
use crate::outbox::places::{Lane, Place};
use crate::outbox::worker::LEASE_SECONDS;

/// The most deliveries that one write makes due when their endpoint is back.
const WOKEN_ROWS: u32 = 500;

/// A webhook that has something waiting.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The webhook.
    pub webhook: Uuid,
    /// Whose it is; none: the operator's.
    pub organization: Option<String>,
    /// When the oldest delivery is due that was not tried yet.
    first_due: Option<i64>,
    /// The same of those that were tried.
    again_due: Option<i64>,
    /// When the first lease is over.
    lost_at: Option<i64>,
}

impl Waiting {
    /// Whether a delivery is due at `now`.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        [self.first_due, self.again_due]
            .into_iter()
            .flatten()
            .any(|due| due <= now.as_millis())
    }

    /// Whether a lease is over at `now`.
    pub(crate) fn has_lost(&self, now: Timestamp) -> bool {
        self.lost_at.is_some_and(|lost| lost <= now.as_millis())
    }
}

/// A delivery that is due.
#[derive(Clone, Debug)]
pub struct Row {
    /// The delivery.
    pub id: Uuid,
    /// The webhook.
    pub webhook: Uuid,
    /// When it was due.
    pub due_at: i64,
    /// What its place is counted under.
    pub place: Place,
}

/// A delivery that was claimed, with all that it takes to send it.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The webhook.
    pub webhook: Uuid,
    /// The delivery.
    pub id: Uuid,
    /// How often it was tried, this time included.
    pub attempts: u32,
    /// What its place is counted under.
    pub place: Place,
    /// Whose event it is; none: it is a test.
    pub organization: Option<String>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// What tells this claim from every other one.
    lease: u32,
}

/// What became of a try.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How many milliseconds it took.
    pub duration_ms: i64,
    /// The status of the answer.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// For how many milliseconds the endpoint asks to be left alone.
    pub rest_ms: Option<i64>,
}

/// Queues an event for every webhook that is to be told of it.
pub(crate) fn queue(
    tx: &WriteTx<'_>,
    organization: &OrganizationId,
    event_type: &str,
    id: Uuid,
) -> Result<()> {
    // Mostly there is none, and a look takes half of what the statement below takes to find out.
    if !tx
        .prepare_cached("select 1 from webhook limit 1")?
        .exists([])?
    {
        return Ok(());
    }
    let queued = tx
        .prepare_cached(
            "insert into webhook_delivery (webhook_id, id, organization_id, state, lane, due_at,
             attempts, created_at)
             select id, :id, :organization_id, 0, 1, :now, 0, :now
             from webhook
             where disabled_at is null
               and (organization_id is null or organization_id = :organization_id)
               and (types is null or exists (select 1 from json_each(types) where value = :type))",
        )?
        .execute(named_params! {
            ":id": id.as_bytes(),
            ":organization_id": organization.as_str(),
            ":now": tx.now.as_millis(),
            ":type": event_type,
        })?;
    if queued > 0 {
        tx.announce(Topic::Webhooks);
    }
    Ok(())
}

/// Queues a test. Returns its id.
pub fn queue_test(tx: &WriteTx<'_>, webhook: Uuid) -> Result<Uuid> {
    let id = tx.new_id();
    tx.prepare_cached(
        "insert into webhook_delivery (webhook_id, id, state, lane, due_at, attempts, created_at)
         values (:webhook_id, :id, 0, 1, :now, 0, :now)",
    )?
    .execute(
        named_params! { ":webhook_id": webhook.as_bytes(), ":id": id.as_bytes(),
        ":now": tx.now.as_millis() },
    )?;
    tx.announce(Topic::Webhooks);
    Ok(id)
}

/// Queues a delivery again, whatever became of it: now, with all its tries before it.
pub fn requeue(tx: &WriteTx<'_>, webhook: Uuid, id: Uuid) -> Result<()> {
    tx.prepare_cached(
        "update webhook_delivery
         set state = 0, lane = 1, due_at = :now, lease = null, attempts = 0, error = null
         where webhook_id = :webhook_id
           and id = :id",
    )?
    .execute(
        named_params! { ":now": tx.now.as_millis(), ":webhook_id": webhook.as_bytes(),
        ":id": id.as_bytes() },
    )?;
    tx.announce(Topic::Webhooks);
    Ok(())
}

/// The enabled webhooks, with what waits for them.
pub fn list_waiting(reader: &Reader<'_>) -> Result<Vec<Waiting>> {
    let [first_due, again_due, lost_at] = ["= 1", "= 2", "is null"].map(first_due_sql);
    let mut statement = reader.prepare_cached(&format!(
        "select id, organization_id, {first_due}, {again_due}, {lost_at}
         from webhook
         where disabled_at is null"
    ))?;
    let rows = statement.query_map([], |row| {
        Ok(Waiting {
            webhook: Uuid::from_bytes(row.get(0)?),
            organization: row.get(1)?,
            first_due: row.get(2)?,
            again_due: row.get(3)?,
            lost_at: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// SQL of the first moment at which a delivery of a webhook is due whose lane passes `test`: one
/// look into an index.
fn first_due_sql(test: &str) -> String {
    format!(
        "(select min(due_at)
          from webhook_delivery
          where webhook_id = webhook.id
            and state = 0
            and lane {test})"
    )
}

/// The oldest deliveries of a lane that are due at a webhook, `rows` at most.
pub fn list_due(
    reader: &Reader<'_>,
    waiting: &Waiting,
    lane: Lane,
    rows: usize,
) -> Result<Vec<Row>> {
    let mut statement = reader.prepare_cached(
        "select id, due_at
         from webhook_delivery
         where webhook_id = ?1
           and state = 0
           and lane = ?2
           and due_at <= ?3
         order by due_at, id
         limit ?4",
    )?;
    let webhook = waiting.webhook;
    let place = Place {
        destination: webhook.to_string(),
        organization: waiting.organization.clone(),
        lane,
    };
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let bound = (webhook.as_bytes(), lane as u8, reader.now.as_millis(), rows);
    let rows = statement.query_map(bound, |row| {
        Ok(Row {
            id: Uuid::from_bytes(row.get(0)?),
            webhook,
            due_at: row.get(1)?,
            place: place.clone(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A number for the claims of one write.
///
/// # Errors
/// When the system has no randomness to give.
pub fn new_lease() -> Result<u32> {
    Ok(getrandom::u32().map_err(Error::internal)?.max(1))
}

/// Claims a delivery that is still due.
pub fn claim(tx: &WriteTx<'_>, row: &Row, lease: u32) -> Result<Option<Claim>> {
    let mut statement = tx.prepare_cached(
        "update webhook_delivery
         set lane = null, lease = :lease, due_at = :lost_at, attempts = attempts + 1
         where webhook_id = :webhook_id
           and id = :id
           and state = 0
           and lane is not null
           and due_at <= :now
         returning attempts, organization_id, created_at",
    )?;
    let bound = named_params! {
        ":lease": lease,
        ":lost_at": tx.now.plus_seconds(LEASE_SECONDS).as_millis(),
        ":webhook_id": row.webhook.as_bytes(),
        ":id": row.id.as_bytes(),
        ":now": tx.now.as_millis(),
    };
    let claimed = statement.query_row(bound, |columns| {
        Ok(Claim {
            webhook: row.webhook,
            id: row.id,
            attempts: columns.get(0)?,
            place: row.place.clone(),
            organization: columns.get(1)?,
            created_at: Timestamp::from_millis(columns.get(2)?),
            lease,
        })
    });
    Ok(claimed.optional()?)
}

/// Takes back leases that are over: whoever had them is gone.
pub(crate) fn ripen(tx: &WriteTx<'_>) -> Result<()> {
    tx.prepare_cached(
        "update webhook_delivery
         set lane = 2, lease = null
         where webhook_id in (select id from webhook)
           and state = 0
           and lane is null
           and due_at <= :now",
    )?
    .execute(named_params! { ":now": tx.now.as_millis() })?;
    Ok(())
}

/// Makes due, in the order of their events, deliveries that wait for their next try at a webhook.
/// Returns whether there may be more.
pub(crate) fn wake(tx: &WriteTx<'_>, webhook: Uuid) -> Result<bool> {
    let woken = tx
        .prepare_cached(
            "update webhook_delivery
             set due_at = min(created_at, :now)
             where webhook_id = :webhook_id
               and id in (select id
                          from webhook_delivery
                          where webhook_id = :webhook_id
                            and state = 0
                            and lane = 2
                            and due_at > :now
                          order by due_at
                          limit :rows)",
        )?
        .execute(named_params! {
            ":webhook_id": webhook.as_bytes(),
            ":now": tx.now.as_millis(),
            ":rows": WOKEN_ROWS,
        })?;
    Ok(woken == WOKEN_ROWS as usize)
}

/// Takes back every lease.
pub(crate) fn release(tx: &WriteTx<'_>) -> Result<()> {
    tx.prepare_cached(
        "update webhook_delivery
         set lane = 2, lease = null, due_at = :now
         where webhook_id in (select id from webhook)
           and state = 0
           and lane is null",
    )?
    .execute(named_params! { ":now": tx.now.as_millis() })?;
    Ok(())
}

/// Makes due what is due later than `plan`, or an endpoint that asked to be left alone for
/// `most_ms`, can ever put it off. A lease that ends later than one that is given now ends with
/// that one.
pub(crate) fn recall(tx: &WriteTx<'_>, plan: &[Delay], most_ms: i64) -> Result<()> {
    let wait = delay::longest_wait_sql(plan, 0);
    tx.prepare_cached(&format!(
        "update webhook_delivery
         set due_at = iif(lane is null, :lease_end, :now)
         where webhook_id in (select id from webhook)
           and state = 0
           and due_at > iif(lane is null,
                            :lease_end,
                            :now + max({wait}, iif(status in (429, 502, 503, 504), :most_ms, 0)))"
    ))?
    .execute(named_params! {
        ":now": tx.now.as_millis(),
        ":most_ms": most_ms,
        ":lease_end": tx.now.plus_seconds(LEASE_SECONDS).as_millis(),
    })?;
    Ok(())
}

/// Takes a claimed delivery out that has nothing to send: its event is gone.
pub(crate) fn remove(tx: &WriteTx<'_>, claim: &Claim) -> Result<()> {
    tx.prepare_cached("delete from webhook_delivery where webhook_id = ?1 and id = ?2")?
        .execute((claim.webhook.as_bytes(), claim.id.as_bytes()))?;
    Ok(())
}

/// Records a try: how far the delivery has come, and when it is due again, or has ended. Returns
/// whether it was still the claimed one: one that was queued again since then stays as it is.
pub fn record(
    tx: &WriteTx<'_>,
    claim: &Claim,
    state: DeliveryState,
    due_at: Timestamp,
    attempt: &Attempt,
) -> Result<bool> {
    let changed = tx
        .prepare_cached(
            "update webhook_delivery
             set state = :state,
                 lane = iif(:state = 0, 2, null),
                 due_at = :due_at,
                 lease = null,
                 last_attempt_at = :at,
                 duration_ms = :duration_ms,
                 status = :status,
                 error = :error
             where webhook_id = :webhook_id
               and id = :id
               and state = 0
               and lease = :lease",
        )?
        .execute(named_params! {
            ":state": state as u8,
            ":due_at": due_at.as_millis(),
            ":at": attempt.at.as_millis(),
            ":duration_ms": attempt.duration_ms,
            ":status": attempt.status,
            ":error": attempt.error,
            ":webhook_id": claim.webhook.as_bytes(),
            ":id": claim.id.as_bytes(),
            ":lease": claim.lease,
        })?;
    Ok(changed > 0)
}

/// When the delivery was made that has waited longest for an enabled webhook, among the first 500.
pub(crate) fn find_oldest(reader: &Reader<'_>) -> Result<Option<Timestamp>> {
    let sql = "select min(created_at) from (select d.created_at
               from webhook w cross join webhook_delivery d on d.webhook_id = w.id and d.state = 0
               where w.disabled_at is null limit 500)";
    let oldest: Option<i64> = reader
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?;
    Ok(oldest.map(Timestamp::from_millis))
}
