//! A server among few descriptors: what connections may take, and what is said about it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::client::connect_from;
use crate::support::process::{Server, after, raise_descriptors};
use crate::support::{Request, client, invitations};

/// `invited serve` on a new file, in a shell that first sets the limit of open files by `ulimit`.
fn limited(ulimit: &str, folder: &tempfile::TempDir) -> Command {
    let mut command = after(&format!("ulimit {ulimit}"));
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--database"])
        .arg(folder.path().join("invited.db"));
    command
}

/// Descriptors without which a server on this machine does not start: it has a worker for each
/// core.
fn fewest() -> usize {
    32 + 6 * std::thread::available_parallelism().map_or(1, usize::from) + 16
}

/// For how many connections `files` descriptors do.
pub fn room(files: usize) -> usize {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let spare = files - (fewest() - 16);
    ((spare - 80.min(spare / 2)) / workers).max(1) * workers
}

/// The soft and the hard limit of open files of a process.
fn limits_of(process: u32) -> (String, String) {
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).expect("its limits");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .expect("a limit");
    let mut words = line.split_whitespace().skip(3).map(str::to_owned);
    (
        words.next().expect("a soft limit"),
        words.next().expect("a hard limit"),
    )
}

#[test]
fn idle_connections_never_take_the_descriptors_that_writes_need() {
    raise_descriptors();
    for files in [fewest() + 4, 128, 256] {
        let (folder, began) = (tempfile::tempdir().expect("a folder"), Instant::now());
        let server = Server::spawn(&mut limited(&format!("-n {files}"), &folder));
        let key = server.admin_key().expect("an admin key");
        let path = format!("{}/batch", invitations("acme"));
        let mut kept = TcpStream::connect(server.address).expect("it accepts");
        let batch = |round| {
            let row = |number| {
                json!({"email": format!("{round}-{number}@b.co"), "role": "r",
                "metadata": {"x": "y".repeat(2_000)}})
            };
            let rows: Vec<_> = (0..100).map(row).collect();
            let body = json!({ "invitations": rows }).to_string();
            Request::kept(server.address, "POST", &path)
                .bearer(&key)
                .json(body)
                .bytes()
        };
        assert_eq!(client::answer_kept(&mut kept, &batch(0)).status, 200);
        let (live, start) = (server.request("GET", "/health/live"), Instant::now());
        for _ in 0..400 {
            assert_eq!(live.clone().send().status, 200);
        }
        let alone = start.elapsed();
        let mut idle: Vec<_> = (0..400_u16)
            .map(|number| {
                // Each from an address of its own: one address alone does not get all of them.
                let from: [u16; 4] = [127, 0, 1 + number / 200, 1 + number % 200];
                let mut stream = connect_from(
                    from.map(|part| part.try_into().expect("a byte")),
                    server.address,
                );
                stream
                    .write_all(&Request::kept(server.address, "GET", "/health/live").bytes())
                    .expect("it is sent");
                stream
            })
            .collect();
        // As many as there is room for beside the one that writes are answered, and stay.
        for stream in &mut idle[..room(files) - 1] {
            let mut first = [0; 12];
            stream.read_exact(&mut first).expect("an answer");
            assert_eq!(&first, b"HTTP/1.1 200");
        }
        for round in 1..10 {
            let answer = client::answer_kept(&mut kept, &batch(round));
            assert_eq!(
                answer.status,
                200,
                "{files} files, round {round}: {}",
                answer.text()
            );
        }
        drop(idle);
        let start = Instant::now();
        assert_eq!(server.request("GET", "/health/ready").send().status, 200);
        // Those that wait are before it in line: what so many take alone is nobody's fault.
        let (took, most) = (start.elapsed(), Duration::from_secs(2).max(alone * 3));
        assert!(took < most, "{files} files: {took:?} of {most:?}");
        drop(kept);
        server.signal("TERM");
        let (status, _, printed) = server.wait();
        assert_eq!(status.code(), Some(0));
        let told = printed
            .lines()
            .filter(|line| line.contains("connections are in use"))
            .count();
        let at_most = 1 + began.elapsed().as_secs() / 10;
        assert!(
            (1..=at_most).contains(&u64::try_from(told).expect("few")),
            "{files} files: {printed}"
        );
        assert!(
            !printed.contains("Error accepting"),
            "{files} files: {printed}"
        );
    }
}

#[test]
fn a_start_raises_the_soft_limit_to_the_hard_one() {
    raise_descriptors();
    for soft in [fewest() - 20, 100, 1_024] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::spawn(&mut limited(&format!("-Sn {soft}"), &folder));
        let (now, hard) = limits_of(server.child.id());
        assert_eq!(now, hard, "{soft}");
        assert_ne!(now, soft.to_string());
    }
}

#[test]
fn a_start_with_too_few_descriptors_says_how_many_it_needs() {
    for files in [20, 40, fewest() - 1] {
        let folder = tempfile::tempdir().expect("a folder");
        let output = limited(&format!("-n {files}"), &folder)
            .output()
            .expect("it runs");
        let printed = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{files}: {printed}");
        let needs = [
            format!("{files} files"),
            format!("at least {}", fewest()),
            "ulimit -n".to_owned(),
        ];
        assert!(needs.iter().all(|word| printed.contains(word)), "{printed}");
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("a folder").count(),
            0,
            "nothing is made"
        );
    }
}

#[test]
fn a_start_with_few_descriptors_says_for_how_many_connections_they_do() {
    for (files, warns) in [(fewest() + 4, true), (200, true), (2_000, false)] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = limited(&format!("-n {files}"), &folder);
        let server = Server::spawn(&mut command);
        server.signal("TERM");
        let banner = server.banner.join("\n");
        let (_, _, printed) = server.wait();
        let said = format!("{banner}\n{printed}").contains("connections at a time");
        assert_eq!(said, warns, "{files}: {banner}\n{printed}");
    }
}
