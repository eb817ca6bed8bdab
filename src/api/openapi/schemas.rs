//! What the schemas of a document say besides what the types do: what may be added to an object, and
//! which fields exclude each other.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// What a reference to a schema begins with.
const SCHEMAS: &str = "#/components/schemas/";
/// What the generic types of the dialect are called in a document that is not finished.
const ENVELOPE: &str = "Envelope_";

/// Finishes the schemas of `document`.
pub(super) fn finish(document: &mut Value) {
    name_envelopes(document);
    each_operation(document, without_null);
    each_operation(document, without_defaults);
    move_examples(document);
    let used = reachable(document, &[&document["paths"], &document["webhooks"]]);
    let bodies = request_bodies(document);
    let sent = reachable(document, &bodies.iter().collect::<Vec<_>>());
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    schemas.retain(|name, _| used.contains(name));
    for (name, schema) in schemas {
        free(schema);
        if sent.contains(name) && schema["type"] == "object" {
            schema["additionalProperties"] = false.into();
            exclude_expiries(schema);
        }
    }
}

/// Gives the generic types of the dialect names, and references in place of what is copied into
/// them.
fn name_envelopes(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    let mut names = Vec::new();
    for (name, schema) in std::mem::take(schemas) {
        let Some(inner) = name.strip_prefix(ENVELOPE) else {
            schemas.insert(name, schema);
            continue;
        };
        let (item, list) = match inner.strip_prefix("Vec_") {
            Some(item) => (item, "List"),
            None => (inner, ""),
        };
        let mut schema = schema;
        let item_reference = json!({ "$ref": format!("{SCHEMAS}{item}") });
        schema["properties"]["result"] = if list.is_empty() {
            item_reference
        } else {
            json!({ "type": "array", "items": item_reference })
        };
        let public = format!("{item}{list}Response");
        schemas.insert(public.clone(), schema);
        names.push((format!("{SCHEMAS}{name}"), format!("{SCHEMAS}{public}")));
    }
    rename(document, &names);
}

/// Puts the second of each pair in place of the first, wherever it is referred to.
fn rename(value: &mut Value, names: &[(String, String)]) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let name = names.iter().find(|(old, _)| key == "$ref" && member == old);
                match name {
                    Some((_, new)) => *member = new.as_str().into(),
                    None => rename(member, names),
                }
            }
        }
        Value::Array(members) => members.iter_mut().for_each(|member| rename(member, names)),
        _ => {}
    }
}

/// Shows `see` every operation of `document`.
fn each_operation(document: &mut Value, see: impl FnMut(&mut Value)) {
    let paths = document["paths"].as_object_mut();
    let methods = paths.into_iter().flat_map(Map::values_mut);
    let operations = methods.filter_map(Value::as_object_mut);
    operations.flat_map(Map::values_mut).for_each(see);
}

/// Says of optional parameters and bodies that they are absent rather than null.
fn without_null(operation: &mut Value) {
    let contents = operation.pointer_mut("/requestBody/content");
    if let Some(contents) = contents.and_then(Value::as_object_mut) {
        let mut may_be_absent = false;
        for content in contents.values_mut() {
            may_be_absent |= take_null(&mut content["schema"]);
        }
        if may_be_absent {
            operation["requestBody"]["required"] = false.into();
        }
    }
    let parameters = operation.pointer_mut("/parameters");
    let parameters = parameters.and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        take_null(&mut parameter["schema"]);
    }
}

/// Leaves out that a parameter or a body is optional, which is what its absence says.
fn without_defaults(operation: &mut Value) {
    let fields = operation.as_object_mut().into_iter().flatten();
    for (_, field) in fields.filter(|(name, _)| ["parameters", "requestBody"].contains(&&***name)) {
        let many = match field {
            Value::Array(parameters) => parameters.as_mut_slice(),
            body => std::slice::from_mut(body),
        };
        for one in many.iter_mut().filter_map(Value::as_object_mut) {
            if one.get("required") == Some(&Value::Bool(false)) {
                one.remove("required");
            }
        }
    }
}

/// Takes `null` out of what `schema` allows. Returns whether it was there.
fn take_null(schema: &mut Value) -> bool {
    let is_null = |one: &Value| one == "null" || one["type"] == "null";
    for choice in ["oneOf", "type"] {
        if let Some(options) = schema[choice].as_array()
            && options.iter().any(is_null)
            && let Some(other) = options.iter().find(|one| !is_null(one)).cloned()
        {
            if choice == "oneOf" {
                *schema = other;
            } else {
                schema[choice] = other;
            }
            return true;
        }
    }
    false
}

/// Moves the examples of requests and responses to the schemas that they are of, the first one of
/// each, and takes out the same one elsewhere.
fn move_examples(document: &mut Value) {
    let mut schemas = document["components"]["schemas"].take();
    let of_operation = |operation: &mut Value| {
        let mut messages = Vec::new();
        for (name, field) in operation.as_object_mut().into_iter().flatten() {
            if name == "requestBody" {
                messages.push(field);
            } else if name == "responses" {
                messages.extend(field.as_object_mut().into_iter().flat_map(Map::values_mut));
            }
        }
        let contents = messages.into_iter();
        let contents = contents.filter_map(|one| one.get_mut("content")?.as_object_mut());
        for content in contents.flat_map(Map::values_mut) {
            move_example(content, &mut schemas);
        }
    };
    each_operation(document, of_operation);
    document["components"]["schemas"] = schemas;
}

/// Moves the example of `content` to its schema, unless that has another one.
fn move_example(content: &mut Value, schemas: &mut Value) {
    let is_list = content["schema"]["type"] == "array";
    let (schema, example) = if is_list {
        (&content["schema"]["items"], &content["example"][0])
    } else {
        (&content["schema"], &content["example"])
    };
    let name = schema["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix(SCHEMAS));
    let (Some(schema), false) = (
        name.and_then(|name| schemas.get_mut(name)),
        example.is_null(),
    ) else {
        return;
    };
    if schema.get("examples").is_none() {
        schema["examples"] = json!([example]);
    }
    if schema["examples"][0] == *example
        && let Some(content) = content.as_object_mut()
    {
        content.remove("example");
    }
}

/// The bodies of all requests.
fn request_bodies(document: &Value) -> Vec<Value> {
    let paths = document["paths"].as_object().into_iter();
    let methods = paths.flat_map(Map::values).filter_map(Value::as_object);
    let bodies = methods.flat_map(Map::values);
    bodies
        .map(|operation| operation["requestBody"].clone())
        .collect()
}

/// The names of the schemas that `roots` refer to, and those refer to.
fn reachable(document: &Value, roots: &[&Value]) -> BTreeSet<String> {
    let components = &document["components"];
    let mut found = BTreeSet::new();
    let mut paths = BTreeSet::new();
    let mut waiting = Vec::new();
    roots.iter().for_each(|root| references(root, &mut waiting));
    while let Some(path) = waiting.pop() {
        if !paths.insert(path.clone()) {
            continue;
        }
        let parts = path.trim_start_matches("#/components/").split_once('/');
        let Some((kind, name)) = parts else {
            continue;
        };
        if kind == "schemas" {
            found.insert(name.to_owned());
        }
        references(&components[kind][name], &mut waiting);
    }
    found
}

/// Adds to `found` where the references in `value` point to.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(path) = members.get("$ref").and_then(Value::as_str) {
                found.push(path.to_owned());
            }
            members
                .values()
                .for_each(|member| references(member, found));
        }
        Value::Array(members) => members.iter().for_each(|member| references(member, found)),
        _ => {}
    }
}

/// Says of the objects in `schema` that list no fields that they are the caller's own.
fn free(schema: &mut Value) {
    let parts = schema.get_mut("allOf").and_then(Value::as_array_mut);
    parts.into_iter().flatten().for_each(free);
    let properties = schema.pointer_mut("/properties");
    let properties = properties.and_then(Value::as_object_mut).into_iter();
    for property in properties.flat_map(Map::values_mut) {
        let kind = &property["type"];
        let is_object = kind == "object" || kind[0] == "object";
        if is_object && property.get("properties").is_none() {
            property["additionalProperties"] = true.into();
        }
    }
}

/// Says of a body with two ways to say when something ends that it takes one of them only.
fn exclude_expiries(schema: &mut Value) {
    let properties = &schema["properties"];
    if properties["expiresIn"].is_object() && properties["expiresAt"].is_object() {
        schema["not"] = json!({
            "required": ["expiresIn", "expiresAt"],
            "properties": { "expiresIn": { "type": "integer" }, "expiresAt": { "type": "string" } },
        });
    }
}
