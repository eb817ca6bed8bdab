//! Members of many invitations, and what they accept while they are changed.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use serde_json::{Value, json};

use super::{at, each, join, result};
use crate::support::{Answer, TestApp, invitations};

/// The member whom these tests are about.
const USER: &str = "user_7";

/// Asks for a change of the member.
fn send(app: &TestApp, method: &str, body: &Value) -> Answer {
    let request = app.request(method, &at("acme", &format!("members/{USER}")));
    let request = if method == "PATCH" {
        request.json(body.to_string())
    } else {
        request
    };
    request.send()
}

#[test]
fn a_member_of_200_invitations_changes_at_once_and_one_of_more_is_refused_and_unchanged() {
    let app = TestApp::serve();
    for number in 0..200 {
        join(&app, &format!("p{number}@b.co"), "viewer", Some(USER));
    }
    result(&send(&app, "PATCH", &json!({ "role": "admin" })));
    let roles = each(&result(&app.get(&at("acme", "members"))), "role");
    assert_eq!(
        (roles.len(), roles.iter().all(|role| role == "admin")),
        (200, true)
    );
    join(&app, "p200@b.co", "viewer", Some(USER));
    let before = app.contents();
    for (method, body) in [
        ("PATCH", json!({ "role": "developer" })),
        ("PATCH", json!({})),
        ("DELETE", json!(null)),
    ] {
        let refused = send(&app, method, &body);
        let error = refused.json()["error"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(
            refused.status == 409 && error.contains("more than 200 invitations"),
            "{method}: {error}"
        );
        assert_eq!(app.contents(), before, "{method} {body}");
    }
    assert_eq!(
        result(&send(&app, "GET", &json!(null)))["email"],
        "p200@b.co"
    );
    let latest = app.get(&invitations("acme")).json()[0]["id"].clone();
    let one = format!(
        "{}/{}",
        invitations("acme"),
        latest.as_str().expect("an id")
    );
    assert_eq!(app.request("DELETE", &one).send().status, 204);
    assert_eq!(send(&app, "DELETE", &json!(null)).status, 200);
    assert_eq!(result(&app.get(&at("acme", "members"))), json!([]));
}

/// The invitations of the history that had another role than the member was given, although they
/// were accepted before that; of `events` the earliest first.
fn missed(events: &[Value]) -> Vec<String> {
    let mut roles: BTreeMap<String, Value> = BTreeMap::new();
    let mut given: Option<(Value, Value)> = None;
    let mut missed = BTreeSet::new();
    let mut check = |roles: &BTreeMap<String, Value>, given: &mut Option<(Value, Value)>| {
        if let Some((_, role)) = given.take() {
            let others = roles.iter().filter(|(_, own)| **own != role);
            missed.extend(others.map(|(id, _)| id.clone()));
        }
    };
    for event in events {
        let request = &event["requestId"];
        if given.as_ref().is_some_and(|(by, _)| by != request) {
            check(&roles, &mut given);
        }
        let id = event["invitationId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if event["type"] == "invitation.accepted" {
            roles.insert(id, json!("viewer"));
        } else if event["type"] == "invitation.updated" {
            let role = event["after"]["role"].clone();
            roles.insert(id, role.clone());
            given = Some((request.clone(), role));
        }
    }
    check(&roles, &mut given);
    missed.into_iter().collect()
}

#[test]
fn what_a_member_accepts_while_the_role_changes_gets_the_role_too() {
    let app = TestApp::serve();
    join(&app, "first@b.co", "viewer", Some(USER));
    // Among these the member has to be looked for.
    for part in 0..4 {
        let rows: Vec<_> = (0..1000)
            .map(|number| json!({ "email": format!("x{part}-{number}@b.co"), "role": "viewer" }))
            .collect();
        let batch = format!("{}/batch", invitations("acme"));
        let made = app.post(&batch, &json!({ "invitations": rows }).to_string());
        assert_eq!(made.status, 200, "{}", made.text());
    }
    thread::scope(|scope| {
        let accepting = scope.spawn(|| {
            for number in 0..80 {
                join(&app, &format!("p{number}@b.co"), "viewer", Some(USER));
            }
        });
        for role in ["admin", "guest"].iter().cycle() {
            result(&send(&app, "PATCH", &json!({ "role": role })));
            if accepting.is_finished() {
                break;
            }
        }
    });
    let (mut events, mut path) = (
        Vec::new(),
        "/v1/organizations/acme/events?order=asc&limit=1000".to_owned(),
    );
    loop {
        let page = app.get(&path);
        events.extend(page.json().as_array().expect("an array").clone());
        let Some(link) = page.header("link") else {
            break;
        };
        path = link
            .trim_start_matches('<')
            .split('>')
            .next()
            .unwrap_or_default()
            .to_owned();
    }
    assert_eq!(missed(&events), [""; 0]);
}
