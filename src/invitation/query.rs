//! The query of a list of invitations.

use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::Status;
use crate::base::clock::Timestamp;
use crate::base::email::{self, Email, Hosts};
use crate::base::error::{Checked, Errors, FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::page::{self, End, Order, Paged};
use crate::base::query::{parse_email, parse_names};
use crate::base::role::Role;
use crate::outbox::mail::Delivery;

/// The status bits of a filter that takes all of them.
const ALL_STATUSES: u8 = 0b1_1111;

/// The delivery bits of a filter that takes all of them.
const ALL_DELIVERIES: u8 = 0b1_1111;

/// The keys of times.
const CREATED_AFTER: &str = "createdAfter";
/// As [`CREATED_AFTER`].
const CREATED_BEFORE: &str = "createdBefore";
/// As [`CREATED_AFTER`].
const EXPIRES_BEFORE: &str = "expiresBefore";

/// Which invitations of an organization are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// One bit a status, by its number.
    statuses: u8,
    /// One bit a state of the delivery, by its number.
    deliveries: u8,
    /// Only those of this address.
    pub email: Option<Email>,
    /// Only those with this role.
    pub role: Option<Role>,
    /// Only those whose address holds this text.
    pub search: Option<String>,
    /// Only those that were made at this time or later.
    pub created_after: Option<Timestamp>,
    /// Only those that were made before this time.
    pub created_before: Option<Timestamp>,
    /// Only those that end, or ended, before this time.
    pub expires_before: Option<Timestamp>,
}

impl Filter {
    /// Every invitation.
    pub const ALL: Self = Self {
        statuses: ALL_STATUSES,
        deliveries: ALL_DELIVERIES,
        email: None,
        role: None,
        search: None,
        created_after: None,
        created_before: None,
        expires_before: None,
    };

    /// Only invitations that stand as `status`.
    pub(crate) const fn only(status: Status) -> Self {
        Self {
            statuses: 1 << status as u8,
            deliveries: ALL_DELIVERIES,
            email: None,
            role: None,
            search: None,
            created_after: None,
            created_before: None,
            expires_before: None,
        }
    }

    /// Whether every invitation passes.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::ALL
    }

    /// The statuses that pass: one bit each, by number.
    pub fn status_bits(&self) -> u8 {
        self.statuses
    }

    /// The states of the delivery that pass: one bit each, by number.
    pub(crate) fn delivery_bits(&self) -> u8 {
        self.deliveries
    }

    /// Checks that the period of the creation does not end before it begins.
    fn check_period(&self) -> Checked<()> {
        let begin = End {
            key: CREATED_AFTER,
            time: self.created_after,
        };
        let end = End {
            key: CREATED_BEFORE,
            time: self.created_before,
        };
        page::check_period(begin, end)
    }
}

/// The query of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct ListParams {
    /// Only these statuses, by comma.
    #[param(value_type = Option<Vec<Status>>, style = Form, explode = false, min_items = 1,
        max_items = 5)]
    status: Option<String>,
    /// Only where the mail of the last sending has come so far, by comma.
    #[param(value_type = Option<Vec<Delivery>>, style = Form, explode = false, min_items = 1,
        max_items = 5)]
    delivery: Option<String>,
    /// Only this address, in any spelling.
    #[param(example = "new.user@example.com")]
    email: Option<String>,
    /// Only this role.
    #[param(pattern = "^[A-Za-z][A-Za-z0-9_.:-]{0,63}$")]
    role: Option<String>,
    /// Only where the address holds this text, in lowercase or not. It has no wildcards.
    #[param(min_length = 1, max_length = 254, example = "@example.com")]
    q: Option<String>,
    /// Only those that were made then or later: RFC 3339.
    #[param(format = DateTime)]
    created_after: Option<String>,
    /// Only those that were made before then: RFC 3339.
    #[param(format = DateTime)]
    created_before: Option<String>,
    /// Only those that end, or ended, before then: RFC 3339.
    #[param(format = DateTime)]
    expires_before: Option<String>,
    /// At most so many.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// From `Link`: where the page before ended.
    cursor: Option<String>,
    /// `desc`: newest first (default), or `asc`.
    #[param(value_type = Option<Order>)]
    order: Option<String>,
}

/// The query of a list, checked.
#[derive(Debug)]
pub struct ListQuery {
    /// Which invitations.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// The last invitation of the page before.
    pub after: Option<Uuid>,
    /// How many of them; none: all.
    pub limit: Option<u32>,
}

impl ListQuery {
    /// Checks the values of a query.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with every value that is not acceptable;
    /// [`crate::base::error::Code::InvalidCursor`].
    pub fn parse(params: ListParams, organization: &OrganizationId, hosts: Hosts) -> Result<Self> {
        let ListParams {
            status,
            delivery,
            email,
            role,
            q,
            created_after,
            created_before,
            expires_before,
            limit,
            cursor,
            order,
        } = params;
        let mut errors = Errors::default();
        let filter = Filter {
            statuses: errors.read(status, parse_statuses).unwrap_or(ALL_STATUSES),
            deliveries: errors
                .read(delivery, parse_deliveries)
                .unwrap_or(ALL_DELIVERIES),
            email: errors.read(email, |email| parse_email("email", email, hosts)),
            role: errors.read(role, parse_role),
            search: errors.read(q, parse_search),
            created_after: errors.read(created_after, |time| page::parse_time(CREATED_AFTER, time)),
            created_before: errors.read(created_before, |time| {
                page::parse_time(CREATED_BEFORE, time)
            }),
            expires_before: errors.read(expires_before, |time| {
                page::parse_time(EXPIRES_BEFORE, time)
            }),
        };
        let mut query = Self {
            filter,
            order: errors
                .read(order, Order::parse)
                .unwrap_or(Order::NewestFirst),
            after: None,
            limit: errors.read(limit, page::parse_limit),
        };
        errors.take(query.filter.check_period());
        errors.check()?;
        query.after = cursor
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
        let is_in = |status: &Status| self.filter.statuses & (1 << *status as u8) != 0;
        let names = || {
            Status::ALL
                .into_iter()
                .filter(is_in)
                .map(Status::name)
                .collect::<Vec<_>>()
                .join(",")
        };
        let delivery_names = || {
            Delivery::ALL
                .into_iter()
                .filter(|delivery| self.filter.deliveries & (1 << *delivery as u8) != 0)
                .map(Delivery::name)
                .collect::<Vec<_>>()
                .join(",")
        };
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        let filters = [
            ("status", (self.filter.statuses != ALL_STATUSES).then(names)),
            (
                "delivery",
                (self.filter.deliveries != ALL_DELIVERIES).then(delivery_names),
            ),
            (
                "email",
                self.filter
                    .email
                    .as_ref()
                    .map(|email| email.as_str().to_owned()),
            ),
            (
                "role",
                self.filter
                    .role
                    .as_ref()
                    .map(|role| role.as_str().to_owned()),
            ),
            ("q", self.filter.search.clone()),
            (CREATED_AFTER, time(self.filter.created_after)),
            (CREATED_BEFORE, time(self.filter.created_before)),
            (EXPIRES_BEFORE, time(self.filter.expires_before)),
            ("order", self.order.to_query()),
        ];
        Paged::new(
            format!("/v1/organizations/{organization}/invitations"),
            filters,
        )
    }
}

/// The query of an operation on all invitations of one address.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AddressParams {
    /// The address, in any spelling.
    #[param(value_type = String, example = "new.user@example.com")]
    email: Option<String>,
}

impl AddressParams {
    /// Reads the address.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] where there is none, or it is not acceptable.
    pub fn parse(self, hosts: Hosts) -> Result<Email> {
        let missing = || {
            let detail = "whose invitations are meant, as ?email=new.user@example.com";
            FieldError::new("email", FieldCode::Required, detail)
        };
        let email = self.email.ok_or_else(missing)?;
        Ok(parse_email("email", &email, hosts)?)
    }
}

/// Reads a comma list of statuses, no more of them than there are.
fn parse_statuses(value: &str) -> std::result::Result<u8, FieldError> {
    let statuses = value
        .split(',')
        .map(Status::parse)
        .take(Status::ALL.len() + 1);
    let bits = statuses.clone().try_fold(0, |bits, status| {
        status.map(|status| bits | 1 << status as u8)
    });
    let detail = "a comma list of at most five of pending, accepted, declined, revoked and expired";
    bits.filter(|_| statuses.count() <= Status::ALL.len())
        .ok_or_else(|| FieldError::new("status", FieldCode::UnknownValue, detail))
}

/// Reads a comma list of states of the delivery. Returns their bits.
fn parse_deliveries(value: &str) -> std::result::Result<u8, FieldError> {
    let table = Delivery::ALL.map(|delivery| (delivery, delivery.name()));
    let deliveries = parse_names("delivery", value, &table)?;
    Ok(deliveries
        .into_iter()
        .fold(0, |bits, delivery| bits | 1 << delivery as u8))
}

/// Reads a part of an address.
fn parse_search(value: &str) -> Checked<String> {
    email::parse_part(value).map_err(|(code, detail)| FieldError::new("q", code, detail))
}

/// Reads a role. Others of these keys take lists, so it is said that this one does not.
fn parse_role(value: &str) -> Checked<Role> {
    let detail = "one role, as developer: a letter, then letters, digits, _ . : -, 64 at most";
    Role::parse(value).ok_or_else(|| FieldError::new("role", FieldCode::InvalidFormat, detail))
}
