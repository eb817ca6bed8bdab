//! What is not imported, and what is said of it: nothing is changed then.

use std::fs;

use serde_json::Value;

use super::{Place, failed, import, import_text, sealed, succeeded, word};
use crate::support::process::Server;

/// `text` with another line in the place of that with this number, and the right checksum.
fn with_line(text: &str, number: usize, line: &str) -> String {
    let mut lines: Vec<_> = text.lines().collect();
    lines[number - 1] = line;
    sealed(&(lines.join("\n") + "\n"))
}

#[test]
fn an_export_that_was_cut_off_or_changed_is_refused_and_leaves_no_file() {
    let place = Place::new();
    let to = place.path("to.db");
    let lines: Vec<_> = place.text.lines().collect();
    let cut = lines[..lines.len() - 1].join("\n") + "\n";
    let changed = place
        .text
        .replacen("linus@example.com", "linux@example.com", 1);
    let half = &place.text[..place.text.len() / 2];
    let dropped = [&lines[..3], &lines[4..]].concat().join("\n") + "\n";
    let more = format!("{}{}\n", place.text, lines[1]);
    for (text, expected) in [
        (cut.as_str(), "cut off: an export ends with"),
        (&changed, "the checksum is not that of the lines before"),
        (half, "the file is cut off"),
        (&dropped, "records, and its last line says"),
        (&more, "nothing comes behind the line"),
    ] {
        let said = failed(&import_text(&to, text));
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(
            !to.exists() && !place.path("to.db.lock").exists(),
            "{expected}"
        );
    }
}

#[test]
fn each_line_that_is_wrong_is_named_with_what_would_be_right() {
    let place = Place::new();
    let to = place.path("to.db");
    let lines: Vec<_> = place.text.lines().collect();
    let at = |kind: &str| {
        lines
            .iter()
            .position(|line| line.contains(kind))
            .expect("one")
            + 1
    };
    let (invitation, event) = (at(r#"{"invitation""#), at(r#"{"event""#));
    let (of_invitation, of_event) = (lines[invitation - 1], lines[event - 1]);
    let next_event = lines[event];
    for (number, line, expected) in [
        (
            1,
            lines[0].replace(r#""format":1"#, r#""format":2"#),
            "this version reads format 1",
        ),
        (
            2,
            "{}".to_owned(),
            "one of organization, invitation, event and end",
        ),
        (2, "nonsense".to_owned(), "The body is not JSON: "),
        (
            2,
            of_invitation.to_owned(),
            "an organization comes before what belongs to it",
        ),
        (
            invitation,
            of_invitation.replace("@", "#"),
            "/invitation/email: an address needs an @",
        ),
        (
            invitation,
            of_invitation.replace(r#""status":"accepted""#, r#""status":"joined""#),
            "/invitation/status: one of: pending, accepted",
        ),
        (
            invitation,
            of_invitation.replace(r#""createdAt":"20"#, r#""createdAt":"21"#),
            "/invitation/id: a UUIDv7 of no earlier time than createdAt",
        ),
        (
            invitation,
            of_invitation.replace(r#""delivery""#, r#""shade":1,"delivery""#),
            "/invitation/shade: no such field",
        ),
        (
            invitation,
            of_invitation.replace(r#""organizationId":""#, r#""organizationId":"x"#),
            "/invitation/organizationId: that of the organization before it",
        ),
        (
            event,
            next_event.to_owned(),
            "/event/id: events come in the order of their ids",
        ),
        (
            event,
            of_event.replace("invitation.created", "invitation.painted"),
            "/event/type: a type of events that this version knows",
        ),
    ] {
        let text = with_line(&place.text, number, &line);
        let said = failed(&import_text(&to, &text));
        assert!(said.contains(expected), "{expected}: {said}");
        // Of two events that change places the second one is wrong.
        let is_named = [number, number + 1]
            .iter()
            .any(|line| said.contains(&format!("line {line}: ")));
        assert!(is_named, "{expected}: {said}");
        assert!(!to.exists(), "{expected}");
    }
}

#[test]
fn ids_and_addresses_that_are_there_already_are_refused_with_their_lines() {
    let place = Place::new();
    let to = place.path("to.db");
    succeeded(&import_text(&to, &place.text));
    let before = Place::contents(&to);
    let renamed = sealed(
        &place
            .text
            .replace("globex", "globex2")
            .replace("acme", "acme2"),
    );
    let said = failed(&import_text(&to, &renamed));
    assert!(said.contains("is there already, in globex\n"), "{said}");
    assert!(said.contains("line 9: "), "{said}");
    assert_eq!(Place::contents(&to), before);
    let line = place
        .text
        .lines()
        .find(|line| line.contains("linus@"))
        .expect("one");
    let mut twice: Vec<_> = place.text.lines().collect();
    let at = twice
        .iter()
        .position(|other| *other == line)
        .expect("it is there");
    let value: Value = serde_json::from_str(line).expect("JSON");
    let id = value["invitation"]["id"].as_str().expect("an id");
    let other = line.replace(id, "01ffffff-ffff-7fff-bfff-ffffffffffff");
    twice.insert(at + 1, &other);
    let fresh = place.path("fresh.db");
    let said = failed(&import_text(&fresh, sealed(&(twice.join("\n") + "\n"))));
    let expected = format!(
        "line {}: another invitation stands for the address already",
        at + 2
    );
    assert!(said.contains(&expected), "{said}");
    assert!(!fresh.exists());
}

#[test]
fn nothing_is_imported_into_a_file_that_is_served_or_by_a_dry_run() {
    let place = Place::new();
    let (to, file) = (place.path("to.db"), place.path("export.jsonl"));
    fs::write(&file, &place.text).expect("it is written");
    let told = succeeded(&import(&to, &[&word(&file), "--dry-run"]));
    assert!(
        told.contains("it was only tried: nothing was changed"),
        "{told}"
    );
    assert!(!to.exists());
    let deep = place.path("new/folders/to.db");
    succeeded(&import(&deep, &[&word(&file), "--dry-run"]));
    assert!(
        !place.path("new").exists(),
        "an empty folder is a change, too"
    );
    let server = Server::serve(&to);
    let refused = import(&to, &[&word(&file)]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("hint: "), "{said}");
    drop(server);
    let before = Place::contents(&to);
    succeeded(&import(&to, &[&word(&file), "--dry-run"]));
    assert_eq!(Place::contents(&to), before);
    succeeded(&import(&to, &[&word(&file)]));
    assert_ne!(Place::contents(&to), before);
}
