//! Deliveries: one event on its way to one webhook, and the log of what became of it.
//!
//! * [`query`] reads the query of the log, [`store`] is the SQL.

pub mod query;
pub(crate) mod store;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::sign;
use crate::base::clock::Timestamp;
use crate::outbox::webhook::DeliveryState;

/// A delivery as it is stored, with what its event says.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The id of its event; of a test an id of its own.
    pub id: Uuid,
    /// How far it has come.
    pub state: DeliveryState,
    /// Whose event it is; none: it is a test.
    pub organization: Option<String>,
    /// The type of its event.
    pub kind: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When the last try began.
    pub last_attempt_at: Option<Timestamp>,
    /// How many milliseconds that took.
    pub duration_ms: Option<i64>,
    /// The status of its answer.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// When the next try is due, if there is one, and it is not under way.
    pub next_attempt_at: Option<Timestamp>,
}

/// How the deliveries of a webhook fare.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Standing {
    /// How many wait; [`store::MOST_COUNTED`] stands for more, too.
    pub waiting: u32,
    /// When the last try began, as far as the newest deliveries tell.
    pub last_attempt_at: Option<Timestamp>,
    /// The status of its answer.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
}

/// A delivery of an event to a webhook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookDelivery)]
pub(crate) struct DeliveryView<'a> {
    /// The id of its event; of a test an id of its own.
    #[schema(value_type = String, format = Uuid)]
    pub id: Uuid,
    /// The webhook.
    #[schema(value_type = String, format = Uuid)]
    pub webhook_id: Uuid,
    /// The `webhook-id` that the receiver gets, the same for every try.
    pub message_id: String,
    /// The type of its event, or `webhook.test`.
    #[serde(rename = "type")]
    #[schema(example = "invitation.created")]
    pub kind: &'a str,
    /// The organization of its event. Absent: it is a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub organization_id: Option<&'a str>,
    /// How far it has come.
    #[schema(value_type = DeliveryState)]
    pub state: &'static str,
    /// How often it was tried, since it was queued or last asked for.
    #[schema(minimum = 0)]
    pub attempts: u32,
    /// When it was queued.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When the last try began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    pub last_attempt_at: Option<Timestamp>,
    /// How many milliseconds it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, minimum = 0, required = false)]
    pub duration_ms: Option<i64>,
    /// The status of its answer. Absent: there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u16, required = false)]
    pub answer_status: Option<u16>,
    /// What went wrong at the last try.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub error: Option<&'a str>,
    /// When it is tried next. Absent: never, or it is under way, or the webhook is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    pub next_attempt_at: Option<Timestamp>,
    /// The body of the request, to the byte; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub body: Option<&'a str>,
}

impl<'a> DeliveryView<'a> {
    /// A delivery of `webhook`, without its body.
    pub(crate) fn new(record: &'a Record, webhook: Uuid) -> Self {
        Self {
            id: record.id,
            webhook_id: webhook,
            message_id: sign::message_id(record.id),
            kind: &record.kind,
            organization_id: record.organization.as_deref(),
            state: record.state.name(),
            attempts: record.attempts,
            created_at: record.created_at,
            last_attempt_at: record.last_attempt_at,
            duration_ms: record.duration_ms,
            answer_status: record.status,
            error: record.error.as_deref(),
            next_attempt_at: record.next_attempt_at,
            body: None,
        }
    }
}

/// A delivery for the documents, as a list has it.
pub(crate) fn example() -> serde_json::Value {
    serde_json::json!({
        "id": "019a0c5e-7b1c-7cc3-98c4-dc0c0c073990",
        "webhookId": "019a0c5e-7b1c-7cc3-98c4-dc0c0c073991",
        "messageId": "msg_019a0c5e-7b1c-7cc3-98c4-dc0c0c073990",
        "type": "invitation.accepted",
        "organizationId": "acme",
        "state": "waiting",
        "attempts": 1,
        "createdAt": "2026-11-23T02:43:00.123Z",
        "lastAttemptAt": "2026-11-23T02:43:00.130Z",
        "durationMs": 41,
        "answerStatus": 503,
        "error": "the endpoint answered 503",
        "nextAttemptAt": "2026-11-23T02:43:05.213Z",
    })
}

/// A delivery by itself, for the documents.
pub(crate) fn example_with_body() -> serde_json::Value {
    let mut one = example();
    one["body"] =
        r#"{"type":"invitation.accepted","timestamp":"2026-11-23T02:43:00.123Z","data":{}}"#.into();
    one
}
