//! Queries: keys that are unknown or there twice, and values.

use super::Record;
use crate::support::{TestApp, invitations};

#[test]
fn a_key_of_the_query_that_is_wrong_is_named_with_what_would_be_right() {
    let mut record = Record::of(TestApp::serve());
    let made = record.app.invite("acme", "a@b.co");
    let one = format!(
        "{}/{}",
        invitations("acme"),
        made["id"].as_str().expect("an id")
    );
    let list = |query: &str| format!("{}?{query}", invitations("acme"));
    for (path, says) in [
        (
            list("foo=1"),
            "unknown key: foo (there are status, delivery, email, role, q, ",
        ),
        (
            list("per_page=5"),
            "unknown key: per_page (there are status, ",
        ),
        (
            list("Status=open"),
            "unknown key: Status (did you mean status?)",
        ),
        (
            list("created_after=x"),
            "created_after (did you mean createdAfter?)",
        ),
        (
            list("limit=1&limit=2"),
            "The query has the key limit twice.",
        ),
        (
            list("status=pending&status=expired"),
            "twice. Where it takes several values, they stand in one by comma.",
        ),
        (
            format!("{one}?x=1"),
            "unknown key: x (this operation takes none)",
        ),
    ] {
        let request = record.app.request("GET", &path);
        record.says(request, 400, "invalid_query", says);
    }
}

#[test]
fn a_value_of_the_query_that_is_wrong_is_told_what_would_be_right() {
    let mut record = Record::of(TestApp::serve());
    let list = |query: &str| format!("{}?{query}", invitations("acme"));
    let space = "email: it has a space in it; write the + of an address as %2B";
    for (path, says) in [
        (
            list("status=open"),
            "status: a comma list of at most five of pending, accepted,",
        ),
        (list("limit=0"), "limit: a whole number from 1 to 1000"),
        (list("limit=5000"), "limit: a whole number from 1 to 1000"),
        (list("limit=0&order=up"), "2 values are not acceptable: "),
        (list("email=plus+1@b.co"), space),
        ("/v1/invitations?email=plus+1@b.co".to_owned(), space),
        ("/v1/invitations?email=+plus@b.co".to_owned(), space),
        (
            list("createdAfter=1969-12-31T23:59:59Z"),
            "createdAfter: an RFC 3339 time from 1970 to 9999, as 2026-",
        ),
        (
            list("createdAfter=yesterday"),
            "createdAfter: an RFC 3339 time from 1970 to 9999, as 2026-11-30T02:43:00Z.",
        ),
        (
            list("createdAfter=2026-11-30T02:43:00+01:00"),
            "write the + of an offset as %2B",
        ),
        (list("q=plus+1"), "write + as %2B"),
        (
            list("role=admin,viewer"),
            "role: one role, as developer: a letter, then letters, digits, _ . : -, 64 at most.",
        ),
        (list("role="), "role: one role, as developer: "),
        (list("role=Team%20Lead"), "role: one role, as developer: "),
        (
            "/v1/invitations".to_owned(),
            "email is required: whose invitations are meant, as ?email=",
        ),
    ] {
        let request = record.app.request("GET", &path);
        record.says(request, 422, "validation_failed", says);
    }
    let request = record.app.request("GET", &list("cursor=junk"));
    let says = "This cursor does not belong to this list with these filters; begin without one";
    record.says(request, 400, "invalid_cursor", says);
}
