//! The reference for developers, and the switches of the pages. What a browser makes of them is
//! tested with one, by `.ci/pages`.
//!
//! [`page`]: the reference. [`problems`]: the errors as pages. [`vendored`]: the files that others
//! made.

mod page;
mod problems;
mod vendored;

use invited::api::{Offer, routes};
use invited::base::mode::Mode;

use crate::support::TestApp;
use crate::support::process::run;

/// What browsers send when a person opens an address.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
/// The reference and what it loads, with their types.
const REFERENCE: [(&str, &str); 5] = [
    ("/docs", "text/html; charset=utf-8"),
    ("/docs/app.js", "text/javascript; charset=utf-8"),
    ("/docs/style.css", "text/css; charset=utf-8"),
    ("/docs/swagger-ui.js", "text/javascript; charset=utf-8"),
    ("/docs/swagger-ui.css", "text/css; charset=utf-8"),
];

#[test]
fn a_part_is_switched_by_on_or_off_and_by_nothing_else() {
    for flag in ["--console", "--docs"] {
        for word in ["yes", "false", "Off", ""] {
            let output = run(&["serve", flag, word]);
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{flag} {word}: {error}");
            assert!(error.contains(flag), "{flag} {word}: {error}");
            assert!(error.contains("on, off"), "{flag} {word}: {error}");
        }
    }
}

#[test]
fn what_is_switched_off_is_as_unknown_as_any_other_path() {
    let app = TestApp::start(Mode::Serve, &["--docs", "off"]);
    for (path, _) in REFERENCE {
        for (method, accept) in [("GET", "*/*"), ("GET", BROWSER), ("PUT", "*/*")] {
            let ask = |path| app.request(method, path).header("Accept", accept).send();
            let (off, unknown) = (ask(path), ask("/nowhere"));
            assert_eq!((off.status, off.code()), (404, "not_found".to_owned()));
            let named = off.without_request_id().replace(path, "/nowhere");
            assert_eq!(named, unknown.without_request_id(), "{method} {path}");
        }
    }
    let offer = Offer {
        docs: false,
        ..Offer::all(Mode::Dev)
    };
    let left: Vec<_> = routes(offer).into_iter().map(|route| route.path).collect();
    assert!(!left.iter().any(|path| path.starts_with("/docs")));
    assert_eq!(routes(Offer::all(Mode::Dev)).len(), left.len() + 5);
}

#[test]
fn without_the_reference_a_browser_gets_the_errors_as_text() {
    let (with, without) = (
        TestApp::serve(),
        TestApp::start(Mode::Serve, &["--docs", "off"]),
    );
    for path in ["/problems", "/problems/not_found", "/problems/nothing"] {
        let program = with.anonymous("GET", path).send();
        let browser = without
            .anonymous("GET", path)
            .header("Accept", BROWSER)
            .send();
        assert_eq!(browser.status, program.status, "{path}");
        assert_eq!(
            browser.header("content-type"),
            program.header("content-type"),
            "{path}"
        );
        assert_eq!(
            browser.without_request_id(),
            program.without_request_id(),
            "{path}"
        );
    }
}
