//! An import is whole or nothing, whatever ends it.

use std::process::Stdio;
use std::time::Instant;

use serde_json::json;

use super::{Place, export, import, records, succeeded, word};
use crate::support::process::{Server, invited, run};
use crate::support::{invitations, scale};

/// The variable that selects the full figure when it says `full`.
const SCALE_VARIABLE: &str = "INVITED_BACKUPS";
/// Invitations of the export.
const ROWS: usize = 1_500;

#[test]
fn an_import_that_is_killed_has_done_nothing_or_all_and_can_be_done_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let server = Server::serve(&path("from.db"));
    let key = server.admin_key().expect("a key");
    let numbers: Vec<_> = (0..ROWS).collect();
    for batch in numbers.chunks(1_000) {
        let row = |number: &usize| json!({"email": format!("p{number}@b.co"), "role": "x"});
        let rows: Vec<_> = batch.iter().map(row).collect();
        let request = server.request("POST", &format!("{}/batch", invitations("acme")));
        let answer = request
            .bearer(&key)
            .json(json!({"invitations": rows}).to_string());
        assert_eq!(answer.send().status, 200);
    }
    let file = path("export.jsonl");
    let begun = Instant::now();
    succeeded(&export(&path("from.db"), &[&word(&file)]));
    succeeded(&import(&path("timed.db"), &[&word(&file)]));
    let took = begun.elapsed();
    let kills = scale(SCALE_VARIABLE, 10, 50);
    let (mut nothing, whole) = (0, json!(ROWS));
    for kill in 0..kills {
        let to = path(&format!("to{kill}.db"));
        let mut command = invited();
        command.arg("import").arg(&file).arg("--database").arg(&to);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let share = f64::from(u32::try_from(kill).expect("few")) / 10.0 % 1.0;
        std::thread::sleep(took.mul_f64(share));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        if to.exists() && Place::contents(&to)["invitations"] == whole {
            continue;
        }
        nothing += 1;
        assert!(!to.exists() || Place::contents(&to)["invitations"] == 0);
        succeeded(&import(&to, &[&word(&file)]));
        assert_eq!(Place::contents(&to)["invitations"], whole);
        succeeded(&run(&["verify", "--database", &word(&to)]));
    }
    assert!(nothing > 0, "{nothing} of {kills}");
    let text = succeeded(&export(&path("timed.db"), &["-"]));
    assert_eq!(records(&text).len(), 2 * ROWS + 1);
}
