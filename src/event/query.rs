//! The queries: of a history, with filters and a page, and of a stream.

use uuid::Uuid;

use super::{Event, EventType};
use crate::base::clock::Timestamp;
use crate::base::error::{Checked, Error, FieldCode, FieldError, Result};
use crate::base::id;
use crate::base::organization_id::OrganizationId;
use crate::base::page::{self, Order, Page, Paged};
use crate::base::query::{Keys, parse_names};

/// How many events a page has when nothing says otherwise.
const DEFAULT_LIMIT: u32 = 100;

/// Which events of an organization are meant.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these types; none: all.
    pub types: Option<Vec<EventType>>,
    /// Only those about this invitation.
    pub invitation: Option<Uuid>,
    /// Only those at this time and later.
    pub since: Option<Timestamp>,
    /// Only those before this time.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Whether every event passes.
    pub fn is_empty(&self) -> bool {
        self.types.is_none()
            && self.invitation.is_none()
            && self.since.is_none()
            && self.until.is_none()
    }

    /// Whether `event` passes.
    pub fn admits(&self, event: &Event<'_>) -> bool {
        self.types
            .as_ref()
            .is_none_or(|types| types.iter().any(|kind| kind.name() == event.kind))
            && self
                .invitation
                .is_none_or(|invitation| event.invitation_id == Some(invitation))
            && self.since.is_none_or(|since| event.created_at >= since)
            && self.until.is_none_or(|until| event.created_at < until)
    }
}

/// The query of a history, checked.
#[derive(Clone, Debug)]
pub struct EventQuery {
    /// Which events.
    pub filter: Filter,
    /// Which page of them.
    pub page: Page,
}

impl Keys for EventQuery {
    const KEYS: &[&str] = &[
        "type",
        "invitationId",
        "since",
        "until",
        "order",
        "limit",
        "cursor",
    ];
}

impl EventQuery {
    /// Checks the `pairs` of a query, whose keys are known to be from [`EventQuery::KEYS`] and to
    /// occur once each.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with every value that is not acceptable;
    /// [`crate::base::error::Code::InvalidCursor`].
    pub fn parse(pairs: &[(String, String)], organization: &OrganizationId) -> Result<Self> {
        let (mut errors, mut cursor) = (Vec::new(), None);
        let mut filter = Filter::default();
        let mut page = Page {
            order: Order::NewestFirst,
            after: None,
            limit: DEFAULT_LIMIT,
        };
        for (key, value) in pairs {
            let checked = match key.as_str() {
                "type" => parse_names("type", value, EventType::ALL)
                    .map(|types| filter.types = Some(types)),
                "invitationId" => parse_invitation(value).map(|id| filter.invitation = Some(id)),
                "since" => page::parse_time("since", value).map(|time| filter.since = Some(time)),
                "until" => page::parse_time("until", value).map(|time| filter.until = Some(time)),
                "order" => Order::parse(value).map(|order| page.order = order),
                "limit" => page::parse_limit(value).map(|limit| page.limit = limit),
                _ => {
                    cursor = Some(value);
                    Ok(())
                }
            };
            errors.extend(checked.err());
        }
        if filter
            .since
            .zip(filter.until)
            .is_some_and(|(since, until)| until < since)
        {
            errors.push(FieldError::new(
                "until",
                FieldCode::Conflict,
                "it is earlier than since",
            ));
        }
        if !errors.is_empty() {
            return Err(Error::validation(errors));
        }
        let mut query = Self { filter, page };
        query.page.after = cursor
            .map(|cursor| query.paged(organization).parse_cursor(cursor))
            .transpose()?;
        Ok(query)
    }

    /// The list that is asked for, for its cursors.
    pub fn paged(&self, organization: &OrganizationId) -> Paged {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        let filters = [
            (
                "type",
                self.filter
                    .types
                    .as_ref()
                    .map(|types| names(types).join(",")),
            ),
            (
                "invitationId",
                self.filter.invitation.map(|id| id.to_string()),
            ),
            ("since", time(self.filter.since)),
            ("until", time(self.filter.until)),
        ];
        Paged::new(
            format!("/v1/organizations/{organization}/events"),
            self.page.order,
            &filters,
        )
    }
}

/// The query of a stream, checked.
#[derive(Clone, Debug, Default)]
pub struct StreamQuery {
    /// Which events: by type and invitation.
    pub filter: Filter,
    /// The event after which the stream begins.
    pub after: Option<Uuid>,
}

impl Keys for StreamQuery {
    const KEYS: &[&str] = &["type", "invitationId", "lastEventId"];
}

impl StreamQuery {
    /// Checks the `pairs` of a query, whose keys are known to be from [`StreamQuery::KEYS`] and to
    /// occur once each.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with every value that is not acceptable.
    pub fn parse(pairs: &[(String, String)]) -> Result<Self> {
        let (mut errors, mut query) = (Vec::new(), Self::default());
        for (key, value) in pairs {
            let checked = match key.as_str() {
                "type" => parse_names("type", value, EventType::ALL)
                    .map(|types| query.filter.types = Some(types)),
                "invitationId" => {
                    parse_invitation(value).map(|id| query.filter.invitation = Some(id))
                }
                _ => parse_event_id(value).map(|id| query.after = Some(id)),
            };
            errors.extend(checked.err());
        }
        if errors.is_empty() {
            Ok(query)
        } else {
            Err(Error::validation(errors))
        }
    }
}

/// Reads the id of an event, which need not be there: ids have an order, and the nil UUID is before
/// all of them.
///
/// # Errors
/// What it may be.
pub fn parse_event_id(value: &str) -> Checked<Uuid> {
    let canonical = |id: &Uuid| *id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == *value;
    let wrong = || {
        FieldError::new(
            "lastEventId",
            FieldCode::InvalidFormat,
            "a UUID, lowercase with hyphens",
        )
    };
    Uuid::try_parse(value)
        .ok()
        .filter(canonical)
        .ok_or_else(wrong)
}

/// The names of types.
pub fn names(types: &[EventType]) -> Vec<&'static str> {
    types.iter().map(|event| event.name()).collect()
}

/// Reads the id of an invitation.
fn parse_invitation(value: &str) -> Checked<Uuid> {
    let wrong = || {
        FieldError::new(
            "invitationId",
            FieldCode::InvalidFormat,
            "a UUIDv7, lowercase with hyphens",
        )
    };
    id::parse_id(value).ok_or_else(wrong)
}
