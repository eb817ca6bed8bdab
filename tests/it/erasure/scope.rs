//! What an erasure does not touch: other addresses, other organizations, and what comes later.

use invited::key::Scope;
use serde_json::json;

use super::{NOTHING, bytes, churn, count, erase, invite_with_all};
use crate::support::{TestApp, invitation, invitations};

#[test]
fn other_addresses_stay_as_they_are_even_those_that_hold_the_erased_one() {
    let app = TestApp::serve();
    let others = [
        "xa@b.co",
        "x.a@b.co",
        "x+a@b.co",
        "x-a@b.co",
        "a@b.com",
        "a@b.co.uk",
        "a+x@b.co",
        "a@xb.co",
    ];
    for email in others {
        let body = json!({ "email": email, "role": "developer" }).to_string();
        let request = app
            .request("POST", &invitations("acme"))
            .header("Idempotency-Key", email);
        assert_eq!(request.json(body).send().status, 201);
    }
    let rows = || {
        app.db_rows(
            "select hex(id) || email || updated_at from invitation where email != 'a@b.co'
             union all select hex(id) || type || coalesce(before, '') || coalesce(after, '')
             from event
                       where type != 'invitation.erased' and coalesce(after, '') not like
                       '{\"email\":\"a@b.co\"%'
             union all select key || hex(body) from idempotency",
        )
    };
    let before = rows();
    app.invite("acme", "a@b.co");
    app.invite("globex", "a@b.co");
    assert_eq!(
        erase(&app, "a@b.co").json(),
        json!({ "invitations": 2, "events": 2, "answers": 0, "pending": [] })
    );
    let redacted = |row: &Vec<String>| row.concat().contains(r#"{\"role\""#);
    let after: Vec<_> = rows().into_iter().filter(|row| !redacted(row)).collect();
    assert_eq!(after, before);
}

#[test]
fn a_key_that_is_bound_to_organizations_erases_only_in_those_and_learns_nothing_of_others() {
    let app = TestApp::serve();
    let email = "erika.mustermann@example.com";
    let (own, foreign) = (
        invite_with_all(&app, "acme", email),
        invite_with_all(&app, "globex", email),
    );
    let accept = json!({ "token": null, "email": email });
    for (organization, made) in [("acme", &own), ("globex", &foreign)] {
        let link = app
            .post(
                &format!("{}/link", invitation(organization, &made["id"])),
                "{}",
            )
            .json();
        let mut body = accept.clone();
        body["token"] = link["token"].clone();
        let request = app
            .request("POST", "/v1/invitations/accept")
            .header("Idempotency-Key", organization);
        assert_eq!(request.json(body.to_string()).send().status, 200);
    }
    let key = app.key(&[Scope::Admin], &["acme", "umbrella"], None);
    let of_globex = || {
        app.db_rows(
            "select hex(id) || email from invitation where organization_id = 'globex'
             union all select hex(id) || coalesce(before, '') || coalesce(after, '') from event
             where organization_id = 'globex'
             union all select key || operation || hex(body) from idempotency where body like
             '%globex%'",
        )
    };
    let before = of_globex();
    assert_eq!(before.len(), 5);
    let erase_bound = || {
        app.anonymous("DELETE", &format!("/v1/invitations?email={email}"))
            .bearer(&key)
            .send()
    };
    assert_eq!(
        erase_bound().json(),
        json!({ "invitations": 1, "events": 1, "answers": 2, "pending": [] })
    );
    assert_eq!(of_globex(), before);
    assert_eq!(
        erase_bound().json(),
        json!({ "invitations": 0, "events": 0, "answers": 0, "pending": [] })
    );
    assert_eq!(
        app.db_rows("select id from event where type = 'invitation.erased'")
            .len(),
        1
    );
    assert_eq!(
        erase(&app, email).json(),
        json!({ "invitations": 1, "events": 1, "answers": 2, "pending": [] })
    );
    assert_eq!(count(&bytes(&app), "mustermann"), 0);
}

#[test]
fn an_unknown_address_is_zeros_and_a_bad_one_is_refused_and_nothing_is_changed() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    let rows =
        || app.db_rows("select email from invitation union all select type || after from event");
    let before = rows();
    assert_eq!(erase(&app, "unknown@b.co").text(), NOTHING);
    let delete = |path: &str| app.request("DELETE", path).send();
    for (path, status) in [
        ("/v1/invitations", 422),
        ("/v1/invitations?email=", 422),
        ("/v1/invitations?email=nonsense", 422),
        ("/v1/invitations?email=a@b.co&force=1", 400),
        ("/v1/invitations?email=a@b.co&email=c@b.co", 400),
    ] {
        assert_eq!(delete(path).status, status, "{path}");
    }
    let rest = [Scope::Read, Scope::Write, Scope::Accept, Scope::Link];
    let key = app.key(&rest, &[], None);
    let refused = app
        .anonymous("DELETE", "/v1/invitations?email=a@b.co")
        .bearer(&key)
        .send();
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (403, "insufficient_scope")
    );
    assert_eq!(rows(), before);
}

#[test]
fn what_is_invited_during_an_erasure_is_a_new_invitation_and_what_was_there_is_gone() {
    let app = TestApp::start(
        invited::base::mode::Mode::Serve,
        &["--limit-recipient", "0"],
    );
    churn(&app, 7, "org-0");
    let email = "erika.mustermann@example.com";
    for _ in 0..3 {
        let old = app.invite("acme", email);
        std::thread::scope(|scope| {
            let creating = scope.spawn(|| {
                let create = |number| app.invite(&format!("org-{number}"), email)["id"].clone();
                (0..10).map(create).collect::<Vec<_>>()
            });
            assert_eq!(erase(&app, email).status, 200);
            creating.join().expect("every create works");
        });
        assert_eq!(app.get(&invitation("acme", &old["id"])).status, 404);
        assert_eq!(erase(&app, email).status, 200);
        assert_eq!(count(&bytes(&app), "mustermann"), 0);
    }
}

#[test]
fn a_plus_sign_that_is_not_percent_encoded_is_refused_and_nobody_else_is_erased_or_found() {
    let app = TestApp::serve();
    for email in ["u01@ex1.com", "+u01@ex1.com", "tag@ex1.com"] {
        app.invite("acme", email);
    }
    let before = app.contents();
    for (method, query) in [
        ("DELETE", "/v1/invitations?email=+u01@ex1.com".to_owned()),
        ("DELETE", "/v1/invitations?email=u01@ex1.com+".to_owned()),
        ("DELETE", "/v1/invitations?email=%20u01@ex1.com".to_owned()),
        ("GET", "/v1/invitations?email=+u01@ex1.com".to_owned()),
        ("GET", format!("{}?email=+u01@ex1.com", invitations("acme"))),
        ("GET", format!("{}?q=+tag", invitations("acme"))),
        ("GET", format!("{}?q=b%C3%BCcher.de+", invitations("acme"))),
    ] {
        let answer = app.request(method, &query).send();
        assert_eq!(answer.status, 422, "{method} {query}: {}", answer.text());
        assert!(answer.text().contains("%2B"), "{query}: {}", answer.text());
        assert_eq!(app.contents(), before, "{method} {query}");
    }
    assert_eq!(erase(&app, "%2Bu01@ex1.com").json()["invitations"], 1);
    let left = app.db_rows("select email from invitation order by email");
    assert_eq!(
        left.concat(),
        ["Some(\"tag@ex1.com\")", "Some(\"u01@ex1.com\")"]
    );
}
