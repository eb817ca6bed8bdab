//! Seeds in lines of JSON, each of which is an organization, an invitation, a key or a webhook.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::access::{SeedKey, SeedWebhook};
use super::seed::{Seed, SeedInvitation, SeedOrganization};
use crate::base::error::{Code, Error, FieldCode, FieldError, Result};
use crate::base::json::{self, object};
use crate::transfer::Mistakes;

/// What a line can be.
const KINDS: [&str; 4] = ["organization", "invitation", "key", "webhook"];

/// A line as it is written: one of its members is there.
#[derive(Debug, Default, Deserialize)]
struct LineBody {
    /// An organization.
    #[serde(default, deserialize_with = "object::optional")]
    organization: Option<SeedOrganization>,
    /// An invitation, which names its organization.
    #[serde(default, deserialize_with = "object::optional")]
    invitation: Option<SeedInvitation>,
    /// A key.
    #[serde(default, deserialize_with = "object::optional")]
    key: Option<SeedKey>,
    /// A webhook.
    #[serde(default, deserialize_with = "object::optional")]
    webhook: Option<SeedWebhook>,
}

/// Whether these are lines of a seed, and no document: the first one that is not empty is an object
/// by itself with the one member of a line.
pub(crate) fn are_lines(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = lines.find(|line| !line.trim_ascii().is_empty());
    let object: Option<Map<String, Value>> =
        first.and_then(|first| serde_json::from_slice(first).ok());
    object.is_some_and(|object| {
        object.len() == 1 && KINDS.iter().any(|kind| object.contains_key(*kind))
    })
}

/// Puts a document together of lines. Empty lines count as none.
///
/// # Errors
/// As [`json::parse`], with the line.
pub(crate) fn read(bytes: &[u8]) -> Result<Seed> {
    let mut gathered = Gathered::default();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if !line.trim_ascii().is_empty() {
            gathered
                .add(number, line)
                .map_err(|error| in_line(number, error))?;
        }
    }
    Ok(gathered.into_seed())
}

/// What the lines have said so far.
#[derive(Default)]
struct Gathered {
    /// The organizations.
    organizations: Vec<SeedOrganization>,
    /// Where each of them is in that list.
    known: HashMap<String, usize>,
    /// The keys.
    keys: Vec<SeedKey>,
    /// The webhooks.
    webhooks: Vec<SeedWebhook>,
    /// Where everything was, by its pointer in the document.
    places: HashMap<String, String>,
}

impl Gathered {
    /// Adds what the line with this number says.
    fn add(&mut self, number: usize, line: &[u8]) -> Result<()> {
        let body: LineBody = json::parse(line)?;
        match body {
            LineBody {
                organization: Some(organization),
                invitation: None,
                key: None,
                webhook: None,
            } => self.add_organization(number, organization),
            LineBody {
                organization: None,
                invitation: Some(invitation),
                key: None,
                webhook: None,
            } => self.add_invitation(number, invitation)?,
            LineBody {
                organization: None,
                invitation: None,
                key: Some(key),
                webhook: None,
            } => {
                self.note(format!("/keys/{}", self.keys.len()), number, "key");
                self.keys.push(key);
            }
            LineBody {
                organization: None,
                invitation: None,
                key: None,
                webhook: Some(webhook),
            } => {
                let pointer = format!("/webhooks/{}", self.webhooks.len());
                self.note(pointer, number, "webhook");
                self.webhooks.push(webhook);
            }
            _ => {
                let detail = format!("one of: {}", KINDS.join(", "));
                return Err(FieldError::new("", FieldCode::Required, detail).into());
            }
        }
        Ok(())
    }

    /// Adds an organization. One that invitations have named already gets its settings.
    fn add_organization(&mut self, number: usize, organization: SeedOrganization) {
        let id = organization.id.clone().unwrap_or_default();
        let named = self.known.get(&id).copied();
        let named = named.filter(|at| {
            let place = self.places.get(&pointer_of(*at));
            place.is_some_and(|place| place.ends_with("/invitation"))
        });
        let at = named.unwrap_or(self.organizations.len());
        self.note(pointer_of(at), number, "organization");
        if named.is_some() {
            let known = &mut self.organizations[at];
            known.settings = organization.settings;
            if let Some(invitations) = organization.invitations {
                known
                    .invitations
                    .get_or_insert_default()
                    .extend(invitations);
            }
            return;
        }
        self.known.entry(id).or_insert(at);
        self.organizations.push(organization);
    }

    /// Adds an invitation to its organization, which a line may tell of or not.
    fn add_invitation(&mut self, number: usize, invitation: SeedInvitation) -> Result<()> {
        let id = invitation.organization_id.clone();
        let missing = || {
            FieldError::new(
                "/invitation/organizationId",
                FieldCode::Required,
                "the organization that it is for",
            )
        };
        let id = id.ok_or_else(missing)?;
        let known = self.known.get(&id).copied();
        let at = known.unwrap_or(self.organizations.len());
        if known.is_none() {
            self.known.insert(id.clone(), at);
            self.organizations.push(SeedOrganization {
                id: Some(id),
                settings: None,
                invitations: None,
            });
            self.note(pointer_of(at), number, "invitation");
        }
        let invitations = self.organizations[at].invitations.get_or_insert_default();
        let pointer = format!("{}/invitations/{}", pointer_of(at), invitations.len());
        invitations.push(invitation);
        self.note(pointer, number, "invitation");
        Ok(())
    }

    /// Notes that what is at `pointer` was in the line with this number.
    fn note(&mut self, pointer: String, number: usize, kind: &str) {
        self.places
            .insert(pointer, format!("/lines/{number}/{kind}"));
    }

    /// The document.
    fn into_seed(self) -> Seed {
        Seed {
            organizations: Some(self.organizations),
            keys: Some(self.keys),
            webhooks: Some(self.webhooks),
            places: self.places,
        }
    }
}

/// Where the organization with this place in the list is in the document.
fn pointer_of(at: usize) -> String {
    format!("/organizations/{at}")
}

/// `error` with the line that it is about.
fn in_line(number: usize, error: Error) -> Error {
    let place = format!("/lines/{number}");
    if error.fields.is_empty() {
        let field = error.as_field(place, FieldCode::WrongType);
        return Error::new(Code::InvalidJson, error.detail.clone()).with_fields(vec![field]);
    }
    let fields = error.fields.iter().map(|field| field.within(&place));
    let fields = fields.collect();
    error.with_fields(fields)
}

/// What is wrong with an export.
pub(crate) fn errors(mistakes: &Mistakes) -> Vec<FieldError> {
    let field = |mistake: &crate::transfer::Mistake| {
        let place = format!("/lines/{}", mistake.line);
        FieldError::new(place, FieldCode::InvalidFormat, mistake.what.clone())
    };
    mistakes.first.iter().map(field).collect()
}
