//! The model: what the documents promise of invitations, as plainly as it can be written, in
//! memory.
//!
//! * [`changes`]: what each change does.

mod changes;

use super::operation::{DELETED_TOO, Jump, ORGANIZATIONS, Operation, Pick, Token};
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
}
