//! What is sent to the application, as the `webhooks` of OpenAPI 3.1, and `links` from what makes a
//! thing to what can be done with it.

use serde_json::{Value, json};

use crate::event::{self, EventType};

/// What creates something, what the path calls its id, and what takes that id.
const CREATED: &[(&str, &str, &[&str])] = &[
    (
        "/v1/organizations/{organizationId}/invitations",
        "invitationId",
        &["getInvitation", "resendInvitation", "deleteInvitation"],
    ),
    (
        "/v1/webhooks",
        "webhookId",
        &["getWebhook", "testWebhook", "deleteWebhook"],
    ),
    ("/v1/keys", "keyId", &["getKey", "revokeKey"]),
];

/// Adds what is sent to the application, and the links.
pub(super) fn add(document: &mut Value) {
    let payload = |kind: Value, data: Value| {
        json!({
            "type": "object",
            "required": ["type", "timestamp", "data"],
            "properties": {
                "type": kind,
                "timestamp": { "type": "string", "format": "date-time", "description": "When it happened." },
                "data": data,
            },
        })
    };
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let mut event = payload(reference("EventType"), reference("Event"));
    event["description"] = "What is sent to a webhook when something happened.".into();
    let mut test = payload(json!({ "const": "webhook.test" }), reference("WebhookTest"));
    test["description"] = "What is sent to a webhook to test it.".into();
    let schemas = &mut document["components"]["schemas"];
    schemas["WebhookEventPayload"] = event;
    schemas["WebhookTestPayload"] = test;
    schemas["WebhookTest"] = json!({
        "type": "object",
        "description": "A test of a webhook.",
        "required": ["id", "webhookId"],
        "properties": {
            "id": { "type": "string", "format": "uuid", "description": "The delivery." },
            "webhookId": { "type": "string", "format": "uuid", "description": "The webhook that is tested." },
        },
    });
    document["webhooks"] = json!({
        "event": { "post": told(
            "receiveEvent",
            "Something happened",
            "WebhookEventPayload",
            &json!({ "type": EventType::ALL[0].1, "timestamp": event::example()["createdAt"],
                "data": event::example() }),
        ) },
        "test": { "post": told(
            "receiveTest",
            "A test was asked for",
            "WebhookTestPayload",
            &json!({ "type": "webhook.test", "timestamp": "2026-11-23T02:43:00.123Z",
                "data": { "id": "019a0c5e-7b1c-7cc3-98c4-dc0c0c073992",
                    "webhookId": "019a0c5e-7b1c-7cc3-98c4-dc0c0c073991" } }),
        ) },
    });
    if let Some(tags) = document["tags"].as_array_mut() {
        tags.push(
            json!({ "name": "Webhook requests", "description": "What is sent to webhooks." }),
        );
    }
    for (path, id, operations) in CREATED {
        link(
            &mut document["paths"][path]["post"]["responses"]["201"],
            id,
            operations,
        );
    }
}

/// What the application is told by a request with a body of `schema`.
fn told(id: &str, summary: &str, schema: &str, example: &Value) -> Value {
    let header = |name: &str, description: &str| {
        json!({ "name": name, "in": "header", "required": true, "description": description,
            "schema": { "type": "string" } })
    };
    json!({
        "tags": ["Webhook requests"],
        "operationId": id,
        "summary": summary,
        "description": "Signed as Standard Webhooks 1.0.0 says. It comes at least once.",
        "security": [{}],
        "parameters": [
            header("webhook-id", "The same at every try: take each only once."),
            header("webhook-timestamp", "When it was sent: seconds since 1970."),
            header("webhook-signature", "One or two signatures by the secret of the webhook."),
        ],
        "requestBody": { "required": true, "content": { "application/json": {
            "schema": { "$ref": format!("#/components/schemas/{schema}") }, "example": example,
        } } },
        "responses": {
            "2XX": { "description": "It was taken." },
            "410": { "description": "Nobody wants it any more: the webhook is disabled." },
        },
    })
}

/// Adds to the response that has made something what can be done with it.
fn link(response: &mut Value, id: &str, operations: &[&str]) {
    for operation in operations {
        let mut parameters = json!({ id: "$response.body#/id" });
        if id == "invitationId" {
            parameters["organizationId"] = "$request.path.organizationId".into();
        }
        response["links"][operation] =
            json!({ "operationId": operation, "parameters": parameters });
    }
}
