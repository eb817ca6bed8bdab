//! The binary as a process: started, read, signalled.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use super::client::Request;

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
    rest: BufReader<std::process::ChildStderr>,
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
            banner.push(line.trim_end().to_owned());
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
            rest,
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
        let status = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
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
            let reading = scope.spawn(|| {
                let mut printed = String::new();
                rest.read_to_string(&mut printed).expect("stderr reads");
                printed
            });
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
