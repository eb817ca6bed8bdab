//! Inviting people from the console, alone and from a list.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Person;
use crate::support::{TestApp, invitations};

/// The place of the organization of these tests.
pub const HERE: &str = "/console/organizations/acme";

/// A server with an organization that has settings.
pub fn with_acme(settings: &Value) -> TestApp {
    let app = TestApp::serve();
    let put = app.request("PUT", "/v1/organizations/acme");
    assert_eq!(put.json(settings.to_string()).send().status, 201);
    app
}

/// The invitations of the organization, the newest first.
pub fn all(app: &TestApp) -> Vec<Value> {
    let list = app.get(&invitations("acme")).json();
    list.as_array().expect("a list").clone()
}

/// What stands between `start` and `end` in `page`, as text.
pub fn between(page: &str, start: &str, end: &str) -> String {
    let rest = page
        .split(start)
        .nth(1)
        .unwrap_or_else(|| panic!("no {start}: {page}"));
    let text = rest.split(end).next().unwrap_or_default();
    text.replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#x27;", "'")
        .replace("&amp;", "&")
}

#[test]
fn a_few_people_are_invited_by_one_form() {
    let app = with_acme(&json!({"roles": ["admin", "viewer"]}));
    let person = Person::with_key(&app, &app.key);
    let page = person.page(&format!("{HERE}/invite"));
    assert!(page.contains("<option>viewer</option>"), "{page}");
    let first =
        "required aria-describedby=\"hint-role\">\n<option value=\"\">Choose a role</option>";
    assert!(page.contains(first), "{page}");
    let list = person.page(&format!("{HERE}/import"));
    assert!(list.contains("<option value=\"\">none: rows"), "{list}");
    let none = person.post(
        &format!("{HERE}/invite"),
        &[("email", "x@example.com"), ("role", "")],
    );
    assert!(none.status == 422 && none.text().contains("id=\"wrong-role\""));
    let sent = person.post(
        &format!("{HERE}/invite"),
        &[
            (
                "email",
                "ada@example.com, Grace H <grace@example.com>\r\nlinus@example.org",
            ),
            ("role", "viewer"),
            ("note", "See you"),
            ("expiresIn", "86400"),
            ("inviterName", "Barbara"),
            ("inviterEmail", "barbara@example.com"),
            ("locale", "de"),
            ("metadata", "{\"team\":\"red\"}"),
        ],
    );
    assert_eq!(sent.status, 303, "{}", sent.text());
    let end = sent.header("location").expect("a location").to_owned();
    assert!(end.ends_with("organizations/acme?did=invited&n=3"), "{end}");
    let list = all(&app);
    assert_eq!(list.len(), 3);
    for made in &list {
        assert_eq!(made["role"], "viewer");
        assert_eq!(made["expiresAt"], "2026-11-24T02:43:00.123Z");
        assert_eq!(
            made["inviter"],
            json!({"name": "Barbara", "email": "barbara@example.com"})
        );
        assert_eq!(made["locale"], "de");
        assert_eq!(made["metadata"], json!({"team": "red"}));
    }
    assert!(list.iter().any(|made| made["email"] == "grace@example.com"));
}

#[test]
fn nobody_is_invited_where_one_cannot_be_and_the_form_says_who_and_why() {
    let app = with_acme(&json!({"allowedDomains": ["example.com"]}));
    app.invite("acme", "ada@example.com");
    let person = Person::with_key(&app, &app.key);
    let typed = "ada@example.com\nx@gmail.com\nnobody\nnew@example.com";
    let form = [("email", typed), ("role", "viewer"), ("note", "<b>")];
    let refused = person.post(&format!("{HERE}/invite"), &form);
    let page = refused.text();
    assert_eq!(refused.status, 422, "{page}");
    for words in [
        "ada@example.com: Has a pending invitation already",
        "x@gmail.com: this organization does not invite addresses of this domain",
        "nobody: an address needs an @",
        "new@example.com</textarea>",
        "&lt;b&gt;</textarea>",
        "id=\"wrong-email\"",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(all(&app).len(), 1);
    for (field, value, pointer) in [
        ("role", "no role", "role"),
        ("metadata", "[1]", "metadata"),
        ("locale", "no language", "locale"),
        ("inviterEmail", "barbara", "inviter/email"),
        ("redirectUrl", "https://elsewhere.test", "redirectUrl"),
        ("expiresIn", "soon", "expiresIn"),
        ("onConflict", "quarrel", "onConflict"),
    ] {
        let form = [
            ("email", "new@example.com"),
            (field, value),
            ("role", "viewer"),
        ];
        let refused = person.post(&format!("{HERE}/invite"), &form);
        let page = refused.text();
        assert_eq!(refused.status, 422, "{field}: {page}");
        assert!(
            page.contains(&format!("id=\"wrong-{pointer}\"")),
            "{field}: {page}"
        );
    }
    let nobody = person.post(&format!("{HERE}/invite"), &[("role", "viewer")]);
    assert_eq!(nobody.status, 422);
    let crowd: String = (0..1_001).map(|n| format!("p{n}@example.com\n")).collect();
    let crowd = [("email", &*crowd), ("role", "viewer")];
    let crowd = person.post(&format!("{HERE}/invite"), &crowd);
    assert_eq!(crowd.status, 422);
    assert!(crowd.text().contains("at most 1,000 addresses"));
    assert_eq!(all(&app).len(), 1);
    // Who is named twice is invited once, and who is there already is not counted as new.
    let form = [
        ("email", "ADA@example.com new@example.com New@Example.com"),
        ("role", "viewer"),
        ("onConflict", "return"),
    ];
    let sent = person.post(&format!("{HERE}/invite"), &form);
    let end = sent.header("location").expect("a location").to_owned();
    assert!(end.ends_with("?rest=1&did=invited-return&n=1"), "{end}");
    assert_eq!(all(&app).len(), 2);
    let page = person.page(&format!("{HERE}?rest=1&did=invited-return&n=0"));
    assert!(
        page.contains("0 invitations made, 1 stays as it was."),
        "{page}"
    );
}

#[test]
fn a_list_is_checked_before_anything_is_sent_and_then_its_good_rows_are_invited() {
    let app = with_acme(&json!({"roles": ["admin", "viewer"]}));
    app.post(
        &invitations("acme"),
        r#"{"email":"old@example.com","role":"viewer"}"#,
    );
    let person = Person::with_key(&app, &app.key);
    let way = format!("{HERE}/import");
    let list = "\u{feff}E-Mail;Rolle;Name;Team\r\nada@example.com;admin;\"Lovelace; Ada\";red\r\n\
        OLD@example.com;viewer;;\r\nnobody;viewer;;\r\nAda@Example.com;viewer;;\r\n\
        linus@example.org;;;\r\nx@example.org;boss;;\r\n";
    let checked = person.post(&way, &[("list", list), ("role", "viewer"), ("note", "Hi")]);
    let page = checked.text();
    assert_eq!(checked.status, 200, "{page}");
    for words in [
        "2 people will be invited, 4 rows will not",
        "Invite 2 people",
        "Columns that are not used: <bdi>Team</bdi>",
        "Has a pending invitation already",
        "An address needs an @",
        "Stands in the list twice: in line 2, too",
        "Role: one of: admin, viewer",
        "<td class=\"num end quiet\">7</td>",
        "Lovelace; Ada",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(all(&app).len(), 1, "nothing is sent");

    let rows = between(&page, "aria-label=\"The rows\">\n", "</textarea>");
    let fields = [("rows", &*rows), ("role", "viewer"), ("note", "Hi")];
    let edit = [&fields[..], &[("step", "edit"), ("list", list)]].concat();
    let form = person.post(&way, &edit).text();
    assert!(form.contains("E-Mail;Rolle;Name;Team"), "{form}");
    assert!(page.contains("name=\"left\" value=\"4\""), "{page}");
    let send = [&fields[..], &[("step", "send"), ("left", "4")]].concat();
    let sent = person.post(&way, &send);
    assert_eq!(sent.status, 303, "{}", sent.text());
    let end = sent.header("location").expect("a location").to_owned();
    assert!(end.ends_with("acme?rest=4&did=imported&n=2"), "{end}");
    let page = person.page(&format!("{HERE}?rest=4&did=imported&n=2"));
    assert!(
        page.contains("2 invitations made, 4 rows were refused."),
        "{page}"
    );
    let made = all(&app);
    assert_eq!(made.len(), 3);
    let ada = made
        .iter()
        .find(|made| made["email"] == "ada@example.com")
        .expect("Ada");
    assert_eq!(ada["role"], "admin");
    assert_eq!(ada["metadata"], json!({"name": "Lovelace; Ada"}));

    // The rows are checked anew: a page that was left open sends nothing twice.
    let again = person.post(&way, &send);
    let page = again.text();
    assert_eq!(again.status, 200, "{page}");
    assert!(page.contains("Not all were invited"), "{page}");
    assert!(
        page.contains("0 invited, 2 not; 4 rows were refused before"),
        "{page}"
    );
    assert_eq!(all(&app).len(), 3);
}

#[test]
fn what_is_said_of_all_who_are_invited_has_a_bound_since_each_of_a_thousand_gets_it() {
    let app = with_acme(&json!({}));
    let person = Person::with_key(&app, &app.key);
    let people: String = (0..1_000)
        .map(|number| format!("p{number}@example.com\n"))
        .collect();
    let (long, metadata) = (
        "x".repeat(900_000),
        format!("{{\"a\":[{}0]}}", "0,".repeat(5_000)),
    );
    for (way, list, field, text, words) in [
        ("invite", "email", "note", &long, "at most 16 KiB"),
        ("invite", "email", "inviterName", &long, "at most 16 KiB"),
        (
            "invite",
            "email",
            "metadata",
            &metadata,
            "at most 4096 bytes",
        ),
        ("import", "list", "note", &long, "at most 16 KiB"),
    ] {
        let began = Instant::now();
        let form = [(list, &*people), ("role", "viewer"), (field, text)];
        let refused = person.post(&format!("{HERE}/{way}"), &form);
        let took = began.elapsed();
        assert_eq!(refused.status, 422, "{way}: {field}");
        assert!(refused.text().contains(words), "{way}: {field}");
        assert!(took < Duration::from_secs(2), "{way}: {field}: {took:?}");
    }
    assert_eq!(all(&app).len(), 0);
}

#[test]
fn a_list_that_is_empty_too_long_or_no_list_of_addresses_is_refused() {
    let app = with_acme(&json!({}));
    let person = Person::with_key(&app, &app.key);
    let way = format!("{HERE}/import");
    let address = |number| format!("p{number}@example.com\n");
    let long: String = (0..1_001).map(address).collect();
    for (list, words) in [
        ("", "addresses, one a line"),
        ("Person;Team\nAda;Red", "a column that is called email"),
        (&*long, "this list has more"),
        (
            "email,name\na@example.com,Ren\u{fffd}",
            "save it as CSV UTF-8",
        ),
        ("a\0@\0x\0.\0o\0r\0g\0", "save it as CSV UTF-8"),
    ] {
        let refused = person.post(&way, &[("list", list), ("role", "viewer")]);
        let page = refused.text();
        assert_eq!(refused.status, 422, "{page}");
        assert!(
            page.contains(words) && page.contains("id=\"wrong-list\""),
            "{words}: {page}"
        );
    }
    let most: String = (0..1_000).map(address).collect();
    let checked = person.post(&way, &[("list", &most), ("role", "viewer")]);
    assert!(
        checked.text().contains("Invite 1\u{202f}000 people"),
        "{}",
        checked.text()
    );
}
