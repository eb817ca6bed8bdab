//! What a body may not say, repeated requests, and that no secret stays behind.

use serde_json::{Value, json};

use super::{KEYS, id_of, make, rows, send, time};
use crate::support::{Answer, TestApp, invitations};

/// A create of a key under an `Idempotency-Key`.
fn repeatable(app: &TestApp, idempotency_key: &str, body: &Value) -> Answer {
    app.request("POST", KEYS)
        .header("Idempotency-Key", idempotency_key)
        .json(body.to_string())
        .send()
}

#[test]
fn a_repeated_request_makes_one_key_and_never_shows_its_secret_again() {
    let app = TestApp::serve();
    let body = json!({ "name": "n", "scopes": ["invitations:read"] });
    let first = repeatable(&app, "k1", &body);
    assert_eq!(
        (first.status, first.header("idempotency-replayed")),
        (201, None)
    );
    let mut shown = first.json();
    let key = shown
        .as_object_mut()
        .expect("an object")
        .remove("key")
        .expect("a key");
    assert_eq!(
        send(
            &app,
            key.as_str().expect("text"),
            ("GET", &invitations("acme")),
            None
        )
        .status,
        200
    );
    for _ in 0..2 {
        app.advance_to(1_000);
        let again = repeatable(&app, "k1", &body);
        assert_eq!(
            (again.status, again.header("idempotency-replayed")),
            (201, Some("true"))
        );
        assert_eq!(
            (again.header("location"), again.text()),
            (first.header("location"), shown.to_string())
        );
    }
    assert_eq!(rows(&app).len(), 2, "the first admin key and this one");
    let other = repeatable(
        &app,
        "k1",
        &json!({ "name": "other", "scopes": ["invitations:read"] }),
    );
    assert_eq!(
        (other.status, other.code().as_str()),
        (422, "idempotency_key_reused")
    );
    assert_eq!(rows(&app).len(), 2);
}

#[test]
fn of_parallel_repetitions_one_gets_the_secret() {
    let app = TestApp::serve();
    let body = json!({ "name": "n", "scopes": ["invitations:read"] });
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| repeatable(&app, "k1", &body)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an answer"))
            .collect()
    });
    assert!(answers.iter().all(|answer| answer.status == 201));
    let with_secret = answers
        .iter()
        .filter(|answer| answer.json()["key"].is_string());
    let fresh = answers
        .iter()
        .filter(|answer| answer.header("idempotency-replayed").is_none());
    assert_eq!(
        (with_secret.count(), fresh.count(), rows(&app).len()),
        (1, 1, 2)
    );
}

#[test]
fn a_refused_request_is_not_kept() {
    let app = TestApp::serve();
    let wrong = json!({ "name": "", "scopes": ["invitations:read"] });
    assert_eq!(repeatable(&app, "k1", &wrong).status, 422);
    assert_eq!(
        repeatable(
            &app,
            "k1",
            &json!({ "name": "n", "scopes": ["invitations:read"] })
        )
        .status,
        201
    );
}

#[test]
fn the_secret_of_a_key_that_was_made_over_http_is_nowhere_in_the_files() {
    let app = TestApp::serve();
    let body =
        json!({ "name": "find-me", "scopes": ["invitations:read"], "organizations": ["acme"] });
    let first = repeatable(&app, "kept", &body).json();
    repeatable(&app, "kept", &body);
    let second = make(&app, &app.key, &body);
    app.get(KEYS);
    let folder = app.database.parent().expect("a folder");
    let files: Vec<_> = std::fs::read_dir(folder)
        .expect("it reads")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    assert!(
        files
            .iter()
            .any(|path| path.to_string_lossy().ends_with("-wal")),
        "{files:?}"
    );
    let bytes: Vec<_> = files
        .iter()
        .map(|path| std::fs::read(path).expect("it reads"))
        .collect();
    let holds = |needle: &[u8]| {
        bytes
            .iter()
            .any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
    };
    assert!(
        holds(b"find-me") && holds(b"kept"),
        "what is stored is found"
    );
    for made in [first, second] {
        let key = made["key"].as_str().expect("a key");
        let secret = &key[21..];
        let digit = |at: usize| u8::from_str_radix(&secret[at..at + 2], 16).expect("hex");
        let random: Vec<u8> = (0..64).step_by(2).map(digit).collect();
        assert!(holds(id_of(key).as_bytes()), "the id is found");
        for needle in [
            &secret.as_bytes()[..16],
            &secret.as_bytes()[32..48],
            &secret.as_bytes()[56..],
            &random[..8],
        ] {
            assert!(!holds(needle), "a part of the secret is stored");
        }
    }
}

#[test]
fn everything_that_is_not_acceptable_is_listed_at_once_and_nothing_is_made() {
    let app = TestApp::serve();
    let before = rows(&app);
    let refused = |fields: &Value| {
        let mut body = json!({ "name": "n", "scopes": ["invitations:read"] });
        body.as_object_mut()
            .expect("an object")
            .extend(fields.as_object().expect("an object").clone());
        let answer = app.post(KEYS, &body.to_string());
        let errors = answer.json()["errors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let named =
            |error: &Value| format!("{} {}", error["pointer"], error["code"]).replace('"', "");
        assert_eq!(
            answer.code(),
            "validation_failed",
            "{fields}: {}",
            answer.text()
        );
        errors.iter().map(named).collect::<Vec<_>>().join(", ")
    };
    let many = vec!["acme"; 1001];
    let ten_years_ms = 315_576_000_000;
    let cases = [
        (json!({ "name": null }), "/name required"),
        (json!({ "name": "" }), "/name invalid_format"),
        (json!({ "name": " \t" }), "/name invalid_format"),
        (json!({ "name": "a\nb" }), "/name invalid_format"),
        (json!({ "name": "a\u{202e}b" }), "/name invalid_format"),
        (json!({ "name": "n".repeat(101) }), "/name invalid_format"),
        (json!({ "scopes": null }), "/scopes required"),
        (json!({ "scopes": [] }), "/scopes out_of_range"),
        (json!({ "scopes": ["Admin"] }), "/scopes/0 unknown_value"),
        (
            json!({ "scopes": ["admin", "", "invitations"] }),
            "/scopes/1 unknown_value, /scopes/2 unknown_value",
        ),
        (
            json!({ "organizations": [] }),
            "/organizations out_of_range",
        ),
        (
            json!({ "organizations": many }),
            "/organizations out_of_range",
        ),
        (
            json!({ "organizations": ["acme", "a b", "*"] }),
            "/organizations/1 invalid_format, /organizations/2 invalid_format",
        ),
        (json!({ "roles": [] }), "/roles out_of_range"),
        (json!({ "roles": ["1st"] }), "/roles/0 invalid_format"),
        (json!({ "expiresIn": 0 }), "/expiresIn out_of_range"),
        (json!({ "expiresIn": -1 }), "/expiresIn out_of_range"),
        (
            json!({ "expiresIn": 315_576_001 }),
            "/expiresIn out_of_range",
        ),
        (json!({ "expiresIn": i64::MAX }), "/expiresIn out_of_range"),
        (
            json!({ "expiresAt": time(-1).to_string() }),
            "/expiresAt out_of_range",
        ),
        (
            json!({ "expiresAt": time(0).to_string() }),
            "/expiresAt out_of_range",
        ),
        (
            json!({ "expiresAt": time(ten_years_ms + 1).to_string() }),
            "/expiresAt out_of_range",
        ),
        (
            json!({ "expiresAt": "tomorrow" }),
            "/expiresAt invalid_format",
        ),
        (
            json!({ "expiresIn": 60, "expiresAt": time(60_000).to_string() }),
            "/expiresAt conflict",
        ),
        (
            json!({ "name": "", "scopes": ["x"], "organizations": ["-"], "roles": [""],
                "expiresIn": 0 }),
            "/name invalid_format, /scopes/0 unknown_value, /organizations/0 invalid_format, \
             /roles/0 invalid_format, /expiresIn out_of_range",
        ),
    ];
    for (fields, expected) in cases {
        assert_eq!(refused(&fields), expected, "{fields}");
    }
    assert_eq!(rows(&app), before);
}

#[test]
fn what_is_just_acceptable_is_accepted() {
    let app = TestApp::serve();
    let edges = [
        json!({ "name": "n".repeat(100) }),
        json!({ "organizations": vec!["acme"; 1000] }),
        json!({ "expiresIn": 1 }),
        json!({ "expiresIn": 315_576_000 }),
        json!({ "expiresAt": time(1).to_string() }),
        json!({ "expiresAt": time(315_576_000_000).to_string() }),
    ];
    for fields in edges {
        let mut body = json!({ "name": "n", "scopes": ["invitations:read"] });
        body.as_object_mut()
            .expect("an object")
            .extend(fields.as_object().expect("an object").clone());
        make(&app, &app.key, &body);
    }
}

#[test]
fn foreign_fields_wrong_types_and_what_is_no_object_are_refused() {
    let app = TestApp::serve();
    let before = rows(&app);
    let good = r#""name":"n","scopes":["invitations:read"]"#;
    let cases = [
        (format!(r#"{{{good},"key":"ivk_1"}}"#), "unknown_field"),
        (
            format!(r#"{{{good},"id":"0123456789abcdef"}}"#),
            "unknown_field",
        ),
        (
            format!(r#"{{{good},"status":"live","createdAt":null}}"#),
            "unknown_field",
        ),
        (
            format!(r#"{{{good},"organization":["acme"]}}"#),
            "unknown_field",
        ),
        (
            format!(r#"{{{good},"organizations":"acme"}}"#),
            "invalid_json",
        ),
        (
            format!(r#"{{{good},"organizations":[null]}}"#),
            "invalid_json",
        ),
        (format!(r#"{{{good},"expiresIn":"60"}}"#), "invalid_json"),
        (format!(r#"{{{good},"name":"twice"}}"#), "invalid_json"),
        (format!("[{{{good}}}]"), "invalid_json"),
        ("{}".to_owned(), "validation_failed"),
        (String::new(), "invalid_json"),
    ];
    for (body, code) in cases {
        assert_eq!(app.post(KEYS, &body).code(), code, "{body}");
    }
    let body = format!("{{{good}}}");
    assert_eq!(
        app.request("POST", KEYS)
            .header("Content-Type", "text/plain")
            .body(&body)
            .send()
            .status,
        415
    );
    assert_eq!(
        app.post("/v1/keys?dryRun=true", &body).code(),
        "invalid_query"
    );
    assert_eq!(app.get("/v1/keys?limit=1").code(), "invalid_query");
    assert_eq!(
        app.get(&format!("{KEYS}/{}?x=1", id_of(&app.key))).code(),
        "invalid_query"
    );
    assert_eq!(rows(&app), before);
}
