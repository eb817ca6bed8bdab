//! The SQL of single rows of events, with the chain that they are in.

use rusqlite::{Connection, OptionalExtension, Row};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Reader, WriteTx};
use crate::event::chain::{EventRow, Head};
use crate::event::facts::Facts;

/// Inserts an event behind the last one of its organization, which has a lower id. Nothing else
/// inserts any.
///
/// # Errors
/// When the file cannot be written.
pub fn insert(conn: &Connection, row: &EventRow<'_>) -> Result<()> {
    let facts = Facts::parse(row.before, row.after)?;
    let seals = facts.seal()?;
    let head = find_head(conn, row.organization)?
        .unwrap_or(Head::START)
        .next(row, &facts, &seals)
        .ok_or_else(|| Error::internal("an event with seals that are not its own"))?;
    conn.prepare_cached(
        "insert into event
           (organization_id, id, position, chain, type, invitation_id, actor, request_id,
            created_at, seals, before, after)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute((
        row.organization,
        row.id.as_bytes(),
        head.position,
        head.chain,
        row.kind,
        row.invitation.as_ref().map(Uuid::as_bytes),
        row.actor,
        row.request_id,
        row.created_at.as_millis(),
        seals,
        row.before,
        row.after,
    ))?;
    Ok(())
}

/// How far the history of `organization` has come; none: it has no event.
fn find_head(conn: &Connection, organization: &str) -> Result<Option<Head>> {
    let mut statement = conn.prepare_cached(
        "select position, chain
         from event
         where organization_id = ?1
         order by id desc
         limit 1",
    )?;
    let head = statement.query_row([organization], |row| head_of(row, 0));
    Ok(head.optional()?)
}

/// How far the history of `organization` had come at the event `id`; none: it has no such event.
pub(crate) fn find_head_at(
    conn: &Connection,
    organization: &str,
    id: Uuid,
) -> Result<Option<Head>> {
    let mut statement = conn.prepare_cached(
        "select position, chain
         from event
         where organization_id = ?1
           and id = ?2
           and not exists (select 1 from purge where organization_id = ?1)",
    )?;
    let head = statement.query_row((organization, id.as_bytes()), |row| head_of(row, 0));
    Ok(head.optional()?)
}

/// Takes the members whose text `is_erased` out of the facts of an event. Returns whether there
/// was one.
pub(crate) fn erase(
    tx: &WriteTx<'_>,
    organization: &OrganizationId,
    id: Uuid,
    is_erased: impl Fn(&str) -> bool,
) -> Result<bool> {
    let mut look = tx.prepare_cached(
        "select seals, before, after from event where organization_id = ?1 and id = ?2",
    )?;
    let mut rows = look.query((organization.as_str(), id.as_bytes()))?;
    let Some(row) = rows.next()? else {
        return Ok(false);
    };
    let seals: Vec<u8> = row.get(0)?;
    let (before, after): (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
    drop(rows);
    let Ok(mut facts) = Facts::parse(before.as_deref(), after.as_deref()) else {
        return Ok(false);
    };
    let Some(seals) = facts.erase(&seals, is_erased) else {
        return Ok(false);
    };
    let [before, after] = facts.texts()?;
    tx.prepare_cached(
        "update event set seals = ?3, before = ?4, after = ?5
         where organization_id = ?1
           and id = ?2",
    )?
    .execute((organization.as_str(), id.as_bytes(), seals, before, after))?;
    Ok(true)
}

/// An event, and what its row says of the chain.
pub(crate) struct Chained<'a> {
    /// The event.
    pub row: EventRow<'a>,
    /// How far its history has come with it.
    pub head: Head,
    /// The seals of its facts.
    pub seals: &'a [u8],
}

/// Where a row is, as far as that can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Whose event it is.
    pub organization: String,
    /// Its id.
    pub id: Uuid,
}

/// Shows every event of the file, history by history, each in its order. Those of an organization
/// that is being deleted go one by one, so they are left out.
pub(crate) fn walk(
    reader: &Reader<'_>,
    mut show: impl FnMut(Place, Result<Chained<'_>>) -> Result<()>,
) -> Result<()> {
    let mut statement = reader.prepare(WALK)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let bytes = |column| row.get_ref(column).ok()?.as_bytes().ok();
        let place = Place {
            organization: String::from_utf8_lossy(bytes(0).unwrap_or_default()).into_owned(),
            id: Uuid::from_slice(bytes(1).unwrap_or_default()).unwrap_or_default(),
        };
        show(place, chained(row))?;
    }
    Ok(())
}

/// In the order of the index, so that nothing is sorted.
const WALK: &str =
    "select organization_id, id, type, invitation_id, actor, request_id, created_at, before, after,
            position, chain, seals
     from event indexed by sqlite_autoindex_event_1
     where not exists (select 1 from purge where purge.organization_id = event.organization_id)
     order by organization_id, id";

/// Reads a row of the walk, borrowing its texts.
fn chained<'a>(row: &'a Row<'_>) -> Result<Chained<'a>> {
    let text = |column| row.get_ref(column)?.as_str().map_err(Error::corrupt);
    let text_or_null = |column| {
        row.get_ref(column)?
            .as_str_or_null()
            .map_err(Error::corrupt)
    };
    Ok(Chained {
        row: EventRow {
            organization: text(0)?,
            id: Uuid::from_bytes(row.get(1)?),
            kind: text(2)?,
            invitation: row.get::<_, Option<[u8; 16]>>(3)?.map(Uuid::from_bytes),
            actor: text(4)?,
            request_id: text(5)?,
            created_at: Timestamp::from_millis(row.get(6)?),
            before: text_or_null(7)?,
            after: text_or_null(8)?,
        },
        head: head_of(row, 9)?,
        seals: row.get_ref(11)?.as_blob().map_err(Error::corrupt)?,
    })
}

/// Reads a head whose columns begin at `column`.
fn head_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Head> {
    Ok(Head {
        position: row.get(column)?,
        chain: row.get(column + 1)?,
    })
}
