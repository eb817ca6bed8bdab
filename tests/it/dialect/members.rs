//! Members one by one: who they are, their role, and their leaving.

use invited::key::{NewKey, Rights, Scope};
use serde_json::{Value, json};

use super::{at, each, join, result};
use crate::support::life::wrong;
use crate::support::{Answer, TestApp};

/// The path of the member `user` of `acme`.
fn member(user: &str) -> String {
    at("acme", &format!("members/{user}"))
}

/// Changes the member `user`.
fn patch(app: &TestApp, user: &str, body: &Value) -> Answer {
    app.request("PATCH", &member(user))
        .json(body.to_string())
        .send()
}

/// The types of the events of `acme`, the latest first.
fn events(app: &TestApp) -> Value {
    app.get("/v1/organizations/acme/events").json()
}

#[test]
fn a_member_is_found_by_the_applications_id_or_else_by_that_of_the_invitation() {
    let app = TestApp::serve();
    let own = join(&app, "a@b.co", "viewer", None);
    for (number, user) in ["user_7", "auth0|5f 7c", "a/b%2F+c", "ü"]
        .into_iter()
        .enumerate()
    {
        let email = format!("p{number}@b.co");
        join(&app, &email, "viewer", Some(user));
        let encoded: String = user.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let found = result(&app.get(&member(&encoded)));
        assert_eq!(
            (&found["userId"], &found["email"]),
            (&json!(user), &json!(email))
        );
    }
    assert_eq!(result(&app.get(&member(&own)))["email"], "a@b.co");
    assert_eq!(
        result(&app.get(&member("user_7"))),
        result(&app.get(&at("acme", "members")))[3]
    );
    let pending = app.invite("acme", "z@b.co")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    for nobody in [&*pending, "user_8", "USER_7", &own.to_uppercase(), "%FF"] {
        for method in ["GET", "DELETE"] {
            assert_eq!(
                app.request(method, &member(nobody)).send().status,
                404,
                "{nobody}"
            );
        }
        for body in [
            json!({ "role": "admin" }),
            json!({ "role": "7" }),
            json!({ "assignedRoleIds": ["3f2504e0-4f89-41d3-9a0c-0305e82c3301"] }),
            json!({ "assignedRoleIds": [] }),
        ] {
            assert_eq!(patch(&app, nobody, &body).status, 404, "{nobody}: {body}");
        }
    }
    let elsewhere = format!("members/{own}");
    assert_eq!(app.get(&at("globex", &elsewhere)).status, 404);
}

#[test]
fn a_member_gets_another_role_by_name_or_by_id_and_the_history_says_so() {
    let app = TestApp::serve();
    join(&app, "a@b.co", "viewer", Some("user_7"));
    let admin = "cba52b4b-1c36-59a6-91e7-42285b84f0e1";
    for (body, before, after) in [
        (json!({ "role": "developer" }), "viewer", "developer"),
        (json!({ "assignedRoleIds": [admin] }), "developer", "admin"),
        (json!({ "role": "owner" }), "admin", "owner"),
    ] {
        let changed = result(&patch(&app, "user_7", &body));
        assert_eq!(result(&app.get(&member("user_7"))), changed);
        let event = events(&app)[0].clone();
        assert_eq!(
            (&event["type"], &event["before"], &event["after"]),
            (
                &json!("invitation.updated"),
                &json!({ "role": before }),
                &json!({ "role": after })
            )
        );
    }
    let invitation = app.get("/v1/organizations/acme/invitations").json()[0].clone();
    assert_eq!(
        (&invitation["role"], &invitation["status"]),
        (&json!("owner"), &json!("accepted"))
    );
    let before = app.contents();
    for (body, status) in [
        (json!({}), 200),
        (json!({ "role": "owner" }), 200),
        (json!({ "assignedRoleIds": [] }), 422),
        (
            json!({ "assignedRoleIds": ["3f2504e0-4f89-41d3-9a0c-0305e82c3301"] }),
            422,
        ),
        (json!({ "role": "7" }), 422),
        (json!({ "rol": "admin" }), 400),
    ] {
        assert_eq!(patch(&app, "user_7", &body).status, status, "{body}");
        assert_eq!(app.contents(), before, "{body}");
    }
}

#[test]
fn a_removed_member_frees_the_address_and_only_that_member_is_gone() {
    let app = TestApp::serve();
    let invite = || app.post(&at("acme", "invitations"), r#"{"email":"a@b.co"}"#);
    join(&app, "a@b.co", "viewer", Some("user_7"));
    join(&app, "b@b.co", "viewer", Some("user_8"));
    assert_eq!(invite().status, 409);
    let removed = app.request("DELETE", &member("user_7")).send();
    let body = removed.json();
    assert_eq!(
        (removed.status, body["status"].as_u64(), body.get("result")),
        (200, Some(200), None)
    );
    let event = events(&app)[0].clone();
    assert_eq!(
        (
            &event["type"],
            &event["before"]["email"],
            &event["before"]["status"]
        ),
        (
            &json!("invitation.deleted"),
            &json!("a@b.co"),
            &json!("accepted")
        )
    );
    assert_eq!(app.request("DELETE", &member("user_7")).send().status, 404);
    assert_eq!(
        each(&result(&app.get(&at("acme", "members"))), "userId"),
        ["user_8"]
    );
    assert_eq!(invite().status, 200);
}

#[test]
fn a_user_with_two_addresses_is_one_member_who_changes_and_leaves_with_both() {
    let app = TestApp::serve();
    for email in ["a@b.co", "b@b.co"] {
        join(&app, email, "viewer", Some("user_7"));
    }
    assert_eq!(
        result(&app.get(&member("user_7")))["email"],
        "b@b.co",
        "the latest"
    );
    result(&patch(&app, "user_7", &json!({ "role": "admin" })));
    assert_eq!(
        each(&result(&app.get(&at("acme", "members"))), "role"),
        ["admin", "admin"]
    );
    assert_eq!(app.request("DELETE", &member("user_7")).send().status, 200);
    assert_eq!(result(&app.get(&at("acme", "members"))), json!([]));
}

#[test]
fn a_key_of_some_roles_neither_gives_nor_takes_any_other() {
    let app = TestApp::serve();
    let key = app.insert_key(&NewKey {
        name: "limited".to_owned(),
        rights: Rights {
            scopes: [Scope::Read, Scope::Write].into_iter().collect(),
            organizations: None,
            roles: Some(vec![
                "viewer".parse().expect("a role"),
                "guest".parse().expect("a role"),
            ]),
        },
        expires_at: None,
    });
    join(&app, "boss@b.co", "owner", Some("boss"));
    join(&app, "a@b.co", "viewer", Some("user_7"));
    let send = |method: &str, user: &str, body: &Value| {
        let request = app.anonymous(method, &member(user)).bearer(&key);
        let sent = if method == "PATCH" {
            request.json(body.to_string())
        } else {
            request
        };
        sent.send().status
    };
    let before = app.contents();
    for (method, user, role) in [
        ("PATCH", "boss", "viewer"),
        ("PATCH", "user_7", "owner"),
        ("DELETE", "boss", ""),
    ] {
        assert_eq!(
            send(method, user, &json!({ "role": role })),
            403,
            "{method} {user}"
        );
        assert_eq!(app.contents(), before, "{method} {user}");
    }
    assert_eq!(send("PATCH", "user_7", &json!({ "role": "guest" })), 200);
    assert_eq!(send("DELETE", "user_7", &json!({})), 200);
}

#[test]
fn a_member_gets_no_role_that_the_organization_does_not_have() {
    let app = TestApp::serve();
    let put = |body: &Value| {
        let request = app
            .request("PUT", "/v1/organizations/acme")
            .json(body.to_string());
        assert!(request.send().status < 300, "{body}");
    };
    join(&app, "a@b.co", "viewer", Some("user_7"));
    put(&json!({ "roles": ["admin"], "blockedDomains": ["b.co"] }));
    assert_eq!(
        patch(&app, "user_7", &json!({ "role": "viewer" })).status,
        422
    );
    assert_eq!(
        patch(&app, "user_7", &json!({ "role": "owner" })).status,
        422
    );
    let changed = result(&patch(&app, "user_7", &json!({ "role": "admin" })));
    assert_eq!(
        changed["role"], "admin",
        "whoever is in is not asked for the domain again"
    );
}

#[test]
fn nobody_joins_under_the_id_of_another_invitation() {
    let app = TestApp::serve();
    let admin = join(&app, "adm@b.co", "admin", None);
    let pending = app.invite("acme", "pending@b.co")["id"].clone();
    let elsewhere = app.invite("globex", "else@b.co")["id"].clone();
    let made = app.invite("acme", "low@b.co");
    let before = app.contents();
    for taken in [&json!(admin), &pending] {
        let body = json!({ "email": "low@b.co", "subject": taken });
        let refused = app.change(&made, "accept", &body);
        assert_eq!(
            wrong(&refused),
            [("/subject".to_owned(), "conflict".to_owned())],
            "{}",
            refused.text()
        );
        let link = json!({ "token": app.token_of(&made), "email": "low@b.co", "subject": taken });
        let refused = app.post("/v1/invitations/accept", &link.to_string());
        assert_eq!(refused.status, 422, "{}", refused.text());
        assert_eq!(app.contents(), before, "{taken}");
    }
    for (email, own) in [("low@b.co", &made["id"]), ("other@b.co", &elsewhere)] {
        let made = if email == "low@b.co" {
            made.clone()
        } else {
            app.invite("acme", email)
        };
        let body = json!({ "email": email, "subject": own });
        assert_eq!(app.change(&made, "accept", &body).status, 200, "{email}");
    }
    assert_eq!(app.request("DELETE", &member(&admin)).send().status, 200);
    assert_eq!(
        each(&result(&app.get(&at("acme", "members"))), "email"),
        ["other@b.co", "low@b.co"]
    );
}

#[test]
fn a_name_that_an_organization_has_already_is_no_change() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    let rename = || {
        let request = app.request("PATCH", "/clickhouse/v1/organizations/acme");
        result(&request.json(r#"{"name":"Acme"}"#).send())
    };
    let renamed = rename();
    let before = app.contents();
    app.advance_to(1_000);
    assert_eq!(rename(), renamed);
    assert_eq!(app.contents(), before);
}
