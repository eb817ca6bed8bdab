//! The history of an organization: these tests read what is in it, and who may see it.
//!
//! * [`pages`]: how its pages follow each other.
//! * [`filters`]: what a query selects.

mod filters;
mod pages;

use invited::base::clock::Timestamp;
use invited::key::Scope;
use invited::key::token::PlainKey;
use serde_json::{Value, json};

use crate::support::{Answer, START, TestApp, invitation, invitations};

/// The path of an organization's history.
fn events(organization: &str) -> String {
    format!("/v1/organizations/{organization}/events")
}

/// The time `millis` after the start, as it is written.
fn at(millis: i64) -> String {
    Timestamp::from_millis(START + millis).to_string()
}

/// One field of every event of an answer that must be a list.
fn field(answer: &Answer, name: &str) -> Vec<String> {
    let rows = answer.json();
    let rows = rows
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.text()));
    rows.iter()
        .map(|row| row[name].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// The addresses that the events of an answer name as made.
fn emails(answer: &Answer) -> Vec<String> {
    let rows = answer.json();
    let rows = rows
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.text()));
    rows.iter()
        .map(|row| {
            row["after"]["email"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

/// Invites `email` to acme under a request id.
fn create(app: &TestApp, request_id: &str, fields: &Value) -> Value {
    let mut body = json!({ "role": "developer" });
    for (name, value) in fields.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let request = app
        .request("POST", &invitations("acme"))
        .header("X-Request-Id", request_id);
    let answer = request.json(body.to_string()).send();
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    answer.json()
}

#[test]
fn every_change_of_an_invitation_is_there_with_who_did_it_in_which_request_and_what_changed() {
    let app = TestApp::serve();
    let actor = PlainKey::parse(&app.key)
        .expect("a key")
        .id
        .as_str()
        .to_owned();
    let first = create(
        &app,
        "r-1",
        &json!({ "email": "a@b.co", "expiresIn": 3600 }),
    );
    app.advance_to(60_000);
    create(
        &app,
        "r-2",
        &json!({ "email": "a@b.co", "expiresIn": 3600, "onConflict": "resend" }),
    );
    app.advance_to(60_001);
    let second = create(
        &app,
        "r-3",
        &json!({ "email": "a@b.co", "expiresIn": 60, "onConflict": "replace" }),
    );
    app.advance_to(200_000);
    let third = create(
        &app,
        "r-4",
        &json!({ "email": "a@b.co", "expiresIn": 3600 }),
    );
    app.advance_to(200_001);
    let delete = app
        .request("DELETE", &invitation("acme", &third["id"]))
        .header("X-Request-Id", "r-5")
        .send();
    assert_eq!(delete.status, 204);

    let made = |expires: i64| {
        json!({ "email": "a@b.co", "role": "developer", "status": "pending",
        "expiresAt": at(expires) })
    };
    let (none, pending) = (Value::Null, json!({ "status": "pending" }));
    let gone = json!({ "email": "a@b.co", "role": "developer", "status": "pending" });
    let renewed = [3_600_000, 3_660_000].map(|end| json!({ "expiresAt": at(end) }));
    let expected = [
        ("created", &first, "r-1", 0, none.clone(), made(3_600_000)),
        (
            "renewed",
            &first,
            "r-2",
            60_000,
            renewed[0].clone(),
            renewed[1].clone(),
        ),
        (
            "revoked",
            &first,
            "r-3",
            60_001,
            pending.clone(),
            json!({ "status": "revoked" }),
        ),
        (
            "created",
            &second,
            "r-3",
            60_001,
            none.clone(),
            made(120_001),
        ),
        (
            "expired",
            &second,
            "r-4",
            200_000,
            pending,
            json!({ "status": "expired" }),
        ),
        (
            "created",
            &third,
            "r-4",
            200_000,
            none.clone(),
            made(3_800_000),
        ),
        ("deleted", &third, "r-5", 200_001, gone, none),
    ];
    let answer = app.get(&format!("{}?order=asc", events("acme")));
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json"))
    );
    let rows = answer.json();
    assert_eq!(
        rows.as_array().map(Vec::len),
        Some(expected.len()),
        "{}",
        answer.text()
    );
    for (row, (name, of, request_id, millis, before, after)) in
        rows.as_array().expect("rows").iter().zip(expected)
    {
        assert_eq!(row["type"], format!("invitation.{name}"));
        assert_eq!(
            (&row["invitationId"], &row["organizationId"]),
            (&of["id"], &json!("acme")),
            "{row}"
        );
        assert_eq!(
            (&row["actor"], &row["requestId"]),
            (&json!(actor), &json!(request_id)),
            "{row}"
        );
        assert_eq!(
            (&row["createdAt"], &row["before"], &row["after"]),
            (&json!(at(millis)), &before, &after),
            "{row}"
        );
    }
}

#[test]
fn an_event_has_its_fields_in_one_order_and_leaves_out_what_it_does_not_have() {
    let app = TestApp::serve();
    let made = create(&app, "r-1", &json!({ "email": "a@b.co" }));
    app.request("DELETE", &invitation("acme", &made["id"]))
        .header("X-Request-Id", "r-2")
        .send();
    let answer = app.get(&events("acme"));
    let (ids, text) = (field(&answer, "id"), answer.text());
    let (actor, invitation, start, end) = (
        &app.key[4..20],
        made["id"].as_str().expect("an id"),
        at(0),
        at(604_800_000),
    );
    let head = |id: &str, kind: &str, request: &str| {
        format!(
            r#"{{"id":"{id}","type":"invitation.{kind}","organizationId":"acme","invitationId":"{invitation}","actor":"{actor}","requestId":"{request}","createdAt":"{start}""#
        )
    };
    let deleted = head(&ids[0], "deleted", "r-2")
        + r#","before":{"email":"a@b.co","role":"developer","status":"pending"}}"#;
    let after = format!(
        r#","after":{{"email":"a@b.co","role":"developer","status":"pending","expiresAt":"{end}"}}}}"#
    );
    assert_eq!(
        text,
        format!("[{deleted},{}{after}]", head(&ids[1], "created", "r-1"))
    );
    // What is not about an invitation names none.
    let conn = rusqlite::Connection::open(&app.database).expect("it opens");
    conn.execute("update event set invitation_id = null", [])
        .expect("it writes");
    assert!(app.get(&events("acme")).json()[0]["invitationId"].is_null());
    assert!(!app.get(&events("acme")).text().contains("invitationId"));
}

#[test]
fn a_history_is_seen_only_by_who_may_see_the_organization() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    app.invite("globex", "g@b.co");
    assert_eq!(app.get(&events("unknown")).text(), "[]");
    let reader = app.key(&[Scope::Read], &["globex"], None);
    let get = |path: &str| app.anonymous("GET", path).bearer(&reader).send();
    assert_eq!(emails(&get(&events("globex"))), ["g@b.co"]);
    let missing = get(&events("missing"));
    for organization in ["acme", "unknown", "GLOBEX", "globex2"] {
        for query in ["", "?limit=1", "?type=invitation.created"] {
            let answer = get(&format!("{}{query}", events(organization)));
            assert_eq!(
                (answer.status, answer.without_request_id()),
                (404, missing.without_request_id())
            );
        }
    }
    let writer = app.key(&[Scope::Write, Scope::Accept, Scope::Link], &["acme"], None);
    assert_eq!(
        app.anonymous("GET", &events("acme"))
            .bearer(&writer)
            .send()
            .code(),
        "insufficient_scope"
    );
    assert_eq!(app.anonymous("GET", &events("acme")).send().status, 401);
}
