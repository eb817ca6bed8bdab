//! A webhook goes with its deliveries, however many, and whoever writes meanwhile goes between.

use serde_json::Value;

use super::{list, make_silent, path_of};
use crate::support::TestApp;

/// Puts `count` deliveries that have ended, and as many that wait, into the log of a webhook.
fn fill(app: &mut TestApp, webhook: &Value, count: usize) {
    let id = webhook["id"].as_str().expect("an id").replace('-', "");
    app.restart_after(|database| {
        let conn = rusqlite::Connection::open(database).expect("the file opens");
        let sql = format!(
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < {count} * 2)
             insert into webhook_delivery
               (webhook_id, id, state, lane, due_at, attempts, created_at)
             select x'{id}', unhex(printf('%032x', i)), i % 2, iif(i % 2, null, 1), 1e14, 0, 0
             from n"
        );
        conn.execute_batch(&sql).expect("good SQL");
    });
}

/// What the history of the server says of webhooks, the oldest first.
fn actions(app: &TestApp) -> Vec<String> {
    let history = app.get("/v1/audit?order=asc").json();
    let entries = history.as_array().expect("a list").iter();
    let action = |entry: &Value| entry["action"].as_str().expect("an action").to_owned();
    entries
        .map(action)
        .filter(|action| action.starts_with("webhook"))
        .collect()
}

#[test]
fn a_webhook_with_many_deliveries_goes_while_others_write() {
    let mut app = TestApp::serve();
    let webhook = make_silent(&app, None);
    fill(&mut app, &webhook, 10_000);
    app.while_others_write(10, || {
        let answer = app.request("DELETE", &path_of(&webhook)).send();
        assert_eq!(answer.status, 204, "{}", answer.text());
    });
    assert_eq!(app.get(&path_of(&webhook)).status, 404);
    assert_eq!(list(&app), Vec::<Value>::new());
    let left = app.db_rows("select hex(id) from webhook_delivery");
    assert_eq!(left.len(), 0);
    let told = ["webhook.created", "webhook.updated", "webhook.deleted"];
    assert_eq!(actions(&app), told, "it was paused first");
}

#[test]
fn a_webhook_with_few_deliveries_goes_in_one_commit() {
    let mut app = TestApp::serve();
    let webhook = make_silent(&app, None);
    fill(&mut app, &webhook, 200);
    let answer = app.request("DELETE", &path_of(&webhook)).send();
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert_eq!(actions(&app), ["webhook.created", "webhook.deleted"]);
    let left = app.db_rows("select hex(id) from webhook_delivery");
    assert_eq!(left.len(), 0);
}
