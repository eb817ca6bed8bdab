//! The list: filters, pages, and what a key that is bound or limited sees.

use invited::base::mode::Mode;
use invited::base::role::Role;
use invited::key::{NewKey, Rights, Scope};
use serde_json::{Value, json};

use super::{AUDIT, history, id_of, make_key, make_reader, seen_by};
use crate::support::life::wrong;
use crate::support::{START, TestApp};

/// The subjects of rows.
fn subjects(rows: &[Value]) -> Vec<&str> {
    rows.iter()
        .map(|row| row["subject"].as_str().expect("a subject"))
        .collect()
}

/// A key that is limited to roles.
fn limited(app: &TestApp, roles: &[&str]) -> String {
    let roles = Some(roles.iter().filter_map(|role| Role::parse(role)).collect());
    app.insert_key(&NewKey {
        name: "limited".to_owned(),
        rights: Rights {
            roles,
            ..Rights::ALL
        },
        expires_at: None,
    })
}

#[test]
fn pages_lead_through_the_whole_history_in_both_orders() {
    let app = TestApp::serve();
    for _ in 0..7 {
        make_reader(&app);
    }
    for order in ["desc", "asc"] {
        let whole = seen_by(&app, &app.key, &format!("?order={order}"));
        let (mut paged, mut next) = (Vec::new(), Some(format!("{AUDIT}?order={order}&limit=3")));
        while let Some(path) = next {
            let answer = app.get(&path);
            paged.extend(answer.json().as_array().expect("an array").clone());
            let link = answer.header("link").map(str::to_owned);
            next = link.map(|link| {
                link.split_once('>').expect("a link").0["<http://invited.test".len()..].to_owned()
            });
        }
        assert_eq!((paged.len(), &paged), (8, &whole), "{order}");
    }
    let newest_first = seen_by(&app, &app.key, "");
    assert!(newest_first.is_sorted_by(|one, next| one["id"].as_str() > next["id"].as_str()));
}

#[test]
fn filters_find_what_they_name_and_combine() {
    let app = TestApp::serve();
    let at = |millis| invited::base::clock::Timestamp::from_millis(START + millis);
    app.advance_to(1_000);
    let first = make_reader(&app);
    app.advance_to(2_000);
    let body =
        json!({ "name": "n", "scopes": ["invitations:read"], "organizations": ["acme", "globex"] });
    let bound = make_key(&app, &body).json()["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    app.advance_to(3_000);
    assert_eq!(
        app.request("DELETE", &format!("/v1/keys/{first}"))
            .send()
            .status,
        204
    );
    let admin = id_of(&app.key);
    let cases = [
        ("?action=key.revoked".to_owned(), vec![&first]),
        (
            "?action=key.revoked,key.created&order=asc".to_owned(),
            vec![&admin, &first, &bound, &first],
        ),
        (format!("?actor={admin}"), vec![&first, &bound, &first]),
        ("?actor=cli".to_owned(), vec![]),
        ("?actor=server".to_owned(), vec![&admin]),
        ("?actor=dev".to_owned(), vec![]),
        (format!("?subject={first}&action=key.created"), vec![&first]),
        ("?organizationId=acme".to_owned(), vec![&bound]),
        ("?organizationId=glob".to_owned(), vec![]),
        (
            format!("?since={}&until={}", at(1_000), at(3_000)),
            vec![&bound, &first],
        ),
        (format!("?since={}", at(3_001)), vec![]),
        (format!("?until={}&limit=1", at(3_000)), vec![&bound]),
    ];
    for (query, expected) in cases {
        assert_eq!(
            subjects(&seen_by(&app, &app.key, &query)),
            expected,
            "{query}"
        );
    }
}

#[test]
fn a_query_that_cannot_be_is_refused_with_what_is_wrong() {
    let app = TestApp::serve();
    for (query, pointer) in [
        ("action=", "action"),
        ("action=key.made", "action"),
        ("action=key.created,", "action"),
        (
            "action=key.created,key.created,key.created,key.created,key.created,key.created,\
             key.created,key.created,key.created,key.created,key.created,key.created,key.created,\
             key.created,key.created",
            "action",
        ),
        ("actor=", "actor"),
        ("actor=Ada", "actor"),
        ("actor=a@b.co", "actor"),
        ("subject=", "subject"),
        ("subject=a@b.co", "subject"),
        ("organizationId=-", "organizationId"),
        ("since=yesterday", "since"),
        (
            "since=2026-11-24T00:00:00Z&until=2026-11-23T00:00:00Z",
            "until",
        ),
        ("order=up", "order"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
    ] {
        let answer = app.get(&format!("{AUDIT}?{query}"));
        assert_eq!(
            (answer.status, wrong(&answer)[0].0.as_str()),
            (422, pointer),
            "{query}: {}",
            answer.text()
        );
    }
    for (query, code) in [
        ("key=1", "invalid_query"),
        ("limit=1&limit=1", "invalid_query"),
        ("cursor=x", "invalid_cursor"),
    ] {
        assert_eq!(app.get(&format!("{AUDIT}?{query}")).code(), code, "{query}");
    }
    make_reader(&app);
    let link = app
        .get(&format!("{AUDIT}?limit=1"))
        .header("link")
        .expect("a link")
        .to_owned();
    let cursor = link
        .split("cursor=")
        .nth(1)
        .expect("a cursor")
        .split('>')
        .next()
        .expect("its end")
        .to_owned();
    assert_eq!(app.get(&format!("{AUDIT}?cursor={cursor}")).status, 200);
    assert_eq!(
        app.get(&format!("{AUDIT}?cursor={cursor}&actor=cli"))
            .code(),
        "invalid_cursor"
    );
}

#[test]
fn a_bound_admin_key_sees_only_what_concerns_none_but_its_organizations() {
    let app = TestApp::serve();
    let acme = app.key(&[Scope::Admin], &["acme"], None);
    let both = app.key(&[Scope::Admin], &["acme", "globex"], None);
    let globex = app.key(&[Scope::Read], &["globex"], None);
    make_reader(&app);
    let [acme_id, both_id, globex_id] = [&acme, &both, &globex].map(|key| id_of(key));
    assert_eq!(subjects(&seen_by(&app, &acme, "")), [&acme_id]);
    assert_eq!(
        subjects(&seen_by(&app, &both, "?order=asc")),
        [&acme_id, &both_id, &globex_id]
    );
    for query in [
        "?organizationId=globex".to_owned(),
        format!("?subject={globex_id}"),
        "?actor=server".to_owned(),
    ] {
        assert_eq!(seen_by(&app, &acme, &query), Vec::<Value>::new(), "{query}");
    }
    assert_eq!(
        seen_by(&app, &acme, "?limit=1").len(),
        1,
        "rows that it may not see take no room of a page"
    );
    assert_eq!(history(&app).len(), 4);
}

#[test]
fn an_admin_key_that_is_limited_to_roles_sees_only_keys_that_are_limited_to_its_own() {
    let app = TestApp::serve();
    let viewer = limited(&app, &["viewer"]);
    let both = limited(&app, &["viewer", "developer"]);
    make_reader(&app);
    assert_eq!(subjects(&seen_by(&app, &viewer, "")), [id_of(&viewer)]);
    assert_eq!(
        subjects(&seen_by(&app, &both, "?order=asc")),
        [id_of(&viewer), id_of(&both)]
    );
}

#[test]
fn only_admin_keys_read_the_history_and_nothing_changes_it() {
    let app = TestApp::serve();
    let all = [Scope::Read, Scope::Write, Scope::Accept, Scope::Link];
    let before = app.contents();
    let get = |key: &str| app.anonymous("GET", AUDIT).bearer(key).send().status;
    assert_eq!(app.anonymous("GET", AUDIT).send().status, 401);
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        assert_eq!(app.request(method, AUDIT).send().status, 405, "{method}");
    }
    assert_eq!(app.contents(), before);
    assert_eq!(get(&app.key(&all, &[], None)), 403);
}

#[test]
fn development_keeps_a_history_too_until_it_is_reset() {
    let dev = TestApp::start(Mode::Dev, &[]);
    assert_eq!(dev.get(AUDIT).text(), "[]");
    let made = make_reader(&dev);
    let rows = dev.get(AUDIT).json();
    assert_eq!(
        (
            rows[0]["actor"].as_str(),
            subjects(rows.as_array().expect("an array"))
        ),
        (Some("dev"), vec![&*made])
    );
    assert_eq!(dev.post("/dev/reset", "{}").status, 204);
    assert_eq!(dev.get(AUDIT).text(), "[]");
}
