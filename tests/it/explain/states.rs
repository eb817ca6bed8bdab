//! How an invitation can stand when somebody asks why it cannot be accepted.

use invited::base::clock::Timestamp;
use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::{INVITED, WEEK};
use crate::support::TestApp;
use crate::support::life::another_code;

const SECOND: i64 = 1_000;

/// How an invitation comes to stand.
pub struct State {
    /// Its name.
    pub name: &'static str,
    /// What is done to it. Returns the code that the person has.
    set: fn(&TestApp, &Value) -> Option<String>,
    /// How much time passes then.
    then_millis: i64,
    /// The rules that fail for the invited address.
    pub failing: &'static [&'static str],
}

/// Asks for a code, and returns it.
pub fn ask(app: &TestApp, made: &Value) -> Option<String> {
    app.ask_code(&app.token_of(made), INVITED);
    app.code_of(made)
}

/// Answers with a wrong code.
fn answer_wrongly(app: &TestApp, made: &Value, times: usize) {
    let code = app.code_of(made).unwrap_or_else(|| "000000".to_owned());
    let body =
        json!({ "token": app.token_of(made), "email": INVITED, "code": another_code(&code) });
    for _ in 0..times {
        let answer = app.person("accept", &body);
        assert!([404, 429].contains(&answer.status), "{}", answer.text());
    }
}

/// Has the organization of `made` ask for codes.
fn want_codes(app: &TestApp, made: &Value) {
    let organization = made["organizationId"].as_str().expect("an id");
    let path = format!("/v1/organizations/{organization}");
    let put = app.request("PUT", &path).json(r#"{"acceptance":"code"}"#);
    assert_eq!(put.send().status, 200);
}

/// Does `what` with a key.
fn change(app: &TestApp, made: &Value, what: &str, body: &Value) {
    let answer = app.change(made, what, body);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Declines as the person.
fn decline(app: &TestApp, made: &Value) {
    let token = json!({ "token": app.mailed_token_of(made) });
    assert_eq!(app.person("decline", &token).status, 200);
}

/// Sends it again, a moment later.
fn resend(app: &TestApp, made: &Value) {
    let then = app.clock.now().as_millis() + 1;
    app.clock.set(Timestamp::from_millis(then));
    change(app, made, "resend", &json!({}));
}

/// The state called `name`.
fn state(
    name: &'static str,
    set: fn(&TestApp, &Value) -> Option<String>,
    then_millis: i64,
    failing: &'static [&'static str],
) -> State {
    State {
        name,
        set,
        then_millis,
        failing,
    }
}

/// Those of its life.
fn of_its_life() -> Vec<State> {
    let accepted = |app: &TestApp, made: &Value| {
        change(app, made, "accept", &json!({ "email": INVITED }));
        None
    };
    let declined = |app: &TestApp, made: &Value| {
        decline(app, made);
        None
    };
    let revoked = |app: &TestApp, made: &Value| {
        change(app, made, "revoke", &json!({}));
        None
    };
    let resent = |app: &TestApp, made: &Value| {
        resend(app, made);
        None
    };
    vec![
        state("untouched", |_, _| None, 0, &[]),
        state("accepted", accepted, 0, &["status"]),
        state("declined", declined, 0, &["status"]),
        state("revoked", revoked, 0, &["status"]),
        state("revoked, and over", revoked, WEEK, &["status"]),
        state("the last millisecond", |_, _| None, WEEK - 1, &[]),
        state("expired", |_, _| None, WEEK, &["expiry"]),
        state("sent again", resent, 0, &[]),
        state("sent again, and over", resent, WEEK + 8, &["expiry"]),
    ]
}

/// Those of a code.
fn of_a_code() -> Vec<State> {
    let four_wrong = |app: &TestApp, made: &Value| {
        let code = ask(app, made);
        answer_wrongly(app, made, 4);
        code
    };
    let five_wrong = |app: &TestApp, made: &Value| {
        let code = ask(app, made);
        answer_wrongly(app, made, 5);
        code
    };
    let another = |app: &TestApp, made: &Value| {
        ask(app, made);
        answer_wrongly(app, made, 5);
        ask(app, made)
    };
    let none_but_wrong = |app: &TestApp, made: &Value| {
        answer_wrongly(app, made, 5);
        None
    };
    let too_many = |app: &TestApp, made: &Value| {
        answer_wrongly(app, made, 12);
        ask(app, made)
    };
    let superseded = |app: &TestApp, made: &Value| {
        let code = ask(app, made);
        resend(app, made);
        code
    };
    let after_resend = |app: &TestApp, made: &Value| {
        ask(app, made);
        resend(app, made);
        ask(app, made)
    };
    let wanted = |app: &TestApp, made: &Value| {
        want_codes(app, made);
        None
    };
    let wanted_and_asked = |app: &TestApp, made: &Value| {
        want_codes(app, made);
        ask(app, made)
    };
    vec![
        state("a code", ask, 0, &[]),
        state("the last moment of a code", ask, 600 * SECOND - 1, &[]),
        state("a code that ended", ask, 600 * SECOND, &["code"]),
        state("four wrong answers", four_wrong, 0, &[]),
        state("five wrong answers", five_wrong, 0, &["code"]),
        state("a code after five wrong answers", another, 0, &[]),
        state("wrong answers without a code", none_but_wrong, 0, &[]),
        state("too many wrong answers", too_many, 0, &["code_tries"]),
        state("a code, and sent again", superseded, 0, &["code"]),
        state("sent again, and a code", after_resend, 0, &[]),
        state("codes are wanted", wanted, 0, &[]),
        state("codes are wanted, one is there", wanted_and_asked, 0, &[]),
    ]
}

/// Every state.
pub fn states() -> Vec<State> {
    of_its_life().into_iter().chain(of_a_code()).collect()
}

impl State {
    /// A server with `count` invitations that stand so, each with the code that the person has.
    pub fn set(&self, count: usize) -> (TestApp, Vec<(Value, Option<String>)>) {
        let settings = [
            "--limit-proofs",
            "10",
            "--limit-address",
            "0",
            "--limit-recipient",
            "0",
            "--resend-cooldown",
            "0s",
        ];
        let app = TestApp::start(Mode::Serve, &settings);
        app.set_present();
        let invited: Vec<_> = (0..count)
            .map(|place| app.invite(&format!("org{place}"), INVITED))
            .collect();
        let set = |made: Value| {
            let code = (self.set)(&app, &made);
            (made, code)
        };
        let invited = invited.into_iter().map(set).collect();
        let then = app.clock.now().as_millis() + self.then_millis;
        app.clock.set(Timestamp::from_millis(then));
        (app, invited)
    }
}
