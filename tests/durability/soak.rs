//! R22: a server that is in use for long grows in nothing: not in memory, descriptors, threads or
//! the log.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::check::{answers_hold, ensure, no_panic, nothing_failed, nothing_lost, sound};
use crate::client::{Client, invitations};
use crate::ledger::Entry;
use crate::load::{Load, entries};
use crate::scale::Scale;
use crate::server::{Launch, Server};
use crate::sink::Sinks;
use crate::{Outcome, cli, report};

/// Clients that change things, each with a rest between two requests.
const WRITERS: usize = 8;
/// How long a writer rests.
const WRITER_REST: Duration = Duration::from_millis(100);
/// Clients that read, or ask for what they do not get.
const READERS: usize = 4;
/// How long a reader rests.
const READER_REST: Duration = Duration::from_millis(40);
/// How long a client listens to events before it goes away without a word.
const LISTENING: Duration = Duration::from_secs(3);
/// How often commands run beside the server.
const COMMANDS_EVERY: Duration = Duration::from_secs(20);
/// How often the server is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The most that memory may grow in an hour, in bytes, once the caches are full.
const GROWTH_LIMIT: f64 = 1024.0 * 1024.0;
/// A shorter run than this says nothing about growth, for the caches are being filled.
const SETTLED: Duration = Duration::from_mins(20);
/// After so many seconds the caches are full.
const WARM_UP: f64 = 1800.0;
/// Into how many parts a run is cut to see how memory goes.
const LEVELS: usize = 30;
/// The most bytes that the log may have.
const LOG_LIMIT: u64 = 64 * 1024 * 1024;
/// How many descriptors more there may be in the last quarter than in the second: connections that
/// happen to be open at the time.
const OPEN_BY_CHANCE: usize = 16;

/// What stands in the way of a look at the server.
pub fn obstacle() -> Option<String> {
    let is_there = Path::new("/proc/self/status").exists() && Path::new("/proc/self/fd").exists();
    (!is_there).then(|| "no /proc".to_owned())
}

/// The server at one moment.
#[derive(Clone, Copy)]
struct Sample {
    /// Seconds since the first look.
    at: f64,
    /// Bytes of memory that are its own, not the file's.
    memory: f64,
    /// Open descriptors.
    descriptors: usize,
    /// Threads.
    threads: usize,
    /// Bytes of the log.
    log: u64,
}

/// Writers, readers, listeners, strangers and commands for a long while, with mail to whom is
/// invited and a webhook that is told of everything.
pub fn long_use_grows_in_nothing(scale: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let database = directory.path().join("invited.db");
    let sinks = Sinks::start()?;
    let server = sinks.connect(Launch::serve(&database)).run()?;
    let key = server.admin_key()?;
    sinks.listen(&Client::new(&server.base, &key))?;
    let load = Load {
        name: "soak".to_owned(),
        writers: WRITERS,
        seed: scale.random(22).u64(..),
        padding: 0,
    };
    let (samples, told, reads) = live(&server, &key, &load, scale.soak)?;
    nothing_failed(&told)?;
    let findings = answers_hold(&server, &key, &load.organizations(), &told)?;
    nothing_lost(&findings)?;
    let came = sinks.all_came(&database)?;
    no_panic(&server.stop()?)?;
    sound(&database)?;
    report(format!(
        "{:?}: {}, {reads} other requests, {came}; {}",
        scale.soak,
        findings.acknowledged,
        described(&samples)
    ));
    judge(&samples, scale.soak)
}

/// Lets everybody at the server for `time`: what was seen of it, what the writers were told, and
/// how many other requests there were.
fn live(
    server: &Server,
    key: &str,
    load: &Load,
    time: Duration,
) -> Outcome<(Vec<Sample>, Vec<Entry>, usize)> {
    let (stop, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (stop, reads) = (&stop, &reads);
    thread::scope(|scope| {
        let write = |number| {
            let mut writer = load.writer(server, key, number);
            scope.spawn(move || {
                writer.create_batch();
                while !stop.load(Ordering::Relaxed) && !writer.is_cut_off() {
                    writer.step();
                    thread::sleep(WRITER_REST);
                }
                writer.take_told()
            })
        };
        let writers: Vec<_> = (0..WRITERS).map(write).collect();
        let organizations = load.organizations();
        let read = |number: usize| {
            let organization = organizations[number % organizations.len()].clone();
            scope.spawn(move || read_until(server, key, &organization, (stop, reads)))
        };
        let readers: Vec<_> = (0..READERS).map(read).collect();
        let listened = organizations[0].clone();
        let listener = scope.spawn(move || listen_until(server, key, &listened, stop));
        let commands = scope.spawn(|| command_until(server, stop));
        let samples = watch(server, time);
        stop.store(true, Ordering::Relaxed);
        let mut told = Vec::new();
        for writer in writers {
            told.extend(writer.join().map_err(|_| "a writer panicked")?);
        }
        for reader in readers {
            reader.join().map_err(|_| "a reader panicked")??;
        }
        listener.join().map_err(|_| "the listener panicked")??;
        commands.join().map_err(|_| "the commands panicked")??;
        Ok((samples?, entries(told), reads.load(Ordering::Relaxed)))
    })
}

/// Looks at the server again and again.
fn watch(server: &Server, time: Duration) -> Outcome<Vec<Sample>> {
    let (begun, mut samples) = (Instant::now(), Vec::new());
    while begun.elapsed() < time {
        thread::sleep(LOOK_EVERY);
        samples.push(look(server, begun.elapsed())?);
    }
    Ok(samples)
}

/// Looks at the server once.
fn look(server: &Server, at: Duration) -> Outcome<Sample> {
    let process = format!("/proc/{}", server.pid());
    let status = fs::read_to_string(format!("{process}/status"))?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u32>().ok());
        number.ok_or_else(|| format!("no {name} in {status}"))
    };
    let log = format!("{}-wal", server.database.display());
    Ok(Sample {
        at: at.as_secs_f64(),
        memory: f64::from(number("RssAnon:")?) * 1024.0,
        descriptors: fs::read_dir(format!("{process}/fd"))?.count(),
        threads: usize::try_from(number("Threads:")?)?,
        log: fs::metadata(log).map_or(0, |file| file.len()),
    })
}

/// Reads, and asks for what is refused, on a connection of its own and on new ones.
fn read_until(
    server: &Server,
    key: &str,
    organization: &str,
    (stop, reads): (&AtomicBool, &AtomicUsize),
) -> Outcome {
    let client = Client::new(&server.base, key);
    let list = invitations(organization);
    let questions = [
        (format!("{list}?limit=20"), 200),
        (format!("{list}?limit=1000&status=pending"), 200),
        (format!("{list}/summary"), 200),
        (
            format!("/v1/organizations/{organization}/events?limit=50"),
            200,
        ),
        ("/health/live".to_owned(), 200),
        ("/metrics".to_owned(), 200),
        ("/accept".to_owned(), 200),
        (format!("{list}?limit=0"), 422),
        (format!("{list}/none"), 404),
        ("/nowhere".to_owned(), 404),
    ];
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (path, expected) = &questions[number % questions.len()];
        let asked = match number % 7 {
            // The one before goes back to its kernel, as a client's that is done.
            0 => Client::new(&server.base, key).status(path),
            _ => client.status(path),
        };
        ensure(asked == Some(*expected), || {
            format!("{path} is answered {asked:?}")
        })?;
        let stranger = client.with_key("ivk_none").status(&list);
        ensure(stranger == Some(401), || {
            format!("a stranger is answered {stranger:?}")
        })?;
        if number % 10 == 0 {
            // Half a request, and gone.
            let mut stream = connect(server)?;
            stream.write_all(b"POST /v1/organizations/acme/invitations HTTP/1.1\r\nHost: a\r\n")?;
        }
        reads.fetch_add(2, Ordering::Relaxed);
        thread::sleep(READER_REST);
    }
    Ok(())
}

/// Listens to the events of an organization for a while, and again.
fn listen_until(server: &Server, key: &str, organization: &str, stop: &AtomicBool) -> Outcome {
    while !stop.load(Ordering::Relaxed) {
        let mut stream = connect(server)?;
        stream.set_read_timeout(Some(Duration::from_millis(200)))?;
        write!(
            stream,
            "GET /v1/organizations/{organization}/events/stream HTTP/1.1\r\nHost: a.example\r\n\
             Authorization: Bearer {key}\r\n\r\n"
        )?;
        let (begun, mut heard, mut bytes) = (Instant::now(), Vec::new(), [0; 4096]);
        while begun.elapsed() < LISTENING && !stop.load(Ordering::Relaxed) {
            if let Ok(count) = stream.read(&mut bytes) {
                ensure(count > 0, || "the stream ended".to_owned())?;
                heard.extend_from_slice(&bytes[..count]);
            }
        }
        let is_answered = heard.starts_with(b"HTTP/1.1 200 OK");
        ensure(is_answered || stop.load(Ordering::Relaxed), || {
            format!("a stream begins {:?}", String::from_utf8_lossy(&heard))
        })?;
    }
    Ok(())
}

/// A connection without a request.
fn connect(server: &Server) -> Outcome<TcpStream> {
    let address = server.base.trim_start_matches("http://");
    Ok(TcpStream::connect(address)?)
}

/// Makes a key, revokes it, and makes a backup, every now and then.
fn command_until(server: &Server, stop: &AtomicBool) -> Outcome {
    let backup = server.database.with_extension("backup");
    while !stop.load(Ordering::Relaxed) {
        let key = cli::key_create(&server.database, "soak")?;
        cli::key_revoke(&server.database, &key)?;
        let refused = cli::backup(&server.database, &backup, &["--force"])?;
        ensure(refused.is_empty(), || {
            format!("a backup is refused: {refused}")
        })?;
        let rested = Instant::now();
        while rested.elapsed() < COMMANDS_EVERY && !stop.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

/// The part in which the caches are full: what is behind the warm-up, or the second half of a run
/// that is not twice as long as that.
fn settled(samples: &[Sample]) -> &[Sample] {
    let is_long = samples.last().is_some_and(|last| last.at > 2.0 * WARM_UP);
    let warm = samples.partition_point(|sample| sample.at < WARM_UP);
    &samples[if is_long { warm } else { samples.len() / 2 }..]
}

/// Memory as it is for most of the time, at some moments: the median of what was seen around each.
/// A backup or a long list takes some for a moment.
fn levels(samples: &[Sample]) -> Vec<(f64, f64)> {
    let around = samples.len().div_ceil(LEVELS).max(1);
    let level = |samples: &[Sample]| {
        let mut memory: Vec<_> = samples.iter().map(|sample| sample.memory).collect();
        (samples[samples.len() / 2].at, median(&mut memory))
    };
    samples.chunks(around).map(level).collect()
}

/// The one in the middle.
fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

/// The bytes by which memory grows in an hour: the median of the slopes between any two levels
/// (Theil and Sen), which a few steps up and down do not move.
fn growth(samples: &[Sample]) -> f64 {
    let levels = levels(samples);
    let mut slopes = Vec::new();
    for (index, (at, memory)) in levels.iter().enumerate() {
        for (later, there) in &levels[index + 1..] {
            slopes.push((there - memory) / (later - at) * 3600.0);
        }
    }
    median(&mut slopes)
}

/// The most of something.
fn most<T: Ord + Default>(samples: &[Sample], of: fn(&Sample) -> T) -> T {
    samples.iter().map(of).max().unwrap_or_default()
}

/// The figures of a run.
fn described(samples: &[Sample]) -> String {
    let mib = |bytes: f64| bytes / 1024.0 / 1024.0;
    let levels: Vec<_> = levels(samples)
        .iter()
        .step_by(LEVELS / 10)
        .map(|(_, memory)| format!("{:.1}", mib(*memory)))
        .collect();
    format!(
        "memory in MiB {}, which is {:+.2} an hour once settled; at most {} descriptors, {} \
         threads, a log of {} KiB",
        levels.join(", "),
        mib(growth(settled(samples))),
        most(samples, |sample| sample.descriptors),
        most(samples, |sample| sample.threads),
        most(samples, |sample| sample.log) / 1024,
    )
}

/// Whether the figures keep to the promise.
fn judge(samples: &[Sample], time: Duration) -> Outcome {
    ensure(samples.len() >= 4, || "too short a run".to_owned())?;
    let quarter = samples.len() / 4;
    let (second, last) = (&samples[quarter..2 * quarter], &samples[3 * quarter..]);
    let descriptors = |samples: &[Sample]| most(samples, |sample| sample.descriptors);
    ensure(
        descriptors(last) <= descriptors(second) + OPEN_BY_CHANCE,
        || {
            format!(
                "descriptors grow: {} and {}",
                descriptors(second),
                descriptors(last)
            )
        },
    )?;
    let log = most(samples, |sample| sample.log);
    ensure(log <= LOG_LIMIT, || format!("a log of {log} bytes"))?;
    let growth = growth(settled(samples));
    ensure(time < SETTLED || growth <= GROWTH_LIMIT, || {
        format!("memory grows by {growth:.0} bytes an hour")
    })
}

/// The judge finds what grows behind the warm-up, and nothing else.
pub fn judge_finds_growth(_: &Scale) -> Outcome {
    const MIB: f64 = 1024.0 * 1024.0;
    let found = |minutes: u32, memory: fn(f64) -> f64| {
        let sample = |minute| Sample {
            at: f64::from(minute) * 60.0,
            memory: memory(f64::from(minute)) * MIB,
            descriptors: 66,
            threads: 16,
            log: 0,
        };
        let samples: Vec<_> = (0..=minutes).map(sample).collect();
        judge(&samples, Duration::from_mins(u64::from(minutes)))
    };
    found(120, |minute| minute.min(30.0))?;
    found(40, |minute| minute.min(20.0))?;
    for (minutes, memory) in [
        // 2 MiB an hour; 10 MiB in the half hour behind the warm-up, and nothing later.
        (120, (|minute| minute / 30.0) as fn(f64) -> f64),
        (120, |minute| minute.clamp(30.0, 60.0) / 3.0),
        (40, |minute| minute / 30.0),
    ] {
        let is_found = found(minutes, memory).is_err();
        ensure(is_found, || {
            format!("growth in {minutes} minutes is not found")
        })?;
    }
    Ok(())
}
