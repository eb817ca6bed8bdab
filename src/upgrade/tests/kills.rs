//! R15: whenever an upgrade is killed, the file is of one version, and the next start goes on.

use std::io::{BufRead, BufReader, Lines, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

/// How many kills have to come while the upgrade runs.
const KILLS: usize = 30;
/// How many of them have to find the file in each of its states.
const IN_EACH_STATE: usize = 3;
/// How many kills there may be for that. One that comes behind the end does not count.
const TRIES: usize = 300;
/// By how much a kill that is aimed behind the last commit comes earlier or later than one that
/// missed it. What is there is a small part of the last stage.
const CLOSER: f64 = 1.05;
/// What the upgrade says before it begins. Then it names each step before that.
const BEGUN: &str = "begun";
/// What the upgrade says at its end.
const DONE: &str = "done";

/// An upgrade in a process of its own.
struct Upgrade {
    /// The process.
    child: Child,
    /// What it says.
    lines: Lines<BufReader<ChildStderr>>,
}

impl Upgrade {
    /// Runs the test of this file as a program that brings the file at `path` up to date.
    fn start(path: &Path) -> Self {
        let test = "upgrade::tests::kills::whenever_it_is_killed_the_file_is_of_one_version_and_the_next_start_goes_on";
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        let command = command.args(["--exact", test]).env(CHILD, path);
        let command = command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let said = child.stderr.take().expect("a pipe");
        let lines = BufReader::new(said).lines();
        Self { child, lines }
    }

    /// What it says next.
    fn line(&mut self) -> String {
        let line = self.lines.next().expect("it says something");
        line.expect("text")
    }

    /// How long it takes from each line to the next one, if nobody kills it.
    fn stages(mut self) -> Vec<Duration> {
        let (mut stages, mut last) = (Vec::new(), None);
        loop {
            let line = self.line();
            let now = Instant::now();
            stages.extend(last.replace(now).map(|last| now - last));
            if line == DONE {
                assert!(self.child.wait().expect("it ends").success());
                return stages;
            }
        }
    }

    /// Kills it so long after the first line of a stage. Returns whether it ran still.
    fn kill(mut self, stage: usize, delay: Duration) -> bool {
        for _ in 0..=stage {
            self.line();
        }
        std::thread::sleep(delay);
        self.child.kill().expect("it is killed");
        let status = self.child.wait().expect("it ends");
        assert!(status.success() || status.signal() == Some(9), "{status}");
        self.lines.all(|line| line.expect("whole lines") != DONE)
    }
}

/// Brings the file at `path` up to date, and says how far it is.
fn bring_up_aloud(path: &Path) {
    let say = |line: &str| {
        // What is written here is not held back, as `eprintln` is in a test.
        writeln!(std::io::stderr(), "{line}").expect("somebody listens");
    };
    say(BEGUN);
    let done = migrate(path, LATER, &mut |step| {
        if let Step::Migrating(name) = step {
            say(name);
        }
    });
    done.expect("it works");
    say(DONE);
}

/// Copies a file with its log.
fn copy(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        fs::copy(beside(from, suffix), beside(to, suffix)).expect("a copy");
    }
}

/// What the file may hold: as it was, behind the first step, and behind both.
fn states(original: &Path) -> [(u32, String); 3] {
    let whole = original.with_file_name("whole.db");
    copy(original, &whole);
    [1, 2, 3].map(|steps| {
        bring_up(&whole, Migrations(&LATER.0[..steps])).expect("it works");
        contents(&whole)
    })
}

/// How long each stage takes: the shortest of a few runs, since a machine that is busy for a moment
/// must not put the kills behind the end.
fn shortest_stages(original: &Path) -> Vec<Duration> {
    let timed = |round| {
        let path = original.with_file_name(format!("timed{round}.db"));
        copy(original, &path);
        Upgrade::start(&path).stages()
    };
    let runs: Vec<_> = (0..3).map(timed).collect();
    let shortest = |stage| runs.iter().map(|run| run[stage]).min().expect("three");
    (0..runs[0].len()).map(shortest).collect()
}

#[test]
fn whenever_it_is_killed_the_file_is_of_one_version_and_the_next_start_goes_on() {
    if let Some(path) = std::env::var_os(CHILD) {
        bring_up_aloud(Path::new(&path));
        return;
    }
    let (folder, original) = first();
    let (states, stages) = (states(&original), shortest_stages(&original));
    assert_eq!(stages.len(), 3, "the copy, and both steps");
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut found_in = [0; 3];
    // The share of the last stage after which its commit is over. A machine that is busy moves it.
    let mut aim = 1.0;
    for round in 0.. {
        let is_each_found = found_in.iter().all(|kills| *kills >= IN_EACH_STATE);
        if is_each_found && found_in.iter().sum::<usize>() >= KILLS {
            break;
        }
        let told = format!("round {round}, seed {seed}, kills by state {found_in:?}");
        assert!(round < TRIES, "{told}: too few came while it ran");
        let path = folder.path().join(format!("{round}.db"));
        copy(&original, &path);
        // Every moment of each stage, and then what is behind the last commit.
        let is_aimed = round % 4 == 3;
        let stage = if is_aimed { 2 } else { round % 4 };
        let share = if is_aimed { aim } else { random.f64() };
        let was_killed = Upgrade::start(&path).kill(stage, stages[stage].mul_f64(share));
        let found = contents(&path);
        let state = states.iter().position(|state| *state == found);
        let state = state.unwrap_or_else(|| panic!("{told}: version {}", found.0));
        found_in[state] += usize::from(was_killed);
        match (is_aimed, was_killed, state) {
            (true, false, _) => aim /= CLOSER,
            (true, true, 0 | 1) => aim *= CLOSER,
            _ => {}
        }
        let kept = beside(&path, ".before-schema-2");
        assert!(kept.exists() || state == 0, "{told}: no copy");
        bring_up(&path, LATER).unwrap_or_else(|failure| panic!("{told}: {failure}"));
        assert_eq!(contents(&path), states[2], "{told}");
        assert_eq!(contents(&kept), states[0], "{told}");
        let names = names_beside(&path).into_iter();
        let parts: Vec<_> = names.filter(|name| name.ends_with(".part")).collect();
        assert_eq!(parts, Vec::<String>::new(), "{told}");
    }
}
