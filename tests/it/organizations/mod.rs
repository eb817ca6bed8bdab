//! Organizations: these tests put them and read them.
//!
//! * [`versions`]: conditions of a PUT. [`list`]: the list, and who may see which organization.
//! * [`deletion`]: what a deletion takes.
//! * [`settings`]: every setting at its boundary. [`rules`], [`domains`], [`cap`]: how the settings
//!   decide about invitations.

mod cap;
mod deletion;
mod domains;
mod list;
mod rules;
mod settings;
mod versions;

use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// The path of one organization.
fn organization(id: &str) -> String {
    format!("/v1/organizations/{id}")
}

/// Puts settings; it must work. Returns the organization.
fn put(app: &TestApp, id: &str, settings: &Value) -> Value {
    let answer = app
        .request("PUT", &organization(id))
        .json(settings.to_string())
        .send();
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    answer.json()
}

/// The ids of a list.
fn ids(answer: &Answer) -> Vec<String> {
    let rows = answer.json();
    let rows = rows
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.text()));
    rows.iter()
        .map(|row| row["id"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_put_creates_an_organization_and_the_next_one_replaces_all_of_it() {
    let app = TestApp::serve();
    let all = r#"{"maxPending":5,"blockedDomains":["bad.example.com"],
        "allowedDomains":["Example.COM"],"defaultExpiresIn":3600,"roles":["viewer","admin"],
        "name":"Acme Ltd."}"#;
    let made = app
        .request("PUT", "/v1/organizations/acme")
        .json(all)
        .send();
    assert_eq!(
        (made.status, made.header("location")),
        (201, Some("http://invited.test/v1/organizations/acme"))
    );
    let expected = concat!(
        r#"{"id":"acme","name":"Acme Ltd.","roles":["viewer","admin"],"defaultExpiresIn":3600,"#,
        r#""allowedDomains":["example.com"],"blockedDomains":["bad.example.com"],"maxPending":5,"#,
        r#""createdAt":"2026-11-23T02:43:00.123Z","updatedAt":"2026-11-23T02:43:00.123Z"}"#
    );
    assert_eq!(made.text(), expected);
    let got = app.get("/v1/organizations/acme");
    assert_eq!(
        (got.status, got.text().as_str(), got.header("etag")),
        (200, expected, made.header("etag"))
    );
    app.advance_to(1_000);
    let replaced = app
        .request("PUT", "/v1/organizations/acme")
        .json(r#"{"name":"Acme","roles":null}"#)
        .send();
    assert_eq!((replaced.status, replaced.header("location")), (200, None));
    let expected = concat!(
        r#"{"id":"acme","name":"Acme","#,
        r#""createdAt":"2026-11-23T02:43:00.123Z","updatedAt":"2026-11-23T02:43:01.123Z"}"#
    );
    assert_eq!(
        (
            replaced.text().as_str(),
            app.get("/v1/organizations/acme").text().as_str()
        ),
        (expected, expected)
    );
}

#[test]
fn an_organization_is_known_from_its_first_invitation_on() {
    let app = TestApp::serve();
    let unknown = app.get("/v1/organizations/acme");
    assert_eq!(
        (unknown.status, unknown.code().as_str()),
        (404, "not_found")
    );
    app.invite("acme", "a@b.co");
    let known = app.get("/v1/organizations/acme");
    let keys: Vec<_> = known
        .json()
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    assert_eq!(keys, ["id", "createdAt", "updatedAt"]);
    app.advance_to(1_000);
    app.invite("acme", "b@b.co");
    assert_eq!(
        app.get("/v1/organizations/acme").text(),
        known.text(),
        "its invitations do not change it"
    );
    assert_eq!(
        app.request("PUT", "/v1/organizations/acme")
            .json("{}")
            .send()
            .status,
        200
    );
}

#[test]
fn each_put_is_an_event_with_the_settings_before_and_after() {
    let app = TestApp::serve();
    put(&app, "acme", &json!({ "name": "Acme", "maxPending": 2 }));
    put(&app, "acme", &json!({}));
    assert_eq!(
        app.request("PUT", "/v1/organizations/acme")
            .json(r#"{"name":""}"#)
            .send()
            .status,
        422
    );
    let events =
        app.db_rows("select type, hex(invitation_id) = '', before, after from event order by id");
    let text = |text: &str| format!("Some({text:?})");
    let full = text(r#"{"name":"Acme","maxPending":2}"#);
    let kind = text("organization.updated");
    assert_eq!(
        events
            .iter()
            .map(|row| [&row[0], &row[2], &row[3]])
            .collect::<Vec<_>>(),
        [
            [&kind, &"None".to_owned(), &full],
            [&kind, &full, &text("{}")],
        ]
    );
    assert_eq!(
        app.db_rows("select id from event where invitation_id is null")
            .len(),
        2
    );
}

#[test]
fn the_dialect_shows_the_name_of_an_organization() {
    let app = TestApp::serve();
    let (named, nameless) = (
        "00000000-0000-4000-8000-000000000000",
        "7e0b8f5c-3c1d-4d0a-9f4e-2b6a1c9d8e7f",
    );
    put(&app, named, &json!({ "name": "Acme Ltd." }));
    app.invite(nameless, "a@b.co");
    let listed = app.get("/clickhouse/v1/organizations").json()["result"].clone();
    assert_eq!(
        (&listed[0]["id"], &listed[0]["name"]),
        (&json!(named), &json!("Acme Ltd."))
    );
    assert_eq!(
        (&listed[1]["id"], &listed[1]["name"]),
        (&json!(nameless), &json!(nameless))
    );
}
