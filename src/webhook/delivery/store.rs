//! The SQL of deliveries: the queue, and the log.

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use uuid::Uuid;

use super::query::DeliveryQuery;
use super::{DeliveryState, Record};
use crate::clock::Timestamp;
use crate::db::{Reader, Topic, WriteTx};
use crate::error::{Error, Result};
use crate::event::{self, EventType};
use crate::organization::OrganizationId;
use crate::outbox::{self, Delay, LEASE_SECONDS};
use crate::webhook::{self, Secrets, TEST_TYPE, Webhook};

/// Columns of a [`Record`], in the order that [`from_row`] reads, of a delivery `d`, its webhook `w` and its event `e`.
const COLUMNS: &str =
    "d.id, d.state, d.organization_id, e.type, d.attempts, d.created_at, d.last_attempt_at, d.duration_ms,
    d.status, d.error, iif(d.state = 0 and d.leased = 0 and w.disabled_at is null, d.due_at, null)";
/// Where these come from. What is of an organization that is being deleted is not among them.
const JOINED: &str = "webhook_delivery d
    join webhook w on w.id = d.webhook_id
      and not exists (select 1 from purge where organization_id = d.organization_id)
    left join event e on e.organization_id = d.organization_id and e.id = d.id";

/// A delivery that was claimed, with all that it takes to send it.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The webhook.
    pub webhook: Uuid,
    /// The delivery.
    pub id: Uuid,
    /// Where it goes.
    pub url: String,
    /// Which secrets sign it.
    pub secrets: Secrets,
    /// How often it was tried, this time included.
    pub attempts: u32,
    /// Whose event it is; none: it is a test.
    organization: Option<String>,
    /// When it was queued.
    created_at: Timestamp,
    /// Until when it is claimed.
    lease: Timestamp,
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
}

/// Queues an event for every webhook that is to be told of it. Where there is none this is one look at an empty table.
pub fn queue(tx: &WriteTx<'_>, organization: &OrganizationId, (event, id): (EventType, Uuid)) -> Result<()> {
    let queued = tx
        .prepare_cached(
            "insert into webhook_delivery (webhook_id, id, organization_id, state, due_at, leased, attempts, created_at)
             select id, :id, :organization_id, 0, :now, 0, 0, :now
             from webhook
             where disabled_at is null
               and (organization_id is null or organization_id = :organization_id)
               and (types is null or exists (select 1 from json_each(types) where value = :type))",
        )?
        .execute(named_params! {
            ":id": id.as_bytes(),
            ":organization_id": organization.as_str(),
            ":now": tx.now.as_millis(),
            ":type": event.name(),
        })?;
    if queued > 0 {
        tx.announce(Topic::Webhooks);
    }
    Ok(())
}

/// Queues a test. Answers its id.
pub fn queue_test(tx: &WriteTx<'_>, webhook: Uuid) -> Result<Uuid> {
    let id = tx.new_id();
    tx.prepare_cached(
        "insert into webhook_delivery (webhook_id, id, state, due_at, leased, attempts, created_at)
         values (:webhook_id, :id, 0, :now, 0, 0, :now)",
    )?
    .execute(named_params! { ":webhook_id": webhook.as_bytes(), ":id": id.as_bytes(), ":now": tx.now.as_millis() })?;
    tx.announce(Topic::Webhooks);
    Ok(id)
}

/// Queues a delivery again, whatever became of it: now, with all its tries before it.
pub fn requeue(tx: &WriteTx<'_>, webhook: Uuid, id: Uuid) -> Result<()> {
    tx.prepare_cached(
        "update webhook_delivery
         set state = 0, due_at = :now, leased = 0, attempts = 0, error = null
         where webhook_id = :webhook_id
           and id = :id",
    )?
    .execute(named_params! { ":now": tx.now.as_millis(), ":webhook_id": webhook.as_bytes(), ":id": id.as_bytes() })?;
    tx.announce(Topic::Webhooks);
    Ok(())
}

/// When the next delivery is due, or its lease is over, at a webhook that is not busy with `most` others.
pub fn next_due(reader: &Reader<'_>, most: usize) -> Result<Option<Timestamp>> {
    let mut statement = reader.prepare_cached(
        "select min(min(coalesce(due, lease), coalesce(lease, due)))
         from (select (select min(due_at) from webhook_delivery
                       where webhook_id = webhook.id and state = 0 and leased = 0) as due,
                      (select min(due_at) from webhook_delivery
                       where webhook_id = webhook.id and state = 0 and leased = 1) as lease,
                      (select count(*) from webhook_delivery
                       where webhook_id = webhook.id and state = 0 and leased = 1 and due_at > :now) as busy
               from webhook
               where disabled_at is null)
         where busy < :most",
    )?;
    let bound = named_params! { ":now": reader.now.as_millis(), ":most": i64::try_from(most).unwrap_or(i64::MAX) };
    let due: Option<i64> = statement.query_row(bound, |row| row.get(0))?;
    Ok(due.map(Timestamp::from_millis))
}

/// Claims up to `room` deliveries that are due, at most `most` at a time for one webhook: those of the webhook that waits longest
/// come first.
pub fn claim(tx: &WriteTx<'_>, room: usize, most: usize) -> Result<Vec<Claim>> {
    let mut webhooks = tx.prepare_cached(
        "select id,
                (select min(due_at) from webhook_delivery where webhook_id = webhook.id and state = 0 and leased = 0) as due
         from webhook
         where disabled_at is null
         order by due",
    )?;
    let webhooks: Vec<[u8; 16]> = webhooks.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut claims = Vec::new();
    for webhook in webhooks {
        let left = room.saturating_sub(claims.len());
        if left == 0 {
            break;
        }
        claim_of(tx, Uuid::from_bytes(webhook), (left, most), &mut claims)?;
    }
    Ok(claims)
}

/// Claims what is due at one webhook.
fn claim_of(tx: &WriteTx<'_>, webhook: Uuid, (room, most): (usize, usize), claims: &mut Vec<Claim>) -> Result<()> {
    let Webhook { url, secrets, .. } = webhook::store::find(tx, webhook)?.ok_or_else(Error::not_found)?;
    let bound = named_params! { ":webhook_id": webhook.as_bytes(), ":now": tx.now.as_millis() };
    // Whoever had these is gone.
    tx.prepare_cached(
        "update webhook_delivery set leased = 0
         where webhook_id = :webhook_id and state = 0 and leased = 1 and due_at <= :now",
    )?
    .execute(bound)?;
    let busy: i64 = tx
        .prepare_cached("select count(*) from webhook_delivery where webhook_id = ?1 and state = 0 and leased = 1")?
        .query_row([webhook.as_bytes()], |row| row.get(0))?;
    let room = room.min(most.saturating_sub(usize::try_from(busy).unwrap_or(most)));
    let lease = tx.now.plus_seconds(LEASE_SECONDS);
    let mut statement = tx.prepare_cached(
        "update webhook_delivery
         set leased = 1, due_at = :lease, attempts = attempts + 1
         where webhook_id = :webhook_id
           and id in (select id
                      from webhook_delivery
                      where webhook_id = :webhook_id
                        and state = 0
                        and leased = 0
                        and due_at <= :now
                      order by due_at
                      limit :room)
         returning id, attempts, organization_id, created_at",
    )?;
    let mut rows = statement.query(named_params! {
        ":webhook_id": webhook.as_bytes(),
        ":now": tx.now.as_millis(),
        ":lease": lease.as_millis(),
        ":room": i64::try_from(room).unwrap_or(i64::MAX),
    })?;
    while let Some(row) = rows.next()? {
        claims.push(Claim {
            webhook,
            id: Uuid::from_bytes(row.get(0)?),
            url: url.to_string(),
            secrets,
            attempts: row.get(1)?,
            organization: row.get(2)?,
            created_at: Timestamp::from_millis(row.get(3)?),
            lease,
        });
    }
    Ok(())
}

/// Takes back every lease.
pub fn release(tx: &WriteTx<'_>) -> Result<()> {
    tx.prepare_cached(
        "update webhook_delivery
         set leased = 0, due_at = :now
         where webhook_id in (select id from webhook)
           and state = 0
           and leased = 1",
    )?
    .execute(named_params! { ":now": tx.now.as_millis() })?;
    Ok(())
}

/// Makes due what is due later than `plan` can ever put it off, and with `leased_too` what is leased for
/// longer than any lease.
pub fn recall(tx: &WriteTx<'_>, plan: &[Delay], leased_too: bool) -> Result<()> {
    let wait = outbox::longest_wait_sql(plan);
    tx.prepare_cached(&format!(
        "update webhook_delivery
         set leased = 0, due_at = :now
         where webhook_id in (select id from webhook)
           and state = 0
           and ((leased = 0 and due_at > :now + {wait})
             or (:leased_too and leased = 1 and due_at > :lease_end))"
    ))?
    .execute(named_params! {
        ":now": tx.now.as_millis(),
        ":leased_too": leased_too,
        ":lease_end": tx.now.plus_seconds(LEASE_SECONDS).as_millis(),
    })?;
    Ok(())
}

/// Takes a claimed delivery out that has nothing to send: its event is gone.
pub fn remove(tx: &WriteTx<'_>, claim: &Claim) -> Result<()> {
    tx.prepare_cached("delete from webhook_delivery where webhook_id = ?1 and id = ?2")?
        .execute((claim.webhook.as_bytes(), claim.id.as_bytes()))?;
    Ok(())
}

/// Records a try: how far the delivery has come, and when it is due again, or has ended. Answers whether it was still the claimed
/// one: one that was queued again since then stays as it is.
pub fn record(
    tx: &WriteTx<'_>,
    claim: &Claim,
    (state, due_at): (DeliveryState, Timestamp),
    attempt: &Attempt,
) -> Result<bool> {
    let changed = tx
        .prepare_cached(
            "update webhook_delivery
             set state = :state,
                 due_at = :due_at,
                 leased = 0,
                 last_attempt_at = :at,
                 duration_ms = :duration_ms,
                 status = :status,
                 error = :error
             where webhook_id = :webhook_id
               and id = :id
               and state = 0
               and leased = 1
               and due_at = :lease",
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
            ":lease": claim.lease.as_millis(),
        })?;
    Ok(changed > 0)
}

/// Deletes up to `rows` deliveries of each webhook that were queued before `limit` and have ended, or belong to a webhook that is
/// disabled. Answers how many that were.
pub fn delete_old(tx: &WriteTx<'_>, limit: Timestamp, rows: u32) -> Result<usize> {
    let mut statement = tx.prepare_cached(
        "delete from webhook_delivery
         where webhook_id = :webhook_id
           and id in (select d.id
                      from webhook_delivery d
                      join webhook w on w.id = d.webhook_id
                      where d.webhook_id = :webhook_id
                        and d.id < :limit
                        and (d.state <> 0 or w.disabled_at is not null)
                      limit :rows)",
    )?;
    let mut webhooks = tx.prepare_cached("select id from webhook")?;
    let webhooks: Vec<[u8; 16]> = webhooks.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let below = event::store::lowest_id_at(limit);
    let mut count = 0;
    for webhook in webhooks {
        count +=
            statement.execute(named_params! { ":webhook_id": webhook, ":limit": below.as_bytes(), ":rows": rows })?;
    }
    Ok(count)
}

/// One delivery. `conn` is a reader's or a transaction's.
pub fn find(conn: &Connection, webhook: Uuid, id: Uuid) -> Result<Option<Record>> {
    let mut statement =
        conn.prepare_cached(&format!("select {COLUMNS} from {JOINED} where d.webhook_id = ?1 and d.id = ?2"))?;
    Ok(statement.query_row((webhook.as_bytes(), id.as_bytes()), from_row).optional()?)
}

/// One page of the log of a webhook, newest first. Answers whether more follow.
pub fn list(conn: &Connection, webhook: Uuid, query: &DeliveryQuery) -> Result<(Vec<Record>, bool)> {
    let mut statement = conn.prepare_cached(&format!(
        "select {COLUMNS}
         from {JOINED}
         where d.webhook_id = :webhook_id
           and d.id < :below
           and (:state is null or d.state = :state)
         order by d.id desc
         limit :limit"
    ))?;
    let below = query.page.start();
    let bound = named_params! {
        ":webhook_id": webhook.as_bytes(),
        ":below": below.as_bytes(),
        ":state": query.state.map(|state| state as u8),
        ":limit": query.page.limit + 1,
    };
    let mut records: Vec<_> = statement.query_map(bound, from_row)?.collect::<rusqlite::Result<_>>()?;
    let limit = usize::try_from(query.page.limit).unwrap_or(usize::MAX);
    let has_more = records.len() > limit;
    records.truncate(limit);
    Ok((records, has_more))
}

/// The body of a claimed delivery; none: its event is gone.
pub fn body_of_claim(conn: &Connection, claim: &Claim) -> Result<Option<Vec<u8>>> {
    body(conn, (claim.webhook, claim.id), claim.organization.as_deref(), claim.created_at)
}

/// The body of a delivery, the same at every try: the event as the API shows it, or a test, which has no organization.
pub fn body(
    conn: &Connection,
    (webhook, id): (Uuid, Uuid),
    organization: Option<&str>,
    created_at: Timestamp,
) -> Result<Option<Vec<u8>>> {
    /// What is sent.
    #[derive(serde::Serialize)]
    struct Body<'a, T> {
        /// What happened.
        #[serde(rename = "type")]
        kind: &'a str,
        /// When.
        timestamp: Timestamp,
        /// The event.
        data: T,
    }
    /// What a test says.
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Test {
        /// The delivery.
        id: Uuid,
        /// The webhook that is tested.
        webhook_id: Uuid,
    }
    let Some(organization) = organization else {
        let body = Body { kind: TEST_TYPE, timestamp: created_at, data: Test { id, webhook_id: webhook } };
        return serde_json::to_vec(&body).map(Some).map_err(Error::internal);
    };
    let organization = OrganizationId::parse(organization);
    let organization = organization.ok_or_else(|| Error::corrupt("an organization without a good id"))?;
    event::store::find(conn, &organization, id, |event| {
        let body = Body { kind: event.kind, timestamp: event.created_at, data: event };
        serde_json::to_vec(&body).map_err(Error::internal)
    })
}

/// Reads a [`Record`] from a row of [`COLUMNS`].
fn from_row(row: &Row<'_>) -> rusqlite::Result<Record> {
    let time = |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis));
    let state = DeliveryState::ALL.get(usize::from(row.get::<_, u8>(1)?)).copied();
    Ok(Record {
        id: Uuid::from_bytes(row.get(0)?),
        state: state.ok_or(rusqlite::Error::IntegralValueOutOfRange(1, 0))?,
        organization: row.get(2)?,
        kind: row.get::<_, Option<String>>(3)?.unwrap_or_else(|| TEST_TYPE.to_owned()),
        attempts: row.get(4)?,
        created_at: Timestamp::from_millis(row.get(5)?),
        last_attempt_at: time(6)?,
        duration_ms: row.get(7)?,
        status: row.get(8)?,
        error: row.get(9)?,
        next_attempt_at: time(10)?,
    })
}
