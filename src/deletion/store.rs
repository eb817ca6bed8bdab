//! The SQL that deletes what belongs to an organization. Each statement changes a bounded number of
//! rows, which an index finds: none walks over what others have.

use rusqlite::named_params;
use uuid::Uuid;

use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Reader, WriteTx};
use crate::purge;

/// What deletes up to `?2` rows of the organization `?1`, one after the other.
const PARTS: [&str; 4] = [
    // Deliveries to its own webhooks.
    "delete from webhook_delivery
     where (webhook_id, id) in (select webhook_id, id
                                from webhook_delivery
                                where webhook_id in (select id from webhook where
                                organization_id = ?1)
                                limit ?2)",
    // Its invitations; their codes and their mail go with them.
    "delete from invitation
     where organization_id = ?1
       and id in (select id from invitation where organization_id = ?1 order by id limit ?2)",
    // Deliveries of its events to the webhooks of all. They go before the events, which lead to
    // them.
    "delete from webhook_delivery
     where webhook_id in (select id from webhook)
       and id in (select id from event where organization_id = ?1 order by id limit ?2)",
    // Its history.
    "delete from event
     where organization_id = ?1
       and id in (select id from event where organization_id = ?1 order by id limit ?2)",
];

/// Deletes up to `rows` rows of `organization` for the deletion `id`; where there are none, the
/// organization itself.
pub fn delete_some(
    tx: &WriteTx<'_>,
    id: Uuid,
    organization: &OrganizationId,
    rows: u32,
) -> Result<()> {
    if !purge::store::is_deleting(tx, id, organization)? {
        return Ok(());
    }
    for sql in PARTS {
        if tx
            .prepare_cached(sql)?
            .execute((organization.as_str(), rows))?
            > 0
        {
            return Ok(());
        }
    }
    for sql in [
        "delete from webhook where organization_id = ?1",
        "delete from organization where id = ?1",
    ] {
        tx.prepare_cached(sql)?.execute([organization.as_str()])?;
    }
    purge::store::end(tx, id)
}

/// Looks for the stored answers of `organization` among up to `limit` behind the row `after`.
/// Returns them, and where to go on, if more may follow.
pub(crate) fn find_answers(
    reader: &Reader<'_>,
    organization: &OrganizationId,
    after: i64,
    limit: u32,
) -> Result<(Vec<i64>, Option<i64>)> {
    let mut statement = reader.prepare_cached(
        "select rowid, organization_id is :organization
         from idempotency
         where rowid > :after
         order by rowid
         limit :limit",
    )?;
    let bound =
        named_params! { ":organization": organization.as_str(), ":after": after, ":limit": limit };
    let mut rows = statement.query(bound)?;
    let (mut found, mut seen, mut last) = (Vec::new(), 0, after);
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        seen += 1;
        if row.get(1)? {
            found.push(last);
        }
    }
    Ok((found, (seen == limit).then_some(last)))
}

/// Deletes those of `rows` that are still answers of `organization`, for the deletion `id`: a
/// number may belong to another row by now.
pub(crate) fn delete_answers(
    tx: &WriteTx<'_>,
    id: Uuid,
    organization: &OrganizationId,
    rows: &[i64],
) -> Result<()> {
    if !purge::store::is_deleting(tx, id, organization)? {
        return Ok(());
    }
    let rows = serde_json::to_string(rows).map_err(Error::internal)?;
    tx.prepare_cached(
        "delete from idempotency
         where rowid in (select value from json_each(:rows))
           and organization_id = :organization",
    )?
    .execute(named_params! { ":organization": organization.as_str(), ":rows": rows })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use crate::base::ids::Ids;
    use crate::db::{Db, Options, Synchronous};

    #[test]
    fn no_statement_of_a_deletion_walks_over_a_table_that_can_be_large() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options {
            workers: 1,
            synchronous: Synchronous::Full,
            clock: Clock::System,
            ids: Ids::Random,
        };
        let db = Db::open(&folder.path().join("invited.db"), &options).expect("it opens");
        let plan = |reader: &Reader<'_>, sql: &str| -> Result<Vec<String>> {
            let mut plan = reader.prepare(&format!("explain query plan {sql}"))?;
            Ok(plan
                .query_map(("acme", 1), |row| row.get(3))?
                .collect::<rusqlite::Result<_>>()?)
        };
        for sql in PARTS {
            let steps = db.read(|reader| plan(reader, sql)).expect("a plan");
            assert!(
                steps.iter().any(|step| step.starts_with("SEARCH")),
                "{sql}: {steps:?}"
            );
            // There are at most a hundred webhooks.
            let is_large_scan = |step: &&String| {
                step.starts_with("SCAN")
                    && !step.starts_with("SCAN webhook ")
                    && *step != "SCAN webhook"
            };
            assert_eq!(steps.iter().find(is_large_scan), None, "{sql}: {steps:?}");
        }
        db.close();
    }
}
