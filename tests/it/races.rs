//! Parallel requests: one winner, and nothing lost.

use std::collections::HashSet;

use crate::support::{Answer, TestApp, invitation, invitations};

/// Runs `work` in so many threads; answers what each got.
fn in_parallel(threads: usize, work: impl Fn(usize) -> Answer + Sync) -> Vec<Answer> {
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|number| scope.spawn(move || work(number)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an answer"))
            .collect()
    })
}

#[test]
fn of_two_hundred_parallel_creates_of_one_address_one_wins() {
    let app = TestApp::serve();
    let body = r#"{"email":"a@b.co","role":"developer"}"#;
    let answers = in_parallel(200, |_| app.post(&invitations("acme"), body));
    let created: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .collect();
    assert_eq!(created.len(), 1);
    let id = created[0].json()["id"].clone();
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (409, "already_invited")
        );
        assert_eq!(refused.json()["invitationId"], id);
    }
    assert_eq!(app.db_rows("select id from invitation").len(), 1);
}

#[test]
fn parallel_replaces_leave_one_pending_invitation_and_revoke_the_others() {
    let app = TestApp::serve();
    let body = r#"{"email":"a@b.co","role":"developer","onConflict":"replace"}"#;
    let answers = in_parallel(50, |_| app.post(&invitations("acme"), body));
    assert!(answers.iter().all(|answer| answer.status == 201));
    let count = |status: &str| {
        app.get(&format!("{}?status={status}", invitations("acme")))
            .json()
            .as_array()
            .map(Vec::len)
    };
    assert_eq!((count("pending"), count("revoked")), (Some(1), Some(49)));
}

#[test]
fn of_parallel_deletes_of_one_invitation_one_wins() {
    let app = TestApp::serve();
    let path = invitation("acme", &app.invite("acme", "a@b.co")["id"]);
    let answers = in_parallel(50, |_| app.request("DELETE", &path).send());
    let count = |status: u16| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!((count(204), count(404)), (1, 49));
    assert_eq!(
        app.db_rows("select id from event where type = 'invitation.deleted'")
            .len(),
        1
    );
}

#[test]
fn good_and_bad_requests_share_commits_without_touching_each_other() {
    let app = TestApp::serve();
    app.invite("acme", "taken@b.co");
    let answers = in_parallel(120, |number| match number % 3 {
        0 => app.post(
            &invitations("acme"),
            &format!(r#"{{"email":"p{number}@b.co","role":"developer"}}"#),
        ),
        1 => app.post(
            &invitations("acme"),
            r#"{"email":"taken@b.co","role":"developer"}"#,
        ),
        _ => app.post(
            &invitations("acme"),
            r#"{"email":"nonsense","role":"developer"}"#,
        ),
    });
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(
            answer.status,
            [201, 409, 422][number % 3],
            "{}",
            answer.text()
        );
    }
    let ids: HashSet<_> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| answer.json()["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 40);
    assert_eq!(
        app.get(&invitations("acme"))
            .json()
            .as_array()
            .map(Vec::len),
        Some(41)
    );
}
