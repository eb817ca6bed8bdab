//! The steps of the page as forms: what a person does whose browser runs no script.

use invited::base::mode::Mode;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{PAYLOADS, policy};
use crate::support::{Answer, Request, TestApp, invitation};

/// The invited person at a browser.
struct Person<'a> {
    /// The server.
    app: &'a TestApp,
    /// The link's token.
    token: String,
}

impl Person<'_> {
    /// Presses a button of a form with these fields.
    fn press(&self, button: &str, fields: &[(&str, &str)]) -> Answer {
        let own = [("do", button), ("token", &self.token)];
        send(self.app, own.iter().chain(fields))
    }

    /// The code that was mailed to `email` last.
    fn code(&self, email: &str) -> String {
        let path = format!("/dev/mailbox?to={email}&kind=code&wait=5s");
        let mails = self.app.get(&path).json();
        mails[0]["code"].as_str().expect("a code").to_owned()
    }
}

/// A form as a browser sends it.
pub fn form<'a>(
    app: &TestApp,
    fields: impl IntoIterator<Item = &'a (&'a str, &'a str)>,
) -> Request {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields);
    app.anonymous("POST", "/accept")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
        .body(body.finish())
}

/// Sends a form as a browser does.
fn send<'a>(app: &TestApp, fields: impl IntoIterator<Item = &'a (&'a str, &'a str)>) -> Answer {
    form(app, fields).send()
}

/// Whether the page has everything of `texts`, under `status`.
#[track_caller]
pub fn shows(answer: &Answer, status: u16, texts: &[&str]) {
    let html = answer.text();
    assert_eq!(answer.status, status, "{html}");
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(policy(answer).contains("form-action 'self'"));
    for text in texts {
        assert!(html.contains(text), "{text} is missing: {html}");
    }
}

/// Where an invitation stands.
fn status(app: &TestApp, made: &Value) -> String {
    let organization = made["organizationId"].as_str().expect("an id");
    let found = app.get(&invitation(organization, &made["id"])).json();
    found["status"].as_str().expect("a status").to_owned()
}

/// A server of development.
fn dev() -> TestApp {
    TestApp::start(Mode::Dev, &[])
}

#[test]
fn a_pasted_mailed_link_joins_by_one_button() {
    let app = dev();
    let made = app.invite("acme", "a@b.co");
    let token = app.mailed_token_of(&made);
    let start = app.anonymous("GET", "/accept").send();
    shows(
        &start,
        200,
        &["<noscript>", "name=\"link\"", "action=\"accept\""],
    );
    let link = format!("  https://invites.example.com/accept?utm_source=x#{token}.\n");
    let opened = send(&app, &[("do", "open"), ("link", &link)]);
    let kept = format!("name=\"token\" value=\"{token}\"");
    shows(
        &opened,
        200,
        &[
            "Join <bdi><strong>acme",
            &kept,
            "value=\"join\"",
            "developer",
        ],
    );
    assert!(!opened.text().contains("a@b.co"), "never the address");
    assert_eq!(status(&app, &made), "pending");
    let person = Person { app: &app, token };
    shows(
        &person.press("join", &[]),
        200,
        &["Welcome to <bdi><strong>acme"],
    );
    assert_eq!(status(&app, &made), "accepted");
    shows(
        &person.press("join", &[]),
        409,
        &["This invitation has been accepted"],
    );
    shows(
        &person.press("open", &[]),
        200,
        &["This invitation has been accepted"],
    );
}

#[test]
fn declining_asks_once_more_and_leads_back() {
    let app = dev();
    let made = app.invite("acme", "a@b.co");
    let token = app.mailed_token_of(&made);
    let person = Person { app: &app, token };
    shows(
        &person.press("decline", &[]),
        200,
        &["Decline the invitation to", "value=\"refuse\""],
    );
    shows(&person.press("back", &[]), 200, &["value=\"join\""]);
    assert_eq!(status(&app, &made), "pending");
    shows(&person.press("refuse", &[]), 200, &["Invitation declined"]);
    assert_eq!(status(&app, &made), "declined");
}

#[test]
fn a_link_that_is_given_asks_for_the_address_and_then_for_the_code() {
    let app = dev();
    let made = app.invite("acme", "a@b.co");
    let token = app.token_of(&made);
    let person = Person { app: &app, token };
    shows(&person.press("join", &[]), 401, &["name=\"email\""]);
    shows(
        &person.press("open", &[]),
        200,
        &["name=\"email\"", "value=\"send\""],
    );
    let wrong = person.press("send", &[("email", "nonsense")]);
    shows(
        &wrong,
        422,
        &[
            "That is not an e-mail address",
            "value=\"nonsense\"",
            "aria-invalid",
        ],
    );
    let missing = person.press("have", &[]);
    shows(&missing, 422, &["Give the address first"]);
    let sent = person.press("send", &[("email", " A@b.co ")]);
    shows(&sent, 200, &["If <bdi dir=\"ltr\">A@b.co", "name=\"code\""]);
    let code = person.code("a@b.co");
    let email = ("email", "a@b.co");
    let short = person.press("accept", &[email, ("code", &code[..5])]);
    shows(&short, 422, &["six digits"]);
    let other = if code == "000000" { "000001" } else { "000000" };
    let rejected = person.press("accept", &[email, ("code", other)]);
    shows(
        &rejected,
        404,
        &["That code didn", "Make sure", "aria-invalid"],
    );
    assert_eq!(status(&app, &made), "pending");
    shows(
        &person.press("again", &[email]),
        200,
        &["value=\"a@b.co\"", "name=\"email\""],
    );
    let spelled = format!("Step 2: {} {}.", &code[..3], &code[3..]);
    shows(
        &person.press("accept", &[email, ("code", &spelled)]),
        200,
        &["Welcome to"],
    );
    assert_eq!(status(&app, &made), "accepted");
}

#[test]
fn a_code_declines_too_and_a_mailed_link_needs_no_address() {
    let app = dev();
    let put = app.request("PUT", "/v1/organizations/acme");
    put.json(json!({ "acceptance": "code" }).to_string()).send();
    let made = app.invite("acme", "a@b.co");
    let token = app.mailed_token_of(&made);
    let person = Person { app: &app, token };
    shows(&person.press("join", &[]), 404, &["value=\"send\""]);
    let sent = person.press("send", &[]);
    shows(&sent, 200, &["A code is on its way", "value=\"resend\""]);
    assert!(!sent.text().contains("name=\"email\""));
    shows(&person.press("resend", &[]), 200, &["A code is on its way"]);
    let mails = app.get("/dev/mailbox?to=a@b.co&kind=code&wait=5s").json();
    let codes: Vec<_> = mails.as_array().expect("mails").iter().collect();
    let code = codes[0]["code"].as_str().expect("a code");
    shows(
        &person.press("reject", &[("code", code)]),
        200,
        &["Invitation declined"],
    );
    assert_eq!(status(&app, &made), "declined");
}

#[test]
fn closed_invitations_and_links_that_open_nothing_say_what_to_do() {
    let app = dev();
    for (end, title, next) in [
        (
            "revoke",
            "has been withdrawn",
            "ask the person who invited you for a new invitation",
        ),
        (
            "decline",
            "has been declined",
            "ask the person who invited you for a new invitation",
        ),
        ("expire", "has expired", "to send it again"),
    ] {
        let made = app.invite("acme", &format!("{end}@b.co"));
        let token = app.mailed_token_of(&made);
        let person = Person { app: &app, token };
        match end {
            "revoke" => drop(app.change(&made, "revoke", &json!({}))),
            "decline" => drop(person.press("refuse", &[])),
            _ => app.advance_to(crate::support::START + 8 * 24 * 3600 * 1000),
        }
        let page = person.press("open", &[]);
        shows(&page, 200, &[title, next]);
        assert!(!page.text().contains("<button"), "{end}");
        shows(&person.press("join", &[]), 409, &[title, next]);
    }
    let cut = send(&app, &[("link", "ivm_0123")]);
    shows(&cut, 404, &["This link is incomplete", "name=\"link\""]);
    shows(
        &send(&app, &[("link", "nonsense")]),
        404,
        &["This link is not valid"],
    );
    shows(
        &send(&app, &[]),
        200,
        &["Open the link in your invitation mail"],
    );
    let unknown = format!("ivt_{}_{}", "0".repeat(32), "0".repeat(64));
    shows(
        &send(&app, &[("link", &*unknown)]),
        404,
        &["ask the person who invited you"],
    );
}

#[test]
fn a_server_without_mail_says_that_no_code_can_come() {
    let app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    let token = app.token_of(&made);
    let person = Person { app: &app, token };
    let page = person.press("open", &[]);
    shows(&page, 200, &["sends no mail"]);
    assert!(!page.text().contains("<button"));
}

#[test]
fn the_page_speaks_the_language_of_the_invitation_else_that_of_the_browser() {
    let app = dev();
    let body = json!({ "email": "a@b.co", "role": "developer", "locale": "ar-EG" });
    let made = app
        .post("/v1/organizations/acme/invitations", &body.to_string())
        .json();
    let token = app.mailed_token_of(&made);
    let person = Person { app: &app, token };
    let page = person.press("open", &[]);
    shows(
        &page,
        200,
        &["<html lang=\"ar\" dir=\"rtl\">", "الانضمام إلى"],
    );
    let start = |wishes: &str| {
        let get = app.anonymous("GET", "/accept");
        get.header("Accept-Language", wishes).send().text()
    };
    for (wishes, language) in [
        ("de-CH, en;q=0.5", "de"),
        ("tlh, fr-CA;q=0.9, de;q=0.1", "fr"),
        ("es", "es"),
        ("ja-JP", "ja"),
        ("ar", "ar"),
        ("tlh", "en"),
        ("*", "en"),
        ("%%%", "en"),
    ] {
        let html = start(wishes);
        assert!(
            html.contains(&format!("<html lang=\"{language}\"")),
            "{wishes}: {html}"
        );
    }
    let vary = app.anonymous("GET", "/accept").send();
    let lines = vary.headers.iter().filter(|(name, _)| name == "vary");
    let lines: Vec<_> = lines.map(|(_, value)| value.as_str()).collect();
    assert!(lines.contains(&"Accept-Language"), "{lines:?}");
}

#[test]
fn forms_keep_to_the_limits_of_the_operations_that_they_stand_for() {
    let app = TestApp::start(Mode::Dev, &["--limit-proofs", "2"]);
    let made = app.invite("acme", "a@b.co");
    let token = app.token_of(&made);
    let person = Person { app: &app, token };
    let email = ("email", "a@b.co");
    person.press("send", &[email]);
    let code = person.code("a@b.co");
    let other = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..2 {
        let wrong = person.press("accept", &[email, ("code", other)]);
        shows(&wrong, 404, &["That code didn"]);
    }
    let refused = person.press("accept", &[email, ("code", &code)]);
    shows(&refused, 429, &["too many tries", "min.", "name=\"code\""]);
    assert!(refused.header("retry-after").is_some());
    let body = json!({ "token": person.token, "email": "a@b.co", "code": code });
    assert_eq!(app.person("accept", &body).status, 429, "the same limit");
    let app = TestApp::start(Mode::Serve, &["--limit-address", "1"]);
    shows(&send(&app, &[]), 200, &[]);
    shows(&send(&app, &[]), 429, &["This does not work now", "min."]);
}

#[test]
fn programs_get_problem_documents_and_other_bodies_are_refused() {
    let app = dev();
    let post = || app.anonymous("POST", "/accept");
    let form = |body: &str| {
        post()
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
    };
    assert_eq!(form("link=ivm_0123").code(), "not_found");
    assert_eq!(post().json("{}").send().code(), "unsupported_media_type");
    assert_eq!(form(&"x".repeat(70_000)).code(), "body_too_large");
    let query = app.anonymous("POST", "/accept?token=x").send();
    assert_eq!(query.code(), "invalid_query");
    let key = post().bearer("ivk_nonsense").send();
    assert_eq!(key.status, 200, "a key means nothing here");
}

#[test]
fn a_form_comes_from_a_page_of_any_origin_since_what_it_holds_is_the_proof() {
    let app = dev();
    for (origin, site) in [
        ("null", "same-origin"),
        ("https://id.example.com", "cross-site"),
    ] {
        let post = app.anonymous("POST", "/accept").header("Origin", origin);
        let answer = post.header("Sec-Fetch-Site", site).send();
        assert_eq!(answer.status, 200, "{origin}: {}", answer.text());
    }
    let other = app.anonymous("POST", "/accept/").header("Origin", "null");
    assert_eq!(other.send().status, 403);
}

#[test]
fn what_others_wrote_is_text_at_every_step() {
    let app = dev();
    for payload in PAYLOADS {
        let put = app.request("PUT", "/v1/organizations/acme");
        put.json(json!({ "name": payload, "acceptance": "code" }).to_string())
            .send();
        let body = json!({ "email": "a@b.co", "role": "developer", "onConflict": "replace",
            "inviter": { "name": payload } });
        let made = app
            .post("/v1/organizations/acme/invitations", &body.to_string())
            .json();
        let token = app.token_of(&made);
        let person = Person { app: &app, token };
        let fields = [("email", payload), ("code", payload), ("do", payload)];
        for button in ["open", "send", "have", "again", "accept"] {
            let html = person.press(button, &fields).text();
            for raw in ["<script>", "<img", "<svg/onload", "<a href=javascript"] {
                assert!(!html.contains(raw), "{button} has {raw}: {html}");
            }
        }
    }
}
