//! How templates write values into HTML.
//!
//! The template engine escapes `/`, too. That is valid HTML. But services that count clicks rewrite
//! the addresses of links as they stand, and `https:&#x2f;&#x2f;` is an address without a host.

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, Output, State, escape_formatter};

/// Makes `environment` escape in HTML what HTML needs, and nothing else.
pub(crate) fn set_escaper(environment: &mut Environment<'_>) {
    environment.set_formatter(write);
    environment.add_filter("escape", escape_value);
    environment.add_filter("e", escape_value);
}

/// Writes `value` where a template names it.
fn write(out: &mut Output<'_>, state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_safe() || state.auto_escape() != AutoEscape::Html {
        return escape_formatter(out, state, value);
    }
    Ok(out.write_str(&escape(&value.to_string()))?)
}

/// The filter for templates that escape by hand.
fn escape_value(value: &Value) -> Value {
    if value.is_safe() {
        return value.clone();
    }
    Value::from_safe_string(escape(&value.to_string()))
}

/// `text` as text of an element, or as a value of an attribute in quotes of either kind.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;

    /// What a template of this name makes of a value.
    fn rendered(name: &str, template: &str, value: &str) -> String {
        let mut environment = Environment::new();
        set_escaper(&mut environment);
        let values = context! { x => value };
        environment
            .render_named_str(name, template, values)
            .expect("a good template")
    }

    #[test]
    fn html_has_values_as_text_and_slashes_as_they_are() {
        let text = "<a href='/x'>&\"</a>";
        let escaped = "&lt;a href=&#x27;/x&#x27;&gt;&amp;&quot;&lt;/a&gt;";
        for template in ["{{ x }}", "{{ x|e }}", "{{ x|escape }}", "{{ x|e|e }}"] {
            assert_eq!(rendered("x.html", template, text), escaped, "{template}");
        }
        assert_eq!(rendered("x.html", "{{ x|safe }}", text), text);
        assert_eq!(rendered("x.html", "{{ [x]|first }}", "a/b"), "a/b");
    }

    #[test]
    fn plain_text_has_values_as_they_are() {
        assert_eq!(rendered("x.txt", "{{ x }}", "<a/>&"), "<a/>&");
    }
}
