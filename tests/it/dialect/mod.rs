//! The ClickHouse Cloud dialect: the same invitations in another shape.
//!
//! * [`organizations`], [`members`], [`roles`] are the rest of it; [`large_members`] have many
//!   invitations; [`port`] is a port of its own.
//! * [`terraform`] asks as the vendor's Terraform provider does.

mod large_members;
mod members;
mod organizations;
mod port;
mod roles;
mod terraform;

use invited::base::mode::Mode;
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

use crate::support::{Answer, TestApp, invitation, invitations};

/// An organization whose id the dialect's clients can read.
const ORGANIZATION: &str = "7e0b8f5c-3c1d-4d0a-9f4e-2b6a1c9d8e7f";

/// The namespace of the ids, as `docs/clickhouse.md` has it.
const NAMESPACE: Uuid = uuid!("5637498d-c670-49d5-920d-ecc43f51faa2");

/// The path of its invitations in the dialect.
fn path() -> String {
    format!("/clickhouse{}", invitations(ORGANIZATION))
}

/// The path of something of `organization` in the dialect.
fn at(organization: &str, what: &str) -> String {
    format!("/clickhouse/v1/organizations/{organization}/{what}")
}

/// The result of an answer, which must be a success.
fn result(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["result"].clone()
}

/// The values of `field` of the objects of a list.
fn each(list: &Value, field: &str) -> Vec<Value> {
    let list = list.as_array().expect("an array");
    list.iter().map(|one| one[field].clone()).collect()
}

/// Makes a member of `acme` of `email` with `role`, by the application's own `user` id where it has
/// one. Returns the id in the dialect.
fn join(app: &TestApp, email: &str, role: &str, user: Option<&str>) -> String {
    let made = app.post(
        &invitations("acme"),
        &json!({ "email": email, "role": role }).to_string(),
    );
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let accepted = app.change(&made, "accept", &json!({ "email": email, "subject": user }));
    assert_eq!(accepted.status, 200, "{}", accepted.text());
    user.or(made["id"].as_str()).expect("an id").to_owned()
}

#[test]
fn a_create_answers_200_with_an_envelope_and_the_clients_fields() {
    let app = TestApp::serve();
    let answer = app.post(
        &path(),
        r#"{"assignedRoleIds":[],"email":"New.User@Example.COM"}"#,
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let id = answer.json()["result"]["id"].clone();
    let expected = format!(
        concat!(
            r#"{{"status":200,"requestId":"{}","result":{{"role":"developer","id":{},"#,
            r#""email":"new.user@example.com","#,
            r#""createdAt":"2026-11-23T02:43:00.123Z","expireAt":"2026-11-30T02:43:00.123Z","#,
            r#""expiresAt":"2026-11-30T02:43:00.123Z","assignedRoles":[{{"#,
            r#""roleId":"cbaefeb0-692e-573b-b38c-585b5d28c562","#,
            r#""roleName":"Developer","roleType":"system"}}]}}}}"#
        ),
        answer.header("x-request-id").unwrap_or_default(),
        id
    );
    assert_eq!(answer.text(), expected);
    let listed = app.get(&path()).json();
    assert_eq!(
        (&listed["status"], &listed["result"]),
        (&json!(200), &json!([answer.json()["result"]]))
    );
    let got = app.get(&format!("{}/{}", path(), id.as_str().unwrap_or_default()));
    assert_eq!(
        (got.status, &got.json()["result"]),
        (200, &answer.json()["result"])
    );
    assert_eq!(
        app.get(&invitation(ORGANIZATION, &id)).json()["id"],
        id,
        "it is the same invitation"
    );
}

#[test]
fn a_request_id_is_a_uuid_v4() {
    let answer = TestApp::serve().get(&path());
    let id = uuid::Uuid::parse_str(answer.json()["requestId"].as_str().unwrap_or_default())
        .expect("a UUID");
    assert_eq!(id.get_version_num(), 4);
}

#[test]
fn a_delete_answers_200_with_status_and_request_id_only() {
    let app = TestApp::serve();
    let id = app.post(&path(), r#"{"email":"a@b.co"}"#).json()["result"]["id"].clone();
    let one = format!("{}/{}", path(), id.as_str().unwrap_or_default());
    let deleted = app.request("DELETE", &one).send();
    let keys: Vec<_> = deleted
        .json()
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    assert_eq!(
        (deleted.status, keys),
        (200, vec!["status".to_owned(), "requestId".to_owned()])
    );
    assert_eq!(
        (
            app.get(&one).status,
            app.request("DELETE", &one).send().status
        ),
        (404, 404)
    );
}

#[test]
fn only_pending_invitations_exist_in_the_dialect() {
    let app = TestApp::serve();
    let id = app.invite(ORGANIZATION, "a@b.co")["id"].clone();
    let one = format!("{}/{}", path(), id.as_str().unwrap_or_default());
    app.advance_to(7 * 24 * 60 * 60 * 1000);
    assert_eq!(app.get(&path()).json()["result"], json!([]));
    assert_eq!(
        (
            app.get(&one).status,
            app.request("DELETE", &one).send().status
        ),
        (404, 404)
    );
    assert_eq!(
        app.get(&invitation(ORGANIZATION, &id)).json()["status"],
        "expired",
        "it is still there otherwise"
    );
}

#[test]
fn errors_are_one_line_of_text_with_the_code_in_front() {
    let app = TestApp::serve();
    app.invite(ORGANIZATION, "a@b.co");
    let missing = format!("{}/019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f", path());
    let unknown =
        r#"{"email":"b@b.co","assignedRoleIds":["3f2504e0-4f89-41d3-9a0c-0305e82c3301"]}"#;
    let cases = [
        (app.get(&missing), 404, "NOT_FOUND: "),
        (
            app.anonymous("GET", &path()).send(),
            401,
            "UNAUTHORIZED: The client takes a key in two fields: the key's id",
        ),
        (
            app.get(&at("acme", "members/nobody")),
            404,
            "NOT_FOUND: There is no such member, or this key may not see it.",
        ),
        (
            app.get(&at("acme", "roles/x")),
            404,
            "NOT_FOUND: There is no such role, or this key may not see it.",
        ),
        (
            app.post(&path(), r#"{"email":"a@b.co"}"#),
            409,
            "ALREADY_INVITED: This address has a pending invitation already; to delete it frees",
        ),
        (
            app.post(&path(), r#"{"email":"nonsense"}"#),
            422,
            "VALIDATION_FAILED: email: ",
        ),
        (
            app.post(&path(), unknown),
            422,
            "VALIDATION_FAILED: assignedRoleIds: ",
        ),
        (app.post(&path(), "{"), 400, "INVALID_JSON: "),
        (app.get("/clickhouse/v1/nowhere"), 404, "NOT_FOUND: "),
        (
            app.request("PUT", &path()).send(),
            405,
            "METHOD_NOT_ALLOWED: ",
        ),
    ];
    for (answer, status, start) in cases {
        let body = answer.json();
        assert_eq!(
            (answer.status, body["status"].as_u64()),
            (status, Some(status.into())),
            "{body}"
        );
        assert!(
            body["error"]
                .as_str()
                .unwrap_or_default()
                .starts_with(start),
            "{body}"
        );
        assert_eq!(body["requestId"].as_str(), answer.header("x-request-id"));
        assert_eq!(
            body.as_object().map(serde_json::Map::len),
            Some(3),
            "{body}"
        );
    }
}

#[test]
fn members_are_the_accepted_invitations() {
    let app = TestApp::start(Mode::Dev, &[]);
    app.fill_with_samples();
    let members = app
        .get(&format!(
            "/clickhouse/v1/organizations/{ORGANIZATION}/members"
        ))
        .json()["result"]
        .clone();
    assert_eq!(members.as_array().map(Vec::len), Some(1));
    let member = &members[0];
    assert_eq!(
        (&member["email"], &member["role"]),
        (&json!("peter@initech.example"), &json!("developer"))
    );
    assert!(
        member["userId"].is_string()
            && member["joinedAt"].is_string()
            && member["name"].is_string(),
        "{member}"
    );
}
