//! The SQL of organizations.

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use uuid::Uuid;

use super::Record;
use super::settings::Settings;
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Reader, Topic, WriteTx, unless_damaged};
use crate::key::Rights;
use crate::purge;

/// Makes the organization known, if it is not yet, and answers its settings: what every create asks
/// first.
///
/// # Errors
/// [`Code::NotFound`] while it is being deleted.
pub fn ensure(tx: &WriteTx<'_>, id: &OrganizationId) -> Result<Settings> {
    // Nearly always it is known and stands: one look is cheaper than two, and than an insert that
    // does nothing. Only this transaction writes.
    let known = tx
        .prepare_cached(
            "select settings, exists (select 1 from purge where organization_id = ?1)
             from organization
             where id = ?1",
        )?
        .query_row([id.as_str()], |row| Ok((settings(row, 0), row.get(1)?)))
        .optional()?;
    if let Some((settings, false)) = known {
        return settings;
    }
    purge::store::check_stands(tx, id)?;
    put(tx, id, &Settings::default())?;
    Ok(Settings::default())
}

/// Sets all settings of an organization, known or not.
pub(crate) fn put(tx: &WriteTx<'_>, id: &OrganizationId, settings: &Settings) -> Result<()> {
    let text = settings_text(settings)?;
    tx.prepare_cached(
        "insert into organization (id, settings, created_at, updated_at)
         values (:id, :settings, :now, :now)
         on conflict (id) do update
         set settings = excluded.settings,
             updated_at = excluded.updated_at",
    )?
    .execute(named_params! { ":id": id.as_str(), ":settings": text, ":now": tx.now.as_millis() })?;
    tx.announce(Topic::Organizations);
    Ok(())
}

/// Puts the invitations behind `after` that are pending, or can be again, under the count for a
/// cap: those among the next `rows`, or all. Returns the last one of these, where more may follow.
pub(crate) fn set_capped(
    tx: &WriteTx<'_>,
    id: &OrganizationId,
    after: Uuid,
    rows: Option<u32>,
) -> Result<Option<Uuid>> {
    let last = match rows {
        Some(rows) => tx
            .prepare_cached(
                "select id
                 from invitation not indexed
                 where organization_id = ?1
                   and id > ?2
                 order by id
                 limit 1 offset ?3",
            )?
            .query_row((id.as_str(), after.as_bytes(), rows - 1), |row| row.get(0))
            .optional()?
            .map(Uuid::from_bytes),
        None => None,
    };
    tx.prepare_cached(
        "update invitation not indexed
         set capped = 1
         where organization_id = :id
           and id > :after
           and id <= :last
           and state in (0, 4)
           and capped is null",
    )?
    .execute(named_params! {
        ":id": id.as_str(),
        ":after": after.as_bytes(),
        ":last": last.unwrap_or(Uuid::max()).as_bytes(),
    })?;
    Ok(last)
}

/// Checks that one more invitation may become pending.
///
/// # Errors
/// [`Code::PendingLimitReached`].
pub(crate) fn check_room(tx: &WriteTx<'_>, id: &OrganizationId, settings: &Settings) -> Result<()> {
    let Some(cap) = settings.max_pending else {
        return Ok(());
    };
    let pending = tx.count_capped(id, |after, until| count_lapsing(tx, id, after, until))?;
    if pending < cap {
        return Ok(());
    }
    let detail =
        format!("This organization may have {cap} pending invitations at a time, and it has.");
    Err(Error::new(Code::PendingLimitReached, detail))
}

/// How many pending invitations of `id` count for its cap.
pub(crate) fn count_pending(reader: &Reader<'_>, id: &OrganizationId) -> Result<i64> {
    count_lapsing(reader, id, reader.now, Timestamp::from_millis(i64::MAX))
}

/// How many invitations of `id` count for its cap, or have, and lapse behind `after`, up to `until`.
fn count_lapsing(
    conn: &Connection,
    id: &OrganizationId,
    after: Timestamp,
    until: Timestamp,
) -> Result<i64> {
    let mut statement = conn.prepare_cached(
        "select count(*)
         from invitation
         where organization_id = ?1
           and state = 0
           and capped = 1
           and expires_at > ?2
           and expires_at <= ?3",
    )?;
    let bound = (id.as_str(), after.as_millis(), until.as_millis());
    Ok(statement.query_row(bound, |row| row.get(0))?)
}

/// How many organizations there are, up to `most`.
pub(crate) fn count_all(conn: &Connection, most: u32) -> Result<i64> {
    let mut statement =
        conn.prepare_cached("select count(*) from (select 1 from organization limit ?1)")?;
    Ok(statement.query_row([most], |row| row.get(0))?)
}

/// The organization, if it is known and is not being deleted. `conn` is a reader's or a
/// transaction's.
pub(crate) fn find(conn: &Connection, id: &OrganizationId) -> Result<Option<Record>> {
    let mut statement = conn.prepare_cached(
        "select settings, created_at, updated_at
         from organization
         where id = ?1
           and not exists (select 1 from purge where organization_id = ?1)",
    )?;
    let mut rows = statement.query([id.as_str()])?;
    rows.next()?.map(|row| record(row, 0)).transpose()
}

/// What the organization asks of its invitations: nothing, where it is not known.
pub(crate) fn get_settings(conn: &Connection, id: &OrganizationId) -> Result<Settings> {
    Ok(find(conn, id)?
        .map(|organization| organization.settings)
        .unwrap_or_default())
}

/// Up to `limit` organizations behind `after` that `rights` let a caller see, by id. Returns the
/// last one where more follow.
pub(crate) fn list(
    conn: &Connection,
    rights: &Rights,
    (after, limit): (&str, u32),
    mut each: impl FnMut(&str, &Record) -> Result<()>,
) -> Result<Option<String>> {
    // A caller who is bound to a few of a million organizations must not step over all of them.
    let bound = rights
        .organizations
        .as_ref()
        .map(serde_json::to_string)
        .transpose()
        .map_err(Error::internal)?;
    let only_bound = if bound.is_some() {
        "and id in (select value from json_each(?3))"
    } else {
        "and ?3 is null"
    };
    let mut statement = conn.prepare_cached(&format!(
        "select id, settings, created_at, updated_at
         from organization
         where id > ?1
           and not exists (select 1 from purge where organization_id = organization.id)
           {only_bound}
         order by id
         limit ?2"
    ))?;
    let mut rows = statement.query((after, i64::from(limit) + 1, bound))?;
    let mut last = String::new();
    for _ in 0..limit {
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        row.get_ref(0)?
            .as_str()
            .map_err(Error::corrupt)?
            .clone_into(&mut last);
        if let Some(organization) = unless_damaged("organization", record(row, 1))? {
            each(&last, &organization)?;
        }
    }
    Ok(rows.next()?.map(|_| last))
}

/// Shows the id of every organization. One that cannot be read is left out.
pub(crate) fn each_id(reader: &Reader<'_>, mut show: impl FnMut(OrganizationId)) -> Result<()> {
    let mut statement = reader.prepare_cached("select id from organization order by id")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_str().map_err(Error::corrupt);
        let id = id.and_then(OrganizationId::from_stored);
        if let Some(id) = unless_damaged("organization", id)? {
            show(id);
        }
    }
    Ok(())
}

/// Up to `limit` organizations behind `after`, by id. One that cannot be read is an error, and not
/// left out.
pub(crate) fn list_whole(
    conn: &Connection,
    after: &str,
    limit: u32,
) -> Result<Vec<(OrganizationId, Record)>> {
    let mut statement = conn.prepare_cached(
        "select id, settings, created_at, updated_at
         from organization
         where id > ?1
           and not exists (select 1 from purge where organization_id = organization.id)
         order by id
         limit ?2",
    )?;
    let mut rows = statement.query((after, limit))?;
    let mut organizations = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_str().map_err(Error::corrupt)?;
        organizations.push((OrganizationId::from_stored(id)?, record(row, 1)?));
    }
    Ok(organizations)
}

/// Inserts an organization as it was elsewhere. Returns whether it could: it may be there already.
///
/// # Errors
/// [`Code::NotFound`] while one of that id is being deleted.
pub(crate) fn insert_whole(tx: &WriteTx<'_>, id: &OrganizationId, whole: &Record) -> Result<bool> {
    purge::store::check_stands(tx, id)?;
    let inserted = tx
        .prepare_cached(
            "insert into organization (id, settings, created_at, updated_at)
             values (?1, ?2, ?3, ?4)
             on conflict (id) do nothing",
        )?
        .execute((
            id.as_str(),
            settings_text(&whole.settings)?,
            whole.created_at.as_millis(),
            whole.updated_at.as_millis(),
        ))?;
    tx.announce(Topic::Organizations);
    Ok(inserted > 0)
}

/// The pages of all organizations that have one of their own, each once. Settings that cannot be
/// read have none.
pub(crate) fn list_accept_urls(reader: &Reader<'_>) -> Result<Vec<String>> {
    let mut statement = reader.prepare_cached(
        "select distinct settings ->> 'acceptUrl'
         from organization
         where json_valid(settings)
           and settings ->> 'acceptUrl' is not null
           and not exists (select 1 from purge where organization_id = organization.id)",
    )?;
    let urls = statement.query_map([], |row| row.get(0))?;
    Ok(urls.collect::<rusqlite::Result<_>>()?)
}

/// Whether any organization is known.
pub(crate) fn exist(reader: &Reader<'_>) -> Result<bool> {
    Ok(
        reader.query_row("select exists (select 1 from organization)", [], |row| {
            row.get(0)
        })?,
    )
}

/// Reads an organization from three columns, the first of which is `first`.
fn record(row: &Row<'_>, first: usize) -> Result<Record> {
    Ok(Record {
        settings: settings(row, first)?,
        created_at: Timestamp::from_millis(row.get(first + 1)?),
        updated_at: Timestamp::from_millis(row.get(first + 2)?),
    })
}

/// Settings as they are stored; none: nothing is set.
fn settings_text(settings: &Settings) -> Result<Option<String>> {
    (!settings.is_empty())
        .then(|| serde_json::to_string(settings))
        .transpose()
        .map_err(Error::internal)
}

/// Reads settings. Ones that cannot be read are an error: they must never allow what they forbid.
fn settings(row: &Row<'_>, column: usize) -> Result<Settings> {
    let text = row
        .get_ref(column)?
        .as_str_or_null()
        .map_err(Error::corrupt)?;
    text.map_or_else(
        || Ok(Settings::default()),
        |text| serde_json::from_str(text).map_err(Error::corrupt),
    )
}
