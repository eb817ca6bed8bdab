//! What is wrong with a server: what each check finds, over HTTP and by `invited doctor`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use invited::key::Scope;
use serde_json::{Value, json};

use crate::support::process::{invited, run};
use crate::support::smtp::{Act, Smtp};
use crate::support::{START, TestApp};

/// The finding called `name`.
fn finding(findings: &Value, name: &str) -> Value {
    let mut all = findings.as_array().expect("an array").iter();
    let found = all.find(|one| one["name"] == name);
    found
        .unwrap_or_else(|| panic!("{name}: {findings}"))
        .clone()
}

/// What the server finds under `name`.
fn ask(app: &TestApp, name: &str) -> Value {
    let answer = app.get("/v1/findings");
    assert_eq!(answer.status, 200, "{}", answer.text());
    finding(&answer.json(), name)
}

/// Runs `invited doctor --output json` on the file at `database`.
fn doctor(database: &Path, more: &[&str]) -> (i32, Value) {
    let database = database.to_string_lossy();
    let words = [
        "doctor",
        "--offline",
        "--output",
        "json",
        "--database",
        &database,
    ];
    let output = run(&[&words, more].concat());
    let findings = serde_json::from_slice(&output.stdout);
    (
        output.status.code().expect("a code"),
        findings.unwrap_or_else(|error| panic!("{error}: {}", text(&output))),
    )
}

/// What a command printed.
fn text(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(both).expect("text")
}

/// Gives a file the rights `mode`.
fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it can be set");
}

#[test]
fn a_server_with_good_settings_has_no_finding_that_is_bad() {
    let settings = ["--accept-url", "https://app.example.com/join"];
    let app = TestApp::start(Mode::Serve, &settings);
    let findings = app.get("/v1/findings").json();
    for one in findings.as_array().expect("an array") {
        assert_ne!(one["state"], "bad", "{one}");
        assert_eq!(one["fix"].is_string(), one["state"] != "ok", "{one}");
    }
    for name in ["version", "sqlite", "schema", "data_file", "secret", "disk"] {
        assert!(finding(&findings, name)["detail"].is_string());
    }
    let folder = app.database.parent().expect("a folder").to_string_lossy();
    assert!(!findings.to_string().contains(&*folder), "{findings}");
}

#[test]
fn rights_of_others_are_found_by_the_server_and_by_the_command() {
    let app = TestApp::serve();
    let secret = app.database.with_added_extension("secret");
    for (path, name, mode, state) in [
        (&app.database, "data_file", 0o644, "warn"),
        (&secret, "secret", 0o640, "warn"),
        (&secret, "secret", 0o620, "bad"),
    ] {
        assert_eq!(ask(&app, name)["state"], "ok");
        set_mode(path, mode);
        let found = ask(&app, name);
        assert_eq!(found["state"], state, "{found}");
        assert!(
            found["fix"]
                .as_str()
                .is_some_and(|fix| fix.contains("chmod 600"))
        );
        let (code, findings) = doctor(&app.database, &[]);
        assert_eq!(finding(&findings, name), found);
        assert_eq!(code, i32::from(state == "bad"), "{findings}");
        set_mode(path, 0o600);
    }
}

#[test]
fn a_secret_with_which_the_server_would_not_start_is_bad() {
    let app = TestApp::serve();
    let other = "0123456789abcdef".repeat(4);
    let own = fs::read_to_string(app.secret_file()).expect("a secret");
    for (secret, state, said) in [
        (&*other, "bad", "another secret, which does not belong to"),
        ("short", "bad", "has 5 bytes, fewer than 32"),
        ("", "bad", "is empty"),
        (&own, "ok", "private"),
    ] {
        fs::write(app.secret_file(), secret).expect("it is written");
        let (code, findings) = doctor(&app.database, &[]);
        let found = finding(&findings, "secret");
        assert_eq!(found["state"], state, "{found}");
        assert_eq!(code, i32::from(state == "bad"), "{findings}");
        assert!(found["detail"].to_string().contains(said), "{found}");
    }
    let mut given = invited();
    given.args(["doctor", "--offline", "--database"]);
    given.arg(&app.database).env("INVITED_SECRET", &other);
    let printed = text(&given.output().expect("it runs"));
    assert!(printed.contains("BAD  secret"), "{printed}");
}

#[test]
fn a_clock_that_is_behind_the_newest_event_is_bad() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    assert_eq!(ask(&app, "clock")["state"], "ok");
    app.advance_to(-30_000);
    assert_eq!(ask(&app, "clock")["state"], "ok", "synchronization");
    app.advance_to(-2 * 60 * 60 * 1000);
    let found = ask(&app, "clock");
    assert_eq!(found["state"], "bad");
    assert_eq!(
        found["detail"],
        "the clock is 7200 s behind the newest event"
    );
}

#[test]
fn mail_that_waits_for_long_is_found_with_its_error() {
    let smtp = Smtp::start();
    smtp.script(&[Act::Answer("451 4.7.1 greylisted"); 9]);
    let url = smtp.url();
    let words = ["--smtp-url", &url, "--mail-from", "invitations@acme.test"];
    let app = TestApp::start(Mode::Serve, &words);
    assert_eq!(ask(&app, "mail")["detail"], "a mail server is set");
    assert_eq!(ask(&app, "mail_queue")["state"], "ok");
    app.invite("acme", "a@b.co");
    let deadline = Instant::now() + Duration::from_secs(10);
    while app.get("/v1/mail-queue").json()[0]["state"] != "retrying" {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(10));
    }
    // Beside the server, whose next tries would come.
    let queued = |hours: i64| {
        let at = START - hours * 60 * 60 * 1000;
        let job = move |tx: &invited::db::WriteTx<'_>| {
            Ok(tx.execute("update mail set queued_at = ?1", [at])?)
        };
        assert_eq!(invited::db::write_file(&app.database, job), Ok(1));
        ask(&app, "mail_queue")
    };
    assert_eq!(queued(0)["state"], "ok");
    let found = queued(2);
    assert_eq!(found["state"], "warn");
    assert!(
        found["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("greylisted"))
    );
    assert_eq!(queued(13)["state"], "bad");
}

#[test]
fn settings_that_lead_people_nowhere_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    drop(crate::support::process::Server::serve(&database));
    for (words, name, state) in [
        (vec![], "public_url", "ok"),
        (vec!["--listen", "0.0.0.0:8080"], "public_url", "warn"),
        (
            vec!["--public-url", "http://0.0.0.0:8080"],
            "public_url",
            "bad",
        ),
        (
            vec!["--public-url", "http://[::]:8080"],
            "public_url",
            "bad",
        ),
        (
            vec!["--public-url", "http://invites.example.com"],
            "public_url",
            "warn",
        ),
        (
            vec!["--public-url", "http://127.0.0.1:8080"],
            "public_url",
            "ok",
        ),
        (
            vec!["--public-url", "https://invites.example.com"],
            "public_url",
            "ok",
        ),
        (
            vec!["--public-url", "https://invites.example.com"],
            "proxies",
            "warn",
        ),
        (
            vec![
                "--public-url",
                "https://invites.example.com",
                "--trusted-proxies",
                "10.0.0.0/8",
            ],
            "proxies",
            "ok",
        ),
        (vec![], "mail", "warn"),
        (
            vec!["--accept-url", "https://app.example.com/join"],
            "mail",
            "ok",
        ),
        (vec!["--keep-closed", "30"], "retention", "ok"),
    ] {
        let (code, findings) = doctor(&database, &words);
        let found = finding(&findings, name);
        assert_eq!(found["state"], state, "{words:?}: {found}");
        assert_eq!(code, i32::from(state == "bad"), "{words:?}: {findings}");
    }
}

#[test]
fn settings_that_keep_a_server_from_starting_are_a_finding() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = [
        "--smtp-url",
        "smtp://127.0.0.1:25?tls=none",
        "--mail-from",
        "a@b.co",
    ];
    let (code, findings) = doctor(&folder.path().join("invited.db"), &words);
    assert_eq!(code, 1);
    let found = finding(&findings, "settings");
    assert_eq!(found["state"], "bad");
    assert!(
        found["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("--public-url"))
    );
}

#[test]
fn what_the_file_tells_is_told_also_where_a_setting_is_bad() {
    let app = TestApp::start(Mode::Serve, &[]);
    app.invite("acme", "ada@example.com");
    let missing = "--backup-dir=/there/is/no/such/folder";
    for wrong in [
        &[missing, "--backup-every", "1d"][..],
        &["--smtp-url", "smtp://a.example"],
    ] {
        let (code, findings) = doctor(&app.database, wrong);
        assert_eq!(code, 1);
        assert_eq!(finding(&findings, "settings")["state"], "bad");
        assert_eq!(finding(&findings, "server")["state"], "ok");
        assert_eq!(finding(&findings, "schema")["state"], "ok");
    }
}

#[test]
fn a_file_that_is_missing_or_not_ours_is_a_finding_and_is_never_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let (code, findings) = doctor(&database, &[]);
    assert_eq!(
        (code, finding(&findings, "data_file")["state"].clone()),
        (1, json!("bad"))
    );
    assert!(!database.exists());
    assert_eq!(finding(&findings, "log")["state"], "ok");
    let log = fs::File::create(folder.path().join("invited.db-wal")).expect("a file");
    log.set_len(65 * 1024 * 1024).expect("it grows");
    let (_, findings) = doctor(&database, &[]);
    assert_eq!(finding(&findings, "log")["state"], "warn");
    fs::remove_file(folder.path().join("invited.db-wal")).expect("it goes");
    fs::write(&database, "not a database, and long enough to be looked at").expect("it writes");
    set_mode(&database, 0o600);
    let (code, findings) = doctor(&database, &[]);
    assert_eq!(
        (code, finding(&findings, "contents")["state"].clone()),
        (1, json!("bad"))
    );
}

#[test]
fn the_command_prints_lines_for_people_and_says_how_many_are_bad() {
    let app = TestApp::serve();
    let database = app.database.to_string_lossy().into_owned();
    let words = ["doctor", "--offline", "--database", &database];
    let fine = run(&words);
    assert_eq!(fine.status.code(), Some(0), "{}", text(&fine));
    assert!(
        text(&fine).contains("\nok   disk         "),
        "{}",
        text(&fine)
    );
    assert!(
        text(&fine).contains("warn mail         off"),
        "{}",
        text(&fine)
    );
    assert!(text(&fine).contains("                  fix: set --smtp-url"));
    let bad = invited()
        .args(words)
        .args(["--public-url", "http://0.0.0.0:1"])
        .output()
        .expect("it runs");
    assert_eq!(bad.status.code(), Some(1));
    assert!(text(&bad).contains("BAD  public_url   http://0.0.0.0:1/ is no address"));
    assert!(
        text(&bad).contains("1 of 16 findings are bad"),
        "{}",
        text(&bad)
    );
}

#[test]
fn before_a_first_start_only_the_data_file_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, findings) = doctor(&folder.path().join("invited.db"), &[]);
    let all = findings.as_array().expect("an array").iter();
    let bad: Vec<_> = all.filter(|one| one["state"] == "bad").collect();
    assert_eq!((code, bad.len()), (1, 1), "{findings}");
    assert_eq!(bad[0]["detail"], "there is no data file");
    let (code, findings) = doctor(&folder.path().join("other/invited.db"), &[]);
    assert_eq!(
        (code, finding(&findings, "secret")["state"].clone()),
        (1, json!("ok"))
    );
    let app = TestApp::serve();
    fs::remove_file(app.secret_file()).expect("it goes");
    let (_, findings) = doctor(&app.database, &[]);
    assert_eq!(finding(&findings, "secret")["state"], "bad");
}

#[test]
fn only_a_key_for_all_organizations_sees_what_is_wrong_with_the_server() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    let ask = |scopes: &[Scope], organizations: &[&str]| {
        let key = app.key(scopes, organizations, None);
        app.anonymous("GET", "/v1/findings").bearer(&key).send()
    };
    assert_eq!(ask(&[Scope::Admin], &[]).status, 200);
    assert_eq!(ask(&[Scope::Read, Scope::Write], &[]).status, 403);
    let bound = ask(&[Scope::Admin], &["acme"]);
    assert_eq!((bound.status, &*bound.code()), (404, "not_found"));
}

#[test]
fn a_setting_that_keeps_the_server_from_starting_is_named_with_what_sets_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let file = folder.path().join("invited.toml");
    fs::write(&file, "\nsmtp-url = 'smtp://mail.test?tls=none'\n").expect("it is written");
    let words = ["doctor", "--offline", "--output", "json", "--database"];
    let check = |name: &str, value: &str| {
        let mut command = invited();
        let command = command.args(words).arg(&database).env(name, value);
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        let findings = serde_json::from_slice(&output.stdout).expect("JSON");
        finding(&findings, "settings")["detail"].to_string()
    };
    let by_variable = check("INVITED_SMTP_URL", "smtp://mail.test?tls=none");
    assert!(
        by_variable.contains("--smtp-url is set by INVITED_SMTP_URL"),
        "{by_variable}"
    );
    let by_file = check("INVITED_CONFIG", &file.to_string_lossy());
    assert!(by_file.contains("invited.toml, line 2"), "{by_file}");
    let by_variable = check("INVITED_SIGN_IN_URL", "https://id.test");
    assert!(by_variable.contains("INVITED_SIGN_IN_URL"), "{by_variable}");
}
