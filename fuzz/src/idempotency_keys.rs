//! The values of `Idempotency-Key`: bare or in quotes, the same key.

use actix_web::http::header::HeaderValue;
use invited::http::idempotency::parse_value;

/// The longest key in bytes.
const MAX_KEY: usize = 255;

/// Checks `data` as the value of the header.
pub fn check(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else {
        return;
    };
    let is_plain = (1..=MAX_KEY).contains(&data.len()) && data.iter().all(u8::is_ascii_graphic);
    let Some(key) = parse_value(&value) else {
        assert!(
            !is_plain || data == b"\"\"",
            "a plain key is accepted: {value:?}"
        );
        return;
    };
    assert!(
        (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()),
        "{key}"
    );
    let quoted = format!("\"{key}\"");
    assert!(
        data == key.as_bytes() || data == quoted.as_bytes(),
        "nothing else is taken for it: {key}"
    );
    let quoted = HeaderValue::from_str(&quoted).expect("a value");
    assert_eq!(
        parse_value(&quoted),
        Some(key),
        "the quotes are no part of the key"
    );
}
