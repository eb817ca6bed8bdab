//! An invitation of a seed, checked, and its making.

use uuid::Uuid;

use super::Span;
use super::seed::SeedInvitation;
use crate::base::clock::Timestamp;
use crate::base::error::{Checked, Code, Errors, FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::text::check_id;
use crate::db::WriteTx;
use crate::invitation::Status;
use crate::invitation::accept::MAX_SUBJECT;
use crate::invitation::actor::Actor;
use crate::invitation::create::{self, Outcome};
use crate::invitation::new::NewInvitation;
use crate::invitation::transition::{self, Change, CurrentInvitation};
use crate::invitation::whole::{closing, parse_status, parse_time};
use crate::policy::Rules;

/// An invitation of a seed document, checked.
#[derive(Debug)]
pub(super) struct Entry {
    /// Where it is in the document.
    pub pointer: String,
    /// When it was made.
    pub then: Timestamp,
    /// How it was closed, and when; none: it was not.
    pub closed: Option<(Change, Timestamp)>,
    /// What was made.
    new: NewInvitation,
    /// Who accepted it.
    accepted_by: Option<String>,
}

impl Entry {
    /// Checks the invitation at `pointer`, which lives for `lifetime` seconds where it says nothing
    /// and its organization does. Errors are about pointers into it.
    pub(super) fn parse(
        invitation: SeedInvitation,
        organization: &OrganizationId,
        lifetime: Option<i64>,
        pointer: &str,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Self> {
        let mut errors = Errors::default();
        let given = invitation.organization_id.as_deref();
        if given.is_some_and(|id| id != organization.as_str()) {
            errors.push(FieldError::new(
                "/organizationId",
                FieldCode::Conflict,
                "that of the organization around it, or none",
            ));
        }
        let then = errors.take(parse_then(&invitation, now));
        let status = invitation.status.as_deref();
        let status = status.map_or(Ok(Status::Pending), |text| parse_status(Some(text)));
        let status = errors.take(status);
        let closed_at = status.and_then(|status| parse_closed(&invitation, status, &mut errors));
        let accepted_by = invitation.accepted_by.clone();
        errors.extend(check_id("/acceptedBy", accepted_by.as_deref(), MAX_SUBJECT));
        let parsed = NewInvitation::parse(
            organization.clone(),
            invitation.create_body(),
            rules,
            then.unwrap_or(now),
        );
        let mut new = errors.take_all(parsed)?;
        if let Some(new) = &mut new {
            new.expiry = new.expiry.or_default(lifetime);
        }
        let mut closed = None;
        if let (Some(new), Some(then), Some(status)) = (&new, then, status) {
            let ends_at = new.expiry.from(then);
            errors.extend(check_age(status, ends_at <= now));
            closed = change(status).map(|change| (change, closed_at.unwrap_or(then)));
            errors.extend(closed.and_then(|(change, at)| {
                let is_fine = then <= at && at < ends_at && at <= now;
                (!is_fine).then(|| out_of_life(change))
            }));
        }
        errors.finish(|| {
            Some(Self {
                pointer: pointer.to_owned(),
                then: then?,
                closed,
                new: new?,
                accepted_by,
            })
        })
    }

    /// Makes the invitation. `tx` is at its time. Returns its id, or that of the one that stands for
    /// its address.
    pub(super) fn insert(&self, tx: &WriteTx<'_>, by: &Actor) -> Result<(Outcome, Uuid)> {
        create::create(tx, &self.new, by, |invitation, _| Ok(invitation.id))
    }

    /// Closes the invitation `id` by `change`. `tx` is at the time of that.
    pub(super) fn close(
        &self,
        tx: &WriteTx<'_>,
        id: Uuid,
        change: Change,
        by: &Actor,
    ) -> Result<()> {
        let present = CurrentInvitation::get(tx, &self.new.organization, id)?;
        let accepted_by = self.accepted_by.as_deref();
        let closed = transition::close(tx, &present, change, accepted_by, &by.origin);
        closed.map_err(|error| {
            if error.code == Code::StatusConflict {
                let detail = "the invitation that stands for this address is not pending";
                FieldError::new("/status", FieldCode::Conflict, detail).into()
            } else {
                error
            }
        })
    }
}

/// How an invitation of this status was closed; none: it was not.
fn change(status: Status) -> Option<Change> {
    match status {
        Status::Accepted => Some(Change::Accept),
        Status::Declined => Some(Change::Decline),
        Status::Revoked => Some(Change::Revoke),
        Status::Pending | Status::Expired => None,
    }
}

/// The times of an invitation that was closed when it could not be.
fn out_of_life(change: Change) -> FieldError {
    let pointer = match change {
        Change::Accept => "/acceptedAt",
        Change::Decline => "/declinedAt",
        _ => "/revokedAt",
    };
    let detail = "after it was made, before it ends, and not in the future";
    FieldError::new(pointer, FieldCode::OutOfRange, detail)
}

/// Reads when an invitation was closed, if its document says so.
fn parse_closed(
    invitation: &SeedInvitation,
    status: Status,
    errors: &mut Errors,
) -> Option<Timestamp> {
    let times = [
        &invitation.accepted_at,
        &invitation.declined_at,
        &invitation.revoked_at,
    ];
    let times = times.map(Option::as_deref);
    let (pointer, time) = closing(status, times, invitation.accepted_by.is_some(), errors)?;
    errors.take(parse_time(pointer, Some(time?)))
}

/// Reads when an invitation was made.
fn parse_then(invitation: &SeedInvitation, now: Timestamp) -> Checked<Timestamp> {
    match (&invitation.age, invitation.created_at.as_deref()) {
        (age, None) => parse_age(age.as_ref(), now),
        (None, Some(text)) => {
            let then = parse_time("/createdAt", Some(text))?;
            let detail = "not in the future";
            let late = || FieldError::new("/createdAt", FieldCode::OutOfRange, detail);
            (then <= now).then_some(then).ok_or_else(late)
        }
        (Some(_), Some(_)) => Err(FieldError::new(
            "/createdAt",
            FieldCode::Conflict,
            "give either age or createdAt",
        )),
    }
}

/// Reads how long ago an invitation was made.
fn parse_age(age: Option<&Span>, now: Timestamp) -> Checked<Timestamp> {
    let Some(age) = age else {
        return Ok(now);
    };
    let age_millis = i64::try_from(age.parse("/age")?.as_millis()).unwrap_or(i64::MAX);
    let then = now.as_millis().saturating_sub(age_millis);
    let too_old = || FieldError::new("/age", FieldCode::OutOfRange, "not before 1970");
    (then >= 0)
        .then_some(Timestamp::from_millis(then))
        .ok_or_else(too_old)
}

/// Checks that an invitation which nobody answered is as old as its status says; the clock decides,
/// not the document.
fn check_age(status: Status, has_lapsed: bool) -> Option<FieldError> {
    match status {
        Status::Expired if !has_lapsed => Some(FieldError::new(
            "/age",
            FieldCode::OutOfRange,
            "an expired one is older than its lifetime",
        )),
        Status::Pending if has_lapsed => Some(FieldError::new(
            "/age",
            FieldCode::OutOfRange,
            "a pending one is younger than its lifetime",
        )),
        _ => None,
    }
}
