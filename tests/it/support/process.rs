//! The binary as a process: started, read, signalled.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::client::Request;
use super::log_gate;

/// The binary, without the settings of whoever runs the tests.
pub fn invited() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_invited"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("INVITED_")) {
        command.env_remove(name);
    }
    command
}

/// `binary` started by a shell that first runs `before`, as `ulimit -n 64`.
pub fn after(before: &str) -> Command {
    wrapped("sh", &["-c", &format!("{before}; exec \"$0\" \"$@\"")])
}

/// The binary started by `program` with `words`, as `nohup` does.
pub fn wrapped(program: &str, words: &[&str]) -> Command {
    let binary = invited();
    let mut command = Command::new(program);
    for (name, _) in binary.get_envs() {
        command.env_remove(name);
    }
    command.args(words).arg(binary.get_program());
    command
}

/// Lets this process open as many files as the system admits: some tests hold a thousand
/// connections.
pub fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )
    .expect("the limit is raised");
}

/// Says that a part of a test cannot run on this machine, and why.
pub fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}");
}

/// Shows a figure that a test has measured.
pub fn measured(what: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "measured: {what}");
}

/// Sends a process a signal by name, as `TERM`.
pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status();
    assert!(status.expect("kill runs").success());
}

/// Runs a command to its end.
pub fn run(words: &[&str]) -> Output {
    invited()
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

/// A server that runs as a process.
pub struct Server {
    /// The process.
    pub child: Child,
    /// The first address with a port that it listens on; one that nobody has: there is none.
    pub address: SocketAddr,
    /// The lines of its banner.
    pub banner: Vec<String>,
    /// What it prints after its banner.
    rest: Rest,
}

/// What a server prints after its banner.
enum Rest {
    /// Nobody has read it yet: the test has said what is logged.
    Unread(BufReader<ChildStderr>),
    /// A thread reads it, all that can be logged.
    Read(JoinHandle<String>),
    /// It was given out.
    Gone,
}

impl Rest {
    /// Whether all of it was read soon after the end of the server. What a server has started may
    /// hold its stderr for longer.
    fn has_ended(&self) -> bool {
        let start = Instant::now();
        while let Self::Read(thread) = self
            && !thread.is_finished()
        {
            if start.elapsed() > Duration::from_secs(1) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// All of it, without what only the gate has asked for. The process must end, or have ended.
    fn read(&mut self) -> String {
        let all = match std::mem::replace(self, Self::Gone) {
            Self::Unread(rest) => read_all(rest, true),
            Self::Read(thread) => {
                let all = thread.join().expect("stderr was read");
                let asked = all.lines().filter(|line| !is_detail(line));
                asked.flat_map(|line| [line, "\n"]).collect()
            }
            Self::Gone => String::new(),
        };
        log_gate::check();
        all
    }
}

/// Whether `line` is one of the log that only the gate has asked for.
fn is_detail(line: &str) -> bool {
    ["DEBUG", "TRACE"].iter().any(|level| {
        line.get(26..26 + level.len()) == Some(level)
            || line.contains(&format!(r#""level":"{level}""#))
    })
}

/// Reads what a server prints, to its end. The gate looks at it, unless a test has asked for the
/// addresses of clients.
fn read_all(mut rest: impl Read, is_masked: bool) -> String {
    let mut printed = Vec::new();
    rest.read_to_end(&mut printed).expect("stderr reads");
    let printed = String::from_utf8(printed).expect("text");
    // A kill may leave a part of a line.
    let whole = printed.rfind('\n').map_or("", |end| &printed[..end]);
    if is_masked {
        log_gate::look_through(whole);
    }
    printed
}

impl Server {
    /// Starts `invited serve` on the file `database`.
    pub fn serve(database: &Path) -> Self {
        Self::start(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--database",
            &database.to_string_lossy(),
        ])
    }

    /// Starts the binary with `words`, and reads its banner.
    pub fn start(words: &[&str]) -> Self {
        Self::spawn(invited().args(words))
    }

    /// Starts `command`, and reads its banner.
    pub fn spawn(command: &mut Command) -> Self {
        Self::spawn_kept(command.stdin(Stdio::null()))
    }

    /// [`Server::spawn`] with the stdin that `command` has.
    pub fn spawn_kept(command: &mut Command) -> Self {
        let is_asked = command.get_args().any(|word| word == "--log")
            || command
                .get_envs()
                .any(|(name, value)| name == "INVITED_LOG" && value.is_some());
        if !is_asked {
            command.env("INVITED_LOG", "trace");
        }
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let mut rest = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut banner = Vec::new();
        let is_last = |line: &String| {
            line.trim_start().starts_with("curl ") || line.contains(r#""message":"listening""#)
        };
        while !banner.last().is_some_and(is_last) {
            let mut line = String::new();
            assert_ne!(
                rest.read_line(&mut line).expect("stderr reads"),
                0,
                "it ended: {banner:?}"
            );
            if is_asked || !is_detail(&line) {
                banner.push(line.trim_end().to_owned());
            } else {
                log_gate::look_through(&line);
            }
        }
        let is_masked = !command.get_args().any(|word| word == "full");
        let mut words = command.get_args().skip_while(|word| *word != "--database");
        if let Some(database) = words.nth(1) {
            log_gate::remember_file(&Path::new(database).with_added_extension("secret"));
        }
        let mut urls = banner.iter().filter_map(|line| line.split("://").nth(1));
        let address = urls.find_map(|url| url.parse().ok());
        let address = address.or_else(|| {
            let url = url_of_record(banner.last()?)?;
            url.split("://").nth(1)?.parse().ok()
        });
        let address = address.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)));
        Self {
            child,
            address,
            banner,
            rest: if is_asked {
                Rest::Unread(rest)
            } else {
                Rest::Read(std::thread::spawn(move || read_all(rest, is_masked)))
            },
        }
    }

    /// The value of a line of the banner.
    pub fn banner_value(&self, name: &str) -> Option<String> {
        value(&self.banner, name)
    }

    /// The admin key, if this start made the first one: where no terminal shows it, it is in a file.
    pub fn admin_key(&self) -> Option<String> {
        let file = self.banner_value("admin key")?;
        let key = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        Some(key.trim().to_owned())
    }

    /// A request to it.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(self.address, method, path)
    }

    /// Sends it a signal by name, as `TERM`.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits for its end without reading what it prints. Returns how it ended, and how long that
    /// took.
    pub fn wait_unread(&mut self) -> (ExitStatus, Duration) {
        wait_unread(&mut self.child)
    }

    /// Waits for its end; answers how it ended, how long that took, and what it printed after its
    /// banner.
    pub fn wait(mut self) -> (ExitStatus, Duration, String) {
        let (child, rest) = (&mut self.child, &mut self.rest);
        std::thread::scope(|scope| {
            // Whoever prints more than a pipe holds ends only when it is read.
            let reading = scope.spawn(|| rest.read());
            let (status, took) = wait_unread(child);
            (status, took, reading.join().expect("stderr was read"))
        })
    }
}

/// Waits for the end of `child`, for 30 seconds. Returns how it ended, and how long that took.
pub fn wait_unread(child: &mut Child) -> (ExitStatus, Duration) {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            return (status, start.elapsed());
        }
        if start.elapsed() > Duration::from_secs(30) {
            let _ = child.kill();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() && self.rest.has_ended() {
            self.rest.read();
        }
    }
}

/// The URL in the record that a server with a log for programs begins with.
fn url_of_record(line: &str) -> Option<String> {
    let record: serde_json::Value = serde_json::from_str(line).ok()?;
    record["url"].as_str().map(str::to_owned)
}

/// The value behind `name` in a banner.
fn value(banner: &[String], name: &str) -> Option<String> {
    banner
        .iter()
        .find_map(|line| line.trim_start().strip_prefix(name))
        .map(|value| value.trim().to_owned())
}
