//! The SQL of invitations.

mod delivery;
mod lapse;
pub(crate) mod member;
mod outline;
mod row;
mod whole;

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, named_params};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::email::Email;
use crate::base::error::{Error, Result};
use crate::base::id::lowest_id_at;
use crate::base::organization_id::OrganizationId;
use crate::base::page::{Order, Page};
use crate::base::role::Role;
use crate::db::{WriteTx, unless_damaged};
use crate::invitation::new::NewInvitation;
use crate::invitation::query::Filter;
use crate::invitation::update::Patch;
use crate::invitation::{Invitation, Status};
use crate::outbox::mail::Delivery;

pub(crate) use delivery::{set_bounced, set_delivery};
pub(crate) use lapse::{
    Lapsed, NEAR_SECONDS, Place, list_lapsed, list_near, set_all_near, set_lapse_told, set_near,
};
pub(crate) use outline::{Outline, count_all, list_newest};
use row::{COLUMNS, from_row, id, read_id};
pub(crate) use whole::{each, insert as insert_whole};

/// The text of a look at one invitation. Without `not indexed`, here and in what changes one,
/// SQLite would take the index of ids first and then the primary key: two trees for one row.
static FIND_SQL: LazyLock<String> = LazyLock::new(|| {
    format!(
        "select {COLUMNS}
         from invitation not indexed
         where organization_id = ?1
           and id = ?2
           and not exists (select 1 from purge where organization_id = ?1)"
    )
});

/// The texts of a list, by whether there is a filter and by order: a list takes microseconds.
static LIST_SQL: LazyLock<[[String; 2]; 2]> = LazyLock::new(|| {
    [false, true].map(|is_filtered| {
        [Order::NewestFirst, Order::OldestFirst].map(|order| list_sql(is_filtered, order))
    })
});

/// The conditions of a filter, behind the one that ends the scan.
const FILTER_SQL: &str = "
         and (?5 >> case when state = 0 and expires_at <= ?6 then 4 else state end) & 1
         and (?7 >> delivery) & 1
         and (?8 is null or email = ?8)
         and (?9 is null or role = ?9)
         and (?10 is null or instr(email, ?10))
         and (?11 is null or created_at >= ?11)
         and (?12 is null or created_at < ?12)
         and (?13 is null or expires_at < ?13)";

/// The text of a list. Conditions only where there is a filter, so that the plain list stays a bare
/// scan of the cluster.
fn list_sql(is_filtered: bool, order: Order) -> String {
    let (comparison, opposite, direction) = match order {
        Order::NewestFirst => ("<", ">", "desc"),
        Order::OldestFirst => (">", "<", "asc"),
    };
    let conditions = if is_filtered {
        format!("and id {opposite} ?4{FILTER_SQL}")
    } else {
        String::new()
    };
    format!(
        "select {COLUMNS}
         from invitation
         where organization_id = ?1
           and id {comparison} ?2
           and not exists (select 1 from purge where organization_id = ?1)
           {conditions}
         order by id {direction}
         limit ?3"
    )
}

/// The invitation `id` of `organization`, as `show` makes it. `conn` is a reader's or a
/// transaction's.
pub fn find<T>(
    conn: &Connection,
    now: Timestamp,
    organization: &OrganizationId,
    id: Uuid,
    show: impl FnOnce(&Invitation<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = conn.prepare_cached(&FIND_SQL)?;
    let mut rows = statement.query((organization.as_str(), id.as_bytes()))?;
    rows.next()?
        .map(|row| show(&from_row(row, organization, now)?))
        .transpose()
}

/// One page of the invitations of `organization` that pass `filter`, each shown by `show`, in the
/// page's order. Returns the last one of the page where more follow. Steps over one row more than
/// it shows.
///
/// An id never bears an earlier time than `created_at`, so that is where a scan begins or ends. It
/// may bear a later one, after the clock went back, so times are compared, too.
pub fn list(
    conn: &Connection,
    now: Timestamp,
    organization: &OrganizationId,
    filter: &Filter,
    page: &Page,
    mut show: impl FnMut(&Invitation<'_>) -> Result<()>,
) -> Result<Option<Uuid>> {
    let mut statement =
        conn.prepare_cached(&LIST_SQL[usize::from(!filter.is_empty())][page.order as usize])?;
    let (after, limit) = (page.start(), page.limit + 1);
    let mut rows = if filter.is_empty() {
        statement.query((organization.as_str(), after.as_bytes(), limit))?
    } else {
        let earliest = filter.created_after.map_or(Uuid::nil(), lowest_id_at);
        let (start, end) = match page.order {
            Order::NewestFirst => (after, earliest),
            Order::OldestFirst => (after.max(earliest), Uuid::max()),
        };
        statement.query((
            organization.as_str(),
            start.as_bytes(),
            limit,
            end.as_bytes(),
            filter.status_bits(),
            now.as_millis(),
            filter.delivery_bits(),
            filter.email.as_ref().map(Email::as_str),
            filter.role.as_ref().map(Role::as_str),
            &filter.search,
            filter.created_after.map(Timestamp::as_millis),
            filter.created_before.map(Timestamp::as_millis),
            filter.expires_before.map(Timestamp::as_millis),
        ))?
    };
    let mut last = None;
    for _ in 0..page.limit {
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        last = match unless_damaged("invitation", from_row(row, organization, now))? {
            Some(invitation) => {
                show(&invitation)?;
                Some(invitation.id)
            }
            None => id(row).ok().or(last),
        };
    }
    Ok(rows.next()?.and(last))
}

/// The invitation that holds the place of `email` in `organization`; it may have lapsed.
pub(crate) fn find_standing(
    conn: &Connection,
    organization: &OrganizationId,
    email: &Email,
) -> Result<Option<Uuid>> {
    let mut statement = conn.prepare_cached(
        "select id
         from invitation
         where email = ?1
           and organization_id = ?2
           and state in (0, 1)",
    )?;
    let bound = (email.as_str(), organization.as_str());
    let found = statement.query_row(bound, |row| read_id(row, 0));
    Ok(found.optional()?)
}

/// The organization of the invitation `id`: what a link does not say.
pub(crate) fn find_organization(conn: &Connection, id: Uuid) -> Result<Option<OrganizationId>> {
    let mut statement = conn.prepare_cached(
        "select organization_id
         from invitation
         where id = ?1
           and not exists (select 1 from purge where organization_id = invitation.organization_id)",
    )?;
    let found = statement
        .query_row([id.as_bytes()], |row| row.get::<_, String>(0))
        .optional()?;
    Ok(found.and_then(|organization| OrganizationId::parse(&organization)))
}

/// The personal note of an invitation, which only its mail shows. `conn` is a reader's or a
/// transaction's.
pub(crate) fn find_note(conn: &Connection, id: Uuid) -> Result<Option<String>> {
    let mut statement = conn.prepare_cached("select note from invitation where id = ?1")?;
    Ok(statement
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?
        .flatten())
}

/// Where the pending and accepted invitations of `email` are, by organization; some of them may
/// have lapsed.
pub(crate) fn list_standing(
    conn: &Connection,
    email: &Email,
) -> Result<Vec<(OrganizationId, Uuid)>> {
    let mut statement = conn.prepare_cached(
        "select organization_id, id
         from invitation
         where email = ?1
           and state in (0, 1)
           and not exists (select 1 from purge where organization_id = invitation.organization_id)
         order by organization_id",
    )?;
    let mut rows = statement.query([email.as_str()])?;
    let mut places = Vec::new();
    while let Some(row) = rows.next()? {
        let organization = row.get_ref(0)?.as_str().map_err(Error::corrupt)?;
        let organization = OrganizationId::from_stored(organization)?;
        places.push((organization, read_id(row, 1)?));
    }
    Ok(places)
}

/// Inserts a pending invitation that ends at `expires_at`; whether it counts for a cap is the
/// organization's matter. Its mail is the caller's. Returns its id, or none where one stands for
/// the address already.
pub(crate) fn insert(
    tx: &WriteTx<'_>,
    new: &NewInvitation,
    expires_at: Timestamp,
    is_capped: bool,
) -> Result<Option<Uuid>> {
    let id = tx.new_id();
    let inserted = tx
        .prepare_cached(
            "insert into invitation
               (organization_id, id, email, role, state, created_at, expires_at, updated_at,
                inviter_id, inviter_name, inviter_email, note, metadata, redirect_url, locale,
                capped, lapse, delivery)
             values
               (?1, ?2, ?3, ?4, 0, ?5, ?6, ?5, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
             on conflict (email, organization_id) where state in (0, 1) do nothing",
        )?
        // By place: sixteen names would be a fiftieth of a create.
        .execute((
            new.organization.as_str(),
            id.as_bytes(),
            new.email.as_str(),
            new.role.as_str(),
            tx.now.as_millis(),
            expires_at.as_millis(),
            &new.inviter.id,
            &new.inviter.name,
            &new.inviter.email,
            &new.note,
            &new.metadata,
            &new.redirect_url,
            &new.locale,
            is_capped.then_some(1),
            lapse::near(tx.now, expires_at),
            new.delivery() as u8,
        ))?;
    Ok((inserted > 0).then(|| {
        let capped_until = is_capped.then_some(expires_at);
        tx.count_new_invitation(&new.organization, Status::Pending as u8, capped_until);
        id
    }))
}

/// Ends an invitation as `end`: one that has lapsed as expired, any other only while it has not.
/// Returns whether it could, and then whether the history says already that its time has passed.
pub(crate) fn close(
    tx: &WriteTx<'_>,
    organization: &OrganizationId,
    id: Uuid,
    end: Status,
    accepted_by: Option<&str>,
) -> Result<Option<bool>> {
    // An expiry is a matter of the clock, not something that somebody did, or changed, at a time.
    let closed_at = (end != Status::Expired).then_some(tx.now.as_millis());
    let mut statement = tx.prepare_cached(
        "update invitation not indexed
             set state = :state, closed_at = :closed_at, accepted_by = :accepted_by,
                 updated_at = iif(:state = 4, updated_at, :now)
             where organization_id = :organization_id
               and id = :id
               and state = 0
               and (expires_at <= :now) = (:state = 4)
             returning lapse is 1",
    )?;
    let bound = named_params! {
        ":state": end as u8,
        ":closed_at": closed_at,
        ":accepted_by": accepted_by,
        ":now": tx.now.as_millis(),
        ":organization_id": organization.as_str(),
        ":id": id.as_bytes(),
    };
    Ok(statement.query_row(bound, |row| row.get(0)).optional()?)
}

/// Makes a pending or expired invitation pending until `expires_at`, and counts the sending.
/// Returns whether it could.
pub(crate) fn renew(
    tx: &WriteTx<'_>,
    organization: &OrganizationId,
    id: Uuid,
    expires_at: Timestamp,
    delivery: Delivery,
) -> Result<bool> {
    let changed = tx
        .prepare_cached(
            "update invitation not indexed
             set state = 0,
                 expires_at = :expires_at,
                 lapse = :lapse,
                 updated_at = :now,
                 send_count = coalesce(send_count, 0) + 1,
                 last_sent_at = :now,
                 delivery = :delivery,
                 delivery_attempts = null,
                 delivery_error = null
             where organization_id = :organization_id
               and id = :id
               and state in (0, 4)",
        )?
        .execute(named_params! {
            ":expires_at": expires_at.as_millis(),
            ":lapse": lapse::near(tx.now, expires_at),
            ":now": tx.now.as_millis(),
            ":delivery": delivery as u8,
            ":organization_id": organization.as_str(),
            ":id": id.as_bytes(),
        })?;
    Ok(changed > 0)
}

/// Changes what is given of a pending invitation that has not lapsed. Returns whether it could.
pub(crate) fn update(
    tx: &WriteTx<'_>,
    organization: &OrganizationId,
    id: Uuid,
    patch: &Patch,
) -> Result<bool> {
    let expires_at = patch.expiry.map(|expiry| expiry.from(tx.now));
    let changed = tx
        .prepare_cached(
            "update invitation not indexed
             set role = coalesce(:role, role),
                 expires_at = coalesce(:expires_at, expires_at),
                 lapse = iif(:expires_at is null, lapse, :lapse),
                 metadata = iif(:sets_metadata, :metadata, metadata),
                 redirect_url = iif(:sets_redirect_url, :redirect_url, redirect_url),
                 locale = iif(:sets_locale, :locale, locale),
                 updated_at = :now
             where organization_id = :organization_id
               and id = :id
               and state = 0
               and expires_at > :now",
        )?
        .execute(named_params! {
            ":role": patch.role.as_ref().map(Role::as_str),
            ":expires_at": expires_at.map(Timestamp::as_millis),
            ":lapse": expires_at.and_then(|end| lapse::near(tx.now, end)),
            ":sets_metadata": patch.metadata.is_some(),
            ":metadata": patch.metadata.as_ref().and_then(Option::as_ref),
            ":sets_redirect_url": patch.redirect_url.is_some(),
            ":redirect_url": patch.redirect_url.as_ref().and_then(Option::as_ref),
            ":sets_locale": patch.locale.is_some(),
            ":locale": patch.locale.as_ref().and_then(Option::as_ref),
            ":now": tx.now.as_millis(),
            ":organization_id": organization.as_str(),
            ":id": id.as_bytes(),
        })?;
    Ok(changed > 0)
}

/// Deletes an invitation, whatever its status. Returns whether it was there.
pub fn delete(tx: &WriteTx<'_>, organization: &OrganizationId, id: Uuid) -> Result<bool> {
    let changed = tx
        .prepare_cached(
            "delete from invitation not indexed where organization_id = ?1 and id = ?2",
        )?
        .execute((organization.as_str(), id.as_bytes()))?;
    Ok(changed > 0)
}

/// The address of the inviter of `invitation`, if it has one.
pub(crate) fn find_inviter(tx: &WriteTx<'_>, invitation: Uuid) -> Result<Option<Email>> {
    let mut statement = tx.prepare_cached("select inviter_email from invitation where id = ?1")?;
    let found: Option<String> = statement.query_row([invitation.as_bytes()], |row| row.get(0))?;
    Ok(found.as_deref().map(Email::from_stored))
}
