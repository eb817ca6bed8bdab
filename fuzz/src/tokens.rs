//! API keys and the tokens of links: one spelling each, and nothing that was altered passes.

use invited::base::clock::Timestamp;
use invited::base::hex::hex;
use invited::invitation::link::{self, LinkToken, TokenKind};
use invited::key::token::{KeyId, PlainKey};
use invited::secret::{Keyring, Secret};
use uuid::Uuid;

/// Checks `data` as the text of a key and of a token, and as what both are made of.
pub fn check(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        check_text(text);
    }
    if let Some((random, rest)) = data.split_first_chunk() {
        check_key(random, rest);
    }
    if let Some((id, rest)) = data.split_first_chunk() {
        check_token(Uuid::from_bytes(*id), rest);
    }
}

/// Checks that what is accepted is shown as it came.
fn check_text(text: &str) {
    if let Some(key) = PlainKey::parse(text) {
        assert_eq!(key.reveal(), text);
        assert!(
            !format!("{key:?}").contains(&text[21..]),
            "no secret is shown by accident"
        );
    }
    if let Some(id) = KeyId::parse(text) {
        assert_eq!((id.as_str(), text.len()), (text, 16));
    }
    if let Some(token) = LinkToken::parse(text) {
        assert!(
            text.starts_with(&format!("{}{}_", prefix(token.kind), token.id.simple())),
            "{text}"
        );
        let (secret, now) = (secret('f'), Timestamp::from_millis(0));
        let is_right = token.matches(&Keyring::single(secret.clone()), now, 0);
        assert_eq!(
            is_right,
            link::token(&secret, token.kind, token.id, 0) == text
        );
    }
}

/// Checks the key that is made of `random`, and one that `rest` alters.
fn check_key(random: &[u8; 40], rest: &[u8]) {
    let text = format!("ivk_{}_{}", hex(&random[..8]), hex(&random[8..]));
    let text = format!("{text}{:08x}", crc32fast::hash(text.as_bytes()));
    let key = PlainKey::parse(&text).expect("a key");
    assert_eq!(key.reveal(), text);
    let parts = text[4..]
        .split_once('_')
        .and_then(|(id, secret)| PlainKey::from_parts(id, secret));
    assert!(
        parts.is_some_and(|parts| parts.hashed().is_stored_as(key.hashed().as_bytes())),
        "as Basic carries it"
    );
    let altered = alter(&text, rest);
    assert!(
        altered == text || PlainKey::parse(&altered).is_none(),
        "{altered}"
    );
}

/// What every token of a kind starts with.
fn prefix(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Given => "ivt_",
        TokenKind::Mailed => "ivm_",
    }
}

/// Checks the tokens of the invitation `id`, and ones that `rest` alters.
fn check_token(id: Uuid, rest: &[u8]) {
    for kind in [TokenKind::Given, TokenKind::Mailed] {
        check_token_of(kind, id, rest);
    }
}

/// Checks the token of this kind.
fn check_token_of(kind: TokenKind, id: Uuid, rest: &[u8]) {
    let count = rest.first().copied().map_or(0, u32::from);
    let (own, other) = (secret('f'), secret('e'));
    let (keyring, now) = (Keyring::single(own.clone()), Timestamp::from_millis(0));
    let text = link::token(&own, kind, id, count);
    let matches = |text: &str, count| {
        LinkToken::parse(text).is_some_and(|token| token.matches(&keyring, now, count))
    };
    assert!(matches(&text, count), "{text}");
    assert!(
        !matches(&text, count + 1) && !matches(&link::token(&other, kind, id, count), count),
        "{text}"
    );
    let altered = alter(&text, rest);
    assert!(altered == text || !matches(&altered, count), "{altered}");
}

/// A secret of its own for each `last` character.
fn secret(last: char) -> Secret {
    Secret::new(&format!("0123456789abcdef0123456789abcde{last}")).expect("a secret")
}

/// `text` with one character changed: `rest` says which one, and into what.
fn alter(text: &str, rest: &[u8]) -> String {
    let (place, other) = (
        rest.first().copied().unwrap_or_default(),
        rest.get(1).copied().unwrap_or(b'x'),
    );
    let mut altered = text.as_bytes().to_vec();
    altered[usize::from(place) % text.len()] = if other.is_ascii() { other } else { b'x' };
    String::from_utf8(altered).expect("ASCII")
}
