//! The networks that an operator allows to webhooks, and what stays refused beside them.

use std::net::{SocketAddr, TcpListener};

use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::trap::Trap;
use super::{WEBHOOKS, list, log_of, make, patch, send_test, tried};
use crate::support::TestApp;
use crate::support::client::Request;
use crate::support::endpoint::{Act, Endpoint};
use crate::support::life::wrong;
use crate::support::process::{Server, invited};

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
    let key = server.admin_key().expect("a key");
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
