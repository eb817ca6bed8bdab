//! What a server says on stderr: its banner and its log, without ever waiting for whoever reads it.
//!
//! A pipe that nobody empties takes some lines, and then stops its writer. So a thread of its own
//! writes, and all others put lines into a queue. What finds the queue full is dropped and counted.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anstream::AutoStream;
use env_logger::fmt::{Target, WriteStyle};
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::base::clock::Clock;

/// Lines that may wait to be written.
const LINES: usize = 1024;
/// How long the end of a process waits for the lines before it to be written.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a full queue is left alone by who waits for room in it.
const PAUSE: Duration = Duration::from_millis(10);
/// Who tells that no connection can be accepted: twice a second, as long as that lasts.
const ACCEPTOR: &str = "actix_server::accept";
/// How long after it was told comes the next time.
const ACCEPTOR_EVERY: Duration = Duration::from_secs(10);

/// The way to stderr. Whoever drops it waits until all is written, but for no longer than a second.
pub(crate) struct Output {
    /// What waits to be written.
    queue: Queue,
}

impl Output {
    /// Starts to write what is said, and to log by `filter`, which the settings have checked.
    pub(crate) fn start(filter: &str) -> Self {
        let (orders, received) = sync_channel(LINES);
        let queue = Queue {
            orders,
            dropped: Arc::default(),
        };
        let dropped = Arc::clone(&queue.dropped);
        // It is never joined: it may be waiting for a reader that never comes.
        thread::spawn(move || write_all(&received, &dropped));
        start_logging(filter, queue.clone());
        log_panics(queue.clone());
        Self { queue }
    }

    /// Says `text`, which is whole lines.
    pub(crate) fn say(&self, text: &str) {
        self.queue.put(text.as_bytes().to_vec());
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let (written, is_written) = sync_channel(1);
        let mut order = Order::Tell(written);
        while let Err(TrySendError::Full(same)) = self.queue.orders.try_send(order) {
            if Instant::now() >= deadline {
                return;
            }
            order = same;
            thread::sleep(PAUSE);
        }
        // What is not written by then never is.
        let _ = is_written.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}

/// What the thread that writes is told.
enum Order {
    /// To write this.
    Write(Vec<u8>),
    /// To tell once everything before is written.
    Tell(SyncSender<()>),
}

/// What waits to be written. Clones are handles to the same queue.
#[derive(Clone)]
struct Queue {
    /// The queue.
    orders: SyncSender<Order>,
    /// How many lines found it full, since that was told last.
    dropped: Arc<AtomicU64>,
}

impl Queue {
    /// Puts `text` at the end, or drops it.
    fn put(&self, text: Vec<u8>) {
        if self.orders.try_send(Order::Write(text)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The logger writes each line at once.
impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.put(line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes what is put into the queue, until nobody can put anything there.
fn write_all(orders: &Receiver<Order>, dropped: &AtomicU64) {
    loop {
        let order = match orders.try_recv() {
            Err(TryRecvError::Empty) => {
                log_dropped(dropped);
                orders.recv().ok()
            }
            order => order.ok(),
        };
        match order {
            // A closed stderr must not keep a server from serving.
            Some(Order::Write(text)) => {
                let _ = io::stderr().write_all(&text);
            }
            Some(Order::Tell(caller)) => {
                log_dropped(dropped);
                let _ = caller.try_send(());
            }
            None => return,
        }
    }
}

/// Writes how many lines were dropped, if any, in the form of the log.
fn log_dropped(dropped: &AtomicU64) {
    let count = dropped.swap(0, Ordering::Relaxed);
    if count > 0 {
        let now = Clock::System.now();
        let line = format!(
            "[{now} WARN  {}] {count} lines were dropped: nobody read stderr\n",
            module_path!()
        );
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

/// Where the framework tells of what is no HTTP.
const PARSER: &str = "actix_http::h1::dispatcher";

/// Starts to log by `filter` into `queue`, in colour where stderr is a terminal that has it.
fn start_logging(filter: &str, queue: Queue) {
    let mut logger = env_logger::Builder::new();
    // The banner says what these say at a start, and more clearly.
    for chatty in ["actix_server", crate::db::MIGRATIONS_LOG_TARGET] {
        logger.filter_module(chatty, LevelFilter::Warn);
    }
    let style = WriteStyle::from(AutoStream::choice(&io::stderr()));
    let logger = logger
        .parse_filters(filter)
        .write_style(style)
        .target(Target::Pipe(Box::new(queue)))
        .build();
    let level = logger.filter();
    // Only the first logger of a process counts; there is never a second here.
    if log::set_boxed_logger(Box::new(Logger {
        logger,
        acceptor_told_at: Mutex::default(),
    }))
    .is_ok()
    {
        log::set_max_level(level);
    }
}

/// Has panics say what they have to say by way of `queue`, whatever is logged.
fn log_panics(queue: Queue) {
    std::panic::set_hook(Box::new(move |panic| {
        let backtrace = Backtrace::capture();
        let backtrace = if backtrace.status() == BacktraceStatus::Captured {
            backtrace.to_string()
        } else {
            String::new()
        };
        let thread = thread::current()
            .name()
            .unwrap_or("without a name")
            .to_owned();
        queue.put(format!("thread {thread} {panic}\n{backtrace}").into_bytes());
    }));
}

/// The logger, less what it would say again and again.
struct Logger {
    /// What filters and formats.
    logger: env_logger::Logger,
    /// When it was told last that no connection can be accepted.
    acceptor_told_at: Mutex<Option<Instant>>,
}

/// Whether a line is left out, whatever is to be logged: of what the HTTP client does, since that
/// tells URLs and tokens; and that a peer does not speak HTTP, which everybody can say as often as
/// they like.
fn is_left_out(line: &Metadata<'_>) -> bool {
    (line.target().starts_with("ureq") && line.level() > Level::Warn)
        || (line.target() == PARSER && line.level() == Level::Error)
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !is_left_out(metadata) && self.logger.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if is_left_out(record.metadata()) {
            return;
        }
        if record.target() != ACCEPTOR || record.level() != Level::Error {
            self.logger.log(record);
        } else if self.may_tell_of_acceptor() {
            log::error!(
                "connections wait, for none can be accepted ({}): raise the limit of open files \
                 (ulimit -n, LimitNOFILE)",
                record.args()
            );
        }
    }

    fn flush(&self) {}
}

impl Logger {
    /// Whether it is time to tell that no connection can be accepted.
    fn may_tell_of_acceptor(&self) -> bool {
        let mut told_at = self
            .acceptor_told_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let may = told_at.is_none_or(|told_at| told_at.elapsed() >= ACCEPTOR_EVERY);
        if may {
            *told_at = Some(Instant::now());
        }
        may
    }
}
