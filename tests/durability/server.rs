//! The real binary as a child process: start it, read its banner, stop it, kill it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use rustix::process::{Pid, Signal, kill_process};

use crate::Outcome;
use crate::client::Client;

/// The program under test, built by cargo for this run.
pub const BINARY: &str = env!("CARGO_BIN_EXE_invited");

/// Long enough for a debug build under strace on a busy machine; a start that takes longer is a
/// failure.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The promised 10 s for a graceful stop and some slack for the machine.
const STOP_LIMIT: Duration = Duration::from_secs(12);

/// A server that is about to be started.
pub struct Launch {
    /// The whole command line.
    command: Command,
    /// The data file that it serves.
    database: PathBuf,
}

impl Launch {
    /// `invited serve` on a free port.
    pub fn serve(database: &Path) -> Self {
        Self::through(&[], Path::new(BINARY), database)
    }

    /// `invited serve` as the argument of another program, such as strace.
    pub fn wrapped(wrapper: &[OsString], database: &Path) -> Self {
        Self::through(wrapper, Path::new(BINARY), database)
    }

    /// A copy of the binary as the argument of another program.
    pub fn through(wrapper: &[OsString], binary: &Path, database: &Path) -> Self {
        let mut words: Vec<OsString> = wrapper.to_vec();
        words.push(binary.into());
        words.extend(["serve", "--listen", "127.0.0.1:0", "--database"].map(OsString::from));
        words.push(database.into());
        Self::command(words, database)
    }

    /// This test binary in its role as the server of the control.
    pub fn control(argument: &str, database: &Path) -> Outcome<Self> {
        let own = std::env::current_exe()?;
        let words = vec![own.into(), argument.into(), database.into()];
        Ok(Self::command(words, database))
    }

    /// A command of which standard error is read and nothing else is connected.
    fn command(words: Vec<OsString>, database: &Path) -> Self {
        let mut words = words.into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .env_remove("INVITED_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        // Settings of the person who runs the trials are not settings of the server under test.
        let settings = std::env::vars_os().map(|(name, _)| name);
        for name in settings.filter(|name| name.as_encoded_bytes().starts_with(b"INVITED_")) {
            command.env_remove(name);
        }
        // A load writes to the same addresses and asks with dead keys more often than anybody
        // should.
        let launch = Self {
            command,
            database: database.to_owned(),
        }
        .set("INVITED_RESEND_COOLDOWN", "0s");
        let unlimited = |launch: Self, limit| launch.set(&format!("INVITED_LIMIT_{limit}"), "0");
        [
            "ADDRESS",
            "RECIPIENT",
            "PROOFS",
            "CODES",
            "MAILBOX",
            "ANSWERS",
        ]
        .into_iter()
        .fold(launch, unlimited)
    }

    /// With one more setting.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it and waits until it listens, or until it has given up.
    pub fn start(mut self) -> Outcome<Result<Server, Refusal>> {
        let begun = Instant::now();
        let mut child = self.command.spawn()?;
        let stderr = child.stderr.take().ok_or("no standard error")?;
        let (sender, lines) = channel();
        let log = Arc::new(Mutex::new(String::new()));
        let copy = Arc::clone(&log);
        thread::spawn(move || collect(stderr, &copy, &sender));
        let mut server = Server {
            child,
            base: String::new(),
            database: self.database,
            begun,
            log,
        };
        match listening(&lines, begun) {
            Some(base) => {
                server.base = base;
                Ok(Ok(server))
            }
            None => Ok(Err(server.refused()?)),
        }
    }

    /// Starts it where a refusal is a failure of the trial.
    pub fn run(self) -> Outcome<Server> {
        self.start()?
            .map_err(|refusal| Failed::from(format!("the server did not start: {refusal}")))
    }
}

/// Copies every line of the server's standard error to the log and to who waits for the banner.
fn collect(stderr: ChildStderr, log: &Mutex<String>, lines: &Sender<String>) {
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        let _ = writeln!(locked(log), "{line}");
        let _ = lines.send(line);
    }
}

/// The lock of the log, whoever else failed while holding it.
fn locked(log: &Mutex<String>) -> MutexGuard<'_, String> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The address from the banner, or nothing once the server has closed its standard error or the
/// time is up.
fn listening(lines: &Receiver<String>, begun: Instant) -> Option<String> {
    loop {
        match lines.recv_timeout(START_LIMIT.saturating_sub(begun.elapsed())) {
            Ok(line) => {
                if let Some(address) = line.trim_start().strip_prefix("listening ") {
                    return Some(address.trim().to_owned());
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        }
    }
}

/// How a server ended that never listened.
#[derive(Debug)]
pub struct Refusal {
    /// None when it neither listened nor ended in time.
    pub status: Option<ExitStatus>,
    /// All it said.
    pub stderr: String,
    /// From the start to the end of the process.
    pub elapsed: Duration,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            status,
            stderr,
            elapsed,
        } = self;
        write!(
            formatter,
            "status {status:?} after {elapsed:?}, standard error:\n{stderr}"
        )
    }
}

/// A server that has listened. Dropping it kills it.
pub struct Server {
    /// The process.
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub base: String,
    /// The data file.
    pub database: PathBuf,
    /// When the process was started.
    begun: Instant,
    /// What it has written to standard error.
    log: Arc<Mutex<String>>,
}

impl Server {
    /// What it has written to standard error so far.
    pub fn log(&self) -> String {
        locked(&self.log).clone()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The key that only the first start on a file makes.
    pub fn admin_key(&self) -> Outcome<String> {
        for _ in 0..200 {
            let log = self.log();
            let file = log
                .lines()
                .find_map(|line| line.trim_start().strip_prefix("admin key "));
            if let Some(file) = file {
                return Ok(std::fs::read_to_string(file.trim())?.trim().to_owned());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(format!("no admin key in the banner:\n{}", self.log()).into())
    }

    /// Waits until it says that it is ready; the time counts from the start of the process.
    pub fn wait_ready(&self, limit: Duration) -> Outcome<Duration> {
        let client = Client::new(&self.base, "");
        loop {
            let status = client.status("/health/ready");
            let elapsed = self.begun.elapsed();
            if status == Some(200) {
                return Ok(elapsed);
            }
            if elapsed > limit {
                let log = self.log();
                return Err(format!("not ready after {elapsed:?}: {status:?}\n{log}").into());
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The status of a process that has ended on its own.
    pub fn exited(&mut self) -> Outcome<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Kills it at once, as `kill -9` does, while others still talk to it.
    pub fn strike(&self) -> Outcome {
        Ok(kill_process(Pid::from_child(&self.child), Signal::KILL)?)
    }

    /// Kills it unless it is dead already, and returns its log.
    pub fn kill(mut self) -> Outcome<String> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(self.log())
    }

    /// Asks it to stop once it answers, and expects it to end well.
    pub fn stop(mut self) -> Outcome<String> {
        self.wait_ready(START_LIMIT)?;
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = self.wait(STOP_LIMIT)?;
        if status.is_some_and(|status| status.success()) {
            return Ok(self.log());
        }
        Err(format!("stopping gave {status:?}:\n{}", self.log()).into())
    }

    /// Waits for the end of the process.
    fn wait(&mut self, limit: Duration) -> Outcome<Option<ExitStatus>> {
        let begun = Instant::now();
        loop {
            let status = self.child.try_wait()?;
            if status.is_some() || begun.elapsed() > limit {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The story of a server that never listened.
    fn refused(mut self) -> Outcome<Refusal> {
        let status = self.wait(START_LIMIT.saturating_sub(self.begun.elapsed()))?;
        let elapsed = self.begun.elapsed();
        Ok(Refusal {
            status,
            stderr: self.log(),
            elapsed,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
