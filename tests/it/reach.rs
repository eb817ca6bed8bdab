//! What `invited doctor` finds by way of the network, and of what lies beside the data file.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::process::{Server, run};
use crate::support::smtp::Smtp;

/// A server that serves a file of its own, with these settings.
fn serve(settings: &[&str]) -> (TempDir, Server) {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let database = database.to_string_lossy();
    let words = ["serve", "--listen", "127.0.0.1:0", "--database", &database];
    let server = Server::start(&[&words, settings].concat());
    (folder, server)
}

/// Runs `invited doctor` on the file in `folder`. Returns its exit code and its findings.
fn doctor(folder: &Path, settings: &[&str]) -> (i32, Value) {
    let database = folder.join("invited.db");
    let database = database.to_string_lossy();
    let words = ["doctor", "--output", "json", "--database", &database];
    let output = run(&[&words, settings].concat());
    let findings = serde_json::from_slice(&output.stdout);
    let text = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code().expect("a code");
    (
        code,
        findings.unwrap_or_else(|error| panic!("{error}: {text}")),
    )
}

/// State and text of the finding called `name`; empty where there is none.
fn found(findings: &Value, name: &str) -> (String, String) {
    let mut all = findings.as_array().expect("an array").iter();
    let one = all
        .find(|one| one["name"] == name)
        .cloned()
        .unwrap_or_default();
    let part = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
    (
        part("state"),
        format!("{} / {}", part("detail"), part("fix")),
    )
}

/// A proxy in front of `server` that adds `line` to the head of each request. Returns where it is.
fn proxy(server: SocketAddr, line: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || hand_on(client, server, line));
        }
    });
    address
}

/// Hands one request on, and its response back.
fn hand_on(mut client: TcpStream, server: SocketAddr, line: &str) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && client.read_exact(&mut byte).is_ok() {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let head = head.replacen("\r\n", &format!("\r\n{line}Connection: close\r\n"), 1);
    let mut upstream = TcpStream::connect(server).expect("it is there");
    upstream.write_all(head.as_bytes()).expect("it is taken");
    let mut response = Vec::new();
    upstream.read_to_end(&mut response).expect("a response");
    let _ = client.write_all(&response);
    let _ = client.shutdown(Shutdown::Both);
}

/// A port at which nobody is.
fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

#[test]
fn a_public_url_that_leads_to_the_server_is_told_from_one_that_leads_elsewhere() {
    let (folder, server) = serve(&[]);
    let (_other_folder, other) = serve(&[]);
    let url = |address: SocketAddr| format!("http://{address}");
    for (to, state, words) in [
        (url(server.address), "ok", "leads to this server"),
        (url(other.address), "bad", "another server responds"),
        (url(server.address) + "/elsewhere", "bad", "responds 401"),
        (
            url(nobody()),
            "warn",
            "cannot be reached from this machine: the connection was refused",
        ),
        (
            format!("https://{}", server.address),
            "warn",
            "cannot be reached from this machine: it does not speak TLS there",
        ),
    ] {
        let (code, findings) = doctor(folder.path(), &["--public-url", &to]);
        let (found_state, text) = found(&findings, "reachable");
        assert!(found_state == state && text.contains(words), "{to}: {text}");
        assert_eq!(code, i32::from(state == "bad"), "{findings}");
        assert_eq!(found(&findings, "server").0, "ok");
        let offline = doctor(folder.path(), &["--public-url", &to, "--offline"]).1;
        assert_eq!(found(&offline, "reachable").0, "");
    }
}

#[test]
fn what_a_server_sees_is_told_to_nobody_without_its_secret() {
    let (_folder, server) = serve(&[]);
    for proof in [
        "",
        "x",
        "1795401780.00",
        &format!("{}.{}", 1_795_401_780, "0".repeat(64)),
    ] {
        let answer = server
            .request("GET", "/livez")
            .header("X-Invited-Probe", proof)
            .send();
        assert_eq!(
            (answer.status, answer.header("x-invited-seen")),
            (200, None)
        );
    }
}

#[test]
fn a_proxy_that_does_not_say_for_whom_it_asks_or_is_not_believed_is_found() {
    let forwarded = "X-Forwarded-For: 203.0.113.7\r\n";
    let by_itself = "X-Forwarded-For: 127.0.0.1\r\n";
    for (trusted, line, state, words) in [
        (
            &["--trusted-proxies", "127.0.0.1"][..],
            forwarded,
            "ok",
            "is believed",
        ),
        // The command runs on the machine of the proxy.
        (
            &["--trusted-proxies", "127.0.0.1"],
            by_itself,
            "ok",
            "is believed",
        ),
        (&[], forwarded, "warn", "--trusted-proxies 127.0.0.1"),
        (&[], by_itself, "warn", "--trusted-proxies 127.0.0.1"),
        (&[], "", "ok", "come without a proxy"),
    ] {
        let (folder, server) = serve(trusted);
        let url = format!("http://{}", proxy(server.address, line));
        let (_, findings) = doctor(folder.path(), &["--public-url", &url]);
        let (found_state, text) = found(&findings, "proxies");
        assert!(
            found_state == state && text.contains(words),
            "{trusted:?} {line}: {text}"
        );
    }
}

#[test]
fn a_name_that_is_not_found_is_bad() {
    let (folder, server) = serve(&[]);
    let known = format!("http://localhost:{}", server.address.port());
    for (url, state) in [(&*known, "ok"), ("http://nowhere.invalid", "bad")] {
        let (_, findings) = doctor(folder.path(), &["--public-url", url]);
        assert_eq!(found(&findings, "dns").0, state, "{findings}");
    }
    drop(server);
    let (_, findings) = doctor(folder.path(), &["--public-url", &known]);
    assert_eq!(found(&findings, "server").0, "warn");
    assert_eq!(found(&findings, "reachable").0, "");
}

#[test]
fn a_mail_server_is_greeted_and_sent_nothing() {
    let (folder, _server) = serve(&[]);
    let smtp = Smtp::start();
    let mail = [
        "--mail-from",
        "invitations@acme.test",
        "--accept-url",
        "https://a.test/join",
    ];
    let nobody = format!("smtp://{}?tls=none", nobody());
    for (url, state) in [(&*smtp.url(), "ok"), (&nobody, "bad")] {
        let (code, findings) = doctor(folder.path(), &[&mail[..], &["--smtp-url", url]].concat());
        let (found_state, text) = found(&findings, "mail_server");
        assert_eq!(
            (&*found_state, code),
            (state, i32::from(state == "bad")),
            "{text}"
        );
    }
    assert!(smtp.received().is_empty());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let hook = format!("http://{}/mail", listener.local_addr().expect("an address"));
    let settings = [&mail[..], &["--mail-webhook", &hook]].concat();
    let check = || found(&doctor(folder.path(), &settings).1, "mail_server").0;
    assert_eq!(check(), "ok");
    drop(listener);
    assert_eq!(check(), "bad");
}

#[test]
fn a_replica_that_lags_is_found_by_the_folder_of_litestream() {
    let (folder, server) = serve(&[]);
    drop(server);
    let check = || found(&doctor(folder.path(), &["--offline"]).1, "replica");
    assert!(check().1.contains("no folder"), "{:?}", check());
    let levels = folder.path().join(".invited.db-litestream/ltx/0");
    fs::create_dir_all(&levels).expect("a folder");
    let file = File::create(levels.join("0001.ltx")).expect("a file");
    let written = fs::metadata(folder.path().join("invited.db")).expect("a file");
    let written = written.modified().expect("a time");
    for (behind, state) in [(0, "ok"), (50, "ok"), (90, "warn"), (4_000, "bad")] {
        let at: SystemTime = written - Duration::from_secs(behind);
        file.set_modified(at).expect("a time");
        assert_eq!(check().0, state, "{behind}");
    }
}

#[test]
fn a_server_that_takes_no_writes_is_known_and_its_proxy_is_not_blamed() {
    let (folder, server) = serve(&["--trusted-proxies", "127.0.0.1"]);
    let url = format!(
        "http://{}",
        proxy(server.address, "X-Forwarded-For: 203.0.113.7\r\n")
    );
    let check = |name: &str| found(&doctor(folder.path(), &["--public-url", &url]).1, name);
    assert_eq!(check("ready").0, "ok");
    let file = folder.path().join("invited.db");
    fs::rename(&file, folder.path().join("away.db")).expect("it moves");
    while server.request("GET", "/readyz").send().status != 503 {}
    let (state, text) = check("ready");
    assert!(state == "bad" && text.contains("responds 503"), "{text}");
    assert_eq!(check("reachable").0, "ok");
    let (state, text) = check("proxies");
    assert!(state == "ok" && text.contains("is believed"), "{text}");
}
