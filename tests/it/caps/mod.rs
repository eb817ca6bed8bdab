//! What is bounded for all is bounded for each: one caller or organization leaves the others
//! theirs.
//!
//! [`answers`]: stored answers, and batches. [`mails`]: what one person is sent.

mod answers;
mod mails;
mod unread;

use std::sync::mpsc;
use std::time::Duration;

use invited::base::clock::Clock;
use invited::base::error::Code;
use invited::base::ids::Ids;
use invited::base::mode::Mode;
use invited::db::{Db, Options, Synchronous};
use invited::key::Scope;
use serde_json::json;

use crate::support::{Answer, TestApp};

#[test]
fn sixty_long_reads_of_one_caller_leave_the_others_theirs() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options {
        workers: 1,
        synchronous: Synchronous::Full,
        clock: Clock::System,
        ids: Ids::Random,
    };
    let db = Db::open(&folder.path().join("invited.db"), &options).expect("it opens");
    invited::server::block_on(async {
        let (release, gate) = mpsc::channel::<()>();
        let gate = std::sync::Arc::new(std::sync::Mutex::new(gate));
        let hold = |_| {
            let (db, gate) = (db.clone(), gate.clone());
            tokio::task::spawn_local(async move {
                // Ends with an error once the sender is gone.
                db.read_long("many", move |_| {
                    Ok(gate.lock().expect("a lock").recv().is_err())
                })
                .await
            })
        };
        let held: Vec<_> = (0..60).map(hold).collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        for actor in ["one", "another", "retention"] {
            let read = db.read_long(actor, |reader| reader.check());
            tokio::time::timeout(Duration::from_secs(10), read)
                .await
                .expect("it need not wait")
                .expect("it reads");
        }
        drop(release);
        for read in held {
            assert!(read.await.expect("it ran").expect("it reads"));
        }
    });
}

#[test]
fn too_many_long_reads_of_one_caller_are_refused_and_nobody_elses() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options {
        workers: 1,
        synchronous: Synchronous::Full,
        clock: Clock::System,
        ids: Ids::Random,
    };
    let db = Db::open(&folder.path().join("invited.db"), &options).expect("it opens");
    invited::server::block_on(async {
        let (release, gate) = mpsc::channel::<()>();
        let gate = std::sync::Arc::new(std::sync::Mutex::new(gate));
        let hold = |_| {
            let (db, gate) = (db.clone(), gate.clone());
            tokio::task::spawn_local(async move {
                db.read_long("many", move |_| {
                    Ok(gate.lock().expect("a lock").recv().is_err())
                })
                .await
            })
        };
        let held: Vec<_> = (0..257).map(hold).collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let refused = db
            .read_long("many", |reader| reader.check())
            .await
            .expect_err("its line is long");
        assert_eq!(
            (refused.code, refused.retry_after_seconds),
            (Code::Overloaded, Some(1))
        );
        db.read_long("one", |reader| reader.check())
            .await
            .expect("it reads");
        drop(release);
        for read in held {
            assert!(read.await.expect("it ran").expect("it reads"));
        }
    });
}

/// Makes a webhook with `key`, of `organization` or of all.
fn make_webhook(app: &TestApp, key: &str, organization: Option<&str>) -> Answer {
    let body = json!({ "url": "https://app.example.com/hooks", "organizationId": organization });
    app.anonymous("POST", "/v1/webhooks")
        .bearer(key)
        .json(body.to_string())
        .send()
}

#[test]
fn one_organization_has_half_of_the_webhooks_and_is_not_told_of_those_of_others() {
    let app = TestApp::start(Mode::Serve, &["--max-webhooks", "8"]);
    let bound = app.key(&[Scope::Admin], &["acme"], None);
    let others = [
        make_webhook(&app, &app.key, None),
        make_webhook(&app, &app.key, Some("globex")),
    ];
    assert_eq!(others.map(|answer| answer.status), [201, 201]);
    let answers: Vec<_> = (0..6)
        .map(|_| make_webhook(&app, &bound, Some("acme")))
        .collect();
    assert_eq!(
        answers
            .iter()
            .map(|answer| answer.status)
            .collect::<Vec<_>>(),
        [201, 201, 201, 201, 409, 409]
    );
    assert_eq!(answers[4].code(), "webhook_limit_reached");
    assert_eq!(
        make_webhook(&app, &app.key, Some("acme")).status,
        409,
        "whoever makes it"
    );
    assert_eq!(
        make_webhook(&app, &app.key, Some("globex")).status,
        201,
        "there is room for others"
    );
    assert_eq!(make_webhook(&app, &app.key, None).status, 201);
    let full = [
        make_webhook(&app, &app.key, Some("initech")),
        make_webhook(&app, &app.key, None),
    ];
    for answer in full {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (409, "webhook_limit_reached")
        );
        let detail = answer.json()["detail"]
            .as_str()
            .expect("a detail")
            .to_owned();
        assert!(!detail.contains(|c: char| c.is_ascii_digit()), "{detail}");
    }
}

#[test]
fn one_key_has_half_of_the_streams_over_http_and_another_key_has_some() {
    let app = TestApp::start(Mode::Serve, &["--max-streams", "8"]);
    let [one, another] = [(); 2].map(|()| app.key(&[Scope::Read], &["acme"], None));
    let _held: Vec<_> = (0..4)
        .map(|_| crate::sse::reader::Reader::open(&app, &one, "", None))
        .collect();
    let path = "/v1/organizations/acme/events/stream";
    let refused = app.anonymous("GET", path).bearer(&one).send();
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (503, "overloaded")
    );
    let _other = crate::sse::reader::Reader::open(&app, &another, "", None);
}
