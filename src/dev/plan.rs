//! From a seed document to invitations that can be made, and their making.

use std::collections::HashSet;

use super::access::{PlannedKey, PlannedWebhook};
use super::entry::Entry;
use super::seed::{Ground, Seed, SeedOrganization, Seeded};
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Errors, FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::db::WriteTx;
use crate::invitation::actor::Actor;
use crate::invitation::create::Outcome;
use crate::invitation::lapse;
use crate::key::Rights;
use crate::organization;
use crate::organization::change::Change;
use crate::organization::settings::Settings;
use crate::policy::{Rules, Sending};
use crate::transfer::{TOLD_EVERY, Tell};

/// A seed document that was checked as far as that is possible without the file.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The organizations with their settings, and where each is in the document.
    organizations: Vec<(OrganizationId, Option<Settings>, String)>,
    /// The ids of all of them.
    ids: HashSet<OrganizationId>,
    /// The invitations of all of them, oldest first: ids grow with time.
    entries: Vec<Entry>,
    /// The keys.
    keys: Vec<PlannedKey>,
    /// The webhooks.
    webhooks: Vec<PlannedWebhook>,
}

impl Plan {
    /// Checks `seed` for `ground` at `now`.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with everything that is not acceptable. Of an
    /// organization without a usable id the invitations are not looked at.
    pub(crate) fn parse(mut seed: Seed, ground: &Ground, now: Timestamp) -> Result<Self> {
        // What is put in for development counts against no limit.
        let rules = Rules {
            sending: Sending {
                has_mail: ground.rules.sending.has_mail,
                ..Sending::default()
            },
            ..ground.rules.clone()
        };
        let (mut plan, mut errors) = (Self::default(), Errors::default());
        let missing = || {
            FieldError::new(
                "/organizations",
                FieldCode::Required,
                "an array, which may be empty",
            )
        };
        let organizations = seed.organizations.take().ok_or_else(missing)?;
        for (number, organization) in organizations.into_iter().enumerate() {
            let pointer = format!("/organizations/{number}");
            plan.add_organization(&seed, &pointer, organization, &rules, now, &mut errors)?;
        }
        plan.add_access(&mut seed, ground, now, &mut errors)?;
        errors.check()?;
        plan.entries.sort_by_key(|entry| entry.then);
        Ok(plan)
    }

    /// Checks the organization at `pointer` with its invitations; what is wrong goes to `errors`.
    fn add_organization(
        &mut self,
        seed: &Seed,
        pointer: &str,
        organization: SeedOrganization,
        rules: &Rules,
        now: Timestamp,
        errors: &mut Errors,
    ) -> Result<()> {
        let place = seed.place(pointer.to_owned());
        let id = match parse_id(organization.id.as_deref(), &mut self.ids) {
            Ok(id) => id,
            Err((code, detail)) => {
                errors.push(FieldError::new(format!("{place}/id"), code, detail));
                return Ok(());
            }
        };
        let settings = organization.settings;
        let settings = settings
            .map(|body| Settings::parse(body, rules))
            .transpose();
        let settings = match settings {
            Ok(settings) => settings,
            Err(error) => {
                errors.extend(within(&format!("{place}/settings"), error)?);
                None
            }
        };
        let lifetime = settings
            .as_ref()
            .and_then(|settings| settings.default_expires_in);
        let invitations = organization.invitations.unwrap_or_default();
        for (number, invitation) in invitations.into_iter().enumerate() {
            let place = seed.place(format!("{pointer}/invitations/{number}"));
            match Entry::parse(invitation, &id, lifetime, &place, rules, now) {
                Ok(entry) => self.entries.push(entry),
                Err(error) => errors.extend(within(&place, error)?),
            }
        }
        self.organizations.push((id, settings, place));
        Ok(())
    }

    /// Checks the keys and webhooks; what is wrong goes to `errors`.
    fn add_access(
        &mut self,
        seed: &mut Seed,
        ground: &Ground,
        now: Timestamp,
        errors: &mut Errors,
    ) -> Result<()> {
        let (keys, webhooks) = (seed.keys.take(), seed.webhooks.take());
        let Some(access) = &ground.access else {
            let only = |pointer| {
                let detail =
                    "keys and webhooks are made by the server, or in a seed of development";
                FieldError::new(seed.place(pointer), FieldCode::NotAllowed, detail)
            };
            let is_some = |count: usize| count > 0;
            let keys = is_some(keys.map_or(0, |list| list.len())).then(|| only("/keys/0".into()));
            let webhooks = webhooks.map_or(0, |list| list.len());
            errors.extend(keys);
            errors.extend(is_some(webhooks).then(|| only("/webhooks/0".into())));
            return Ok(());
        };
        for (number, key) in keys.into_iter().flatten().enumerate() {
            let place = seed.place(format!("/keys/{number}"));
            match key.parse(now, &self.keys) {
                Ok(key) => self.keys.push(key),
                Err(error) => errors.extend(within(&place, error)?),
            }
        }
        for (number, webhook) in webhooks.into_iter().flatten().enumerate() {
            let place = seed.place(format!("/webhooks/{number}"));
            match webhook.parse(&access.guard) {
                Ok(webhook) => self.webhooks.push(webhook),
                Err(error) => errors.extend(within(&place, error)?),
            }
        }
        Ok(())
    }

    /// Checks that no organization that gets settings is in the file already.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with each that is.
    pub(crate) fn check_new(&self, tx: &WriteTx<'_>) -> Result<()> {
        let mut errors = Errors::default();
        for (id, settings, place) in &self.organizations {
            if settings.is_some() && organization::store::find(tx, id)?.is_some() {
                let detail = "this organization is there already: leave its settings away";
                let place = format!("{place}/settings");
                errors.push(FieldError::new(place, FieldCode::Conflict, detail));
            }
        }
        errors.check()
    }

    /// Makes all of it in an empty file. `tell` is told how many invitations are done.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with every invitation that the rule of a
    /// create refuses.
    pub(crate) fn carry_out(
        &self,
        tx: &WriteTx<'_>,
        ground: &Ground,
        origin: &Origin,
        tell: Tell<'_>,
    ) -> Result<Seeded> {
        let by = Actor {
            rights: Rights::ALL.into(),
            origin: origin.clone(),
        };
        let invitations = self.make_invitations(tx, &by, tell)?;
        lapse::tell_of_all(tx, origin)?;
        for (id, settings, _) in &self.organizations {
            match settings {
                Some(settings) => {
                    let change = Change {
                        id: id.clone(),
                        settings: settings.clone(),
                        origin: origin.clone(),
                    };
                    change.put(tx, |_| Ok(())).map(drop)?;
                }
                None => organization::store::ensure(tx, id).map(drop)?,
            }
        }
        for key in &self.keys {
            key.insert(tx, origin.by())?;
        }
        if let Some(access) = &ground.access {
            for webhook in &self.webhooks {
                webhook.insert(tx, access, origin.by())?;
            }
        }
        Ok(Seeded {
            organizations: self.organizations.len(),
            invitations,
        })
    }

    /// Makes the invitations, and closes those that were, each at its time. Returns how many there
    /// are then.
    fn make_invitations(&self, tx: &WriteTx<'_>, by: &Actor, tell: Tell<'_>) -> Result<usize> {
        let steps = |entry: &Entry| [Some(entry.then), entry.closed.map(|(_, at)| at)];
        let numbered = self.entries.iter().enumerate();
        let mut steps: Vec<_> = numbered
            .flat_map(|(number, entry)| {
                let times = steps(entry).into_iter().flatten().enumerate();
                times.map(move |(step, time)| (time, number, step == 1))
            })
            .collect();
        // Those of one time stay in their order.
        steps.sort_by_key(|(time, ..)| *time);
        let (mut count, mut made, mut errors) = (0, 0_u64, Errors::default());
        let mut ids = vec![None; self.entries.len()];
        for (time, number, is_close) in steps {
            let (entry, tx) = (&self.entries[number], tx.at(time));
            let done = match (is_close, ids[number], entry.closed) {
                (true, Some(id), Some((change, _))) => entry.close(&tx, id, change, by),
                (true, ..) => Ok(()),
                (false, ..) => entry.insert(&tx, by).map(|(outcome, id)| {
                    count += usize::from(outcome == Outcome::Created);
                    ids[number] = Some(id);
                }),
            };
            made += u64::from(!is_close);
            if !is_close && made.is_multiple_of(TOLD_EVERY) {
                tell(made);
            }
            if let Err(error) = done {
                errors.extend(within(&entry.pointer, error)?);
            }
        }
        errors.check()?;
        Ok(count)
    }
}

/// Reads the id of an organization that is not among `earlier`, and adds it.
fn parse_id(
    text: Option<&str>,
    earlier: &mut HashSet<OrganizationId>,
) -> std::result::Result<OrganizationId, (FieldCode, &'static str)> {
    let text = text.ok_or((FieldCode::Required, "the organization's id"))?;
    let malformed = "1 to 128 characters: a letter or digit, then letters, digits, . _ ~ -";
    let id = OrganizationId::parse(text).ok_or((FieldCode::InvalidFormat, malformed))?;
    if earlier.insert(id.clone()) {
        Ok(id)
    } else {
        Err((FieldCode::Conflict, "this organization is there already"))
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
        let place = format!("{pointer}/email");
        return Ok(vec![error.as_field(place, FieldCode::Conflict)]);
    }
    let fields = error.fields.iter();
    Ok(fields.map(|field| field.within(pointer)).collect())
}
