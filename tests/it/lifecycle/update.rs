//! PATCH: role, expiry, metadata and redirect URL of a pending invitation.

use serde_json::{Value, json};

use super::{events, last_event, patch};
use crate::support::life::{path_of, refusal};
use crate::support::{TestApp, invitations};

/// An invitation with everything that can be changed.
pub fn full(app: &TestApp) -> Value {
    let body = json!({ "email": "a@b.co", "role": "developer", "metadata": { "z": 1, "a": 2 },
        "redirectUrl": "http://invited.test/x", "inviter": { "name": "Ada" } });
    let answer = app.post(&invitations("acme"), &body.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

#[test]
fn each_field_changes_alone_and_the_rest_stays() {
    let app = TestApp::serve();
    let made = full(&app);
    app.advance_to(1_000);
    let rows = [
        (json!({ "role": "admin" }), "role", json!("admin")),
        (
            json!({ "expiresIn": 60 }),
            "expiresAt",
            json!("2026-11-23T02:44:01.123Z"),
        ),
        (
            json!({ "expiresAt": "2027-01-01T00:00:00+01:00" }),
            "expiresAt",
            json!("2026-12-31T23:00:00.000Z"),
        ),
        (
            json!({ "metadata": { "b": [1, null] } }),
            "metadata",
            json!({ "b": [1, null] }),
        ),
        (json!({ "metadata": {} }), "metadata", json!({})),
        (json!({ "metadata": null }), "metadata", Value::Null),
        (
            json!({ "redirectUrl": "http://invited.test/y?z#f" }),
            "redirectUrl",
            json!("http://invited.test/y?z#f"),
        ),
        (json!({ "redirectUrl": null }), "redirectUrl", Value::Null),
    ];
    let mut expected = made;
    for (body, field, value) in rows {
        let answer = patch(&app, &expected, &body);
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
        if value.is_null() {
            expected
                .as_object_mut()
                .expect("an object")
                .shift_remove(field);
        } else {
            expected[field] = value;
        }
        expected["updatedAt"] = json!("2026-11-23T02:43:01.123Z");
        assert_eq!(answer.json(), expected, "{body}");
        let now = app.get(&path_of(&expected));
        assert_eq!(
            (now.text(), now.header("etag")),
            (answer.text(), answer.header("etag")),
            "{body}"
        );
    }
    assert_eq!(events(&app), 9);
}

#[test]
fn nothing_and_null_where_null_has_no_meaning_change_nothing_at_all() {
    let app = TestApp::serve();
    let made = full(&app);
    app.advance_to(1_000);
    let before = app.contents();
    for body in [
        json!({}),
        json!({ "role": null }),
        json!({ "expiresIn": null, "expiresAt": null }),
    ] {
        let answer = patch(&app, &made, &body);
        assert_eq!(
            (answer.status, answer.json()),
            (200, made.clone()),
            "{body}"
        );
    }
    assert_eq!(app.contents(), before);
}

#[test]
fn a_new_end_decides_to_the_millisecond() {
    let app = TestApp::serve();
    let made = full(&app);
    app.advance_to(1_000);
    assert_eq!(patch(&app, &made, &json!({ "expiresIn": 60 })).status, 200);
    app.advance_to(60_999);
    assert_eq!(
        patch(&app, &made, &json!({ "expiresAt": "2026-11-23T02:45:30Z" })).status,
        200,
        "the last moment"
    );
    for (millis, status) in [(149_876, "pending"), (149_877, "expired")] {
        app.advance_to(millis);
        assert_eq!(app.look(&made)["status"], status);
    }
    assert_eq!(
        patch(&app, &made, &json!({ "expiresIn": 60 })).status,
        409,
        "only sending it again revives it"
    );
}

#[test]
fn if_match_lets_only_the_version_change_that_the_caller_knows() {
    let app = TestApp::serve();
    let made = full(&app);
    let path = path_of(&made);
    let first = app.get(&path).header("etag").expect("a version").to_owned();
    let with = |tag: &str| {
        app.request("PATCH", &path)
            .header("If-Match", tag)
            .json(r#"{"role":"admin"}"#)
            .send()
    };
    app.advance_to(1);
    assert_eq!(with(&first).status, 200);
    let before = app.contents();
    for tag in [
        &*first,
        "\"00000000000000000000000000000000\"",
        &format!("W/{first}"),
    ] {
        assert_eq!(
            refusal(&with(tag)),
            (412, "precondition_failed".to_owned()),
            "{tag}"
        );
    }
    assert_eq!(refusal(&with("nothing")), (400, "bad_request".to_owned()));
    assert_eq!(app.contents(), before);
    assert_eq!(with("*").status, 200);
    let other = app.invite("acme", "other@b.co");
    let its = app
        .get(&path_of(&other))
        .header("etag")
        .expect("a version")
        .to_owned();
    assert_eq!(with(&its).status, 412, "the version of another one");
}

#[test]
fn its_event_names_what_changed_before_and_after_and_only_that() {
    let app = TestApp::serve();
    let made = full(&app);
    let request = app
        .request("PATCH", &path_of(&made))
        .header("X-Request-Id", "patch-1");
    assert_eq!(
        request
            .json(r#"{"role":"admin","expiresIn":60,"redirectUrl":null}"#)
            .send()
            .status,
        200
    );
    let event = last_event(&app);
    assert_eq!(
        (&event["type"], &event["invitationId"]),
        (&json!("invitation.updated"), &made["id"])
    );
    assert_eq!(
        (&event["requestId"], &event["actor"]),
        (&json!("patch-1"), &json!(app.key[4..20]))
    );
    let before = json!({ "role": "developer", "expiresAt": "2026-11-30T02:43:00.123Z",
        "redirectUrl": "http://invited.test/x" });
    assert_eq!(event["before"], before);
    assert_eq!(
        event["after"],
        json!({ "role": "admin", "expiresAt": "2026-11-23T02:44:00.123Z" })
    );
    assert_eq!(
        patch(
            &app,
            &made,
            &json!({ "metadata": { "secret": "of the application" } })
        )
        .status,
        200
    );
    assert!(
        !last_event(&app).to_string().contains("of the application"),
        "{}",
        last_event(&app)
    );
}

#[test]
fn what_it_has_already_is_no_change() {
    let app = TestApp::serve();
    let made = full(&app);
    let bare = app.invite("acme", "bare@b.co");
    app.advance_to(1_000);
    let before = app.contents();
    for (invitation, body) in [
        (&made, json!({ "role": "developer" })),
        (
            &made,
            json!({ "expiresAt": "2026-11-30T03:43:00.123+01:00" }),
        ),
        (&made, json!({ "metadata": { "z": 1, "a": 2 } })),
        (
            &made,
            json!({ "redirectUrl": "http://invited.test/x", "locale": null }),
        ),
        (&bare, json!({ "metadata": null })),
        (
            &bare,
            json!({ "metadata": null, "redirectUrl": null, "locale": null }),
        ),
    ] {
        let answer = patch(&app, invitation, &body);
        assert_eq!((answer.status, &answer.json()), (200, invitation), "{body}");
        assert_eq!(app.contents(), before, "{body}");
    }
    let body = json!({ "role": "developer", "metadata": { "z": 1, "a": 2 }, "locale": "de",
        "redirectUrl": "http://invited.test/x" });
    assert_eq!(patch(&app, &made, &body).json()["locale"], "de");
    let event = last_event(&app);
    assert_eq!(event["after"], json!({ "locale": "de" }));
    assert_eq!(event["before"].get("role"), None);
}

#[test]
fn if_none_match_lets_nothing_change_the_version_that_is_named() {
    let app = TestApp::serve();
    let made = full(&app);
    let path = path_of(&made);
    let tag = app.get(&path).header("etag").expect("a version").to_owned();
    let other = "\"00000000000000000000000000000000\"";
    let before = app.contents();
    for (method, path) in [
        ("PATCH", path.clone()),
        ("POST", format!("{path}/resend")),
        ("POST", format!("{path}/revoke")),
        ("DELETE", path.clone()),
        ("DELETE", "/v1/organizations/acme".to_owned()),
    ] {
        let its = app
            .get(path_of_resource(&path))
            .header("etag")
            .expect("a version")
            .to_owned();
        let with = |tag: &str| {
            let request = app.request(method, &path).header("If-None-Match", tag);
            let request = if method == "PATCH" {
                request.json(r#"{"role":"admin"}"#)
            } else {
                request
            };
            request.send()
        };
        for tag in [&*its, "*", &format!("{other}, W/{its}")] {
            let expected = (412, "precondition_failed".to_owned());
            assert_eq!(refusal(&with(tag)), expected, "{method} {path} {tag}");
            assert_eq!(app.contents(), before, "{method} {path} {tag}");
        }
    }
    let changed = app
        .request("PATCH", &path)
        .header("If-None-Match", other)
        .json(r#"{"role":"admin"}"#)
        .send();
    assert_eq!(changed.status, 200);
    let gone = app
        .request("DELETE", &path)
        .header("If-None-Match", &tag)
        .send();
    assert_eq!(gone.status, 204, "by now it is another version");
}

/// What the last part of `path` is done to.
fn path_of_resource(path: &str) -> &str {
    path.trim_end_matches("/resend").trim_end_matches("/revoke")
}
