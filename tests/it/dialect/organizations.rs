//! The organizations of the dialect, and who asks.

use std::thread;
use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use invited::key::Scope;
use serde_json::json;
use uuid::Uuid;

use super::{NAMESPACE, ORGANIZATION, at, each, result};
use crate::support::{Answer, TestApp, invitations};

/// The list of organizations.
const LIST: &str = "/clickhouse/v1/organizations";
/// The UUID of `acme`, which is everywhere the same.
const ACME: &str = "4ed6344e-23dc-562c-9ebb-8fde856241bb";

/// The UUID of the organization `id`, as anybody can work it out.
fn uuid_of(id: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("organization:{id}").as_bytes())
}

/// Asks with `key`.
fn ask(app: &TestApp, key: &str, path: &str) -> Answer {
    app.anonymous("GET", path).bearer(key).send()
}

#[test]
fn organizations_are_those_that_the_key_may_see_each_with_a_uuid() {
    let app = TestApp::serve();
    let other = "00000000-0000-4000-8000-000000000000";
    for organization in ["acme", ORGANIZATION, other] {
        app.invite(organization, "a@b.co");
    }
    let all = result(&app.get(LIST));
    assert_eq!(each(&all, "id"), [other, ORGANIZATION, ACME]);
    assert_eq!(each(&all, "name"), [other, ORGANIZATION, "acme"]);
    for (bound, ids) in [(ORGANIZATION, [ORGANIZATION]), ("acme", [ACME])] {
        let key = app.key(&[Scope::Read], &[bound], None);
        assert_eq!(each(&result(&ask(&app, &key, LIST)), "id"), ids);
    }
    let write_only = app.key(&[Scope::Write], &[], None);
    assert_eq!(ask(&app, &write_only, LIST).status, 403);
}

#[test]
fn an_organization_is_reached_by_its_id_and_by_the_uuid_that_is_shown_for_it() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    let bound = app.key(&[Scope::Read], &["acme"], None);
    let foreign = app.key(&[Scope::Read], &["globex"], None);
    for id in ["acme", ACME] {
        let path = format!("{LIST}/{id}");
        for key in [&app.key, &bound] {
            let shown = result(&ask(&app, key, &path));
            assert_eq!(
                (&shown["id"], &shown["name"]),
                (&json!(ACME), &json!("acme"))
            );
        }
        assert_eq!(ask(&app, &foreign, &path).status, 404, "{id}");
        let made = result(&app.post(
            &at(id, "invitations"),
            &format!(r#"{{"email":"{id}@b.co"}}"#),
        ));
        let native = format!(
            "{}/{}",
            invitations("acme"),
            made["id"].as_str().expect("an id")
        );
        assert_eq!(app.get(&native).status, 200, "{id}: it is in acme");
    }
    for unknown in ["globex", "0bcd2b56-13b5-5a0c-8625-faa67201c6c5", "%20"] {
        let answer = app.get(&format!("{LIST}/{unknown}"));
        assert_eq!(answer.status, 404, "{unknown}");
    }
}

#[test]
fn an_organization_whose_own_id_is_the_uuid_of_another_does_not_take_its_place() {
    for is_first in [true, false] {
        let app = TestApp::serve();
        if is_first {
            app.invite(ACME, "b@b.co");
            assert_eq!(result(&app.get(&format!("{LIST}/{ACME}")))["name"], ACME);
        }
        app.invite("acme", "a@b.co");
        app.invite(ACME, "c@b.co");
        let listed = result(&app.get(&at(ACME, "invitations")));
        assert_eq!(each(&listed, "email"), ["a@b.co"]);
        assert_eq!(result(&app.get(&format!("{LIST}/{ACME}")))["name"], "acme");
    }
}

#[test]
fn a_bound_key_reaches_its_own_whatever_the_organizations_of_others_are_called() {
    let app = TestApp::serve();
    let scopes = [Scope::Read, Scope::Write];
    let acme = app.key(&scopes, &["acme"], None);
    app.invite("acme", "a@b.co");
    let name_by = |key: &str, path: &str| {
        let answer = ask(&app, key, path);
        (answer.status, answer.json()["result"]["name"].clone())
    };
    let path = format!("{LIST}/{ACME}");
    assert_eq!(name_by(&app.key, &path), (200, json!("acme")));
    let before = ask(&app, &acme, &path).json()["result"].clone();
    app.invite(ACME, "foreign@b.co");
    assert_eq!(name_by(&app.key, &path), (200, json!("acme")));
    assert_eq!(ask(&app, &acme, &path).json()["result"], before);
    let made = app
        .anonymous("POST", &at(ACME, "invitations"))
        .bearer(&acme)
        .json(r#"{"email":"c@b.co"}"#)
        .send();
    assert_eq!(made.status, 200, "{}", made.text());
    let listed = app.get(&invitations("acme")).json();
    assert_eq!(each(&listed, "email"), ["c@b.co", "a@b.co"]);
    let literal = app.key(&scopes, &[ACME], None);
    let both = app.key(&scopes, &["acme", ACME], None);
    let other = app.key(&scopes, &["globex"], None);
    assert_eq!(name_by(&literal, &path), (200, json!(ACME)));
    assert_eq!(name_by(&both, &path), (200, json!("acme")));
    assert_eq!(name_by(&other, &path), (404, json!(null)));
}

#[test]
fn an_organization_that_was_made_a_moment_ago_is_reached_by_its_uuid_and_a_deleted_one_is_not() {
    let app = TestApp::serve();
    let path = |id: &str| format!("{LIST}/{}", uuid_of(id));
    for id in ["one", "two", "three"] {
        assert_eq!(app.get(&path(id)).status, 404, "{id}");
        assert_eq!(app.get(&path(id)).status, 404, "{id}");
        app.invite(id, "a@b.co");
        assert_eq!(result(&app.get(&path(id)))["name"], id);
    }
    let put = app.request("PUT", "/v1/organizations/two");
    assert_eq!(put.json(r#"{"name":"Two"}"#).send().status, 200);
    assert_eq!(result(&app.get(&path("two")))["name"], "Two");
    let deleted = app.request("DELETE", "/v1/organizations/one").send();
    assert!(deleted.status < 300, "{}", deleted.text());
    assert_eq!(app.get(&path("one")).status, 404);
    assert_eq!(result(&app.get(&path("three")))["name"], "three");
    let no_key = app.anonymous("GET", &path("three")).send();
    assert_eq!(no_key.status, 401);
    let write_only = app.key(&[Scope::Write], &[], None);
    assert_eq!(ask(&app, &write_only, &path("four")).status, 403);
}

#[test]
fn looking_for_a_uuid_among_many_organizations_holds_up_nobody_and_happens_once() {
    let mut app = TestApp::serve();
    app.restart_after(|database| {
        let conn = rusqlite::Connection::open(database).expect("the file opens");
        let sql =
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < 100000)
                   insert into organization (id, created_at, updated_at)
                   select 'org-' || i, 0, 0 from n";
        conn.execute_batch(sql).expect("good SQL");
    });
    let ask_at = |number: usize| {
        let path = format!("{LIST}/{}", uuid_of(&format!("nobody-{number}")));
        let begun = Instant::now();
        assert_eq!(app.get(&path).status, 404);
        begun.elapsed()
    };
    let (looked, live) = thread::scope(|scope| {
        let askers: Vec<_> = (0..8)
            .map(|number| scope.spawn(move || ask_at(number)))
            .collect();
        let mut live = Duration::ZERO;
        while !askers.iter().all(thread::ScopedJoinHandle::is_finished) {
            let begun = Instant::now();
            assert_eq!(app.anonymous("GET", "/livez").send().status, 200);
            live = live.max(begun.elapsed());
        }
        let looked = askers
            .into_iter()
            .map(|asker| asker.join().expect("it answers"));
        (looked.max().unwrap_or_default(), live)
    });
    assert!(live * 2 < looked, "{live:?} beside {looked:?}");
    let again: Duration = (10..30).map(ask_at).sum();
    assert!(again < looked, "{again:?} after {looked:?}");
    let last = result(&app.get(&format!("{LIST}/{}", uuid_of("org-100000"))));
    assert_eq!(last["name"], "org-100000");
}

#[test]
fn pages_of_organizations_follow_each_other_by_cursor_until_it_is_null() {
    let app = TestApp::serve();
    for organization in ["a", "b", "c", "d", "e"] {
        app.invite(organization, "a@b.co");
    }
    let whole = app.get(LIST).json();
    assert_eq!(
        (
            &whole["limit"],
            &whole["nextCursor"],
            each(&whole["result"], "name").len()
        ),
        (&json!(250), &json!(null), 5)
    );
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for rows in [2, 2, 1] {
        let page = app
            .get(&format!("{LIST}?limit=2&cursor={cursor}&sort=name"))
            .json();
        let names = each(&page["result"], "name");
        assert_eq!((names.len(), &page["limit"]), (rows, &json!(2)));
        seen.extend(names);
        cursor = page["nextCursor"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!((seen, &*cursor), (each(&whole["result"], "name"), ""));
    assert_eq!(
        app.get(&format!("{LIST}?limit=100000")).json()["limit"],
        1000
    );
    for (query, status, code) in [
        ("limit=0", 422, "VALIDATION_FAILED: limit: "),
        ("limit=x", 422, "VALIDATION_FAILED: limit: "),
        (
            "cursor=x",
            400,
            "INVALID_CURSOR: This cursor does not belong to this list; begin without one, and send \
             the `nextCursor` of each page.",
        ),
    ] {
        let answer = app.get(&format!("{LIST}?{query}"));
        let error = answer.json()["error"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(
            answer.status == status && error.starts_with(code),
            "{query}: {error}"
        );
    }
}

#[test]
fn an_organization_gets_another_name_and_keeps_what_else_is_set() {
    let app = TestApp::serve();
    let native = "/v1/organizations/acme";
    let put = app
        .request("PUT", native)
        .json(r#"{"name":"Acme","roles":["viewer"]}"#)
        .send();
    assert_eq!(put.status, 201, "{}", put.text());
    let rename = |key: &str, body: &str| {
        let path = format!("{LIST}/{ACME}");
        app.anonymous("PATCH", &path).bearer(key).json(body).send()
    };
    assert_eq!(
        result(&rename(&app.key, r#"{"name":"Acme Ltd."}"#))["name"],
        "Acme Ltd."
    );
    assert_eq!(result(&rename(&app.key, "{}"))["name"], "Acme Ltd.");
    let shown = app.get(native).json();
    assert_eq!(
        (&shown["name"], &shown["roles"]),
        (&json!("Acme Ltd."), &json!(["viewer"]))
    );
    assert_eq!(rename(&app.key, r#"{"name":""}"#).status, 422);
    let writer = app.key(&[Scope::Read, Scope::Write], &["acme"], None);
    assert_eq!(rename(&writer, r#"{"name":"Mine"}"#).status, 403);
    let unknown = app
        .request("PATCH", &format!("{LIST}/globex"))
        .json(r#"{"name":"G"}"#)
        .send();
    assert_eq!(unknown.status, 404);
}

#[test]
fn whoami_says_which_key_it_is_and_its_organization_where_it_sees_exactly_one() {
    let app = TestApp::serve();
    let whoami = |key: &str| result(&ask(&app, key, "/clickhouse/v1/whoami"));
    let unbound = app.key(&[Scope::Read], &[], None);
    let bound = app.key(&[Scope::Read], &["acme"], None);
    let two = app.key(&[Scope::Read], &["acme", ORGANIZATION], None);
    let id = bound.split('_').nth(1).expect("an id");
    assert_eq!(
        whoami(&bound),
        json!({ "actorType": "apiKey", "keyId": id, "name": "test", "organizationId": ACME })
    );
    assert_eq!(
        whoami(&unbound).get("organizationId"),
        None,
        "there is none"
    );
    app.invite(ORGANIZATION, "a@b.co");
    assert_eq!(whoami(&unbound)["organizationId"], ORGANIZATION);
    app.invite("acme", "a@b.co");
    for many in [&unbound, &two] {
        assert_eq!(whoami(many).get("organizationId"), None, "there are two");
    }
    let dev = TestApp::start(Mode::Dev, &[]);
    assert_eq!(
        result(&dev.get("/clickhouse/v1/whoami")),
        json!({ "actorType": "apiKey", "keyId": "dev", "name": "dev" })
    );
}
