//! The list of organizations: its pages, and which organizations a key sees.

use std::collections::HashSet;

use invited::key::Scope;
use serde_json::json;

use super::{ids, organization, put};
use crate::support::TestApp;

#[test]
fn a_list_has_pages_that_follow_each_other_by_id() {
    let app = TestApp::serve();
    assert_eq!(app.get("/v1/organizations").text(), "[]");
    let mut expected: Vec<String> = (0..7).map(|number| format!("org.{number}~x")).collect();
    for id in &expected {
        put(&app, id, &json!({ "name": id }));
    }
    expected.push("Zeta".to_owned());
    app.invite("Zeta", "a@b.co");
    expected.sort();
    assert_eq!(ids(&app.get("/v1/organizations")), expected);
    for (limit, pages) in [(1, 8), (3, 3), (7, 2), (8, 1), (1000, 1)] {
        let mut path = Some(format!("/v1/organizations?limit={limit}"));
        let (mut seen, mut count) = (Vec::new(), 0);
        while let Some(page) = path.map(|path| app.get(&path)) {
            seen.extend(ids(&page));
            count += 1;
            let next = page
                .header("link")
                .and_then(|link| link.strip_prefix("<http://invited.test"));
            path = next
                .and_then(|next| next.strip_suffix(">; rel=\"next\""))
                .map(str::to_owned);
        }
        assert_eq!((seen, count), (expected.clone(), pages), "limit={limit}");
    }
    for (query, status, code) in [
        ("limit=0", 422, "validation_failed"),
        ("limit=1001", 422, "validation_failed"),
        ("cursor=", 400, "invalid_cursor"),
        ("cursor=c100000000Zeta", 400, "invalid_cursor"),
        ("order=asc", 400, "invalid_query"),
        ("limit=1&limit=1", 400, "invalid_query"),
    ] {
        let answer = app.get(&format!("/v1/organizations?{query}"));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{query}"
        );
    }
}

#[test]
fn an_unlimited_list_streams_every_organization_across_its_inner_pages() {
    for count in [999, 1_000, 1_001, 2_000, 2_500] {
        let app = TestApp::serve();
        let made = invited::db::write_file(&app.database, |tx| {
            for number in 0..count {
                let id =
                    invited::base::organization_id::OrganizationId::parse(&format!("o{number:05}"))
                        .expect("an id");
                invited::organization::store::ensure(tx, &id)?;
            }
            Ok(())
        });
        made.expect("the rows are written");
        let expected: Vec<_> = (0..count).map(|number| format!("o{number:05}")).collect();
        assert_eq!(ids(&app.get("/v1/organizations")), expected, "{count}");
    }
}

#[test]
fn a_key_sees_and_puts_only_the_organizations_that_it_is_bound_to() {
    let app = TestApp::serve();
    for id in ["acme", "globex", "initech"] {
        put(&app, id, &json!({ "name": format!("The {id}") }));
    }
    let key = app.key(&[Scope::Admin], &["initech", "hooli", "acme"], None);
    let send = |method: &str, path: &str| {
        let request = app.anonymous(method, path).bearer(&key);
        if method == "PUT" {
            request.json("{}").send()
        } else {
            request.send()
        }
    };
    assert_eq!(ids(&send("GET", "/v1/organizations")), ["acme", "initech"]);
    let page = send("GET", "/v1/organizations?limit=1");
    assert_eq!(
        (ids(&page), page.header("link").is_some()),
        (vec!["acme".to_owned()], true)
    );
    let whole = send("GET", "/v1/organizations?limit=2");
    assert_eq!(
        (ids(&whole).len(), whole.header("link")),
        (2, None),
        "what is foreign is no further page"
    );
    let before = app.db_rows("select id, settings, updated_at from organization");
    let mut answers = HashSet::new();
    for foreign in ["globex", "nobody", "GLOBEX"] {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = send(method, &organization(foreign));
            assert_eq!(answer.status, 404, "{method} {foreign}");
            answers.insert(answer.without_request_id());
        }
    }
    answers.insert(send("GET", &organization("hooli")).without_request_id());
    assert_eq!(
        answers.len(),
        1,
        "foreign and unknown are the same bytes: {answers:?}"
    );
    assert_eq!(
        app.db_rows("select id, settings, updated_at from organization"),
        before
    );
    assert_eq!(
        (
            send("PUT", &organization("acme")).status,
            send("PUT", &organization("hooli")).status
        ),
        (200, 201)
    );
    let writer = app.key(&[Scope::Read, Scope::Write], &["acme"], None);
    for method in ["PUT", "DELETE"] {
        let answer = app
            .anonymous(method, &organization("acme"))
            .bearer(&writer)
            .json("{}")
            .send();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "insufficient_scope"),
            "{method}"
        );
    }
}
