//! What the server is compared with. This program starts itself as one of these, pinned to the
//! server's core.
//!
//! * [`Baseline::Probe`]: the HTTP stack alone. No answer of the server can be faster.
//! * [`Baseline::Naive`]: the usual design of such a service: a connection pool, a blocking thread
//!   and a transaction of its own for each request. It checks no key, no request id and hardly the
//!   body, all in its favour.
//! * [`Baseline::Insert`]: SQLite writing the rows of creates, 64 a commit, as fast as it can
//!   durably.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::{App, HttpResponse, HttpServer, web};
use clap::ValueEnum;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, TransactionBehavior};
use serde::Deserialize;

use crate::Result;
use crate::insert::insert;
use crate::process::cpu_seconds;

/// The probe's answer: as long as an invitation, about 200 bytes.
const FIXED: &str = "{\"role\":\"developer\",\"id\":\"019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f\",\
    \"email\":\"new.user@example.com\",\"createdAt\":\"2026-11-23T02:43:00.123Z\",\
    \"expiresAt\":\"2026-11-30T02:43:00.123Z\",\"status\":\"pending\"}";
/// How long the probe's long answer is: as a list of 1,000 invitations.
const FIXED_LIST_BYTES: usize = 280_000;
/// Connections of the naive design's pool: the default of `r2d2`.
const POOL: u32 = 10;
/// Rows in one commit of the insert loop.
const GROUP: u32 = 64;
/// Commits of the insert loop between two checkpoints: the log stays below about 100 MB.
const COMMITS_PER_CHECKPOINT: u32 = 128;

/// Something to compare the server with.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Baseline {
    /// A server that always answers the same.
    Probe,
    /// A server that creates in the usual way.
    Naive,
    /// A loop that inserts.
    Insert,
}

impl Baseline {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Naive => "naive",
            Self::Insert => "insert",
        }
    }
}

/// Is that baseline: a server until it is killed, a loop for `seconds`.
///
/// # Errors
/// When it cannot work.
pub fn run(baseline: Baseline, database: &Path, seconds: u32) -> Result<()> {
    let span = Duration::from_secs(seconds.into());
    match baseline {
        Baseline::Probe => serve(probe),
        Baseline::Naive => {
            let pool = web::Data::new(open_pool(database)?);
            serve(move |config| {
                let path = "/v1/organizations/{organization}/invitations";
                config
                    .app_data(pool.clone())
                    .route(path, web::post().to(create));
            })
        }
        Baseline::Insert => insert_loop(database, span),
    }
}

/// Serves `routes` with one worker, as the real server has on one core, and says where.
fn serve(routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static) -> Result<()> {
    actix_web::rt::System::new().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        eprintln!("listening  http://{}", listener.local_addr()?);
        let server = HttpServer::new(move || App::new().configure(routes.clone()));
        Ok(server.workers(1).listen(listener)?.run().await?)
    })
}

/// The routes of the probe.
fn probe(config: &mut web::ServiceConfig) {
    let list = web::Bytes::from(vec![b' '; FIXED_LIST_BYTES]);
    let fixed = web::get().to(|| async { answer(HttpResponse::Ok(), FIXED) });
    let fixed_list = web::get().to(move || {
        let list = list.clone();
        async { answer(HttpResponse::Ok(), list) }
    });
    config.route("/", fixed).route("/list", fixed_list);
}

/// A JSON answer.
fn answer(
    mut response: actix_web::HttpResponseBuilder,
    body: impl MessageBody + 'static,
) -> HttpResponse {
    response.content_type("application/json").body(body)
}

/// The naive design's pool, as durable as the server.
fn open_pool(database: &Path) -> Result<r2d2::Pool<SqliteConnectionManager>> {
    let manager = SqliteConnectionManager::file(database).with_init(|conn| {
        conn.pragma_update(None, "synchronous", "full")?;
        conn.pragma_update(None, "foreign_keys", true)
    });
    Ok(r2d2::Pool::builder().max_size(POOL).build(manager)?)
}

/// The body of a create.
#[derive(Deserialize)]
struct Body {
    /// The address.
    email: String,
}

/// The naive create.
async fn create(
    pool: web::Data<r2d2::Pool<SqliteConnectionManager>>,
    organization: web::Path<String>,
    body: web::Json<Body>,
) -> actix_web::Result<HttpResponse> {
    let failed =
        actix_web::error::ErrorInternalServerError::<Box<dyn std::error::Error + Send + Sync>>;
    let work = move || -> std::result::Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let mut conn = pool.get()?;
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let inserted = insert(&transaction, &organization, &body.email)?;
        transaction.commit()?;
        Ok(inserted.json(&organization, &body.email))
    };
    let json = web::block(work).await?.map_err(failed)?;
    Ok(answer(HttpResponse::Created(), json))
}

/// Inserts groups of rows, spread over the small organizations.
fn insert_loop(database: &Path, span: Duration) -> Result<()> {
    let mut conn = Connection::open(database)?;
    conn.pragma_update(None, "synchronous", "full")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    let checkpoint = "pragma wal_checkpoint(restart)";
    let count = "select count(*) from organization where id like 'small-%'";
    let organizations: u32 = conn.query_row(count, [], |row| row.get(0))?;
    let mut commits = 0;
    let rows = measure(span, || -> invited::base::error::Result<u32> {
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for _ in 0..GROUP {
            let random = uuid::Uuid::new_v4().as_u128();
            let organization = random % u128::from(organizations);
            insert(
                &transaction,
                &format!("small-{organization}"),
                &format!("{random:032x}@example.net"),
            )?;
        }
        transaction.commit()?;
        commits += 1;
        if commits % COMMITS_PER_CHECKPOINT == 0 {
            conn.query_row(checkpoint, [], |_| Ok(()))?;
        }
        Ok(GROUP)
    })?;
    report(&rows)
}

/// What a loop did.
struct Rate {
    /// How often it did it a second.
    per_second: f64,
    /// How often for each second of processor time.
    per_cpu_second: f64,
}

/// Repeats `work`, which returns how much it did: for a second to warm up, then for `span`, which
/// is measured.
fn measure<E>(
    span: Duration,
    mut work: impl FnMut() -> std::result::Result<u32, E>,
) -> std::result::Result<Rate, E> {
    let warm_up = Instant::now();
    while warm_up.elapsed() < Duration::from_secs(1) {
        work()?;
    }
    let (start, cpu_before) = (Instant::now(), cpu_seconds("self").unwrap_or_default());
    let mut done = 0;
    while start.elapsed() < span {
        done += work()?;
    }
    let cpu = cpu_seconds("self").unwrap_or_default() - cpu_before;
    Ok(Rate {
        per_second: f64::from(done) / start.elapsed().as_secs_f64(),
        per_cpu_second: f64::from(done) / cpu,
    })
}

/// Tells the bench.
#[allow(
    clippy::unnecessary_wraps,
    reason = "it is the last step of a loop that can fail"
)]
fn report(rate: &Rate) -> Result<()> {
    println!("{} {}", rate.per_second, rate.per_cpu_second);
    Ok(())
}
