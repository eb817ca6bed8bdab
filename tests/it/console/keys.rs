//! The place of API keys.

use invited::base::clock::Timestamp;
use invited::base::role::Role;
use invited::key::{NewKey, Rights, Scope};

use super::{Person, dev};
use crate::support::{START, TestApp, invitations};

/// The path of the form of a new key.
const NEW: &str = "/console/keys/new";

/// The id in a whole key.
fn id_of(key: &str) -> &str {
    &key[4..20]
}

/// The whole key that a page shows.
fn shown_key(page: &str) -> String {
    let (_, rest) = page.split_once("value=\"ivk_").expect("a key");
    let end = rest.find('"').expect("its end");
    format!("ivk_{}", &rest[..end])
}

#[test]
fn a_new_key_is_shown_once_and_can_do_what_was_chosen() {
    let app = TestApp::serve();
    let person = Person::with_key(&app, &app.key);
    let form = person.page(NEW);
    assert_eq!(form.matches("type=\"checkbox\"").count(), Scope::ALL.len());
    let fields = [
        ("name", "backend"),
        ("scopes", "invitations:read"),
        ("scopes", "invitations:write"),
        ("organizations", "acme, globex"),
        ("roles", "developer"),
        ("days", "30"),
    ];
    let made = person.post(NEW, &fields);
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let page = made.text();
    let key = shown_key(&page);
    assert!(page.contains("only this once"), "{page}");
    assert!(
        page.contains(&format!(
            "curl -H &#x27;Authorization: Bearer {key}&#x27; &#x27;http://invited.test/v1/organizations&#x27;"
        )),
        "{page}"
    );
    let listed = app.get(&format!("/v1/keys/{}", id_of(&key))).json();
    assert_eq!(
        listed["organizations"],
        serde_json::json!(["acme", "globex"])
    );
    assert_eq!(listed["roles"], serde_json::json!(["developer"]));
    let end = Timestamp::from_millis(START + 30 * 86_400_000).to_string();
    assert_eq!(listed["expiresAt"], end);
    assert_eq!(listed["createdBy"], id_of(&app.key));
    let answer = app.anonymous("GET", &invitations("acme")).bearer(&key);
    assert_eq!(answer.send().status, 200);
    let answer = app.anonymous("GET", &invitations("initech")).bearer(&key);
    assert_eq!(answer.send().status, 404);
    // No other page has it.
    for path in ["/console/keys", &format!("/console/keys/{}", id_of(&key))] {
        let page = person.page(path);
        assert!(page.contains(id_of(&key)) && !page.contains(&key), "{path}");
    }
}

#[test]
fn a_refused_form_says_what_is_wrong_where_it_is_and_keeps_what_was_typed() {
    let app = dev();
    let person = Person::of_development(&app);
    let fine = [("name", "backend"), ("scopes", "invitations:read")];
    for (name, value, pointer) in [
        ("name", "back\u{202e}end", "name"),
        ("scopes", "everything", "scopes"),
        ("organizations", "acme, <b>", "organizations"),
        ("roles", "developer, \"><img", "roles"),
        ("days", "0", "expiresIn"),
        ("days", "soon", "expiresIn"),
        ("days", "99999999999999999", "expiresIn"),
    ] {
        let others = fine.into_iter().filter(|(other, _)| *other != name);
        let fields: Vec<_> = others.chain([(name, value)]).collect();
        let answer = person.post(NEW, &fields);
        let page = answer.text();
        assert_eq!(answer.status, 422, "{name}: {page}");
        assert_eq!(
            page.matches(&format!("id=\"wrong-{pointer}\"")).count(),
            1,
            "{page}"
        );
        assert!(!page.contains("<img") && !page.contains("<b>"), "{page}");
        if name != "scopes" {
            let typed = value
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;");
            assert!(page.contains(&typed), "{name}: {page}");
            assert!(
                page.contains("value=\"invitations:read\" checked"),
                "{name}"
            );
        }
    }
    let unscoped = person.post(NEW, &[("name", "backend")]);
    assert_eq!(unscoped.status, 422);
    assert!(unscoped.text().contains("Choose at least one."));
    assert_eq!(app.get("/v1/keys").json(), serde_json::json!([]));
}

#[test]
fn revoking_says_what_stops_and_ends_the_sessions_of_the_key() {
    let app = TestApp::serve();
    let other = app.key(&[Scope::Read], &[], None);
    let admin = Person::with_key(&app, &app.key);
    let reader = Person::with_key(&app, &other);
    Person::with_key(&app, &other);
    let way = format!("/console/keys/{}/revoke", id_of(&other));
    let asked = admin.page(&way);
    assert!(
        asked.contains("2 sessions of the console end at once."),
        "{asked}"
    );
    assert!(!asked.contains("No other live key"), "{asked}");
    assert_eq!(reader.get("/console").status, 200, "to ask changes nothing");

    let done = admin.post(&way, &[]);
    assert_eq!(done.status, 303, "{}", done.text());
    let page = format!("/console/keys/{}", id_of(&other));
    let end = format!("{page}?did=key-revoked");
    assert!(
        done.header("location")
            .is_some_and(|location| location.ends_with(&end))
    );
    let page = admin.page(&end);
    assert!(
        page.contains("It opens nothing any more.") && page.contains(">Revoked<"),
        "{page}"
    );
    assert_eq!(reader.get("/console").status, 401);
    let history = app.get("/v1/audit?action=key.revoked").json();
    assert_eq!(history[0]["subject"], id_of(&other));
    assert_eq!(history[0]["actor"], id_of(&app.key));
}

#[test]
fn the_last_admin_key_can_be_revoked_after_a_warning_which_ends_the_visit() {
    let app = TestApp::serve();
    let admin = Person::with_key(&app, &app.key);
    let way = format!("/console/keys/{}/revoke", id_of(&app.key));
    let asked = admin.page(&way);
    assert!(
        asked.contains("No other live key may manage keys."),
        "{asked}"
    );
    assert!(
        asked.contains("One session of the console ends at once, yours too."),
        "{asked}"
    );
    let done = admin.post(&way, &[]);
    assert_eq!(
        (done.status, done.header("location")),
        (303, Some("../../sign-in"))
    );
    assert_eq!(admin.get("/console").status, 401);
}

#[test]
fn live_keys_come_first_and_those_that_ended_stay_in_a_list_of_their_own() {
    let app = TestApp::serve();
    let admin = Person::with_key(&app, &app.key);
    let soon = Timestamp::from_millis(START + 1000);
    let short = app.key(&[Scope::Read], &["acme"], Some(soon));
    assert!(admin.page("/console/keys").contains(id_of(&short)));
    app.advance_to(1000);
    assert!(!admin.page("/console/keys").contains(id_of(&short)));
    let ended = admin.page("/console/keys?state=ended");
    assert!(
        ended.contains(id_of(&short)) && ended.contains(">Expired<"),
        "{ended}"
    );
    assert!(
        admin
            .page("/console/keys?state=%3Cscript%3E")
            .contains("Live")
    );
}

#[test]
fn a_long_list_comes_in_pages_that_hold_every_key_once() {
    let app = TestApp::serve();
    let admin = Person::with_key(&app, &app.key);
    let mut all: Vec<_> = (0..100)
        .map(|_| id_of(&app.key(&[Scope::Read], &[], None)).to_owned())
        .collect();
    all.push(id_of(&app.key).to_owned());
    let (mut seen, mut way) = (Vec::new(), "/console/keys".to_owned());
    loop {
        let page = admin.page(&way);
        let links = page
            .split("class=\"row\" dir=\"auto\" href=\"../console/keys/")
            .skip(1);
        seen.extend(links.map(|rest| rest[..16].to_owned()));
        let Some((_, rest)) = page.split_once("href=\"?state=live&amp;after=") else {
            break;
        };
        way = format!("/console/keys?state=live&after={}", &rest[..16]);
        assert!(seen.len() < 200, "it does not end");
    }
    seen.sort();
    all.sort();
    assert_eq!(seen, all);
}

#[test]
fn a_narrow_admin_sees_and_makes_no_key_beyond_its_own_rights() {
    let app = TestApp::serve();
    let bound = app.key(&[Scope::Admin], &["acme", "globex"], None);
    let mine = app.key(&[Scope::Read], &["acme"], None);
    let foreign = app.key(&[Scope::Read], &["initech"], None);
    let person = Person::with_key(&app, &bound);
    let page = person.page("/console/keys");
    assert!(page.contains(id_of(&mine)), "{page}");
    for hidden in [&foreign, &app.key] {
        assert!(!page.contains(&format!("keys/{}", id_of(hidden))), "{page}");
        for way in ["", "/revoke"] {
            let path = format!("/console/keys/{}{way}", id_of(hidden));
            assert_eq!(person.get(&path).status, 404, "{path}");
        }
        let path = format!("/console/keys/{}/revoke", id_of(hidden));
        assert_eq!(person.post(&path, &[]).status, 404, "{path}");
        assert_eq!(
            app.get(&format!("/v1/keys/{}", id_of(hidden))).json()["status"],
            "live"
        );
    }
    assert!(person.page(NEW).contains("value=\"acme, globex\""));
    for organizations in ["", "initech", "acme, initech"] {
        let fields = [
            ("name", "wide"),
            ("scopes", "admin"),
            ("organizations", organizations),
        ];
        let answer = person.post(NEW, &fields);
        assert_eq!(answer.status, 403, "{organizations}");
        let page = answer.text();
        assert!(
            page.contains("key_exceeds_own_rights") && !page.contains("ivk_"),
            "{page}"
        );
    }
    let limited = app.insert_key(&NewKey {
        name: "viewers".to_owned(),
        rights: Rights {
            scopes: [Scope::Admin].into_iter().collect(),
            organizations: None,
            roles: Role::parse("viewer").map(|role| vec![role]),
        },
        expires_at: None,
    });
    let limited = Person::with_key(&app, &limited);
    assert!(
        !limited
            .page("/console/keys")
            .contains(&format!("keys/{}", id_of(&mine)))
    );
}

#[test]
fn who_may_not_manage_keys_finds_no_place_for_them() {
    let app = TestApp::serve();
    let key = app.key(&[Scope::Read, Scope::Write, Scope::Link], &[], None);
    let person = Person::with_key(&app, &key);
    assert!(!person.page("/console").contains("console/keys"));
    let one = format!("/console/keys/{}", id_of(&app.key));
    let revoke = format!("{one}/revoke");
    for path in ["/console/keys", NEW, &one, &revoke] {
        assert_eq!(person.get(path).status, 403, "{path}");
    }
    let fields = [("name", "mine"), ("scopes", "admin")];
    assert_eq!(person.post(NEW, &fields).status, 403);
    assert_eq!(person.post(&revoke, &[]).status, 403);
    assert_eq!(
        app.get(&one.replace("/console", "/v1")).json()["status"],
        "live"
    );
    // A page of another site cannot make one, either.
    let admin = Person::with_key(&app, &app.key);
    let forged = admin
        .request("POST", NEW)
        .header("Origin", "http://evil.test")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("name=mine&scopes=admin")
        .send();
    assert_eq!(forged.status, 403);
    assert_eq!(app.get("/v1/keys").json().as_array().map(Vec::len), Some(2));
}
