//! HTTP/1.0: no chunks, no length where there is no body, and no second request behind one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use super::{invited, send};
use crate::support::{Answer, TestApp, invitations};

#[test]
fn an_answer_to_http_1_0_has_no_chunks_and_ends_with_its_connection() {
    let app = TestApp::serve();
    for batch in 0..2 {
        let row = |number| json!({"email": format!("{batch}-{number}@b.co"), "role": "r"});
        let body = json!({ "invitations": (0..1_000).map(row).collect::<Vec<_>>() }).to_string();
        assert_eq!(
            app.post(&format!("{}/batch", invitations("acme")), &body)
                .status,
            200
        );
    }
    let path = invitations("acme");
    for (line, headers) in [
        (format!("GET {path} HTTP/1.0"), ""),
        (format!("GET {path} HTTP/1.0"), "Connection: keep-alive\r\n"),
        (format!("GET {path}?status=pending HTTP/1.0"), ""),
    ] {
        let answer = send(&app, &line, headers, "");
        assert_eq!(
            (answer.status, answer.header("transfer-encoding")),
            (200, None),
            "{line}"
        );
        assert_eq!(answer.json().as_array().map(Vec::len), Some(2_000));
    }
    let path = "/v1/organizations/acme/events/stream";
    let mut stream = TcpStream::connect(app.address).expect("the server accepts");
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        app.key
    );
    stream.write_all(request.as_bytes()).expect("it goes");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout can be set");
    let (mut read, mut part) = (Vec::new(), [0; 1_024]);
    while !read.ends_with(b"retry: 2000\n\n") {
        let count = stream.read(&mut part).expect("the stream begins");
        assert!(count > 0, "it ended: {}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&part[..count]);
    }
    let answer = Answer::parse(&read);
    assert_eq!(
        (answer.header("transfer-encoding"), answer.text()),
        (None, "retry: 2000\n\n".to_owned())
    );
}

#[test]
fn a_post_of_http_1_0_without_a_body_needs_no_length() {
    let app = TestApp::serve();
    let path = invited(&app);
    for (action, headers) in [
        ("link", ""),
        ("link", "Connection: keep-alive\r\n"),
        ("link", "Content-Length: 0\r\n"),
        ("revoke", ""),
    ] {
        let answer = send(&app, &format!("POST {path}/{action} HTTP/1.0"), headers, "");
        assert_eq!(answer.status, 200, "{action} {headers}: {}", answer.text());
    }
    let create = send(
        &app,
        &format!("POST {} HTTP/1.0", invitations("acme")),
        "",
        "",
    );
    assert_eq!(
        create.status,
        400,
        "a create needs its body: {}",
        create.text()
    );
    let body = r#"{"email":"b@b.co","role":"r"}"#;
    let with_length = format!(
        "Content-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    assert_eq!(
        send(
            &app,
            &format!("POST {} HTTP/1.0", invitations("acme")),
            &with_length,
            body
        )
        .status,
        201
    );
}

#[test]
fn nothing_hides_behind_a_post_of_http_1_0_without_a_length() {
    let app = TestApp::serve();
    let path = invited(&app);
    let revoke = format!(
        "POST {path}/revoke HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        app.key
    );
    let link = format!("POST {path}/link HTTP/1.0");
    assert_eq!(
        send(&app, &link, "", &revoke).status,
        400,
        "what may be a body is none"
    );
    assert_eq!(
        send(&app, &link, "Transfer-Encoding: chunked\r\n", "0\r\n\r\n").status,
        400
    );
    let mut stream = TcpStream::connect(app.address).expect("the server accepts");
    let head = format!(
        "{link}\r\nConnection: keep-alive\r\nAuthorization: Bearer {}\r\n\r\n",
        app.key
    );
    stream.write_all(head.as_bytes()).expect("it goes");
    std::thread::sleep(Duration::from_millis(200));
    // It may be closed already.
    let _ = stream.write_all(revoke.as_bytes());
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    assert!(String::from_utf8_lossy(&bytes).matches("HTTP/1.").count() <= 1);
    assert_eq!(
        app.get(&path).json()["status"],
        "pending",
        "what came behind was never read"
    );
}
