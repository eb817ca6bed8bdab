//! Large answers that nobody reads: what a caller may leave unread.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use invited::key::Scope;
use serde_json::json;

use crate::support::{TestApp, invitations};

/// Connections of one caller that read nothing: more than fit.
const SILENT: usize = 60;

/// Asks for a long page, and reads nothing of it.
fn ask(app: &TestApp, key: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(app.address).expect("it accepts");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is read");
    stream
}

/// The status of an answer that comes on a connection.
fn status(mut stream: &TcpStream) -> u16 {
    let mut start = [0; 12];
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a timeout");
    stream.read_exact(&mut start).expect("an answer");
    std::str::from_utf8(&start[9..])
        .expect("a status")
        .parse()
        .expect("a number")
}

#[test]
fn who_leaves_large_answers_unread_gets_no_more_of_them_and_nobody_else_is_refused() {
    let app = TestApp::serve();
    let row = |number| {
        json!({ "email": format!("u{number}@b.co"), "role": "r",
        "metadata": { "x": "y".repeat(1_500) } })
    };
    for part in 0..2 {
        let rows: Vec<_> = (part * 500..(part + 1) * 500).map(row).collect();
        let made = app.post(
            &format!("{}/batch", invitations("acme")),
            &json!({ "invitations": rows }).to_string(),
        );
        assert_eq!(made.status, 200, "{}", made.text());
    }
    let (greedy, other) = (
        app.key(&[Scope::Read], &["acme"], None),
        app.key(&[Scope::Read], &["acme"], None),
    );
    for path in [
        format!("{}?limit=1000", invitations("acme")),
        invitations("acme"),
    ] {
        let silent: Vec<_> = (0..SILENT).map(|_| ask(&app, &greedy, &path)).collect();
        let refused = silent.iter().filter(|stream| status(stream) == 503).count();
        // Long pages are held whole; of a stream only what is on its way.
        assert!(
            refused > 0 || !path.contains("limit"),
            "{path}: none of {SILENT} was refused"
        );
        assert!(refused < SILENT, "{path}: all were refused");
        let answer = app.anonymous("GET", &path).bearer(&other).send();
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(
            answer.json().as_array().map(Vec::len),
            Some(1_000),
            "{path}"
        );
        let document = app.anonymous("GET", "/openapi.json").bearer(&greedy).send();
        assert_eq!(
            document.status, 200,
            "what is there in any case is not counted"
        );
        drop(silent);
        let begun = Instant::now();
        while app.anonymous("GET", &path).bearer(&greedy).send().status != 200 {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "{path}: nothing came back"
            );
        }
    }
}
