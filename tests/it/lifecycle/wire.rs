//! What the paths and bodies of changes have in common.

use crate::support::client::raw;
use crate::support::life::{path_of, refusal};
use crate::support::{Answer, TestApp, invitations};

/// What can be done to one invitation by POST.
const CHANGES: [&str; 4] = ["resend", "revoke", "accept", "link"];
/// What the invited person can do.
const BY_LINK: [&str; 4] = ["lookup", "code", "accept", "decline"];

/// POSTs `body` in chunks.
fn chunked(app: &TestApp, path: &str, more: &str, body: &str) -> Answer {
    let size = if body.is_empty() {
        String::new()
    } else {
        format!("{:x}\r\n{body}\r\n", body.len())
    };
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n{more}\
         Transfer-Encoding: chunked\r\n\r\n{size}0\r\n\r\n",
        app.key
    );
    raw(app.address, head.as_bytes())
}

#[test]
fn a_body_may_be_absent_empty_or_an_empty_object_where_nothing_is_needed() {
    let app = TestApp::start(
        invited::base::mode::Mode::Serve,
        &["--resend-cooldown", "0s"],
    );
    let json = "Content-Type: application/json\r\n";
    for (number, what) in ["resend", "link", "revoke"].into_iter().enumerate() {
        let bodies: [&dyn Fn(&str) -> Answer; 8] = [
            &|path| app.request("POST", path).send(),
            &|path| app.request("POST", path).body("").send(),
            &|path| app.request("POST", path).json("").send(),
            &|path| {
                app.request("POST", path)
                    .header("Content-Type", "text/plain")
                    .body("")
                    .send()
            },
            &|path| app.request("POST", path).json(" {\n} ").send(),
            &|path| chunked(&app, path, json, "{}"),
            &|path| chunked(&app, path, json, ""),
            &|path| chunked(&app, path, "", ""),
        ];
        for (form, send) in bodies.into_iter().enumerate() {
            let made = app.invite("acme", &format!("p{number}{form}@b.co"));
            let answer = send(&format!("{}/{what}", path_of(&made)));
            assert_eq!(answer.status, 200, "{what} {form}: {}", answer.text());
        }
    }
}

#[test]
fn a_body_that_is_no_json_object_is_refused_and_changes_nothing() {
    let app = TestApp::start(
        invited::base::mode::Mode::Serve,
        &["--resend-cooldown", "0s"],
    );
    let made = app.invite("acme", "a@b.co");
    let by_link = BY_LINK.map(|what| format!("/v1/invitations/{what}"));
    let paths = CHANGES
        .map(|what| format!("{}/{what}", path_of(&made)))
        .into_iter()
        .chain(by_link);
    let before = app.contents();
    for path in paths {
        for body in [
            "null",
            "[]",
            "\"x\"",
            "1",
            "{",
            "{}{}",
            "{'a':1}",
            "\u{feff}{}",
            "{} x",
        ] {
            let answer = app.post(&path, body);
            assert_eq!(
                refusal(&answer),
                (400, "invalid_json".to_owned()),
                "{path} {body}"
            );
        }
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/xml",
            "multipart/form-data; boundary=x",
        ] {
            let answer = app
                .request("POST", &path)
                .header("Content-Type", kind)
                .body("{}")
                .send();
            assert_eq!(
                refusal(&answer),
                (415, "unsupported_media_type".to_owned()),
                "{path} {kind}"
            );
        }
        assert_eq!(
            app.request("POST", &path).body("{}").send().status,
            415,
            "{path}"
        );
        let zipped = app
            .request("POST", &path)
            .header("Content-Encoding", "gzip")
            .json("{}")
            .send();
        assert_eq!(zipped.status, 415, "{path}");
        assert_eq!(
            chunked(&app, &path, "", "{}").status,
            415,
            "{path}: chunked without a type"
        );
        let json = "Content-Type: application/json\r\n";
        // Where nothing is needed, chunks of nothing are as good as no body.
        if path.ends_with("/accept") || path.starts_with("/v1/invitations/") {
            assert_eq!(
                chunked(&app, &path, json, "").status,
                400,
                "{path}: an empty text is no object"
            );
        }
        let large = format!("{{\"token\":\"{}\"}}", "x".repeat(65_536));
        for answer in [app.post(&path, &large), chunked(&app, &path, json, &large)] {
            assert_eq!(
                refusal(&answer),
                (413, "body_too_large".to_owned()),
                "{path}"
            );
        }
        let twice = app.post(&format!("{path}?x=1"), "{}");
        assert_eq!(refusal(&twice), (400, "invalid_query".to_owned()), "{path}");
    }
    assert_eq!(app.contents(), before);
}

#[test]
fn a_path_answers_its_method_options_and_nothing_else() {
    let app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    let path = path_of(&made);
    let changes = CHANGES.map(|what| (format!("{path}/{what}"), "POST, OPTIONS", 401));
    let by_link = BY_LINK.map(|what| (format!("/v1/invitations/{what}"), "POST, OPTIONS", 405));
    let others = [
        (path, "GET, PATCH, DELETE, HEAD, OPTIONS", 401),
        (
            "/v1/invitations".to_owned(),
            "GET, DELETE, HEAD, OPTIONS",
            401,
        ),
    ];
    let before = app.contents();
    for (path, allow, without_key) in changes.into_iter().chain(by_link).chain(others) {
        let options = app.anonymous("OPTIONS", &path).send();
        assert_eq!(
            (options.status, options.header("allow")),
            (204, Some(allow)),
            "{path}"
        );
        let methods = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "FOO"];
        for method in methods.into_iter().filter(|method| !allow.contains(method)) {
            let answer = app.request(method, &path).send();
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, Some(allow)),
                "{method} {path}"
            );
            assert_eq!(answer.body.is_empty(), method == "HEAD", "{method} {path}");
            assert_eq!(
                app.anonymous(method, &path).send().status,
                without_key,
                "{method} {path}"
            );
        }
    }
    assert_eq!(app.contents(), before, "what is safe changes nothing");
}

#[test]
fn what_is_no_id_of_an_invitation_here_gets_the_same_404_on_every_path() {
    let app = TestApp::serve();
    let made = app.invite("globex", "a@b.co");
    let id = made["id"].as_str().expect("an id");
    app.invite("acme", "a@b.co");
    let before = app.contents();
    let missing = "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f";
    let get = |id: &str| {
        let path = format!("{}/{id}", invitations("acme"));
        app.get(&path).without_request_id()
    };
    // What has the form of an id is told that nothing has it, and what has not, its form.
    let (expected, malformed) = (get(missing), get("x"));
    let simple = id.replace('-', "");
    let foreign = id;
    for id in [
        foreign,
        &id.to_uppercase(),
        &simple,
        missing,
        "0",
        "%00",
        "null",
        "-1",
        "x",
    ] {
        let path = format!("{}/{id}", invitations("acme"));
        let expected = if [foreign, missing].contains(&id) {
            &expected
        } else {
            &malformed
        };
        let body = |what| {
            if what == "accept" {
                r#"{"email":"a@b.co"}"#
            } else {
                "{}"
            }
        };
        let posts = CHANGES.map(|what| app.post(&format!("{path}/{what}"), body(what)));
        for answer in posts
            .into_iter()
            .chain([app.request("PATCH", &path).json("{}").send()])
        {
            assert_eq!(
                (answer.status, answer.without_request_id()),
                (404, expected.clone()),
                "{id}"
            );
        }
    }
    assert_eq!(app.contents(), before);
}
