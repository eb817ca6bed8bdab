//! R19 and R21: whoever reads nothing is cut off within 30 seconds, and costs others nothing
//! meanwhile.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::check::{ensure, no_panic};
use crate::client::{Client, invitations};
use crate::scale::Scale;
use crate::server::{Launch, Server};
use crate::{Outcome, report};

/// Where the long list is.
const ORGANIZATION: &str = "silent";

/// Clients that read nothing of a long list.
const LISTS: usize = 200;

/// Clients that read nothing of a stream of all that happened.
const STREAMS: usize = 50;

/// Clients without a key that read nothing of sixteen documents each.
const DOCUMENTS: usize = 300;

/// The promise, and some seconds in which a busy machine gets as far as to answer all of them.
const CUT_WITHIN: Duration = Duration::from_secs(45);

/// The most memory that the server may have had, in KiB.
const MOST_KIB: u64 = 128 * 1024;

/// Opens silent connections of each kind, and waits for the server to end them.
pub fn silent_clients_are_cut_off(scale: &Scale) -> Outcome {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )?;
    let directory = tempfile::tempdir()?;
    let server = Launch::serve(&directory.path().join("invited.db")).run()?;
    let key = server.admin_key()?;
    let client = Client::new(&server.base, &key);
    fill(&client, scale.deleted_rows)?;
    let before = descriptors(&server)?;
    let begun = Instant::now();
    let silent = silent(&server, &key)?;
    thread::sleep(Duration::from_secs(1));
    let held = descriptors(&server)?.saturating_sub(before);
    ensure(held > silent.len() / 2, || {
        format!("{held} of {} are held", silent.len())
    })?;
    let (mut slowest, mut peak) = (Duration::ZERO, 0);
    loop {
        let left = descriptors(&server)?.saturating_sub(before);
        if left <= 4 {
            break;
        }
        ensure(begun.elapsed() < CUT_WITHIN, || {
            format!("{left} of {held} are held still")
        })?;
        let asked = Instant::now();
        ensure(client.status("/health/ready") == Some(200), || {
            "others are not served".to_owned()
        })?;
        slowest = slowest.max(asked.elapsed());
        peak = peak.max(own_kib(&server)?);
        thread::sleep(Duration::from_millis(100));
    }
    let took = begun.elapsed();
    ensure(peak <= MOST_KIB, || format!("{peak} KiB at most"))?;
    drop(silent);
    no_panic(&server.stop()?)?;
    report(format!(
        "{held} silent clients cut off after {took:?}, {peak} KiB at most, others within \
         {slowest:?}"
    ));
    Ok(())
}

/// Makes a list of `rows`.
fn fill(client: &Client, rows: usize) -> Outcome {
    for batch in 0..rows / 1_000 {
        let row = |number| {
            json!({ "email": format!("{batch}-{number}@silent.example"),
            "role": "viewer" })
        };
        let body = json!({ "invitations": (0..1_000).map(row).collect::<Vec<_>>() });
        let answer = client.post(&format!("{}/batch", invitations(ORGANIZATION)), &body);
        ensure(answer.is_some_and(|answer| answer.status == 200), || {
            "no rows".to_owned()
        })?;
    }
    Ok(())
}

/// Connections that have asked for much and read nothing.
fn silent(server: &Server, key: &str) -> Outcome<Vec<TcpStream>> {
    let address: SocketAddr = server.base.trim_start_matches("http://").parse()?;
    let get = |path: &str, more: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n{more}\r\n"
        )
    };
    let list = get(&invitations(ORGANIZATION), "");
    let all = "Last-Event-ID: 00000000-0000-0000-0000-000000000000\r\n";
    let stream = get(
        &format!("/v1/organizations/{ORGANIZATION}/events/stream"),
        all,
    );
    let document = format!("GET /openapi.json HTTP/1.1\r\nHost: {address}\r\n\r\n").repeat(16);
    let kinds = [(list, LISTS), (stream, STREAMS), (document, DOCUMENTS)];
    let all = kinds
        .iter()
        .flat_map(|(request, count)| std::iter::repeat_n(request, *count));
    all.map(|request| ask(address, request)).collect()
}

/// A connection with little room that has sent `request`.
fn ask(address: SocketAddr, request: &str) -> Outcome<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_recv_buffer_size(4 * 1024)?;
    socket.connect(&address.into())?;
    let mut stream = TcpStream::from(socket);
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

/// How many descriptors the server has.
fn descriptors(server: &Server) -> Outcome<usize> {
    Ok(std::fs::read_dir(format!("/proc/{}/fd", server.pid()))?.count())
}

/// The memory that the server has now, without that of its binary, in KiB.
fn own_kib(server: &Server) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let own = status.lines().find_map(|line| {
        line.strip_prefix("RssAnon:")?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    });
    own.ok_or_else(|| "no memory".into())
}
