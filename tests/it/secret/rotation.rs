//! What a rotation of the secret means for links and codes.

use invited::base::mode::Mode;
use invited::secret::Source;
use invited::secret::rotate::rotate;
use serde_json::json;

use crate::support::life::{another_code, refusal};
use crate::support::{START, TestApp, invitations};

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Rotates the secret of a server until `days` after its start, and restarts it.
fn rotate_and_restart(app: &mut TestApp, days: i64) {
    let until = invited::base::clock::Timestamp::from_millis(START + days * DAY);
    rotate(&app.database, &Source::Own(app.secret_file()), until).expect("it rotates");
    app.restart();
}

#[test]
fn a_link_by_the_secret_before_works_until_its_date_and_is_then_as_any_wrong_one() {
    let mut app = TestApp::start(Mode::Serve, &["--default-expiry", "90d"]);
    let made = app.invite("acme", "a@b.co");
    let before = app.token_of(&made);
    rotate_and_restart(&mut app, 20);
    let after = app.token_of(&made);
    assert_ne!(before, after);
    let look = |token: &str| app.person("lookup", &json!({ "token": token }));
    app.advance_to(20 * DAY - 1);
    assert_eq!((look(&before).status, look(&after).status), (200, 200));
    assert_eq!(look(&before).json(), look(&after).json());
    app.advance_to(20 * DAY);
    let unknown = look(&format!("ivt_{}_{}", "0".repeat(32), "0".repeat(64)));
    assert_eq!((look(&before).status, look(&after).status), (404, 200));
    assert_eq!(
        look(&before).without_request_id(),
        unknown.without_request_id()
    );
}

#[test]
fn a_mailed_link_by_the_secret_before_proves_until_its_date() {
    let mut app = TestApp::start(Mode::Serve, &["--default-expiry", "90d"]);
    let made = ["a@b.co", "c@b.co"].map(|email| app.invite("acme", email));
    let before = made.each_ref().map(|made| app.mailed_token_of(made));
    rotate_and_restart(&mut app, 20);
    let accept = |token: &str| app.person("accept", &json!({ "token": token }));
    app.advance_to(20 * DAY - 1);
    assert_eq!(accept(&before[0]).status, 200);
    app.advance_to(20 * DAY);
    assert_eq!(
        refusal(&accept(&before[1])),
        (404, "proof_rejected".to_owned())
    );
    let after = app.mailed_token_of(&made[1]);
    assert_ne!(after, before[1]);
    assert_eq!(accept(&after).status, 200);
}

#[test]
fn what_ends_a_link_ends_it_by_both_secrets() {
    let mut app = TestApp::serve();
    let [sent_again, accepted] = ["a@b.co", "c@b.co"].map(|email| app.invite("acme", email));
    let before = [&sent_again, &accepted].map(|made| app.token_of(made));
    rotate_and_restart(&mut app, 20);
    let after = [&sent_again, &accepted].map(|made| app.token_of(made));
    app.advance_to(60_000);
    assert_eq!(app.change(&sent_again, "resend", &json!({})).status, 200);
    let body = json!({ "token": before[1], "email": "c@b.co" }).to_string();
    assert_eq!(
        app.post("/v1/invitations/accept", &body).status,
        200,
        "a key vouches for the address"
    );
    let look = |token: &str| app.person("lookup", &json!({ "token": token })).status;
    assert_eq!(
        (look(&before[0]), look(&after[0])),
        (404, 404),
        "a further sending ends both"
    );
    assert_eq!(look(&before[1]), look(&after[1]));
}

#[test]
fn a_code_that_was_asked_for_before_a_rotation_is_good_after_it() {
    let mut app = TestApp::serve();
    app.set_present();
    let made = app.invite("acme", "a@b.co");
    let token = app.token_of(&made);
    app.ask_code(&token, "a@b.co");
    let code = app.code_of(&made).expect("a code");
    rotate_and_restart(&mut app, 90);
    let accept = |code: &str| {
        app.person(
            "accept",
            &json!({ "token": token, "email": "a@b.co", "code": code }),
        )
    };
    assert_eq!(accept(&another_code(&code)).status, 404);
    let answer = accept(&code);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_code_from_before_a_rotation_dies_by_a_newer_one_and_by_wrong_answers() {
    let mut app = TestApp::serve();
    app.set_present();
    let [replaced, guessed] = ["a@b.co", "c@b.co"].map(|email| app.invite("acme", email));
    let tokens = [&replaced, &guessed].map(|made| app.token_of(made));
    app.ask_code(&tokens[0], "a@b.co");
    app.ask_code(&tokens[1], "c@b.co");
    let codes = [&replaced, &guessed].map(|made| app.code_of(made).expect("a code"));
    rotate_and_restart(&mut app, 90);
    let accept = |token: &str, email: &str, code: &str| {
        app.person(
            "accept",
            &json!({ "token": token, "email": email, "code": code }),
        )
        .status
    };
    app.ask_code(&tokens[0], "a@b.co");
    let newer = app.code_of(&replaced).expect("a code");
    if newer != codes[0] {
        assert_eq!(accept(&tokens[0], "a@b.co", &codes[0]), 404);
    }
    assert_eq!(accept(&tokens[0], "a@b.co", &newer), 200);
    for _ in 0..5 {
        assert_eq!(accept(&tokens[1], "c@b.co", &another_code(&codes[1])), 404);
    }
    assert_eq!(
        accept(&tokens[1], "c@b.co", &codes[1]),
        404,
        "five wrong answers end it"
    );
}

#[test]
fn a_code_whose_mail_waits_goes_out_after_a_rotation() {
    let mut app = TestApp::start(Mode::Dev, &[]);
    let made = app.invite_by_mail("acme", "a@b.co");
    let token = app.token_of(&made);
    let planned = app.post(
        "/dev/faults",
        &json!({ "mail": { "next": 1, "do": "fail" } }).to_string(),
    );
    assert_eq!(planned.status, 200, "{}", planned.text());
    app.ask_code(&token, "a@b.co");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while app.get("/dev/faults").json() != json!({}) {
        assert!(
            std::time::Instant::now() < deadline,
            "its mail is not tried"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    rotate_and_restart(&mut app, 90);
    app.advance_to(60_000);
    let mail = app.get("/dev/mailbox?to=a@b.co&kind=code&wait=10s").json();
    let code = mail[0]["code"].as_str().expect("a code").to_owned();
    let body = json!({ "token": token, "email": "a@b.co", "code": code });
    assert_eq!(app.person("accept", &body).status, 200);
}

#[test]
fn an_answer_is_repeated_under_its_idempotency_key_over_a_rotation() {
    let mut app = TestApp::serve();
    let create = |app: &TestApp| {
        let request = app
            .request("POST", &invitations("acme"))
            .header("Idempotency-Key", "\"one\"");
        request
            .json(json!({ "email": "a@b.co", "role": "developer" }).to_string())
            .send()
    };
    let first = create(&app);
    rotate_and_restart(&mut app, 20);
    let again = create(&app);
    assert_eq!(
        (first.status, again.status, first.json()),
        (201, 201, again.json())
    );
    assert_eq!(refusal(&again).0, 201);
}
