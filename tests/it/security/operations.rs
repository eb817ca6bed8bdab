//! The operations of the OpenAPI document, each with what it needs.

use invited::key::Scope;
use serde_json::{Value, json};

use crate::support::Answer;

/// What an operation asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// The token of a link and, where it answers an invitation, a proof. A key that comes along
    /// must be good.
    Token,
    /// A key with this scope, for the organization in the path.
    InOrganization(Scope),
    /// A key with this scope; it shows what the key may see.
    Anywhere(Scope),
    /// It is there in development only.
    Development,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its name.
    pub id: String,
    /// Its method.
    pub method: String,
    /// Its path, with `{names}`.
    pub path: String,
    /// What it asks of its caller.
    pub needs: Needs,
    /// The example of its body, where it takes one.
    pub body: Option<Value>,
    /// The schema of its body.
    pub body_schema: Value,
    /// Its answers as the document describes them, by status.
    pub responses: Value,
}

/// The member that paths name.
pub const MEMBER: &str = "user_42";

impl Operation {
    /// Whether it only reads.
    pub fn is_read(&self) -> bool {
        self.method == "GET"
    }

    /// Its path with ids filled in.
    pub fn path_for(
        &self,
        organization: &str,
        invitation: &str,
        key: &str,
        webhook: &str,
    ) -> String {
        let path = self
            .path
            .replace("{organizationId}", organization)
            .replace("{invitationId}", invitation);
        let path = path
            .replace("{webhookId}", webhook)
            .replace("{deliveryId}", webhook);
        let path = path
            .replace("{keyId}", key)
            .replace("{part}", "dialect")
            .replace("{code}", "not_found")
            .replace("{messageId}", invitation)
            .replace("{userId}", MEMBER)
            .replace("{roleId}", "cbaefeb0-692e-573b-b38c-585b5d28c562");
        let needs_address = matches!(
            &*self.id,
            "listInvitationsOfAddress" | "eraseAddress" | "listCodes"
        );
        if needs_address {
            path + "?email=target%40b.co"
        } else {
            path
        }
    }
}

/// What the operation called `id` asks of its caller. The one table that a new operation must be
/// entered in.
fn needs(id: &str) -> Needs {
    use Needs::{Anywhere, Development, InOrganization, Nothing, Token};
    match id {
        "getLiveness" | "getReadiness" | "getHealthLive" | "getHealthReady" | "getOpenapi"
        | "getOpenapiPart" | "listProblems" | "getProblem" | "getAcceptPage" | "sendAcceptForm"
        | "getAcceptScript" | "getAcceptStyle" | "getReference" | "getReferenceScript"
        | "getReferenceStyle" | "getSwaggerUiScript" | "getSwaggerUiStyle" => Nothing,
        "lookupInvitation"
        | "requestInvitationCode"
        | "acceptInvitationByToken"
        | "declineInvitationByToken" => Token,
        "listInvitations"
        | "getInvitation"
        | "getInvitationSummary"
        | "explainInvitation"
        | "listEvents"
        | "streamEvents"
        | "getOrganization" => InOrganization(Scope::Read),
        "createInvitation"
        | "createInvitationBatch"
        | "deleteInvitation"
        | "updateInvitation"
        | "resendInvitation"
        | "revokeInvitation" => InOrganization(Scope::Write),
        "acceptInvitation" => InOrganization(Scope::Accept),
        "getInvitationLink" => InOrganization(Scope::Link),
        "reportBounce" => Anywhere(Scope::Deliveries),
        "getMetrics" => Anywhere(Scope::Metrics),
        "putOrganization" | "deleteOrganization" => InOrganization(Scope::Admin),
        "listInvitationsOfAddress"
        | "listOrganizations"
        | "clickhouseListOrganizations"
        | "clickhouseWhoami" => Anywhere(Scope::Read),
        "eraseAddress" | "listAudit" | "listFindings" | "listMailQueue" | "retryMail"
        | "listKeys" | "createKey" | "getKey" | "revokeKey" => Anywhere(Scope::Admin),
        "listWebhooks"
        | "createWebhook"
        | "getWebhook"
        | "updateWebhook"
        | "deleteWebhook"
        | "rotateWebhookSecret"
        | "testWebhook"
        | "listWebhookDeliveries"
        | "getWebhookDelivery"
        | "redeliverWebhook" => Anywhere(Scope::Admin),
        "clickhouseListInvitations"
        | "clickhouseGetInvitation"
        | "clickhouseListMembers"
        | "clickhouseGetMember"
        | "clickhouseListRoles"
        | "clickhouseGetRole"
        | "clickhouseGetOrganization" => InOrganization(Scope::Read),
        "clickhouseCreateInvitation"
        | "clickhouseDeleteInvitation"
        | "clickhouseUpdateMember"
        | "clickhouseDeleteMember" => InOrganization(Scope::Write),
        "clickhouseUpdateOrganization" => InOrganization(Scope::Admin),
        "getClock" | "changeClock" | "listCodes" | "resetServer" | "seedServer" | "getFaults"
        | "setFaults" | "clearFaults" | "listMail" | "deleteAllMail" | "getMail"
        | "getMailText" | "getMailHtml" | "getMailSource" | "deleteMail" | "getMailboxPage"
        | "getMailPage" | "listRequests" | "streamRequests" | "listSnapshots" | "takeSnapshot"
        | "restoreSnapshot" => Development,
        other => panic!("{other} is not in the table of tests/it/security/operations.rs"),
    }
}

impl Operation {
    /// The response of the document that `answer` is: an error is one that is described with its
    /// code.
    fn described(&self, answer: &Answer) -> &Value {
        let kind = answer.header("content-type").unwrap_or_default();
        if answer.status < 400 || !kind.contains("json") {
            return &self.responses[answer.status.to_string()];
        }
        let body = answer.json();
        // The dialect has its code in capitals before the text.
        let code = body["code"].as_str().or(body["error"].as_str());
        let code = code
            .and_then(|text| text.split(':').next())
            .expect("a code");
        let named = format!("`{}`", code.to_lowercase());
        let of_status = &self.responses[answer.status.to_string()];
        let has_code = |one: &&Value| {
            one["description"]
                .as_str()
                .unwrap_or_default()
                .contains(&named)
        };
        let mut both = [of_status, &self.responses["default"]].into_iter();
        both.find(has_code).unwrap_or(&Value::Null)
    }

    /// Checks that `answer` is one that the document describes, with the fields of its schema and
    /// no others.
    pub fn check(&self, document: &Value, answer: &Answer) {
        let described = self.described(answer);
        assert!(
            described.is_object(),
            "{}: {} is not in the document: {}",
            self.id,
            answer.status,
            answer.text()
        );
        let kind = answer.header("content-type").unwrap_or_default();
        let schema = &described["content"][kind]["schema"];
        if kind.contains("json") {
            assert!(
                schema.is_object(),
                "{}: {} has no {kind} in the document",
                self.id,
                answer.status
            );
            check_closed(
                document,
                schema,
                &answer.json(),
                &format!("{} {}", self.id, answer.status),
            );
        }
    }
}

/// The schema that a reference points to, without the alternative `null`.
pub fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().expect("a name");
        return &document["components"]["schemas"][name];
    }
    let alternatives = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    let other = alternatives.and_then(|all| all.iter().find(|one| one["type"] != "null"));
    other.map_or(schema, |other| resolve(document, other))
}

/// Checks that `value` has the fields that its schema lists, all that are required, and no others.
fn check_closed(document: &Value, schema: &Value, value: &Value, place: &str) {
    let schema = resolve(document, schema);
    match value {
        Value::Object(fields) if schema["properties"].is_object() => {
            for (name, value) in fields {
                let field = &schema["properties"][name];
                assert!(
                    field.is_object(),
                    "{place} has a field that is not in its schema: {name}"
                );
                check_closed(document, field, value, &format!("{place}/{name}"));
            }
            for name in schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                assert!(fields.contains_key(name), "{place} lacks {name}");
            }
        }
        Value::Array(values) => {
            assert_eq!(schema["type"], "array", "{place}");
            values
                .iter()
                .for_each(|value| check_closed(document, &schema["items"], value, place));
        }
        Value::String(_) => assert!(
            schema["type"] == "string" || schema["type"][0] == "string",
            "{place}: {schema}"
        ),
        _ => {}
    }
}

/// The document.
pub fn document() -> Value {
    crate::openapi::document::whole()
}

/// Every operation of the document.
pub fn all() -> Vec<Operation> {
    let document = document();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, described) in methods.as_object().expect("methods") {
            let id = described["operationId"].as_str().expect("an id").to_owned();
            let example = &described["requestBody"]["content"]["application/json"]["example"];
            // A reset takes an empty object, which the document does not show.
            let body = if id == "resetServer" {
                Some(json!({}))
            } else {
                Some(example.clone()).filter(|body| !body.is_null())
            };
            operations.push(Operation {
                needs: needs(&id),
                id,
                method: method.to_uppercase(),
                path: path.clone(),
                body,
                body_schema: described["requestBody"]["content"]["application/json"]["schema"]
                    .clone(),
                responses: described["responses"].clone(),
            });
        }
    }
    operations
}
