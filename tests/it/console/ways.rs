//! Where a person comes by signing in, and which addresses lead to the console.

use super::{ORIGIN, Person, dev, form, sign_in};
use crate::support::{Answer, TestApp};

/// What the sign-in page sends along as the page to go on to.
fn next(answer: &Answer) -> String {
    let page = answer.text();
    let (_, rest) = page
        .split_once("name=\"next\" value=\"")
        .expect("the field");
    let (next, _) = rest.split_once('"').expect("its end");
    next.replace("&amp;", "&")
}

/// Signs in with the key of `app` and this `next`; returns where that leads.
fn led_to(app: &TestApp, next: &str) -> String {
    let answer = app
        .anonymous("POST", "/console/sign-in")
        .header("Origin", ORIGIN)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form(&[("key", &app.key), ("next", next)]))
        .send();
    answer.header("location").expect("a location").to_owned()
}

/// How many sessions the history of the server says of `action`.
fn count(app: &TestApp, action: &str) -> usize {
    let history = app.get("/v1/audit?limit=200").json();
    let rows = history.as_array().expect("rows").iter();
    rows.filter(|row| row["action"] == action).count()
}

#[test]
fn signing_in_leads_to_the_page_that_was_asked_for_with_its_query() {
    let app = TestApp::serve();
    let path = "/console/organizations/acme?q=ada%40b.co&status=pending";
    let asked = app.anonymous("GET", path).send();
    assert_eq!((asked.status, &*next(&asked)), (401, path));
    assert_eq!(led_to(&app, path), format!("..{path}"));
    assert_eq!(
        led_to(&app, "/console?a=//b"),
        "../console?did=signed-in",
        "no page writes such a query"
    );
}

#[test]
fn a_form_that_comes_after_the_session_leads_back_to_its_page() {
    let app = TestApp::serve();
    let invitation = "/console/organizations/acme/invitations/x";
    for (referer, wanted) in [
        (None, invitation),
        (
            Some("http://invited.test/console/keys?q=a"),
            "/console/keys?q=a",
        ),
        (Some("http://invited.test/accept"), invitation),
        (Some("nonsense"), invitation),
    ] {
        let request = app
            .anonymous("POST", &format!("{invitation}/link"))
            .header("Origin", ORIGIN);
        let request = match referer {
            Some(referer) => request.header("Referer", referer),
            None => request,
        };
        let answer = request.send();
        assert_eq!(
            (answer.status, &*next(&answer)),
            (401, wanted),
            "{referer:?}"
        );
    }
}

#[test]
fn a_link_on_another_site_is_followed_a_second_time_with_the_cookie() {
    let app = TestApp::serve();
    let from_elsewhere = |path: &str| {
        let request = app.anonymous("GET", path);
        let request = request.header("Sec-Fetch-Site", "cross-site");
        request.header("Sec-Fetch-Dest", "document")
    };
    let first = from_elsewhere("/console/organizations/acme?q=a").send();
    assert_eq!(first.status, 401);
    let again = "../../console/sign-in?next=%2Fconsole%2Forganizations%2Facme%3Fq%3Da";
    let refresh = format!("http-equiv=\"refresh\" content=\"0; url={again}\"");
    assert!(first.text().contains(&refresh), "{}", first.text());

    let again = again.trim_start_matches("../..");
    let person = Person::with_key(&app, &app.key);
    let second = person.get(again);
    assert_eq!(
        (second.status, second.header("location")),
        (303, Some("../console/organizations/acme?q=a"))
    );
    // Whoever is not signed in is asked to, and that page does not load itself.
    for request in [app.anonymous("GET", again), from_elsewhere(again)] {
        let form = request.send();
        assert_eq!(form.status, 200);
        assert_eq!(next(&form), "/console/organizations/acme?q=a");
        assert!(!form.text().contains("http-equiv"), "{}", form.text());
    }
    let person_asks = person.get("/console/sign-in");
    assert_eq!(person_asks.status, 200, "a link may stand behind the #");
    assert!(person_asks.text().contains("You are signed in."));
    let elsewhere = person.get("/console/sign-in?next=//evil.test");
    assert_eq!(elsewhere.status, 200);
    assert_eq!(next(&elsewhere), "");
}

#[test]
fn a_second_sign_in_of_a_browser_ends_its_first_session() {
    let app = TestApp::serve();
    let first = Person::with_key(&app, &app.key);
    let answer = first.post("/console/sign-in", &[("key", &app.key)]);
    assert_eq!(answer.status, 303);
    assert_eq!(first.get("/console").status, 401);
    assert_eq!(count(&app, "session.ended"), 1);
    // A try that fails ends nothing.
    let second = Person::with_key(&app, &app.key);
    assert_eq!(
        second.post("/console/sign-in", &[("key", "ivk_")]).status,
        401
    );
    assert_eq!(second.get("/console").status, 200);
}

#[test]
fn a_key_has_at_most_fifty_sessions_and_the_oldest_ends() {
    let app = TestApp::serve();
    let other = app.key(&[invited::key::Scope::Read], &[], None);
    let other = Person::with_key(&app, &other);
    let oldest = Person::with_key(&app, &app.key);
    app.advance_to(1000);
    let older = Person::with_key(&app, &app.key);
    app.advance_to(2000);
    for _ in 0..48 {
        assert_eq!(sign_in(&app, &app.key).status, 303);
    }
    assert_eq!(oldest.get("/console").status, 200);
    let newest = Person::with_key(&app, &app.key);
    assert_eq!(oldest.get("/console").status, 401);
    for person in [&older, &newest, &other] {
        assert_eq!(person.get("/console").status, 200);
    }
    assert_eq!(count(&app, "session.ended"), 1);
}

#[test]
fn a_page_that_failed_is_not_put_into_the_history_of_the_browser_by_the_script() {
    let app = TestApp::serve();
    let person = Person::with_key(&app, &app.key);
    for answer in [
        person.get("/console/organizations/none/invitations/x"),
        app.anonymous("GET", "/console").send(),
    ] {
        assert_eq!(answer.header("hx-push-url"), Some("false"));
        // By this the script knows that it is to load the page as a whole.
        assert!(!answer.text().contains(" id=\"side\""));
    }
    assert!(person.page("/console").contains(" id=\"side\""));
}

#[test]
fn a_slash_behind_a_page_leads_to_the_page() {
    let app = dev();
    for (path, location) in [
        ("/console/", "../console"),
        ("/console/?q=a", "../console?q=a"),
        ("/docs/", "../docs"),
        ("/problems/", "../problems"),
    ] {
        let answer = app.anonymous("GET", path).send();
        assert_eq!(
            (answer.status, answer.header("location")),
            (308, Some(location)),
            "{path}"
        );
    }
}
