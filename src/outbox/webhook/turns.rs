//! Whose turn it is: webhooks that were served least lately go first, each with its oldest
//! deliveries.

use std::collections::HashMap;

use uuid::Uuid;

use super::store::{self, Row, Waiting};
use crate::base::error::Result;
use crate::db::Reader;
use crate::outbox::desk::{Found, Offer};
use crate::outbox::places::{Lane, WIDEST};

/// Whose turn it is.
#[derive(Debug, Default)]
pub struct Turns {
    /// How many deliveries were begun so far.
    count: u64,
    /// Of each webhook the count when it was served last.
    served: HashMap<Uuid, u64>,
}

impl Turns {
    /// Takes places of the offer for deliveries that are due.
    pub(crate) fn find(
        &mut self,
        reader: &Reader<'_>,
        offer: &mut Offer<'_>,
    ) -> Result<Found<Row>> {
        let mut webhooks = store::list_waiting(reader)?;
        let has_ripe = webhooks.iter().any(|waiting| waiting.has_lost(reader.now));
        self.served
            .retain(|webhook, _| webhooks.iter().any(|waiting| waiting.webhook == *webhook));
        webhooks.retain(|waiting| waiting.is_due(reader.now));
        webhooks.sort_by_key(|waiting| self.served.get(&waiting.webhook).copied());
        let mut rows = Vec::new();
        for waiting in &webhooks {
            if !offer.has_room(Lane::First) {
                break;
            }
            self.serve(reader, waiting, offer, &mut rows)?;
        }
        Ok(Found { rows, has_ripe })
    }

    /// Takes as many places as a webhook may have.
    fn serve(
        &mut self,
        reader: &Reader<'_>,
        waiting: &Waiting,
        offer: &mut Offer<'_>,
        rows: &mut Vec<Row>,
    ) -> Result<()> {
        let mut due = store::list_due(reader, waiting, Lane::First, WIDEST)?;
        due.extend(store::list_due(reader, waiting, Lane::Again, WIDEST)?);
        due.sort_by_key(|row| (row.due_at, row.id));
        for row in due {
            if offer.take(&row.place) {
                self.count += 1;
                self.served.insert(row.webhook, self.count);
                rows.push(row);
            }
        }
        Ok(())
    }
}
