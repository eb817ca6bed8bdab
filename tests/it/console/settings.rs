//! Making an organization, its settings, and its end.

use serde_json::json;

use super::Person;
use super::organizations::put;
use crate::support::TestApp;

#[test]
fn an_organization_is_made_by_a_form_that_keeps_what_was_typed_where_it_is_refused() {
    let app = TestApp::serve();
    let person = Person::with_key(&app, &app.key);
    let refused = person.post(
        "/console/new-organization",
        &[
            ("id", "acme"),
            ("name", "Acme <Ltd.>"),
            ("color", "green"),
            ("lifetime", "9999"),
        ],
    );
    let page = refused.text();
    assert_eq!(refused.status, 422, "{page}");
    for words in [
        "value=\"Acme &lt;Ltd.&gt;\"",
        "value=\"green\"",
        "id=\"wrong-color\"",
        "id=\"wrong-defaultExpiresIn\"",
        "aria-invalid=\"true\"",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let form = [("id", "acme"), ("lifetime", "2"), ("unit", "weeks")];
    let refused = person.post("/console/new-organization", &form);
    assert_eq!(refused.status, 422);
    assert!(
        refused.text().contains("id=\"wrong-unit\""),
        "{}",
        refused.text()
    );
    let form = [
        ("id", "acme"),
        ("name", "Acme Ltd."),
        ("roles", "admin\r\nviewer, x"),
        ("lifetime", "36"),
        ("unit", "hours"),
    ];
    let made = person.post("/console/new-organization", &form);
    assert_eq!(made.status, 303, "{}", made.text());
    let end = made.header("location").expect("a location").to_owned();
    assert!(
        end.ends_with("console/organizations/acme?did=organization-created"),
        "{end}"
    );
    let shown = app.get("/v1/organizations/acme").json();
    assert_eq!(shown["roles"], json!(["admin", "viewer", "x"]));
    assert_eq!(shown["defaultExpiresIn"], 129_600);
    let again = person.post("/console/new-organization", &form);
    assert_eq!(again.status, 422);
    assert!(again.text().contains("id=\"wrong-id\""), "{}", again.text());
}

#[test]
fn settings_are_saved_as_a_whole_and_not_over_those_of_somebody_else() {
    let app = TestApp::serve();
    let all = json!({
        "name": "Acme", "roles": ["admin", "viewer"], "defaultExpiresIn": 90, "allowedDomains":
        ["example.com"], "blockedDomains": ["bad.example.com"], "maxPending": 7, "mailFromName":
        "Acme Mail", "color": "#0b7a5b", "locale": "de", "acceptance": "code",
        "acceptUrl": "http://invited.test/join",
    });
    put(&app, "acme", &all);
    let person = Person::with_key(&app, &app.key);
    let way = "/console/organizations/acme/settings";
    let page = person.page(way);
    let seen = page
        .split("name=\"seen\" value=\"")
        .nth(1)
        .expect("a version");
    let seen = seen.split('"').next().expect("its end").to_owned();
    let form = [
        ("seen", &*seen),
        ("name", "Acme"),
        ("roles", "admin\nviewer"),
        ("lifetime", "90"),
        ("unit", "seconds"),
        ("allowedDomains", "example.com"),
        ("blockedDomains", "bad.example.com"),
        ("maxPending", "7"),
        ("mailFromName", "Acme Mail"),
        ("color", "#0b7a5b"),
        ("locale", "de"),
        ("acceptance", "code"),
        ("acceptUrl", "http://invited.test/join"),
    ];
    // What the page shows is what is sent.
    for (_, value) in &form {
        assert!(page.contains(value), "{value}: {page}");
    }
    let saved = person.post(way, &form);
    assert_eq!(saved.status, 303, "{}", saved.text());
    let shown = app.get("/v1/organizations/acme").json();
    for (name, value) in all.as_object().expect("an object") {
        assert_eq!(shown[name], *value, "{name}");
    }
    put(&app, "acme", &json!({"name": "Another"}));
    let late = person.post(way, &form);
    assert_eq!(late.status, 412);
    assert!(late.text().contains("Acme Mail"), "{}", late.text());
    assert_eq!(app.get("/v1/organizations/acme").json()["name"], "Another");
}

#[test]
fn an_organization_is_deleted_once_its_id_was_typed() {
    let app = TestApp::serve();
    app.invite("acme", "ada@example.com");
    let person = Person::with_key(&app, &app.key);
    let way = "/console/organizations/acme/delete";
    let page = person.page(way);
    assert!(page.contains("1 invitation, 1 of them pending"), "{page}");
    let refused = person.post(way, &[("confirm", "ACME")]);
    assert_eq!(refused.status, 422);
    assert!(
        refused.text().contains("id=\"wrong-confirm\""),
        "{}",
        refused.text()
    );
    let deleted = person.post(way, &[("confirm", " acme ")]);
    assert_eq!(deleted.status, 303, "{}", deleted.text());
    let end = deleted.header("location").expect("a location").to_owned();
    assert!(end.ends_with("console?did=organization-deleted"), "{end}");
    assert_eq!(app.get("/v1/organizations/acme").status, 404);
    assert_eq!(person.get("/console/organizations/acme").status, 404);
}
