//! What two addresses differ in, in words for who took one for the other.

use crate::base::email::Email;

/// What `given` and `invited`, two addresses, differ in.
pub(super) fn describe(given: &Email, invited: &Email) -> &'static str {
    let (given_parts, invited_parts) = (parts(given), parts(invited));
    let is_same_name = given_parts.0 == invited_parts.0;
    if given_parts.1 != invited_parts.1 {
        return describe_domains(given_parts.1, invited_parts.1, is_same_name);
    }
    if given.mailbox() == invited.mailbox() {
        "Only the part behind the + differs, and it counts."
    } else if without_dots(given_parts.0) == without_dots(invited_parts.0) {
        "Only dots before the @ differ, and they count."
    } else {
        "The domain is the same; what stands before the @ differs."
    }
}

/// What two domains differ in, where the names before them are the same, or are not.
fn describe_domains(given: &str, invited: &str, is_same_name: bool) -> &'static str {
    let is_spelled_beyond_ascii = |domain: &str| domain.contains("xn--");
    match is_same_name {
        true if is_spelled_beyond_ascii(given) || is_spelled_beyond_ascii(invited) => {
            "The domain differs: in one of them it has letters beyond ASCII, which is written xn--."
        }
        true => "What stands before the @ is the same; the domain differs.",
        false => "Both the domain and what stands before the @ differ.",
    }
}

/// What stands before and behind the `@`.
fn parts(email: &Email) -> (&str, &str) {
    email.as_str().split_once('@').unwrap_or_default()
}

/// `name` without its dots.
fn without_dots(name: &str) -> String {
    name.replace('.', "")
}
