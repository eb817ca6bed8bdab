//! Whose webhooks are whose: keys that are bound to organizations, scopes, and organizations that
//! go.

use invited::base::mode::Mode;
use invited::key::Scope;
use serde_json::{Value, json};

use super::{
    UNKNOWN, URL, WEBHOOKS, list, log_of, make_silent, path_of, send, send_test, tried,
    without_secret,
};
use crate::support::endpoint::Endpoint;
use crate::support::life::wrong;
use crate::support::{Answer, TestApp};

/// Every operation on one webhook, as method, what follows its path, and body. `DELIVERY` is to be
/// replaced.
fn operations() -> Vec<(&'static str, &'static str, Option<Value>)> {
    vec![
        ("GET", "", None),
        ("PATCH", "", Some(json!({ "enabled": false }))),
        ("POST", "/rotate", Some(json!({}))),
        ("POST", "/test", Some(json!({}))),
        ("GET", "/deliveries", None),
        ("GET", "/deliveries/DELIVERY", None),
        ("POST", "/deliveries/DELIVERY/redeliver", Some(json!({}))),
        ("DELETE", "", None),
    ]
}

/// A server that may speak to this machine without TLS.
fn serve() -> TestApp {
    TestApp::start(Mode::Serve, &["--webhook-allow", "127.0.0.1/32"])
}

/// Does everything with the webhook at `path`.
fn everything(app: &TestApp, key: &str, path: &str, delivery: &str) -> Vec<Answer> {
    let all = operations().into_iter();
    let ask = |(method, rest, body): (&str, &str, Option<Value>)| {
        send(
            app,
            key,
            (
                method,
                &format!("{path}{}", rest.replace("DELIVERY", delivery)),
            ),
            body.as_ref(),
        )
    };
    all.map(ask).collect()
}

#[test]
fn a_key_that_is_bound_manages_the_webhooks_of_its_organizations() {
    let app = serve();
    let key = app.key(&[Scope::Admin], &["acme", "globex"], None);
    make_silent(&app, None);
    make_silent(&app, Some("initech"));
    let mine: Vec<_> = ["globex", "acme"]
        .map(|id| without_secret(&make_silent(&app, Some(id))))
        .to_vec();
    let endpoint = Endpoint::start();
    let body =
        json!({ "url": endpoint.url(), "organizationId": "acme", "types": ["invitation.erased"] });
    let made = send(&app, &key, ("POST", WEBHOOKS), Some(&body));
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let seen = send(&app, &key, ("GET", WEBHOOKS), None).json();
    assert_eq!(seen, json!([mine[0], mine[1], without_secret(&made)]));
    let path = send_test(&app, &made);
    tried(&app, &path);
    let delivery = path.rsplit('/').next().expect("an id");
    let statuses: Vec<_> = everything(&app, &key, &path_of(&made), delivery)
        .iter()
        .map(|one| one.status)
        .collect();
    // A test and a redelivery are refused while it is paused.
    assert_eq!(statuses, [200, 200, 200, 409, 200, 200, 409, 204]);
    assert_eq!(list(&app).len(), 4);
}

#[test]
fn webhooks_of_others_and_of_all_are_as_if_they_were_not_there() {
    let app = serve();
    let key = app.key(&[Scope::Admin], &["acme"], None);
    let endpoint = Endpoint::start();
    let mine = make_silent(&app, Some("acme"));
    for organization in [Some("globex"), None] {
        let body = json!({ "url": endpoint.url(), "organizationId": organization,
            "types": ["invitation.erased"] });
        let foreign = super::make(&app, &body);
        let path = send_test(&app, &foreign);
        tried(&app, &path);
        let before = app.contents();
        let delivery = path.rsplit('/').next().expect("an id");
        let missing = everything(&app, &key, &format!("{WEBHOOKS}/{UNKNOWN}"), UNKNOWN);
        for (answer, missing) in everything(&app, &key, &path_of(&foreign), delivery)
            .iter()
            .zip(missing)
        {
            assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
            assert_eq!(answer.without_request_id(), missing.without_request_id());
            let names = |answer: &Answer| {
                answer
                    .headers
                    .iter()
                    .map(|(name, _)| name.clone())
                    .collect::<Vec<_>>()
            };
            assert_eq!(names(answer), names(&missing));
        }
        let own = format!("{}/{delivery}", log_of(&mine));
        for path in [own.clone(), format!("{own}/redeliver")] {
            let method = if path == own { "GET" } else { "POST" };
            assert_eq!(
                send(&app, &key, (method, &path), None).status,
                404,
                "a delivery of another webhook"
            );
        }
        assert_eq!(app.contents(), before);
        assert_eq!(
            everything(&app, &app.key, &path_of(&foreign), delivery)[0].status,
            200,
            "it is there"
        );
    }
    assert_eq!(
        send(&app, &key, ("GET", WEBHOOKS), None).json(),
        json!([without_secret(&mine)])
    );
}

#[test]
fn a_bound_key_makes_webhooks_for_its_organizations_only() {
    let app = TestApp::serve();
    let key = app.key(&[Scope::Admin], &["acme"], None);
    app.invite("globex", "a@b.co");
    let before = app.contents();
    let create = |body: Value| send(&app, &key, ("POST", WEBHOOKS), Some(&body));
    for body in [
        json!({ "url": URL }),
        json!({ "url": URL, "organizationId": null }),
    ] {
        let answer = create(body);
        assert_eq!(answer.status, 422);
        assert_eq!(
            wrong(&answer),
            [("/organizationId".to_owned(), "required".to_owned())]
        );
    }
    let [known, unknown] =
        ["globex", "nobody"].map(|id| create(json!({ "url": URL, "organizationId": id })));
    assert_eq!(known.status, 422);
    assert_eq!(
        wrong(&known),
        [("/organizationId".to_owned(), "not_allowed".to_owned())]
    );
    assert_eq!(known.without_request_id(), unknown.without_request_id());
    assert_eq!(app.contents(), before);
    let mine = create(json!({ "url": URL, "organizationId": "acme" })).json();
    let moved = send(
        &app,
        &key,
        ("PATCH", &path_of(&mine)),
        Some(&json!({ "organizationId": "globex" })),
    );
    assert_eq!(
        (moved.status, moved.code().as_str()),
        (400, "unknown_field")
    );
}

#[test]
fn webhooks_are_for_admins_only() {
    let app = TestApp::serve();
    let made = make_silent(&app, Some("acme"));
    let body = json!({ "url": URL, "organizationId": "acme" });
    let scopes = [Scope::Read, Scope::Write, Scope::Accept, Scope::Link];
    let keys = [
        app.key(&scopes, &["acme"], None),
        app.key(&scopes, &[], None),
    ];
    let before = app.contents();
    for key in keys {
        let mut answers = everything(&app, &key, &path_of(&made), UNKNOWN);
        answers.push(send(&app, &key, ("GET", WEBHOOKS), None));
        answers.push(send(&app, &key, ("POST", WEBHOOKS), Some(&body)));
        for answer in answers {
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (403, "insufficient_scope")
            );
        }
    }
    for (method, rest, body) in operations() {
        let request = app.anonymous(
            method,
            &format!("{}{}", path_of(&made), rest.replace("DELIVERY", UNKNOWN)),
        );
        let answer = body.map_or_else(
            || request.clone().send(),
            |body| request.clone().json(body.to_string()).send(),
        );
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "unauthorized"),
            "{method} {rest}"
        );
    }
    assert_eq!(app.anonymous("GET", WEBHOOKS).send().status, 401);
    assert_eq!(
        app.anonymous("POST", WEBHOOKS)
            .json(body.to_string())
            .send()
            .status,
        401
    );
    assert_eq!(app.contents(), before);
}

#[test]
fn an_organization_takes_its_webhooks_along_and_what_others_were_told_of_it() {
    let app = serve();
    let endpoint = Endpoint::start();
    let hook = |organization: Option<&str>| {
        super::make(
            &app,
            &json!({ "url": endpoint.url(), "organizationId": organization }),
        )
    };
    let [acme, globex, all] = [Some("acme"), Some("globex"), None].map(hook);
    for organization in ["acme", "globex"] {
        app.invite(organization, "a@b.co");
    }
    endpoint.wait(4);
    let told = |webhook: &Value| {
        let log = app.get(&log_of(webhook)).json();
        log.as_array().map_or(0, |log| {
            log.iter().filter(|one| one["state"] == "delivered").count()
        })
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while [&acme, &globex, &all].map(told) != [1, 1, 2] {
        assert!(
            std::time::Instant::now() < deadline,
            "{:?}",
            [&acme, &globex, &all].map(told)
        );
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(
        app.request("DELETE", "/v1/organizations/acme")
            .send()
            .status,
        204
    );
    assert_eq!(list(&app), [without_secret(&globex), without_secret(&all)]);
    assert_eq!(
        (
            app.get(&path_of(&acme)).status,
            app.get(&log_of(&acme)).status
        ),
        (404, 404)
    );
    let left = app.get(&log_of(&all)).json();
    assert_eq!(
        (left.as_array().map(Vec::len), &left[0]["organizationId"]),
        (Some(1), &json!("globex"))
    );
    assert_eq!(app.db_rows("select 'a row' from webhook_delivery").len(), 2);
    assert_eq!(
        app.db_rows("pragma foreign_key_check"),
        Vec::<Vec<String>>::new()
    );
}
