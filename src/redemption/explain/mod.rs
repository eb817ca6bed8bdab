//! Why a person cannot accept an invitation: the rules of an acceptance one by one, for those who
//! may read the invitation.
//!
//! It asks the functions that an acceptance asks, changes nothing, and counts nothing.
//!
//! * [`rules`] are the rules. [`difference`] says what two addresses differ in.

mod difference;
mod rules;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::email::{Email, Hosts};
use crate::base::error::{FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::schema::one_of;
use crate::db::Reader;
use crate::invitation::link::TokenKind;
use crate::invitation::transition::{Change, CurrentInvitation};
use crate::invitation::{Invitation, Status, store};
use crate::organization;
use crate::outbox::mail::Delivery;
use crate::policy::Rules;
use crate::policy::acceptance::Acceptance;
use crate::redemption::acceptance_of;
use crate::secret::Keyring;

/// Whose acceptance is to be explained.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = AcceptanceQuestion)]
pub(crate) struct ExplainBody {
    /// The address of the person who cannot accept, as the person gives it.
    #[schema(value_type = String, required = true, example = "new.user@example.com")]
    pub email: Option<String>,
}

impl ExplainBody {
    /// Reads the address. What is wrong with it is a finding, and no error.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] where there is none.
    pub(crate) fn parse(self, hosts: Hosts) -> Result<Address> {
        let missing = || FieldError::new("/email", FieldCode::Required, "the person's address");
        let text = self.email.ok_or_else(missing)?;
        Ok(Email::parse(&text, hosts).map_err(|(_, detail)| detail))
    }
}

/// The address of the person, or why it is none.
pub(crate) type Address = std::result::Result<Email, &'static str>;

/// What stands in the way of an acceptance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AcceptanceExplanation)]
pub(crate) struct Explanation {
    /// Whether the person can join, where the application vouches for the address.
    pub can_accept: bool,
    /// Every rule, in the order in which they are asked.
    pub rules: Vec<Finding>,
}

/// The name of a rule, in the document only.
pub(crate) enum RuleName {}

impl ToSchema for RuleName {
    fn name() -> Cow<'static, str> {
        "AcceptanceRuleName".into()
    }
}

impl PartialSchema for RuleName {
    fn schema() -> RefOr<Schema> {
        one_of("The name of a rule.", rules::NAMES)
    }
}

/// What became of one rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AcceptanceRule)]
pub(crate) struct Finding {
    /// The rule.
    #[schema(value_type = RuleName)]
    pub rule: &'static str,
    /// Whether it passes; null where it does not matter, or a rule before it fails.
    #[schema(required = true)]
    pub passes: Option<bool>,
    /// Why, and what to do.
    pub detail: String,
}

impl Finding {
    /// `rule` passes.
    fn passes(rule: &'static str, detail: impl Into<String>) -> Self {
        Self::new(rule, Some(true), detail)
    }

    /// `rule` stands in the way.
    fn fails(rule: &'static str, detail: impl Into<String>) -> Self {
        Self::new(rule, Some(false), detail)
    }

    /// `rule` does not matter.
    fn is_open(rule: &'static str, detail: impl Into<String>) -> Self {
        Self::new(rule, None, detail)
    }

    /// What became of `rule`.
    fn new(rule: &'static str, passes: Option<bool>, detail: impl Into<String>) -> Self {
        Self {
            rule,
            passes,
            detail: detail.into(),
        }
    }
}

/// An invitation with everything that the rules are about.
struct Case<'a> {
    /// The file, at one moment.
    reader: &'a Reader<'a>,
    /// What codes are derived from.
    keyring: &'a Keyring,
    /// What this server allows.
    rules: &'a Rules,
    /// What proves the address to whoever follows the link of the mail.
    acceptance: Acceptance,
    /// The invitation.
    present: CurrentInvitation,
    /// The other invitation that stands for the address, which is pending or accepted: none beside
    /// it can be made or sent again.
    newer: Option<(Uuid, Status)>,
    /// When it was answered or taken back.
    closed_at: Option<Timestamp>,
    /// How far the mail of its last sending has come.
    delivery: Delivery,
    /// Why the last try of that mail failed.
    delivery_error: Option<String>,
}

impl Case<'_> {
    /// Whether an acceptance by the right person is let through.
    fn can_be_accepted(&self) -> bool {
        Change::Accept.check(&self.present).is_ok()
    }

    /// What to do about it: as `advice` says, which would be refused while another one stands.
    fn unless_replaced(&self, advice: &str) -> String {
        match self.newer {
            None => advice.to_owned(),
            Some((id, Status::Accepted)) => {
                format!("The person has joined by a newer invitation: {id}.")
            }
            Some((id, _)) => format!("A newer invitation of the address is pending: {id}."),
        }
    }
}

/// Explains to a reader of the invitation `id` of `organization` whether who has `address` can
/// accept it; none where there is no such invitation.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn explain(
    reader: &Reader<'_>,
    keyring: &Keyring,
    rules: &Rules,
    (organization, id): (&OrganizationId, Uuid),
    address: &Address,
) -> Result<Option<Explanation>> {
    let settings = organization::store::get_settings(reader, organization)?;
    let show = |invitation: &Invitation<'_>| {
        let closed_at = invitation.accepted_at.or(invitation.declined_at);
        let present = CurrentInvitation::of(organization, invitation);
        Ok(Case {
            reader,
            keyring,
            rules,
            acceptance: acceptance_of(TokenKind::Mailed, &settings, rules.acceptance),
            newer: find_newer(reader, &present)?,
            present,
            closed_at: closed_at.or(invitation.revoked_at),
            delivery: invitation.delivery,
            delivery_error: invitation.delivery_error.map(str::to_owned),
        })
    };
    let case = store::find(reader, reader.now, organization, id, show)?;
    case.map(|case| findings(&case, address)).transpose()
}

/// The invitation that stands for the address in place of `present`. One that has lapsed itself is
/// in nobody's way.
fn find_newer(reader: &Reader<'_>, present: &CurrentInvitation) -> Result<Option<(Uuid, Status)>> {
    let organization = &present.organization;
    let standing = store::find_standing(reader, organization, &present.email)?;
    let Some(id) = standing.filter(|id| *id != present.id) else {
        return Ok(None);
    };
    let show = |invitation: &Invitation<'_>| Ok((id, invitation.status));
    let other = store::find(reader, reader.now, organization, id, show)?;
    Ok(other.filter(|(_, status)| *status != Status::Expired))
}

/// What becomes of every rule for who has `address`.
fn findings(case: &Case<'_>, address: &Address) -> Result<Explanation> {
    let is_invited = address
        .as_ref()
        .is_ok_and(|email| case.present.is_for(email));
    let can_accept = is_invited && case.can_be_accepted();
    let mut rules = vec![
        rules::address_form(address),
        rules::address(case, address)?,
        rules::status(case),
        rules::expiry(case),
        rules::link(case),
    ];
    rules.extend(rules::codes(case, can_accept)?);
    rules.push(rules::mail(case));
    Ok(Explanation { can_accept, rules })
}
