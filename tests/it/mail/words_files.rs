//! Files of the operator that no mail should be written by: refused at the start.

use std::path::Path;
use std::process::Command;

use invited::base::mode::Mode;
use serde_json::json;

use super::settings::fails;
use crate::support::TestApp;

/// What the server says of a folder in which `name` is made by `make`.
fn refusal(name: &str, make: impl Fn(&Path)) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(name);
    make(&file);
    let (code, error) = fails(&["--templates-dir", &folder.path().to_string_lossy()], None);
    assert_eq!(code, Some(2), "{error}");
    let place = format!("cannot use {}: ", file.display());
    assert!(error.contains(&place), "{error}");
    error
}

#[test]
fn words_that_would_show_a_brace_an_empty_month_or_break_a_line_are_refused() {
    let mut months = ["x"; 12];
    months[11] = " ";
    let words = |sentence: &str| json!({ "words": { "accept_or_decline": sentence } }).to_string();
    for (text, part) in [
        (words("Yes {or no"), "`accept_or_decline` has a brace"),
        (words("Yes or} no"), "`accept_or_decline` has a brace"),
        (words("{"), "`accept_or_decline` has a brace"),
        (words("Yes\nno"), "`accept_or_decline` has a control"),
        (words("Yes\u{7}"), "`accept_or_decline` has a control"),
        (words("Yes\u{2028}no"), "`accept_or_decline` has a control"),
        (
            json!({ "months": months }).to_string(),
            "`months` has an empty",
        ),
        (
            json!({ "months": vec![""; 12] }).to_string(),
            "`months` has an empty",
        ),
        (
            json!({ "months": vec!["a\r"; 12] }).to_string(),
            "`months` has a control",
        ),
        (
            json!({ "first_day": "" }).to_string(),
            "`first_day` has an empty",
        ),
        (
            json!({ "first_day": "1\n" }).to_string(),
            "`first_day` has a control",
        ),
        (
            json!({ "space": "\r\n" }).to_string(),
            "`space` has a control",
        ),
        (
            json!({ "date": "{day} {month} {year} {time} {" }).to_string(),
            "`date` has a brace",
        ),
        (
            json!({ "date": "{day} {month} {year}\n{time}" }).to_string(),
            "`date` has a control",
        ),
        (
            r#"{"words":{"accept_or_decline":"a","accept_or_decline":"b"}}"#.to_owned(),
            "`accept_or_decline` is there twice",
        ),
        (
            r#"{"space":" ","space":""}"#.to_owned(),
            "the field space twice",
        ),
        (
            r#"{"words":{},"words":{}}"#.to_owned(),
            "the field words twice",
        ),
    ] {
        let error = refusal("words.de.json", |file| {
            std::fs::write(file, &text).expect("a file");
        });
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn words_that_an_editor_saved_with_a_byte_order_mark_are_read() {
    let words = |sentence: &str| {
        let words = json!({ "words": { "accept_or_decline": sentence } });
        format!("\u{feff}{words}")
    };
    let error = refusal("words.de.json", |file| {
        std::fs::write(file, words("Yes {or no")).expect("a file");
    });
    assert!(error.contains("`accept_or_decline` has a brace"), "{error}");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("words.de.json"), words("Ja?")).expect("a file");
    let path = folder.path().to_string_lossy().into_owned();
    drop(TestApp::start(Mode::Dev, &["--templates-dir", &path]));
}

#[test]
fn what_is_no_regular_file_or_too_large_is_refused_at_once() {
    for name in ["words.de.json", "invitation.txt"] {
        let fifo = refusal(name, |file| {
            let made = Command::new("mkfifo").arg(file).status().expect("it runs");
            assert!(made.success());
        });
        assert!(fifo.contains("no regular file"), "{fifo}");
        let device = refusal(name, |file| {
            std::os::unix::fs::symlink("/dev/zero", file).expect("a link");
        });
        assert!(device.contains("no regular file"), "{device}");
        let folder = refusal(name, |file| std::fs::create_dir(file).expect("a folder"));
        assert!(folder.contains("no regular file"), "{folder}");
        let large = refusal(name, |file| {
            let file = std::fs::File::create(file).expect("a file");
            file.set_len(1024 * 1024 + 1).expect("a length");
        });
        assert!(large.contains("larger than 1 MiB"), "{large}");
    }
}
