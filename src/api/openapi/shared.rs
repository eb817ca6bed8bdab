//! What several operations say alike, said once: in `components`, with references to it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What was found under one name: each form of it, with how often it is there.
type Forms = BTreeMap<String, Vec<(Value, usize)>>;

/// Moves parameters and headers that are there more than once to the components.
pub(super) fn move_to_components(document: &mut Value) {
    for (kind, name_of) in [
        ("parameters", parameter_name as NameOf),
        ("headers", header_name),
    ] {
        let mut forms = Forms::new();
        for part in ["paths", "webhooks"] {
            visit_part(document, part, &mut |key, parent, value| {
                if let Some(name) = name_of(key, parent, value) {
                    count(&mut forms, name, value);
                }
            });
        }
        let common = common(forms);
        for part in ["paths", "webhooks"] {
            visit_part(document, part, &mut |key, parent, value| {
                if let Some(name) = name_of(key, parent, value)
                    && common.get(&name) == Some(value)
                {
                    *value = json!({ "$ref": format!("#/components/{kind}/{name}") });
                }
            });
        }
        if !common.is_empty() {
            document["components"][kind] = common.into_iter().collect::<Map<_, _>>().into();
        }
    }
}

/// The name of a component for a value with its key, inside of what has another key; none: the
/// value is no such thing.
type NameOf = fn(&str, &str, &Value) -> Option<String>;

/// The name of a parameter.
fn parameter_name(_: &str, parent: &str, value: &Value) -> Option<String> {
    let name = value["name"].as_str()?;
    (parent == "parameters").then(|| name.to_owned())
}

/// The name of a header of a response.
fn header_name(key: &str, parent: &str, _: &Value) -> Option<String> {
    (parent == "headers").then(|| key.to_owned())
}

/// Counts one more `value` of this name.
fn count(forms: &mut Forms, name: String, value: &Value) {
    let forms = forms.entry(name).or_default();
    match forms.iter_mut().find(|(form, _)| form == value) {
        Some((_, times)) => *times += 1,
        None => forms.push((value.clone(), 1)),
    }
}

/// Of each name the form that is there most often, if it is there more than once.
fn common(forms: Forms) -> BTreeMap<String, Value> {
    let most = |(name, forms): (String, Vec<(Value, usize)>)| {
        // Of several that are there equally often the first one.
        let (form, times) = forms.into_iter().rev().max_by_key(|(_, times)| *times)?;
        (times > 1).then_some((name, form))
    };
    forms.into_iter().filter_map(most).collect()
}

/// Shows `see` every value of a part of `document`, if that has the part.
fn visit_part(document: &mut Value, part: &str, see: &mut impl FnMut(&str, &str, &mut Value)) {
    if let Some(part) = document.get_mut(part) {
        visit(part, "", see);
    }
}

/// Shows `see` every value inside of `value`, each with its key and the key of what it is in. A
/// list's values have the key of the list for that, and none of their own.
fn visit(value: &mut Value, parent: &str, see: &mut impl FnMut(&str, &str, &mut Value)) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                see(key, parent, member);
                visit(member, key, see);
            }
        }
        Value::Array(members) => {
            for member in members {
                see("", parent, member);
                visit(member, parent, see);
            }
        }
        _ => {}
    }
}
