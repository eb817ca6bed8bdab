//! Which load meets which wish, and what is accepted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Outcome;
use crate::heavy::{self, Load};
use crate::light::{self, Ask};
use crate::world::{Client, LIGHT, Refused, World};

/// How long the light tenant asks, alone and beside the heavy one.
const TIME: Duration = Duration::from_secs(6);
/// How long it rests between two wishes.
const REST: Duration = Duration::from_millis(20);
/// The most that the median may grow.
const TIMES: u32 = 10;
/// A median that is always fine: what grows from nearly nothing says little.
const SMALL: Duration = Duration::from_millis(20);
/// What is accepted of the 99th percentile on an idle machine.
const P99: Duration = Duration::from_millis(300);
/// What is accepted of the server's memory.
const MEMORY: u64 = 128 * 1024 * 1024;

/// The first lines of the table.
pub const HEADER: &str = "| heavy tenant | light tenant | p50 alone | p50 beside | p99 alone | \
    p99 beside | refused | memory |\n\
                          |---|---|---|---|---|---|---|---|";

/// One row of the table.
pub struct Row {
    /// What the heavy tenant does.
    pub name: &'static str,
    /// What the light one asks for.
    wish: &'static str,
    /// The load.
    load: Load,
    /// The wish.
    ask: Ask,
    /// What is accepted of the median, where it is not [`TIMES`] of it alone.
    p50: Option<Duration>,
}

/// All rows.
pub const ROWS: &[Row] = &[
    Row {
        name: "64 dry runs of 1,000",
        wish: "create",
        load: heavy::dry_runs,
        ask: light::create,
        p50: None,
    },
    Row {
        name: "32 batches of 1,000",
        wish: "create",
        load: heavy::real_batches,
        ask: light::create,
        p50: Some(Duration::from_millis(120)),
    },
    Row {
        name: "60 fruitless filters",
        wish: "filtered list",
        load: heavy::fruitless_filters,
        ask: light::filtered,
        p50: None,
    },
    Row {
        name: "1,100 streams",
        wish: "stream",
        load: heavy::streams,
        ask: light::stream,
        p50: None,
    },
    Row {
        name: "1,200 who do not read",
        wish: "list",
        load: heavy::silent_readers,
        ask: light::list,
        p50: None,
    },
    Row {
        name: "40 stalled endpoints",
        wish: "webhook",
        load: heavy::stalled_endpoints,
        ask: light::webhook,
        p50: None,
    },
    Row {
        name: "12 stalled recipients",
        wish: "mail",
        load: heavy::stalled_recipients,
        ask: light::mail,
        p50: None,
    },
    Row {
        name: "1,000 mails",
        wish: "code by mail",
        load: heavy::many_mails,
        ask: light::code,
        p50: None,
    },
    Row {
        name: "deletion of 80,000",
        wish: "create",
        load: heavy::deletion,
        ask: light::create,
        p50: None,
    },
];

/// What a row came to.
pub struct Found {
    /// Alone.
    alone: Times,
    /// Beside the heavy tenant.
    beside: Times,
    /// How often the light tenant was refused.
    refused: usize,
    /// The most memory of the server, in bytes.
    memory: u64,
}

/// How long wishes took.
struct Times(Vec<Duration>);

impl Times {
    /// The time that `percent` of them did not exceed.
    fn percentile(&self, percent: usize) -> Duration {
        let place = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(place).copied().unwrap_or_default()
    }
}

/// Asks again and again; how long each took, and how often it was refused.
fn ask(world: &World, wish: Ask) -> Outcome<(Times, usize)> {
    let client = Client::new(world, &world.light);
    let (begun, mut times, mut refused) = (Instant::now(), Vec::new(), 0);
    while begun.elapsed() < TIME {
        let asked = Instant::now();
        match wish(world, &client) {
            Ok(()) => times.push(asked.elapsed()),
            Err(error) if error.is::<Refused>() => refused += 1,
            Err(error) => return Err(error),
        }
        thread::sleep(REST);
    }
    times.sort_unstable();
    Ok((Times(times), refused))
}

impl Row {
    /// Measures it.
    pub fn run(&self, share: usize) -> Outcome<Found> {
        let world = World::start()?;
        let client = Client::new(&world, &world.light);
        client.post(
            "/v1/webhooks",
            &json!({ "url": world.endpoint.url("good"), "organizationId": LIGHT }),
        )?;
        client.invite(LIGHT, "first@b.co", false)?;
        let (alone, _) = ask(&world, self.ask)?;
        let stop = AtomicBool::new(false);
        let (beside, refused) = thread::scope(|scope| {
            let begun = (self.load)(scope, &world, &stop, share);
            let found = begun.and_then(|()| ask(&world, self.ask));
            stop.store(true, Ordering::Relaxed);
            found
        })?;
        Ok(Found {
            alone,
            beside,
            refused,
            memory: world.memory(),
        })
    }

    /// Its line of the table.
    pub fn line(&self, found: &Found) -> String {
        let millis = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1_000.0);
        let Found {
            alone,
            beside,
            refused,
            memory,
        } = found;
        format!(
            "| {} | {} | {} | {} | {} | {} | {refused} | {} MiB |",
            self.name,
            self.wish,
            millis(alone.percentile(50)),
            millis(beside.percentile(50)),
            millis(alone.percentile(99)),
            millis(beside.percentile(99)),
            memory / 1024 / 1024
        )
    }

    /// What is not accepted of it. The 99th percentile alone says how idle the machine is.
    pub fn complaints(&self, found: &Found) -> Vec<String> {
        let (p50, p99) = (found.beside.percentile(50), found.beside.percentile(99));
        let most = self
            .p50
            .unwrap_or((found.alone.percentile(50) * TIMES).max(SMALL));
        let most_p99 = P99.max(found.alone.percentile(99) * 4);
        let mut complaints = Vec::new();
        let mut check = |is_fine: bool, text: String| {
            if !is_fine {
                complaints.push(format!("{}: {text}", self.name));
            }
        };
        check(
            found.beside.0.len() >= 5,
            format!("only {} wishes were fulfilled", found.beside.0.len()),
        );
        check(
            p50 <= most,
            format!("a median of {p50:?}, accepted is {most:?}"),
        );
        check(
            p99 <= most_p99,
            format!("a 99th percentile of {p99:?}, accepted is {most_p99:?}"),
        );
        check(found.refused == 0, format!("{} refusals", found.refused));
        check(
            found.memory <= MEMORY,
            format!("{} MiB of memory", found.memory / 1024 / 1024),
        );
        complaints
    }
}
