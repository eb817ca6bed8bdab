//! What is done to one invitation after its making, with a key.
//!
//! * [`update`]: PATCH. [`update_refused`]: what a PATCH may not change.
//! * [`resend`], [`close`], [`link`]: the other operations.
//! * [`wire`]: what their paths and bodies have in common.

mod close;
mod link;
mod resend;
mod update;
mod update_refused;
mod wire;

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::life::path_of;

/// An invitation in each status but pending, with the status.
fn closed(app: &TestApp) -> Vec<(&'static str, Value)> {
    let accepted = app.invite("acme", "accepted@b.co");
    assert_eq!(
        app.change(&accepted, "accept", &json!({ "email": "accepted@b.co" }))
            .status,
        200
    );
    let revoked = app.invite("acme", "revoked@b.co");
    assert_eq!(app.change(&revoked, "revoke", &json!({})).status, 200);
    let declined = app.invite("acme", "declined@b.co");
    let body = json!({ "token": app.token_of(&declined), "email": "declined@b.co" });
    assert_eq!(
        app.post("/v1/invitations/decline", &body.to_string())
            .status,
        200
    );
    let body = json!({ "email": "expired@b.co", "role": "developer", "expiresIn": 60 });
    let expired = app
        .post("/v1/organizations/acme/invitations", &body.to_string())
        .json();
    app.advance_to(60_000);
    vec![
        ("accepted", accepted),
        ("revoked", revoked),
        ("declined", declined),
        ("expired", expired),
    ]
}

/// Until when a closed invitation refuses, as its refusals say: one that expired can come back.
fn until(status: &str) -> &'static str {
    match status {
        "expired" => "until it is sent again (resend)",
        _ => "any more",
    }
}

/// The number of events of the whole file.
fn events(app: &TestApp) -> usize {
    app.contents()["event"].len()
}

/// The last event of acme.
fn last_event(app: &TestApp) -> Value {
    app.get("/v1/organizations/acme/events?limit=1").json()[0].clone()
}

/// PATCHes an invitation.
fn patch(app: &TestApp, invitation: &Value, body: &Value) -> crate::support::Answer {
    app.request("PATCH", &path_of(invitation))
        .json(body.to_string())
        .send()
}
