//! What the server tells Prometheus of itself, and what it tells supervisors.

mod counts;
mod page;
mod port;
mod probes;

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use invited::base::mode::Mode;
use invited::key::Scope;
use serde_json::json;

use crate::support::{TestApp, invitations};
use page::Page;

/// Where the requests of one route are counted.
const REQUESTS: &str = "invited_http_requests_total";
/// The route of an organization's invitations.
const INVITATIONS: &str = "/v1/organizations/{organizationId}/invitations";

#[test]
fn a_key_needs_its_own_scope_and_all_organizations() {
    let app = TestApp::serve();
    let keys = [
        (app.key(&[Scope::Metrics], &[], None), 200),
        (app.key(&[Scope::Admin], &[], None), 200),
        (app.key(&[Scope::Metrics], &["acme"], None), 404),
        (app.key(&[Scope::Admin], &["acme"], None), 404),
        (app.key(&[Scope::Read, Scope::Write], &[], None), 403),
    ];
    for (key, status) in keys {
        let answer = app.anonymous("GET", "/metrics").bearer(&key).send();
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    assert_eq!(app.anonymous("GET", "/metrics").send().status, 401);
    let key = app.key(&[Scope::Metrics], &[], None);
    let asked = app.anonymous("GET", &invitations("acme")).bearer(&key);
    assert_eq!(asked.send().status, 403, "it opens nothing else");
}

#[test]
fn development_shows_them_to_everybody() {
    let app = TestApp::start(Mode::Dev, &[]);
    assert_eq!(app.anonymous("GET", "/metrics").send().status, 200);
}

#[test]
fn accept_decides_between_the_two_formats() {
    let app = TestApp::serve();
    let asked = |accept: &str| {
        app.request("GET", "/metrics")
            .header("Accept", accept)
            .send()
    };
    let plain = asked("*/*");
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(plain.header("content-type"), Some(kind));
    assert!(
        plain
            .text()
            .contains("# TYPE invited_writer_commits_total counter\n")
    );
    assert!(!plain.text().contains("# EOF"));
    // As Prometheus 2.42 asks.
    let open = asked(
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;\
         q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    );
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(open.header("content-type"), Some(kind));
    assert!(
        open.text()
            .contains("# TYPE invited_writer_commits counter\n")
    );
    assert!(open.text().ends_with("# EOF\n"));
}

#[test]
fn accept_encoding_decides_whether_they_are_compressed() {
    let app = TestApp::serve();
    let asked = |method: &str, encoding: &str, accept: &str| {
        app.request(method, "/metrics")
            .header("Accept-Encoding", encoding)
            .header("Accept", accept)
            .send()
    };
    let open = "application/openmetrics-text;version=1.0.0";
    for (accept, end) in [("*/*", ""), (open, "# EOF\n")] {
        for encoding in ["gzip", "deflate, gzip;q=0.8"] {
            let packed = asked("GET", encoding, accept);
            assert_eq!(
                packed.header("content-encoding"),
                Some("gzip"),
                "{encoding}"
            );
            assert_eq!(packed.header("vary"), Some("Accept, Accept-Encoding"));
            let mut text = String::new();
            GzDecoder::new(&packed.body[..])
                .read_to_string(&mut text)
                .expect("gzip");
            assert!(packed.body.len() * 3 < text.len());
            assert!(text.contains("\ninvited_storage_writable 1") && text.ends_with(end));
        }
        for encoding in ["identity", "gzip;q=0", "br", ""] {
            let plain = asked("GET", encoding, accept);
            assert_eq!(plain.header("content-encoding"), None, "{encoding}");
            assert!(plain.text().ends_with(end));
        }
    }
    let head = asked("HEAD", "gzip", "*/*");
    assert_eq!(head.header("content-encoding"), Some("gzip"));
    assert!(head.body.is_empty());
}

#[test]
fn requests_are_counted_by_route_method_and_status() {
    let app = TestApp::serve();
    app.invite("acme", "ann@b.co");
    app.invite("globex", "bob@b.co");
    app.get(&invitations("acme"));
    app.get(&format!("{}?limit=0", invitations("acme")));
    app.request("HEAD", &invitations("acme")).send();
    app.get("/no/such/path");
    app.anonymous("GET", &invitations("acme")).send();
    let page = Page::of(&app);
    let count = |route, method, status| {
        let labels = [("route", route), ("method", method), ("status", status)];
        page.find(REQUESTS, &labels).unwrap_or(0.0)
    };
    assert!((count(INVITATIONS, "POST", "201") - 2.0).abs() < 0.1);
    assert!((count(INVITATIONS, "GET", "200") - 1.0).abs() < 0.1);
    assert!((count(INVITATIONS, "GET", "422") - 1.0).abs() < 0.1);
    assert!((count(INVITATIONS, "GET", "401") - 1.0).abs() < 0.1);
    assert!((count(INVITATIONS, "HEAD", "200") - 1.0).abs() < 0.1);
    assert!((count("unknown", "GET", "404") - 1.0).abs() < 0.1);
    let labels = [("route", INVITATIONS), ("method", "POST")];
    let name = "invited_http_request_duration_seconds";
    assert!((page.get(&format!("{name}_count"), &labels) - 2.0).abs() < 0.1);
    let sum = page.get(&format!("{name}_sum"), &labels);
    assert!(sum > 0.0 && sum < 60.0, "{sum}");
}

#[test]
fn no_label_holds_what_a_caller_sent() {
    let app = TestApp::serve();
    let invited = app.invite("secret-organization", "somebody@b.co");
    let id = invited["id"].as_str().expect("an id").to_owned();
    let link = app.post(
        &format!("{}/{id}/link", invitations("secret-organization")),
        "{}",
    );
    let token = app.token_of(&invited);
    assert_eq!(link.status, 200);
    app.get(&format!("/accept/{token}"));
    app.post(
        "/v1/invitations/lookup",
        &json!({ "token": token }).to_string(),
    );
    app.request("BREW", "/coffee-for-somebody").send();
    app.get("/coffee-for-somebody?somebody");
    let text = app.get("/metrics").text();
    for sent in [
        "secret-organization",
        "somebody",
        "BREW",
        &id,
        &token,
        "ivk_",
        "ivt_",
        "ivm_",
    ] {
        assert!(!text.contains(sent), "{sent}");
    }
}

#[test]
fn what_the_writer_does_is_told() {
    let app = TestApp::serve();
    let before = Page::of(&app);
    for number in 0..5 {
        app.invite("acme", &format!("p{number}@b.co"));
    }
    let after = Page::of(&app);
    let grown = |name: &str| after.get(name, &[]) - before.get(name, &[]);
    let commits = grown("invited_writer_commits_total");
    assert!(commits >= 5.0, "{commits}");
    for name in [
        "invited_writer_transaction_seconds_count",
        "invited_writer_commit_seconds_count",
        "invited_writer_group_jobs_count",
    ] {
        assert!((grown(name) - commits).abs() < 0.1, "{name}");
    }
    assert!(grown("invited_writer_group_jobs_sum") >= 5.0);
    let whole = grown("invited_writer_transaction_seconds_sum");
    let commit = grown("invited_writer_commit_seconds_sum");
    assert!(0.0 < commit && commit <= whole, "{commit} of {whole}");
    assert!(after.get("invited_writer_queue_jobs", &[]) < 0.1);
    assert!(after.get("invited_writer_oldest_seconds", &[]) < 0.1);
    assert!(after.get("invited_log_bytes", &[]) >= after.get("invited_log_used_bytes", &[]));
    assert!(after.get("invited_database_bytes", &[]) >= 4096.0);
    assert!(after.get("invited_disk_free_bytes", &[]) > 0.0);
    assert!(after.get("invited_readers", &[("state", "busy")]) >= 1.0);
}

#[test]
fn they_are_told_while_the_file_is_gone() {
    let app = TestApp::serve();
    assert!((Page::of(&app).get("invited_database_in_place", &[]) - 1.0).abs() < 0.1);
    let away = app.database.with_extension("away");
    std::fs::rename(&app.database, &away).expect("a file");
    let page = Page::of(&app);
    assert!(page.get("invited_database_in_place", &[]) < 0.1);
    let status = app.anonymous("GET", "/readyz").send().status;
    assert_eq!(status, 503);
    std::fs::rename(&away, &app.database).expect("a file");
    assert!((Page::of(&app).get("invited_database_in_place", &[]) - 1.0).abs() < 0.1);
}

/// A row of the table of the docs: a name, its type, its labels, what it means.
type Row = (String, String, BTreeSet<String>, String);

/// The rows of `docs/metrics.md`.
fn documented() -> BTreeSet<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let text = std::fs::read_to_string(path).expect("text");
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| `invited_") || line.starts_with("| `process_"));
    let row = |line: &str| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let labels = cells[2].split(", ").filter(|label| !label.is_empty());
        let labels = labels.map(|label| label.trim_matches('`').to_owned());
        let name = cells[0].trim_matches('`').to_owned();
        (
            name,
            cells[1].to_owned(),
            labels.collect(),
            cells[3].to_owned(),
        )
    };
    rows.map(row).collect()
}

#[test]
fn the_docs_list_every_metric_and_no_other() {
    let app = TestApp::serve();
    app.invite("acme", "ann@b.co");
    let page = Page::of(&app);
    let told: BTreeSet<Row> = page
        .types
        .iter()
        .map(|(name, kind)| {
            let (labels, help) = (page.labels_of(name), page.helps[name].clone());
            (name.clone(), kind.clone(), labels, help)
        })
        .collect();
    let documented = documented();
    let lines = |rows: &BTreeSet<Row>, others: &BTreeSet<Row>| {
        let line = |(name, kind, labels, help): &Row| {
            let labels = labels.iter().map(|label| format!("`{label}`"));
            let labels: Vec<_> = labels.collect();
            format!("| `{name}` | {kind} | {} | {help} |", labels.join(", "))
        };
        rows.difference(others)
            .map(line)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let (missing, untrue) = (lines(&told, &documented), lines(&documented, &told));
    assert!(
        missing.is_empty() && untrue.is_empty(),
        "not in the docs:\n{missing}\nnot told:\n{untrue}"
    );
}
