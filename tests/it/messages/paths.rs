//! Paths that are not there, and things that are not: told apart, as far as that gives nothing away.

use invited::base::mode::Mode;
use invited::key::Scope;

use super::Record;
use crate::support::{TestApp, invitations};

/// What a path that no route has is told first.
const NO_PATH: &str = "No such path; the API starts at /v1, see /openapi.json.";
/// An id that nothing has.
const MISSING: &str = "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398e";
/// The list of invitations.
const LIST: &str = "Did you mean /v1/organizations/{organizationId}/invitations?";

#[test]
fn a_path_that_is_not_there_is_told_from_a_thing_that_is_not() {
    let mut record = Record::of(TestApp::serve());
    let upper = format!(
        "/v1/organizations/acme/invitations/{}",
        MISSING.to_uppercase()
    );
    for (path, says) in [
        ("/foo/bar", NO_PATH),
        ("/v1", NO_PATH),
        ("/", NO_PATH),
        ("/clickhouse/v1/foo", NO_PATH),
        ("/v1/organization/acme/invitations", LIST),
        ("/organizations/acme/invitations", LIST),
        ("/v2/organizations/acme/invitations", LIST),
        ("/api/v1/organizations/acme/invitations", LIST),
        ("/v1/organizations/acme/invitations/", LIST),
        ("/v1/Organizations/acme/Invitations", LIST),
        (
            "/v1/organizations/acme/invitations/x/resnd",
            "{invitationId}/resend?",
        ),
        ("/dev/reset", "Only `invited dev` has what is below /dev."),
        ("/dev/mailbox", "Only `invited dev` has what is below /dev."),
        (
            "/v1/organizations/-x/invitations",
            "The id of the organization in the path is malformed",
        ),
        (
            "/v1/organizations/acme/invitations/123",
            "The id of the invitation in the path is malformed",
        ),
        (&upper, "it must be a UUID of version 7 in lowercase"),
        ("/v1/keys/12", "the 16 lowercase hex digits behind ivk_"),
        (
            "/v1/organizations/nobody",
            "There is no such organization, or this key may not see it.",
        ),
        (
            &format!("/v1/organizations/acme/invitations/{MISSING}"),
            "There is no such invitation, or this key may not see it.",
        ),
        (
            &format!("/v1/webhooks/{MISSING}"),
            "There is no such webhook, or this key may not see it.",
        ),
        (
            "/v1/keys/0123456789abcdef",
            "There is no such key, or this key may not see it.",
        ),
    ] {
        if path.starts_with("/clickhouse") {
            let answer = record.app.get(path).json();
            assert_eq!(answer["error"], format!("NOT_FOUND: {says}"));
            continue;
        }
        let request = record.app.request("GET", path);
        record.says(request, 404, "not_found", says);
    }
}

#[test]
fn what_the_path_of_a_request_holds_is_not_repeated() {
    let app = TestApp::serve();
    for path in [
        "/v1/organization/s3cret/invitations",
        "/v1/organizations/a%20s3cret",
    ] {
        let text = app.get(path).text();
        assert!(
            text.contains("not_found") && !text.contains("s3cret"),
            "{text}"
        );
    }
}

#[test]
fn development_needs_no_key_and_speaks_of_none() {
    let mut record = Record::of(TestApp::start(Mode::Dev, &[]));
    for (path, says) in [
        ("/v1/organizations/nobody", "There is no such organization."),
        (&format!("/dev/mailbox/{MISSING}"), "There is no such mail."),
        ("/dev/mailbx", "Did you mean /dev/mailbox?"),
    ] {
        let request = record.app.request("GET", path);
        let answer = record.says(request, 404, "not_found", says);
        assert!(!answer.text().contains("key"), "{}", answer.text());
    }
}

#[test]
fn what_is_foreign_and_what_is_missing_get_the_same_bytes_whatever_the_form_of_the_path() {
    let app = TestApp::serve();
    let foreign = app.invite("foreign", "a@b.co");
    app.invite("own", "a@b.co");
    let key = app.key(&[Scope::Read, Scope::Write, Scope::Link], &["own"], None);
    let id = foreign["id"].as_str().expect("an id");
    let get = |path: String| {
        let answer = app.anonymous("GET", &path).bearer(&key).send();
        assert_eq!(answer.status, 404, "{path}");
        answer.without_request_id()
    };
    // Of each: what is there and foreign, what is not there and would be foreign, and what is not
    // there and would be its own.
    for end in ["", "x", "/", "?limit=1"] {
        let of =
            |organization: &str, id: &str| get(format!("{}/{id}{end}", invitations(organization)));
        let there = of("foreign", id);
        assert_eq!(there, of("foreign", MISSING), "{end}");
        assert_eq!(there, of("nobody", id), "{end}");
        if end != "?limit=1" {
            assert_eq!(there, of("own", MISSING), "{end}");
        }
    }
    let lists = ["foreign", "nobody"].map(|organization| get(invitations(organization)));
    assert_eq!(lists[0], lists[1]);
}

#[test]
fn a_method_that_a_path_has_not_is_told_those_that_it_has() {
    let mut record = Record::of(TestApp::serve());
    let request = record.app.request("PUT", &invitations("acme"));
    let says = "This path answers GET, POST, HEAD, OPTIONS.";
    record.says(request, 405, "method_not_allowed", says);
}
