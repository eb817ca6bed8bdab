//! `invited config show`, `check` and `init`.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::{Place, run_with};
use crate::support::process::run;

/// What `config show` shows of everything, with these words behind it.
fn show(words: &[&str]) -> Vec<Value> {
    let output = run(&[&["config", "show", "--output", "json"], words].concat());
    let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    all.as_array().expect("an array").clone()
}

/// Keys and values of what is shown, but for the file itself.
fn values(shown: &[Value]) -> Vec<(Value, Value)> {
    let shown = shown.iter().filter(|one| one["key"] != "config");
    shown
        .map(|one| (one["key"].clone(), one["value"].clone()))
        .collect()
}

#[test]
fn a_begun_file_has_every_setting_and_changes_nothing() {
    let place = Place::new("");
    let path = place.folder.path().join("new.toml");
    let name = path.to_string_lossy().into_owned();
    assert!(run(&["config", "init", &name]).status.success());
    let mode = std::fs::metadata(&path)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).expect("text");
    assert_eq!(run(&["config", "init"]).stdout, text.as_bytes());
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    let without = show(&[]);
    assert!(without.len() > 40);
    for setting in without.iter().filter(|one| one["key"] != "config") {
        let (key, variable) = (setting["key"].as_str(), setting["variable"].as_str());
        let line = format!("\n#{} = ", key.expect("a key"));
        assert_eq!(text.matches(&line).count(), 1, "{setting}");
        let line = format!("\n# [env: {}]\n", variable.expect("a variable"));
        assert_eq!(text.matches(&line).count(), 1, "{setting}");
    }
    assert_eq!(values(&show(&["--config", &name])), values(&without));
    // Neither do the defaults that stand in it.
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) => rest,
        _ => line,
    });
    std::fs::write(&path, lines.collect::<Vec<_>>().join("\n")).expect("it is written");
    for (one, other) in show(&["--config", &name]).iter().zip(&without) {
        let holds = |one: &Value| {
            let value = one["value"].as_str().or(one["default"].as_str());
            value.unwrap_or_default().to_owned()
        };
        let is_same = one["key"] == "config" || holds(one) == holds(other);
        assert!(is_same, "{one} {other}");
    }
    assert!(
        run(&["config", "check", "--config", &name])
            .status
            .success()
    );
}

#[test]
fn a_file_is_never_replaced_without_leave() {
    let place = Place::new("log = 'warn'\n");
    let name = place.file.to_string_lossy().into_owned();
    let output = run(&["config", "init", &name]);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains(&name) && printed.contains("--force"),
        "{printed}"
    );
    assert_eq!(
        std::fs::read(&place.file).expect("a file"),
        b"log = 'warn'\n"
    );
    assert!(run(&["config", "init", &name, "--force"]).status.success());
    let text = std::fs::read_to_string(&place.file).expect("text");
    assert!(text.contains("#log = \"info\""), "{text}");
}

#[test]
fn a_disk_without_room_takes_no_settings_away() {
    // A file of the process may have 1 KiB: the template has more.
    let place = Place::new("log = 'warn'\n");
    let name = place.file.to_string_lossy().into_owned();
    let new = format!("{name}.new");
    for words in [&[&*name, "--force"][..], &[&*new]] {
        let mut shell = std::process::Command::new("sh");
        let limited = "trap '' XFSZ; ulimit -f 2; exec \"$@\"";
        shell
            .args(["-c", limited, "sh", env!("CARGO_BIN_EXE_invited")])
            .args(["config", "init"])
            .args(words);
        let output = shell.output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("cannot make"), "{said}");
    }
    assert_eq!(
        std::fs::read(&place.file).expect("a file"),
        b"log = 'warn'\n"
    );
    let folder = place.file.parent().expect("a folder");
    assert_eq!(std::fs::read_dir(folder).expect("it reads").count(), 1);
}

#[test]
fn a_check_tells_everything_that_is_wrong_at_once_and_touches_nothing() {
    let place = Place::new("lisen = 'x'\nlimit-key = 'many'\n[dev]\n");
    let words = place.words();
    let database = place.folder.path().join("none/invited.db");
    let output = run_with(
        &[
            "config",
            "check",
            &words[0],
            &words[1],
            "--output",
            "json",
            "--database",
            &database.to_string_lossy(),
        ],
        &[
            ("INVITED_KEEP_CLOSED", OsStr::new("x")),
            ("INVITED_SMTP_URL", OsStr::new("smtp://mail.test?tls=none")),
            ("INVITED_OIDC_ISSUER", OsStr::new("https://id.test")),
            ("INVITED_CA_FILE", OsStr::new("/no/such.pem")),
            ("INVITED_SECRET", OsStr::new("short")),
            ("INVITED_DATABAS", OsStr::new("x")),
        ],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(!database.parent().expect("a folder").exists());
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["ok"], false);
    let problems = report["problems"].to_string();
    for part in [
        "unknown key `lisen`",
        "`dev` is a table",
        "limit-key in ",
        "INVITED_KEEP_CLOSED",
        "--smtp-url needs --mail-from (--smtp-url is set by INVITED_SMTP_URL)",
        "the identity provider is named in part only",
        "/no/such.pem",
        "INVITED_SECRET",
    ] {
        assert!(problems.contains(part), "{part}: {problems}");
    }
    assert_eq!(problems.matches("\"what\"").count(), 8, "{problems}");
    assert_eq!(problems.matches("\"hint\"").count(), 8, "{problems}");
    let notes = report["notes"].to_string();
    assert!(notes.contains("did you mean INVITED_DATABASE?"), "{notes}");
}

#[test]
fn a_check_looks_at_the_files_that_settings_name() {
    let place = Place::new("");
    let junk = place.beside("junk.pem", b"junk");
    for (variable, value, part) in [
        (
            "INVITED_TLS_CERT",
            junk.as_str(),
            "--tls-cert needs --tls-key",
        ),
        ("INVITED_CA_FILE", &junk, "--ca-file"),
        (
            "INVITED_TEMPLATES_DIR",
            "/no/such/folder",
            "/no/such/folder",
        ),
        ("INVITED_SECRET_FILE", &junk, "junk.pem"),
        ("INVITED_SECRET_FILE", "/no/secret", "/no/secret"),
    ] {
        let output = run_with(&["config", "check"], &[(variable, OsStr::new(value))]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(2), "{variable}: {text}");
        assert!(
            text.starts_with("BAD ") && text.contains(part),
            "{variable}: {text}"
        );
    }
    let words = ["config", "check", "--tls-cert", &junk, "--tls-key", &junk];
    let text = String::from_utf8_lossy(&run(&words).stdout).into_owned();
    assert!(
        text.starts_with("BAD ") && text.contains("no certificate in PEM"),
        "{text}"
    );
}

#[test]
fn what_follows_from_a_bad_value_alone_is_not_told_besides() {
    let bad = [
        ("INVITED_PUBLIC_URL", OsStr::new("junk")),
        ("INVITED_SMTP_URL", OsStr::new("smtp://mail.test?tls=none")),
        ("INVITED_MAIL_FROM", OsStr::new("a@b.co")),
    ];
    let output = run_with(&["config", "check"], &bad);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_eq!(text.matches("BAD ").count(), 1, "{text}");
    let good = run_with(&["config", "check"], &[("INVITED_LOG", OsStr::new("warn"))]);
    let text = String::from_utf8_lossy(&good.stdout).into_owned();
    assert_eq!(good.status.code(), Some(0), "{text}");
    assert_eq!(
        text,
        "ok    settings by flags: 0, by variables: 1, by the file: 0\n"
    );
}

#[test]
fn what_is_shown_for_people_has_no_secret_and_says_where_values_come_from() {
    let secret = [
        (
            "INVITED_SMTP_URL",
            OsStr::new("smtp://user:hunter2@mail.test?tls=tls"),
        ),
        (
            "INVITED_MAIL_WEBHOOK",
            OsStr::new("https://app.test/mail?token=hunter2"),
        ),
    ];
    let output = run_with(&["config", "show", "--listen", "127.0.0.1:1"], &secret);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("hunter2"), "{text}");
    let line = |key: &str| {
        let found = text
            .lines()
            .find(|line| line.split(' ').next() == Some(key));
        let words = found.unwrap_or_default().split_whitespace();
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(line("listen"), ["listen", "127.0.0.1:1", "flag"]);
    assert_eq!(
        line("smtp-url"),
        [
            "smtp-url",
            "smtp://user:***@mail.test?tls=tls",
            "INVITED_SMTP_URL"
        ]
    );
    assert_eq!(
        line("mail-webhook"),
        [
            "mail-webhook",
            "https://app.test/***",
            "INVITED_MAIL_WEBHOOK"
        ]
    );
    assert_eq!(line("limit-address"), ["limit-address", "(300)", "default"]);
}

#[test]
fn a_check_refuses_a_certificate_that_nobody_would_see_as_a_start_does() {
    let place = Place::new("");
    let socket = format!("unix:{}", place.folder.path().join("i.sock").display());
    let (certificate, key) = ("/no/such.pem", "/no/such.key");
    let words = |listen: &str, more: &[&str]| {
        let words = [
            "config",
            "check",
            "--tls-cert",
            certificate,
            "--tls-key",
            key,
        ];
        let output = run(&[&words[..], &["--listen", listen], more].concat());
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stdout).expect("text")
    };
    let unseen = "--tls-cert is for addresses with a port, and --listen has none";
    assert!(words(&socket, &[]).contains(unseen));
    assert!(words(&socket, &["--metrics-listen", "127.0.0.1:0"]).contains(unseen));
    let dialect = words(&socket, &["--clickhouse-listen", "127.0.0.1:0"]);
    assert!(
        dialect.contains("cannot use the file of --tls-cert") && !dialect.contains(unseen),
        "{dialect}"
    );
    for seen in ["127.0.0.1:0", &format!("{socket},:0"), "systemd:"] {
        let found = words(seen, &[]);
        assert!(
            found.contains("cannot use the file of --tls-cert") && !found.contains(unseen),
            "{found}"
        );
    }
    let database = place.folder.path().join("invited.db");
    let database = database.to_string_lossy();
    let words = ["serve", "--tls-cert", certificate, "--tls-key", key];
    let more = ["--listen", &*socket, "--database", &*database];
    let output = run(&[&words[..], &more].concat());
    assert!(String::from_utf8_lossy(&output.stderr).contains(unseen));
}
