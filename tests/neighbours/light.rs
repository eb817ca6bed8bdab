//! What the light tenant asks for. Each returns once it has it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Outcome;
use crate::world::{Client, LIGHT, Refused, World, invitations};

/// How long the light tenant waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// One thing that the light tenant asks for.
pub type Ask = fn(&World, &Client) -> Outcome;

/// An address that nobody has used yet.
fn new_address() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("light{}@b.co", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A new invitation, without mail.
pub fn create(_: &World, client: &Client) -> Outcome {
    client.invite(LIGHT, &new_address(), false).map(drop)
}

/// A short list.
pub fn list(_: &World, client: &Client) -> Outcome {
    client
        .get(&format!("{}?limit=3", invitations(LIGHT)))
        .map(drop)
}

/// A list with a filter, of few rows.
pub fn filtered(_: &World, client: &Client) -> Outcome {
    client
        .get(&format!("{}?role=viewer&limit=3", invitations(LIGHT)))
        .map(drop)
}

/// A stream of events, until its first byte.
pub fn stream(world: &World, _: &Client) -> Outcome {
    let mut stream = TcpStream::connect(world.address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!(
        "GET /v1/organizations/{LIGHT}/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: \
         Bearer {}\r\n\r\n",
        world.light
    );
    stream.write_all(request.as_bytes())?;
    let mut first = [0; 12];
    stream.read_exact(&mut first)?;
    match std::str::from_utf8(&first[9..12])
        .ok()
        .and_then(|status| status.parse().ok())
    {
        Some(200) => Ok(()),
        Some(status) => Err(Refused(status).into()),
        None => Err("no status".into()),
    }
}

/// A webhook that is told of a new invitation.
pub fn webhook(world: &World, client: &Client) -> Outcome {
    let made = client.invite(LIGHT, &new_address(), false)?;
    let id = made["id"].as_str().unwrap_or_default().to_owned();
    wait(|| world.endpoint.has(&id))
}

/// The mail of a new invitation.
pub fn mail(world: &World, client: &Client) -> Outcome {
    let address = new_address();
    client.invite(LIGHT, &address, true)?;
    wait(|| world.mailer.has(&address))
}

/// The mail with a code that a person asks for.
pub fn code(world: &World, client: &Client) -> Outcome {
    let address = new_address();
    let made = client.invite(LIGHT, &address, false)?;
    let id = made["id"].as_str().unwrap_or_default();
    let link = client.post(&format!("{}/{id}/link", invitations(LIGHT)), &json!({}))?;
    let url = link["link"]
        .as_str()
        .or(link["url"].as_str())
        .unwrap_or_default()
        .to_owned();
    let token = link["token"].as_str().map_or_else(
        || url.rsplit('#').next().unwrap_or_default().to_owned(),
        str::to_owned,
    );
    client.post(
        "/v1/invitations/code",
        &json!({ "token": token, "email": address }),
    )?;
    wait(|| world.mailer.has(&format!("code {address}")))
}

/// Waits until something is so.
fn wait(is_so: impl Fn() -> bool) -> Outcome {
    let begun = Instant::now();
    while !is_so() {
        if begun.elapsed() > PATIENCE {
            return Err("it never came".into());
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}
