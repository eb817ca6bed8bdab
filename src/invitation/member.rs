//! Members: who accepted an invitation. A member is that invitation, and nothing else is stored.
//!
//! An application knows a member by its own user id, where it gave one. One user may have accepted
//! with two addresses, so that a member is one invitation or several.

use std::borrow::Cow;

use uuid::Uuid;

use super::actor::Actor;
use super::transition::CurrentInvitation;
use super::{Invitation, Status, delete, store};
use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::page::{Order, Page};
use crate::base::role::Role;
use crate::db::{Reader, WriteTx};
use crate::event::query::{EventQuery, Filter};
use crate::event::{self, EventFields, EventType, NewEvent};
use crate::organization;

/// The most invitations of a member who is changed or removed: all of them change in one
/// transaction, and other writes wait for that.
const MAX_INVITATIONS: u32 = 200;
/// What is said of a member with more.
const TOO_MANY: &str = "This member has accepted more than 200 invitations, which are too many to \
    change at once: change or delete them one by one, as invitations.";
/// The most acceptances of an organization, between the time at which a member is found and the one
/// at which it is changed, that are looked through.
const MAX_ACCEPTED: u32 = 1000;

/// The id of the member that `invitation` made: the application's user id; where it gave none, the
/// id of the invitation.
pub(crate) fn user_id<'a>(invitation: &Invitation<'a>) -> Cow<'a, str> {
    invitation
        .accepted_by
        .map_or_else(|| invitation.id.to_string().into(), Cow::Borrowed)
}

/// A member of an organization, as it was found.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Its id.
    user: String,
    /// The invitations that it accepted, the latest first: at least one, and no more than
    /// [`MAX_INVITATIONS`] and one.
    invitations: Vec<Uuid>,
    /// The latest event of the organization before that.
    seen: Option<Uuid>,
}

impl Member {
    /// Finds the member `user` of `organization`. May step over all invitations of the organization.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub(crate) fn find(
        reader: &Reader<'_>,
        organization: &OrganizationId,
        user: &str,
    ) -> Result<Self> {
        // First the event: what is accepted between the two reads is looked at again.
        let seen = event::store::latest(reader, organization)?;
        let most = MAX_INVITATIONS + 1;
        let invitations = store::member::list_of_member(reader, organization, user, most)?;
        if invitations.is_empty() {
            return Err(Error::not_found());
        }
        Ok(Self {
            user: user.to_owned(),
            invitations,
            seen,
        })
    }

    /// The same member in the transaction that is to change it, with what it has accepted since it
    /// was found. That is read from the history, since a member is found among all invitations,
    /// which would hold up every other write.
    ///
    /// # Errors
    /// [`Code::StatusConflict`] for a member of more than [`MAX_INVITATIONS`] invitations,
    /// [`Code::Overloaded`] where more than [`MAX_ACCEPTED`] were accepted since.
    pub(crate) fn at_present(
        &self,
        tx: &WriteTx<'_>,
        organization: &OrganizationId,
    ) -> Result<Self> {
        let query = EventQuery {
            filter: Filter {
                types: Some(vec![EventType::Accepted]),
                ..Filter::default()
            },
            page: Page {
                order: Order::OldestFirst,
                after: self.seen,
                limit: MAX_ACCEPTED,
            },
        };
        let mut accepted = Vec::new();
        let (_, is_more) = event::store::list(tx, organization, &query, |event| {
            accepted.extend(event.invitation_id);
            Ok(())
        })?;
        if is_more {
            let detail = "Too many invitations were accepted while the member was looked for.";
            return Err(Error::new(Code::Overloaded, detail));
        }
        let mut present = self.clone();
        for id in accepted {
            let is_own = |invitation: &Invitation<'_>| Ok(self.check(invitation).is_ok());
            let is_own = store::find(tx, tx.now, organization, id, is_own)?;
            if is_own == Some(true) && !present.invitations.contains(&id) {
                present.invitations.push(id);
            }
        }
        if present.invitations.len() > MAX_INVITATIONS as usize {
            return Err(Error::new(Code::StatusConflict, TOO_MANY));
        }
        // Ids grow with time.
        present
            .invitations
            .sort_unstable_by(|one, other| other.cmp(one));
        Ok(present)
    }

    /// The latest of its invitations.
    pub(crate) fn latest(&self) -> Uuid {
        self.invitations.first().copied().unwrap_or_default()
    }

    /// Checks that `invitation` is one that this member accepted, still.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub(crate) fn check(&self, invitation: &Invitation<'_>) -> Result<()> {
        let is_own = invitation.status == Status::Accepted && user_id(invitation) == self.user;
        is_own.then_some(()).ok_or_else(Error::not_found)
    }

    /// Gives the member another role, in all of its invitations. Whoever may not grant the role
    /// that it has may not take it away either.
    ///
    /// # Errors
    /// `not_found` where one is not this member's any more, `role_not_grantable`, and
    /// `validation_failed` for a role that the organization does not have.
    pub(crate) fn set_role(
        &self,
        tx: &WriteTx<'_>,
        organization: &OrganizationId,
        role: &Role,
        by: &Actor,
    ) -> Result<()> {
        let check = |invitation: &Invitation<'_>| self.check(invitation);
        by.rights.check_grant(role.as_str())?;
        organization::store::ensure(tx, organization)?.require_role(role.as_str())?;
        for id in &self.invitations {
            let present = CurrentInvitation::get_if(tx, organization, *id, check)?;
            by.rights.check_grant(&present.role)?;
            if present.role != role.as_str() {
                store::member::set_role(tx, organization, *id, role)?;
                append(tx, &present, role, by)?;
            }
        }
        Ok(())
    }

    /// Removes the member with all of its invitations. Its addresses can be invited again.
    ///
    /// # Errors
    /// `not_found` where one is not this member's any more, `role_not_grantable`.
    pub(crate) fn remove(
        &self,
        tx: &WriteTx<'_>,
        organization: &OrganizationId,
        by: &Actor,
    ) -> Result<()> {
        let check = |invitation: &Invitation<'_>| self.check(invitation);
        let mut ids = self.invitations.iter();
        ids.try_for_each(|id| delete::delete(tx, organization, *id, by, check))
    }
}

/// Tells the history that the member of `present` has got `role`.
fn append(tx: &WriteTx<'_>, present: &CurrentInvitation, role: &Role, by: &Actor) -> Result<()> {
    let facts = |role| EventFields {
        role: Some(role),
        ..EventFields::default()
    };
    event::store::append(
        tx,
        &NewEvent {
            organization: &present.organization,
            kind: EventType::Updated,
            invitation: Some(present.id),
            origin: &by.origin,
            before: Some(&facts(&present.role)),
            after: Some(&facts(role.as_str())),
        },
    )
}
