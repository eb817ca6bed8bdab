//! What the invited person does with the link.
//!
//! * [`lookup`]: what a link shows, and the tokens that open nothing.
//! * [`codes`]: codes by mail. [`wrong_codes`]: wrong codes and wrong addresses.
//! * [`mailed`]: a mailed link, which may be the proof. [`mailed_keys`]: beside a key.
//!   [`by_mail`]: from mail to joining.
//! * [`proofs`]: which proof is meant, and who may give it.
//!
//! Proofs by an identity provider are in `oidc`.

mod by_mail;
mod codes;
mod lookup;
mod mailed;
mod mailed_keys;
mod proofs;
mod wrong_codes;

use invited::invitation::link::LinkToken;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// An id that no invitation has, as tokens write it.
const MISSING: &str = "019a0c5e7b1c7cc398c4dc0c0c07398f";

/// Tokens that open nothing, made from a good one: each with what is wrong with it.
fn useless(app: &TestApp, made: &Value, token: &str) -> Vec<(&'static str, String)> {
    let (prefix, mac) = (&token[..4], &token[37..]);
    let flipped = |at: usize| {
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        String::from_utf8(bytes).expect("ASCII")
    };
    let other = app.invite("globex", "other@b.co");
    let other = app.token_of(&other);
    vec![
        ("of no invitation", format!("{prefix}{MISSING}_{mac}")),
        (
            "with the MAC of another",
            format!("{}{}", &token[..37], &other[37..]),
        ),
        ("the first digit of the MAC altered", flipped(37)),
        ("the last digit of the MAC altered", flipped(100)),
        ("a digit of the id altered", flipped(10)),
        ("without its last digit", token[..100].to_owned()),
        ("with a digit too many", format!("{token}0")),
        ("in capitals", token.to_uppercase()),
        ("with a space", format!("{token} ")),
        ("with a NUL", format!("{token}\u{0}")),
        ("without its prefix", token[4..].to_owned()),
        (
            "an id with hyphens",
            format!("{prefix}{}_{mac}", made["id"].as_str().expect("an id")),
        ),
        (
            "the id alone",
            made["id"].as_str().expect("an id").to_owned(),
        ),
        ("a key", app.key.clone()),
        ("empty", String::new()),
        ("long", "x".repeat(60_000)),
    ]
}

/// Whether `token` has not the form of one, and was told so by `answer`: that follows from the text
/// alone, and says nothing of any invitation.
fn told_of_its_form(answer: &Answer, token: &str) -> bool {
    if LinkToken::parse(token).is_some() {
        return false;
    }
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
    let detail = answer.json()["detail"].to_string();
    let is_told = ["no token", "cut off or mistyped"]
        .iter()
        .any(|words| detail.contains(words));
    assert!(is_told && !detail.contains("opens nothing"), "{detail}");
    true
}

/// The body of a proof by code.
fn by_code(token: &str, email: &str, code: &str) -> Value {
    json!({ "token": token, "email": email, "code": code })
}
