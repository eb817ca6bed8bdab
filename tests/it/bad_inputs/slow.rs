//! B76: clients that take their time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{Exchange, Expected, Table, create_head, exchange};
use crate::support::{Answer, TestApp, invitations};

/// How long a client waits for the server to act: longer than every deadline.
const PATIENCE: Duration = Duration::from_secs(15);

/// Sends `start`, then a space every half second until the server has had enough.
fn trickle(app: &TestApp, start: &str) -> Exchange {
    let mut stream = TcpStream::connect(app.address).expect("the server accepts");
    stream
        .set_read_timeout(Some(Duration::from_millis(500)))
        .expect("a timeout can be set");
    stream
        .write_all(start.as_bytes())
        .expect("the start is sent");
    let (begin, mut answered, mut answer, mut buffer) =
        (Instant::now(), PATIENCE, Vec::new(), [0; 4096]);
    while begin.elapsed() < PATIENCE {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                answered = begin.elapsed();
                answer.extend_from_slice(&buffer[..length]);
            }
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) => {}
            Err(_) => break,
        }
        // Once it has been answered, only the end is waited for.
        if answer.is_empty() && stream.write_all(b" ").is_err() {
            break;
        }
    }
    let closed = Some(begin.elapsed()).filter(|time| *time < PATIENCE);
    Exchange {
        answer: Answer::parse(&answer),
        answered,
        closed,
    }
}

#[test]
fn a_request_that_arrives_too_slowly_is_answered_408_and_hinders_nobody() {
    let mut table = Table::new();
    let app = &table.app;
    let half = r#"{"email":"new@b.co","#;
    let head = |framing: &str| create_head(app, framing).replace("Connection: close\r\n", "");
    let (by_length, chunked) = (
        head("Content-Length: 100\r\n"),
        head("Transfer-Encoding: chunked\r\n"),
    );
    let unfinished = by_length.replace("\r\n\r\n", "\r\n");
    let rows = [
        ("half a body", format!("{by_length}{half}"), false),
        (
            "half a chunked body",
            format!("{chunked}{:x}\r\n{half}\r\n", half.len()),
            false,
        ),
        ("a body byte by byte", format!("{by_length}{half}"), true),
        ("half a head", unfinished.clone(), false),
        ("a head byte by byte", format!("{unfinished}X:"), true),
    ];
    let seen = std::thread::scope(|scope| {
        let slow = |(_, start, is_trickling): &(&str, String, bool)| {
            let (start, is_trickling) = (start.clone(), *is_trickling);
            scope.spawn(move || {
                if is_trickling {
                    trickle(app, &start)
                } else {
                    exchange(app, start.as_bytes(), PATIENCE)
                }
            })
        };
        let clients: Vec<_> = rows.iter().map(slow).collect();
        let start = Instant::now();
        assert_eq!(app.get(&invitations("acme")).status, 200);
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "somebody else waited {:?}",
            start.elapsed()
        );
        clients
            .into_iter()
            .map(|client| client.join().expect("a client ends"))
            .collect::<Vec<_>>()
    });
    for ((what, ..), seen) in rows.iter().zip(seen) {
        let (expected, limit) = if what.contains("body") {
            (Expected::Problem(408, "request_timeout"), 15)
        } else {
            (Expected::Parser(&[0, 408]), 8)
        };
        table.row("B76", what, &seen.answer, expected);
        assert!(
            seen.closed.is_some(),
            "B76 {what}: answered after {:?}, never closed",
            seen.answered
        );
        let (closed, limit) = (seen.closed.unwrap_or_default(), Duration::from_secs(limit));
        assert!(
            closed < limit,
            "B76 {what}: answered after {:?}, closed after {closed:?}",
            seen.answered
        );
        assert!(
            closed > Duration::from_secs(2),
            "B76 {what}: the real world needs more than {closed:?}"
        );
    }
}
