//! Guessing is bounded: so many wrong proofs for a link, then nothing proves anything for it, and
//! other links are as before.

use invited::base::mode::Mode;
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
    assert_eq!(
        refusal(answer),
        (429, "rate_limited".to_owned()),
        "{}",
        answer.text()
    );
    assert_eq!(
        answer.header("ratelimit-policy"),
        Some(&*format!("\"proofs\";q={quota};w=3600"))
    );
    let wait: u32 = answer
        .header("retry-after")
        .and_then(|wait| wait.parse().ok())
        .expect("Retry-After");
    assert!(wait <= 3600 / quota && wait > 3600 / quota - 60, "{wait}");
}

#[test]
fn wrong_addresses_of_others_never_refuse_the_word_for_the_right_one() {
    let (app, made, token) = start(&[]);
    let vouch = |email: &str| {
        app.post(
            "/v1/invitations/accept",
            &json!({ "token": token, "email": email }).to_string(),
        )
    };
    for number in 0..100 {
        let answer = vouch(&format!("eve{}@b.co", number % 10));
        assert_eq!(
            refusal(&answer),
            (403, "email_mismatch".to_owned()),
            "{number}"
        );
    }
    assert_locked(&vouch("eve1@b.co"), 10);
    for number in 0..5 {
        assert_eq!(
            app.person(
                "code",
                &json!({ "token": token, "email": format!("e{number}@b.co") })
            )
            .status,
            202
        );
        let guess = json!({ "token": token, "email": format!("e{number}@b.co"), "code": "123456" });
        assert_eq!(app.person("accept", &guess).status, 404);
    }
    assert_eq!(
        app.person("code", &json!({ "token": token, "email": "a@b.co" }))
            .status,
        202,
        "the person's own"
    );
    let code = app.code_of(&made).expect("a live code");
    let other = app.invite("globex", "a@b.co");
    assert_eq!(
        app.change(&other, "accept", &json!({ "email": "eve@b.co" }))
            .status,
        403,
        "another link"
    );
    assert_eq!(vouch("a@b.co").status, 200);
    assert_eq!(
        app.person(
            "accept",
            &json!({ "token": token, "email": "a@b.co", "code": code })
        )
        .status,
        409
    );
}

#[test]
fn made_up_addresses_lock_neither_the_person_out_nor_their_code() {
    let (app, made, token) = start(&[]);
    for number in 0..12 {
        let email = format!("eve{}@b.co", number % 2);
        app.person("code", &json!({ "token": token, "email": email }));
        app.person(
            "accept",
            &json!({ "token": token, "email": email, "code": "123456" }),
        );
    }
    assert_eq!(
        app.person("code", &json!({ "token": token, "email": "a@b.co" }))
            .status,
        202
    );
    let code = app.code_of(&made).expect("a live code");
    assert_eq!(
        app.person(
            "accept",
            &json!({ "token": token, "email": "a@b.co", "code": code })
        )
        .status,
        200
    );
}

#[test]
fn a_link_is_tried_with_ten_times_as_many_addresses_and_then_no_more() {
    let (app, _, token) = start(&["--limit-proofs", "2", "--limit-codes", "2"]);
    let ask = |number: u32| {
        app.person(
            "code",
            &json!({ "token": token, "email": format!("p{number}@b.co") }),
        )
    };
    assert!((0..20).all(|number| ask(number).status == 202));
    let refused = ask(20);
    assert_eq!(
        (refusal(&refused).0, refused.header("ratelimit-policy")),
        (429, Some("\"codes\";q=20;w=3600"))
    );
    let guess = |number: u32| {
        app.person(
            "accept",
            &json!({ "token": token, "email": format!("p{number}@b.co"), "code": "123456" }),
        )
        .status
    };
    assert!(
        (0..20).all(|number| guess(number) == 404),
        "wrong answers have a quota of their own"
    );
    assert_eq!(guess(20), 429);
}

#[test]
fn ten_wrong_codes_lock_a_link_and_its_right_code() {
    let (app, made, token) = start(&["--limit-proofs", "4"]);
    app.ask_code(&token, "a@b.co");
    let code = app.code_of(&made).expect("a live code");
    let accept = |code: &str| {
        app.person(
            "accept",
            &json!({ "token": token, "email": "a@b.co", "code": code }),
        )
    };
    for _ in 0..4 {
        assert_eq!(
            refusal(&accept(&another_code(&code))),
            (404, "proof_rejected".to_owned())
        );
    }
    assert_eq!(
        app.code_of(&made).as_deref(),
        Some(&*code),
        "the code has tries left"
    );
    assert_locked(&accept(&code), 4);
    assert_eq!(app.look(&made)["status"], "pending");
}

#[test]
fn requests_for_codes_count_alike_for_the_right_and_for_wrong_addresses() {
    let counted = ["a@b.co", "eve@b.co"].map(|email| {
        let (app, _, token) = start(&["--limit-codes", "3"]);
        let ask = || {
            app.person("code", &json!({ "token": token, "email": email }))
                .status
        };
        let answers = [(); 5].map(|()| ask());
        let tried = app
            .person(
                "accept",
                &json!({ "token": token, "email": email, "code": "123456" }),
            )
            .status;
        (answers, tried)
    });
    assert_eq!(counted[0], ([202, 202, 202, 429, 429], 404));
    assert_eq!(counted[0], counted[1]);
}

#[test]
fn every_wrong_word_uses_the_same_quota_and_being_right_uses_none() {
    let (app, made, token) = start(&["--limit-proofs", "2"]);
    let wrong: [&dyn Fn() -> u16; 2] = [
        &|| {
            app.change(&made, "accept", &json!({ "email": "eve@b.co" }))
                .status
        },
        &|| {
            app.post(
                "/v1/invitations/decline",
                &json!({ "token": token, "email": "eve@b.co" }).to_string(),
            )
            .status
        },
    ];
    assert_eq!(wrong.map(|send| send()), [403; 2]);
    assert_eq!(wrong.map(|send| send()), [429; 2]);
    let (app, _, _) = start(&["--limit-proofs", "1"]);
    for number in 0..3 {
        let made = app.invite("acme", &format!("p{number}@b.co"));
        let body = json!({ "email": made["email"] });
        assert_eq!(app.change(&made, "accept", &body).status, 200);
        assert_eq!(
            app.change(&made, "accept", &body).status,
            409,
            "that it is accepted already is no wrong proof"
        );
        assert_eq!(app.change(&made, "accept", &body).status, 409);
    }
}

#[test]
fn what_is_malformed_or_has_no_good_token_counts_for_nobody() {
    let (app, made, token) = start(&["--limit-proofs", "1"]);
    let altered = format!(
        "{}{}",
        &token[..100],
        if token.ends_with('0') { "1" } else { "0" }
    );
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
        assert_eq!(
            app.person("code", &json!({ "token": altered, "email": "a@b.co" }))
                .status,
            404
        );
        let stranger = app.key(&[invited::key::Scope::Accept], &["globex"], None);
        let body = json!({ "token": token, "email": "eve@b.co" }).to_string();
        assert_eq!(
            app.anonymous("POST", "/v1/invitations/accept")
                .bearer(&stranger)
                .json(body)
                .send()
                .status,
            404
        );
        assert_eq!(
            app.anonymous("POST", &format!("{}/accept", path_of(&made)))
                .json("{}")
                .send()
                .status,
            401
        );
    }
    assert_eq!(
        app.change(&made, "accept", &json!({ "email": "a@b.co" }))
            .status,
        200
    );
}

#[test]
fn the_limit_of_proofs_is_a_setting_and_zero_is_none() {
    for (settings, quota) in [
        (&["--limit-proofs", "2"][..], 2),
        (&["--limit-proofs", "0"], 30),
    ] {
        let (app, made, _) = start(settings);
        let tries: Vec<_> = (0..30)
            .map(|_| {
                app.change(&made, "accept", &json!({ "email": "eve@b.co" }))
                    .status
            })
            .collect();
        assert_eq!(
            tries.iter().filter(|status| **status == 403).count(),
            quota,
            "{settings:?}"
        );
    }
}
