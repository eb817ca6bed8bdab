//! Wrong codes and wrong addresses: how many answers a code has, and what nobody learns.

use serde_json::{Value, json};

use super::by_code;
use super::codes::{accept, ask, pass, start};
use crate::support::Answer;
use crate::support::life::{another_code, refusal, wrong};

#[test]
fn the_fifth_wrong_answer_uses_a_code_up_and_a_new_one_works() {
    let (app, made, token) = start();
    let code = ask(&app, &made, &token);
    for _ in 0..4 {
        assert_eq!(
            refusal(&accept(&app, &token, "a@b.co", &another_code(&code))),
            (404, "proof_rejected".to_owned())
        );
    }
    assert_eq!(
        app.code_of(&made).as_deref(),
        Some(&*code),
        "four are forgiven"
    );
    assert_eq!(
        accept(&app, &token, "a@b.co", &another_code(&code)).status,
        404
    );
    assert_eq!(app.code_of(&made), None);
    assert_eq!(
        refusal(&accept(&app, &token, "a@b.co", &code)),
        (404, "proof_rejected".to_owned()),
        "even the right one"
    );
    assert_eq!(app.look(&made)["status"], "pending", "the invitation stays");
    pass(&app, 1);
    let next = {
        app.ask_code(&token, "a@b.co");
        // By the clock of the machine, which is behind by now.
        std::thread::sleep(std::time::Duration::from_millis(2));
        app.code_of(&made).expect("a live code")
    };
    for _ in 0..4 {
        accept(&app, &token, "a@b.co", &another_code(&next));
    }
    assert_eq!(
        accept(&app, &token, "a@b.co", &next).status,
        200,
        "it has five tries of its own"
    );
}

#[test]
fn wrong_answers_for_another_address_do_not_use_the_code_up() {
    let (app, made, token) = start();
    let code = ask(&app, &made, &token);
    for number in 0..6 {
        for email in ["eve@b.co", &format!("eve{number}@b.co")] {
            assert_eq!(
                accept(&app, &token, email, &code).status,
                404,
                "the right code of another address"
            );
        }
    }
    assert_eq!(accept(&app, &token, "a@b.co", &code).status, 200);
}

#[test]
fn the_code_of_another_address_opens_nothing_even_if_it_is_guessed() {
    let (app, made, token) = start();
    app.ask_code(&token, "eve@b.co");
    let guessed = app.code_for(&made, "eve@b.co").expect("a live code");
    for email in ["eve@b.co", "a@b.co"] {
        for what in ["accept", "decline"] {
            let answer = app.person(what, &by_code(&token, email, &guessed));
            assert_eq!(
                refusal(&answer),
                (404, "proof_rejected".to_owned()),
                "{what} {email}"
            );
        }
    }
    assert_eq!(app.look(&made)["status"], "pending");
}

#[test]
fn answers_without_any_code_are_refused_and_counted() {
    let (app, made, token) = start();
    for code in ["000000", "123456", "999999"] {
        assert_eq!(accept(&app, &token, "a@b.co", code).status, 404);
    }
    let code = ask(&app, &made, &token);
    assert_eq!(
        accept(&app, &token, "a@b.co", &code).status,
        200,
        "asking starts anew"
    );
}

#[test]
fn asking_answers_the_same_bytes_for_the_right_and_a_wrong_address() {
    let (app, made, token) = start();
    let comparable = |answer: &Answer| {
        let varies = |name: &str| name == "date" || name == "x-request-id";
        let mut headers: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| !varies(name))
            .cloned()
            .collect();
        headers.sort();
        (answer.status, headers, answer.body.clone())
    };
    let request = |email: &str| app.person("code", &json!({ "token": token, "email": email }));
    let right = comparable(&request("a@b.co"));
    assert_eq!(
        (right.0, &*String::from_utf8_lossy(&right.2)),
        (202, r#"{"expiresIn":600}"#)
    );
    for email in ["eve@b.co", "A@B.CO ", "a+tag@b.co", "a@xn--bcher-kva.de"] {
        assert_eq!(comparable(&request(email)), right, "{email}");
    }
    let held: Vec<String> = app.contents().remove("code").expect("a table");
    assert_eq!(
        held.len(),
        4,
        "one row for each address, whether or not it was invited: {held:?}"
    );
    // What the file holds of them names none.
    assert!(
        held.iter()
            .all(|row| !row.contains("eve") && !row.contains("b.co"))
    );
    let wrong_code = comparable(&accept(
        &app,
        &token,
        "a@b.co",
        &another_code(&app.code_of(&made).expect("live")),
    ));
    let strip = |(status, headers, body): (u16, Vec<(String, String)>, Vec<u8>)| {
        let mut body: Value = serde_json::from_slice(&body).expect("JSON");
        body["requestId"] = Value::Null;
        (status, headers, body)
    };
    let wrong_code = strip(wrong_code);
    let unknown = format!("ivt_{}_{}", super::MISSING, &token[37..]);
    for (token, email, code) in [
        (&*token, "eve@b.co", "123456"),
        (&token, "never.asked@b.co", "123456"),
        (&unknown, "a@b.co", "123456"),
    ] {
        assert_eq!(
            strip(comparable(&accept(&app, token, email, code))),
            wrong_code,
            "{token} {email}"
        );
    }
}

#[test]
fn a_code_is_six_digits_and_everything_wrong_is_told_at_once() {
    let (app, made, token) = start();
    let code = ask(&app, &made, &token);
    let before = app.contents();
    let forms = [
        "",
        "12345",
        "1234567",
        " 12345",
        "12345a",
        "１２３４５",
        "-12345",
        "Code: 123456",
        "12345²",
        "+123456",
        "123.456",
        "1e5",
        "\u{0}23456",
    ];
    for form in forms {
        let answer = accept(&app, &token, "a@b.co", form);
        assert_eq!(
            refusal(&answer),
            (422, "validation_failed".to_owned()),
            "{form:?}"
        );
        assert_eq!(
            wrong(&answer),
            [("/code".to_owned(), "invalid_format".to_owned())],
            "{form:?}"
        );
        let both = accept(&app, &token, "no address", form);
        assert_eq!(wrong(&both).len(), 2, "{form:?}");
    }
    let number = app.person(
        "accept",
        &json!({ "token": token, "email": "a@b.co", "code": 123_456 }),
    );
    assert_eq!(refusal(&number), (400, "invalid_json".to_owned()));
    for email in ["", "a", "ü@b.co"] {
        let answer = app.person("code", &json!({ "token": token, "email": email }));
        assert_eq!(wrong(&answer)[0].0, "/email", "{email}");
    }
    assert_eq!(app.contents(), before, "what is malformed is no try");
    assert_eq!(accept(&app, &token, "a@b.co", &code).status, 200);
}
