//! Sending an invitation again: the same id, a new link, a new expiry.

use super::actor::Actor;
use super::new::Expiry;
use super::transition::{self, Change, CurrentInvitation, Sent};
use super::{Status, store};
use crate::base::error::{Code, Error, Result};
use crate::db::WriteTx;
use crate::organization;
use crate::outbox::mail::Delivery;
use crate::policy::Sending;

/// Sends `present` again; `notify` decides whether by mail, or only with a new link. It keeps its
/// role, so that one must be grantable, and acceptable to the organization; the cool-down of
/// `sending` must be over, and its limits not be used up. A lapsed one comes back only where no
/// other stands for its address.
///
/// # Errors
/// [`Code::RoleNotGrantable`], [`Code::StatusConflict`], [`Code::ResendTooSoon`],
/// [`Code::ValidationFailed`] by the organization's settings, [`Code::AlreadyInvited`],
/// [`Code::AlreadyAccepted`], [`Code::PendingLimitReached`], [`Code::RateLimited`].
pub(crate) fn renew(
    tx: &WriteTx<'_>,
    present: &CurrentInvitation,
    expiry: Expiry,
    notify: bool,
    sending: &Sending,
    by: &Actor,
) -> Result<()> {
    by.rights.check_grant(&present.role)?;
    Change::Renew.check(present)?;
    let wait_ms = present
        .sent_at
        .plus_seconds(sending.cooldown_seconds)
        .as_millis()
        - tx.now.as_millis();
    // A longer wait than the cool-down is one that a clock made which was ahead.
    if (1..=sending.cooldown_seconds * 1000).contains(&wait_ms) {
        let seconds = u64::try_from(wait_ms.div_euclid(1000) + i64::from(wait_ms % 1000 > 0))
            .unwrap_or_default();
        let cooldown = sending.cooldown_seconds;
        let detail = format!(
            "This invitation can be sent again in {seconds} s: {cooldown} s must lie between two \
             sendings (--resend-cooldown)."
        );
        let error = Error::new(Code::ResendTooSoon, detail);
        return Err(error.with_invitation(present.id).retry_after(seconds));
    }
    let settings = organization::store::ensure(tx, &present.organization)?;
    settings.require(&present.role, present.email.as_str())?;
    if present.status == Status::Expired {
        check_place(tx, present, by)?;
        organization::store::check_room(tx, &present.organization, &settings)?;
    }
    let (expires_at, delivery) = (
        expiry.or_default(settings.default_expires_in).from(tx.now),
        sending.delivery(notify),
    );
    let is_mailed = delivery == Delivery::Queued;
    let wait = sending
        .limits
        .count_invitation(&present.organization, &present.email, is_mailed)?;
    let mail_due_at = is_mailed.then(|| tx.now.plus(wait));
    transition::renew(
        tx,
        present,
        Sent {
            expires_at,
            delivery,
            mail_due_at,
        },
        &by.origin,
    )
}

/// Checks that the place of a lapsed invitation is free; what has lapsed in it gives way.
fn check_place(tx: &WriteTx<'_>, present: &CurrentInvitation, by: &Actor) -> Result<()> {
    let standing = store::find_standing(tx, &present.organization, &present.email)?;
    let Some(other) = standing.filter(|id| *id != present.id) else {
        return Ok(());
    };
    let other = CurrentInvitation::get(tx, &present.organization, other)?;
    match other.status {
        Status::Expired => transition::close(tx, &other, Change::Expire, None, &by.origin),
        Status::Accepted => Err(in_the_way(&other, "; to delete that one frees the address")),
        _ => Err(in_the_way(
            &other,
            "; send that one again, or revoke it first",
        )),
    }
}

/// The error that names the pending or accepted invitation in the way; `instead` ends its sentence.
pub(crate) fn in_the_way(standing: &CurrentInvitation, instead: &str) -> Error {
    let (code, why) = match standing.status {
        Status::Accepted => (Code::AlreadyAccepted, "has joined by an invitation"),
        _ => (Code::AlreadyInvited, "has a pending invitation"),
    };
    Error::new(code, format!("This address {why} already{instead}.")).with_invitation(standing.id)
}
