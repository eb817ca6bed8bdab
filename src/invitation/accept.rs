//! The end of an invitation by the person whose address is proven: they join, or say no.

use super::transition::{self, Change, CurrentInvitation};
use super::{code, store};
use crate::base::email::{self, Email, Hosts};
use crate::base::error::{Code, Error, Errors, FieldCode, FieldError, Result};
use crate::base::id::parse_id;
use crate::base::origin::Origin;
use crate::base::text;
use crate::db::WriteTx;
use crate::outbox;
use crate::outbox::mail::Kind;
use crate::policy::Sending;
use crate::policy::limits::Limits;

/// The most characters of a user's id: as many as an identity provider may give (OpenID Connect
/// Core 1.0, 2).
pub(crate) const MAX_SUBJECT: usize = 255;

/// The user who answers, and whose address is proven.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// The proven address.
    pub email: Email,
    /// The application's id of the user.
    pub id: Option<String>,
}

impl Subject {
    /// Checks what an application vouches for.
    ///
    /// # Errors
    /// [`Code::ValidationFailed`] with everything that is not acceptable.
    pub(crate) fn parse(email: Option<&str>, id: Option<String>, hosts: Hosts) -> Result<Self> {
        let mut errors = Errors::default();
        let email = errors.take(email::parse_email(email, hosts));
        errors.extend(text::check_id("/subject", id.as_deref(), MAX_SUBJECT));
        errors.finish(|| Some(Self { email: email?, id }))
    }
}

/// Answers `present` by `change` for `subject`, whose address is proven, and where that is set
/// tells the inviter. Another address than the invited one is counted. The invited one is never
/// refused for the wrong ones of others.
///
/// # Errors
/// [`Code::EmailMismatch`], [`Code::ValidationFailed`] for a user's id that is an invitation's,
/// [`Code::StatusConflict`], [`Code::RateLimited`] after too many wrong addresses.
pub(crate) fn accept_or_decline(
    tx: &WriteTx<'_>,
    present: &CurrentInvitation,
    change: Change,
    subject: &Subject,
    sending: &Sending,
    origin: &Origin,
) -> Result<()> {
    let limits = &sending.limits;
    if !present.is_for(&subject.email) {
        limits.count_wrong_word(present.id, &subject.email)?;
        return Err(Error::new(
            Code::EmailMismatch,
            "Another e-mail address was invited: sign in with that one. Nothing was used up.",
        ));
    }
    let accepted_by = subject.id.as_deref().filter(|_| change == Change::Accept);
    transition::close(tx, present, change, accepted_by, origin)?;
    check_user(tx, present, accepted_by)?;
    code::store::drop_codes(tx, present.id)?;
    if sending.notifies_inviters {
        notify_inviter(tx, present, limits)
    } else {
        Ok(())
    }
}

/// Checks that the id of a user is not that of another invitation of the organization: a member
/// whose application gave no id has that of its invitation, and two must not be taken for one.
fn check_user(tx: &WriteTx<'_>, present: &CurrentInvitation, user: Option<&str>) -> Result<()> {
    let other = user.and_then(parse_id).filter(|id| *id != present.id);
    let Some(other) = other else {
        return Ok(());
    };
    match store::find(tx, tx.now, &present.organization, other, |_| Ok(()))? {
        None => Ok(()),
        Some(()) => {
            let detail = "it is the id of another invitation: your own id of the user, or none";
            Err(FieldError::new("/subject", FieldCode::Conflict, detail).into())
        }
    }
}

/// Queues the notice to the inviter of an invitation that was answered, if there is an address for
/// it, and the organization has not sent too much there already.
fn notify_inviter(tx: &WriteTx<'_>, present: &CurrentInvitation, limits: &Limits) -> Result<()> {
    let Some(inviter) = store::find_inviter(tx, present.id)? else {
        return Ok(());
    };
    match limits.count_mail(&present.organization, &inviter) {
        Ok(wait) => {
            outbox::mail::store::queue(tx, present.id, Kind::Notice, &[], tx.now.plus(wait))
        }
        // Whoever answers is not to blame for it.
        Err(_) => Ok(()),
    }
}
