//! Keys made and revoked: by the API, by commands at the machine, by the first start, and with an
//! organization.

use invited::key::Scope;
use serde_json::{Value, json};

use super::{AUDIT, history, id_of, make_key, make_reader, outline, refuse_inserts, seen_by};
use crate::support::TestApp;
use crate::support::process::{Server, run};

#[test]
fn the_first_key_is_the_first_row_and_made_by_the_server() {
    let app = TestApp::serve();
    let rows = seen_by(&app, &app.key, "");
    let at = "2026-11-23T02:43:00.123Z";
    let expected = json!([{ "id": rows[0]["id"], "action": "key.created", "actor": "server",
        "subject": id_of(&app.key),
        "details": { "scopes": ["admin"] }, "createdAt": at }]);
    assert_eq!(json!(rows), expected);
}

#[test]
fn a_key_made_and_revoked_over_http_leaves_a_row_each_with_who_what_and_by_which_request() {
    let app = TestApp::serve();
    app.advance_to(1_000);
    let body = json!({ "name": "ada@example.com",
        "scopes": ["invitations:write", "invitations:read"],
        "organizations": ["acme", "globex"], "roles": ["developer"] });
    let made = make_key(&app, &body);
    app.advance_to(2_000);
    let revoked = app
        .request(
            "DELETE",
            &format!("/v1/keys/{}", made.json()["id"].as_str().expect("an id")),
        )
        .send();
    assert_eq!(revoked.status, 204);
    let rows = history(&app);
    let row = |number: usize, action, request: &crate::support::Answer| {
        json!({ "id": rows[number]["id"], "action": action, "actor": id_of(&app.key),
            "requestId": request.header("x-request-id"), "subject": made.json()["id"],
            "organizations": ["acme", "globex"],
            "details": { "scopes": ["invitations:read", "invitations:write"],
                "roles": ["developer"] },
            "createdAt": format!("2026-11-23T02:43:0{}.123Z", number + 1) })
    };
    assert_eq!(
        rows,
        [
            row(0, "key.created", &made),
            row(1, "key.revoked", &revoked)
        ]
    );
    let text = app.contents().remove("audit").expect("a table").concat();
    assert!(
        !text.contains("ada@example.com")
            && !text.contains(&made.json()["key"].as_str().expect("a key")[21..])
    );
}

#[test]
fn what_is_revoked_again_refused_or_repeated_adds_no_row() {
    let app = TestApp::serve();
    let create = |key: &str, body: &Value| {
        app.anonymous("POST", "/v1/keys")
            .bearer(key)
            .header("Idempotency-Key", "1")
            .json(body.to_string())
            .send()
    };
    let body = json!({ "name": "n", "scopes": ["invitations:read"] });
    let (first, again) = (create(&app.key, &body), create(&app.key, &body));
    assert_eq!(
        (first.status, again.header("idempotency-replayed")),
        (201, Some("true"))
    );
    let id = first.json()["id"].as_str().expect("an id").to_owned();
    for _ in 0..3 {
        assert_eq!(
            app.request("DELETE", &format!("/v1/keys/{id}"))
                .send()
                .status,
            204
        );
    }
    let bound = app.key(&[Scope::Admin], &["acme"], None);
    let reader = app.key(&[Scope::Read], &[], None);
    let before = history(&app);
    assert_eq!(create(&bound, &body).code(), "key_exceeds_own_rights");
    assert_eq!(create(&reader, &body).status, 403);
    assert_eq!(
        create(&app.key, &json!({ "name": "", "scopes": [] })).status,
        422
    );
    for key in [&bound, &reader] {
        let path = format!("/v1/keys/{}", id_of(&app.key));
        assert!(app.anonymous("DELETE", &path).bearer(key).send().status >= 403);
    }
    assert_eq!(
        app.request("DELETE", "/v1/keys/0000000000000000")
            .send()
            .status,
        404
    );
    assert_eq!(history(&app), before);
    assert_eq!(
        outline(&before)[..2],
        [
            ("key.created".to_owned(), json!(id)),
            ("key.revoked".to_owned(), json!(id))
        ]
    );
}

#[test]
fn of_parallel_revocations_of_one_key_one_leaves_a_row() {
    let app = TestApp::serve();
    for _ in 0..20 {
        let id = make_reader(&app);
        let path = format!("/v1/keys/{id}");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(app.request("DELETE", &path).send().status, 204));
            }
        });
        assert_eq!(
            seen_by(&app, &app.key, &format!("?action=key.revoked&subject={id}")).len(),
            1
        );
    }
}

#[test]
fn a_key_and_its_row_are_there_together_or_not_at_all() {
    let body = json!({ "name": "n", "scopes": ["invitations:read"] }).to_string();
    for table in ["audit", "api_key"] {
        let app = TestApp::serve();
        let id = make_reader(&app);
        refuse_inserts(&app, table);
        let before = app.contents();
        assert!(app.post("/v1/keys", &body).status >= 500, "{table}");
        assert_eq!(app.contents(), before, "{table}");
        let revoked = app
            .request("DELETE", &format!("/v1/keys/{id}"))
            .send()
            .status;
        assert_eq!(revoked == 204, table == "api_key", "{table}: {revoked}");
        assert_eq!(app.contents() == before, table == "audit", "{table}");
    }
}

#[test]
fn commands_leave_rows_beside_a_running_server_and_without_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let server = Server::serve(&database);
    let key = server.admin_key().expect("an admin key");
    let file = database.to_string_lossy().into_owned();
    let create = || {
        let words = [
            "key",
            "create",
            "--scope",
            "invitations:link",
            "--organization",
            "acme",
            "--database",
            &file,
        ];
        String::from_utf8(run(&words).stdout).expect("text")[4..20].to_owned()
    };
    let revoke = |id: &str| {
        run(&["key", "revoke", id, "--database", &file])
            .status
            .success()
    };
    let beside = create();
    assert!(revoke(&beside) && !revoke(&beside));
    server.signal("TERM");
    server.wait();
    let alone = create();
    assert!(revoke(&alone));
    let server = Server::serve(&database);
    let list = String::from_utf8(run(&["key", "list", "--database", &file]).stdout).expect("text");
    let makers: Vec<_> = list
        .lines()
        .filter_map(|line| line.split_whitespace().nth(3))
        .collect();
    assert_eq!(makers, ["CREATED", "server", "cli", "cli"], "{list}");
    let rows = server
        .request("GET", &format!("{AUDIT}?actor=cli&order=asc"))
        .bearer(&key)
        .send()
        .json();
    let rows = rows.as_array().expect("an array");
    let (made, revoked) = ("key.created".to_owned(), "key.revoked".to_owned());
    let expected = [
        (&made, &beside),
        (&revoked, &beside),
        (&made, &alone),
        (&revoked, &alone),
    ];
    assert_eq!(
        outline(rows),
        expected.map(|(action, id)| (action.clone(), json!(id)))
    );
    for row in rows {
        assert_eq!(row["organizations"], json!(["acme"]));
        assert_eq!(row["details"], json!({ "scopes": ["invitations:link"] }));
        assert!(row["requestId"].is_null(), "{row}");
    }
}

#[test]
fn a_deleted_organization_leaves_a_row_for_each_key_that_it_takes_along() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    let bound = app.key(&[Scope::Read], &["acme"], None);
    app.key(&[Scope::Read], &["acme", "globex"], None);
    let dead = app.key(&[Scope::Read], &["acme"], None);
    assert_eq!(
        app.request("DELETE", &format!("/v1/keys/{}", id_of(&dead)))
            .send()
            .status,
        204
    );
    let deleted = app.request("DELETE", "/v1/organizations/acme").send();
    let by_it = |rows: Vec<Value>| {
        let request = deleted.header("x-request-id").expect("an id").to_owned();
        rows.into_iter()
            .filter(|row| row["requestId"] == request && row["action"] == "key.revoked")
            .collect::<Vec<_>>()
    };
    let rows = by_it(history(&app));
    let expected = json!([{ "id": rows[0]["id"], "action": "key.revoked", "actor": id_of(&app.key),
        "requestId": deleted.header("x-request-id"), "subject": id_of(&bound),
        "organizations": ["acme"],
        "details": { "scopes": ["invitations:read"] }, "createdAt": "2026-11-23T02:43:00.123Z" }]);
    assert_eq!(json!(rows), expected);
}

#[test]
fn a_key_says_who_made_it() {
    let app = TestApp::serve();
    let (by_key, by_command) = (
        make_reader(&app),
        id_of(&app.key(&[Scope::Read], &[], None)),
    );
    let maker = |id: &str| app.get(&format!("/v1/keys/{id}")).json()["createdBy"].clone();
    assert_eq!(maker(&id_of(&app.key)), "server");
    assert_eq!(maker(&by_key), id_of(&app.key));
    assert_eq!(maker(&by_command), "cli");
    let dev = TestApp::start(invited::base::mode::Mode::Dev, &[]);
    let made = make_key(&dev, &json!({ "name": "n", "scopes": ["admin"] })).json();
    assert_eq!(made["createdBy"], "dev");
    assert_eq!(dev.get(AUDIT).json()[0]["actor"], "dev");
}

#[test]
fn rows_stay_in_order_after_a_restart_with_a_clock_that_was_set_back() {
    let mut app = TestApp::serve();
    app.advance_to(60_000);
    let first = make_reader(&app);
    app.advance_to(0);
    app.restart();
    let second = make_reader(&app);
    assert_eq!(
        outline(&history(&app)),
        [first, second].map(|id| ("key.created".to_owned(), json!(id)))
    );
}
