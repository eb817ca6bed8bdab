//! Every setting at its boundary: what a PUT may say, and what is refused.

use invited::base::mode::Mode;
use serde_json::json;

use super::rules::faults;
use super::{organization, put};
use crate::support::TestApp;

/// Domains `d0.example` to `d{count}.example`.
fn domains(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("d{number}.example"))
        .collect()
}

#[test]
fn each_setting_is_accepted_up_to_its_limits_and_refused_beyond_them() {
    let app = TestApp::serve();
    let roles = |count: usize| {
        (0..count)
            .map(|number| format!("r{number}"))
            .collect::<Vec<_>>()
    };
    let label = "a".repeat(63);
    let cases = [
        (json!({ "name": "x" }), json!({ "name": "" })),
        (
            json!({ "name": "\u{fc}".repeat(100) }),
            json!({ "name": "x".repeat(101) }),
        ),
        (json!({ "name": "a b" }), json!({ "name": "a\u{202e}b" })),
        (json!({ "roles": roles(1) }), json!({ "roles": [] })),
        (
            json!({ "roles": roles(100) }),
            json!({ "roles": roles(101) }),
        ),
        (
            json!({ "defaultExpiresIn": 60 }),
            json!({ "defaultExpiresIn": 59 }),
        ),
        (
            json!({ "defaultExpiresIn": 31_536_000 }),
            json!({ "defaultExpiresIn": 31_536_001 }),
        ),
        (
            json!({ "allowedDomains": domains(1000) }),
            json!({ "allowedDomains": domains(1001) }),
        ),
        (
            json!({ "blockedDomains": domains(1000) }),
            json!({ "blockedDomains": domains(1001) }),
        ),
        (json!({ "maxPending": 1 }), json!({ "maxPending": 0 })),
        (
            json!({ "maxPending": 1_000_000 }),
            json!({ "maxPending": 1_000_001 }),
        ),
        (
            json!({ "acceptance": "mailed-link" }),
            json!({ "acceptance": "mailedLink" }),
        ),
        (json!({ "acceptance": "code" }), json!({ "acceptance": "" })),
        (
            json!({ "blockedDomains": [format!("{label}.co")] }),
            json!({ "maxPending": -1 }),
        ),
    ];
    for (good, bad) in cases {
        put(&app, "acme", &json!({}));
        assert_eq!(
            put(&app, "acme", &good)["createdAt"],
            "2026-11-23T02:43:00.123Z"
        );
        let shown = app.get(&organization("acme")).json();
        let (name, value) = good
            .as_object()
            .and_then(|good| good.iter().next())
            .expect("one setting");
        assert_eq!(&shown[name], value);
        let answer = app
            .request("PUT", &organization("acme"))
            .json(bad.to_string())
            .send();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "validation_failed"),
            "{bad}"
        );
        let name = bad
            .as_object()
            .and_then(|bad| bad.keys().next().cloned())
            .expect("one setting");
        assert_eq!(
            faults(&answer)
                .iter()
                .map(|fault| fault.0.clone())
                .collect::<Vec<_>>(),
            [format!("/{name}")]
        );
        assert_eq!(
            app.get(&organization("acme")).json(),
            shown,
            "nothing was changed"
        );
    }
}

#[test]
fn everything_wrong_is_listed_at_once_with_its_place() {
    let app = TestApp::start(Mode::Serve, &["--roles", "admin,developer"]);
    let body = json!({
        "name": " ",
        "roles": ["developer", "owner", "not a role"],
        "defaultExpiresIn": 1,
        "allowedDomains": ["fine.example", "a b"],
        "blockedDomains": ["x@y.co", "b.co", "\u{200b}b.co"],
        "maxPending": 0,
        "acceptance": "none",
    });
    let answer = app
        .request("PUT", &organization("acme"))
        .json(body.to_string())
        .send();
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (422, "validation_failed")
    );
    let expected = [
        ("/name", "invalid_format"),
        ("/roles/1", "unknown_value"),
        ("/roles/2", "invalid_format"),
        ("/defaultExpiresIn", "out_of_range"),
        ("/allowedDomains/1", "invalid_format"),
        ("/blockedDomains/0", "invalid_format"),
        ("/blockedDomains/2", "forbidden_character"),
        ("/maxPending", "out_of_range"),
        ("/acceptance", "unknown_value"),
    ];
    assert_eq!(
        faults(&answer),
        expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
    );
    for (body, code, pointer) in [
        (r#"{"name":1}"#, "invalid_json", "/name"),
        (r#"{"roles":"admin"}"#, "invalid_json", "/roles"),
        (r#"{"roles":[null]}"#, "invalid_json", "/roles/0"),
        (r#"{"maxPending":1.5}"#, "invalid_json", "/maxPending"),
        (
            r#"{"defaultExpiresIn":"3600"}"#,
            "invalid_json",
            "/defaultExpiresIn",
        ),
        (r#"{"acceptance":["code"]}"#, "invalid_json", "/acceptance"),
        (r#"{"nam":"Acme"}"#, "unknown_field", "/nam"),
        (r#"{"id":"acme"}"#, "unknown_field", "/id"),
    ] {
        let answer = app.request("PUT", &organization("acme")).json(body).send();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, code),
            "{body}"
        );
        assert_eq!(faults(&answer)[0].0, pointer, "{body}");
    }
    assert_eq!(
        app.request("PUT", &organization("acme"))
            .json("[]")
            .send()
            .code(),
        "invalid_json"
    );
    assert_eq!(app.get("/v1/organizations").text(), "[]");
}
