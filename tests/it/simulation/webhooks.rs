//! Webhooks: endpoints that stall, fail, limit and answer late, of which one organization has most.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use invited::base::organization_id::OrganizationId;
use invited::base::roots::Roots;
use invited::db::WriteTx;
use invited::event::{self, EventFields, EventType, NewEvent};
use invited::outbox::faults::Faults;
use invited::outbox::webhook::store::Attempt;
use invited::secret::{Keyring, Secret};
use invited::webhook::client::Reply as Answered;
use invited::webhook::guard::Guard;
use invited::webhook::new::NewWebhook;
use invited::webhook::sender::{Item, Webhooks};
use uuid::Uuid;

use super::FAULTS_END;
use super::chance::Chance;
use super::world::{Reply, World};
use crate::support::anybody;

/// How long after the last fault everything must be told: a lease that is over, and what waits.
const BOUND: i64 = 180_000;
/// By when a healthy endpoint is told.
const QUICK: i64 = 3_000;
/// How many places an organization has. Endpoints that nothing is known of may all turn out to be
/// slow: where one organization has so many of those, its healthy ones wait at first until the
/// places are free again, for a time-out.
const PLACES: usize = 32;
/// How long a delivery waits for an answer.
const TIME_OUT: i64 = 10_000;

/// What an endpoint does while it is faulty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It is healthy.
    None,
    /// It says nothing.
    Stalls,
    /// It answers 500, or the connection is refused.
    Fails,
    /// It answers 429, and asks for some seconds.
    Limits,
    /// It takes what it is sent, after some seconds.
    IsLate,
}

/// What happens in one seed.
struct Story {
    /// What each endpoint does.
    faults: HashMap<Uuid, Fault>,
    /// Which webhooks and organizations' events must not be told any more.
    gone: HashSet<Uuid>,
    /// When an event was made, and of which healthy webhooks when they were told.
    made: HashMap<Uuid, i64>,
    /// When a healthy endpoint was told late, or one that is gone was told.
    wrong: Vec<String>,
    /// Until when an endpoint asked to be left alone.
    rests: HashMap<Uuid, i64>,
    /// Whether times can be compared: the clock stands and nothing is restarted.
    is_calm: bool,
    /// Whether deliveries are lost.
    loses: bool,
    /// By when a healthy endpoint is told.
    quick: i64,
}

impl Story {
    /// What an endpoint does with a delivery that begins at `passed`.
    fn reply(&mut self, chance: &mut Chance, item: &Item, passed: i64) -> Reply<Attempt> {
        let (webhook, event) = item.about();
        let fault = if passed < FAULTS_END {
            self.faults[&webhook]
        } else {
            Fault::None
        };
        if self.gone.contains(&webhook) || self.gone.contains(&event) {
            self.wrong.push(format!("{webhook} is told of {event}"));
        }
        if self.is_calm
            && self
                .rests
                .get(&webhook)
                .is_some_and(|until| passed < *until)
        {
            self.wrong.push(format!("{webhook} is not left alone"));
        }
        if self.loses && fault != Fault::None && chance.percent(1) {
            return Reply {
                after_ms: 50,
                outcome: None,
            };
        }
        let answered = |status, after: Option<i64>| {
            Ok(Answered {
                status,
                retry_after: after.map(|seconds| seconds.to_string()),
            })
        };
        let (after_ms, answer) = match fault {
            Fault::None => (chance.number(5, 100), answered(204, None)),
            Fault::Stalls => (10_000, Err("there was no answer within 10 seconds")),
            Fault::Fails if chance.percent(50) => (20, Err("the connection was refused")),
            Fault::Fails => (20, answered(500, None)),
            Fault::Limits => {
                self.rests.insert(webhook, passed + 20 + 5_000);
                (20, answered(429, Some(5)))
            }
            Fault::IsLate => (7_000, answered(200, None)),
        };
        let late = self.made.get(&event).map_or(0, |made| passed - made);
        if self.is_calm && self.faults[&webhook] == Fault::None && late > self.quick {
            self.wrong
                .push(format!("{webhook} is healthy, and told after {late} ms"));
        }
        Reply {
            after_ms,
            outcome: Some(Attempt::new(item.at(), after_ms, answer)),
        }
    }
}

/// Makes an event, for which the webhooks of its organization are queued; returns its id.
pub fn happen(tx: &WriteTx<'_>, organization: &str) -> invited::base::error::Result<Uuid> {
    let organization = OrganizationId::parse(organization).expect("an id");
    invited::organization::store::ensure(tx, &organization)?;
    event::store::append(
        tx,
        &NewEvent::<EventFields<'_>> {
            organization: &organization,
            kind: EventType::Created,
            invitation: Some(Uuid::now_v7()),
            origin: &anybody().origin,
            before: None,
            after: None,
        },
    )?;
    let newest = "select id from event where organization_id = ?1 order by id desc limit 1";
    Ok(Uuid::from_bytes(tx.query_row(
        newest,
        [organization.as_str()],
        |row| row.get(0),
    )?))
}

/// Makes the webhooks of one seed.
fn make(
    tx: &WriteTx<'_>,
    chance: &mut Chance,
    secret: &Secret,
) -> invited::base::error::Result<HashMap<Uuid, Fault>> {
    let known = "insert into secret (id, created_at) values (?1, 0)";
    tx.execute(known, [secret.id().as_bytes()])?;
    let mut faults = HashMap::new();
    let many = chance.number(0, 40);
    let kinds = [
        Fault::Stalls,
        Fault::Stalls,
        Fault::Fails,
        Fault::Limits,
        Fault::IsLate,
    ];
    for number in 0..many + 8 {
        let organization = if number < many {
            "acme"
        } else {
            chance.one(&["acme", "globex", "o3"])
        };
        let new = NewWebhook {
            url: "http://127.0.0.1:9/".parse().expect("a URL"),
            organization: OrganizationId::parse(organization),
            types: None,
            description: None,
        };
        let fault = if number < many || chance.percent(30) {
            chance.one(&kinds)
        } else {
            Fault::None
        };
        faults.insert(
            invited::webhook::store::insert(tx, new, secret.id())?.id,
            fault,
        );
    }
    Ok(faults)
}

/// The channel of a server that has one webhook, which is acme's.
pub fn channel(tx: &WriteTx<'_>) -> Webhooks {
    let secret = Secret::new("a secret of the simulation, 0123456789").expect("a secret");
    tx.execute(
        "insert into secret (id, created_at) values (?1, 0)",
        [secret.id().as_bytes()],
    )
    .expect("it is known");
    let new = NewWebhook {
        url: "http://127.0.0.1:9/".parse().expect("a URL"),
        organization: OrganizationId::parse("acme"),
        types: None,
        description: None,
    };
    invited::webhook::store::insert(tx, new, secret.id()).expect("a webhook");
    Webhooks::new(
        Guard::default(),
        &Roots::default(),
        Keyring::single(secret),
        Faults::default(),
    )
}

/// One seed.
pub fn story(tx: &WriteTx<'_>, chance: &mut Chance) -> Result<(), String> {
    let failed = |error: invited::base::error::Error| format!("{error:?}");
    let secret = Secret::new("a secret of the simulation, 0123456789").expect("a secret");
    let mut world = World::new(
        tx,
        Webhooks::new(
            Guard::default(),
            &Roots::default(),
            Keyring::single(secret.clone()),
            Faults::default(),
        ),
    );
    let faults = make(&world.tx(), chance, &secret).map_err(failed)?;
    let mut webhooks: Vec<_> = faults.keys().copied().collect();
    webhooks.sort();
    let (jumps, restarts, loses) = (chance.percent(40), chance.percent(30), chance.percent(30));
    let (is_calm, gone) = (!jumps && !restarts, HashSet::new());
    let (made, rests, wrong) = (HashMap::new(), HashMap::new(), Vec::new());
    let slow = faults
        .values()
        .filter(|fault| matches!(fault, Fault::Stalls | Fault::IsLate))
        .count();
    let quick = if slow < PLACES {
        QUICK
    } else {
        QUICK + TIME_OUT
    };
    let story = RefCell::new(Story {
        faults,
        gone,
        made,
        wrong,
        rests,
        is_calm,
        loses,
        quick,
    });
    let mut dice = Chance::new(chance.number(0, i64::MAX).unsigned_abs());
    let mut run = |world: &mut World<'_, Webhooks>, until| {
        world
            .run(until, &mut |item, passed| {
                story.borrow_mut().reply(&mut dice, item, passed)
            })
            .map_err(failed)
    };
    while world.passed < FAULTS_END {
        let until = world.passed + chance.number(0, 6_000);
        run(&mut world, until.min(FAULTS_END))?;
        let organization = chance.one(&["acme", "globex", "o3", "leaves"]);
        let id = happen(&world.tx(), organization).map_err(failed)?;
        story.borrow_mut().made.insert(id, world.passed);
        if chance.percent(3) {
            let webhook = chance.one(&webhooks);
            invited::webhook::store::delete(&world.tx(), webhook).map_err(failed)?;
            story.borrow_mut().gone.insert(webhook);
        }
        if jumps && chance.percent(4) {
            world.offset += chance.one(&[-40 * 86_400_000, -1_800_000, -30_000, 30_000, 600_000]);
        }
        if restarts && chance.percent(3) {
            world.restart().map_err(failed)?;
        }
    }
    // Somebody has to notice that the endpoints are back.
    for organization in ["acme", "globex", "o3"] {
        happen(&world.tx(), organization).map_err(failed)?;
    }
    run(&mut world, FAULTS_END + BOUND)?;
    let waiting = "select count(*) from webhook_delivery where state = 0";
    let waiting: i64 = tx
        .query_row(waiting, [], |row| row.get(0))
        .map_err(|error| error.to_string())?;
    let wrong = story.into_inner().wrong;
    if waiting == 0 && wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("{waiting} wait; {wrong:?}"))
    }
}
