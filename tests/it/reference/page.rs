//! The reference: its headers, its policy, and what it loads.

use invited::base::mode::Mode;
use sha2::{Digest, Sha256};

use super::REFERENCE;
use crate::support::{Answer, TestApp};

/// For how long a version is kept.
const KEPT: &str = "public, max-age=31536000, immutable";

/// The URLs of what the page loads, from the root of the server.
fn loaded(page: &Answer) -> Vec<String> {
    let html = page.text();
    let quoted = html.split('"').skip(1).step_by(2);
    let versioned = quoted.filter(|url| url.contains("?v="));
    versioned.map(|url| format!("/{url}")).collect()
}

#[test]
fn the_reference_needs_no_key_and_bears_its_headers() {
    for app in [TestApp::serve(), TestApp::start(Mode::Dev, &[])] {
        for (path, kind) in REFERENCE {
            let answer = app.anonymous("GET", path).send();
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (200, Some(kind)),
                "{path}"
            );
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
            let head = app.anonymous("HEAD", path).send();
            assert_eq!((head.status, head.text().len()), (200, 0), "{path}");
            let tag = answer.header("etag").expect("a tag");
            let again = app.anonymous("GET", path).header("If-None-Match", tag);
            assert_eq!(again.send().status, 304, "{path}");
            let put = app.anonymous("PUT", path).send();
            assert_eq!(put.code(), "method_not_allowed", "{path}");
        }
    }
}

#[test]
fn the_policy_of_the_reference_refuses_all_that_is_not_from_this_server() {
    let app = TestApp::serve();
    let page = app.anonymous("GET", "/docs").send();
    assert_eq!(
        page.header("content-security-policy"),
        Some(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
             connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
        )
    );
    let html = page.text();
    for refused in [
        "<style", " style=", "<script>", "://", "href=\"/", "src=\"/",
    ] {
        assert!(!html.contains(refused), "{refused}: {html}");
    }
}

#[test]
fn what_the_reference_loads_is_kept_for_a_year_under_its_version() {
    let app = TestApp::serve();
    let urls = loaded(&app.anonymous("GET", "/docs").send());
    assert_eq!(urls.len(), REFERENCE.len() - 1, "{urls:?}");
    for url in urls {
        let (path, version) = url.split_once("?v=").expect("a version");
        assert!(REFERENCE.iter().any(|(known, _)| *known == path), "{path}");
        let answer = app.anonymous("GET", &url).send();
        assert_eq!(answer.header("cache-control"), Some(KEPT), "{url}");
        let hash = Sha256::digest(&answer.body);
        let hash: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(version, hash, "{url}");
        let other = app.anonymous("GET", &format!("{path}?v=0")).send();
        assert_eq!(
            (other.status, other.header("cache-control")),
            (200, Some("no-store")),
            "{path}"
        );
    }
}
