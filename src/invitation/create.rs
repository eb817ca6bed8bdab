//! What becomes of a new invitation: the conflict rule, in one transaction.

use uuid::Uuid;

use super::new::{NewInvitation, OnConflict};
use super::store::{self, Standing};
use super::{Invitation, Status};
use crate::db::WriteTx;
use crate::error::{Code, Error, Result};
use crate::event::{self, EventType, Facts, Origin};
use crate::key::Rights;
use crate::organization;
use crate::organization::settings::Settings;

/// Who makes the invitation.
#[derive(Clone, Debug)]
pub struct By {
    /// What they may grant.
    pub rights: Rights,
    /// Where the change comes from.
    pub origin: Origin,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is a new invitation.
    Created,
    /// The one that stands already is the answer; `resend` may have renewed it.
    Standing,
}

/// Makes the invitation, or does what `new.on_conflict` says where one stands already. Answers what became of it, and the
/// invitation as `show` makes it. One that has lapsed never stands in the way.
///
/// # Errors
/// [`Code::RoleNotGrantable`], [`Code::ValidationFailed`] by the organization's settings, [`Code::AlreadyInvited`],
/// [`Code::AlreadyAccepted`], [`Code::PendingLimitReached`], [`Code::ResendTooSoon`]. Nothing of the invitation is changed then.
pub fn create<T>(
    tx: &WriteTx<'_>,
    new: &NewInvitation,
    by: &By,
    show: impl FnOnce(&Invitation<'_>) -> Result<T>,
) -> Result<(Outcome, T)> {
    by.rights.check_grant(new.role.as_str())?;
    let settings = organization::store::ensure(tx, &new.organization)?;
    check_values(&settings, new.role.as_str(), new.email.as_str())?;
    check_room(tx, new, &settings)?;
    let (outcome, id) = match insert(tx, new, by, &settings)? {
        Some(id) => {
            // The usual case: the row is known without reading it again.
            let expires_at = settings.expiry(new.expiry).from(tx.now);
            return Ok((Outcome::Created, show(&new.created(id, tx.now, expires_at))?));
        }
        None => meet_standing(tx, new, by, &settings)?,
    };
    let shown = store::find(tx, tx.now, (&new.organization, id), show)?;
    shown.map(|shown| (outcome, shown)).ok_or_else(|| Error::internal("an invitation vanished in its own transaction"))
}

/// Checks what the organization says about the values of an invitation.
fn check_values(settings: &Settings, role: &str, email: &str) -> Result<()> {
    let errors = settings.check(role, email);
    if errors.is_empty() { Ok(()) } else { Err(Error::validation(errors)) }
}

/// Checks that the organization has room for the new one, where it adds to the pending ones: one that takes the place of a
/// pending one does not; one that has lapsed was not counted any more.
fn check_room(tx: &WriteTx<'_>, new: &NewInvitation, settings: &Settings) -> Result<()> {
    if settings.max_pending.is_none() {
        return Ok(());
    }
    let standing = store::find_standing(tx, &new.organization, &new.email)?;
    if standing.is_some_and(|standing| standing.status != Status::Expired) {
        return Ok(());
    }
    organization::store::check_room(tx, &new.organization, settings)
}

/// Inserts the row and its event, unless an invitation stands for the address.
fn insert(tx: &WriteTx<'_>, new: &NewInvitation, by: &By, settings: &Settings) -> Result<Option<Uuid>> {
    let expires_at = settings.expiry(new.expiry).from(tx.now);
    let Some(id) = store::insert(tx, new, (expires_at, settings.max_pending.is_some()))? else {
        return Ok(None);
    };
    let after = Facts {
        email: Some(new.email.as_str()),
        role: Some(new.role.as_str()),
        status: Some(Status::Pending.name()),
        expires_at: Some(expires_at),
    };
    event::store::append(tx, &new.organization, (EventType::Created, id), &by.origin, (None, Some(&after)))?;
    Ok(Some(id))
}

/// Decides what to do where an invitation stands already.
fn meet_standing(tx: &WriteTx<'_>, new: &NewInvitation, by: &By, settings: &Settings) -> Result<(Outcome, Uuid)> {
    let standing = store::find_standing(tx, &new.organization, &new.email)?
        .ok_or_else(|| Error::internal("an insert met a conflict that is not there"))?;
    match (standing.status, new.on_conflict) {
        (Status::Pending | Status::Accepted, OnConflict::Return) => Ok((Outcome::Standing, standing.id)),
        (Status::Accepted, _) => Err(in_the_way(Code::AlreadyAccepted, "has joined by an invitation", &standing)),
        (Status::Pending, OnConflict::Error) => {
            Err(in_the_way(Code::AlreadyInvited, "has a pending invitation", &standing))
        }
        (Status::Pending, OnConflict::Resend) => renew(tx, new, &standing, by, settings),
        (Status::Pending, OnConflict::Replace) => replace(tx, new, (&standing, Status::Revoked), by, settings),
        _ => replace(tx, new, (&standing, Status::Expired), by, settings),
    }
}

/// Ends the standing invitation as `end`, and puts the new one in its place.
fn replace(
    tx: &WriteTx<'_>,
    new: &NewInvitation,
    (standing, end): (&Standing, Status),
    by: &By,
    settings: &Settings,
) -> Result<(Outcome, Uuid)> {
    let event = if end == Status::Revoked { EventType::Revoked } else { EventType::Expired };
    let (before, after) = (status(Status::Pending), status(end));
    store::close(tx, &new.organization, standing.id, end)?;
    event::store::append(tx, &new.organization, (event, standing.id), &by.origin, (Some(&before), Some(&after)))?;
    let id =
        insert(tx, new, by, settings)?.ok_or_else(|| Error::internal("the place of an ended invitation is taken"))?;
    Ok((Outcome::Created, id))
}

/// Sends the standing invitation again, if its cool-down is over. It keeps its role, so that one must be grantable, and
/// among those of the organization, too.
fn renew(
    tx: &WriteTx<'_>,
    new: &NewInvitation,
    standing: &Standing,
    by: &By,
    settings: &Settings,
) -> Result<(Outcome, Uuid)> {
    let check_role = |invitation: &Invitation<'_>| {
        by.rights.check_grant(invitation.role)?;
        check_values(settings, invitation.role, invitation.email)
    };
    store::find(tx, tx.now, (&new.organization, standing.id), check_role)?;
    let wait_ms = standing.sent_at.plus_seconds(new.resend_cooldown_seconds).as_millis() - tx.now.as_millis();
    if wait_ms > 0 {
        let seconds = u64::try_from(wait_ms.div_euclid(1000) + i64::from(wait_ms % 1000 > 0)).unwrap_or_default();
        let error = in_the_way(Code::ResendTooSoon, "was sent its invitation a moment ago", standing);
        return Err(error.retry_after(seconds));
    }
    let expires_at = settings.expiry(new.expiry).from(tx.now);
    let before = Facts { expires_at: Some(standing.expires_at), ..Facts::default() };
    let after = Facts { expires_at: Some(expires_at), ..Facts::default() };
    store::renew(tx, &new.organization, standing.id, expires_at)?;
    let event = (EventType::Renewed, standing.id);
    event::store::append(tx, &new.organization, event, &by.origin, (Some(&before), Some(&after)))?;
    Ok((Outcome::Standing, standing.id))
}

/// The facts of a change of status.
fn status(status: Status) -> Facts<'static> {
    Facts { status: Some(status.name()), ..Facts::default() }
}

/// The error that names the invitation in the way.
fn in_the_way(code: Code, why: &str, standing: &Standing) -> Error {
    Error::new(code, format!("This address {why} already.")).naming(standing.id)
}
