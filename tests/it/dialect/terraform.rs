//! What the vendor's Terraform provider asks of the dialect for an invitation, step by step.
//!
//! * create: POST; where that is 409, the members by their addresses;
//! * refresh: GET of the invitation; where that is 404, the members by their addresses: whoever is
//!   one has accepted, and the resource stays as it is;
//! * destroy: DELETE, where 404 is as good as 200.

use serde_json::{Value, json};

use super::{at, each, result};
use crate::support::{TestApp, invitation};

/// The id of the role that is called `name`, as the data source finds it.
fn role(app: &TestApp, name: &str) -> Value {
    let roles = result(&app.get(&at("acme", "roles")));
    let mut roles = roles.as_array().expect("an array").iter();
    roles.find(|role| role["name"] == name).expect("the role")["id"].clone()
}

/// The answer to a create of the resource.
fn create(app: &TestApp) -> crate::support::Answer {
    let body = json!({ "email": "alice@example.com", "assignedRoleIds": [role(app, "Developer")] });
    app.request("POST", &at("acme", "invitations"))
        .header("Content-Type", "application/json; charset=utf-8")
        .body(body.to_string())
        .send()
}

/// Whether the address of the resource is a member's.
fn is_member(app: &TestApp) -> bool {
    let members = result(&app.get(&at("acme", "members")));
    each(&members, "email").contains(&json!("alice@example.com"))
}

#[test]
fn an_invitation_that_was_accepted_is_gone_and_its_address_is_a_members() {
    let app = TestApp::serve();
    let made = result(&create(&app));
    let path = at(
        "acme",
        &format!("invitations/{}", made["id"].as_str().expect("an id")),
    );
    let read = result(&app.get(&path));
    for computed in ["id", "email", "createdAt", "expireAt", "assignedRoles"] {
        assert_eq!(
            read[computed], made[computed],
            "{computed}: a plan would show a difference"
        );
    }
    let accepted = app.post(
        &format!("{}/accept", invitation("acme", &made["id"])),
        r#"{"email":"alice@example.com"}"#,
    );
    assert_eq!(accepted.status, 200, "{}", accepted.text());
    assert_eq!((app.get(&path).status, is_member(&app)), (404, true));
    assert_eq!(
        create(&app).status,
        409,
        "applied anew, it is fulfilled already"
    );
    assert_eq!(
        app.request("DELETE", &path).send().status,
        404,
        "destroying it removes no member"
    );
    assert!(is_member(&app));
}

#[test]
fn an_invitation_that_was_taken_back_or_has_lapsed_is_gone_and_can_be_made_again() {
    let app = TestApp::serve();
    for taken_back in [true, false] {
        let made = result(&create(&app));
        let path = at(
            "acme",
            &format!("invitations/{}", made["id"].as_str().expect("an id")),
        );
        if taken_back {
            assert_eq!(app.request("DELETE", &path).send().status, 200);
        } else {
            app.advance_to(8 * 24 * 60 * 60 * 1000);
        }
        assert_eq!((app.get(&path).status, is_member(&app)), (404, false));
    }
    assert_eq!(create(&app).status, 200);
}
