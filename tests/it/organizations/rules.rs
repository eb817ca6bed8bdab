//! Every setting at its boundary, and how it decides about invitations.

use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::{organization, put};
use crate::support::{Answer, START, TestApp, invitation, invitations};

/// Invites `email` as `role` to acme, with what `more` adds.
fn invite(app: &TestApp, email: &str, role: &str, more: &Value) -> Answer {
    let mut body = json!({ "email": email, "role": role });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    app.post(&invitations("acme"), &body.to_string())
}

/// Pointers and codes of what is wrong.
fn faults(answer: &Answer) -> Vec<(String, String)> {
    let problem = answer.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    errors
        .iter()
        .map(|error| (text(&error["pointer"]), text(&error["code"])))
        .collect()
}

/// Domains `d0.example` to `d{count}.example`.
fn domains(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("d{number}.example"))
        .collect()
}

#[test]
fn each_setting_is_accepted_up_to_its_limits_and_refused_beyond_them() {
    let app = TestApp::serve();
    let roles = |count: usize| {
        (0..count)
            .map(|number| format!("r{number}"))
            .collect::<Vec<_>>()
    };
    let label = "a".repeat(63);
    let cases = [
        (json!({ "name": "x" }), json!({ "name": "" })),
        (
            json!({ "name": "\u{fc}".repeat(100) }),
            json!({ "name": "x".repeat(101) }),
        ),
        (json!({ "name": "a b" }), json!({ "name": "a\u{202e}b" })),
        (json!({ "roles": roles(1) }), json!({ "roles": [] })),
        (
            json!({ "roles": roles(100) }),
            json!({ "roles": roles(101) }),
        ),
        (
            json!({ "defaultExpiresIn": 60 }),
            json!({ "defaultExpiresIn": 59 }),
        ),
        (
            json!({ "defaultExpiresIn": 31_536_000 }),
            json!({ "defaultExpiresIn": 31_536_001 }),
        ),
        (
            json!({ "allowedDomains": domains(1000) }),
            json!({ "allowedDomains": domains(1001) }),
        ),
        (
            json!({ "blockedDomains": domains(1000) }),
            json!({ "blockedDomains": domains(1001) }),
        ),
        (json!({ "maxPending": 1 }), json!({ "maxPending": 0 })),
        (
            json!({ "maxPending": 1_000_000 }),
            json!({ "maxPending": 1_000_001 }),
        ),
        (
            json!({ "blockedDomains": [format!("{label}.co")] }),
            json!({ "maxPending": -1 }),
        ),
    ];
    for (good, bad) in cases {
        put(&app, "acme", &json!({}));
        assert_eq!(
            put(&app, "acme", &good)["createdAt"],
            "2026-11-23T02:43:00.123Z"
        );
        let shown = app.get(&organization("acme")).json();
        let (name, value) = good
            .as_object()
            .and_then(|good| good.iter().next())
            .expect("one setting");
        assert_eq!(&shown[name], value);
        let answer = app
            .request("PUT", &organization("acme"))
            .json(bad.to_string())
            .send();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "validation_failed"),
            "{bad}"
        );
        let name = bad
            .as_object()
            .and_then(|bad| bad.keys().next().cloned())
            .expect("one setting");
        assert_eq!(
            faults(&answer)
                .iter()
                .map(|fault| fault.0.clone())
                .collect::<Vec<_>>(),
            [format!("/{name}")]
        );
        assert_eq!(
            app.get(&organization("acme")).json(),
            shown,
            "nothing was changed"
        );
    }
}

#[test]
fn everything_wrong_is_listed_at_once_with_its_place() {
    let app = TestApp::start(Mode::Serve, &["--roles", "admin,developer"]);
    let body = json!({
        "name": " ",
        "roles": ["developer", "owner", "not a role"],
        "defaultExpiresIn": 1,
        "allowedDomains": ["fine.example", "a b"],
        "blockedDomains": ["x@y.co", "b.co", "\u{200b}b.co"],
        "maxPending": 0,
    });
    let answer = app
        .request("PUT", &organization("acme"))
        .json(body.to_string())
        .send();
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (422, "validation_failed")
    );
    let expected = [
        ("/name", "invalid_format"),
        ("/roles/1", "unknown_value"),
        ("/roles/2", "invalid_format"),
        ("/defaultExpiresIn", "out_of_range"),
        ("/allowedDomains/1", "invalid_format"),
        ("/blockedDomains/0", "invalid_format"),
        ("/blockedDomains/2", "forbidden_character"),
        ("/maxPending", "out_of_range"),
    ];
    assert_eq!(
        faults(&answer),
        expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
    );
    for (body, code, pointer) in [
        (r#"{"name":1}"#, "invalid_json", "/name"),
        (r#"{"roles":"admin"}"#, "invalid_json", "/roles"),
        (r#"{"roles":[null]}"#, "invalid_json", "/roles/0"),
        (r#"{"maxPending":1.5}"#, "invalid_json", "/maxPending"),
        (
            r#"{"defaultExpiresIn":"3600"}"#,
            "invalid_json",
            "/defaultExpiresIn",
        ),
        (r#"{"nam":"Acme"}"#, "unknown_field", "/nam"),
        (r#"{"id":"acme"}"#, "unknown_field", "/id"),
    ] {
        let answer = app.request("PUT", &organization("acme")).json(body).send();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, code),
            "{body}"
        );
        assert_eq!(faults(&answer)[0].0, pointer, "{body}");
    }
    assert_eq!(
        app.request("PUT", &organization("acme"))
            .json("[]")
            .send()
            .code(),
        "invalid_json"
    );
    assert_eq!(app.get("/v1/organizations").text(), "[]");
}

#[test]
fn a_domain_is_itself_and_everything_below_it_by_whole_labels_in_any_spelling() {
    let app = TestApp::serve();
    let (umlaut, a_label) = ("b\u{fc}cher.de", "xn--bcher-kva.de");
    let table = [
        ("example.com", "example.com", true),
        ("example.com", "sub.example.com", true),
        ("example.com", "a.b.example.com", true),
        ("example.com", "EXAMPLE.Com", true),
        (" Example.COM ", "example.com", true),
        ("example.com", "notexample.com", false),
        ("example.com", "example.com.evil.org", false),
        ("example.com", "example.co", false),
        ("sub.example.com", "example.com", false),
        ("co.uk", "shop.co.uk", true),
        ("co.uk", "co.uk", true),
        ("co.uk", "shop.org.uk", false),
        ("co.uk", "xco.uk", false),
        ("uk", "shop.co.uk", true),
        ("uk", "shop.ukx", false),
        (umlaut, a_label, true),
        (a_label, umlaut, true),
        (umlaut, "BU\u{308}CHER.de", true),
        (umlaut, "mail.b\u{fc}cher.de", true),
        (umlaut, "bucher.de", false),
        ("xn--bcher-kva.de", "yxn--bcher-kva.de", false),
    ];
    for (number, (listed, host, is_in)) in table.into_iter().enumerate() {
        let email = format!("p{number}@{host}");
        put(&app, "acme", &json!({ "blockedDomains": [listed] }));
        let blocked = invite(&app, &format!("b{email}"), "developer", &json!({}));
        put(
            &app,
            "acme",
            &json!({ "allowedDomains": ["other.example", listed] }),
        );
        let allowed = invite(&app, &email, "developer", &json!({}));
        let expected = if is_in { (422, 201) } else { (201, 422) };
        assert_eq!(
            (blocked.status, allowed.status),
            expected,
            "{listed} {host}"
        );
        let refused = if is_in { blocked } else { allowed };
        assert_eq!(
            faults(&refused),
            [("/email".to_owned(), "not_allowed".to_owned())],
            "{listed} {host}"
        );
    }
    let not_domains = [
        "example.com.",
        ".example.com",
        "*.example.com",
        "@example.com",
        "a..b",
        "",
        " ",
        "1.2.3.4",
    ];
    let look_alikes = [
        "ex\u{ff41}mple.com",
        "a\u{3002}com",
        "\u{212a}.com",
        "a_b.com",
        "example.com:25",
    ];
    for domain in not_domains.into_iter().chain(look_alikes) {
        let body = json!({ "allowedDomains": ["fine.example", domain] }).to_string();
        let answer = app.request("PUT", &organization("acme")).json(body).send();
        assert_eq!(
            faults(&answer),
            [("/allowedDomains/1".to_owned(), "invalid_format".to_owned())],
            "{domain:?}"
        );
    }
}

#[test]
fn a_host_of_one_label_is_matched_where_addresses_may_have_one() {
    let app = TestApp::start(Mode::Dev, &[]);
    put(&app, "acme", &json!({ "allowedDomains": ["localhost"] }));
    let status = |email: &str| invite(&app, email, "developer", &json!({})).status;
    assert_eq!(
        (
            status("a@localhost"),
            status("a@box.localhost"),
            status("a@xlocalhost")
        ),
        (201, 201, 422)
    );
}

#[test]
fn blocked_wins_over_allowed_and_an_empty_list_is_as_none() {
    let app = TestApp::serve();
    put(
        &app,
        "acme",
        &json!({ "allowedDomains": ["example.com"], "blockedDomains": ["bad.example.com"] }),
    );
    let status = |email: &str| invite(&app, email, "developer", &json!({})).status;
    assert_eq!(
        (
            status("a@example.com"),
            status("a@x.bad.example.com"),
            status("a@b.co")
        ),
        (201, 422, 422)
    );
    put(
        &app,
        "acme",
        &json!({ "allowedDomains": ["bad.example.com"], "blockedDomains": ["bad.example.com"] }),
    );
    assert_eq!(status("a@bad.example.com"), 422);
    let shown = put(
        &app,
        "acme",
        &json!({ "allowedDomains": [], "blockedDomains": [] }),
    );
    assert_eq!(
        (&shown["allowedDomains"], &shown["blockedDomains"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(status("a@bad.example.com"), 201);
}

#[test]
fn a_role_and_an_address_that_the_organization_does_not_take_are_refused_together() {
    let app = TestApp::start(Mode::Serve, &["--roles", "admin,developer,viewer"]);
    put(
        &app,
        "acme",
        &json!({ "roles": ["viewer"], "allowedDomains": ["example.com"] }),
    );
    let refused = invite(&app, "a@b.co", "developer", &json!({}));
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (422, "validation_failed")
    );
    let expected = [("/role", "unknown_value"), ("/email", "not_allowed")];
    assert_eq!(
        faults(&refused),
        expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
    );
    let dialect = format!("/clickhouse{}", invitations("acme"));
    assert_eq!(
        app.post(&dialect, r#"{"email":"a@example.com"}"#).status,
        422,
        "the dialect's role is developer"
    );
    assert_eq!(app.db_rows("select id from invitation").len(), 0);
    assert_eq!(
        invite(&app, "a@example.com", "viewer", &json!({})).status,
        201
    );
    let elsewhere = app.post(
        &invitations("globex"),
        r#"{"email":"a@b.co","role":"developer"}"#,
    );
    assert_eq!(
        elsewhere.status, 201,
        "settings hold for their organization only"
    );
    put(&app, "acme", &json!({}));
    assert_eq!(
        invite(&app, "a@b.co", "developer", &json!({})).status,
        201,
        "what is unset holds no more"
    );
}

#[test]
fn the_default_lifetime_is_the_organizations_unless_the_invitation_has_its_own() {
    let app = TestApp::serve();
    let lives = |answer: &Answer| {
        let end = invited::base::clock::Timestamp::parse(
            answer.json()["expiresAt"].as_str().unwrap_or_default(),
        );
        (end.expect("a time").as_millis() - START) / 1000
    };
    put(&app, "acme", &json!({ "defaultExpiresIn": 3600 }));
    let default = invite(&app, "a@b.co", "developer", &json!({}));
    assert_eq!(lives(&default), 3600, "as it is answered");
    assert_eq!(
        lives(&app.get(&invitation("acme", &default.json()["id"]))),
        3600,
        "as it is stored"
    );
    assert_eq!(
        lives(&invite(
            &app,
            "b@b.co",
            "developer",
            &json!({ "expiresIn": 7200 })
        )),
        7200
    );
    let at = json!({ "expiresAt": "2026-11-23T02:53:00.123Z" });
    assert_eq!(lives(&invite(&app, "c@b.co", "developer", &at)), 600);
    let replaced = invite(
        &app,
        "a@b.co",
        "developer",
        &json!({ "onConflict": "replace" }),
    );
    assert_eq!(lives(&replaced), 3600);
    put(&app, "acme", &json!({}));
    assert_eq!(
        lives(&invite(&app, "d@b.co", "developer", &json!({}))),
        7 * 24 * 60 * 60
    );
    put(&app, "acme", &json!({ "defaultExpiresIn": 60 }));
    app.advance_to(60_000);
    let resent = invite(
        &app,
        "d@b.co",
        "developer",
        &json!({ "onConflict": "resend" }),
    );
    assert_eq!((resent.status, lives(&resent)), (200, 120));
}

#[test]
fn a_standing_invitation_is_sent_again_only_if_todays_settings_take_its_role_and_address() {
    let app = TestApp::serve();
    let standing = invite(&app, "a@b.co", "admin", &json!({})).json();
    app.advance_to(100_000);
    let resend = |role: &str| invite(&app, "a@b.co", role, &json!({ "onConflict": "resend" }));
    put(&app, "acme", &json!({ "roles": ["developer"] }));
    assert_eq!(
        faults(&resend("developer")),
        [("/role".to_owned(), "unknown_value".to_owned())],
        "it keeps admin"
    );
    put(&app, "acme", &json!({ "blockedDomains": ["b.co"] }));
    assert_eq!(
        faults(&resend("admin")),
        [("/email".to_owned(), "not_allowed".to_owned())]
    );
    assert_eq!(
        app.get(&invitation("acme", &standing["id"])).json(),
        standing
    );
    put(&app, "acme", &json!({ "roles": ["developer", "admin"] }));
    assert_eq!(resend("developer").status, 200);
}

#[test]
fn of_sixty_four_parallel_creates_with_room_for_ten_exactly_ten_are_made() {
    let app = TestApp::serve();
    put(&app, "acme", &json!({ "maxPending": 10 }));
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let create =
            |number: usize| invite(&app, &format!("p{number}@b.co"), "developer", &json!({}));
        let threads: Vec<_> = (0..64)
            .map(|number| scope.spawn(move || create(number)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an answer"))
            .collect()
    });
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((made.len(), refused.len()), (10, 54));
    assert!(
        refused
            .iter()
            .all(|answer| (answer.status, &*answer.code()) == (409, "pending_limit_reached"))
    );
    assert_eq!(
        app.get(&invitations("acme"))
            .json()
            .as_array()
            .map(Vec::len),
        Some(10)
    );
}

#[test]
fn the_cap_counts_what_is_pending_now_and_what_takes_a_pending_place_is_not_one_more() {
    let app = TestApp::serve();
    put(&app, "acme", &json!({ "maxPending": 2 }));
    let create = |email: &str, more: Value| invite(&app, email, "developer", &more);
    let first = create("a@b.co", json!({ "expiresIn": 60 })).json();
    let second = create("b@b.co", json!({})).json();
    let full = |email: &str, more: Value| {
        let answer = create(email, more);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (409, "pending_limit_reached"),
            "{email}"
        );
    };
    full("c@b.co", json!({}));
    for (rule, status) in [("replace", 201), ("return", 200), ("error", 409)] {
        let answer = create("b@b.co", json!({ "onConflict": rule }));
        assert_eq!(answer.status, status, "{rule}: {}", answer.text());
        assert_ne!(answer.code(), "pending_limit_reached", "{rule}");
    }
    full("c@b.co", json!({}));
    app.advance_to(60_000);
    assert_eq!(
        create("c@b.co", json!({})).status,
        201,
        "the first one has lapsed"
    );
    full("a@b.co", json!({}));
    assert_eq!(
        app.get(&invitation("acme", &first["id"])).json()["status"],
        "expired"
    );
    let resent = create("b@b.co", json!({ "onConflict": "resend" }));
    assert_eq!(resent.status, 200, "{}", resent.text());
    assert_ne!(resent.json()["id"], second["id"]);
    assert_eq!(
        app.request("DELETE", &invitation("acme", &resent.json()["id"]))
            .send()
            .status,
        204
    );
    assert_eq!(
        create("a@b.co", json!({})).status,
        201,
        "a lapsed one makes room for its address, if there is some"
    );
    full("d@b.co", json!({}));
}

#[test]
fn a_cap_counts_what_was_pending_before_it_was_set() {
    let app = TestApp::serve();
    for number in 0..3 {
        app.invite("acme", &format!("p{number}@b.co"));
    }
    let status = |email: &str, more: Value| invite(&app, email, "developer", &more).status;
    put(&app, "acme", &json!({ "maxPending": 2 }));
    assert_eq!(
        status("new@b.co", json!({})),
        409,
        "there are more than that already"
    );
    assert_eq!(status("p0@b.co", json!({ "onConflict": "replace" })), 201);
    put(&app, "acme", &json!({ "maxPending": 4 }));
    assert_eq!(
        (status("q0@b.co", json!({})), status("q1@b.co", json!({}))),
        (201, 409)
    );
    put(&app, "acme", &json!({}));
    assert_eq!(
        app.db_rows("select id from invitation where capped is not null")
            .len(),
        1,
        "the one that was revoked"
    );
    assert_eq!(status("q1@b.co", json!({})), 201);
    put(&app, "acme", &json!({ "maxPending": 5 }));
    assert_eq!(status("q2@b.co", json!({})), 409);
}

#[test]
fn a_cap_counts_one_that_had_expired_before_it_was_set_and_was_sent_again_since() {
    let app = TestApp::serve();
    let create = |email: &str| invite(&app, email, "developer", &json!({ "expiresIn": 60 }));
    let first = create("a@b.co").json();
    app.advance_to(60_000);
    let second = create("a@b.co").json();
    put(&app, "acme", &json!({ "maxPending": 1 }));
    assert_eq!(
        app.request("DELETE", &invitation("acme", &second["id"]))
            .send()
            .status,
        204
    );
    assert_eq!(
        app.post(&(invitation("acme", &first["id"]) + "/resend"), "{}")
            .status,
        200
    );
    let answer = create("b@b.co");
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "pending_limit_reached")
    );
}
