//! `invited audit`: the same rows at the machine.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::process::{Server, run};

/// Runs the command on the data file `database`. Returns its exit code, and what it printed.
fn audit(database: &Path, words: &[&str]) -> (Option<i32>, String) {
    let database = database.to_string_lossy();
    let output = run(&[&["audit", "--database", &database], words].concat());
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8(printed).expect("text");
    (output.status.code(), printed)
}

/// The rows that the command prints as JSON.
fn rows(database: &Path, words: &[&str]) -> Value {
    let (code, printed) = audit(database, &[&["--output", "json"], words].concat());
    assert_eq!(code, Some(0), "{printed}");
    serde_json::from_str(&printed).expect("JSON")
}

/// A server with a history: keys by a command and by a request, a webhook, a deletion.
fn with_history() -> (tempfile::TempDir, std::path::PathBuf, Server, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let server = Server::serve(&database);
    let key = server.admin_key().expect("a key");
    let file = database.to_string_lossy();
    for number in 0..3 {
        let name = format!("k{number}");
        let words = ["key", "create", "--name", &name, "--organization", "acme"];
        assert!(
            run(&[&words[..], &["--database", &file]].concat())
                .status
                .success()
        );
    }
    let post = |path: &str, body: Value| {
        let made = server.request("POST", path).bearer(&key);
        assert_eq!(made.json(body.to_string()).send().status, 201);
    };
    let scopes = json!(["invitations:read"]);
    post("/v1/keys", json!({ "name": "own", "scopes": scopes }));
    post("/v1/webhooks", json!({ "url": "https://example.com/hook" }));
    let invited = json!({ "email": "a@b.co", "role": "developer" });
    post("/v1/organizations/acme/invitations", invited);
    let gone = server.request("DELETE", "/v1/organizations/acme");
    assert_eq!(gone.bearer(&key).send().status, 204);
    (folder, database, server, key)
}

#[test]
fn the_rows_are_those_of_the_api_also_by_each_filter_and_without_a_server() {
    let (_folder, database, server, key) = with_history();
    let asked = |query: &str| {
        let path = format!("/v1/audit?limit=1000{query}");
        server.request("GET", &path).bearer(&key).send().json()
    };
    let all = asked("");
    let rows_there = all.as_array().expect("an array");
    assert!(rows_there.len() > 8, "{all}");
    let middle = rows_there[4]["createdAt"]
        .as_str()
        .expect("a time")
        .to_owned();
    let actor = key[4..20].to_owned();
    for (words, query) in [
        (&[][..], String::new()),
        (&["--order", "asc"], "&order=asc".to_owned()),
        (
            &["--action", "key.created,webhook.created"],
            "&action=key.created,webhook.created".to_owned(),
        ),
        (
            &["--action", "key.created", "--action", "key.revoked"],
            "&action=key.created,key.revoked".to_owned(),
        ),
        (&["--actor", "cli"], "&actor=cli".to_owned()),
        (&["--actor", &actor], format!("&actor={actor}")),
        (&["--subject", "acme"], "&subject=acme".to_owned()),
        (
            &["--organization", "acme"],
            "&organizationId=acme".to_owned(),
        ),
        (&["--since", &middle], format!("&since={middle}")),
        (&["--until", &middle], format!("&until={middle}")),
    ] {
        let shown = asked(&query);
        assert!(!shown.as_array().expect("an array").is_empty(), "{query}");
        assert_eq!(rows(&database, words), shown, "{words:?}");
    }
    let newest = rows(&database, &["--limit", "2"]);
    assert_eq!(newest.as_array().expect("an array")[..], rows_there[..2]);
    server.signal("TERM");
    server.wait();
    assert_eq!(rows(&database, &[]), all);
}

#[test]
fn people_get_a_table_with_a_row_each() {
    let (_folder, database, _server, _key) = with_history();
    let (code, printed) = audit(
        &database,
        &["--action", "webhook.created,organization.deleted"],
    );
    assert_eq!(code, Some(0));
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 3, "{printed}");
    let header: Vec<_> = lines[0].split_whitespace().collect();
    let expected = [
        "TIME",
        "ACTION",
        "ACTOR",
        "SUBJECT",
        "ORGANIZATIONS",
        "DETAILS",
    ];
    assert_eq!(header, expected);
    let newest: Vec<_> = lines[1].split_whitespace().collect();
    assert_eq!(
        (newest[1], newest[3], newest[4]),
        ("organization.deleted", "acme", "acme")
    );
}

#[test]
fn more_rows_than_a_page_of_the_api_has_come_in_one_answer() {
    let (_folder, database, server, _key) = with_history();
    server.signal("TERM");
    server.wait();
    let conn = rusqlite::Connection::open(&database).expect("it opens");
    let sql = "with recursive n (x) as (select 1 union all select x + 1 from n where x < 2500)
               insert into audit (id, action, actor, created_at)
               select randomblob(16), 'secret.rotated', 'cli', 0 from n";
    conn.execute(sql, []).expect("rows");
    drop(conn);
    let count = |words: &[&str]| rows(&database, words).as_array().map(Vec::len);
    let words = ["--action", "secret.rotated", "--limit"];
    assert_eq!(count(&words[..2]), Some(100));
    assert_eq!(count(&[&words[..], &["2100"]].concat()), Some(2_100));
    assert_eq!(count(&[&words[..], &["9000"]].concat()), Some(2_500));
}

#[test]
fn what_cannot_be_asked_for_is_refused_with_the_flag_and_what_would_be_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    drop(Server::serve(&database));
    for (words, flag, right) in [
        (["--action", "key.creatd"], "--action", "key.created"),
        (["--actor", "me"], "--actor", "cli, dev, or server"),
        (["--subject", "a b"], "--subject", "1 to 128 characters"),
        (
            ["--organization", "a b"],
            "--organization",
            "1 to 128 characters",
        ),
        (["--since", "yesterday"], "--since", "RFC 3339"),
        (["--until", "2026-13-01"], "--until", "RFC 3339"),
        (["--order", "up"], "--order", "desc"),
        (["--limit", "0"], "--limit", "1..="),
    ] {
        let (code, printed) = audit(&database, &words);
        assert_eq!(code, Some(2), "{words:?}: {printed}");
        assert!(
            printed.contains(flag) && printed.contains(right),
            "{printed}"
        );
    }
    let (code, printed) = audit(&folder.path().join("other.db"), &[]);
    assert_eq!(code, Some(1), "{printed}");
}
