//! B33-B39, B43, B99: paths, and how long the address of a request may be.

use super::{Expected, GOOD, Table};
use crate::support::{TestApp, invitation, invitations};

/// A path segment with every byte percent-encoded, so that nothing on the way reads it.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The list of acme with a query.
pub fn list(query: &str) -> String {
    format!("{}?{query}", invitations("acme"))
}

/// The id of the one invitation of acme.
pub fn only_id(app: &TestApp) -> serde_json::Value {
    app.get(&invitations("acme")).json()[0]["id"].clone()
}

#[test]
fn an_id_that_cannot_be_one_is_404_as_a_missing_one_is_and_told_its_form() {
    let mut table = Table::new();
    let missing = "/v1/organizations/acme/invitations/019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f";
    let expected = table
        .get("B34", missing, Expected::Problem(404, "not_found"))
        .without_request_id();
    let event = table.app.db_rows("select lower(hex(id)) from event")[0][0]
        .replace(['"', '(', ')'], "")
        .replace("Some", "");
    let event = uuid::Uuid::parse_str(&event)
        .expect("an event's id")
        .to_string();
    let (digits, key) = ("7".repeat(5_000), table.app.key[4..20].to_owned());
    let ids = [
        ("B33", "0"),
        ("B33", "-1"),
        ("B33", "1e9"),
        ("B33", &digits),
        ("B33", "null"),
        ("B33", "undefined"),
        ("B34", &event),
        ("B34", &key),
        ("B34", "019a0c5e-7b1c-4cc3-98c4-dc0c0c07398f"),
        ("B34", "00000000-0000-0000-0000-000000000000"),
        ("B36", "%00"),
        ("B36", "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f%00"),
        ("B36", "%0d%0a"),
        ("B36", "%ff"),
        ("B36", "%"),
        ("B36", "%zz"),
    ];
    let malformed = table.app.get("/v1/organizations/acme/invitations/x");
    assert!(
        malformed
            .text()
            .contains("The id of the invitation in the path is malformed")
    );
    let malformed = malformed.without_request_id();
    for (row, id) in ids {
        for method in ["GET", "DELETE"] {
            let answer = table
                .app
                .request(method, &format!("{}/{id}", invitations("acme")))
                .send();
            table.row(
                row,
                (method, id),
                &answer,
                Expected::Problem(404, "not_found"),
            );
            // The one of an event has the form of any.
            let expected = if id == event { &expected } else { &malformed };
            assert_eq!(
                answer.without_request_id(),
                *expected,
                "{row} {method} {id}"
            );
        }
    }
}

#[test]
fn an_invitation_is_found_only_under_its_own_organization() {
    let mut table = Table::new();
    let id = only_id(&table.app);
    table.app.invite("globex", "g@b.co");
    table.get("B34", &invitations("acme"), Expected::Done(200));
    for organization in ["globex", "nobody", "ACME"] {
        for method in ["GET", "DELETE"] {
            let answer = table
                .app
                .request(method, &invitation(organization, &id))
                .send();
            table.row(
                "B34",
                (method, organization),
                &answer,
                Expected::Problem(404, "not_found"),
            );
        }
    }
}

#[test]
fn an_organization_that_cannot_be_one_is_not_found() {
    let mut table = Table::new();
    let long = "o".repeat(129);
    let organizations = [
        "%00",
        "%0d%0a",
        "%ff",
        "%20",
        ".",
        "-x",
        "_x",
        "~x",
        "a%20b",
        "a%2Fb",
        "acme%2F..%2Fglobex",
        "%2e%2e",
        "a%00",
        "a;b",
        "a,b",
        "a'b",
        "%C3%BC",
        "%27%3B%20DROP%20TABLE%20invitation%3B--",
        &long,
    ];
    for organization in organizations {
        let path = invitations(organization);
        table.get("B36", &path, Expected::Problem(404, "not_found"));
        let answer = table.app.post(&path, GOOD);
        table.row(
            "B36",
            organization,
            &answer,
            Expected::Problem(404, "not_found"),
        );
    }
    let longest = "o".repeat(128);
    table.get("B36", &invitations(&longest), Expected::Unchanged(200));
}

#[test]
fn only_the_one_spelling_of_a_path_is_found() {
    let mut table = Table::new();
    let id = only_id(&table.app);
    let id = id.as_str().expect("an id");
    let paths = [
        ("B38", "//v1/organizations/acme/invitations".to_owned()),
        ("B38", "/v1//organizations/acme/invitations".to_owned()),
        ("B38", "/v1/./organizations/acme/invitations".to_owned()),
        ("B38", "/v1/organizations/x/../acme/invitations".to_owned()),
        ("B38", "/v1/organizations//invitations".to_owned()),
        ("B38", "/v1/organizations/acme/invitations/".to_owned()),
        (
            "B38",
            "/v1/organizations/acme/invitations;jsessionid=1".to_owned(),
        ),
        ("B38", format!("/v1/organizations/acme/invitations/{id}/")),
        (
            "B38",
            format!("/v1/organizations/acme/invitations/{id};jsessionid=1"),
        ),
        ("B38", format!("/v1/organizations/acme/invitations/{id}/x")),
        ("B38", "/V1/organizations/acme/invitations".to_owned()),
        ("B38", "/v1".to_owned()),
        ("B38", "/".to_owned()),
        ("B99", "/../x".to_owned()),
        ("B99", "/..%5cx".to_owned()),
        ("B99", "/%2e%2e/x".to_owned()),
        ("B99", "/.env".to_owned()),
        ("B99", "/app.js%00.html".to_owned()),
        ("B99", "/problems/..%2f..%2fCargo.toml".to_owned()),
        ("B99", "/problems/%00".to_owned()),
    ];
    for (row, path) in paths {
        table.get(row, &path, Expected::Problem(404, "not_found"));
    }
}

#[test]
fn an_address_of_more_than_eight_kilobytes_is_refused() {
    let mut table = Table::new();
    let too_long = Expected::Problem(414, "uri_too_long");
    table.get(
        "B33",
        &format!("{}/{}", invitations("acme"), "7".repeat(10_000)),
        too_long,
    );
    table.get(
        "B39",
        &list(&format!("email={}", "a".repeat(9 * 1024))),
        too_long,
    );
    table.get(
        "B43",
        &list(&format!("limit=1&cursor={}", "c".repeat(50_000))),
        too_long,
    );
    // What is longer than 64 KiB, the parser does not take for an address.
    for length in [70 * 1024, 1024 * 1024] {
        let answer = table
            .app
            .get(&list(&format!("cursor={}", "c".repeat(length))));
        table.row("B39", length, &answer, Expected::Parser(&[400, 414, 431]));
    }
    let exact = list("email=");
    let exact = format!("{exact}{}", "a".repeat(8192 - exact.len()));
    table.get(
        "B39",
        &exact,
        Expected::About(422, "validation_failed", "email", "invalid_email"),
    );
    table.get("B39", &format!("{exact}a"), too_long);
}
