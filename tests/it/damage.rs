//! A file with values or pages that cannot be: what is told, and what goes on.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use invited::base::organization_id::OrganizationId;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::endpoint::{Act, Endpoint};
use crate::support::process::Server;
use crate::support::{TestApp, invitation, invitations};

/// Bytes of a page.
const PAGE: u64 = 4096;
/// More than the bytes of a file that is checked whole before it is served.
const LARGE: i64 = 17 * 1024 * 1024;

/// Changes the file beside the server, past all of its rules.
pub fn damage(database: &Path, sql: &str) {
    assert_eq!(damage_rows(database, sql), 1, "{sql}");
}

/// The same for any number of rows, which it returns.
pub fn damage_rows(database: &Path, sql: &str) -> usize {
    let conn = Connection::open(database).expect("it opens");
    conn.busy_timeout(Duration::from_secs(5))
        .expect("a timeout");
    conn.pragma_update(None, "ignore_check_constraints", true)
        .expect("a pragma");
    conn.execute(sql, []).expect("good SQL")
}

/// Checks that an answer is the error for damage, and tells nothing of what is inside.
fn assert_corrupt(app: &TestApp, path: &str) {
    let answer = app.get(path);
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "storage_corrupt"),
        "{path}: {}",
        answer.text()
    );
    assert_eq!(answer.json()["detail"], "The data file is damaged.");
}

/// The ids in a list.
fn ids(list: &Value) -> Vec<&str> {
    list.as_array()
        .expect("a list")
        .iter()
        .filter_map(|item| item["id"].as_str())
        .collect()
}

/// Waits until `is_so`, for ten seconds.
fn until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_value_that_cannot_be_is_told_as_damage_and_takes_no_neighbour_along() {
    for change in [
        "role = cast(x'ff41' as text)",
        "role = 'a\"b'",
        "email = cast(x'61c3284062' as text)",
        "metadata = '{\"half\":'",
        "metadata = cast(x'7b7dff' as text)",
        "state = 9",
        "delivery = 200",
        "inviter_name = cast(x'80' as text)",
    ] {
        let app = TestApp::serve();
        let made: Vec<_> = (0..3)
            .map(|number| app.invite("acme", &format!("u{number}@b.co")))
            .collect();
        damage(
            &app.database,
            &format!("update invitation set {change} where email = 'u1@b.co'"),
        );
        assert_corrupt(&app, &invitation("acme", &made[1]["id"]));
        let list = app.get(&invitations("acme"));
        assert_eq!(list.status, 200, "{change}");
        assert_eq!(
            ids(&list.json()),
            [made[2]["id"].as_str(), made[0]["id"].as_str()].map(Option::unwrap_or_default)
        );
        assert_eq!(app.get(&invitation("acme", &made[0]["id"])).status, 200);
        app.invite("acme", "new@b.co");
    }
}

#[test]
fn a_row_whose_id_cannot_be_takes_no_neighbour_along() {
    for id in ["x'0102'", "x''", "zeroblob(17)"] {
        let app = TestApp::serve();
        let made: Vec<_> = (0..3)
            .map(|number| app.invite("acme", &format!("u{number}@b.co")))
            .collect();
        let change = format!("update invitation set id = {id} where email = 'u1@b.co'");
        damage(&app.database, &change);
        let list = app.get(&invitations("acme"));
        assert_eq!(list.status, 200, "{id}");
        assert_eq!(
            ids(&list.json()),
            [made[2]["id"].as_str(), made[0]["id"].as_str()].map(Option::unwrap_or_default)
        );
    }
}

#[test]
fn a_streamed_list_goes_on_behind_an_inner_page_of_nothing_but_damaged_rows() {
    const PAGE_LEN: usize = 1_000;
    for page in 0..3 {
        let app = TestApp::serve();
        let ids: Vec<_> = (0..PAGE_LEN * 3).map(|n| format!("o{n:05}")).collect();
        let made = invited::db::write_file(&app.database, |tx| {
            for id in ids.iter().filter_map(|id| OrganizationId::parse(id)) {
                invited::organization::store::ensure(tx, &id)?;
            }
            Ok(())
        });
        made.expect("the rows are written");
        let damaged = page * PAGE_LEN..(page + 1) * PAGE_LEN;
        let (first, last) = (&ids[damaged.start], &ids[damaged.end - 1]);
        let sql = format!(
            "update organization set settings = '{{' where id between '{first}' and '{last}'"
        );
        assert_eq!(damage_rows(&app.database, &sql), PAGE_LEN);
        let mut intact = ids.clone();
        intact.drain(damaged);
        let list = app.get("/v1/organizations").json();
        let seen = list.as_array().expect("a list").iter();
        let seen: Vec<_> = seen.map(|one| one["id"].clone()).collect();
        assert!(seen == intact, "page {page}: {} entries", seen.len());
    }
}

#[test]
fn pages_go_on_behind_damaged_rows_whatever_their_size() {
    for limit in 1..=4 {
        let app = TestApp::serve();
        for number in 0..6 {
            app.invite("acme", &format!("u{number}@b.co"));
        }
        for number in [0, 2, 3, 5] {
            damage(
                &app.database,
                &format!("update invitation set state = 9 where email = 'u{number}@b.co'"),
            );
        }
        let (mut seen, mut path) = (Vec::new(), format!("{}?limit={limit}", invitations("acme")));
        for _ in 0..8 {
            let page = app.get(&path);
            assert_eq!(page.status, 200, "{}", page.text());
            seen.extend(
                page.json()
                    .as_array()
                    .expect("a page")
                    .iter()
                    .map(|item| item["email"].clone()),
            );
            let Some(next) = page
                .header("link")
                .and_then(|link| link.split(['<', '>']).nth(1))
            else {
                break;
            };
            path = next.trim_start_matches("http://invited.test").to_owned();
        }
        assert_eq!(seen, [json!("u4@b.co"), json!("u1@b.co")], "limit {limit}");
    }
}

#[test]
fn a_streamed_list_stays_whole_json_around_damaged_rows() {
    let app = TestApp::serve();
    let row = |number| json!({ "email": format!("u{number}@b.co"), "role": "r" });
    for part in 0..3 {
        let rows: Vec<_> = (part * 700..(part + 1) * 700).map(row).collect();
        let made = app.post(
            &format!("{}/batch", invitations("acme")),
            &json!({ "invitations": rows }).to_string(),
        );
        assert_eq!(made.status, 200, "{}", made.text());
    }
    let conn = Connection::open(&app.database).expect("it opens");
    conn.pragma_update(None, "ignore_check_constraints", true)
        .expect("a pragma");
    // The whole first page of the stream, and the last row.
    let sql = "update invitation set state = 9 where id in (select id from invitation order by \
        id desc limit 1000)";
    assert_eq!(conn.execute(sql, []).expect("good SQL"), 1000);
    damage(
        &app.database,
        "update invitation set state = 9 where email = 'u0@b.co'",
    );
    let list = app.get(&invitations("acme"));
    assert_eq!(
        (list.status, list.json().as_array().map(Vec::len)),
        (200, Some(1099))
    );
}

#[test]
fn a_damaged_invitation_or_webhook_holds_up_no_delivery_of_others() {
    let (broken, sound) = (
        Endpoint::that_does(Act::Status(204)),
        Endpoint::that_does(Act::Status(204)),
    );
    let app = TestApp::start(Mode::Dev, &[]);
    for endpoint in [&broken, &sound] {
        let body = json!({ "url": endpoint.url(), "organizationId": "acme" });
        assert_eq!(app.post("/v1/webhooks", &body.to_string()).status, 201);
    }
    let fault = |next: u32| json!({ "next": next, "do": "fail" });
    let faults = json!({ "mail": fault(1), "webhooks": fault(4) }).to_string();
    assert_eq!(app.post("/dev/faults", &faults).status, 200);
    let made = [0, 1].map(|number| app.invite("acme", &format!("u{number}@b.co")));
    // Behind a mail server that cannot be reached one of the mails is not tried at all.
    let tried = |table| format!("select 1 from {table} where attempts = 1 and lease is null");
    until(|| app.db_rows(&tried("webhook_delivery")).len() == 4);
    until(|| app.db_rows(&tried("mail")).len() == 1);
    damage(
        &app.database,
        "update invitation set role = 'a\"b' where email = 'u0@b.co'",
    );
    let url = format!("url = cast(x'80' as text) where url = '{}'", broken.url());
    damage(&app.database, &format!("update webhook set {url}"));
    app.clock.set(app.clock.now().plus_seconds(3_600));
    let delivery =
        |made: &Value| app.get(&invitation("acme", &made["id"])).json()["delivery"].clone();
    until(|| delivery(&made[1]) == "sent");
    until(|| sound.received().len() == 2);
    assert_eq!(broken.received().len(), 0);
}

#[test]
fn damaged_events_organizations_keys_and_webhooks_take_no_neighbour_along() {
    let app = TestApp::serve();
    for organization in ["acme", "globex"] {
        app.invite(organization, "a@b.co");
        app.invite(organization, "b@b.co");
        let put = app
            .request("PUT", &format!("/v1/organizations/{organization}"))
            .json(r#"{"name":"A"}"#)
            .send();
        assert_eq!(put.status, 200, "{}", put.text());
    }
    for name in ["one", "two"] {
        let key =
            json!({ "name": name, "scopes": ["invitations:read"], "organizations": ["acme"] });
        assert_eq!(app.post("/v1/keys", &key.to_string()).status, 201);
        let webhook = json!({ "url": "https://example.com/hook", "description": name });
        assert_eq!(app.post("/v1/webhooks", &webhook.to_string()).status, 201);
    }
    let length = |path: &str| {
        let list = app.get(path);
        assert_eq!(list.status, 200, "{path}: {}", list.text());
        list.json().as_array().map_or(0, Vec::len)
    };
    let events = "/v1/organizations/acme/events";
    let paths = [events, "/v1/organizations", "/v1/keys", "/v1/webhooks"];
    let before = paths.map(length);
    damage(
        &app.database,
        "update event set after = '{' where rowid = (select min(rowid) from event)",
    );
    damage(
        &app.database,
        "update organization set settings = '[1' where id = 'acme'",
    );
    damage(
        &app.database,
        "update api_key set organizations = '{' where name = 'one'",
    );
    damage(
        &app.database,
        "update webhook set url = 'nowhere' where description = 'two'",
    );
    assert_eq!(paths.map(length), before.map(|length| length - 1));
    assert_corrupt(&app, "/v1/organizations/acme");
    // Settings that cannot be read must not allow what they forbid.
    let refused = app.post(&invitations("acme"), r#"{"email":"c@b.co","role":"r"}"#);
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (503, "storage_corrupt")
    );
    app.invite("globex", "c@b.co");
}

/// Adds rows that nobody asks for until a file is not checked whole any more before it is served.
fn enlarge(conn: &Connection) {
    let sql = "insert into idempotency (actor, operation, key, body_hash, created_at, status, body)
               values ('nobody', 'POST /', 'large', zeroblob(32), 4102444800000, 200,
               randomblob(?1))";
    conn.execute(sql, [LARGE]).expect("it fits");
    conn.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
        .expect("it is moved");
}

/// Overwrites the first bytes of the page at which a table or an index begins.
fn break_tree(database: &Path, name: &str) {
    let conn = Connection::open(database).expect("it opens");
    enlarge(&conn);
    let sql = "select rootpage from sqlite_schema where name = ?1";
    let page: u32 = conn
        .query_row(sql, [name], |row| row.get(0))
        .expect("it is there");
    drop(conn);
    let file = OpenOptions::new()
        .write(true)
        .open(database)
        .expect("it opens");
    file.write_all_at(&[0x55; 16], u64::from(page - 1) * PAGE)
        .expect("it is written");
}

/// Waits until a check of the whole file has ended; answers its verdict.
fn verdict(server: &Server) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let ready = server.request("GET", "/health/ready").send();
        assert_eq!(
            (ready.status, &ready.json()["status"]),
            (200, &json!("ok")),
            "{}",
            ready.text()
        );
        if ready.json()["integrity"] != "unchecked" {
            return ready.json()["integrity"].clone();
        }
        assert!(Instant::now() < deadline, "no check has ended");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn damage_in_a_large_file_is_found_soon_after_the_start_and_told() {
    for name in ["invitation_id", "webhook_delivery", "mail_due"] {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("invited.db");
        drop(Server::serve(&database));
        break_tree(&database, name);
        let server = Server::serve(&database);
        assert_eq!(verdict(&server), "damaged", "{name}");
        server.signal("TERM");
        let (status, _, log) = server.wait();
        assert!(status.success(), "{status}");
        assert!(
            log.contains("is damaged") && log.contains("restore a backup"),
            "{log}"
        );
    }
}

#[test]
fn a_sound_file_is_said_to_be_sound_whatever_its_size() {
    for is_large in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("invited.db");
        drop(Server::serve(&database));
        if is_large {
            enlarge(&Connection::open(&database).expect("it opens"));
        }
        let server = Server::serve(&database);
        assert_eq!(verdict(&server), "ok");
        server.signal("TERM");
        let (status, elapsed, log) = server.wait();
        assert!(
            status.success() && elapsed < Duration::from_secs(5) && !log.contains("damage"),
            "{log}"
        );
    }
}
