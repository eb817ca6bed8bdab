//! Each command line in a ```` ```console ```` block of a page is run in the order of the page, on a
//! machine of the page's own. It must end well, and say what the page shows.

use super::elsewhere::{PLAYED, where_run};
use super::shape::shape;
use super::stage::Stage;
use super::{Page, blocks, pages};

/// A line with the output that the page shows.
struct Line {
    /// What is typed.
    typed: String,
    /// What comes; empty: the page shows nothing.
    shown: String,
}

/// The lines of a page, in their order. A backslash at its end goes on with the next one.
fn lines(page: &Page) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for block in blocks(page, "console") {
        // One that belongs to a step of a list is indented.
        let block = block.replace("\\\n", " ");
        assert!(
            block.trim_start().starts_with("$ "),
            "{}: {block}",
            page.name
        );
        for line in block.lines().map(str::trim_start) {
            match (line.strip_prefix("$ "), lines.last_mut()) {
                (Some(typed), _) => lines.push(Line {
                    typed: typed.split_whitespace().collect::<Vec<_>>().join(" "),
                    shown: String::new(),
                }),
                (None, Some(last)) => last.shown += &format!("{line}\n"),
                (None, None) => {}
            }
        }
    }
    lines
}

/// The subcommand of `invited` that a line begins with, behind its variables; none: it begins with
/// another program.
fn subcommand(line: &str) -> Option<&str> {
    let is_variable = |word: &&str| word.starts_with("INVITED_") && word.contains('=');
    let mut words = line.split(' ').skip_while(is_variable);
    (words.next() == Some("invited")).then(|| words.next())?
}

/// Runs a line on `stage`. Returns what is not as the page says.
fn play(stage: &mut Stage, line: &Line) -> Result<(), String> {
    let typed = &line.typed;
    let output = match subcommand(typed) {
        Some("serve") => return stage.start(typed),
        // They need the file for themselves.
        Some("restore" | "migrate") => {
            stage.stop();
            stage.run(typed)
        }
        _ => {
            stage.serve();
            if typed.starts_with("curl ") {
                return match stage.curl(typed) {
                    answer if answer.status < 300 => Ok(()),
                    answer => Err(answer.text()),
                };
            }
            stage.run(typed)
        }
    };
    if !output.status.success() {
        return Err(stage.shown(&output.stderr));
    }
    let (said, shown) = (shape(&stage.shown(&output.stdout)), shape(&line.shown));
    if shown.is_empty() || said == shown {
        Ok(())
    } else {
        Err(format!("it says\n{}", said.join("\n")))
    }
}

#[test]
fn each_command_line_of_the_pages_runs_or_is_said_to_run_elsewhere() {
    let (mut run, mut faults) = (0, Vec::new());
    for page in pages() {
        let mut stage = None;
        for line in lines(&page) {
            let typed = &line.typed;
            let is_own = subcommand(typed).is_some()
                || ["curl ", "chmod "]
                    .iter()
                    .any(|start| typed.starts_with(start));
            let is_played = PLAYED.contains(&page.name.as_str()) && typed.starts_with("curl ");
            if where_run(&page.name, typed).is_some() || is_played {
                continue;
            }
            run += 1;
            let outcome = if is_own {
                play(stage.get_or_insert_with(Stage::new), &line)
            } else {
                Err("it is not in tests/it/docs/elsewhere.rs, and does not run here".to_owned())
            };
            faults.extend(
                outcome
                    .err()
                    .map(|why| format!("{}: {typed}: {why}", page.name)),
            );
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(run > 25, "{run}");
}

#[test]
fn what_is_said_to_run_elsewhere_stands_on_a_page_still_and_runs_there() {
    let pages = pages();
    for line in super::elsewhere::ELSEWHERE {
        let page = pages.iter().find(|page| page.name == line.page);
        let page = page.unwrap_or_else(|| panic!("{} is no page", line.page));
        let mut typed = lines(page).into_iter().map(|line| line.typed);
        assert!(
            typed.any(|typed| typed.starts_with(line.begins)),
            "{} has no line `{}`",
            line.page,
            line.begins
        );
        line.place.check();
    }
}

#[test]
fn no_page_has_command_lines_in_another_kind_of_block() {
    for page in pages() {
        for language in ["sh", "shell", "bash"] {
            assert!(
                blocks(&page, language).is_empty(),
                "{}: {language}",
                page.name
            );
        }
    }
}
