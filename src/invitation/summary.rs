//! How the invitations of an organization stand, in figures.
//!
//! # Bounds
//! Figures come from one pass over the newest [`MOST_READ`] invitations, so a large organization costs
//! no more than a middling one. Where there are more, they say that they are not exact.

use serde::Serialize;
use utoipa::ToSchema;

use super::Status;
use super::store::{self, Outline};
use crate::base::clock::{self, Timestamp};
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::db::Reader;
use crate::outbox::mail::Delivery;

/// The most invitations that are read: about 10 ms.
const MOST_READ: u32 = 10_000;
/// How many days there are figures of, today included.
const DAYS: i64 = 90;

/// How the invitations of an organization stand.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationSummary)]
pub(crate) struct Summary {
    /// Whether all invitations of the organization were counted; else its newest 10,000 were.
    pub is_exact: bool,
    /// How many stand so.
    pub statuses: StatusCounts,
    /// How far the mail of the pending ones has come.
    pub pending_deliveries: DeliveryCounts,
    /// The middle of the times from creation to acceptance, in milliseconds; absent where none was
    /// accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false, minimum = 0)]
    pub median_acceptance_ms: Option<i64>,
    /// The last 90 days (UTC), the earliest first, today last.
    pub days: Vec<DayCounts>,
    /// How many of those that were made on these days were accepted.
    #[serde(skip)]
    pub accepted_of_days: u32,
}

/// How many invitations stand as what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = InvitationStatusCounts)]
pub(crate) struct StatusCounts {
    /// They can be accepted.
    #[schema(minimum = 0)]
    pub pending: u32,
    /// The person joined.
    #[schema(minimum = 0)]
    pub accepted: u32,
    /// The person said no.
    #[schema(minimum = 0)]
    pub declined: u32,
    /// They were taken back.
    #[schema(minimum = 0)]
    pub revoked: u32,
    /// Their time ran out.
    #[schema(minimum = 0)]
    pub expired: u32,
}

/// How far the mail of how many pending invitations has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = InvitationDeliveryCounts)]
pub(crate) struct DeliveryCounts {
    /// Nothing is sent.
    #[schema(minimum = 0)]
    pub none: u32,
    /// A mail waits, or is under way.
    #[schema(minimum = 0)]
    pub queued: u32,
    /// The mail server has taken it.
    #[schema(minimum = 0)]
    pub sent: u32,
    /// It was refused, or given up.
    #[schema(minimum = 0)]
    pub failed: u32,
    /// It came back.
    #[schema(minimum = 0)]
    pub bounced: u32,
}

/// What happened on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = InvitationDayCounts)]
pub(crate) struct DayCounts {
    /// The day (UTC), as `2026-11-23`.
    #[schema(format = Date)]
    pub day: String,
    /// Invitations that were made.
    #[schema(minimum = 0)]
    pub invited: u32,
    /// Invitations that were accepted, whenever they were made.
    #[schema(minimum = 0)]
    pub accepted: u32,
}

impl Summary {
    /// The figures of `organization`; zeros where it is not known.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn read(reader: &Reader<'_>, organization: &OrganizationId) -> Result<Self> {
        let mut counter = Counter::new(reader.now);
        let count = |outline: &Outline| counter.count(outline);
        let has_more = store::list_newest(reader, reader.now, organization, MOST_READ, count)?;
        Ok(Self {
            is_exact: !has_more,
            ..counter.finish()
        })
    }
}

/// Counts one invitation after the other.
struct Counter {
    /// How many stand so.
    statuses: StatusCounts,
    /// How far the mail of the pending ones has come.
    deliveries: DeliveryCounts,
    /// The days.
    days: Vec<DayCounts>,
    /// The first of them, since the epoch.
    first_day: i64,
    /// Milliseconds from creation to acceptance.
    acceptances_ms: Vec<i64>,
    /// How many of those that were made on these days were accepted.
    accepted_of_days: u32,
}

impl Counter {
    /// Nothing is counted yet; today is the day of `now`.
    fn new(now: Timestamp) -> Self {
        let first_day = now.day() - DAYS + 1;
        let day = |day| DayCounts {
            day: clock::day_name(day),
            invited: 0,
            accepted: 0,
        };
        Self {
            statuses: StatusCounts::default(),
            deliveries: DeliveryCounts::default(),
            days: (first_day..first_day + DAYS).map(day).collect(),
            first_day,
            acceptances_ms: Vec::new(),
            accepted_of_days: 0,
        }
    }

    /// Counts an invitation.
    fn count(&mut self, outline: &Outline) {
        *self.statuses.of(outline.status) += 1;
        if outline.status == Status::Pending {
            *self.deliveries.of(outline.delivery) += 1;
        }
        let is_of_days = self.day_of(outline.created_at).map(|day| day.invited += 1);
        let accepted_at = outline
            .closed_at
            .filter(|_| outline.status == Status::Accepted);
        let Some(accepted_at) = accepted_at else {
            return;
        };
        self.accepted_of_days += u32::from(is_of_days.is_some());
        if let Some(day) = self.day_of(accepted_at) {
            day.accepted += 1;
        }
        // It is less than nothing after the clock went back.
        let took = accepted_at.as_millis() - outline.created_at.as_millis();
        self.acceptances_ms.push(took.max(0));
    }

    /// The day of `time`, if there are figures of it.
    fn day_of(&mut self, time: Timestamp) -> Option<&mut DayCounts> {
        let place = usize::try_from(time.day() - self.first_day).ok()?;
        self.days.get_mut(place)
    }

    /// What was counted, as if it were all.
    fn finish(mut self) -> Summary {
        Summary {
            is_exact: true,
            statuses: self.statuses,
            pending_deliveries: self.deliveries,
            median_acceptance_ms: median(&mut self.acceptances_ms),
            days: self.days,
            accepted_of_days: self.accepted_of_days,
        }
    }
}

impl StatusCounts {
    /// The count of `status`.
    fn of(&mut self, status: Status) -> &mut u32 {
        match status {
            Status::Pending => &mut self.pending,
            Status::Accepted => &mut self.accepted,
            Status::Declined => &mut self.declined,
            Status::Revoked => &mut self.revoked,
            Status::Expired => &mut self.expired,
        }
    }
}

impl DeliveryCounts {
    /// The count of `delivery`.
    fn of(&mut self, delivery: Delivery) -> &mut u32 {
        match delivery {
            Delivery::None => &mut self.none,
            Delivery::Queued => &mut self.queued,
            Delivery::Sent => &mut self.sent,
            Delivery::Failed => &mut self.failed,
            Delivery::Bounced => &mut self.bounced,
        }
    }
}

/// The middle of `values`, between the two in the middle where their number is even; none of none.
fn median(values: &mut [i64]) -> Option<i64> {
    let half = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let is_even = values.len().is_multiple_of(2);
    let (below, &mut upper, _) = values.select_nth_unstable(half);
    let lower = below.iter().max().copied().filter(|_| is_even);
    Some(i64::midpoint(lower.unwrap_or(upper), upper))
}
