//! What an answer's time tells (S4): a right and a wrong address must take equally long. To be run
//! alone, on a quiet machine:
//!
//! `cargo test --test timing -- --ignored --test-threads 1`
//!
//! Two kinds of requests are sent to the real binary over one connection, one after the other in
//! random order, 5,000 of each, and compared by Welch's t-test: beyond 4.5 a difference is taken
//! for real. What took longer than nine in ten of all requests is left out of both kinds, by the
//! same bound: disk and scheduler, not the program. A burst of the machine may still favour one
//! kind by chance, so there are three attempts; a leak fails all of them, as the control does,
//! which must be seen in every attempt.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and shows its figures"
)]

mod server;
mod welch;

use serde_json::{Value, json};
use server::{Connection, Server};
use welch::t;

/// Requests of each kind in one attempt.
const REQUESTS: usize = 5_000;
/// Attempts, of which one must pass.
const ATTEMPTS: usize = 3;
/// The largest |t| that is taken for chance.
const MOST: f64 = 4.5;
/// The share of all requests that is kept, of 100.
const KEPT: usize = 90;

/// One kind of request: path and body.
type Kind<'a> = (&'a str, Value);

/// Sends both kinds in random order; answers how long each took, in nanoseconds.
fn measure(connection: &mut Connection, kinds: &[Kind<'_>; 2], status: [u16; 2]) -> [Vec<f64>; 2] {
    let mut times = [Vec::with_capacity(REQUESTS), Vec::with_capacity(REQUESTS)];
    // The first ones warm up what is to be warm.
    for round in 0..REQUESTS + REQUESTS / 20 {
        let first = usize::from(fastrand::bool());
        for kind in [first, 1 - first] {
            let (path, body) = &kinds[kind];
            let (answered, nanos) = connection.post(path, body);
            assert_eq!(answered, status[kind], "{path} {body}");
            if round >= REQUESTS / 20 {
                times[kind].push(nanos);
            }
        }
    }
    times
}

/// Both kinds without what took longer than nine in ten of all.
fn trimmed(times: [Vec<f64>; 2]) -> [Vec<f64>; 2] {
    let mut all = times.concat();
    all.sort_by(f64::total_cmp);
    let bound = all[all.len() * KEPT / 100];
    times.map(|times| times.into_iter().filter(|nanos| *nanos <= bound).collect())
}

/// The |t| of each attempt, until one is not beyond [`MOST`].
fn attempts(
    name: &str,
    connection: &mut Connection,
    kinds: &[Kind<'_>; 2],
    status: [u16; 2],
) -> Vec<f64> {
    let mut seen = Vec::new();
    for _ in 0..ATTEMPTS {
        let [one, other] = trimmed(measure(connection, kinds, status));
        let (t, means) = (
            t(&one, &other).abs(),
            [&one, &other].map(|times| welch::mean(times) / 1000.0),
        );
        eprintln!(
            "{name}: |t| = {t:.2}, {:.1} and {:.1} us, {} and {} kept",
            means[0],
            means[1],
            one.len(),
            other.len()
        );
        seen.push(t);
        if t < MOST {
            break;
        }
    }
    seen
}

#[test]
#[ignore = "a minute of measuring: .ci/run runs it, alone"]
fn a_code_is_asked_for_in_the_same_time_for_the_right_and_for_a_wrong_address() {
    let server = Server::start();
    for (name, token) in ["given", "mailed"].into_iter().zip(server.tokens()) {
        let ask = |email: &str| {
            (
                "/v1/invitations/code",
                json!({ "token": token, "email": email }),
            )
        };
        let kinds = [ask(server::INVITED), ask("nobody.ever@example.com")];
        let seen = attempts(
            &format!("{name}: a code for the right and a wrong address"),
            &mut server.connect(),
            &kinds,
            [202, 202],
        );
        assert!(seen.iter().any(|t| *t < MOST), "{name}: {seen:?}");
    }
}

#[test]
#[ignore = "a minute of measuring: .ci/run runs it, alone"]
fn a_wrong_code_takes_the_same_time_for_the_right_and_for_a_wrong_address() {
    let server = Server::start();
    let mut connection = server.connect();
    for (name, token) in ["given", "mailed"].into_iter().zip(server.tokens()) {
        for email in [server::INVITED, "nobody.ever@example.com"] {
            let body = json!({ "token": token, "email": email });
            assert_eq!(connection.post("/v1/invitations/code", &body).0, 202);
        }
        // Digits that are right once in a million are not worth looking at.
        let accept = |email: &str| {
            (
                "/v1/invitations/accept",
                json!({ "token": token, "email": email, "code": "000000" }),
            )
        };
        let kinds = [accept(server::INVITED), accept("nobody.ever@example.com")];
        let seen = attempts(
            &format!("{name}: a wrong code for the right and a wrong address"),
            &mut connection,
            &kinds,
            [404, 404],
        );
        assert!(seen.iter().any(|t| *t < MOST), "{name}: {seen:?}");
    }
}

#[test]
#[ignore = "half a minute of measuring: .ci/run runs it, alone"]
fn a_mailed_link_is_refused_in_the_same_time_wherever_it_is_wrong() {
    let server = Server::start();
    let [_, token] = server.tokens();
    let accept = |at: usize| {
        let mut wrong = token.clone().into_bytes();
        wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
        let wrong = String::from_utf8(wrong).expect("ASCII");
        ("/v1/invitations/accept", json!({ "token": wrong }))
    };
    // The first and the last digit of the MAC.
    let kinds = [accept(37), accept(100)];
    let seen = attempts(
        "a mailed link that is wrong at its start and at its end",
        &mut server.connect(),
        &kinds,
        [404, 404],
    );
    assert!(seen.iter().any(|t| *t < MOST), "{seen:?}");
}

#[test]
#[ignore = "half a minute of measuring: .ci/run runs it, alone"]
fn the_control_a_token_that_opens_nothing_is_told_from_a_wrong_code() {
    let server = Server::start();
    let [token, _] = server.tokens();
    let unknown = format!("ivt_{}_{}", "0".repeat(32), &token[37..]);
    let accept =
        |token: &str| json!({ "token": token, "email": server::INVITED, "code": "000000" });
    // 256 bits are not guessed: that one writes and the other does not may be seen, and must be by
    // this test.
    let kinds = [
        ("/v1/invitations/accept", accept(&token)),
        ("/v1/invitations/accept", accept(&unknown)),
    ];
    let seen = attempts("control", &mut server.connect(), &kinds, [404, 404]);
    assert!(
        seen.len() == ATTEMPTS && seen.iter().all(|t| *t > MOST),
        "{seen:?}"
    );
}
