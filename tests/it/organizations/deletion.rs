//! A deletion takes everything of its organization, and nothing of another one.

use invited::key::Scope;
use serde_json::{Value, json};

use super::{ids, organization, put};
use crate::support::{TestApp, invitation, invitations};

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
    let orphans = "select id from invitation
        where organization_id not in (select id from organization)
        union all select id from event
        where organization_id not in (select id from organization)";
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
