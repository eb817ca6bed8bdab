//! What a race runs on: a server with kept connections, and the invitation of a round.

use std::sync::Barrier;

use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::kept::{Call, Kept, Reply};
use crate::support::{TestApp, invitation};

/// Acceptances in each race against something else: half by id, half by token.
pub const ACCEPTANCES: usize = 4;

/// Rivals in such a race.
pub const RIVALS: usize = 4;

/// A server, and a kept connection for each racer.
pub struct Course {
    /// The server.
    pub app: TestApp,
    /// The connections.
    kept: Vec<Kept>,
}

/// The invitation of a round.
pub struct Prize {
    /// Its organization.
    pub organization: String,
    /// Its path.
    pub path: String,
    /// Its address.
    email: String,
    /// The token of its link.
    token: String,
}

impl Prize {
    /// An acceptance: every second one by the token.
    pub fn acceptance(&self, number: usize) -> Call {
        if number.is_multiple_of(2) {
            self.by_id()
        } else {
            self.by_token("accept")
        }
    }

    /// An acceptance by id.
    fn by_id(&self) -> Call {
        Call::new(
            "POST",
            format!("{}/accept", self.path),
            json!({ "email": self.email, "subject": "user" }),
        )
    }

    /// An answer by token.
    pub fn by_token(&self, answer: &str) -> Call {
        let body = json!({ "token": self.token, "email": self.email });
        Call::new("POST", format!("/v1/invitations/{answer}"), body)
    }

    /// A change without a body.
    pub fn change(&self, change: &str) -> Call {
        Call::new("POST", format!("{}/{change}", self.path), Value::Null)
    }
}

impl Course {
    /// A course for so many racers.
    pub fn new(racers: usize) -> Self {
        let app = TestApp::start(Mode::Serve, &["--resend-cooldown", "0s"]);
        let kept = (0..racers).map(|_| Kept::new(&app)).collect();
        Self { app, kept }
    }

    /// An invitation for `round`.
    pub fn prize(&self, round: u64) -> Prize {
        let (organization, email) = (format!("round-{round}"), format!("person{round}@b.co"));
        let path = invitation(&organization, &self.app.invite(&organization, &email)["id"]);
        let link = self.app.post(&format!("{path}/link"), "{}");
        let token = link.json()["token"].as_str().unwrap_or_default().to_owned();
        Prize {
            organization,
            path,
            email,
            token,
        }
    }

    /// Starts all racers together; each sends its calls one after the other. No answer is a failure
    /// of the server.
    pub fn race(&self, racers: &[Vec<Call>]) -> Vec<Vec<Reply>> {
        let start = Barrier::new(racers.len());
        let run = |kept: &Kept, calls: &[Call]| -> Vec<Reply> {
            start.wait();
            calls
                .iter()
                .map(|call| kept.send(call).expect("an answer"))
                .collect()
        };
        let replies: Vec<Vec<Reply>> = std::thread::scope(|scope| {
            let run = &run;
            let threads: Vec<_> = racers
                .iter()
                .zip(&self.kept)
                .map(|(calls, kept)| scope.spawn(move || run(kept, calls)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("answers"))
                .collect()
        });
        assert_eq!(replies.len(), racers.len());
        let failed = replies.iter().flatten().find(|reply| reply.status >= 500);
        assert!(failed.is_none(), "{failed:?}");
        replies
    }

    /// Races acceptances against rivals, in mixed order. Returns what the acceptances got, and what
    /// the rivals got.
    pub fn against(
        &self,
        prize: &Prize,
        rival: impl Fn(usize) -> Vec<Call>,
    ) -> (Vec<Reply>, Vec<Vec<Reply>>) {
        let pairs = (0..ACCEPTANCES).map(|number| [vec![prize.acceptance(number)], rival(number)]);
        let racers: Vec<_> = pairs.flatten().collect();
        let (mut acceptances, mut rivals) = (Vec::new(), Vec::new());
        for (number, replies) in self.race(&racers).into_iter().enumerate() {
            if number % 2 == 0 {
                acceptances.extend(replies);
            } else {
                rivals.push(replies);
            }
        }
        (acceptances, rivals)
    }

    /// The types of the events of an organization, oldest first, each with what was so afterwards.
    pub fn history(&self, prize: &Prize) -> Vec<(String, Value)> {
        let events = self
            .app
            .get(&format!(
                "/v1/organizations/{}/events?order=asc&limit=1000",
                prize.organization
            ))
            .json();
        let event = |event: &Value| {
            (
                event["type"].as_str().unwrap_or_default().to_owned(),
                event["after"].clone(),
            )
        };
        events
            .as_array()
            .expect("events")
            .iter()
            .map(event)
            .collect()
    }

    /// The types alone, without what they begin with.
    pub fn types(&self, prize: &Prize) -> Vec<String> {
        self.history(prize)
            .into_iter()
            .map(|(event, _)| event.replace("invitation.", ""))
            .collect()
    }
}
