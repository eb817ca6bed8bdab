//! What a PATCH may not change.

use invited::base::mode::Mode;
use invited::base::role::Role;
use invited::key::{NewKey, Rights, Scope};
use serde_json::{Value, json};

use super::update::full;
use super::{closed, patch};
use crate::support::life::{path_of, refusal, wrong};
use crate::support::{TestApp, invitations};

#[test]
fn everything_that_is_wrong_is_listed_at_once_and_nothing_of_it_is_changed() {
    let app = TestApp::start(Mode::Serve, &["--roles", "developer,viewer"]);
    let made = full(&app);
    let before = app.contents();
    let answer = patch(
        &app,
        &made,
        &json!({ "role": "admin", "expiresIn": 59, "metadata": { "x": "y".repeat(4096) },
            "redirectUrl": "https://evil.io" }),
    );
    assert_eq!(refusal(&answer), (422, "validation_failed".to_owned()));
    let pairs = [
        ("/role", "unknown_value"),
        ("/expiresIn", "out_of_range"),
        ("/metadata", "too_long"),
        ("/redirectUrl", "not_allowed"),
    ];
    assert_eq!(
        wrong(&answer),
        pairs.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
    );
    let rows = [
        (json!({ "role": "" }), "/role", "invalid_format"),
        (json!({ "role": " viewer" }), "/role", "invalid_format"),
        (json!({ "role": "VIEWER" }), "/role", "unknown_value"),
        (
            json!({ "expiresIn": 31_536_001 }),
            "/expiresIn",
            "out_of_range",
        ),
        (
            json!({ "expiresIn": 60, "expiresAt": "2026-12-01T00:00:00Z" }),
            "/expiresAt",
            "conflict",
        ),
        (
            json!({ "expiresAt": "2026-11-23T02:43:00.123Z" }),
            "/expiresAt",
            "out_of_range",
        ),
        (
            json!({ "expiresAt": "2026-11-23T02:44:00.122Z" }),
            "/expiresAt",
            "out_of_range",
        ),
        (
            json!({ "expiresAt": "soon" }),
            "/expiresAt",
            "invalid_format",
        ),
        (
            json!({ "redirectUrl": "" }),
            "/redirectUrl",
            "invalid_format",
        ),
        (
            json!({ "redirectUrl": "javascript:alert(1)" }),
            "/redirectUrl",
            "invalid_format",
        ),
        (
            json!({ "redirectUrl": "http://invited.test@evil.io/" }),
            "/redirectUrl",
            "invalid_format",
        ),
        (
            json!({ "redirectUrl": "http://invited.test.evil.io/" }),
            "/redirectUrl",
            "not_allowed",
        ),
        (
            json!({ "redirectUrl": "http://invited.test:81/" }),
            "/redirectUrl",
            "not_allowed",
        ),
    ];
    for (body, pointer, code) in rows {
        let answer = patch(&app, &made, &body);
        assert_eq!(
            refusal(&answer),
            (422, "validation_failed".to_owned()),
            "{body}"
        );
        assert_eq!(
            wrong(&answer),
            [(pointer.to_owned(), code.to_owned())],
            "{body}"
        );
    }
    for (body, pointer) in [
        (json!({ "role": ["viewer"] }), "/role"),
        (json!({ "expiresIn": "60" }), "/expiresIn"),
        (json!({ "expiresIn": 60.5 }), "/expiresIn"),
        (json!({ "metadata": [] }), "/metadata"),
        (json!({ "metadata": "{}" }), "/metadata"),
        (json!({ "redirectUrl": {} }), "/redirectUrl"),
    ] {
        let answer = patch(&app, &made, &body);
        assert_eq!(refusal(&answer), (400, "invalid_json".to_owned()), "{body}");
        assert_eq!(
            wrong(&answer),
            [(pointer.to_owned(), "wrong_type".to_owned())],
            "{body}"
        );
    }
    assert_eq!(app.contents(), before);
}

#[test]
fn the_address_and_what_the_server_decides_cannot_be_changed() {
    let app = TestApp::serve();
    let made = full(&app);
    let before = app.contents();
    for field in [
        "email",
        "status",
        "id",
        "organizationId",
        "inviter",
        "acceptedBy",
        "sendCount",
        "createdAt",
    ] {
        for value in [json!("a@b.co"), json!("eve@b.co"), Value::Null] {
            let answer = patch(&app, &made, &json!({ "role": "admin", field: value }));
            assert_eq!(
                refusal(&answer),
                (400, "unknown_field".to_owned()),
                "{field}"
            );
            assert_eq!(
                wrong(&answer),
                [(format!("/{field}"), "unknown_field".to_owned())]
            );
        }
    }
    assert_eq!(app.contents(), before);
}

#[test]
fn only_a_pending_one_can_be_changed() {
    let app = TestApp::serve();
    for (status, made) in closed(&app) {
        let before = app.contents();
        for body in [
            json!({ "role": "admin" }),
            json!({ "expiresIn": 600 }),
            json!({ "metadata": null }),
            json!({}),
        ] {
            let answer = patch(&app, &made, &body);
            assert_eq!(
                refusal(&answer),
                (409, "status_conflict".to_owned()),
                "{status} {body}"
            );
            let problem = answer.json();
            assert_eq!(
                (&problem["invitationStatus"], &problem["invitationId"]),
                (&json!(status), &made["id"])
            );
        }
        assert_eq!(app.contents(), before, "{status}");
    }
}

#[test]
fn a_key_changes_neither_to_nor_at_a_role_that_it_may_not_grant() {
    let app = TestApp::serve();
    let rights = Rights {
        roles: Role::parse("developer").map(|role| vec![role]),
        ..Rights::ALL
    };
    let key = app.insert_key(&NewKey {
        name: "limited".to_owned(),
        rights,
        expires_at: None,
    });
    let own = full(&app);
    let body = json!({ "email": "boss@b.co", "role": "admin" }).to_string();
    let above = app.post(&invitations("acme"), &body).json();
    let before = app.contents();
    let send = |made: &Value, body: &Value| {
        app.anonymous("PATCH", &path_of(made))
            .bearer(&key)
            .json(body.to_string())
            .send()
    };
    for (made, body) in [
        (&own, json!({ "role": "admin" })),
        (&above, json!({ "role": "developer" })),
        (&above, json!({ "expiresIn": 31_536_000 })),
        (&above, json!({ "metadata": {} })),
    ] {
        assert_eq!(
            refusal(&send(made, &body)),
            (403, "role_not_grantable".to_owned()),
            "{body}"
        );
    }
    assert_eq!(app.contents(), before);
    assert_eq!(
        send(&own, &json!({ "role": "developer", "expiresIn": 600 })).status,
        200
    );
    let reader = app.key(&[Scope::Read, Scope::Accept, Scope::Link], &[], None);
    let answer = app
        .anonymous("PATCH", &path_of(&own))
        .bearer(&reader)
        .json("{}")
        .send();
    assert_eq!(refusal(&answer), (403, "insufficient_scope".to_owned()));
}

#[test]
fn an_organization_lets_only_its_roles_be_given() {
    let app = TestApp::serve();
    let made = full(&app);
    let put = |body: &str| {
        app.request("PUT", "/v1/organizations/acme")
            .json(body)
            .send()
            .status
    };
    assert_eq!(put(r#"{"roles":["developer","viewer"]}"#), 200);
    let before = app.contents();
    let answer = patch(&app, &made, &json!({ "role": "admin" }));
    assert_eq!(
        wrong(&answer),
        [("/role".to_owned(), "unknown_value".to_owned())]
    );
    assert_eq!(app.contents(), before);
    assert_eq!(patch(&app, &made, &json!({ "role": "viewer" })).status, 200);
    assert_eq!(put(r#"{"blockedDomains":["b.co"]}"#), 200);
    let answer = patch(&app, &made, &json!({ "role": "developer" }));
    assert_eq!(
        wrong(&answer),
        [("/email".to_owned(), "not_allowed".to_owned())]
    );
}
