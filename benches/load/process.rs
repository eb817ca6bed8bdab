//! Programs that run beside the bench on the server's core: the real server, and the baselines.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::Result;
use crate::baseline::Baseline;
use crate::machine::Cores;

/// The real server.
const INVITED: &str = env!("CARGO_BIN_EXE_invited");
/// Clock ticks a second in which the kernel counts processor time.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running server; dropping it ends it.
pub struct Server {
    /// The process.
    child: Child,
    /// Where it answers.
    pub url: String,
    /// What runs where.
    pub cores: Cores,
    /// Whose paths it has, by the name in the script of the load.
    pub api: &'static str,
    /// The admin key, if it made one.
    pub key: Option<String>,
}

/// The key that a banner names: itself, or the file that has it.
fn key(told: &str) -> String {
    let key = std::fs::read_to_string(told);
    key.map_or_else(|_| told.to_owned(), |key| key.trim().to_owned())
}

impl Server {
    /// Starts the real server on `database` and waits until it listens. It has a worker for each
    /// of its cores, and sends mail where there is a port of a mail server.
    ///
    /// # Errors
    /// When it does not start.
    pub fn invited(database: &Path, cores: Cores, mail: Option<u16>) -> Result<Self> {
        let mut command = pinned(INVITED, cores);
        serve_on(&mut command, database);
        if let Some(port) = mail {
            command.args([
                "--mail-from",
                "invites@example.com",
                "--accept-url",
                "https://app.example.com/join",
            ]);
            command
                .arg("--smtp-url")
                .arg(format!("smtp://127.0.0.1:{port}?tls=none"));
        }
        let mut server = Self::start(&mut command, "curl")?;
        server.cores = cores;
        Ok(server)
    }

    /// Starts the real server on `database` under callgrind, which writes a file for each thread
    /// into the folder `counts` when the server ends.
    ///
    /// # Errors
    /// When it does not start.
    pub fn counted(database: &Path, counts: &Path) -> Result<Self> {
        let mut command = pinned("valgrind", Cores::ONE);
        let option = |name: &str, file: &str| format!("--{name}={}", counts.join(file).display());
        command
            .args(["--tool=callgrind", "--separate-threads=yes"])
            .arg(option("callgrind-out-file", "thread"))
            .arg(option("log-file", "valgrind.log"))
            .arg(INVITED);
        serve_on(&mut command, database);
        Self::start(&mut command, "curl")
    }

    /// Starts a baseline that is a server.
    ///
    /// # Errors
    /// When it does not start.
    pub fn baseline(baseline: Baseline, database: &Path) -> Result<Self> {
        Self::start(&mut this_program(baseline, database)?, "listening")
    }

    /// A running server that says nothing of itself.
    pub fn of_other(child: Child, url: String, api: &'static str) -> Self {
        Self {
            child,
            url,
            cores: Cores::ONE,
            api,
            key: None,
        }
    }

    /// Starts `command` and reads what it says of itself, up to the line that begins with `last`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(command: &mut Command, last: &str) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(child.stderr.take().ok_or("no pipe")?);
        let mut server = Self {
            child,
            url: String::new(),
            cores: Cores::ONE,
            api: "invited",
            key: None,
        };
        loop {
            let mut line = String::new();
            if said.read_line(&mut line)? == 0 {
                return Err("a server ended before it listened; what it said is above".into());
            }
            let (name, value) = line.trim().split_once("  ").unwrap_or((line.trim(), ""));
            match name {
                "listening" => server.url = value.trim().to_owned(),
                "admin key" => server.key = Some(key(value.trim())),
                _ if server.url.is_empty() && !name.starts_with("invited ") => eprint!("{line}"),
                _ => {}
            }
            if name.starts_with(last) {
                break;
            }
        }
        // Somebody must read on, or the server would wait for room in the pipe.
        std::thread::spawn(move || {
            for line in said
                .lines()
                .map_while(std::io::Result::ok)
                .filter(|line| !line.is_empty() && !line.contains(" INFO "))
            {
                eprintln!("{line}");
            }
        });
        Ok(server)
    }

    /// Asks the server to end, and waits until it has.
    ///
    /// # Errors
    /// When it fails.
    pub fn terminate(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        if self.child.wait()?.success() {
            Ok(())
        } else {
            Err("the server failed when it was to end".into())
        }
    }

    /// Processor time that the server has used, in seconds.
    ///
    /// # Errors
    /// When it does not run any more.
    pub fn cpu_seconds(&self) -> Result<f64> {
        cpu_seconds(&self.child.id().to_string())
    }

    /// A memory figure of the server in MiB: `VmRSS` now, `VmHWM` at most.
    ///
    /// # Errors
    /// When it does not run any more.
    pub fn memory_mib(&self, figure: &str) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'));
        let kib: f64 = line
            .ok_or("no such memory figure")?
            .trim()
            .trim_end_matches(" kB")
            .parse()?;
        Ok(kib / 1024.0)
    }

    /// Lets `VmHWM` start anew.
    ///
    /// # Errors
    /// When the kernel does not allow it.
    pub fn reset_peak_memory(&self) -> Result<()> {
        Ok(fs::write(
            format!("/proc/{}/clear_refs", self.child.id()),
            "5",
        )?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its file is a copy that is thrown away.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a baseline that is a loop for `seconds`; answers what it printed.
///
/// # Errors
/// When it fails.
pub fn run_loop(baseline: Baseline, database: &Path, seconds: u32) -> Result<String> {
    let mut command = this_program(baseline, database)?;
    let output = command
        .arg("--seconds")
        .arg(seconds.to_string())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("the baseline {baseline:?} failed").into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Processor time in seconds of the process `pid`, which may be `self`.
///
/// # Errors
/// When there is none.
pub fn cpu_seconds(pid: &str) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is a name in parentheses; of those behind it, the 12th and 13th are user and
    // system time.
    let (_, fields) = stat.rsplit_once(") ").ok_or("no process statistics")?;
    let ticks: Vec<f64> = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}

/// Lets `command` serve `database`, whatever this program's environment says.
fn serve_on(command: &mut Command, database: &Path) {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("INVITED_")) {
        command.env_remove(name);
    }
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--database"])
        .arg(database);
}

/// This program as a baseline.
fn this_program(baseline: Baseline, database: &Path) -> Result<Command> {
    let mut command = pinned(std::env::current_exe()?, Cores::ONE);
    command
        .arg("--baseline")
        .arg(baseline.name())
        .arg("--database")
        .arg(database);
    Ok(command)
}

/// A program on the server's cores.
pub fn pinned(program: impl AsRef<OsStr>, cores: Cores) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cores.server]).arg(program);
    command
}
