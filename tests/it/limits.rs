//! Limits: the quota-th goes, the next one is 429 and says when to come again; nobody pays for
//! another one.

use invited::base::mode::Mode;
use invited::key::Scope;

use crate::support::process::run;
use crate::support::{Answer, TestApp, invitation, invitations};

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
fn one_site_of_ipv6_has_the_quota_of_ten_of_its_networks() {
    let app = behind_a_proxy(&["--limit-address", "3"]);
    let ask = |network: u32| keyless(&app, &format!("2001:db8:1:{network:x}::1")).status;
    let answers: Vec<_> = (0..100).map(ask).collect();
    assert_eq!(answers[..30], [401; 30]);
    let let_through = answers.iter().filter(|status| **status == 401).count();
    assert!(
        let_through <= 40,
        "{let_through} of 100; 30 and what was refilled meanwhile"
    );
    assert_eq!(keyless(&app, "2001:db8:2::1").status, 401, "another site");
    assert_eq!(
        [0; 4].map(|_| keyless(&app, "2001:db8:3::1").status),
        [401, 401, 401, 429],
        "one network has its own"
    );
}

#[test]
fn a_thousand_forged_addresses_of_one_peer_are_one_bucket() {
    let app = TestApp::start(
        Mode::Serve,
        &[
            "--limit-address",
            "10",
            "--trusted-proxies",
            "10.0.0.0/8,::1",
        ],
    );
    let forged = |number: u32| {
        keyless(
            &app,
            &format!("{}.{}.1.1", number / 250 + 1, number % 250 + 1),
        )
        .status
    };
    let answers: Vec<_> = (0..1_000).map(forged).collect();
    assert_eq!(answers[..10], [401; 10]);
    let let_through = answers.iter().filter(|status| **status == 401).count();
    assert!(
        let_through < 20,
        "{let_through} of 1,000; 10 and what was refilled meanwhile"
    );
    assert!(answers.iter().all(|status| matches!(status, 401 | 429)));
}

#[test]
fn behind_a_trusted_proxy_the_rightmost_stranger_is_the_client() {
    let app = behind_a_proxy(&["--limit-address", "1", "--trusted-proxies", "10.0.0.0/8"]);
    assert_eq!(keyless(&app, "6.6.6.6, 1.1.1.1, 10.0.0.9").status, 401);
    assert_eq!(
        keyless(&app, "7.7.7.7, 1.1.1.1").status,
        429,
        "what stands left of the client can be made up"
    );
    let lines = app.anonymous("GET", &invitations("acme"));
    let lines = lines
        .header("X-Forwarded-For", "8.8.8.8")
        .header("X-Forwarded-For", "1.1.1.1,10.0.0.7")
        .send();
    assert_eq!(lines.status, 429, "several lines are one list");
    assert_eq!(
        keyless(&app, "1.1.1.1, what is this, 10.0.0.9").status,
        401,
        "garbage: the proxy itself"
    );
    assert_eq!(
        keyless(&app, "2.2.2.2, \u{e9}, 10.0.0.9").status,
        401,
        "a line that is not ASCII: the peer"
    );
}

#[test]
fn addresses_of_one_ipv6_network_share_a_bucket_and_mapped_ones_are_ipv4() {
    let app = behind_a_proxy(&["--limit-address", "1"]);
    assert_eq!(keyless(&app, "2001:db8:0:1::1").status, 401);
    assert_eq!(
        keyless(&app, "2001:db8:0:1:ffff:ffff:ffff:ffff").status,
        429
    );
    assert_eq!(keyless(&app, "2001:db8:0:2::1").status, 401);
    assert_eq!(keyless(&app, "1.1.1.1").status, 401);
    assert_eq!(keyless(&app, "::ffff:1.1.1.1").status, 429);
    assert_eq!(keyless(&app, "::ffff:1.1.1.2").status, 401);
}

#[test]
fn a_recipient_gets_a_days_quota_of_mail_from_each_organization_and_tags_share_it() {
    let app = mailing(&["--limit-recipient", "3"]);
    assert_eq!(invite(&app, "acme", "a@b.co", "").status, 201);
    assert_eq!(invite(&app, "acme", "a+tag@b.co", "").status, 201);
    assert_eq!(invite(&app, "acme", "A+other@B.co", "").status, 201);
    assert_refused(
        &invite(&app, "acme", "a+more@b.co", ""),
        "recipient",
        3,
        86_400,
    );
    assert_eq!(
        app.get(&invitations("acme"))
            .json()
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    assert_eq!(invite(&app, "acme", "other@b.co", "").status, 201);
    assert_eq!(
        invite(&app, "initech", "a@b.co", "").status,
        201,
        "another organization"
    );
}

#[test]
fn a_server_without_mail_counts_none() {
    let app = TestApp::start(Mode::Serve, &["--limit-recipient", "1"]);
    assert_eq!(
        ["a", "a+one", "a+two"]
            .map(|name| invite(&app, "acme", &format!("{name}@b.co"), "").status),
        [201; 3]
    );
}

#[test]
fn what_makes_no_invitation_costs_nothing() {
    let app = mailing(&["--limit-recipient", "2", "--limit-organization", "3"]);
    let id = invite(&app, "acme", "a@b.co", "").json()["id"].clone();
    for _ in 0..5 {
        assert_eq!(invite(&app, "acme", "a@b.co", "").status, 409);
        assert_eq!(
            invite(&app, "acme", "a@b.co", r#","expiresIn":1"#).status,
            422
        );
        assert_eq!(
            invite(&app, "acme", "a@b.co", r#","onConflict":"return""#).status,
            200
        );
        assert_eq!(
            invite(&app, "acme", "a@b.co", r#","onConflict":"resend""#).code(),
            "resend_too_soon"
        );
    }
    assert_eq!(
        app.request("DELETE", &invitation("acme", &id))
            .send()
            .status,
        204
    );
    let body = r#"{"email":"a@b.co","role":"developer"}"#;
    let again = || {
        app.request("POST", &invitations("acme"))
            .header("Idempotency-Key", "k")
            .json(body)
            .send()
    };
    assert_eq!(
        [(); 3].map(|()| again().status),
        [201; 3],
        "the stored answer costs nothing"
    );
    assert_refused(
        &invite(&app, "acme", "a+tag@b.co", ""),
        "recipient",
        2,
        86_400,
    );
    assert_eq!(
        invite(&app, "acme", "c@b.co", "").status,
        201,
        "the organization has one left"
    );
    assert_refused(
        &invite(&app, "acme", "d@b.co", ""),
        "organization",
        3,
        86_400,
    );
}

#[test]
fn sending_again_and_replacing_count_and_a_refused_one_leaves_the_standing_one_as_it_was() {
    let app = mailing(&["--limit-recipient", "3", "--resend-cooldown", "0s"]);
    assert_eq!(invite(&app, "acme", "a@b.co", "").status, 201);
    assert_eq!(
        invite(&app, "acme", "a@b.co", r#","onConflict":"resend""#).status,
        200
    );
    assert_eq!(
        invite(&app, "acme", "a@b.co", r#","onConflict":"replace""#).status,
        201
    );
    // The mail server is away: how often it was tried meanwhile is another matter.
    let columns =
        "select hex(id), cast(state as text), cast(send_count as text), cast(updated_at as text)";
    let standing_rows = || app.db_rows(&format!("{columns} from invitation order by id"));
    let (standing, events) = (standing_rows(), app.db_rows("select id from event").len());
    app.advance_to(1_000);
    for more in [r#","onConflict":"resend""#, r#","onConflict":"replace""#] {
        assert_refused(
            &invite(&app, "acme", "a@b.co", more),
            "recipient",
            3,
            86_400,
        );
    }
    assert_eq!(standing_rows(), standing);
    assert_eq!(app.db_rows("select id from event").len(), events);
    // The clock of invitations is not that of limits: setting it frees nobody.
    app.advance_to(8 * 86_400_000);
    assert_refused(&invite(&app, "acme", "a@b.co", ""), "recipient", 3, 86_400);
}

#[test]
fn an_organization_has_its_own_quota_when_one_is_set() {
    let app = TestApp::start(Mode::Serve, &["--limit-organization", "2"]);
    assert_eq!(
        [1, 2].map(|number| invite(&app, "acme", &format!("p{number}@b.co"), "").status),
        [201; 2]
    );
    assert_refused(
        &invite(&app, "acme", "p3@b.co", ""),
        "organization",
        2,
        86_400,
    );
    assert_eq!(invite(&app, "globex", "p3@b.co", "").status, 201);
    let dialect = app.post(
        "/clickhouse/v1/organizations/acme/invitations",
        r#"{"email":"p4@b.co"}"#,
    );
    assert_eq!(dialect.status, 429);
    assert!(
        dialect.json()["error"]
            .as_str()
            .unwrap_or_default()
            .starts_with("RATE_LIMITED: "),
        "{}",
        dialect.text()
    );
    assert_eq!(
        dialect.header("ratelimit-policy"),
        Some("\"organization\";q=2;w=86400")
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
