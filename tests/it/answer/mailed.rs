//! A mailed link: it proves the address by itself where that is set, and with a code else.

use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::{by_code, told_of_its_form, useless};
use crate::support::TestApp;
use crate::support::life::{another_code, path_of, refusal, wrong};

/// A server with this setting, whose clock shows the present; an invitation, and its mailed token.
pub fn start(acceptance: &str) -> (TestApp, Value, String) {
    let limits = ["--limit-proofs", "0", "--limit-address", "0"];
    let own = ["--acceptance", acceptance, "--resend-cooldown", "0s"];
    let app = TestApp::start(Mode::Serve, &[limits, own].concat());
    app.set_present();
    let made = app.invite("acme", "a@b.co");
    let token = app.mailed_token_of(&made);
    (app, made, token)
}

/// Makes a body with a token.
type Body<'a> = &'a dyn Fn(&str) -> Value;

/// The body of a proof by the mailed link.
pub fn by_link(token: &str) -> Value {
    json!({ "token": token })
}

/// Sets what the organization asks of a mailed link.
fn set(app: &TestApp, acceptance: &Value) {
    let answer = app
        .request("PUT", "/v1/organizations/acme")
        .json(json!({ "acceptance": acceptance }).to_string())
        .send();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// What a lookup says that proves the address.
fn acceptance(app: &TestApp, token: &str) -> Value {
    let answer = app.person("lookup", &by_link(token));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["acceptance"].clone()
}

#[test]
fn it_accepts_and_declines_without_a_key_an_address_or_a_code() {
    for (what, status, event) in [
        ("accept", "accepted", "invitation.accepted"),
        ("decline", "declined", "invitation.declined"),
    ] {
        let (app, made, token) = start("mailed-link");
        let answer = app.person(what, &by_link(&token));
        let expected = json!({ "organizationId": "acme", "role": "developer", "status": status,
            "expiresAt": made["expiresAt"] });
        assert_eq!(
            (answer.status, answer.json()),
            (200, expected),
            "what a lookup shows"
        );
        let now = app.look(&made);
        assert_eq!(
            (&now["status"], &now["acceptedBy"]),
            (&json!(status), &Value::Null)
        );
        let told = app.get("/v1/organizations/acme/events?limit=1").json()[0].clone();
        assert_eq!(
            (&told["type"], &told["actor"]),
            (&json!(event), &json!("person"))
        );
        for again in ["accept", "decline"] {
            let answer = app.person(again, &by_link(&token));
            assert_eq!(refusal(&answer), (409, "status_conflict".to_owned()));
            assert_eq!(answer.json()["invitationStatus"], status);
        }
        assert_eq!(
            app.person("lookup", &by_link(&token)).json(),
            answer.json(),
            "nothing proves anything any more"
        );
    }
}

#[test]
fn the_link_that_an_application_gives_proves_nothing_under_any_setting() {
    for setting in ["mailed-link", "code"] {
        let (app, made, mailed) = start(setting);
        let given = app.token_of(&made);
        assert_ne!(given[4..], mailed[4..]);
        let before = app.contents();
        for what in ["accept", "decline"] {
            let answer = app.person(what, &by_link(&given));
            assert_eq!(refusal(&answer), (401, "unauthorized".to_owned()), "{what}");
            // The MAC of one kind is worth nothing as the other.
            for (as_other, expected) in [
                (given.replace("ivt_", "ivm_"), (404, "proof_rejected")),
                (mailed.replace("ivm_", "ivt_"), (401, "unauthorized")),
            ] {
                let answer = app.person(what, &by_link(&as_other));
                assert_eq!(refusal(&answer), (expected.0, expected.1.to_owned()));
                assert_eq!(app.person("lookup", &by_link(&as_other)).status, 404);
            }
        }
        assert_eq!(app.contents(), before);
        assert_eq!(acceptance(&app, &given), "code");
        assert_eq!(acceptance(&app, &mailed), setting);
    }
}

#[test]
fn where_a_code_is_asked_for_the_mailed_link_alone_is_refused_as_one_that_opens_nothing() {
    let (app, made, token) = start("code");
    let before = app.contents();
    let unknown = format!("ivm_{}_{}", super::MISSING, &token[37..]);
    for what in ["accept", "decline"] {
        let refused = app.person(what, &by_code(&token, "a@b.co", "000000"));
        let expected = refused.without_request_id();
        for token in [&token, &unknown] {
            let answer = app.person(what, &by_link(token));
            assert_eq!(
                (answer.status, answer.without_request_id()),
                (404, expected.clone()),
                "{what} {token}"
            );
        }
    }
    assert_eq!(
        refusal(&app.person("accept", &by_link(&token))).1,
        "proof_rejected"
    );
    assert_eq!(app.look(&made)["status"], "pending");
    assert_eq!(app.contents()["event"], before["event"]);
    // That it was revoked can be seen without any proof.
    assert_eq!(app.change(&made, "revoke", &json!({})).status, 200);
    let answer = app.person("accept", &by_link(&token));
    assert_eq!(refusal(&answer), (409, "status_conflict".to_owned()));
}

#[test]
fn its_holder_asks_for_a_code_and_answers_with_it_without_naming_the_address() {
    for setting in ["code", "mailed-link"] {
        for email in [None, Some("A@b.co")] {
            let (app, made, token) = start(setting);
            let answer = app.person("code", &by_link(&token));
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (202, r#"{"expiresIn":600}"#)
            );
            let code = app.code_of(&made).expect("a code for the invited address");
            let mut body = json!({ "token": token, "code": another_code(&code) });
            body["email"] = json!(email);
            assert_eq!(
                refusal(&app.person("accept", &body)),
                (404, "proof_rejected".to_owned()),
                "{body}"
            );
            body["code"] = json!(code);
            let mut elsewhere = body.clone();
            elsewhere["email"] = json!("eve@b.co");
            assert_eq!(app.person("accept", &elsewhere).status, 404);
            let answer = app.person("accept", &body);
            assert_eq!(
                (answer.status, &answer.json()["status"]),
                (200, &json!("accepted")),
                "{setting} {body}"
            );
        }
    }
    // What was asked for with one kind is answered with the other.
    let (app, made, token) = start("code");
    let given = app.token_of(&made);
    app.ask_code(&given, "a@b.co");
    let code = app.code_of(&made).expect("a code");
    let body = json!({ "token": token, "code": code });
    assert_eq!(app.person("decline", &body).json()["status"], "declined");
}

#[test]
fn a_given_link_still_needs_the_address_for_a_code_and_with_one() {
    let (app, made, _) = start("code");
    let given = app.token_of(&made);
    for (what, body) in [
        ("code", by_link(&given)),
        ("accept", json!({ "token": given, "code": "123456" })),
    ] {
        let answer = app.person(what, &body);
        assert_eq!(
            wrong(&answer),
            [("/email".to_owned(), "required".to_owned())],
            "{what}"
        );
    }
}

#[test]
fn every_mailed_token_that_opens_nothing_gets_the_bytes_of_a_given_one() {
    let (app, made, superseded) = start("mailed-link");
    let given = app.token_of(&made);
    assert_eq!(app.change(&made, "resend", &json!({})).status, 200);
    let deleted = app.invite("acme", "deleted@b.co");
    let of_deleted = app.mailed_token_of(&deleted);
    assert_eq!(app.request("DELETE", &path_of(&deleted)).send().status, 204);
    let erased = app.invite("acme", "erased@b.co");
    let of_erased = app.mailed_token_of(&erased);
    let erase = app.request("DELETE", "/v1/invitations?email=erased@b.co");
    assert_eq!(erase.send().status, 200);
    let mailed = app.mailed_token_of(&made);
    let mut rows = useless(&app, &made, &mailed);
    rows.extend([
        ("superseded", superseded),
        ("of a deleted one", of_deleted),
        ("of an erased one", of_erased),
    ]);
    let before = app.contents();
    let operations: [(&str, Body<'_>); 4] = [
        ("lookup", &|token| json!({ "token": token })),
        (
            "code",
            &|token| json!({ "token": token, "email": "a@b.co" }),
        ),
        ("accept", &|token| by_code(token, "a@b.co", "123456")),
        ("decline", &|token| by_code(token, "a@b.co", "123456")),
    ];
    for (what, body) in operations {
        let expected = app.person(what, &body(&given));
        for (wrong, token) in &rows {
            let answer = app.person(what, &body(token));
            if told_of_its_form(&answer, token) {
                continue;
            }
            assert_eq!(
                (answer.status, answer.without_request_id()),
                (404, expected.without_request_id()),
                "{what}: {wrong}"
            );
        }
    }
    // By itself it is refused as any proof is. A given one needs a key.
    let expected = app.person("accept", &by_code(&given, "a@b.co", "123456"));
    for (wrong, token) in rows.iter().filter(|row| row.1.starts_with("ivm_")) {
        for what in ["accept", "decline"] {
            let answer = app.person(what, &by_link(token));
            if told_of_its_form(&answer, token) {
                continue;
            }
            assert_eq!(
                (answer.status, answer.without_request_id()),
                (404, expected.without_request_id()),
                "{what}: {wrong}"
            );
        }
        assert_eq!(app.person("code", &by_link(token)).status, 404, "{wrong}");
    }
    assert_eq!(app.contents(), before);
    assert_eq!(app.person("accept", &by_link(&mailed)).status, 200);
}

#[test]
fn revoking_and_the_end_of_its_time_kill_it_as_the_given_one() {
    let (app, made, token) = start("mailed-link");
    assert_eq!(app.change(&made, "revoke", &json!({})).status, 200);
    for what in ["accept", "decline"] {
        let answer = app.person(what, &by_link(&token));
        assert_eq!(
            refusal(&answer),
            (409, "status_conflict".to_owned()),
            "{what}"
        );
        assert_eq!(answer.json()["invitationStatus"], "revoked");
    }
    let lapsing = app.invite("acme", "lapsing@b.co");
    let token = app.mailed_token_of(&lapsing);
    super::codes::pass(&app, 7 * 24 * 60 * 60 * 1000);
    let answer = app.person("accept", &by_link(&token));
    assert_eq!(
        answer.json()["invitationStatus"],
        "expired",
        "{}",
        answer.text()
    );
    assert_eq!(app.change(&lapsing, "resend", &json!({})).status, 200);
    assert_eq!(app.person("accept", &by_link(&token)).status, 404);
    let newest = app.mailed_token_of(&lapsing);
    assert_eq!(app.person("accept", &by_link(&newest)).status, 200);
}

#[test]
fn an_organization_may_ask_for_more_or_less_than_the_server_from_the_next_request_on() {
    for (server, own) in [("mailed-link", "code"), ("code", "mailed-link")] {
        let (app, _, token) = start(server);
        for (setting, expected) in [(json!(own), own), (Value::Null, server), (json!(own), own)] {
            set(&app, &setting);
            assert_eq!(acceptance(&app, &token), expected);
        }
        let shown = app.get("/v1/organizations/acme").json();
        assert_eq!(shown["acceptance"], own);
        let other = app.mailed_token_of(&app.invite("globex", "a@b.co"));
        assert_eq!(acceptance(&app, &other), server, "another organization");
        let status = |token: &str| app.person("accept", &by_link(token)).status;
        let expected = [("mailed-link", 200), ("code", 404)];
        for (acceptance, expected) in expected {
            let token = if acceptance == own { &token } else { &other };
            assert_eq!(status(token), expected, "{server} {own}");
        }
    }
}

#[test]
fn opening_it_a_hundred_times_changes_nothing() {
    let (app, _, token) = start("mailed-link");
    let before = app.contents();
    for number in 0..100 {
        let method = if number % 2 == 0 { "GET" } else { "HEAD" };
        for path in [
            "/accept".to_owned(),
            format!("/accept%23{token}"),
            format!("/accept?token={token}"),
        ] {
            assert_eq!(app.anonymous(method, &path).send().status, 200, "{path}");
        }
        for what in ["accept", "decline", "code"] {
            let path = format!("/v1/invitations/{what}?token={token}");
            let answer = app.anonymous(method, &path).send();
            assert!((400..500).contains(&answer.status), "{path}");
        }
        assert_eq!(app.person("lookup", &by_link(&token)).status, 200);
    }
    assert_eq!(app.contents(), before);
}

#[test]
fn of_many_at_once_one_joins() {
    let (app, _, token) = start("mailed-link");
    let statuses: Vec<u16> = std::thread::scope(|threads| {
        let accept = || app.person("accept", &by_link(&token)).status;
        let all: Vec<_> = (0..32).map(|_| threads.spawn(accept)).collect();
        all.into_iter()
            .map(|one| one.join().expect("an answer"))
            .collect()
    });
    let count = |status: u16| statuses.iter().filter(|one| **one == status).count();
    assert_eq!((count(200), count(409)), (1, 31), "{statuses:?}");
    assert_eq!(app.contents()["event"].len(), 2);
}
