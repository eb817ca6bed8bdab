//! The OpenAPI documents as tests read them.

use invited::api::openapi::{Part, document_text};
use serde_json::{Map, Value, json};

/// The document of `part`.
pub fn of(part: Part) -> Value {
    serde_json::from_str(&document_text(part)).expect("JSON")
}

/// All documents as one: the operations of all parts, with responses and parameters in place of the
/// references to them, and each request has an example. The schemas of a part have its name before
/// theirs.
pub fn whole() -> Value {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for part in Part::ALL {
        let reference = "#/components/schemas/";
        let text = document_text(part).replace(reference, &format!("{reference}{part:?}."));
        let document: Value = serde_json::from_str(&text).expect("JSON");
        for (path, methods) in document["paths"].as_object().expect("paths") {
            let mut methods = methods.clone();
            let methods_of = methods.as_object_mut().expect("methods");
            methods_of
                .values_mut()
                .for_each(|operation| put_in_place(operation, &document));
            paths.insert(path.clone(), methods);
        }
        let of_part = document["components"]["schemas"].as_object();
        for (name, schema) in of_part.expect("schemas") {
            schemas.insert(format!("{part:?}.{name}"), schema.clone());
        }
    }
    json!({ "paths": paths, "components": { "schemas": schemas } })
}

/// Puts the parameters and responses of `operation` in the place of the references to them.
fn put_in_place(operation: &mut Value, document: &Value) {
    if let Some(responses) = operation["responses"].as_object_mut() {
        responses
            .values_mut()
            .for_each(|one| resolve(one, document));
    }
    let contents = operation.pointer_mut("/requestBody/content");
    let contents = contents.and_then(Value::as_object_mut).into_iter();
    for content in contents.flat_map(Map::values_mut) {
        if content["example"].is_null() {
            content["example"] = example_of(&content["schema"], document);
        }
    }
    let parameters = operation.get_mut("parameters");
    if let Some(parameters) = parameters.and_then(Value::as_array_mut) {
        parameters.iter_mut().for_each(|one| resolve(one, document));
    }
}

/// The example of what `schema` refers to, which stands with that.
fn example_of(schema: &Value, document: &Value) -> Value {
    let mut schema = schema.clone();
    // The name of its part stands before that of the schema.
    if let Some((_, name)) = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit_once('.'))
    {
        schema = document["components"]["schemas"][name].clone();
    }
    schema["examples"][0].clone()
}

/// Puts what `value` refers to in its place, if it is a reference.
fn resolve(value: &mut Value, document: &Value) {
    if let Some(path) = value["$ref"].as_str() {
        let found = document.pointer(path.trim_start_matches('#'));
        *value = found.unwrap_or_else(|| panic!("{path}")).clone();
    }
}
