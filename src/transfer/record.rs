//! What the lines of an export say.

use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::error::{Checked, Error, Errors, FieldCode, FieldError, Result};
use crate::base::id;
use crate::base::json::{self, object};
use crate::base::organization_id::OrganizationId;
use crate::event::EventType;
use crate::invitation::whole::{Whole, WholeBody, parse_time};
use crate::organization;
use crate::organization::settings::{Settings, SettingsBody};
use crate::policy::Rules;

/// The most bytes of who did something, and of the request that did it.
const MAX_ORIGIN: usize = 256;

/// A line as it is written: one of its members is there.
#[derive(Debug, Default, Deserialize)]
pub(super) struct LineBody {
    /// The first line.
    #[serde(default, deserialize_with = "object::optional")]
    pub invited: Option<HeaderBody>,
    /// An organization.
    #[serde(default, deserialize_with = "object::optional")]
    organization: Option<OrganizationBody>,
    /// An invitation.
    #[serde(default, deserialize_with = "object::optional")]
    invitation: Option<WholeBody>,
    /// An event.
    #[serde(default, deserialize_with = "object::optional")]
    event: Option<EventBody>,
    /// The last line.
    #[serde(default, deserialize_with = "object::optional")]
    pub end: Option<EndBody>,
}

/// The first line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeaderBody {
    /// The number of the format.
    pub format: Option<u64>,
    /// The version of the program that wrote it.
    pub version: Option<String>,
    /// When it was written.
    #[allow(dead_code, reason = "it is for people")]
    exported_at: Option<String>,
}

/// The last line.
#[derive(Debug, Deserialize)]
pub(super) struct EndBody {
    /// How many records there are.
    pub records: Option<u64>,
    /// The BLAKE3 of all bytes before the line, in hexadecimal digits.
    pub blake3: Option<String>,
}

/// An organization as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrganizationBody {
    /// Its id.
    id: Option<String>,
    /// Its settings, as in a `PUT`.
    #[serde(default, deserialize_with = "object::optional")]
    settings: Option<SettingsBody>,
    /// When it became known.
    created_at: Option<String>,
    /// When it was last put.
    updated_at: Option<String>,
}

/// An event as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventBody {
    /// Its id.
    id: Option<String>,
    /// What happened.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Whose history it is in.
    organization_id: Option<String>,
    /// The invitation that it is about.
    invitation_id: Option<String>,
    /// Who did it.
    actor: Option<String>,
    /// By which request.
    request_id: Option<String>,
    /// When.
    created_at: Option<String>,
    /// What was before.
    before: Option<Map<String, Value>>,
    /// What is since then.
    after: Option<Map<String, Value>>,
}

/// What a line says, checked.
#[derive(Debug)]
pub enum Record {
    /// An organization, to which belongs what follows.
    Organization(OrganizationId, Box<organization::Record>),
    /// An invitation of it.
    Invitation(Box<Whole>),
    /// An event of its history.
    Event(Box<PastEvent>),
}

/// An event of the history of an organization.
#[derive(Debug)]
pub struct PastEvent {
    /// Its id.
    pub id: Uuid,
    /// What happened.
    pub kind: String,
    /// The invitation that it is about.
    pub invitation: Option<Uuid>,
    /// Who did it.
    pub actor: String,
    /// By which request.
    pub request_id: String,
    /// When.
    pub created_at: Timestamp,
    /// What was before, as a JSON object.
    pub before: Option<String>,
    /// What is since then.
    pub after: Option<String>,
}

impl LineBody {
    /// Reads a line.
    ///
    /// # Errors
    /// [`crate::base::error::Code::InvalidJson`], [`crate::base::error::Code::UnknownField`].
    pub(super) fn read(line: &[u8]) -> Result<Self> {
        json::parse(line)
    }

    /// How many members it has.
    pub(super) fn len(&self) -> usize {
        [
            self.invited.is_some(),
            self.organization.is_some(),
            self.invitation.is_some(),
            self.event.is_some(),
            self.end.is_some(),
        ]
        .into_iter()
        .filter(|is_there| *is_there)
        .count()
    }

    /// Whether it is an organization.
    pub(super) fn is_organization(&self) -> bool {
        self.organization.is_some()
    }

    /// What it says of `current`, the organization before it; none: it is no record.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with everything that is not acceptable, under
    /// pointers into the line.
    pub(super) fn parse(self, current: Option<&OrganizationId>) -> Result<Option<Record>> {
        if let Some(organization) = self.organization {
            let parsed = organization.parse();
            return parsed
                .map(Some)
                .map_err(|error| within("/organization", &error));
        }
        let before = || {
            let detail = "an organization comes before what belongs to it";
            FieldError::new("", FieldCode::Conflict, detail)
        };
        if let Some(invitation) = self.invitation {
            let parsed = invitation.parse(current.ok_or_else(before)?);
            let parsed = parsed.map(|whole| Some(Record::Invitation(Box::new(whole))));
            return parsed.map_err(|error| within("/invitation", &error));
        }
        if let Some(event) = self.event {
            let parsed = event.parse(current.ok_or_else(before)?);
            let parsed = parsed.map(|event| Some(Record::Event(Box::new(event))));
            return parsed.map_err(|error| within("/event", &error));
        }
        Ok(None)
    }
}

/// `error` with pointers from the line.
fn within(member: &str, error: &Error) -> Error {
    let fields = error.fields.iter();
    Error::validation(fields.map(|field| field.within(member)).collect())
}

impl OrganizationBody {
    /// Checks it.
    fn parse(self) -> Result<Record> {
        let mut errors = Errors::default();
        let id = self.id.as_deref().and_then(OrganizationId::parse);
        if id.is_none() {
            let detail = "1 to 128 characters: a letter or digit, then also . _ ~ -";
            errors.push(FieldError::new("/id", FieldCode::InvalidFormat, detail));
        }
        let body = self.settings.unwrap_or_default();
        let settings = Settings::parse(body, &Rules::of_form());
        let settings = settings.map_err(|error| within("/settings", &error));
        let settings = errors.take_all(settings)?;
        let created_at = errors.take(parse_time("/createdAt", self.created_at.as_deref()));
        let updated_at = errors.take(parse_time("/updatedAt", self.updated_at.as_deref()));
        errors.finish(|| {
            let whole = organization::Record {
                settings: settings?,
                created_at: created_at?,
                updated_at: updated_at?,
            };
            Some(Record::Organization(id?, Box::new(whole)))
        })
    }
}

impl EventBody {
    /// Checks it as an event of `organization`.
    fn parse(self, organization: &OrganizationId) -> Result<PastEvent> {
        let mut errors = Errors::default();
        if self.organization_id.as_deref() != Some(organization.as_str()) {
            let detail = format!("that of the organization before it, {organization}");
            errors.push(FieldError::new(
                "/organizationId",
                FieldCode::Conflict,
                detail,
            ));
        }
        let id = errors.take(parse_id("/id", self.id.as_deref()));
        let invitation = self.invitation_id.as_deref();
        let invitation = invitation.map(|text| parse_id("/invitationId", Some(text)));
        let invitation = errors.take(invitation.transpose());
        let kind = self.kind.filter(|kind| EventType::parse(kind).is_some());
        if kind.is_none() {
            let detail = "a type of events that this version knows, as invitation.created";
            errors.push(FieldError::new("/type", FieldCode::UnknownValue, detail));
        }
        let actor = errors.take(parse_origin("/actor", self.actor));
        let request_id = errors.take(parse_origin("/requestId", self.request_id));
        let created_at = errors.take(parse_time("/createdAt", self.created_at.as_deref()));
        let text = |facts: Option<&Map<String, Value>>| facts.map(serde_json::to_string);
        let [before, after] = [&self.before, &self.after].map(|facts| text(facts.as_ref()));
        let before = before.transpose().map_err(Error::internal)?;
        let after = after.transpose().map_err(Error::internal)?;
        errors.finish(|| {
            Some(PastEvent {
                id: id?,
                kind: kind?,
                invitation: invitation?,
                actor: actor?,
                request_id: request_id?,
                created_at: created_at?,
                before,
                after,
            })
        })
    }
}

/// Reads an id of ours.
fn parse_id(pointer: &'static str, text: Option<&str>) -> Checked<Uuid> {
    let form = || FieldError::new(pointer, FieldCode::InvalidFormat, "a lowercase UUIDv7");
    text.and_then(id::parse_id)
        .filter(|id| id::is_of_time(*id))
        .ok_or_else(form)
}

/// Reads who did something, or by which request.
fn parse_origin(pointer: &'static str, text: Option<String>) -> Checked<String> {
    let is_fine = |text: &String| (1..=MAX_ORIGIN).contains(&text.len());
    let detail = format!("1 to {MAX_ORIGIN} bytes");
    text.filter(is_fine)
        .ok_or_else(|| FieldError::new(pointer, FieldCode::InvalidFormat, detail))
}
