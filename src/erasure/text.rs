//! Where an address stands in a text, and in the facts of an event.

use crate::event::facts::Facts;

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

/// Whether a member of the facts of an event that can be taken out holds `address`.
pub(crate) fn is_held(facts: &str, address: &str) -> bool {
    let holds = |text: &str| mentions(text, address);
    holds(facts) && Facts::parse(None, Some(facts)).is_ok_and(|facts| facts.holds(holds))
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
    fn only_members_that_can_be_taken_out_are_looked_at() {
        for (facts, expected) in [
            (r#"{"email":"a@b.co","role":"owner"}"#, true),
            (r#"{"acceptedBy":"A@b.co"}"#, true),
            (r#"{"redirectUrl":"https://x.y/?to=a%40b.co"}"#, true),
            (r#"{"email":"xa@b.co"}"#, false),
            (r#"{"role":"a@b.co"}"#, false),
            (r#"{"email":["a@b.co"]}"#, false),
            (r#"{"email":"a@b.co""#, false),
        ] {
            assert_eq!(is_held(facts, "a@b.co"), expected, "{facts}");
        }
    }
}
