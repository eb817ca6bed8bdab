//! The language of an invitation and of an organization, as the API takes and shows it.

use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::life::{path_of, wrong};
use crate::support::{Answer, TestApp, invitations};

/// Creates an invitation of this language.
fn create(app: &TestApp, email: &str, locale: &Value) -> Answer {
    let body = json!({ "email": email, "role": "developer", "locale": locale });
    app.post(&invitations("acme"), &body.to_string())
}

/// Changes the language of an invitation.
fn patch(app: &TestApp, made: &Value, locale: &Value) -> Answer {
    app.request("PATCH", &path_of(made))
        .json(json!({ "locale": locale }).to_string())
        .send()
}

#[test]
fn an_invitation_shows_its_language_in_normal_case_wherever_it_is_shown() {
    let app = TestApp::serve();
    for (number, (sent, kept)) in [
        ("de", "de"),
        ("DE-ch", "de-CH"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("tlh", "tlh"),
    ]
    .into_iter()
    .enumerate()
    {
        let made = create(&app, &format!("u{number}@example.com"), &json!(sent));
        assert_eq!(made.status, 201, "{}", made.text());
        let made = made.json();
        assert_eq!(made["locale"], kept);
        assert_eq!(app.get(&path_of(&made)).json(), made);
        assert_eq!(app.get(&invitations("acme")).json()[0], made);
    }
    let without = create(&app, "none@example.com", &Value::Null).json();
    assert_eq!(without.get("locale"), None);
}

#[test]
fn what_is_no_language_tag_is_refused_everywhere() {
    let app = TestApp::serve();
    let made = create(&app, "ada@example.com", &json!("de")).json();
    for (locale, code) in [
        ("", "invalid_format"),
        ("de_CH", "invalid_format"),
        ("german!", "invalid_format"),
        ("de\r\nBcc: eve@evil.test", "invalid_format"),
        (&format!("de-x{}", "-abcdefgh".repeat(4)), "too_long"),
    ] {
        let locale = json!(locale);
        let put = app
            .request("PUT", "/v1/organizations/acme")
            .json(json!({ "locale": locale }).to_string())
            .send();
        for answer in [
            create(&app, "b@example.com", &locale),
            patch(&app, &made, &locale),
            put,
        ] {
            assert_eq!(answer.status, 422, "{locale}");
            assert_eq!(
                wrong(&answer),
                [("/locale".to_owned(), code.to_owned())],
                "{locale}"
            );
        }
    }
    assert_eq!(create(&app, "b@example.com", &json!(["de"])).status, 400);
}

#[test]
fn a_change_of_the_language_is_shown_and_told_in_the_history() {
    let app = TestApp::serve();
    let made = create(&app, "ada@example.com", &json!("de")).json();
    let last = || app.get("/v1/organizations/acme/events?limit=1").json()[0].clone();
    for (before, sent, after) in [
        (json!("de"), json!("FR-ca"), json!("fr-CA")),
        (json!("fr-CA"), json!(null), json!(null)),
        (json!(null), json!("ja"), json!("ja")),
    ] {
        let shown = patch(&app, &made, &sent);
        assert_eq!(shown.status, 200, "{}", shown.text());
        assert_eq!(shown.json()["locale"], after);
        let event = last();
        assert_eq!(event["type"], "invitation.updated");
        assert_eq!(
            (&event["before"]["locale"], &event["after"]["locale"]),
            (&before, &after),
            "{event}"
        );
    }
    app.request("PUT", "/v1/organizations/acme")
        .json(r#"{"locale":"pt-br"}"#)
        .send();
    assert_eq!(last()["after"], json!({ "locale": "pt-BR" }));
    assert_eq!(app.get("/v1/organizations/acme").json()["locale"], "pt-BR");
}

#[test]
fn batches_and_seeds_take_languages_row_by_row() {
    let app = TestApp::start(Mode::Dev, &[]);
    let rows = json!([
        { "email": "a@example.com", "role": "developer", "locale": "de" },
        { "email": "b@example.com", "role": "developer", "locale": "d" },
        { "email": "c@example.com", "role": "developer" },
    ]);
    let path = format!("{}/batch", invitations("acme"));
    let body = json!({ "invitations": rows }).to_string();
    let results = app.post(&path, &body).json()["results"].clone();
    assert_eq!(results[0]["invitation"]["locale"], "de");
    assert_eq!(results[1]["error"]["errors"][0]["pointer"], "/locale");
    assert_eq!(results[2]["invitation"].get("locale"), None);
    let seed = json!({ "organizations": [{ "id": "hooli", "settings": { "locale": "es" },
        "invitations": [{ "email": "d@example.com", "role": "developer", "locale": "AR" }] }] });
    assert_eq!(app.post("/dev/seed", &seed.to_string()).status, 200);
    assert_eq!(app.get(&invitations("hooli")).json()[0]["locale"], "ar");
    assert_eq!(app.get("/v1/organizations/hooli").json()["locale"], "es");
}

#[test]
fn a_page_is_told_the_language_of_the_person_by_the_link() {
    let app = TestApp::serve();
    let look = |made: &Value| {
        let token = json!({ "token": app.token_of(made) });
        app.person("lookup", &token).json()["locale"].clone()
    };
    let own = create(&app, "own@example.com", &json!("ja")).json();
    let none = create(&app, "none@example.com", &Value::Null).json();
    assert_eq!((look(&own), look(&none)), (json!("ja"), Value::Null));
    app.request("PUT", "/v1/organizations/acme")
        .json(r#"{"locale":"de"}"#)
        .send();
    assert_eq!((look(&own), look(&none)), (json!("ja"), json!("de")));
}
