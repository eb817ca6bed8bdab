//! Keys: what they open, in both spellings, and what a foreign organization looks like. Who may do
//! what is in `security::tenants`.
//!
//! [`dead`]: keys that are no longer, or never were, good; where secrets never are. [`dev`]:
//! development without keys. [`last_use`]: when each was last used. [`revoked`]: a key that dies
//! while its request is on its way.

mod dead;
mod dev;
mod last_use;
mod revoked;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use invited::api::Offer;
use invited::base::mode::Mode;
use invited::base::role::Role;
use invited::key::token::PlainKey;
use invited::key::{NewKey, Rights, Scope, store};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, invitations};

/// The invitation that every probe of the matrix aims at.
const TARGET: &str = "target@b.co";
/// An id that no invitation has.
const MISSING: &str = "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f";
/// The routes that answer without a key.
const PUBLIC: [&str; 16] = [
    "/livez",
    "/readyz",
    "/health/live",
    "/health/ready",
    "/openapi.json",
    "/openapi/{part}.json",
    "/problems",
    "/problems/{code}",
    "/accept",
    "/accept/app.js",
    "/accept/style.css",
    "/docs",
    "/docs/app.js",
    "/docs/style.css",
    "/docs/swagger-ui.js",
    "/docs/swagger-ui.css",
];
/// The routes that take the token of a link; some of them take a key as well.
const BY_TOKEN: [&str; 4] = [
    "/v1/invitations/lookup",
    "/v1/invitations/code",
    "/v1/invitations/accept",
    "/v1/invitations/decline",
];

/// The `Authorization` of a key as HTTP Basic.
fn basic(key: &str) -> String {
    let (id, secret) = key[4..].split_once('_').expect("a key has two parts");
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

/// The `Authorization` of a key in both spellings.
fn spellings(key: &str) -> [String; 2] {
    [format!("Bearer {key}"), basic(key)]
}

/// A key that is revoked.
fn revoked(app: &TestApp) -> String {
    let key = app.key(&[Scope::Admin], &[], None);
    let id = PlainKey::parse(&key).expect("a key").id;
    assert_eq!(
        invited::db::write_file(&app.database, |tx| store::revoke(tx, &id)),
        Ok(true)
    );
    key
}

/// Everything that a request could have changed.
fn rows(app: &TestApp) -> Vec<Vec<String>> {
    app.db_rows(
        "select hex(id) || email || role || state || updated_at from invitation
         union all select hex(id) || type from event
         union all select id from organization
         union all select key from idempotency",
    )
}

/// Sends a request with this `Authorization`, if any, and a good body where the method takes one.
/// No answer ever asks for Basic.
fn send(app: &TestApp, (method, path): (&str, &str), authorization: Option<&str>) -> Answer {
    let request = app.anonymous(method, path);
    let request = authorization.map_or_else(
        || request.clone(),
        |value| request.clone().header("Authorization", value),
    );
    let body = match (method, path.rsplit('/').next()) {
        ("POST", Some("accept")) => Some(json!({ "email": TARGET })),
        ("POST", Some("resend" | "revoke" | "link")) => Some(json!({})),
        ("POST", Some("batch")) => {
            Some(json!({ "invitations": [{ "email": "probe@b.co", "role": "developer" }] }))
        }
        ("POST", _) => Some(json!({ "email": "probe@b.co", "role": "developer" })),
        ("PATCH", _) => Some(json!({ "role": "viewer" })),
        ("PUT", _) => Some(json!({})),
        _ => None,
    };
    let answer = body
        .map_or(request.clone(), |body| request.json(body.to_string()))
        .send();
    let asked = (answer.status == 401).then_some("Bearer");
    assert_eq!(
        answer.header("www-authenticate"),
        asked,
        "{method} {path}: {}",
        answer.status
    );
    answer
}

/// What must be the same for the two spellings of a key: all but the request's id, and the id of an
/// invitation just made.
fn comparable(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut text = answer.without_request_id();
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let made = if body["result"].is_object() {
        &body["result"]["id"]
    } else {
        &body["id"]
    };
    if let Some(id) = made.as_str() {
        text = text.replace(id, "<id>");
    }
    let of_the_moment = ["date", "x-request-id", "etag", "location"];
    let headers = answer
        .headers
        .iter()
        .filter(|(name, _)| !of_the_moment.contains(&name.as_str()));
    let mut headers: Vec<_> = headers.cloned().collect();
    // The framework keeps headers in no order.
    headers.sort();
    (answer.status, headers, text)
}

/// The routes that need a key, each with its methods.
fn guarded_routes() -> Vec<(String, String)> {
    let is_guarded = |path: &str| !PUBLIC.contains(&path) && !BY_TOKEN.contains(&path);
    let routes = invited::api::routes(Offer::all(Mode::Serve))
        .into_iter()
        .filter(|route| is_guarded(route.path.as_str()));
    routes
        .flat_map(|route| {
            route
                .methods
                .into_iter()
                .map(move |method| (method.as_str().to_owned(), route.path.clone()))
        })
        .collect()
}

/// A path with the ids of an organization and an invitation.
fn fill(path: &str, organization: &str, id: &str) -> String {
    let path = path
        .replace("{organizationId}", organization)
        .replace("{invitationId}", id);
    let path = path
        .replace("{code}", "not_found")
        .replace("{part}", "pages");
    if path == "/v1/invitations" {
        format!("{path}?email={TARGET}")
    } else {
        path
    }
}

#[test]
fn a_fresh_server_answers_401_on_everything_but_health_and_public_pages() {
    let app = TestApp::serve();
    for path in PUBLIC {
        for method in ["GET", "HEAD"] {
            assert_eq!(
                send(&app, (method, &fill(path, "", "")), None).status,
                200,
                "{method} {path}"
            );
        }
    }
    let guarded = guarded_routes();
    assert!(
        guarded.len() >= 10,
        "the four base operations and the dialect: {guarded:?}"
    );
    for (method, path) in guarded {
        let path = fill(&path, "acme", MISSING);
        assert_eq!(
            send(&app, (&method, &path), None).status,
            401,
            "{method} {path}"
        );
        assert_eq!(send(&app, ("HEAD", &path), None).status, 401, "HEAD {path}");
    }
    for path in [
        "/",
        "/v1",
        "/nowhere",
        "/v1/keys",
        "/.env",
        "/v1/organizations/-/invitations",
        "/problems/x/y",
    ] {
        let answer = send(&app, ("GET", path), None);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "unauthorized"),
            "{path}"
        );
    }
    assert_eq!(rows(&app), Vec::<Vec<String>>::new());
}

#[test]
fn a_caller_without_a_key_is_not_told_which_methods_a_path_has() {
    let app = TestApp::serve();
    for path in [
        invitations("acme"),
        format!("{}/{MISSING}", invitations("acme")),
    ] {
        for method in ["PUT", "FOO"] {
            assert_eq!(
                send(&app, (method, &path), None).status,
                401,
                "{method} {path}"
            );
        }
    }
}

#[test]
fn a_foreign_organization_is_answered_like_a_missing_invitation_to_the_byte() {
    let app = TestApp::serve();
    let (own, foreign) = (app.invite("globex", TARGET), app.invite("acme", TARGET));
    let (own, foreign) = (
        own["id"].as_str().expect("an id"),
        foreign["id"].as_str().expect("an id"),
    );
    let answer_of = |key: &str, method: &str, path: &str| {
        let (status, headers, text) =
            comparable(&send(&app, (method, path), Some(&format!("Bearer {key}"))));
        assert_eq!(status, 404, "{method} {path}: {text}");
        (headers, text)
    };
    let before = rows(&app);
    for scopes in [
        &[Scope::Read, Scope::Write][..],
        &[Scope::Read],
        &[Scope::Write],
        &[Scope::Accept],
        &[Scope::Admin],
    ] {
        let key = app.key(scopes, &["globex"], None);
        // A path tells of its own form only, whoever asks.
        let expected = |organization: &str, method: &str, end: &str| {
            let path = |organization: &str| format!("{}{end}", invitations(organization));
            match (organization, end) {
                ("-", _) => answer_of(&app.key, method, &path("-")),
                (_, "") => answer_of(&key, method, &path("nobody")),
                _ => answer_of(&app.key, method, &path("nobody")),
            }
        };
        for organization in [
            "acme", "nobody", "GLOBEX", "globe", "globex.", "globexx", "-",
        ] {
            for method in ["GET", "POST", "DELETE"] {
                let list = invitations(organization);
                let ids = [foreign, own, MISSING, "x"].map(|id| format!("/{id}"));
                let ends = if method == "POST" {
                    vec![String::new()]
                } else {
                    ids.to_vec()
                };
                for end in ends {
                    assert_eq!(
                        answer_of(&key, method, &format!("{list}{end}")),
                        expected(organization, method, &end),
                        "{scopes:?} {method} {list}{end}"
                    );
                }
            }
            assert_eq!(
                answer_of(&key, "GET", &invitations(organization)),
                expected(organization, "GET", ""),
                "{scopes:?}"
            );
        }
    }
    assert_eq!(rows(&app), before);
}

#[test]
fn a_key_grants_only_the_roles_that_it_names() {
    let app = TestApp::serve();
    let role = |name| Role::parse(name).expect("a role");
    let rights = Rights {
        roles: Some(vec![role("developer"), role("viewer")]),
        ..Rights::ALL
    };
    let key = app.insert_key(&NewKey {
        name: "limited".to_owned(),
        rights,
        expires_at: None,
    });
    app.invite("acme", TARGET);
    let post = |path: &str, body: &Value| {
        app.anonymous("POST", path)
            .bearer(&key)
            .json(body.to_string())
            .send()
    };
    let before = rows(&app);
    for name in ["admin", "Developer", "developer2", "owner"] {
        for rule in ["error", "return", "replace", "resend"] {
            for email in [TARGET, "other@b.co"] {
                let answer = post(
                    &invitations("acme"),
                    &json!({ "email": email, "role": name, "onConflict": rule }),
                );
                let seen = (answer.status, answer.code());
                assert_eq!(
                    seen,
                    (403, "role_not_grantable".to_owned()),
                    "{name} {rule}"
                );
            }
        }
    }
    // The dialect shows `developer` as Developer, and takes what it shows.
    for name in ["admin", "Admin", "developer2", "owner"] {
        let dialect = post(
            "/clickhouse/v1/organizations/acme/invitations",
            &json!({ "email": "d@b.co", "role": name }),
        );
        assert_eq!(dialect.status, 403, "{name}: {}", dialect.text());
    }
    assert_eq!(rows(&app), before);
    for name in ["developer", "viewer"] {
        let answer = post(
            &invitations("acme"),
            &json!({ "email": format!("{name}@b.co"), "role": name }),
        );
        assert_eq!((answer.status, &answer.json()["role"]), (201, &json!(name)));
    }
}

#[test]
fn a_key_does_not_renew_an_invitation_to_a_role_that_it_may_not_grant() {
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
    let above = json!({ "email": TARGET, "role": "admin" }).to_string();
    assert_eq!(app.post(&invitations("acme"), &above).status, 201);
    // Past the cool-down of a resend.
    app.advance_to(100_000);
    let before = rows(&app);
    let body = json!({ "email": TARGET, "role": "developer", "onConflict": "resend",
        "expiresIn": 31_536_000 });
    let answer = app
        .anonymous("POST", &invitations("acme"))
        .bearer(&key)
        .json(body.to_string())
        .send();
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (403, "role_not_grantable"),
        "{}",
        answer.text()
    );
    assert_eq!(rows(&app), before);
}
