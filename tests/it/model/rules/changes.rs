//! What each change does to an invitation or an organization, and what it is refused for.

use super::{COOLDOWN, Flaw, Model};
use crate::model::operation::{Lifetime, Pick};
use crate::model::state::{Answer, Invitation, Refusal, Shows, refuse};

impl Model {
    /// Invites.
    pub fn create(
        &mut self,
        place: (usize, usize, usize),
        lifetime: Lifetime,
        on_conflict: &str,
    ) -> Answer {
        let (organization, address, role) = place;
        let Some(expires_at) = lifetime.end(self.now) else {
            return refuse(422, "validation_failed");
        };
        let standing = self.standing(organization, address);
        let Some(other) = standing.filter(|&other| !self.is(other, "expired")) else {
            self.check_room(organization)?;
            standing.into_iter().for_each(|lapsed| self.expire(lapsed));
            return Ok(self.insert(place, expires_at));
        };
        match on_conflict {
            "return" => Ok((200, Shows::Invitation(other))),
            "replace" if self.is(other, "pending") => {
                self.close(other, "revoked")?;
                Ok(self.insert((organization, address, role), expires_at))
            }
            "resend" if self.is(other, "pending") => self.renew(other, expires_at),
            _ => self.in_the_way(other),
        }
    }

    /// Adds a pending invitation.
    fn insert(
        &mut self,
        (organization, address, role): (usize, usize, usize),
        expires_at: i64,
    ) -> (u16, Shows) {
        self.organizations[organization].is_known = true;
        self.invitations.push(Invitation {
            id: String::new(),
            tokens: Vec::new(),
            organization,
            address,
            role,
            state: "pending",
            created_at: self.now,
            expires_at,
            updated_at: self.now,
            closed_at: None,
            metadata: None,
            send_count: 0,
            last_sent_at: None,
            is_gone: false,
        });
        let index = self.invitations.len() - 1;
        self.note("invitation.created", index);
        (201, Shows::Invitation(index))
    }

    /// Writes down that an invitation has lapsed.
    fn expire(&mut self, index: usize) {
        let invitation = &mut self.invitations[index];
        invitation.state = "expired";
        self.note("invitation.expired", index);
    }

    /// Ends a pending invitation.
    pub fn close(&mut self, index: usize, end: &'static str) -> Answer {
        self.require(index, &["pending"])?;
        self.end(index, end)
    }

    /// Ends an invitation.
    fn end(&mut self, index: usize, end: &'static str) -> Answer {
        let now = self.now;
        let invitation = &mut self.invitations[index];
        (
            invitation.state,
            invitation.closed_at,
            invitation.updated_at,
        ) = (end, Some(now), now);
        let event = match end {
            "accepted" => "invitation.accepted",
            "declined" => "invitation.declined",
            _ => "invitation.revoked",
        };
        self.note(event, index);
        Ok((200, Shows::Invitation(index)))
    }

    /// Accepts or declines.
    pub fn answer(&mut self, index: usize, accepts: bool, is_invited: bool) -> Answer {
        if !is_invited && self.flaw != Some(Flaw::TakesAnybody) {
            return refuse(403, "email_mismatch");
        }
        let end = if accepts { "accepted" } else { "declined" };
        if self.flaw == Some(Flaw::AcceptsLapsed) && self.is(index, "expired") {
            return self.end(index, end);
        }
        self.close(index, end)
    }

    /// Sends one again.
    pub fn resend(&mut self, pick: Pick, lifetime: Lifetime) -> Answer {
        let Some(expires_at) = lifetime.end(self.now) else {
            return refuse(422, "validation_failed");
        };
        let found = self.find(pick)?;
        self.renew(found, expires_at)
    }

    /// Makes a pending or expired invitation pending until `expires_at`, with a new link.
    fn renew(&mut self, index: usize, expires_at: i64) -> Answer {
        self.require(index, &["pending", "expired"])?;
        let invitation = &self.invitations[index];
        let wait = invitation.sent_at() + COOLDOWN - self.now;
        // A clock that was ahead when it was sent holds up nothing.
        if (1..=COOLDOWN).contains(&wait) {
            let retry_after = Some((wait + 999) / 1000);
            return Err(Refusal {
                code: (429, "resend_too_soon"),
                names: Some(index),
                standing: None,
                retry_after,
            });
        }
        if self.is(index, "expired") {
            let (organization, address) = (invitation.organization, invitation.address);
            let other = self
                .standing(organization, address)
                .filter(|&other| other != index);
            if let Some(other) = other.filter(|&other| !self.is(other, "expired")) {
                return self.in_the_way(other);
            }
            self.check_room(organization)?;
            other.into_iter().for_each(|lapsed| self.expire(lapsed));
        }
        let now = self.now;
        let invitation = &mut self.invitations[index];
        (
            invitation.state,
            invitation.expires_at,
            invitation.updated_at,
        ) = ("pending", expires_at, now);
        (invitation.send_count, invitation.last_sent_at) = (invitation.send_count + 1, Some(now));
        self.note("invitation.renewed", index);
        Ok((200, Shows::Invitation(index)))
    }

    /// Changes a pending one.
    pub fn patch(
        &mut self,
        pick: Pick,
        role: Option<usize>,
        lifetime: Lifetime,
        metadata: Option<Option<u8>>,
    ) -> Answer {
        let Some(end) = lifetime.end(self.now) else {
            return refuse(422, "validation_failed");
        };
        let expires_at = (!matches!(lifetime, Lifetime::Default)).then_some(end);
        let found = self.find(pick)?;
        self.require(found, &["pending"])?;
        let invitation = &mut self.invitations[found];
        // What it has already is no change.
        let role = role.filter(|role| *role != invitation.role);
        let expires_at = expires_at.filter(|end| *end != invitation.expires_at);
        let metadata = metadata.filter(|metadata| *metadata != invitation.metadata);
        if role.is_some() || expires_at.is_some() || metadata.is_some() {
            invitation.role = role.unwrap_or(invitation.role);
            invitation.expires_at = expires_at.unwrap_or(invitation.expires_at);
            invitation.metadata = metadata.unwrap_or(invitation.metadata);
            invitation.updated_at = self.now;
            self.note("invitation.updated", found);
        }
        Ok((200, Shows::Invitation(found)))
    }

    /// Deletes one, whatever its status.
    pub fn delete(&mut self, pick: Pick) -> Answer {
        let found = self.find(pick)?;
        self.invitations[found].is_gone = true;
        self.note("invitation.deleted", found);
        Ok((204, Shows::Nothing))
    }

    /// Puts an organization; answers the status.
    pub fn put(&mut self, organization: usize, cap: Option<usize>) -> u16 {
        let organization = &mut self.organizations[organization];
        organization
            .events
            .push(("organization.updated", None, self.now));
        organization.cap = cap;
        if std::mem::replace(&mut organization.is_known, true) {
            200
        } else {
            201
        }
    }

    /// Deletes an organization with all that belongs to it.
    pub fn disband(&mut self, organization: usize) -> Answer {
        if !std::mem::take(&mut self.organizations[organization]).is_known {
            return refuse(404, "not_found");
        }
        self.invitations
            .iter_mut()
            .filter(|one| one.organization == organization)
            .for_each(|one| one.is_gone = true);
        Ok((204, Shows::Nothing))
    }
}
