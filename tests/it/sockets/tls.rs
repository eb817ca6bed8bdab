//! TLS by files: what is spoken, and what is told of the files.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::certificate::{Certificate, ask, live, over, rest};
use crate::support::process::{Server, run};
use crate::support::{Request, invitations};

#[test]
fn a_client_with_tls_does_what_one_without_does() {
    let certificate = Certificate::new(90);
    let server = certificate.serve();
    let url = server.banner_value("listening").expect("a place");
    assert_eq!(url, format!("https://{}", server.address));
    let console = server.banner_value("console").expect("a console");
    assert!(console.starts_with(&format!("{url}/console")), "{console}");
    let curl = server.banner.last().expect("a call");
    assert!(curl.contains(&format!(" {url}/v1/")), "{curl}");
    let key = server.admin_key().expect("an admin key");
    let root = ureq::tls::Certificate::from_der(&certificate.der).to_owned();
    let roots = ureq::tls::RootCerts::Specific(Arc::new(vec![root]));
    let tls = ureq::tls::TlsConfig::builder().root_certs(roots).build();
    let agent = ureq::Agent::config_builder()
        .tls_config(tls)
        .build()
        .new_agent();
    let path = format!("{url}{}", invitations("acme"));
    let bearer = format!("Bearer {key}");
    for n in 0..3 {
        let body = serde_json::json!({"email": format!("p{n}@b.co"), "role": "r"});
        let created = agent
            .post(&path)
            .header("Authorization", &bearer)
            .send_json(&body);
        let created = created.expect("it is answered");
        assert_eq!(created.status(), 201);
        let location = created.headers()["location"]
            .to_str()
            .expect("text")
            .to_owned();
        assert!(location.starts_with(&url), "{location}");
        let got = agent.get(&location).header("Authorization", &bearer).call();
        assert_eq!(got.expect("it is answered").status(), 200);
    }
    let strange = ureq::get(&path).call();
    assert!(strange.is_err(), "nobody knows its authority");
    let request = Request::new(server.address, "POST", "/console/sign-in")
        .header("Origin", &url)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(format!("key={key}"));
    let answer = ask(server.address, &certificate.der, &request.bytes());
    let cookie = answer.header("set-cookie").unwrap_or_default();
    assert!(
        cookie.starts_with("__Host-") && cookie.contains("; Secure"),
        "{cookie}"
    );
}

#[test]
fn browsers_are_told_to_stay_with_tls_only_where_people_reach_the_server_by_a_name() {
    let certificate = Certificate::new(90);
    for (url, wanted) in [
        ("https://invites.example.com", Some("max-age=31536000")),
        ("http://invites.example.com", None),
        ("https://localhost:8443", None),
        ("https://127.0.0.1:8443", None),
    ] {
        let settings = certificate.settings();
        let settings = settings.iter().map(String::as_str);
        let settings: Vec<_> = settings.chain(["--public-url", url]).collect();
        let mut command = crate::support::process::invited();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--database"])
            .arg(certificate.folder.path().join("invited.db"))
            .args(settings);
        let server = Server::spawn(&mut command);
        for path in ["/health/live", "/v1/organizations", "/nowhere"] {
            let request = Request::new(server.address, "GET", path).bytes();
            let answer = ask(server.address, &certificate.der, &request);
            assert_eq!(
                answer.header("strict-transport-security"),
                wanted,
                "{url}{path}"
            );
        }
    }
}

#[test]
fn http_1_1_is_all_that_is_spoken_inside() {
    let certificate = Certificate::new(90);
    let server = certificate.serve();
    for (offered, taken) in [
        (&[&b"h2"[..], b"http/1.1"][..], Some(&b"http/1.1"[..])),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let stream = TcpStream::connect(server.address).expect("it accepts");
        let mut stream = over(stream, &certificate.der, offered);
        stream.write_all(&live(server.address)).expect("it is sent");
        assert_eq!(rest(&mut stream).status, 200);
        assert_eq!(stream.conn.alpn_protocol(), taken);
    }
    let stream = TcpStream::connect(server.address).expect("it accepts");
    let mut stream = over(stream, &certificate.der, &[b"h2"]);
    assert!(
        stream.write_all(&live(server.address)).is_err(),
        "only HTTP/2 is offered"
    );
}

#[test]
fn http_without_tls_is_told_so() {
    let certificate = Certificate::new(90);
    let server = certificate.serve();
    let post = Request::new(server.address, "POST", &invitations("acme"));
    for request in [live(server.address), post.json("x".repeat(40_000)).bytes()] {
        let answer = crate::support::client::raw(server.address, &request);
        assert_eq!(
            (answer.status, answer.header("connection")),
            (400, Some("close"))
        );
        assert_eq!(answer.text(), "This port speaks HTTPS: https\n");
    }
    let start = Instant::now();
    let garbage = crate::support::client::raw(server.address, &[0xff; 64]);
    assert_eq!(garbage.status, 0);
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(
        ask(server.address, &certificate.der, &live(server.address)).status,
        200
    );
}

#[test]
fn files_that_cannot_be_used_are_told_before_anything_is_made() {
    let certificate = Certificate::new(90);
    let [_, good, _, key] = certificate.settings();
    let folder = tempfile::tempdir().expect("a folder");
    let other = Certificate::new(90);
    let text = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a file");
        path.to_string_lossy().into_owned()
    };
    let empty = text("empty", "");
    let locked = text(
        "locked",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let broken = text(
        "broken",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    let database = folder
        .path()
        .join("invited.db")
        .to_string_lossy()
        .into_owned();
    for (settings, what) in [
        (vec!["--tls-cert", &good], "--tls-cert needs --tls-key"),
        (vec!["--tls-key", &key], "--tls-key needs --tls-cert"),
        (
            vec!["--tls-cert", "nowhere", "--tls-key", &key],
            "--tls-cert: No such file",
        ),
        (
            vec!["--tls-cert", &empty, "--tls-key", &key],
            "no certificate in PEM",
        ),
        (
            vec!["--tls-cert", &broken, "--tls-key", &key],
            "the file of --tls-cert: ",
        ),
        (
            vec!["--tls-cert", &key, "--tls-key", &key],
            "no certificate in PEM",
        ),
        (
            vec!["--tls-cert", &good, "--tls-key", &good],
            "no key in PEM",
        ),
        (
            vec!["--tls-cert", &good, "--tls-key", &locked],
            "needs no password",
        ),
        (
            vec!["--tls-cert", &good, "--tls-key", &other.settings()[3]],
            "does not belong",
        ),
        (
            vec!["--listen", "unix:s", "--tls-cert", &good, "--tls-key", &key],
            "--listen has none",
        ),
    ] {
        let place = if settings.contains(&"--listen") {
            &[][..]
        } else {
            &["--listen", "127.0.0.1:0"]
        };
        let words = ["serve", "--database", &database];
        let words: Vec<_> = words
            .iter()
            .chain(place)
            .chain(&settings)
            .copied()
            .collect();
        let output = run(&words);
        let printed = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{settings:?}: {printed}");
        assert!(printed.contains(what), "{settings:?}: {printed}");
        assert!(!Path::new(&database).exists());
    }
    assert!(!Path::new("s").exists());
}

#[test]
fn what_is_wrong_with_a_certificate_soon_is_told_at_the_start_and_by_doctor() {
    for (days, mode, note, state) in [
        (90, 0o600, None, "ok"),
        (90, 0o640, None, "ok"),
        (
            90,
            0o644,
            Some("may read the file of --tls-key (mode 0644)"),
            "warn",
        ),
        (10, 0o600, Some("the certificate ends at"), "warn"),
        (-1, 0o600, Some("the certificate has ended at"), "BAD"),
    ] {
        let certificate = Certificate::new(days);
        let rights = fs::Permissions::from_mode(mode);
        fs::set_permissions(certificate.key(), rights).expect("its own");
        let server = certificate.serve();
        let notes: Vec<_> = server
            .banner
            .iter()
            .filter(|line| line.starts_with("  note "))
            .collect();
        let told = notes
            .iter()
            .find(|line| note.is_some_and(|note| line.contains(note)));
        assert_eq!(told.is_some(), note.is_some(), "{days}: {notes:?}");
        assert_eq!(
            notes.len(),
            usize::from(note.is_some()),
            "{days}: {notes:?}"
        );
        let database = certificate.folder.path().join("invited.db");
        let database = database.to_string_lossy().into_owned();
        let settings = certificate.settings();
        let words = ["doctor", "--database", &database];
        let words: Vec<_> = words
            .into_iter()
            .chain(settings.iter().map(String::as_str))
            .collect();
        let output = run(&words);
        let printed = String::from_utf8_lossy(&output.stdout);
        let line = printed.lines().find(|line| line.contains(" certificate "));
        let line = line.expect("a finding");
        assert!(line.starts_with(state), "{days}, {mode:o}: {line}");
    }
}
