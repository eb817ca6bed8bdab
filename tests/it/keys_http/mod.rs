//! Keys over HTTP: these tests make, list and revoke them.
//!
//! * [`bodies`]: what a body may say, repeated requests, and where the secret never is.
//! * [`rights`]: who may do it, and what no key may pass on.

mod bodies;
mod rights;

use invited::base::clock::Timestamp;
use invited::base::organization_id::OrganizationId;
use invited::base::role::Role;
use invited::key::token::PlainKey;
use invited::key::{NewKey, Rights};
use serde_json::{Value, json};

use crate::support::{Answer, START, TestApp, invitations};

/// The path of all keys.
const KEYS: &str = "/v1/keys";
/// Milliseconds in a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The time `millis` after the start.
fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(START + millis)
}

/// An admin key with these bounds; an empty list is none.
fn admin(
    app: &TestApp,
    organizations: &[&str],
    roles: &[&str],
    expires_at: Option<Timestamp>,
) -> String {
    let organizations: Vec<_> = organizations
        .iter()
        .filter_map(|id| OrganizationId::parse(id))
        .collect();
    let roles: Vec<_> = roles.iter().filter_map(|role| Role::parse(role)).collect();
    let rights = Rights {
        organizations: Some(organizations).filter(|list| !list.is_empty()),
        roles: Some(roles).filter(|list| !list.is_empty()),
        ..Rights::ALL
    };
    app.insert_key(&NewKey {
        name: "manager".to_owned(),
        rights,
        expires_at,
    })
}

/// Sends a request with `key`.
fn send(app: &TestApp, key: &str, (method, path): (&str, &str), body: Option<&Value>) -> Answer {
    let request = app.anonymous(method, path).bearer(key);
    body.map_or_else(
        || request.clone().send(),
        |body| request.clone().json(body.to_string()).send(),
    )
}

/// Makes a key with `key`; it must work.
fn make(app: &TestApp, key: &str, body: &Value) -> Value {
    let answer = send(app, key, ("POST", KEYS), Some(body));
    assert_eq!(answer.status, 201, "{body}: {}", answer.text());
    answer.json()
}

/// The path of one key.
fn path_of(key: &Value) -> String {
    format!("{KEYS}/{}", key["id"].as_str().expect("an id"))
}

/// The public part of a key.
fn id_of(key: &str) -> String {
    PlainKey::parse(key).expect("a key").id.as_str().to_owned()
}

/// The ids of the keys that `key` is shown.
fn listed(app: &TestApp, key: &str) -> Vec<String> {
    let keys = send(app, key, ("GET", KEYS), None).json();
    let keys = keys.as_array().expect("an array");
    keys.iter()
        .map(|key| key["id"].as_str().expect("an id").to_owned())
        .collect()
}

/// Every key of the file, with all that can change of it.
fn rows(app: &TestApp) -> Vec<Vec<String>> {
    app.db_rows("select id || name || scopes || coalesce(revoked_at, '-') from api_key order by id")
}

#[test]
fn a_key_that_was_made_works_at_once_and_is_shown_whole_only_once() {
    let app = TestApp::serve();
    let body = json!({ "name": "backend",
        "scopes": ["invitations:write", "invitations:read", "invitations:read"],
        "organizations": ["acme", "globex", "acme"], "roles": ["developer"], "expiresIn": 60 });
    let answer = app.post(KEYS, &body.to_string());
    let made = answer.json();
    let key = made["key"].as_str().expect("the whole key").to_owned();
    let id = id_of(&key);
    let shown = format!(
        r#"{{"id":"{id}","name":"backend","scopes":["invitations:read","invitations:write"],"organizations":["acme","globex"],"roles":["developer"],"status":"live","createdBy":"{}","createdAt":"{}","expiresAt":"{}"}}"#,
        id_of(&app.key),
        time(0),
        time(60_000),
    );
    assert_eq!(
        answer.text(),
        format!(r#"{},"key":"{key}"}}"#, &shown[..shown.len() - 1])
    );
    assert_eq!(
        answer.header("location"),
        Some(&*format!("http://invited.test{KEYS}/{id}"))
    );
    assert_eq!(
        (answer.header("etag"), answer.header("cache-control")),
        (None, Some("no-store"))
    );
    assert_eq!(
        send(&app, &key, ("GET", &invitations("globex")), None).text(),
        "[]"
    );
    assert_eq!(
        send(&app, &key, ("GET", &invitations("initech")), None).status,
        404
    );
    let body = json!({ "email": "a@b.co", "role": "admin" });
    assert_eq!(
        send(&app, &key, ("POST", &invitations("acme")), Some(&body)).code(),
        "role_not_grantable"
    );
    assert_eq!(app.get(&path_of(&made)).text(), shown);
    let list = app.get(KEYS);
    assert!(
        list.json()
            .as_array()
            .expect("an array")
            .contains(&app.get(&path_of(&made)).json())
    );
    assert!(
        !list.text().contains(&key[21..40]) && !list.text().contains("secret"),
        "{}",
        list.text()
    );
}

#[test]
fn a_key_needs_only_a_name_and_scopes_and_what_is_null_counts_as_absent() {
    let app = TestApp::serve();
    let nulls = json!({ "name": "n", "scopes": ["admin"], "organizations": null, "roles": null,
        "expiresIn": null, "expiresAt": null });
    for body in [json!({ "name": "n", "scopes": ["admin"] }), nulls] {
        let made = make(&app, &app.key, &body);
        let names: Vec<_> = made
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            names,
            [
                "id",
                "name",
                "scopes",
                "status",
                "createdBy",
                "createdAt",
                "key"
            ]
        );
        assert_eq!(made["scopes"], json!(["admin"]));
        let key = made["key"].as_str().expect("a key");
        assert_eq!(send(&app, key, ("GET", KEYS), None).status, 200);
    }
}

#[test]
fn a_scope_that_is_named_twice_is_held_once() {
    let app = TestApp::serve();
    for (named, held) in [
        (
            json!(["invitations:read", "invitations:read"]),
            json!(["invitations:read"]),
        ),
        (
            json!(["admin", "invitations:link", "admin"]),
            json!(["invitations:link", "admin"]),
        ),
        (
            json!(["invitations:write", "invitations:read", "invitations:write"]),
            json!(["invitations:read", "invitations:write"]),
        ),
    ] {
        let made = make(&app, &app.key, &json!({ "name": "n", "scopes": named }));
        assert_eq!(made["scopes"], held);
    }
}

#[test]
fn the_list_has_every_key_oldest_first_with_how_it_stands_at_the_time() {
    let app = TestApp::serve();
    let mut ids = vec![id_of(&app.key)];
    for number in 1..5 {
        app.advance_to(number);
        let body = json!({ "name": format!("k{number}"), "scopes": ["invitations:read"],
            "expiresAt": time(1_000 * number).to_string() });
        ids.push(
            make(&app, &app.key, &body)["id"]
                .as_str()
                .expect("an id")
                .to_owned(),
        );
    }
    app.advance_to(1_999);
    assert_eq!(
        app.request("DELETE", &format!("{KEYS}/{}", ids[3]))
            .send()
            .status,
        204
    );
    app.advance_to(2_000);
    let keys = app.get(KEYS).json();
    let of = |name: &str| {
        keys.as_array()
            .expect("an array")
            .iter()
            .map(|key| key[name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("id"), ids.iter().map(|id| json!(id)).collect::<Vec<_>>());
    assert_eq!(
        of("status"),
        ["live", "expired", "expired", "revoked", "live"]
    );
    assert_eq!(
        of("revokedAt")[2..4],
        [Value::Null, json!(time(1_999).to_string())]
    );
    assert_eq!(
        of("expiresAt")[..2],
        [Value::Null, json!(time(1_000).to_string())]
    );
}

#[test]
fn a_revocation_holds_from_the_next_request_on_and_can_be_repeated() {
    let app = TestApp::serve();
    let made = make(
        &app,
        &app.key,
        &json!({ "name": "n", "scopes": ["invitations:read"] }),
    );
    let key = made["key"].as_str().expect("a key").to_owned();
    assert_eq!(
        send(&app, &key, ("GET", &invitations("acme")), None).status,
        200
    );
    app.advance_to(5);
    for _ in 0..3 {
        let answer = app.request("DELETE", &path_of(&made)).send();
        assert_eq!((answer.status, answer.text().as_str()), (204, ""));
        assert_eq!(
            send(&app, &key, ("GET", &invitations("acme")), None).status,
            401
        );
        app.advance_to(50);
    }
    let shown = app.get(&path_of(&made)).json();
    assert_eq!(
        (&shown["status"], &shown["revokedAt"]),
        (&json!("revoked"), &json!(time(5).to_string()))
    );
}

#[test]
fn what_no_key_can_have_for_an_id_is_404_as_a_missing_one_is_and_told_its_form() {
    let app = TestApp::serve();
    let id = id_of(&app.key);
    let refused = |method: &str, id: &str| {
        let answer = app.request(method, &format!("{KEYS}/{id}")).send();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "not_found"),
            "{method} {id}"
        );
        answer.without_request_id()
    };
    let (missing, malformed) = (refused("GET", &"0".repeat(16)), refused("GET", "x"));
    assert!(missing.contains("There is no such key") && malformed.contains("is malformed"));
    let before = rows(&app);
    for id in [
        "0",
        "x",
        &id[..15],
        &format!("{id}0"),
        &id.to_uppercase().replace(char::is_numeric, "A"),
        &app.key,
        "dev",
    ] {
        for method in ["GET", "DELETE"] {
            assert_eq!(refused(method, id), malformed, "{method} {id}");
        }
    }
    for method in ["PUT", "PATCH", "POST"] {
        assert_eq!(
            app.request(method, &format!("{KEYS}/{id}")).send().status,
            405
        );
    }
    assert_eq!(app.request("DELETE", KEYS).send().status, 405);
    assert_eq!(rows(&app), before);
}
