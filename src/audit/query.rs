//! The query of the history of the server, with filters and a page.

use super::Action;
use crate::base::clock::Timestamp;
use crate::base::error::{Checked, Error, FieldCode, FieldError, Result};
use crate::base::hex::is_hex;
use crate::base::organization_id::OrganizationId;
use crate::base::page::{self, Order, Page, Paged};
use crate::base::query::{Keys, parse_names};

/// How many rows a page has when nothing says otherwise.
const DEFAULT_LIMIT: u32 = 100;
/// Hex digits of the id of a key.
const KEY_ID: usize = 16;
/// Actors that are no keys.
const ACTORS: [&str; 3] = ["cli", "dev", "server"];

/// Which rows are meant.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these actions; none: all.
    pub actions: Option<Vec<Action>>,
    /// Only those by this actor.
    pub actor: Option<String>,
    /// Only those about the key, the webhook or the organization with this id.
    pub subject: Option<String>,
    /// Only those that concern this organization.
    pub organization: Option<OrganizationId>,
    /// Only those at this time and later.
    pub since: Option<Timestamp>,
    /// Only those before this time.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Those that are given, as the query has them, in one order.
    fn pairs(&self) -> [(&'static str, Option<String>); 6] {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        [
            (
                "action",
                self.actions
                    .as_ref()
                    .map(|actions| names(actions).join(",")),
            ),
            ("actor", self.actor.clone()),
            ("subject", self.subject.clone()),
            (
                "organizationId",
                self.organization.as_ref().map(ToString::to_string),
            ),
            ("since", time(self.since)),
            ("until", time(self.until)),
        ]
    }

    /// Whether every row passes.
    pub fn is_empty(&self) -> bool {
        self.pairs().iter().all(|(_, value)| value.is_none())
    }
}

/// The query, checked.
#[derive(Clone, Debug)]
pub struct AuditQuery {
    /// Which rows.
    pub filter: Filter,
    /// Which page of them.
    pub page: Page,
}

impl Keys for AuditQuery {
    const KEYS: &[&str] = &[
        "action",
        "actor",
        "subject",
        "organizationId",
        "since",
        "until",
        "order",
        "limit",
        "cursor",
    ];
}

impl AuditQuery {
    /// Checks the `pairs` of a query, whose keys are known to be from [`AuditQuery::KEYS`] and to
    /// occur once each.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with every value that is not acceptable;
    /// [`crate::base::error::Code::InvalidCursor`].
    pub fn parse(pairs: &[(String, String)]) -> Result<Self> {
        let (mut errors, mut cursor) = (Vec::new(), None);
        let mut filter = Filter::default();
        let mut page = Page {
            order: Order::NewestFirst,
            after: None,
            limit: DEFAULT_LIMIT,
        };
        for (key, value) in pairs {
            let checked = match key.as_str() {
                "action" => parse_names("action", value, Action::ALL)
                    .map(|actions| filter.actions = Some(actions)),
                "actor" => parse_actor(value).map(|actor| filter.actor = Some(actor)),
                "subject" => {
                    parse_id("subject", value).map(|id| filter.subject = Some(id.to_string()))
                }
                "organizationId" => {
                    parse_id("organizationId", value).map(|id| filter.organization = Some(id))
                }
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
            .map(|cursor| query.paged().parse_cursor(cursor))
            .transpose()?;
        Ok(query)
    }

    /// The list that is asked for, for its cursors.
    pub fn paged(&self) -> Paged {
        Paged::new(
            "/v1/audit".to_owned(),
            self.page.order,
            &self.filter.pairs(),
        )
    }
}

/// The names of actions.
pub fn names(actions: &[Action]) -> Vec<&'static str> {
    actions.iter().map(|action| action.name()).collect()
}

/// Reads an actor.
fn parse_actor(value: &str) -> Checked<String> {
    let is_actor = is_hex(value, KEY_ID) || ACTORS.contains(&value);
    let wrong = || {
        FieldError::new(
            "actor",
            FieldCode::InvalidFormat,
            "the id of a key, cli, dev, or server",
        )
    };
    is_actor.then(|| value.to_owned()).ok_or_else(wrong)
}

/// Reads the id of an organization. Those of keys and webhooks are written in the same characters.
fn parse_id(key: &'static str, value: &str) -> Checked<OrganizationId> {
    let detail = "1 to 128 characters: a letter or digit, then also . _ ~ -";
    OrganizationId::parse(value)
        .ok_or_else(|| FieldError::new(key, FieldCode::InvalidFormat, detail))
}
