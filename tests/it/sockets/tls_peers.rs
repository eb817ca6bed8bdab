//! Peers of a server with TLS that take their time, and what becomes of them at a stop.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use invited::http::connection::Deadlines;

use super::certificate::{Certificate, ask, connect, live, over};
use super::stop_before_answers;
use crate::support::client::{answer_kept_over, connect_from};
use crate::support::process::{Server, raise_descriptors};
use crate::support::{Request, TestApp, invitations};

/// The beginning of a handshake that goes no further.
fn half_a_handshake(mut stream: TcpStream) -> TcpStream {
    stream
        .write_all(&[0x16, 3, 1, 2, 0, 1])
        .expect("it is sent");
    stream
}

/// Asks so often, each time with a handshake. Returns how long that takes.
fn ask_often(server: &Server, certificate: &Certificate, times: usize) -> Duration {
    let start = Instant::now();
    for _ in 0..times {
        let answer = ask(server.address, &certificate.der, &live(server.address));
        assert_eq!(answer.status, 200);
    }
    start.elapsed()
}

#[test]
fn whoever_takes_long_for_a_handshake_is_cut_off_and_stops_nobody() {
    raise_descriptors();
    let certificate = Certificate::new(90);
    let server = certificate.serve();
    let alone = ask_often(&server, &certificate, 20);
    let mut slow: Vec<_> = (0..1_000)
        .map(|n| {
            let stream = connect_from([127, 0, 0, 2], server.address);
            if n % 2 == 0 {
                half_a_handshake(stream)
            } else {
                stream
            }
        })
        .collect();
    let start = Instant::now();
    let took = ask_often(&server, &certificate, 20);
    // What the machine takes for as many handshakes alone is nobody's fault.
    let most = Duration::from_secs(4).max(alone * 3);
    assert!(took < most, "{took:?} of {most:?}");
    for stream in &mut slow {
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a timeout can be set");
        let mut bytes = [0; 16];
        assert!(
            !matches!(stream.read(&mut bytes), Ok(1..)),
            "nothing is said"
        );
    }
    assert!(
        start.elapsed() < Duration::from_secs(12),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_handshake_counts_as_a_connection_of_its_address() {
    let certificate = Certificate::new(90);
    let server = certificate.serve_after("ulimit -n 128", "127.0.0.1:0");
    let alone = ask_often(&server, &certificate, 10);
    let held: Vec<_> = (0..100)
        .map(|_| half_a_handshake(connect_from([127, 0, 0, 2], server.address)))
        .collect();
    let took = ask_often(&server, &certificate, 10);
    let most = Duration::from_secs(4).max(alone * 3);
    assert!(took < most, "{took:?} of {most:?}");
    drop(held);
    server.signal("TERM");
    let (_, _, printed) = server.wait();
    assert!(printed.contains("one address has half"), "{printed}");
}

#[test]
fn requests_that_lie_in_a_socket_are_answered_before_a_stop() {
    let certificate = Certificate::new(90);
    let server = certificate.serve();
    let key = server.admin_key().expect("an admin key");
    let kept = Request::kept(server.address, "GET", "/health/live").bytes();
    let mut streams: Vec<_> = (0..=100)
        .map(|_| {
            // Its handshake comes with its first request, and has five seconds.
            let mut stream = connect(server.address, &certificate.der);
            assert_eq!(answer_kept_over(&mut stream, &kept).status, 200);
            stream
        })
        .collect();
    let mut other = streams.pop().expect("one that asks whether it stops");
    let half = half_a_handshake(TcpStream::connect(server.address).expect("it accepts"));
    let send = || {
        for (n, stream) in streams.iter_mut().enumerate() {
            let create = Request::kept(server.address, "POST", &invitations("acme")).bearer(&key);
            let body = format!(r#"{{"email":"p{n}@b.co","role":"r"}}"#);
            stream
                .write_all(&create.json(body).bytes())
                .expect("it is sent");
        }
    };
    let is_stopping = || answer_kept_over(&mut other, &kept).header("connection") == Some("close");
    let database = certificate.folder.path().join("invited.db");
    stop_before_answers(&server, &database, send, is_stopping);
    for stream in &mut streams {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("HTTP/1.1 201 "), "{text}");
        assert!(text.contains("\r\nconnection: close\r\n"), "{text}");
    }
    let (status, took, _) = server.wait();
    assert!(status.code() == Some(0), "{status}");
    assert!(
        took < Duration::from_secs(4),
        "half a handshake holds nobody: {took:?}"
    );
    drop(half);
}

#[test]
fn whoever_sends_half_a_head_or_reads_nothing_is_cut_off() {
    let certificate = Certificate::new(90);
    let settings = certificate.settings();
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    // A second place without TLS is what the helpers of this suite speak to.
    let socket = certificate.folder.path().join("s");
    let unix = format!("unix:{}", socket.display());
    let settings: Vec<_> = settings.into_iter().chain(["--listen", &unix]).collect();
    let app = TestApp::start(Mode::Serve, &settings).with_deadlines(Deadlines {
        head: Duration::from_secs(2),
        write: Duration::from_secs(1),
        ..Deadlines::default()
    });
    let half = b"GET /health/live HTTP/1.1\r\nHost: x\r\n";
    assert_eq!(ask(app.address, &certificate.der, half).status, 408);
    let rows: Vec<_> = (0..500)
        .map(|n| {
            format!(
                r#"{{"email":"p{n}@b.co","role":"r","metadata":{{"x":"{}"}}}}"#,
                "y".repeat(2_000)
            )
        })
        .collect();
    let body = format!(r#"{{"invitations":[{}]}}"#, rows.join(","));
    let batch = Request::new(
        app.address,
        "POST",
        &format!("{}/batch", invitations("acme")),
    );
    let batch = batch.bearer(&app.key).json(body).bytes();
    assert_eq!(ask(app.address, &certificate.der, &batch).status, 200);
    let list = Request::new(app.address, "GET", &invitations("acme"))
        .bearer(&app.key)
        .bytes();
    let whole = ask(app.address, &certificate.der, &list).body.len();
    let narrow =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    narrow
        .set_recv_buffer_size(4 * 1024)
        .expect("a small buffer");
    narrow.connect(&app.address.into()).expect("it accepts");
    let mut unread = over(narrow.into(), &certificate.der, &[]);
    unread.write_all(&list).expect("it is sent");
    std::thread::sleep(Duration::from_secs(4));
    let mut bytes = Vec::new();
    assert!(unread.read_to_end(&mut bytes).is_err(), "it was cut off");
    assert!(bytes.len() < whole / 2, "{} of {whole} bytes", bytes.len());
}
