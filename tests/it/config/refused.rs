//! What is refused is named by the variable, or by the file and its line.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;

use serde_json::Value;

use super::{Place, refusal, run_with};
use crate::support::process::run;

#[test]
fn a_file_that_cannot_be_used_is_named_with_line_key_and_what_to_do() {
    for (text, line, parts) in [
        (
            "\nlisen = 'x'",
            2,
            &["unknown key `lisen`", "did you mean `listen`?"][..],
        ),
        (
            "smtp_ulr = 'x'",
            1,
            &["`smtp_ulr`", "did you mean `smtp-url`?"],
        ),
        (
            "INVITED_LISTEN = 'x'",
            1,
            &["`INVITED_LISTEN`", "did you mean `listen`?"],
        ),
        (
            "INVITED_METRICS_LISTEN = 'x'",
            1,
            &["did you mean `metrics-listen`?"],
        ),
        ("zzz = 1", 1, &["unknown key `zzz`", "invited config init"]),
        (
            "new-secret = true",
            1,
            &["`new-secret`", "on the command line"],
        ),
        ("config = 'x'", 1, &["unknown key `config`"]),
        (
            "\n\n[dev]\nseed = 'x'",
            3,
            &["`dev` is a table", "stands at the top"],
        ),
        ("limit.key = 5", 1, &["`limit` is a table"]),
        ("log = 'info'\nlog = 'warn'", 2, &["duplicate key"]),
        (
            "smtp-url = 'x'\nsmtp_url = 'y'",
            2,
            &["`smtp-url` is given twice"],
        ),
        ("listen = 127.0.0.1:8080", 1, &["hint: "]),
        (
            "\nlisten = 'nowhere'",
            2,
            &["invalid value 'nowhere' for listen in "],
        ),
        (
            "limit-key = 1.5",
            1,
            &["`limit-key` cannot be a number with a fraction"],
        ),
        ("limit-key = 'many'", 1, &["'many' for limit-key in "]),
        (
            "keep-closed = 9999",
            1,
            &["'9999' for keep-closed in ", "from 1 to 3650"],
        ),
        ("log = ['info', 'warn']", 1, &["log in ", "takes one value"]),
        ("roles = [['a']]", 1, &["`roles` cannot be this list"]),
        ("roles = ['a b']", 1, &["'a b' for roles in "]),
        ("acceptance = 'cod'", 1, &["'cod' for acceptance in "]),
        ("default-expiry = 2026-01-01", 1, &["cannot be a date"]),
    ] {
        let place = Place::new(text);
        let words = place.words();
        let printed = refusal(&["serve", &words[0], &words[1]], &[]);
        assert!(printed.contains(&place.line(line)), "{text}: {printed}");
        for part in parts {
            assert!(printed.contains(part), "{text}: {printed}");
        }
    }
}

#[test]
fn a_file_that_is_missing_or_no_text_is_named() {
    let printed = refusal(
        &["serve"],
        &[("INVITED_CONFIG", OsStr::new("/no/such.toml"))],
    );
    assert!(
        printed.contains("/no/such.toml") && printed.contains("hint: "),
        "{printed}"
    );
    let place = Place::new("");
    std::fs::write(&place.file, b"log = '\xff'").expect("it is written");
    let words = place.words();
    let printed = refusal(&["key", "list", &words[0], &words[1]], &[]);
    assert!(printed.contains("is not text"), "{printed}");
}

#[test]
fn a_byte_order_mark_before_the_file_is_let_be() {
    let place = Place::new("\u{feff}log = 'warn'\n");
    let words = place.words();
    let value = super::shown("log", &[&words[0], &words[1]], &[]);
    assert_eq!(value["value"], "warn");
}

#[test]
fn a_bad_variable_is_named_and_shown_so_that_everything_is_seen() {
    for (variable, value, parts) in [
        (
            "INVITED_LISTEN",
            &b"nowhere"[..],
            &["invalid value 'nowhere' for INVITED_LISTEN"][..],
        ),
        (
            "INVITED_LISTEN",
            b"127.0.0.1:0\r",
            &["'127.0.0.1:0\\r' for INVITED_LISTEN"],
        ),
        (
            "INVITED_PUBLIC_URL",
            b"x.test",
            &["INVITED_PUBLIC_URL", "--public-url"],
        ),
        (
            "INVITED_KEEP_CLOSED",
            b"0",
            &["'0' for INVITED_KEEP_CLOSED"],
        ),
        (
            "INVITED_CONSOLE",
            b"onn",
            &["'onn' for INVITED_CONSOLE", "did you mean on"],
        ),
        (
            "INVITED_NOTIFY_INVITERS",
            b"perhaps",
            &["'perhaps' for INVITED_NOTIFY_INVITERS"],
        ),
        (
            "INVITED_LISTEN",
            b"\xff",
            &["INVITED_LISTEN is not text (UTF-8)"],
        ),
        (
            "INVITED_LOG",
            b"\xff\xfe",
            &["INVITED_LOG is not text (UTF-8)"],
        ),
        (
            "INVITED_SMTP_URL",
            b"\xff",
            &["INVITED_SMTP_URL is not text (UTF-8)"],
        ),
        (
            "INVITED_SMTP_URL",
            b"hunter2",
            &["--smtp-url is set by INVITED_SMTP_URL"],
        ),
        (
            "INVITED_SIGN_IN_URL",
            b"https://x.test",
            &["--sign-in-url is set by INVITED_SIGN_IN_URL"],
        ),
        (
            "INVITED_SMTP_CLIENT_ID",
            b"x",
            &["--smtp-client-id is set by INVITED_SMTP_CLIENT_ID"],
        ),
    ] {
        let printed = refusal(&["serve"], &[(variable, OsStr::from_bytes(value))]);
        for part in parts {
            assert!(printed.contains(part), "{variable}: {printed}");
        }
        assert!(
            !printed.contains("hunter2") && !printed.contains('\r'),
            "{printed}"
        );
    }
    let flag = run(&["serve", "--listen", "127.0.0.1:0\r"]);
    let printed = String::from_utf8_lossy(&flag.stderr).into_owned();
    assert!(
        printed.contains("'127.0.0.1:0\\r'") && !printed.contains('\r'),
        "{printed}"
    );
}

#[test]
fn flags_of_other_programs_are_told_what_they_are_here() {
    for (words, part) in [
        (&["serve", "--port", "80"][..], "--listen 127.0.0.1:80"),
        (&["--port=80"], "--listen 127.0.0.1:80"),
        (&["dev", "--host", "0.0.0.0"], "--listen 0.0.0.0:8080"),
        (&["doctor", "--json"], "--output json"),
        (&["key", "list", "--json"], "--output json"),
        (
            &["backup", "--data-dir", "x", "y"],
            "--database x/invited.db",
        ),
    ] {
        let printed = refusal(words, &[]);
        assert!(printed.contains(part), "{words:?}: {printed}");
    }
}

#[test]
fn a_start_that_is_refused_is_a_record_where_the_log_is_for_programs() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db").display().to_string();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let free = "127.0.0.1:0";
    let cases = [
        (
            taken.as_str(),
            "INVITED_LOG_ADDRESSES",
            "full",
            1,
            "cannot listen on",
        ),
        (free, "INVITED_SECRET", "short", 2, "in INVITED_SECRET"),
        (free, "INVITED_SMTP_URL", "mail", 2, "INVITED_SMTP_URL"),
        (free, "INVITED_CONFIG", "/no/such", 2, "/no/such"),
    ];
    for (listen, variable, value, code, what) in cases {
        for command in ["serve", "dev"] {
            let words = [command, "--listen", listen, "--database", &database];
            let environment = [
                ("INVITED_LOG_FORMAT", OsStr::new("json")),
                ("INVITED_LOG", OsStr::new("off")),
                (variable, OsStr::new(value)),
            ];
            let output = run_with(&words, &environment);
            let printed = String::from_utf8(output.stderr).expect("text");
            assert_eq!(output.status.code(), Some(code), "{words:?}: {printed}");
            let record: Value = serde_json::from_str(printed.trim_end()).expect("one record");
            assert_eq!(record["level"], "ERROR");
            assert!(record["message"].to_string().contains(what), "{record}");
            assert!(record["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
        }
    }
}
