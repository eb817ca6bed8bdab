//! What supervisors and load balancers ask.

use crate::support::TestApp;

#[test]
fn a_probe_finds_its_path_however_it_is_written() {
    let app = TestApp::serve();
    let live = [
        "/livez",
        "/livez/",
        "/health/live",
        "/health/live/",
        "/healthz",
        "/health",
    ];
    let ready = ["/readyz", "/readyz/", "/health/ready", "/health/ready/"];
    for (paths, body) in [
        (&live[..], r#"{"status":"ok"}"#),
        (&ready[..], r#"{"status":"ok","integrity":""#),
    ] {
        for path in paths {
            for query in ["", "?", "?verbose", "?_=1&_=2", "?%zz"] {
                let answer = app.anonymous("GET", &format!("{path}{query}")).send();
                assert_eq!(answer.status, 200, "{path}{query}");
                assert!(answer.text().starts_with(body), "{path}{query}");
            }
            let head = app.anonymous("HEAD", path).send();
            assert_eq!((head.status, &*head.text()), (200, ""), "{path}");
            assert_eq!(app.anonymous("POST", path).send().status, 405, "{path}");
        }
    }
}

#[test]
fn a_server_whose_file_is_gone_lives_and_is_not_ready() {
    let app = TestApp::serve();
    std::fs::rename(&app.database, app.database.with_extension("away")).expect("a file");
    for (path, status) in [
        ("/livez", 200),
        ("/healthz", 200),
        ("/health/live", 200),
        ("/readyz", 503),
        ("/readyz/", 503),
        ("/health/ready", 503),
    ] {
        let answer = app.anonymous("GET", path).send();
        assert_eq!(answer.status, status, "{path}");
        if status == 503 {
            assert_eq!(answer.code(), "storage_failed", "{path}");
        }
    }
}
