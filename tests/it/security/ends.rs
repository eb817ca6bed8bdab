//! What ends an invitation, or its link, ends every way to answer it in that very transaction.

use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::life::{path_of, refusal};
use crate::support::{Answer, TestApp};

/// A server, and an invitation with its token and a live code.
struct Open {
    /// The server.
    app: TestApp,
    /// The invitation.
    made: Value,
    /// The token of its link.
    token: String,
    /// The token of the link in its mail.
    mailed: String,
    /// Its code.
    code: String,
}

impl Open {
    /// An invitation that ends in a minute.
    fn new() -> Self {
        let app = TestApp::start(
            Mode::Serve,
            &[
                "--resend-cooldown",
                "0s",
                "--limit-address",
                "0",
                "--limit-proofs",
                "0",
            ],
        );
        app.set_present();
        let body = json!({ "email": "a@b.co", "role": "developer", "expiresIn": 60 }).to_string();
        let made = app.post("/v1/organizations/acme/invitations", &body).json();
        let token = app.token_of(&made);
        app.ask_code(&token, "a@b.co");
        let code = app.code_of(&made).expect("a live code");
        let mailed = app.mailed_token_of(&made);
        Self {
            app,
            made,
            mailed,
            token,
            code,
        }
    }

    /// Every way to accept it, in turn, each with what it proves by.
    fn ways(&self) -> [(&'static str, Answer); 4] {
        let vouched = json!({ "token": self.token, "email": "a@b.co" }).to_string();
        let by_code = json!({ "token": self.token, "email": "a@b.co", "code": self.code });
        [
            (
                "by id",
                self.app
                    .change(&self.made, "accept", &json!({ "email": "a@b.co" })),
            ),
            (
                "by token",
                self.app.post("/v1/invitations/accept", &vouched),
            ),
            ("by code", self.app.person("accept", &by_code)),
            (
                "by mail",
                self.app.person("accept", &json!({ "token": self.mailed })),
            ),
        ]
    }

    /// Checks that no way is open, that nothing changes by trying, and that each is refused as
    /// `expected` says, in that order.
    fn assert_closed(&self, why: &str, expected: [(u16, &str); 4]) {
        let before = self.app.contents();
        for ((way, answer), (status, code)) in self.ways().into_iter().zip(expected) {
            assert_eq!(refusal(&answer), (status, code.to_owned()), "{why}: {way}");
        }
        let now = self.app.contents();
        for table in ["invitation", "event", "organization", "idempotency"] {
            assert_eq!(now[table], before[table], "{why}: {table}");
        }
    }
}

/// Refused for its status by every way.
const CONFLICT: [(u16, &str); 4] = [(409, "status_conflict"); 4];

#[test]
fn the_end_counts_to_the_millisecond_for_every_way_to_accept() {
    for (before_end, is_open) in [(1, true), (0, false), (-1, false)] {
        for way in 0..4 {
            let open = Open::new();
            let now = open.app.clock.now().as_millis();
            open.app
                .clock
                .set(invited::base::clock::Timestamp::from_millis(
                    now + 60_000 - before_end,
                ));
            if is_open {
                let vouched = json!({ "token": open.token, "email": "a@b.co" }).to_string();
                let by_code = json!({ "token": open.token, "email": "a@b.co", "code": open.code });
                let answer = match way {
                    0 => open
                        .app
                        .change(&open.made, "accept", &json!({ "email": "a@b.co" })),
                    1 => open.app.post("/v1/invitations/accept", &vouched),
                    2 => open.app.person("accept", &by_code),
                    _ => open.app.person("accept", &json!({ "token": open.mailed })),
                };
                assert_eq!(answer.status, 200, "{}", answer.text());
            } else if way == 0 {
                open.assert_closed("expired", CONFLICT);
                assert_eq!(open.ways()[0].1.json()["invitationStatus"], "expired");
            }
        }
    }
}

#[test]
fn a_revoked_a_declined_and_an_accepted_one_are_closed_at_once() {
    for what in ["revoke", "decline", "accept"] {
        let open = Open::new();
        let by_code = json!({ "token": open.token, "email": "a@b.co", "code": open.code });
        let done = match what {
            "revoke" => open.app.change(&open.made, "revoke", &json!({})),
            _ => open.app.person(what, &by_code),
        };
        assert_eq!(done.status, 200, "{what}: {}", done.text());
        open.assert_closed(what, CONFLICT);
        let ask = open
            .app
            .person("code", &json!({ "token": open.token, "email": "a@b.co" }));
        assert_eq!(refusal(&ask), (409, "status_conflict".to_owned()), "{what}");
    }
}

#[test]
fn what_takes_its_place_or_sends_it_again_kills_link_and_code() {
    let open = Open::new();
    let create = |rule: &str| {
        let body = json!({ "email": "a@b.co", "role": "developer", "onConflict": rule });
        open.app
            .post("/v1/organizations/acme/invitations", &body.to_string())
    };
    assert_eq!(create("resend").status, 200);
    let dead = |open: &Open, why: &str| {
        let vouched = json!({ "token": open.token, "email": "a@b.co" }).to_string();
        let by_code = json!({ "token": open.token, "email": "a@b.co", "code": open.code });
        assert_eq!(
            open.app.post("/v1/invitations/accept", &vouched).status,
            404,
            "{why}"
        );
        let by_mail = json!({ "token": open.mailed });
        for proof in [&by_code, &by_mail] {
            assert_eq!(open.app.person("accept", proof).status, 404, "{why}");
        }
        for (what, body) in [
            ("lookup", json!({ "token": open.token })),
            ("lookup", by_mail.clone()),
            ("code", by_mail),
            ("code", json!({ "token": open.token, "email": "a@b.co" })),
        ] {
            assert_eq!(open.app.person(what, &body).status, 404, "{why}: {what}");
        }
    };
    dead(&open, "resend");
    assert_eq!(open.app.look(&open.made)["status"], "pending");
    let open = Open::new();
    let body =
        json!({ "email": "a@b.co", "role": "developer", "onConflict": "replace" }).to_string();
    assert_eq!(
        open.app
            .post("/v1/organizations/acme/invitations", &body)
            .status,
        201
    );
    open.assert_closed("replace", CONFLICT);
}

#[test]
fn what_is_deleted_alone_or_with_its_organization_is_gone_for_every_way() {
    for organization in [false, true] {
        let open = Open::new();
        let path = if organization {
            "/v1/organizations/acme".to_owned()
        } else {
            path_of(&open.made)
        };
        assert_eq!(open.app.contents()["code"].len(), 1);
        assert_eq!(open.app.request("DELETE", &path).send().status, 204);
        assert_eq!(open.app.contents()["code"].len(), 0, "codes go along");
        open.assert_closed(
            &path,
            [
                (404, "not_found"),
                (404, "not_found"),
                (404, "proof_rejected"),
                (404, "proof_rejected"),
            ],
        );
        assert_eq!(
            open.app
                .person("lookup", &json!({ "token": open.token }))
                .status,
            404
        );
        // The next invitation of the same address is another one.
        let next = open.app.invite("acme", "a@b.co");
        open.assert_closed(
            &path,
            [
                (404, "not_found"),
                (404, "not_found"),
                (404, "proof_rejected"),
                (404, "proof_rejected"),
            ],
        );
        assert_eq!(open.app.look(&next)["status"], "pending");
    }
}

#[test]
fn a_clock_that_goes_back_revives_nothing_that_was_closed() {
    let open = Open::new();
    let now = open.app.clock.now().as_millis();
    assert_eq!(
        open.app.change(&open.made, "revoke", &json!({})).status,
        200
    );
    for shift in [-86_400_000 * 30, 0, 86_400_000 * 30] {
        open.app
            .clock
            .set(invited::base::clock::Timestamp::from_millis(now + shift));
        open.assert_closed("revoked", CONFLICT);
    }
}
