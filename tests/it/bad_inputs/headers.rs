//! B62, B71, B77, B78, B80, B86, B92: headers that the HTTP parser lets through.

use serde_json::json;

use super::{Expected, GOOD, Table, body_with, create_head};
use crate::support::client::raw;
use crate::support::{Answer, invitation, invitations};

/// No valid key.
const UNAUTHORIZED: Expected<'static> = Expected::Problem(401, "unauthorized");

/// Sends a create of new@b.co with `headers` and no key but theirs.
fn create_with(table: &Table, headers: &[(&str, &str)]) -> Answer {
    let request = table.app.anonymous("POST", &invitations("acme"));
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    });
    request.json(GOOD).send()
}

#[test]
fn credentials_that_are_no_key_are_no_credentials() {
    let mut table = Table::new();
    let key = table.app.key.clone();
    let long = format!("Bearer {}", "x".repeat(100_000));
    let rows: [(&str, String); 21] = [
        ("B77", String::new()),
        ("B77", "Bearer".to_owned()),
        ("B77", "Bearer ".to_owned()),
        ("B77", "Bearer  x".to_owned()),
        ("B77", "bearer x".to_owned()),
        ("B77", "Bearer null".to_owned()),
        ("B77", format!("Bearer {key}x")),
        ("B77", format!("Bearer {key}, Bearer {key}")),
        ("B77", format!("Bearer \"{key}\"")),
        ("B77", format!("Bearer {}", key.to_uppercase())),
        ("B77", format!("Bearer {}", &key[4..])),
        ("B77", format!("Token {key}")),
        ("B77", key.clone()),
        ("B77", long),
        ("B78", "Basic".to_owned()),
        ("B78", "Basic !!!".to_owned()),
        ("B78", "Basic YQ".to_owned()),
        ("B78", "Basic YWRtaW46YWRtaW4=".to_owned()),
        ("B78", "Basic bm9jb2xvbg==".to_owned()),
        ("B78", "Basic AAA6AAA=".to_owned()),
        ("B78", "Basic //86//8=".to_owned()),
    ];
    let expected = create_with(&table, &[]);
    table.row("B77", "missing", &expected, UNAUTHORIZED);
    for (id, value) in rows {
        let answer = create_with(&table, &[("Authorization", &value)]);
        table.row(id, value, &answer, UNAUTHORIZED);
        // What is wrong with the form is told; `messages::keys` has the words.
        assert!(!answer.text().contains(&key[21..]), "{id}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{id}");
    }
    let lower = create_with(&table, &[("authorization", &format!("bEARER {key}"))]);
    table.row("B77", "the scheme has no case", &lower, Expected::Done(201));
}

#[test]
fn two_authorization_headers_are_refused_whichever_is_right() {
    let mut table = Table::new();
    let right = format!("Bearer {}", table.app.key);
    for (first, second) in [
        (&*right, &*right),
        (&right, "Bearer x"),
        ("Basic eDp4", &right),
        ("", &right),
    ] {
        let answer = create_with(
            &table,
            &[("Authorization", first), ("Authorization", second)],
        );
        table.row(
            "B77",
            (first, second),
            &answer,
            Expected::Problem(400, "bad_request"),
        );
    }
}

#[test]
fn a_key_anywhere_but_in_its_header_is_no_key() {
    let mut table = Table::new();
    let key = table.app.key.clone();
    for header in [
        "Cookie",
        "X-Api-Key",
        "Proxy-Authorization",
        "X-Authorization",
    ] {
        for value in [format!("key={key}"), key.clone(), format!("Bearer {key}")] {
            let answer = create_with(&table, &[(header, &value)]);
            table.row("B80", (header, &value), &answer, UNAUTHORIZED);
        }
    }
    for name in ["key", "token", "api_key", "apiKey", "access_token"] {
        let path = format!("{}?{name}={key}", invitations("acme"));
        let answer = table.app.anonymous("GET", &path).send();
        table.row("B80", &path, &answer, UNAUTHORIZED);
        let answer = table.get(
            "B80",
            &path,
            Expected::About(400, "invalid_query", name, "unknown_field"),
        );
        assert!(
            !answer.text().contains(&key[21..]),
            "B80: a refused key comes back: {}",
            answer.text()
        );
        let body = body_with(&json!({ name: key }));
        let answer = table
            .app
            .anonymous("POST", &invitations("acme"))
            .json(&body)
            .send();
        table.row("B80", &body, &answer, UNAUTHORIZED);
        let expected = format!("/{name}");
        let answer = table.create(
            "B80",
            &body,
            Expected::About(400, "unknown_field", &expected, "unknown_field"),
        );
        assert!(
            !answer.text().contains(&key[21..]),
            "B80: a refused key comes back: {}",
            answer.text()
        );
    }
}

#[test]
fn an_idempotency_key_is_one_short_visible_text_and_belongs_to_one_body() {
    let mut table = Table::new();
    let auth = format!("Bearer {}", table.app.key);
    let (long, longest) = ("k".repeat(300), "k".repeat(255));
    let just_over = "k".repeat(256);
    for key in [&*long, &just_over, "", "\"\"", "a b", "\u{fc}", "a\tb"] {
        let answer = create_with(
            &table,
            &[("Authorization", &auth), ("Idempotency-Key", key)],
        );
        table.row("B86", key, &answer, Expected::Problem(400, "bad_request"));
    }
    let twice = [
        ("Authorization", &*auth),
        ("Idempotency-Key", "a"),
        ("Idempotency-Key", "a"),
    ];
    let answer = create_with(&table, &twice);
    table.row(
        "B86",
        "two headers",
        &answer,
        Expected::Problem(400, "bad_request"),
    );
    let answer = create_with(
        &table,
        &[("Authorization", &auth), ("Idempotency-Key", &longest)],
    );
    table.row("B86", "255 characters", &answer, Expected::Done(201));
    let other = table
        .app
        .request("POST", &invitations("acme"))
        .header("Idempotency-Key", &longest);
    let answer = other
        .json(body_with(&json!({ "email": "other@b.co" })))
        .send();
    table.row(
        "B86",
        "another body",
        &answer,
        Expected::Problem(422, "idempotency_key_reused"),
    );
}

#[test]
fn headers_that_mean_nothing_here_are_ignored() {
    let mut table = Table::new();
    let path = invitation("acme", &table.app.get(&invitations("acme")).json()[0]["id"]);
    let plain = table.app.get(&path);
    let rows = [
        ("B62", "Accept", "text/html"),
        ("B62", "Accept", "*/*;q=0"),
        ("B62", "Accept", ";;;="),
        ("B62", "Accept-Encoding", "gzip, br"),
        ("B62", "Accept-Charset", "utf-16"),
        ("B71", "X-HTTP-Method-Override", "DELETE"),
        ("B71", "X-HTTP-Method", "DELETE"),
        ("B71", "X-Method-Override", "DELETE"),
        ("B92", "Range", "bytes=0-3"),
        ("B92", "If-Range", "\"x\""),
        ("B92", "If-Modified-Since", "Sat, 01 Jan 2050 00:00:00 GMT"),
        ("B92", "TE", "trailers, deflate"),
        ("B92", "Upgrade", "h2c"),
        ("B92", "Upgrade", "websocket"),
        ("B92", "X-Forwarded-Host", "evil.io"),
        ("B92", "X-Original-URL", "/health/live"),
        ("B92", "Forwarded", "host=evil.io"),
    ];
    for (id, name, value) in rows {
        let answer = table.app.request("GET", &path).header(name, value).send();
        table.row(id, (name, value), &answer, Expected::Unchanged(200));
        assert_eq!(answer.text(), plain.text(), "{id} {name}: {value}");
        for header in ["content-type", "content-encoding", "etag"] {
            assert_eq!(
                answer.header(header),
                plain.header(header),
                "{id} {name}: {value}"
            );
        }
    }
    let answer = table
        .app
        .request("POST", &path)
        .header("X-HTTP-Method-Override", "DELETE")
        .send();
    table.row(
        "B71",
        "POST for DELETE",
        &answer,
        Expected::Problem(405, "method_not_allowed"),
    );
    let unknown = |pointer| Expected::Problem(400, pointer);
    table.get(
        "B71",
        &format!("{path}?_method=DELETE"),
        unknown("invalid_query"),
    );
    table.create(
        "B71",
        &body_with(&json!({ "_method": "DELETE" })),
        unknown("unknown_field"),
    );
}

#[test]
fn a_condition_without_an_entity_tag_is_refused() {
    let mut table = Table::new();
    let path = invitation("acme", &table.app.get(&invitations("acme")).json()[0]["id"]);
    for value in ["nonsense", "", "\"a", "a\"", "\"a\" \"b\""] {
        for (method, name) in [("DELETE", "If-Match"), ("GET", "If-None-Match")] {
            if (name, value) == ("If-None-Match", "") {
                continue;
            }
            let answer = table.app.request(method, &path).header(name, value).send();
            table.row(
                "B92",
                (name, value),
                &answer,
                Expected::Problem(400, "bad_request"),
            );
        }
    }
}

#[test]
fn a_location_names_the_public_url_whatever_the_request_says() {
    let table = Table::new();
    let rows = [
        ("Host", "evil.io"),
        ("X-Forwarded-Host", "evil.io"),
        ("Forwarded", "host=evil.io;proto=https"),
    ];
    for (index, (name, value)) in rows.into_iter().enumerate() {
        let body = body_with(&json!({ "email": format!("l{index}@b.co") }));
        let header = if name == "Host" {
            String::new()
        } else {
            format!("{name}: {value}\r\n")
        };
        let mut head = create_head(
            &table.app,
            &format!("{header}Content-Length: {}\r\n", body.len()),
        );
        if name == "Host" {
            head = head.replace(
                &format!("Host: {}", table.app.address),
                &format!("Host: {value}"),
            );
        }
        let answer = raw(table.app.address, (head + &body).as_bytes());
        assert_eq!(answer.status, 201, "{}", answer.text());
        let location = answer.header("location").unwrap_or_default();
        assert!(
            location.starts_with("http://invited.test/v1/"),
            "{name}: {value}: {location}"
        );
    }
}

#[test]
fn a_request_id_that_is_not_plain_is_replaced_by_one_of_our_own() {
    let table = Table::new();
    let long = "x".repeat(129);
    for id in [
        &*long, "", "a b", "a\"b", "<script>", "\u{fc}", "a\tb", "{{x}}", "a,b",
    ] {
        let answer = table
            .app
            .request("GET", "/nowhere")
            .header("X-Request-Id", id)
            .send();
        let given = answer.header("x-request-id").unwrap_or_default().to_owned();
        assert_eq!(
            uuid::Uuid::parse_str(&given).map(|id| id.get_version_num()),
            Ok(4),
            "{id:?}: {given}"
        );
        assert_eq!(answer.json()["requestId"], given, "{id:?}");
    }
    let longest = "x".repeat(128);
    for id in [&*longest, "trace-1", "a.b_c~d:e"] {
        let answer = table
            .app
            .request("GET", "/nowhere")
            .header("X-Request-Id", id)
            .send();
        assert_eq!(answer.header("x-request-id"), Some(id));
    }
}
