//! B49-B60: bodies.

use std::time::Duration;

use serde_json::json;

use super::{Expected, GOOD, Table, body_with, create_head, exchange, exchange_within};
use crate::support::{Answer, TestApp, invitations};

/// The largest body that is taken.
const LIMIT: usize = 64 * 1024;

/// Sends a create with `headers` and `body`, and does not tell its length by itself.
fn send(app: &TestApp, headers: &str, body: &str) -> Answer {
    crate::support::client::raw(app.address, (create_head(app, headers) + body).as_bytes())
}

#[test]
fn what_is_not_one_json_object_is_refused() {
    let mut table = Table::new();
    let rows: [(&str, Vec<u8>); 21] = [
        ("B49", Vec::new()),
        ("B49", b" ".to_vec()),
        ("B49", b"null".to_vec()),
        ("B49", b"[]".to_vec()),
        ("B49", b"[\"new@b.co\",\"developer\"]".to_vec()),
        ("B49", format!("[{GOOD}]").into_bytes()),
        ("B49", b"\"x\"".to_vec()),
        ("B49", b"1".to_vec()),
        ("B50", GOOD.as_bytes()[..GOOD.len() - 1].to_vec()),
        ("B50", format!("{GOOD}{{}}").into_bytes()),
        ("B50", format!("{GOOD},").into_bytes()),
        ("B50", GOOD.replace('"', "'").into_bytes()),
        ("B50", format!("/* x */{GOOD}").into_bytes()),
        ("B50", format!("{GOOD} // x").into_bytes()),
        ("B50", GOOD.replace('}', ",}").into_bytes()),
        ("B50", format!("\u{feff}{GOOD}").into_bytes()),
        ("B50", GOOD.replace("new", "n\new").into_bytes()),
        (
            "B51",
            GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        (
            "B51",
            [
                br#"{"email":"new@b.co","role":"developer","inviter":{"name":""#,
                &b"Andr\xe9\"}}"[..],
            ]
            .concat(),
        ),
        (
            "B51",
            [
                br#"{"email":"new@b.co","role":"developer","metadata":{"x":""#,
                &b"\xc0\x80\"}}"[..],
            ]
            .concat(),
        ),
        ("B51", GOOD.replace("new", "\\ud800").into_bytes()),
    ];
    for (id, body) in rows {
        let answer = table
            .app
            .request("POST", &invitations("acme"))
            .json(&body)
            .send();
        table.row(
            id,
            String::from_utf8_lossy(&body),
            &answer,
            Expected::Problem(400, "invalid_json"),
        );
    }
}

#[test]
fn a_field_that_is_there_twice_is_refused() {
    let mut table = Table::new();
    let rows = [
        r#"{"email":"new@b.co","email":"evil@b.co","role":"developer"}"#,
        r#"{"email":"new@b.co","role":"developer","role":"admin"}"#,
        r#"{"email":null,"email":"new@b.co","role":"developer"}"#,
        r#"{"email":"new@b.co","\u0065mail":"evil@b.co","role":"developer"}"#,
        r#"{"email":"new@b.co","role":"developer","expiresIn":60,"expiresIn":61}"#,
        r#"{"email":"new@b.co","role":"developer","inviter":{"name":"Ada","name":"Eve"}}"#,
    ];
    for body in rows {
        table.create("B52", body, Expected::Problem(400, "invalid_json"));
    }
}

#[test]
fn a_body_that_is_made_to_be_slow_is_refused_quickly() {
    let mut table = Table::new();
    let keys = |count: usize| {
        (0..count)
            .map(|index| format!(r#""k{index}":1"#))
            .collect::<Vec<_>>()
            .join(",")
    };
    let number =
        |digits: usize| GOOD.replace('}', &format!(r#","expiresIn":{}}}"#, "9".repeat(digits)));
    let metadata = |value: &str| GOOD.replace('}', &format!(r#","metadata":{{"x":{value}}}}}"#));
    let (malformed, too_large) = (
        Expected::Problem(400, "invalid_json"),
        Expected::Problem(413, "body_too_large"),
    );
    let rows = [
        (
            "B55",
            "5,000 keys",
            format!("{{{}}}", keys(5_000)),
            Expected::Problem(400, "unknown_field"),
        ),
        (
            "B55",
            "100,000 keys",
            format!("{{{}}}", keys(100_000)),
            too_large,
        ),
        (
            "B55",
            "an array of 30,000",
            GOOD.replace("\"new@b.co\"", &format!("[{}1]", "1,".repeat(30_000))),
            malformed,
        ),
        (
            "B55",
            "an array of a million",
            format!("[{}1]", "1,".repeat(1_000_000)),
            too_large,
        ),
        (
            "B55",
            "10,000 levels of arrays",
            metadata(&("[".repeat(10_000) + &"]".repeat(10_000))),
            malformed,
        ),
        ("B55", "30,000 open arrays", "[".repeat(30_000), malformed),
        ("B56", "60,000 digits", number(60_000), malformed),
        ("B56", "100,000 digits", number(100_000), too_large),
        (
            "B55",
            "15,000 tags of no flag",
            GOOD.replace(
                '}',
                &format!(
                    r#","inviter":{{"name":"{}"}}}}"#,
                    "\u{e0061}".repeat(15_000)
                ),
            ),
            Expected::Problem(422, "validation_failed"),
        ),
        (
            "B56",
            "60,000 digits of metadata",
            metadata(&"9".repeat(60_000)),
            malformed,
        ),
    ];
    // Ten times what a release build is allowed.
    let limit = Duration::from_millis(500);
    for (id, what, body, expected) in rows {
        let head = create_head(&table.app, &format!("Content-Length: {}\r\n", body.len()));
        let seen = exchange_within(&table.app, (head + &body).as_bytes(), limit);
        table.row(id, what, &seen.answer, expected);
        assert!(
            seen.answer.body.len() < 8192,
            "{id} {what}: the answer has {} bytes",
            seen.answer.body.len()
        );
        assert!(seen.answered < limit, "{id} {what}: {:?}", seen.answered);
    }
}

#[test]
fn a_body_is_taken_up_to_the_limit_and_not_past_it() {
    let mut table = Table::new();
    let padded = |length: usize| format!("{GOOD}{}", " ".repeat(length - GOOD.len()));
    let too_large = Expected::Problem(413, "body_too_large");
    for length in [LIMIT + 1, 3_000_000] {
        let answer = table.app.post(&invitations("acme"), &padded(length));
        table.row("B57", format!("{length} bytes"), &answer, too_large);
    }
    let announced = create_head(&table.app, "Content-Length: 10000000000\r\n");
    let seen = exchange(&table.app, announced.as_bytes(), Duration::from_secs(5));
    table.row("B57", "10 GB announced", &seen.answer, too_large);
    assert!(
        seen.answered < Duration::from_secs(1),
        "B57: nothing is waited for: {:?}",
        seen.answered
    );
    assert!(seen.closed.is_some(), "B57: the connection is closed");
    let answer = table.app.post(&invitations("acme"), &padded(LIMIT));
    table.row("B57", "the limit", &answer, Expected::Done(201));
}

#[test]
fn a_chunked_body_has_the_same_limit() {
    let mut table = Table::new();
    let chunked = "Transfer-Encoding: chunked\r\n";
    let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
    let (good, end) = (format!("{:x}\r\n{GOOD}\r\n", GOOD.len()), "0\r\n\r\n");
    let over = send(&table.app, chunked, &[&good, &*chunk, &chunk, end].concat());
    table.row(
        "B58",
        "chunks over the limit",
        &over,
        Expected::Problem(413, "body_too_large"),
    );
    let fine = send(&table.app, chunked, &[&good, end].concat());
    table.row("B58", "chunks within the limit", &fine, Expected::Done(201));
}

#[test]
fn a_chunked_body_that_is_refused_is_not_read_to_an_end_that_may_never_come() {
    let mut table = Table::new();
    let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
    let with_key = create_head(&table.app, "Transfer-Encoding: chunked\r\n");
    let without_key = with_key.replace("Authorization", "X-Nothing");
    let rows = [
        (with_key, Expected::Problem(413, "body_too_large")),
        (without_key, Expected::Problem(401, "unauthorized")),
    ];
    for (head, expected) in rows {
        let seen = exchange(
            &table.app,
            (head + &chunk.repeat(3)).as_bytes(),
            Duration::from_secs(3),
        );
        table.row("B58", "chunks without an end", &seen.answer, expected);
        let closed = if seen.closed.is_some() {
            Expected::Unchanged(seen.answer.status)
        } else {
            Expected::Parser(&[0])
        };
        table.row(
            "B58",
            "the connection is closed after the answer",
            &seen.answer,
            closed,
        );
    }
}

#[test]
fn only_plain_json_is_taken() {
    let mut table = Table::new();
    let refused = Expected::Problem(415, "unsupported_media_type");
    let post = |table: &Table, headers: &[(&str, &str)]| {
        let request = table.app.request("POST", &invitations("acme"));
        headers
            .iter()
            .fold(request, |request, (name, value)| {
                request.header(name, value)
            })
            .body(GOOD)
            .send()
    };
    let types = [
        "text/plain",
        "text/plain; charset=application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/problem+json",
        "application/jsonp",
        "json",
        "*/*",
        "",
    ];
    let answer = post(&table, &[]);
    table.row("B60", "no content type", &answer, refused);
    for content_type in types {
        let answer = post(&table, &[("Content-Type", content_type)]);
        table.row("B60", content_type, &answer, refused);
    }
    for encoding in ["gzip", "br", "deflate", "x"] {
        let answer = post(
            &table,
            &[
                ("Content-Type", "application/json"),
                ("Content-Encoding", encoding),
            ],
        );
        table.row("B59", encoding, &answer, refused);
    }
}

#[test]
fn json_may_name_its_character_set_and_media_types_have_no_case() {
    let mut table = Table::new();
    let types = [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON",
    ];
    for (index, content_type) in types.into_iter().enumerate() {
        let body = body_with(&json!({ "email": format!("t{index}@b.co") }));
        let request = table.app.request("POST", &invitations("acme"));
        let answer = request
            .header("Content-Type", content_type)
            .body(body)
            .send();
        table.row("B60", content_type, &answer, Expected::Done(201));
    }
}
