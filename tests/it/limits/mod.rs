//! Limits: the request that reaches a quota goes through, and the next one is 429.
//!
//! The refusal says when to come again. Nobody pays for another caller.
//!
//! * [`addresses`]: which addresses are one caller.
//! * [`recipients`]: how much may be done to one recipient.

mod addresses;
mod recipients;

use invited::base::mode::Mode;
use invited::key::Scope;

use crate::support::process::run;
use crate::support::{Answer, TestApp, invitations};

/// A server behind a proxy on this machine, so that tests can be many clients.
fn behind_a_proxy(settings: &[&str]) -> TestApp {
    TestApp::start(
        Mode::Serve,
        &[&["--trusted-proxies", "127.0.0.1/32"], settings].concat(),
    )
}

/// A request without a key for `client`, as the proxy passes it on.
fn keyless(app: &TestApp, client: &str) -> Answer {
    app.anonymous("GET", &invitations("acme"))
        .header("X-Forwarded-For", client)
        .send()
}

/// Invites `email` to `organization`, with `more` fields.
fn invite(app: &TestApp, organization: &str, email: &str, more: &str) -> Answer {
    app.post(
        &invitations(organization),
        &format!(r#"{{"email":"{email}","role":"developer"{more}}}"#),
    )
}

/// A server that sends mail; the mail server is away.
fn mailing(settings: &[&str]) -> TestApp {
    let words = [
        "--smtp-url",
        "smtp://127.0.0.1:9?tls=none",
        "--mail-from",
        "invitations@acme.test",
    ];
    TestApp::start(Mode::Serve, &[&words, settings].concat())
}

/// The parameter of an item of a RateLimit field, whose only item must be named `policy`.
fn parameter(answer: &Answer, field: &str, policy: &str, name: &str) -> u64 {
    let value = answer
        .header(field)
        .unwrap_or_else(|| panic!("{field} is missing"));
    let (item, parameters) = value.split_once(';').expect("parameters");
    assert_eq!(item, format!("\"{policy}\""), "{field}");
    let mut parameters = parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='));
    let (_, number) = parameters
        .find(|(given, _)| *given == name)
        .unwrap_or_else(|| panic!("{name} in {value}"));
    number.parse().expect("a number")
}

/// Checks that `answer` refuses, by the limit `policy` of `quota` in `window` seconds, until one
/// more is refilled.
fn assert_refused(answer: &Answer, policy: &str, quota: u64, window: u64) {
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (429, "rate_limited"),
        "{}",
        answer.text()
    );
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let number = |field, name| parameter(answer, field, policy, name);
    assert_eq!(
        (
            number("ratelimit-policy", "q"),
            number("ratelimit-policy", "w")
        ),
        (quota, window)
    );
    assert_eq!(number("ratelimit", "r"), 0);
    let wait: u64 = answer
        .header("retry-after")
        .and_then(|seconds| seconds.parse().ok())
        .expect("Retry-After");
    assert_eq!(number("ratelimit", "t"), wait);
    let refill = window / quota;
    assert!(
        (refill.saturating_sub(10).max(1)..=refill).contains(&wait),
        "{wait} s for one of {quota} in {window} s"
    );
    let detail = answer.json()["detail"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(
        detail.contains(&format!("{quota} ")) && detail.contains(&format!("{wait} s")),
        "{detail}"
    );
}

#[test]
fn a_key_has_its_quota_of_requests_whatever_they_ask_and_another_key_has_its_own() {
    let app = TestApp::start(Mode::Serve, &["--limit-key", "3"]);
    assert_eq!(app.get(&invitations("acme")).status, 200);
    assert_eq!(app.get("/v1/nowhere").status, 404);
    assert_eq!(
        app.request("PATCH", &invitations("acme")).send().status,
        405
    );
    let refused = app.get(&invitations("acme"));
    assert_refused(&refused, "key", 3, 60);
    assert_eq!(
        app.get("/clickhouse/v1/organizations").header("ratelimit"),
        refused.header("ratelimit")
    );
    let other = app.key(&[Scope::Read], &[], None);
    let with_other = || {
        app.anonymous("GET", &invitations("acme"))
            .bearer(&other)
            .send()
    };
    assert_eq!([(); 4].map(|()| with_other().status), [200, 200, 200, 429]);
    assert_eq!(
        app.anonymous("GET", &invitations("acme")).send().status,
        401,
        "who has no key has another limit"
    );
    assert_eq!(
        app.anonymous("GET", "/health/live")
            .bearer(&app.key)
            .send()
            .status,
        200,
        "public pages cost nothing"
    );
}

#[test]
fn requests_without_a_valid_key_are_limited_by_address_and_those_with_one_are_not() {
    let app = behind_a_proxy(&["--limit-address", "3"]);
    assert_eq!(keyless(&app, "1.1.1.1").status, 401);
    let broken = app
        .anonymous("GET", "/v1/nowhere")
        .header("X-Forwarded-For", "1.1.1.1")
        .bearer("ivk_wrong")
        .send();
    assert_eq!(broken.status, 401);
    let delete = app
        .anonymous("PUT", &invitations("acme"))
        .header("X-Forwarded-For", "1.1.1.1")
        .send();
    assert_eq!(delete.status, 401);
    assert_refused(&keyless(&app, "1.1.1.1"), "address", 3, 60);
    assert_eq!(keyless(&app, "1.1.1.2").status, 401, "another address");
    let with_key = app
        .request("GET", &invitations("acme"))
        .header("X-Forwarded-For", "1.1.1.1")
        .send();
    assert_eq!(with_key.status, 200);
    for path in [
        "/openapi.json",
        "/problems",
        "/problems/rate_limited",
        "/accept",
        "/accept/app.js",
        "/accept/style.css",
        "/docs",
        "/docs/swagger-ui.js",
    ] {
        let page = app
            .anonymous("GET", path)
            .header("X-Forwarded-For", "1.1.1.1")
            .send();
        assert_refused(&page, "address", 3, 60);
    }
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(
            app.anonymous("GET", path)
                .header("X-Forwarded-For", "1.1.1.1")
                .send()
                .status,
            200,
            "{path}"
        );
    }
    let options = app
        .anonymous("OPTIONS", &invitations("acme"))
        .header("X-Forwarded-For", "1.1.1.1")
        .send();
    assert_eq!(options.status, 204);
}

#[test]
fn probes_and_options_use_no_quota() {
    let app = TestApp::start(Mode::Serve, &["--limit-address", "1", "--limit-key", "1"]);
    for _ in 0..3 {
        assert_eq!(app.get("/health/live").status, 200);
        assert_eq!(app.anonymous("GET", "/health/ready").send().status, 200);
        assert_eq!(
            app.request("OPTIONS", &invitations("acme")).send().status,
            204
        );
    }
    assert_eq!(app.get(&invitations("acme")).status, 200);
    assert_eq!(
        app.anonymous("GET", &invitations("acme")).send().status,
        401
    );
}

#[test]
fn the_defaults_limit_recipients_and_addresses_and_zero_switches_a_limit_off() {
    let app = mailing(&[]);
    let invited = |app: &TestApp| {
        (0..51)
            .map(|number| invite(app, "acme", &format!("a+{number}@b.co"), "").status)
            .collect()
    };
    let answers: Vec<_> = invited(&app);
    assert_eq!((&answers[..50], answers[50]), (&[201; 50][..], 429));
    let unlimited = [
        "--limit-recipient",
        "0",
        "--limit-address",
        "0",
        "--limit-key",
        "0",
        "--limit-organization",
        "0",
    ];
    let app = mailing(&unlimited);
    let answers: Vec<_> = invited(&app);
    assert_eq!(answers, [201; 51]);
    assert!((0..400).all(|_| keyless(&app, "1.1.1.1").status == 401));
    let dev = TestApp::start(Mode::Dev, &[]);
    let answers: Vec<_> = invited(&dev);
    assert_eq!(answers, [201; 51], "development has no limits");
    let dev = TestApp::start(Mode::Dev, &["--limit-recipient", "1", "--limit-key", "3"]);
    assert_eq!(invite(&dev, "acme", "a@b.co", "").status, 201);
    assert_refused(
        &invite(&dev, "acme", "a+tag@b.co", ""),
        "recipient",
        1,
        86_400,
    );
    assert_eq!(
        [(); 2].map(|()| dev.get(&invitations("acme")).status),
        [200, 429],
        "all without a key are one caller"
    );
}

#[test]
fn an_address_that_names_no_limit_has_three_hundred_a_minute() {
    let app = TestApp::serve();
    assert!((0..300).all(|_| keyless(&app, "1.1.1.1").status == 401));
    // Five a second are refilled: tests are slow, but not that slow.
    assert!((0..3_000).any(|_| keyless(&app, "1.1.1.1").status == 429));
}

#[test]
fn the_cool_down_is_a_setting() {
    let app = TestApp::start(Mode::Serve, &["--resend-cooldown", "5m"]);
    let resend = || invite(&app, "acme", "a@b.co", r#","onConflict":"resend""#);
    assert_eq!(resend().status, 201);
    app.advance_to(299_999);
    let refused = resend();
    assert_eq!(
        (refused.code().as_str(), refused.header("retry-after")),
        ("resend_too_soon", Some("1"))
    );
    assert_eq!(refused.header("ratelimit"), None);
    app.advance_to(300_000);
    assert_eq!(resend().status, 200);
}

#[test]
fn settings_that_cannot_be_are_refused_at_the_start_with_exit_code_2() {
    let wrong = [
        ["--limit-key", "-1"],
        ["--limit-address", "many"],
        ["--limit-recipient", "4294967296"],
        ["--limit-organization", "1.5"],
        ["--limit-proofs", ""],
        ["--trusted-proxies", "10.0.0.0/33"],
        ["--trusted-proxies", "10.0.0.0/8,proxy.example.com"],
        ["--resend-cooldown", "8d"],
        ["--resend-cooldown", "1ms"],
        ["--resend-cooldown", "soon"],
    ];
    for [flag, value] in wrong {
        for command in ["serve", "dev"] {
            let output = run(&[command, "--listen", "127.0.0.1:0", flag, value]);
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{flag} {value}: {message}");
            let wrong = value.rsplit(',').next().unwrap_or_default();
            assert!(
                message.contains(flag) || message.contains(wrong),
                "{flag} {value}: {message}"
            );
        }
    }
}
