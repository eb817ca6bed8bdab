//! The places that a server is to listen on, taken together.

use super::{refusal, run_with};

/// What two places are named by, with a port that `--listen` and the other flag may share.
const FLAGS: [&str; 3] = ["--listen", "--metrics-listen", "--clickhouse-listen"];

#[test]
fn a_place_that_is_named_twice_is_refused_by_a_check_and_by_a_start_before_anything_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db").display().to_string();
    let cases = [
        ("127.0.0.1:8471", "127.0.0.1:8471"),
        ("127.0.0.1:8471", ":8471"),
        (":8471", "invites.example.com:8471"),
        ("localhost:8471", "127.0.0.1:8471"),
        ("[::1]:8471", "localhost:8471"),
    ];
    let twice = |one: &str, flag: &str, other: &str| {
        let words = ["--listen", one, flag, other, "--database", &database];
        let checked = run_with(&[&["config", "check"], &words[..]].concat(), &[]);
        let checked = String::from_utf8(checked.stdout).expect("text");
        let started = refusal(&[&["serve"], &words[..]].concat(), &[]);
        for said in [&checked, &started] {
            assert!(said.contains("to be listened on"), "{words:?}: {said}");
            assert!(said.contains(one), "{words:?}: {said}");
        }
    };
    for (one, other) in cases {
        for flag in FLAGS {
            twice(one, flag, other);
        }
    }
    twice("unix:/run/i.sock", "--listen", "unix:/run/i.sock?mode=600");
    twice("systemd:api", "--listen", "systemd:api");
    let long = format!("unix:/{}", "x".repeat(107));
    let told = refusal(&["serve", "--listen", &long, "--database", &database], &[]);
    assert!(told.contains("room for 107 bytes"), "{told}");
    let made = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(made, 0);
}

#[test]
fn places_that_differ_are_fine_and_so_are_two_of_any_port() {
    for [one, other] in [
        ["127.0.0.1:0", "127.0.0.1:0"],
        [":0", "127.0.0.1:0"],
        ["127.0.0.1:8471", "[::1]:8471"],
        ["127.0.0.1:8471", "127.0.0.1:8472"],
        ["localhost:8471", "invites.example.com:8471"],
        ["unix:/run/i.sock", "unix:/run/j.sock"],
        ["systemd:", "systemd:api"],
    ] {
        let words = ["config", "check", "--listen", one, "--listen", other];
        let output = run_with(&words, &[]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}
