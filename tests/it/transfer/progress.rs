//! How far an export and an import have come: lines where nobody watches, a bar on a terminal.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use super::{export, import, succeeded, word};
use crate::support::process::{invited, run};
use crate::support::terminal;

/// Invitations of the seed: more than after how many a command tells how far it is.
const MANY: usize = 1_100;
/// Records of an export of them: the organization, the invitations, an event of each.
const RECORDS: usize = 1 + 2 * MANY;

/// Writes a seed with so many invitations.
fn write_seed(place: &Path, invitations: usize) {
    let line = |number| {
        format!(
            "{{\"invitation\":{{\"organizationId\":\"acme\",\"email\":\"p{number}@example.com\",\
             \"role\":\"admin\"}}}}\n"
        )
    };
    let lines: String = (0..invitations).map(line).collect();
    fs::write(place, lines).expect("it is written");
}

/// The lines of `said` that tell of a part of the work.
fn lines_of<'a>(said: &'a str, what: &str) -> Vec<&'a str> {
    let begin = format!("{what}: ");
    said.lines()
        .filter(|line| line.starts_with(&begin))
        .collect()
}

#[test]
fn long_exports_and_imports_say_in_lines_how_far_they_are_and_not_too_often() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (seed, file) = (path("seed.jsonl"), path("all.jsonl"));
    write_seed(&seed, MANY);
    let of_all = format!("importing: 1000 of {MANY} records");
    let of_export = format!("importing: 1000 of {RECORDS} records");
    let exporting = format!("exporting: 1000 of {RECORDS} records");
    let (from, to) = (path("from.db"), path("to.db"));
    let comparing = format!("comparing: 1000 of {} records", 2 * MANY);
    let copy = word(&path("copy.db"));
    let on = |words: &[&str]| run(&[words, &["--database", &word(&to)]].concat());
    let steps: [(&dyn Fn() -> _, &[&str]); 7] = [
        (&|| import(&from, &[&word(&seed)]), &[&of_all]),
        (&|| export(&from, &[&word(&file)]), &[&exporting]),
        (
            &|| export(&from, &["-", "--organization", "acme"]),
            &["exporting: 1000 records"],
        ),
        (
            &|| import(&to, &[&word(&file)]),
            &["checking: 1000 records", &of_export],
        ),
        (&|| on(&["verify"]), &[&comparing]),
        (&|| on(&["backup", &copy]), &[&comparing]),
        (&|| on(&["restore", &copy, "--new-secret"]), &[&comparing]),
    ];
    for (run, expected) in steps {
        let start = Instant::now();
        let output = run();
        let printed = succeeded(&output);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        for line in expected {
            let what = line.split(':').next().expect("a word");
            let lines = lines_of(&said, what);
            assert_eq!(lines.first(), Some(line), "{said}");
            let most = 1 + start.elapsed().as_secs() / 2;
            assert!(lines.len() as u64 <= most, "{said}");
            assert!(lines_of(&printed, what).is_empty());
        }
    }
}

#[test]
fn short_ones_say_nothing_on_the_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    write_seed(&path("seed.jsonl"), 3);
    let database = path("from.db");
    let file = word(&path("all.jsonl"));
    for output in [
        import(&database, &[&word(&path("seed.jsonl"))]),
        export(&database, &[&file]),
        import(&path("to.db"), &[&file]),
    ] {
        succeeded(&output);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

/// Runs the binary with `words` and a terminal as its stderr. Returns what that shows.
fn shown_by(words: &[&str]) -> String {
    let (mut ours, theirs) = terminal::open();
    let mut command = invited();
    command
        .args(words)
        .env("TERM", "xterm")
        .stdin(Stdio::null());
    let mut child = command
        .stdout(Stdio::null())
        .stderr(theirs)
        .spawn()
        .expect("it starts");
    // The other end is the program's alone, so that reading ends with it.
    drop(command);
    let (mut shown, mut bytes) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = ours.read(&mut bytes) {
        shown.extend_from_slice(&bytes[..count]);
    }
    assert!(child.wait().expect("it ends").success());
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn on_a_terminal_a_bar_shows_it_and_goes_at_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| word(&folder.path().join(name));
    write_seed(Path::new(&path("seed.jsonl")), MANY);
    let (from, to, file) = (path("from.db"), path("to.db"), path("all.jsonl"));
    let seed = path("seed.jsonl");
    for (words, parts) in [
        (["import", &seed, "--database", &from], &["importing ["][..]),
        (["export", &file, "--database", &from], &["exporting ["]),
        (
            ["import", &file, "--database", &to],
            &["checking: 1000 records", "importing ["],
        ),
        (
            ["backup", &path("copy.db"), "--database", &from],
            &["copying ["],
        ),
    ] {
        let shown = shown_by(&words);
        for part in parts {
            assert!(shown.contains(part), "{part} in {shown:?}");
        }
        assert!(!shown.contains(" records\r\n"), "no lines: {shown:?}");
        let last = shown.rsplit("\u{1b}[2K").next().unwrap_or_default();
        assert!(
            !last.contains('[') || !last.contains('%'),
            "it stays: {shown:?}"
        );
    }
}
