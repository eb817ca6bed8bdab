//! Nobody grants a role above their own, by any operation; a role is fixed when it is granted.

use invited::base::role::Role;
use invited::key::{NewKey, Rights};
use serde_json::{Value, json};

use crate::support::life::{Contents, path_of, refusal};
use crate::support::{Answer, TestApp, invitations};

/// A key for everything that grants only `roles`.
fn limited(app: &TestApp, roles: &[&str]) -> String {
    let roles = Some(roles.iter().filter_map(|role| Role::parse(role)).collect());
    app.insert_key(&NewKey {
        name: "limited".to_owned(),
        rights: Rights {
            roles,
            ..Rights::ALL
        },
        expires_at: None,
    })
}

/// Sends a request with `key`.
fn send(app: &TestApp, key: &str, (method, path): (&str, &str), body: &Value) -> Answer {
    app.anonymous(method, path)
        .bearer(key)
        .json(body.to_string())
        .send()
}

/// An invitation with `role`, made by the admin.
fn invite_as(app: &TestApp, email: &str, role: &str) -> Value {
    let answer = app.post(
        &invitations("acme"),
        &json!({ "email": email, "role": role }).to_string(),
    );
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

#[test]
fn a_key_grants_its_roles_and_no_others_by_every_operation_that_grants() {
    for granted in [&["viewer"][..], &["viewer", "developer"], &["owner"]] {
        let app = TestApp::start(
            invited::base::mode::Mode::Serve,
            &["--resend-cooldown", "0s", "--limit-recipient", "0"],
        );
        let key = limited(&app, granted);
        for (number, role) in ["viewer", "developer", "owner", "Viewer", "viewer2"]
            .into_iter()
            .enumerate()
        {
            let may = granted.contains(&role);
            let other = if granted.contains(&"viewer") {
                "viewer"
            } else {
                "owner"
            };
            let made = invite_as(&app, &format!("p{number}@b.co"), role);
            let own = invite_as(&app, &format!("own{number}@b.co"), other);
            let list = invitations("acme");
            let dialect = "/clickhouse/v1/organizations/acme/invitations";
            let fresh = format!("new{number}@b.co");
            let conflict =
                |rule: &str| json!({ "email": made["email"], "role": role, "onConflict": rule });
            let grants = [
                (
                    "POST",
                    list.clone(),
                    json!({ "email": fresh, "role": role }),
                    201,
                ),
                ("POST", list.clone(), conflict("replace"), 201),
                ("POST", list.clone(), conflict("resend"), 200),
                ("POST", list, conflict("return"), 200),
                (
                    "POST",
                    dialect.to_owned(),
                    json!({ "email": format!("d-{fresh}"), "role": role }),
                    200,
                ),
                ("PATCH", path_of(&own), json!({ "role": role }), 200),
                (
                    "PATCH",
                    path_of(&own),
                    json!({ "role": role, "expiresIn": 600 }),
                    200,
                ),
            ];
            for (method, path, body, success) in grants {
                let before = app.contents();
                let answer = send(&app, &key, (method, &path), &body);
                assert_eq!(
                    answer.status,
                    if may { success } else { 403 },
                    "{granted:?} {role}: {method} {path} {body}"
                );
                if !may {
                    assert!(
                        answer.text().contains("role_not_grantable") || path == dialect,
                        "{}",
                        answer.text()
                    );
                    assert_eq!(
                        app.contents(),
                        before,
                        "{granted:?} {role}: {method} {path} {body}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_key_neither_prolongs_nor_revives_what_it_could_not_grant() {
    let app = TestApp::serve();
    let key = limited(&app, &["viewer"]);
    let above = invite_as(&app, "boss@b.co", "owner");
    for millis in [60_000, 8 * 24 * 60 * 60 * 1000] {
        app.advance_to(millis);
        let before: Contents = app.contents();
        for (method, what, body) in [
            ("POST", "/resend", json!({})),
            ("POST", "/resend", json!({ "expiresIn": 31_536_000 })),
            ("PATCH", "", json!({ "expiresIn": 31_536_000 })),
            ("PATCH", "", json!({ "role": "viewer" })),
        ] {
            let answer = send(
                &app,
                &key,
                (method, &format!("{}{what}", path_of(&above))),
                &body,
            );
            assert_eq!(
                refusal(&answer),
                (403, "role_not_grantable".to_owned()),
                "{method} {what} {body}"
            );
        }
        assert_eq!(app.contents(), before);
    }
}

#[test]
fn a_key_ends_no_invitation_with_a_role_above_its_own_by_any_operation() {
    let app = TestApp::serve();
    let key = limited(&app, &["viewer"]);
    let (above, own) = (
        invite_as(&app, "boss@b.co", "owner"),
        invite_as(&app, "own@b.co", "viewer"),
    );
    let ends = |made: &Value| {
        let (path, token) = (path_of(made), app.token_of(made));
        let replace = json!({ "email": made["email"], "role": "viewer", "onConflict": "replace" });
        let word = json!({ "token": token, "email": made["email"] });
        [
            ("POST", format!("{path}/revoke"), json!({})),
            ("DELETE", path.clone(), json!({})),
            ("POST", invitations("acme"), replace.clone()),
            (
                "POST",
                format!("{}/batch", invitations("acme")),
                json!({ "invitations": [replace], "atomic": true }),
            ),
            (
                "POST",
                format!("{path}/accept"),
                json!({ "email": made["email"], "subject": "eve" }),
            ),
            ("POST", "/v1/invitations/accept".to_owned(), word.clone()),
            ("POST", "/v1/invitations/decline".to_owned(), word),
            ("DELETE", format!("/clickhouse{path}"), json!({})),
        ]
    };
    let send_end = |(method, path, body): &(&str, String, Value)| {
        let request = app.anonymous(method, path).bearer(&key);
        if *method == "DELETE" {
            request.send()
        } else {
            request.json(body.to_string()).send()
        }
    };
    let before = app.contents();
    for end in ends(&above) {
        let answer = send_end(&end);
        let is_refused = answer.status == 403 || answer.text().contains("role_not_grantable");
        assert!(is_refused, "{end:?}: {} {}", answer.status, answer.text());
        assert_eq!(app.contents(), before, "{end:?}");
    }
    for (number, end) in ends(&own).into_iter().enumerate() {
        let app_made = if number == 0 {
            own.clone()
        } else {
            invite_as(&app, &format!("own{number}@b.co"), "viewer")
        };
        let again = &ends(&app_made)[number];
        let answer = send_end(again);
        assert!(
            answer.status < 300,
            "{end:?}: {} {}",
            answer.status,
            answer.text()
        );
    }
}

#[test]
fn an_admin_key_that_is_limited_to_roles_neither_sees_nor_revokes_a_key_for_more() {
    let app = TestApp::serve();
    let (key, lower) = (
        limited(&app, &["viewer", "developer"]),
        limited(&app, &["viewer"]),
    );
    let id_of = |key: &str| key.split('_').nth(1).expect("an id").to_owned();
    let listed = app.anonymous("GET", "/v1/keys").bearer(&key).send().json();
    let ids: Vec<_> = listed
        .as_array()
        .expect("keys")
        .iter()
        .map(|key| key["id"].clone())
        .collect();
    assert_eq!(ids.len(), 2, "{ids:?}");
    assert!(ids.contains(&json!(id_of(&key))) && ids.contains(&json!(id_of(&lower))));
    let revoke = |with: &str, which: &str| {
        app.anonymous("DELETE", &format!("/v1/keys/{}", id_of(which)))
            .bearer(with)
            .send()
            .status
    };
    assert_eq!((revoke(&key, &app.key), revoke(&lower, &key)), (404, 404));
    assert_eq!(app.get("/v1/keys").status, 200, "the root key lives");
    assert_eq!(revoke(&key, &lower), 204);
}

#[test]
fn whoever_accepts_gets_the_role_that_was_granted_whatever_they_send() {
    let app = TestApp::serve();
    let made = invite_as(&app, "a@b.co", "viewer");
    let token = app.token_of(&made);
    for (path, body) in [
        (
            format!("{}/accept", path_of(&made)),
            json!({ "email": "a@b.co", "role": "owner" }),
        ),
        (
            "/v1/invitations/accept".to_owned(),
            json!({ "token": token, "email": "a@b.co", "role": "owner" }),
        ),
    ] {
        assert_eq!(
            refusal(&app.post(&path, &body.to_string())),
            (400, "unknown_field".to_owned())
        );
    }
    assert_eq!(
        app.change(&made, "accept", &json!({ "email": "a@b.co" }))
            .json()["role"],
        "viewer"
    );
    let patch = app
        .request("PATCH", &path_of(&made))
        .json(r#"{"role":"owner"}"#)
        .send();
    assert_eq!(refusal(&patch), (409, "status_conflict".to_owned()));
}

#[test]
fn roles_that_cannot_be_are_refused_the_same_way_where_one_is_given() {
    let app = TestApp::start(
        invited::base::mode::Mode::Serve,
        &["--roles", "admin,viewer"],
    );
    let made = invite_as(&app, "a@b.co", "viewer");
    let before = app.contents();
    for (role, status, code) in [
        (json!("owner"), 422, "unknown_value"),
        (json!("ADMIN"), 422, "unknown_value"),
        (json!(" admin"), 422, "invalid_format"),
        (json!("admin\n"), 422, "invalid_format"),
        (json!(""), 422, "invalid_format"),
        (json!(["admin"]), 400, "wrong_type"),
        (json!({ "admin": true }), 400, "wrong_type"),
        (json!(1), 400, "wrong_type"),
    ] {
        let create = app.post(
            &invitations("acme"),
            &json!({ "email": "b@b.co", "role": role }).to_string(),
        );
        let patch = app
            .request("PATCH", &path_of(&made))
            .json(json!({ "role": role }).to_string())
            .send();
        for answer in [create, patch] {
            let errors = &answer.json()["errors"][0];
            assert_eq!(
                (answer.status, &errors["pointer"], &errors["code"]),
                (status, &json!("/role"), &json!(code)),
                "{role}"
            );
        }
    }
    assert_eq!(app.contents(), before);
}

#[test]
fn a_key_that_is_limited_to_roles_neither_erases_an_address_nor_deletes_an_organization() {
    let app = TestApp::serve();
    invite_as(&app, "boss@b.co", "owner");
    invite_as(&app, "own@b.co", "viewer");
    for roles in [&["viewer"][..], &["owner"], &["owner", "viewer"]] {
        let key = limited(&app, roles);
        let before = app.contents();
        for path in [
            "/v1/invitations?email=boss@b.co",
            "/v1/invitations?email=own@b.co",
            "/v1/invitations?email=nobody@b.co",
            "/v1/organizations/acme",
        ] {
            let answer = app.anonymous("DELETE", path).bearer(&key).send();
            let expected = (403, "role_not_grantable".to_owned());
            assert_eq!(refusal(&answer), expected, "{roles:?}: {path}");
            assert_eq!(app.contents(), before, "{roles:?}: {path}");
        }
    }
}
