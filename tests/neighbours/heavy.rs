//! What the heavy tenant does: everything that one key allows, on many connections, until it is
//! told to stop.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Scope};
use std::time::Duration;

use serde_json::json;

use crate::Outcome;
use crate::world::{Client, HEAVY, World, invitations};

/// Starts the load in the scope; a `share` of 10 is a tenth of it. Returns once it is under way.
pub type Load = for<'scope, 'env> fn(
    &'scope Scope<'scope, 'env>,
    &'env World,
    &'env AtomicBool,
    usize,
) -> Outcome;

/// A row of a batch with an address of its own.
fn row(prefix: &str) -> serde_json::Value {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    json!({ "email": format!("{prefix}{}@b.co", NEXT.fetch_add(1, Ordering::Relaxed)),
        "role": "viewer", "notify": false })
}

/// So many rows.
fn rows(count: usize) -> Vec<serde_json::Value> {
    (0..count).map(|_| row("heavy")).collect()
}

/// Fills the heavy organization.
fn fill(world: &World, count: usize) -> Outcome {
    let client = Client::new(world, &world.heavy);
    for _ in 0..count.div_ceil(1_000) {
        client.post(
            &format!("{}/batch", invitations(HEAVY)),
            &json!({ "invitations": rows(count.min(1_000)) }),
        )?;
    }
    Ok(())
}

/// The head of a request of the heavy tenant.
fn head(world: &World, line: &str, length: usize) -> String {
    let key = &world.heavy;
    format!(
        "{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: \
         application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

/// Sends the same request again and again on a connection of its own; answers are read and
/// forgotten.
fn repeat<'scope>(
    scope: &'scope Scope<'scope, '_>,
    world: &'scope World,
    stop: &'scope AtomicBool,
    next: impl Fn() -> Vec<u8> + Send + 'scope,
) {
    scope.spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            let once = || -> std::io::Result<()> {
                let mut stream = TcpStream::connect(world.address)?;
                stream.set_read_timeout(Some(Duration::from_millis(500)))?;
                while !stop.load(Ordering::Relaxed) {
                    stream.write_all(&next())?;
                    skip_answer(&mut stream, stop)?;
                }
                Ok(())
            };
            if once().is_err() {
                thread::sleep(Duration::from_millis(20));
            }
        }
    });
}

/// Reads an answer to its end, by its length.
fn skip_answer(stream: &mut TcpStream, stop: &AtomicBool) -> std::io::Result<()> {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(_) if !stop.load(Ordering::Relaxed) => {}
            Err(error) => return Err(error),
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some(end) = text.find("\r\n\r\n") else {
            continue;
        };
        let length = text[..end].lines().find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length:")?
                .trim()
                .parse()
                .ok()
        });
        if length.is_some_and(|length: usize| bytes.len() >= end + 4 + length) {
            return Ok(());
        }
    }
}

/// 64 connections that send batches of 1,000 which are to have no effect.
pub fn dry_runs<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    world: &'env World,
    stop: &'env AtomicBool,
    share: usize,
) -> Outcome {
    batches(scope, world, stop, 64 / share.min(8), true)
}

/// 32 connections that send batches of 1,000.
pub fn real_batches<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    world: &'env World,
    stop: &'env AtomicBool,
    share: usize,
) -> Outcome {
    batches(scope, world, stop, 32 / share.min(8), false)
}

/// So many connections that send batches.
fn batches<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    world: &'env World,
    stop: &'env AtomicBool,
    count: usize,
    is_dry: bool,
) -> Outcome {
    for _ in 0..count {
        repeat(scope, world, stop, move || {
            let body = json!({ "dryRun": is_dry, "invitations": rows(1_000) }).to_string();
            let line = format!("POST {}/batch", invitations(HEAVY));
            [
                head(world, &line, body.len()).into_bytes(),
                body.into_bytes(),
            ]
            .concat()
        });
    }
    Ok(())
}

/// 60 connections that look for what is not there among 60,000.
pub fn fruitless_filters<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    world: &'env World,
    stop: &'env AtomicBool,
    share: usize,
) -> Outcome {
    fill(world, 60_000 / share)?;
    for _ in 0..(60 / share).max(6) {
        let line = format!("GET {}?role=nosuch&limit=1", invitations(HEAVY));
        repeat(scope, world, stop, move || {
            head(world, &line, 0).into_bytes()
        });
    }
    Ok(())
}

/// 1,100 streams of events.
pub fn streams<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    world: &'env World,
    stop: &'env AtomicBool,
    share: usize,
) -> Outcome {
    fill(world, 1)?;
    let line = format!("GET /v1/organizations/{HEAVY}/events/stream");
    hold(scope, world, stop, 1_100 / share, head(world, &line, 0))
}

/// 1,200 connections that ask for a list of 20,000 and do not read it.
pub fn silent_readers<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    world: &'env World,
    stop: &'env AtomicBool,
    share: usize,
) -> Outcome {
    fill(world, 20_000 / share)?;
    hold(
        scope,
        world,
        stop,
        1_200 / share,
        head(world, &format!("GET {}", invitations(HEAVY)), 0),
    )
}

/// Opens connections, sends a request on each, and keeps them without reading.
fn hold<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    world: &'env World,
    stop: &'env AtomicBool,
    count: usize,
    request: String,
) -> Outcome {
    let open = move || {
        let mut stream = TcpStream::connect_timeout(&world.address, Duration::from_secs(1)).ok()?;
        stream.write_all(request.as_bytes()).ok()?;
        Some(stream)
    };
    let held: Vec<_> = (0..count).filter_map(|_| open()).collect();
    scope.spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(50));
        }
        drop(held);
    });
    Ok(())
}

/// 40 webhooks that never answer, with 30 events for each.
pub fn stalled_endpoints<'scope, 'env>(
    _: &'scope Scope<'scope, 'env>,
    world: &'env World,
    _: &'env AtomicBool,
    share: usize,
) -> Outcome {
    let client = Client::new(world, &world.heavy);
    for number in 0..40 / share.min(2) {
        let url = world.endpoint.url(&format!("stall{number}"));
        client.post(
            "/v1/webhooks",
            &json!({ "url": url, "organizationId": HEAVY }),
        )?;
    }
    for _ in 0..30 / share.min(3) {
        client.post(&invitations(HEAVY), &row("heavy"))?;
    }
    Ok(())
}

/// 12 recipients whose mail server says nothing.
pub fn stalled_recipients<'scope, 'env>(
    _: &'scope Scope<'scope, 'env>,
    world: &'env World,
    _: &'env AtomicBool,
    _: usize,
) -> Outcome {
    let client = Client::new(world, &world.heavy);
    for number in 0..12 {
        client.invite(HEAVY, &format!("stall{number}@slow{number}.co"), true)?;
    }
    thread::sleep(Duration::from_millis(300));
    Ok(())
}

/// 1,000 mails at once.
pub fn many_mails<'scope, 'env>(
    _: &'scope Scope<'scope, 'env>,
    world: &'env World,
    _: &'env AtomicBool,
    share: usize,
) -> Outcome {
    let rows: Vec<_> = (0..1_000 / share)
        .map(|number| json!({ "email": format!("mass{number}@c.co"), "role": "viewer" }))
        .collect();
    let client = Client::new(world, &world.heavy);
    client
        .post(
            &format!("{}/batch", invitations(HEAVY)),
            &json!({ "invitations": rows }),
        )
        .map(drop)
}

/// The deletion of an organization of 80,000.
pub fn deletion<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    world: &'env World,
    _: &'env AtomicBool,
    share: usize,
) -> Outcome {
    fill(world, 80_000 / share)?;
    scope.spawn(|| {
        drop(Client::new(world, &world.admin).delete(&format!("/v1/organizations/{HEAVY}")));
    });
    Ok(())
}
