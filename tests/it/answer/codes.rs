//! Codes: a person asks for one, answers with it, and it is used up.

use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::by_code;
use crate::support::life::refusal;
use crate::support::{Answer, TestApp};

/// A server without a limit of proofs, whose clock shows the present; with an invitation and its
/// token.
pub fn start() -> (TestApp, Value, String) {
    let settings = [
        "--limit-proofs",
        "0",
        "--limit-address",
        "0",
        "--resend-cooldown",
        "0s",
    ];
    let app = TestApp::start(Mode::Serve, &settings);
    app.set_present();
    let made = app.invite("acme", "a@b.co");
    let token = app.token_of(&made);
    (app, made, token)
}

/// Moves the clock on.
pub fn pass(app: &TestApp, millis: i64) {
    app.clock.set(invited::base::clock::Timestamp::from_millis(
        app.clock.now().as_millis() + millis,
    ));
}

/// Asks for a code and gets it from the file.
pub fn ask(app: &TestApp, made: &Value, token: &str) -> String {
    app.ask_code(token, "a@b.co");
    app.code_of(made).expect("a live code")
}

/// Accepts by a code.
pub fn accept(app: &TestApp, token: &str, email: &str, code: &str) -> Answer {
    app.person("accept", &by_code(token, email, code))
}

#[test]
fn a_code_in_development_is_shown_and_accepts_in_any_spelling_of_the_address() {
    let app = TestApp::start(Mode::Dev, &[]);
    let made = app.invite("acme", "a.b@bücher.de");
    let token = app.token_of(&made);
    let codes = || app.get("/dev/codes?email=A.B%40b%C3%BCcher.de").json();
    assert_eq!(codes(), json!([]), "none was asked for");
    app.ask_code(&token, "A.B@BÜCHER.de");
    let shown = codes();
    let code = shown[0]["code"].as_str().expect("a code").to_owned();
    assert_eq!(
        shown,
        json!([{ "organizationId": "acme", "invitationId": made["id"], "code": code }])
    );
    let answer = accept(&app, &token, " a.B@xn--bcher-kva.de", &code);
    let expected = json!({ "organizationId": "acme", "role": "developer", "status": "accepted",
        "expiresAt": made["expiresAt"] });
    assert_eq!(
        (answer.status, answer.json()),
        (200, expected),
        "what a lookup shows"
    );
    let now = app.look(&made);
    assert_eq!(
        (&now["status"], &now["acceptedBy"]),
        (&json!("accepted"), &Value::Null)
    );
    assert_eq!(codes(), json!([]));
    assert_eq!(app.contents()["code"].len(), 0, "codes go with the answer");
}

#[test]
fn codes_are_spread_over_all_six_digits() {
    let app = TestApp::start(Mode::Serve, &["--limit-address", "0"]);
    app.set_present();
    let mut beginnings = std::collections::HashSet::new();
    for number in 0..12 {
        let email = format!("p{number}@b.co");
        let made = app.invite("acme", &email);
        app.ask_code(&app.token_of(&made), &email);
        let code = app.code_of(&made).expect("a live code");
        assert!(
            code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()),
            "{code}"
        );
        beginnings.insert(code[..3].to_owned());
    }
    // Twelve of a thousand: that four of them meet others is one case in a billion.
    assert!(beginnings.len() > 8, "{beginnings:?}");
}

#[test]
fn a_code_lives_for_ten_minutes_to_the_millisecond() {
    let (app, made, token) = start();
    for (millis, status) in [(600_000, 404), (600_001, 404), (0, 200)] {
        let code = ask(&app, &made, &token);
        pass(&app, millis);
        assert_eq!(
            accept(&app, &token, "a@b.co", &code).status,
            status,
            "after {millis} ms"
        );
        app.set_present();
    }
    let other = app.invite("globex", "a@b.co");
    let token = app.token_of(&other);
    let code = ask(&app, &other, &token);
    pass(&app, 599_999);
    assert_eq!(
        accept(&app, &token, "a@b.co", &code).status,
        200,
        "the last moment"
    );
}

#[test]
fn a_new_code_takes_the_place_of_the_one_before() {
    let (app, made, token) = start();
    let first = ask(&app, &made, &token);
    let mut second = first.clone();
    for _ in 0..3 {
        // One in a million is the same.
        if second == first {
            std::thread::sleep(std::time::Duration::from_millis(3));
            app.set_present();
            second = ask(&app, &made, &token);
        }
    }
    assert_ne!(first, second);
    assert_eq!(accept(&app, &token, "a@b.co", &first).status, 404);
    assert_eq!(accept(&app, &token, "a@b.co", &second).status, 200);
}

#[test]
fn sending_again_kills_a_code_with_the_link() {
    let (app, made, token) = start();
    let code = ask(&app, &made, &token);
    assert_eq!(app.change(&made, "resend", &json!({})).status, 200);
    let next = app.token_of(&made);
    for token in [&token, &next] {
        let answer = accept(&app, token, "a@b.co", &code);
        assert_eq!(refusal(&answer), (404, "proof_rejected".to_owned()));
    }
    let code = ask(&app, &made, &next);
    assert_eq!(accept(&app, &next, "a@b.co", &code).status, 200);
}

#[test]
fn a_code_answers_one_invitation_of_one_address_once() {
    let (app, made, token) = start();
    let other = app.invite("globex", "a@b.co");
    let of_other = app.token_of(&other);
    let code = ask(&app, &made, &token);
    assert_eq!(
        accept(&app, &of_other, "a@b.co", &code).status,
        404,
        "another invitation of the same address"
    );
    let theirs = ask(&app, &other, &of_other);
    assert_eq!(accept(&app, &token, "a@b.co", &code).status, 200);
    assert_eq!(app.look(&other)["status"], "pending");
    for what in ["accept", "decline"] {
        let again = app.person(what, &by_code(&token, "a@b.co", &code));
        assert_eq!(
            refusal(&again),
            (409, "status_conflict".to_owned()),
            "{what}"
        );
        assert_eq!(again.json()["invitationStatus"], "accepted");
    }
    assert_eq!(
        app.person("decline", &by_code(&of_other, "a@b.co", &theirs))
            .json()["status"],
        "declined"
    );
}

#[test]
fn a_decline_by_code_is_final_and_frees_the_address() {
    let (app, made, token) = start();
    let code = ask(&app, &made, &token);
    let answer = app.person("decline", &by_code(&token, "a@b.co", &code));
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (200, &json!("declined")),
        "{}",
        answer.text()
    );
    let now = app.look(&made);
    assert_eq!(
        (&now["status"], now["declinedAt"].is_string()),
        (&json!("declined"), true)
    );
    let event = app.get("/v1/organizations/acme/events?limit=1").json()[0].clone();
    assert_eq!(
        (&event["type"], &event["actor"]),
        (&json!("invitation.declined"), &json!("person"))
    );
    assert_eq!(
        refusal(&accept(&app, &token, "a@b.co", &code)),
        (409, "status_conflict".to_owned())
    );
    assert_ne!(app.invite("acme", "a@b.co")["id"], made["id"]);
}

#[test]
fn asking_for_one_that_is_not_pending_is_refused_whatever_the_address() {
    let (app, made, token) = start();
    assert_eq!(app.change(&made, "revoke", &json!({})).status, 200);
    let before = app.contents();
    let answers = ["a@b.co", "eve@b.co"]
        .map(|email| app.person("code", &json!({ "token": token, "email": email })));
    assert_eq!(refusal(&answers[0]), (409, "status_conflict".to_owned()));
    assert_eq!(
        answers[0].without_request_id(),
        answers[1].without_request_id()
    );
    assert_eq!(app.contents(), before);
}

#[test]
fn a_code_is_taken_as_people_type_and_copy_it() {
    let (app, _, _) = start();
    let in_script = |zero: u32, code: &str| -> String {
        let digit = |c: char| char::from_u32(zero + c.to_digit(10).expect("a digit"));
        code.chars().filter_map(digit).collect()
    };
    let spellings: [fn(&str) -> String; 7] = [
        |code| format!(" {code}"),
        |code| format!("{code}\n"),
        |code| format!("\t{} {}\u{a0}", &code[..3], &code[3..]),
        |code| format!("{}-{}", &code[..3], &code[3..]),
        |code| format!("{}\u{2013}{}", &code[..2], &code[2..]),
        |code| format!("\u{200f}{code}\u{feff}"),
        |code| code.replace("", " "),
    ];
    let scripts =
        [0xff10, 0x660, 0x6f0, 0x966, 0xe50].map(|zero| move |code: &str| in_script(zero, code));
    let spell = |number: usize, code: &str| match number.checked_sub(spellings.len()) {
        None => spellings[number](code),
        Some(script) => scripts[script](code),
    };
    for number in 0..spellings.len() + scripts.len() {
        let made = app.invite(&format!("acme-{number}"), "a@b.co");
        let token = app.token_of(&made);
        let code = spell(number, &ask(&app, &made, &token));
        let answer = accept(&app, &token, "a@b.co", &code);
        assert_eq!(answer.status, 200, "{code:?}: {}", answer.text());
    }
}
