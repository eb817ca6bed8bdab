//! From a seed document to invitations that can be made, and their making.

use super::Span;
use super::seed::{Seed, SeedInvitation, Seeded};
use crate::base::clock::Timestamp;
use crate::base::error::{Checked, Code, Error, Errors, FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::base::text::check_id;
use crate::db::WriteTx;
use crate::invitation::Status;
use crate::invitation::accept::MAX_SUBJECT;
use crate::invitation::actor::Actor;
use crate::invitation::create::{self, Outcome};
use crate::invitation::lapse;
use crate::invitation::new::NewInvitation;
use crate::invitation::transition::{self, Change, CurrentInvitation};
use crate::key::Rights;
use crate::organization::settings::Settings;
use crate::organization::{self, change};
use crate::policy::{Rules, Sending};

/// A seed document that was checked as far as that is possible without the file.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The organizations with their settings.
    organizations: Vec<(OrganizationId, Option<Settings>)>,
    /// The invitations of all of them, oldest first: ids grow with time.
    entries: Vec<Entry>,
}

impl Plan {
    /// Checks `seed` by `rules` at `now`.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with everything that is not acceptable. Of an
    /// organization without a usable id the invitations are not looked at.
    pub(crate) fn parse(seed: Seed, rules: &Rules, now: Timestamp) -> Result<Self> {
        // What is put in for development is not sent to anybody.
        let rules = Rules {
            sending: Sending::default(),
            ..rules.clone()
        };
        let (mut plan, mut errors) = (Self::default(), Errors::default());
        let missing = || {
            FieldError::new(
                "/organizations",
                FieldCode::Required,
                "an array, which may be empty",
            )
        };
        let organizations = seed.organizations.ok_or_else(missing)?;
        for (number, organization) in organizations.into_iter().enumerate() {
            let pointer = format!("/organizations/{number}");
            let id = match parse_id(organization.id.as_deref(), &plan.organizations) {
                Ok(id) => id,
                Err((code, detail)) => {
                    errors.push(FieldError::new(format!("{pointer}/id"), code, detail));
                    continue;
                }
            };
            let settings = organization
                .settings
                .map(|body| Settings::parse(body, &rules))
                .transpose();
            let settings = match settings {
                Ok(settings) => settings,
                Err(error) => {
                    errors.extend(within(&format!("{pointer}/settings"), error)?);
                    None
                }
            };
            for (number, invitation) in organization
                .invitations
                .unwrap_or_default()
                .into_iter()
                .enumerate()
            {
                let pointer = format!("{pointer}/invitations/{number}");
                match Entry::parse(invitation, &id, &pointer, &rules, now) {
                    Ok(entry) => plan.entries.push(entry),
                    Err(error) => errors.extend(within(&pointer, error)?),
                }
            }
            plan.organizations.push((id, settings));
        }
        errors.check()?;
        plan.entries.sort_by_key(|entry| entry.then);
        Ok(plan)
    }

    /// Makes all of it in an empty file.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with every invitation that the rule of a
    /// create refuses.
    pub(crate) fn carry_out(&self, tx: &WriteTx<'_>, origin: &Origin) -> Result<Seeded> {
        let by = Actor {
            rights: Rights::ALL.into(),
            origin: origin.clone(),
        };
        let (mut invitations, mut errors) = (0, Errors::default());
        for entry in &self.entries {
            match entry.insert(&tx.at(entry.then), &by) {
                Ok(Outcome::Created) => invitations += 1,
                Ok(Outcome::Standing) => {}
                Err(error) => errors.extend(within(&entry.pointer, error)?),
            }
        }
        errors.check()?;
        lapse::tell_of_all(tx, origin)?;
        for (id, settings) in &self.organizations {
            match settings {
                Some(settings) => {
                    change::put(tx, id, settings.clone(), origin, |_| Ok(())).map(drop)?;
                }
                None => organization::store::ensure(tx, id).map(drop)?,
            }
        }
        Ok(Seeded {
            organizations: self.organizations.len(),
            invitations,
        })
    }
}

/// Reads the id of an organization that is not among `earlier`.
fn parse_id(
    text: Option<&str>,
    earlier: &[(OrganizationId, Option<Settings>)],
) -> std::result::Result<OrganizationId, (FieldCode, &'static str)> {
    let text = text.ok_or((FieldCode::Required, "the organization's id"))?;
    let malformed = "1 to 128 characters: a letter or digit, then letters, digits, . _ ~ -";
    let id = OrganizationId::parse(text).ok_or((FieldCode::InvalidFormat, malformed))?;
    if earlier.iter().any(|(other, _)| *other == id) {
        Err((FieldCode::Conflict, "this organization is there already"))
    } else {
        Ok(id)
    }
}

/// What is wrong with the invitation at `pointer`; an error that the document is not to blame for
/// stays one.
fn within(pointer: &str, error: Error) -> Result<Vec<FieldError>> {
    if error.code.meaning().status >= 500 {
        return Err(error);
    }
    if error.fields.is_empty() {
        // One that stands for the address already, or another rule about it.
        return Ok(vec![FieldError::new(
            format!("{pointer}/email"),
            FieldCode::Conflict,
            error.detail.clone(),
        )]);
    }
    let inside = |field: &FieldError| FieldError {
        pointer: format!("{pointer}{}", field.pointer).into(),
        ..field.clone()
    };
    Ok(error.fields.iter().map(inside).collect())
}

/// An invitation of a seed document, checked.
#[derive(Debug)]
struct Entry {
    /// Where it is in the document.
    pointer: String,
    /// When it was made.
    then: Timestamp,
    /// What was made.
    new: NewInvitation,
    /// What became of it.
    status: Status,
    /// Who accepted it.
    accepted_by: Option<String>,
}

impl Entry {
    /// Checks the invitation at `pointer`. Errors are about pointers into it.
    fn parse(
        invitation: SeedInvitation,
        organization: &OrganizationId,
        pointer: &str,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Self> {
        let mut errors = Errors::default();
        let then = errors.take(parse_age(invitation.age.as_ref(), now));
        let status = errors.take(parse_status(invitation.status.as_deref()));
        let accepted_by = invitation.accepted_by.clone();
        let accepted = accepted_by.as_deref();
        errors.extend(check_id("/acceptedBy", accepted, MAX_SUBJECT));
        if accepted_by.is_some() && status.is_some_and(|status| status != Status::Accepted) {
            errors.push(FieldError::new(
                "/acceptedBy",
                FieldCode::Conflict,
                "only where status is accepted",
            ));
        }
        let parsed = NewInvitation::parse(
            organization.clone(),
            invitation.create_body(),
            rules,
            then.unwrap_or(now),
        );
        let new = parsed
            .map_err(|error| errors.extend(error.fields.iter().cloned()))
            .ok();
        if let (Some(new), Some(then), Some(status)) = (&new, then, status) {
            errors.extend(check_age(status, new.expiry.from(then) <= now));
        }
        errors.finish(|| {
            Some(Self {
                pointer: pointer.to_owned(),
                then: then?,
                new: new?,
                status: status?,
                accepted_by,
            })
        })
    }

    /// Makes the invitation, and what became of it. `tx` is at its time.
    fn insert(&self, tx: &WriteTx<'_>, by: &Actor) -> Result<Outcome> {
        let (outcome, id) = create::create(tx, &self.new, by, |invitation, _| Ok(invitation.id))?;
        let change = match self.status {
            Status::Accepted => Change::Accept,
            Status::Declined => Change::Decline,
            Status::Revoked => Change::Revoke,
            Status::Pending | Status::Expired => return Ok(outcome),
        };
        let present = CurrentInvitation::get(tx, &self.new.organization, id)?;
        let closed = transition::close(
            tx,
            &present,
            change,
            self.accepted_by.as_deref(),
            &by.origin,
        );
        closed.map_err(|error| {
            if error.code == Code::StatusConflict {
                not_pending()
            } else {
                error
            }
        })?;
        Ok(outcome)
    }
}

/// An entry that meets an earlier one which was answered already.
fn not_pending() -> Error {
    let detail = "the invitation that stands for this address is not pending";
    FieldError::new("/status", FieldCode::Conflict, detail).into()
}

/// Reads when an invitation was made.
fn parse_age(age: Option<&Span>, now: Timestamp) -> Checked<Timestamp> {
    let Some(age) = age else {
        return Ok(now);
    };
    let age_millis = i64::try_from(age.parse("/age")?.as_millis()).unwrap_or(i64::MAX);
    let then = now.as_millis().saturating_sub(age_millis);
    let too_old = || FieldError::new("/age", FieldCode::OutOfRange, "not before 1970");
    (then >= 0)
        .then_some(Timestamp::from_millis(then))
        .ok_or_else(too_old)
}

/// Reads what became of an invitation.
fn parse_status(text: Option<&str>) -> Checked<Status> {
    let unknown = || {
        let detail = "one of: pending, accepted, declined, revoked, expired";
        FieldError::new("/status", FieldCode::UnknownValue, detail)
    };
    text.map_or(Ok(Status::Pending), |text| {
        Status::parse(text).ok_or_else(unknown)
    })
}

/// Checks that an invitation which nobody answered is as old as its status says; the clock decides,
/// not the document.
fn check_age(status: Status, has_lapsed: bool) -> Option<FieldError> {
    match status {
        Status::Expired if !has_lapsed => Some(FieldError::new(
            "/age",
            FieldCode::OutOfRange,
            "an expired one is older than its lifetime",
        )),
        Status::Pending if has_lapsed => Some(FieldError::new(
            "/age",
            FieldCode::OutOfRange,
            "a pending one is younger than its lifetime",
        )),
        _ => None,
    }
}
