//! How it ends, and how it finds its server, where a runner is around it.

use std::io::BufReader;
use std::process::Stdio;
use std::time::Duration;

use super::scripted::Scripted;
use super::{Listening, read_line, url, willing};
use crate::support::process::{invited, signal};

#[test]
fn a_second_signal_right_behind_the_first_one_changes_nothing() {
    for pause in [0, 5, 300] {
        let server = Scripted::start(|asked| match &*asked.line {
            "POST /v1/webhooks" => (
                201,
                r#"{"id":"hook-1","secret":"whsec_c2VjcmV0","url":"x"}"#.to_owned(),
            ),
            _ => {
                std::thread::sleep(Duration::from_millis(600));
                (204, String::new())
            }
        });
        let listening = Listening::start(&url(&server), "http://127.0.0.1:9/", &[]);
        server.next();
        signal(&listening.child, "INT");
        std::thread::sleep(Duration::from_millis(pause));
        assert_eq!(listening.stop("INT"), (Some(0), String::new()), "{pause}");
        assert_eq!(server.next().line, "DELETE /v1/webhooks/hook-1");
    }
}

#[test]
fn beside_a_server_for_development_its_environment_names_the_server() {
    let server = willing();
    let mut child = invited()
        .args(["webhook", "listen", "--forward-to", "http://127.0.0.1:9/"])
        .env("INVITED_URL", url(&server))
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    assert_eq!(server.next().line, "POST /v1/webhooks");
    let mut printed = BufReader::new(child.stdout.take().expect("a pipe"));
    assert!(read_line(&mut printed).starts_with("listening"));
    signal(&child, "TERM");
    assert!(child.wait().expect("it ends").success());
}
