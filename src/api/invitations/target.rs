//! The invitation that a request changes, and under which conditions.

use actix_web::HttpResponse;
use uuid::Uuid;

use crate::api::state::State;
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::WriteTx;
use crate::http::auth::{OrganizationAccess, Right};
use crate::http::etag::Conditions;
use crate::http::idempotency as stored;
use crate::http::idempotency::IdempotencyKey;
use crate::http::path::InvitationId;
use crate::idempotency::{self, StoredResponse, Ticket};
use crate::invitation::actor::Actor;
use crate::invitation::transition::CurrentInvitation;
use crate::invitation::{Invitation, json, store};
use crate::key::{Author, Scope};

/// Which invitation a change is about, and who makes it.
pub(crate) struct Target {
    /// The organization in the path.
    pub organization: OrganizationId,
    /// The invitation in the path.
    pub id: Uuid,
    /// Who makes the change.
    pub by: Actor,
    /// What makes the request recognizable, where it may have one effect only.
    ticket: Option<Ticket>,
    /// Whether they vouch that a person owns the invited address.
    vouches: bool,
}

impl Target {
    /// The target of a request.
    pub(crate) fn new<R: Right>(
        access: OrganizationAccess<R>,
        id: InvitationId,
        key: Option<(IdempotencyKey, Option<[u8; 32]>)>,
    ) -> Self {
        let ticket = key.and_then(|(key, body_hash)| key.ticket(&access.caller, body_hash));
        let by = access.actor();
        let vouches = R::SCOPE == Scope::Accept;
        Self {
            organization: access.organization,
            id: id.0,
            by,
            ticket,
            vouches,
        }
    }

    /// Makes a change and returns the invitation as it is then, as far as the caller may see it.
    pub(crate) async fn change(
        self,
        state: &State,
        mut change: impl FnMut(&WriteTx<'_>, &Self) -> Result<()> + Send + 'static,
    ) -> Result<HttpResponse> {
        let author = Author::new(&self.by.origin.actor);
        let is_told = self.is_told();
        let job = move |tx: &WriteTx<'_>| {
            idempotency::once(tx, self.ticket.as_ref(), || {
                change(tx, &self)?;
                let show = |invitation: &Invitation<'_>| {
                    if is_told {
                        json::to_bytes(invitation)
                    } else {
                        json::to_bytes_for(invitation, &self.by.rights)
                    }
                };
                let body = store::find(tx, tx.now, &self.organization, self.id, show)?;
                Ok(StoredResponse {
                    status: 200,
                    location: None,
                    body: body.ok_or_else(Error::not_found)?,
                    organization: Some(self.organization.clone()),
                    replayed: false,
                })
            })
        };
        let answer = author.write(&state.db, job).await?;
        Ok(respond(answer, is_told, state))
    }

    /// The answer to a change that cannot be made because of `error`: the one that it had before,
    /// if it had one.
    ///
    /// # Errors
    /// Those of [`idempotency::answered`].
    pub(crate) fn answered(&self, state: &State, error: Error) -> Result<HttpResponse> {
        let answer = idempotency::answered(&state.db, self.ticket.as_ref(), error)?;
        Ok(respond(answer, self.is_told(), state))
    }

    /// Whether the caller sees all of the invitation: whoever vouches for the person is told what
    /// they joined by.
    fn is_told(&self) -> bool {
        self.by.rights.scopes.contain(Scope::Read) || self.vouches
    }

    /// The invitation, if it has the version that the caller means.
    pub(crate) fn present(
        &self,
        tx: &WriteTx<'_>,
        conditions: &Conditions,
    ) -> Result<CurrentInvitation> {
        CurrentInvitation::get_if(tx, &self.organization, self.id, |invitation| {
            check_version(conditions, invitation)
        })
    }
}

/// Responds with an invitation, or with the part of it that the caller may see, which has no
/// version.
fn respond(answer: StoredResponse, is_told: bool, state: &State) -> HttpResponse {
    if is_told {
        stored::respond(answer, state.etags)
    } else {
        stored::head(&answer).body(answer.body)
    }
}

/// Checks `If-Match`.
pub(crate) fn check_version(conditions: &Conditions, invitation: &Invitation<'_>) -> Result<()> {
    conditions.check_match(&json::to_bytes(invitation)?)
}
