//! What is said of an invitation that was answered, revoked or has expired: what there is to do
//! next, to whoever invites and to whoever was invited.

use serde_json::{Value, json};

use super::Record;
use crate::support::{TestApp, invitation, invitations};

/// An invitation that is closed.
struct Closed {
    /// How it stands.
    status: &'static str,
    /// The invitation as it was made.
    made: Value,
    /// The token of its link, which proves nothing.
    token: String,
}

/// Closed invitations of acme, one of each kind.
fn closed(app: &TestApp) -> Vec<Closed> {
    let body = json!({ "email": "expired@b.co", "role": "dev", "expiresIn": 60 });
    let expired = app.post(&invitations("acme"), &body.to_string()).json();
    let [accepted, declined, revoked] = ["accepted", "declined", "revoked"]
        .map(|status| app.invite("acme", &format!("{status}@b.co")));
    let all = [
        ("accepted", &accepted),
        ("declined", &declined),
        ("revoked", &revoked),
        ("expired", &expired),
    ];
    let all = all.map(|(status, made)| Closed {
        status,
        made: made.clone(),
        token: app.token_of(made),
    });
    let by_mail = |what: &str, made: &Value| {
        let answer = app.person(what, &json!({ "token": app.mailed_token_of(made) }));
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    by_mail("accept", &accepted);
    by_mail("decline", &declined);
    assert_eq!(app.change(&revoked, "revoke", &json!({})).status, 200);
    app.advance_to(60_000);
    all.into()
}

#[test]
fn an_inviter_is_told_what_to_do_about_an_invitation_that_is_closed() {
    let mut record = Record::of(TestApp::serve());
    let again = "until it is sent again (resend).";
    for Closed { status, made, .. } in closed(&record.app) {
        let (to_join, to_end) = match status {
            "accepted" => (
                "The person has joined by it.",
                "Delete it once the person has left.",
            ),
            "expired" => (again, again),
            _ => ("Invite the address anew.", "Nobody can join by it."),
        };
        let path = invitation("acme", &made["id"]);
        let email = json!({ "email": format!("{status}@b.co") }).to_string();
        let post = |app: &TestApp, what: &str, body: &str| {
            app.request("POST", &format!("{path}/{what}")).json(body)
        };
        let app = &record.app;
        let mut requests = vec![
            (post(app, "accept", &email), to_join),
            (post(app, "link", "{}"), to_join),
            (
                app.request("PATCH", &path).json(r#"{"role":"dev"}"#),
                to_join,
            ),
            (post(app, "revoke", "{}"), to_end),
        ];
        if status != "expired" {
            requests.push((post(app, "resend", "{}"), to_join));
        }
        // An application that vouches manages invitations, too.
        for (what, says) in [("accept", to_join), ("decline", to_end)] {
            let body =
                json!({ "token": app.mailed_token_of(&made), "email": format!("{status}@b.co") });
            let request = app.request("POST", &format!("/v1/invitations/{what}"));
            requests.push((request.json(body.to_string()), says));
        }
        for (request, says) in requests {
            let answer = record.says(request, 409, "status_conflict", says);
            let detail = answer.json()["detail"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            assert!(detail.ends_with(says), "{status}: {detail}");
        }
    }
}

#[test]
fn an_invited_person_is_told_whom_to_ask_about_an_invitation_that_is_closed() {
    let mut record = Record::of(TestApp::serve());
    for Closed {
        status,
        made,
        token,
    } in closed(&record.app)
    {
        let (to_join, to_decline) = match status {
            "accepted" => (
                "Sign in to the organization: nothing is left to do.",
                "To leave the organization, sign in to it.",
            ),
            "expired" => (
                "any more. Ask the person who invited you to send it again.",
                "any more. Nothing is left to do.",
            ),
            _ => (
                "Ask the person who invited you to invite you anew.",
                "Nothing is left to do.",
            ),
        };
        let mailed = json!({ "token": record.app.mailed_token_of(&made) });
        let mut by_code = json!({ "token": token });
        by_code["email"] = json!(format!("{status}@b.co"));
        let asked = by_code.clone();
        by_code["code"] = json!("123456");
        for (what, body, says) in [
            ("accept", &mailed, to_join),
            ("accept", &by_code, to_join),
            ("decline", &mailed, to_decline),
            ("decline", &by_code, to_decline),
            ("code", &mailed, to_join),
            ("code", &asked, to_join),
        ] {
            let request = record
                .app
                .anonymous("POST", &format!("/v1/invitations/{what}"));
            let answer = record.says(request.json(body.to_string()), 409, "status_conflict", says);
            let detail = answer.json()["detail"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            assert!(detail.ends_with(says), "{status}: {detail}");
        }
    }
}
