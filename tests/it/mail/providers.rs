//! What providers post of mail that came back, and the programs of the guide for it.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::bounces::report;
use crate::support::TestApp;
use crate::support::process::skipped;

/// Runs a program of the guide on what a provider posted. None where there is no jq.
fn run_jq(program: &str, posted: &str, options: &[&str]) -> Option<Vec<Value>> {
    let mut jq = Command::new("jq")
        .args(options)
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = jq.stdin.take().expect("a pipe");
    input.write_all(posted.as_bytes()).expect("it reads");
    drop(input);
    let output = jq.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{program}");
    let lines = String::from_utf8(output.stdout).expect("text");
    Some(
        lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect(),
    )
}

#[test]
fn the_programs_of_the_guide_make_bounces_of_what_providers_post() {
    let guide = include_str!("../../../docs/mail.md");
    let programs: Vec<_> = guide
        .split("```jq\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(programs.len(), 5);
    let (app, planned) = (TestApp::serve(), "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f");
    for (program, posted, options, delivery) in [
        (
            0,
            include_str!("providers/ses_sns.json"),
            &[][..],
            "bounced",
        ),
        (0, include_str!("providers/ses_event.json"), &[], "none"),
        (1, include_str!("providers/sendgrid.json"), &[], "bounced"),
        (2, include_str!("providers/mailgun.json"), &[], "bounced"),
        (
            3,
            include_str!("providers/postmark.json"),
            &["--argjson", "invitations"],
            "bounced",
        ),
        (
            4,
            include_str!("providers/postfix.txt"),
            &["-Rs"],
            "bounced",
        ),
    ] {
        let email = format!("p{}@example.com", app.contents()["invitation"].len());
        let made = app.invite("acme", &email);
        let posted = posted.replace(planned, made["id"].as_str().expect("an id"));
        let list = app.get(&format!(
            "/v1/invitations?email={}",
            email.replace('@', "%40")
        ));
        let list = list.text();
        let mut options = options.to_vec();
        if program == 3 {
            options.push(&list);
        }
        let Some(bodies) = run_jq(programs[program], &posted, &options) else {
            skipped("the programs of the guide: there is no jq");
            return;
        };
        assert_eq!(bodies.len(), 1, "{posted}");
        let answer = report(&app, &bodies[0]);
        assert_eq!(answer.status, 200, "{}: {}", bodies[0], answer.text());
        let shown = app.look(&made);
        assert_eq!(shown["delivery"], delivery, "{posted}");
        let why = shown["deliveryError"].as_str().unwrap_or_default();
        assert!(why.contains("5.1.1") || why == "MailboxFull", "{why}");
    }
}
