//! What the binary says of mail at its start.

use std::process::Stdio;

use serde_json::json;

use crate::support::process::{Server, invited, run};
use crate::support::smtp::Smtp;

/// Runs the binary to its end on a port of its own. Returns exit code and error.
pub(super) fn fails(words: &[&str], url: Option<&str>) -> (Option<i32>, String) {
    fails_listening(&[&["--listen", "127.0.0.1:0"], words].concat(), url)
}

/// The same where the words say where it listens, if anywhere else than by default.
fn fails_listening(words: &[&str], url: Option<&str>) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let mut command = invited();
    command
        .args(["serve", "--database", &database.to_string_lossy()])
        .args(words);
    if let Some(url) = url {
        command.env("INVITED_SMTP_URL", url);
    }
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    assert!(!database.exists(), "nothing is made: {words:?}");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn settings_that_cannot_work_are_told_with_a_hint_and_never_with_the_password() {
    let from = ["--mail-from", "a@acme.test"];
    for (words, url, part) in [
        (&from[..], "smtp://user:hunter2@mail.test", "tls=starttls"),
        (
            &from,
            "smtp://user:hunter2@mail.test?tls=none",
            "in the clear",
        ),
        (
            &from,
            "smtp://user:hunter2@mail.test?tls=maybe",
            "--smtp-url",
        ),
        (&from, "hunter2", "smtp://"),
        (&from, "smtp://user:hunter2#w@mail.test?tls=tls", "%23"),
        (&from, "smtp://user:hunter2/w@mail.test?tls=tls", "%2F"),
        (&from, "smtp://user:12@hunter2/@mail.test?tls=tls", "%40"),
        (&from, "smtps://user:hunter2@mail.test?tls=none", "smtp://"),
        (&[], "smtp://user:hunter2@mail.test?tls=tls", "--mail-from"),
        (
            &["--mail-from", "nobody"],
            "smtp://user:hunter2@mail.test?tls=tls",
            "--mail-from",
        ),
        (
            &["--remind-before", "1s"],
            "smtp://127.0.0.1?tls=none",
            "--remind-before",
        ),
    ] {
        let (code, error) = fails(words, Some(url));
        assert_eq!(code, Some(2), "{error}");
        assert!(
            error.contains(part) && !error.contains("hunter2"),
            "{error}"
        );
    }
    let help = invited()
        .env("INVITED_SMTP_URL", "smtp://user:hunter2@mail.test?tls=tls")
        .args(["serve", "--help"])
        .output();
    let help = String::from_utf8_lossy(&help.expect("it runs").stdout).into_owned();
    assert!(
        help.contains("INVITED_SMTP_URL") && !help.contains("hunter2"),
        "{help}"
    );
}

#[test]
fn a_template_that_cannot_be_used_is_named_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_string_lossy().into_owned();
    for (name, text, line) in [
        ("invitation.txt", &b"one\n{% if %}"[..], ", line 2"),
        ("code.html", b"one\n\n{{ nobody }}", ", line 3"),
        ("notice.subject.txt", b"{{ email | nothing }}", ", line 1"),
        ("layout.html", b"\xff\xfe", ""),
        ("inviation.txt", b"a name that is none", ""),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, text).expect("a file");
        let (code, error) = fails(&["--templates-dir", &path], None);
        assert_eq!(code, Some(2), "{error}");
        assert!(
            error.contains(&format!("{}{line}: ", file.display())) && error.contains("hint"),
            "{error}"
        );
        std::fs::remove_file(file).expect("it is there");
    }
    assert_eq!(
        fails(&["--templates-dir", "/nowhere/at/all"], None).0,
        Some(2)
    );
    assert_eq!(
        run(&["serve", "--templates-dir", "--database"])
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn the_banner_says_how_mail_leaves_and_without_a_server_links_still_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::serve(&folder.path().join("invited.db"));
    assert!(
        server
            .banner_value("mail")
            .is_some_and(|mail| mail.starts_with("off: ")),
        "{:?}",
        server.banner
    );
    let links = server.banner_value("links").expect("where links lead");
    assert!(
        links.contains("lead nowhere")
            && links.contains("--smtp-url")
            && links.contains("--accept-url"),
        "{links}"
    );
    let key = server.admin_key().expect("a key");
    let path = "/v1/organizations/acme/invitations";
    let body = r#"{"email":"ada@example.com","role":"developer"}"#;
    let made = server
        .request("POST", path)
        .bearer(&key)
        .json(body)
        .send()
        .json();
    assert_eq!(made["delivery"], "none");
    let link = format!("{path}/{}/link", made["id"].as_str().expect("an id"));
    assert_eq!(
        server
            .request("POST", &link)
            .bearer(&key)
            .json("{}")
            .send()
            .status,
        200
    );
}

#[test]
fn development_sends_where_it_is_told_to() {
    let (smtp, folder) = (Smtp::start(), tempfile::tempdir().expect("a folder"));
    let database = folder
        .path()
        .join("invited.db")
        .to_string_lossy()
        .into_owned();
    let words = [
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--database",
        &database,
        "--mail-from",
        "a@acme.test",
        "--smtp-url",
        &smtp.url(),
    ];
    let server = Server::start(&words);
    assert_eq!(
        server.banner_value("mail"),
        Some(format!("smtp {} (none)", smtp.address))
    );
    let body = json!({"email": "ada@example.com", "role": "developer"}).to_string();
    assert_eq!(
        server
            .request("POST", "/v1/organizations/new/invitations")
            .json(body)
            .send()
            .status,
        201
    );
    assert_eq!(smtp.wait(1)[0].to, ["ada@example.com"]);
    assert_eq!(server.banner_value("links"), None, "mail brings the code");
    let own = folder.path().join("own.db");
    let page = Server::spawn(
        invited()
            .args(["serve", "--listen", "127.0.0.1:0", "--database"])
            .arg(own)
            .args(["--accept-url", "https://app.acme.test/join"]),
    );
    assert_eq!(page.banner_value("links"), None, "the page is another one");
    let kept = Server::start(&["dev", "--listen", "127.0.0.1:0"]);
    assert!(
        kept.banner_value("mail")
            .is_some_and(|mail| mail.contains("/console/desk"))
    );
}

#[test]
fn serve_sends_no_mail_whose_links_would_lead_to_the_address_that_it_listens_on() {
    let url = "smtp://user:hunter2@mail.test?tls=tls";
    for more in [
        &[][..],
        &["--listen", "0.0.0.0:0"],
        &["--redirect-origins", "https://app.acme.test"],
    ] {
        let words = [&["--mail-from", "a@acme.test"], more].concat();
        let (code, error) = fails_listening(&words, Some(url));
        assert_eq!(code, Some(2), "{error}");
        assert!(
            error.contains("--smtp-url needs --public-url")
                && error.contains("hint")
                && !error.contains("hunter2"),
            "{error}"
        );
    }
}

/// The notes in the banner of a server that sends mail, started with these words.
fn notes(words: &[&str]) -> Vec<String> {
    let (smtp, folder) = (Smtp::start(), tempfile::tempdir().expect("a folder"));
    let database = folder.path().join("invited.db");
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--mail-from",
        "a@acme.test",
    ];
    let server = Server::spawn(
        invited()
            .args(serve)
            .args(["--smtp-url", &smtp.url(), "--database"])
            .arg(&database)
            .args(words),
    );
    let note = |line: &String| line.trim_start().strip_prefix("note ").map(str::to_owned);
    server.banner.iter().filter_map(note).collect()
}

#[test]
fn links_without_tls_are_told_unless_they_lead_to_this_machine() {
    for words in [
        &["--public-url", "http://127.0.0.1:8080"][..],
        &["--public-url", "http://localhost:8080"],
        &["--public-url", "http://[::1]"],
        &["--public-url", "https://invites.acme.test"],
        &["--accept-url", "https://app.acme.test/join"],
    ] {
        let notes = notes(words);
        assert!(
            !notes.iter().any(|note| note.contains("TLS")),
            "{words:?}: {notes:?}"
        );
    }
    for words in [
        ["--public-url", "http://invites.acme.test"],
        ["--public-url", "http://10.0.0.7:8080"],
        ["--accept-url", "http://localhost.acme.test/join"],
    ] {
        let notes = notes(&words);
        let [flag, url] = words;
        let is_told = |note: &String| note.contains(flag) && note.contains(url);
        assert!(notes.iter().any(is_told), "{words:?}: {notes:?}");
    }
}
