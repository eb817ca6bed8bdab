//! The query of a list: filters, page size, order, and cursors.

use url::form_urlencoded;
use uuid::Uuid;

use super::{Role, Status};
use crate::email::{Email, Hosts};
use crate::error::{Code, Error, FieldCode, FieldError, Result};
use crate::organization::OrganizationId;
use crate::token::hex;

/// The most invitations that one page may have.
pub const MAX_LIMIT: u32 = 1000;
/// What every cursor starts with, so that a later form can be told apart.
const CURSOR_VERSION: &str = "c1";
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
    pub const ALL: Self = Self { statuses: ALL_STATUSES, email: None, role: None };

    /// Only invitations that stand as `status`.
    pub const fn only(status: Status) -> Self {
        Self { statuses: 1 << status as u8, email: None, role: None }
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

/// In which order a list comes. Ids grow with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The latest first.
    NewestFirst,
    /// The earliest first.
    OldestFirst,
}

/// Which part of a list is meant.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// In which order.
    pub order: Order,
    /// The last invitation of the page before.
    pub after: Option<Uuid>,
    /// How many invitations.
    pub limit: u32,
}

impl Page {
    /// The id after which the page starts, in its order; for the first page one that no invitation has.
    pub fn start(&self) -> Uuid {
        self.after.unwrap_or(match self.order {
            Order::NewestFirst => Uuid::max(),
            Order::OldestFirst => Uuid::nil(),
        })
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

impl ListQuery {
    /// The keys that the query of a list may have.
    pub const KEYS: &[&str] = &["status", "email", "role", "limit", "cursor", "order"];

    /// Checks the `pairs` of a query, whose keys are known to be from [`ListQuery::KEYS`] and to occur once each.
    ///
    /// # Errors
    /// [`Code::ValidationFailed`] with every value that is not acceptable; [`Code::InvalidCursor`].
    pub fn parse(pairs: &[(String, String)], organization: &OrganizationId, hosts: Hosts) -> Result<Self> {
        let mut query = Self { filter: Filter::ALL, order: Order::NewestFirst, after: None, limit: None };
        let (mut errors, mut cursor) = (Vec::new(), None);
        for (key, value) in pairs {
            let checked = match key.as_str() {
                "status" => parse_statuses(value).map(|statuses| query.filter.statuses = statuses),
                "email" => Email::parse(value, hosts)
                    .map(|email| query.filter.email = Some(email))
                    .map_err(|(code, detail)| FieldError::new("email", code, detail)),
                "role" => parse_role(value).map(|role| query.filter.role = Some(role)),
                "limit" => parse_limit(value).map(|limit| query.limit = Some(limit)),
                "order" => parse_order(value).map(|order| query.order = order),
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
        query.after = cursor.map(|cursor| query.parse_cursor(cursor, organization)).transpose()?;
        Ok(query)
    }

    /// The query of the page of `limit` invitations that follows `last`.
    pub fn next_page(&self, limit: u32, last: Uuid, organization: &OrganizationId) -> String {
        let mut next = form_urlencoded::Serializer::new(String::new());
        if self.filter.statuses != ALL_STATUSES {
            let is_in = |status: &Status| self.filter.statuses & (1 << *status as u8) != 0;
            let names: Vec<_> = Status::ALL.into_iter().filter(is_in).map(Status::name).collect();
            next.append_pair("status", &names.join(","));
        }
        if let Some(email) = &self.filter.email {
            next.append_pair("email", email.as_str());
        }
        if let Some(role) = &self.filter.role {
            next.append_pair("role", role.as_str());
        }
        if self.order == Order::OldestFirst {
            next.append_pair("order", "asc");
        }
        next.append_pair("limit", &limit.to_string()).append_pair("cursor", &self.cursor_after(last, organization));
        next.finish()
    }

    /// The cursor of the page that follows the invitation `last`.
    fn cursor_after(&self, last: Uuid, organization: &OrganizationId) -> String {
        let last = last.simple().to_string();
        format!("{CURSOR_VERSION}{last}{}", self.binding(&last, organization))
    }

    /// Reads a cursor of this very list.
    fn parse_cursor(&self, cursor: &str, organization: &OrganizationId) -> Result<Uuid> {
        let parse = || {
            let (last, binding) = cursor.strip_prefix(CURSOR_VERSION)?.split_at_checked(32)?;
            let id = Uuid::try_parse(last).ok()?;
            (binding == self.binding(last, organization)).then_some(id)
        };
        parse().ok_or_else(|| Error::new(Code::InvalidCursor, "This cursor does not belong to this list."))
    }

    /// Binds a cursor to organization, filter and order. It keeps a cursor from being used by mistake, so a checksum is
    /// enough; it protects nothing, since the organization always comes from the path.
    fn binding(&self, last: &str, organization: &OrganizationId) -> String {
        let mut checksum = crc32fast::Hasher::new();
        let email = self.filter.email.as_ref().map_or("", Email::as_str);
        let role = self.filter.role.as_ref().map_or("", Role::as_str);
        for part in [last, organization.as_str(), email, role] {
            checksum.update(part.as_bytes());
            // No part can hold it, so none can run into the next.
            checksum.update(b"\n");
        }
        checksum.update(&[self.filter.statuses, self.order as u8]);
        hex(&checksum.finalize().to_be_bytes())
    }
}

/// Reads a comma list of statuses, no more of them than there are.
fn parse_statuses(value: &str) -> std::result::Result<u8, FieldError> {
    let statuses = value.split(',').map(Status::parse).take(Status::ALL.len() + 1);
    let bits = statuses.clone().try_fold(0, |bits, status| status.map(|status| bits | 1 << status as u8));
    let detail = "a comma list of at most five of pending, accepted, declined, revoked and expired";
    bits.filter(|_| statuses.count() <= Status::ALL.len())
        .ok_or_else(|| FieldError::new("status", FieldCode::UnknownValue, detail))
}

/// Reads a role.
fn parse_role(value: &str) -> std::result::Result<Role, FieldError> {
    Role::parse(value).ok_or_else(|| FieldError::new("role", FieldCode::InvalidFormat, "not the form of a role"))
}

/// Reads a page size.
///
/// # Errors
/// What is wrong with it.
pub fn parse_limit(value: &str) -> std::result::Result<u32, FieldError> {
    let is_plain = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let limit = value.parse().ok().filter(|limit| is_plain && (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| FieldError::new("limit", FieldCode::OutOfRange, "a whole number from 1 to 1000"))
}

/// Reads an order.
fn parse_order(value: &str) -> std::result::Result<Order, FieldError> {
    match value {
        "desc" => Ok(Order::NewestFirst),
        "asc" => Ok(Order::OldestFirst),
        _ => Err(FieldError::new("order", FieldCode::UnknownValue, "desc (newest first) or asc")),
    }
}
