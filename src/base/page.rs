//! Pages of a list: their order, their size, and the cursors that lead from one to the next.

use std::fmt::Display;

use url::form_urlencoded;
use utoipa::ToSchema;
use uuid::Uuid;

use super::clock::Timestamp;
use super::error::{Checked, Code, Error, Errors, FieldCode, FieldError, Result};
use super::hex::hex;

/// The most entries that one page may have.
pub(crate) const MAX_LIMIT: u32 = 1000;
/// How many entries a page has when nothing says otherwise.
pub(crate) const DEFAULT_LIMIT: u32 = 100;
/// What every cursor starts with, so that a later form can be told apart.
const CURSOR_VERSION: &str = "c1";
/// Digits of the checksum that every cursor ends with.
const BINDING_LEN: usize = 8;

/// In which order a list comes. Ids grow with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(as = SortOrder)]
pub enum Order {
    /// The latest first.
    #[schema(rename = "desc")]
    NewestFirst,
    /// The earliest first.
    #[schema(rename = "asc")]
    OldestFirst,
}

impl Order {
    /// The value of `order` in a query, where it is not the one that is meant without.
    pub(crate) fn to_query(self) -> Option<String> {
        (self == Self::OldestFirst).then(|| "asc".to_owned())
    }

    /// Reads the value of `order`.
    ///
    /// # Errors
    /// What it may be.
    pub(crate) fn parse(value: &str) -> Checked<Self> {
        match value {
            "desc" => Ok(Self::NewestFirst),
            "asc" => Ok(Self::OldestFirst),
            _ => Err(FieldError::new(
                "order",
                FieldCode::UnknownValue,
                "desc (newest first) or asc",
            )),
        }
    }
}

/// Reads the value of `limit`.
///
/// # Errors
/// What it may be.
pub(crate) fn parse_limit(value: &str) -> Checked<u32> {
    let is_plain = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let limit = value
        .parse()
        .ok()
        .filter(|limit| is_plain && (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| {
        FieldError::new(
            "limit",
            FieldCode::OutOfRange,
            "a whole number from 1 to 1000",
        )
    })
}

/// Reads the value of `key`, which is a time.
///
/// # Errors
/// What it may be.
pub(crate) fn parse_time(key: &'static str, value: &str) -> Checked<Timestamp> {
    // A plus sign in a query is a space. A command takes it as it is.
    let detail = if value.contains(' ') {
        "an RFC 3339 time from 1970 to 9999, as 2026-11-30T02:43:00Z; write the + of an offset as \
         %2B"
    } else {
        "an RFC 3339 time from 1970 to 9999, as 2026-11-30T02:43:00Z"
    };
    Timestamp::parse(value).ok_or_else(|| FieldError::new(key, FieldCode::InvalidFormat, detail))
}

/// One end of a period: the key of its query and the time, where it is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// The key.
    pub key: &'static str,
    /// The time.
    pub time: Option<Timestamp>,
}

/// Checks that a period does not end before it begins, where both ends are given.
///
/// # Errors
/// That it does.
pub(crate) fn check_period(begin: End, end: End) -> Checked<()> {
    let period = begin.time.zip(end.time);
    if period.is_some_and(|(begin, end)| end < begin) {
        let detail = format!("it is earlier than {}", begin.key);
        Err(FieldError::new(end.key, FieldCode::Conflict, detail))
    } else {
        Ok(())
    }
}

/// Checks that `until` is not earlier than `since`, where both are given.
///
/// # Errors
/// That it is.
pub(crate) fn check_since_until(since: Option<Timestamp>, until: Option<Timestamp>) -> Checked<()> {
    let end = |key, time| End { key, time };
    check_period(end("since", since), end("until", until))
}

/// Which part of a list is meant.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// In which order.
    pub order: Order,
    /// The last entry of the page before.
    pub after: Option<Uuid>,
    /// How many entries.
    pub limit: u32,
}

impl Page {
    /// Reads the values of `order` and `limit`. The cursor is read later: it belongs to the list
    /// that they and the filters are of.
    pub(crate) fn parse(order: Option<String>, limit: Option<String>, errors: &mut Errors) -> Self {
        let order = errors.read(order, Order::parse);
        Self {
            order: order.unwrap_or(Order::NewestFirst),
            after: None,
            limit: errors.read(limit, parse_limit).unwrap_or(DEFAULT_LIMIT),
        }
    }

    /// The id after which the page starts, in its order; for the first page one that no entry has.
    pub(crate) fn start(&self) -> Uuid {
        self.after.unwrap_or(match self.order {
            Order::NewestFirst => Uuid::max(),
            Order::OldestFirst => Uuid::nil(),
        })
    }
}

/// A part of a list: something in front, then entries as JSON with commas between them.
#[derive(Debug)]
pub(crate) struct Part<Id> {
    /// The JSON.
    pub json: Vec<u8>,
    /// Whether there is no entry in it.
    pub is_empty: bool,
    /// The last of these entries, where more follow.
    pub more_after: Option<Id>,
}

/// A list as its cursors know it: one path with one set of filters.
#[derive(Debug)]
pub struct Paged {
    /// The path, which names the organization.
    path: String,
    /// Filters as a query in one spelling, so that the same list is always the same text.
    query: String,
}

impl Paged {
    /// The list at `path`, with those `filters` that have a value; the order is one of them.
    pub(crate) fn new(
        path: String,
        filters: impl IntoIterator<Item = (&'static str, Option<String>)>,
    ) -> Self {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (key, value) in filters {
            if let Some(value) = value {
                query.append_pair(key, &value);
            }
        }
        Self {
            path,
            query: query.finish(),
        }
    }

    /// The value of `Link` (RFC 8288) for the page of `limit` entries that follows `last`.
    pub fn next_link(&self, public_url: &str, limit: u32, last: impl Display) -> String {
        let last = last.to_string();
        let (path, query, cursor) = (&self.path, &self.query, self.cursor(&last));
        let and = if query.is_empty() { "" } else { "&" };
        // Ids and digits stand in a query as they are.
        format!(
            "<{public_url}{path}?{query}{and}limit={limit}&cursor={cursor}>; \
             rel=\"next\""
        )
    }

    /// The cursor of the page that follows `last`.
    pub(crate) fn cursor(&self, last: &str) -> String {
        format!("{CURSOR_VERSION}{last}{}", self.binding(last))
    }

    /// Reads a cursor of this very list: with `parse` the id of the last entry of the page before.
    ///
    /// # Errors
    /// [`Code::InvalidCursor`].
    pub(crate) fn parse_cursor<Id>(
        &self,
        cursor: &str,
        parse: impl FnOnce(&str) -> Option<Id>,
    ) -> Result<Id> {
        let last = || {
            let bound = cursor.strip_prefix(CURSOR_VERSION)?;
            let (last, binding) = bound.split_at_checked(bound.len().checked_sub(BINDING_LEN)?)?;
            parse(last).filter(|_| binding == self.binding(last))
        };
        last().ok_or_else(|| {
            Error::new(
                Code::InvalidCursor,
                "This cursor does not belong to this list with these filters; begin without one, and \
                 follow `Link`.",
            )
        })
    }

    /// Binds a cursor to its list. It keeps a cursor from being used by mistake, so a checksum is
    /// enough; it protects nothing, since what a caller may see is decided by the key and the path.
    fn binding(&self, last: &str) -> String {
        let mut checksum = crc32fast::Hasher::new();
        // An id has no slash and a path no question mark, so no part can run into the next.
        for part in [last, &self.path, "?", &self.query] {
            checksum.update(part.as_bytes());
        }
        hex(&checksum.finalize().to_be_bytes())
    }
}
