//! The SQL of the history of the server.

use rusqlite::{Connection, Row, named_params};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::query::{AuditQuery, names};
use super::{Action, AuditEntry, NewEntry};
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::page::Order;
use crate::db::{WriteTx, unless_damaged};

/// A condition on a row: it concerns none but the organizations `:bound`.
const IS_WITHIN_ORGANIZATIONS: &str = "(organizations is not null
  and not exists (select 1 from json_each(organizations)
                  where value not in (select value from json_each(:bound))))";

/// A condition on a row: it is about no key and no session of one, or about a key that is limited
/// to some of `:roles`.
const IS_WITHIN_ROLES: &str = "((action not like 'key.%' and action not like 'session.%')
  or (details ->> '$.roles' is not null
      and not exists (select 1 from json_each(details, '$.roles')
                      where value not in (select value from json_each(:roles)))))";

/// Adds a row. Returns its id.
pub(crate) fn append(tx: &WriteTx<'_>, new: &NewEntry<'_>) -> Result<Uuid> {
    let id = tx.new_id();
    let names = |list: &[OrganizationId]| {
        let names: Vec<_> = list.iter().map(OrganizationId::as_str).collect();
        serde_json::to_string(&names).map_err(Error::internal)
    };
    tx.prepare_cached(
        "insert into audit (id, action, actor, request_id, subject, organizations, details,
         created_at)
         values (:id, :action, :actor, :request_id, :subject, :organizations, :details, :now)",
    )?
    .execute(named_params! {
        ":id": id.as_bytes(),
        ":action": new.action.name(),
        ":actor": new.by.actor,
        ":request_id": new.by.request_id,
        ":subject": new.subject,
        ":organizations": new.organizations.map(names).transpose()?,
        ":details": text_of(&new.details),
        ":now": tx.now.as_millis(),
    })?;
    Ok(id)
}

/// Writes the details of the row `id`, which had none while what it is about went on.
pub(crate) fn set_details(tx: &WriteTx<'_>, id: Uuid, details: &Value) -> Result<()> {
    tx.prepare_cached("update audit set details = ?2 where id = ?1")?
        .execute((id.as_bytes(), text_of(details)))?;
    Ok(())
}

/// Details as they are stored; null: there are none.
fn text_of(details: &Value) -> Option<String> {
    (!details.is_null()).then(|| details.to_string())
}

/// Which rows somebody may see.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// Only those that concern none but these organizations, a JSON array; none: all.
    pub organizations: Option<String>,
    /// Of those about keys only those that are limited to some of these roles, a JSON array; none:
    /// all.
    pub roles: Option<String>,
}

impl Sight {
    /// Every row: whoever is at the machine may see all.
    pub(crate) const WHOLE: Self = Self {
        organizations: None,
        roles: None,
    };

    /// Whether it is every row.
    pub(crate) fn is_whole(&self) -> bool {
        self.organizations.is_none() && self.roles.is_none()
    }
}

/// Whether a deletion of `organization` was begun after the row or event `id` was made.
pub(crate) fn was_deleted_after(conn: &Connection, organization: &str, id: Uuid) -> Result<bool> {
    let mut statement =
        conn.prepare_cached("select 1 from audit where id > ?1 and subject = ?2 and action = ?3")?;
    let action = Action::OrganizationDeleted.name();
    Ok(statement.exists((id.as_bytes(), organization, action))?)
}

/// One page of the history as far as `sight` goes, each row shown by `show`, in the page's order.
/// Returns the last one that it met, and whether more follow.
pub(crate) fn list(
    conn: &Connection,
    query: &AuditQuery,
    sight: &Sight,
    mut show: impl FnMut(&AuditEntry<'_>) -> Result<()>,
) -> Result<(Option<Uuid>, bool)> {
    let (filter, page) = (&query.filter, &query.page);
    let (above, below, direction) = match page.order {
        Order::NewestFirst => (Uuid::nil(), page.start(), "desc"),
        Order::OldestFirst => (page.start(), Uuid::max(), "asc"),
    };
    let actions = filter
        .actions
        .as_ref()
        .map(|actions| serde_json::to_string(&names(actions)));
    let mut statement = conn.prepare_cached(&format!(
        "select id, action, actor, request_id, subject, organizations, details, created_at
         from audit
         where id > :above
           and id < :below
           and (:actions is null or action in (select value from json_each(:actions)))
           and (:actor is null or actor = :actor)
           and (:subject is null or subject = :subject)
           and (:organization is null or :organization in (select value from
           json_each(organizations)))
           and (:since is null or created_at >= :since)
           and (:until is null or created_at < :until)
           and (:bound is null or {IS_WITHIN_ORGANIZATIONS})
           and (:roles is null or {IS_WITHIN_ROLES})
         order by id {direction}
         limit :limit"
    ))?;
    let mut rows = statement.query(named_params! {
        ":above": above.as_bytes(),
        ":below": below.as_bytes(),
        ":actions": actions.transpose().map_err(Error::internal)?,
        ":actor": filter.actor,
        ":subject": filter.subject,
        ":organization": filter.organization.as_ref().map(OrganizationId::as_str),
        ":since": filter.since.map(Timestamp::as_millis),
        ":until": filter.until.map(Timestamp::as_millis),
        ":bound": sight.organizations,
        ":roles": sight.roles,
        ":limit": page.limit + 1,
    })?;
    let mut last = None;
    for _ in 0..page.limit {
        let Some(row) = rows.next()? else {
            return Ok((last, false));
        };
        last = Some(Uuid::from_bytes(row.get(0)?));
        if let Some(entry) = unless_damaged("audit", from_row(row))? {
            show(&entry)?;
        }
    }
    Ok((last, rows.next()?.is_some()))
}

/// Reads a row, borrowing its texts.
fn from_row<'a>(row: &'a Row<'_>) -> Result<AuditEntry<'a>> {
    let text = |column: usize| -> Result<Option<&'a str>> {
        row.get_ref(column)?
            .as_str_or_null()
            .map_err(Error::corrupt)
    };
    let json = |column: usize| -> Result<Option<&'a RawValue>> {
        text(column)?
            .map(serde_json::from_str)
            .transpose()
            .map_err(Error::corrupt)
    };
    let needed = |column: usize| text(column)?.ok_or_else(|| Error::corrupt("a text is missing"));
    Ok(AuditEntry {
        id: Uuid::from_bytes(row.get(0)?),
        action: needed(1)?,
        actor: needed(2)?,
        request_id: text(3)?,
        subject: text(4)?,
        organizations: json(5)?,
        details: json(6)?,
        created_at: Timestamp::from_millis(row.get(7)?),
    })
}
