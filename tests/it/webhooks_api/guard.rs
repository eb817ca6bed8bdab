//! Which addresses are never spoken to, however they are spelled: a trap on this machine counts who
//! comes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::{URL, WEBHOOKS, list, log_of, make, patch, send_test, tried};
use crate::support::TestApp;
use crate::support::client::Request;
use crate::support::endpoint::{Act, Endpoint};
use crate::support::life::wrong;
use crate::support::process::{Server, invited};

/// Hosts that stand for this machine or for internal networks, and the code with which they are
/// refused.
const HOSTS: &[(&str, &str)] = &[
    ("127.0.0.1", "not_allowed"),
    ("127.0.0.2", "not_allowed"),
    ("127.255.255.254", "not_allowed"),
    ("127.1", "not_allowed"),
    ("127.0.1", "not_allowed"),
    ("0", "not_allowed"),
    ("0.0.0.0", "not_allowed"),
    ("0x0", "not_allowed"),
    ("2130706433", "not_allowed"),
    ("017700000001", "not_allowed"),
    ("0x7f000001", "not_allowed"),
    ("0x7f.1", "not_allowed"),
    ("0x7F.0x0.0x0.0x1", "not_allowed"),
    ("0177.1", "not_allowed"),
    ("0177.0.0.01", "not_allowed"),
    ("127.0.0.1.", "not_allowed"),
    ("%31%32%37.0.0.1", "not_allowed"),
    ("127%2e0%2e0%2e1", "not_allowed"),
    ("\u{ff11}\u{ff12}\u{ff17}.0.0.1", "not_allowed"),
    ("127\u{3002}0\u{3002}0\u{3002}1", "not_allowed"),
    ("\u{2460}\u{2461}\u{2466}.0.0.1", "not_allowed"),
    ("localhost", "not_allowed"),
    ("localhost.", "not_allowed"),
    ("LOCALHOST", "not_allowed"),
    ("LocalHost.", "not_allowed"),
    ("app.localhost", "not_allowed"),
    ("%6cocalhost", "not_allowed"),
    ("localhost%2e", "not_allowed"),
    ("\u{24db}ocalhost", "not_allowed"),
    ("local\u{ad}host", "forbidden_character"),
    ("a@127.0.0.1", "invalid_format"),
    ("app.example.com:443@127.0.0.1", "invalid_format"),
    ("a@localhost", "invalid_format"),
    ("4294967296", "invalid_format"),
    ("[::]", "not_allowed"),
    ("[::1]", "not_allowed"),
    ("[0:0:0:0:0:0:0:1]", "not_allowed"),
    ("[::ffff:127.0.0.1]", "not_allowed"),
    ("[::ffff:7f00:1]", "not_allowed"),
    ("[::7f00:1]", "not_allowed"),
    ("[::ffff:0:7f00:1]", "not_allowed"),
    ("[64:ff9b::7f00:1]", "not_allowed"),
    ("[64:ff9b::127.0.0.1]", "not_allowed"),
    ("[64:ff9b:1::7f00:1]", "not_allowed"),
    ("[2002:7f00:1::]", "not_allowed"),
    ("[2001:0:7f00:1::1]", "not_allowed"),
    ("[::1%25lo]", "invalid_format"),
    ("[::1%lo]", "invalid_format"),
    ("[fe80::1%25lo]", "invalid_format"),
    ("[fe80::1]", "not_allowed"),
    ("[fec0::1]", "not_allowed"),
    ("[fd00::1]", "not_allowed"),
    ("[fd00:ec2::254]", "not_allowed"),
    ("[ff02::1]", "not_allowed"),
    ("[2001:db8::1]", "not_allowed"),
    ("[100::1]", "not_allowed"),
    ("10.0.0.1", "not_allowed"),
    ("172.16.0.1", "not_allowed"),
    ("192.168.0.1", "not_allowed"),
    ("100.64.0.1", "not_allowed"),
    ("169.254.169.254", "not_allowed"),
    ("0xa9fea9fe", "not_allowed"),
    ("198.18.0.1", "not_allowed"),
    ("192.0.2.1", "not_allowed"),
    ("198.51.100.1", "not_allowed"),
    ("203.0.113.1", "not_allowed"),
    ("224.0.0.1", "not_allowed"),
    ("255.255.255.255", "not_allowed"),
];

/// A listener on every address of this machine, which nobody may reach.
struct Trap {
    /// Takes connections, without waiting.
    listener: TcpListener,
    /// Its port.
    port: u16,
}

impl Trap {
    /// A trap on a free port.
    fn set() -> Self {
        // Of IPv6 and IPv4, where there are both.
        let any = TcpListener::bind("[::]:0").or_else(|_| TcpListener::bind("0.0.0.0:0"));
        Self::of(any.expect("a port"))
    }

    /// A trap on 127.0.0.1 only.
    fn on_loopback() -> Self {
        Self::of(TcpListener::bind("127.0.0.1:0").expect("a port"))
    }

    /// A trap that is `listener`.
    fn of(listener: TcpListener) -> Self {
        listener.set_nonblocking(true).expect("it can be set");
        let port = listener.local_addr().expect("an address").port();
        Self { listener, port }
    }

    /// How many came since this was last asked.
    fn catch(&self) -> usize {
        std::iter::from_fn(|| self.listener.accept().ok()).count()
    }

    /// Checks that nobody came, and that somebody who came would have been seen.
    fn check_empty(&self, what: &str) {
        assert_eq!(self.catch(), 0, "{what}");
        let _visit =
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("the trap listens");
        assert_eq!(self.catch(), 1, "it counts");
    }
}

/// Every URL that is to be refused, with the code.
fn urls(port: u16) -> Vec<(String, &'static str)> {
    let hosts = HOSTS.iter().flat_map(|(host, code)| {
        ["http", "https"].map(|scheme| (format!("{scheme}://{host}:{port}/hook"), *code))
    });
    let odd = [
        "http:127.0.0.1",
        "https:/127.0.0.1",
        "https:\\\\127.0.0.1",
        "https:////127.0.0.1",
        "HtTpS://127.0.0.1",
    ]
    .map(|text| (format!("{text}:{port}/"), "not_allowed"));
    let ends = [
        (
            format!("https://127.0.0.1:{port}#@app.example.com/"),
            "invalid_format",
        ),
        (
            format!("https://127.0.0.1:{port}\\@app.example.com/"),
            "not_allowed",
        ),
        (format!("https://127.0.0.1:0{port}/"), "not_allowed"),
        (
            format!("https://127.0.0.1:{port}?@app.example.com/"),
            "not_allowed",
        ),
        (
            format!("https://127.0.0\t.1:{port}/"),
            "forbidden_character",
        ),
        (format!(" https://127.0.0.1:{port}/"), "forbidden_character"),
    ];
    hosts.chain(odd).chain(ends).collect()
}

/// Puts a URL into the file as it is: as if it had been allowed once.
fn plant(app: &TestApp, webhook: &Value, url: &str) {
    let id = webhook["id"].as_str().expect("an id").replace('-', "");
    let job = |tx: &invited::db::WriteTx<'_>| {
        Ok(tx.execute(
            "update webhook set url = ?2 where id = unhex(?1)",
            [&*id, url],
        )?)
    };
    assert_eq!(invited::db::write_file(&app.database, job), Ok(1));
}

#[test]
fn internal_addresses_are_refused_in_every_spelling_when_made_and_when_changed() {
    let (app, trap) = (TestApp::serve(), Trap::set());
    let made = make(&app, &json!({ "url": URL }));
    let before = app.contents();
    for (url, code) in urls(trap.port) {
        let body = json!({ "url": url });
        for answer in [
            app.post(WEBHOOKS, &body.to_string()),
            patch(&app, &made, &body),
        ] {
            assert_eq!(answer.status, 422, "{url}: {}", answer.text());
            assert_eq!(
                wrong(&answer),
                [("/url".to_owned(), code.to_owned())],
                "{url}: {}",
                answer.text()
            );
        }
    }
    assert_eq!(app.contents(), before);
    trap.check_empty("when made");
}

#[test]
fn internal_addresses_are_refused_in_every_spelling_when_something_is_sent() {
    let (app, trap) = (TestApp::serve(), Trap::set());
    let urls = urls(trap.port);
    // What is no URL is in no row: it was never written.
    let readable: Vec<_> = urls
        .iter()
        .filter(|(url, _)| url::Url::parse(url).is_ok())
        .collect();
    assert!(readable.len() > 120, "{}", readable.len());
    for some in readable.chunks(64) {
        let sent: Vec<_> = some
            .iter()
            .map(|(url, _)| {
                let made = make(&app, &json!({ "url": URL, "types": ["invitation.erased"] }));
                plant(&app, &made, url);
                (url, send_test(&app, &made))
            })
            .collect();
        for (url, path) in sent {
            let delivery = tried(&app, &path);
            assert_eq!(
                (&delivery["state"], delivery.get("answerStatus")),
                (&json!("waiting"), None),
                "{url}: {delivery}"
            );
            let error = delivery["error"].as_str().unwrap_or_default();
            let refused = [
                "the host has an address that may not be reached",
                "the host was not found",
                "the request failed",
            ];
            assert!(refused.contains(&error), "{url}: {error}");
            let is_plain_address = HOSTS[..3]
                .iter()
                .any(|(host, _)| url.ends_with(&format!("://{host}:{}/hook", trap.port)));
            assert!(!is_plain_address || error == refused[0], "{url}: {error}");
        }
        for webhook in list(&app) {
            app.request("DELETE", &super::path_of(&webhook)).send();
        }
    }
    trap.check_empty("when sent");
}

#[test]
fn names_that_stand_for_this_machine_are_refused_when_something_is_sent() {
    let (app, trap) = (TestApp::serve(), Trap::set());
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let lines = hosts.lines().map(|line| {
        line.split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace()
    });
    let mut names: Vec<&str> = lines
        .flat_map(|line| line.skip(1))
        .filter(|name| *name != "localhost")
        .collect();
    names.sort_unstable();
    names.dedup();
    let is_here = |name: &&str| {
        let addresses = std::net::ToSocketAddrs::to_socket_addrs(&(*name, trap.port))
            .into_iter()
            .flatten();
        let mut addresses = addresses.peekable();
        addresses.peek().is_some()
            && addresses.all(|address| TcpListener::bind((address.ip(), 0)).is_ok())
    };
    for name in names.into_iter().filter(is_here) {
        let made = app.post(
            WEBHOOKS,
            &json!({ "url": format!("https://{name}:{}/", trap.port) }).to_string(),
        );
        assert_eq!(
            made.status,
            201,
            "a name is looked up when something is sent: {}",
            made.text()
        );
        let delivery = tried(&app, &send_test(&app, &made.json()));
        assert_eq!(
            delivery["error"], "the host has an address that may not be reached",
            "{name}"
        );
    }
    trap.check_empty("by a name");
}

#[test]
fn http_is_for_allowed_networks_only() {
    let app = TestApp::serve();
    for url in [
        "http://app.example.com/",
        "http://8.8.8.8/",
        "http://app.example.com:8080/",
    ] {
        let answer = app.post(WEBHOOKS, &json!({ "url": url }).to_string());
        assert_eq!(
            (answer.status, wrong(&answer)),
            (422, vec![("/url".to_owned(), "not_allowed".to_owned())]),
            "{url}"
        );
        assert!(answer.text().contains("https"), "{}", answer.text());
    }
    let app = TestApp::start(Mode::Serve, &["--webhook-allow", "127.0.0.0/8,fd00::/8"]);
    for (url, status) in [
        ("http://127.0.0.1:8080/", 201),
        ("http://localhost/", 201),
        ("http://[::ffff:127.0.0.1]/", 201),
        ("https://127.0.0.1/", 201),
        ("http://[fd00::1]/", 201),
        ("http://[fc00::1]/", 422),
        ("http://[::1]/", 422),
        ("http://10.0.0.1/", 422),
        ("https://10.0.0.1/", 422),
        ("http://8.8.8.8/", 422),
        ("http://a@127.0.0.1/", 422),
        ("http://127.0.0.1:25/", 422),
        ("http://0.0.0.0/", 422),
    ] {
        assert_eq!(
            app.post(WEBHOOKS, &json!({ "url": url }).to_string())
                .status,
            status,
            "{url}"
        );
    }
}

#[test]
fn a_redirect_from_an_allowed_endpoint_is_not_followed() {
    let trap = Trap::on_loopback();
    let app = TestApp::start(Mode::Serve, &["--webhook-allow", "127.0.0.2/32"]);
    let endpoint = Endpoint::start_at(SocketAddr::from(([127, 0, 0, 2], 0)));
    let made = make(&app, &json!({ "url": endpoint.url() }));
    endpoint.always(Act::Redirect(SocketAddr::from(([127, 0, 0, 1], trap.port))));
    let delivery = tried(&app, &send_test(&app, &made));
    assert_eq!(
        (&delivery["answerStatus"], &delivery["state"]),
        (&json!(307), &json!("waiting"))
    );
    // Not even to where it may go.
    let second = Endpoint::start_at(SocketAddr::from(([127, 0, 0, 2], 0)));
    endpoint.always(Act::Redirect(second.address));
    assert_eq!(
        tried(&app, &send_test(&app, &made))["error"],
        "the endpoint answered 307"
    );
    assert_eq!((endpoint.connections(), second.connections()), (2, 0));
    trap.check_empty("by a redirect");
}

#[test]
fn a_webhook_that_is_allowed_no_more_is_refused_when_something_is_sent() {
    let endpoint = Endpoint::start();
    let mut app = TestApp::start(Mode::Serve, &["--webhook-allow", "127.0.0.0/8"]);
    let urls = [
        endpoint.url(),
        endpoint.url().replace("127.0.0.1", "localhost"),
        endpoint.url().replace("http:", "https:"),
    ];
    let made = urls.map(|url| make(&app, &json!({ "url": url })));
    assert_eq!(
        tried(&app, &send_test(&app, &made[0]))["state"],
        "delivered"
    );
    let before = endpoint.connections();
    app.restart_with(|settings| settings.webhook_allow.clear());
    assert_eq!(list(&app).len(), 3, "they are there still");
    app.invite("acme", "a@b.co");
    for webhook in &made {
        let log = app.get(&log_of(webhook)).json();
        let told = log
            .as_array()
            .into_iter()
            .flatten()
            .find(|one| one["type"] == "invitation.created");
        let told = told
            .and_then(|told| told["id"].as_str())
            .expect("it is to be told of the invitation");
        let paths = [
            send_test(&app, webhook),
            format!("{}/{told}", log_of(webhook)),
        ];
        for path in paths {
            let delivery = tried(&app, &path);
            assert_eq!(
                delivery["error"], "the host has an address that may not be reached",
                "{webhook}"
            );
            assert_eq!(
                (&delivery["state"], &delivery["attempts"]),
                (&json!("waiting"), &json!(1))
            );
        }
    }
    assert_eq!(
        patch(&app, &made[0], &json!({ "enabled": false })).status,
        200,
        "it can be changed still"
    );
    assert_eq!(
        patch(&app, &made[0], &json!({ "url": endpoint.url() })).status,
        422
    );
    assert_eq!(endpoint.connections(), before);
}

#[test]
fn proxies_of_the_environment_are_not_used() {
    let trap = Trap::on_loopback();
    let endpoint = Endpoint::start_at(SocketAddr::from(([127, 0, 0, 2], 0)));
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let mut command = invited();
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        let proxy = format!("http://127.0.0.1:{}", trap.port);
        command.env(name, &proxy).env(name.to_lowercase(), proxy);
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    command
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--webhook-allow",
            "127.0.0.2",
            "--database",
        ])
        .arg(&database);
    let server = Server::spawn(&mut command);
    let key = server.banner_value("admin key").expect("a key");
    let ask = |method: &str, path: &str, body: &Value| -> Value {
        let request = Request::new(server.address, method, path).bearer(&key);
        let answer = if body.is_null() {
            request.send()
        } else {
            request.json(body.to_string()).send()
        };
        assert!((200..300).contains(&answer.status), "{}", answer.text());
        answer.json()
    };
    // Nothing listens there: only a proxy could be reached by TLS.
    let closed = TcpListener::bind("127.0.0.2:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port");
    for (url, outcome) in [
        (endpoint.url(), "delivered"),
        (format!("https://{closed}/"), "the connection was refused"),
        (
            "https://hooks.invalid/".to_owned(),
            "the host was not found",
        ),
    ] {
        let made = ask(
            "POST",
            WEBHOOKS,
            &json!({ "url": url, "types": ["invitation.erased"] }),
        );
        let test = ask(
            "POST",
            &format!("{}/test", super::path_of(&made)),
            &json!({}),
        );
        let path = format!("{}/{}", log_of(&made), test["id"].as_str().expect("an id"));
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        let delivery = loop {
            let delivery = ask("GET", &path, &Value::Null);
            if delivery["lastAttemptAt"].is_string() {
                break delivery;
            }
            assert!(std::time::Instant::now() < deadline, "{delivery}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        let found = delivery["error"].as_str().unwrap_or("delivered");
        assert_eq!(found, outcome, "{url}");
    }
    assert_eq!(endpoint.received().len(), 1);
    trap.check_empty("by a proxy");
}
