//! Allowed and blocked domains: which addresses an organization takes.

use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::rules::{faults, invite};
use super::{organization, put};
use crate::support::TestApp;

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
