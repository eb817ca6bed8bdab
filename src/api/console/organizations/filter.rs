//! Which invitations a page of an organization shows: what its query says.

use minijinja::Value;
use serde_json::{Map, json};
use uuid::Uuid;

use crate::api::console::period;
use crate::api::console::visitor::{Fields, Visitor};
use crate::base::error::{Checked, Error, Errors, Result};
use crate::base::organization_id::OrganizationId;
use crate::invitation::query::{ListParams, ListQuery};

/// The names of the query that choose invitations, as in the API.
pub(super) const NAMES: [&str; 8] = [
    "q",
    "email",
    "status",
    "delivery",
    "role",
    "createdAfter",
    "createdBefore",
    "expiresBefore",
];
/// The name of the query that says how many.
const LIMIT: &str = "limit";
/// Invitations on a page where the query does not say how many.
const USUAL_LIMIT: u32 = 50;

/// What the query of a page asks for.
#[derive(Debug)]
pub(super) struct Asked {
    /// Which invitations.
    pub query: ListQuery,
    /// How many of them.
    pub limit: u32,
}

impl Asked {
    /// Reads the query of a page of `organization`.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`].
    pub(super) fn parse(visitor: &Visitor, organization: &OrganizationId) -> Result<Self> {
        let fields = visitor.query();
        let mut given = Map::new();
        let mut errors = Errors::default();
        for name in NAMES.into_iter().chain([LIMIT]) {
            let value = errors.read(fields.trimmed(name), |value| full(name, value));
            given.extend(value.map(|value| (name.to_owned(), json!(value))));
        }
        errors.check()?;
        let params: ListParams = serde_json::from_value(given.into()).map_err(Error::internal)?;
        let mut query = ListQuery::parse(params, organization, visitor.state.rules.hosts)?;
        let after = fields.get("after");
        query.after = after.and_then(|id| Uuid::try_parse(id).ok());
        let limit = query.limit.unwrap_or(USUAL_LIMIT);
        Ok(Self { query, limit })
    }
}

/// A value of the query as the API has it: a time of a day. Other values stay as they are.
fn full(name: &'static str, value: &str) -> Checked<String> {
    match name {
        "createdAfter" | "expiresBefore" => period::begin(name, value),
        "createdBefore" => period::end(name, value),
        _ => Ok(value.to_owned()),
    }
}

/// What was filled in, as the form shows it.
pub(super) fn filled(fields: &Fields) -> Value {
    let value = |name: &'static str| (name, fields.trimmed(name).unwrap_or_default());
    NAMES.into_iter().chain([LIMIT]).map(value).collect()
}

/// Whether anything is chosen.
pub(super) fn is_narrow(fields: &Fields) -> bool {
    NAMES.iter().any(|name| fields.get(name).is_some())
}

/// What `query` has of a query of the list: a form brings it along.
pub(super) fn clean(query: &str) -> String {
    let is_known = |name: &str| name == LIMIT || NAMES.contains(&name);
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs.filter(|(name, _)| is_known(name)))
        .finish()
}

/// The query that leads to the first page of the same list.
pub(super) fn to_query(fields: &Fields) -> String {
    let names: Vec<_> = NAMES.into_iter().chain([LIMIT]).collect();
    fields.to_query(&names)
}
