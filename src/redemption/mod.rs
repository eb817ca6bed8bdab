//! Answering an invitation: look at it, accept it, decline it, by one of its secret links.
//!
//! Two things decide, always: a live invitation, and proof of the very same e-mail address
//! ([`proof`]). A mismatch uses nothing up.
//!
//! # No oracle
//! Without a key nobody learns which address was invited: a wrong address and a wrong code get the
//! same bytes and cost the same write, and a code is asked for in the same way whether or not its
//! address is the invited one ([`code`]). A mailed token that opens nothing, and one that is no
//! proof, get these bytes, too.
//! With a key that may read the invitation, [`explain`] says which rule stands in the way.

pub(crate) mod answered;
mod digits;
pub(crate) mod explain;
pub(crate) mod proof;
pub(crate) mod store;

use std::sync::Arc;

pub(crate) use digits::find_code;
use serde::Serialize;
use utoipa::ToSchema;

use crate::base::clock::Timestamp;
use crate::base::email::Email;
use crate::base::error::{Code, Result};
use crate::base::origin::Origin;
use crate::db::WriteTx;
use crate::invitation::accept::{Subject, accept_or_decline};
use crate::invitation::link::{self, LinkToken, TokenKind};
use crate::invitation::transition::{Audience, Change, CurrentInvitation};
use crate::invitation::{Invitation, Status, code};
use crate::key::Rights;
use crate::organization::{self, settings::Settings};
use crate::policy::Sending;
use crate::policy::acceptance::Acceptance;
use crate::secret::Keyring;

/// A token for examples.
pub const EXAMPLE_TOKEN: &str = "ivt_019a0c5e7b1c7cc398c4dc0c0c07398f_6b8f0d3a5e1c4b7f9a2d8e6c0f1b3a5d7e9c2b4f6a8d0e1c3b5f7a9d2e4c6b80";

/// What everybody with the link may see: never the address.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationPreview)]
pub(crate) struct Preview {
    /// The organization's id.
    pub organization_id: String,
    /// What people call the organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub organization_name: Option<String>,
    /// The role the person gets on joining.
    pub role: String,
    /// The name of who invites.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub inviter_name: Option<String>,
    /// Where the invitation stands.
    #[schema(value_type = Status)]
    pub status: &'static str,
    /// From when on it cannot be accepted.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// What proves the address with this token, where the invitation is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Acceptance, required = false)]
    pub acceptance: Option<Acceptance>,
    /// Where the person goes after joining.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub redirect_url: Option<String>,
    /// The language of the person, as invitation or organization names it: a language tag (BCP 47).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub locale: Option<String>,
}

impl Preview {
    /// What is to be seen of `invitation` to an organization with these settings.
    pub(crate) fn of(invitation: &Invitation<'_>, organization: Settings) -> Self {
        Self {
            organization_id: invitation.organization_id.to_owned(),
            organization_name: organization.name,
            role: invitation.role.to_owned(),
            inviter_name: invitation
                .inviter
                .and_then(|inviter| inviter.name)
                .map(str::to_owned),
            status: invitation.status.name(),
            expires_at: invitation.expires_at,
            acceptance: None,
            redirect_url: invitation.redirect_url.map(str::to_owned),
            locale: invitation.locale.map(str::to_owned).or(organization.locale),
        }
    }
}

/// What is left to check of a proof in the transaction.
#[derive(Debug)]
pub(crate) enum Claim {
    /// Nothing: this person owns this address.
    Proven(Subject),
    /// Whether the mailed token is a proof.
    MailedLink {
        /// The application's id of the user.
        subject: Option<String>,
    },
    /// Whether the code is the one that was sent.
    Code {
        /// The address that it was asked for; none: the invited one.
        email: Option<Email>,
        /// The code.
        code: String,
    },
}

/// An answer to an invitation by its link.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// The link's token.
    pub token: LinkToken,
    /// [`Change::Accept`] or [`Change::Decline`].
    pub change: Change,
    /// What proves the address.
    pub claim: Claim,
    /// What a mailed link proves, where the organization does not say.
    pub acceptance: Acceptance,
    /// What the application's key lets see; none: the person answers.
    pub rights: Option<Arc<Rights>>,
    /// How many wrong proofs a link may get, and whether the inviter is told.
    pub sending: Sending,
    /// Where it comes from.
    pub origin: Origin,
}

impl Attempt {
    /// Answers the invitation, and returns it as it was; none where the proof does not hold. That
    /// is no error for the store: its count has to be kept.
    ///
    /// # Errors
    /// [`crate::base::error::Code::NotFound`], where the address is proven already, for a token that
    /// is unknown, altered or superseded; [`crate::base::error::Code::StatusConflict`];
    /// [`crate::base::error::Code::EmailMismatch`]; [`crate::base::error::Code::RoleNotGrantable`]
    /// for a role above the key's; [`crate::base::error::Code::RateLimited`].
    pub(crate) fn run(
        &self,
        tx: &WriteTx<'_>,
        keyring: &Keyring,
    ) -> Result<Option<CurrentInvitation>> {
        let Some(present) = self.open(tx, keyring)? else {
            return match self.claim {
                Claim::Proven(_) => Err(link::opens_nothing()),
                Claim::MailedLink { .. } | Claim::Code { .. } => Ok(None),
            };
        };
        if let Some(rights) = &self.rights {
            rights.check_grant(&present.role)?;
        }
        let Some(subject) = self.prove(tx, keyring, &present)? else {
            return Ok(None);
        };
        let answered = accept_or_decline(
            tx,
            &present,
            self.change,
            &subject,
            &self.sending,
            &self.origin,
        );
        if matches!(&answered, Err(error) if error.code == Code::StatusConflict) {
            self.check(&present)?;
        }
        answered.map(|()| Some(present))
    }

    /// Checks that `present` can be answered.
    fn check(&self, present: &CurrentInvitation) -> Result<()> {
        let audience = Audience::by_link(self.rights.is_some());
        self.change.check_for(present, audience)
    }

    /// The invitation of the link, if the caller may see it.
    fn open(&self, tx: &WriteTx<'_>, keyring: &Keyring) -> Result<Option<CurrentInvitation>> {
        let show = |invitation: &Invitation<'_>, organization: &_| {
            Ok(CurrentInvitation::of(organization, invitation))
        };
        let sees = |present: &CurrentInvitation| {
            let rights = self.rights.as_ref();
            rights.is_none_or(|rights| rights.see(present.organization.as_str()))
        };
        Ok(store::open(tx, tx.now, keyring, &self.token, show)?.filter(sees))
    }

    /// Who answers, with the proven address; none where the proof does not hold.
    fn prove(
        &self,
        tx: &WriteTx<'_>,
        keyring: &Keyring,
        present: &CurrentInvitation,
    ) -> Result<Option<Subject>> {
        let (email, id, holds) = match &self.claim {
            Claim::Proven(subject) => return Ok(Some(subject.clone())),
            Claim::MailedLink { subject } => {
                let holds = self.is_proof(tx, present)?;
                (&present.email, subject.clone(), holds)
            }
            Claim::Code { email, code } => {
                let email = email.as_ref().unwrap_or(&present.email);
                (email, None, self.verify(tx, keyring, present, email, code)?)
            }
        };
        let email = email.clone();
        Ok(holds.then_some(Subject { email, id }))
    }

    /// Whether the token that was mailed is enough for the organization.
    fn is_proof(&self, tx: &WriteTx<'_>, present: &CurrentInvitation) -> Result<bool> {
        // That it was answered already can be seen without any proof.
        self.check(present)?;
        let settings = organization::store::get_settings(tx, &present.organization)?;
        Ok(acceptance_of(self.token.kind, &settings, self.acceptance) == Acceptance::MailedLink)
    }

    /// Whether `code` is the one that was sent to `email`. A wrong one is counted.
    fn verify(
        &self,
        tx: &WriteTx<'_>,
        keyring: &Keyring,
        present: &CurrentInvitation,
        email: &Email,
        code: &str,
    ) -> Result<bool> {
        // That it was answered already can be seen without any proof.
        self.check(present)?;
        let limits = &self.sending.limits;
        limits.check_proofs(present.id, email)?;
        let is_right = code::verify(tx, keyring, present, email, code)?;
        if !is_right {
            limits.count_wrong_proof(present.id, email);
        }
        Ok(is_right)
    }
}

/// What proves the address with a token of this `kind`: of one that was mailed the organization says
/// it, and else the `server`.
pub(crate) fn acceptance_of(
    kind: TokenKind,
    settings: &Settings,
    server: Acceptance,
) -> Acceptance {
    match kind {
        TokenKind::Given => Acceptance::Code,
        TokenKind::Mailed => settings.acceptance.unwrap_or(server),
    }
}
