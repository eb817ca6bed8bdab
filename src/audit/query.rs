//! The query of the history of the server, with filters and a page.

use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::Action;
use crate::base::clock::Timestamp;
use crate::base::error::{Checked, Errors, FieldCode, FieldError, Result};
use crate::base::hex::is_hex;
use crate::base::organization_id::OrganizationId;
use crate::base::page::{self, Order, Page, Paged};
use crate::base::query::parse_names;

/// Hex digits of the id of a key.
const KEY_ID: usize = 16;
/// Actors that are no keys.
const ACTORS: [&str; 3] = ["cli", "dev", "server"];

/// Which rows are meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
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
    pub(crate) fn is_empty(&self) -> bool {
        self.pairs().iter().all(|(_, value)| value.is_none())
    }
}

/// The query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditParams {
    /// Only these actions, by comma.
    #[param(value_type = Option<Vec<Action>>, style = Form, explode = false, min_items = 1,
        max_items = 14)]
    pub action: Option<String>,
    /// Only what this actor did: the id of a key, `cli`, `dev`, or `server`.
    #[param(pattern = "^([0-9a-f]{16}|cli|dev|server)$", example = "cli")]
    pub actor: Option<String>,
    /// Only what was done to the key, the webhook or the organization with this id.
    #[param(
        pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$",
        example = "0123456789abcdef"
    )]
    pub subject: Option<String>,
    /// Only what concerns this organization.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$", example = "acme")]
    pub organization_id: Option<String>,
    /// Only from then on: RFC 3339.
    #[param(format = DateTime)]
    pub since: Option<String>,
    /// Only before then: RFC 3339.
    #[param(format = DateTime)]
    pub until: Option<String>,
    /// `desc`: newest first (default), or `asc`.
    #[param(value_type = Option<Order>)]
    pub order: Option<String>,
    /// At most so many; 100 where it is not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    pub limit: Option<String>,
    /// From `Link`: where the page before ended.
    pub cursor: Option<String>,
}

/// The query, checked.
#[derive(Clone, Debug)]
pub(crate) struct AuditQuery {
    /// Which rows.
    pub filter: Filter,
    /// Which page of them.
    pub page: Page,
}

impl AuditQuery {
    /// Checks the values of a query.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with every value that is not acceptable;
    /// [`crate::base::error::Code::InvalidCursor`].
    pub(crate) fn parse(params: AuditParams) -> Result<Self> {
        let AuditParams {
            action,
            actor,
            subject,
            organization_id,
            since,
            until,
            order,
            limit,
            cursor,
        } = params;
        let mut errors = Errors::default();
        let filter = Filter {
            actions: errors.read(action, |names| parse_names("action", names, Action::ALL)),
            actor: errors.read(actor, parse_actor),
            subject: errors
                .read(subject, |id| parse_id("subject", id))
                .map(|id| id.to_string()),
            organization: errors.read(organization_id, |id| parse_id("organizationId", id)),
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
                    .paged()
                    .parse_cursor(&cursor, |id| Uuid::try_parse(id).ok())
            })
            .transpose()?;
        Ok(query)
    }

    /// The list that is asked for, for its cursors.
    pub(crate) fn paged(&self) -> Paged {
        let order = ("order", self.page.order.to_query());
        let filters = self.filter.pairs().into_iter().chain([order]);
        Paged::new("/v1/audit".to_owned(), filters)
    }
}

/// The names of actions.
pub(crate) fn names(actions: &[Action]) -> Vec<&'static str> {
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
