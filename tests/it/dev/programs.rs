//! What a server for development is to programs: a line of JSON, a port file, a command beside it.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Request;
use crate::support::process::{invited, run, signal, wait_unread, wrapped};

/// `invited dev` on a free port, with `words` besides.
fn dev(words: &[&str]) -> Command {
    let mut command = invited();
    command
        .args(["dev", "--port", "0", "--quiet"])
        .args(words)
        .stdin(Stdio::null());
    command
}

/// A server of [`dev`] that is ready, and what it says of itself.
fn ready(words: &[&str]) -> (Child, Value) {
    let mut command = dev(&[&["--json"], words].concat());
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    stdout.read_line(&mut line).expect("it is text");
    child.stdout = Some(stdout.into_inner());
    (child, serde_json::from_str(&line).expect("JSON"))
}

/// What a command printed.
fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits until `is_so`, for a minute.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_mins(1), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether the process whose id is in `file` is there, and no zombie.
fn lives(file: &Path) -> bool {
    let Ok(id) = std::fs::read_to_string(file) else {
        return false;
    };
    let state = std::fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
    let state = state.rsplit(')').next().unwrap_or_default().trim_start();
    !state.is_empty() && !state.starts_with('Z')
}

#[test]
fn one_line_of_json_says_all_that_a_program_needs() {
    let (mut child, told) = ready(&[]);
    let url = told["url"].as_str().expect("a URL");
    let address = url.trim_start_matches("http://").parse().expect("a port");
    assert_eq!(
        told["port"],
        url.rsplit(':')
            .next()
            .and_then(|port| port.parse::<u16>().ok())
            .expect("a port")
    );
    for (name, path) in [
        ("apiUrl", "/v1"),
        ("consoleUrl", "/console"),
        ("mailboxUrl", "/dev/mailbox"),
    ] {
        assert_eq!(told[name], format!("{url}{path}"), "{name}");
    }
    assert_eq!(told["pid"], child.id());
    assert_eq!(told["version"], env!("CARGO_PKG_VERSION"));
    assert!(Path::new(told["dataFile"].as_str().expect("a path")).exists());
    assert_eq!(
        Request::new(address, "GET", "/dev/mailbox").send().status,
        200
    );
    signal(&child, "TERM");
    let mut rest = String::new();
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_to_string(&mut rest).expect("it is text");
    assert_eq!(rest, "", "one line, and nothing else");
    assert_eq!(wait_unread(&mut child).0.code(), Some(0));
}

#[test]
fn the_key_that_is_told_may_do_everything_and_comes_back_with_a_reset_and_a_seed() {
    let (mut child, told) = ready(&[]);
    let url = told["url"].as_str().expect("a URL");
    let address = url.trim_start_matches("http://").parse().expect("a port");
    let key = told["key"].as_str().expect("a key");
    let keys = || Request::new(address, "GET", "/v1/keys").bearer(key).send();
    assert_eq!(keys().status, 200);
    for (path, body) in [
        ("/dev/reset", "{}"),
        ("/dev/seed", r#"{"organizations":[]}"#),
    ] {
        let answer = Request::new(address, "POST", path).json(body).send();
        assert!(answer.status < 300, "{path}: {}", answer.text());
        let listed = keys();
        assert_eq!(listed.status, 200, "{path}");
        assert_eq!(listed.json()[0]["name"], "dev");
        assert_eq!(listed.json().as_array().map(Vec::len), Some(1), "{path}");
    }
    signal(&child, "INT");
    assert_eq!(wait_unread(&mut child).0.code(), Some(0));
}

#[test]
fn a_port_file_is_there_as_long_as_the_server_listens() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("port");
    let word = file.to_string_lossy().into_owned();
    std::fs::write(&file, "1\n").expect("a server that was killed leaves one");
    let (mut child, told) = ready(&["--port-file", &word]);
    let written = std::fs::read_to_string(&file).expect("it is there");
    assert_eq!(written, format!("{}\n", told["port"]));
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        1
    );
    signal(&child, "TERM");
    assert_eq!(wait_unread(&mut child).0.code(), Some(0));
    assert!(!file.exists());
}

#[test]
fn a_port_file_that_another_server_wrote_meanwhile_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("port");
    let word = file.to_string_lossy().into_owned();
    let (mut first, _) = ready(&["--port-file", &word]);
    let (mut second, told) = ready(&["--port-file", &word]);
    signal(&first, "TERM");
    wait_unread(&mut first);
    let written = std::fs::read_to_string(&file).expect("it is there");
    assert_eq!(written, format!("{}\n", told["port"]));
    signal(&second, "TERM");
    wait_unread(&mut second);
    assert!(!file.exists());
}

#[test]
fn a_port_file_takes_the_place_of_nothing_else_and_of_no_server_that_listens() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::write(at("notes"), "buy milk\n").expect("it is written");
    for place in [at("notes"), folder.path().to_string_lossy().into_owned()] {
        let refused = run(&["dev", "--port", "0", "--port-file", &place]);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("is there, and has no port"), "{said}");
    }
    let notes = std::fs::read_to_string(at("notes")).expect("it is there");
    assert_eq!(notes, "buy milk\n");
    let (mut child, told) = ready(&["--port-file", &at("port")]);
    let port = told["port"].to_string();
    let refused = run(&["dev", "--port", &port, "--port-file", &at("port")]);
    assert_eq!(refused.status.code(), Some(1));
    let written = std::fs::read_to_string(at("port")).expect("it is there");
    assert_eq!(written.trim(), port);
    signal(&child, "TERM");
    wait_unread(&mut child);
}

#[test]
fn a_data_file_that_stays_gets_no_key_for_programs() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder
        .path()
        .join("invited.db")
        .to_string_lossy()
        .into_owned();
    let (mut child, told) = ready(&["--database", &file]);
    assert_eq!(told["key"], Value::Null);
    signal(&child, "TERM");
    wait_unread(&mut child);
    let listed = run(&["key", "list", "--database", &file]);
    assert!(listed.status.success(), "{}", printed(&listed));
    assert!(!printed(&listed).contains("live"), "{}", printed(&listed));
}

#[test]
fn a_port_file_that_cannot_be_or_has_no_port_keeps_the_server_from_starting() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let socket = format!("unix:{}", at("socket"));
    for (words, code, reason) in [
        (
            vec!["--port", "0", "--port-file", &at("missing/port")],
            1,
            "--port-file",
        ),
        (
            vec!["--listen", &socket, "--port-file", &at("port")],
            2,
            "--listen has none",
        ),
    ] {
        let output = run(&[&["dev", "--quiet"][..], &words].concat());
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.contains(reason), "{told}");
    }
    assert!(!folder.path().join("port").exists());
}

#[test]
fn a_command_finds_the_server_in_its_environment_and_its_exit_code_is_that_of_dev() {
    let script = "printf '%s %s %s %s ' $INVITED_URL $INVITED_API_URL $INVITED_MAILBOX_URL \
        $INVITED_CONSOLE_URL; echo $INVITED_KEY; exit 7";
    let output = dev(&["--", "sh", "-c", script]).output().expect("it runs");
    let printed = printed(&output);
    let words: Vec<_> = printed.split_whitespace().collect();
    let url = words[0];
    assert!(url.starts_with("http://127.0.0.1:"), "{printed}");
    let expected = ["/v1", "/dev/mailbox", "/console"].map(|path| format!("{url}{path}"));
    assert_eq!(words[1..4], expected);
    assert!(words[4].starts_with("ivk_"), "{printed}");
    assert_eq!(output.status.code(), Some(7));
}

#[test]
fn a_command_that_ends_by_a_signal_or_cannot_be_run_is_told_as_by_a_shell() {
    let folder = tempfile::tempdir().expect("a folder");
    let no_program = folder.path().join("text").to_string_lossy().into_owned();
    std::fs::write(&no_program, "text").expect("it is written");
    for (command, code) in [
        (vec!["true"], 0),
        (vec!["sh", "-c", "kill -s KILL $$"], 128 + 9),
        (vec!["sh", "-c", "kill -s TERM $$"], 128 + 15),
        (vec!["no-such-program"], 127),
        (vec![no_program.as_str()], 126),
    ] {
        let output = dev(&["--"]).args(&command).output().expect("it runs");
        assert_eq!(output.status.code(), Some(code), "{command:?}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            told.contains("cannot run"),
            code == 126 || code == 127,
            "{told}"
        );
    }
}

#[test]
fn signals_are_passed_on_and_the_server_answers_until_the_command_has_ended() {
    for name in ["TERM", "INT", "HUP"] {
        let folder = tempfile::tempdir().expect("a folder");
        let told = folder.path().join("told");
        let script = format!(
            "trap 'echo {name} $INVITED_URL > $0.new; mv $0.new $0; \
             while ! [ -e $0.end ]; do sleep 0.05; done; exit 5' {name}; \
             touch $0.ready; while :; do sleep 0.05; done"
        );
        // What ignores a signal from its start on passes none on: the tests may run so.
        let mut command = wrapped("env", &["--default-signal"]);
        let child = command
            .args(["dev", "--port", "0", "--quiet", "--", "sh", "-c", &script])
            .arg(&told)
            .stdin(Stdio::null())
            .spawn();
        let mut child = child.expect("it starts");
        wait_until("the command runs", || told.with_extension("ready").exists());
        signal(&child, name);
        wait_until("the signal is passed on", || told.exists());
        let text = std::fs::read_to_string(&told).expect("it is written");
        let (_, url) = text.trim().split_once(' ').expect("two words");
        let address = url.trim_start_matches("http://").parse().expect("a port");
        assert_eq!(
            Request::new(address, "GET", "/health/live").send().status,
            200
        );
        std::fs::write(told.with_extension("end"), "").expect("it is written");
        assert_eq!(wait_unread(&mut child).0.code(), Some(5), "{name}");
    }
}

/// A command that starts another one, which never ends, and writes the id of that into its first
/// word. It ends itself once there is a file of that name with `.end`.
const WITH_A_CHILD: &str = "sh -c 'trap \"\" HUP; while :; do sleep 0.05; done' & \
    echo $! > $0.new; mv $0.new $0; while ! [ -e $0.end ]; do sleep 0.05; done";

#[test]
fn what_a_command_leaves_behind_ends_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("id");
    let mut command = dev(&["--", "sh", "-c", WITH_A_CHILD]);
    let mut child = command.arg(&file).spawn().expect("it starts");
    wait_until("the command runs", || lives(&file));
    std::fs::write(file.with_extension("end"), "").expect("it is written");
    assert_eq!(wait_unread(&mut child).0.code(), Some(0));
    assert!(!lives(&file));
}

#[test]
fn a_server_that_is_killed_takes_its_command_along() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("id");
    let mut command = dev(&["--", "sh", "-c", WITH_A_CHILD]);
    let mut child = command.arg(&file).spawn().expect("it starts");
    wait_until("the command runs", || lives(&file));
    signal(&child, "KILL");
    assert_eq!(wait_unread(&mut child).0.signal(), Some(9));
    wait_until("the command is gone", || !lives(&file));
}

#[test]
fn a_quiet_server_says_nothing_and_a_command_has_one_line_before_it() {
    // In the common one it would tell of folders that killed servers have left.
    let temporary = tempfile::tempdir().expect("a folder");
    let mut quiet = dev(&["--", "true"]);
    let quiet = quiet.env("TMPDIR", temporary.path()).output();
    assert_eq!(String::from_utf8_lossy(&quiet.expect("it runs").stderr), "");
    let mut loud = invited();
    let output = loud
        .args(["dev", "--port", "0", "--", "true"])
        .env("TMPDIR", temporary.path())
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    let first = told.lines().next().unwrap_or_default();
    assert!(first.contains(" listens on http://127.0.0.1:"), "{told}");
    assert!(!told.contains("curl "), "{told}");
}

#[test]
fn a_port_and_a_place_to_listen_on_are_not_given_at_once() {
    let output = run(&["dev", "--port", "0", "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(run(&["serve", "--port", "0"]).status.code(), Some(2));
}
