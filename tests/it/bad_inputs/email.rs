//! B1-B26: addresses.

use std::time::Duration;

use invited::base::mode::Mode;
use serde_json::json;

use super::{Expected, Table, body_with, create_head, exchange_within};
use crate::support::{TestApp, invitations};

/// 422 about the address.
fn refused(code: &'static str) -> Expected<'static> {
    Expected::About(422, "validation_failed", "/email", code)
}

/// The body of a create for `email`.
fn body(email: &str) -> String {
    body_with(&json!({ "email": email }))
}

/// Checks that every address is refused with `code`.
fn refuse(table: &mut Table, code: &'static str, rows: &[(&str, &str)]) {
    for (id, email) in rows {
        table.create(id, &body(email), refused(code));
    }
}

#[test]
fn what_is_no_address_is_refused() {
    let mut table = Table::new();
    let rows = [
        ("B1", ""),
        ("B1", " "),
        ("B2", "a"),
        ("B2", "a@"),
        ("B2", "@b.co"),
        ("B2", "a@@b.co"),
        ("B2", "a@b@c.co"),
        ("B7", "\"x@evil.io y\"@b.co"),
        ("B8", "a@[127.0.0.1]"),
        ("B8", "a@[IPv6:::1]"),
        ("B8", "a@127.0.0.1"),
        ("B9", "a@localhost"),
        ("B9", "a@b"),
        ("B10", "a(comment)@b.co"),
        ("B10", "=?utf-8?q?a=40evil.io?=@b.co"),
        ("B11", "@relay:a@b.co"),
        ("B11", "relay!a@b.co"),
        ("B11", "a%evil.io@b.co"),
        ("B12", "a@b.co,c@d.co"),
        ("B12", "a@b.co;c@d.co"),
        ("B12", "Name <a@b.co>"),
        ("B14", ".a@b.co"),
        ("B14", "a.@b.co"),
        ("B14", "a..b@b.co"),
        ("B15", "a@-b.co"),
        ("B15", "a@b-.co"),
        ("B15", "a@b..co"),
        ("B15", "a@b.co."),
        ("B15", "a@b_c.co"),
        ("B15", "a@.b.co"),
        ("B26", "a@b.co -X/file"),
    ];
    refuse(&mut table, "invalid_email", &rows);
}

#[test]
fn characters_that_nobody_sees_are_refused_wherever_they_are() {
    let mut table = Table::new();
    let rows = [
        ("B5", "a@b.co\r\nBcc: x@y.z"),
        ("B6", "a@b.co\n"),
        ("B6", "\ta@b.co"),
        ("B6", "a@b.co\t"),
        ("B6", "\u{a0}a@b.co\u{85}"),
        ("B22", "a\u{200b}x@b.co"),
        ("B22", "a\u{ad}x@b.co"),
        ("B22", "a\u{202e}x@b.co"),
        ("B22", "\u{feff}a@b.co"),
        ("B22", "a@b\u{200b}.co"),
        ("B22", "a@b\u{ad}.co"),
        ("B22", "a@b.co\u{202e}"),
        ("B22", "a@b.co\u{feff}"),
        ("B23", "a\u{0}@b.co"),
        ("B23", "a@b.co\u{0}"),
    ];
    refuse(&mut table, "forbidden_character", &rows);
}

#[test]
fn characters_beyond_ascii_are_refused_before_the_at_sign_and_never_equal_ascii_behind_it() {
    let mut table = Table::new();
    let local = [
        ("B18", "\u{ff41}@b.co"),
        ("B18", "\u{212a}@b.co"),
        ("B18", "\u{131}@b.co"),
        ("B18", "\u{17f}@b.co"),
        ("B19", "\u{fc}@b.co"),
        ("B19", "u\u{308}@b.co"),
        ("B25", "\u{430}@b.co"),
    ];
    refuse(&mut table, "non_ascii_local_part", &local);
    let folded = [
        ("B18", "a@\u{ff42}.co"),
        ("B18", "a@\u{212a}.co"),
        ("B18", "a@\u{17f}.co"),
        ("B18", "a@b\u{3002}co"),
        ("B18", "a@\u{24b7}.co"),
    ];
    refuse(&mut table, "invalid_email", &folded);
    for (id, email, shown) in [
        ("B18", "a@\u{131}.co", "a@xn--cfa.co"),
        ("B25", "a@\u{430}pple.com", "a@xn--pple-43d.com"),
        ("B20", "a@b\u{fc}cher.de", "a@xn--bcher-kva.de"),
    ] {
        let answer = table.create(id, &body(email), Expected::Done(201));
        assert_eq!(answer.json()["email"], shown, "{id}");
    }
    table.create(
        "B20",
        &body("a@xn--bcher-kva.de"),
        Expected::Problem(409, "already_invited"),
    );
    table.create(
        "B20",
        &body("A@BU\u{308}CHER.de"),
        Expected::Problem(409, "already_invited"),
    );
}

#[test]
fn lengths_are_accepted_up_to_their_limit_and_not_past_it() {
    let mut table = Table::new();
    let local = |length: usize| format!("{}@b.co", "l".repeat(length));
    let label = |length: usize| format!("a@{}.co", "d".repeat(length));
    let whole = |length: usize| {
        let domain = format!("@{0}.{0}.{0}.co", "w".repeat(62));
        format!("{}{domain}", "a".repeat(length - domain.len()))
    };
    assert_eq!(whole(255).find('@'), Some(63), "only the whole is too long");
    for email in [local(64), label(63), whole(254)] {
        let answer = table.create("B3", &body(&email), Expected::Done(201));
        assert_eq!(answer.json()["email"], email, "B3");
    }
    table.create("B3", &body(&local(65)), refused("too_long"));
    table.create("B3", &body(&whole(255)), refused("too_long"));
    table.create("B3", &body(&label(64)), refused("invalid_email"));
}

#[test]
fn an_enormous_address_is_refused_quickly() {
    let mut table = Table::new();
    let rows = [
        (60_000, refused("too_long")),
        (1_000_000, Expected::Problem(413, "body_too_large")),
    ];
    // Ten times what a release build is allowed.
    let limit = Duration::from_millis(50);
    for (length, expected) in rows {
        let body = body(&format!("{}@b.co", "a".repeat(length)));
        let head = create_head(&table.app, &format!("Content-Length: {}\r\n", body.len()));
        let seen = exchange_within(&table.app, (head + &body).as_bytes(), limit);
        table.row("B4", format!("{length} bytes"), &seen.answer, expected);
        assert!(
            seen.answered < limit,
            "B4: {length} bytes took {:?}",
            seen.answered
        );
    }
}

#[test]
fn an_address_is_required_and_a_text() {
    let mut table = Table::new();
    table.create("B1", r#"{"role":"developer"}"#, refused("required"));
    table.create(
        "B1",
        r#"{"email":null,"role":"developer"}"#,
        refused("required"),
    );
    for value in [
        json!(["a@b.co", "x@evil.io"]),
        json!({ "email": "a@b.co" }),
        json!(1),
        json!(true),
        json!([]),
    ] {
        let expected = Expected::About(400, "invalid_json", "/email", "wrong_type");
        table.create("B13", &body_with(&json!({ "email": value })), expected);
    }
}

#[test]
fn spellings_of_one_address_are_one_person_and_tags_are_another() {
    let mut table = Table::new();
    let standing = table.app.get(&invitations("acme")).json()[0]["id"].clone();
    for (id, email) in [("B16", "A@B.CO"), ("B6", "  a@b.co "), ("B16", "a@B.co")] {
        let answer = table.create(id, &body(email), Expected::Problem(409, "already_invited"));
        assert_eq!(answer.json()["invitationId"], standing, "{id}");
    }
    for (id, email, shown) in [
        ("B17", "a+tag@b.co", "a+tag@b.co"),
        ("B26", "-oQ@b.co", "-oq@b.co"),
        ("B32", "o'brien_{x}@b.co", "o'brien_{x}@b.co"),
    ] {
        let answer = table.create(id, &body(email), Expected::Done(201));
        assert_eq!(answer.json()["email"], shown, "{id}");
    }
}

#[test]
fn a_domain_without_a_dot_is_accepted_in_development() {
    let mut table = Table::of(TestApp::start(Mode::Dev, &[]));
    table.create("B9", &body("a@localhost"), Expected::Done(201));
    table.create("B9", &body("a@b"), Expected::Done(201));
    table.create("B9", &body("a@[127.0.0.1]"), refused("invalid_email"));
}
