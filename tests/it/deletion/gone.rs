//! What everybody sees of an organization between the first commit of its deletion and the last.

use invited::base::mode::Mode;
use invited::key::Scope;
use serde_json::{Value, json};

use super::{ACME, begin, wait_until_purged};
use crate::security::operations::{self, Needs, Operation};
use crate::support::endpoint::{Act, Endpoint};
use crate::support::smtp::Smtp;
use crate::support::{Answer, START, TestApp, invitations};

/// What takes no part in the comparison: it makes something, it never ends, or it deletes
/// elsewhere.
const MAKERS: &[&str] = &[
    "createInvitation",
    "createInvitationBatch",
    "clickhouseCreateInvitation",
    "putOrganization",
    "createWebhook",
];

/// An operation with its answer: status, headers, body.
type Seen = (String, u16, Vec<(String, String)>, String);

/// A server with acme and globex, each with an invitation of the same address.
struct Board {
    /// The server.
    app: TestApp,
    /// Acme's invitation.
    target: Value,
    /// The token of its link.
    token: String,
    /// The token of another one in acme, which is accepted.
    member: String,
    /// Acme's webhook.
    webhook: String,
    /// Everybody's webhook, which was told of acme.
    of_all: String,
}

impl Board {
    /// Sets everything.
    fn new() -> Self {
        let off = [
            "--limit-recipient",
            "0",
            "--limit-address",
            "0",
            "--limit-proofs",
            "0",
            "--resend-cooldown",
            "0s",
        ];
        let app = TestApp::start(Mode::Serve, &off);
        let hook = |organization: Option<&str>| {
            let body = json!({ "url": "https://hooks.invalid/", "organizationId": organization });
            app.post("/v1/webhooks", &body.to_string()).json()["id"]
                .as_str()
                .expect("an id")
                .to_owned()
        };
        let (webhook, of_all) = (hook(Some("acme")), hook(None));
        let put = app
            .request("PUT", ACME)
            .json(r#"{"name":"Acme Ltd."}"#)
            .send();
        assert_eq!(put.status, 201);
        app.invite("globex", "target@b.co");
        let target = app.invite("acme", "target@b.co");
        let token = app.token_of(&target);
        let member = app.token_of(&app.invite("acme", "member@b.co"));
        let board = Self {
            app,
            target,
            token,
            member,
            webhook,
            of_all,
        };
        assert_eq!(board.accept().status, 200);
        board
    }

    /// Sends an operation with its example, aimed at acme.
    fn send(&self, operation: &Operation) -> Answer {
        let id = self.target["id"].as_str().expect("an id");
        let path = operation.path_for("acme", id, "0123456789abcdef", &self.webhook);
        let request = self.app.request(&operation.method, &path);
        let Some(mut body) = operation.body.clone() else {
            return request.send();
        };
        if !body["token"].is_null() {
            body["token"] = json!(self.token);
        }
        request.json(body.to_string()).send()
    }

    /// Accepts the other invitation by its link, always with the same key.
    fn accept(&self) -> Answer {
        let body = json!({ "token": self.member, "email": "member@b.co" }).to_string();
        self.app
            .request("POST", "/v1/invitations/accept")
            .header("Idempotency-Key", "k")
            .json(body)
            .send()
    }

    /// The answers to everything that could find something of acme, or only to what reads.
    fn look(&self, only_reads: bool) -> Vec<Seen> {
        let all = operations::all().into_iter().filter(|operation| {
            let is_about_it = matches!(operation.needs, Needs::InOrganization(_) | Needs::Token)
                || operation.path.contains("{webhookId}")
                || [
                    "listInvitationsOfAddress",
                    "listOrganizations",
                    "clickhouseListOrganizations",
                    "listWebhooks",
                ]
                .contains(&&*operation.id);
            is_about_it
                && (operation.is_read() || !only_reads)
                && operation.id != "streamEvents"
                && !MAKERS.contains(&&*operation.id)
        });
        let answers = all.map(|operation| (operation.id.clone(), self.send(&operation)));
        let others = ["/deliveries", ""].map(|rest| {
            let path = format!("/v1/webhooks/{}{rest}", self.of_all);
            (path.clone(), self.app.get(&path))
        });
        let repeated = (!only_reads).then(|| ("a repeated acceptance".to_owned(), self.accept()));
        answers
            .chain(others)
            .chain(repeated)
            .map(|(name, answer)| comparable(name, &answer))
            .collect()
    }
}

/// An answer as far as it must be the same for two requests.
fn comparable(name: String, answer: &Answer) -> Seen {
    let varies = |name: &str| ["date", "x-request-id"].contains(&name);
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !varies(name))
        .cloned()
        .collect();
    headers.sort();
    (name, answer.status, headers, answer.without_request_id())
}

#[test]
fn an_organization_that_is_being_deleted_is_answered_to_the_byte_as_one_that_is_gone() {
    let mut board = Board::new();
    let before = board.look(true);
    begin(&board.app, "acme");
    let (read, between) = (board.look(true), board.look(false));
    assert_eq!(
        board
            .app
            .db_rows("select id from organization where id = 'acme'")
            .len(),
        1,
        "its rows are there"
    );
    assert!(
        board
            .app
            .db_rows("select id from event where organization_id = 'acme'")
            .len()
            > 1
    );
    board.app.restart();
    wait_until_purged(&board.app);
    assert_eq!(
        board.app.db_rows("select id from organization").len(),
        1,
        "its rows are gone"
    );
    let after = board.look(false);
    assert!(after.len() > 30, "{}", after.len());
    for (between, after) in between.iter().zip(&after) {
        assert_eq!(between, after);
    }
    // Each of the others told that it was there. Roles that nobody has added are the same
    // everywhere, and the member that is asked for was none.
    let same = before
        .iter()
        .zip(&read)
        .filter(|(before, between)| before == between);
    let same: Vec<_> = same.map(|(before, _)| before.0.as_str()).collect();
    let of_all = format!("/v1/webhooks/{}", board.of_all);
    assert_eq!(
        same,
        [
            "getWebhookDelivery",
            "clickhouseGetMember",
            "clickhouseListRoles",
            "clickhouseGetRole",
            &of_all
        ],
        "{}",
        before.len()
    );
}

#[test]
fn nothing_is_made_in_an_organization_that_is_being_deleted_and_the_answer_says_why() {
    let board = Board::new();
    let app = &board.app;
    let create = |key: &str, email: &str| {
        let body = json!({ "email": email, "role": "developer" }).to_string();
        app.request("POST", &invitations("acme"))
            .header("Idempotency-Key", key)
            .json(body)
            .send()
    };
    assert_eq!(create("k", "one@b.co").status, 201);
    begin(app, "acme");
    let batch = json!({ "invitations": [{ "email": "x@b.co", "role": "r" },
        { "email": "y@b.co", "role": "r" }] });
    let hook = json!({ "url": "https://hooks.invalid/", "organizationId": "acme" }).to_string();
    for (what, answer) in [
        ("a create", create("new", "two@b.co")),
        ("a repeated create", create("k", "one@b.co")),
        (
            "a batch",
            app.post(
                &format!("{}/batch", invitations("acme")),
                &batch.to_string(),
            ),
        ),
        ("a put", app.request("PUT", ACME).json("{}").send()),
        ("a webhook", app.post("/v1/webhooks", &hook)),
    ] {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "not_found"),
            "{what}: {}",
            answer.text()
        );
        assert!(
            answer.json()["detail"]
                .as_str()
                .is_some_and(|why| why.contains("is being deleted")),
            "{what}"
        );
        assert_eq!(answer.header("retry-after"), Some("1"), "{what}");
    }
    let dialect = json!({ "email": "z@b.co", "role": "developer" }).to_string();
    assert_eq!(
        app.post(&format!("/clickhouse{}", invitations("acme")), &dialect)
            .status,
        404
    );
    assert_eq!(board.accept().status, 404, "a repeated acceptance");
    assert_eq!(app.db_rows("select id from webhook").len(), 2);
    assert_eq!(
        app.db_rows("select id from invitation where organization_id = 'acme'")
            .len(),
        3
    );
}

#[test]
fn keys_that_are_bound_to_it_alone_are_revoked_in_its_first_commit_and_others_lose_it() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    let alone = app.key(&[Scope::Read, Scope::Write], &["acme"], None);
    let twice = app.key(&[Scope::Read], &["acme", "acme"], None);
    let several = app.key(&[Scope::Read], &["globex", "acme", "initech"], None);
    let others = app.key(&[Scope::Read], &["acme2"], None);
    let status = |key: &str, organization: &str| {
        app.anonymous("GET", &invitations(organization))
            .bearer(key)
            .send()
            .status
    };
    begin(&app, "acme");
    assert_eq!([&alone, &twice].map(|key| status(key, "acme")), [401, 401]);
    assert_eq!(
        ["acme", "globex", "initech"].map(|id| status(&several, id)),
        [404, 200, 200]
    );
    assert_eq!(status(&others, "acme2"), 200);
    let bindings = app.db_rows(
        "select organizations from api_key where organizations is not null order by organizations",
    );
    let expected = [
        r#"["acme","acme"]"#,
        r#"["acme"]"#,
        r#"["acme2"]"#,
        r#"["globex","initech"]"#,
    ];
    assert_eq!(
        bindings.concat(),
        expected.map(|text| format!("Some({text:?})"))
    );
}

#[test]
fn a_key_of_a_deleted_organization_does_not_read_the_next_one_of_that_id() {
    let app = TestApp::serve();
    app.invite("acme", "old@b.co");
    let [alone, several] =
        [&["acme"][..], &["acme", "globex"]].map(|ids| app.key(&[Scope::Read], ids, None));
    assert_eq!(app.request("DELETE", ACME).send().status, 204);
    assert_eq!(app.request("PUT", ACME).json("{}").send().status, 201);
    app.invite("acme", "new-tenant-secret@b.co");
    for (key, status) in [(alone, 401), (several, 404)] {
        let answer = app
            .anonymous("GET", &invitations("acme"))
            .bearer(&key)
            .send();
        assert_eq!(answer.status, status, "{}", answer.text());
    }
}

#[test]
fn what_waits_to_be_told_or_sent_of_it_is_never_told_or_sent() {
    let (endpoint, smtp) = (Endpoint::that_does(Act::Status(500)), Smtp::start());
    let settings = [
        "--webhook-allow",
        "127.0.0.1/32",
        "--smtp-url",
        &smtp.url(),
        "--mail-from",
        "i@invited.test",
    ];
    let app = TestApp::start(Mode::Serve, &settings);
    for organization in [None, Some("acme")] {
        let body = json!({ "url": endpoint.url(), "organizationId": organization });
        assert_eq!(app.post("/v1/webhooks", &body.to_string()).status, 201);
    }
    app.invite_by_mail("acme", "a@b.co");
    endpoint.wait(2);
    smtp.wait(1);
    // The next try of each is due in some seconds, by a clock that stands still. A second mail is
    // queued beside the server.
    let queue = |tx: &invited::db::WriteTx<'_>| {
        let due = START + 1_000;
        let row = format!("id, 0, x'', organization_id, 'b.co', null, {due}, 0, null, null, {due}");
        Ok(tx.execute(
            &format!("insert into mail select {row} from invitation"),
            [],
        )?)
    };
    assert_eq!(invited::db::write_file(&app.database, queue), Ok(1));
    begin(&app, "acme");
    endpoint.always(Act::Status(204));
    app.advance_to(60_000);
    // What wakes the workers is told and sent.
    app.invite_by_mail("globex", "b@b.co");
    let told = endpoint.wait(3);
    let mails = smtp.wait(2);
    assert!(
        told[2].message.text().contains("globex"),
        "{}",
        told[2].message.text()
    );
    assert!(
        mails[1].decoded().contains("globex"),
        "{}",
        mails[1].decoded()
    );
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!((endpoint.received().len(), smtp.received().len()), (3, 2));
}
