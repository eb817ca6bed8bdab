//! What a body may not say.
//!
//! A refusal names everything that is wrong, and nothing is changed.

use serde_json::{Value, json};

use super::{URL, WEBHOOKS, make_silent, patch, path_of};
use crate::support::life::wrong;
use crate::support::{Answer, TestApp};

/// Checks a refusal: its status, its code, and every pointer with its code, as `"/url required"`.
pub fn check(answer: &Answer, (status, code): (u16, &str), fields: &[&str], what: &str) {
    let found: Vec<_> = wrong(answer)
        .iter()
        .map(|(pointer, code)| format!("{pointer} {code}"))
        .collect();
    let code_of = if answer.status == 201 || answer.status == 200 {
        String::new()
    } else {
        answer.code()
    };
    let found: Vec<_> = found.iter().map(String::as_str).collect();
    assert_eq!(
        ((answer.status, &*code_of), &*found),
        ((status, code), fields),
        "{what}"
    );
}

/// A server with one webhook, to see that it stays as it is.
pub fn serve() -> (TestApp, Value) {
    let app = TestApp::serve();
    let made = make_silent(&app, Some("acme"));
    (app, made)
}

#[test]
fn types_and_descriptions_that_cannot_be_are_refused() {
    let (app, made) = serve();
    let before = app.contents();
    let many = vec!["invitation.created"; invited::event::EventType::ALL.len() + 1];
    let mut table = vec![
        (json!({ "types": [] }), vec!["/types out_of_range"]),
        (json!({ "types": many }), vec!["/types out_of_range"]),
        (
            json!({ "types": ["webhook.test"] }),
            vec!["/types/0 unknown_value"],
        ),
        (
            json!({ "types": ["invitation.created", "", "*"] }),
            vec!["/types/1 unknown_value", "/types/2 unknown_value"],
        ),
        (
            json!({ "types": ["Invitation.Created", "invitation.created\0"] }),
            vec!["/types/0 unknown_value", "/types/1 unknown_value"],
        ),
    ];
    let long = "a".repeat(201);
    for text in [
        "",
        " ",
        "a\0",
        "a\nb",
        "\u{1b}[31m",
        "\u{7f}",
        "\u{200b}",
        "a\u{202e}b",
        "\u{feff}",
        &long,
        &"é".repeat(101),
    ] {
        table.push((
            json!({ "description": text }),
            vec!["/description invalid_format"],
        ));
    }
    for (change, fields) in table {
        let mut body = change.clone();
        body["url"] = json!(URL);
        let refused = (422, "validation_failed");
        check(
            &app.post(WEBHOOKS, &body.to_string()),
            refused,
            &fields,
            &format!("made: {change}"),
        );
        check(
            &patch(&app, &made, &change),
            refused,
            &fields,
            &format!("changed: {change}"),
        );
    }
    assert_eq!(app.contents(), before);
    for text in ["a".repeat(200), "é".repeat(100)] {
        assert_eq!(
            patch(&app, &made, &json!({ "description": text })).json()["description"],
            text
        );
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let (app, made) = serve();
    let before = app.contents();
    let body = json!({ "url": "http://127.0.0.1:25/", "organizationId": "not an id", "types": ["x"],
        "description": "" });
    let refused = (422, "validation_failed");
    let mut fields = [
        "/types/0 unknown_value",
        "/url not_allowed",
        "/organizationId invalid_format",
        "/description invalid_format",
    ]
    .to_vec();
    check(
        &app.post(WEBHOOKS, &body.to_string()),
        refused,
        &fields,
        "made",
    );
    check(
        &app.post(WEBHOOKS, "{}"),
        refused,
        &["/url required"],
        "nothing",
    );
    check(
        &app.post(WEBHOOKS, r#"{"url":null,"types":[]}"#),
        refused,
        &["/types out_of_range", "/url required"],
        "null",
    );
    fields.remove(2);
    let mut change = body;
    change
        .as_object_mut()
        .expect("an object")
        .remove("organizationId");
    change["enabled"] = json!(false);
    check(&patch(&app, &made, &change), refused, &fields, "changed");
    for id in [
        "",
        ".acme",
        "a/b",
        "a b",
        "acme\n",
        &"a".repeat(129),
        "\u{430}cme",
    ] {
        let body = json!({ "url": URL, "organizationId": id });
        check(
            &app.post(WEBHOOKS, &body.to_string()),
            refused,
            &["/organizationId invalid_format"],
            id,
        );
    }
    assert_eq!(app.contents(), before);
}

#[test]
fn fields_of_another_type_and_fields_that_there_are_not_are_refused() {
    let (app, made) = serve();
    let before = app.contents();
    for (name, value) in [
        ("url", "5"),
        ("url", "[\"https://app.example.com/\"]"),
        ("url", "{}"),
        ("types", "\"invitation.created\""),
        ("types", "{}"),
        ("types", "[null]"),
        ("types", "[1]"),
        ("description", "true"),
        ("description", "[]"),
    ] {
        let pointer = if value.starts_with('[') && name == "types" {
            "/types/0"
        } else {
            &*format!("/{name}")
        };
        let (body, fields) = (
            format!("{{\"{name}\":{value}}}"),
            [&*format!("{pointer} wrong_type")],
        );
        check(
            &app.post(WEBHOOKS, &body),
            (400, "invalid_json"),
            &fields,
            &body,
        );
        let changed = app.request("PATCH", &path_of(&made)).json(&body).send();
        check(&changed, (400, "invalid_json"), &fields, &body);
    }
    let organization = app.post(
        WEBHOOKS,
        &json!({ "url": URL, "organizationId": 1 }).to_string(),
    );
    check(
        &organization,
        (400, "invalid_json"),
        &["/organizationId wrong_type"],
        "a number",
    );
    check(
        &patch(&app, &made, &json!({ "enabled": "false" })),
        (400, "invalid_json"),
        &["/enabled wrong_type"],
        "text",
    );
    for name in [
        "id",
        "secret",
        "generation",
        "createdAt",
        "URL",
        "organization_id",
        "disabledReason",
        "headers",
        "__proto__",
    ] {
        let body = json!({ "url": URL, name: "x" });
        let expected = format!("/{name} unknown_field");
        check(
            &app.post(WEBHOOKS, &body.to_string()),
            (400, "unknown_field"),
            &[&expected],
            name,
        );
        check(
            &patch(&app, &made, &body),
            (400, "unknown_field"),
            &[&expected],
            name,
        );
    }
    let enabled = app.post(
        WEBHOOKS,
        &json!({ "url": URL, "enabled": true }).to_string(),
    );
    check(
        &enabled,
        (400, "unknown_field"),
        &["/enabled unknown_field"],
        "enabled",
    );
    for body in ["", "[]", "null", "5", "{"] {
        check(&app.post(WEBHOOKS, body), (400, "invalid_json"), &[], body);
    }
    let twice = r#"{"url":"https://a.example.com","url":"https://b.example.com"}"#;
    let answer = app.post(WEBHOOKS, twice);
    check(&answer, (400, "invalid_json"), &["/url wrong_type"], twice);
    for what in ["rotate", "test"] {
        let answer = app.post(
            &format!("{}/{what}", path_of(&made)),
            r#"{"secret":"mine"}"#,
        );
        check(
            &answer,
            (400, "unknown_field"),
            &["/secret unknown_field"],
            what,
        );
    }
    assert_eq!(app.contents(), before);
}

#[test]
fn paths_that_can_be_no_webhook_are_missing() {
    let app = TestApp::serve();
    for id in [
        "x",
        "..%2F",
        "%00",
        "1",
        "019A0C5E-7B1C-7CC3-98C4-DC0C0C073991",
        "'or'1'='1",
        &"a".repeat(500),
    ] {
        assert_eq!(app.get(&format!("{WEBHOOKS}/{id}")).status, 404, "{id}");
        assert_eq!(
            app.get(&format!("{WEBHOOKS}/{}/deliveries/{id}", super::UNKNOWN))
                .status,
            404,
            "{id}"
        );
    }
}
