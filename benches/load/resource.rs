//! What the server takes: memory at rest, under load, and during a list without end; time to start.

use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Result;
use crate::contest::{Plan, serve};
use crate::figure::median;
use crate::process::Server;
use crate::seed::{Layout, Seed};
use crate::table::{Goal, Row, Unit, thousands};
use crate::wrk::{Kind, Wrk};

/// Connections of the load under which memory is looked at.
const CONNECTIONS: u32 = 256;
/// How much of the long list is read at once.
const READ_BYTES: usize = 256 * 1024;
/// The pause between two such reads: about 25 MB/s, far slower than the server could send.
const READ_PAUSE: Duration = Duration::from_millis(10);

/// Measures all of it with the first of the larger files, as far as the plan asks for it.
///
/// # Errors
/// When the server fails.
pub fn measure(plan: &Plan) -> Result<Vec<Row>> {
    let rows = plan.larger.first().copied().unwrap_or(plan.small);
    let names = Names::new(rows);
    let mut table = Vec::new();
    let is_wanted = |names: &[&String]| names.iter().any(|name| name.contains(&plan.filter));
    let file = plan.folder.join("invited.db");
    if is_wanted(&[&names.idle, &names.mixed, &names.start]) {
        let seed = Seed::get(&plan.folder, Layout::spread(rows))?;
        seed.copy_to(&file)?;
        let (idle, mixed) = measure_memory(&seed, &file, plan.seconds)?;
        let start = measure_start(&seed, &file, plan.rounds)?;
        table.push(Row::alone(
            names.idle,
            idle,
            Unit::MiB,
            Goal::at_most(15.0, 10.0),
        ));
        table.push(Row::alone(
            names.mixed,
            mixed,
            Unit::MiB,
            Goal::at_most(48.0, 24.0),
        ));
        table.push(Row::alone(
            names.start,
            start,
            Unit::Milliseconds,
            Goal::at_most(100.0, 30.0),
        ));
    }
    if is_wanted(&[&names.list]) {
        Seed::get(&plan.folder, Layout::one_organization(rows))?.copy_to(&file)?;
        let peak = measure_long_list(&file, rows)?;
        table.push(Row::alone(
            names.list,
            peak,
            Unit::MiB,
            Goal::at_most(64.0, 32.0),
        ));
    }
    Ok(table)
}

/// What the figures are called.
struct Names {
    /// Memory at rest.
    idle: String,
    /// Memory under load.
    mixed: String,
    /// Memory during a long list.
    list: String,
    /// Time to start.
    start: String,
}

impl Names {
    /// The names with a file of `rows` invitations.
    fn new(rows: u32) -> Self {
        Self {
            idle: "resident memory, idle".to_owned(),
            mixed: format!("peak memory, mixed, {CONNECTIONS} connections"),
            list: format!("peak memory, list of all {}", thousands(rows)),
            start: "start to first answer".to_owned(),
        }
    }
}

/// MiB at rest after a first answer, and at most under load.
fn measure_memory(seed: &Seed, file: &Path, seconds: u32) -> Result<(f64, f64)> {
    let server = serve(file)?;
    get(&server, &one_path(seed)?)?.into_body().read_to_vec()?;
    let idle = server.memory_mib("VmRSS")?;
    server.reset_peak_memory()?;
    Wrk::new(seed)?.run(&server, Kind::Mixed, (CONNECTIONS, seconds))?;
    Ok((idle, server.memory_mib("VmHWM")?))
}

/// Milliseconds from the start of the process to the end of its first answer, in the middle of
/// several starts.
fn measure_start(seed: &Seed, file: &Path, starts: u32) -> Result<f64> {
    let path = one_path(seed)?;
    let start_once = |_| {
        let start = Instant::now();
        get(&serve(file)?, &path)?.into_body().read_to_vec()?;
        Ok(start.elapsed().as_secs_f64() * 1000.0)
    };
    let times: Vec<f64> = (0..starts).map(start_once).collect::<Result<_>>()?;
    Ok(median(times.into_iter()))
}

/// MiB at most while a slow reader takes all invitations of one organization.
fn measure_long_list(file: &Path, rows: u32) -> Result<f64> {
    let server = serve(file)?;
    server.reset_peak_memory()?;
    let mut body = get(&server, "/v1/organizations/large-0/invitations")?
        .into_body()
        .into_reader();
    let (mut buffer, mut ids) = (vec![0; READ_BYTES], 0);
    loop {
        let length = body.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        // Every invitation is one object without objects in it.
        ids += buffer[..length]
            .iter()
            .filter(|byte| **byte == b'{')
            .count();
        std::thread::sleep(READ_PAUSE);
    }
    if ids != usize::try_from(rows)? {
        return Err(format!("the list of all {rows} invitations had {ids}").into());
    }
    server.memory_mib("VmHWM")
}

/// The path of some invitation.
fn one_path(seed: &Seed) -> Result<String> {
    let (organization, id) = seed.sample()?;
    Ok(format!("/v1/organizations/{organization}/invitations/{id}"))
}

/// A GET that must be answered by 200.
fn get(server: &Server, path: &str) -> Result<ureq::http::Response<ureq::Body>> {
    let key = server.key.as_deref().unwrap_or_default();
    let url = format!("{}{path}", server.url);
    Ok(ureq::get(url)
        .header("Authorization", format!("Bearer {key}"))
        .call()?)
}
