//! The operations of the OpenAPI document, each with what it needs.

use invited::key::Scope;
use serde_json::{Value, json};

/// What an operation asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// The token of a link and, where it answers an invitation, a proof. A key that comes along must be good.
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
    /// Its answers as the document describes them, by status.
    pub responses: Value,
}

impl Operation {
    /// Whether it only reads.
    pub fn is_read(&self) -> bool {
        self.method == "GET"
    }

    /// Its path with ids filled in.
    pub fn path_for(&self, organization: &str, invitation: &str, key: &str) -> String {
        let path = self.path.replace("{organizationId}", organization).replace("{invitationId}", invitation);
        let path = path.replace("{keyId}", key).replace("{code}", "not_found");
        let needs_address = matches!(&*self.id, "listInvitationsOfAddress" | "listCodes");
        if needs_address { path + "?email=target%40b.co" } else { path }
    }
}

/// What the operation called `id` asks of its caller. The one table that a new operation must be entered in.
#[rustfmt::skip]
fn needs(id: &str) -> Needs {
    use Needs::{Anywhere, Development, InOrganization, Nothing, Token};
    match id {
        "getLiveness" | "getReadiness" | "getOpenapi" | "listProblems" | "getProblem" => Nothing,
        "lookupInvitation" | "requestInvitationCode" | "acceptInvitationByToken" | "declineInvitationByToken" => Token,
        "listInvitations" | "getInvitation" | "listEvents" | "getOrganization" => InOrganization(Scope::Read),
        "createInvitation" | "deleteInvitation" | "updateInvitation" | "resendInvitation" | "revokeInvitation"
            => InOrganization(Scope::Write),
        "acceptInvitation" => InOrganization(Scope::Accept),
        "getInvitationLink" => InOrganization(Scope::Link),
        "putOrganization" | "deleteOrganization" => InOrganization(Scope::Admin),
        "listInvitationsOfAddress" | "listOrganizations" | "clickhouseListOrganizations" => Anywhere(Scope::Read),
        "listKeys" | "createKey" | "getKey" | "revokeKey" => Anywhere(Scope::Admin),
        "clickhouseListInvitations" | "clickhouseGetInvitation" | "clickhouseListMembers" => InOrganization(Scope::Read),
        "clickhouseCreateInvitation" | "clickhouseDeleteInvitation" => InOrganization(Scope::Write),
        "getClock" | "changeClock" | "listCodes" | "reset" | "seed" => Development,
        other => panic!("{other} is not in the table of tests/it/security/operations.rs"),
    }
}

/// The document.
pub fn document() -> Value {
    serde_json::from_str(&invited::http::openapi::document_text()).expect("JSON")
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
            let body =
                if id == "reset" { Some(json!({})) } else { Some(example.clone()).filter(|body| !body.is_null()) };
            operations.push(Operation {
                needs: needs(&id),
                id,
                method: method.to_uppercase(),
                path: path.clone(),
                body,
                responses: described["responses"].clone(),
            });
        }
    }
    operations
}
