//! `invited mail test`: a mail the whole way, each step told.

use std::process::Output;

use crate::support::process::invited;
use crate::support::smtp::{Act, Smtp};

/// Runs the command for an address by a URL. Returns exit code, what it printed, and its error.
fn trial(url: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let output: Output = invited()
        .env("INVITED_SMTP_URL", url)
        .args([
            "mail",
            "test",
            "ada@example.com",
            "--mail-from",
            "Acme <a@acme.test>",
        ])
        .args(more)
        .output()
        .expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// The names of the steps that were told.
fn steps(printed: &str) -> Vec<&str> {
    printed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

#[test]
fn every_step_is_told_and_the_mail_arrives() {
    let smtp = Smtp::start();
    let (code, printed, error) = trial(&smtp.url(), &[]);
    assert_eq!((code, &*error), (Some(0), ""), "{printed}");
    assert_eq!(
        steps(&printed),
        [
            "name",
            "connection",
            "ehlo",
            "sender",
            "recipient",
            "mail",
            "dns",
            "dns",
            "dns"
        ]
    );
    assert!(printed.contains("_dmarc.acme.test TXT"), "{printed}");
    assert!(printed.contains("recipient  250 "), "{printed}");
    let mail = smtp.received().remove(0);
    assert_eq!(
        (&*mail.from, &mail.to[..]),
        ("a@acme.test", &["ada@example.com".to_owned()][..])
    );
    assert_eq!(mail.headers("From"), ["Acme <a@acme.test>"]);
    assert_eq!(mail.headers("Auto-Submitted"), ["auto-generated"]);
    assert!(mail.headers("Message-ID")[0].ends_with("@acme.test>"));
}

#[test]
fn the_step_that_fails_is_told_in_the_words_of_a_delivery_and_with_exit_code_1() {
    let smtp = Smtp::start();
    let port = smtp.address.port();
    for (act, step, words) in [
        (Act::Sender("550 5.7.1 not you"), "sender: ", "5.7.1"),
        (
            Act::Answer("550 5.1.1 <ada@example.com> unknown"),
            "mail: ",
            "<...> unknown",
        ),
        (Act::Answer("451 4.7.1 greylisted"), "mail: ", "4.7.1"),
        (Act::Drop, "mail: ", ""),
    ] {
        smtp.script(&[act]);
        let (code, printed, error) = trial(&smtp.url(), &[]);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains(step) && error.contains(words), "{error}");
        assert!(
            error.contains("hint: ") && !error.contains("ada@example.com"),
            "{error}"
        );
        assert_eq!(steps(&printed)[..3], ["name", "connection", "ehlo"]);
    }
    smtp.answer_logins("535 5.7.8 not with hunter2hunter2");
    for (url, told, words) in [
        (
            "smtp://mail.invalid?tls=starttls".to_owned(),
            0,
            "name: the name of the mail server is not found",
        ),
        (
            "smtp://127.0.0.1:1?tls=none".to_owned(),
            1,
            "connection: nothing listens on this port",
        ),
        (
            format!("smtps://127.0.0.1:{port}"),
            1,
            "connection: the port does not begin with TLS",
        ),
        (
            format!("smtp://127.0.0.1:{port}?tls=starttls"),
            3,
            "tls: the mail server offers no STARTTLS",
        ),
        (
            format!("smtp://ada:hunter2hunter2@127.0.0.1:{port}?tls=none"),
            3,
            "login: the mail server refuses user name and password",
        ),
    ] {
        let (code, printed, error) = trial(&url, &[]);
        assert_eq!(
            (code, steps(&printed).len()),
            (Some(1), told),
            "{printed}{error}"
        );
        assert!(
            error.contains(words) && !error.contains("hunter2hunter2"),
            "{error}"
        );
    }
}

#[test]
fn what_cannot_be_tried_is_told_before_anything_is_done() {
    for (words, part) in [
        (
            &["mail", "test", "ada@example.com"][..],
            "no mail server is named",
        ),
        (&["mail", "test", "ada"], "ADDRESS"),
        (
            &[
                "mail",
                "test",
                "a@b.co",
                "--smtp-url",
                "smtp://b.co?tls=tls",
            ],
            "--mail-from",
        ),
        (&["mail"], "test"),
    ] {
        let output = invited().args(words).output().expect("it runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(part), "{error}");
    }
}
