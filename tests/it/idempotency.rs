//! Repeated requests with an `Idempotency-Key` have one effect.

use serde_json::{Value, json};

use crate::support::{Answer, TestApp, invitation, invitations};

/// A create under `key`.
fn create(app: &TestApp, key: &str, email: &str) -> Answer {
    let body = format!(r#"{{"email":"{email}","role":"developer"}}"#);
    app.request("POST", &invitations("acme"))
        .header("Idempotency-Key", key)
        .json(body)
        .send()
}

#[test]
fn the_same_request_again_gets_the_stored_answer_and_changes_nothing() {
    let app = TestApp::serve();
    let first = create(&app, "k1", "a@b.co");
    app.advance_to(60_000);
    let second = create(&app, "\"k1\"", "a@b.co");
    assert_eq!((second.status, second.text()), (201, first.text()));
    for name in ["location", "etag", "content-type"] {
        assert_eq!(second.header(name), first.header(name), "{name}");
    }
    assert_eq!(
        (
            first.header("idempotency-replayed"),
            second.header("idempotency-replayed")
        ),
        (None, Some("true"))
    );
    assert_eq!(app.db_rows("select id from event").len(), 1);
}

#[test]
fn the_stored_answer_comes_even_when_the_invitation_is_gone() {
    let app = TestApp::serve();
    let first = create(&app, "k1", "a@b.co");
    assert_eq!(
        app.request("DELETE", &invitation("acme", &first.json()["id"]))
            .send()
            .status,
        204
    );
    assert_eq!(create(&app, "k1", "a@b.co").text(), first.text());
    assert_eq!(app.get(&invitations("acme")).text(), "[]");
}

#[test]
fn the_same_key_with_another_body_is_refused() {
    let app = TestApp::serve();
    create(&app, "k1", "a@b.co");
    let other = create(&app, "k1", "other@b.co");
    assert_eq!(
        (other.status, other.code().as_str()),
        (422, "idempotency_key_reused")
    );
    assert_eq!(
        app.get(&invitations("acme"))
            .json()
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[test]
fn a_key_belongs_to_its_caller_and_its_path() {
    let app = TestApp::serve();
    create(&app, "k1", "a@b.co");
    let body = r#"{"email":"a@b.co","role":"developer"}"#;
    let elsewhere = app
        .request("POST", &invitations("globex"))
        .header("Idempotency-Key", "k1")
        .json(body)
        .send();
    assert_eq!(elsewhere.status, 201);
    let other = app.key(&[invited::key::Scope::Write], &[], None);
    let request = app.anonymous("POST", &invitations("acme")).bearer(&other);
    assert_eq!(
        request
            .header("Idempotency-Key", "k1")
            .json(body)
            .send()
            .code(),
        "already_invited"
    );
}

#[test]
fn a_refused_request_is_not_kept_so_that_it_can_be_tried_again() {
    let app = TestApp::serve();
    let standing = create(&app, "k1", "a@b.co").json();
    assert_eq!(create(&app, "k2", "a@b.co").code(), "already_invited");
    assert_eq!(
        app.request("DELETE", &invitation("acme", &standing["id"]))
            .send()
            .status,
        204
    );
    assert_eq!(create(&app, "k2", "a@b.co").status, 201);
}

#[test]
fn the_stored_answer_comes_where_a_time_that_the_request_names_has_passed_meanwhile() {
    let app = TestApp::serve();
    let hour = 60 * 60 * 1000;
    let end = app.clock.now().plus_seconds(3_600).to_string();
    let made = app.invite("acme", "old@b.co");
    let row = json!({ "email": "a@b.co", "role": "developer", "expiresAt": end });
    let other = json!({ "email": "b@b.co", "role": "developer", "expiresAt": end });
    let requests = [
        (invitations("acme"), row.clone()),
        (
            format!("{}/resend", invitation("acme", &made["id"])),
            json!({ "expiresAt": end }),
        ),
        (
            format!("{}/batch", invitations("acme")),
            json!({ "invitations": [other] }),
        ),
        (
            "/v1/keys".to_owned(),
            json!({ "name": "ci", "scopes": ["admin"], "expiresAt": end }),
        ),
    ];
    app.advance_to(120_000);
    let send = |(path, body): &(String, Value), key: &str| {
        let request = app.request("POST", path).header("Idempotency-Key", key);
        request.json(body.to_string()).send()
    };
    let first: Vec<_> = requests.iter().map(|request| send(request, "k1")).collect();
    app.advance_to(2 * hour);
    for (request, first) in requests.iter().zip(&first) {
        assert!(matches!(first.status, 200 | 201), "{}", first.text());
        let again = send(request, "k1");
        assert_eq!(again.status, first.status, "{request:?}: {}", again.text());
        assert_eq!(
            again.header("idempotency-replayed"),
            Some("true"),
            "{request:?}"
        );
        let new = send(request, "k2");
        assert!(
            new.status == 422 || new.json()["failed"] == 1,
            "{request:?}: {}",
            new.text()
        );
        let (path, mut body) = request.clone();
        body["x"] = json!(1);
        assert_ne!(send(&(path, body), "k1").status, first.status);
    }
    let (path, _) = &requests[0];
    let mut otherwise = row;
    otherwise["role"] = json!("admin");
    let reused = send(&(path.clone(), otherwise), "k1");
    assert_eq!(reused.code(), "idempotency_key_reused");
}

#[test]
fn a_batch_of_which_nothing_was_kept_can_be_tried_again_under_its_key() {
    for atomic in [true, false] {
        let app = TestApp::serve();
        let standing = app.invite("acme", "a@b.co");
        let rows = if atomic {
            &["a@b.co", "b@b.co"][..]
        } else {
            &["a@b.co"]
        };
        let rows: Vec<_> = rows
            .iter()
            .map(|email| json!({ "email": email, "role": "developer" }))
            .collect();
        let body = json!({ "invitations": rows, "atomic": atomic }).to_string();
        let send = || {
            let request = app.request("POST", &format!("{}/batch", invitations("acme")));
            request
                .header("Idempotency-Key", "k1")
                .json(body.clone())
                .send()
        };
        assert_eq!(send().json()["results"][0]["status"], 409);
        let removed = app.request("DELETE", &invitation("acme", &standing["id"]));
        assert_eq!(removed.send().status, 204);
        let kept = send();
        assert_eq!(kept.header("idempotency-replayed"), None);
        assert_eq!(kept.json()["results"][0]["status"], 201, "{}", kept.text());
        let again = send();
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.json(), kept.json());
    }
}

#[test]
fn an_answer_is_kept_for_24_hours_and_then_dropped() {
    let app = TestApp::serve();
    let day = 24 * 60 * 60 * 1000;
    let first = create(&app, "k1", "a@b.co");
    create(&app, "k2", "b@b.co");
    app.advance_to(day - 1);
    assert_eq!(create(&app, "k1", "a@b.co").text(), first.text());
    app.advance_to(day);
    assert_eq!(
        create(&app, "k1", "a@b.co").code(),
        "already_invited",
        "it is a new request now"
    );
    create(&app, "k3", "c@b.co");
    assert_eq!(
        app.db_rows("select key from idempotency"),
        [["Some(\"k3\")"]],
        "what is old is dropped on the way"
    );
}

#[test]
fn sixty_four_parallel_uses_of_a_key_have_one_effect_and_one_answer() {
    let app = TestApp::serve();
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..64)
            .map(|_| scope.spawn(|| create(&app, "k1", "a@b.co")))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an answer"))
            .collect()
    });
    assert!(
        answers
            .iter()
            .all(|answer| (answer.status, &answer.body) == (201, &answers[0].body))
    );
    let fresh = answers
        .iter()
        .filter(|answer| answer.header("idempotency-replayed").is_none())
        .count();
    assert_eq!(fresh, 1);
    assert_eq!(app.db_rows("select id from invitation").len(), 1);
}

#[test]
fn a_key_must_be_one_value_of_1_to_255_visible_ascii_characters() {
    let app = TestApp::serve();
    let long = "k".repeat(255);
    assert_eq!(create(&app, &long, "a@b.co").status, 201);
    for key in ["", "\"\"", &format!("{long}k"), "two words", "\u{fc}"] {
        let answer = create(&app, key, "b@b.co");
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "bad_request"),
            "{key:?}"
        );
    }
}

#[test]
fn a_stored_answer_says_which_organization_it_is_about_where_it_is_about_one() {
    let app = TestApp::serve();
    let post = |path: &str, body: serde_json::Value| {
        let request = app.request("POST", path).header("Idempotency-Key", "k1");
        let answer = request.json(body.to_string()).send();
        assert!((200..300).contains(&answer.status), "{}", answer.text());
        answer.json()
    };
    let made = post(
        &invitations("acme"),
        json!({ "email": "a@b.co", "role": "r" }),
    );
    let rows = json!([{ "email": "b@b.co", "role": "r" }]);
    post(
        &format!("{}/batch", invitations("acme")),
        json!({ "invitations": rows }),
    );
    let token = app.token_of(&made);
    let mut by_link = json!({ "token": token, "email": "a@b.co" });
    post("/v1/invitations/code", by_link.clone());
    by_link["subject"] = json!("u1");
    post("/v1/invitations/accept", by_link);
    let url = "https://app.example.com/hook";
    let own = json!({ "organizationId": "acme", "url": url });
    let webhook = post("/v1/webhooks", own)["id"].clone();
    let webhook = webhook.as_str().expect("an id").to_owned();
    post(&format!("/v1/webhooks/{webhook}/rotate"), json!({}));
    let about_one = "select operation from idempotency where organization_id = 'acme'";
    assert_eq!(app.db_rows(about_one).len(), 6);
    let for_all = app
        .request("POST", "/v1/webhooks")
        .header("Idempotency-Key", "k2");
    assert_eq!(
        for_all
            .json(json!({ "url": url }).to_string())
            .send()
            .status,
        201
    );
    post(
        "/v1/keys",
        json!({ "name": "k", "scopes": ["admin"], "organizations": ["acme"] }),
    );
    let about_none = "select operation from idempotency where organization_id is null";
    assert_eq!(app.db_rows(about_none).len(), 2);
}
