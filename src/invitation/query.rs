//! The query of a list of invitations.

use uuid::Uuid;

use super::Status;
use crate::base::email::{Email, Hosts};
use crate::base::error::{Error, FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::page::{self, Order, Paged};
use crate::base::query::Keys;
use crate::base::role::Role;

/// The status bits of a filter that takes all of them.
const ALL_STATUSES: u8 = 0b1_1111;

/// Which invitations of an organization are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// One bit a status, by its number.
    statuses: u8,
    /// Only those of this address.
    pub email: Option<Email>,
    /// Only those with this role.
    pub role: Option<Role>,
}

impl Filter {
    /// Every invitation.
    pub const ALL: Self = Self {
        statuses: ALL_STATUSES,
        email: None,
        role: None,
    };

    /// Only invitations that stand as `status`.
    pub const fn only(status: Status) -> Self {
        Self {
            statuses: 1 << status as u8,
            email: None,
            role: None,
        }
    }

    /// Whether every invitation passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::ALL
    }

    /// The statuses that pass: one bit each, by number.
    pub fn status_bits(&self) -> u8 {
        self.statuses
    }
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

impl Keys for ListQuery {
    const KEYS: &[&str] = &["status", "email", "role", "limit", "cursor", "order"];
}

impl ListQuery {
    /// Checks the `pairs` of a query, whose keys are known to be from [`ListQuery::KEYS`] and to
    /// occur once each.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with every value that is not acceptable;
    /// [`crate::base::error::Code::InvalidCursor`].
    pub fn parse(
        pairs: &[(String, String)],
        organization: &OrganizationId,
        hosts: Hosts,
    ) -> Result<Self> {
        let mut query = Self {
            filter: Filter::ALL,
            order: Order::NewestFirst,
            after: None,
            limit: None,
        };
        let (mut errors, mut cursor) = (Vec::new(), None);
        for (key, value) in pairs {
            let checked = match key.as_str() {
                "status" => parse_statuses(value).map(|statuses| query.filter.statuses = statuses),
                "email" => Email::parse(value, hosts)
                    .map(|email| query.filter.email = Some(email))
                    .map_err(|(code, detail)| FieldError::new("email", code, detail)),
                "role" => parse_role(value).map(|role| query.filter.role = Some(role)),
                "limit" => page::parse_limit(value).map(|limit| query.limit = Some(limit)),
                "order" => Order::parse(value).map(|order| query.order = order),
                _ => {
                    cursor = Some(value);
                    Ok(())
                }
            };
            errors.extend(checked.err());
        }
        if !errors.is_empty() {
            return Err(Error::validation(errors));
        }
        query.after = cursor
            .map(|cursor| query.paged(organization).parse_cursor(cursor))
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
        let filters = [
            ("status", (self.filter.statuses != ALL_STATUSES).then(names)),
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
        ];
        Paged::new(
            format!("/v1/organizations/{organization}/invitations"),
            self.order,
            &filters,
        )
    }
}

/// The query of an operation on all invitations of one address.
#[derive(Debug)]
pub struct AddressQuery;

impl Keys for AddressQuery {
    const KEYS: &[&str] = &["email"];
}

impl AddressQuery {
    /// Reads the address.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] where there is none, or it is not acceptable.
    pub fn parse(pairs: &[(String, String)], hosts: Hosts) -> Result<Email> {
        let wrong = |code, detail| Error::validation(vec![FieldError::new("email", code, detail)]);
        let text = pairs
            .first()
            .ok_or_else(|| wrong(FieldCode::Required, "the address that is meant"))?;
        Email::parse(&text.1, hosts).map_err(|(code, detail)| wrong(code, detail))
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

/// Reads a role.
fn parse_role(value: &str) -> std::result::Result<Role, FieldError> {
    Role::parse(value)
        .ok_or_else(|| FieldError::new("role", FieldCode::InvalidFormat, "not the form of a role"))
}
