//! The place of webhooks.

use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use invited::key::Scope;
use serde_json::{Value, json};

use super::{Person, dev};
use crate::support::endpoint::{Act, Endpoint};
use crate::support::{Answer, TestApp};

/// The path of the form of a new webhook.
const NEW: &str = "/console/webhooks/new";
/// Where nothing listens, and nothing is ever sent in a test.
const URL: &str = "https://app.example.com/hooks";

/// Makes a webhook with the API.
fn make(app: &TestApp, body: &Value) -> Value {
    let answer = app.post("/v1/webhooks", &body.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

/// The page of a webhook.
fn page_of(webhook: &Value) -> String {
    format!(
        "/console/webhooks/{}",
        webhook["id"].as_str().expect("an id")
    )
}

/// What a page of the console is about, as the API shows it.
fn shown(app: &TestApp, page: &str) -> Value {
    app.get(&page.replace("/console", "/v1")).json()
}

/// The secret that a page shows.
fn secret_of(page: &str) -> String {
    let (_, rest) = page.split_once("value=\"whsec_").expect("a secret");
    format!("whsec_{}", &rest[..rest.find('"').expect("its end")])
}

/// Whether a form led back to `way`.
fn leads_to(answer: &Answer, way: &str) -> bool {
    let location = answer.header("location");
    answer.status == 303 && location.is_some_and(|location| location.ends_with(way))
}

/// The newest delivery of a webhook, once a try of it has ended.
fn tried(app: &TestApp, page: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let newest = shown(app, &format!("{page}/deliveries"))[0].clone();
        if newest["lastAttemptAt"].is_string() {
            return newest;
        }
        assert!(Instant::now() < deadline, "{newest}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_new_webhook_shows_its_secret_once_and_so_does_a_rotation() {
    let app = TestApp::serve();
    let person = Person::with_key(&app, &app.key);
    assert!(person.page("/console/webhooks").contains("No webhooks yet"));
    let fields = [
        ("url", URL),
        ("organizationId", "acme"),
        ("types", "invitation.accepted"),
        ("types", "invitation.declined"),
        ("description", "billing <b>"),
    ];
    let made = person.post(NEW, &fields);
    assert_eq!(made.status, 200, "{}", made.text());
    let first = secret_of(&made.text());
    let webhook = shown(&app, "/console/webhooks")[0].clone();
    assert_eq!(webhook["url"], URL);
    assert_eq!(webhook["organizationId"], "acme");
    assert_eq!(
        webhook["types"],
        json!(["invitation.accepted", "invitation.declined"])
    );
    let page = page_of(&webhook);
    let html = person.page(&page);
    assert!(
        html.contains("<h1><bdi>billing &lt;b&gt;</bdi></h1>"),
        "{html}"
    );

    let asked = person.page(&format!("{page}/rotate"));
    assert!(asked.contains("within 24 hours"), "{asked}");
    let rotated = person.post(&format!("{page}/rotate"), &[]);
    assert_eq!(rotated.status, 200);
    let second = secret_of(&rotated.text());
    assert_ne!(first, second);
    for path in [
        "/console/webhooks",
        &page,
        &format!("{page}/change"),
        "/console/history",
    ] {
        let html = person.get(path).text();
        assert!(!html.contains("whsec_"), "{path}");
    }
    let history = app.get("/v1/audit?action=webhook.created,webhook.secret_rotated");
    assert_eq!(history.json().as_array().map(Vec::len), Some(2));
}

#[test]
fn a_form_is_refused_at_its_field_and_keeps_what_was_typed() {
    let app = TestApp::serve();
    let person = Person::with_key(&app, &app.key);
    let page = page_of(&make(&app, &json!({ "url": URL })));
    let change = format!("{page}/change");
    for (name, value, pointer) in [
        ("url", "http://127.0.0.1/\"><script>", "url"),
        ("url", "https://user@app.example.com/", "url"),
        ("url", "", "url"),
        ("description", "bill\u{202e}ing", "description"),
        ("types", "invitation.lost", "types"),
        ("organizationId", "no id!", "organizationId"),
    ] {
        for way in [NEW, &change] {
            if name == "organizationId" && way != NEW {
                continue;
            }
            let all = [("url", URL), ("description", "billing")];
            let others = all.into_iter().filter(|(other, _)| *other != name);
            let fields: Vec<_> = others.chain([(name, value)]).collect();
            let answer = person.post(way, &fields);
            let html = answer.text();
            assert_eq!(answer.status, 422, "{way} {name}: {html}");
            let wrong = format!("id=\"wrong-{pointer}\"");
            assert_eq!(html.matches(&wrong).count(), 1, "{way} {name}: {html}");
            assert!(!html.contains("<script>"), "{html}");
            let typed = value
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;");
            assert!(
                name == "types" || html.contains(&typed),
                "{way} {name}: {html}"
            );
        }
    }
    assert_eq!(
        shown(&app, "/console/webhooks").as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(shown(&app, &page)["url"], URL);
}

#[test]
fn a_webhook_is_changed_paused_enabled_and_deleted() {
    let app = TestApp::serve();
    let person = Person::with_key(&app, &app.key);
    let made = json!({ "url": URL, "description": "billing", "types": ["invitation.accepted"] });
    let page = page_of(&make(&app, &made));
    let filled = person.page(&format!("{page}/change"));
    assert!(
        filled.contains("value=\"invitation.accepted\" checked"),
        "{filled}"
    );
    assert_eq!(filled.matches(" checked").count(), 1);
    let other = "https://app.example.com/other";
    let changed = person.post(&format!("{page}/change"), &[("url", other)]);
    assert!(
        leads_to(&changed, "?did=webhook-changed"),
        "{}",
        changed.text()
    );
    let webhook = shown(&app, &page);
    assert_eq!(webhook["url"], other);
    assert!(webhook.get("types").is_none() && webhook.get("description").is_none());

    assert!(leads_to(
        &person.post(&format!("{page}/pause"), &[]),
        "?did=webhook-paused"
    ));
    assert_eq!(shown(&app, &page)["disabledReason"], "paused");
    let html = person.page(&page);
    assert!(
        html.contains(">Enable<") && !html.contains(">Send a test<"),
        "{html}"
    );
    let test = person.post(&format!("{page}/test"), &[]);
    assert_eq!(test.status, 409);
    assert!(test.text().contains("webhook_disabled"), "{}", test.text());
    assert!(leads_to(
        &person.post(&format!("{page}/enable"), &[]),
        "?did=webhook-enabled"
    ));
    assert_eq!(shown(&app, &page)["enabled"], true);

    assert!(
        person
            .page(&format!("{page}/delete"))
            .contains("Delete this webhook?")
    );
    assert_eq!(person.get(&page).status, 200, "to ask changes nothing");
    let deleted = person.post(&format!("{page}/delete"), &[]);
    assert!(
        leads_to(&deleted, "webhooks?did=webhook-deleted"),
        "{}",
        deleted.text()
    );
    assert_eq!(person.get(&page).status, 404);
    let actions: Vec<_> = app
        .get("/v1/audit?limit=4")
        .json()
        .as_array()
        .expect("an array")
        .iter()
        .map(|entry| entry["action"].as_str().unwrap_or_default().to_owned())
        .collect();
    let update = "webhook.updated";
    assert_eq!(actions, ["webhook.deleted", update, update, update]);
}

#[test]
fn the_log_shows_what_was_sent_and_what_became_of_it_and_sends_it_again() {
    let app = dev();
    let person = Person::of_development(&app);
    let endpoint = Endpoint::start();
    endpoint.script(&[Act::Status(503), Act::Status(204)]);
    let page = page_of(&make(&app, &json!({ "url": endpoint.url() })));
    assert!(person.page(&page).contains("Nothing was sent yet"));
    let sent = person.post(&format!("{page}/test"), &[]);
    assert!(leads_to(&sent, "?did=tested"), "{}", sent.text());
    let delivery = tried(&app, &page);
    assert_eq!(delivery["answerStatus"], 503);
    let way = format!(
        "{page}/deliveries/{}",
        delivery["id"].as_str().expect("an id")
    );
    let html = person.page(&page);
    assert!(
        html.contains("webhook.test") && html.contains(">503<"),
        "{html}"
    );
    assert!(html.contains(">Waiting<"), "{html}");
    assert!(person.page("/console/webhooks").contains("503"));
    for (state, is_there) in [("waiting", true), ("failed", false), ("delivered", false)] {
        let html = person.page(&format!("{page}?state={state}"));
        assert_eq!(html.contains("webhook.test"), is_there, "{state}: {html}");
    }
    let one = person.page(&way);
    assert!(
        one.contains("&quot;type&quot;: &quot;webhook.test&quot;"),
        "{one}"
    );
    assert!(
        one.contains(delivery["messageId"].as_str().expect("an id")),
        "{one}"
    );
    let again = person.post(&format!("{way}/redeliver"), &[]);
    assert!(leads_to(&again, "?did=redelivered"), "{}", again.text());
    let deadline = Instant::now() + Duration::from_secs(30);
    while shown(&app, &way)["state"] != "delivered" {
        assert!(Instant::now() < deadline, "{}", shown(&app, &way));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(person.page(&way).contains(">Delivered<"));
    person.post(&format!("{page}/pause"), &[]);
    let refused = person.post(&format!("{way}/redeliver"), &[]);
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("webhook.test"), "the page is there");
}

#[test]
fn a_long_log_comes_in_pages_that_keep_their_filter() {
    let app = TestApp::serve();
    let person = Person::with_key(&app, &app.key);
    let webhook = make(&app, &json!({ "url": URL }));
    let page = page_of(&webhook);
    person.post(&format!("{page}/pause"), &[]);
    // What is queued for a webhook that is paused stays; nothing is sent in this test.
    let conn = rusqlite::Connection::open(&app.database).expect("the file opens");
    conn.execute_batch(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 60)
         insert into webhook_delivery (webhook_id, id, state, lane, due_at, attempts, created_at)
         select id, unhex(printf('01a228bd000070008000%012x', i)), i % 2 * 2, iif(i % 2, null, 1),
                created_at, i % 2 * 9, created_at
         from webhook, n",
    )
    .expect("rows");
    let (mut seen, mut way) = (0, format!("{page}?state=failed"));
    loop {
        let html = person.page(&way);
        assert!(!html.contains(">Waiting</span>"), "{html}");
        seen += html.matches("class=\"row\"").count();
        let Some((_, rest)) = html.split_once("?after=") else {
            break;
        };
        let after = &rest[..rest.find('"').expect("its end")];
        way = format!("{page}?after={}", after.replace("&amp;", "&"));
        assert!(way.ends_with("&state=failed") && seen < 60, "{way}");
    }
    assert_eq!(seen, 30);
    let asked = person.page(&format!("{page}/delete"));
    assert!(
        asked.contains("30 deliveries that wait are never sent."),
        "{asked}"
    );
}

#[test]
fn a_narrow_admin_manages_the_webhooks_of_its_organizations_and_no_others() {
    let app = TestApp::start(Mode::Serve, &[]);
    let mine = page_of(&make(
        &app,
        &json!({ "url": URL, "organizationId": "acme" }),
    ));
    let others = [
        json!({ "url": URL, "organizationId": "initech" }),
        json!({ "url": URL }),
    ];
    let others = others.map(|body| page_of(&make(&app, &body)));
    let key = app.key(&[Scope::Admin], &["acme", "globex"], None);
    let person = Person::with_key(&app, &key);
    let list = person.page("/console/webhooks");
    let id = |page: &str| page.rsplit('/').next().unwrap_or_default().to_owned();
    assert!(list.contains(&id(&mine)), "{list}");
    let unknown = "/deliveries/019a0c5e-7b1c-7cc3-98c4-dc0c0c073991";
    for other in &others {
        assert!(!list.contains(&id(other)), "{list}");
        for way in ["", "/change", "/rotate", "/delete", unknown] {
            assert_eq!(person.get(&format!("{other}{way}")).status, 404, "{way}");
        }
        let redeliver = format!("{unknown}/redeliver");
        let ways = [
            "/change", "/rotate", "/delete", "/pause", "/enable", "/test", &redeliver,
        ];
        for way in ways {
            let answer = person.post(&format!("{other}{way}"), &[("url", URL)]);
            assert_eq!(answer.status, 404, "{way}: {}", answer.text());
        }
        assert_eq!(shown(&app, other)["enabled"], true);
    }
    let form = person.page(NEW);
    assert!(
        form.contains("<option value=\"globex\">globex</option>") && !form.contains("initech"),
        "{form}"
    );
    for organization in ["", "initech"] {
        let fields = [("url", URL), ("organizationId", organization)];
        assert_eq!(person.post(NEW, &fields).status, 422, "{organization}");
    }
    let fields = [("url", URL), ("organizationId", "globex")];
    assert_eq!(person.post(NEW, &fields).status, 200);
}

#[test]
fn who_may_not_manage_webhooks_finds_no_place_for_them() {
    let app = TestApp::serve();
    let page = page_of(&make(&app, &json!({ "url": URL })));
    let key = app.key(&[Scope::Read, Scope::Write], &[], None);
    let person = Person::with_key(&app, &key);
    assert!(!person.page("/console").contains("console/webhooks"));
    for path in ["/console/webhooks", NEW, &page, &format!("{page}/delete")] {
        assert_eq!(person.get(path).status, 403, "{path}");
    }
    for way in ["change", "rotate", "delete", "pause", "enable", "test"] {
        let answer = person.post(&format!("{page}/{way}"), &[("url", URL)]);
        assert_eq!(answer.status, 403, "{way}");
    }
    assert_eq!(person.post(NEW, &[("url", URL)]).status, 403);
    assert_eq!(
        shown(&app, "/console/webhooks").as_array().map(Vec::len),
        Some(1)
    );
}
