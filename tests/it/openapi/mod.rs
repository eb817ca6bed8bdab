//! The documents against the code: router, OpenAPI documents and docs list the same things.
//!
//! [`document`]: the documents as tests read them. [`shape`]: what a document consists of. [`values`]: examples and the README's answers against it.

pub mod document;
mod shape;
mod values;

use std::collections::BTreeSet;

use document::{of, whole};
use invited::api::Offer;
use invited::api::openapi::Part;
use invited::base::error::{ERRORS, FIELD_ERRORS};
use invited::base::mode::Mode;
use serde_json::Value;

use crate::support::TestApp;

/// A file of the repository.
fn committed(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every method and path of the documents.
fn documented() -> BTreeSet<String> {
    let document = whole();
    let paths = document["paths"].as_object().expect("paths").clone();
    let of = |(path, methods): (String, Value)| {
        let methods = methods.as_object().expect("methods").clone();
        methods
            .into_iter()
            .map(move |(method, _)| format!("{} {path}", method.to_uppercase()))
            .collect::<Vec<_>>()
    };
    paths.into_iter().flat_map(of).collect()
}

/// Every method and path of the router in `mode`.
fn routed(mode: Mode) -> BTreeSet<String> {
    let of = |route: invited::http::route::Route| {
        let path = route.path;
        route
            .methods
            .into_iter()
            .map(move |method| format!("{method} {path}"))
            .collect::<Vec<_>>()
    };
    invited::api::routes(Offer::all(mode))
        .into_iter()
        .flat_map(of)
        .collect()
}

#[test]
fn the_router_the_document_and_the_docs_list_the_same_routes() {
    let routed = routed(Mode::Dev);
    assert_eq!(routed, documented());
    let api = committed("docs/api.md");
    let listed = api.lines().filter_map(|line| {
        line.strip_prefix("| `")?
            .split_once('`')
            .map(|(route, _)| route.to_owned())
    });
    let is_route = |line: &String| {
        ["GET ", "POST ", "PUT ", "PATCH ", "DELETE "]
            .iter()
            .any(|method| line.starts_with(method))
    };
    assert_eq!(
        listed.filter(is_route).collect::<BTreeSet<_>>(),
        routed,
        "docs/api.md"
    );
}

#[test]
fn a_server_for_everybody_has_every_route_but_those_of_development() {
    let (mut all, served) = (routed(Mode::Dev), routed(Mode::Serve));
    let development: Vec<_> = all
        .extract_if(.., |route| route.contains(" /dev/"))
        .collect();
    assert_eq!(
        development,
        [
            "DELETE /dev/faults",
            "DELETE /dev/mailbox",
            "DELETE /dev/mailbox/{messageId}",
            "GET /dev/clock",
            "GET /dev/codes",
            "GET /dev/faults",
            "GET /dev/mailbox",
            "GET /dev/mailbox/{messageId}",
            "GET /dev/mailbox/{messageId}/html",
            "GET /dev/mailbox/{messageId}/raw",
            "GET /dev/mailbox/{messageId}/text",
            "GET /dev/requests",
            "GET /dev/requests/stream",
            "GET /dev/snapshots",
            "POST /dev/clock",
            "POST /dev/faults",
            "POST /dev/reset",
            "POST /dev/restore",
            "POST /dev/seed",
            "POST /dev/snapshot",
        ]
    );
    assert_eq!(served, all);
}

/// What a schema demands: the schema without the words for people.
fn demands(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let is_for_people = |name: &str| ["description", "example"].contains(&name);
            let kept = members.iter().filter(|(name, _)| !is_for_people(name));
            kept.map(|(name, value)| (name.clone(), demands(value)))
                .collect()
        }
        Value::Array(values) => values.iter().map(demands).collect(),
        other => other.clone(),
    }
}

#[test]
fn an_invitation_of_a_seed_has_the_fields_of_a_create_and_what_became_of_it() {
    let document = of(Part::Dev);
    let api = of(Part::Api);
    let fields_of = |document: &Value, name: &str| {
        let schema = &document["components"]["schemas"][name];
        let fields = schema["properties"].as_object().expect("fields");
        let of = |(name, field): (&String, &Value)| (name.clone(), demands(field));
        let fields: std::collections::BTreeMap<_, _> = fields.iter().map(of).collect();
        (fields, schema["required"].clone())
    };
    let (create, create_requires) = fields_of(&api, "InvitationCreate");
    let (mut seed, seed_requires) = fields_of(&document, "SeedInvitation");
    for own in [
        "organizationId",
        "status",
        "age",
        "createdAt",
        "acceptedAt",
        "declinedAt",
        "revokedAt",
        "acceptedBy",
    ] {
        assert!(seed.remove(own).is_some(), "{own}");
    }
    assert_eq!((seed, seed_requires), (create, create_requires));
}

#[test]
fn docs_errors_is_the_closed_table_of_codes() {
    let mut expected = String::from(
        "# Errors\n\nEvery answer that is not 2xx or 3xx is a problem document (RFC 9457, \
         `application/problem+json`), but\nunder `/clickhouse` it is one line of text in [the \
         form of that\ndialect](clickhouse.md#operations), with the code in capitals.\n\
         `code` is stable.\nThis page is the table in `src/base/error/`; a running server shows \
         each row at `/problems/{code}`.\n\n\
         | status | code | meaning | what to do |\n|---|---|---|---|\n",
    );
    for row in ERRORS {
        expected += &format!(
            "| {} | `{}` | {}. {} | {} |\n",
            row.status,
            row.name,
            row.title,
            row.meaning,
            row.code.remedy()
        );
    }
    expected += "\n## Codes in `errors`\n\n`validation_failed` and some others list what is \
        wrong, all at once, in `errors`.\n\n\
                 | code | meaning |\n|---|---|\n";
    for (_, name, meaning) in FIELD_ERRORS {
        expected += &format!("| `{name}` | {meaning} |\n");
    }
    if std::env::var_os("INVITED_BLESS").is_some() {
        std::fs::write(
            concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md"),
            &expected,
        )
        .expect("docs/errors.md is written");
    }
    assert!(
        committed("docs/errors.md") == expected,
        "run: INVITED_BLESS=1 cargo test docs_errors"
    );
}

#[test]
fn every_code_has_a_page_and_every_problem_points_to_its_own() {
    let app = TestApp::serve();
    for row in ERRORS {
        let page = app
            .anonymous("GET", &format!("/problems/{}", row.name))
            .send();
        assert_eq!(page.status, 200, "{}", row.name);
        assert!(page.text().contains(row.meaning), "{}", row.name);
        assert!(page.text().contains(row.code.remedy()), "{}", row.name);
    }
    assert_eq!(
        app.anonymous("GET", "/problems")
            .send()
            .text()
            .lines()
            .count(),
        ERRORS.len()
    );
    let problem = app.anonymous("GET", "/problems/no_such_code").send();
    assert_eq!(
        app.anonymous("GET", problem.json()["type"].as_str().unwrap_or_default())
            .send()
            .status,
        200
    );
}

#[test]
fn every_setting_is_in_the_operations_guide() {
    let help = crate::support::process::run(&["dev", "--help"]);
    let (help, guide) = (
        String::from_utf8_lossy(&help.stdout).into_owned(),
        committed("docs/operations.md"),
    );
    let flags: Vec<_> = help
        .split_whitespace()
        .map(|word| word.trim_end_matches(','))
        .filter(|word| word.starts_with("--") && *word != "--help")
        .collect();
    assert!(flags.len() >= 7, "{help}");
    for flag in flags {
        assert!(guide.contains(&format!("`{flag}`")), "{flag}");
    }
}
