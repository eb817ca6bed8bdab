//! What a document consists of: how large it is, what things in it are called, what is open and
//! what is closed.

use std::collections::BTreeSet;

use invited::api::openapi::{Part, document_text};
use invited::base::error::ERRORS;
use invited::base::mode::Mode;
use invited::event::EventType;
use serde_json::{Map, Value};

use super::committed;
use super::document::{of, whole};
use crate::support::TestApp;

/// Where the document of each part is.
const PATHS: [(Part, &str); 5] = [
    (Part::Api, "/openapi.json"),
    (Part::Api, "/openapi/api.json"),
    (Part::Dev, "/openapi/dev.json"),
    (Part::Pages, "/openapi/pages.json"),
    (Part::Dialect, "/openapi/dialect.json"),
];
/// The most bytes that a document without spaces has for each operation.
const MAX_BYTES: usize = 2200;

/// The most characters of what a response is called.
const MAX_NAME: usize = 27;

/// Every operation of `document`, webhooks included.
fn operations(document: &Value) -> Vec<&Value> {
    let kinds = [&document["paths"], &document["webhooks"]];
    let paths = kinds.into_iter().filter_map(Value::as_object);
    let methods = paths.flat_map(Map::values).filter_map(Value::as_object);
    methods.flat_map(Map::values).collect()
}

/// The schemas of `document`.
fn schemas(document: &Value) -> &Map<String, Value> {
    let schemas = document["components"]["schemas"].as_object();
    schemas.expect("schemas")
}

#[test]
fn the_committed_document_is_the_one_that_the_code_makes() {
    assert!(
        committed("openapi.json") == document_text(Part::Api),
        "run: cargo run -- openapi > openapi.json"
    );
}

#[test]
fn every_document_is_served_as_it_is_printed_with_gzip_and_a_tag() {
    let app = TestApp::start(Mode::Dev, &[]);
    for (part, path) in PATHS {
        let served = app.anonymous("GET", path).send();
        assert_eq!(served.json(), of(part), "{path}");
        let printed = document_text(part);
        assert!(
            served.body.len() < printed.len() * 3 / 4,
            "{path} has spaces"
        );
        let packed = app.anonymous("GET", path).header("Accept-Encoding", "gzip");
        let packed = packed.send();
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "{path}");
        assert!(packed.body.len() < served.body.len() / 3, "{path}");
        let tag = served.header("etag").expect("a tag");
        let again = app.anonymous("GET", path).header("If-None-Match", tag);
        assert_eq!(again.send().status, 304, "{path}");
    }
}

#[test]
fn a_server_for_everybody_has_no_document_of_development() {
    let app = TestApp::serve();
    for (part, path) in PATHS {
        let expected = if part == Part::Dev { 404 } else { 200 };
        assert_eq!(app.anonymous("GET", path).send().status, expected, "{path}");
    }
    for unknown in ["/openapi/other.json", "/openapi/API.json", "/openapi/api"] {
        let answer = app.request("GET", unknown).send();
        assert_eq!(answer.status, 404, "{unknown}");
    }
}

#[test]
fn a_document_has_at_most_2_200_bytes_for_each_operation() {
    for part in [Part::Api, Part::Dev, Part::Pages] {
        let document = of(part);
        // What is sent to webhooks is no operation of the server.
        let mut own = document.clone();
        own["webhooks"].take();
        let (bytes, count) = (document.to_string().len(), operations(&own).len());
        assert!(bytes <= MAX_BYTES * count, "{part:?}: {bytes} for {count}");
    }
}

/// Whether there is an example of what `content` has, in it or with its schema.
fn has_example(document: &Value, content: &Value) -> bool {
    let schema = content["schema"].get("items").unwrap_or(&content["schema"]);
    let named = schema["$ref"].as_str().unwrap_or_default();
    let schema = schemas(document).get(named.rsplit('/').next().unwrap_or_default());
    schema.is_some_and(|schema| schema["examples"].is_array()) || !content["example"].is_null()
}

#[test]
fn every_operation_says_what_it_does_and_has_an_example_and_its_errors() {
    let document = whole();
    for operation in operations(&document) {
        let name = &operation["operationId"];
        for text in ["operationId", "summary", "description"] {
            assert!(operation[text].is_string(), "{name}: {text}");
        }
        let description = operation["description"].as_str().unwrap_or_default();
        assert!(!description.contains("# Errors"), "{name}: {description}");
        let responses = operation["responses"].as_object().expect("responses");
        assert!(responses.contains_key("default"), "{name}");
        let successes = responses
            .iter()
            .filter(|(status, _)| status.starts_with('2'));
        for (status, response) in successes {
            let contents = response["content"].as_object().into_iter();
            for content in contents.flat_map(Map::values) {
                assert!(
                    has_example(&document, content),
                    "{name} {status} has no example"
                );
            }
        }
        let bodies = operation["requestBody"]["content"].as_object().into_iter();
        for body in bodies.flat_map(Map::values) {
            assert!(has_example(&document, body), "{name} has no example");
        }
    }
}

#[test]
fn every_reference_points_to_something_and_every_schema_is_used() {
    /// Adds to `found` where the references in `value` point to.
    fn collect(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                found.extend(value["$ref"].as_str().map(str::to_owned));
                members.values().for_each(|member| collect(member, found));
            }
            Value::Array(members) => members.iter().for_each(|member| collect(member, found)),
            _ => {}
        }
    }
    for part in Part::ALL {
        let (document, mut found) = (of(part), BTreeSet::new());
        collect(&document, &mut found);
        for path in &found {
            let there = document.pointer(path.trim_start_matches('#'));
            assert!(there.is_some(), "{part:?}: {path}");
        }
        for name in schemas(&document).keys() {
            let path = format!("#/components/schemas/{name}");
            assert!(found.contains(&path), "{part:?}: {name} is not used");
        }
    }
}

#[test]
fn names_are_unique_and_of_a_form_that_clients_can_use() {
    for part in Part::ALL {
        let document = of(part);
        let mut ids = BTreeSet::new();
        for operation in operations(&document) {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            let is_camel = id.chars().all(char::is_alphanumeric)
                && id.starts_with(char::is_lowercase)
                && id.contains(char::is_uppercase);
            assert!(is_camel, "{id} is not a verb and a noun");
            // A generator adds it to the name of an operation, for the response as it came.
            assert!(!id.ends_with("Raw"), "{id}");
        }
        for name in schemas(&document).keys() {
            let constructed = name.strip_prefix("New").unwrap_or_default();
            assert!(
                !schemas(&document).contains_key(constructed),
                "{name} is also what a generator for Go calls the function that makes {constructed}"
            );
            let is_pascal =
                name.chars().all(char::is_alphanumeric) && name.starts_with(char::is_uppercase);
            assert!(is_pascal, "{name}");
            let of_operation = ids
                .iter()
                .any(|id| format!("{id}Request").eq_ignore_ascii_case(name));
            assert!(
                !of_operation,
                "{name} is also what a generator makes of an operation"
            );
        }
    }
}

#[test]
fn responses_that_are_shared_have_short_names() {
    for part in Part::ALL {
        let document = of(part);
        let responses = document["components"]["responses"].as_object();
        for name in responses.expect("responses").keys() {
            assert!(name.len() <= MAX_NAME, "{part:?}: {name}");
            let is_pascal = name.chars().all(char::is_alphanumeric);
            assert!(is_pascal && name.starts_with(char::is_uppercase), "{name}");
        }
    }
}

#[test]
fn filters_that_take_several_names_are_lists_of_them_by_comma() {
    let document = whole();
    let mut lists = Vec::new();
    for operation in operations(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["schema"]["type"] != "array" {
                continue;
            }
            let (id, name) = (&operation["operationId"], &parameter["name"]);
            let place = format!(
                "{} {}",
                id.as_str().expect("id"),
                name.as_str().expect("name")
            );
            assert_eq!(parameter["style"], "form", "{place}");
            assert_eq!(parameter["explode"], false, "{place}");
            assert_eq!(parameter["schema"]["minItems"], 1, "{place}");
            let named = parameter["schema"]["items"]["$ref"].as_str();
            let named = named
                .and_then(|path| path.rsplit('/').next())
                .expect("a name");
            let members = schemas(&document)[named]["enum"]
                .as_array()
                .expect("a set")
                .len();
            assert_eq!(parameter["schema"]["maxItems"], members, "{place}");
            lists.push(format!("{place} {named}"));
        }
    }
    lists.sort();
    assert_eq!(
        lists,
        [
            "listAudit action Api.AuditAction",
            "listEvents type Api.EventType",
            "listInvitations delivery Api.MailDelivery",
            "listInvitations status Api.InvitationStatus",
            "streamEvents type Api.EventType",
        ]
    );
}

#[test]
fn an_answer_by_the_link_has_one_shape() {
    let document = of(Part::Api);
    for id in ["acceptInvitationByToken", "declineInvitationByToken"] {
        let mut all = operations(&document).into_iter();
        let operation = all.find(|one| one["operationId"] == id).expect(id);
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert_eq!(
            schema["$ref"], "#/components/schemas/AnsweredInvitation",
            "{id}"
        );
    }
    for (name, schema) in schemas(&document) {
        for choice in ["anyOf", "oneOf"] {
            assert!(schema[choice].is_null(), "{name} is a choice");
        }
    }
}

#[test]
fn closed_sets_of_texts_have_names() {
    /// Checks everything in `value`, which is at `place`.
    fn check(value: &Value, place: &str) {
        match value {
            Value::Object(members) => {
                let pattern = value["pattern"].as_str().unwrap_or_default();
                // Words and no classes of characters: by themselves, or in a list.
                let is_set = pattern.starts_with('^')
                    && pattern.ends_with('$')
                    && !pattern.contains(['[', '\\'])
                    && pattern.contains(|c: char| c.is_ascii_lowercase());
                assert!(!is_set, "{place}: {pattern}");
                members
                    .iter()
                    .for_each(|(name, member)| check(member, &format!("{place}/{name}")));
            }
            Value::Array(members) => members.iter().for_each(|member| check(member, place)),
            _ => {}
        }
    }
    for part in Part::ALL {
        check(&of(part), &format!("{part:?}"));
    }
    let document = of(Part::Api);
    let members = |name: &str| schemas(&document)[name]["enum"].as_array().cloned();
    let events: Vec<Value> = EventType::ALL
        .iter()
        .map(|(_, name)| (*name).into())
        .collect();
    assert_eq!(members("EventType"), Some(events));
    let codes: Vec<Value> = ERRORS.iter().map(|row| row.name.into()).collect();
    assert_eq!(members("ProblemCode"), Some(codes));
    let used = [
        ("Invitation", "status", "InvitationStatus"),
        ("Invitation", "delivery", "MailDelivery"),
        ("Event", "type", "EventType"),
        ("Problem", "code", "ProblemCode"),
        ("ApiKey", "status", "KeyStatus"),
        ("WebhookDelivery", "state", "WebhookDeliveryState"),
    ];
    for (schema, field, name) in used {
        let field = &schemas(&document)[schema]["properties"][field]["$ref"];
        assert_eq!(field, &format!("#/components/schemas/{name}"), "{schema}");
    }
}

#[test]
fn bodies_are_closed_responses_are_open_and_data_of_the_application_is_free() {
    let document = of(Part::Api);
    let mut bodies = BTreeSet::new();
    for operation in operations(&document) {
        let is_sent_to_us =
            operation["operationId"] != "receiveEvent" && operation["operationId"] != "receiveTest";
        let contents = operation["requestBody"]["content"].as_object().into_iter();
        for content in contents.flat_map(Map::values).filter(|_| is_sent_to_us) {
            let name = content["schema"]["$ref"].as_str().expect("a name");
            bodies.insert(name.rsplit('/').next().expect("a name").to_owned());
        }
    }
    bodies.insert("InviterInput".to_owned());
    for (name, schema) in schemas(&document) {
        let is_closed = schema["additionalProperties"] == false;
        assert_eq!(is_closed, bodies.contains(name), "{name}");
    }
    for (schema, field) in [
        ("InvitationCreate", "metadata"),
        ("InvitationUpdate", "metadata"),
        ("Invitation", "metadata"),
        ("Event", "before"),
        ("Event", "after"),
        ("AuditEntry", "details"),
    ] {
        let field = &schemas(&document)[schema]["properties"][field];
        assert_eq!(field["additionalProperties"], true, "{schema}: {field}");
    }
    let invitation = &schemas(&document)["Invitation"]["properties"];
    for field in invited::invitation::example()
        .as_object()
        .expect("an object")
        .keys()
    {
        assert!(!invitation[field].is_null(), "{field}");
    }
}
