//! Batches: many creates in one request, each with a result of its own.

use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, invitations};

/// The path of an organization's batches.
fn batches(organization: &str) -> String {
    format!("{}/batch", invitations(organization))
}

/// Sends a batch of rows.
fn send(app: &TestApp, body: &Value) -> Answer {
    app.post(&batches("acme"), &body.to_string())
}

/// Rows that are all fine.
fn rows(count: usize) -> Vec<Value> {
    (0..count)
        .map(|number| json!({ "email": format!("p{number}@b.co"), "role": "developer" }))
        .collect()
}

/// The statuses of the results, in their order.
fn statuses(answer: &Answer) -> Vec<u64> {
    let results = answer.json()["results"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    results
        .iter()
        .filter_map(|result| result["status"].as_u64())
        .collect()
}

/// How many invitations acme has.
fn count(app: &TestApp) -> usize {
    app.get(&invitations("acme"))
        .json()
        .as_array()
        .map_or(0, Vec::len)
}

#[test]
fn each_row_has_the_result_that_a_create_of_its_own_would_have_had() {
    let app = TestApp::serve();
    let standing = app.invite("acme", "standing@b.co");
    let answer = send(
        &app,
        &json!({ "invitations": [
            { "email": "New@B.co", "role": "developer", "metadata": { "team": 1 } },
            { "email": "standing@b.co", "role": "developer" },
            { "email": "standing@b.co", "role": "developer", "onConflict": "return" },
            { "email": "nonsense", "role": "9" },
            { "email": "new@b.co", "role": "admin" },
        ] }),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        (answer.header("etag"), answer.header("location")),
        (None, None)
    );
    let body = answer.json();
    assert_eq!(
        (&body["committed"], &body["succeeded"], &body["failed"]),
        (&json!(true), &json!(2), &json!(3))
    );
    assert_eq!(statuses(&answer), [201, 409, 200, 422, 409]);
    let results = body["results"].as_array().expect("results");
    assert!(
        results
            .iter()
            .enumerate()
            .all(|(index, result)| result["index"] == index)
    );
    assert_eq!(results[0]["invitation"]["email"], "new@b.co");
    let one = app.get(&format!(
        "{}/{}",
        invitations("acme"),
        results[0]["invitation"]["id"].as_str().expect("an id")
    ));
    assert_eq!(one.json(), results[0]["invitation"]);
    assert_eq!(
        (
            &results[1]["error"]["code"],
            &results[1]["error"]["invitationId"]
        ),
        (&json!("already_invited"), &standing["id"])
    );
    assert_eq!(results[2]["invitation"], standing);
    let pointers: Vec<_> = results[3]["error"]["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|e| &e["pointer"])
        .collect();
    assert_eq!(pointers, ["/email", "/role"]);
    assert_eq!(
        results[4]["error"]["invitationId"], results[0]["invitation"]["id"],
        "a duplicate inside the batch"
    );
    assert_eq!(count(&app), 2);
}

#[test]
fn an_atomic_batch_is_made_whole_or_not_at_all() {
    let app = TestApp::serve();
    let mut invitations = rows(5);
    invitations[3]["email"] = json!("nonsense");
    let refused = send(&app, &json!({ "invitations": invitations, "atomic": true }));
    assert_eq!(
        (refused.status, statuses(&refused)),
        (200, vec![424, 424, 424, 422, 424])
    );
    assert_eq!(refused.json()["committed"], false);
    assert_eq!(
        refused.json()["results"][0]["error"]["code"],
        "batch_undone"
    );
    assert_eq!(
        (count(&app), app.db_rows("select id from event").len()),
        (0, 0)
    );
    invitations[3]["email"] = json!("fine@b.co");
    let made = send(&app, &json!({ "invitations": invitations, "atomic": true }));
    assert_eq!((statuses(&made), count(&app)), (vec![201; 5], 5));
}

#[test]
fn a_dry_run_says_what_would_happen_and_keeps_and_counts_nothing() {
    let app = TestApp::start(Mode::Serve, &["--limit-organization", "2"]);
    let mut invitations = rows(3);
    invitations.push(invitations[0].clone());
    let body = json!({ "invitations": invitations, "dryRun": true });
    for _ in 0..3 {
        let answer = send(&app, &body);
        assert_eq!(
            (statuses(&answer), &answer.json()["committed"]),
            (vec![201, 201, 201, 409], &json!(false))
        );
        assert!(
            answer.json()["results"]
                .as_array()
                .expect("results")
                .iter()
                .all(|r| r["invitation"].is_null())
        );
    }
    assert_eq!(
        (count(&app), app.db_rows("select id from event").len()),
        (0, 0)
    );
    let real = send(&app, &json!({ "invitations": rows(3) }));
    assert_eq!(
        statuses(&real),
        [201, 201, 429],
        "a row above the limit fails alone"
    );
}

#[test]
fn a_batch_has_one_to_a_thousand_rows_and_one_commit() {
    let app = TestApp::serve();
    for (body, pointer) in [
        (json!({ "invitations": [] }), "/invitations"),
        (json!({}), "/invitations"),
        (json!({ "invitations": rows(1001) }), "/invitations"),
    ] {
        let refused = send(&app, &body);
        assert_eq!(
            (refused.status, &refused.json()["errors"][0]["pointer"]),
            (422, &json!(pointer))
        );
    }
    let made = send(&app, &json!({ "invitations": rows(1000) }));
    assert_eq!(
        (made.status, made.json()["succeeded"].as_u64(), count(&app)),
        (200, Some(1000), 1000)
    );
    let listed = app
        .get(&format!("{}?order=asc&limit=1000", invitations("acme")))
        .json();
    let made = made.json();
    let ids = |list: &Value, of: fn(&Value) -> &Value| {
        list.as_array()
            .expect("a list")
            .iter()
            .map(|one| of(one).clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids(&listed, |one| &one["id"]),
        ids(&made["results"], |one| &one["invitation"]["id"]),
        "in the order of the rows"
    );
}

#[test]
fn a_body_that_is_not_a_batch_is_refused_whole_with_the_place() {
    let app = TestApp::serve();
    for (body, status, code, pointer) in [
        (
            r#"{"invitations":[{"email":"a@b.co","role":"x"},{"email":"a@b.co","rol":"x"}]}"#,
            400,
            "unknown_field",
            "/invitations/1/rol",
        ),
        (
            r#"{"invitations":[{"email":7,"role":"x"}]}"#,
            400,
            "invalid_json",
            "/invitations/0/email",
        ),
        (
            r#"{"invitations":["a@b.co"]}"#,
            400,
            "invalid_json",
            "/invitations/0",
        ),
        (
            r#"{"invitations":[["a@b.co","x"]]}"#,
            400,
            "invalid_json",
            "/invitations/0",
        ),
        (
            r#"{"invitations":{},"atomic":true}"#,
            400,
            "invalid_json",
            "/invitations",
        ),
        (
            r#"{"invitations":[],"dryrun":true}"#,
            400,
            "unknown_field",
            "/dryrun",
        ),
    ] {
        let refused = app.post(&batches("acme"), body);
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (status, code),
            "{body}"
        );
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    let long = format!(
        r#"{{"invitations":[{{"email":"a@b.co","role":"{}"}}]}}"#,
        "x".repeat(1024 * 1024)
    );
    assert_eq!(app.post(&batches("acme"), &long).status, 413);
    assert_eq!(count(&app), 0);
}

#[test]
fn a_repeated_batch_has_one_effect() {
    let app = TestApp::serve();
    let body = json!({ "invitations": rows(3) }).to_string();
    let send = || {
        app.request("POST", &batches("acme"))
            .header("Idempotency-Key", "k1")
            .json(&body)
            .send()
    };
    let (first, second) = (send(), send());
    assert_eq!(
        (first.status, first.header("idempotency-replayed")),
        (200, None)
    );
    assert_eq!(
        (second.text(), second.header("idempotency-replayed")),
        (first.text(), Some("true"))
    );
    assert_eq!(count(&app), 3);
}

#[test]
fn a_dry_run_says_of_every_row_what_the_batch_would_do_and_changes_nothing() {
    let app = TestApp::serve();
    let put = app
        .request("PUT", "/v1/organizations/acme")
        .json(r#"{"maxPending":5,"blockedDomains":["no.co"]}"#)
        .send();
    assert_eq!(put.status, 201, "{}", put.text());
    for email in ["a@b.co", "b@b.co", "c@b.co"] {
        app.invite("acme", email);
    }
    let row = |email: &str, on_conflict: &str| {
        json!({ "email": email, "role": "r",
        "onConflict": on_conflict })
    };
    let rows = [
        row("a@b.co", "error"),
        row("b@b.co", "return"),
        row("c@b.co", "replace"),
        row("x@no.co", "error"),
        row("d@b.co", "error"),
        row("D@b.co", "error"),
        row("e@b.co", "error"),
        row("f@b.co", "error"),
        row("g@b.co", "error"),
    ];
    let path = format!("{}/batch", invitations("acme"));
    let send = |is_dry: bool| {
        let answer = app.post(
            &path,
            &json!({ "invitations": rows, "dryRun": is_dry }).to_string(),
        );
        assert_eq!(answer.status, 200, "{}", answer.text());
        let results = answer.json()["results"]
            .as_array()
            .expect("results")
            .clone();
        results
            .iter()
            .map(|row| (row["status"].clone(), row["error"]["code"].clone()))
            .collect::<Vec<_>>()
    };
    let before = app.get(&invitations("acme")).text();
    let foretold = send(true);
    assert_eq!(app.get(&invitations("acme")).text(), before);
    assert_eq!(
        foretold
            .iter()
            .filter(|(_, code)| code == "pending_limit_reached")
            .count(),
        2,
        "{foretold:?}"
    );
    assert_eq!(send(false), foretold);
}
