//! The query of every operation of the OpenAPI document: what its keys may be, and how it is told
//! what is wrong.

use invited::base::mode::Mode;
use serde_json::{Map, Value};

use crate::support::life::wrong;
use crate::support::{Answer, TestApp};

/// Operations for probes and for links in mail: both get keys of somebody else added to their URL.
const TAKE_ANY_QUERY: [&str; 12] = [
    "getHealthLive",
    "getHealthReady",
    "getLiveness",
    "getReadiness",
    "getAcceptPage",
    "getAcceptScript",
    "getAcceptStyle",
    "getReference",
    "getReferenceScript",
    "getReferenceStyle",
    "getSwaggerUiStyle",
    "getSwaggerUiScript",
];

/// An operation of the document.
struct Operation {
    /// Its name.
    id: String,
    /// Its method.
    method: String,
    /// Its path, with ids that nothing has.
    path: String,
    /// The keys of its query, in the order of the document.
    keys: Vec<String>,
    /// Those of them that must be there.
    required: Vec<String>,
}

impl Operation {
    /// The operation that `described` says `method` and `path` are.
    fn new(path: &str, method: &str, described: &Value) -> Self {
        let none = Vec::new();
        let parameters = described["parameters"].as_array().unwrap_or(&none);
        let in_query = parameters.iter().filter(|one| one["in"] == "query");
        let name = |one: &Value| one["name"].as_str().expect("a name").to_owned();
        let required = in_query.clone().filter(|one| one["required"] == true);
        Self {
            id: described["operationId"].as_str().expect("an id").to_owned(),
            method: method.to_uppercase(),
            path: filled(path),
            keys: in_query.map(name).collect(),
            required: required.map(name).collect(),
        }
    }

    /// Whether it is one of the ClickHouse Cloud dialect.
    fn is_of_dialect(&self) -> bool {
        self.path.starts_with("/clickhouse/")
    }

    /// Asks for it with `query`.
    fn ask(&self, app: &TestApp, query: &str) -> Answer {
        let path = format!("{}?{query}", self.path);
        app.request(&self.method, &path).json("{}").send()
    }

    /// Checks that `query` is refused with `status` and `code`, because of `errors`.
    fn check(&self, app: &TestApp, query: &str, refusal: (u16, &str), errors: &[(&str, &str)]) {
        let answer = self.ask(app, query);
        let found = wrong(&answer);
        let found: Vec<_> = found.iter().map(|(key, code)| (&**key, &**code)).collect();
        assert_eq!(
            ((answer.status, &*answer.code()), &*found),
            (refusal, errors),
            "{} {query}",
            self.id
        );
    }

    /// Checks that `query` is refused for the value of `key`.
    fn check_value(&self, app: &TestApp, key: &str, query: &str) {
        let answer = self.ask(app, query);
        let found = (answer.status, answer.code());
        let named: Vec<_> = wrong(&answer).into_iter().map(|(key, _)| key).collect();
        let expected = if key == "cursor" {
            ((400, "invalid_cursor".to_owned()), vec![])
        } else {
            ((422, "validation_failed".to_owned()), vec![key.to_owned()])
        };
        assert_eq!((found, named), expected, "{} {query}", self.id);
    }
}

/// The path with ids that nothing has.
fn filled(path: &str) -> String {
    let id = "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f";
    let fill = |part: &str| match part {
        "{organizationId}" => "acme".to_owned(),
        "{keyId}" => "0123456789abcdef".to_owned(),
        "{code}" => "not_found".to_owned(),
        "{part}.json" => "dialect.json".to_owned(),
        part if part.starts_with('{') => id.to_owned(),
        part => part.to_owned(),
    };
    path.split('/').map(fill).collect::<Vec<_>>().join("/")
}

/// Every operation of the document.
fn operations() -> Vec<Operation> {
    let document = crate::openapi::document::whole();
    let of = |(path, methods): (&String, &Value)| -> Vec<Operation> {
        let methods: &Map<_, _> = methods.as_object().expect("methods");
        let operation = |(method, described): (&String, _)| Operation::new(path, method, described);
        methods.iter().map(operation).collect()
    };
    let paths = document["paths"].as_object().expect("paths");
    paths.iter().flat_map(of).collect()
}

/// Every operation with a query.
fn with_query() -> Vec<Operation> {
    let mut operations = operations();
    operations.retain(|operation| !operation.keys.is_empty() && !operation.is_of_dialect());
    assert!(operations.len() >= 10, "{}", operations.len());
    operations
}

/// `key` with its first letter percent-encoded.
fn encoded(key: &str) -> String {
    format!("%{:02X}{}", key.as_bytes()[0], &key[1..])
}

#[test]
fn a_key_that_an_operation_does_not_take_is_refused_by_its_name() {
    let app = TestApp::start(Mode::Dev, &[]);
    let mut take_any = Vec::new();
    for operation in operations() {
        let answer = operation.ask(&app, "unknown=1");
        if operation.is_of_dialect() {
            // As in that API, such a key means nothing.
            let without = operation.ask(&app, "");
            let is_same = (answer.status, &answer.json()["result"])
                == (without.status, &without.json()["result"]);
            let is_taken = is_same && !answer.text().contains("QUERY");
            assert!(
                is_taken || operation.method != "GET",
                "{}: {}",
                operation.id,
                answer.text()
            );
            continue;
        }
        if answer.status < 400 {
            take_any.push(operation.id);
            continue;
        }
        let long = "k".repeat(65);
        for (query, key) in [
            ("unknown=1", "unknown"),
            ("unknown", "unknown"),
            ("=1", ""),
            ("%75nknown=1", "unknown"),
            ("%00=1", "\u{0}"),
            ("unknown=1&another=1", "unknown"),
            ("unknown=1&unknown=1", "unknown"),
            ("%FF=1", "\u{fffd}"),
            (&*long, &long[..64]),
        ] {
            let errors = [(key, "unknown_field")];
            operation.check(&app, query, (400, "invalid_query"), &errors);
        }
    }
    assert_eq!(take_any, TAKE_ANY_QUERY);
}

#[test]
fn a_key_in_another_spelling_is_another_key() {
    let app = TestApp::start(Mode::Dev, &[]);
    for operation in with_query() {
        for key in &operation.keys {
            let upper = key[..1].to_uppercase() + &key[1..];
            for other in [upper, format!("{key}[]"), format!("{key} ")] {
                let query = format!("{}=1", other.replace(' ', "+"));
                let errors = [(&*other, "unknown_field")];
                operation.check(&app, &query, (400, "invalid_query"), &errors);
            }
        }
    }
}

#[test]
fn a_key_that_is_given_twice_is_refused_by_its_name_whatever_its_values() {
    let app = TestApp::start(Mode::Dev, &[]);
    for operation in with_query() {
        for key in &operation.keys {
            let errors = [(&**key, "conflict")];
            for query in [
                format!("{key}=1&{key}=1"),
                format!("{key}=&{key}=%00"),
                format!("{key}&{key}"),
                format!("{key}=1&{}=2", encoded(key)),
                format!("{key}=1&{key}=1&unknown=1"),
            ] {
                operation.check(&app, &query, (400, "invalid_query"), &errors);
            }
        }
    }
}

#[test]
fn a_value_that_is_not_acceptable_is_refused_by_its_key() {
    let app = TestApp::start(Mode::Dev, &[]);
    for operation in with_query() {
        for key in &operation.keys {
            for query in [
                format!("{key}="),
                key.clone(),
                format!("{key}=%00"),
                format!("{key}=%FF"),
                format!("{}=%F0%9F%92%A5", encoded(key)),
                format!("&&{key}=a+b&"),
            ] {
                operation.check_value(&app, key, &query);
            }
        }
    }
}

#[test]
fn all_values_that_are_not_acceptable_are_told_in_the_order_of_the_request() {
    let app = TestApp::start(Mode::Dev, &[]);
    for operation in with_query() {
        let mut keys = operation.keys.clone();
        for _ in 0..keys.len() {
            keys.rotate_left(1);
            for keys in [keys.clone(), keys.iter().rev().cloned().collect()] {
                let answer = operation.ask(&app, &(keys.join("=%00&") + "=%00"));
                let named = wrong(&answer).into_iter().map(|(key, _)| key);
                let expected = keys.into_iter().filter(|key| key != "cursor");
                assert_eq!(
                    named.collect::<Vec<_>>(),
                    expected.collect::<Vec<_>>(),
                    "{}: {}",
                    operation.id,
                    answer.text()
                );
            }
        }
    }
}

#[test]
fn a_period_that_ends_before_it_begins_is_told_after_all_that_is_wrong_with_one_value() {
    let app = TestApp::start(Mode::Dev, &[]);
    let mut with_period = 0;
    for operation in with_query() {
        if !operation.keys.iter().any(|key| key == "since") {
            continue;
        }
        with_period += 1;
        let (late, early) = ("2026-11-24T00:00:00Z", "2026-11-23T00:00:00Z");
        let query = format!("until={early}&limit=0&since={late}&order=");
        let errors = [
            ("limit", "out_of_range"),
            ("order", "unknown_value"),
            ("until", "conflict"),
        ];
        operation.check(&app, &query, (422, "validation_failed"), &errors);
        let query = format!("until={late}&since={early}&limit=0");
        let errors = [("limit", "out_of_range")];
        operation.check(&app, &query, (422, "validation_failed"), &errors);
    }
    assert!(with_period >= 2, "{with_period}");
}

#[test]
fn a_key_that_must_be_there_is_named_where_it_is_not() {
    let app = TestApp::start(Mode::Dev, &[]);
    let mut operations = with_query();
    operations.retain(|operation| !operation.required.is_empty());
    assert!(operations.len() >= 3, "{}", operations.len());
    for operation in operations {
        let required = operation.required.iter();
        let errors: Vec<_> = required.map(|key| (&**key, "required")).collect();
        operation.check(&app, "", (422, "validation_failed"), &errors);
        operation.check(&app, "&", (422, "validation_failed"), &errors);
    }
}
