//! What a script wrote: a seed, imported into the data file of a server.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::{Place, export, failed, import, import_text, succeeded, word};
use crate::support::process::{Server, run, skipped};

/// A seed with one organization.
const SEED: &str = r#"{"organization":{"id":"acme","settings":{"name":"Acme Ltd."}}}
{"invitation":{"organizationId":"acme","email":"Ada@Example.com","role":"admin","createdAt":"2026-01-05T10:00:00Z","status":"accepted","acceptedAt":"2026-01-06T10:00:00Z","acceptedBy":"user_7"}}
{"invitation":{"organizationId":"acme","email":"bob@example.com","role":"admin","notify":true,"redirectUrl":"https://app.example.com/"}}
"#;

#[test]
fn a_seed_is_imported_with_its_history_and_without_mail() {
    let folder = tempfile::tempdir().expect("a folder");
    let (to, file) = (
        folder.path().join("to.db"),
        folder.path().join("seed.jsonl"),
    );
    fs::write(&file, SEED).expect("it is written");
    let tried = succeeded(&import(&to, &[&word(&file), "--dry-run"]));
    assert!(
        tried.contains("organizations 1, invitations 2\n"),
        "{tried}"
    );
    assert!(!to.exists());
    let told = succeeded(&import(&to, &[&word(&file)]));
    assert!(
        told.contains("no checksum was checked: it is a seed"),
        "{told}"
    );
    let text = succeeded(&export(&to, &["-"]));
    for part in [
        r#""email":"ada@example.com","createdAt":"2026-01-05T10:00:00.000Z""#,
        r#""acceptedAt":"2026-01-06T10:00:00.000Z","acceptedBy":"user_7""#,
        r#""delivery":"none""#,
        r#""type":"invitation.accepted""#,
        r#""settings":{"name":"Acme Ltd."}"#,
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("queued"), "{text}");
    succeeded(&run(&["verify", "--database", &word(&to)]));
    let before = Place::contents(&to);
    let said = failed(&import_text(&to, SEED));
    assert!(
        said.contains("line 1: /organization/settings: this organization is there"),
        "{said}"
    );
    let bare = SEED.lines().skip(1).collect::<Vec<_>>().join("\n");
    let said = failed(&import_text(&to, &bare));
    assert!(said.contains("line 1: /invitation/email: "), "{said}");
    assert_eq!(Place::contents(&to), before);
    let more = bare
        .replace("ada@", "new@")
        .replace("Ada@", "new@")
        .replace("bob@", "joe@");
    succeeded(&import_text(&to, &more));
    assert_eq!(Place::contents(&to)["invitations"], 4);
}

#[test]
fn a_byte_order_mark_of_an_editor_is_skipped_and_another_encoding_is_named() {
    let place = Place::new();
    let marked = |text: &str| format!("\u{feff}{text}");
    let document = r#"{"organizations":[{"id":"globex"}]}"#;
    for (name, text) in [
        ("lines", SEED),
        ("document", document),
        ("export", &place.text),
    ] {
        let to = place.path(&format!("{name}.db"));
        let file = place.path(name);
        fs::write(&file, marked(text)).expect("it is written");
        succeeded(&import(&to, &[&word(&file), "--dry-run"]));
        succeeded(&import_text(&to, marked(text)));
        let unmarked = place.path(&format!("{name}-unmarked.db"));
        succeeded(&import_text(&unmarked, text));
        assert_eq!(Place::contents(&to), Place::contents(&unmarked), "{name}");
        let wide: Vec<_> = marked(text).encode_utf16().collect();
        let wide: Vec<_> = wide.into_iter().flat_map(u16::to_le_bytes).collect();
        let said = failed(&import_text(&place.path("wide.db"), wide));
        assert!(
            said.contains("The file is not JSON: it is UTF-16 or UTF-32, and must be UTF-8."),
            "{name}: {said}"
        );
    }
    // One is skipped, and only at the beginning.
    let said = failed(&import_text(&place.path("x.db"), marked(&marked(document))));
    assert!(said.contains("it begins with a byte order mark"), "{said}");
}

#[test]
fn keys_and_webhooks_are_for_development_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let to = folder.path().join("to.db");
    for line in [
        r#"{"key":{"key":"ivk_x","name":"ci","scopes":["admin"]}}"#,
        r#"{"webhook":{"url":"https://app.example.com/hooks"}}"#,
    ] {
        let said = failed(&import_text(&to, format!("{SEED}{line}\n")));
        assert!(said.contains("line 4: /"), "{said}");
        assert!(said.contains("are made by the server"), "{said}");
        assert!(!to.exists());
    }
}

#[test]
fn the_script_of_the_guide_makes_a_seed_of_a_table() {
    let guide = include_str!("../../../docs/move.md");
    let block = |language: &str| {
        let start = format!("```{language}\n");
        let rest = guide.split(start.as_str()).nth(1).expect("a block");
        rest.split("```").next().expect("its end").to_owned()
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("people.csv"), block("csv")).expect("it is written");
    fs::write(path("seed.py"), block("python")).expect("it is written");
    let mut python = Command::new("python3");
    python.arg(path("seed.py")).arg(path("people.csv"));
    let Ok(output) = python.output() else {
        return skipped("the script of the guide: there is no python3");
    };
    let lines = succeeded(&output);
    succeeded(&import_text(&path("to.db"), &lines));
    let text = succeeded(&export(&path("to.db"), &["-"]));
    let invitations: Vec<Value> = text
        .lines()
        .filter(|line| line.starts_with(r#"{"invitation""#))
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let statuses: Vec<_> = invitations
        .iter()
        .map(|one| &one["invitation"]["status"])
        .collect();
    assert_eq!(statuses.len(), block("csv").lines().count() - 1);
    assert!(
        statuses.iter().any(|status| *status == "accepted"),
        "{statuses:?}"
    );
}

#[test]
fn webhooks_are_told_of_nothing_that_a_seed_puts_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let server = Server::serve(&database);
    let key = server.admin_key().expect("an admin key");
    let request = server.request("POST", "/v1/webhooks").bearer(&key);
    let made = request
        .json(r#"{"url":"https://hooks.example.com/"}"#)
        .send();
    assert_eq!(made.status, 201, "{}", made.text());
    drop(server);
    succeeded(&import_text(&database, SEED));
    let conn = rusqlite::Connection::open(&database).expect("it opens");
    let count = |table: &str| {
        let sql = format!("select count(*) from {table}");
        conn.query_row(&sql, [], |row| row.get::<_, i64>(0))
    };
    assert_eq!(count("event").ok(), Some(4), "the control");
    assert_eq!(count("webhook_delivery").ok(), Some(0));
}

#[test]
fn an_organization_that_comes_after_its_invitations_may_bring_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = r#"
{"invitation":{"organizationId":"acme","email":"a@b.co","role":"r"}}
{"organization":{"id":"acme","settings":{"name":"A"},"invitations":[{"email":"b@b.co","role":"r"}]}}
"#;
    let told = succeeded(&import_text(&folder.path().join("to.db"), text));
    assert!(told.contains("organizations 1, invitations 2\n"), "{told}");
}
