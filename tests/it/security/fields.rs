//! Only listed fields are taken or returned.

use invited::base::mode::Mode;
use serde_json::{Map, Value, json};

use super::operations::{Needs, all, document, resolve};
use crate::support::{TestApp, invitations};

/// Fields that somebody might hope to set, or that other programs take.
const FOREIGN: [&str; 36] = [
    "id",
    "organizationId",
    "organization_id",
    "status",
    "state",
    "role",
    "roles",
    "email",
    "Email",
    "emails",
    "acceptedAt",
    "accepted_at",
    "acceptedBy",
    "declinedAt",
    "revokedAt",
    "createdAt",
    "updatedAt",
    "sendCount",
    "lastSentAt",
    "tokenHash",
    "token_hash",
    "token",
    "generation",
    "capped",
    "actor",
    "rights",
    "scopes",
    "admin",
    "isAdmin",
    "secret",
    "key",
    "subject",
    "verified",
    "force",
    "__proto__",
    "constructor",
];

/// An id that nothing has.
const MISSING: &str = "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398e";

/// A server for development, where every operation exists, with an invitation and its token.
fn start() -> (TestApp, Value, String) {
    let app = TestApp::start(Mode::Dev, &[]);
    let made = app.invite_by_mail("acme", "target@b.co");
    let token = app.token_of(&made);
    (app, made, token)
}

#[test]
fn every_body_with_a_field_that_is_not_its_own_is_refused_by_name_and_changes_nothing() {
    let (app, made, token) = start();
    let document = document();
    let key = app.key(&[invited::key::Scope::Read], &[], None);
    let before = app.contents();
    let mut bodies = 0;
    for operation in all() {
        let Some(example) = &operation.body else {
            continue;
        };
        let path = operation.path_for(
            "acme",
            made["id"].as_str().expect("an id"),
            &key[4..20],
            MISSING,
        );
        let own = resolve(&document, &operation.body_schema)["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let mut good = example.clone();
        if own.contains_key("token") {
            good["token"] = json!(token);
        }
        for field in FOREIGN
            .into_iter()
            .filter(|field| !own.contains_key(*field))
        {
            for value in [json!("x"), Value::Null] {
                let mut body = good.clone();
                body.as_object_mut()
                    .expect("an object")
                    .insert(field.to_owned(), value);
                let answer = app
                    .request(&operation.method, &path)
                    .json(body.to_string())
                    .send();
                let name = format!("{} {field}: {}", operation.id, answer.text());
                assert_eq!(answer.status, 400, "{name}");
                operation.check(&document, &answer);
                if path.starts_with("/clickhouse") {
                    assert!(
                        answer.json()["error"]
                            .as_str()
                            .expect("a text")
                            .contains(field),
                        "{name}"
                    );
                } else {
                    let error = &answer.json()["errors"][0];
                    assert_eq!(
                        (answer.code().as_str(), &error["pointer"], &error["code"]),
                        (
                            "unknown_field",
                            &json!(format!("/{field}")),
                            &json!("unknown_field")
                        ),
                        "{name}"
                    );
                }
                bodies += 1;
            }
        }
        assert_eq!(app.contents(), before, "{}", operation.id);
    }
    assert!(bodies > 14 * 25 * 2, "{bodies}");
}

#[test]
fn every_operation_that_takes_a_body_has_a_closed_schema_for_it() {
    let document = document();
    for operation in all()
        .into_iter()
        .filter(|operation| operation.body.is_some() && operation.id != "resetServer")
    {
        let schema = resolve(&document, &operation.body_schema);
        assert_eq!(schema["additionalProperties"], false, "{}", operation.id);
    }
}

#[test]
fn foreign_fields_inside_of_objects_are_refused_too() {
    let (app, made, _) = start();
    let before = app.contents();
    let create = |field: &str| {
        let mut inviter = Map::new();
        inviter.insert(field.to_owned(), json!("x"));
        let body = json!({ "email": "new@b.co", "role": "developer", "inviter": inviter });
        app.post(&invitations("acme"), &body.to_string())
    };
    let seed = |body: Value| app.post("/dev/seed", &body.to_string());
    for field in FOREIGN.into_iter().filter(|field| *field != "id") {
        // An inviter has an address of their own.
        if field != "email" {
            let answer = create(field);
            let pointer = json!(format!("/inviter/{field}"));
            assert_eq!(
                (answer.status, &answer.json()["errors"][0]["pointer"]),
                (400, &pointer)
            );
        }
        let mut organization = json!({ "id": "acme", "settings": {} });
        organization["settings"][field] = json!("x");
        if field != "roles" {
            let answer = seed(json!({ "organizations": [organization] }));
            assert_eq!(
                answer.json()["errors"][0]["pointer"],
                format!("/organizations/0/settings/{field}"),
                "{field}"
            );
        }
    }
    assert_eq!(app.contents(), before);
    // Metadata are the application's own, whatever they are called.
    let body = json!({ "metadata": { "id": "x", "__proto__": { "admin": true } } }).to_string();
    let answer = app
        .request("PATCH", &crate::support::life::path_of(&made))
        .json(body)
        .send();
    assert_eq!(
        answer.json()["metadata"],
        json!({ "id": "x", "__proto__": { "admin": true } })
    );
}

#[test]
fn answers_with_everything_that_there_can_be_have_only_the_fields_of_their_schemas() {
    let (app, _, _) = start();
    let full = json!({ "role": "developer", "metadata": { "free": { "form": true } },
        "inviter": { "id": "u", "name": "Ada" },
        "redirectUrl": "http://invited.test/x", "locale": "de", "age": "1h", "expiresIn": 7200 });
    let statuses = ["pending", "accepted", "declined", "revoked", "expired"];
    let invitation = |(number, status): (usize, &&str)| {
        let mut one = full.clone();
        one["email"] = json!(if number == 0 {
            "target@b.co".to_owned()
        } else {
            format!("p{number}@b.co")
        });
        one["status"] = json!(status);
        if *status == "accepted" {
            one["acceptedBy"] = json!("user_7");
        }
        if *status == "expired" {
            one["expiresIn"] = json!(60);
        }
        one
    };
    let settings = json!({ "name": "Acme", "roles": ["developer"], "defaultExpiresIn": 600,
        "allowedDomains": ["b.co"],
        "blockedDomains": ["c.co"], "maxPending": 9,
        "mailFromName": "Acme", "color": "#0b7a5b", "locale": "de",
        "acceptance": "code" });
    let invitations: Vec<_> = statuses.iter().enumerate().map(invitation).collect();
    let seed = json!({ "organizations": [{ "id": "acme", "settings": settings,
        "invitations": invitations },
        { "id": "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f", "invitations": [] }] });
    let answer = app.post("/dev/seed", &seed.to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let document = document();
    let listed = app.get("/v1/organizations/acme/invitations").json();
    assert_eq!(listed.as_array().map(Vec::len), Some(5));
    let pending = listed
        .as_array()
        .expect("an array")
        .iter()
        .find(|one| one["status"] == "pending")
        .expect("one");
    assert_eq!(app.change(pending, "resend", &json!({})).status, 200);
    app.ask_code(&app.token_of(pending), "target@b.co");
    let key = app.post(
        "/v1/keys",
        r#"{"name":"k","scopes":["admin"],"organizations":["acme"],"roles":["developer"],
            "expiresIn":600}"#,
    );
    let key_id = key.json()["id"].as_str().expect("an id").to_owned();
    let mut checked = 0;
    for operation in all()
        .iter()
        .filter(|operation| operation.is_read() && operation.needs != Needs::Nothing)
    {
        for one in listed.as_array().expect("an array") {
            let answer = app.get(&operation.path_for(
                "acme",
                one["id"].as_str().expect("an id"),
                &key_id,
                MISSING,
            ));
            operation.check(&document, &answer);
            checked += usize::from(answer.status == 200);
        }
    }
    assert!(checked > 50, "{checked}");
    let codes = app.get("/dev/codes?email=target%40b.co").json();
    assert_eq!(codes.as_array().map(Vec::len), Some(1), "{codes}");
}
