//! Guessing is bounded: so many wrong proofs for a link, then nothing proves anything for it, and other links are as before.

use invited::config::Mode;
use serde_json::{Value, json};

use crate::support::life::{another_code, path_of, refusal};
use crate::support::{Answer, TestApp};

/// A server with an invitation and its token.
fn start(settings: &[&str]) -> (TestApp, Value, String) {
    let app = TestApp::start(Mode::Serve, &[&["--limit-address", "0"], settings].concat());
    app.set_present();
    let made = app.invite("acme", "a@b.co");
    let token = app.token_of(&made);
    (app, made, token)
}

/// Checks that `answer` refuses for the limit of proofs.
fn assert_locked(answer: &Answer, quota: u32) {
    assert_eq!(refusal(answer), (429, "rate_limited".to_owned()), "{}", answer.text());
    assert_eq!(answer.header("ratelimit-policy"), Some(&*format!("\"proofs\";q={quota};w=3600")));
    let wait: u32 = answer.header("retry-after").and_then(|wait| wait.parse().ok()).expect("Retry-After");
    assert!(wait <= 3600 / quota && wait > 3600 / quota - 60, "{wait}");
}

#[test]
fn ten_wrong_addresses_lock_a_link_for_the_right_one_too_and_no_other_link() {
    let (app, made, token) = start(&[]);
    let other = app.invite("globex", "a@b.co");
    let vouch = |token: &str, email: &str| {
        app.post("/v1/invitations/accept", &json!({ "token": token, "email": email }).to_string())
    };
    for number in 0..10 {
        let answer = vouch(&token, &format!("eve{number}@b.co"));
        assert_eq!(refusal(&answer), (403, "email_mismatch".to_owned()), "{number}");
    }
    let before = app.contents();
    assert_locked(&vouch(&token, "eve@b.co"), 10);
    assert_locked(&vouch(&token, "a@b.co"), 10);
    assert_locked(&app.person("code", &json!({ "token": token, "email": "a@b.co" })), 10);
    assert_locked(&app.person("accept", &json!({ "token": token, "email": "a@b.co", "code": "123456" })), 10);
    assert_locked(&app.person("decline", &json!({ "token": token, "email": "a@b.co", "code": "123456" })), 10);
    assert_locked(&app.post("/v1/invitations/decline", &json!({ "token": token, "email": "a@b.co" }).to_string()), 10);
    assert_locked(&app.change(&made, "accept", &json!({ "email": "a@b.co" })), 10);
    assert_eq!(app.contents(), before);
    assert_eq!(app.person("lookup", &json!({ "token": token })).status, 200, "it can be looked at");
    assert_eq!(vouch(&app.token_of(&other), "a@b.co").status, 200, "another link is as before");
    assert_eq!(app.change(&made, "revoke", &json!({})).status, 200, "and those who manage it are not locked out");
}

#[test]
fn ten_wrong_codes_lock_a_link_and_its_right_code() {
    let (app, made, token) = start(&["--limit-proofs", "4"]);
    app.ask_code(&token, "a@b.co");
    let code = app.code_of(&made).expect("a live code");
    let accept = |code: &str| app.person("accept", &json!({ "token": token, "email": "a@b.co", "code": code }));
    for _ in 0..3 {
        assert_eq!(refusal(&accept(&another_code(&code))), (404, "proof_rejected".to_owned()));
    }
    assert_eq!(app.code_of(&made).as_deref(), Some(&*code), "the code has tries left");
    assert_locked(&accept(&code), 4);
    assert_eq!(app.look(&made)["status"], "pending");
}

#[test]
fn requests_for_codes_count_alike_for_the_right_and_for_wrong_addresses() {
    let counted = ["a@b.co", "eve@b.co"].map(|email| {
        let (app, _, token) = start(&["--limit-proofs", "3"]);
        let ask = || app.person("code", &json!({ "token": token, "email": email })).status;
        let answers = [(); 5].map(|()| ask());
        let tried = app.person("accept", &json!({ "token": token, "email": email, "code": "123456" })).status;
        (answers, tried)
    });
    assert_eq!(counted[0], ([202, 202, 202, 429, 429], 429));
    assert_eq!(counted[0], counted[1]);
}

#[test]
fn every_way_to_be_wrong_uses_the_same_quota_and_being_right_uses_none() {
    let (app, made, token) = start(&["--limit-proofs", "3"]);
    let wrong: [&dyn Fn() -> u16; 3] = [
        &|| app.change(&made, "accept", &json!({ "email": "eve@b.co" })).status,
        &|| app.person("accept", &json!({ "token": token, "email": "eve@b.co", "code": "123456" })).status,
        &|| app.post("/v1/invitations/decline", &json!({ "token": token, "email": "eve@b.co" }).to_string()).status,
    ];
    assert_eq!(wrong.map(|send| send()), [403, 404, 403]);
    assert_eq!(wrong.map(|send| send()), [429; 3]);
    let (app, _, _) = start(&["--limit-proofs", "1"]);
    for number in 0..3 {
        let made = app.invite("acme", &format!("p{number}@b.co"));
        let body = json!({ "email": made["email"] });
        assert_eq!(app.change(&made, "accept", &body).status, 200);
        assert_eq!(app.change(&made, "accept", &body).status, 409, "that it is accepted already is no wrong proof");
        assert_eq!(app.change(&made, "accept", &body).status, 409);
    }
}

#[test]
fn what_is_malformed_or_has_no_good_token_counts_for_nobody() {
    let (app, made, token) = start(&["--limit-proofs", "1"]);
    let altered = format!("{}{}", &token[..100], if token.ends_with('0') { "1" } else { "0" });
    for _ in 0..3 {
        for body in [
            json!({ "token": altered, "email": "eve@b.co", "code": "123456" }),
            json!({ "token": token, "email": "no address", "code": "123456" }),
            json!({ "token": token, "email": "a@b.co", "code": "x" }),
            json!({ "token": token, "email": "eve@b.co" }),
        ] {
            let status = app.person("accept", &body).status;
            assert!(matches!(status, 401 | 404 | 422), "{body}: {status}");
        }
        assert_eq!(app.person("code", &json!({ "token": altered, "email": "a@b.co" })).status, 404);
        let stranger = app.key(&[invited::key::Scope::Accept], &["globex"], None);
        let body = json!({ "token": token, "email": "eve@b.co" }).to_string();
        assert_eq!(app.anonymous("POST", "/v1/invitations/accept").bearer(&stranger).json(body).send().status, 404);
        assert_eq!(app.anonymous("POST", &format!("{}/accept", path_of(&made))).json("{}").send().status, 401);
    }
    assert_eq!(app.change(&made, "accept", &json!({ "email": "a@b.co" })).status, 200);
}

#[test]
fn the_limit_of_proofs_is_a_setting_and_zero_is_none() {
    for (settings, quota) in [(&["--limit-proofs", "2"][..], 2), (&["--limit-proofs", "0"], 30)] {
        let (app, made, _) = start(settings);
        let tries: Vec<_> =
            (0..30).map(|_| app.change(&made, "accept", &json!({ "email": "eve@b.co" })).status).collect();
        assert_eq!(tries.iter().filter(|status| **status == 403).count(), quota, "{settings:?}");
    }
}
