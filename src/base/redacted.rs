//! What the log may have of a text: no token, and of a mail address only its domain.
//!
//! Nothing that is logged is meant to hold any of them. This is the last look, for the words of
//! others: mail servers, dependencies, panics.

use std::borrow::Cow;

/// What keys, the tokens of links and of sign-ins, and the secrets of webhooks begin with.
pub(crate) const TOKEN_PREFIXES: [&str; 5] = ["ivk_", "ivt_", "ivm_", "ivl_", "whsec_"];
/// What stands in the place of what is hidden.
const HIDDEN: &str = "***";
/// How an at sign is written, and how in a URL.
const AT_SIGNS: [&str; 2] = ["@", "%40"];

/// `text` without its tokens and the names in its mail addresses.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    let is_suspect = |part: &&str| text.contains(*part);
    let (has_token, has_address) = (
        TOKEN_PREFIXES.iter().any(is_suspect),
        AT_SIGNS.iter().any(is_suspect),
    );
    match (has_token, has_address) {
        (false, false) => text.into(),
        (false, true) => hide_names(text).into(),
        (true, _) => hide_names(&hide_tokens(text)).into(),
    }
}

/// `text` with nothing behind the prefix of any token.
fn hide_tokens(text: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((at, prefix)) = find_first(rest, &TOKEN_PREFIXES) {
        let behind = &rest[at + prefix.len()..];
        shown += &rest[..at + prefix.len()];
        shown += HIDDEN;
        rest = behind.trim_start_matches(is_of_token);
    }
    shown + rest
}

/// `text` with nothing in front of the at sign of any mail address.
fn hide_names(text: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((at, sign)) = find_first(rest, &AT_SIGNS) {
        let (before, behind) = (&rest[..at], &rest[at + sign.len()..]);
        let other = before.trim_end_matches(is_of_name);
        let is_address = other.len() < before.len() && behind.starts_with(char::is_alphanumeric);
        shown += if is_address { other } else { before };
        shown += if is_address { HIDDEN } else { "" };
        shown += sign;
        rest = behind;
    }
    shown + rest
}

/// The first place in `text` of any of `parts`, and which one that is.
fn find_first<'a>(text: &str, parts: &[&'a str]) -> Option<(usize, &'a str)> {
    let found = parts
        .iter()
        .filter_map(|part| Some((text.find(part)?, *part)));
    found.min_by_key(|(at, _)| *at)
}

/// Whether a token can have `c`.
fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-+/=%".contains(c)
}

/// Whether the name in a mail address can have `c`.
fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_the_names_of_mail_addresses_are_hidden_wherever_they_stand() {
        for (text, shown) in [
            ("a key ivk_0a_0b, a link", "a key ivk_***, a link"),
            ("ivt_0a_0b/ivm_0a_0b?x", "ivt_***?x"),
            ("(whsec_MfKQ9r+/=)", "(whsec_***)"),
            ("550 <ada.l+x@example.com>: no", "550 <***@example.com>: no"),
            ("&email=ada%40example.com&q", "***%40example.com&q"),
            (
                "smtp://ada:pass@mail.example.com",
                "smtp://ada:***@mail.example.com",
            ),
            ("dörte@bücher.de,b@c.de", "***@bücher.de,***@c.de"),
        ] {
            assert_eq!(redact(text), shown);
        }
    }

    #[test]
    fn what_holds_nothing_secret_stays_as_it_is() {
        for text in ["", "request 5f0c: 404", "a @ b", "@b.co", "a@", "iv_0a"] {
            assert_eq!(redact(text), text);
        }
    }
}
