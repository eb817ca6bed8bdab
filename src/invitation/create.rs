//! What becomes of a new invitation: the conflict rule, in one transaction.

use uuid::Uuid;

use super::actor::Actor;
use super::new::{NewInvitation, OnConflict};
use super::renew::{in_the_way, renew};
use super::transition::{self, Change, CurrentInvitation};
use super::{Invitation, Status, store};
use crate::base::error::{Error, Result};
use crate::db::WriteTx;
use crate::event::{self, EventFields, EventType, NewEvent};
use crate::organization;
use crate::organization::settings::Settings;
use crate::outbox;
use crate::outbox::mail::{Delivery, Kind};

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is a new invitation.
    Created,
    /// The one that stands already is the answer; `resend` may have renewed it.
    Standing,
}

/// Makes the invitation, or does what `new.on_conflict` says where one stands already. Returns what
/// became of it, and the invitation as `show` makes it. One that has lapsed never stands in the
/// way.
///
/// # Errors
/// `role_not_grantable`, `validation_failed` by the organization's settings, `already_invited`,
/// `already_accepted`, `pending_limit_reached`, `resend_too_soon`, `rate_limited`. What was begun
/// by then is undone with the job.
pub fn create<T>(
    tx: &WriteTx<'_>,
    new: &NewInvitation,
    by: &Actor,
    show: impl FnOnce(&Invitation<'_>, Outcome) -> Result<T>,
) -> Result<(Outcome, T)> {
    by.rights.check_grant(new.role.as_str())?;
    let settings = organization::store::ensure(tx, &new.organization)?;
    settings.require(new.role.as_str(), new.email.as_str())?;
    check_room(tx, new, &settings)?;
    let (outcome, id) = match insert(tx, new, by, &settings)? {
        Some(id) => {
            // The usual case: the row is known without reading it again.
            let expires_at = new
                .expiry
                .or_default(settings.default_expires_in)
                .from(tx.now);
            return Ok((
                Outcome::Created,
                show(&new.created(id, tx.now, expires_at), Outcome::Created)?,
            ));
        }
        None => meet_standing(tx, new, by, &settings)?,
    };
    let shown = store::find(tx, tx.now, &new.organization, id, |invitation| {
        show(invitation, outcome)
    })?;
    shown
        .map(|shown| (outcome, shown))
        .ok_or_else(|| Error::internal("an invitation vanished in its own transaction"))
}

/// Checks that the organization has room for the new one, where it adds to the pending ones: one
/// that takes the place of a pending one does not; one that has lapsed was not counted any more.
fn check_room(tx: &WriteTx<'_>, new: &NewInvitation, settings: &Settings) -> Result<()> {
    if settings.max_pending.is_none() {
        return Ok(());
    }
    if let Some(id) = store::find_standing(tx, &new.organization, &new.email)?
        && CurrentInvitation::get(tx, &new.organization, id)?.status != Status::Expired
    {
        return Ok(());
    }
    organization::store::check_room(tx, &new.organization, settings)
}

/// Inserts the row, its mail and its event, unless an invitation stands for the address.
fn insert(
    tx: &WriteTx<'_>,
    new: &NewInvitation,
    by: &Actor,
    settings: &Settings,
) -> Result<Option<Uuid>> {
    let expires_at = new
        .expiry
        .or_default(settings.default_expires_in)
        .from(tx.now);
    let Some(id) = store::insert(tx, new, expires_at, settings.max_pending.is_some())? else {
        return Ok(None);
    };
    // Only now it is known that there is a new one: a create that meets another one costs nothing.
    let is_mailed = new.delivery() == Delivery::Queued;
    let wait = new
        .sending
        .limits
        .count_invitation(&new.organization, &new.email, is_mailed)?;
    if is_mailed {
        outbox::mail::store::queue(tx, id, Kind::Invitation, &[], tx.now.plus(wait))?;
    }
    let after = EventFields {
        email: Some(new.email.as_str()),
        role: Some(new.role.as_str()),
        status: Some(Status::Pending.name()),
        expires_at: Some(expires_at),
        ..EventFields::default()
    };
    event::store::append(
        tx,
        &NewEvent {
            organization: &new.organization,
            kind: EventType::Created,
            invitation: Some(id),
            origin: &by.origin,
            before: None,
            after: Some(&after),
        },
    )?;
    Ok(Some(id))
}

/// Decides what to do where an invitation stands already.
fn meet_standing(
    tx: &WriteTx<'_>,
    new: &NewInvitation,
    by: &Actor,
    settings: &Settings,
) -> Result<(Outcome, Uuid)> {
    let id = store::find_standing(tx, &new.organization, &new.email)?
        .ok_or_else(|| Error::internal("an insert met a conflict that is not there"))?;
    let standing = CurrentInvitation::get(tx, &new.organization, id)?;
    match (standing.status, new.on_conflict) {
        (Status::Pending | Status::Accepted, OnConflict::Return) => Ok((Outcome::Standing, id)),
        (Status::Accepted, _) => Err(in_the_way(
            &standing,
            "; `onConflict` can return it, and to delete it frees the address",
        )),
        (Status::Pending, OnConflict::Error) => Err(in_the_way(
            &standing,
            "; `onConflict` can return, replace or resend it",
        )),
        (Status::Pending, OnConflict::Resend) => {
            renew(tx, &standing, new.expiry, new.notify, &new.sending, by)?;
            Ok((Outcome::Standing, id))
        }
        (Status::Pending, OnConflict::Replace) => {
            by.rights.check_grant(&standing.role)?;
            replace(tx, new, &standing, Change::Revoke, by, settings)
        }
        _ => replace(tx, new, &standing, Change::Expire, by, settings),
    }
}

/// Ends the standing invitation by `end`, and puts the new one in its place.
fn replace(
    tx: &WriteTx<'_>,
    new: &NewInvitation,
    standing: &CurrentInvitation,
    end: Change,
    by: &Actor,
    settings: &Settings,
) -> Result<(Outcome, Uuid)> {
    transition::close(tx, standing, end, None, &by.origin)?;
    let id = insert(tx, new, by, settings)?;
    let id = id.ok_or_else(|| Error::internal("the place of an ended invitation is taken"))?;
    Ok((Outcome::Created, id))
}
