//! The queries: of a history, with filters and a page, and of a stream.

use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Event, EventType};
use crate::base::clock::Timestamp;
use crate::base::error::{Checked, Errors, FieldCode, FieldError, Result};
use crate::base::id;
use crate::base::organization_id::OrganizationId;
use crate::base::page::{self, Order, Page, Paged};
use crate::base::query::parse_names;

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
    pub(crate) fn is_empty(&self) -> bool {
        self.types.is_none()
            && self.invitation.is_none()
            && self.since.is_none()
            && self.until.is_none()
    }

    /// Whether `event` passes.
    pub(crate) fn admits(&self, event: &Event<'_>) -> bool {
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

/// The query of a history.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct EventParams {
    /// Only these types, by comma.
    #[param(value_type = Option<Vec<EventType>>, style = Form, explode = false, min_items = 1,
        max_items = 12)]
    #[serde(rename = "type")]
    types: Option<String>,
    /// Only what happened to this invitation.
    #[param(format = Uuid)]
    invitation_id: Option<String>,
    /// Only from then on: RFC 3339.
    #[param(format = DateTime)]
    since: Option<String>,
    /// Only before then: RFC 3339.
    #[param(format = DateTime)]
    until: Option<String>,
    /// `desc`: newest first (default), or `asc`.
    #[param(value_type = Option<Order>)]
    order: Option<String>,
    /// At most so many; 100 where it is not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// From `Link`: where the page before ended.
    cursor: Option<String>,
}

/// The query of a history, checked.
#[derive(Clone, Debug)]
pub struct EventQuery {
    /// Which events.
    pub filter: Filter,
    /// Which page of them.
    pub page: Page,
}

impl EventQuery {
    /// Checks the values of a query.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with every value that is not acceptable;
    /// [`crate::base::error::Code::InvalidCursor`].
    pub fn parse(params: EventParams, organization: &OrganizationId) -> Result<Self> {
        let EventParams {
            types,
            invitation_id,
            since,
            until,
            order,
            limit,
            cursor,
        } = params;
        let mut errors = Errors::default();
        let filter = Filter {
            types: errors.read(types, parse_types),
            invitation: errors.read(invitation_id, parse_invitation),
            since: errors.read(since, |since| page::parse_time("since", since)),
            until: errors.read(until, |until| page::parse_time("until", until)),
        };
        let page = Page::parse(order, limit, &mut errors);
        errors.take(page::check_since_until(filter.since, filter.until));
        errors.check()?;
        let mut query = Self { filter, page };
        query.page.after = cursor
            .map(|cursor| {
                query
                    .paged(organization)
                    .parse_cursor(&cursor, |id| Uuid::try_parse(id).ok())
            })
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
            ("order", self.page.order.to_query()),
        ];
        Paged::new(format!("/v1/organizations/{organization}/events"), filters)
    }
}

/// The query of a stream.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct StreamParams {
    /// Only these types, by comma.
    #[param(value_type = Option<Vec<EventType>>, style = Form, explode = false, min_items = 1,
        max_items = 12)]
    #[serde(rename = "type")]
    types: Option<String>,
    /// Only what happens to this invitation.
    #[param(format = Uuid)]
    invitation_id: Option<String>,
    /// As `Last-Event-ID`, for clients that can set no headers; the header wins.
    #[param(format = Uuid)]
    last_event_id: Option<String>,
}

/// The query of a stream, checked.
#[derive(Clone, Debug, Default)]
pub struct StreamQuery {
    /// Which events: by type and invitation.
    pub filter: Filter,
    /// The event after which the stream begins.
    pub after: Option<Uuid>,
}

impl StreamQuery {
    /// Checks the values of a query.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with every value that is not acceptable.
    pub fn parse(params: StreamParams) -> Result<Self> {
        let StreamParams {
            types,
            invitation_id,
            last_event_id,
        } = params;
        let mut errors = Errors::default();
        let query = Self {
            filter: Filter {
                types: errors.read(types, parse_types),
                invitation: errors.read(invitation_id, parse_invitation),
                ..Filter::default()
            },
            after: errors.read(last_event_id, parse_event_id),
        };
        errors.check()?;
        Ok(query)
    }
}

/// Reads the types of events.
fn parse_types(value: &str) -> Checked<Vec<EventType>> {
    parse_names("type", value, EventType::ALL)
}

/// Reads the id of an event, which need not be there: ids have an order, and the nil UUID is before
/// all of them.
///
/// # Errors
/// What it may be.
pub(crate) fn parse_event_id(value: &str) -> Checked<Uuid> {
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
pub(crate) fn names(types: &[EventType]) -> Vec<&'static str> {
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
