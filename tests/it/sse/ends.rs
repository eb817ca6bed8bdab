//! How streams end: with the server, with the key, with the organization; and how many there may
//! be.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use invited::api::events::live::{Live, Streams, Subject};
use invited::base::clock::{Clock, Timestamp};
use invited::base::error::Code;
use invited::base::ids::Ids;
use invited::base::mode::Mode;
use invited::base::organization_id::OrganizationId;
use invited::db::{Db, Options, Synchronous};
use invited::key::token::PlainKey;
use invited::key::{Scope, store};
use uuid::Uuid;

use super::history_ids;
use super::reader::{Reader, Said};
use crate::support::process::Server;
use crate::support::{START, TestApp};

#[test]
fn a_server_that_stops_ends_its_streams_at_once() {
    let mut app = TestApp::serve();
    let mut streams: Vec<_> = (0..50).map(|_| Reader::of(&app)).collect();
    app.invite("acme", "a@b.co");
    streams.iter_mut().for_each(|stream| drop(stream.event()));
    let start = Instant::now();
    app.restart();
    let took = start.elapsed();
    // What the machine takes for a restart with nothing to end counts for nothing.
    let mut other = TestApp::serve();
    let start = Instant::now();
    other.restart();
    let most = Duration::from_secs(3).max(start.elapsed() * 3);
    assert!(took < most, "{took:?} of {most:?}");
    for stream in &mut streams {
        assert_eq!(stream.next(), Said::End);
    }
    let last = history_ids(&app).pop().expect("an event");
    app.invite("acme", "b@b.co");
    assert_eq!(
        Reader::open(&app, &app.key, "", Some(&last)).ids(1),
        history_ids(&app)[1..]
    );
}

#[test]
fn a_signal_ends_the_process_with_streams_that_nobody_reads() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::serve(&folder.path().join("invited.db"));
    let key = server.admin_key().expect("an admin key");
    let request = format!(
        "GET /v1/organizations/acme/events/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: \
         Bearer {key}\r\n\r\n"
    );
    let streams: Vec<_> = (0..50)
        .map(|_| {
            let mut socket = std::net::TcpStream::connect(server.address).expect("it accepts");
            std::io::Write::write_all(&mut socket, request.as_bytes()).expect("the request goes");
            std::io::Read::read(&mut socket, &mut [0]).expect("it answers");
            socket
        })
        .collect();
    server.signal("TERM");
    let (status, took, _) = server.wait();
    assert!(
        status.code() == Some(0) && took < Duration::from_secs(3),
        "{status} after {took:?}"
    );
    drop(streams);
}

#[test]
fn a_key_that_is_revoked_sees_nothing_more_and_its_stream_ends() {
    let app = TestApp::serve();
    let key = app.key(&[Scope::Read], &["acme"], None);
    let id = PlainKey::parse(&key).expect("a key").id;
    let mut over_http = Reader::open(&app, &key, "", None);
    app.invite("acme", "a@b.co");
    over_http.event();
    let start = Instant::now();
    assert_eq!(
        app.request("DELETE", &format!("/v1/keys/{}", id.as_str()))
            .send()
            .status,
        204
    );
    assert_eq!(over_http.next(), Said::End);
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );

    // The server is not told of what another process does, so it looks before it tells anything.
    let key = app.key(&[Scope::Read], &["acme"], None);
    let id = PlainKey::parse(&key).expect("a key").id;
    let mut beside = Reader::open(&app, &key, "", None);
    assert_eq!(
        invited::db::write_file(&app.database, |tx| store::revoke(tx, &id)),
        Ok(true)
    );
    app.invite("acme", "b@b.co");
    assert_eq!(beside.next(), Said::End);
}

#[test]
fn a_key_that_expires_sees_nothing_more_and_a_heartbeat_finds_it_out() {
    let heartbeat = Duration::from_millis(200);
    let app = TestApp::serve().with_heartbeat(heartbeat);
    let key = app.key(
        &[Scope::Read],
        &[],
        Some(Timestamp::from_millis(START + 1000)),
    );
    let (mut silent, mut told) = (
        Reader::open(&app, &key, "", None),
        Reader::open(&app, &key, "", None),
    );
    app.advance_to(999);
    let said = Instant::now();
    app.invite("acme", "a@b.co");
    for stream in [&mut silent, &mut told] {
        stream.event();
    }
    app.advance_to(1000);
    // Heartbeats that went out before the end, on a machine that took longer than one.
    let most = said.elapsed().as_millis() / heartbeat.as_millis();
    let end_of = |stream: &mut Reader| {
        let mut beats = (0..most).map(|_| stream.next());
        let said = beats.find(|said| *said != Said::Beat);
        said.unwrap_or_else(|| stream.next())
    };
    assert_eq!(end_of(&mut silent), Said::End);
    app.invite("acme", "b@b.co");
    assert_eq!(end_of(&mut told), Said::End);
}

#[test]
fn a_stream_ends_with_its_organization_and_the_next_one_of_that_name_is_another() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    app.invite("globex", "a@b.co");
    let mut stream = Reader::of(&app);
    assert_eq!(
        app.request("DELETE", "/v1/organizations/globex")
            .send()
            .status,
        204
    );
    assert_eq!(stream.within(Duration::from_millis(200)), None);
    let last = history_ids(&app).pop().expect("an event");
    assert_eq!(
        app.request("DELETE", "/v1/organizations/acme")
            .send()
            .status,
        204
    );
    assert_eq!(stream.next(), Said::End);
    let mut resumed = Reader::open(&app, &app.key, "", Some(&last));
    app.advance_to(1);
    app.invite("acme", "b@b.co");
    assert_eq!(resumed.ids(1), history_ids(&app));
}

#[test]
fn a_reset_in_development_ends_a_stream_too() {
    let app = TestApp::start(Mode::Dev, &[]);
    app.invite("acme", "a@b.co");
    let mut stream = Reader::open(&app, "", "", Some(&Uuid::nil().to_string()));
    let last = stream.event().0;
    assert_eq!(app.request("POST", "/dev/reset").send().status, 204);
    assert_eq!(stream.next(), Said::End);
    let mut resumed = Reader::open(&app, "", "", Some(&last));
    app.invite("acme", "b@b.co");
    assert_eq!(resumed.event().1["after"]["email"], "b@b.co");
}

/// A stream of everything in a file of its own, for `actor`.
fn open(streams: &Streams, db: &Db, actor: &str) -> invited::base::error::Result<Live> {
    let organization = OrganizationId::parse("acme").expect("an id");
    let (filter, after, actor) = (Default::default(), Uuid::nil(), actor.to_owned());
    streams.open(
        db.clone(),
        Subject {
            organization,
            filter,
            after,
            actor,
        },
    )
}

#[test]
fn one_caller_has_half_of_the_streams_and_leaves_some_to_each_other_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options {
        workers: 1,
        synchronous: Synchronous::Full,
        clock: Clock::System,
        ids: Ids::Random,
    };
    let db = Db::open(&folder.path().join("invited.db"), &options).expect("it opens");
    let streams = Streams::new(Duration::from_secs(1), 1000);
    let mut all: Vec<_> = (0..500)
        .map(|_| open(&streams, &db, "a").expect("there is room"))
        .collect();
    let refused = open(&streams, &db, "a")
        .map(drop)
        .expect_err("it has its half");
    assert_eq!(
        (refused.code, refused.retry_after_seconds),
        (Code::Overloaded, Some(1))
    );
    let others: Vec<_> = ["b", "c", "d"]
        .map(|actor| open(&streams, &db, actor).expect("there is room"))
        .into();
    assert!(open(&streams, &db, "a").is_err());
    drop((all.pop(), others));
    open(&streams, &db, "a")
        .map(drop)
        .expect("there is room again");
}

#[test]
fn a_stream_is_read_in_small_parts_and_no_further_than_it_is_taken() {
    let app = TestApp::serve();
    for round in 0..3 {
        super::invite_many(&app, &format!("p{round}-"), 1000);
    }
    let copy = app.database.with_file_name("copy.db");
    app.db_rows(&format!("vacuum into '{}'", copy.display()));
    let options = Options {
        workers: 1,
        synchronous: Synchronous::Full,
        clock: Clock::System,
        ids: Ids::Random,
    };
    let db = Db::open(&copy, &options).expect("it opens");
    invited::server::block_on(async {
        let parts = open(&Streams::new(Duration::from_secs(1), 2), &db, "a")
            .expect("there is room")
            .parts();
        let mut parts = std::pin::pin!(parts);
        let (mut events, mut largest) = (0, 0);
        while events < 3000 {
            let part = parts.next().await.expect("it goes on").expect("it reads");
            largest = largest.max(part.len());
            events += part
                .windows(7)
                .filter(|window| *window == b"\ndata: ")
                .count();
        }
        assert!(largest < 20 * 1024, "{largest}");
    });
}

#[test]
fn a_client_that_goes_away_is_noticed_by_the_heartbeats() {
    let app = TestApp::serve().with_heartbeat(Duration::from_millis(300));
    let port = format!(":{:04X}", app.address.port());
    // The server's ends of connections, those whose other end is closed among them: ESTABLISHED and
    // CLOSE_WAIT.
    let held = || {
        let table = std::fs::read_to_string("/proc/self/net/tcp").expect("a table");
        let rows = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        rows.filter(|row| row[1].ends_with(&port) && ["01", "08"].contains(&row[3]))
            .count()
    };
    let streams: Vec<_> = (0..20).map(|_| Reader::of(&app)).collect();
    assert_eq!(held(), 20, "the control: they are seen");
    drop(streams);
    let deadline = Instant::now() + Duration::from_secs(30);
    while held() > 0 {
        assert!(Instant::now() < deadline, "{}", held());
        std::thread::sleep(Duration::from_millis(20));
    }
}
