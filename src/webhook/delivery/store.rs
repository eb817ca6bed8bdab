//! The SQL of the log of deliveries.

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use uuid::Uuid;

use super::query::DeliveryQuery;
use super::{Record, Standing};
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::base::id;
use crate::base::organization_id::OrganizationId;
use crate::db::WriteTx;
use crate::event;
use crate::outbox::webhook::DeliveryState;
use crate::webhook::TEST_TYPE;

/// Columns of a [`Record`], in the order that [`from_row`] reads, of a delivery `d`, its webhook
/// `w` and its event `e`.
const COLUMNS: &str =
    "d.id, d.state, d.organization_id, e.type, d.attempts, d.created_at, d.last_attempt_at, \
     d.duration_ms,
    d.status, d.error, iif(d.state = 0 and d.lane is not null and w.disabled_at is null, \
    d.due_at, null)";
/// Where these come from. What is of an organization that is being deleted is not among them.
const JOINED: &str = "webhook_delivery d
    join webhook w on w.id = d.webhook_id
      and not exists (select 1 from purge where organization_id = d.organization_id)
    left join event e on e.organization_id = d.organization_id and e.id = d.id";

/// The most rows of a webhook that [`standing`] reads.
pub(crate) const MOST_COUNTED: u32 = 1000;

/// How the deliveries of a webhook fare.
pub(crate) fn standing(conn: &Connection, webhook: Uuid) -> Result<Standing> {
    let mut count = conn.prepare_cached(
        "select count(*)
         from (select 1 from webhook_delivery where webhook_id = ?1 and state = 0 limit ?2)",
    )?;
    let mut last = conn.prepare_cached(
        "select last_attempt_at, status, error
         from (select last_attempt_at, status, error
               from webhook_delivery
               where webhook_id = ?1
               order by id desc
               limit ?2)
         where last_attempt_at is not null
         order by last_attempt_at desc
         limit 1",
    )?;
    let bound = (webhook.as_bytes(), MOST_COUNTED);
    let waiting = count.query_row(bound, |row| row.get(0))?;
    let tried = last.query_row(bound, |row| {
        Ok(Standing {
            waiting,
            last_attempt_at: Some(Timestamp::from_millis(row.get(0)?)),
            status: row.get(1)?,
            error: row.get(2)?,
        })
    });
    Ok(tried.optional()?.unwrap_or(Standing {
        waiting,
        last_attempt_at: None,
        status: None,
        error: None,
    }))
}

/// Deletes up to `rows` deliveries that were queued before `limit` and have ended,
/// or belong to a webhook that is disabled. Returns how many that were.
pub(crate) fn delete_old(tx: &WriteTx<'_>, limit: Timestamp, rows: usize) -> Result<usize> {
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
    let webhooks: Vec<[u8; 16]> = webhooks
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let below = id::lowest_id_at(limit);
    let mut count = 0;
    for webhook in webhooks {
        let left = rows.saturating_sub(count);
        if left == 0 {
            break;
        }
        let left = i64::try_from(left).unwrap_or(i64::MAX);
        count += statement.execute(named_params! {
            ":webhook_id": webhook, ":limit": below.as_bytes(), ":rows": left,
        })?;
    }
    Ok(count)
}

/// Deletes up to `rows` deliveries of a webhook, whatever their state. Returns how many that were.
pub(crate) fn delete_some(tx: &WriteTx<'_>, webhook: Uuid, rows: u32) -> Result<usize> {
    let mut statement = tx.prepare_cached(
        "delete from webhook_delivery
         where webhook_id = ?1
           and id in (select id from webhook_delivery where webhook_id = ?1 limit ?2)",
    )?;
    Ok(statement.execute((webhook.as_bytes(), rows))?)
}

/// One delivery. `conn` is a reader's or a transaction's.
pub(crate) fn find(conn: &Connection, webhook: Uuid, id: Uuid) -> Result<Option<Record>> {
    let mut statement = conn.prepare_cached(&format!(
        "select {COLUMNS} from {JOINED} where d.webhook_id = ?1 and d.id = ?2"
    ))?;
    Ok(statement
        .query_row((webhook.as_bytes(), id.as_bytes()), from_row)
        .optional()?)
}

/// One page of the log of a webhook, newest first. Returns whether more follow.
pub(crate) fn list(
    conn: &Connection,
    webhook: Uuid,
    query: &DeliveryQuery,
) -> Result<(Vec<Record>, bool)> {
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
    let mut records: Vec<_> = statement
        .query_map(bound, from_row)?
        .collect::<rusqlite::Result<_>>()?;
    let limit = usize::try_from(query.page.limit).unwrap_or(usize::MAX);
    let has_more = records.len() > limit;
    records.truncate(limit);
    Ok((records, has_more))
}

/// The body of a delivery, the same at every try: the event as the API shows it, or a test, which
/// has no organization.
pub(crate) fn body(
    conn: &Connection,
    webhook: Uuid,
    id: Uuid,
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
        let body = Body {
            kind: TEST_TYPE,
            timestamp: created_at,
            data: Test {
                id,
                webhook_id: webhook,
            },
        };
        return serde_json::to_vec(&body).map(Some).map_err(Error::internal);
    };
    let organization = OrganizationId::from_stored(organization)?;
    event::store::find(conn, &organization, id, |event| {
        let body = Body {
            kind: event.kind,
            timestamp: event.created_at,
            data: event,
        };
        serde_json::to_vec(&body).map_err(Error::internal)
    })
}

/// Reads a [`Record`] from a row of [`COLUMNS`].
fn from_row(row: &Row<'_>) -> rusqlite::Result<Record> {
    let time = |column: usize| {
        Ok::<_, rusqlite::Error>(
            row.get::<_, Option<i64>>(column)?
                .map(Timestamp::from_millis),
        )
    };
    let state = DeliveryState::ALL
        .get(usize::from(row.get::<_, u8>(1)?))
        .copied();
    Ok(Record {
        id: Uuid::from_bytes(row.get(0)?),
        state: state.ok_or(rusqlite::Error::IntegralValueOutOfRange(1, 0))?,
        organization: row.get(2)?,
        kind: row
            .get::<_, Option<String>>(3)?
            .unwrap_or_else(|| TEST_TYPE.to_owned()),
        attempts: row.get(4)?,
        created_at: Timestamp::from_millis(row.get(5)?),
        last_attempt_at: time(6)?,
        duration_ms: row.get(7)?,
        status: row.get(8)?,
        error: row.get(9)?,
        next_attempt_at: time(10)?,
    })
}
