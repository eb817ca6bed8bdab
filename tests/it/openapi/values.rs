//! Values against the documents: the examples in them, what excludes what, and the answers of the
//! README and of the quick start.

use invited::api::openapi::Part;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::committed;
use super::document::of;
use crate::support::TestApp;

/// What checks values against a schema of `document`.
fn validator(document: &Value, schema: &Value) -> Validator {
    let mut whole = schema.clone();
    whole["components"] = document["components"].clone();
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    options.build(&whole).expect("a schema")
}

/// Checks `value` against `schema`.
fn check(document: &Value, schema: &Value, value: &Value, place: &str) {
    let validator = validator(document, schema);
    let errors = validator.iter_errors(value).map(|error| error.to_string());
    let errors: Vec<_> = errors.collect();
    assert!(errors.is_empty(), "{place}: {errors:?}: {value}");
}

/// The value of `holder` that a reference in it may stand for.
fn resolved<'a>(document: &'a Value, holder: &'a Value) -> &'a Value {
    let path = holder["$ref"].as_str();
    path.map_or(holder, |path| {
        document.pointer(path.trim_start_matches('#')).expect(path)
    })
}

/// Every operation of `document`, with its method and its path.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let mut operations = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("methods") {
            operations.push((method.as_str(), path.as_str(), operation));
        }
    }
    operations
}

#[test]
fn every_example_is_valid() {
    let mut checked = 0;
    for part in Part::ALL {
        let document = of(part);
        for (name, schema) in document["components"]["schemas"]
            .as_object()
            .expect("schemas")
        {
            let examples = schema["examples"].as_array().into_iter().flatten();
            for example in examples.chain(schema.get("example")) {
                check(&document, schema, example, name);
                checked += 1;
            }
        }
        for (_, _, operation) in operations(&document) {
            let id = operation["operationId"].as_str().expect("an id");
            let responses = operation["responses"].as_object().expect("responses");
            let contents = responses.values().chain(operation.get("requestBody"));
            let contents =
                contents.filter_map(|one| resolved(&document, one)["content"].as_object());
            for (kind, content) in contents.flat_map(Map::iter) {
                if kind.contains("json")
                    && let Some(example) = content.get("example")
                {
                    check(&document, &content["schema"], example, id);
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 60, "{checked}");
}

#[test]
fn a_body_takes_one_way_to_say_when_something_ends() {
    let document = of(Part::Api);
    for (name, rest) in [
        (
            "InvitationCreate",
            json!({ "email": "ada@example.com", "role": "admin" }),
        ),
        ("InvitationUpdate", json!({})),
        ("InvitationResend", json!({})),
        ("ApiKeyCreate", json!({ "name": "ci", "scopes": ["admin"] })),
    ] {
        let validator = validator(&document, &document["components"]["schemas"][name]);
        for (expires_in, expires_at, is_valid) in [
            (json!(3600), Value::Null, true),
            (Value::Null, json!("2026-12-01T00:00:00Z"), true),
            (Value::Null, Value::Null, true),
            (json!(3600), json!("2026-12-01T00:00:00Z"), false),
        ] {
            let mut body = rest.clone();
            body["expiresIn"] = expires_in;
            body["expiresAt"] = expires_at;
            assert_eq!(validator.is_valid(&body), is_valid, "{name}: {body}");
        }
    }
}

/// What a command line asks for: the method and the path without its query.
fn asked(line: &str) -> (&'static str, String) {
    let (_, url) = line
        .split_once("127.0.0.1:8080")
        .or(line.split_once("localhost:8080"))
        .expect("a URL");
    let path = url.split([' ', '?', '\'']).next().expect("a path");
    let is_post = ["-X POST", " -d ", " --json "]
        .iter()
        .any(|word| line.contains(word));
    (if is_post { "post" } else { "get" }, path.to_owned())
}

/// Makes nothing required.
fn demand_nothing(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.retain(|name, value| name != "required" || !value.is_array());
            members.values_mut().for_each(demand_nothing);
        }
        Value::Array(items) => items.iter_mut().for_each(demand_nothing),
        _ => {}
    }
}

/// Whether `path` is one of `pattern`.
fn is_of(pattern: &str, path: &str) -> bool {
    let (names, parts) = (pattern.split('/'), path.split('/'));
    let is_same = |(name, part): (&str, &str)| name == part || name.starts_with('{');
    names.clone().count() == parts.clone().count() && names.zip(parts).all(is_same)
}

#[test]
fn the_answers_in_the_readme_and_the_quick_start_are_valid() {
    let documents = [of(Part::Api), of(Part::Dev)];
    let pages = ["README.md", "docs/quickstart.md"].map(committed).concat();
    let mut checked = 0;
    for (line, answer) in pages.lines().zip(pages.lines().skip(1)) {
        let is_answer = answer.starts_with('{') || answer.starts_with('[');
        if !line.starts_with("$ curl") || !is_answer {
            continue;
        }
        let mut value: Value = serde_json::from_str(answer).expect("JSON");
        // What is behind `jq` is a part of the answer.
        let filter = line.split_once(" | jq -c ").map(|(_, filter)| filter);
        if filter.is_some_and(|filter| filter.contains(".[0]|")) {
            value = json!([value]);
        }
        let (method, path) = asked(line);
        let mut all = documents.iter().flat_map(|document| {
            operations(document)
                .into_iter()
                .map(move |(method, path, operation)| (document, method, path, operation))
        });
        // A path of names comes before one that takes any.
        let found = all.find(|(_, of, pattern, _)| *of == method && is_of(pattern, &path));
        let (document, _, _, operation) = found.unwrap_or_else(|| panic!("{method} {path}"));
        let responses = operation["responses"].as_object().expect("responses");
        let of_status = value["status"].as_u64().map(|status| status.to_string());
        let of_status = of_status.or(value["code"].is_string().then(|| "400".to_owned()));
        let response = match of_status {
            Some(status) => responses.get(&status).or(responses.get("default")),
            None => responses
                .iter()
                .find(|(status, _)| status.starts_with('2'))
                .map(|(_, one)| one),
        };
        let response = resolved(document, response.expect("a response"));
        let contents = response["content"].as_object().expect("contents");
        let content = contents.values().next().expect("a content");
        let (mut document, mut schema) = (document.clone(), content["schema"].clone());
        if filter.is_some() {
            demand_nothing(&mut document["components"]);
            demand_nothing(&mut schema);
        }
        check(&document, &schema, &value, line);
        checked += 1;
    }
    assert!(checked >= 17, "{checked}");
}

#[test]
fn an_answer_by_the_link_has_its_shape_for_a_key_and_for_a_person() {
    let document = of(Part::Api);
    let schema = &document["components"]["schemas"]["AnsweredInvitation"];
    let parts = schema["allOf"].as_array().expect("parts");
    let fields_of = |part| resolved(&document, part)["properties"].as_object();
    let known: Vec<&String> = parts
        .iter()
        .filter_map(fields_of)
        .flat_map(Map::keys)
        .collect();
    let app = TestApp::serve();
    for (what, is_vouched) in [("accept", true), ("decline", true), ("accept", false)] {
        let email = format!("{what}-{is_vouched}@example.com");
        let body = json!({ "email": email, "role": "admin", "metadata": { "team": "core" },
            "inviter": { "id": "7", "name": "Ada" }, "locale": "de",
            "redirectUrl": "http://invited.test/welcome" });
        let made = app.post(&crate::support::invitations("acme"), &body.to_string());
        let made = made.json();
        let answered = if is_vouched {
            let body = json!({ "token": app.token_of(&made), "email": email, "subject": "7" });
            app.post(&format!("/v1/invitations/{what}"), &body.to_string())
        } else {
            app.person(what, &json!({ "token": app.mailed_token_of(&made) }))
        };
        let value = answered.json();
        check(&document, schema, &value, what);
        assert_eq!(value["id"].is_string(), is_vouched, "{value}");
        for field in value.as_object().expect("an object").keys() {
            assert!(known.contains(&field), "{field} is not documented");
        }
    }
    // What everybody is shown is always there.
    let without_status = json!({ "organizationId": "acme", "role": "admin" });
    assert!(!validator(&document, schema).is_valid(&without_status));
}

#[test]
fn a_webhook_is_told_what_the_document_says() {
    let document = of(Part::Api);
    let page = committed("docs/quickstart.md");
    let told = page
        .lines()
        .find(|line| line.starts_with(r#"{"type":"invitation.created""#));
    let told: Value = serde_json::from_str(told.expect("a webhook")).expect("JSON");
    let webhooks = document["webhooks"].as_object().expect("webhooks");
    for webhook in webhooks.values() {
        let content = &webhook["post"]["requestBody"]["content"]["application/json"];
        check(
            &document,
            &content["schema"],
            &content["example"],
            "an example",
        );
    }
    let event = &webhooks["event"]["post"]["requestBody"]["content"]["application/json"];
    check(&document, &event["schema"], &told, "the quick start");
}
