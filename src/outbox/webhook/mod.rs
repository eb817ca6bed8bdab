//! The queue of deliveries: what waits, in which order it goes, and what becomes of a try.
//! [`store`] is its SQL, [`turns`] the order.

pub mod store;
pub(crate) mod turns;

use utoipa::ToSchema;

/// How far a delivery has come.
// The numbers are those of `webhook_delivery.state` in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[repr(u8)]
#[schema(as = WebhookDeliveryState, rename_all = "lowercase")]
pub enum DeliveryState {
    /// It waits for its first or its next try.
    Waiting = 0,
    /// The endpoint took it.
    Delivered = 1,
    /// It was given up.
    Failed = 2,
}

impl DeliveryState {
    /// Every state, by number.
    pub(crate) const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Failed];

    /// The state as it is shown.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Reads a state.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == text)
    }
}
