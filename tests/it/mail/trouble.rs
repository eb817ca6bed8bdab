//! What is said of a mail server that cannot be used: which of its settings is most likely wrong.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};

use serde_json::json;

use super::{app_at, invite, wait_for};
use crate::support::smtp::Smtp;

/// What is said of the server at `url` once a mail was tried.
fn told(url: &str) -> String {
    let app = app_at(url, &[]);
    let made = invite(&app, "ada@example.com", &json!({}));
    let tried = wait_for(&app, &made, |now| now["deliveryAttempts"] == 1);
    assert_eq!(
        tried["delivery"], "queued",
        "it is no reason to give a mail up"
    );
    let error = tried["deliveryError"].as_str().unwrap_or_default();
    assert!(
        !error.contains("hunter2") && error.chars().count() <= 200,
        "{error}"
    );
    error.to_owned()
}

/// A server that greets with `greeting`, and answers every line with `answer`.
fn scripted(greeting: &'static str, answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.write_all(format!("{greeting}\r\n").as_bytes());
            let lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
            for _ in lines.map_while(Result::ok) {
                let _ = stream.write_all(format!("{answer}\r\n").as_bytes());
            }
        }
    });
    address
}

/// An address at which nobody listens.
fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

#[test]
fn a_name_that_is_not_found_is_told_as_a_name() {
    for url in [
        "smtp://mail.invalid?tls=starttls",
        "smtp://mail.invalid:2525?tls=none",
        "smtps://user:hunter2@mail.invalid",
    ] {
        let error = told(url);
        assert!(
            error.starts_with("the name of the mail server is not found"),
            "{error}"
        );
    }
}

#[test]
fn a_port_that_is_closed_is_told_as_a_port() {
    for (scheme, query) in [
        ("smtp", "?tls=none"),
        ("smtp", "?tls=starttls"),
        ("smtps", ""),
    ] {
        let error = told(&format!("{scheme}://{}{query}", closed()));
        assert!(error.starts_with("nothing listens on this port"), "{error}");
        assert!(
            error.contains("refused"),
            "the cause is there, too: {error}"
        );
    }
}

#[test]
fn tls_where_the_server_speaks_without_is_told_as_the_wrong_port() {
    let smtp = Smtp::start();
    for (url, part) in [
        (
            format!("smtp://{}?tls=tls", smtp.address),
            "does not begin with TLS",
        ),
        (
            format!("smtps://u:hunter2@{}", smtp.address),
            "tls=starttls (587)?",
        ),
        (
            format!("smtp://{}?tls=starttls", smtp.address),
            "offers no STARTTLS",
        ),
        (
            format!("smtps://{}", scripted("554 no service here", "554 no")),
            "does not begin with TLS",
        ),
    ] {
        let error = told(&url);
        assert!(error.contains(part), "{url}: {error}");
    }
}

#[test]
fn a_server_that_waits_for_the_client_is_told_as_one_for_tls() {
    // A port with TLS from its first byte on waits like one that is silent.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let (plain, tls) = std::thread::scope(|threads| {
        let plain = threads.spawn(|| told(&format!("smtp://{address}?tls=starttls")));
        let tls = threads.spawn(|| told(&format!("smtps://{address}")));
        (plain.join().expect("told"), tls.join().expect("told"))
    });
    for (error, part) in [
        (plain, "not one for tls=tls (465)?"),
        (tls, "one for tls=tls (465)?"),
    ] {
        assert!(
            error.starts_with("there was no answer in time (10 seconds at most)")
                && error.contains(part),
            "{error}"
        );
    }
}

#[test]
fn a_server_without_ehlo_is_told_so() {
    for answer in ["502 5.5.1 not implemented", "500 what", "502-no\r\n502 no"] {
        let error = told(&format!("smtp://{}?tls=none", scripted("220 old", answer)));
        assert!(error.contains("does not know EHLO"), "{error}");
    }
}

#[test]
fn a_login_that_is_refused_is_told_as_user_name_and_password() {
    for answer in ["535 5.7.8 bad", "534 5.7.9 no", "535 hunter2 hunter2"] {
        let smtp = Smtp::start();
        smtp.answer_logins(answer);
        let error = told(&format!("smtp://user:hunter2@{}?tls=none", smtp.address));
        assert!(
            error.starts_with("the mail server refuses user name and password")
                && error.contains(&answer[..3]),
            "{error}"
        );
    }
}

#[test]
fn a_short_password_leaves_no_holes_in_the_words_of_an_error() {
    for password in ["p", "at", "mail"] {
        let smtp = Smtp::start();
        let error = told(&format!("smtp://user:{password}@{}?tls=none", smtp.address));
        assert!(
            error.contains("offers no login that can be used"),
            "{error}"
        );
    }
}
