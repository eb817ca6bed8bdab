//! Organizations: the operations, the settings and what they allow, deleting one, and who may see
//! which.
//!
//! [`rules`]: every setting at its boundary, and how it decides about invitations.

mod rules;

use std::collections::HashSet;

use invited::key::Scope;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, invitation, invitations};

/// The path of one organization.
fn organization(id: &str) -> String {
    format!("/v1/organizations/{id}")
}

/// Puts settings; it must work. Returns the organization.
fn put(app: &TestApp, id: &str, settings: &Value) -> Value {
    let answer = app
        .request("PUT", &organization(id))
        .json(settings.to_string())
        .send();
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    answer.json()
}

/// The ids of a list.
fn ids(answer: &Answer) -> Vec<String> {
    let rows = answer.json();
    let rows = rows
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.text()));
    rows.iter()
        .map(|row| row["id"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_put_creates_an_organization_and_the_next_one_replaces_all_of_it() {
    let app = TestApp::serve();
    let all = r#"{"maxPending":5,"blockedDomains":["bad.example.com"],"allowedDomains":["Example.COM"],
        "defaultExpiresIn":3600,"roles":["viewer","admin"],"name":"Acme Ltd."}"#;
    let made = app
        .request("PUT", "/v1/organizations/acme")
        .json(all)
        .send();
    assert_eq!(
        (made.status, made.header("location")),
        (201, Some("http://invited.test/v1/organizations/acme"))
    );
    let expected = concat!(
        r#"{"id":"acme","name":"Acme Ltd.","roles":["viewer","admin"],"defaultExpiresIn":3600,"#,
        r#""allowedDomains":["example.com"],"blockedDomains":["bad.example.com"],"maxPending":5,"#,
        r#""createdAt":"2026-11-23T02:43:00.123Z","updatedAt":"2026-11-23T02:43:00.123Z"}"#
    );
    assert_eq!(made.text(), expected);
    let got = app.get("/v1/organizations/acme");
    assert_eq!(
        (got.status, got.text().as_str(), got.header("etag")),
        (200, expected, made.header("etag"))
    );
    app.advance_to(1_000);
    let replaced = app
        .request("PUT", "/v1/organizations/acme")
        .json(r#"{"name":"Acme","roles":null}"#)
        .send();
    assert_eq!((replaced.status, replaced.header("location")), (200, None));
    let expected = concat!(
        r#"{"id":"acme","name":"Acme","#,
        r#""createdAt":"2026-11-23T02:43:00.123Z","updatedAt":"2026-11-23T02:43:01.123Z"}"#
    );
    assert_eq!(
        (
            replaced.text().as_str(),
            app.get("/v1/organizations/acme").text().as_str()
        ),
        (expected, expected)
    );
}

#[test]
fn an_organization_is_known_from_its_first_invitation_on() {
    let app = TestApp::serve();
    let unknown = app.get("/v1/organizations/acme");
    assert_eq!(
        (unknown.status, unknown.code().as_str()),
        (404, "not_found")
    );
    app.invite("acme", "a@b.co");
    let known = app.get("/v1/organizations/acme");
    let keys: Vec<_> = known
        .json()
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    assert_eq!(keys, ["id", "createdAt", "updatedAt"]);
    app.advance_to(1_000);
    app.invite("acme", "b@b.co");
    assert_eq!(
        app.get("/v1/organizations/acme").text(),
        known.text(),
        "its invitations do not change it"
    );
    assert_eq!(
        app.request("PUT", "/v1/organizations/acme")
            .json("{}")
            .send()
            .status,
        200
    );
}

#[test]
fn conditions_decide_by_the_version_that_a_caller_knows() {
    let app = TestApp::serve();
    let send = |method: &str, header: &str, value: &str| {
        let request = app
            .request(method, "/v1/organizations/acme")
            .header(header, value);
        if method == "PUT" {
            request.json(r#"{"name":"Acme"}"#).send()
        } else {
            request.send()
        }
    };
    let nothing = send("PUT", "If-Match", "*");
    assert_eq!(
        (nothing.status, nothing.code().as_str()),
        (412, "precondition_failed"),
        "there is nothing to match"
    );
    assert_eq!(app.get("/v1/organizations").text(), "[]");
    let first = send("PUT", "If-None-Match", "*");
    assert_eq!(
        (first.status, send("PUT", "If-None-Match", "*").status),
        (201, 412),
        "it only creates"
    );
    let tag = first.header("etag").expect("a tag").to_owned();
    assert_eq!(
        (
            send("GET", "If-None-Match", &tag).status,
            send("GET", "If-None-Match", "\"x\"").status
        ),
        (304, 200)
    );
    app.advance_to(1_000);
    let second = send("PUT", "If-Match", &tag);
    assert_eq!(second.status, 200);
    let present = second.header("etag").expect("a tag");
    assert_ne!(present, tag);
    for method in ["PUT", "DELETE"] {
        let stale = send(method, "If-Match", &tag);
        assert_eq!(
            (stale.status, stale.code().as_str()),
            (412, "precondition_failed"),
            "{method}"
        );
    }
    assert_eq!(
        app.get("/v1/organizations/acme").text(),
        second.text(),
        "nothing was changed"
    );
    assert_eq!(send("DELETE", "If-Match", present).status, 204);
}

#[test]
fn of_parallel_puts_on_one_version_one_wins() {
    let app = TestApp::serve();
    let tag = app
        .request("PUT", "/v1/organizations/acme")
        .json("{}")
        .send();
    let tag = tag.header("etag").expect("a tag");
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let put = |number| {
            let body = format!(r#"{{"name":"Name {number}"}}"#);
            app.request("PUT", "/v1/organizations/acme")
                .header("If-Match", tag)
                .json(body)
                .send()
        };
        let threads: Vec<_> = (0..32)
            .map(|number| scope.spawn(move || put(number)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an answer"))
            .collect()
    });
    let count = |status: u16| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!((count(200), count(412)), (1, 31));
}

#[test]
fn each_put_is_an_event_with_the_settings_before_and_after() {
    let app = TestApp::serve();
    put(&app, "acme", &json!({ "name": "Acme", "maxPending": 2 }));
    put(&app, "acme", &json!({}));
    assert_eq!(
        app.request("PUT", "/v1/organizations/acme")
            .json(r#"{"name":""}"#)
            .send()
            .status,
        422
    );
    let events =
        app.db_rows("select type, hex(invitation_id) = '', before, after from event order by id");
    let text = |text: &str| format!("Some({text:?})");
    let full = text(r#"{"name":"Acme","maxPending":2}"#);
    let kind = text("organization.updated");
    assert_eq!(
        events
            .iter()
            .map(|row| [&row[0], &row[2], &row[3]])
            .collect::<Vec<_>>(),
        [
            [&kind, &"None".to_owned(), &full],
            [&kind, &full, &text("{}")],
        ]
    );
    assert_eq!(
        app.db_rows("select id from event where invitation_id is null")
            .len(),
        2
    );
}

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

/// How many rows of each table belong to the organization `id`, tables without any left out.
fn rows_of(app: &TestApp, id: &str) -> Vec<(String, usize)> {
    let tables = app.db_rows("select name from sqlite_schema where type = 'table' order by name");
    let count = |table: &str| {
        let columns = app.db_rows(&format!("select name from pragma_table_info('{table}')"));
        let has = |name: &str| {
            columns
                .iter()
                .any(|column| column[0] == format!("Some({name:?})"))
        };
        let condition = match table {
            "organization" => format!("id = '{id}'"),
            "idempotency" => format!("operation like '%/{id}/%'"),
            _ if has("organization_id") => format!("organization_id = '{id}'"),
            _ => "false".to_owned(),
        };
        app.db_rows(&format!("select 1 from {table} where {condition}"))
            .len()
    };
    let names = tables.iter().map(|row| {
        row[0]
            .trim_start_matches("Some(\"")
            .trim_end_matches("\")")
            .to_owned()
    });
    names
        .map(|name| (name.clone(), count(&name)))
        .filter(|(_, rows)| *rows > 0)
        .collect()
}

#[test]
fn a_delete_takes_everything_of_the_organization_and_nothing_else() {
    let app = TestApp::serve();
    let create = |path: &str, key: &str, idempotency: &str, email: &str| {
        let request = app
            .anonymous("POST", path)
            .bearer(key)
            .header("Idempotency-Key", idempotency);
        request
            .json(json!({ "email": email, "role": "developer" }).to_string())
            .send()
    };
    let bound = app.key(&[Scope::Admin], &["acme"], None);
    for id in ["acme", "acme2", "acm", "globex"] {
        put(&app, id, &json!({ "name": id, "maxPending": 9 }));
        assert_eq!(
            create(&invitations(id), &app.key, "k1", "a@b.co").status,
            201
        );
        assert_eq!(
            create(
                &format!("/clickhouse{}", invitations(id)),
                &app.key,
                "k2",
                "b@b.co"
            )
            .status,
            200
        );
    }
    assert_eq!(
        create(&invitations("acme"), &bound, "k1", "c@b.co").status,
        201
    );
    assert_eq!(
        create(&invitations("%61cme"), &bound, "k2", "d@b.co").status,
        201,
        "another spelling of the path"
    );
    let others = ["acme2", "acm", "globex"].map(|id| rows_of(&app, id));
    let gone = app
        .db_rows("select key from idempotency where operation like '%cme/%'")
        .len();
    assert_eq!((rows_of(&app, "acme").len(), gone), (4, 4));
    let deleted = app.request("DELETE", "/v1/organizations/acme").send();
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    assert_eq!(rows_of(&app, "acme"), []);
    assert_eq!(
        ["acme2", "acm", "globex"].map(|id| rows_of(&app, id)),
        others
    );
    assert_eq!(
        app.db_rows("pragma foreign_key_check"),
        Vec::<Vec<String>>::new()
    );
    for method in ["GET", "DELETE"] {
        let answer = app.request(method, "/v1/organizations/acme").send();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "not_found"),
            "{method}"
        );
        let answer = app
            .anonymous(method, "/v1/organizations/acme")
            .bearer(&bound)
            .send();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "unauthorized"),
            "{method}: its key went with it"
        );
    }
    assert_eq!(app.get(&invitations("acme")).text(), "[]");
    let again = create(&invitations("acme"), &app.key, "k1", "a@b.co");
    assert_eq!(
        (again.status, again.header("idempotency-replayed")),
        (201, None),
        "it is a new request now"
    );
    assert_eq!(
        app.get("/v1/organizations/acme").json()["name"],
        Value::Null,
        "and a new organization"
    );
}

#[test]
fn a_create_beside_a_delete_goes_with_it_or_starts_anew() {
    let app = TestApp::serve();
    put(
        &app,
        "acme",
        &json!({ "name": "Acme", "maxPending": 1_000 }),
    );
    let made: Vec<Value> = std::thread::scope(|scope| {
        let create = |number: usize| {
            let body =
                json!({ "email": format!("p{number}@b.co"), "role": "developer" }).to_string();
            let answer = app
                .request("POST", &invitations("acme"))
                .header("Idempotency-Key", "k")
                .json(&body)
                .send();
            // A key that another request of this round used already is refused.
            let mut answer = if answer.status == 422 {
                app.post(&invitations("acme"), &body)
            } else {
                answer
            };
            // While the organization goes it takes nothing new.
            while answer.status == 404 {
                assert_eq!(answer.header("retry-after"), Some("1"), "{}", answer.text());
                answer = app.post(&invitations("acme"), &body);
            }
            assert_eq!(answer.status, 201, "{}", answer.text());
            answer.json()
        };
        let delete = || {
            assert!(matches!(
                app.request("DELETE", &organization("acme")).send().status,
                204 | 404
            ));
        };
        let creates: Vec<_> = (0..60)
            .map(|number| scope.spawn(move || create(number)))
            .collect();
        let deletes: Vec<_> = (0..20).map(|_| scope.spawn(delete)).collect();
        deletes
            .into_iter()
            .for_each(|thread| thread.join().expect("an answer"));
        creates
            .into_iter()
            .map(|thread| thread.join().expect("an answer"))
            .collect()
    });
    assert_eq!(
        app.db_rows("pragma foreign_key_check"),
        Vec::<Vec<String>>::new()
    );
    let left = ids(&app.get(&invitations("acme")));
    let orphans = "select id from invitation where organization_id not in (select id from
        organization)
                   union all select id from event where organization_id not in (select id from
                   organization)";
    assert_eq!(app.db_rows(orphans), Vec::<Vec<String>>::new());
    for one in &made {
        let is_left = left.contains(&one["id"].as_str().expect("an id").to_owned());
        assert_eq!(
            app.get(&invitation("acme", &one["id"])).status,
            if is_left { 200 } else { 404 }
        );
    }
    let events = app
        .db_rows("select id from event where type = 'invitation.created'")
        .len();
    assert_eq!(
        events,
        left.len(),
        "what is left has its history, and nothing else has"
    );
    assert_eq!(
        app.get("/v1/organizations/acme").status,
        if left.is_empty() { 404 } else { 200 }
    );
}

#[test]
fn the_dialect_shows_the_name_of_an_organization() {
    let app = TestApp::serve();
    let (named, nameless) = (
        "00000000-0000-4000-8000-000000000000",
        "7e0b8f5c-3c1d-4d0a-9f4e-2b6a1c9d8e7f",
    );
    put(&app, named, &json!({ "name": "Acme Ltd." }));
    app.invite(nameless, "a@b.co");
    let listed = app.get("/clickhouse/v1/organizations").json()["result"].clone();
    assert_eq!(
        (&listed[0]["id"], &listed[0]["name"]),
        (&json!(named), &json!("Acme Ltd."))
    );
    assert_eq!(
        (&listed[1]["id"], &listed[1]["name"]),
        (&json!(nameless), &json!(nameless))
    );
}
