//! What pages name: other pages, files, and messages of the program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Page, blocks, pages, read, root, sources};

/// The anchors of a page, as a forge makes them of its headings.
fn anchors(page: &Page) -> Vec<String> {
    let mut is_code = false;
    let headings = page.text.lines().filter_map(|line| {
        is_code ^= line.starts_with("```");
        let heading = line.trim_start_matches('#').strip_prefix(' ')?;
        (!is_code && line.starts_with('#')).then_some(heading)
    });
    let anchor = |heading: &str| -> String {
        let is_kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
        let kept = heading
            .to_lowercase()
            .chars()
            .filter(is_kept)
            .collect::<String>();
        kept.replace(' ', "-")
    };
    headings.map(anchor).collect()
}

/// Where the links of a page lead, without those to other machines.
fn links(page: &Page) -> Vec<String> {
    // A link may go over the end of a line.
    let text = page.text.replace('\n', " ");
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://"))
        .map(str::to_owned)
        .collect()
}

/// The file to which a link of a page leads, without its heading.
fn file_of(page: &Page, link: &str) -> PathBuf {
    let folder = Path::new(&page.name).parent().unwrap_or(Path::new(""));
    match link.split('#').next().unwrap_or_default() {
        "" => root().join(&page.name),
        file => root().join(folder).join(file),
    }
}

#[test]
fn each_link_leads_to_a_file_and_a_heading_that_are_there() {
    let pages = pages();
    let (mut faults, mut count) = (Vec::new(), 0);
    for page in &pages {
        for target in links(page) {
            count += 1;
            let (_, anchor) = target.split_once('#').unwrap_or_default();
            let Ok(path) = file_of(page, &target).canonicalize() else {
                faults.push(format!("{}: {target}", page.name));
                continue;
            };
            let of_file = |page: &&Page| root().join(&page.name) == path;
            let named = pages.iter().find(of_file);
            let is_there = named.is_none_or(|named| {
                anchor.is_empty() || anchors(named).iter().any(|one| one == anchor)
            });
            if !is_there {
                faults.push(format!("{}: {target}", page.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count > 150, "{count}");
}

#[test]
fn each_page_is_named_in_the_index_or_beside_a_client_or_an_example_by_one_that_is() {
    let pages = pages();
    let path = |page: &Page| root().join(&page.name);
    let named_by = |page: &Page| -> Vec<PathBuf> {
        let files = links(page).into_iter();
        let files = files.filter_map(|link| file_of(page, &link).canonicalize().ok());
        files.collect()
    };
    let index = pages.iter().find(|page| page.name == "docs/README.md");
    let index: BTreeSet<_> = named_by(index.expect("the index")).into_iter().collect();
    let is_in_index = |page: &&Page| index.contains(&path(page));
    let further: BTreeSet<_> = pages
        .iter()
        .filter(is_in_index)
        .flat_map(named_by)
        .collect();
    for page in &pages {
        let is_beside = ["clients/", "examples/"]
            .iter()
            .any(|folder| page.name.starts_with(folder));
        let is_named = is_in_index(&page) || is_beside && further.contains(&path(page));
        assert!(is_named || page.name == "docs/README.md", "{}", page.name);
    }
}

#[test]
fn each_message_that_troubleshooting_quotes_is_one_of_the_program() {
    let sources = sources(&root().join("src"));
    let mut pages = pages().into_iter();
    let page = pages.find(|page| page.name == "docs/troubleshooting.md");
    let page = page.expect("the page");
    let (mut faults, mut count) = (Vec::new(), 0);
    for line in blocks(&page, "text").concat().lines() {
        // What differs from case to case stands there as an ellipsis.
        let parts = line.split("...").map(|part| part.trim_matches(' '));
        let parts: Vec<_> = parts.filter(|part| part.len() > 6).collect();
        assert!(!parts.is_empty(), "{line} quotes nothing");
        for part in parts {
            count += 1;
            if !sources.contains(part) {
                faults.push(format!("{part} (of {line})"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count > 30, "{count}");
}

#[test]
fn the_generators_of_clients_are_named_in_the_versions_that_the_checks_use() {
    let (page, run) = (read("docs/api.md"), read(".ci/run"));
    let table = page
        .split_once("| generator | version |")
        .expect("a table")
        .1;
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut count = 0;
    for row in rows {
        let cells: Vec<_> = row
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let is_used = ["@", "=="]
            .iter()
            .any(|is| run.contains(&[cells[1], is, cells[2]].concat()));
        assert!(is_used, "{row}");
        count += 1;
    }
    assert_eq!(count, 6);
}

#[test]
fn each_test_and_file_that_a_page_names_is_there() {
    let (mut faults, mut count) = (Vec::new(), 0);
    for page in pages() {
        for word in page.text.split(['`', ' ', '\n', '(', ')']) {
            let is_path = ["tests/", "deploy/", "migrations/"]
                .iter()
                .any(|folder| word.starts_with(folder));
            let word = word.trim_end_matches([',', '.', ';', ':']);
            // A pattern or a placeholder stands for several.
            if is_path && !word.contains(['*', '<', 'N']) {
                count += 1;
                if !root().join(word).exists() {
                    faults.push(format!("{}: {word}", page.name));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count > 60, "{count}");
}

#[test]
fn the_files_of_a_test_author_stand_in_their_page_as_they_run_and_ours_are_short() {
    let pages = pages();
    let page = pages.iter().find(|page| page.name == "docs/tests.md");
    let page = page.expect("the page");
    for (language, file, most) in [
        ("python", "clients/python/tests/test_story.py", 25),
        ("ts", "clients/typescript/test/story.test.ts", 25),
        ("js", ".ci/examples/workos.test.mjs", usize::MAX),
    ] {
        let text = read(file);
        assert_eq!(blocks(page, language), [text.as_str()], "{file}");
        let lines = text.lines().count();
        assert!(lines <= most, "{file}");
        assert!(page.text.contains(&format!("\n{lines} lines, ")), "{file}");
    }
}
