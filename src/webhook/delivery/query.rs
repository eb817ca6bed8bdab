//! The query of the log of a webhook.

use uuid::Uuid;

use crate::base::error::{Error, FieldCode, FieldError, Result};
use crate::base::page::{self, Order, Page, Paged};
use crate::base::query::Keys;
use crate::outbox::webhook::DeliveryState;

/// How many deliveries a page has when nothing says otherwise.
const DEFAULT_LIMIT: u32 = 100;

/// The query, checked.
#[derive(Clone, Debug)]
pub struct DeliveryQuery {
    /// Only these; none: all.
    pub state: Option<DeliveryState>,
    /// Which page of them: the newest first.
    pub page: Page,
}

impl Keys for DeliveryQuery {
    const KEYS: &[&str] = &["state", "limit", "cursor"];
}

impl DeliveryQuery {
    /// Checks the `pairs` of a query, whose keys are known to be from [`DeliveryQuery::KEYS`] and
    /// to occur once each.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with every value that is not acceptable;
    /// [`crate::base::error::Code::InvalidCursor`].
    pub fn parse(pairs: &[(String, String)], webhook: Uuid) -> Result<Self> {
        let (mut errors, mut cursor) = (Vec::new(), None);
        let page = Page {
            order: Order::NewestFirst,
            after: None,
            limit: DEFAULT_LIMIT,
        };
        let mut query = Self { state: None, page };
        for (key, value) in pairs {
            let checked = match key.as_str() {
                "state" => parse_state(value).map(|state| query.state = Some(state)),
                "limit" => page::parse_limit(value).map(|limit| query.page.limit = limit),
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
        query.page.after = cursor
            .map(|cursor| query.paged(webhook).parse_cursor(cursor))
            .transpose()?;
        Ok(query)
    }

    /// The list that is asked for, for its cursors.
    pub fn paged(&self, webhook: Uuid) -> Paged {
        let filters = [("state", self.state.map(|state| state.name().to_owned()))];
        Paged::new(
            format!("/v1/webhooks/{webhook}/deliveries"),
            self.page.order,
            &filters,
        )
    }
}

/// Reads a state.
fn parse_state(value: &str) -> std::result::Result<DeliveryState, FieldError> {
    let wrong = || {
        FieldError::new(
            "state",
            FieldCode::UnknownValue,
            "waiting, delivered or failed",
        )
    };
    DeliveryState::parse(value).ok_or_else(wrong)
}
