//! `invited status` and `invited healthcheck`: how a server is, asked at its machine.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::support::invitations;
use crate::support::process::{Server, invited, run};

/// What a command printed, on stdout and on stderr.
fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// The status of the file at `database`, as JSON.
fn status(database: &Path) -> Value {
    let words = ["status", "--output", "json", "--database"];
    let output = run(&[&words[..], &[&database.to_string_lossy()]].concat());
    assert!(output.status.success(), "{:?}", texts(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Runs `invited healthcheck`. Returns its exit code, and the first line that it printed.
fn healthcheck(words: &[&str]) -> (i32, String) {
    let output = run(&[&["healthcheck"], words].concat());
    let (out, err) = texts(&output);
    let line = if out.is_empty() { err } else { out };
    let line = line.lines().next().unwrap_or_default().to_owned();
    (output.status.code().expect("a code"), line)
}

#[test]
fn the_status_says_who_serves_the_file_and_what_is_in_it_beside_the_server_and_after_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let server = Server::serve(&database);
    let key = server.admin_key().expect("an admin key");
    let create = server.request("POST", &invitations("acme")).bearer(&key);
    let body = r#"{"email":"a@b.co","role":"developer"}"#;
    assert_eq!(create.json(body).send().status, 201);
    let beside = status(&database);
    assert_eq!(beside["server"]["pid"], server.child.id());
    let members = ["pid", "host", "since"];
    let server_members = beside["server"].as_object().expect("an object");
    assert_eq!(server_members.keys().collect::<Vec<_>>(), members);
    assert!(
        beside["server"]["since"]
            .as_str()
            .is_some_and(|time| time.starts_with("20"))
    );
    assert_eq!(beside["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(beside["contents"]["organizations"], 1);
    assert_eq!(beside["contents"]["invitations"], 1);
    assert_eq!(beside["contents"]["keys"]["live"], 1);
    assert_eq!(beside["contents"]["mail"]["waiting"], 0);
    assert_eq!(beside["contents"]["mail"]["putOff"], 0);
    assert!(!beside.to_string().contains('_'), "names are camelCase");
    assert_eq!(beside["findings"]["bad"], 0);
    assert!(
        beside["sizes"]["file"]
            .as_u64()
            .is_some_and(|bytes| bytes > 4096)
    );
    assert_eq!(server.request("GET", "/health/ready").send().status, 200);
    drop(server);
    let after = status(&database);
    assert_eq!(
        (&after["server"], &after["contents"]["invitations"]),
        (&Value::Null, &1.into())
    );
    let output = run(&["status", "--database", &database.to_string_lossy()]);
    let (text, _) = texts(&output);
    assert!(text.contains("\nserver     does not run\n"), "{text}");
    assert!(
        text.contains("\ncontents   organizations 1, invitations 1\n"),
        "{text}"
    );
    assert!(!text.contains("ivk_"), "{text}");
}

#[test]
fn the_status_of_no_file_is_a_failure_that_makes_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let output = run(&["status", "--database", &database.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(texts(&output).1.contains("there is no data file"));
    assert!(!database.exists());
}

#[test]
fn a_start_is_not_refused_while_somebody_looks_who_serves_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    drop(Server::serve(&database));
    let is_over = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                let lock =
                    std::fs::File::open(folder.path().join("invited.db.lock")).expect("a lock");
                let _ = lock.try_lock_shared();
                drop(lock);
                thread::sleep(Duration::from_micros(200));
            }
        });
        for _ in 0..5 {
            drop(Server::serve(&database));
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_server_that_takes_requests_is_healthy_wherever_it_listens() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let socket = format!("unix:{}", folder.path().join("i.sock").display());
    let words = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--listen",
        &socket,
        "--database",
    ];
    let server = Server::start(&[&words[..], &[&database.to_string_lossy()]].concat());
    let (address, port) = (server.address.to_string(), server.address.port());
    let url = format!("http://localhost:{port}");
    for words in [
        ["--listen", &*address],
        ["--listen", &format!("0.0.0.0:{port}")],
        ["--listen", &format!("localhost:{port}")],
        ["--listen", &format!(":{port}")],
        ["--listen", &format!("{address},{socket}")],
        ["--listen", &socket],
        ["--url", &url],
    ] {
        let (code, line) = healthcheck(&words);
        assert!(
            code == 0 && line.starts_with("ready: "),
            "{words:?}: {line}"
        );
    }
    let output = invited()
        .arg("healthcheck")
        .env("INVITED_LISTEN", &address)
        .output();
    assert!(output.expect("it runs").status.success());
    // What is there and does not take writes says why.
    std::fs::remove_file(&database).expect("it goes");
    for words in [["--listen", &*address], ["--listen", &socket]] {
        let (code, line) = healthcheck(&words);
        let why = "invited: not ready: 503 storage_failed ";
        assert!(code == 1 && line.starts_with(why), "{words:?}: {line}");
    }
}

#[test]
fn what_is_no_healthy_server_is_told_with_exit_code_1_and_what_cannot_be_asked_with_2() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let free = nobody.local_addr().expect("an address").to_string();
    drop(nobody);
    for words in [["--listen", &*free], ["--listen", "unix:/nowhere/i.sock"]] {
        let (code, line) = healthcheck(&words);
        assert!(
            code == 1 && line.starts_with("invited: not ready: "),
            "{line}"
        );
    }
    for words in [
        ["--listen", "127.0.0.1:0"],
        ["--listen", "systemd:"],
        ["--url", "ftp://a"],
        ["--wait", "soon"],
    ] {
        assert_eq!(healthcheck(&words).0, 2, "{words:?}");
    }
}

#[test]
fn a_check_that_waits_goes_on_until_the_server_is_there_or_the_time_is_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let probe = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = probe.local_addr().expect("an address").to_string();
    drop(probe);
    let start = Instant::now();
    let (code, _) = healthcheck(&["--listen", &address, "--wait", "1s"]);
    let took = start.elapsed();
    assert!(code == 1 && took > Duration::from_millis(700), "{took:?}");
    let waiting = thread::spawn({
        let address = address.clone();
        move || healthcheck(&["--listen", &address, "--wait", "30s"])
    });
    thread::sleep(Duration::from_millis(300));
    let words = ["serve", "--listen", &address, "--database"];
    let server = Server::start(&[&words[..], &[&database.to_string_lossy()]].concat());
    let (code, line) = waiting.join().expect("it ends");
    assert_eq!((code, line), (0, format!("ready: http://{address}")));
    drop(server);
}

#[test]
fn a_server_that_hangs_at_its_unix_socket_is_given_up_after_five_seconds() {
    let folder = tempfile::tempdir().expect("a folder");
    let [silent, slow, full] = ["silent", "slow", "full"].map(|name| folder.path().join(name));
    // One takes connections and says nothing, one says a little now and then.
    let _silent = UnixListener::bind(&silent).expect("a socket");
    let listener = UnixListener::bind(&slow).expect("a socket");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        while stream.write_all(b"H").is_ok() {
            thread::sleep(Duration::from_millis(500));
        }
    });
    // And one has as many that wait as may wait.
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    let address = SockAddr::unix(&full).expect("an address");
    socket.bind(&address).expect("a place");
    socket.listen(0).expect("it listens");
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let client = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
            client.set_nonblocking(true).expect("it can be set");
            let _ = client.connect(&address);
            client
        })
        .collect();
    let asked = [silent, slow, full].map(|path| {
        thread::spawn(move || {
            let start = Instant::now();
            let listen = format!("unix:{}", path.display());
            (healthcheck(&["--listen", &listen]), start.elapsed())
        })
    });
    for asked in asked {
        let ((code, line), took) = asked.join().expect("it ends");
        assert!(
            code == 1 && line.starts_with("invited: not ready: "),
            "{line}"
        );
        assert!(took < Duration::from_secs(9), "{line}: {took:?}");
    }
    drop(waiting);
}

#[test]
fn a_check_that_waits_for_a_server_that_hangs_ends_when_its_time_is_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let silent = folder.path().join("silent");
    let _unix = UnixListener::bind(&silent).expect("a socket");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = tcp.local_addr().expect("an address").to_string();
    for place in [address, format!("unix:{}", silent.display())] {
        for (wait, at_most) in [("0s", 2_500), ("1s", 3_500)] {
            let start = Instant::now();
            let (code, line) = healthcheck(&["--listen", &place, "--wait", wait]);
            let took = start.elapsed();
            assert_eq!(code, 1, "{line}");
            assert!(
                took < Duration::from_millis(at_most),
                "{place}, {wait}: {took:?}"
            );
        }
    }
}
