//! Sending again: the same id, a new link, a new end; never too soon, never where another one
//! stands.

use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::{closed, events, last_event};
use crate::support::life::{path_of, refusal, wrong};
use crate::support::{Answer, TestApp, invitations};

/// Sends `made` again, without a body.
fn resend(app: &TestApp, made: &Value) -> Answer {
    app.request("POST", &format!("{}/resend", path_of(made)))
        .send()
}

/// Invites `email` to acme for a minute.
fn invite_briefly(app: &TestApp, email: &str) -> Value {
    let body = json!({ "email": email, "role": "developer", "expiresIn": 60 });
    let answer = app.post(&invitations("acme"), &body.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

#[test]
fn it_keeps_the_id_and_counts_and_has_a_new_end_and_a_new_link() {
    let app = TestApp::serve();
    let mut expected = app.invite("acme", "a@b.co");
    let mut tokens = vec![app.token_of(&expected)];
    let (at, end) = (
        ["2026-11-23T02:44:00.123Z", "2026-11-23T02:45:00.123Z"],
        ["2026-11-30T02:44:00.123Z", "2026-11-30T02:45:00.123Z"],
    );
    for times in 0..2 {
        app.advance_to(60_000 * (i64::try_from(times).expect("small") + 1));
        let answer = resend(&app, &expected);
        assert_eq!(answer.status, 200, "{}", answer.text());
        expected["expiresAt"] = json!(end[times]);
        expected["updatedAt"] = json!(at[times]);
        expected["lastSentAt"] = json!(at[times]);
        expected["sendCount"] = json!(times + 1);
        assert_eq!(
            (answer.json(), app.look(&expected)),
            (expected.clone(), expected.clone())
        );
        let token = app.token_of(&expected);
        assert!(!tokens.contains(&token));
        for old in tokens.iter().chain([&token]) {
            let status = app.person("lookup", &json!({ "token": old })).status;
            assert_eq!(
                status,
                if *old == token { 200 } else { 404 },
                "the old link is dead at once"
            );
        }
        tokens.push(token);
    }
    let event = last_event(&app);
    assert_eq!(event["type"], "invitation.renewed");
    assert_eq!(
        event["before"],
        json!({ "expiresAt": "2026-11-30T02:44:00.123Z" })
    );
    assert_eq!(
        event["after"],
        json!({ "expiresAt": "2026-11-30T02:45:00.123Z" })
    );
}

#[test]
fn its_end_can_be_said_and_a_wrong_one_changes_nothing() {
    let app = TestApp::start(Mode::Serve, &["--resend-cooldown", "0s"]);
    let made = app.invite("acme", "a@b.co");
    for (body, end) in [
        (json!({ "expiresIn": 60 }), "2026-11-23T02:44:00.123Z"),
        (
            json!({ "expiresAt": "2026-11-24T00:00:00Z" }),
            "2026-11-24T00:00:00.000Z",
        ),
        (
            json!({ "expiresIn": null, "expiresAt": null }),
            "2026-11-30T02:43:00.123Z",
        ),
        (json!({}), "2026-11-30T02:43:00.123Z"),
    ] {
        assert_eq!(
            app.change(&made, "resend", &body).json()["expiresAt"],
            end,
            "{body}"
        );
    }
    let before = app.contents();
    for (body, pointer) in [
        (json!({ "expiresIn": 59 }), "/expiresIn"),
        (json!({ "expiresIn": -60 }), "/expiresIn"),
        (json!({ "expiresAt": "2026-11-23T02:43:00Z" }), "/expiresAt"),
        (
            json!({ "expiresIn": 60, "expiresAt": "2026-11-24T00:00:00Z" }),
            "/expiresAt",
        ),
    ] {
        let answer = app.change(&made, "resend", &body);
        assert_eq!(
            (answer.status, &*wrong(&answer)[0].0),
            (422, pointer),
            "{body}"
        );
    }
    for body in [
        json!({ "role": "admin" }),
        json!({ "email": "a@b.co" }),
        json!({ "onConflict": "resend" }),
    ] {
        assert_eq!(
            refusal(&app.change(&made, "resend", &body)),
            (400, "unknown_field".to_owned()),
            "{body}"
        );
    }
    assert_eq!(app.contents(), before);
}

#[test]
fn the_cool_down_counts_from_the_last_sending_to_the_millisecond() {
    for (settings, cooldown) in [(&[][..], 60_000), (&["--resend-cooldown", "90s"], 90_000)] {
        let app = TestApp::start(Mode::Serve, settings);
        let made = app.invite("acme", "a@b.co");
        for sent in [0, cooldown] {
            let before = app.contents();
            for (millis, wait) in [
                (0, cooldown / 1000),
                (1, cooldown / 1000),
                (cooldown - 1_000, 1),
                (cooldown - 1, 1),
            ] {
                app.advance_to(sent + millis);
                let answer = resend(&app, &made);
                assert_eq!(
                    refusal(&answer),
                    (429, "resend_too_soon".to_owned()),
                    "{millis}"
                );
                assert_eq!(
                    answer.header("retry-after"),
                    Some(&*wait.to_string()),
                    "{millis}"
                );
            }
            assert_eq!(app.contents(), before);
            app.advance_to(sent + cooldown);
            assert_eq!(resend(&app, &made).status, 200);
        }
        app.advance_to(3 * cooldown + 1);
        assert_eq!(resend(&app, &made).status, 200);
    }
    let app = TestApp::start(Mode::Dev, &[]);
    let made = app.invite("acme", "a@b.co");
    assert_eq!(
        [(); 3].map(|()| resend(&app, &made).status),
        [200; 3],
        "in development there is none"
    );
}

#[test]
fn an_expired_one_comes_back_with_its_place_and_a_live_link() {
    let app = TestApp::serve();
    let made = invite_briefly(&app, "a@b.co");
    let old = app.token_of(&made);
    app.advance_to(60_000);
    assert_eq!(app.look(&made)["status"], "expired");
    let answer = resend(&app, &made);
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (200, &json!("pending")),
        "{}",
        answer.text()
    );
    assert_eq!(
        last_event(&app)["before"],
        json!({ "status": "expired", "expiresAt": "2026-11-23T02:44:00.123Z" })
    );
    assert_eq!(
        last_event(&app)["after"],
        json!({ "status": "pending", "expiresAt": "2026-11-30T02:44:00.123Z" })
    );
    assert_eq!(app.person("lookup", &json!({ "token": old })).status, 404);
    let body = json!({ "email": "a@b.co", "role": "developer" }).to_string();
    assert_eq!(
        app.post(&invitations("acme"), &body).code(),
        "already_invited"
    );
    assert_eq!(
        app.change(&made, "accept", &json!({ "email": "a@b.co" }))
            .status,
        200
    );
}

#[test]
fn an_expired_one_stays_where_another_one_stands() {
    let app = TestApp::serve();
    let old = invite_briefly(&app, "a@b.co");
    app.advance_to(60_000);
    let next = invite_briefly(&app, "a@b.co");
    let before = app.contents();
    let answer = resend(&app, &old);
    assert_eq!(refusal(&answer), (409, "already_invited".to_owned()));
    assert_eq!(answer.json()["invitationId"], next["id"]);
    assert_eq!(app.contents(), before);
    app.advance_to(120_000);
    assert_eq!(
        resend(&app, &old).status,
        200,
        "one that has lapsed gives way"
    );
    assert_eq!(
        [&old, &next].map(|made| app.look(made)["status"].clone()),
        ["pending", "expired"]
    );
    assert_eq!(
        resend(&app, &next).code(),
        "already_invited",
        "and now it is the other way round"
    );
    assert_eq!(
        app.change(&old, "accept", &json!({ "email": "a@b.co" }))
            .status,
        200
    );
    let before = app.contents();
    let answer = resend(&app, &next);
    assert_eq!(refusal(&answer), (409, "already_accepted".to_owned()));
    assert_eq!(
        (&answer.json()["invitationId"], app.contents()),
        (&old["id"], before)
    );
    assert_eq!(app.request("DELETE", &path_of(&old)).send().status, 204);
    assert_eq!(resend(&app, &next).status, 200, "the address is free again");
}

#[test]
fn what_was_answered_or_revoked_is_never_sent_again() {
    let app = TestApp::serve();
    for (status, made) in closed(&app)
        .into_iter()
        .filter(|(status, _)| *status != "expired")
    {
        app.advance_to(600_000);
        let before = app.contents();
        let answer = resend(&app, &made);
        assert_eq!(
            refusal(&answer),
            (409, "status_conflict".to_owned()),
            "{status}"
        );
        let problem = answer.json();
        assert_eq!(
            (&problem["invitationStatus"], app.contents()),
            (&json!(status), before)
        );
        let next = match status {
            "accepted" => "The person has joined by it.",
            _ => "Invite the address anew.",
        };
        assert_eq!(
            problem["detail"],
            format!("The invitation is {status} and cannot be sent again any more. {next}")
        );
    }
}

#[test]
fn a_cap_and_the_settings_of_today_hold_for_what_comes_back() {
    let app = TestApp::serve();
    let old = invite_briefly(&app, "a@b.co");
    app.advance_to(60_000);
    let put = |body: &str| {
        app.request("PUT", "/v1/organizations/acme")
            .json(body)
            .send()
            .status
    };
    assert_eq!(put(r#"{"maxPending":1}"#), 200);
    let next = app.invite("acme", "next@b.co");
    let before = app.contents();
    assert_eq!(
        refusal(&resend(&app, &old)),
        (409, "pending_limit_reached".to_owned())
    );
    assert_eq!(app.contents(), before);
    app.advance_to(120_000);
    assert_eq!(
        resend(&app, &next).status,
        200,
        "one that is pending is not one more"
    );
    assert_eq!(app.change(&next, "revoke", &json!({})).status, 200);
    assert_eq!(resend(&app, &old).status, 200);
    let body = json!({ "email": "third@b.co", "role": "developer" }).to_string();
    assert_eq!(
        app.post(&invitations("acme"), &body).code(),
        "pending_limit_reached",
        "it counts again"
    );
    app.advance_to(180_000);
    for (settings, pointer) in [
        (r#"{"roles":["viewer"]}"#, "/role"),
        (r#"{"blockedDomains":["b.co"]}"#, "/email"),
    ] {
        assert_eq!(put(settings), 200);
        assert_eq!(wrong(&resend(&app, &old))[0].0, pointer);
    }
    assert_eq!(put(r#"{"defaultExpiresIn":61}"#), 200);
    assert_eq!(
        resend(&app, &old).json()["expiresAt"],
        "2026-11-23T02:47:01.123Z",
        "the organization's default"
    );
}

#[test]
fn an_idempotency_key_sends_it_once() {
    let app = TestApp::start(Mode::Serve, &["--resend-cooldown", "0s"]);
    let made = app.invite("acme", "a@b.co");
    let path = format!("{}/resend", path_of(&made));
    let once = |body: &str| {
        app.request("POST", &path)
            .header("Idempotency-Key", "k")
            .json(body)
            .send()
    };
    let first = once(r#"{"expiresIn":600}"#);
    app.advance_to(1_000);
    let second = once(r#"{"expiresIn":600}"#);
    assert_eq!((first.status, first.text()), (200, second.text()));
    assert_eq!(
        (second.header("idempotency-replayed"), events(&app)),
        (Some("true"), 2)
    );
    assert_eq!(
        once(r#"{"expiresIn":601}"#).code(),
        "idempotency_key_reused"
    );
    assert_eq!(app.look(&made)["sendCount"], 1);
    let other = app.invite("acme", "other@b.co");
    let request = app
        .request("POST", &format!("{}/resend", path_of(&other)))
        .header("Idempotency-Key", "k");
    assert_eq!(
        request.json(r#"{"expiresIn":600}"#).send().json()["id"],
        other["id"],
        "another path is another request"
    );
}

#[test]
fn if_match_is_checked_before_anything_is_sent() {
    let app = TestApp::start(Mode::Serve, &["--resend-cooldown", "0s"]);
    let made = app.invite("acme", "a@b.co");
    let path = path_of(&made);
    let tag = app.get(&path).header("etag").expect("a version").to_owned();
    app.advance_to(1);
    let with = || {
        app.request("POST", &format!("{path}/resend"))
            .header("If-Match", &tag)
            .send()
    };
    assert_eq!([with().status, with().status], [200, 412]);
    assert_eq!(app.look(&made)["sendCount"], 1);
}
