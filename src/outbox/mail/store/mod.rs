//! The SQL of the queue of mail: how it is worked off. [`waiting`] has what an operator asks of it.

pub(crate) mod waiting;

use rusqlite::{OptionalExtension, named_params};
use uuid::Uuid;

use super::Kind;
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::db::{Reader, Topic, WriteTx, unless_damaged};
use crate::outbox::delay::{self, Delay};
use crate::outbox::places::{Lane, Place};
use crate::outbox::worker::LEASE_SECONDS;

/// The most mails that one write makes ready.
const RIPE_ROWS: u32 = 500;

/// A row of the queue that is ready to go out.
#[derive(Clone, Debug)]
pub struct Row {
    /// The invitation it is about.
    invitation: Uuid,
    /// The number of its kind, which may be none that there is.
    kind: i64,
    /// Of a code: the HMAC of the address that was given.
    address_mac: Vec<u8>,
    /// What its place is counted under.
    pub place: Place,
}

/// A row of the queue that was claimed.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The invitation it is about.
    pub invitation: Uuid,
    /// What it is for.
    pub kind: Kind,
    /// Of a code: the HMAC of the address that was given.
    pub address_mac: Vec<u8>,
    /// What its place is counted under.
    pub place: Place,
    /// How often it was tried, this time included.
    pub attempts: u32,
    /// What tells this claim from every other one.
    lease: u32,
}

/// Queues the mail of an invitation that was sent again, if it is mailed, in place of what waits. A
/// reminder comes after the new mail, if at all.
pub(crate) fn requeue_invitation(
    tx: &WriteTx<'_>,
    invitation: Uuid,
    due_at: Option<Timestamp>,
) -> Result<()> {
    tx.prepare_cached("delete from mail where invitation_id = ?1 and kind in (?2, ?3)")?
        .execute((
            invitation.as_bytes(),
            Kind::Invitation as u8,
            Kind::Reminder as u8,
        ))?;
    due_at.map_or(Ok(()), |due_at| {
        queue(tx, invitation, Kind::Invitation, &[], due_at)
    })
}

/// Takes the reminder of an invitation out of the queue: its address takes no mail.
pub(crate) fn delete_reminder(tx: &WriteTx<'_>, invitation: Uuid) -> Result<()> {
    tx.prepare_cached("delete from mail where invitation_id = ?1 and kind = ?2")?
        .execute((invitation.as_bytes(), Kind::Reminder as u8))?;
    Ok(())
}

/// Queues a mail that is due at `due_at`, in place of one that waits for the same.
pub fn queue(
    tx: &WriteTx<'_>,
    invitation: Uuid,
    kind: Kind,
    address_mac: &[u8],
    due_at: Timestamp,
) -> Result<()> {
    let lane = if kind == Kind::Code {
        Lane::Urgent
    } else {
        Lane::First
    };
    tx.prepare_cached(
        "insert into mail (invitation_id, kind, address_mac, organization_id, domain, lane,
         due_at, attempts, queued_at)
         select id, :kind, :address_mac, organization_id, substr(address, instr(address, '@') +
         1), :lane, :due_at, 0, :now
         from (select id, organization_id, iif(:kind = :notice, coalesce(inviter_email, email),
         email) as address
               from invitation
               where id = :invitation_id)
         where true
         on conflict do update
         set domain = excluded.domain, lane = excluded.lane, due_at = excluded.due_at, attempts
         = 0, lease = null,
             error = null, queued_at = excluded.queued_at",
    )?
    .execute(named_params! {
        ":invitation_id": invitation.as_bytes(),
        ":kind": kind as u8,
        ":notice": Kind::Notice as u8,
        ":address_mac": address_mac,
        ":lane": (due_at <= tx.now).then_some(lane as u8),
        ":due_at": due_at.as_millis(),
        ":now": tx.now.as_millis(),
    })?;
    tx.announce(Topic::Mail);
    Ok(())
}

/// Whether mails have come due that are not ready yet.
pub(crate) fn has_ripe(reader: &Reader<'_>) -> Result<bool> {
    let mut statement =
        reader.prepare_cached("select 1 from mail where lane is null and due_at <= ?1 limit 1")?;
    Ok(statement.exists([reader.now.as_millis()])?)
}

/// Makes mails ready that have come due, and those whose lease is over.
pub(crate) fn ripen(tx: &WriteTx<'_>) -> Result<()> {
    tx.prepare_cached(
        "update mail
         set lane = case when kind = :code then 0 when attempts = 0 then 1 else 2 end, lease = null
         where (invitation_id, kind, address_mac) in
               (select invitation_id, kind, address_mac
                from mail
                where lane is null
                  and due_at <= :now
                order by due_at
                limit :rows)",
    )?
    .execute(
        named_params! { ":code": Kind::Code as u8, ":now": tx.now.as_millis(), ":rows": RIPE_ROWS },
    )?;
    Ok(())
}

/// The first organization behind `after` that has mail ready in a lane.
pub(crate) fn next_organization(
    reader: &Reader<'_>,
    lane: Lane,
    after: &str,
) -> Result<Option<String>> {
    let mut statement = reader.prepare_cached(
        "select organization_id
         from mail
         where lane = ?1
           and organization_id > ?2
         order by organization_id
         limit 1",
    )?;
    Ok(statement
        .query_row((lane as u8, after), |row| row.get(0))
        .optional()?)
}

/// The first mail domain behind `after` to which an organization has mail ready in a lane.
pub(crate) fn next_domain(
    reader: &Reader<'_>,
    lane: Lane,
    organization: &str,
    after: &str,
) -> Result<Option<String>> {
    let mut statement = reader.prepare_cached(
        "select domain
         from mail
         where lane = ?1
           and organization_id = ?2
           and domain > ?3
         order by domain
         limit 1",
    )?;
    Ok(statement
        .query_row((lane as u8, organization, after), |row| row.get(0))
        .optional()?)
}

/// The oldest ready mail of `place`, after `skipped` others.
pub fn find_ready(reader: &Reader<'_>, place: &Place, skipped: usize) -> Result<Option<Row>> {
    let mut statement = reader.prepare_cached(
        "select invitation_id, kind, address_mac
         from mail
         where lane = ?1
           and organization_id = ?2
           and domain = ?3
         order by due_at
         limit 1 offset ?4",
    )?;
    let skipped = i64::try_from(skipped).unwrap_or(i64::MAX);
    let bound = (
        place.lane as u8,
        place.organization.as_deref(),
        &place.destination,
        skipped,
    );
    let row = statement.query_row(bound, |row| {
        let (invitation, place) = (Uuid::from_bytes(row.get(0)?), place.clone());
        Ok(Row {
            invitation,
            kind: row.get(1)?,
            address_mac: row.get(2)?,
            place,
        })
    });
    Ok(row.optional()?)
}

/// Claims mails that are still ready.
pub fn claim(tx: &WriteTx<'_>, rows: &[Row]) -> Result<Vec<Claim>> {
    let lease = getrandom::u32().map_err(Error::internal)?.max(1);
    let mut statement = tx.prepare_cached(
        "update mail
         set lane = null, due_at = :lost_at, lease = :lease, attempts = attempts + 1
         where invitation_id = :invitation_id
           and kind = :kind
           and address_mac = :address_mac
           and lane is not null
         returning attempts",
    )?;
    let mut claims = Vec::new();
    for Row {
        invitation,
        kind,
        address_mac,
        place,
    } in rows
    {
        let bound = named_params! { ":lost_at": tx.now.plus_seconds(LEASE_SECONDS).as_millis(),
            ":lease": lease,
        ":invitation_id": invitation.as_bytes(), ":kind": kind, ":address_mac": address_mac };
        let attempts = statement.query_row(bound, |row| row.get(0)).optional();
        let claimed = attempts.map_err(Error::from).and_then(|attempts| {
            let kind = usize::try_from(*kind).ok();
            let kind = kind.and_then(|kind| Kind::ALL.get(kind).copied());
            let kind = kind.ok_or_else(|| Error::corrupt("no such kind of mail"))?;
            Ok(attempts.map(|attempts| (attempts, kind)))
        });
        // What is damaged has its lease, and is looked at again after that.
        if let Some((attempts, kind)) = unless_damaged("mail", claimed)?.flatten() {
            claims.push(Claim {
                invitation: *invitation,
                kind,
                address_mac: address_mac.clone(),
                place: place.clone(),
                attempts,
                lease,
            });
        }
    }
    Ok(claims)
}

/// Takes back every lease.
pub(crate) fn release(tx: &WriteTx<'_>) -> Result<()> {
    tx.prepare_cached(
        "update mail set lease = null, due_at = :now where lane is null and lease is not null",
    )?
    .execute(named_params! { ":now": tx.now.as_millis() })?;
    Ok(())
}

/// Makes due what is due later than `plan` can ever put it off, or, where it was not tried yet,
/// later than in `untried_seconds`. A reminder that was not tried yet
/// is due when its invitation says. A lease that ends later than one that is given now ends with
/// that one.
pub(crate) fn recall(tx: &WriteTx<'_>, plan: &[Delay], untried_seconds: i64) -> Result<()> {
    let wait = delay::longest_wait_sql(plan, untried_seconds);
    tx.prepare_cached(&format!(
        "update mail
         set due_at = iif(lease is null, :now, :lease_end)
         where (lease is null and lane is null and due_at > :now + {wait} and (attempts > 0 or
         kind <> :reminder))
            or (lease is not null and due_at > :lease_end)"
    ))?
    .execute(named_params! {
        ":now": tx.now.as_millis(),
        ":reminder": Kind::Reminder as u8,
        ":lease_end": tx.now.plus_seconds(LEASE_SECONDS).as_millis(),
    })?;
    Ok(())
}

/// Takes a mail out of the queue that was sent, given up, or has no point any more. Returns whether
/// it was still the claimed one: one that was queued again since then stays.
pub fn remove(tx: &WriteTx<'_>, claim: &Claim) -> Result<bool> {
    // Whoever waits for it need not wait longer.
    tx.announce(Topic::Mailbox);
    let removed = tx
        .prepare_cached(
            "delete from mail
             where invitation_id = :invitation_id
               and kind = :kind
               and address_mac = :address_mac
               and lease = :lease",
        )?
        .execute(named_params! {
            ":invitation_id": claim.invitation.as_bytes(),
            ":kind": claim.kind as u8,
            ":address_mac": claim.address_mac,
            ":lease": claim.lease,
        })?;
    Ok(removed > 0)
}

/// Puts a mail off until `due_at`, because of `error`. Returns whether it was still the claimed
/// one.
pub fn put_off(tx: &WriteTx<'_>, claim: &Claim, due_at: Timestamp, error: &str) -> Result<bool> {
    let changed = tx
        .prepare_cached(
            "update mail
             set lane = null, due_at = :due_at, lease = null, error = :error
             where invitation_id = :invitation_id
               and kind = :kind
               and address_mac = :address_mac
               and lease = :lease",
        )?
        .execute(named_params! {
            ":due_at": due_at.as_millis(),
            ":error": error,
            ":invitation_id": claim.invitation.as_bytes(),
            ":kind": claim.kind as u8,
            ":address_mac": claim.address_mac,
            ":lease": claim.lease,
        })?;
    Ok(changed > 0)
}
