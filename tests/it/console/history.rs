//! The place of the history of the server.

use invited::base::role::Role;
use invited::key::{NewKey, Rights, Scope};
use serde_json::json;

use super::{Person, dev};
use crate::support::TestApp;

/// The path of the place.
const HISTORY: &str = "/console/history";
/// Milliseconds in a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The body of a new key.
fn key_body(name: &str, organization: &str) -> String {
    json!({ "name": name, "scopes": ["invitations:read"], "organizations": [organization] })
        .to_string()
}

/// Makes a key with the API. Returns its id.
fn make_key(app: &TestApp, organization: &str) -> String {
    let answer = app.post("/v1/keys", &key_body("test", organization));
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// How many rows a page has.
fn rows(page: &str) -> usize {
    page.matches("<td class=\"lead\">").count()
}

#[test]
fn every_kind_of_change_is_said_in_words_with_its_details() {
    let app = TestApp::serve();
    let admin = Person::with_key(&app, &app.key);
    let key = make_key(&app, "acme");
    app.request("DELETE", &format!("/v1/keys/{key}")).send();
    let url = json!({ "url": "https://app.example.com/hooks?secret=1" }).to_string();
    let hook = app.post("/v1/webhooks", &url).json();
    let hook = hook["id"].as_str().expect("an id");
    let pause = app.request("PATCH", &format!("/v1/webhooks/{hook}"));
    pause.json(json!({ "enabled": false }).to_string()).send();
    let page = admin.page(HISTORY);
    for words in [
        "Key made",
        "Key revoked",
        "Webhook made",
        "Webhook changed",
        "Signed in",
        "may do: invitations:read",
        "now paused",
        "the server</span>",
        hook,
        &format!("keys/{key}"),
        &format!(
            "key <a class=\"mono\" href=\"../console/keys/{}\">",
            &app.key[4..20]
        ),
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        !page.contains("app.example.com"),
        "no URL is in the history"
    );
}

#[test]
fn the_filter_is_in_the_address_and_both_its_days_count() {
    let app = dev();
    let admin = Person::of_development(&app);
    let first = make_key(&app, "acme");
    app.advance_to(DAY);
    let second = make_key(&app, "globex");
    app.advance_to(2 * DAY);
    let third = make_key(&app, "initech");
    // The server starts its clock on 23 November 2026.
    for (query, expected) in [
        ("action=key.created&since=2026-11-24", vec![&second, &third]),
        (
            "action=key.created&until=2026-11-24&organizationId=globex",
            vec![&second],
        ),
        ("since=2026-11-24&until=2026-11-24", vec![&second]),
        ("since=2026-11-25T00%3A00%3A00Z", vec![&third]),
        (&*format!("subject={first}"), vec![&first]),
        ("action=webhook.created", vec![]),
        ("actor=cli", vec![]),
        ("action=&actor=server&subject=&since=&until=", vec![]),
    ] {
        let page = admin.page(&format!("{HISTORY}?{query}"));
        for key in [&first, &second, &third] {
            let is_there = page.contains(&format!("keys/{key}"));
            assert_eq!(is_there, expected.contains(&key), "{query} {key}: {page}");
        }
        assert_eq!(rows(&page), expected.len(), "{query}");
        assert!(page.contains("Show all"), "{query}");
    }
    let page = admin.page(&format!("{HISTORY}?action=key.created&since=2026-11-24"));
    assert!(
        page.contains("<option value=\"key.created\" selected>"),
        "{page}"
    );
    assert!(page.contains("value=\"2026-11-24\""), "{page}");
}

#[test]
fn a_filter_that_cannot_be_says_so_and_keeps_what_was_typed() {
    let app = dev();
    let person = Person::of_development(&app);
    for (name, value) in [
        ("actor", "somebody\"><img"),
        ("subject", "<script>"),
        ("action", "key.lost"),
        ("since", "yesterday"),
        ("until", "2026-02-30"),
    ] {
        let query = super::form(&[(name, value)]);
        let answer = person.get(&format!("{HISTORY}?{query}"));
        let page = answer.text();
        assert_eq!(answer.status, 422, "{name}: {page}");
        assert!(
            page.contains(&format!("id=\"wrong-{name}\"")),
            "{name}: {page}"
        );
        assert!(
            !page.contains("<img") && !page.contains("<script>"),
            "{page}"
        );
        let typed = value
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;");
        assert!(
            name == "action" || page.contains(&format!("value=\"{typed}\"")),
            "{page}"
        );
    }
    let backwards = format!("{HISTORY}?since=2026-11-24&until=2026-11-22");
    assert_eq!(person.get(&backwards).status, 422);
}

#[test]
fn a_long_history_comes_in_pages_that_keep_their_filter() {
    let app = TestApp::serve();
    let admin = Person::with_key(&app, &app.key);
    for _ in 0..60 {
        app.key(&[Scope::Read], &["acme"], None);
        app.key(&[Scope::Read], &["globex"], None);
    }
    let (mut seen, mut way) = (0, format!("{HISTORY}?actor=cli&organizationId=acme"));
    loop {
        let page = admin.page(&way);
        assert!(!page.contains("<td>globex"), "{page}");
        seen += rows(&page);
        let Some((before, _)) = page.split_once("\" rel=\"next\"") else {
            break;
        };
        let (_, next) = before.rsplit_once("href=\"").expect("a link");
        way = next.replace("&amp;", "&").replace("../", "/");
        assert!(
            way.contains("actor=cli&organizationId=acme&after="),
            "{way}"
        );
    }
    assert_eq!(seen, 60);
}

#[test]
fn a_narrow_admin_sees_what_the_api_shows_it() {
    let app = TestApp::serve();
    let mine = make_key(&app, "acme");
    let foreign = make_key(&app, "initech");
    let bound = app.key(&[Scope::Admin], &["acme", "globex"], None);
    let limited = app.insert_key(&NewKey {
        name: "viewers".to_owned(),
        rights: Rights {
            scopes: [Scope::Admin].into_iter().collect(),
            organizations: None,
            roles: Role::parse("viewer").map(|role| vec![role]),
        },
        expires_at: None,
    });
    for key in [&bound, &limited] {
        let person = Person::with_key(&app, key);
        let api = app.anonymous("GET", "/v1/audit").bearer(key).send().json();
        let api = api.as_array().expect("an array");
        let page = person.page(HISTORY);
        assert_eq!(rows(&page), api.len(), "{page}");
        assert!(!page.contains(&foreign), "{page}");
        for entry in api {
            let subject = entry["subject"].as_str().unwrap_or_default();
            assert!(page.contains(subject), "{subject}: {page}");
        }
        assert_eq!(page.contains(&mine), key == &bound, "{page}");
        let page = person.page(&format!("{HISTORY}?subject={foreign}"));
        assert_eq!(rows(&page), 0, "{page}");
    }
    let reader = Person::with_key(&app, &app.key(&[Scope::Read], &[], None));
    assert_eq!(reader.get(HISTORY).status, 403);
}
