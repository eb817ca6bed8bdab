//! Who may make, see and revoke keys: no key passes on more rights than it has.

use invited::base::mode::Mode;
use invited::base::origin::Origin;
use invited::key::token::PlainKey;
use invited::key::{NewKey, Rights, Scope, manage};
use serde_json::json;

use super::{DAY, KEYS, admin, id_of, listed, make, path_of, rows, send, time};
use crate::support::{TestApp, invitations};

#[test]
fn only_admin_keys_manage_keys_and_others_are_refused_before_their_bodies_are_read() {
    let app = TestApp::serve();
    let all = [Scope::Read, Scope::Write, Scope::Accept, Scope::Link];
    let callers = [
        (None, 401),
        (Some(app.key(&[Scope::Admin], &[], Some(time(0)))), 401),
        (Some(app.key(&all, &[], None)), 403),
        (Some(app.key(&all, &["acme"], None)), 403),
    ];
    let one = format!("{KEYS}/{}", id_of(&app.key));
    let before = rows(&app);
    for (key, status) in callers {
        for (method, path) in [
            ("GET", KEYS),
            ("HEAD", KEYS),
            ("POST", KEYS),
            ("GET", &one),
            ("DELETE", &one),
            ("DELETE", "/v1/keys/x"),
        ] {
            let request = app.anonymous(method, path);
            let request = key
                .as_ref()
                .map_or_else(|| request.clone(), |key| request.clone().bearer(key));
            let answer = if method == "POST" {
                request.json("{not json").send()
            } else {
                request.send()
            };
            assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        }
    }
    assert_eq!(rows(&app), before);
}

#[test]
fn no_key_makes_one_that_exceeds_it() {
    let app = TestApp::serve();
    let (end, later, sooner) = (
        time(DAY),
        time(DAY + 1).to_string(),
        time(DAY - 1).to_string(),
    );
    let same = end.to_string();
    let bound = admin(&app, &["acme", "globex"], &[], None);
    let limited = admin(&app, &[], &["developer", "viewer"], None);
    let ending = admin(&app, &[], &[], Some(end));
    let narrow = admin(&app, &["acme"], &["viewer"], Some(end));
    let cases = [
        (&bound, json!({}), "organizations"),
        (&bound, json!({ "organizations": null }), "organizations"),
        (
            &bound,
            json!({ "organizations": ["initech"] }),
            "organizations",
        ),
        (
            &bound,
            json!({ "organizations": ["ACME"] }),
            "organizations",
        ),
        (
            &bound,
            json!({ "organizations": ["acme", "globex", "initech"] }),
            "organizations",
        ),
        (&bound, json!({ "organizations": ["acme"] }), ""),
        (
            &bound,
            json!({ "organizations": ["globex", "acme"], "roles": ["admin"] }),
            "",
        ),
        (&limited, json!({}), "roles"),
        (&limited, json!({ "roles": ["admin"] }), "roles"),
        (
            &limited,
            json!({ "roles": ["developer", "Viewer"] }),
            "roles",
        ),
        (
            &limited,
            json!({ "roles": ["viewer"], "organizations": ["any"] }),
            "",
        ),
        (&ending, json!({}), "expiresAt"),
        (&ending, json!({ "expiresAt": later }), "expiresAt"),
        (
            &ending,
            json!({ "expiresIn": 24 * 60 * 60 + 1 }),
            "expiresAt",
        ),
        (&ending, json!({ "expiresAt": same }), ""),
        (&ending, json!({ "expiresIn": 24 * 60 * 60 }), ""),
        (&narrow, json!({}), "organizations, roles, expiresAt"),
        (
            &narrow,
            json!({ "organizations": ["acme"], "roles": ["viewer"] }),
            "expiresAt",
        ),
        (
            &narrow,
            json!({ "organizations": ["acme"], "expiresAt": sooner }),
            "roles",
        ),
        (
            &narrow,
            json!({ "roles": ["viewer"], "expiresAt": sooner }),
            "organizations",
        ),
        (
            &narrow,
            json!({ "organizations": ["acme"], "roles": ["viewer"], "expiresAt": sooner }),
            "",
        ),
        (&app.key, json!({}), ""),
    ];
    for (key, bounds, exceeded) in cases {
        for scope in ["admin", "invitations:read"] {
            let mut body = json!({ "name": "n", "scopes": [scope] });
            body.as_object_mut()
                .expect("an object")
                .extend(bounds.as_object().expect("an object").clone());
            let before = rows(&app);
            let answer = send(&app, key, ("POST", KEYS), Some(&body));
            if exceeded.is_empty() {
                assert_eq!(answer.status, 201, "{body}: {}", answer.text());
                continue;
            }
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (403, "key_exceeds_own_rights"),
                "{body}"
            );
            let detail = answer.json()["detail"]
                .as_str()
                .expect("a detail")
                .to_owned();
            assert!(
                detail.ends_with(&format!(": {exceeded}.")),
                "{body}: {detail}"
            );
            assert_eq!(rows(&app), before, "{body}");
        }
    }
}

#[test]
fn a_key_made_by_a_bound_key_is_bound_itself_however_often_that_is_repeated() {
    let app = TestApp::serve();
    let mut key = admin(&app, &["acme"], &[], None);
    for _ in 0..3 {
        let answer = send(
            &app,
            &key,
            ("POST", KEYS),
            Some(&json!({ "name": "n", "scopes": ["admin"] })),
        );
        assert_eq!(answer.code(), "key_exceeds_own_rights");
        let made = make(
            &app,
            &key,
            &json!({ "name": "n", "scopes": ["admin"], "organizations": ["acme"] }),
        );
        key = made["key"].as_str().expect("a key").to_owned();
        assert_eq!(
            send(&app, &key, ("GET", &invitations("globex")), None).status,
            404
        );
    }
}

#[test]
fn a_bound_key_sees_and_revokes_only_keys_within_its_organizations() {
    let app = TestApp::serve();
    let bound = admin(&app, &["acme", "globex"], &[], None);
    let within = [&["acme"][..], &["globex"], &["globex", "acme"]]
        .map(|list| id_of(&app.key(&[Scope::Read], list, None)));
    let outside = [&["initech"][..], &["acme", "initech"], &[]]
        .map(|list| id_of(&app.key(&[Scope::Read], list, None)));
    let limited = admin(&app, &["acme"], &["viewer"], None);
    let mut seen = listed(&app, &bound);
    seen.sort();
    let mut expected = [within.to_vec(), vec![id_of(&bound), id_of(&limited)]].concat();
    expected.sort();
    assert_eq!(seen, expected);
    assert_eq!(listed(&app, &app.key).len(), 9);
    let missing = send(
        &app,
        &bound,
        ("GET", &format!("{KEYS}/{}", "0".repeat(16))),
        None,
    );
    let before = rows(&app);
    for id in outside.iter().chain([&id_of(&app.key)]) {
        for method in ["GET", "DELETE"] {
            let answer = send(&app, &bound, (method, &format!("{KEYS}/{id}")), None);
            assert_eq!(
                (answer.status, answer.without_request_id()),
                (404, missing.without_request_id()),
                "{method}"
            );
        }
    }
    assert_eq!(rows(&app), before);
    for id in within {
        let path = format!("{KEYS}/{id}");
        assert_eq!(
            send(&app, &bound, ("GET", &path), None).json()["status"],
            "live"
        );
        assert_eq!(send(&app, &bound, ("DELETE", &path), None).status, 204);
        assert_eq!(
            send(&app, &bound, ("GET", &path), None).json()["status"],
            "revoked"
        );
    }
    // Its own, last: it takes itself away.
    assert_eq!(
        send(
            &app,
            &bound,
            ("DELETE", &format!("{KEYS}/{}", id_of(&bound))),
            None
        )
        .status,
        204
    );
    assert_eq!(send(&app, &bound, ("GET", KEYS), None).status, 401);
}

#[test]
fn the_last_admin_key_can_be_revoked_and_then_only_the_machine_itself_makes_another() {
    let app = TestApp::serve();
    assert_eq!(
        app.request("DELETE", &format!("{KEYS}/{}", id_of(&app.key)))
            .send()
            .status,
        204
    );
    assert_eq!(app.get(KEYS).status, 401);
    let another = admin(&app, &[], &[], None);
    assert_eq!(listed(&app, &another).len(), 2);
}

#[test]
fn in_development_everybody_manages_keys_and_a_key_that_is_sent_has_its_own_rights() {
    let app = TestApp::start(Mode::Dev, &[]);
    let body = json!({ "name": "n", "scopes": ["admin"], "organizations": ["acme"] });
    let made = app.post(KEYS, &body.to_string()).json();
    let key = made["key"].as_str().expect("a key");
    assert_eq!(
        send(&app, key, ("GET", KEYS), None)
            .json()
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let refused = send(
        &app,
        key,
        ("POST", KEYS),
        Some(&json!({ "name": "n", "scopes": ["admin"] })),
    );
    assert_eq!(refused.code(), "key_exceeds_own_rights");
    assert_eq!(app.request("DELETE", &path_of(&made)).send().status, 204);
    assert_eq!(app.get(&path_of(&made)).json()["status"], "revoked");
}

#[test]
fn a_request_that_was_let_in_before_its_key_was_revoked_makes_and_revokes_nothing() {
    let app = TestApp::serve();
    let manager = admin(&app, &[], &[], None);
    let victim = PlainKey::parse(&app.key(&[Scope::Read], &[], None))
        .expect("a key")
        .id;
    let origin = Origin {
        actor: id_of(&manager),
        request_id: "late".to_owned(),
    };
    let new = NewKey {
        name: "late".to_owned(),
        rights: Rights::ALL,
        expires_at: None,
    };
    let rights = Rights::ALL;
    let create = || {
        invited::db::write_file(&app.database, |tx| {
            manage::create(tx, &new, &origin, &rights)
        })
        .is_ok()
    };
    assert!(create());
    assert_eq!(
        app.request("DELETE", &format!("{KEYS}/{}", origin.actor))
            .send()
            .status,
        204
    );
    let before = rows(&app);
    assert!(!create());
    assert!(
        invited::db::write_file(&app.database, |tx| manage::revoke(
            tx, &victim, &origin, &rights
        ))
        .is_err()
    );
    assert_eq!(rows(&app), before);
}
