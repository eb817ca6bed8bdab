//! The version of an organization: a PUT with a condition changes only what its caller knows.

use crate::support::{Answer, TestApp};

#[test]
fn conditions_decide_by_the_version_that_a_caller_knows() {
    let app = TestApp::serve();
    let send = |method: &str, header: &str, value: &str| {
        let request = app
            .request(method, "/v1/organizations/acme")
            .header(header, value);
        if method == "PUT" {
            request.json(r#"{"name":"Acme"}"#).send()
        } else {
            request.send()
        }
    };
    let nothing = send("PUT", "If-Match", "*");
    assert_eq!(
        (nothing.status, nothing.code().as_str()),
        (412, "precondition_failed"),
        "there is nothing to match"
    );
    assert_eq!(app.get("/v1/organizations").text(), "[]");
    let first = send("PUT", "If-None-Match", "*");
    assert_eq!(
        (first.status, send("PUT", "If-None-Match", "*").status),
        (201, 412),
        "it only creates"
    );
    let tag = first.header("etag").expect("a tag").to_owned();
    assert_eq!(
        (
            send("GET", "If-None-Match", &tag).status,
            send("GET", "If-None-Match", "\"x\"").status
        ),
        (304, 200)
    );
    app.advance_to(1_000);
    let second = send("PUT", "If-Match", &tag);
    assert_eq!(second.status, 200);
    let present = second.header("etag").expect("a tag");
    assert_ne!(present, tag);
    for method in ["PUT", "DELETE"] {
        let stale = send(method, "If-Match", &tag);
        assert_eq!(
            (stale.status, stale.code().as_str()),
            (412, "precondition_failed"),
            "{method}"
        );
    }
    assert_eq!(
        app.get("/v1/organizations/acme").text(),
        second.text(),
        "nothing was changed"
    );
    assert_eq!(send("DELETE", "If-Match", present).status, 204);
}

#[test]
fn of_parallel_puts_on_one_version_one_wins() {
    let app = TestApp::serve();
    let tag = app
        .request("PUT", "/v1/organizations/acme")
        .json("{}")
        .send();
    let tag = tag.header("etag").expect("a tag");
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let put = |number| {
            let body = format!(r#"{{"name":"Name {number}"}}"#);
            app.request("PUT", "/v1/organizations/acme")
                .header("If-Match", tag)
                .json(body)
                .send()
        };
        let threads: Vec<_> = (0..32)
            .map(|number| scope.spawn(move || put(number)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an answer"))
            .collect()
    });
    let count = |status: u16| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!((count(200), count(412)), (1, 31));
}
