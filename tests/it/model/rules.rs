//! The model: what the documents promise of invitations, as plainly as it can be written, in
//! memory.

use super::operation::{DELETED_TOO, Jump, Lifetime, ORGANIZATIONS, Operation, Pick, Token};
use super::state::{Answer, Invitation, Organization, Refusal, Shows, refuse};
use crate::support::START;

/// How long an invitation waits before it is sent again, in milliseconds.
const COOLDOWN: i64 = 60_000;

/// A rule that a model gets wrong on purpose, to show that the difference is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Who accepts does not look at the clock.
    AcceptsLapsed,
    /// A sending is not counted, so the links before it go on to work.
    ForgetsToCount,
    /// Another address than the invited one is good enough.
    TakesAnybody,
}

/// Everything that is known.
#[derive(Debug)]
pub struct Model {
    /// What the clock shows, in milliseconds since the epoch.
    pub now: i64,
    /// The organizations.
    pub organizations: [Organization; ORGANIZATIONS],
    /// Every invitation that was ever made, in the order of their making.
    pub invitations: Vec<Invitation>,
    /// What it gets wrong.
    flaw: Option<Flaw>,
}

impl Model {
    /// A model of nothing.
    pub fn new(flaw: Option<Flaw>) -> Self {
        Self {
            now: START,
            organizations: Default::default(),
            invitations: Vec::new(),
            flaw,
        }
    }

    /// The invitation that is meant by [`Pick::back`].
    pub fn back(&self, back: usize) -> Option<usize> {
        let is_meant = |&index: &usize| back >= DELETED_TOO || !self.invitations[index].is_gone;
        let meant: Vec<_> = (0..self.invitations.len()).rev().filter(is_meant).collect();
        meant.get(back % meant.len().max(1)).copied()
    }

    /// Does `operation`, and answers what the server has to answer; nothing where it is not asked.
    pub fn apply(&mut self, operation: &Operation) -> Option<Answer> {
        Some(match *operation {
            Operation::Create {
                organization,
                address,
                role,
                lifetime,
                on_conflict,
            } => self.create(
                (organization, address, role),
                lifetime,
                on_conflict.unwrap_or("error"),
            ),
            Operation::Get(pick) => self.find(pick).map(|found| (200, Shows::Invitation(found))),
            Operation::List {
                organization,
                ref statuses,
            } => Ok((200, self.list(organization, statuses))),
            Operation::Open(address) => Ok((200, self.open(address))),
            Operation::Delete(pick) => self.delete(pick),
            Operation::Patch {
                pick,
                role,
                lifetime,
                metadata,
            } => self.patch(pick, role, lifetime, metadata),
            Operation::Resend(pick, lifetime) => self.resend(pick, lifetime),
            Operation::Revoke(pick) => self
                .find(pick)
                .and_then(|found| self.close(found, "revoked")),
            Operation::Accept { pick, is_invited } => self
                .find(pick)
                .and_then(|found| self.answer(found, true, is_invited)),
            Operation::Link(pick) => self.find(pick).and_then(|found| {
                self.require(found, &["pending"])
                    .map(|()| (200, Shows::Link(found)))
            }),
            Operation::Answer {
                back,
                token,
                accepts,
                is_invited,
            } => self
                .opened(back, token)
                .and_then(|found| self.answer(found, accepts, is_invited)),
            Operation::Lookup { back, token } => self
                .opened(back, token)
                .map(|found| (200, Shows::Preview(found))),
            Operation::Cap(organization, cap) => Ok((self.put(organization, cap), Shows::Nothing)),
            Operation::Disband(organization) => self.disband(organization),
            Operation::Clock(jump) => {
                self.now = self.after(jump);
                return None;
            }
            Operation::Restart => return None,
        })
    }

    /// Where the clock stands after `jump`.
    fn after(&self, jump: Jump) -> i64 {
        let near = |back, time: fn(&Invitation) -> i64, offset| {
            self.back(back)
                .map_or(self.now, |found| time(&self.invitations[found]) + offset)
        };
        match jump {
            Jump::By(millis) => self.now + millis,
            Jump::Expiry(back, offset) => near(back, |invitation| invitation.expires_at, offset),
            Jump::Cooldown(back, offset) => {
                near(back, |invitation| invitation.sent_at() + COOLDOWN, offset)
            }
        }
    }

    /// The invitation that is meant, if it is there under that path.
    fn find(&self, pick: Pick) -> Result<usize, Refusal> {
        let found = self
            .back(pick.back)
            .filter(|&found| !pick.is_foreign && !self.invitations[found].is_gone);
        found.map_or_else(|| refuse(404, "not_found"), Ok)
    }

    /// The invitation that a token opens.
    fn opened(&self, back: usize, token: Token) -> Result<usize, Refusal> {
        let found = self.find(Pick {
            back,
            is_foreign: false,
        })?;
        let forgets = self.flaw == Some(Flaw::ForgetsToCount);
        match token {
            Token::Current => Ok(found),
            Token::Superseded(_) if forgets && self.invitations[found].send_count > 0 => Ok(found),
            _ => refuse(404, "not_found"),
        }
    }

    /// Those of an organization, newest first.
    pub fn list(&self, organization: usize, statuses: &[&str]) -> Shows {
        let shown = |&index: &usize| {
            let invitation = &self.invitations[index];
            let passes = statuses.is_empty() || statuses.contains(&invitation.status(self.now));
            invitation.organization == organization && !invitation.is_gone && passes
        };
        Shows::Invitations((0..self.invitations.len()).rev().filter(shown).collect())
    }

    /// The open ones of an address, by organization.
    fn open(&self, address: usize) -> Shows {
        let pending = |organization| {
            self.standing(organization, address)
                .filter(|&found| self.is(found, "pending"))
        };
        Shows::Invitations((0..ORGANIZATIONS).filter_map(pending).collect())
    }

    /// Whether an invitation stands as `status`.
    fn is(&self, index: usize, status: &str) -> bool {
        self.invitations[index].status(self.now) == status
    }

    /// The invitation that holds the place of an address; it may have lapsed.
    fn standing(&self, organization: usize, address: usize) -> Option<usize> {
        self.invitations.iter().position(|one| {
            let is_here =
                one.organization == organization && one.address == address && !one.is_gone;
            is_here && ["pending", "accepted"].contains(&one.state)
        })
    }

    /// Checks that an invitation stands as one of `statuses`.
    fn require(&self, index: usize, statuses: &[&str]) -> Result<(), Refusal> {
        let status = self.invitations[index].status(self.now);
        if statuses.contains(&status) {
            return Ok(());
        }
        let standing = Some(status);
        Err(Refusal {
            code: (409, "status_conflict"),
            names: Some(index),
            standing,
            retry_after: None,
        })
    }

    /// Checks that one more may be pending.
    fn check_room(&self, organization: usize) -> Result<(), Refusal> {
        let Shows::Invitations(pending) = self.list(organization, &["pending"]) else {
            return Ok(());
        };
        match self.organizations[organization].cap {
            Some(cap) if pending.len() >= cap => refuse(409, "pending_limit_reached"),
            _ => Ok(()),
        }
    }

    /// The refusal because of the invitation in the way.
    fn in_the_way<T>(&self, index: usize) -> Result<T, Refusal> {
        let code = if self.is(index, "accepted") {
            "already_accepted"
        } else {
            "already_invited"
        };
        Err(Refusal {
            code: (409, code),
            names: Some(index),
            standing: None,
            retry_after: None,
        })
    }

    /// Notes an event about an invitation.
    fn note(&mut self, event: &'static str, index: usize) {
        let organization = self.invitations[index].organization;
        self.organizations[organization]
            .events
            .push((event, Some(index), self.now));
    }

    /// Invites.
    fn create(
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
        (invitation.state, invitation.updated_at) = ("expired", self.now);
        self.note("invitation.expired", index);
    }

    /// Ends a pending invitation.
    fn close(&mut self, index: usize, end: &'static str) -> Answer {
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
    fn answer(&mut self, index: usize, accepts: bool, is_invited: bool) -> Answer {
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
    fn resend(&mut self, pick: Pick, lifetime: Lifetime) -> Answer {
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
    fn patch(
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
        if role.is_some() || expires_at.is_some() || metadata.is_some() {
            let invitation = &mut self.invitations[found];
            invitation.role = role.unwrap_or(invitation.role);
            invitation.expires_at = expires_at.unwrap_or(invitation.expires_at);
            invitation.metadata = metadata.unwrap_or(invitation.metadata);
            invitation.updated_at = self.now;
            self.note("invitation.updated", found);
        }
        Ok((200, Shows::Invitation(found)))
    }

    /// Deletes one, whatever its status.
    fn delete(&mut self, pick: Pick) -> Answer {
        let found = self.find(pick)?;
        self.invitations[found].is_gone = true;
        self.note("invitation.deleted", found);
        Ok((204, Shows::Nothing))
    }

    /// Puts an organization; answers the status.
    fn put(&mut self, organization: usize, cap: Option<usize>) -> u16 {
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
