//! The SQL of what waits in the queue of mail, as it is shown and tried again.

use rusqlite::types::Type;
use rusqlite::{Row, named_params};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::db::{Reader, Topic, WriteTx};
use crate::outbox::mail::Kind;
use crate::outbox::mail::waiting::{
    Counts, MailId, PutOff, QueuedMail, QueuedMailState, Selection,
};

/// The most mails of the queue that are counted.
pub(crate) const MOST_COUNTED: u32 = 100_000;

/// The most mails that are looked at for the oldest one: a scrape takes no longer for a long queue.
pub(crate) const MOST_LOOKED_AT: u32 = 500;

/// What of the queue a caller may see and asks for. Nobody finds an organization that is being
/// deleted.
const SELECTED: &str = "(:organizations is null
            or mail.organization_id in (select value from json_each(:organizations)))
       and (:organization is null or mail.organization_id = :organization)
       and (:invitation is null or mail.invitation_id = :invitation)
       and not exists (select 1 from purge where organization_id = mail.organization_id)";

/// The number of the state of a mail.
const STATE: &str = "case when mail.lease is not null then 2
            when mail.lane is not null then 1
            when mail.attempts = 0 then 0
            else 3 end";

/// Lists what waits in the queue, the mails of the oldest invitations first, at most `limit` of
/// them that come after `after`. Returns whether there are more.
pub(crate) fn list(
    reader: &Reader<'_>,
    selection: &Selection,
    after: Option<&MailId>,
    limit: u32,
) -> Result<(Vec<QueuedMail>, bool)> {
    let mut statement = reader.prepare_cached(&format!(
        "select mail.invitation_id, mail.kind, mail.address_mac, mail.organization_id,
                {STATE}, mail.attempts, mail.due_at, mail.queued_at, mail.error,
                iif(mail.kind = :notice, coalesce(i.inviter_email, i.email), i.email)
         from mail
         join invitation i on i.id = mail.invitation_id
         where (mail.invitation_id, mail.kind, mail.address_mac)
               > (:after_invitation, :after_kind, :after_mac)
           and {SELECTED}
           and (:state is null or :state = {STATE})
         order by mail.invitation_id, mail.kind, mail.address_mac
         limit :limit"
    ))?;
    let (organization, invitation) = (selection.organization(), selection.invitation());
    let bound = named_params! {
        ":notice": Kind::Notice as u8,
        ":after_invitation": after.map_or(&[][..], |after| after.invitation.as_bytes()),
        ":after_kind": after.map_or(0, |after| after.kind as u8),
        ":after_mac": after.map_or(&[][..], |after| &after.address_mac),
        ":organizations": selection.organizations,
        ":organization": organization,
        ":invitation": invitation,
        ":state": selection.state.map(|state| state as u8),
        ":limit": i64::from(limit) + 1,
    };
    let mails = statement.query_map(bound, read)?;
    let mut mails: Vec<_> = mails.collect::<rusqlite::Result<_>>()?;
    let has_more = mails.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if has_more {
        mails.pop();
    }
    Ok((mails, has_more))
}

/// Reads a row of [`list`].
fn read(row: &Row<'_>) -> rusqlite::Result<QueuedMail> {
    let state = QueuedMailState::ALL.get(usize::from(row.get::<_, u8>(4)?));
    let none = || rusqlite::Error::InvalidColumnType(4, "state".to_owned(), Type::Integer);
    let state = *state.ok_or_else(none)?;
    let due_at = Some(Timestamp::from_millis(row.get(6)?));
    Ok(QueuedMail {
        id: read_id(row)?,
        organization_id: row.get(3)?,
        to: row.get(9)?,
        state,
        attempts: row.get(5)?,
        queued_at: Timestamp::from_millis(row.get(7)?),
        due_at: due_at.filter(|_| state != QueuedMailState::Sending),
        error: row.get(8)?,
    })
}

/// Reads what names a mail from the first three columns of a row.
fn read_id(row: &Row<'_>) -> rusqlite::Result<MailId> {
    let kind = Kind::ALL.get(usize::from(row.get::<_, u8>(1)?)).copied();
    let none = || rusqlite::Error::InvalidColumnType(1, "kind".to_owned(), Type::Integer);
    Ok(MailId {
        invitation: Uuid::from_bytes(row.get(0)?),
        kind: kind.ok_or_else(none)?,
        address_mac: row.get(2)?,
    })
}

/// Lists the mails that wait for their next try.
pub(crate) fn list_put_off(reader: &Reader<'_>, selection: &Selection) -> Result<Vec<MailId>> {
    let mut statement = reader.prepare_cached(&format!(
        "select invitation_id, kind, address_mac
         from mail
         where lane is null
           and due_at > :now
           and lease is null
           and attempts > 0
           and {SELECTED}
         order by due_at"
    ))?;
    let (organization, invitation) = (selection.organization(), selection.invitation());
    let bound = named_params! {
        ":now": reader.now.as_millis(),
        ":organizations": selection.organizations,
        ":organization": organization,
        ":invitation": invitation,
    };
    let ids = statement.query_map(bound, read_id)?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// Counts what waits, in whatever state, among the first [`MOST_COUNTED`] mails.
pub(crate) fn count(reader: &Reader<'_>, selection: &Selection) -> Result<Counts> {
    let mut statement = reader.prepare_cached(&format!(
        "select count(*),
                count(*) filter (where {STATE} = 3),
                count(*) filter (where {STATE} = 0),
                min(queued_at) filter (where {STATE} = 3)
         from (select * from mail limit {MOST_COUNTED}) as mail
         where {SELECTED}"
    ))?;
    let (organization, invitation) = (selection.organization(), selection.invitation());
    let bound = named_params! {
        ":organizations": selection.organizations,
        ":organization": organization,
        ":invitation": invitation,
    };
    let counts = statement.query_row(bound, |row| {
        let oldest: Option<i64> = row.get(3)?;
        Ok(Counts {
            waiting: row.get(0)?,
            put_off: row.get(1)?,
            scheduled: row.get(2)?,
            oldest: oldest.map(Timestamp::from_millis),
        })
    });
    Ok(counts?)
}

/// What of everybody's mail was tried in vain and waits; none: nothing does.
pub(crate) fn find_put_off(reader: &Reader<'_>) -> Result<Option<PutOff>> {
    // Of several rows the columns beside the one `min` are those of its row.
    let mut statement = reader.prepare_cached(&format!(
        "select count(*), min(queued_at), error
         from (select * from mail limit {MOST_COUNTED})
         where attempts > 0
           and lease is null"
    ))?;
    let found = statement.query_row([], |row| {
        let oldest: Option<i64> = row.get(1)?;
        let (count, error) = (row.get(0)?, row.get(2)?);
        Ok(oldest.map(|oldest| PutOff {
            count,
            oldest: Timestamp::from_millis(oldest),
            error,
        }))
    });
    Ok(found?)
}

/// Makes mails due at once that still wait for their next try, and has the worker forget who asked
/// to be left alone where `forgets_rests`. Returns how many those are.
pub(crate) fn try_now(tx: &WriteTx<'_>, ids: &[MailId], forgets_rests: bool) -> Result<usize> {
    let mut statement = tx.prepare_cached(
        "update mail
         set due_at = :now
         where invitation_id = :invitation_id
           and kind = :kind
           and address_mac = :address_mac
           and lane is null
           and due_at > :now
           and lease is null
           and attempts > 0",
    )?;
    let mut count = 0;
    for id in ids {
        count += statement.execute(named_params! {
            ":now": tx.now.as_millis(),
            ":invitation_id": id.invitation.as_bytes(),
            ":kind": id.kind as u8,
            ":address_mac": id.address_mac,
        })?;
    }
    if forgets_rests {
        tx.announce(Topic::MailRetry);
    }
    tx.announce(Topic::Mail);
    Ok(count)
}

/// When the mail of each kind was queued that has waited longest of what is ready, was tried in
/// vain, or is under way; none: none of it is there. It looks at [`MOST_LOOKED_AT`] mails of either
/// index at most.
pub(crate) fn find_oldest(reader: &Reader<'_>) -> Result<[(Kind, Option<Timestamp>); 4]> {
    let mut oldest = Kind::ALL.map(|kind| (kind, None));
    let ready = "select kind, min(queued_at)
         from (select kind, queued_at
               from mail indexed by mail_ready
               where lane is not null
               limit ?1)
         group by kind";
    let tried = "select kind, min(queued_at) filter (where attempts > 0)
         from (select kind, queued_at, attempts
               from mail indexed by mail_due
               where lane is null
               order by due_at
               limit ?1)
         group by kind";
    for sql in [ready, tried] {
        let mut statement = reader.prepare_cached(sql)?;
        let mut rows = statement.query([MOST_LOOKED_AT])?;
        while let Some(row) = rows.next()? {
            let (kind, queued_at): (u8, Option<i64>) = (row.get(0)?, row.get(1)?);
            let kind = oldest.get_mut(usize::from(kind));
            // A number that no kind has is a matter of who sends that mail.
            if let (Some((_, oldest)), Some(queued_at)) = (kind, queued_at) {
                let queued_at = Timestamp::from_millis(queued_at);
                *oldest = Some(oldest.map_or(queued_at, |other| queued_at.min(other)));
            }
        }
    }
    Ok(oldest)
}
