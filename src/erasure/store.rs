//! The SQL of erasures.

use rusqlite::{Connection, Row, Rows, named_params};
use uuid::Uuid;

use super::text::{is_held, mentions};
use super::{Found, Step};
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Reader, WriteTx};
use crate::event;

/// An invitation of the address.
#[derive(Clone)]
pub(crate) struct FoundInvitation {
    /// Whose it is.
    organization: OrganizationId,
    /// Its id.
    id: Uuid,
}

/// An invitation of another address that names the address: as its inviter's, in its note, in the
/// id of the user who accepted it, or in its redirect URL.
#[derive(Clone)]
pub(crate) struct FoundMention(FoundInvitation);

/// An event that holds the address.
#[derive(Clone)]
pub(crate) struct FoundEvent {
    /// Whose it is.
    organization: OrganizationId,
    /// Its id.
    id: Uuid,
}

/// A stored answer that holds the address.
#[derive(Clone)]
pub(crate) struct FoundAnswer {
    /// Whose it is, where that can be told.
    organization: Option<OrganizationId>,
    /// Whose request it was.
    actor: String,
    /// Method and path of the request.
    operation: String,
    /// Its key.
    key: String,
}

/// The newest invitation there is.
pub(crate) fn newest_invitation(reader: &Reader<'_>) -> Result<Uuid> {
    let newest: Option<[u8; 16]> =
        reader.query_row("select max(id) from invitation", [], |row| row.get(0))?;
    Ok(newest.map_or(Uuid::nil(), Uuid::from_bytes))
}

/// Looks for invitations of `address` among up to `limit` behind `after`, in the order in which
/// they are stored.
pub(crate) fn find_invitations(
    reader: &Reader<'_>,
    address: &str,
    after: &(String, Uuid),
    limit: u32,
) -> Result<Step<FoundInvitation, (String, Uuid)>> {
    let mut statement = reader.prepare_cached(
        "select organization_id, id, email = :address
         from invitation
         where (organization_id, id) > (:organization_id, :id)
         order by organization_id, id
         limit :rows",
    )?;
    let bound = named_params! {
        ":address": address, ":organization_id": after.0, ":id": after.1.as_bytes(), ":rows": limit,
    };
    walk(statement.query(bound)?, limit, |row| {
        let place: (String, Uuid) = (row.get(0)?, Uuid::from_bytes(row.get(1)?));
        let organization = if row.get(2)? {
            Some(OrganizationId::from_stored(&place.0)?)
        } else {
            None
        };
        Ok((
            organization.map(|organization| FoundInvitation {
                organization,
                id: place.1,
            }),
            place,
        ))
    })
}

/// Looks for invitations of `address` among up to `limit` that were made after `newest`. `conn` is
/// a reader's or a transaction's.
pub(crate) fn find_newer(
    conn: &Connection,
    address: &str,
    newest: &Uuid,
    limit: u32,
) -> Result<Step<FoundInvitation, Uuid>> {
    let mut statement = conn.prepare_cached(
        "select organization_id, id, email = :address
         from invitation
         where id > :newest
         order by id
         limit :rows",
    )?;
    let bound = named_params! { ":address": address, ":newest": newest.as_bytes(), ":rows": limit };
    walk(statement.query(bound)?, limit, |row| {
        let id = Uuid::from_bytes(row.get(1)?);
        let organization = if row.get(2)? {
            Some(OrganizationId::from_stored(text(row, 0)?)?)
        } else {
            None
        };
        Ok((
            organization.map(|organization| FoundInvitation { organization, id }),
            id,
        ))
    })
}

/// Deletes the mail in the mailbox of development that went to `address`, or names it.
pub(crate) fn erase_mail(tx: &WriteTx<'_>, address: &str) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "delete from mailbox
         where recipient = :address
            or instr(lower(subject), :address) > 0
            or instr(lower(text), :address) > 0
            or instr(lower(html), :address) > 0",
    )?;
    statement.execute(named_params! { ":address": address })?;
    Ok(())
}

/// Looks for invitations that name `address` as the inviter's or in another text, among up to
/// `limit` behind `after`.
pub(crate) fn find_mentions(
    reader: &Reader<'_>,
    address: &str,
    after: &(String, Uuid),
    limit: u32,
) -> Result<Step<FoundMention, (String, Uuid)>> {
    let mut statement = reader.prepare_cached(
        "select organization_id, id, coalesce(inviter_email, ''), coalesce(note, ''),
                coalesce(accepted_by, ''), coalesce(redirect_url, '')
         from invitation
         where (organization_id, id) > (?1, ?2)
         order by organization_id, id
         limit ?3",
    )?;
    walk(
        statement.query((&after.0, after.1.as_bytes(), limit))?,
        limit,
        |row| {
            let place: (String, Uuid) = (row.get(0)?, Uuid::from_bytes(row.get(1)?));
            let texts = [text(row, 3)?, text(row, 4)?, text(row, 5)?];
            let is_named =
                text(row, 2)? == address || texts.into_iter().any(|text| mentions(text, address));
            let organization = if is_named {
                Some(OrganizationId::from_stored(&place.0)?)
            } else {
                None
            };
            Ok((
                organization.map(|organization| {
                    FoundMention(FoundInvitation {
                        organization,
                        id: place.1,
                    })
                }),
                place,
            ))
        },
    )
}

/// Looks for events that hold `address` among up to `limit` behind the row `after`.
pub(crate) fn find_events(
    reader: &Reader<'_>,
    address: &str,
    after: &i64,
    limit: u32,
) -> Result<Step<FoundEvent, i64>> {
    let mut statement = reader.prepare_cached(
        "select rowid, organization_id, id, coalesce(before, ''), coalesce(after, '')
         from event
         where rowid > ?1
         order by rowid
         limit ?2",
    )?;
    walk(statement.query((after, limit))?, limit, |row| {
        let is_held = is_held(text(row, 3)?, address) || is_held(text(row, 4)?, address);
        let organization = if is_held {
            Some(OrganizationId::from_stored(text(row, 1)?)?)
        } else {
            None
        };
        let id = Uuid::from_bytes(row.get(2)?);
        Ok((
            organization.map(|organization| FoundEvent { organization, id }),
            row.get(0)?,
        ))
    })
}

/// Looks for stored answers that hold `address` among up to `limit` behind the row `after`.
pub(crate) fn find_answers(
    reader: &Reader<'_>,
    address: &str,
    after: &i64,
    limit: u32,
) -> Result<Step<FoundAnswer, i64>> {
    let mut statement = reader.prepare_cached(
        "select rowid, actor, operation, key, coalesce(location, ''), cast(body as text),
                organization_id
         from idempotency
         where rowid > ?1
         order by rowid
         limit ?2",
    )?;
    walk(statement.query((after, limit))?, limit, |row| {
        let (operation, key, location, body) =
            (text(row, 2)?, text(row, 3)?, text(row, 4)?, text(row, 5)?);
        let found = if [key, location, body]
            .into_iter()
            .any(|text| mentions(text, address))
        {
            let organization = row.get_ref(6)?.as_str_or_null().map_err(Error::corrupt)?;
            let organization = organization.map(OrganizationId::from_stored).transpose()?;
            let (operation, key) = (operation.to_owned(), key.to_owned());
            Some(FoundAnswer {
                organization,
                actor: row.get(1)?,
                operation,
                key,
            })
        } else {
            None
        };
        Ok((found, row.get(0)?))
    })
}

/// Goes through the rows of a read of up to `limit`, each turned by `look` into what it found, if
/// anything, and the row's place.
fn walk<T, C>(
    mut rows: Rows<'_>,
    limit: u32,
    look: impl Fn(&Row<'_>) -> Result<(Option<T>, C)>,
) -> Result<Step<T, C>> {
    let (mut step, mut seen) = (
        Step {
            found: Vec::new(),
            next: None,
        },
        0,
    );
    while let Some(row) = rows.next()? {
        let (found, place) = look(row)?;
        step.found.extend(found);
        step.next = Some(place);
        seen += 1;
    }
    step.next = step.next.filter(|_| seen == limit);
    Ok(step)
}

/// A text, borrowed from its row.
fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a str> {
    row.get_ref(column)?.as_str().map_err(Error::corrupt)
}

impl Found for FoundInvitation {
    fn organization(&self) -> Option<&OrganizationId> {
        Some(&self.organization)
    }

    fn erase(&self, tx: &WriteTx<'_>, address: &str) -> Result<bool> {
        let sql = "delete from invitation where organization_id = ?1 and id = ?2 and email = ?3";
        let bound = (self.organization.as_str(), self.id.as_bytes(), address);
        Ok(tx.prepare_cached(sql)?.execute(bound)? > 0)
    }
}

impl Found for FoundMention {
    fn organization(&self) -> Option<&OrganizationId> {
        Some(&self.0.organization)
    }

    fn erase(&self, tx: &WriteTx<'_>, address: &str) -> Result<bool> {
        let place = (self.0.organization.as_str(), self.0.id.as_bytes());
        let mut look = tx.prepare_cached(
            "select coalesce(note, ''), coalesce(accepted_by, ''), coalesce(redirect_url, '')
             from invitation
             where organization_id = ?1
               and id = ?2",
        )?;
        let mut rows = look.query(place)?;
        let Some(row) = rows.next()? else {
            return Ok(false);
        };
        let goes = |column| Ok::<_, Error>(mentions(text(row, column)?, address));
        let (note, user, url) = (goes(0)?, goes(1)?, goes(2)?);
        drop(rows);
        tx.prepare_cached(
            "update invitation
             set inviter_email = nullif(inviter_email, ?3),
                 note = iif(?4, null, note),
                 accepted_by = iif(?5, null, accepted_by),
                 redirect_url = iif(?6, null, redirect_url)
             where organization_id = ?1
               and id = ?2",
        )?
        .execute((place.0, place.1, address, note, user, url))?;
        Ok(true)
    }
}

impl Found for FoundEvent {
    fn organization(&self) -> Option<&OrganizationId> {
        Some(&self.organization)
    }

    fn erase(&self, tx: &WriteTx<'_>, address: &str) -> Result<bool> {
        event::store::row::erase(tx, &self.organization, self.id, |text| {
            mentions(text, address)
        })
    }
}

impl Found for FoundAnswer {
    fn organization(&self) -> Option<&OrganizationId> {
        self.organization.as_ref()
    }

    fn erase(&self, tx: &WriteTx<'_>, _: &str) -> Result<bool> {
        let sql = "delete from idempotency where actor = ?1 and operation = ?2 and key = ?3";
        Ok(tx
            .prepare_cached(sql)?
            .execute((&self.actor, &self.operation, &self.key))?
            > 0)
    }
}
