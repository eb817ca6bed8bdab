//! No words of a parser, whatever the operation and the field.

use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::words_of_parsers;
use crate::security::operations::{all, document, resolve};
use crate::support::TestApp;

/// An id that nothing has.
const MISSING: &str = "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398e";

#[test]
fn a_value_of_any_type_in_any_field_is_refused_without_words_of_a_parser() {
    let app = TestApp::start(Mode::Dev, &[]);
    let made = app.invite("acme", "target@b.co");
    let id = made["id"].as_str().expect("an id");
    let document = document();
    let values = [
        json!("7d"),
        json!(1.5),
        json!(-1),
        json!(true),
        json!([[]]),
        json!({ "x": 1 }),
    ];
    let mut refused = 0;
    for operation in all() {
        let Some(example) = &operation.body else {
            continue;
        };
        let path = operation.path_for("acme", id, "0123456789abcdef", MISSING);
        let schema = resolve(&document, &operation.body_schema);
        let fields = schema["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let send = |body: &Value| {
            let request = app.request(&operation.method, &path).json(body.to_string());
            let answer = request.send();
            let (text, name) = (answer.without_request_id(), &operation.id);
            let foreign = words_of_parsers(&text);
            assert!(
                foreign.is_empty() || answer.status < 400,
                "{name}: {foreign:?} {text}"
            );
            usize::from(answer.status >= 400)
        };
        for field in fields.keys() {
            for value in &values {
                let mut body = example.clone();
                body[field] = value.clone();
                refused += send(&body);
            }
        }
        refused += [json!([]), json!("x"), json!(1), json!(null)]
            .iter()
            .map(send)
            .sum::<usize>();
    }
    assert!(refused > 300, "{refused}");
}
