//! What is shown of a webhook and what changes, repeated requests, and that its secret is shown
//! once.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{URL, WEBHOOKS, list, log_of, make, make_silent, patch, path_of, without_secret};
use crate::support::{Answer, TestApp};

/// A POST under an `Idempotency-Key`.
fn repeatable(app: &TestApp, path: &str, idempotency_key: &str, body: &Value) -> Answer {
    app.request("POST", path)
        .header("Idempotency-Key", idempotency_key)
        .json(body.to_string())
        .send()
}

/// The bytes of a secret, which must be 32.
fn bytes_of(webhook: &Value) -> Vec<u8> {
    let secret = webhook["secret"]
        .as_str()
        .expect("a secret")
        .strip_prefix("whsec_")
        .expect("its prefix");
    let bytes = BASE64_STANDARD.decode(secret).expect("base64");
    assert_eq!(bytes.len(), 32);
    bytes
}

#[test]
fn a_webhook_is_made_shown_listed_and_deleted() {
    let app = TestApp::serve();
    assert_eq!(list(&app), Vec::<Value>::new());
    let body = json!({ "url": "HTTPS://App.Example.com:443/a/../hooks?b=c",
        "organizationId": "acme",
        "types": ["invitation.declined", "invitation.accepted", "invitation.declined"],
        "description": "Büro 1" });
    let made = app.post(WEBHOOKS, &body.to_string());
    assert_eq!(made.status, 201, "{}", made.text());
    let shown = without_secret(&made.json());
    let at = "2026-11-23T02:43:00.123Z";
    let expected = json!({ "id": shown["id"], "url": "https://app.example.com/hooks?b=c",
        "organizationId": "acme",
        "types": ["invitation.accepted", "invitation.declined"], "description": "Büro 1",
        "enabled": true,
        "createdAt": at, "updatedAt": at });
    assert_eq!(shown, expected);
    assert_eq!(
        made.header("location"),
        Some(&*format!("http://invited.test{}", path_of(&shown)))
    );
    app.advance_to(1_000);
    let all = without_secret(&make(
        &app,
        &json!({ "url": URL, "types": null, "description": null }),
    ));
    let expected = json!({ "id": all["id"], "url": URL, "enabled": true,
        "createdAt": "2026-11-23T02:43:01.123Z",
        "updatedAt": "2026-11-23T02:43:01.123Z" });
    assert_eq!(all, expected, "of all organizations, and of all types");
    assert_eq!(list(&app), [shown.clone(), all.clone()]);
    assert_eq!(app.get(&path_of(&shown)).json(), shown);
    assert_eq!(app.get(&log_of(&shown)).text(), "[]");
    let delete = || app.request("DELETE", &path_of(&shown)).send();
    let (first, second) = (delete(), delete());
    assert_eq!(
        (first.status, first.body.len(), second.status),
        (204, 0, 404)
    );
    assert_eq!(app.get(&path_of(&shown)).status, 404);
    assert_eq!(list(&app), [all]);
}

#[test]
fn a_change_changes_what_it_names_and_nothing_else() {
    let app = TestApp::serve();
    let made = without_secret(&make_silent(&app, Some("acme")));
    let other = without_secret(&make_silent(&app, Some("acme")));
    let mut expected = made.clone();
    let changes = [
        json!({ "url": "https://other.example.com" }),
        json!({ "types": ["invitation.created"] }),
        json!({ "description": "first" }),
        json!({ "description": "second", "types": ["organization.updated", "invitation.created"] }),
        json!({ "enabled": true }),
        json!({}),
        json!({ "url": null, "enabled": null }),
    ];
    for (second, change) in changes.iter().enumerate() {
        app.advance_to(i64::try_from(second).expect("few") * 1_000);
        for (name, value) in change
            .as_object()
            .expect("an object")
            .iter()
            .filter(|(_, value)| !value.is_null())
        {
            expected[name] = value.clone();
        }
        // What it is already is no change.
        let changed = second.min(3);
        expected["updatedAt"] = json!(format!("2026-11-23T02:43:{changed:02}.123Z"));
        match second {
            0 => expected["url"] = json!("https://other.example.com/"),
            3.. => expected["types"] = json!(["invitation.created", "organization.updated"]),
            _ => {}
        }
        let answer = patch(&app, &made, change);
        assert_eq!(
            (answer.status, answer.json()),
            (200, expected.clone()),
            "{change}"
        );
        assert_eq!(app.get(&path_of(&made)).json(), expected, "{change}");
    }
    let unset = patch(&app, &made, &json!({ "types": null, "description": null })).json();
    assert_eq!((unset.get("types"), unset.get("description")), (None, None));
    assert_eq!(list(&app), [unset, other]);
}

#[test]
fn a_paused_webhook_says_so_and_takes_no_tests_until_it_is_enabled() {
    let app = TestApp::serve();
    let made = make_silent(&app, None);
    let paused = patch(&app, &made, &json!({ "enabled": false })).json();
    assert_eq!(
        (&paused["enabled"], &paused["disabledReason"]),
        (&json!(false), &json!("paused"))
    );
    assert_eq!(
        patch(&app, &made, &json!({ "enabled": false })).json(),
        paused
    );
    assert_eq!(
        patch(&app, &made, &json!({ "description": "d" })).json()["disabledReason"],
        "paused"
    );
    let refused = app.post(&format!("{}/test", path_of(&made)), "{}");
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (409, "webhook_disabled")
    );
    assert!(refused.text().contains("(paused)"), "{}", refused.text());
    assert_eq!(app.get(&log_of(&made)).text(), "[]");
    let enabled = patch(&app, &made, &json!({ "enabled": true })).json();
    assert_eq!(
        (&enabled["enabled"], enabled.get("disabledReason")),
        (&json!(true), None)
    );
}

#[test]
fn the_secret_is_shown_by_the_request_that_made_or_rotated_it_and_by_no_other() {
    let app = TestApp::serve();
    let body = json!({ "url": URL });
    let first = repeatable(&app, WEBHOOKS, "k1", &body);
    assert_eq!(
        (first.status, first.header("idempotency-replayed")),
        (201, None)
    );
    let made = first.json();
    let rotate = format!("{}/rotate", path_of(&made));
    let rotated = repeatable(&app, &rotate, "k2", &json!({}));
    assert_eq!(
        (rotated.status, rotated.header("idempotency-replayed")),
        (200, None)
    );
    app.advance_to(1_000);
    for (path, key, body, answer) in [
        (WEBHOOKS, "k1", &body, &first),
        (&*rotate, "k2", &json!({}), &rotated),
    ] {
        let again = repeatable(&app, path, key, body);
        assert_eq!(
            (again.status, again.header("idempotency-replayed")),
            (answer.status, Some("true"))
        );
        assert_eq!(
            (again.json(), again.header("location")),
            (without_secret(&answer.json()), answer.header("location"))
        );
    }
    let reused = repeatable(
        &app,
        WEBHOOKS,
        "k1",
        &json!({ "url": URL, "description": "other" }),
    );
    assert_eq!(
        (reused.status, reused.code().as_str()),
        (422, "idempotency_key_reused")
    );
    assert_eq!(list(&app).len(), 1);
    let (other, bare) = (make(&app, &body), app.request("POST", &rotate).send());
    let mut secrets: Vec<_> = [&made, &rotated.json(), &other, &bare.json()]
        .map(bytes_of)
        .to_vec();
    secrets.sort();
    secrets.dedup();
    assert_eq!(secrets.len(), 4, "each has its own");
    let later = [
        app.get(WEBHOOKS),
        app.get(&path_of(&made)),
        patch(&app, &made, &json!({ "enabled": false })),
        app.get(&log_of(&made)),
    ];
    for answer in later {
        assert_eq!(answer.status, 200);
        assert!(
            !answer.text().contains("secret") && !answer.text().contains("whsec_"),
            "{}",
            answer.text()
        );
    }
}

#[test]
fn of_parallel_repetitions_one_gets_the_secret() {
    let app = TestApp::serve();
    let made = make_silent(&app, None);
    let rotate = format!("{}/rotate", path_of(&made));
    for (path, body) in [(WEBHOOKS, json!({ "url": URL })), (&*rotate, json!({}))] {
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| repeatable(&app, path, "k1", &body)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("an answer"))
                .collect()
        });
        assert!(
            answers
                .iter()
                .all(|answer| matches!(answer.status, 200 | 201))
        );
        let with_secret = answers
            .iter()
            .filter(|answer| answer.json()["secret"].is_string());
        let fresh = answers
            .iter()
            .filter(|answer| answer.header("idempotency-replayed").is_none());
        assert_eq!((with_secret.count(), fresh.count()), (1, 1), "{path}");
    }
    assert_eq!(list(&app).len(), 2);
    assert_eq!(
        app.db_rows("select cast(generation as text) from webhook order by id")[0],
        ["Some(\"1\")"]
    );
}

#[test]
fn no_secret_is_anywhere_in_the_files() {
    let app = TestApp::serve();
    let body = json!({ "url": URL, "description": "find-me" });
    let made = repeatable(&app, WEBHOOKS, "kept", &body).json();
    let rotated = repeatable(
        &app,
        &format!("{}/rotate", path_of(&made)),
        "kept",
        &json!({}),
    )
    .json();
    patch(&app, &made, &json!({ "enabled": false }));
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
    assert!(!holds(b"whsec_"));
    for webhook in [made, rotated] {
        let (raw, text) = (
            bytes_of(&webhook),
            webhook["secret"]
                .as_str()
                .expect("a secret")
                .as_bytes()
                .to_vec(),
        );
        let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
        for needle in [
            &raw[..8],
            &raw[24..],
            &text[6..18],
            &text[30..42],
            &hex.as_bytes()[..16],
        ] {
            assert!(!holds(needle), "a part of the secret is stored");
        }
    }
}

#[test]
fn there_may_be_a_hundred_and_a_race_for_the_last_place_has_one_winner() {
    let app = TestApp::serve();
    let made: Vec<Value> = (0..99).map(|_| make_silent(&app, None)).collect();
    let body = json!({ "url": URL }).to_string();
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| app.post(WEBHOOKS, &body)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an answer"))
            .collect()
    });
    let refused: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status != 201)
        .collect();
    assert_eq!(refused.len(), 7);
    for answer in refused {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (409, "webhook_limit_reached")
        );
    }
    assert_eq!(list(&app).len(), 100);
    assert_eq!(
        patch(&app, &made[0], &json!({ "description": "d" })).status,
        200,
        "those that there are go on"
    );
    assert_eq!(app.request("DELETE", &path_of(&made[0])).send().status, 204);
    assert_eq!(
        (
            app.post(WEBHOOKS, &body).status,
            app.post(WEBHOOKS, &body).status
        ),
        (201, 409)
    );
}
