//! The place of organizations: all of them, and one with its invitations.

use invited::key::Scope;
use serde_json::json;

use super::{Person, dev};
use crate::support::{TestApp, invitation, invitations};

/// What could do harm where it is not written as text.
const PAYLOADS: [&str; 4] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "{{7*7}}",
    "' autofocus onfocus='alert(1)",
];

/// `text` as a page has it that takes it for text.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#x27;")
}

/// Gives `organization` settings over the API.
pub fn put(app: &TestApp, organization: &str, settings: &serde_json::Value) {
    let path = format!("/v1/organizations/{organization}");
    let put = app.request("PUT", &path).json(settings.to_string()).send();
    assert!(matches!(put.status, 200 | 201), "{}", put.text());
}

#[test]
fn a_new_server_says_what_an_organization_is_and_how_to_make_one() {
    let app = TestApp::serve();
    let page = Person::with_key(&app, &app.key).page("/console");
    for words in [
        "No organizations yet",
        "console/new-organization\">New organization",
        "curl -X PUT http://invited.test/v1/organizations/acme",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let key = app.key(&[Scope::Read], &[], None);
    let page = Person::with_key(&app, &key).page("/console");
    assert!(page.contains("No organizations yet"), "{page}");
    assert!(!page.contains("new-organization"), "{page}");
}

#[test]
fn organizations_are_found_by_a_part_of_their_id_or_name_and_have_counts() {
    let app = TestApp::serve();
    put(&app, "acme", &json!({"name": "Ärzte & Co."}));
    put(&app, "globex", &json!({}));
    let made = app.invite("acme", "ada@example.com");
    app.invite("acme", "grace@example.com");
    let accept = format!("{}/accept", invitation("acme", &made["id"]));
    assert_eq!(
        app.post(&accept, r#"{"email":"ada@example.com"}"#).status,
        200
    );
    let person = Person::with_key(&app, &app.key);
    let page = person.page("/console");
    for words in [
        "Ärzte &amp; Co.",
        ">globex<",
        "1<span class=\"on-phone\"> pending",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    for q in ["%C3%84RZTE", "CM", "co."] {
        let page = person.page(&format!("/console?q={q}"));
        assert!(page.contains("organizations/acme\""), "{q}: {page}");
        assert!(!page.contains("organizations/globex"), "{q}: {page}");
    }
    let none = person.page("/console?q=%3Cscript%3E");
    assert!(none.contains("No organization fits"), "{none}");
    assert!(none.contains("&lt;script&gt;"), "{none}");
}

#[test]
fn a_long_list_of_organizations_has_pages_that_keep_the_search() {
    let app = TestApp::serve();
    for number in 10..40 {
        put(&app, &format!("team-{number}"), &json!({}));
        put(&app, &format!("x{number}"), &json!({}));
    }
    let person = Person::with_key(&app, &app.key);
    let page = person.page("/console?q=team");
    assert!(page.contains("organizations/team-10\""), "{page}");
    assert!(!page.contains("organizations/team-35\""), "{page}");
    assert!(page.contains("?q=team&amp;after=team-34"), "{page}");
    let next = person.page("/console?q=team&after=team-34");
    assert!(next.contains("organizations/team-39\""), "{next}");
    assert!(!next.contains("organizations/x"), "{next}");
}

#[test]
fn the_page_of_an_organization_has_figures_filters_and_pages() {
    let app = TestApp::serve();
    for number in 10..70 {
        app.invite("acme", &format!("p{number}@example.com"));
    }
    let made = app.invite("acme", "ada@example.com");
    app.advance_to(60 * 60 * 1000);
    let accept = format!("{}/accept", invitation("acme", &made["id"]));
    assert_eq!(
        app.post(&accept, r#"{"email":"ada@example.com"}"#).status,
        200
    );
    let person = Person::with_key(&app, &app.key);
    let way = "/console/organizations/acme";
    let page = person.page(way);
    for words in [
        "<b class=\"num\">60</b><span>pending",
        "<b class=\"num\">1</b><span>accepted",
        "<b class=\"num\">1 %</b>",
        "<b class=\"num\">1 h</b>",
        "61 invited and 1 accepted in 90 days",
        "<rect class=\"invited\"",
        "<td class=\"num lead\">2026-11-23</td>",
        "50 invitations",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let older = page.split("href=\"?after=").nth(1).expect("an older page");
    let older = older.split('"').next().expect("its end");
    let next = person.page(&format!("{way}?after={older}"));
    assert!(
        next.contains("p10@example.com") && next.contains("11 invitations"),
        "{next}"
    );
    assert_eq!(
        person
            .page(&format!("{way}?limit=1000"))
            .matches("name=\"id\"")
            .count(),
        61
    );
    for (query, count) in [
        ("q=P1", 10),
        ("status=accepted", 1),
        ("delivery=sent", 0),
        ("role=viewer", 0),
        ("role=developer&q=ada", 1),
        ("createdAfter=2026-11-23&limit=1000", 61),
        ("createdBefore=2026-11-22", 0),
        (
            "createdAfter=2026-11-23&createdBefore=2026-11-23&limit=1000",
            61,
        ),
        ("expiresBefore=2026-11-24", 0),
        ("status=accepted,expired", 1),
    ] {
        let page = person.page(&format!("{way}?{query}"));
        assert_eq!(
            page.matches("name=\"id\"").count(),
            count,
            "{query}: {page}"
        );
    }
    for (query, words) in [
        ("status=lost", "<option selected>lost</option>"),
        ("limit=1001", "limit"),
        ("createdAfter=soon", "a day, as 2026-11-29"),
        ("expiresBefore=2026-13-01", "value=\"2026-13-01\""),
        ("q=%F0%9F%98%80", "a part of an address: letters, digits"),
        ("q=%00", "a part of an address"),
    ] {
        let refused = person.get(&format!("{way}?{query}"));
        let page = refused.text();
        assert_eq!(refused.status, 422, "{query}");
        assert!(page.contains(words), "{query}: {page}");
        assert!(page.contains("Nothing is shown"), "{query}: {page}");
    }
    // The form says what the address asks for.
    for (query, words) in [
        (
            "status=pending,expired",
            "<option selected>pending,expired</option>",
        ),
        ("delivery=none,sent", "<option selected>none,sent</option>"),
        (
            "createdAfter=2026-11-23T01:00:00Z",
            "type=\"text\" name=\"createdAfter\" value=\"2026-11-23T01:00:00Z\"",
        ),
        (
            "expiresBefore=2027-01-01",
            "type=\"date\" name=\"expiresBefore\" value=\"2027-01-01\"",
        ),
    ] {
        let page = person.page(&format!("{way}?{query}"));
        assert!(page.contains(words), "{query}: {page}");
    }
}

#[test]
fn what_a_narrow_key_may_not_do_is_not_on_its_pages_and_not_done() {
    let app = TestApp::serve();
    app.invite("acme", "ada@example.com");
    app.invite("globex", "ada@example.com");
    let key = app.key(&[Scope::Read], &["acme"], None);
    let reader = Person::with_key(&app, &key);
    let list = reader.page("/console");
    assert!(
        list.contains("organizations/acme\"") && !list.contains("globex"),
        "{list}"
    );
    let page = reader.page("/console/organizations/acme");
    assert!(page.contains("ada@example.com"), "{page}");
    for way in ["/invite", "/import", "/settings", "/chosen"] {
        assert!(!page.contains(&format!("acme{way}\"")), "{way}: {page}");
        let path = format!("/console/organizations/acme{way}");
        let posted = reader.post(&path, &[("act", "delete"), ("email", "x@example.com")]);
        assert_eq!(posted.status, 403, "{way}: {}", posted.text());
        if way != "/chosen" {
            assert_eq!(reader.get(&path).status, 403, "{way}");
        }
    }
    assert_eq!(reader.get("/console/new-organization").status, 403);
    let key = app.key(&[Scope::Admin], &["acme"], None);
    let admin = Person::with_key(&app, &key);
    for way in [
        "",
        "/invite",
        "/import",
        "/settings",
        "/delete",
        "/export.csv",
        "/chosen",
    ] {
        for organization in ["globex", "unknown"] {
            let path = format!("/console/organizations/{organization}{way}");
            let seen = admin.get(&path);
            assert!(!seen.text().contains("ada@example.com"), "{path}");
            assert_eq!(seen.status, 404, "{path}");
        }
        if !matches!(way, "" | "/export.csv") {
            let path = format!("/console/organizations/globex{way}");
            let posted = admin.post(&path, &[("confirm", "globex"), ("act", "delete")]);
            assert_eq!(posted.status, 404, "{path}: {}", posted.text());
        }
    }
    assert!(!admin.page("/console").contains("new-organization"));
    let foreign = admin.post("/console/new-organization", &[("id", "initech")]);
    assert_eq!(foreign.status, 422, "{}", foreign.text());
    assert_eq!(app.get("/v1/organizations/globex").status, 200);
}

#[test]
fn what_people_wrote_is_text_on_every_page() {
    for payload in PAYLOADS {
        let app = dev();
        put(&app, "acme", &json!({"name": payload}));
        let body =
            json!({"email": "ada@example.com", "role": "admin", "inviter": {"name": payload}});
        let made = app.post(&invitations("acme"), &body.to_string());
        assert_eq!(made.status, 201, "{}", made.text());
        let person = Person::of_development(&app);
        let here = "/console/organizations/acme";
        for way in ["", "/invite", "/import", "/settings", "/delete"] {
            let page = person.page(&format!("{here}{way}"));
            assert!(page.contains(&escaped(payload)), "{way}: {page}");
            assert!(
                !page.contains("<script>alert") && !page.contains("<img"),
                "{way}: {page}"
            );
            assert!(!page.contains(">49<"), "{way}: {page}");
        }
        for (way, field) in [
            ("/invite", "email"),
            ("/invite", "note"),
            ("/import", "list"),
            ("/delete", "confirm"),
        ] {
            let refused = person.post(
                &format!("{here}{way}"),
                &[(field, payload), ("expiresIn", "x")],
            );
            let page = refused.text();
            assert_eq!(refused.status, 422, "{way} {field}: {page}");
            assert!(page.contains(&escaped(payload)), "{way} {field}: {page}");
            assert!(
                !page.contains("<script>alert") && !page.contains("<img"),
                "{way} {field}: {page}"
            );
        }
    }
}
