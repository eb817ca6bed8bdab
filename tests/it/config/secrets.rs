//! Each secret can stand in a file of its own.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;

use super::{Place, refusal, run_with, shown};
use crate::support::process::{Server, invited};

/// A mail server that a server takes without asking it.
const MAIL: &str = "smtp://user:hunter2@mail.test?tls=tls";

#[test]
fn a_secret_comes_from_a_file_without_byte_order_mark_and_end_of_line() {
    let place = Place::new("");
    let key = "smtp-url";
    let hidden = "smtp://user:***@mail.test?tls=tls";
    for text in [
        MAIL.to_owned(),
        format!("{MAIL}\n"),
        format!("{MAIL}\r\n"),
        format!("\u{feff}{MAIL}\n"),
    ] {
        let path = place.beside("smtp", text.as_bytes());
        std::fs::write(&place.file, format!("smtp-url-file = '{path}'")).expect("written");
        let words = place.words();
        let by_flag = shown(key, &["--smtp-url-file", &path], &[]);
        let by_variable = shown(key, &[], &[("INVITED_SMTP_URL_FILE", OsStr::new(&path))]);
        let by_file = shown(key, &[&words[0], &words[1]], &[]);
        for (value, source, place) in [
            (by_flag, "flag", None),
            (
                by_variable,
                "variable",
                Some("INVITED_SMTP_URL_FILE".to_owned()),
            ),
            (by_file, "file", Some(place.line(1))),
        ] {
            assert_eq!(value["value"], hidden, "{text:?}");
            assert_eq!(value["source"], source, "{text:?}");
            assert_eq!(
                value["place"].as_str().map(str::to_owned),
                place,
                "{text:?}"
            );
        }
    }
}

#[test]
fn two_of_a_kind_are_refused_and_what_is_nearer_wins() {
    let place = Place::new("smtp-url = 'smtp://of-the-file.test?tls=tls'\n");
    let path = place.beside("smtp", MAIL.as_bytes());
    let words = place.words();
    let by = |name: &'static str| [(name, OsStr::new(MAIL))];
    let printed = refusal(
        &["serve"],
        &[
            ("INVITED_MAIL_WEBHOOK", OsStr::new("https://x.test")),
            ("INVITED_MAIL_WEBHOOK_FILE", OsStr::new(&path)),
        ],
    );
    assert!(
        printed.contains("both INVITED_MAIL_WEBHOOK and INVITED_MAIL_WEBHOOK_FILE"),
        "{printed}"
    );
    let printed = refusal(
        &["serve", "--smtp-url", MAIL, "--smtp-url-file", &path],
        &[],
    );
    assert!(
        printed.contains("both --smtp-url and --smtp-url-file"),
        "{printed}"
    );
    let flag = shown(
        "smtp-url",
        &["--smtp-url-file", &path],
        &by("INVITED_SMTP_URL"),
    );
    assert_eq!(flag["source"], "flag");
    let variable = [("INVITED_SMTP_URL_FILE", OsStr::new(&path))];
    let variable = shown("smtp-url", &[&words[0], &words[1]], &variable);
    assert_eq!(variable["source"], "variable");
    std::fs::write(&place.file, "smtp-url = 'x'\nsmtp-url-file = 'y'").expect("written");
    let printed = refusal(&["serve", &words[0], &words[1]], &[]);
    assert!(printed.contains("both `smtp-url` of "), "{printed}");
}

#[test]
fn a_file_that_holds_no_secret_is_named_with_the_variable() {
    let place = Place::new("");
    let empty = place.beside("empty", b"\n");
    let binary = place.beside("binary", b"\xff");
    let words = ["webhook", "listen", "--forward-to", "http://127.0.0.1:9"];
    for (path, part) in [
        ("/no/such/file", "No such file"),
        (&empty, "is empty"),
        (&binary, "is not text"),
    ] {
        for (words, name) in [
            (&words[..], "INVITED_KEY_FILE"),
            (&["serve"], "INVITED_SMTP_URL_FILE"),
        ] {
            let printed = refusal(words, &[(name, OsStr::new(path))]);
            for part in [part, path, name] {
                assert!(printed.contains(part), "{name} {path}: {printed}");
            }
        }
    }
    let wrong = place.beside("wrong", b"hunter2\n");
    let printed = refusal(&words, &[("INVITED_KEY_FILE", OsStr::new(&wrong))]);
    assert!(
        printed.contains("is no API key") && !printed.contains("hunter2"),
        "{printed}"
    );
}

#[test]
fn a_secret_that_others_may_read_is_told_at_the_start() {
    let place = Place::new("");
    let path = place.beside("smtp", MAIL.as_bytes());
    let notes = |mode: u32| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        let mut command = invited();
        command
            .args(["--listen", "127.0.0.1:0", "--public-url", "https://x.test"])
            .args(["--mail-from", "a@b.co", "--database"])
            .arg(place.folder.path().join("invited.db"))
            .env("INVITED_SMTP_URL_FILE", &path);
        let server = Server::spawn(&mut command);
        let banner = server.banner.join("\n");
        assert!(!banner.contains("hunter2"), "{banner}");
        let told = server.banner_value("note");
        server.signal("TERM");
        server.wait();
        told
    };
    assert_eq!(notes(0o600), None);
    let told = notes(0o644).expect("a note");
    assert!(told.contains(&path) && told.contains("may read"), "{told}");
}

#[test]
fn the_variable_of_the_secret_wins_over_a_file_that_is_named_elsewhere() {
    let place = Place::new("secret-file = '/no/such/file'\n");
    let words = place.words();
    let secret = (
        "INVITED_SECRET",
        OsStr::new("0123456789abcdef0123456789abcdef"),
    );
    let checked = run_with(&["config", "check", &words[0], &words[1]], &[secret]);
    assert_eq!(checked.status.code(), Some(0));
    let shown = run_with(&["config", "show"], &[secret]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("INVITED_SECRET") && !shown.contains("0123456789"),
        "{shown}"
    );
}
