//! Where an address stands in a text, and how it is taken out of an event.

use serde_json::{Map, Value};

/// The members of an event's `before` and `after` that the application or the person filled.
const MEMBERS: [&str; 3] = ["email", "acceptedBy", "redirectUrl"];

/// Whether `text` holds `address`, in any case and also as a URL writes it, by itself: not as a
/// part of a longer address.
pub(crate) fn mentions(text: &str, address: &str) -> bool {
    let text = text.to_ascii_lowercase().replace("%40", "@");
    let goes_on_before = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    let goes_on_behind = |rest: &[u8]| match rest {
        [b'.', next, ..] => next.is_ascii_alphanumeric(),
        [next, ..] => next.is_ascii_alphanumeric() || *next == b'-',
        [] => false,
    };
    text.match_indices(address).any(|(start, _)| {
        let (before, behind) = (
            text[..start].bytes().next_back(),
            &text.as_bytes()[start + address.len()..],
        );
        !before.is_some_and(goes_on_before) && !goes_on_behind(behind)
    })
}

/// `facts` of an event without the members that hold `address`; nothing where none does.
pub(crate) fn redact(facts: &str, address: &str) -> Option<String> {
    if !mentions(facts, address) {
        return None;
    }
    let mut members: Map<String, Value> = serde_json::from_str(facts).ok()?;
    let count = members.len();
    let holds = |value: &Value| value.as_str().is_some_and(|text| mentions(text, address));
    members.retain(|name, value| !(MEMBERS.contains(&name.as_str()) && holds(value)));
    (members.len() < count).then(|| Value::Object(members).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_by_itself_and_not_as_a_part_of_another() {
        for text in [
            "a@b.co",
            "<A@B.co>.",
            "to=a@b.co&x",
            "https://x.y/?to=a%40b.co",
            "xa@b.co a@b.co",
            "a@b.co-",
        ] {
            assert_eq!(mentions(text, "a@b.co"), !text.ends_with('-'), "{text}");
        }
        for text in [
            "xa@b.co",
            "x.a@b.co",
            "x+a@b.co",
            "a@b.com",
            "a@b.co.uk",
            "a@b",
            "",
        ] {
            assert!(!mentions(text, "a@b.co"), "{text}");
        }
    }

    #[test]
    fn an_event_loses_only_the_members_that_hold_the_address() {
        let facts = r#"{"email":"a@b.co","role":"a@b.co","status":"pending"}"#;
        assert_eq!(
            redact(facts, "a@b.co").as_deref(),
            Some(r#"{"role":"a@b.co","status":"pending"}"#)
        );
        assert_eq!(redact(r#"{"email":"xa@b.co"}"#, "a@b.co"), None);
        assert_eq!(
            redact(r#"{"acceptedBy":"A@b.co"}"#, "a@b.co").as_deref(),
            Some("{}")
        );
    }
}
