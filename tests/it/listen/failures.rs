//! What the command says when it fails: to register, to remove its webhook, or to start.

use serde_json::{Value, json};

use super::scripted::Scripted;
use super::{Listening, key, refused, url};

#[test]
fn a_server_that_refuses_is_quoted_with_what_to_do() {
    let problem = |status: u16, code: &str, errors: Value| {
        let problem =
            json!({ "status": status, "code": code, "detail": "The detail.", "errors": errors });
        Scripted::start(move |_| (status, problem.to_string()))
    };
    let field =
        json!([{ "pointer": "/url", "code": "not_allowed", "detail": "a private address" }]);
    for (status, code, errors, hint) in [
        (401, "unauthorized", json!([]), "--key"),
        (403, "insufficient_scope", json!([]), "invited key create"),
        (404, "not_found", json!([]), "--url"),
        (422, "validation_failed", field, "invited dev"),
        (500, "internal", json!([]), "log"),
    ] {
        let server = problem(status, code, errors.clone());
        let (exit, printed) = refused(&[
            "--url",
            &url(&server),
            "--forward-to",
            "http://localhost:3000",
        ]);
        let (what, advice) = printed
            .split_once("hint: ")
            .unwrap_or_else(|| panic!("{printed}"));
        assert!(
            exit == Some(1) && what.contains(&format!("{status} {code}: The detail.")),
            "{printed}"
        );
        assert!(advice.contains(hint), "{printed}");
        assert!(
            errors.as_array().is_some_and(Vec::is_empty)
                || what.contains("/url: a private address"),
            "{printed}"
        );
        assert_eq!(server.next().line, "POST /v1/webhooks");
        assert!(server.is_silent(), "there is nothing to remove");
    }
    let other = Scripted::start(|_| (201, "<html>".to_owned()));
    let (exit, printed) = refused(&[
        "--url",
        &url(&other),
        "--forward-to",
        "http://localhost:3000",
    ]);
    assert!(
        exit == Some(1) && printed.contains("hint: ") && printed.contains("--url"),
        "{printed}"
    );
}

#[test]
fn a_server_that_is_not_there_is_told_at_the_start_and_at_the_end() {
    let (exit, printed) = refused(&[
        "--url",
        "http://127.0.0.1:1",
        "--forward-to",
        "http://localhost:3000",
    ]);
    assert_eq!(exit, Some(1));
    assert!(
        printed.contains("http://127.0.0.1:1")
            && printed.contains("hint: ")
            && printed.contains("--url"),
        "{printed}"
    );

    let server = Scripted::start(|asked| match &*asked.line {
        "POST /v1/webhooks" => (
            201,
            r#"{"id":"hook-1","secret":"whsec_c2VjcmV0"}"#.to_owned(),
        ),
        _ => (
            503,
            r#"{"code":"storage_busy","detail":"Busy."}"#.to_owned(),
        ),
    });
    let listening = Listening::start(&url(&server), "http://localhost:3000", &[]);
    let (exit, printed) = listening.stop("TERM");
    assert_eq!(exit, Some(1));
    assert!(
        printed.contains("hook-1") && printed.contains("503 storage_busy: Busy."),
        "{printed}"
    );
    assert!(
        printed.contains(&format!("DELETE {}/v1/webhooks/hook-1", url(&server))),
        "{printed}"
    );
}

#[test]
fn a_webhook_that_is_gone_already_needs_no_removal() {
    let server = Scripted::start(|asked| match &*asked.line {
        "POST /v1/webhooks" => (
            201,
            r#"{"id":"hook-1","secret":"whsec_c2VjcmV0"}"#.to_owned(),
        ),
        _ => (404, "{}".to_owned()),
    });
    let listening = Listening::start(&url(&server), "http://localhost:3000", &[]);
    assert_eq!(listening.stop("INT"), (Some(0), String::new()));
}

#[test]
fn a_command_that_cannot_be_is_exit_code_2_and_shows_no_key() {
    let good = ["--forward-to", "http://localhost:3000"];
    for (flag, value) in [
        ("--forward-to", "localhost:3000"),
        ("--forward-to", "/hook"),
        ("--url", "ftp://x"),
        ("--organization", "a b"),
    ] {
        let words = if flag == "--forward-to" {
            vec![flag, value]
        } else {
            [&good[..], &[flag, value]].concat()
        };
        let (exit, printed) = refused(&words);
        assert!(
            exit == Some(2) && printed.contains(flag) && printed.contains(value),
            "{printed}"
        );
    }
    assert_eq!(refused(&[]).0, Some(2));
    let wrong = &key()[..92];
    let (exit, printed) = refused(&[&good[..], &["--key", wrong]].concat());
    assert!(
        exit == Some(2) && printed.contains("INVITED_KEY") && printed.contains("hint: "),
        "{printed}"
    );
    assert!(!printed.contains(&wrong[21..]), "{printed}");
}
