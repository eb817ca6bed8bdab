//! What a server says on stderr: its banner and its log, without ever waiting for whoever reads it.
//!
//! A pipe that nobody empties takes some lines, and then stops its writer. So a thread of its own
//! writes, and all others put lines into a queue. What finds the queue full is dropped and counted.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anstream::AutoStream;
use env_logger::fmt::style::Style;
use env_logger::fmt::{Formatter, Target, WriteStyle};
use log::{Level, LevelFilter, Log, Metadata, Record};

use super::log_line::Line;
use crate::base::clock::Clock;
use crate::config::LogSettings;
use crate::config::log::Format;

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
    /// How the log is written.
    pub format: Format,
}

impl Output {
    /// Starts to write what is said, and to log as `settings` say.
    pub(crate) fn start(settings: &LogSettings) -> Self {
        let format = settings.log_format;
        let (orders, received) = sync_channel(LINES);
        let queue = Queue {
            orders,
            dropped: Arc::default(),
        };
        let dropped = Arc::clone(&queue.dropped);
        // It is never joined: it may be waiting for a reader that never comes.
        thread::spawn(move || write_all(&received, &dropped, format));
        // JSON is for programs, which take no colours.
        let style = match format {
            Format::Text => WriteStyle::from(AutoStream::choice(&io::stderr())),
            Format::Json => WriteStyle::Never,
        };
        start_logging(settings, Box::new(queue.clone()), style);
        log_panics(queue.clone(), format);
        Self { queue, format }
    }

    /// Whether what is said goes to a person alone: to a terminal, and not to whatever keeps logs.
    pub(crate) fn shows_secrets(&self) -> bool {
        self.format == Format::Text && io::stdout().is_terminal() && io::stderr().is_terminal()
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
fn write_all(orders: &Receiver<Order>, dropped: &AtomicU64, format: Format) {
    loop {
        let order = match orders.try_recv() {
            Err(TryRecvError::Empty) => {
                log_dropped(dropped, format);
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
                log_dropped(dropped, format);
                let _ = caller.try_send(());
            }
            None => return,
        }
    }
}

/// Writes how many lines were dropped, if any, in the form of the log.
fn log_dropped(dropped: &AtomicU64, format: Format) {
    let count = dropped.swap(0, Ordering::Relaxed);
    if count > 0 {
        let what = format!("{count} lines were dropped: nobody read stderr");
        let line = Line::plain(Clock::System.now(), Level::Warn, module_path!(), what);
        let line = line.write(format, Style::new());
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

/// The target of what a panic says.
const PANIC: &str = "invited::panic";

/// Where the framework tells of what is no HTTP.
const PARSER: &str = "actix_http::h1::dispatcher";

/// Starts to log as `settings` say into `sink`. Returns whether it does: only the first logger of a
/// process counts.
pub fn start_logging(
    settings: &LogSettings,
    sink: Box<dyn Write + Send>,
    style: WriteStyle,
) -> bool {
    let mut logger = env_logger::Builder::new();
    // The banner says what it says at a start, and more clearly.
    logger.filter_module("actix_server", LevelFilter::Warn);
    let format = settings.log_format;
    let logger = logger
        .parse_filters(&settings.log)
        .format(move |to, record| write_record(to, record, format))
        .write_style(style)
        .target(Target::Pipe(sink))
        .build();
    let level = logger.filter();
    let is_first = log::set_boxed_logger(Box::new(Logger {
        logger,
        acceptor_told_at: Mutex::default(),
    }))
    .is_ok();
    if is_first {
        log::set_max_level(level);
    }
    is_first
}

/// Writes the line of `record`.
fn write_record(to: &mut Formatter, record: &Record<'_>, format: Format) -> io::Result<()> {
    let style = to.default_level_style(record.level());
    let line = Line::of(record, Clock::System.now()).write(format, style);
    to.write_all(line.as_bytes())
}

/// Has panics say what they have to say by way of `queue`, whatever is logged.
fn log_panics(queue: Queue, format: Format) {
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
        let what = format!("thread {thread} {panic}\n{backtrace}");
        // People read a backtrace line by line; programs read it as one value.
        let parts: Vec<_> = match format {
            Format::Text => what.lines().collect(),
            Format::Json => vec![what.trim_end()],
        };
        for part in parts {
            let line = Line::plain(Clock::System.now(), Level::Error, PANIC, part);
            queue.put(line.write(format, Style::new()).into_bytes());
        }
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
        if record.target() == ACCEPTOR && record.level() == Level::Error {
            self.log_acceptor(record);
        } else {
            self.logger.log(record);
        }
    }

    fn flush(&self) {}
}

impl Logger {
    /// Logs what fails where connections are accepted.
    fn log_acceptor(&self, record: &Record<'_>) {
        let told = record.args().to_string();
        // A server that stops shuts its sockets, and the framework may still try to accept from
        // them, or give them up twice.
        let shut = io::Error::from(rustix::io::Errno::INVAL).to_string();
        match told.strip_prefix("Error accepting connection: ") {
            Some(cause) if cause == shut => {}
            Some(cause) if self.may_tell_of_acceptor() => log::error!(
                "connections wait, for none can be accepted ({cause}): raise the limit of open \
                 files (ulimit -n, LimitNOFILE)"
            ),
            Some(_) => {}
            None if told.starts_with("Can not deregister") => {}
            None => self.logger.log(record),
        }
    }

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
