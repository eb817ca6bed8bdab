//! The SQL of events.
//!
//! * [`row`] is that of single rows with their chain.

pub mod row;

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::chain::EventRow;
use super::query::{self, EventQuery};
use super::{Event, NewEvent};
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::base::id::lowest_id_at;
use crate::base::organization_id::OrganizationId;
use crate::base::page::Order;
use crate::db::{Topic, WriteTx, unless_damaged};
use crate::outbox;

/// Adds an event to the history of its organization. Webhooks are told of it where it is news.
pub fn append<F: Serialize>(tx: &WriteTx<'_>, event: &NewEvent<'_, F>) -> Result<()> {
    let id = tx.new_id();
    let json = |facts: Option<&F>| {
        facts
            .map(serde_json::to_string)
            .transpose()
            .map_err(Error::internal)
    };
    let (before, after) = (json(event.before)?, json(event.after)?);
    row::insert(
        tx,
        &EventRow {
            organization: event.organization.as_str(),
            id,
            kind: event.kind.name(),
            invitation: event.invitation,
            actor: &event.origin.actor,
            request_id: &event.origin.request_id,
            created_at: tx.now,
            before: before.as_deref(),
            after: after.as_deref(),
        },
    )?;
    tx.announce(Topic::Events);
    if !tx.is_news() {
        return Ok(());
    }
    outbox::webhook::store::queue(tx, event.organization, event.kind.name(), id)
}

/// One event, turned by `show` into something that does not borrow from its row.
pub(crate) fn find<T>(
    conn: &Connection,
    organization: &OrganizationId,
    id: Uuid,
    show: impl FnOnce(&Event<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = conn.prepare_cached(
        "select id, type, invitation_id, actor, request_id, created_at, before, after
         from event
         where organization_id = ?1
           and id = ?2
           and not exists (select 1 from purge where organization_id = ?1)",
    )?;
    let mut rows = statement.query((organization.as_str(), id.as_bytes()))?;
    rows.next()?
        .map(|row| show(&from_row(row, organization)?))
        .transpose()
}

/// One page of the history of `organization`, each event shown by `show`, in the page's order.
/// Returns the last one that it met, and whether more follow.
///
/// An id never bears an earlier time than its event, so `since` is where the scan begins or ends.
/// It may bear a later one, after the clock went back, so `until` is compared with each event that
/// the scan meets.
pub(crate) fn list(
    conn: &Connection,
    organization: &OrganizationId,
    query: &EventQuery,
    mut show: impl FnMut(&Event<'_>) -> Result<()>,
) -> Result<(Option<Uuid>, bool)> {
    let (filter, page) = (&query.filter, &query.page);
    let earliest = filter.since.map_or(Uuid::nil(), lowest_id_at);
    let (above, below, direction) = match page.order {
        Order::NewestFirst => (earliest, page.start(), "desc"),
        Order::OldestFirst => (earliest.max(page.start()), Uuid::max(), "asc"),
    };
    let types = filter
        .types
        .as_ref()
        .map(|types| serde_json::to_string(&query::names(types)));
    let mut statement = conn.prepare_cached(&format!(
        "select id, type, invitation_id, actor, request_id, created_at, before, after
         from event
         where organization_id = :organization_id
           and id > :above
           and id < :below
           and not exists (select 1 from purge where organization_id = :organization_id)
           and (:types is null or type in (select value from json_each(:types)))
           and (:invitation_id is null or invitation_id = :invitation_id)
           and (:since is null or created_at >= :since)
           and (:until is null or created_at < :until)
         order by id {direction}
         limit :limit"
    ))?;
    let mut rows = statement.query(named_params! {
        ":organization_id": organization.as_str(),
        ":above": above.as_bytes(),
        ":below": below.as_bytes(),
        ":types": types.transpose().map_err(Error::internal)?,
        ":invitation_id": filter.invitation.as_ref().map(Uuid::as_bytes),
        ":since": filter.since.map(Timestamp::as_millis),
        ":until": filter.until.map(Timestamp::as_millis),
        ":limit": page.limit + 1,
    })?;
    let mut last = None;
    for _ in 0..page.limit {
        let Some(row) = rows.next()? else {
            return Ok((last, false));
        };
        last = Some(Uuid::from_bytes(row.get(0)?));
        if let Some(event) = unless_damaged("event", from_row(row, organization))? {
            show(&event)?;
        }
    }
    Ok((last, rows.next()?.is_some()))
}

/// Shows every event of `organization`, in the order of its history. One that cannot be read is an
/// error, and not left out.
///
/// # Errors
/// What `show` returns, or that an event cannot be read.
pub(crate) fn each<E: From<Error>>(
    conn: &Connection,
    organization: &OrganizationId,
    mut show: impl FnMut(&Event<'_>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let sql = "select id, type, invitation_id, actor, request_id, created_at, before, after
               from event
               where organization_id = ?1
               order by id";
    let mut statement = conn.prepare_cached(sql).map_err(Error::from)?;
    let mut rows = statement
        .query([organization.as_str()])
        .map_err(Error::from)?;
    while let Some(row) = rows.next().map_err(Error::from)? {
        show(&from_row(row, organization)?)?;
    }
    Ok(())
}

/// The latest event of `organization`.
pub(crate) fn latest(conn: &Connection, organization: &OrganizationId) -> Result<Option<Uuid>> {
    let mut statement = conn.prepare_cached(
        "select id
         from event
         where organization_id = ?1
           and not exists (select 1 from purge where organization_id = ?1)
         order by id desc
         limit 1",
    )?;
    let latest = statement.query_row([organization.as_str()], |row| {
        row.get(0).map(Uuid::from_bytes)
    });
    Ok(latest.optional()?)
}

/// When the newest event of the file happened.
pub(crate) fn find_newest_time(conn: &Connection) -> Result<Option<Timestamp>> {
    let newest = conn
        .prepare_cached("select created_at from event order by rowid desc limit 1")?
        .query_row([], |row| row.get(0).map(Timestamp::from_millis));
    Ok(newest.optional()?)
}

/// Reads an event, borrowing its texts from the row.
fn from_row<'a>(row: &'a Row<'_>, organization: &'a OrganizationId) -> Result<Event<'a>> {
    let text = |column: usize| -> rusqlite::Result<&'a str> { Ok(row.get_ref(column)?.as_str()?) };
    let json = |column: usize| -> Result<Option<&'a RawValue>> {
        let text = row
            .get_ref(column)?
            .as_str_or_null()
            .map_err(Error::corrupt)?;
        text.map(serde_json::from_str)
            .transpose()
            .map_err(Error::corrupt)
    };
    Ok(Event {
        id: Uuid::from_bytes(row.get(0)?),
        kind: text(1)?,
        organization_id: organization,
        invitation_id: row.get::<_, Option<[u8; 16]>>(2)?.map(Uuid::from_bytes),
        actor: text(3)?,
        request_id: text(4)?,
        created_at: Timestamp::from_millis(row.get(5)?),
        before: json(6)?,
        after: json(7)?,
    })
}
