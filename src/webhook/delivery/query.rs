//! The query of the log of a webhook.

use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::base::error::{Checked, Errors, FieldCode, FieldError, Result};
use crate::base::page::{Page, Paged};
use crate::outbox::webhook::DeliveryState;

/// The query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeliveryParams {
    /// Only these.
    #[param(value_type = Option<DeliveryState>)]
    state: Option<String>,
    /// At most so many; 100 where it is not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// From `Link`: where the page before ended.
    cursor: Option<String>,
}

/// The query, checked.
#[derive(Clone, Debug)]
pub struct DeliveryQuery {
    /// Only these; none: all.
    pub state: Option<DeliveryState>,
    /// Which page of them: the newest first.
    pub page: Page,
}

impl DeliveryQuery {
    /// Checks the values of a query.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with every value that is not acceptable;
    /// [`crate::base::error::Code::InvalidCursor`].
    pub fn parse(params: DeliveryParams, webhook: Uuid) -> Result<Self> {
        let DeliveryParams {
            state,
            limit,
            cursor,
        } = params;
        let mut errors = Errors::default();
        let mut query = Self {
            state: errors.read(state, parse_state),
            page: Page::parse(None, limit, &mut errors),
        };
        errors.check()?;
        query.page.after = cursor
            .map(|cursor| {
                query
                    .paged(webhook)
                    .parse_cursor(&cursor, |id| Uuid::try_parse(id).ok())
            })
            .transpose()?;
        Ok(query)
    }

    /// The list that is asked for, for its cursors.
    pub fn paged(&self, webhook: Uuid) -> Paged {
        let filters = [("state", self.state.map(|state| state.name().to_owned()))];
        Paged::new(format!("/v1/webhooks/{webhook}/deliveries"), filters)
    }
}

/// Reads a state.
fn parse_state(value: &str) -> Checked<DeliveryState> {
    let wrong = || {
        FieldError::new(
            "state",
            FieldCode::UnknownValue,
            "waiting, delivered or failed",
        )
    };
    DeliveryState::parse(value).ok_or_else(wrong)
}
