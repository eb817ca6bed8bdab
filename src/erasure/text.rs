//! Where an address stands in a text, and how it is taken out of an event.

use serde_json::{Map, Value};

/// The members of an event's `before` and `after` that the application or the person filled.
const MEMBERS: [&str; 3] = ["email", "acceptedBy", "redirectUrl"];
/// The most bytes of a name that are looked for in the remains of overwritten text: shorter pieces say nothing about anybody.
const PIECE: usize = 6;

/// Whether `text` holds `address`, in any case and also as a URL writes it, by itself: not as a part of a longer address.
pub fn mentions(text: &str, address: &str) -> bool {
    let text = text.to_ascii_lowercase().replace("%40", "@");
    let goes_on_before = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    let goes_on_behind = |rest: &[u8]| match rest {
        [b'.', next, ..] => next.is_ascii_alphanumeric(),
        [next, ..] => next.is_ascii_alphanumeric() || *next == b'-',
        [] => false,
    };
    text.match_indices(address).any(|(start, _)| {
        let (before, behind) = (text[..start].bytes().next_back(), &text.as_bytes()[start + address.len()..]);
        !before.is_some_and(goes_on_before) && !goes_on_behind(behind)
    })
}

/// `facts` of an event without the members that hold `address`; nothing where none does.
pub fn redact(facts: &str, address: &str) -> Option<String> {
    if !mentions(facts, address) {
        return None;
    }
    let mut members: Map<String, Value> = serde_json::from_str(facts).ok()?;
    let count = members.len();
    let holds = |value: &Value| value.as_str().is_some_and(|text| mentions(text, address));
    members.retain(|name, value| !(MEMBERS.contains(&name.as_str()) && holds(value)));
    (members.len() < count).then(|| Value::Object(members).to_string())
}

/// Finds what is left of an address where text was partly overwritten: pieces of its name.
#[derive(Clone, Debug)]
pub struct Remains {
    /// Every run of [`PIECE`] bytes of the name with its `@`; the whole of that, where it is shorter.
    pieces: Vec<Vec<u8>>,
    /// Whether a piece begins with this byte.
    begins: [bool; 256],
}

impl Remains {
    /// Those of `address`.
    pub fn of(address: &str) -> Self {
        let name = address.split_inclusive('@').next().unwrap_or(address).as_bytes();
        let pieces: Vec<_> = name.windows(PIECE.min(name.len())).map(<[u8]>::to_vec).collect();
        let mut begins = [false; 256];
        for &first in pieces.iter().filter_map(|piece| piece.first()) {
            begins[usize::from(first)] = true;
        }
        Self { pieces, begins }
    }

    /// Whether there are any in `bytes`, in any case.
    pub fn are_in(&self, bytes: &[u8]) -> bool {
        let bytes = bytes.to_ascii_lowercase();
        let starts_here = |rest: &[u8]| self.pieces.iter().any(|piece| rest.starts_with(piece));
        (0..bytes.len()).any(|start| self.begins[usize::from(bytes[start])] && starts_here(&bytes[start..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_by_itself_and_not_as_a_part_of_another() {
        for text in ["a@b.co", "<A@B.co>.", "to=a@b.co&x", "https://x.y/?to=a%40b.co", "xa@b.co a@b.co", "a@b.co-"] {
            assert_eq!(mentions(text, "a@b.co"), !text.ends_with('-'), "{text}");
        }
        for text in ["xa@b.co", "x.a@b.co", "x+a@b.co", "a@b.com", "a@b.co.uk", "a@b", ""] {
            assert!(!mentions(text, "a@b.co"), "{text}");
        }
    }

    #[test]
    fn an_event_loses_only_the_members_that_hold_the_address() {
        let facts = r#"{"email":"a@b.co","role":"a@b.co","status":"pending"}"#;
        assert_eq!(redact(facts, "a@b.co").as_deref(), Some(r#"{"role":"a@b.co","status":"pending"}"#));
        assert_eq!(redact(r#"{"email":"xa@b.co"}"#, "a@b.co"), None);
        assert_eq!(redact(r#"{"acceptedBy":"A@b.co"}"#, "a@b.co").as_deref(), Some("{}"));
    }

    #[test]
    fn pieces_of_a_name_are_found_and_other_names_are_not() {
        let remains = Remains::of("new.user@example.com");
        assert!(remains.are_in(b"..w.user@exa") && remains.are_in(b"New.Us"));
        assert!(!remains.are_in(b"user@example.com") && !remains.are_in(b"") && !remains.are_in(b"new"));
        assert!(Remains::of("a@b.co").are_in(b"xa@") && !Remains::of("a@b.co").are_in(b"b@b.co"));
    }
}
