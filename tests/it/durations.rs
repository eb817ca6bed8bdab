//! One rule for lengths of time, wherever one is given.

use serde_json::json;

use crate::support::process::{invited, run};
use crate::support::{TestApp, invitations};
use invited::base::mode::Mode;

/// What is said of a text that is none.
const FORMS: &str = "a length of time, as 90s, 10m, 12h or 8d, or whole seconds";
/// The same length of time.
const SAME: [&str; 4] = ["5400", "5400s", "90m", "1h 30m"];
/// What is no length of time.
const WRONG: [&str; 4] = ["5x", "-5", "1.5", "five"];

/// The settings that are lengths of time.
const SETTINGS: [&str; 5] = [
    "default-expiry",
    "resend-cooldown",
    "remind-before",
    "backup-every",
    "oidc-max-age",
];

#[test]
fn a_setting_takes_each_form_by_flag_by_variable_and_by_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("invited.toml");
    for key in SETTINGS {
        let variable = format!("INVITED_{}", key.replace('-', "_").to_uppercase());
        for (text, is_right) in SAME
            .map(|text| (text, true))
            .into_iter()
            .chain(WRONG.map(|text| (text, false)))
        {
            std::fs::write(&file, format!("{key} = \"{text}\"\n")).expect("it is written");
            let check = || {
                let mut command = invited();
                command.args(["config", "check"]);
                command
            };
            let by_flag = check().arg(format!("--{key}={text}")).output();
            let by_variable = check().env(&variable, text).output();
            let by_file = check().arg("--config").arg(&file).output();
            for output in [by_flag, by_variable, by_file] {
                let output = output.expect("it runs");
                let told = [output.stdout, output.stderr].concat();
                let told = String::from_utf8_lossy(&told);
                assert_eq!(told.contains(FORMS), !is_right, "{key} {text}: {told}");
                assert!(
                    is_right || output.status.code() == Some(2),
                    "{key} {text}: {told}"
                );
            }
        }
        std::fs::write(&file, format!("{key} = 5400\n")).expect("it is written");
        let number = invited()
            .args(["config", "show", "--config"])
            .arg(&file)
            .output();
        let shown = String::from_utf8_lossy(&number.expect("it runs").stdout).into_owned();
        assert!(shown.contains("5400"), "{key}: {shown}");
    }
}

#[test]
fn a_command_takes_each_form() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("none.db").to_string_lossy().into_owned();
    let commands: [&[&str]; 3] = [
        &[
            "key",
            "create",
            "--name",
            "x",
            "--scope",
            "admin",
            "--database",
            &file,
            "--expires-in",
        ],
        &["secret", "rotate", "--database", &file, "--keep-old"],
        &["healthcheck", "--url", "http://127.0.0.1:9", "--wait"],
    ];
    for command in commands {
        let told = |text: &str| {
            let words = [command, &[text]].concat();
            let output = run(&words);
            (
                output.status.code(),
                String::from_utf8_lossy(&output.stderr).into_owned(),
            )
        };
        // A wait is as long as it says: none is as good a form as any.
        let right = if command[0] == "healthcheck" {
            ["0", "0s", "0m", "1ms"]
        } else {
            SAME
        };
        for text in right {
            // There is no such file, and nobody there.
            let (code, told) = told(text);
            assert_eq!(code, Some(1), "{command:?} {text}: {told}");
        }
        for text in WRONG {
            let word = format!("{}={text}", command[command.len() - 1]);
            let output = run(&[&command[..command.len() - 1], &[&word]].concat());
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.code() == Some(2) && told.contains(FORMS),
                "{word}: {told}"
            );
        }
    }
}

#[test]
fn a_query_and_a_body_take_each_form() {
    let app = TestApp::start(Mode::Dev, &[]);
    for text in ["0", "0s", "1", "1s", "0m"] {
        let answer = app.get(&format!("/dev/mailbox?wait={text}"));
        assert_eq!(answer.status, 200, "{text}: {}", answer.text());
    }
    let lengths = SAME
        .map(|text| json!(text))
        .into_iter()
        .chain([json!(5400)]);
    for length in lengths {
        app.post("/dev/clock", r#"{"set":"2026-12-01T00:00:00Z"}"#);
        let advanced = app.post("/dev/clock", &json!({"advance": length}).to_string());
        assert_eq!(
            advanced.json()["now"],
            "2026-12-01T01:30:00.000Z",
            "{length}"
        );
        let invitation = json!({"email": "a@b.co", "role": "viewer", "age": length});
        let seed = json!({"organizations": [{"id": "acme", "invitations": [invitation]}]});
        assert_eq!(app.post("/dev/seed", &seed.to_string()).status, 200);
        let made = app.get(&invitations("acme")).json()[0]["createdAt"].clone();
        assert_eq!(made, "2026-12-01T00:00:00.000Z", "{length}");
    }
    for text in WRONG {
        assert_eq!(
            app.get(&format!("/dev/mailbox?wait={text}")).status,
            422,
            "{text}"
        );
        let advanced = app.post("/dev/clock", &json!({"advance": text}).to_string());
        assert_eq!(advanced.status, 422, "{text}");
        assert!(advanced.text().contains(FORMS), "{}", advanced.text());
    }
}
