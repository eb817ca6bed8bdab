//! B32, B41-B45: queries.

use super::uri::{encoded, list, only_id};
use super::{Expected, GOOD, Table};
use crate::support::{Answer, invitation, invitations};

#[test]
fn a_value_of_the_query_that_is_not_acceptable_is_refused_by_its_name() {
    let mut table = Table::new();
    let limits = [
        "0",
        "-1",
        "1e9",
        "1001",
        "abc",
        "",
        "10.5",
        "9223372036854775808",
        "+1",
        "%201",
        "0x10",
        "%EF%BC%91",
    ];
    let many = vec!["pending"; 500].join(",");
    let statuses = [
        "PENDING",
        "%00",
        "",
        "pending,",
        ",",
        "pending%20",
        "open",
        "*",
        &many,
    ];
    let roles = [
        "%27%3B%20DROP%20TABLE%20invitation",
        "",
        "%25",
        "%20admin",
        "1",
    ];
    let emails = [
        "",
        "%25%40b.co",
        "a",
        "a%40b",
        "%C3%BC%40b.co",
        "a%40b.co%00",
    ];
    for limit in limits {
        let expected = Expected::About(422, "validation_failed", "limit", "out_of_range");
        table.get("B41", &list(&format!("limit={limit}")), expected);
    }
    for status in statuses {
        let expected = Expected::About(422, "validation_failed", "status", "unknown_value");
        table.get("B45", &list(&format!("status={status}")), expected);
    }
    for role in roles {
        let expected = Expected::About(422, "validation_failed", "role", "invalid_format");
        table.get("B32", &list(&format!("role={role}")), expected);
    }
    for email in emails {
        table.get(
            "B32",
            &list(&format!("email={email}")),
            Expected::Problem(422, "validation_failed"),
        );
    }
    for order in ["up", "", "ASC", "asc,desc", "email;drop"] {
        let expected = Expected::About(422, "validation_failed", "order", "unknown_value");
        table.get("B44", &list(&format!("order={order}")), expected);
    }
    table.get("B41", &list("limit=1000"), Expected::Unchanged(200));
    table.get("B41", &list("limit=1"), Expected::Unchanged(200));
}

#[test]
fn a_key_of_the_query_that_is_unknown_or_there_twice_is_refused() {
    let mut table = Table::new();
    let one = invitation("acme", &only_id(&table.app));
    let unknown = |key| Expected::About(400, "invalid_query", key, "unknown_field");
    let keys = [
        ("sort=email;drop", "sort"),
        ("sort=email", "sort"),
        ("Limit=1", "Limit"),
        ("limit[]=1", "limit[]"),
        ("page=2", "page"),
        ("offset=1", "offset"),
        ("x", "x"),
        ("=1", ""),
        ("%00=1", "\u{0}"),
    ];
    for (query, key) in keys {
        table.get("B44", &list(query), unknown(key));
        table.get("B44", &format!("{one}?{query}"), unknown(key));
    }
    for query in [
        "limit=1&limit=2",
        "limit=1&limit=1",
        "limit=1&%6cimit=2",
        "status=pending&status=expired",
    ] {
        table.get("B44", &list(query), Expected::Problem(400, "invalid_query"));
    }
    for method in ["DELETE", "POST"] {
        let path = if method == "POST" {
            invitations("acme")
        } else {
            one.clone()
        };
        let answer = table
            .app
            .request(method, &format!("{path}?limit=1"))
            .json(GOOD)
            .send();
        table.row("B44", method, &answer, unknown("limit"));
    }
}

#[test]
fn a_filter_is_taken_literally() {
    let mut table = Table::new();
    for query in [
        "email=_%40b.co",
        "email=%27or%271%27%3D%271%40b.co",
        "email=*%40b.co",
        "role=d_veloper",
        "role=Developer",
    ] {
        let answer = table.get("B32", &list(query), Expected::Unchanged(200));
        assert_eq!(answer.text(), "[]", "{query}");
    }
    let answer = table.get("B32", &list("email=A%40B.co"), Expected::Unchanged(200));
    assert_eq!(answer.json().as_array().map(Vec::len), Some(1));
}

#[test]
fn a_cursor_works_only_for_the_list_that_it_comes_from() {
    let mut table = Table::new();
    table.app.invite("acme", "second@b.co");
    table.app.invite("globex", "g@b.co");
    table.app.invite("globex", "h@b.co");
    let invalid = Expected::Problem(400, "invalid_cursor");
    let page = table.get("B43", &list("limit=1"), Expected::Done(200));
    let cursor = cursor_of(&page);
    let random = [
        "",
        "x",
        "c1",
        "c2",
        "%00",
        "%FF",
        "0",
        "null",
        "eyJpZCI6MX0=",
        "c1019a0c5e7b1c7cc398c4dc0c0c07398f",
    ];
    for cursor in random {
        table.get("B43", &list(&format!("limit=1&cursor={cursor}")), invalid);
    }
    for position in 0..cursor.len() {
        let mut flipped = cursor.clone().into_bytes();
        flipped[position] ^= 1;
        let flipped = encoded(&String::from_utf8(flipped).expect("ASCII"));
        table.get("B43", &list(&format!("limit=1&cursor={flipped}")), invalid);
    }
    table.get(
        "B43",
        &list(&format!("limit=1&cursor={}", cursor.to_uppercase())),
        invalid,
    );
    table.get("B43", &list(&format!("limit=1&cursor={cursor}0")), invalid);
    for other in [
        "status=pending",
        "email=a%40b.co",
        "role=developer",
        "order=asc",
    ] {
        table.get(
            "B43",
            &list(&format!("limit=1&{other}&cursor={cursor}")),
            invalid,
        );
    }
    let foreign = format!("{}?limit=1&cursor={cursor}", invitations("globex"));
    table.get("B43", &foreign, invalid);
    let next = table.get(
        "B43",
        &list(&format!("limit=1&cursor={cursor}")),
        Expected::Unchanged(200),
    );
    assert_eq!(
        next.json()[0]["email"],
        "a@b.co",
        "the cursor itself is good"
    );
}

/// The cursor in the `Link` of a page.
fn cursor_of(page: &Answer) -> String {
    let link = page.header("link").expect("a next page");
    let (_, rest) = link.split_once("cursor=").expect("a cursor");
    rest.split(['>', '&']).next().unwrap_or_default().to_owned()
}
