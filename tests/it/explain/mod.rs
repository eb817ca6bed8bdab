//! Why somebody cannot accept: what is explained is what an acceptance does.

mod states;

use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::life::{path_of, wrong};
use crate::support::{TestApp, invitation};
use states::{ask, states};

/// The invited address.
const INVITED: &str = "a.b@bücher.de";
/// All rules, in their order.
const RULES: [&str; 9] = [
    "address_form",
    "address",
    "status",
    "expiry",
    "link",
    "code_requests",
    "code_tries",
    "code",
    "mail",
];
const WEEK: i64 = 7 * 24 * 60 * 60 * 1_000;

/// What is explained of `made` for `email`.
fn explain(app: &TestApp, made: &Value, email: &str) -> Value {
    let answer = app.change(made, "explain", &json!({ "email": email }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let explained = answer.json();
    let rules = explained["rules"].as_array().expect("rules");
    let names: Vec<_> = rules.iter().map(|rule| rule["rule"].clone()).collect();
    assert_eq!(names, RULES);
    explained
}

/// The finding about `rule`.
fn finding(explained: &Value, rule: &str) -> (Option<bool>, String) {
    let place = RULES.iter().position(|known| *known == rule);
    let found = &explained["rules"][place.expect("a rule")];
    let detail = found["detail"].as_str().expect("a sentence");
    assert!(detail.len() > 15 && detail.len() < 400, "{rule}: {detail}");
    (found["passes"].as_bool(), detail.to_owned())
}

/// The rules that fail.
fn failing(explained: &Value) -> Vec<&'static str> {
    let fails = |rule: &&str| finding(explained, rule).0 == Some(false);
    RULES.into_iter().filter(fails).collect()
}

#[test]
fn an_application_joins_exactly_who_can_accept_and_the_rest_says_why_not() {
    let addresses = [
        (INVITED, true),
        (" A.B@xn--bcher-kva.DE ", true),
        ("a.b+x@bücher.de", false),
        ("ab@bücher.de", false),
        ("a.b@bucher.de", false),
        ("c@d.co", false),
        ("a.b", false),
        ("", false),
    ];
    for state in states() {
        let (app, made) = state.set(addresses.len());
        for ((made, _), (email, is_invited)) in made.iter().zip(addresses) {
            let name = format!("{}, {email}", state.name);
            let explained = explain(&app, made, email);
            let accepted = app.change(made, "accept", &json!({ "email": email }));
            let (joins, text) = (accepted.status == 200, accepted.text());
            assert_eq!(explained["canAccept"], joins, "{name}: {text}");
            assert!(is_invited || !joins, "{name}");
            let stops = ["address_form", "address", "status", "expiry"];
            let stops = |rule: &&str| stops.contains(rule);
            let failing = failing(&explained);
            assert_eq!(failing.iter().any(stops), !joins, "{name}: {failing:?}");
            if is_invited {
                assert_eq!(failing, state.failing, "{name}");
            }
        }
    }
}

#[test]
fn the_link_and_the_code_join_exactly_where_their_rules_pass() {
    for state in states() {
        let (app, made) = state.set(2);
        let name = state.name;
        let passes = |explained: &Value, rule| finding(explained, rule).0 == Some(true);
        let (by_link, _) = &made[0];
        let explained = explain(&app, by_link, INVITED);
        let token = json!({ "token": app.mailed_token_of(by_link) });
        let joined = app.person("accept", &token);
        let text = joined.text();
        let expected = passes(&explained, "link");
        assert_eq!(joined.status == 200, expected, "{name}: {text}");
        let (by_code, code) = &made[1];
        let explained = explain(&app, by_code, INVITED);
        let token = app.mailed_token_of(by_code);
        let code = code.as_deref().unwrap_or("000000");
        let body = json!({ "token": token, "email": INVITED, "code": code });
        let joined = app.person("accept", &body);
        let text = joined.text();
        let expected = passes(&explained, "code_tries") && passes(&explained, "code");
        assert_eq!(joined.status == 200, expected, "{name}: {text}");
    }
}

#[test]
fn what_two_addresses_differ_in_is_said() {
    let app = TestApp::serve();
    let made = app.invite("acme", "first.last@example.com");
    let own = app.invite("acme", "own@b.co");
    for (email, expected) in [
        ("first.last+work@example.com", "behind the +"),
        ("firstlast@example.com", "dots before the @"),
        ("first.last@example.org", "the domain differs"),
        ("first.last@exämple.com", "letters beyond ASCII"),
        ("last@example.com", "The domain is the same"),
        ("c@d.co", "Both the domain and"),
        ("own@b.co", own["id"].as_str().expect("an id")),
    ] {
        let (passes, detail) = finding(&explain(&app, &made, email), "address");
        assert_eq!(passes, Some(false), "{email}");
        assert!(detail.contains(expected), "{email}: {detail}");
        assert!(
            detail.contains("first.last@example.com was invited"),
            "{detail}"
        );
    }
    for (email, expected) in [
        ("first.last", "needs an @"),
        ("fürst@example.com", "ASCII"),
        ("first last@example.com", "without spaces"),
        ("first.last@example", "needs a dot"),
        ("first.last@ex\u{200b}ample.com", "invisible"),
    ] {
        let explained = explain(&app, &made, email);
        let (passes, detail) = finding(&explained, "address_form");
        assert_eq!(passes, Some(false), "{email}");
        assert!(detail.contains(expected), "{email}: {detail}");
        assert_eq!(finding(&explained, "address").0, None, "{email}");
        assert_eq!(explained["canAccept"], false, "{email}");
    }
}

#[test]
fn how_an_invitation_was_closed_is_said_with_its_time() {
    let app = TestApp::serve();
    let made = app.invite("acme", INVITED);
    app.advance_to(1_000);
    app.change(&made, "accept", &json!({ "email": INVITED }));
    let shown = app.look(&made);
    let (_, detail) = finding(&explain(&app, &made, INVITED), "status");
    let at = shown["acceptedAt"].as_str().expect("a time");
    assert!(detail.contains(&format!("accepted at {at}")), "{detail}");
    let made = app.invite("globex", INVITED);
    app.change(&made, "revoke", &json!({}));
    let (_, detail) = finding(&explain(&app, &made, INVITED), "status");
    let at = app.look(&made)["revokedAt"].clone();
    let at = at.as_str().expect("a time");
    assert!(detail.contains(&format!("revoked at {at}")), "{detail}");
    let made = app.invite("initech", INVITED);
    app.advance_to(2 * WEEK);
    let (_, detail) = finding(&explain(&app, &made, INVITED), "expiry");
    let at = made["expiresAt"].as_str().expect("a time");
    assert!(
        detail.contains(at) && detail.contains("Send it again"),
        "{detail}"
    );
}

#[test]
fn what_would_be_refused_since_a_newer_invitation_stands_is_not_advised() {
    for end in ["expired", "declined", "revoked"] {
        let app = TestApp::start(Mode::Serve, &["--resend-cooldown", "0s"]);
        let made = app.invite("acme", INVITED);
        match end {
            "expired" => app.advance_to(2 * WEEK),
            "declined" => {
                let token = json!({ "token": app.mailed_token_of(&made) });
                assert_eq!(app.person("decline", &token).status, 200);
            }
            _ => assert_eq!(app.change(&made, "revoke", &json!({})).status, 200),
        }
        let rule = if end == "expired" { "expiry" } else { "status" };
        let told = || finding(&explain(&app, &made, INVITED), rule).1;
        assert!(told().contains("again."), "{end}: {}", told());
        let newer = app.invite("acme", INVITED);
        let id = newer["id"].as_str().expect("an id");
        let pending = format!("A newer invitation of the address is pending: {id}.");
        assert!(told().ends_with(&pending), "{end}: {}", told());
        if end == "expired" {
            let refused = app.change(&made, "resend", &json!({}));
            assert_eq!((refused.status, &*refused.code()), (409, "already_invited"));
            let problem = refused.json();
            assert_eq!(problem["invitationId"], newer["id"]);
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert!(
                detail.contains("; send that one again, or revoke"),
                "{detail}"
            );
        }
        app.change(&newer, "accept", &json!({ "email": INVITED }));
        let joined = format!("The person has joined by a newer invitation: {id}.");
        assert!(told().ends_with(&joined), "{end}: {}", told());
    }
}

#[test]
fn a_mail_that_was_given_up_is_not_to_be_sent_again_where_that_is_refused() {
    let app = TestApp::start(Mode::Dev, &[]);
    let made = app.invite_by_mail("acme", INVITED);
    let sql = "update invitation set delivery = 3, delivery_error = 'No such user.',
                 delivery_attempts = 1";
    invited::db::write_file(&app.database, |tx| Ok(tx.execute(sql, [])?)).expect("it writes");
    let told = || finding(&explain(&app, &made, INVITED), "mail").1;
    let given_up = "Its mail was given up: No such user.";
    assert_eq!(
        told(),
        format!("{given_up} Check the address, and send it again.")
    );
    assert_eq!(app.change(&made, "revoke", &json!({})).status, 200);
    assert_eq!(told(), format!("{given_up} It has been closed."));
}

#[test]
fn how_far_the_mail_came_is_said_with_its_error() {
    let app = TestApp::start(Mode::Dev, &[]);
    let made = app.invite_by_mail("acme", INVITED);
    let mail = |app: &TestApp| finding(&explain(app, &made, INVITED), "mail");
    assert_eq!(mail(&app).0, Some(true));
    for (delivery, passes, expected) in [
        (0, None, "No mail"),
        (1, None, "550 no such user"),
        (3, Some(false), "given up"),
        (4, Some(false), "550 no such user"),
    ] {
        let sql = "update invitation set delivery = ?1, delivery_error = '550 no such user',
                     delivery_attempts = 1";
        invited::db::write_file(&app.database, |tx| Ok(tx.execute(sql, [delivery])?))
            .expect("it writes");
        let (found, detail) = mail(&app);
        assert_eq!(found, passes, "{delivery}: {detail}");
        assert!(detail.contains(expected), "{delivery}: {detail}");
        assert_eq!(explain(&app, &made, INVITED)["canAccept"], true);
    }
    let without = TestApp::serve();
    let made = without.invite("acme", INVITED);
    let explained = explain(&without, &made, INVITED);
    for rule in ["mail", "code_requests"] {
        let (passes, detail) = finding(&explained, rule);
        assert_eq!(passes, None, "{rule}");
        assert!(detail.contains("sends no mail"), "{rule}: {detail}");
    }
}

#[test]
fn codes_that_cannot_be_asked_for_or_would_not_be_mailed_are_told() {
    let requests = |settings: &[&str], asked: usize| {
        let app = TestApp::start(Mode::Dev, settings);
        let made = app.invite_by_mail("acme", INVITED);
        for _ in 0..asked {
            ask(&app, &made);
        }
        finding(&explain(&app, &made, INVITED), "code_requests")
    };
    let unlimited = ["--limit-codes", "0", "--limit-recipient", "0"];
    assert_eq!(requests(&unlimited, 9).0, Some(true));
    let of_link = ["--limit-codes", "2", "--limit-recipient", "0"];
    assert_eq!(requests(&of_link, 1).0, Some(true));
    let (passes, detail) = requests(&of_link, 2);
    assert_eq!(passes, Some(false));
    assert!(
        detail.contains("codes asked for") && detail.contains("again in"),
        "{detail}"
    );
    // The mail of the invitation counts, too.
    let of_recipient = ["--limit-codes", "0", "--limit-recipient", "2"];
    assert_eq!(requests(&of_recipient, 0).0, Some(true));
    let (passes, detail) = requests(&of_recipient, 1);
    assert_eq!(passes, Some(false));
    assert!(detail.contains("mails a day"), "{detail}");
}

#[test]
fn a_question_changes_nothing_and_counts_as_no_try() {
    let app = TestApp::start(Mode::Serve, &["--limit-proofs", "2", "--limit-codes", "2"]);
    app.set_present();
    let made = app.invite("acme", INVITED);
    let before = app.contents();
    for email in [INVITED, "c@d.co", "no address"] {
        for _ in 0..25 {
            explain(&app, &made, email);
        }
    }
    assert_eq!(app.contents(), before);
    let other = app.change(&made, "accept", &json!({ "email": "c@d.co" }));
    assert_eq!(other.code(), "email_mismatch", "{}", other.text());
    ask(&app, &made);
    let code = app.code_of(&made).expect("a code");
    let body = json!({ "token": app.token_of(&made), "email": INVITED, "code": code });
    assert_eq!(app.person("accept", &body).status, 200);
}

#[test]
fn a_question_without_an_address_or_about_what_is_not_there_is_refused() {
    let app = TestApp::serve();
    let made = app.invite("acme", INVITED);
    for body in [json!({}), json!({ "email": null })] {
        let answer = app.change(&made, "explain", &body);
        let expected = vec![("/email".to_owned(), "required".to_owned())];
        assert_eq!((answer.status, wrong(&answer)), (422, expected), "{body}");
    }
    for body in [
        json!({ "email": 1 }),
        json!({ "email": [INVITED] }),
        json!({ "email": INVITED, "code": "123456" }),
        json!([]),
    ] {
        let answer = app.change(&made, "explain", &body);
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
    }
    let body = json!({ "email": INVITED }).to_string();
    let foreign = format!("{}/explain", invitation("globex", &made["id"]));
    assert_eq!(app.post(&foreign, &body).status, 404);
    let gone = app.request("DELETE", &path_of(&made)).send();
    assert_eq!(gone.status, 204);
    let answer = app.change(&made, "explain", &json!({ "email": INVITED }));
    assert_eq!((answer.status, &*answer.code()), (404, "not_found"));
}
