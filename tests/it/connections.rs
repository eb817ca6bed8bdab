//! Peers that take their time, and how many connections one of them may have.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use invited::http::connection::Deadlines;
use invited::key::Scope;
use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::descriptors::room;
use crate::support::client::connect_from;
use crate::support::process::{Server, after, raise_descriptors};
use crate::support::{Request, TestApp, client, invitations};

/// How long a peer of these tests may take nothing: the real figure is in the long ones.
const PATIENCE: Duration = Duration::from_secs(2);

/// A server that is less patient with those who take nothing.
fn impatient() -> TestApp {
    TestApp::serve().with_deadlines(Deadlines {
        write: PATIENCE,
        ..Deadlines::default()
    })
}

/// A connection with little room for what it does not read.
fn narrow(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    socket
        .set_recv_buffer_size(4 * 1024)
        .expect("a small buffer");
    socket.connect(&address.into()).expect("the server accepts");
    socket.into()
}

/// All that comes until the end, and whether it was cut off: reset, or without the last chunk.
fn rest(mut stream: TcpStream) -> (Vec<u8>, bool) {
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout can be set");
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes);
    let is_open = end
        .as_ref()
        .is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    assert!(!is_open, "it is open still, after {} bytes", bytes.len());
    let is_cut = end.is_err() || !bytes.ends_with(b"0\r\n\r\n");
    (bytes, is_cut)
}

/// Invites `count` people with two kilobytes each.
fn fill(app: &TestApp, count: usize) {
    for batch in 0..count / 100 {
        let row = |number| {
            json!({"email": format!("{batch}-{number}@b.co"), "role": "r",
            "metadata": {"x": "y".repeat(2_000)}})
        };
        let rows: Vec<_> = (0..100).map(row).collect();
        let answer = app.post(
            &format!("{}/batch", invitations("acme")),
            &json!({ "invitations": rows }).to_string(),
        );
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[test]
fn a_head_has_five_seconds_on_a_kept_connection_too() {
    raise_descriptors();
    let app = TestApp::serve();
    let first = Request::kept(app.address, "GET", "/health/live").bytes();
    let create = Request::kept(app.address, "POST", &invitations("acme")).bearer(&app.key);
    let create = create.json(r#"{"email":"a@b.co","role":"r"}"#).bytes();
    let opened = Instant::now();
    let mut slow: Vec<_> = (0..300)
        .map(|number| {
            let mut stream = TcpStream::connect(app.address).expect("the server accepts");
            let status =
                client::answer_kept(&mut stream, if number == 0 { &create } else { &first }).status;
            assert!(matches!(status, 200 | 201), "{status}");
            stream
        })
        .collect();
    // What the machine takes for so many is nobody's fault.
    let most = Duration::from_secs(8).max(Duration::from_secs(7) + opened.elapsed() * 2);
    let begun = Instant::now();
    for letter in b"GET / " {
        for stream in &mut slow {
            // Those that are closed already are what this is about.
            let _ = stream.write_all(&[*letter]);
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    for stream in slow {
        let (bytes, _) = rest(stream);
        assert!(
            bytes.starts_with(b"HTTP/1.1 408 "),
            "{}",
            String::from_utf8_lossy(&bytes)
        );
    }
    let took = begun.elapsed();
    assert!(took < most, "{took:?} of {most:?}");
}

#[test]
fn a_head_that_has_come_in_time_is_answered_however_late_the_machine_lets_it_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::serve(&folder.path().join("invited.db"));
    let request = Request::kept(server.address, "GET", "/health/live").bytes();
    let (begin, end) = request.split_at(10);
    let connect = || TcpStream::connect(server.address).expect("the server accepts");
    let (mut silent, mut begun, mut used) = (connect(), connect(), connect());
    begun.write_all(begin).expect("it goes");
    assert_eq!(client::answer_kept(&mut used, &request).status, 200);
    used.write_all(begin).expect("it goes");
    // So that all of them are with the threads that serve them.
    let mut other = connect();
    for _ in 0..20 {
        assert_eq!(client::answer_kept(&mut other, &request).status, 200);
    }
    server.signal("STOP");
    let rest_of_each = [&request[..], end, end];
    for (stream, rest) in [&mut silent, &mut begun, &mut used]
        .into_iter()
        .zip(rest_of_each)
    {
        stream.write_all(rest).expect("it goes");
    }
    std::thread::sleep(Duration::from_secs(6));
    server.signal("CONT");
    for stream in [&mut silent, &mut begun, &mut used] {
        let answer = client::answer_kept(stream, &[]);
        assert_eq!(answer.status, 200, "{answer:?} {stream:?}");
    }
}

#[test]
fn a_head_that_comes_in_parts_within_its_time_is_answered_also_after_idle_seconds() {
    let short = Deadlines {
        head: Duration::from_millis(800),
        ..Deadlines::default()
    };
    let app = TestApp::serve().with_deadlines(short);
    let mut stream = TcpStream::connect(app.address).expect("the server accepts");
    let request = Request::kept(app.address, "GET", "/health/live").bytes();
    for round in 0..3 {
        std::thread::sleep(Duration::from_millis(1_000) * round);
        let (begin, end) = request.split_at(10);
        stream.write_all(begin).expect("it goes");
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(client::answer_kept(&mut stream, end).status, 200);
    }
}

#[test]
fn the_next_request_must_come_in_time_whatever_the_last_one_left() {
    let short = Deadlines {
        idle: Duration::from_secs(1),
        ..Deadlines::default()
    };
    let app = TestApp::serve().with_deadlines(short);
    let get = Request::kept(app.address, "GET", "/health/live").bytes();
    let chunked = Request::kept(app.address, "POST", "/nowhere")
        .header("Transfer-Encoding", "chunked")
        .bytes();
    let with_tail = [&get[..], b"GET / HT"].concat();
    let with_part = [&chunked[..], b"5\r\nab"].concat();
    for bytes in [get, with_tail, chunked, with_part] {
        let mut stream = TcpStream::connect(app.address).expect("the server accepts");
        stream.write_all(&bytes).expect("it goes");
        let begun = Instant::now();
        let (answer, _) = rest(stream);
        assert!(answer.starts_with(b"HTTP/1.1 "), "the first is answered");
        assert!(
            begun.elapsed() < Duration::from_secs(4),
            "{:?}: {}",
            begun.elapsed(),
            String::from_utf8_lossy(&bytes)
        );
    }
}

#[test]
fn whoever_takes_nothing_of_a_list_is_cut_off_and_others_are_not_kept_waiting() {
    raise_descriptors();
    let app = impatient();
    fill(&app, 600);
    let silent_key = app.key(&[Scope::Read], &["acme"], None);
    let request = Request::kept(app.address, "GET", &invitations("acme"))
        .bearer(&silent_key)
        .bytes();
    // As many as one caller may leave unread.
    let silent: Vec<_> = (0..16)
        .map(|_| {
            let mut stream = narrow(app.address);
            stream.write_all(&request).expect("it goes");
            stream
        })
        .collect();
    let whole = app.get(&invitations("acme"));
    assert_eq!(whole.json().as_array().map(Vec::len), Some(600));
    std::thread::sleep(PATIENCE + Duration::from_secs(2));
    for stream in silent {
        let (bytes, is_cut) = rest(stream);
        assert!(
            is_cut && bytes.len() < whole.body.len(),
            "{} bytes came",
            bytes.len()
        );
    }
    assert_eq!(app.get("/health/ready").status, 200);
}

#[test]
fn whoever_takes_a_little_now_and_then_gets_all_of_it() {
    let app = impatient();
    fill(&app, 300);
    let request = Request::new(app.address, "GET", &invitations("acme"))
        .bearer(&app.key)
        .bytes();
    let mut stream = narrow(app.address);
    stream.write_all(&request).expect("it goes");
    let (mut read, mut part) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        std::thread::sleep(PATIENCE / 8);
        let mut of_now = 0;
        while of_now < 32 * 1024 {
            let count = stream.read(&mut part).expect("it is not cut off");
            if count == 0 {
                let answer = client::Answer::parse(&read);
                assert_eq!(answer.json().as_array().map(Vec::len), Some(300));
                return;
            }
            read.extend_from_slice(&part[..count]);
            of_now += count;
        }
    }
}

#[test]
fn whoever_takes_nothing_of_a_stream_or_a_document_is_cut_off() {
    let app = impatient();
    let path = "/v1/organizations/acme/events/stream";
    let first = "00000000-0000-0000-0000-000000000000";
    let stream = Request::kept(app.address, "GET", path)
        .bearer(&app.key)
        .header("Last-Event-ID", first)
        .bytes();
    let document = Request::kept(app.address, "GET", "/openapi.json").bytes();
    let silent: Vec<_> = [&stream, &document]
        .into_iter()
        .flat_map(|request| std::iter::repeat_n(request, 20))
        .map(|request| {
            let mut stream = narrow(app.address);
            stream.write_all(request).expect("it goes");
            stream
        })
        .collect();
    fill(&app, 400);
    std::thread::sleep(PATIENCE + Duration::from_secs(2));
    assert!(silent.into_iter().map(rest).all(|(_, is_cut)| is_cut));
}

#[test]
fn one_address_has_no_more_connections_than_it_leaves_free() {
    raise_descriptors();
    for (files, limit) in [(128, "-n 128"), (256, "-n 256")] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = after(&format!("ulimit {limit}"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--database"])
            .arg(folder.path().join("invited.db"));
        let server = Server::spawn(&mut command);
        let began = Instant::now();
        let mut held: Vec<_> = (0..400)
            .map(|_| connect_from([127, 0, 0, 2], server.address))
            .collect();
        let last = held.last_mut().expect("it is beyond the half");
        assert!(!matches!(last.read(&mut [0]), Ok(1..)), "nothing is said");
        for from in [[127, 0, 0, 3], [127, 0, 0, 4]] {
            let stream = connect_from(from, server.address);
            let answer = client::answer_on(stream, &server.request("GET", "/health/live").bytes());
            assert_eq!(answer.status, 200, "{files} files: {from:?} is kept out");
        }
        drop(held);
        server.signal("TERM");
        let (_, _, printed) = server.wait();
        let told = printed.matches("one address has half").count();
        let at_most = 1 + began.elapsed().as_secs() / 10;
        assert!(
            (1..=at_most).contains(&u64::try_from(told).expect("few")),
            "{printed}"
        );
    }
}

#[test]
fn a_trusted_proxy_may_have_all_connections() {
    raise_descriptors();
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = after("ulimit -n 128");
    command.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--trusted-proxies",
        "127.0.0.2/32",
        "--database",
    ]);
    let server = Server::spawn(command.arg(folder.path().join("invited.db")));
    let live = Request::kept(server.address, "GET", "/health/live").bytes();
    let mut held: Vec<_> = (0..400)
        .map(|_| {
            let mut stream = connect_from([127, 0, 0, 2], server.address);
            stream.write_all(&live).expect("it goes");
            stream
        })
        .collect();
    for stream in &mut held[..room(128)] {
        stream.read_exact(&mut [0]).expect("an answer");
    }
    drop(held);
    server.signal("TERM");
    let (_, _, printed) = server.wait();
    assert!(
        printed.contains("connections are in use") && !printed.contains("one address"),
        "{printed}"
    );
}
