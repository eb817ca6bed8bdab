//! The token in what became of a link on its way: in mail programs, filters, trackers, and in what
//! people copy.

/// The most times that a filter of mail percent-encodes a link.
const MAX_DECODINGS: usize = 8;
/// Hex digits of the two parts of a token.
const PARTS: [usize; 2] = [32, 64];
/// Hex digits in a row that only a token has.
const TELLING: usize = 16;

/// Why there is no token in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoToken {
    /// A part of one is there.
    Incomplete,
    /// Something else is there.
    Wrong,
    /// Nothing is there.
    Absent,
}

/// The token in `text`: the address that was opened, or what was pasted. What stands behind a `#`
/// is looked at first.
///
/// # Errors
/// Why there is none.
pub(super) fn find_token(text: &str) -> Result<String, NoToken> {
    let text = decoded(text);
    let (before, hash) = text.split_once('#').unwrap_or((&text, ""));
    token_in(hash)
        .or_else(|| token_in(before))
        .ok_or_else(|| why_none(before, hash))
}

/// Why neither the part before a `#` nor that behind it has a token.
fn why_none(before: &str, hash: &str) -> NoToken {
    let begins = |text: &str| ["ivt_", "ivm_"].iter().any(|kind| text.contains(kind));
    let (before, hash) = (before.to_ascii_lowercase(), hash.to_ascii_lowercase());
    if ["i", "iv", "ivt", "ivm"].contains(&&*hash)
        || begins(&hash)
        || begins(&before)
        || has_telling(&hash)
    {
        return NoToken::Incomplete;
    }
    let is_address = before.is_empty() || before.starts_with("http");
    if hash.is_empty() && is_address {
        NoToken::Absent
    } else {
        NoToken::Wrong
    }
}

/// Whether so many hex digits stand in a row that they are a part of a token.
fn has_telling(text: &str) -> bool {
    let mut runs = text.split(|c: char| !c.is_ascii_hexdigit());
    runs.any(|run| run.len() >= TELLING)
}

/// `text` with its percent-encoded ASCII decoded, as often as it was encoded.
fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..MAX_DECODINGS {
        if !text.contains('%') {
            break;
        }
        text = decoded_once(&text);
    }
    text
}

/// `text` with its percent-encoded ASCII decoded once.
fn decoded_once(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        decoded.push_str(before);
        let byte = after
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(u8::is_ascii) {
            Some(byte) => {
                decoded.push(char::from(byte));
                rest = &after[2..];
            }
            None => {
                decoded.push('%');
                rest = after;
            }
        }
    }
    decoded + rest
}

/// The token in `text`, whatever stands around it. Line breaks and what is not ASCII came into it
/// on its way.
fn token_in(text: &str) -> Option<String> {
    let plain = without_additions(text);
    let starts = plain.match_indices("iv").map(|(start, _)| start);
    starts.filter_map(|start| token_at(&plain[start..])).next()
}

/// The token that `text` begins with. Its underscores may have been lost.
fn token_at(text: &str) -> Option<String> {
    let kind = ["ivt", "ivm"]
        .into_iter()
        .find(|kind| text.starts_with(kind))?;
    let (mut token, mut rest) = (kind.to_owned(), &text[kind.len()..]);
    for length in PARTS {
        rest = rest.strip_prefix('_').unwrap_or(rest);
        let digits = rest.get(..length)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        token = format!("{token}_{digits}");
        rest = &rest[length..];
    }
    Some(token)
}

/// `text` in lowercase, without space and without what is not ASCII, encoded or not.
fn without_additions(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let kept = |c: &char| c.is_ascii() && !c.is_ascii_whitespace() && !c.is_ascii_control();
    let mut parts = lower.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_byte = part
            .starts_with(|c: char| ('8'..='9').contains(&c) || c.is_ascii_alphabetic())
            && part.as_bytes().get(1).is_some_and(u8::is_ascii_hexdigit);
        match part.get(2..).filter(|_| is_byte) {
            Some(rest) => plain.push_str(rest),
            None => {
                plain.push('%');
                plain.push_str(part);
            }
        }
    }
    plain.chars().filter(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token for examples.
    fn token() -> String {
        format!("ivm_{}_{}", "0a".repeat(16), "b1".repeat(32))
    }

    #[test]
    fn a_token_is_found_in_whatever_became_of_its_link() {
        let token = token();
        let (half, rest) = token.split_at(50);
        for spelling in [
            format!("https://x.test/accept#{token}"),
            format!("https://x.test/accept?utm_source=mail#{token}?x=1"),
            format!("https://x.test/accept%23{token}&url=https://example.com/a/b"),
            format!("https://x.test/accept/%252523{token}/"),
            format!("https://x.test/accept?token={token}"),
            format!("https://x.test/accept##{token}#ivt_0"),
            format!("https://x.test/accept#%3C{token}%3E"),
            format!("https://x.test/accept#{half}%0D%0A{rest}"),
            format!("https://x.test/accept#{half}%C2%AD{rest}"),
            format!("  <{half}\n  \u{ad}{rest}>."),
            token.to_uppercase(),
            token.replace('_', "%5F"),
            token.replace('_', ""),
            format!("iv ivm_0 {token}"),
        ] {
            assert_eq!(find_token(&spelling).as_deref(), Ok(&*token), "{spelling}");
        }
    }

    #[test]
    fn it_is_told_why_there_is_no_token() {
        let cut = &token()[..100];
        for (text, why) in [
            ("", NoToken::Absent),
            ("https://x.test/accept", NoToken::Absent),
            (
                "https://x.test/accept?fbclid=00000000000000000000",
                NoToken::Absent,
            ),
            ("https://x.test/accept#ivm", NoToken::Incomplete),
            ("https://x.test/accept%23ivm_0123", NoToken::Incomplete),
            (
                "https://x.test/accept#0123456789abcdef0",
                NoToken::Incomplete,
            ),
            (cut, NoToken::Incomplete),
            ("https://x.test/accept#nonsense", NoToken::Wrong),
            ("https://x.test/accept#%", NoToken::Wrong),
            ("hello", NoToken::Wrong),
            ("%%é%zz", NoToken::Wrong),
        ] {
            assert_eq!(find_token(text), Err(why), "{text}");
        }
    }
}
