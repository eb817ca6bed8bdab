//! B13, B27-B32, B53, B87, B90: the fields of a create besides the address and the lifetime.

use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::{Expected, Table, body_with};
use crate::support::TestApp;

/// Names that no create takes: other operations' fields, other spellings, and what attackers try
/// (S12).
const FOREIGN: [&str; 40] = [
    "id",
    "status",
    "state",
    "organizationId",
    "organization_id",
    "org_id",
    "createdAt",
    "created_at",
    "updatedAt",
    "acceptedAt",
    "accepted_at",
    "acceptedBy",
    "declinedAt",
    "revokedAt",
    "sendCount",
    "lastSentAt",
    "delivery",
    "token",
    "tokenHash",
    "token_hash",
    "secret",
    "code",
    "subject",
    "link",
    "roles",
    "roleId",
    "assignedRoleIds",
    "Role",
    "Email",
    "EMAIL",
    "expires_in",
    "expires_at",
    "expireAt",
    "inviterId",
    "invitedBy",
    "scopes",
    "isAdmin",
    "api_key",
    "__proto__",
    "constructor",
];

/// 422 about one field.
pub fn refused<'a>(pointer: &'a str, code: &'static str) -> Expected<'a> {
    Expected::About(422, "validation_failed", pointer, code)
}

/// 400 about one field of the wrong type.
pub fn wrong_type(pointer: &str) -> Expected<'_> {
    Expected::About(400, "invalid_json", pointer, "wrong_type")
}

#[test]
fn a_name_is_text_whatever_it_looks_like() {
    let mut table = Table::new();
    let rows = [
        ("B27", "<script>alert(1)</script>"),
        ("B27", "<img src=x onerror=alert(1)>"),
        ("B27", "{{7*7}}"),
        ("B27", "${x}"),
        ("B30", "=HYPERLINK(\"https://evil.io\")"),
        ("B30", "+1"),
        ("B30", "@x"),
        ("B31", "Free money: https://evil.io"),
        ("B32", "'; DROP TABLE invitation; --"),
        ("B29", "n\u{303}o"),
    ];
    for (index, (id, name)) in rows.into_iter().enumerate() {
        let fields =
            json!({ "email": format!("p{index}@b.co"), "inviter": { "id": name, "name": name } });
        let answer = table.create(id, &body_with(&fields), Expected::Done(201));
        assert_eq!(
            answer.json()["inviter"],
            json!({ "id": name, "name": name }),
            "{id}"
        );
        assert_eq!(
            answer.header("content-type"),
            Some("application/json"),
            "{id}"
        );
    }
}

#[test]
fn a_name_that_cannot_be_shown_is_refused() {
    let mut table = Table::new();
    let rows: [(&str, String, &str); 14] = [
        ("B28", "a\rb".to_owned(), "forbidden_character"),
        ("B28", "a\nb".to_owned(), "forbidden_character"),
        ("B28", "a\u{0}b".to_owned(), "forbidden_character"),
        ("B28", "a\u{1b}[31mb".to_owned(), "forbidden_character"),
        ("B28", "a\u{7f}b".to_owned(), "forbidden_character"),
        ("B28", "a\u{202e}b".to_owned(), "forbidden_character"),
        ("B28", "a\u{200b}b".to_owned(), "forbidden_character"),
        ("B28", "a\u{2028}b".to_owned(), "forbidden_character"),
        ("B29", "n".repeat(10_000), "too_long"),
        ("B29", "n".repeat(101), "too_long"),
        ("B29", "\u{301}".repeat(200), "too_long"),
        ("B29", "\u{301}".repeat(50), "invalid_format"),
        ("B29", "   ".to_owned(), "invalid_format"),
        ("B29", String::new(), "invalid_format"),
    ];
    for (id, name, code) in rows {
        for field in ["id", "name"] {
            let body = body_with(&json!({ "inviter": { field: name } }));
            table.create(id, &body, refused(&format!("/inviter/{field}"), code));
        }
    }
    for inviter in [json!("Ada"), json!(["id", "Ada"]), json!(1)] {
        table.create(
            "B13",
            &body_with(&json!({ "inviter": inviter })),
            wrong_type("/inviter"),
        );
    }
    table.create(
        "B13",
        &body_with(&json!({ "inviter": { "name": ["Ada"] } })),
        wrong_type("/inviter/name"),
    );
}

#[test]
fn a_field_that_no_create_takes_is_refused_by_its_name() {
    let mut table = Table::new();
    for name in FOREIGN {
        let expected = format!("/{name}");
        let expected = Expected::About(400, "unknown_field", &expected, "unknown_field");
        table.create("B53", &body_with(&json!({ name: "x" })), expected);
    }
    let nested = body_with(&json!({ "inviter": { "name": "Ada", "phone": "1" } }));
    let about = |pointer| Expected::About(400, "unknown_field", pointer, "unknown_field");
    table.create("B53", &nested, about("/inviter/phone"));
    // JSON pointers (RFC 6901) escape only `~` and `/`.
    table.create("B53", &body_with(&json!({ "a/b~c": 1 })), about("/a~1b~0c"));
    table.create("B53", &body_with(&json!({ "a.b": 1 })), about("/a.b"));
    table.create("B53", &body_with(&json!({ "": 1 })), about("/"));
}

#[test]
fn a_role_outside_of_its_form_or_its_catalogue_is_refused() {
    let mut table = Table::new();
    let long = "r".repeat(65);
    for role in [
        "",
        " admin",
        "admin ",
        "1st",
        "_x",
        "a b",
        "r\u{f4}le",
        "admin\n",
        "a/b",
        "*",
        &long,
    ] {
        table.create(
            "B90",
            &body_with(&json!({ "role": role })),
            refused("/role", "invalid_format"),
        );
    }
    for role in [json!(["admin"]), json!({}), json!(7), json!(true)] {
        table.create(
            "B90",
            &body_with(&json!({ "role": role })),
            wrong_type("/role"),
        );
    }
    table.create(
        "B90",
        r#"{"email":"new@b.co"}"#,
        refused("/role", "required"),
    );
    table.create(
        "B90",
        r#"{"email":"new@b.co","role":null}"#,
        refused("/role", "required"),
    );
    table.create(
        "B90",
        &body_with(&json!({ "role": "r".repeat(64) })),
        Expected::Done(201),
    );
    drop(table);
    let mut table = Table::of(TestApp::start(Mode::Serve, &["--roles", "developer,owner"]));
    for role in ["admin", "OWNER", "Developer", "developer,owner"] {
        let code = if role.contains(',') {
            "invalid_format"
        } else {
            "unknown_value"
        };
        table.create(
            "B90",
            &body_with(&json!({ "role": role })),
            refused("/role", code),
        );
    }
}

#[test]
fn metadata_redirect_and_conflict_rule_are_checked_too() {
    let mut table = Table::new();
    let rows = [
        (
            json!({ "metadata": { "note": "x".repeat(4096) } }),
            "/metadata",
            "too_long",
        ),
        (
            json!({ "redirectUrl": "https://evil.io/" }),
            "/redirectUrl",
            "not_allowed",
        ),
        (
            json!({ "redirectUrl": "http://invited.test.evil.io/" }),
            "/redirectUrl",
            "not_allowed",
        ),
        (
            json!({ "redirectUrl": "http://invited.test:81/" }),
            "/redirectUrl",
            "not_allowed",
        ),
        (
            json!({ "redirectUrl": "http://invited.test@evil.io/" }),
            "/redirectUrl",
            "invalid_format",
        ),
        (
            json!({ "redirectUrl": "http://evil.io\\@invited.test/" }),
            "/redirectUrl",
            "not_allowed",
        ),
        (
            json!({ "redirectUrl": "javascript:alert(1)" }),
            "/redirectUrl",
            "invalid_format",
        ),
        (
            json!({ "redirectUrl": "data:text/html,x" }),
            "/redirectUrl",
            "invalid_format",
        ),
        (
            json!({ "redirectUrl": "//invited.test/" }),
            "/redirectUrl",
            "invalid_format",
        ),
        (
            json!({ "redirectUrl": "/welcome" }),
            "/redirectUrl",
            "invalid_format",
        ),
        (
            json!({ "redirectUrl": "" }),
            "/redirectUrl",
            "invalid_format",
        ),
        (
            json!({ "redirectUrl": format!("http://invited.test/{}", "x".repeat(2048)) }),
            "/redirectUrl",
            "too_long",
        ),
        // Each of these letters is six bytes of the URL that is stored.
        (
            json!({ "redirectUrl": format!("http://invited.test/{}", "\u{e4}".repeat(400)) }),
            "/redirectUrl",
            "too_long",
        ),
        (
            json!({ "onConflict": "ignore" }),
            "/onConflict",
            "unknown_value",
        ),
        (
            json!({ "onConflict": "REPLACE" }),
            "/onConflict",
            "unknown_value",
        ),
        (json!({ "onConflict": "" }), "/onConflict", "unknown_value"),
    ];
    for (fields, pointer, code) in rows {
        table.create("B53", &body_with(&fields), refused(pointer, code));
    }
    let types: [(&str, Value); 6] = [
        ("metadata", json!([1])),
        ("metadata", json!("{}")),
        ("notify", json!("false")),
        ("notify", json!(0)),
        ("onConflict", json!(["replace"])),
        ("redirectUrl", json!({ "url": "http://invited.test/" })),
    ];
    for (name, value) in types {
        table.create(
            "B13",
            &body_with(&json!({ name: value })),
            wrong_type(&format!("/{name}")),
        );
    }
}

#[test]
fn an_address_that_is_invited_or_has_joined_is_a_conflict() {
    let mut table = Table::new();
    let again = body_with(&json!({ "email": "a@b.co" }));
    table.create("B87", &again, Expected::Problem(409, "already_invited"));
    // No operation accepts an invitation yet.
    let conn = rusqlite::Connection::open(&table.app.database).expect("the file opens");
    conn.execute(
        "update invitation set state = 1, closed_at = created_at",
        [],
    )
    .expect("the row changes");
    drop(conn);
    table.get(
        "B87",
        "/v1/organizations/acme/invitations?status=accepted",
        Expected::Done(200),
    );
    for rule in ["error", "replace", "resend"] {
        let body = body_with(&json!({ "email": "a@b.co", "onConflict": rule }));
        table.create("B87", &body, Expected::Problem(409, "already_accepted"));
    }
}
