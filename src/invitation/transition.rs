//! What can become of an invitation: the one table of transitions, and the way to make one.
//!
//! The table says what is allowed; the conditional update in [`store`] enforces it.

use uuid::Uuid;

use super::{Invitation, Status, lapse, store};
use crate::base::clock::Timestamp;
use crate::base::email::Email;
use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::db::WriteTx;
use crate::event::{self, EventFields, EventType, NewEvent};
use crate::outbox;
use crate::outbox::mail::Delivery;

/// Something that happens to an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The person joins.
    Accept,
    /// The person says no.
    Decline,
    /// It is taken back.
    Revoke,
    /// It has lapsed, and gives its place to a new one. Its history may tell of the end already.
    Expire,
    /// It is sent again, with a new link and a new expiry.
    Renew,
}

/// Who is refused, and so what there is to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Whoever manages invitations, with a key.
    Inviter,
    /// The invited person.
    Invited,
}

impl Audience {
    /// Who asks by the link: an application with a key, or the person.
    pub(crate) fn by_link(has_key: bool) -> Self {
        if has_key {
            Self::Inviter
        } else {
            Self::Invited
        }
    }
}

/// One row of the table.
struct Transition {
    /// Where the invitation may stand before.
    from: &'static [Status],
    /// Where it stands after.
    to: Status,
    /// What the history calls it.
    event: EventType,
}

impl Change {
    /// The table. Accepted, declined and revoked are final: nothing leads out of them.
    #[rustfmt::skip]
    fn transition(self) -> Transition {
        use Status::{Accepted, Declined, Expired, Pending, Revoked};
        match self {
            Self::Accept => Transition { from: &[Pending], to: Accepted,
                event: EventType::Accepted },
            Self::Decline => Transition { from: &[Pending], to: Declined,
                event: EventType::Declined },
            Self::Revoke => Transition { from: &[Pending], to: Revoked, event: EventType::Revoked },
            Self::Expire => Transition { from: &[Expired], to: Expired, event: EventType::Expired },
            Self::Renew => Transition { from: &[Pending, Expired], to: Pending,
                event: EventType::Renewed },
        }
    }

    /// Checks that this can happen to `present`, for whoever manages invitations.
    ///
    /// # Errors
    /// [`Code::StatusConflict`] with the present status.
    pub(crate) fn check(self, present: &CurrentInvitation) -> Result<()> {
        self.check_for(present, Audience::Inviter)
    }

    /// Checks that this can happen to `present`.
    ///
    /// # Errors
    /// [`Code::StatusConflict`] with the present status, and what `audience` can do about it.
    pub(crate) fn check_for(self, present: &CurrentInvitation, audience: Audience) -> Result<()> {
        if self.transition().from.contains(&present.status) {
            return Ok(());
        }
        let what = format!("cannot be {}", self.done());
        Err(present.refusal(&what, self, audience))
    }

    /// What is to be done next where this cannot happen to an invitation that stands as `status`.
    fn next_step(self, status: Status, audience: Audience) -> &'static str {
        let is_end = matches!(self, Self::Decline | Self::Revoke);
        match (audience, status) {
            (_, Status::Pending) | (Audience::Inviter, Status::Expired) => "",
            (Audience::Inviter, Status::Accepted) if is_end => {
                " Delete it once the person has left."
            }
            (Audience::Inviter, Status::Accepted) => " The person has joined by it.",
            (Audience::Inviter, _) if is_end => " Nobody can join by it.",
            (Audience::Inviter, _) => " Invite the address anew.",
            (Audience::Invited, Status::Accepted) if is_end => {
                " To leave the organization, sign in to it."
            }
            (Audience::Invited, Status::Accepted) => {
                " Sign in to the organization: nothing is left to do."
            }
            (Audience::Invited, _) if is_end => " Nothing is left to do.",
            (Audience::Invited, Status::Expired) => {
                " Ask the person who invited you to send it again."
            }
            (Audience::Invited, _) => " Ask the person who invited you to invite you anew.",
        }
    }

    /// What the invitation would have been.
    fn done(self) -> &'static str {
        match self {
            Self::Accept => "accepted",
            Self::Decline => "declined",
            Self::Revoke => "revoked",
            Self::Expire => "expired",
            Self::Renew => "sent again",
        }
    }
}

/// What the decisions of a change need to know of an invitation.
#[derive(Clone, Debug)]
pub struct CurrentInvitation {
    /// Whose it is.
    pub organization: OrganizationId,
    /// Its id.
    pub id: Uuid,
    /// The invited address.
    pub email: Email,
    /// The role.
    pub role: String,
    /// Where it stands now.
    pub status: Status,
    /// When its time runs out.
    pub expires_at: Timestamp,
    /// How often it was sent again.
    pub send_count: u32,
    /// When it was last sent, the first time included.
    pub sent_at: Timestamp,
}

impl CurrentInvitation {
    /// What `invitation` of `organization` is at this moment.
    pub fn of(organization: &OrganizationId, invitation: &Invitation<'_>) -> Self {
        Self {
            organization: organization.clone(),
            id: invitation.id,
            email: Email::from_stored(invitation.email),
            role: invitation.role.to_owned(),
            status: invitation.status,
            expires_at: invitation.expires_at,
            send_count: invitation.send_count.unwrap_or_default(),
            sent_at: invitation.last_sent_at.unwrap_or(invitation.created_at),
        }
    }

    /// The error that its status is in the way of `change`, for `audience`; `what` is what it does
    /// not do any more, or not as long as it is expired: nothing else can be undone.
    pub(crate) fn refusal(&self, what: &str, change: Change, audience: Audience) -> Error {
        let status = self.status.name();
        let until = match (self.status, audience) {
            (Status::Expired, Audience::Inviter) => "until it is sent again (resend)",
            _ => "any more",
        };
        let next = change.next_step(self.status, audience);
        let detail = format!("The invitation is {status} and {what} {until}.{next}");
        Error::new(Code::StatusConflict, detail)
            .with_invitation(self.id)
            .with_status(status)
    }

    /// Whether `email` is the invited address: nobody else can join.
    pub(crate) fn is_for(&self, email: &Email) -> bool {
        self.email == *email
    }

    /// The invitation `id` of `organization`.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub(crate) fn get(tx: &WriteTx<'_>, organization: &OrganizationId, id: Uuid) -> Result<Self> {
        Self::get_if(tx, organization, id, |_| Ok(()))
    }

    /// The invitation `id` of `organization`, if it passes `check`.
    ///
    /// # Errors
    /// [`Code::NotFound`], or what `check` returns.
    pub(crate) fn get_if(
        tx: &WriteTx<'_>,
        organization: &OrganizationId,
        id: Uuid,
        check: impl FnOnce(&Invitation<'_>) -> Result<()>,
    ) -> Result<Self> {
        let show = |invitation: &Invitation<'_>| {
            check(invitation).map(|()| Self::of(organization, invitation))
        };
        store::find(tx, tx.now, organization, id, show)?.ok_or_else(Error::not_found)
    }
}

/// Ends `present` by `change`; `accepted_by` is the person's user id, where the application gave
/// one.
///
/// # Errors
/// [`Code::StatusConflict`] where the table does not allow it.
pub(crate) fn close(
    tx: &WriteTx<'_>,
    present: &CurrentInvitation,
    change: Change,
    accepted_by: Option<&str>,
    origin: &Origin,
) -> Result<()> {
    change.check(present)?;
    let Transition { to, event, .. } = change.transition();
    let CurrentInvitation {
        organization, id, ..
    } = present;
    let Some(is_lapse_told) = store::close(tx, organization, *id, to, accepted_by)? else {
        return Err(Error::internal(
            "an invitation changed between two statements of its transaction",
        ));
    };
    if change == Change::Expire {
        return if is_lapse_told {
            Ok(())
        } else {
            lapse::append(tx, organization, *id, origin)
        };
    }
    let before = EventFields {
        status: Some(Status::Pending.name()),
        ..EventFields::default()
    };
    let after = EventFields {
        status: Some(to.name()),
        accepted_by,
        ..EventFields::default()
    };
    event::store::append(
        tx,
        &NewEvent {
            organization: &present.organization,
            kind: event,
            invitation: Some(present.id),
            origin,
            before: Some(&before),
            after: Some(&after),
        },
    )
}

/// What a further sending of an invitation begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// When the invitation ends.
    pub expires_at: Timestamp,
    /// How far its mail has come.
    pub delivery: Delivery,
    /// When its mail is due; none: nothing is mailed.
    pub mail_due_at: Option<Timestamp>,
}

/// Makes `present` pending again, as `sent`: a new link, and every older one is worthless.
///
/// # Errors
/// [`Code::StatusConflict`] where the table does not allow it.
pub(crate) fn renew(
    tx: &WriteTx<'_>,
    present: &CurrentInvitation,
    Sent {
        expires_at,
        delivery,
        mail_due_at,
    }: Sent,
    origin: &Origin,
) -> Result<()> {
    Change::Renew.check(present)?;
    let Transition { to, event, .. } = Change::Renew.transition();
    if !store::renew(tx, &present.organization, present.id, expires_at, delivery)? {
        return Err(Error::internal(
            "an invitation changed between two statements of its transaction",
        ));
    }
    outbox::mail::store::requeue_invitation(tx, present.id, mail_due_at)?;
    let facts = |status: Status, expires_at| EventFields {
        status: (present.status != to).then(|| status.name()),
        expires_at: Some(expires_at),
        ..EventFields::default()
    };
    let (before, after) = (
        facts(present.status, present.expires_at),
        facts(to, expires_at),
    );
    event::store::append(
        tx,
        &NewEvent {
            organization: &present.organization,
            kind: event,
            invitation: Some(present.id),
            origin,
            before: Some(&before),
            after: Some(&after),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every change.
    const ALL: [Change; 5] = [
        Change::Accept,
        Change::Decline,
        Change::Revoke,
        Change::Expire,
        Change::Renew,
    ];

    #[test]
    fn nothing_leads_out_of_accepted_declined_and_revoked() {
        for last in [Status::Accepted, Status::Declined, Status::Revoked] {
            assert!(
                ALL.iter()
                    .all(|change| !change.transition().from.contains(&last)),
                "{last:?}"
            );
        }
    }
}
