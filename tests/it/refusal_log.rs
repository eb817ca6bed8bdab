//! What the log says of refused requests, through the binary.

use std::net::TcpStream;
use std::path::Path;

use tempfile::TempDir;

use crate::support::client::answer_kept;
use crate::support::process::{Server, run};
use crate::support::{Request, forged, invitations};

/// A server with its file, and with these settings.
fn serve(settings: &[&str]) -> (TempDir, Server) {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let words = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--database",
        &database.to_string_lossy(),
    ]
    .map(str::to_owned);
    let words: Vec<_> = words
        .iter()
        .map(String::as_str)
        .chain(settings.iter().copied())
        .collect();
    let server = Server::start(&words);
    (folder, server)
}

/// Makes a key on the command line, beside the server.
fn make_key(folder: &Path, words: &[&str]) -> String {
    let database = folder.join("invited.db").to_string_lossy().into_owned();
    let made = run(&[&["key", "create", "--database", &database], words].concat());
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    String::from_utf8_lossy(&made.stdout).trim().to_owned()
}

/// Stops the server. Returns the warnings of its log.
fn warnings(server: Server) -> Vec<String> {
    server.signal("TERM");
    let (_, _, printed) = server.wait();
    printed
        .lines()
        .filter(|line| line.contains("WARN"))
        .map(str::to_owned)
        .collect()
}

/// Sends `request` so many times on one connection; each must be answered with `status`.
fn repeat(server: &Server, times: usize, status: u16, request: impl Fn(usize) -> Request) {
    let mut stream = TcpStream::connect(server.address).expect("the server accepts");
    for number in 0..times {
        assert_eq!(
            answer_kept(&mut stream, &request(number).bytes()).status,
            status,
            "{number}"
        );
    }
}

#[test]
fn five_hundred_bad_keys_leave_one_line_that_says_who_from_where() {
    let (_folder, server) = serve(&["--limit-address", "0"]);
    let (address, path) = (server.address, invitations("acme"));
    let id = "0123456789abcdef";
    let get = |number| {
        let request = Request::kept(address, "GET", &path).bearer(&forged(id));
        request.header("X-Request-Id", &format!("guess-{number}"))
    };
    repeat(&server, 500, 401, get);
    let lines = warnings(server);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let route = "/v1/organizations/{organizationId}/invitations";
    let said = format!(
        "request guess-0: unauthorized: 401 unauthorized: GET {route} by key {id} from 127.0.0.0/24"
    );
    assert!(lines[0].ends_with(&said), "{}", lines[0]);
}

#[test]
fn each_kind_of_refusal_has_a_line_of_its_own_and_none_of_them_shows_what_was_sent() {
    let (folder, server) = serve(&["--limit-key", "3"]);
    let reader = make_key(
        folder.path(),
        &["--scope", "invitations:read", "--organization", "acme"],
    );
    let email = "victim@example.com";
    let send = |method: &str, path: &str, key: Option<&str>| {
        let request = server.request(method, path);
        let request = key.map_or_else(|| request.clone(), |key| request.clone().bearer(key));
        request
            .json(format!(r#"{{"email":"{email}","role":"developer"}}"#))
            .send()
            .status
    };
    let dead = forged("00000000000000aa");
    assert_eq!(
        send(
            "GET",
            &format!("/v1/invitations?email={email}&token=ivt_secret"),
            None
        ),
        401
    );
    assert_eq!(send("GET", &format!("/{email}/{dead}"), Some(&dead)), 401);
    assert_eq!(send("POST", &invitations("acme"), Some(&reader)), 403);
    assert_eq!(send("GET", &invitations("globex"), Some(&reader)), 404);
    assert_eq!(send("GET", &invitations("acme"), Some(&reader)), 200);
    assert_eq!(
        send(
            "GET",
            &format!("{}?email={email}", invitations("acme")),
            Some(&reader)
        ),
        429
    );
    let id = &reader[4..20];
    let lines = warnings(server);
    let route = "/v1/organizations/{organizationId}/invitations";
    let expected = [
        ": unauthorized: 401 unauthorized: GET /v1/invitations by anonymous from 127.0.0.0/24"
            .to_owned(),
        format!(": forbidden: 403 insufficient_scope: POST {route} by key {id} from 127.0.0.0/24"),
        format!(": foreign: 404 not_found: GET {route} of globex by key {id} from 127.0.0.0/24"),
        format!(": rate limited: 429 rate_limited: GET {route} by key {id} from 127.0.0.0/24"),
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.ends_with(&expected), "{line}");
        for secret in [email, "ivt_", "ivk_", &reader[21..], &dead[21..]] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}

#[test]
fn a_method_of_its_senders_own_and_a_missing_thing_leave_nothing_of_theirs_in_the_log() {
    let (folder, server) = serve(&[]);
    let reader = make_key(
        folder.path(),
        &["--scope", "invitations:read", "--organization", "acme"],
    );
    let method = forged("00000000000000bb");
    assert_eq!(server.request(&method, "/v1/keys").send().status, 401);
    // What is missing in an organization of the key's own is no attack.
    let missing = format!(
        "{}/019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f",
        invitations("acme")
    );
    assert_eq!(
        server
            .request("GET", &missing)
            .bearer(&reader)
            .send()
            .status,
        404
    );
    assert_eq!(
        server
            .request("GET", "/v1/organizations/%40/invitations")
            .bearer(&reader)
            .send()
            .status,
        404
    );
    let lines = warnings(server);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("401 unauthorized: (another method) /v1/keys by anonymous"),
        "{}",
        lines[0]
    );
    assert!(!lines[0].contains("ivk_"), "{}", lines[0]);
}

#[test]
fn keys_and_webhooks_of_others_are_foreign_too() {
    let (folder, server) = serve(&[]);
    let admin = server.admin_key().expect("an admin key");
    let bound = make_key(
        folder.path(),
        &["--scope", "admin", "--organization", "acme"],
    );
    let get = |path: &str| server.request("GET", path).bearer(&bound).send().status;
    assert_eq!(get(&format!("/v1/keys/{}", "0".repeat(16))), 404);
    assert_eq!(get(&format!("/v1/keys/{}", &admin[4..20])), 404);
    let lines = warnings(server);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let said = format!(
        "foreign: 404 not_found: GET /v1/keys/{{keyId}} by key {} from 127.0.0.0/24",
        &bound[4..20]
    );
    assert!(lines[0].ends_with(&said), "{}", lines[0]);
}

#[test]
fn two_networks_have_two_lines_and_the_addresses_of_one_share_a_line() {
    let (_folder, server) = serve(&["--trusted-proxies", "127.0.0.1", "--log-addresses", "full"]);
    let clients = [
        "203.0.113.7",
        "203.0.113.8",
        "2001:db8:1:2::3",
        "2001:db8:1:2::4",
        "2001:db8:1:3::3",
    ];
    for client in clients {
        for _ in 0..3 {
            assert_eq!(
                server
                    .request("GET", "/v1/keys")
                    .header("X-Forwarded-For", client)
                    .send()
                    .status,
                401
            );
        }
    }
    let lines = warnings(server);
    let from: Vec<_> = lines
        .iter()
        .filter_map(|line| line.rsplit_once(" from ").map(|(_, from)| from))
        .collect();
    assert_eq!(
        from,
        [
            "203.0.113.7",
            "203.0.113.8",
            "2001:db8:1:2::3",
            "2001:db8:1:3::3"
        ]
    );
}

#[test]
fn ten_thousand_addresses_leave_a_thousand_lines() {
    // All that can be logged would be more than the queue of lines takes.
    let settings = ["--trusted-proxies", "127.0.0.1", "--log", "info"];
    let (_folder, server) = serve(&settings);
    let address = server.address;
    let get = |number: usize| {
        let client = format!(
            "10.{}.{}.{}",
            number >> 16,
            (number >> 8) & 255,
            number & 255
        );
        Request::kept(address, "GET", "/v1/keys").header("X-Forwarded-For", &client)
    };
    repeat(&server, 10_000, 401, get);
    let lines = warnings(server);
    let refused = lines
        .iter()
        .filter(|line| line.contains(": unauthorized: "))
        .count();
    assert!((900..=1_001).contains(&refused), "{refused}");
}

#[test]
fn a_log_without_warnings_has_none_of_them() {
    let (_folder, server) = serve(&["--log", "error"]);
    assert_eq!(server.request("GET", "/v1/keys").send().status, 401);
    server.signal("TERM");
    let (_, _, printed) = server.wait();
    assert!(!printed.contains("unauthorized"), "{printed}");
}
