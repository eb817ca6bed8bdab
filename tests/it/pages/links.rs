//! What becomes of links on their way to a person: trackers add to them, filters encode them, and
//! proxies put a slash behind a path. The page comes all the same; its script finds the token.

use invited::base::mode::Mode;

use crate::support::TestApp;

/// What a link can have become, but for its fragment, which no server gets. `{token}` is its token.
const SPELLINGS: [&str; 13] = [
    "/accept?utm_source=mail",
    "/accept?fbclid=1",
    "/accept?url=x&data=y&data=z",
    "/accept?%FF=%00&=",
    "/accept/",
    "/accept/?utm_source=mail",
    "/accept%23{token}",
    "/accept%2523{token}",
    "/accept%252523{token}",
    "/accept/%23{token}",
    "/accept/%2523{token}?utm_source=mail",
    "/accept%23{token}/?mc_cid=1",
    "/accept%23{token}&utm_source=a/b",
];

/// The paths below which the page asks for what it loads, as its HTML has them.
fn root_of(html: &str) -> &str {
    let (_, rest) = html.split_once("<script src=\"").expect("a script");
    rest.split_once("accept/app.js").expect("its path").0
}

#[test]
fn the_page_comes_whatever_was_done_to_its_link_on_the_way() {
    let (serve, dev) = (TestApp::serve(), TestApp::start(Mode::Dev, &[]));
    for (app, unknown) in [(serve, "unauthorized"), (dev, "not_found")] {
        let made = app.invite("acme", "a@b.co");
        let tokens = [app.token_of(&made), app.mailed_token_of(&made)];
        for (number, spelling) in SPELLINGS.into_iter().enumerate() {
            let token = &tokens[number % 2];
            let path = spelling.replace("{token}", token);
            let answer = app.anonymous("GET", &path).send();
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (200, Some("text/html; charset=utf-8")),
                "{path}"
            );
            super::policy(&answer);
            let html = answer.text();
            assert!(
                !html.contains("ivt_") && !html.contains("ivm_"),
                "{path}: the page has no token"
            );
            let (before_query, _) = path.split_once('?').unwrap_or((&path, ""));
            let depth = before_query.matches('/').count() - 1;
            assert_eq!(root_of(&html), "../".repeat(depth), "{path}");
            let head = app.anonymous("HEAD", &path).send();
            assert_eq!((head.status, head.text().len()), (200, 0), "{path}");
            let post = app.anonymous("POST", &path).send();
            let refusal = match before_query {
                _ if path.contains(token) => unknown,
                "/accept" => "invalid_query",
                _ => "method_not_allowed",
            };
            assert_eq!(post.code(), refusal, "{path}");
        }
    }
}

#[test]
fn what_the_page_loads_comes_with_any_query() {
    let app = TestApp::serve();
    for path in ["/accept/app.js", "/accept/style.css"] {
        for query in ["v=1", "v=1&v=2", "utm_source=mail", "%FF"] {
            let answer = app.anonymous("GET", &format!("{path}?{query}")).send();
            assert_eq!(answer.status, 200, "{path}?{query}");
            super::policy(&answer);
        }
    }
}

#[test]
fn what_only_begins_as_the_page_is_another_path() {
    let app = TestApp::start(Mode::Dev, &[]);
    for path in [
        "/accepted",
        "/accept/x",
        "/accept//",
        "/accept%24ivt_",
        "/accept.js",
    ] {
        assert_eq!(app.anonymous("GET", path).send().status, 404, "{path}");
    }
}
