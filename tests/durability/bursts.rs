//! R10: one bad item in a commit does not fail the others.

use std::sync::Barrier;
use std::thread;

use serde_json::json;

use crate::check::{ensure, list, no_panic, sound};
use crate::client::Client;
use crate::scale::Scale;
use crate::server::{Launch, Server};
use crate::{Outcome, report};

/// Clients that send at the same moment, so that the writer commits them together.
const CLIENTS: usize = 64;

/// Where they write.
const ORGANIZATION: &str = "bursts";

/// Stands from the beginning, so that inviting it again is a conflict.
const STANDING: &str = "standing@bursts.example";

/// What a client sends in one burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    /// A new address.
    Good,
    /// An address that stands.
    Conflict,
    /// The new address of this burst that others send too: one of them wins.
    Same,
    /// A role that no server allows.
    Invalid,
}

/// One answer in one burst.
struct Sent {
    /// The number of the burst.
    burst: u32,
    /// What was sent.
    item: Item,
    /// The status, or nothing.
    status: Option<u16>,
}

/// Sends bursts of good and bad items at once and counts.
pub fn bad_items_fail_alone(scale: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let database = directory.path().join("invited.db");
    let server = Launch::serve(&database).run()?;
    let key = server.admin_key()?;
    let client = Client::new(&server.base, &key);
    let standing = client.create(
        ORGANIZATION,
        &json!({ "email": STANDING, "role": "viewer" }),
    );
    ensure(standing.is_some_and(|answer| answer.status == 201), || {
        "no start".to_owned()
    })?;
    let sent = burst_all(&server, &key, scale)?;
    let mut expected = 1;
    for burst in 0..scale.bursts {
        let burst: Vec<&Sent> = sent.iter().filter(|one| one.burst == burst).collect();
        expected += count_burst(&burst)?;
    }
    let rows = list(&client, ORGANIZATION)?.len();
    ensure(rows == expected, || {
        format!("{rows} rows instead of {expected}")
    })?;
    no_panic(&server.stop()?)?;
    sound(&database)?;
    report(format!(
        "{} mixed bursts of {CLIENTS}: {expected} created, none more",
        scale.bursts
    ));
    Ok(())
}

/// Every good item is created, every bad one refused, and one of the same ones wins; how many were
/// created.
fn count_burst(burst: &[&Sent]) -> Outcome<usize> {
    let statuses = |item: Item| burst.iter().filter(move |one| one.item == item);
    for (item, status) in [
        (Item::Good, 201),
        (Item::Conflict, 409),
        (Item::Invalid, 422),
    ] {
        let wrong = statuses(item).find(|one| one.status != Some(status));
        ensure(wrong.is_none(), || {
            format!(
                "{item:?} was answered {:?}",
                wrong.and_then(|one| one.status)
            )
        })?;
    }
    let won = statuses(Item::Same)
        .filter(|one| one.status == Some(201))
        .count();
    let lost = statuses(Item::Same)
        .filter(|one| one.status == Some(409))
        .count();
    let same = statuses(Item::Same).count();
    ensure(won == same.min(1) && won + lost == same, || {
        format!("of {same} equal items {won} were created and {lost} refused")
    })?;
    Ok(statuses(Item::Good).count() + won)
}

/// Runs all bursts.
fn burst_all(server: &Server, key: &str, scale: &Scale) -> Outcome<Vec<Sent>> {
    let barrier = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let random = scale.random(1000 + number as u64);
                let client = Client::new(&server.base, key);
                let barrier = &barrier;
                scope.spawn(move || send_all(&client, number, random, barrier, scale.bursts))
            })
            .collect();
        let mut sent = Vec::new();
        for client in clients {
            sent.extend(client.join().map_err(|_| "a client panicked")?);
        }
        Ok(sent)
    })
}

/// One client's part of every burst.
fn send_all(
    client: &Client,
    number: usize,
    mut random: fastrand::Rng,
    barrier: &Barrier,
    bursts: u32,
) -> Vec<Sent> {
    let mut sent = Vec::new();
    for burst in 0..bursts {
        let item = match random.u32(0..8) {
            0..=3 => Item::Good,
            4..=5 => Item::Conflict,
            6 => Item::Same,
            _ => Item::Invalid,
        };
        let email = match item {
            Item::Good | Item::Invalid => format!("b{burst}-{number}@bursts.example"),
            Item::Conflict => STANDING.to_owned(),
            Item::Same => format!("same{burst}@bursts.example"),
        };
        let role = if item == Item::Invalid {
            "not a role!"
        } else {
            "developer"
        };
        barrier.wait();
        let answer = client.create(ORGANIZATION, &json!({ "email": email, "role": role }));
        sent.push(Sent {
            burst,
            item,
            status: answer.map(|answer| answer.status),
        });
    }
    sent
}
