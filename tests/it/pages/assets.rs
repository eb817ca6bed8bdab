//! What pages load has its version in its URL, and is kept under it.

use invited::base::mode::Mode;
use sha2::{Digest, Sha256};

use crate::support::{Answer, TestApp};

/// For how long a version is kept.
const KEPT: &str = "public, max-age=31536000, immutable";

/// The URLs of what the page at `path` loads from `/accept/`.
fn loaded_by(app: &TestApp, path: &str) -> Vec<String> {
    let page = app.request("GET", path).header("Accept", "text/html");
    let html = page.send().text();
    let quoted = html.split('"').skip(1).step_by(2);
    let loaded = quoted.filter_map(|url| url.split_once("accept/"));
    loaded.map(|(_, name)| format!("/accept/{name}")).collect()
}

/// How long an answer may be kept.
fn kept(answer: &Answer) -> (u16, Option<&str>) {
    (answer.status, answer.header("cache-control"))
}

/// The version of an asset: the beginning of the hash of its content.
fn version_of(content: &str) -> String {
    let hash = Sha256::digest(content);
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_page_names_the_version_of_what_it_loads_which_is_kept_for_a_year() {
    let app = TestApp::start(Mode::Dev, &[]);
    let pages = ["/accept", "/accept/", "/accept%23x", "/no/such"];
    let counts = [2, 2, 2, 1];
    for (page, count) in pages.iter().zip(counts) {
        let urls = loaded_by(&app, page);
        assert_eq!(urls.len(), count, "{page}: {urls:?}");
        for url in urls {
            let answer = app.anonymous("GET", &url).send();
            assert_eq!(kept(&answer), (200, Some(KEPT)), "{url}");
            let (_, version) = url.split_once("?v=").expect("a version");
            assert_eq!(version, version_of(&answer.text()), "{url}");
            let head = app.anonymous("HEAD", &url).send();
            assert_eq!(kept(&head), (200, Some(KEPT)), "{url}");
            let tag = answer.header("etag").expect("a tag");
            let again = app.anonymous("GET", &url).header("If-None-Match", tag);
            assert_eq!(kept(&again.send()), (304, Some(KEPT)), "{url}");
            let gzip = app.anonymous("GET", &url).header("Accept-Encoding", "gzip");
            assert_eq!(kept(&gzip.send()), (200, Some(KEPT)), "{url}");
        }
    }
}

#[test]
fn what_has_another_version_or_none_comes_and_is_not_kept() {
    let app = TestApp::serve();
    let urls = loaded_by(&app, "/accept");
    for url in urls {
        let (path, version) = url.split_once("?v=").expect("a version");
        let upper = version.to_uppercase();
        for query in [
            String::new(),
            "?v=".to_owned(),
            "?v=0123456789abcdef".to_owned(),
            format!("?v={version}0"),
            format!("?v={version}&v={version}"),
            format!("?V={version}"),
            format!("?utm_source=mail&v={upper}"),
        ] {
            let answer = app.anonymous("GET", &format!("{path}{query}")).send();
            assert_eq!(kept(&answer), (200, Some("no-store")), "{path}{query}");
        }
    }
}

#[test]
fn a_refusal_under_the_url_of_a_version_is_not_kept() {
    let app = TestApp::start(Mode::Serve, &["--limit-address", "1"]);
    let urls = loaded_by(&app, "/accept");
    let answer = app.anonymous("GET", &urls[0]).send();
    assert_eq!(kept(&answer), (429, Some("no-store")));
    let post = TestApp::serve().anonymous("POST", &urls[0]).send();
    assert_eq!(kept(&post), (405, Some("no-store")));
}
