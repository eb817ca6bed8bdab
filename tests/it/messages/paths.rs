//! Paths that are not there, and things that are not: told apart, as far as that gives nothing away.

use actix_web::http::Method;
use invited::api::Offer;
use invited::base::mode::Mode;
use invited::key::Scope;

use super::Record;
use crate::support::{TestApp, invitations};

/// What a path that no route has is told first.
const NO_PATH: &str = "No such path; the API starts at /v1, see /openapi.json.";
/// What such a path is told below that of the dialect.
const NO_PATH_OF_DIALECT: &str = "No such path; the ClickHouse Cloud dialect starts at \
    /clickhouse/v1, see /openapi/dialect.json.";
/// What the parts of paths that have a name are, and a value that nothing has.
const NAMES: &[(&str, &str, &str)] = &[
    ("organizationId", "organization", "nobody"),
    ("invitationId", "invitation", MISSING),
    ("webhookId", "webhook", MISSING),
    ("deliveryId", "delivery", MISSING),
    ("messageId", "mail", MISSING),
    ("keyId", "key", "0123456789abcdef"),
    ("userId", "member", "nobody"),
    ("roleId", "role", "nobody"),
];
/// The parts that name no thing of somebody's: a page, a document, a file.
const NO_THINGS: &[&str] = &["code", "part"];
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
        ("/clickhouse/v1/foo", NO_PATH_OF_DIALECT),
        ("/clickhouse/v1/keys", NO_PATH_OF_DIALECT),
        (
            "/clickhouse/organizations/acme/members",
            "Did you mean /clickhouse/v1/organizations/{organizationId}/members?",
        ),
        (
            "/clickhouse/v1/organizations//members",
            "The id of the organization is empty in \
             /clickhouse/v1/organizations/{organizationId}/members.",
        ),
        (
            "/clickhouse/v1/organizations//invitations/123",
            "The id of the organization is empty in /clickhouse/v1/organizations/{organizationId}/i",
        ),
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
        (
            &format!("/v1/organizations/acme/invitations/{MISSING}/decline"),
            "Did you mean /v1/invitations/decline?",
        ),
        (
            "/v1/organizations//invitations",
            "The id of the organization is empty in /v1/organizations/{organizationId}/inv",
        ),
        (
            "/v1/organizations/acme/invitations//resend",
            "The id of the invitation is empty in /v1/organizations/",
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
            let error = answer["error"].as_str().unwrap_or_default();
            let is_whole = says == NO_PATH_OF_DIALECT;
            assert!(
                error.starts_with(&format!("NOT_FOUND: {NO_PATH_OF_DIALECT}"))
                    && (error.ends_with(says) || !is_whole && error.contains(says)),
                "{path}: {error}"
            );
            continue;
        }
        let request = record.app.request("GET", path);
        record.says(request, 404, "not_found", says);
    }
}

#[test]
fn an_id_of_the_dialect_that_is_malformed_is_told_its_form() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    for (path, says) in [
        (
            "-x",
            "The id of the organization in the path is malformed: it must be 1 to 128",
        ),
        (
            "-x/members",
            "The id of the organization in the path is malformed: it must be 1 to 128",
        ),
        (
            "acme/invitations/123",
            "The id of the invitation in the path is malformed: it must be a",
        ),
        (
            "acme/members/123",
            "There is no such member, or this key may not see it.",
        ),
        (
            "acme/roles/123",
            "There is no such role, or this key may not see it.",
        ),
    ] {
        let answer = app.get(&format!("/clickhouse/v1/organizations/{path}"));
        let error = answer.json()["error"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            error.starts_with(&format!("NOT_FOUND: {says}")),
            "{path}: {error}"
        );
    }
}

#[test]
fn a_path_that_does_something_else_is_not_proposed() {
    let app = TestApp::start(Mode::Dev, &[]);
    for path in [
        "/v1/invitations/verify",
        "/v1/organizations/acme/invitations/x/cancel",
        "/dev/events",
    ] {
        let answer = app.get(path);
        assert_eq!(answer.json()["detail"], NO_PATH, "{path}");
    }
}

#[test]
fn every_part_of_a_path_that_names_a_thing_is_called_by_what_it_names() {
    let app = TestApp::start(Mode::Dev, &[]);
    let routes = invited::api::routes(Offer::all(Mode::Dev));
    let names_of = |path: &str| -> Vec<String> {
        let names = path.split('{').skip(1);
        let names = names.filter_map(|rest| rest.split_once('}'));
        names.map(|(name, _)| name.to_owned()).collect()
    };
    let mut used: Vec<_> = routes
        .iter()
        .flat_map(|route| names_of(&route.path))
        .collect();
    used.sort();
    used.dedup();
    let named = NAMES.iter().map(|(name, ..)| *name);
    let mut known: Vec<_> = named.chain(NO_THINGS.iter().copied()).collect();
    known.sort_unstable();
    assert_eq!(used, known);
    for (name, what, _) in NAMES {
        let end = format!("{{{name}}}");
        let is_one = |method: &Method| [Method::GET, Method::DELETE].contains(method);
        let mut asked = 0;
        for route in routes.iter().filter(|route| route.path.ends_with(&end)) {
            for method in route.methods.iter().filter(|method| is_one(method)) {
                let path = NAMES
                    .iter()
                    .fold(route.path.clone(), |path, (name, _, value)| {
                        path.replace(&format!("{{{name}}}"), value)
                    });
                let answer = app.request(method.as_str(), &path).send();
                if answer.status == 404 {
                    let says = format!("There is no such {what}.");
                    assert!(
                        answer.text().contains(&says),
                        "{method} {path}: {}",
                        answer.text()
                    );
                    asked += 1;
                }
            }
        }
        assert!(asked > 0, "nothing is asked for by {name}");
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
    // A word in the place of an id is told the words that there are.
    let one = "This path answers GET, PATCH, DELETE, HEAD, OPTIONS. The id of the invitation in \
        the path is malformed: ";
    let batch = "POST is for /v1/organizations/{organizationId}/invitations/batch.";
    for (method, end, says) in [
        ("POST", "bulk", one),
        ("POST", "bulk", batch),
        ("POST", "bulk-create", batch),
        ("PUT", "bulk", one),
    ] {
        let path = format!("{}/{end}", invitations("acme"));
        let request = record.app.request(method, &path);
        record.says(request, 405, "method_not_allowed", says);
    }
    let request = record.app.request("PUT", "/v1/keys/first");
    let says = "The id of the key in the path is malformed";
    record.says(request, 405, "method_not_allowed", says);
    let path = format!("{}/{MISSING}", invitations("acme"));
    let request = record.app.request("POST", &path);
    let says = "This path answers GET, PATCH, DELETE, HEAD, OPTIONS.";
    let answer = record.says(request, 405, "method_not_allowed", says);
    assert_eq!(answer.json()["detail"], says);
}
