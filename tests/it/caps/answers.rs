//! Stored answers: a batch is stored by ids, and what one caller has stored is bounded.

use invited::base::mode::Mode;
use invited::key::Scope;
use serde_json::{Value, json};

use crate::support::{Answer, START, TestApp, invitation, invitations};

/// Sends a batch to acme under an `Idempotency-Key`.
fn batch(app: &TestApp, key: &str, body: &Value) -> Answer {
    let path = format!("{}/batch", invitations("acme"));
    app.request("POST", &path)
        .header("Idempotency-Key", key)
        .json(body.to_string())
        .send()
}

/// Invitations with 4 KB of metadata each: their addresses.
fn make_big(app: &TestApp, count: usize) -> Vec<String> {
    let emails: Vec<_> = (0..count)
        .map(|number| format!("big{number}@b.co"))
        .collect();
    let metadata = json!({ "text": "x".repeat(4_000) });
    for part in emails.chunks(200) {
        let rows: Vec<_> = part
            .iter()
            .map(|email| json!({ "email": email, "role": "r", "metadata": metadata }))
            .collect();
        let path = format!("{}/batch", invitations("acme"));
        assert_eq!(
            app.post(&path, &json!({ "invitations": rows }).to_string())
                .status,
            200
        );
    }
    emails
}

/// The bytes of all stored answers.
fn stored_bytes(app: &TestApp) -> usize {
    let sum = app
        .db_rows("select cast(coalesce(sum(length(body)), 0) as text) from idempotency")
        .concat()
        .concat();
    sum.chars()
        .filter(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .expect("a number")
}

#[test]
fn a_batch_that_returns_a_thousand_invitations_stores_no_more_than_its_ids() {
    let app = TestApp::start(Mode::Serve, &["--limit-address", "0"]);
    let emails = make_big(&app, 1_000);
    let rows: Vec<_> = emails
        .iter()
        .map(|email| json!({ "email": email, "role": "r", "onConflict": "return" }))
        .collect();
    let body = json!({ "invitations": rows });
    let first = batch(&app, "k", &body);
    assert!(
        first.status == 200 && first.text().len() > 4_000_000,
        "{}",
        first.text().len()
    );
    assert!(stored_bytes(&app) < 80_000, "{}", stored_bytes(&app));
    let again = batch(&app, "k", &body);
    assert_eq!(
        (
            again.header("idempotency-replayed"),
            again.text() == first.text()
        ),
        (Some("true"), true)
    );
}

#[test]
fn a_repetition_shows_the_invitations_as_they_are_then_and_has_no_second_effect() {
    let app = TestApp::serve();
    let rows: Vec<_> = ["a", "b", "x"]
        .map(|name| json!({ "email": format!("{name}@b.co"), "role": "r" }))
        .into();
    let mut body = json!({ "invitations": rows });
    body["invitations"][2]["email"] = json!("nonsense");
    let first = batch(&app, "k", &body).json();
    let made = |index: usize| first["results"][index]["invitation"].clone();
    assert_eq!(app.change(&made(0), "revoke", &json!({})).status, 200);
    assert_eq!(
        app.request("DELETE", &invitation("acme", &made(1)["id"]))
            .send()
            .status,
        204
    );
    let again = batch(&app, "k", &body);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let again = again.json();
    assert_eq!(
        (&again["succeeded"], &again["failed"]),
        (&first["succeeded"], &first["failed"])
    );
    assert_eq!(again["results"][0]["invitation"]["status"], "revoked");
    assert_eq!(
        (
            &again["results"][1]["status"],
            again["results"][1].get("invitation")
        ),
        (&json!(201), None)
    );
    assert_eq!(
        again["results"][2], first["results"][2],
        "what was refused is told again"
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
fn the_same_address_twice_is_returned_once() {
    let app = TestApp::serve();
    app.invite("acme", "big@b.co");
    let row = |email: &str, more: &str| json!({ "email": email, "role": "r", "onConflict": more });
    let rows = [
        row("big@b.co", "return"),
        row("Big@B.co", "return"),
        row("new@b.co", "error"),
        row("new@b.co", "return"),
        row("big@b.co", "error"),
    ];
    let results = batch(&app, "k", &json!({ "invitations": rows })).json()["results"].clone();
    let statuses: Vec<_> = results
        .as_array()
        .expect("results")
        .iter()
        .map(|result| result["status"].clone())
        .collect();
    assert_eq!(statuses, [200, 422, 201, 200, 409]);
    assert_eq!(results[1]["error"]["errors"][0]["pointer"], "/email");
    assert_eq!(results[1]["error"]["errors"][0]["code"], "conflict");
}

#[test]
fn beyond_its_room_a_caller_is_refused_before_any_effect_and_only_with_a_key() {
    let app = TestApp::start(
        Mode::Serve,
        &["--limit-answers", "1", "--limit-address", "0"],
    );
    let create = |email: &str, idempotency_key: Option<&str>, key: &str| {
        let body =
            json!({ "email": email, "role": "r", "metadata": { "text": "x".repeat(4_000) } })
                .to_string();
        let request = app
            .anonymous("POST", &invitations("acme"))
            .bearer(key)
            .json(body);
        match idempotency_key {
            Some(idempotency_key) => request.header("Idempotency-Key", idempotency_key).send(),
            None => request.send(),
        }
    };
    let greedy = app.key(&[Scope::Write], &["acme"], None);
    let made = (0..400)
        .take_while(|number| {
            create(
                &format!("p{number}@b.co"),
                Some(&format!("k{number}")),
                &greedy,
            )
            .status
                == 201
        })
        .count();
    assert!(
        (220..260).contains(&made),
        "{made} answers of 4.5 KB in 1 MiB"
    );
    let before = app.contents();
    let refused = create("more@b.co", Some("more"), &greedy);
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (429, "rate_limited")
    );
    let wait: u64 = refused
        .header("retry-after")
        .and_then(|wait| wait.parse().ok())
        .expect("Retry-After");
    assert!(wait > 23 * 3600 && wait <= 25 * 3600, "{wait}");
    assert!(
        refused.json()["detail"]
            .as_str()
            .expect("a detail")
            .contains("Idempotency-Key"),
        "{}",
        refused.text()
    );
    assert_eq!(app.contents(), before);
    let replayed = create("p0@b.co", Some("k0"), &greedy);
    assert_eq!(
        (replayed.status, replayed.header("idempotency-replayed")),
        (201, Some("true")),
        "the promise holds"
    );
    assert_eq!(
        create("more@b.co", None, &greedy).status,
        201,
        "without the header"
    );
    assert_eq!(
        create("other@b.co", Some("k"), &app.key).status,
        201,
        "another caller has room of its own"
    );
    let later = |seconds: i64| {
        app.advance_to(seconds * 1_000);
        create("later@b.co", Some("later"), &greedy).status
    };
    let wait = i64::try_from(wait).expect("a day");
    assert_eq!(
        (later(wait - 1), later(wait)),
        (429, 201),
        "a day later, and no second before what is told"
    );
    assert!(
        (START + wait * 1_000) % 3_600_000 < 1_000,
        "what is stored is counted by hours: {wait}"
    );
}

#[test]
fn the_last_byte_of_its_room_is_the_last() {
    let app = TestApp::start(Mode::Serve, &["--limit-answers", "1"]);
    let create = |name: &str| {
        let body = json!({ "email": format!("{name}@b.co"), "role": "r" }).to_string();
        app.request("POST", &invitations("acme"))
            .header("Idempotency-Key", name)
            .json(body)
            .send()
            .status
    };
    assert_eq!(create("first"), 201);
    for (bytes, status) in [(1 << 20, 429), ((1 << 20) - 1, 201), ((1 << 20) + 1, 429)] {
        let count = |tx: &invited::db::WriteTx<'_>| {
            Ok(tx.execute("update idempotency_use set bytes = ?1", [bytes])?)
        };
        assert_eq!(invited::db::write_file(&app.database, count), Ok(1));
        assert_eq!(create(&format!("n{bytes}")), status, "{bytes}");
    }
}

#[test]
fn who_may_not_read_is_told_of_what_was_there_before_only_where_it_stands() {
    let app = TestApp::start(Mode::Serve, &["--resend-cooldown", "0s"]);
    let writer = app.key(&[Scope::Write], &["acme"], None);
    let acceptor = app.key(&[Scope::Accept], &["acme"], None);
    let secret = json!({ "email": "a@b.co", "role": "r", "metadata": { "secret": 1 },
        "inviter": { "name": "Hidden", "email": "hidden@b.co" },
        "redirectUrl": "http://invited.test/hidden" });
    let made = app.post(&invitations("acme"), &secret.to_string()).json();
    let path = invitation("acme", &made["id"]);
    let send = |key: &str, method: &str, path: &str, body: &Value| {
        app.anonymous(method, path)
            .bearer(key)
            .json(body.to_string())
            .send()
    };
    let again = |rule: &str| json!({ "email": "a@b.co", "role": "r", "onConflict": rule });
    let rows = json!({ "invitations": [again("return")] });
    let answers = [
        send(&writer, "PATCH", &path, &json!({})),
        send(&writer, "POST", &invitations("acme"), &again("return")),
        send(&writer, "POST", &invitations("acme"), &again("resend")),
        send(&writer, "POST", &format!("{path}/resend"), &json!({})),
        send(
            &writer,
            "POST",
            &format!("{}/batch", invitations("acme")),
            &rows,
        ),
    ];
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        for hidden in ["secret", "Hidden", "hidden", "metadata", "inviter"] {
            assert!(
                !answer.text().contains(hidden),
                "{hidden}: {}",
                answer.text()
            );
        }
        assert!(
            answer.text().contains(made["id"].as_str().expect("an id")),
            "{}",
            answer.text()
        );
    }
    let accepted = send(
        &acceptor,
        "POST",
        &format!("{path}/accept"),
        &json!({ "email": "a@b.co" }),
    );
    assert_eq!(
        (accepted.status, &accepted.json()["metadata"]),
        (200, &json!({ "secret": 1 })),
        "whoever vouches"
    );
    let own = send(
        &writer,
        "POST",
        &invitations("acme"),
        &secret
            .to_string()
            .replace("a@b", "c@b")
            .parse()
            .expect("JSON"),
    );
    assert_eq!(
        (own.status, &own.json()["metadata"]),
        (201, &json!({ "secret": 1 })),
        "what it said itself"
    );
}

#[test]
fn a_repeated_batch_shows_a_caller_without_reading_no_change_of_others() {
    let app = TestApp::serve();
    let writer = app.key(&[Scope::Write], &["acme"], None);
    let body = json!({ "invitations": [{ "email": "a@b.co", "role": "r" }] }).to_string();
    let send = || {
        let request = app
            .anonymous("POST", &format!("{}/batch", invitations("acme")))
            .bearer(&writer);
        request
            .header("Idempotency-Key", "k")
            .json(&body)
            .send()
            .json()["results"][0]["invitation"]
            .clone()
    };
    let made = send();
    let patch = json!({ "metadata": { "hidden": 1 } }).to_string();
    assert_eq!(
        app.request("PATCH", &invitation("acme", &made["id"]))
            .json(patch)
            .send()
            .status,
        200
    );
    let again = send();
    assert_eq!(
        (&again["id"], &again["status"], again.get("metadata")),
        (&made["id"], &json!("pending"), None)
    );
}
